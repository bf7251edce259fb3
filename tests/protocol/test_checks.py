"""Check values: against published values, against bit-by-bit definitions, and what they must detect."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.checks import CHECKS, crc16_arc, crc16_modbus, crc16_osdp

PUBLISHED = {
    "crc16_modbus": 0x4B37,
    "crc16_arc": 0xBB3D,
    "crc16_osdp": 0xE5CC,
    "sum8": 0xDD,
    "xor8": 0x31,
    "lrc8": 0x23,
}

FRAMES = [
    ("crc16_modbus", "01 03 00 00 00 02 C4 0B"),
    ("crc16_modbus", "00 06 00 24 00 01 09 D0"),
    ("crc16_arc", "00 80 FE FF 00 00 00 00 00 00 FE 02 05 00 A0 00 00 00 00 14 AC"),
    ("crc16_osdp", "53 05 08 00 04 60 BC 89"),
    ("crc16_osdp", "53 85 0B 00 06 53 00 01 31 5D 3D"),
    ("sum8", "03 01 0C 10"),
    ("sum8", "03 02 00 01 02 0A 0A 0A 26"),
    ("lrc8", "53 65 07 00 00 60 E1"),
    ("lrc8", "01 03 00 00 00 02 FA"),
]


def reflected(data: bytes, crc: int) -> int:
    """CRC-16 with polynomial 0x8005 reflected, one bit at a time: the definition."""
    for char in data:
        for bit in range(8):
            low = (crc ^ char >> bit) & 1
            crc = crc >> 1 ^ (0xA001 if low else 0)
    return crc


def straight(data: bytes, crc: int) -> int:
    """CRC-16 with polynomial 0x1021, most significant bit first, one bit at a time."""
    for char in data:
        for bit in range(7, -1, -1):
            high = crc >> 15 ^ char >> bit & 1
            crc = (crc << 1 & 0xFFFF) ^ (0x1021 if high else 0)
    return crc


@pytest.mark.parametrize("name", CHECKS)
def test_published_value(name):
    """Each check has its published value over "123456789"."""
    assert CHECKS[name].compute(b"123456789") == PUBLISHED[name]


@pytest.mark.parametrize(("name", "text"), FRAMES)
def test_frames_of_the_field(name, text):
    """Frames captured or published (protocols.md) end with their check, in its order."""
    frame = bytes.fromhex(text)
    check = CHECKS[name]
    assert check.is_sound(frame)
    assert check.seal(frame[: -check.size]) == frame


@given(st.binary(max_size=700), st.integers(0, 0xFFFF))
def test_crcs_are_their_definitions(data, start):
    """Table-driven CRCs equal the bit-by-bit definition for any data and any start value, even or odd lengths."""
    assert crc16_modbus(data, start) == reflected(data, start)
    assert crc16_arc(data) == reflected(data, 0)
    assert crc16_osdp(data) == straight(data, 0x1D0F)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_crc_goes_on(one, two):
    """The CRC of a whole is the CRC of its second part, going on from its first; bytearrays count the same."""
    assert crc16_modbus(one + two) == crc16_modbus(two, crc16_modbus(one)) == crc16_modbus(bytearray(one + two))


@given(st.sampled_from(sorted(CHECKS)), st.binary(max_size=255))
def test_sealed_is_sound(name, body):
    """What was sealed is sound; with the check cut off to nothing it is not."""
    check = CHECKS[name]
    assert check.is_sound(check.seal(body))
    assert not check.is_sound(b"")


@given(st.sampled_from(["crc16_modbus", "crc16_arc", "crc16_osdp"]), st.binary(min_size=2, max_size=254), st.data())
def test_crcs_detect_any_damage_of_16_bits(name, body, data):
    """A CRC of 16 bits detects every change whose bits span at most 16 in the order it takes them."""
    order = "big" if name == "crc16_osdp" else "little"
    pattern = data.draw(st.integers(1, 0xFFFF))
    shift = data.draw(st.integers(0, 8 * len(body) - pattern.bit_length()))
    damaged = (int.from_bytes(body, order) ^ pattern << shift).to_bytes(len(body), order)
    check = CHECKS[name]
    assert not check.is_sound(damaged + check.seal(body)[len(body) :])
