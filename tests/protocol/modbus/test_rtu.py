"""RTU framing: silence, soundness, and lengths foreseen from the first characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.modbus import requests
from protocol.modbus.rtu import is_sound, reply_length, request_length, seal, t15, t35

SILENCES = [
    # baud, bits of a character, t1.5 ns, t3.5 ns (rounded up): protocols.md 1.1 gives 1.719/4.010 and 0.859/2.005 ms
    (9600, 11, 1_718_750, 4_010_417),
    (19200, 11, 859_375, 2_005_209),
    (9600, 10, 1_562_500, 3_645_834),
    (1200, 11, 13_750_000, 32_083_334),
    (9600, 10.5, 1_640_625, 3_828_125),
    (19201, 11, 750_000, 1_750_000),
    (38400, 10, 750_000, 1_750_000),
    (115200, 11, 750_000, 1_750_000),
]

REPLIES = [
    "01 01 01 05",
    "01 03 04 00 00 00 05",
    "01 05 00 01 FF 00",
    "01 06 00 00 00 7B",
    "01 07 6D",
    "01 08 00 0B 00 2A",
    "01 0B 00 00 01 08",
    "01 0C 08 00 00 01 08 01 21 20 00",
    "01 0F 00 13 00 0A",
    "01 10 00 70 00 02",
    "01 11 04 48 42 31 FF",
    "01 14 06 05 06 0D FE 00 20",
    "01 16 00 04 00 F2 00 25",
    "01 17 04 00 FE 0A CD",
    "01 18 00 06 00 02 01 B8 12 84",
    "01 18 00 02 00 00",
    "01 2B 0E 01 81 00 00 03 00 02 48 42 01 01 58 02 03 31 2E 30",
    "01 83 02",
]


@pytest.mark.parametrize(("baud", "bits", "inside", "between"), SILENCES)
def test_silences(baud, bits, inside, between):
    """t1.5 and t3.5 are 1.5 and 3.5 characters up to 19200 bit/s, rounded up to a ns, and fixed above."""
    assert (t15(baud, bits), t35(baud, bits)) == (inside, between)


@given(st.binary(min_size=2, max_size=254), st.data())
def test_sound(body, data):
    """A sealed body is sound; with any one bit changed, or a character missing, it is not."""
    frame = seal(body)
    assert is_sound(frame)
    at = data.draw(st.integers(0, 8 * len(frame) - 1))
    flipped = bytearray(frame)
    flipped[at // 8] ^= 1 << at % 8
    assert not is_sound(bytes(flipped))


@pytest.mark.parametrize("body", [b"", b"\x01", bytes(255)])
def test_size_counts(body):
    """A right CRC does not make a frame of fewer than 4 or more than 256 characters."""
    assert not is_sound(seal(body))


EVERY_REQUEST = [
    requests.read_bits(1, 0x01, 0, 2000),
    requests.read_bits(1, 0x02, 0, 1),
    requests.read_registers(1, 0x03, 0, 125),
    requests.read_registers(1, 0x04, 0, 1),
    requests.write_bit(1, 0, True),
    requests.write_register(1, 0, 7),
    requests.write_bits(1, 0, [1] * 9),
    requests.write_registers(1, 0, [1] * 123),
    requests.mask_write(1, 0, 0, 0),
    requests.read_write(1, 0, 1, 0, [1] * 121),
    requests.read_fifo(1, 0),
    requests.diagnostics(1, 0x0B),
    requests.device_id(1),
    requests.event_counter(1),
    requests.server_id(1),
]


@pytest.mark.parametrize("frame", EVERY_REQUEST, ids=lambda frame: f"{frame[1]:02X}")
def test_request_length(frame):
    """The length of a request is told by its beginning, never wrongly by a shorter one, and never differently later."""
    told = [request_length(frame[:n]) for n in range(len(frame) + 1)]
    assert told[-1] == len(frame)
    first = next(n for n, length in enumerate(told) if length is not None)
    assert told[first:] == [len(frame)] * (len(frame) + 1 - first)


@pytest.mark.parametrize("body", REPLIES)
def test_reply_length(body):
    """The length of a reply is told by its beginning, and never differently later."""
    frame = seal(bytes.fromhex(body))
    told = [reply_length(frame[:n]) for n in range(len(frame) + 1)]
    assert told[-1] == len(frame)
    first = next(n for n, length in enumerate(told) if length is not None)
    assert told[first:] == [len(frame)] * (len(frame) + 1 - first)


def test_unknown_lengths():
    """Of an unknown function, or another type of FC 0x2B, nothing is claimed."""
    assert request_length(bytes.fromhex("01 42 00 00 00 00 00")) is None
    assert reply_length(bytes.fromhex("01 42 00 00 00 00 00")) is None
    assert reply_length(bytes.fromhex("01 2B 0D 00 00 00 00 00 00 00")) is None


@given(st.binary(max_size=300))
def test_lengths_never_raise(buf):
    """Whatever begins a buffer, a length of 4 or more is told, or none."""
    for length in (request_length(buf), reply_length(buf)):
        assert length is None or length >= 4
