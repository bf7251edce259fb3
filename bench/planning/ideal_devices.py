"""The device-level replay with ideal devices: the real people and the real queue office, devices that take no time.

`bench.hall.hall` walks its visitors and clerks as on any day, and `bench.controller.office` decides who is called. Only
the lines between them are gone: a key is in the office at once, a ticket is on paper at once, a call is shown at once.
It is what the fast engine is held against (architecture.md section 5): their waits are equal, difference exactly 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.clock.clockwork import Clockwork
from bench.controller.office import Office
from bench.controller.plan import from_scenario
from bench.hall.hall import Hall
from firmware_sim.device import Note
from protocol.modbus.maps.reference_keypad import Event

if TYPE_CHECKING:
    from bench.hall.day import Day
    from bench.scenario.model import Scenario


class Seen(NamedTuple):
    """What the hall recorded of one visitor, ns since midnight; None where it did not happen.

    `on`, `second` and `begins` are of a visit to a second desk: passed on, called, begun.
    """

    ticket: int | None
    called: int | None
    starts: int | None
    leaves: int | None
    on: int | None = None
    second: int | None = None
    begins: int | None = None
    why: str = ""


class _House:
    """The office's hands and the hall's: everything happens at the instant at which it is asked for."""

    def __init__(self, scenario: Scenario, day: Day) -> None:
        self.scenario = scenario
        self.clock = Clockwork(scenario.start)
        self.seen: dict[int, dict[str, int]] = {}
        self.whys: dict[int, str] = {}
        plan = from_scenario(scenario)
        self.office = Office(plan, self, lambda _rows: None, lambda *_: None, 0)
        self.hall = Hall(self.clock, scenario, day, self.hands, self._record, lambda: None)
        placed = [device for _, device in scenario.placed]
        self._counter_of: dict[str, int] = {d.name: getattr(d, "counter", None) or 0 for d in placed}
        self._kinds = {d.name: d.acts_as for d in placed}
        self._displays = {self._counter_of[d.name]: d.name for d in placed if d.acts_as == "counter_display"}
        self._boards = [d.name for d in placed if d.acts_as in ("main_board", "alpha_board")]
        self._printer_of = {d.name: d.printer for d in placed if d.kind == "kiosk_button"}
        self._kiosk_of = {printer: kiosk for kiosk, printer in self._printer_of.items()}

    def _record(self, kind: str, facts: Mapping[str, Any]) -> None:
        if "visitor" in facts:
            marks = self.seen.setdefault(facts["visitor"], {})
            marks[kind if kind not in marks else f"{kind} again"] = self.clock.now
            self.whys[facts["visitor"]] = facts.get("why", "")

    def hands(self, device: str, action: str, *args: Any) -> None:
        """A person does something to a device."""
        if action != "press":
            return
        kind, now = self._kinds[device], self.clock.now
        if kind == "clerk_console":
            self.office.plain_key(now, self._counter_of[device], args[0])
        elif kind == "kiosk_button":
            self.office.kiosk_key(now, device, Event(0, 0, 0, args[0], 0, 0))

    def _shows(self, device: str, **facts: Any) -> None:
        self.hall.on_note(device, self.clock.now, Note("shown", facts))

    # -- what the office wants done (`bench.controller.office.Hands`) ------------------------------------------------
    def show_counter(self, now: int, counter: int, text: str, *, blink: bool = False) -> None:
        """Show a text on a counter's display."""
        if counter in self._displays:
            self._shows(self._displays[counter], text=text)

    def show_calls(self, now: int, calls: Sequence[tuple[str, int]]) -> None:
        """Show the latest call on every board, in the one row that counts."""
        if calls:
            for board in self._boards:
                self._shows(board, text=f"{calls[0][0]} {calls[0][1]}", row=0)

    def open_window(self, now: int, counter: int, number: int, until: int) -> None:
        """Nothing to do: whoever rates does so at once."""

    def clerk_is(self, now: int, counter: int, code: int) -> None:
        """Nothing to do: nobody asks who the clerk is."""

    def announce(self, now: int, ticket: str, counter: int, *, again: bool = False) -> None:
        """Nothing to do: the call was seen."""

    def print_ticket(self, now: int, printer: str, ticket: str, errand: int, ahead: int) -> None:
        """The ticket is on paper, and the printer says so."""
        self.hall.on_note(printer, now, Note("printed", {"lines": [ticket, f"before: {ahead}"]}))
        self.office.confirmed(now, ticket)


def replay(scenario: Scenario, day: Day) -> dict[int, Seen]:
    """Play a day with real people, the real office and ideal devices; what was seen, by number of the visitor.

    A scenario whose kiosk's printer is no line of the house cannot be played so.
    """
    house = _House(scenario, day)
    house.hall.open()
    house.clock.run(until=scenario.horizon)
    return {
        number: Seen(
            marks.get("ticket_taken"),
            marks.get("goes"),
            marks.get("start"),
            marks.get("leaves"),
            marks.get("goes_on"),
            marks.get("goes again"),
            marks.get("start again"),
            house.whys[number],
        )
        for number, marks in sorted(house.seen.items())
    }


def waits(seen: Mapping[int, Seen]) -> list[tuple[int, int]]:
    """(number of the visitor, wait in ns) of each call: from the ticket, or from being passed on to a second desk."""
    first = [(n, s.called - s.ticket) for n, s in seen.items() if s.called is not None and s.ticket is not None]
    return sorted(first + [(n, s.second - s.on) for n, s in seen.items() if s.second is not None and s.on is not None])
