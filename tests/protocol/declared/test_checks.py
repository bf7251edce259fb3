"""Checks that declarations name, against values published for "123456789" and against bit-by-bit arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.checks import crc16_arc, crc16_modbus, crc16_osdp
from protocol.declared.checks import CHECKS, Crc16, crc16, reflect, written

NINE = b"123456789"


@pytest.mark.parametrize(
    ("parameters", "value"),
    [
        (Crc16(0x8005, 0, True, True), 0xBB3D),  # ARC
        (Crc16(0x8005, 0xFFFF, True, True), 0x4B37),  # MODBUS
        (Crc16(0x1021, 0x1D0F), 0xE5CC),  # SPI-FUJITSU, as OSDP uses it
        (Crc16(0x1021, 0xFFFF), 0x29B1),  # IBM-3740
        (Crc16(0x1021, 0, True, True), 0x2189),  # KERMIT
        (Crc16(0x1021, 0xFFFF, True, True, 0xFFFF), 0x906E),  # IBM-SDLC
        (Crc16(0x8005, 0xFFFF, True, True, 0xFFFF), 0xB4C8),  # USB
    ],
)
def test_published_check_values(parameters: Crc16, value: int) -> None:
    """Each published CRC-16 gives its catalogued value over the nine characters."""
    assert crc16(parameters)(NINE) == value


@given(st.binary(max_size=80))
def test_parametrised_crcs_are_the_named_ones(data: bytes) -> None:
    """The table-driven CRC with a protocol's parameters is the protocol's own function."""
    assert crc16(Crc16(0x8005, 0, True, True))(data) == crc16_arc(data)
    assert crc16(Crc16(0x8005, 0xFFFF, True, True))(data) == crc16_modbus(data)
    assert crc16(Crc16(0x1021, 0x1D0F))(data) == crc16_osdp(data)


@given(st.integers(0, 0xFFFF))
def test_reflecting_twice_changes_nothing(value: int) -> None:
    """Reflection is its own inverse."""
    assert reflect(reflect(value, 16), 16) == value


@pytest.mark.parametrize(
    ("encoding", "endian", "wire"),
    [
        ("bin", "little", b"\xfb\x01"),
        ("bin", "big", b"\x01\xfb"),
        ("hex_upper", "big", b"01FB"),
        ("hex_lower", "big", b"01fb"),
        ("nibble30", "big", b"01?;"),
    ],
)
def test_encodings(encoding: str, endian: str, wire: bytes) -> None:
    """0x01FB, the sum of Alpha's published text, in every way of writing it."""
    assert written(0x01FB, 2, endian, encoding) == wire


@given(st.binary(max_size=40), st.sampled_from(sorted(CHECKS)))
def test_every_check_fits_its_size(data: bytes, name: str) -> None:
    """A check's value fits the bytes it says it has."""
    check = CHECKS[name]
    assert 0 <= check.compute(data) < 1 << 8 * check.size
