"""OSDP as it is published: codes, units, lengths, security blocks; and each packet in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.osdp import BAUDS, COLOURS, KEYS, MOST_BYTES, Answer, Bad, Command, Lamp, Nak, Packet, Reader, parse_lamps
from protocol.osdp import lamp as lamp_data
from protocol.osdp_explain import explain

POLL = Packet(5, False, 1, True, Command.POLL)


def test_codes() -> None:
    """protocols.md 3.2: the commands, replies and refusals of the standard by their numbers."""
    commands = "60 61 62 64 65 66 67 68 69 6A 6B 6E 75 76 77 7B A2 A7"
    assert bytes(Command) == bytes.fromhex(commands)
    assert bytes(Answer) == bytes.fromhex("40 41 45 46 48 4B 53 54 79")
    assert bytes(Nak) == bytes((1, 2, 3, 4, 5, 6, 9))
    assert COLOURS.index("amber") == 3
    assert BAUDS == (9600, 19200, 38400, 57600, 115200, 230400)


def test_keys_are_ascii_but_for_two() -> None:
    """Digits are ASCII, * is 7F and # is 0D."""
    assert {key: bytes((code,)) for key, code in KEYS.items()} == {
        **{digit: digit.encode() for digit in "0123456789"},
        "*": b"\x7f",
        "#": b"\r",
    }


@given(st.binary(max_size=20), st.binary(max_size=20), st.booleans())
def test_a_security_block_is_read_so_that_it_can_be_refused(block: bytes, data: bytes, crc: bool) -> None:
    """The block begins with its own length, which tells where the code stands; it comes back as it was."""
    security = bytes((len(block) + 2, 0x15)) + block
    packet = Packet(5, False, 2, crc, Command.CHLNG, data, security)
    assert packet.wire()[4] & 0x08
    assert Reader().feed(packet.wire()) == [packet]


@pytest.mark.parametrize("crc", [False, True])
@pytest.mark.parametrize("length", [0, 1, 3, 4, 255])
def test_a_security_block_of_an_impossible_length_is_no_packet(length: int, crc: bool) -> None:
    """Shorter than its own head, or so long that no code is left."""
    wire = Packet(5, False, 2, crc, Command.CHLNG, b"", bytes((length, 0x15))).wire()
    reader = Reader()
    assert [*reader.feed(wire), *reader.gap()] == []
    assert reader.feed(POLL.wire()) == [POLL]


def test_the_longest_packet() -> None:
    """1440 bytes are a packet; one more is noise, which costs nothing that follows."""
    longest = Packet(5, False, 1, True, Command.TEXT, bytes(MOST_BYTES - 8))
    assert len(longest.wire()) == MOST_BYTES == 1440
    assert Reader().feed(longest.wire()) == [longest]
    longer = longest._replace(data=longest.data + b"\0")
    assert Reader().feed(longer.wire() + POLL.wire()) == [POLL]


@pytest.mark.parametrize("control", [0x14, 0x24, 0x44, 0x84])
def test_reserved_bits_begin_no_packet(control: int) -> None:
    """The upper four bits of the control byte are 0."""
    assert Reader().feed(bytes((0x53, 5, 8, 0, control, 0x60, 0, 0)) + POLL.wire()) == [POLL]


@pytest.mark.parametrize(("size", "control"), [(7, 0x04), (6, 0x00), (0, 0x04)])
def test_too_short_for_a_code_and_a_check(size: int, control: int) -> None:
    """Head, code and check are 8 bytes with the CRC and 7 with the sum; less is noise at once."""
    assert Reader().feed(bytes((0x53, 5, size, 0, control)) + POLL.wire()) == [POLL]


def test_a_packet_inside_what_never_ends() -> None:
    """A begin that announces more than comes hides a packet only until the line is silent."""
    reader = Reader()
    assert reader.feed(bytes.fromhex("53 05 40 00 04") + POLL.wire()) == []
    assert reader.pending
    assert reader.gap() == [POLL]
    assert not reader.pending


def test_a_bad_sum_is_told_as_a_bad_crc_is() -> None:
    """Whose it is, which way it went, its number, and which check it has; what follows is read."""
    wire = bytearray(Packet(9, True, 3, False, Answer.ACK).wire())
    wire[-1] ^= 0x40
    assert Reader().feed(bytes(wire) + POLL.wire()) == [Bad(9, True, 3, False), POLL]


def test_the_order_of_a_lamps_fields() -> None:
    """protocols.md 3.2: reader, lamp, temporary state (code, on, off, colours, timer), permanent one; 100 ms each."""
    assert parse_lamps(bytes.fromhex("01 02 02 03 04 01 00 2C01 01 05 06 02 03")) == [
        Lamp(1, 2, 2, 300, 400, (1, 0), 30_000, 1, 500, 600, (2, 3))
    ]
    assert len(parse_lamps(bytes(28)) or ()) == 2
    assert parse_lamps(b"") is None


