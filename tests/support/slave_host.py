"""A host beside one slave: asks it as a station would, without a line, and keeps what it noted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from firmware_sim.device import Alarm, Effect, Note
from firmware_sim.modbus_slave import ModbusException, Table

MS = 1_000_000
SECOND = 1_000_000_000


class Host:
    """Asks in the station's order: is it held (exception 02), then the work; `now` is where time stands."""

    def __init__(self, slave: Any, now: int = 0) -> None:
        self.slave = slave
        self.now = now
        self.notes: list[Note] = []
        self.alarms: dict[str, int] = {}

    def take(self, effects: Iterable[Effect]) -> list[Effect]:
        """Keep notes and alarms of effects, and hand all of them back."""
        taken = list(effects)
        for effect in taken:
            if isinstance(effect, Note):
                self.notes.append(effect)
            elif isinstance(effect, Alarm):
                self.alarms.pop(effect.tag, None)
                if effect.at is not None:
                    self.alarms[effect.tag] = effect.at
        return taken

    def wait(self, duration: int) -> None:
        """Let time pass; alarms fall due on the way."""
        end = self.now + duration
        while due := [(at, tag) for tag, at in self.alarms.items() if at <= end]:
            self.now, tag = min(due)
            del self.alarms[tag]
            self.take(self.slave.wake(self.now, tag))
        self.now = end

    def human(self, action: str, *args: Any, **kwargs: Any) -> list[Effect]:
        """A person does something."""
        return self.take(getattr(self.slave, action)(self.now, *args, **kwargs))

    def _held(self, table: Table, start: int, count: int) -> None:
        if not self.slave.holds(table, start, count):
            raise ModbusException(0x02)

    def inputs(self, start: int, count: int = 1) -> tuple[int, ...]:
        """FC 0x04."""
        self._held(Table.INPUTS, start, count)
        return tuple(self.slave.read(self.now, Table.INPUTS, start, count))

    def holding(self, start: int, count: int = 1) -> tuple[int, ...]:
        """FC 0x03."""
        self._held(Table.HOLDING, start, count)
        return tuple(self.slave.read(self.now, Table.HOLDING, start, count))

    def write(self, start: int, *values: int, function: int | None = None, broadcast: bool = False) -> list[Effect]:
        """FC 0x06 for one value, FC 0x10 for more, unless told otherwise; the reply goes out."""
        function = function or (0x06 if len(values) == 1 else 0x10)
        self._held(Table.HOLDING, start, len(values))
        done = self.take(self.slave.write(self.now, Table.HOLDING, start, values, function, broadcast))
        return done + self.take(self.slave.after_reply(self.now))

    def refused(self, start: int, *values: int, function: int | None = None) -> int:
        """The exception code of a write that must be refused, 0 when it was taken."""
        try:
            self.write(start, *values, function=function)
        except ModbusException as refusal:
            return refusal.code
        return 0

    def facts(self, kind: str) -> list[dict[str, Any]]:
        """The facts of all notes of a kind."""
        return [dict(note.facts) for note in self.notes if note.kind == kind]

    def blocks(self, count: int = 15) -> list[Sequence[int]]:
        """The event blocks that are not empty."""
        words = self.inputs(0x0100, 8 * count)
        blocks = [words[at : at + 8] for at in range(0, len(words), 8)]
        return [block for block in blocks if set(block) != {0xFFFF}]
