"""MBAP framing: round trips, any cut of the stream, headers that are not Modbus, and pymodbus's opinion."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU

from protocol.modbus.mbap import HEADER, MAX_PDU, Message, Splitter, encode

messages = st.builds(Message, st.integers(0, 0xFFFF), st.integers(0, 0xFF), st.binary(min_size=1, max_size=MAX_PDU))


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(places)]


@given(st.lists(messages, max_size=6), st.lists(st.integers(0, 2000), max_size=12))
def test_any_cut_of_the_stream_gives_the_same_messages(sent, cuts):
    """However TCP cuts the stream, the messages come out whole and in order, and nothing is left."""
    splitter = Splitter()
    stream = b"".join(map(encode, sent))
    found = [message for piece in in_pieces(stream, cuts) for message in splitter.push(piece)]
    assert found == sent
    assert splitter.broken is None
    assert splitter.pending == 0


@given(messages, st.data())
def test_a_message_is_given_as_soon_as_it_is_whole_and_not_before(message, data):
    """No prefix of a message gives anything; its last byte does."""
    stream = encode(message)
    cut = data.draw(st.integers(0, len(stream) - 1))
    splitter = Splitter()
    assert splitter.push(stream[:cut]) == []
    assert splitter.pending == cut
    assert splitter.push(stream[cut:]) == [message]


@given(messages, messages, st.integers(1, 0xFFFF))
def test_a_wrong_protocol_breaks_the_stream(good, bad, protocol):
    """What came before a wrong header is given; nothing after it ever is."""
    stream = bytearray(encode(bad))
    stream[2:4] = protocol.to_bytes(2, "big")
    splitter = Splitter()
    assert splitter.push(encode(good) + bytes(stream) + encode(good)) == [good]
    assert f"protocol identifier {protocol}" in (splitter.broken or "")
    assert splitter.push(encode(good)) == []
    assert splitter.pending == 0


@given(messages, st.integers(0, 1) | st.integers(MAX_PDU + 2, 0xFFFF))
def test_a_length_that_no_message_has_breaks_the_stream(message, length):
    """A length below a unit and a function, or above a whole PDU, is found in the header alone."""
    stream = bytearray(encode(message))
    stream[4:6] = length.to_bytes(2, "big")
    splitter = Splitter()
    assert splitter.push(bytes(stream[:HEADER])) == []
    assert f"length {length}" in (splitter.broken or "")


@given(st.binary(max_size=3000), st.lists(st.integers(0, 3000), max_size=8))
def test_noise_never_raises_and_never_piles_up(noise, cuts):
    """Arbitrary bytes give messages or break the stream; never an error, never more kept than one message."""
    splitter = Splitter()
    for piece in in_pieces(noise, cuts):
        splitter.push(piece)
        assert splitter.pending < HEADER + MAX_PDU


@pytest.mark.parametrize(
    "message",
    [
        Message(-1, 1, b"x"),
        Message(65536, 1, b"x"),
        Message(1, 256, b"x"),
        Message(1, 1, b""),
        Message(1, 1, bytes(254)),
    ],
)
def test_what_no_header_can_carry_is_refused(message):
    """Fields outside their range are an error, not a wrong header."""
    with pytest.raises(ValueError, match="an MBAP message has"):
        encode(message)


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFF), st.integers(0, 0xFFFF), st.integers(1, 125))
def test_pymodbus_builds_the_same_frames(transaction, unit, address, count):
    """An independent implementation frames a request as we do, and understands ours."""
    pdu = b"\x03" + address.to_bytes(2, "big") + count.to_bytes(2, "big")
    framer = FramerSocket(DecodePDU(is_server=True))
    ours = encode(Message(transaction, unit, pdu))
    assert framer.encode(pdu, unit, transaction) == ours
    used, device, tid, found = framer.decode(ours)
    assert (used, device, tid, found) == (len(ours), unit, transaction, pdu)
