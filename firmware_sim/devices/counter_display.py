"""A counter's 7-segment display with the LED-485 map: it shows what was written to it, and nothing else.

Source: protocols.md 1.4 [C]. Assumed, where the sources are silent: a text or a row of segments replaces all that was
shown and is written from its first register on; text stands left, numbers right; what has more characters than there
are digits is cut (text) or shown as dashes (numbers); a new unit id or baud takes effect after the reply and is kept
without supply; the display is dark after power-up; only the documented functions reach a register (others: exception
0x02).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import isfinite
from typing import ClassVar

from firmware_sim.burst import LineSettings
from firmware_sim.device import Effect
from firmware_sim.devices.segment_display import SegmentDisplay
from firmware_sim.devices.segments import DARK, Digit, left, lit, number, read, right
from firmware_sim.modbus_slave import ExceptionCode, Table
from firmware_sim.register_slave import Cells, Group, between, refuse, whole
from protocol.modbus.maps import text_of
from protocol.modbus.maps.led485 import BAUD_CODES, LED485, WRITTEN_BY
from protocol.modbus.pdu import FC

__all__ = ["CounterDisplay"]

_KEYS = {"inc": 1, "dec": -1}


def _written(words: Cells, what: str) -> list[int]:
    """The words of a text or a row of segments, which is written from its first register on."""
    if words[0] is None:
        raise refuse(f"{what} is written from its first register on", ExceptionCode.ILLEGAL_DATA_ADDRESS)
    return [word for word in words if word is not None]


class CounterDisplay(SegmentDisplay):
    """A display of 3 to 6 digits on a Modbus line.

    Human side, each returning effects: `press(now, key)` on models with keys, `unplug(now)`, `plug_in(now)`.

    Notes: `shown` {text} when what is lit changes, `power` {on}.

    Args:
        name: what histories call it.
        digits: 3 to 6.
        keys: whether it is a model with INC, DEC and CLR keys; others have no key count register.
        float_works: whether a float32 at 0x0090 is shown. It is documented, but on real units the write is answered
            and nothing is shown (reported of an LED-485-046); False is that.
        settings: line settings it runs at; None for whatever the line runs at.

    Attributes:
        human: names of the methods by which a person acts on it.
        segments: the lit segments of each digit from the left, bit 0 = a .. bit 6 = g.
        points: whether each digit's decimal point is lit.
        powered: whether it has supply.
    """

    functions = frozenset({FC.READ_HOLDING, FC.WRITE_REGISTER, FC.WRITE_REGISTERS})
    human: ClassVar[tuple[str, ...]] = ("press", "unplug", "plug_in")

    _lit: tuple[Digit, ...]
    _number: int | None
    _point: int
    _key_count: int
    _new_unit: int | None
    _new_baud: int | None

    def __init__(
        self,
        name: str,
        *,
        digits: int = 4,
        keys: bool = False,
        float_works: bool = False,
        settings: LineSettings | None = None,
    ) -> None:
        if not 3 <= digits <= 6:
            raise ValueError(f"{name}: the displays have 3 to 6 digits, not {digits}")
        self.name = name
        self.digits = digits
        self.keys = keys
        self.float_works = float_works
        self.settings = settings
        self.registers = LED485 if keys else LED485.without("key_count")
        self.powered = True
        self.forget()
        self.use(self._groups_of())

    @property
    def text(self) -> str:
        """What a person reads on it, without the dark digits around; "?" for a shape that is no character."""
        return read(self._lit)

    @property
    def model(self) -> str:
        """The model's number: height of a digit in tenths of an inch, and digits (form of LED-485-054 [C])."""
        return f"05{self.digits}"

    @property
    def lit(self) -> tuple[Digit, ...]:
        """What is lit, digit by digit from the left."""
        return self._lit

    def say(self, text: str) -> list[Effect]:
        """Show a text as it came by the ASCII protocol, from the left."""
        before = self._lit
        self._show_left(lit(text))
        return self.changed(before)

    @property
    def visible(self) -> tuple[Digit, ...]:
        """Every digit and point counts, also those that read alike."""
        return self._lit

    # The host's side

    def write(
        self, now: int, table: Table, start: int, values: Sequence[int], function: int, broadcast: bool
    ) -> Iterable[Effect]:
        """Take a write whole, and note what is shown when that changed."""
        before = self._lit
        effects = list(super().write(now, table, start, values, function, broadcast))
        return effects + self.changed(before)

    def after_reply(self, now: int) -> Iterable[Effect]:
        """A new unit id or baud takes effect."""
        if self._new_unit is not None:
            self.unit, self._new_unit = self._new_unit, None
        if self._new_baud is not None:
            baud, self._new_baud = BAUD_CODES[self._new_baud], None
            self.settings = replace(self.settings or LineSettings(), baud=baud)
        return ()

    # The human side

    def press(self, now: int, key: str) -> Iterable[Effect]:
        """A key of a model with keys: "inc" adds one to the key count, "dec" takes one, "clr" clears it.

        Raises:
            ValueError: no such key, or a model without keys.
        """
        if not self.keys or key not in {*_KEYS, "clr"}:
            raise ValueError(f"{self.name}: no key {key!r}; models with keys have inc, dec and clr")
        if now >= self.silent_until:
            self._key_count = (self._key_count + _KEYS[key]) & 0xFFFF if key in _KEYS else 0
        return []

    # Registers

    def _groups_of(self) -> Iterable[Group]:
        row = self.registers
        no_check = between(0, 0xFFFF, "a number")
        writes: dict[str, tuple[Callable[[int, Cells, int], None], Callable[[int, Cells], Iterable[Effect]]]] = {
            "number": (no_check, self._set_number),
            "unit": (between(1, 255, "the unit id"), self._set_unit),
            "baud": (between(min(BAUD_CODES), max(BAUD_CODES), "the baud code"), self._set_baud),
            "point": (between(0, 3, "the decimal point"), self._set_point),
            "text": (self._check_text, self._set_text),
            "segments": (self._check_segments, self._set_segments),
            "number_alt": (no_check, self._set_number),
            "float": (self._check_float, self._set_float),
        }
        for name, (check, apply) in writes.items():
            yield Group(row[name], None, self._by_function(name, check), apply, broadcast=True)
        if self.keys:
            yield Group(row["key_count"], lambda _now: (self._key_count,))

    @staticmethod
    def _by_function(name: str, check: Callable[[int, Cells, int], None]) -> Callable[[int, Cells, int], None]:
        def checked(now: int, cells: Cells, function: int) -> None:
            if function not in WRITTEN_BY[name]:
                why = f"{name} is not written by FC 0x{function:02X}"
                raise refuse(why, ExceptionCode.ILLEGAL_DATA_ADDRESS)
            check(now, cells, function)

        return checked

    def _set_number(self, now: int, cells: Cells) -> Iterable[Effect]:
        (word,) = whole(cells, "a number")
        self._number = value = word - 0x10000 if word & 0x8000 else word
        self._show_number(value)
        return ()

    def _set_point(self, now: int, cells: Cells) -> Iterable[Effect]:
        (self._point,) = whole(cells, "the decimal point")
        if self._number is not None:
            self._show_number(self._number)
        return ()

    def _show_number(self, value: int) -> None:
        self._show_right(number(value, self._point))

    def _show_right(self, text: str) -> None:
        self._lit = right(lit(text), self.digits)

    def _set_unit(self, now: int, cells: Cells) -> Iterable[Effect]:
        (self._new_unit,) = whole(cells, "the unit id")
        return ()

    def _set_baud(self, now: int, cells: Cells) -> Iterable[Effect]:
        (self._new_baud,) = whole(cells, "the baud code")
        return ()

    def _check_text(self, now: int, cells: Cells, function: int) -> None:
        for char in text_of(_written(cells, "a text")):
            if char and not 0x20 <= char <= 0x7E:
                raise refuse(f"character 0x{char:02X} cannot be shown; text is 0x20..0x7E, filled with 0x00")

    def _set_text(self, now: int, cells: Cells) -> Iterable[Effect]:
        characters = text_of(_written(cells, "a text")).split(b"\0", 1)[0]
        self._show_left(lit(characters.decode("ascii")))
        return ()

    def _check_segments(self, now: int, cells: Cells, function: int) -> None:
        for mask in text_of(_written(cells, "a row of segments")):
            if mask & 0x80:
                raise refuse(f"segments 0x{mask:02X}: a digit has bits 0 to 6")

    def _set_segments(self, now: int, cells: Cells) -> Iterable[Effect]:
        self._show_left([Digit(mask) for mask in text_of(_written(cells, "a row of segments"))])
        return ()

    def _show_left(self, digits: list[Digit]) -> None:
        self._number = None
        self._lit = left(digits, self.digits)

    def _check_float(self, now: int, cells: Cells, function: int) -> None:
        if not isfinite(_float(whole(cells, "a float32"))):
            raise refuse("infinity and not-a-number cannot be shown")

    def _set_float(self, now: int, cells: Cells) -> Iterable[Effect]:
        if not self.float_works:
            return ()
        value = _float(whole(cells, "a float32"))
        self._number = None
        texts = (f"{value:.{decimals}f}" for decimals in range(self.digits - 1, -1, -1))
        fitting = (text for text in texts if len(lit(text)) <= self.digits)
        self._show_right(next(fitting, "-" * self.digits))
        return ()

    # State

    @property
    def segments(self) -> list[int]:
        """The lit segments of each digit from the left, bit 0 = a .. bit 6 = g."""
        return [mask for mask, _ in self._lit]

    @property
    def points(self) -> list[bool]:
        """Whether the decimal point of each digit from the left is lit."""
        return [point for _, point in self._lit]

    def forget(self) -> None:
        """Dark, and nothing written."""
        self._lit = (DARK,) * self.digits
        self._number = None
        self._point = 0
        self._key_count = 0
        self._new_unit = self._new_baud = None


def _float(words: Sequence[int]) -> float:
    """A float32 from two registers, high word first."""
    (value,) = struct.unpack(">f", text_of(words))
    return float(value)
