"""The map of the DM36B06 and DM56A04 displays."""

from __future__ import annotations

import pytest

from protocol.modbus.maps.dm36 import BAUD_CODES, DM36, number_words
from protocol.modbus.pdu import Table
from protocol.modbus.requests import write_registers


def test_the_published_vector() -> None:
    """protocols.md 1.4 [M]: "A001  " is one code in each of six registers from 0 on."""
    assert write_registers(1, 0, tuple(b"A001  ")) == bytes.fromhex(
        "01 10 00 00 00 06 0C 00 41 00 30 00 30 00 31 00 20 00 20 42 3E"
    )


def test_where_the_rows_lie() -> None:
    """As the sources give them, and no other address."""
    found = {row.name: row.address for row in DM36}
    assert [found[f"digit_{n}"] for n in range(1, 7)] == [0, 1, 2, 3, 4, 5]
    assert (found["format"], found["number"], found["blink"], found["brightness"]) == (6, 7, 8, 9)
    assert (found["factory_reset"], found["unit"], found["baud"], found["parity"]) == (251, 253, 254, 255)
    assert not DM36.holds(Table.HOLDING, 10, 1)
    assert not DM36.holds(Table.HOLDING, 252, 1)
    assert BAUD_CODES[3] == 9600


@pytest.mark.parametrize(
    ("value", "decimals", "words"),
    [(125, 1, (0x0100, 125)), (-7, 0, (0x1000, 7)), (0x123456, 5, (0x0512, 0x3456)), (-70000, 2, (0x1201, 4464))],
)
def test_numbers_as_registers(value: int, decimals: int, words: tuple[int, int]) -> None:
    """Sign and decimals in the high byte of register 6, value bits 16 to 23 in its low byte (protocols.md 1.4 [R])."""
    assert number_words(value, decimals) == words


@pytest.mark.parametrize(("value", "decimals"), [(1 << 24, 0), (1, 6), (1, -1)])
def test_numbers_that_do_not_fit(value: int, decimals: int) -> None:
    """24 bits and 0 to 5 decimals."""
    with pytest.raises(ValueError, match="24 bits"):
        number_words(value, decimals)