def test_lamps_as_they_are_sent() -> None:
    """For good: the permanent state, always on in one colour; for a time: the temporary one, blinking."""
    assert lamp_data(3, led=1) == bytes.fromhex("00 01 00 00 00 00 00 0000 01 01 00 03 03")
    assert lamp_data(2, lasts_ms=5000) == bytes.fromhex("00 00 02 02 02 02 00 3200 00 00 00 00 00")


WORDS = [
    (Packet(127, False, 1, True, Command.POLL), "POLL to everybody, sequence 1, CRC good"),
    (Packet(5, False, 0, False, Command.ID), "ID to device 5, sequence 0 (begins anew), sum good"),
    (Packet(5, True, 0, True, Answer.ACK), "ACK from device 5, sequence 0, CRC good"),
    (Packet(5, True, 1, True, 0x60), "unknown code 60 from device 5"),
    (Packet(5, False, 1, True, Command.CHLNG, b"", b"\x02\x11"), "security block 02 11: not understood"),
    (Packet(5, False, 1, True, Command.OUT, b"\x00\x02"), "  data 00 02"),
    (Packet(5, True, 1, True, Answer.KEYPAD, b"\x01\x04" + b"09\x7f\x0d/:"), "keys 09*#?? of reader 1"),
    (Packet(5, True, 1, True, Answer.NAK, b"\x06"), "refused: it needs a secure channel"),
    (Packet(5, True, 1, True, Answer.NAK, b"\x07"), "refused: code 7"),
    (Packet(5, True, 1, True, Answer.LSTATR, b"\x01\x00"), "tamper on, supply good"),
    (Packet(5, True, 1, True, Answer.LSTATR, b"\x00\x01"), "tamper off, supply low"),
    (Packet(5, False, 1, True, Command.LED, lamp_data(2, led=7)), "lamp 7: "),
    (Packet(5, False, 1, True, Command.TEXT, b"\0\1\0\1\1\2HI"), "text 'HI'"),
    (Packet(5, False, 1, True, Command.COMSET, b"\x05\x00\x96\x00\x00"), "address 5, 38400 bit/s"),
    (Packet(5, True, 1, True, Answer.COM, b"\x06\x80\x25\x00\x00"), "address 6, 9600 bit/s"),
]


@pytest.mark.parametrize(("packet", "said"), WORDS, ids=[said for _, said in WORDS])
def test_each_packet_in_words(packet: Packet, said: str) -> None:
    """Which way, to whom, its number, its check, and what the data of the common ones mean."""
    lines, wrong = explain(packet.wire(mark=True))
    assert said in "\n".join(lines)
    assert wrong == ""


def test_lengths_tell_what_data_mean() -> None:
    """Five bytes are an address and a speed only where the code says so, and where it does only five are."""
    for packet in (
        Packet(5, False, 1, True, Command.OUT, bytes(5)),
        Packet(5, False, 1, True, Command.COMSET, bytes(4)),
        Packet(5, True, 1, True, Answer.LSTATR, bytes(3)),
        Packet(5, True, 1, True, Answer.KEYPAD, bytes(2)),
        Packet(5, False, 1, True, Command.TEXT, bytes(6)),
        Packet(5, True, 1, True, Answer.NAK),
    ):
        assert len(explain(packet.wire())[0]) == (2 if packet.data else 1)


@given(st.booleans(), st.integers(0, 3), st.booleans(), st.integers(0, 255))
def test_any_code_has_words(reply: bool, sequence: int, crc: bool, code: int) -> None:
    """A packet without data is told in one line, whatever its code, and nothing is wrong with it."""
    lines, wrong = explain(Packet(5, reply, sequence, crc, code).wire())
    assert (len(lines), wrong) == (1, "")


@given(st.binary(max_size=8))
def test_what_belongs_to_no_packet_is_counted(data: bytes) -> None:
    """Stray bytes are told, also behind a packet whose data look like a mark and a begin; marks are no strays."""
    wire = Packet(5, False, 1, True, Command.OUT, data + b"\xff\x53").wire(mark=True)
    assert explain(wire + wire)[1] == ""
    assert explain(wire + b"\x00")[1] == "1 bytes belong to no packet"
    assert explain(b"\x01\x02" + wire)[1] == "2 bytes belong to no packet"


def test_damage_is_told_and_what_is_incomplete() -> None:
    """A packet whose check does not fit, by whom it was; and that nothing was complete."""
    wire = bytearray(Packet(5, True, 2, True, Answer.ACK).wire())
    wire[-1] ^= 1
    lines, wrong = explain(bytes(wire))
    assert lines == ["a packet from device 5, sequence 2: its check does not fit"]
    assert wrong == "the check of a packet from device 5 does not fit"
    assert explain(bytes(wire) + POLL.wire())[0][1:] == ["POLL to device 5, sequence 1, CRC good"]
    assert explain(POLL.wire()[:-1]) == ([], "no packet is complete in it")
