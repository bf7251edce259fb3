"""The mistakes, MC-01 to MC-22: each a change of a few lines to the reference collector, as integrators make them."""

from __future__ import annotations

import sqlite3
import struct
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from tests.bench.judge.mutants.reference import Bus, Collector, Silent, careful

__all__ = ["MUTANTS"]


class _WithBus(Collector):
    """A collector with a bus of another class."""

    bus_class: Any = Bus

    def __init__(self, port: str, database: str, units: Any) -> None:
        super().__init__(port, database, units)
        self.bus = self.bus_class(port)


class CommitsWithoutCrc(_WithBus):
    """Takes a reply without looking at its CRC."""

    class bus_class(Bus):  # noqa: N801
        def sound(self, frame: bytes) -> bool:
            return True


class NeverFlushes(_WithBus):
    """Never empties its input, and takes the block of ratings that comes next for that of the unit that it asked."""

    class bus_class(Bus):  # noqa: N801
        def flush(self) -> None:
            time.sleep(careful.SILENCE)

        def fits(self, frame: bytes, unit: int, function: int, length: int) -> bool:
            return super().fits(frame, frame[0] if frame else unit, function, length)

    def poll(self, keypad: Any) -> None:
        if not keypad.configured:
            self.configure(keypad)
        self.fetch(keypad, 4)


class FlushesAfterSending(_WithBus):
    """Empties its input when the request has gone out, which may be when the reply is there."""

    class bus_class(Bus):  # noqa: N801
        def send(self, frame: bytes) -> None:
            super().send(frame)
            self.port.flush()
            self.port.reset_input_buffer()


class AcknowledgesFirst(Collector):
    """Acknowledges before its transaction is committed."""

    def fetch(self, keypad: Any, count: int) -> bool:
        words = self.bus.read(keypad.unit, 0x0100, 8 * count)
        events = [words[i : i + 8] for i in range(0, len(words), 8) if words[i] != 0xFFFF]
        with self.db:
            for event in events:
                self.insert(self.row(keypad, *event))
            if events:
                self.acknowledge(keypad, events[-1])
        return bool(events)


class NoDeduplication(Collector):
    """Stores whatever it reads, also what it has read before."""

    def __init__(self, port: str, database: str, units: Any) -> None:
        db = sqlite3.connect(database)
        db.executescript(careful.TABLES.replace(", UNIQUE (device, epoch, seq, at, value)", ""))
        db.close()
        super().__init__(port, database, units)


class WithoutTheEpoch(Collector):
    """Takes a rating for known by its sequence number, whatever the boot epoch is."""

    def insert(self, row: Any) -> None:
        told = "SELECT 1 FROM ratings WHERE device = ? AND seq = ?"
        if not self.db.execute(told, (row[0], row[6])).fetchone():
            super().insert(row)


class ByValueWithinASecond(Collector):
    """Takes the same key within a second for a repetition."""

    def insert(self, row: Any) -> None:
        told = "SELECT 1 FROM ratings WHERE device = ? AND value = ? AND abs(at - ?) < 1"
        if not self.db.execute(told, (row[0], row[3], row[4])).fetchone():
            super().insert(row)


class UnitOfTheRequest(_WithBus):
    """Takes any unit's reply for that of the unit that it asked."""

    class bus_class(Bus):  # noqa: N801
        def fits(self, frame: bytes, unit: int, function: int, length: int) -> bool:
            return len(frame) == length and frame[1] == function and self.sound(frame)


class AbortsOnAnotherUnit(_WithBus):
    """Gives up waiting when another unit speaks."""

    class bus_class(Bus):  # noqa: N801
        def find(self, heard: bytes, unit: int, body: bytes, length: int) -> Any:
            if len(heard) >= 5 and heard[0] != unit:
                raise Silent
            return super().find(heard, unit, body, length)


class ClerkAtPollTime(Collector):
    """Credits the clerk who is logged in when it asks."""

    def fetch(self, keypad: Any, count: int) -> Any:
        body = struct.pack(">BHH", 0x03, 0x0014, 1)
        self.clerk = int.from_bytes(self.holding(keypad.unit, body), "big")
        return super().fetch(keypad, count)

    def holding(self, unit: int, body: bytes) -> bytes:
        self.bus.flush()
        self.bus.send(bytes([unit]) + body)
        self.bus.port.timeout = careful.PATIENCE
        heard = self.bus.port.read(7)
        if len(heard) < 7 or not self.bus.sound(heard):
            raise Silent
        return bytes(heard[3:5])

    def row(self, *told: Any) -> Any:
        row = super().row(*told)
        return (row[0], self.clerk, *row[2:])


class PollTime(Collector):
    """Notes the instant of its poll as that of the press."""

    def row(self, *told: Any) -> Any:
        row = super().row(*told)
        return (*row[:4], self.now(), *row[5:])

    def insert(self, row: Any) -> None:
        told = "SELECT 1 FROM ratings WHERE device = ? AND epoch = ? AND seq = ?"
        if not self.db.execute(told, (row[0], row[5], row[6])).fetchone():
            super().insert(row)


class ThreeSecondsForTheDead(Collector):
    """Waits three seconds for each unit that is dead, in every round."""

    def failed(self, keypad: Any) -> None:
        super().failed(keypad)
        keypad.next = 0.0
        time.sleep(3.0)


class NeverReopens(Collector):
    """Leaves its port open for ever, whatever became of it."""

    def lost_port(self) -> None:
        for keypad in self.keypads:
            self.failed(keypad)


