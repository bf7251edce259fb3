"""A Modbus station driven by exact instants, the way a line drives it, and a plain slave to put on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from firmware_sim.burst import Burst, LineSettings
from firmware_sim.device import Alarm, Effect, Note, Send, Stop
from firmware_sim.modbus_line import ModbusLine
from firmware_sim.modbus_server import FUNCTIONS
from firmware_sim.modbus_slave import ExceptionCode, ModbusException, Slave, Table
from protocol.modbus.requests import diagnostics, parse_reply

MS = 1_000_000


class Bank(Slave):
    """Every function, four tables of `size` addresses each, one queue at 0x04DE; notes what is written."""

    functions = FUNCTIONS

    def __init__(self, name: str = "bank", size: int = 200) -> None:
        self.name = name
        self.tables = {table: [0] * size for table in Table}
        self.queue: list[int] = []
        self.refuse: int | None = None

    def holds(self, table: Table, start: int, count: int) -> bool:
        return start + count <= len(self.tables[table])

    def read(self, now: int, table: Table, start: int, count: int) -> Sequence[int]:
        self._perhaps_refuse()
        return self.tables[table][start : start + count]

    def write(
        self, now: int, table: Table, start: int, values: Sequence[int], function: int, broadcast: bool
    ) -> Iterable[Effect]:
        self._perhaps_refuse()
        self.tables[table][start : start + len(values)] = values
        return (Note("written", {"start": start, "values": list(values), "broadcast": broadcast}),)

    def fifo(self, now: int, pointer: int) -> Sequence[int]:
        self._perhaps_refuse()
        if pointer != 0x04DE:
            raise ModbusException(ExceptionCode.ILLEGAL_DATA_ADDRESS, "no queue here")
        return self.queue

    def _perhaps_refuse(self) -> None:
        if self.refuse is not None:
            raise ModbusException(self.refuse, "told to")


class Rig:
    """A station, the time, and what it did.

    Args:
        slaves: (slave, unit) pairs; nothing means one `Bank` as unit 1.
        settings: of the line.
        turnaround: as `ModbusLine` takes it.
    """

    def __init__(
        self, *slaves: tuple[Slave, int], settings: LineSettings | None = None, turnaround: int = 2 * MS
    ) -> None:
        self.settings = settings or LineSettings()
        self.line = ModbusLine("bus", self.settings, turnaround)
        for slave, unit in slaves or ((Bank(), 1),):
            self.line.attach(slave, unit)
        self.now = 0
        self.end = 0
        self.alarms: dict[str, int] = {}
        self.sent: list[tuple[int, bytes]] = []
        self.notes: list[tuple[int, Note]] = []
        self.stops = 0

    @property
    def bank(self) -> Bank:
        slave = self.line.slaves[0]
        assert isinstance(slave, Bank)
        return slave

    def apply(self, effects: Iterable[Effect]) -> None:
        """Write down what the station wants, and set its alarms."""
        for effect in effects:
            if isinstance(effect, Send):
                assert effect.after >= 0
                self.sent.append((self.now + effect.after, effect.data))
            elif isinstance(effect, Alarm):
                if effect.at is None:
                    self.alarms.pop(effect.tag, None)
                else:
                    self.alarms[effect.tag] = effect.at
            elif isinstance(effect, Note):
                self.notes.append((self.now, effect))
            else:
                assert isinstance(effect, Stop)
                self.stops += 1

    def run(self, until: int) -> None:
        """Let time pass, ringing the alarms that fall due."""
        while self.alarms:
            tag, at = min(self.alarms.items(), key=lambda item: item[1])
            if at > until:
                break
            del self.alarms[tag]
            self.now = max(self.now, at)
            self.apply(self.line.wake(self.now, tag))
        self.now = max(self.now, until)

    def put(self, data: bytes, gap: int = 0, flaws: dict[int, int] | None = None) -> None:
        """Let a burst begin `gap` ns after the last one ended (at least now), and go by.

        The station hears it at its end, or character by character while it watches, as a line does it.
        """
        start = max(self.end + gap, self.now if self.now > self.end + gap else 0)
        burst = Burst("master", data, start, self.settings)
        burst.flaws = flaws
        self.end = burst.end
        position = 0
        while position < len(data):
            watch = self.line.watch
            until = min(position + watch.after, len(data)) if watch and watch.after else len(data)
            first, last = burst.when(position), burst.when(until)
            self.run(last)
            chars = data[position:until]
            self.apply(self.line.hear(last, chars, first, last, burst.flaws_from(position, until)))
            position = until

    def ask(self, frame: bytes, flaws: dict[int, int] | None = None) -> bytes:
        """Send one frame after a long silence; what came back (b"": nothing) within a second, which passes."""
        before = len(self.sent)
        self.run(max(self.now, self.end) + 100 * MS)
        self.put(frame, self.now - self.end, flaws)
        self.run(self.end + 1000 * MS)
        replies = [data for _, data in self.sent[before:]]
        assert len(replies) <= 1
        return replies[0] if replies else b""

    def counter(self, sub: int, unit: int = 1) -> int:
        """What a slave says of one of its counters (FC 0x08)."""
        request = diagnostics(unit, sub)
        (value,) = parse_reply(request, self.ask(request)).values
        return value
