"""The devices and lines of a test's hall, by name, counter or number."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from bench.run.rig import NoSuchDevice, inventory
from bench.testing.build import SetupError
from bench.testing.handles import Board, Console, Device, Display, Keypad, Kiosk, LineHandle, Printer, handle
from bench.testing.passing import Passing

__all__ = ["Places"]


class Places(Passing):
    """A hall in which things have their places."""

    @cached_property
    def inventory(self) -> list[dict[str, Any]]:
        """Every device with its kind, line, unit and counter, as the history's header lists them."""
        return inventory(self.scenario)

    def device(self, name: str) -> Device:
        """A device by its name.

        Raises:
            NoSuchDevice: there is none; says which there are.
        """
        placed = self.world.rig.devices.get(name)
        if placed is None:
            raise NoSuchDevice(f"there is no device {name!r}; there are: {', '.join(self.world.rig.devices)}")
        return handle(self, placed, next(row["kind"] for row in self.inventory if row["name"] == name))

    def _at(self, which: int | str, kind: str, *, by_counter: bool = True) -> Any:
        """The device of a kind at a counter (or the n-th of that kind), or by its name."""
        rows = [row for row in self.inventory if row["kind"] == kind]
        if isinstance(which, str):
            if which not in [row["name"] for row in rows]:
                raise NoSuchDevice(f"there is no {kind} {which!r}; there are: {', '.join(r['name'] for r in rows)}")
            return self.device(which)
        where = {row["counter"] if by_counter else n: row["name"] for n, row in enumerate(rows, 1)}
        if which not in where:
            what = "at counter" if by_counter else "number"
            there = ", ".join(map(str, where)) or f"no {kind} at all"
            raise NoSuchDevice(f"there is no {kind} {what} {which}; there is: {there}")
        return self.device(where[which])

    def keypad(self, counter: int | str) -> Keypad:
        """The rating keypad at a counter, or by its name."""
        found: Keypad = self._at(counter, "rating_keypad")
        return found

    def console(self, counter: int | str) -> Console:
        """The clerk's console at a counter, or by its name."""
        found: Console = self._at(counter, "clerk_console")
        return found

    def display(self, counter: int | str) -> Display:
        """The number display over a counter, or by its name."""
        found: Display = self._at(counter, "counter_display")
        return found

    def board(self, which: int | str = 1) -> Board:
        """A main board: the n-th, or by its name."""
        found: Board = self._at(which, "main_board", by_counter=False)
        return found

    def kiosk(self, which: int | str = 1) -> Kiosk:
        """The buttons of a ticket kiosk: the n-th, or by their name."""
        found: Kiosk = self._at(which, "kiosk_button", by_counter=False)
        return found

    def printer(self, which: int | str = 1) -> Printer:
        """A ticket printer: the n-th, or by its name."""
        found: Printer = self._at(which, "ticket_printer", by_counter=False)
        return found

    def line(self, name: str) -> LineHandle:
        """A line by its name.

        Raises:
            SetupError: there is none.
        """
        if name not in self.world.rig.lines:
            raise SetupError(f"there is no line {name!r}; there are: {', '.join(self.world.rig.lines)}")
        return LineHandle(self, name)

    @property
    def ports(self) -> Mapping[str, str]:
        """Line -> what a program opens, for the lines of the program under test."""
        return self.drive.ports
