"""Register maps: rows that do not overlap, looked up by name and by address, as the documents have them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.modbus.maps import Register, RegisterMap, text_of, words_of
from protocol.modbus.maps.embeddedart import EMBEDDEDART, board_map
from protocol.modbus.maps.led485 import BAUD_CODES, LED485, READINGS, SHAPES, WRITTEN_BY
from protocol.modbus.maps.reference_keypad import (
    CLERK_CONSOLE,
    KIOSK_BUTTON,
    REFERENCE_KEYPAD,
    Event,
    at_or_before,
)
from protocol.modbus.pdu import Table

MAPS = [REFERENCE_KEYPAD, CLERK_CONSOLE, KIOSK_BUTTON, LED485, EMBEDDEDART, board_map(9)]
H, INPUTS = Table.HOLDING, Table.INPUTS


def row(name: str, address: int, words: int = 1, table: Table = H) -> Register:
    return Register(name, table, address, words, "rw", "a row")


@pytest.mark.parametrize("rows", [(row("a", 1), row("a", 2)), (row("a", 1, 2), row("b", 2)), (row("a", 0xFFFF, 2),)])
def test_rows_that_cannot_stand_together_are_refused(rows):
    """One name, one address, one row; and 16 bits of address."""
    with pytest.raises(ValueError, match="a map"):
        RegisterMap("a map", "nowhere", rows)


def test_tables_do_not_share_addresses():
    """Holding register 1 and input register 1 are two registers."""
    both = RegisterMap("a map", "nowhere", (row("a", 1), row("b", 1, table=INPUTS)))
    assert (both.at(H, 1), both.at(INPUTS, 1)) == (both["a"], both["b"])
    assert both.at(Table.COILS, 1) is None


@pytest.mark.parametrize("registers", MAPS, ids=lambda registers: registers.title)
@given(data=st.data())
def test_a_range_is_held_when_each_of_its_addresses_is(registers: RegisterMap, data: st.DataObject):
    """The quick answer for ranges equals the slow one, address by address, on both tables."""
    edges = [edge for each in registers for edge in (each.address, each.end)]
    start = data.draw(st.sampled_from(edges)) + data.draw(st.integers(-3, 3))
    count = data.draw(st.integers(1, 125))
    for table in (H, INPUTS):
        covered = [registers.at(table, address) for address in range(start, start + count)]
        assert registers.holds(table, start, count) == (None not in covered)
        rows = {each for each in covered if each is not None}
        assert list(registers.covering(table, start, count)) == sorted(rows, key=lambda each: each.address)


def test_nothing_is_not_held():
    """A range of no registers exists nowhere."""
    assert not LED485.holds(H, 0x0070, 0)


def test_the_keypads_addresses_are_those_of_the_outline():
    """reference-keypad.md, both tables, row by row."""
    inputs = {each.name: (each.address, each.words) for each in REFERENCE_KEYPAD if each.table is INPUTS}
    assert inputs == {
        "mark": (0x0000, 1),
        "version": (0x0001, 1),
        "epoch": (0x0002, 1),
        "status": (0x0003, 1),
        "waiting": (0x0004, 1),
        "oldest": (0x0005, 1),
        "newest": (0x0006, 1),
        "lost": (0x0007, 1),
        "uptime": (0x0008, 2),
        "depth": (0x000A, 1),
        "keys": (0x000B, 1),
        "events": (0x0100, 120),
    }
    holding = {each.name: (each.address, each.words) for each in REFERENCE_KEYPAD if each.table is H}
    assert holding == {
        "acknowledge": (0x0000, 2),
        "acknowledge_lost": (0x0002, 1),
        "lamps": (0x0010, 1),
        "buzzer": (0x0011, 1),
        "window": (0x0012, 2),
        "clerk": (0x0014, 1),
        "policy": (0x0015, 1),
        "clock": (0x0020, 3),
        "unit": (0x0030, 1),
        "baud": (0x0031, 1),
        "parity": (0x0032, 1),
        "command": (0x003F, 1),
    }


def test_console_and_kiosk_lack_what_they_have_no_use_for():
    """No window and policy on a console, nor a clerk on a kiosk; a row that is not there cannot be left out."""
    assert {each.name for each in REFERENCE_KEYPAD} - {each.name for each in CLERK_CONSOLE} == {"window", "policy"}
    assert {each.name for each in CLERK_CONSOLE} - {each.name for each in KIOSK_BUTTON} == {"clerk"}
    with pytest.raises(KeyError):
        KIOSK_BUTTON.without("clerk")


def test_the_displays_addresses_are_those_of_the_source():
    """protocols.md 1.4, LED-485: where each row starts; every written row says by which functions."""
    starts = {each.name: each.address for each in LED485}
    assert starts == {
        "number": 0x0000,
        "unit": 0x0002,
        "baud": 0x0003,
        "point": 0x0004,
        "key_count": 0x001D,
        "text": 0x0070,
        "segments": 0x0080,
        "number_alt": 0x0088,
        "float": 0x0090,
    }
    assert WRITTEN_BY.keys() == {each.name for each in LED485 if "w" in each.access}
    assert (BAUD_CODES[1], BAUD_CODES[4], BAUD_CODES[8]) == (1200, 9600, 115200)
    assert (SHAPES["0"], SHAPES["1"]) == (0x3F, 0x06)
    assert {READINGS[SHAPES[char]] for char in SHAPES} == set(SHAPES)


def test_the_boards_lines_are_a_thousand_registers_apart():
    """protocols.md 1.4, EmbeddedArt: 1000 and 2000; settings 29 to 42 and the two after them; 34 is not described."""
    assert [each.address for each in board_map(9) if each.name.startswith("row_")] == list(range(1000, 10000, 1000))
    assert [each.address for each in EMBEDDEDART][:15] == [29, 30, 31, 32, 33, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44]
    assert "row_3" not in EMBEDDEDART


@given(text=st.binary(max_size=246))
def test_text_becomes_words_and_words_text(text: bytes):
    """Two characters in each register, high byte first; an odd one is followed by NUL."""
    assert text_of(words_of(text)) == text + b"\0" * (len(text) % 2)
    assert words_of(b"A0") == (0x4130,)


@given(
    st.builds(
        Event,
        *(st.integers(0, 0xFFFF) for _ in range(2)),
        *(st.integers(0, 0xFF) for _ in range(2)),
        st.integers(0, 0xFFFFFFFF),
        *(st.integers(0, 0xFFFF) for _ in range(3)),
    )
)
def test_an_event_block_keeps_every_part(event: Event):
    """Eight words, each in 16 bits, and back again; only a block of 0xFFFF alone is no event."""
    words = event.words()
    assert len(words) == 8
    assert all(0 <= word <= 0xFFFF for word in words)
    assert Event.parse(words) == (None if set(words) == {0xFFFF} else event)


@given(epoch=st.integers(0, 65535), seq=st.integers(0, 65535), steps=st.integers(0, 32767))
def test_older_is_serial_arithmetic(epoch: int, seq: int, steps: int):
    """Up to 32767 steps back is older or equal, across the wrap; forward is not; epochs decide before sequences."""
    later = (epoch, (seq + steps) % 65536)
    assert at_or_before((epoch, seq), later)
    assert at_or_before(later, (epoch, seq)) == (steps == 0)
    if steps:
        assert at_or_before((epoch, seq), ((epoch + steps) % 65536, 0))
        assert not at_or_before(((epoch + steps) % 65536, 0), (epoch, seq))
