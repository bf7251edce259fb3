"""A counter's 7-segment display with the DM36B06 / DM56A04 map: one ASCII code for each digit, or a number.

Source: protocols.md 1.4 [R], and the programs named in `protocol.modbus.maps.dm36` [C]. Assumed, where those are
silent: a point is a digit of its own code 0x2E, which lights the point alone; a character without a shape, and 0x00,
is dark; a number stands right, and is shown as dashes when it is too long; digits and numbers replace each other; the
4-digit model takes the codes of digits 5 and 6 and has no place for them; registers read back what was written last;
unit, baud and parity take effect after the reply and are kept without supply; the display is dark after power-up, and
a digit that blinks is lit and dark for half a second each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import ClassVar, Final

from firmware_sim.burst import LineSettings
from firmware_sim.device import Effect
from firmware_sim.devices.segment_display import SegmentDisplay
from firmware_sim.devices.segments import DARK, Digit, left, lit, number, read, right
from firmware_sim.modbus_slave import Table
from firmware_sim.register_slave import Cells, Group, between, refuse, whole
from protocol.modbus.maps.dm36 import BAUD_CODES, DM36, MODELS, MOST_DIGITS, PARITIES
from protocol.modbus.pdu import FC

__all__ = ["DM36Display"]

BLINK: Final = 500_000_000
"""How long a digit that blinks is lit, and then dark, ns (assumed)."""

_LIMITS: Final = {
    "blink": (0, 0xFFFF),
    "brightness": (1, 8),
    "factory_reset": (0, 0xFFFF),
    "unit": (1, 247),
    "baud": (0, 7),
    "parity": (0, 2),
}
_FACTORY: Final = {"brightness": 8, "unit": 1, "baud": 3, "parity": 0}


class DM36Display(SegmentDisplay):
    """A display of 6 or 4 digits on a Modbus line.

    Human side, each returning effects: `unplug(now)`, `plug_in(now)`.

    Notes: `shown` {text} when what is lit changes, `power` {on}.

    Args:
        name: what histories call it.
        digits: 6 (DM36B06) or 4 (DM56A04).
        settings: line settings it runs at; None for whatever the line runs at.

    Attributes:
        human: names of the methods by which a person acts on it.
        lit: what is lit, digit by digit from the left, when nothing blinks.
        powered: whether it has supply.
    """

    functions = frozenset({FC.READ_HOLDING, FC.WRITE_REGISTER, FC.WRITE_REGISTERS})
    human: ClassVar[tuple[str, ...]] = ("unplug", "plug_in")
    registers = DM36

    lit: tuple[Digit, ...]
    _values: dict[str, int]
    _shows_number: bool
    _both: bool

    def __init__(self, name: str, *, digits: int = 6, settings: LineSettings | None = None) -> None:
        if digits not in MODELS:
            raise ValueError(f"{name}: the displays have {' or '.join(map(str, MODELS))} digits, not {digits}")
        self.name = name
        self.digits = digits
        self.settings = settings
        self.powered = True
        self._kept = dict(_FACTORY)
        self._new_line = False
        self.forget()
        self.use(self._groups_of())

    @property
    def text(self) -> str:
        """What a person reads on it, without the dark digits around; blinking digits count."""
        return read(self.lit)

    def lit_at(self, now: int) -> tuple[Digit, ...]:
        """What is lit at an instant, blinking taken into account."""
        if now // BLINK % 2 == 0:
            return self.lit
        mask = self._values["blink"]
        return tuple(DARK if mask >> (self.digits - 1 - place) & 1 else digit for place, digit in enumerate(self.lit))

    # The host's side

    def write(
        self, now: int, table: Table, start: int, values: Sequence[int], function: int, broadcast: bool
    ) -> Iterable[Effect]:
        """Take a write whole, and note what is shown when that changed."""
        before = self.text
        if start <= DM36["format"].address and start + len(values) > DM36["number"].address:
            self._both = True
        effects = list(super().write(now, table, start, values, function, broadcast))
        self._both = False
        return effects + self.changed(before)

    def after_reply(self, now: int) -> Iterable[Effect]:
        """A new unit id, baud or parity takes effect."""
        if self._new_line:
            self._new_line = False
            self.unit = self._kept["unit"]
            baud, parity = BAUD_CODES[self._kept["baud"]], PARITIES[self._kept["parity"]]
            self.settings = replace(self.settings or LineSettings(), baud=baud, parity=parity)
        return ()

    # Registers

    def _groups_of(self) -> Iterable[Group]:
        for place in range(MOST_DIGITS):
            check = between(0, 0x7F, f"the code of digit {place + 1}")
            yield Group(
                DM36[f"digit_{place + 1}"], self._read(f"digit_{place + 1}"), check, self._set_digit(place), True
            )
        yield Group(DM36["format"], self._read("format"), self._check_format, self._set_format, True)
        yield Group(DM36["number"], self._read("number"), _anything, self._set_number, True)
        for name, (least, most) in _LIMITS.items():
            reader = None if name == "factory_reset" else self._read(name)
            yield Group(DM36[name], reader, between(least, most, name), self._set_setting(name), True)

    def _read(self, name: str) -> Callable[[int], Sequence[int]]:
        if name == "unit":
            return lambda _now: (self.unit,)
        if name in _FACTORY:
            return lambda _now: (self._kept[name],)
        return lambda _now: (self._values[name],)

    def _set_digit(self, place: int) -> Callable[[int, Cells], Iterable[Effect]]:
        def apply(_now: int, cells: Cells) -> Iterable[Effect]:
            (code,) = whole(cells, "a digit")
            self._values[f"digit_{place + 1}"] = code
            if self._shows_number:
                self._shows_number = False
                self.lit = (DARK,) * self.digits
            if place < self.digits:
                shape = lit(chr(code))[0] if code else DARK
                self.lit = (*self.lit[:place], shape, *self.lit[place + 1 :])
            return ()

        return apply

    def _check_format(self, _now: int, cells: Cells, _function: int) -> None:
        (word,) = whole(cells, "the format")
        if not self._both:
            raise refuse("the format is written together with the number, by FC 0x10")
        if word >> 12 > 1 or word >> 8 & 0xF > 5:
            raise refuse(f"format 0x{word:04X}: sign 0 or 1, decimals 0 to 5")

    def _set_format(self, _now: int, cells: Cells) -> Iterable[Effect]:
        (self._values["format"],) = whole(cells, "the format")
        return ()

    def _set_number(self, _now: int, cells: Cells) -> Iterable[Effect]:
        (word,) = whole(cells, "the number")
        self._values["number"] = word
        if not self._both:
            self._values["format"] = 0  # alone it is an unsigned number [R]
        form = self._values["format"]
        value = (form & 0xFF) << 16 | word
        self._shows_number = True
        self.lit = right(lit(number(-value if form >> 12 else value, form >> 8 & 0xF)), self.digits)
        return ()

    def _set_setting(self, name: str) -> Callable[[int, Cells], Iterable[Effect]]:
        def apply(_now: int, cells: Cells) -> Iterable[Effect]:
            (value,) = whole(cells, name)
            if name == "factory_reset":
                self._kept = dict(_FACTORY)
                self._new_line = True
            elif name in _FACTORY:
                if not self._new_line:
                    self._kept["unit"] = self.unit
                self._kept[name] = value
                self._new_line = self._new_line or name != "brightness"
            else:
                self._values[name] = value
            return ()

        return apply

    # State

    def forget(self) -> None:
        """Dark, and nothing written."""
        self.lit = left([], self.digits)
        self._values = {row.name: 0 for row in DM36}
        self._shows_number = False
        self._both = False


def _anything(_now: int, cells: Cells, _function: int) -> None:
    whole(cells, "the number")