class KeepsTheHalfFrame(_WithBus):
    """Opens its port again and goes on with the half frame that it had; from then on it is out of step."""

    class bus_class(Bus):  # noqa: N801
        kept = b""

        def flush(self) -> None:
            time.sleep(careful.SILENCE)

        def receive(self, unit: int, body: bytes, length: int) -> Any:
            deadline = time.monotonic() + careful.PATIENCE + (len(body) + 3 + length) * 10 / self.baud
            while len(self.kept) < length and (left := deadline - time.monotonic()) > 0:
                self.port.timeout = left
                self.kept += self.port.read(1)
            if len(self.kept) < length:
                return None
            frame, self.kept = self.kept[:length], self.kept[length:]
            return self.find(frame, unit, body, length)


class IgnoresTheOverflow(Collector):
    """Looks at no flag and no number that tells of lost ratings."""

    def gap(self, keypad: Any, lost: int, why: str) -> None:
        pass


class SignedSequence(Collector):
    """Compares sequence numbers as signed: after 32767 all are old."""

    def insert(self, row: Any) -> None:
        told = "SELECT seq FROM ratings WHERE device = ? AND epoch = ? ORDER BY rowid DESC LIMIT 1"
        last = self.db.execute(told, (row[0], row[5])).fetchone()
        if last is None or self.signed(row[6]) > self.signed(last[0]):
            super().insert(row)

    @staticmethod
    def signed(number: int) -> int:
        return number - 65536 if number > 32767 else number


class ZeroOnTimeout(Collector):
    """Stores a 0 for a keypad that does not answer."""

    def failed(self, keypad: Any) -> None:
        super().failed(keypad)
        with self.db:
            self.insert((keypad.name, 0, 0, 0, self.now(), 0, 0, self.now()))


class TwoThreads(Collector):
    """Looks after units that are down in a thread of its own, on the same port."""

    watcher: threading.Thread | None = None

    def failed(self, keypad: Any) -> None:
        super().failed(keypad)
        if keypad.up is False and self.watcher is None:
            self.watcher = threading.Thread(target=self.watch, args=(keypad.unit,), daemon=True)
            self.watcher.start()

    def watch(self, unit: int) -> None:
        while True:
            if self.bus.port is not None:
                self.bus.send(struct.pack(">BBHH", unit, careful.READ, 0x0002, 1))
            time.sleep(0.171)


class BusyIsLost(Collector):
    """Takes a unit that is busy for one that has lost its ratings, and goes on behind them."""

    def refused(self, keypad: Any, code: int) -> None:
        super().refused(keypad, code)
        keypad.skip = code == careful.BUSY

    def fetch(self, keypad: Any, count: int) -> Any:
        if getattr(keypad, "skip", False):
            keypad.skip = False
            self.gap(keypad, count, "busy")
            self.bus.write(keypad.unit, 0x0000, *self.bus.read(keypad.unit, 0x0100 + 8 * (count - 1), 2))
            return False
        return super().fetch(keypad, count)


class StripsAnEcho(_WithBus):
    """Has seen an echo once, and takes so many characters off every reply."""

    class bus_class(Bus):  # noqa: N801
        echoes = False

        def receive(self, unit: int, body: bytes, length: int) -> Any:
            sent = bytes([unit]) + body
            sent += careful.crc16(sent)
            self.port.timeout = careful.PATIENCE
            if self.echoes:
                self.port.read(len(sent))
                return super().receive(unit, body, length)
            heard = self.port.read(7)
            self.echoes = bool(heard) and heard == sent[:7]
            if self.echoes:
                self.port.read(len(sent) - 7)
                return super().receive(unit, body, length)
            deadline = time.monotonic() + careful.PATIENCE + length * 10 / self.baud
            while (found := self.find(heard, unit, body, length)) is None:
                if (left := deadline - time.monotonic()) <= 0:
                    return None
                self.port.timeout = left
                heard += self.port.read(max(1, length - len(heard)))
            return found


class DropsTheRound(Collector):
    """Stores a round in one transaction, acknowledges as it goes, and drops the round when the database complains."""

    def round(self) -> None:
        self.kept: list[Any] = []
        super().round()
        self.write_down()

    def store(self, keypad: Any, events: Any) -> None:
        self.kept += [self.row(keypad, *event) for event in events]

    def write_down(self) -> None:
        try:
            with self.db:
                for row in self.kept:
                    self.insert(row)
        except sqlite3.OperationalError:
            self.db.rollback()


class UpWhenOpened(Collector):
    """Calls every unit up as long as its port could be opened."""

    def health(self, keypad: Any, up: bool) -> None:
        super().health(keypad, self.bus.port is not None)
        keypad.failures = 0 if up else keypad.failures


MUTANTS: Final[Mapping[str, Any]] = {
    "MC-01": CommitsWithoutCrc,
    "MC-02": NeverFlushes,
    "MC-03": FlushesAfterSending,
    "MC-04": AcknowledgesFirst,
    "MC-05": NoDeduplication,
    "MC-06": WithoutTheEpoch,
    "MC-07": ByValueWithinASecond,
    "MC-08": UnitOfTheRequest,
    "MC-09": AbortsOnAnotherUnit,
    "MC-10": ClerkAtPollTime,
    "MC-11": PollTime,
    "MC-12": ThreeSecondsForTheDead,
    "MC-13": NeverReopens,
    "MC-14": KeepsTheHalfFrame,
    "MC-15": IgnoresTheOverflow,
    "MC-16": SignedSequence,
    "MC-17": ZeroOnTimeout,
    "MC-18": TwoThreads,
    "MC-19": BusyIsLost,
    "MC-20": StripsAnEcho,
    "MC-21": DropsTheRound,
    "MC-22": UpWhenOpened,
}
"""Id of conformance.md 4.5 -> collector."""
