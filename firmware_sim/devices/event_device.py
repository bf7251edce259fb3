"""What the rating keypad, the clerk console and the kiosk button have in common: keys, queue, clock, settings, power.

The registers are profile RK-1's (`protocol.modbus.maps.reference_keypad`, which also says what the profile settles
where its outline is open). A device is a table of register groups; a write is checked group by group, and changes
something only when all of it can be taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from firmware_sim.burst import LineSettings
from firmware_sim.device import MS, NS, Alarm, Effect, Note, Stop
from firmware_sim.devices.contacts import Contacts
from firmware_sim.event_queue import EventQueue, Queued, QueueState, Refused
from firmware_sim.modbus_slave import ExceptionCode, Table
from firmware_sim.register_slave import Cells, Group, RegisterSlave, between, refuse, whole
from protocol.modbus.maps import reference_keypad as rk
from protocol.modbus.maps.led485 import BAUD_CODES
from protocol.modbus.pdu import FC

__all__ = ["NEVER", "EventDevice"]

NEVER = (1 << 63) - 1
"""An instant that does not come: a unit without supply hears nothing before it."""

_ANSWER_START = rk.DEBOUNCE_NS
_LAMP_LASTS = 300 * MS
_BEEP_LASTS = 100 * MS
_DEFAULT_SETTINGS = LineSettings()
_STATE, _STATE_ENDS = rk.REFERENCE_KEYPAD["epoch"].address, rk.REFERENCE_KEYPAD["lost"].end
_BAUD_CODE = {baud: code for code, baud in BAUD_CODES.items()}
_PARITY_CODE = {parity: code for code, parity in rk.PARITY_CODES.items()}


class EventDevice(RegisterSlave):
    """A unit with keys whose presses wait in an acknowledged queue.

    Human side, each returning effects: `press`, `tamper`, `supply`, `unplug`, `plug_in` (subclasses: `log_in` ...).

    Args:
        name: what histories call it.
        keys: how many keys it has; None for the usual number of its kind.
        depth: declared queue depth.
        clock_offset: ns to add to `now` for the device's own Unix time in ns.
        clock_set: whether that time counts as set (status bit 2, event flag bit 2).
        clock_battery: whether the clock goes on without supply. Without, it starts at 0, "not set", at each boot.
        epoch: boot epoch it is in.
        next_seq: number of the next event; presets the wrap for tests.
        settings: line settings it runs at; None for whatever the line runs at (reads as 9600 8N1).
        boot_ns: how long it is silent after power-up or 0xB007.

    Attributes:
        human: names of the methods by which a person acts on it.
        queue: the non-volatile queue; `queue.state` is all of it as data.
        powered: whether it has supply.
        saves: times 0x5AFE wrote the settings to non-volatile memory.
    """

    functions = frozenset(
        {
            FC.READ_HOLDING,
            FC.READ_INPUTS,
            FC.WRITE_REGISTER,
            FC.DIAGNOSTICS,
            FC.WRITE_REGISTERS,
            FC.READ_FIFO,
            FC.DEVICE_ID,
        }
    )
    registers = rk.CLERK_CONSOLE
    mark: ClassVar[int] = rk.MARK_CONSOLE
    human: ClassVar[tuple[str, ...]] = ("press", "tamper", "supply", "unplug", "plug_in")
    note_kind: ClassVar[str] = "key"
    most_keys: ClassVar[int] = 15
    usual_keys: ClassVar[int] = 15

    _lamps: int
    _buzzer_until: int
    _clerk: int
    _written: dict[str, int]
    _pending: dict[str, int]
    _rebooting: bool
    _contacts: Contacts
    _answer: tuple[int, int]

    def __init__(
        self,
        name: str,
        *,
        keys: int | None = None,
        depth: int = rk.QUEUE_DEPTH,
        clock_offset: int = 0,
        clock_set: bool = True,
        clock_battery: bool = False,
        epoch: int = 1,
        next_seq: int = 0,
        settings: LineSettings | None = None,
        boot_ns: int = rk.BOOT_NS,
    ) -> None:
        keys = self.usual_keys if keys is None else keys
        if not 1 <= keys <= self.most_keys:
            raise ValueError(f"{name}: a {type(self).__name__} has 1 to {self.most_keys} keys, not {keys}")
        self.name = name
        self.keys = keys
        self.settings = settings
        self.boot_ns = boot_ns
        self.queue = EventQueue(depth, epoch, next_seq)
        self.powered = True
        self.saves = 0
        self._offset = clock_offset
        self._clock_set = clock_set
        self._battery = clock_battery
        self._tampered = False
        self._supply_low = False
        self._started = 0
        self._saved: tuple[int, LineSettings | None] | None = None
        self.forget()
        self.use(self.groups())

    # The host's side: registers

    def groups(self) -> Iterable[Group]:
        """The holding registers of this device; a subclass adds its own. Rows its map lacks are left out."""
        row = self.registers
        yield Group(row["acknowledge"], self._read_acknowledge, self._check_acknowledge, self._acknowledge)
        yield Group(row["acknowledge_lost"], self._kept("acknowledge_lost"), self._check_lost, self._acknowledge_lost)
        yield Group(row["lamps"], lambda _now: (self._lamps,), self._check_lamps, self._set_lamps)
        yield Group(row["buzzer"], self._read_buzzer, between(0, 0xFFFF, "buzzer"), self._set_buzzer, broadcast=True)
        if "clerk" in row:
            check = between(0, 0xFFFF, "the clerk code")
            yield Group(row["clerk"], lambda _now: (self._clerk,), check, self._set_clerk)
        yield Group(row["clock"], self._read_clock, self._check_clock, self._set_clock, broadcast=True)
        for name, codes in (("unit", range(1, 248)), ("baud", BAUD_CODES), ("parity", rk.PARITY_CODES)):
            check = between(min(codes), max(codes), name)
            yield Group(row[name], self._setting(name), check, self._set_setting(name))
        yield Group(row["command"], self._kept("command"), self._check_command, self._command)

    def read(self, now: int, table: Table, start: int, count: int) -> Sequence[int]:
        """The registers as they stand at this instant; reading removes nothing."""
        if table is not Table.INPUTS:
            return super().read(now, table, start, count)
        if start >= rk.FIFO_ADDRESS:
            first = start - rk.FIFO_ADDRESS
            return self.queue.words()[first : first + count]
        if start >= _STATE and start + count <= _STATE_ENDS:  # what nearly every poll asks for
            return self._state(now)[start - _STATE : start - _STATE + count]
        return self._header(now)[start : start + count]

    def glance(self, now: int, table: Table, start: int, count: int) -> Sequence[int] | None:
        """The input registers, which reading does not change."""
        if start == _STATE and count == _STATE_ENDS - _STATE and table is Table.INPUTS:
            epoch, waiting, oldest, newest, lost = self.queue.summary
            return epoch, self.status(now), waiting, oldest, newest, lost
        return self.read(now, table, start, count) if table is Table.INPUTS else None

    def fifo(self, now: int, pointer: int) -> Sequence[int]:
        """The FIFO view at 0x0100: sequence and value, never clearing.

        Raises:
            ModbusException: 02 at any other pointer.
        """
        if pointer != rk.FIFO_ADDRESS:
            raise refuse(f"the queue is at 0x{rk.FIFO_ADDRESS:04X}", ExceptionCode.ILLEGAL_DATA_ADDRESS)
        return self.queue.fifo()

    def after_reply(self, now: int) -> Iterable[Effect]:
        """New unit, baud or parity take effect, or the reboot happens."""
        effects: list[Effect] = []
        if self._pending:
            now_at = {name: self._setting(name)(now)[0] for name in ("unit", "baud", "parity")}
            if self._saved is None:
                self._saved = (self.unit, self.settings)
            if "unit" in self._pending:
                self.unit = now_at["unit"]
            if self._pending.keys() & {"baud", "parity"}:
                baud, parity = BAUD_CODES[now_at["baud"]], rk.PARITY_CODES[now_at["parity"]]
                self.settings = replace(self.settings or _DEFAULT_SETTINGS, baud=baud, parity=parity)
            self._pending.clear()
            effects.append(Note("settings", now_at))
        if self._rebooting:
            effects += self._boot(now)
        return effects

    # The human side

    def power_on(self, now: int) -> Iterable[Effect]:
        """A run begins with the unit on: it is up at once, its uptime counts from here; the epoch is noted."""
        self._started = now
        return [Note("boot", {"epoch": self.queue.epoch})]

    def press(self, now: int, key: int, held: int = 0) -> Iterable[Effect]:
        """A key goes down, and stays down for `held` ns; one press is one event however long.

        Raises:
            ValueError: no such key.
        """
        why = self.contact(now, key, held)
        return [self.ignored(key, why)] if why else self.take(now, key)

    def tamper(self, now: int, on: bool) -> Iterable[Effect]:
        """The case is opened (on) or closed; status bit 0 tells it, after a power-up too."""
        self._tampered = on
        return [Note("tamper", {"on": on})]

    def supply(self, now: int, low: bool) -> Iterable[Effect]:
        """The supply sags (low) or is well again; seen in status bit 3."""
        self._supply_low = low
        return [Note("supply", {"low": low})]

    def unplug(self, now: int) -> Iterable[Effect]:
        """Power is lost: what it sends is cut, it hears nothing; the queue stays."""
        if not self.powered:
            return []
        self.powered = False
        self.silent_until = NEVER
        self.forget()
        return [Stop(), *self.alarms_off(), Note("power", {"on": False})]

    def plug_in(self, now: int) -> Iterable[Effect]:
        """Power returns: a new boot epoch; silent while it starts."""
        if self.powered:
            return []
        self.powered = True
        return self._boot(now)

    @property
    def case_open(self) -> bool:
        """Whether somebody has opened its case."""
        return self._tampered

    @property
    def supply_low(self) -> bool:
        """Whether its supply is low."""
        return self._supply_low

    @property
    def clerk(self) -> int:
        """Code of the clerk whose presses these are; 0 for nobody."""
        return self._clerk

    def lamps_lit(self, now: int) -> int:
        """What a visitor sees: the host's lamps, and the pressed key's lamp in answer to a press (bits as 0x0010)."""
        if not self.is_up(now):
            return 0
        key, at = self._answer
        answers = key and _ANSWER_START <= now - at < _ANSWER_START + _LAMP_LASTS
        return self._lamps | (1 << (key - 1) if answers else 0)

    def sounding(self, now: int) -> bool:
        """What a visitor hears: the host's buzzer, or the short sound in answer to a press."""
        if not self.is_up(now):
            return False
        key, at = self._answer
        return now < self._buzzer_until or bool(key and _ANSWER_START <= now - at < _ANSWER_START + _BEEP_LASTS)

    def is_up(self, now: int) -> bool:
        """Whether it has supply and has finished starting."""
        return now >= self.silent_until

    # What goes wrong inside it

    def reboot(self, now: int) -> Iterable[Effect]:
        """It starts anew by itself (a watchdog, a brown-out): what it sends is cut, the queue stays."""
        if not self.powered:
            return []
        return [Stop(), *self._boot(now)]

    def lose_buffer(self, now: int) -> Iterable[Effect]:
        """The memory of the events is empty after a reboot."""
        gone = self.queue.lose()
        events = [[event.epoch, event.sequence] for event in gone]
        return [Note("buffer_lost", {"events": events}), *self.reboot(now)]

    def restore_buffer(self, now: int, state: QueueState) -> Iterable[Effect]:
        """After a reboot the memory holds what it held before, events included that were acknowledged since."""
        fresh = set(self.queue.waiting) - set(state.waiting)
        gone = [[event.epoch, event.sequence] for event in self.queue.waiting if event in fresh]
        ghosts = [[event.epoch, event.sequence] for event in state.waiting]
        self.queue = EventQueue.from_state(state._replace(epoch=self.queue.epoch))
        return [Note("buffer_restored", {"events": ghosts, "gone": gone}), *self.reboot(now)]

    def restart_sequence(self, now: int) -> Iterable[Effect]:
        """The next event gets number 0 without a new epoch."""
        self.queue.restart_sequence()
        return [Note("sequence_restarted", {"epoch": self.queue.epoch})]

    def shift_clock(self, now: int, by: int) -> Iterable[Effect]:
        """The device's clock jumps by so many ns."""
        self._offset += by
        return [Note("clock_shifted", {"by": by})]

    def reset_clock(self, now: int) -> Iterable[Effect]:
        """The device's clock starts at 0 (1970) and says that it is not set."""
        self._offset = -now
        self._clock_set = False
        return [Note("clock_reset", {})]

    # For subclasses

    def contact(self, now: int, key: int, held: int = 0) -> str:
        """A key goes down: "" for a press that counts, else why it does not (see `Contacts`; no supply, starting).

        Raises:
            ValueError: no such key.
        """
        if not 1 <= key <= self.keys:
            raise ValueError(f"{self.name}: there is no key {key}; it has keys 1 to {self.keys}")
        if not self.is_up(now):
            return "starting" if self.powered else "no power"
        return self._contacts.edge(now, key, held)

    def ignored(self, key: int, why: str) -> Note:
        """The note for a press that makes no event."""
        return Note("ignored", {"key": key, "why": why})

    def take(self, now: int, key: int) -> Iterable[Effect]:
        """A press counts: queue it. A subclass may add flags and a ticket, or turn it down."""
        return self.enqueue(now, key)

    def enqueue(self, now: int, value: int, flags: int = 0, ticket: int = 0) -> list[Effect]:
        """Queue an event with the clerk and the device's time of this instant, answer the press, and note it."""
        seconds, milliseconds = self.device_time(now)
        if self._clock_set:
            flags |= rk.FLAG_CLOCK_SET
        queued = self.queue.put(
            value, flags=flags, seconds=seconds, milliseconds=milliseconds, clerk=self._clerk, ticket=ticket
        )
        self._answer = (value, now)
        effects: list[Effect] = []
        if queued.dropped is not None:
            effects.append(Note("overflow", {"epoch": queued.dropped.epoch, "seq": queued.dropped.sequence}))
        effects.append(Note(self.note_kind, self.facts(queued)))
        return effects

    def facts(self, queued: Queued) -> Mapping[str, object]:
        """What the history is told of an event."""
        event = queued.event
        return {"value": event.value, "clerk": event.clerk, "epoch": event.epoch, "seq": event.sequence}

    def sign(self, now: int, clerk: int) -> Iterable[Effect]:
        """From now on events carry this clerk code (0: nobody); a unit that does not run takes no notice."""
        if not self.is_up(now) or clerk == self._clerk:
            return []
        self._clerk = clerk
        return [Note("login", {"clerk": clerk})]

    def device_time(self, now: int) -> tuple[int, int]:
        """The device's own Unix time: seconds (32 bits) and milliseconds."""
        seconds, rest = divmod(now + self._offset, NS)
        return seconds & 0xFFFFFFFF, rest // MS

    def status(self, now: int) -> int:
        """The status bits."""
        return (
            (rk.STATUS_TAMPER if self._tampered else 0)
            | (rk.STATUS_OVERFLOW if self.queue.lost else 0)
            | (0 if self._clock_set else rk.STATUS_CLOCK_NOT_SET)
            | (rk.STATUS_SUPPLY_LOW if self._supply_low else 0)
        )

    def alarms_off(self) -> Iterable[Alarm]:
        """The alarms to call off when the device stops running."""
        return ()

    def forget(self) -> None:
        """All that is not non-volatile starts anew: the constructor, a loss of supply and a boot call it."""
        self._lamps = 0
        self._buzzer_until = 0
        self._clerk = 0
        self._written = {}
        self._pending = {}
        self._rebooting = False
        self._contacts = Contacts()
        self._answer = (0, 0)

    def _boot(self, now: int) -> list[Effect]:
        self.forget()
        if self._saved is not None:
            self.unit, self.settings = self._saved
            self._saved = None
        if not self._battery:
            self._offset = -now
            self._clock_set = False
        self._started = now
        self.silent_until = now + self.boot_ns
        return [*self.alarms_off(), Note("boot", {"epoch": self.queue.boot()})]

    def _set_clerk(self, now: int, cells: Cells) -> Iterable[Effect]:
        (clerk,) = whole(cells, "the clerk code")
        return self.sign(now, clerk)

    def _state(self, now: int) -> tuple[int, int, int, int, int, int]:
        epoch, waiting, oldest, newest, lost = self.queue.summary
        return epoch, self.status(now), waiting, oldest, newest, lost

    def _header(self, now: int) -> tuple[int, ...]:
        uptime = (now - self._started) // NS
        high, low = uptime >> 16 & 0xFFFF, uptime & 0xFFFF
        return (self.mark, rk.VERSION, *self._state(now), high, low, self.queue.depth, self.keys)

    # Register groups

    def _kept(self, name: str) -> Callable[[int], Sequence[int]]:
        """Read back what was written last, 0 before."""
        return lambda _now: (self._written.get(name, 0),)

    def _read_acknowledge(self, now: int) -> Sequence[int]:
        return self.queue.acknowledged or (0, 0)

    def _check_acknowledge(self, now: int, cells: Cells, function: int) -> None:
        epoch, sequence = whole(cells, "epoch and sequence of an acknowledgement")
        if function != FC.WRITE_REGISTERS:
            raise refuse(f"an acknowledgement comes by FC 0x10, not 0x{function:02X}")
        try:
            self.queue.check(epoch, sequence)
        except Refused as reason:
            raise refuse(str(reason)) from reason

    def _acknowledge(self, now: int, cells: Cells) -> Iterable[Effect]:
        epoch, sequence = whole(cells, "epoch and sequence of an acknowledgement")
        freed = self.queue.acknowledge(epoch, sequence)
        return [Note("ack", {"epoch": epoch, "seq": sequence, "freed": freed})]

    def _check_lost(self, now: int, cells: Cells, function: int) -> None:
        (count,) = whole(cells, "the lost-count")
        if count > self.queue.lost:
            raise refuse(f"{count} losses acknowledged, only {self.queue.lost} stand: read 0x0007 again")

    def _acknowledge_lost(self, now: int, cells: Cells) -> Iterable[Effect]:
        (count,) = whole(cells, "the lost-count")
        self.queue.acknowledge_lost(count)
        self._written["acknowledge_lost"] = count
        return [Note("ack_lost", {"count": count})] if count else []

    def _check_lamps(self, now: int, cells: Cells, function: int) -> None:
        (lamps,) = whole(cells, "lamps")
        if lamps & ~(rk.ATTENTION | (1 << self.keys) - 1):
            raise refuse(f"lamps 0x{lamps:04X}: there are {self.keys} key lamps (bits 0 up) and bit 15")

    def _set_lamps(self, now: int, cells: Cells) -> Iterable[Effect]:
        (self._lamps,) = whole(cells, "lamps")
        return ()

    def _read_buzzer(self, now: int) -> Sequence[int]:
        return (max(0, -(-(self._buzzer_until - now) // MS)),)

    def _set_buzzer(self, now: int, cells: Cells) -> Iterable[Effect]:
        (milliseconds,) = whole(cells, "buzzer")
        self._buzzer_until = now + milliseconds * MS
        return ()

    def _read_clock(self, now: int) -> Sequence[int]:
        seconds, milliseconds = self.device_time(now)
        return (seconds >> 16, seconds & 0xFFFF, milliseconds)

    def _check_clock(self, now: int, cells: Cells, function: int) -> None:
        *_, milliseconds = whole(cells, "seconds high, seconds low and milliseconds of the clock")
        if milliseconds > 999:
            raise refuse(f"the clock's milliseconds are 0..999, not {milliseconds}")

    def _set_clock(self, now: int, cells: Cells) -> Iterable[Effect]:
        high, low, milliseconds = whole(cells, "the clock")
        self._offset = (high << 16 | low) * NS + milliseconds * MS - now
        self._clock_set = True
        return ()

    def _setting(self, name: str) -> Callable[[int], Sequence[int]]:
        def read(_now: int) -> Sequence[int]:
            settings = self.settings or _DEFAULT_SETTINGS
            standing = {
                "unit": self.unit,
                "baud": _BAUD_CODE.get(settings.baud, 0),
                "parity": _PARITY_CODE.get(settings.parity, 0),
            }
            return (self._pending.get(name, standing[name]),)

        return read

    def _set_setting(self, name: str) -> Callable[[int, Cells], Iterable[Effect]]:
        def apply(_now: int, cells: Cells) -> Iterable[Effect]:
            (self._pending[name],) = whole(cells, name)
            return ()

        return apply

    def _check_command(self, now: int, cells: Cells, function: int) -> None:
        (command,) = whole(cells, "the command")
        if command not in {rk.SAVE, rk.REBOOT}:
            raise refuse(f"0x{command:04X} is no command; 0x5AFE saves, 0xB007 reboots")
        if command == rk.SAVE and self._saved is not None and self.saves >= rk.SAVE_LIMIT:
            why = f"the memory of the settings has been written {self.saves} times, its limit"
            raise refuse(why, ExceptionCode.SERVER_DEVICE_FAILURE)

    def _command(self, now: int, cells: Cells) -> Iterable[Effect]:
        (command,) = whole(cells, "the command")
        self._written["command"] = command
        if command == rk.REBOOT:
            self._rebooting = True
        elif self._saved is not None:
            if self._saved != (self.unit, self.settings):
                self.saves += 1
            self._saved = None
        return ()
