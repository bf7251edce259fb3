"""The master's side: requests within limits, and replies that are read only in the light of their request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.modbus import requests as rq
from protocol.modbus.pdu import decode
from protocol.modbus.requests import BadReply, device_objects, parse_reply
from protocol.modbus.rtu import is_sound, seal

VECTORS = [
    (rq.read_registers(1, 0x03, 0, 2), "01 03 00 00 00 02 C4 0B"),
    (rq.write_register(1, 0, 123), "01 06 00 00 00 7B C9 E9"),
    (rq.write_registers(1, 0x0070, [0x4130, 0x3031]), "01 10 00 70 00 02 04 41 30 30 31 35 6C"),
    (rq.read_fifo(1, 0x04DE), "01 18 04 DE 03 47"),
    (rq.diagnostics(1, 0x00, 0xA537), "01 08 00 00 A5 37 DA 8D"),
    (rq.diagnostics(1, 0x0B), "01 08 00 0B 00 00 91 C9"),
    (rq.diagnostics(1, 0x04), "01 08 00 04 00 00 A1 CA"),
    (rq.device_id(1), "01 2B 0E 01 00 70 77"),
    (rq.write_register(0, 0x0024, 1), "00 06 00 24 00 01 09 D0"),
    (rq.event_counter(1), "01 0B 41 E7"),
    (rq.server_id(1), "01 11 C0 2C"),
    (rq.diagnostics(0x0B, 0x00, 0x0203), "0B 08 00 00 02 03 A1 C0"),
    # DM36B06: "A001  " (protocols.md 1.4)
    (
        rq.write_registers(1, 0, list(b"A001  ")),
        "01 10 00 00 00 06 0C 00 41 00 30 00 30 00 31 00 20 00 20 42 3E",
    ),
]

REPLIES = [
    (rq.read_registers(1, 0x03, 0, 2), "01 03 04 00 00 00 05 3A 30", (0, 5)),
    (rq.write_register(1, 0, 123), "01 06 00 00 00 7B C9 E9", ()),
    (rq.write_registers(1, 0x0070, [0x4130, 0x3031]), "01 10 00 70 00 02 40 13", ()),
    (rq.read_fifo(1, 0x04DE), "01 18 00 06 00 02 01 B8 12 84 19 18", (0x1B8, 0x1284)),
    (rq.read_fifo(1, 0x04DE), "01 18 00 02 00 00 80 08", ()),
    (rq.diagnostics(1, 0, 0xA537), "01 08 00 00 A5 37 DA 8D", (0xA537,)),
    (rq.diagnostics(1, 0x0B), "01 08 00 0B 00 2A 10 16", (42,)),
]

REFUSALS = [
    (rq.read_registers(1, 0x03, 0, 2), "01 83 02 C0 F1", 0x02),
    (rq.read_fifo(1, 0x04DE), "01 98 01 8A 00", 0x01),
]


@pytest.mark.parametrize(("frame", "text"), VECTORS, ids=[text for _, text in VECTORS])
def test_vectors(frame, text):
    """Requests are the frames of protocols.md 1.3."""
    assert frame == bytes.fromhex(text)


@pytest.mark.parametrize(("request_", "text", "values"), REPLIES, ids=[text for _, text, _ in REPLIES])
def test_replies(request_, text, values):
    """The replies of protocols.md 1.3 say what they should."""
    reply = parse_reply(request_, bytes.fromhex(text))
    assert (reply.unit, reply.function, reply.values, reply.exception) == (1, request_[1], values, None)


@pytest.mark.parametrize(("request_", "text", "code"), REFUSALS)
def test_exceptions(request_, text, code):
    """An exception reply is told by its code, under the function that was asked."""
    reply = parse_reply(request_, bytes.fromhex(text))
    assert (reply.function, reply.values, reply.exception) == (request_[1], (), code)


READ = rq.read_registers(5, 0x04, 0, 2)
ONE_COIL = rq.write_bit(5, 3, True)
FALSE_REPLIES = [
    (READ, "05 04 04 0000 0005", "another unit", "06 04 04 0000 0005"),
    (READ, "05 04 04 0000 0005", "another function", "05 03 04 0000 0005"),
    (READ, "05 04 04 0000 0005", "byte count too small", "05 04 02 0000"),
    (READ, "05 04 04 0000 0005", "byte count too large", "05 04 06 0000 0005 0001"),
    (READ, "05 04 04 0000 0005", "byte count a lie", "05 04 04 0000"),
    (READ, "05 04 04 0000 0005", "exception too long", "05 84 02 00"),
    (READ, "05 04 04 0000 0005", "exception of another function", "05 83 02"),
    (ONE_COIL, "05 05 0003 FF00", "another address", "05 05 0004 FF00"),
    (ONE_COIL, "05 05 0003 FF00", "another value", "05 05 0003 0000"),
    (rq.write_bits(5, 3, [1, 0]), "05 0F 0003 0002", "another quantity", "05 0F 0003 0003"),
    (rq.write_registers(5, 3, [1]), "05 10 0003 0001", "another start", "05 10 0004 0001"),
    (rq.mask_write(5, 1, 2, 3), "05 16 0001 0002 0003", "another mask", "05 16 0001 0002 0004"),
    (rq.diagnostics(5, 0x0B), "05 08 000B 0007", "another sub-function", "05 08 000C 0007"),
    (rq.diagnostics(5, 0, 0x1234), "05 08 0000 1234", "a loopback that changed", "05 08 0000 1235"),
    (rq.read_fifo(5, 9), "05 18 0004 0001 0007", "count a lie", "05 18 0004 0002 0007"),
    (rq.read_fifo(5, 9), "05 18 0002 0000", "a queue of 32", "05 18 0042 0020" + "0007" * 32),
    (rq.event_counter(5), "05 0B 0000 0007", "too long", "05 0B 0000 0007 00"),
    (rq.server_id(5), "05 11 02 41 FF", "byte count a lie", "05 11 03 41 FF"),
    (rq.read_bits(5, 0x01, 0, 9), "05 01 02 FF 01", "one character for nine bits", "05 01 01 FF"),
    (rq.device_id(5), "05 2B 0E 01 81 00 00 01 00 01 41", "ends in an object", "05 2B 0E 01 81 00 00 02 00 01 41"),
    (rq.device_id(5), "05 2B 0E 01 81 00 00 01 00 01 41", "too long", "05 2B 0E 01 81 00 00 01 00 01 41 42"),
    (rq.device_id(5), "05 2B 0E 01 81 00 00 01 00 01 41", "another code", "05 2B 0E 02 81 00 00 01 00 01 41"),
]


@pytest.mark.parametrize(
    ("request_", "good", "why", "bad"), FALSE_REPLIES, ids=[f"{row[0][1]:02X} {row[2]}" for row in FALSE_REPLIES]
)
def test_false_replies(request_, good, why, bad):
    """A sound frame that does not fit the request is no reply; the one that does fit is."""
    assert parse_reply(request_, seal(bytes.fromhex(good))).exception is None
    with pytest.raises(BadReply):
        parse_reply(request_, seal(bytes.fromhex(bad)))


def test_bad_crc_is_told():
    """The reason names the CRC that came and the one that should have."""
    with pytest.raises(BadReply, match="3A 31, it should be 3A 30"):
        parse_reply(VECTORS[0][0], bytes.fromhex("01 03 04 00 00 00 05 3A 31"))
    with pytest.raises(BadReply, match="not 3"):
        parse_reply(VECTORS[0][0], b"\x01\x03\x04")


def test_broadcast_has_no_reply():
    """Whatever comes after a broadcast is no reply to it."""
    with pytest.raises(BadReply, match="broadcast"):
        parse_reply(rq.write_register(0, 1, 2), rq.write_register(0, 1, 2))


def test_device_objects():
    """Objects come by number, with what to ask for next."""
    request = rq.device_id(1, 2, 0)
    frame = seal(bytes.fromhex("01 2B 0E 02 82 FF 03 02 00 02 48 42 01 01 58"))
    told = device_objects(parse_reply(request, frame))
    assert told == (2, 0x82, True, 3, {0: b"HB", 1: b"X"})


LIMITS = [
    lambda: rq.read_registers(1, 0x03, 0, 0),
    lambda: rq.read_registers(1, 0x03, 0, 126),
    lambda: rq.read_registers(1, 0x03, 0xFFFF, 2),
    lambda: rq.read_registers(1, 0x01, 0, 1),
    lambda: rq.read_registers(0, 0x03, 0, 1),
    lambda: rq.read_registers(248, 0x03, 0, 1),
    lambda: rq.read_bits(1, 0x03, 0, 1),
    lambda: rq.read_bits(1, 0x01, 0, 2001),
    lambda: rq.write_register(1, 0x10000, 0),
    lambda: rq.write_register(1, 0, 0x10000),
    lambda: rq.write_register(1, 0, -1),
    lambda: rq.write_register(-1, 0, 0),
    lambda: rq.write_registers(1, 0, []),
    lambda: rq.write_registers(1, 0, [0] * 124),
    lambda: rq.write_registers(1, 0, [65536]),
    lambda: rq.write_bits(1, 0, [0] * 1969),
    lambda: rq.mask_write(1, 0, 0x10000, 0),
    lambda: rq.read_write(1, 0, 126, 0, [0]),
    lambda: rq.read_write(1, 0, 1, 0, [0] * 122),
    lambda: rq.read_write(0, 0, 1, 0, [0]),
    lambda: rq.read_fifo(1, 0x10000),
    lambda: rq.diagnostics(1, 0, b"\x01"),
    lambda: rq.diagnostics(1, 0, bytes(252)),
    lambda: rq.diagnostics(0, 0),
    lambda: rq.device_id(1, 5),
    lambda: rq.device_id(1, 4, 256),
]


@pytest.mark.parametrize("build", LIMITS)
def test_limits(build):
    """A request that the document does not allow is not built."""
    with pytest.raises(ValueError):
        build()


words = st.integers(0, 0xFFFF)
units = st.integers(1, 247)


@st.composite
def requests_and_replies(draw):
    """A request, the reply a right server gives, and the values it means."""
    unit, start = draw(units), draw(st.integers(0, 0xF000))
    kind = draw(st.integers(0, 9))
    values = draw(st.lists(words, min_size=1, max_size=121))
    bits = draw(st.lists(st.integers(0, 1), min_size=1, max_size=300))
    raw = b"".join(value.to_bytes(2, "big") for value in values)
    packed = sum(bit << i for i, bit in enumerate(bits)).to_bytes((len(bits) + 7) // 8, "little")
    counted = bytes((len(raw),)) + raw
    if kind < 2:
        fc = 3 + kind
        return rq.read_registers(unit, fc, start, len(values)), seal(bytes((unit, fc)) + counted), tuple(values)
    if kind < 4:
        fc = kind - 1
        reply = seal(bytes((unit, fc, len(packed))) + packed)
        return rq.read_bits(unit, fc, start, len(bits)), reply, tuple(bits)
    if kind == 4:
        request = rq.read_write(unit, start, len(values), start, values)
        return request, seal(bytes((unit, 0x17)) + counted), tuple(values)
    if kind == 5:
        queue = values[:31]
        body = (2 * len(queue) + 2).to_bytes(2, "big") + len(queue).to_bytes(2, "big") + raw[: 2 * len(queue)]
        return rq.read_fifo(unit, start), seal(bytes((unit, 0x18)) + body), tuple(queue)
    if kind == 6:
        request = rq.write_registers(unit, start, values)
        return request, seal(request[:6]), ()
    if kind == 7:
        request = rq.write_bits(unit, start, bits)
        return request, seal(request[:6]), ()
    request = rq.write_register(unit, start, values[0]) if kind == 8 else rq.mask_write(unit, start, *values[:1], 7)
    return request, request, ()


@given(requests_and_replies())
def test_round_trip(exchange):
    """What is built is sound and read by a server; the reply to it says the values that were put in."""
    request, frame, values = exchange
    assert is_sound(request)
    decode(request[1:-2])
    reply = parse_reply(request, frame)
    assert (reply.values, reply.exception) == (values, None)


@given(requests_and_replies(), st.binary(max_size=260), st.booleans())
def test_any_reply_is_read_or_refused(exchange, junk, sealed):
    """Whatever comes back is a `Reply` that fits or a `BadReply`, never another error."""
    request = exchange[0]
    frame = seal(request[:2] + junk) if sealed else junk
    try:
        reply = parse_reply(request, frame)
    except BadReply:
        return
    assert is_sound(frame)
    assert (reply.unit, reply.function) == (request[0], request[1])
