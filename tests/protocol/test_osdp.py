"""OSDP packets: the captured ones byte for byte, every split, spoilt ones, any noise."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.osdp import COLOURS, MOST_BYTES, Answer, Bad, Command, Packet, Reader, lamp, parse_lamps
from protocol.osdp_explain import explain

CAPTURED = [
    "FF 53 05 08 00 04 60 BC 89",
    "53 85 08 00 04 40 0E 8F",
    "FF 53 05 08 00 06 60 DE EF",
    "53 85 0B 00 06 53 00 01 31 5D 3D",
    "FF 53 05 16 00 07 69 00 00 02 02 02 02 00 32 00 00 00 00 00 00 A5 A2",
    "53 85 08 00 07 40 5D DA",
    "53 65 07 00 00 60 E1",
    "53 E5 07 00 01 40 80",
    "53 E5 09 00 05 41 01 0E 8F",
]
"""protocols.md 3.2: between the programs osdp and libosdp, and from libosdp's own tests."""

packets = st.builds(
    Packet,
    st.integers(0, 127),
    st.booleans(),
    st.integers(0, 3),
    st.booleans(),
    st.integers(0, 255),
    st.binary(max_size=40),
    security=st.just(b""),
)


@pytest.mark.parametrize("frame", CAPTURED)
def test_captured_packets(frame: str) -> None:
    """Each is read, and built again byte for byte."""
    data = bytes.fromhex(frame)
    (packet,) = Reader().feed(data)
    assert isinstance(packet, Packet)
    assert packet.wire(mark=data[0] == 0xFF) == data


@given(packets)
def test_what_is_built_is_read(packet: Packet) -> None:
    """Any packet comes back as it was."""
    assert Reader().feed(packet.wire(mark=True)) == [packet]


@given(st.lists(st.one_of(packets.map(Packet.wire), st.binary(max_size=12)), max_size=6), st.data())
@settings(max_examples=150)
def test_how_a_stream_is_cut_does_not_matter(pieces: list[bytes], data: st.DataObject) -> None:
    """The same bytes in other pieces give the same packets."""
    stream = b"".join(pieces)
    whole = Reader()
    expected = [*whole.feed(stream), *whole.gap()]
    reader = Reader()
    cuts = sorted(data.draw(st.lists(st.integers(0, max(len(stream), 1)), max_size=5)))
    made = []
    for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        made += reader.feed(stream[a:b])
    assert [*made, *reader.gap()] == expected


@given(packets, st.data())
def test_one_wrong_bit_is_found(packet: Packet, data: st.DataObject) -> None:
    """A flipped bit is no packet, or another's length; never the packet itself."""
    wire = bytearray(packet.wire())
    at = data.draw(st.integers(0, len(wire) - 1))
    wire[at] ^= 1 << data.draw(st.integers(0, 7))
    reader = Reader()
    assert packet not in [*reader.feed(bytes(wire)), *reader.gap()]


@given(st.binary(max_size=400), packets)
@settings(max_examples=150)
def test_after_noise_and_silence_a_packet_is_read(noise: bytes, packet: Packet) -> None:
    """Whatever came before."""
    reader = Reader()
    reader.feed(noise)
    reader.gap()
    assert reader.feed(packet.wire())[-1:] == [packet]


def test_a_hundred_thousand_bytes() -> None:
    """Noise that is full of begins, in pieces: bounded, and the packet behind it is read."""
    rng = random.Random(3)
    reader = Reader()
    for _ in range(1000):
        reader.feed(bytes(rng.choice((0x53, 0x05, 0x00, 0x04, rng.randrange(256))) for _ in range(100)))
        assert len(reader._buf) <= MOST_BYTES + 100
    reader.gap()
    packet = Packet(5, False, 1, True, Command.POLL)
    assert reader.feed(packet.wire()) == [packet]


@pytest.mark.gate
def test_ten_million_bytes() -> None:
    """The same at a hundred times the length."""
    rng = random.Random(4)
    reader = Reader()
    packet = Packet(5, False, 1, True, Command.POLL)
    for _ in range(2500):
        noise = bytearray(rng.randbytes(4000))
        for at in range(0, 4000, rng.randrange(5, 60)):
            noise[at : at + 5] = b"\x53\x05\x40\x00\x04"
        reader.feed(bytes(noise))
    reader.gap()
    assert reader.feed(packet.wire()) == [packet]


def test_a_bad_check_is_told() -> None:
    """A damaged packet is named with what its head says, so that a device can refuse it."""
    wire = bytearray(Packet(5, False, 2, True, Command.POLL).wire())
    wire[-1] ^= 1
    assert Reader().feed(bytes(wire))[0] == Bad(5, False, 2, True)


def test_lamps() -> None:
    """The captured LED command: green for five seconds, blinking; and our own."""
    (one,) = parse_lamps(bytes.fromhex("0000020202020032000000000000")) or ()
    assert (one.temporary, COLOURS[one.temp_colours[0]], one.temp_on, one.lasts) == (2, "green", 200, 5000)
    assert parse_lamps(b"\x00" * 13) is None
    assert (parse_lamps(lamp(1)) or [])[0].colours == (1, 1)
    assert (parse_lamps(lamp(2, lasts_ms=3000)) or [])[0].lasts == 3000


def test_packets_in_words() -> None:
    """`hallbench decode osdp`: what a poll, a key, a refusal and a damaged packet say."""
    assert explain(bytes.fromhex(CAPTURED[0]))[0][0].startswith("POLL to device 5, sequence 0 (begins anew)")
    assert "  keys 1 of reader 0" in explain(bytes.fromhex(CAPTURED[3]))[0]
    assert explain(bytes.fromhex(CAPTURED[8]))[0][-1].endswith("the check of the command did not fit")
    assert explain(bytes.fromhex(CAPTURED[0])[:-1] + b"\x00")[1]
    assert explain(b"\x00\x01")[1]
    assert explain(Packet(1, True, 1, True, Answer.PDID, b"\x01").wire())[1] == ""
