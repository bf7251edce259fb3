"""The hall's main board: a text board with the EmbeddedArt control card's map, of 1 or 2 lines and, extended, up to 9.

Source: protocols.md 1.4 [S]. Assumed, where the vendor's page is silent: two characters in each register, the first in
the high byte, 0x20..0x7E, a NUL ends the text; a text replaces its line and is written from the line's first register
on; settings can be read by FC 0x03, text cannot; unit id and protocol take effect after the reply, other settings of
the line at the next start if they were saved; text does not outlast a restart; the reset switch restores factory
settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final

from firmware_sim.burst import LineSettings
from firmware_sim.device import Effect, Note, Stop
from firmware_sim.devices.event_device import NEVER
from firmware_sim.modbus_slave import ExceptionCode, Table
from firmware_sim.register_slave import Cells, Group, RegisterSlave, between, refuse, whole
from protocol.modbus.maps import text_of
from protocol.modbus.maps.embeddedart import BAUD_CODES, VENDOR_ROWS, board_map
from protocol.modbus.pdu import FC

__all__ = ["MainBoard"]

_BOOT_NS = 2_000_000_000
_SAVED_AT_ONCE = ("modules", "protocol", "unit")
_PARITIES = "NOE"
_LINE = ("baud", "data_bits", "parity", "stop_bits")

_LIMITS: Final = {
    "modules": (1, 9),
    "x_offset": (0, 0),
    "protocol": (0, 1),
    "restart": (0, 0xFFFF),
    "font": (0, 1),
    "brightness": (0, 0xFFFF),
    "baud": (0, 0xFFFF),
    "data_bits": (7, 9),
    "parity": (0, 2),
    "stop_bits": (1, 2),
    "unit": (1, 247),
    "save": (1, 1),
    "response_time": (0, 0),
}


class MainBoard(RegisterSlave):
    """A text board on a Modbus line.

    Human side, each returning effects: `reset_switch(now)`, `unplug(now)`, `plug_in(now)`.

    Notes: `shown` {text, row} when the visible text of a row changes (rows count from 1), `power` {on}, `restart` {}.

    Args:
        name: what histories call it.
        rows: lines. The vendor's card has 1 or 2; more, up to 9, continue its scheme (line n at register n x 1000) and
            make the board `extended`.
        settings: line settings it runs at; None for whatever the line runs at (the card's registers say 9600 8N1).

    Attributes:
        human: names of the methods by which a person acts on it.
        rows: how many lines it has.
        powered: whether it has supply.
    """

    functions = frozenset({FC.READ_HOLDING, FC.WRITE_REGISTER, FC.WRITE_REGISTERS})
    human: ClassVar[tuple[str, ...]] = ("reset_switch", "unplug", "plug_in")

    def __init__(self, name: str, *, rows: int = VENDOR_ROWS, settings: LineSettings | None = None) -> None:
        self.name = name
        self.registers = board_map(rows)
        self.rows = rows
        self.settings = settings
        self.powered = True
        self._written_text = [""] * rows
        self._saved = self._factory() if settings is None else self._factory() | _codes(settings)
        self._values = dict(self._saved)
        self._first_unit: int | None = None
        self._restarting = False
        self.use(self._groups_of())

    @property
    def extended(self) -> bool:
        """Whether it has more lines than the vendor describes."""
        return self.rows > VENDOR_ROWS

    @property
    def texts(self) -> tuple[str, ...]:
        """What a person reads in each row, without blanks around; a board in single-line font shows row 1 only."""
        lit = self.rows if self._values["font"] else 1
        return tuple(text.strip() if row < lit else "" for row, text in enumerate(self._written_text))

    # The host's side

    def write(
        self, now: int, table: Table, start: int, values: Sequence[int], function: int, broadcast: bool
    ) -> Iterable[Effect]:
        """Take a write whole, and note each row whose visible text changed."""
        before = self.texts
        effects = list(super().write(now, table, start, values, function, broadcast))
        return effects + self._shown(before)

    def after_reply(self, now: int) -> Iterable[Effect]:
        """Unit id and protocol take effect; a restart happens."""
        if self._values["unit"]:
            self.unit = self._values["unit"]
        if self._restarting:
            return self._restart(now)
        if not self._values["protocol"]:
            self.silent_until = NEVER
        return ()

    # The human side

    def reset_switch(self, now: int) -> Iterable[Effect]:
        """The reset switch on the card is pressed: factory settings, restart."""
        if not self.powered:
            return []
        self._saved = self._factory() | {"unit": 1}
        self.unit = 1
        return self._restart(now)

    def unplug(self, now: int) -> Iterable[Effect]:
        """Power is lost: dark, silent."""
        if not self.powered:
            return []
        before = self.texts
        self.powered = False
        self.silent_until = NEVER
        self._written_text = [""] * self.rows
        return [Stop(), Note("power", {"on": False}), *self._shown(before)]

    def plug_in(self, now: int) -> Iterable[Effect]:
        """Power returns: saved settings, dark, silent while it starts."""
        if self.powered:
            return []
        self.powered = True
        return [Note("power", {"on": True}), *self._restart(now)]

    # Registers

    def _factory(self) -> dict[str, int]:
        """Factory settings: 9600 8N1, Modbus, a font that shows all rows. Unit 0: as attached to the line."""
        return {
            "modules": 4,
            "x_offset": 0,
            "protocol": 1,
            "firmware": 1,
            "restart": 0,
            "font": 1 if self.rows > 1 else 0,
            "brightness": 0,
            "baud": 5,
            "data_bits": 8,
            "parity": 0,
            "stop_bits": 1,
            "unit": 0,
            "save": 0,
            "reset_switch": 1,
            "response_time": 0,
        }

    def _groups_of(self) -> Iterable[Group]:
        for row in self.registers:
            if row.name.startswith("row_"):
                number = int(row.name.removeprefix("row_"))
                yield Group(row, None, self._check_text, self._set_text(number), broadcast=True)
            elif row.name in _LIMITS:
                least, most = _LIMITS[row.name]
                check = self._check_setting(between(least, most, row.name))
                yield Group(row, self._read_setting(row.name), check, self._set_setting(row.name), broadcast=True)
            else:
                yield Group(row, self._read_setting(row.name))

    def _read_setting(self, name: str) -> Callable[[int], Sequence[int]]:
        if name == "unit":
            return lambda _now: (self._values["unit"] or self.unit,)
        return lambda _now: (self._values[name],)

    @staticmethod
    def _check_setting(check: Callable[[int, Cells, int], None]) -> Callable[[int, Cells, int], None]:
        def checked(now: int, cells: Cells, function: int) -> None:
            if function != FC.WRITE_REGISTER:
                raise refuse("settings are written by FC 0x06", ExceptionCode.ILLEGAL_DATA_ADDRESS)
            check(now, cells, function)

        return checked

    def _set_setting(self, name: str) -> Callable[[int, Cells], Iterable[Effect]]:
        def apply(_now: int, cells: Cells) -> Iterable[Effect]:
            (value,) = whole(cells, name)
            if name == "restart":
                self._restarting = True
            elif name == "save":
                self._saved = dict(self._values)
            else:
                self._values[name] = value
                if name in _SAVED_AT_ONCE:
                    self._saved[name] = value
            return ()

        return apply

    def _check_text(self, now: int, cells: Cells, function: int) -> None:
        if function != FC.WRITE_REGISTERS:
            raise refuse("text is written by FC 0x10", ExceptionCode.ILLEGAL_DATA_ADDRESS)
        if cells[0] is None:
            raise refuse("text is written from the line's first register on", ExceptionCode.ILLEGAL_DATA_ADDRESS)
        for char in text_of(word for word in cells if word is not None):
            if char and not 0x20 <= char <= 0x7E:
                raise refuse(f"character 0x{char:02X} cannot be shown; text is 0x20..0x7E, ended by 0x00")

    def _set_text(self, row: int) -> Callable[[int, Cells], Iterable[Effect]]:
        def apply(_now: int, cells: Cells) -> Iterable[Effect]:
            characters = text_of(word for word in cells if word is not None).split(b"\0", 1)[0]
            self._written_text[row - 1] = characters.decode("ascii")
            return ()

        return apply

    # State

    def _restart(self, now: int) -> list[Effect]:
        before = self.texts
        self._restarting = False
        self._values = dict(self._saved)
        self._written_text = [""] * self.rows
        if any(self._values[name] != self._running(name) for name in _LINE):
            self.settings = _settings(self._values)
        self.silent_until = now + _BOOT_NS if self._values["protocol"] else NEVER
        return [Note("restart", {}), *self._shown(before)]

    def _running(self, name: str) -> int:
        return _codes(self.settings or LineSettings())[name]

    def _shown(self, before: tuple[str, ...]) -> list[Effect]:
        pairs = enumerate(zip(before, self.texts, strict=True), 1)
        return [Note("shown", {"text": text, "row": row}) for row, (old, text) in pairs if text != old]


def _codes(settings: LineSettings) -> dict[str, int]:
    """Line settings as the card's registers have them; a baud it has no code for reads as its 9600."""
    baud = next((code for code, baud in BAUD_CODES.items() if baud == settings.baud), 5)
    parity = max(_PARITIES.find(settings.parity), 0)
    return {
        "baud": baud,
        "data_bits": settings.data_bits,
        "parity": parity,
        "stop_bits": 2 if settings.stop_bits == 2 else 1,
    }


def _settings(values: dict[str, int]) -> LineSettings:
    """The card's registers as line settings.

    Nine data bits count the parity bit, as the card's microcontroller does (assumed); without parity the ninth is a
    space.
    """
    data_bits, parity = values["data_bits"], _PARITIES[values["parity"]]
    if data_bits == 9:
        data_bits, parity = 8, "S" if parity == "N" else parity
    return LineSettings(BAUD_CODES.get(values["baud"], 9600), data_bits, parity, values["stop_bits"])
