"""Requests as a server reads them: limits, byte counts, values, and the exception each fault gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.modbus.pdu import (
    FC,
    REQUESTS,
    Diagnose,
    MaskWrite,
    ModbusException,
    Plain,
    Read,
    ReadDeviceId,
    ReadFifo,
    ReadWrite,
    Table,
    Write,
    decode,
    pack_bits,
    unpack_bits,
)

GOOD = [
    ("01 0013 0025", Read(Table.COILS, 0x13, 37)),
    ("01 0000 07D0", Read(Table.COILS, 0, 2000)),
    ("02 00C4 0016", Read(Table.DISCRETES, 0xC4, 22)),
    ("03 006B 0003", Read(Table.HOLDING, 0x6B, 3)),
    ("03 FFFF 007D", Read(Table.HOLDING, 0xFFFF, 125)),
    ("04 0008 0001", Read(Table.INPUTS, 8, 1)),
    ("05 00AC FF00", Write(Table.COILS, 0xAC, (1,))),
    ("05 00AC 0000", Write(Table.COILS, 0xAC, (0,))),
    ("06 0001 0003", Write(Table.HOLDING, 1, (3,))),
    ("0F 0013 000A 02 CD01", Write(Table.COILS, 0x13, (1, 0, 1, 1, 0, 0, 1, 1, 1, 0))),
    ("10 0001 0002 04 000A 0102", Write(Table.HOLDING, 1, (10, 0x102))),
    ("16 0004 00F2 0025", MaskWrite(4, 0xF2, 0x25)),
    ("17 0003 0006 000E 0003 06 00FF 00FF 00FF", ReadWrite(3, 6, 0xE, (255, 255, 255))),
    ("18 04DE", ReadFifo(0x4DE)),
    ("08 0000 A537", Diagnose(0, b"\xa5\x37")),
    ("08 0000 A537 1234", Diagnose(0, b"\xa5\x37\x12\x34")),
    ("08 0001 FF00", Diagnose(1, b"\xff\x00")),
    ("08 0014 0000", Diagnose(0x14, b"\x00\x00")),
    ("2B 0E 04 80", ReadDeviceId(4, 0x80)),
    ("0B", Plain()),
    ("11", Plain()),
]

BAD = [
    ("42", 0x01, "unknown function"),
    ("14 07 06 0004 0001 0002", 0x01, "file records are not spoken"),
    ("01 0000 0000", 0x03, "no coils"),
    ("01 0000 07D1", 0x03, "2001 coils"),
    ("03 0000 0000", 0x03, "no registers"),
    ("03 0000 007E", 0x03, "126 registers"),
    ("04 0000 FFFF", 0x03, "65535 registers"),
    ("03 0000", 0x03, "cut short"),
    ("03 0000 0001 00", 0x03, "too long"),
    ("05 0000 0001", 0x03, "a coil is not 0001"),
    ("05 0000 FF01", 0x03, "a coil is not FF01"),
    ("05 0000", 0x03, "no value"),
    ("06 0000 00", 0x03, "half a value"),
    ("0F 0000 0000 00", 0x03, "no coils"),
    ("0F 0000 07B1 F7" + "00" * 247, 0x03, "1969 coils"),
    ("0F 0000 0009 01 FF", 0x03, "nine coils do not fit one character"),
    ("0F 0000 0008 02 FF FF", 0x03, "eight coils take one character"),
    ("0F 0000 0008 01", 0x03, "characters missing"),
    ("0F 0000", 0x03, "cut short"),
    ("10 0000 0000 00", 0x03, "no registers"),
    ("10 0000 007C F8" + "00" * 248, 0x03, "124 registers"),
    ("10 0000 0001 04 0001 0002", 0x03, "byte count of two, quantity one"),
    ("10 0000 0002 02 0001", 0x03, "byte count of one, quantity two"),
    ("10 0000 0001 02 00", 0x03, "a character missing"),
    ("10 0000 0001 02 0001 00", 0x03, "a character too many"),
    ("16 0000 0000", 0x03, "one mask"),
    ("17 0000 0000 0000 0001 02 0001", 0x03, "reads nothing"),
    ("17 0000 007E 0000 0001 02 0001", 0x03, "reads 126"),
    ("17 0000 0001 0000 0000 00", 0x03, "writes nothing"),
    ("17 0000 0001 0000 007A F4" + "00" * 244, 0x03, "writes 122"),
    ("17 0000 0001 0000 0001 04 0001 0002", 0x03, "byte count"),
    ("17 0000 0001", 0x03, "cut short"),
    ("18 00", 0x03, "half a pointer"),
    ("08", 0x03, "no sub-function"),
    ("08 0003 0000", 0x01, "sub-function not spoken"),
    ("08 0013 0000", 0x01, "sub-function not spoken"),
    ("08 0000", 0x03, "loopback of nothing"),
    ("08 0000 A5", 0x03, "loopback of half a word"),
    ("08 0001 0001", 0x03, "restart takes 0000 or FF00"),
    ("08 000B 0001", 0x03, "a counter takes 0000"),
    ("08 000B 0000 0000", 0x03, "too long"),
    ("2B 0D 00 00", 0x01, "another type"),
    ("2B", 0x03, "no type"),
    ("2B 0E 00 00", 0x03, "code 0"),
    ("2B 0E 05 00", 0x03, "code 5"),
    ("2B 0E 01", 0x03, "no object"),
    ("0B 00", 0x03, "too long"),
    ("11 00", 0x03, "too long"),
]


@pytest.mark.parametrize(("text", "request_"), GOOD, ids=[text for text, _ in GOOD])
def test_reads(text, request_):
    """A valid request is read into its fields, up to the limits of quantity."""
    assert decode(bytes.fromhex(text)) == request_


@pytest.mark.parametrize(("text", "code", "why"), BAD, ids=[f"{text[:16]} {why}" for text, _, why in BAD])
def test_refuses(text, code, why):
    """An invalid request gets 01 for what is not spoken, 03 for quantity, value, byte count or length."""
    with pytest.raises(ModbusException) as refusal:
        decode(bytes.fromhex(text))
    assert refusal.value.code == code


def test_every_function_is_read():
    """Each function code named is also readable."""
    assert set(REQUESTS) == set(FC)


@given(st.binary(min_size=1, max_size=260))
def test_never_anything_but_a_refusal(pdu):
    """Any characters at all are a request or a `ModbusException` 01 or 03."""
    code = None
    try:
        decode(pdu)
    except ModbusException as refusal:
        code = refusal.code
    assert code in (None, 0x01, 0x03)


@given(st.lists(st.integers(0, 1), max_size=2000))
def test_bits_round_trip(bits):
    """Packed bits come back; the first is the least significant of the first character; padding is 0."""
    packed = pack_bits(bits)
    assert len(packed) == -(-len(bits) // 8)
    assert list(unpack_bits(packed, len(bits))) == bits
    assert not any(unpack_bits(packed, 8 * len(packed))[len(bits) :])
    if bits:
        assert packed[0] & 1 == bits[0]
