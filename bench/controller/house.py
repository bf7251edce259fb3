"""`HouseController`: the house's masters, one for each line, and the office behind them.

Sans-IO: each master is driven by the line it is attached to, like a device. When an event on one line calls for
something on another, the controller hands that line's effects to whatever was connected to it::

    house = HouseController(plan, store, clock_offset, note)
    for name, master in house.masters.items():
        line = lines[name]
        line.attach_master(master)
        house.connect(name, partial(line.apply, master))
    for name, master in house.masters.items():
        lines[name].apply(master, master.start(now))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from bench.controller.alpha_master import AlphaSign
from bench.controller.ascii_master import AsciiDisplay
from bench.controller.board_master import BoardMaster, Talk
from bench.controller.conversation import Conversation
from bench.controller.declared_master import DeclaredMaster, DeclaredUnit
from bench.controller.declared_text import DeclaredText
from bench.controller.declared_voice import DeclaredVoice
from bench.controller.events import EventConversation, clock_words
from bench.controller.idle_polls import IdlePolls
from bench.controller.modbus_master import ModbusMaster
from bench.controller.office import Office
from bench.controller.osdp_master import OsdpMaster
from bench.controller.plan import EVENT_KINDS, ControllerPlan, LinePlan, UnitPlan
from bench.controller.printer_master import PrinterMaster
from bench.controller.rows import Commit
from bench.controller.texts import TextConversation
from bench.controller.tickets import profile_of, ticket_text
from bench.controller.voice_master import VoiceMaster
from firmware_sim.device import Effect, Note
from protocol.modbus.maps.reference_keypad import CLERK_CONSOLE, KIOSK_BUTTON, REFERENCE_KEYPAD, Event
from protocol.modbus.requests import write_registers
from protocol.modbus.rtu import BROADCAST, t35

_MAPS: Final = {"rating_keypad": REFERENCE_KEYPAD, "clerk_console": CLERK_CONSOLE, "kiosk_button": KIOSK_BUTTON}
_CLOCK: Final = REFERENCE_KEYPAD["clock"].address
_CLOCK_FRAME: Final = 15
"""Characters of a write of the three clock registers."""

Master = ModbusMaster | PrinterMaster | BoardMaster | DeclaredMaster | OsdpMaster | VoiceMaster
Apply = Callable[[Iterable[Effect]], Any]


class HouseController:
    """A correct collector and queue-management program for the lines that the house owns.

    Args:
        plan: the hall, see `bench.controller.plan.from_scenario`.
        store: commits rows (`bench.controller.store.Store`), raises StoreFailed when it cannot.
        clock_offset: ns to add to an instant to have Unix ns.
        note: takes (instant, note): what the controller does and finds out. The kinds are listed at `Office`,
            `ModbusMaster`, `EventConversation` and `PrinterMaster`.

    Attributes:
        masters: line name -> master.
        office: queues and counters.
        idle_polls: books the polls that come out as always; `idle_polls.enabled = False` plays every one.

    Raises:
        LookupError: a printer's profile is unknown.
    """

    def __init__(
        self, plan: ControllerPlan, store: Commit, clock_offset: int, note: Callable[[int, Note], Any]
    ) -> None:
        self.plan = plan
        self._offset = clock_offset
        self._note = note
        self.office = Office(plan, self, store, self._tell, clock_offset)
        self.masters: dict[str, Master] = {}
        self.idle_polls = IdlePolls()
        self._apply: dict[str, Apply] = {}
        self._counter_of = {unit.name: unit.counter for unit in plan.units()}
        self._units: dict[str, tuple[str, ModbusMaster, Conversation]] = {}
        self._texts: dict[str, tuple[str, BoardMaster, Talk]] = {}
        self._printers: dict[str, tuple[str, PrinterMaster]] = {}
        self._declared: dict[str, tuple[str, DeclaredMaster]] = {}
        self._voices: list[tuple[str, VoiceMaster]] = []
        self._profiles = {
            line.printer.name: profile_of(line.printer.profile) for line in plan.lines if line.printer is not None
        }
        chore: Callable[[int], None] | None = self.office.flush
        for line in plan.lines:
            if line.printer is not None:
                self._add_printer(line, line.printer.name)
            elif line.voice is not None:
                self._add_voice(line)
            elif line.language in _ADD:
                _ADD[line.language](self, line)
            elif line.language != "modbus":
                self._add_boards(line)
            else:
                self._add_bus(line, chore)
                chore = None
        self._displays = {
            c.number: c.display for c in plan.counters if c.display in self._units or c.display in self._texts
        }
        declared = {unit.name: unit for unit in plan.units() if unit.name in self._declared}
        self._consoles = {u.counter: n for n, u in declared.items() if _told(u, "show")}
        self._evaluators = {u.counter: n for n, u in declared.items() if _told(u, "window")}
        self._keypads = {c.number: c.keypad for c in plan.counters if c.keypad in self._units}
        self._boards = [unit.name for unit in plan.units() if unit.kind in ("main_board", "alpha_board")]
        self._darken()

    def connect(self, line: str, apply: Apply) -> None:
        """Tell how effects for a line's master are carried out when another line's event caused them."""
        self._apply[line] = apply

    def close(self, now: int) -> int:
        """Store what still waits; returns how many rows of tickets and calls could not be stored."""
        self.office.flush(now)
        return self.office.unstored

    # -- putting it together ----------------------------------------------------------------------------------------
    def _add_printer(self, line: LinePlan, printer: str) -> None:
        office, profile = self.office, self._profiles[printer]
        master = PrinterMaster(
            f"house/{line.name}",
            printer,
            line.settings,
            office.confirmed,
            office.failed,
            self._tell,
            xonxoff=line.xonxoff,
            room=profile.buffer_size - profile.xoff_left,
        )
        self.masters[line.name] = master
        self._printers[printer] = line.name, master

    def _add_bus(self, line: LinePlan, chore: Callable[[int], None] | None) -> None:
        lead = line.settings.duration(_CLOCK_FRAME) + t35(line.settings.baud, line.settings.char_bits)
        conversations = [self._conversation(line, unit, lead) for unit in line.units]
        with_clock = any(unit.kind in EVENT_KINDS for unit in line.units)
        master = ModbusMaster(
            f"house/{line.name}",
            line.settings,
            conversations,
            self._tell,
            turnaround=line.turnaround,
            broadcast=self._clock_to_all if with_clock else None,
            chore=chore,
            idle_chore=lambda: not self.office.unstored,
            idle_polls=self.idle_polls,
        )
        self.masters[line.name] = master
        for conversation in conversations:
            self._units[conversation.name] = line.name, master, conversation

    def _add_boards(self, line: LinePlan) -> None:
        """A line of boards that speak Alpha, of displays that speak ASCII, or of either by declaration."""
        talks = [self._talk(unit) for unit in line.units]
        master = BoardMaster(f"house/{line.name}", line.settings, talks, self._tell)
        self.masters[line.name] = master
        for talk in talks:
            self._texts[talk.name] = line.name, master, talk

    def _talk(self, unit: UnitPlan) -> Talk:
        if unit.codec is not None:
            return DeclaredText(unit.name, unit.unit, unit.codec, self._tell, unit.counter)
        if unit.kind == "alpha_board":
            return AlphaSign(unit.name, unit.unit, unit.rows, unit.characters, self._tell)
        return AsciiDisplay(unit.name, unit.unit, unit.digits, self._tell)

    def _add_voice(self, line: LinePlan) -> None:
        voice = line.voice
        assert voice is not None
        name = f"house/{line.name}"
        house = voice.codec.declaration.house
        master = (
            VoiceMaster(name, voice.name, voice.codec, line.settings, voice.clips, self._tell)
            if house is None or house.announce is None
            else DeclaredVoice(name, voice.name, voice.unit, voice.codec, line.settings, self._tell)
        )
        self.masters[line.name] = master
        self._voices.append((line.name, master))

    def _add_declared(self, line: LinePlan) -> None:
        """A line of devices by declaration: FF68 evaluators and consoles among them."""
        units = [DeclaredUnit(unit.name, unit.unit, unit.codec) for unit in line.units if unit.codec is not None]
        master = DeclaredMaster(
            f"house/{line.name}", line.settings, units, self._plain_rating, self._plain_key, self._tell
        )
        self.masters[line.name] = master
        for unit in units:
            self._declared[unit.name] = line.name, master

    def _add_osdp(self, line: LinePlan) -> None:
        units = [(unit.name, unit.unit) for unit in line.units]
        self.masters[line.name] = OsdpMaster(
            f"house/{line.name}", line.settings, units, self._plain_rating, self._tell, poll=line.poll
        )

    def _plain_rating(self, now: int, device: str, value: int) -> None:
        self.office.plain_rating(now, device, self._counter_of[device], value)

    def _plain_key(self, now: int, device: str, key: int) -> None:
        self.office.plain_key(now, self._counter_of[device], key)

    def _conversation(self, line: LinePlan, unit: UnitPlan, lead: int) -> Conversation:
        if unit.kind == "counter_display":
            return TextConversation.display(unit.name, unit.unit, unit.digits, self._tell, unit.protocol)
        if unit.kind == "main_board":
            return TextConversation.board(unit.name, unit.unit, unit.rows, self._tell)
        made = EventConversation(
            unit.name,
            unit.unit,
            unit.kind,
            line.poll,
            _MAPS[unit.kind],
            getattr(self, f"_from_{unit.kind}"),
            self._tell,
            self._offset,
            lead,
        )
        if unit.kind == "rating_keypad":
            made.clerk = next((c.clerk_code for c in self.plan.counters if c.number == unit.counter), 0)
        return made

    def _clock_to_all(self, at: int) -> bytes:
        return write_registers(BROADCAST, _CLOCK, clock_words(at + self._offset))

    def _darken(self) -> None:
        """Displays and boards may show what a day before left on them."""
        for _, _, conversation in self._units.values():
            if isinstance(conversation, TextConversation):
                for row in range(conversation.rows):
                    conversation.show(0, "", row)

    def _tell(self, now: int, kind: str, facts: Mapping[str, Any]) -> None:
        self._note(now, Note(kind, facts))

    # -- events of the devices --------------------------------------------------------------------------------------
    def _from_rating_keypad(self, now: int, unit: EventConversation, events: Sequence[Event]) -> None:
        self.office.ratings(now, unit.name, events)
        for event in events:
            unit.clerk = event.clerk or unit.clerk

    def _from_clerk_console(self, now: int, unit: EventConversation, events: Sequence[Event]) -> None:
        for event in events:
            if self._stale(now, unit, event):
                continue
            unit.clerk = event.clerk or unit.clerk
            self.office.console_key(now, self._counter_of[unit.name], unit.name, event)

    def _from_kiosk_button(self, now: int, unit: EventConversation, events: Sequence[Event]) -> None:
        for event in events:
            if not self._stale(now, unit, event):
                self.office.kiosk_key(now, unit.name, event)

    def _stale(self, now: int, unit: EventConversation, event: Event) -> bool:
        """A key that was acted on long ago, brought up again from old memory, is not pressed again."""
        if not unit.older_than_known(event):
            return False
        facts = {"device": unit.name, "value": event.value, "epoch": event.epoch, "seq": event.sequence}
        self._tell(now, "ignored_event", {**facts, "why": "older than one that was handled"})
        return True

    # -- hands of the office ----------------------------------------------------------------------------------------
    def show_counter(self, now: int, counter: int, text: str, *, blink: bool = False) -> None:
        """Show a text on a counter's display, if the house has it."""
        self._show_console(now, counter, text)
        display = self._displays.get(counter)
        if display is None:
            return
        conversation = self._writing_to(display)
        # A number that is too long loses its letters: a display that cuts it would show another ticket's.
        whole = isinstance(conversation, DeclaredText)  # it may say letters and number apart, and cuts by itself
        conversation.show(now, text if whole else text[-conversation.width :], blink=blink)
        self._poke(now, display)

    def announce(self, now: int, ticket: str, counter: int, *, again: bool = False) -> None:
        """Speak a call on every voice caller of the house."""
        for line, master in self._voices:
            self._carry_out(line, master.announce(now, ticket, counter, again=again))

    def show_calls(self, now: int, calls: Sequence[tuple[str, int]]) -> None:
        """Show the latest calls on the house's boards."""
        for board in self._boards:
            conversation = self._writing_to(board)
            for row in range(conversation.rows):
                ticket, counter = calls[row] if row < len(calls) else ("", 0)
                text = f"{ticket} -> {counter}" if ticket else ""
                if isinstance(conversation, DeclaredText):
                    conversation.wish(row, text, ticket=ticket, counter=counter)
                else:
                    conversation.show(now, text, row)
            self._poke(now, board)

    def open_window(self, now: int, counter: int, number: int, until: int) -> None:
        """Open the rating window on a counter's keypad, if the house has it."""
        if counter in self._evaluators:
            line, master = self._declared[self._evaluators[counter]]
            self._carry_out(line, master.window(now, self._evaluators[counter]))
        self._keypad(now, counter, lambda keypad: keypad.open_window(number, until))

    def clerk_is(self, now: int, counter: int, code: int) -> None:
        """Tell a counter's keypad who the clerk is, if the house has it."""
        self._keypad(now, counter, lambda keypad: keypad.log_in(code))

    def print_ticket(self, now: int, printer: str, ticket: str, errand: int, ahead: int) -> None:
        """Print a ticket."""
        data = ticket_text(self.plan, self._profiles[printer], ticket, errand, now, ahead)
        line, master = self._printers[printer]
        self._carry_out(line, master.submit(now, ticket, data))

    def _show_console(self, now: int, counter: int, text: str) -> None:
        """The ticket's number on the panel of a console that has one."""
        console = self._consoles.get(counter)
        digits = "".join(filter(str.isdigit, text))[-3:]
        if console is not None and digits:
            line, master = self._declared[console]
            self._carry_out(line, master.show(now, console, digits.rjust(3)))

    def _keypad(self, now: int, counter: int, wish: Callable[[EventConversation], None]) -> None:
        keypad = self._keypads.get(counter)
        if keypad is None:
            return
        _, _, conversation = self._units[keypad]
        assert isinstance(conversation, EventConversation)
        wish(conversation)
        self._poke(now, keypad)

    def _writing_to(self, name: str) -> TextConversation | Talk:
        """The house's end of a display or board."""
        if name in self._texts:
            return self._texts[name][2]
        _, _, conversation = self._units[name]
        assert isinstance(conversation, TextConversation)
        return conversation

    def _poke(self, now: int, unit: str) -> None:
        if unit in self._texts:
            where, boards, talk = self._texts[unit]
            self._carry_out(where, boards.poke(now, talk))
            return
        line, master, conversation = self._units[unit]
        self._carry_out(line, master.poke(now, conversation))

    def _carry_out(self, line: str, effects: Sequence[Effect]) -> None:
        if not effects:
            return
        apply = self._apply.get(line)
        if apply is None:
            raise RuntimeError(f"line {line} is not connected: call connect({line!r}, apply) before the first event")
        apply(effects)


_ADD: Final[Mapping[str, Callable[[HouseController, LinePlan], None]]] = {
    "declared": HouseController._add_declared,  # noqa: SLF001
    "osdp": HouseController._add_osdp,  # noqa: SLF001
}
"""Language of a line -> how its master is made; boards and Modbus buses have their own ways."""


def _told(unit: UnitPlan, what: str) -> bool:
    """Whether a device's declaration says how it is told something."""
    house = unit.codec.declaration.house if unit.codec is not None else None
    return house is not None and getattr(house, what) is not None
