"""OSDP packets in words: whatever a packet says is told, and what is wrong with a piece of a line is named."""

from __future__ import annotations

import pytest

from protocol.osdp import Answer, Command, Nak, Packet
from protocol.osdp_explain import explain


def packet(code: int, data: bytes = b"", *, reply: bool = False, **more: object) -> Packet:
    return Packet(5, reply, 1, True, code, data, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (packet(Answer.KEYPAD, b"\x00\x0319*"[:5], reply=True), "keys 19? of reader 0"),
        (packet(Answer.KEYPAD, bytes((1, 3, 0x39, 0x7F, 0x0D)), reply=True), "keys 9*# of reader 1"),
        (packet(Answer.NAK, bytes((Nak.UNKNOWN,)), reply=True), "refused: the command is not known"),
        (packet(Answer.NAK, b"\xee", reply=True), "refused: code 238"),
        (packet(Answer.LSTATR, b"\x00\x00", reply=True), "tamper off, supply good"),
        (packet(Answer.LSTATR, b"\x01\x01", reply=True), "tamper on, supply low"),
        (packet(Command.TEXT, b"\x00\x01\x00\x01\x01\x05hello"), "text 'hello'"),
        (packet(Command.COMSET, bytes((7, 0x00, 0xC2, 0x01, 0x00))), "address 7, 115200 bit/s"),
        (packet(Answer.COM, bytes((7, 0x80, 0x25, 0x00, 0x00)), reply=True), "address 7, 9600 bit/s"),
        (packet(0xF3), "unknown code F3 to device 5, sequence 1, CRC good"),
        (packet(Command.POLL, security=b"\x02\x15"), "security block 02 15: not understood, only clear mode is"),
    ],
)
def test_each_packet_says_what_it_means(sent: Packet, says: str) -> None:
    """The words of a packet are among its lines, and nothing is wrong with it."""
    lines, problem = explain(sent.wire())
    assert says in "\n".join(lines)
    assert problem == ""


@pytest.mark.parametrize(
    "short",
    [
        packet(Answer.KEYPAD, b"\x00\x00", reply=True),
        packet(Answer.NAK, reply=True),
        packet(Answer.LSTATR, b"\x01", reply=True),
        packet(Command.TEXT, b"\x00\x01\x00\x01\x01\x05"),
        packet(Command.COMSET, b"\x07\x00"),
    ],
)
def test_data_too_short_for_a_meaning_is_shown_as_bytes_alone(short: Packet) -> None:
    """No meaning is made up: besides the packet itself only its data is told."""
    lines, problem = explain(short.wire())
    assert [line.split()[0] for line in lines[1:]] == (["data"] if short.data else [])
    assert problem == ""


def test_everybody_is_told_as_such() -> None:
    """Address 7F is no device: all hear it."""
    (line,), _ = explain(Packet(0x7F, False, 0, False, Command.POLL).wire())
    assert line == "POLL to everybody, sequence 0 (begins anew), sum good"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\x01\x02\x03", "no packet is complete in it"),
        (packet(Command.POLL).wire()[:-1] + b"\x00", "the check of a packet to device 5 does not fit"),
        (packet(Command.POLL).wire() + b"\x01\x02", "2 bytes belong to no packet"),
        (b"\x01" + packet(Command.POLL).wire(mark=True), "1 bytes belong to no packet"),
        (packet(Command.POLL).wire(mark=True), ""),
    ],
)
def test_what_is_wrong_with_a_piece_of_a_line_is_named(data: bytes, problem: str) -> None:
    """Nothing complete, a check that does not fit, bytes between packets; the mark before a packet is none of these."""
    assert explain(data)[1] == problem
