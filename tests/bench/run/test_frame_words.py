"""Frames of OSDP, Alpha and declared protocols in a few words, whatever stands on the line."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.run.frame_words import alpha_words, declared_words, osdp_words
from declared import codec
from protocol.osdp import Answer, Command, Packet

LED485 = codec("led485_ascii")
STRING_A = bytes(5) + b"\x01Z05\x02GaA009 -> 2\x030264\x04"


def name_of(address: int) -> str:
    return {3: "osdp-1"}.get(address, f"unit {address}")


def osdp(address: int, code: int, data: bytes = b"", *, reply: bool = False, sequence: int = 1) -> str:
    return osdp_words(Packet(address, reply, sequence, True, code, data).wire(), name_of).words


def test_osdp_packets_are_told_with_what_they_do() -> None:
    """Who, which command or answer, and its text, lamp or keys."""
    green = bytes((0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 2, 0))
    assert osdp(3, Command.POLL, sequence=0) == "osdp-1: POLL (begins anew)"
    assert osdp(3, Command.LED, green) == "osdp-1: LED, lamp green"
    assert osdp(9, Command.TEXT, bytes((0, 1, 0, 1, 1, 2)) + b"OK") == "unit 9: TEXT, text 'OK'"
    assert osdp(3, Answer.KEYPAD, b"\x00\x015", reply=True) == "osdp-1: KEYPAD, keys 5 of reader 0"
    assert "refused" in osdp(3, Answer.NAK, b"\x04", reply=True)


def test_a_damaged_osdp_packet_is_told_as_damaged() -> None:
    """One bit wrong: the check does not fit; half a packet is none."""
    wire = bytearray(Packet(3, True, 1, True, Answer.ACK, b"").wire())
    assert osdp_words(bytes(wire[:4]), name_of).words == ""
    wire[5] ^= 2
    assert osdp_words(bytes(wire), name_of).words == "osdp-1? its check does not fit"


def test_an_alpha_packet_is_told_by_its_commands() -> None:
    """Which file is written and with what; a wrong sum is told."""
    assert alpha_words(STRING_A).words == "write STRING 'a': A009 -> 2"
    assert "the checksum is wrong" in alpha_words(STRING_A.replace(b"A009", b"A008")).words
    assert alpha_words(b"hello").words == ""


def test_a_declared_frame_is_told_by_its_message() -> None:
    """The name of the message and its fields."""
    assert declared_words(LED485, "host", b"$001,A001#").words == "show unit=1 text='A001'"
    assert declared_words(LED485, "host", b"\xff\xfe").words == ""


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b"", b"\x53\x03", STRING_A[:9], b"$001,"]))
def test_anything_on_the_line_can_be_told(data: bytes, begin: bytes) -> None:
    """No bytes raise, in any of the protocols."""
    whole = begin + data
    told = (osdp_words(whole, name_of), alpha_words(whole), declared_words(LED485, "device", whole))
    assert all(isinstance(one.words, str) for one in told)
