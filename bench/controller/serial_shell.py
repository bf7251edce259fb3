"""The house controller on serial ports: a thin pyserial shell around the core that runs a simulated hall's own lines.

    python -m bench.controller.serial_shell DEVICES RECORDS LINE=PORT ... [--settings "9600 8N1"]

DEVICES is the `{devices}` file of a run, RECORDS the `{records}` file or an SQLAlchemy URL. The core knows no port;
this module reads characters, tells it when they came, and carries out what it wants sent. Losses that devices tell are
rows in `gaps`, and which devices answer is in `health`.

A port cannot show the silence that ends a frame: drivers hand characters over in pieces. So a frame is handed to the
core when the length that its own head tells has come with a right CRC, and anything else when nothing more came for
20 ms.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import serial
from sqlalchemy import URL, Column, Float, Integer, MetaData, String, Table, create_engine, insert
from sqlalchemy.exc import SQLAlchemyError

from bench.controller.house import HouseController
from bench.controller.modbus_master import SILENCE
from bench.controller.plan import EVENT_KINDS, ControllerPlan, CounterPlan, LinePlan, UnitPlan
from bench.controller.store import Store, StoreFailed
from firmware_sim.burst import LineSettings
from firmware_sim.device import NS, Alarm, Effect, Note, Send, Stop
from protocol.modbus.rtu import is_sound, reply_length, request_length, t35

try:
    from termios import error as terminal_error  # pyserial lets it through when a port has gone meanwhile
except ImportError:  # no POSIX system
    terminal_error = serial.SerialException  # type: ignore[misc]

__all__ = ["LineRunner", "Shell", "main", "plan_of"]

GONE: Final = (OSError, terminal_error)
"""What a port raises that is gone; `serial.SerialException` is an OSError."""

GRACE: Final = 20_000_000
"""Silence that ends what is no whole frame, ns: a USB adapter hands characters over every 16 ms."""

PIECE: Final = 100_000_000
"""Allowed on top of its own length for the rest of a frame that has begun, ns."""

LONGEST: Final = NS // 4
"""The longest wait for a character, ns: another line's event may give this one something to do."""

REOPEN: Final = NS
"""Between two attempts to open a port that is gone, ns."""

_LEDGER = MetaData()
_TABLES: Final = {
    "gaps": Table(
        "gaps",
        _LEDGER,
        Column("device", String(40), nullable=False),
        Column("at", Float(53), nullable=False),
        Column("lost", Integer),
        Column("why", String(40)),
    ),
    "health": Table(
        "health",
        _LEDGER,
        Column("device", String(40), nullable=False),
        Column("at", Float(53), nullable=False),
        Column("up", Integer, nullable=False),
    ),
}


def plan_of(devices: Sequence[Mapping[str, Any]], lines: Iterable[str], settings: LineSettings) -> ControllerPlan:
    """The plan for devices with event queues, from the rows of a `{devices}` file.

    Args:
        devices: rows with name, kind, line, unit and counter.
        lines: those that the shell has a port for.
        settings: of all of them.

    Raises:
        ValueError: a device on a line has no event queue of profile RK-1, or there is none at all.
    """
    wanted = tuple(lines)
    made = []
    for line in wanted:
        here = [device for device in devices if device["line"] == line]
        strangers = [str(device["name"]) for device in here if device["kind"] not in EVENT_KINDS]
        if strangers or not here:
            what = f"has {', '.join(strangers)}" if strangers else "is not in the list of devices"
            raise ValueError(f"line {line!r} {what}; this program polls {', '.join(sorted(EVENT_KINDS))} alone")
        units = (UnitPlan(str(d["name"]), str(d["kind"]), int(d["unit"]), int(d["counter"] or 0)) for d in here)
        made.append(LinePlan(line, settings, tuple(units)))
    keypads = {unit.counter: unit.name for line in made for unit in line.units if unit.kind == "rating_keypad"}
    counters = tuple(CounterPlan(number, "", 0, frozenset(), keypad) for number, keypad in sorted(keypads.items()))
    return ControllerPlan("hall", "", "", tuple(made), (), counters)


class Ledger:
    """What the controller says of losses and of devices, stored beside the ratings.

    Args:
        url: an SQLAlchemy URL.

    Raises:
        StoreFailed: it cannot be opened.
    """

    def __init__(self, url: str | URL) -> None:
        self._waiting: list[tuple[str, dict[str, Any]]] = []
        try:
            self._engine = create_engine(url, connect_args=_patience(url))
            _LEDGER.create_all(self._engine)
        except (SQLAlchemyError, ImportError, OSError) as failure:
            raise StoreFailed(f"the records cannot be opened: {failure}") from failure

    def add(self, table: str, **row: Any) -> None:
        """Store a row; one that cannot be stored now is kept, and stored with the next one or `flush`."""
        self._waiting.append((table, row))
        self.flush()

    def flush(self) -> None:
        """Try again to store what waits."""
        if not self._waiting:
            return
        with contextlib.suppress(SQLAlchemyError, OSError), self._engine.begin() as connection:
            for table, row in self._waiting:
                connection.execute(insert(_TABLES[table]), row)
            connection.commit()
            self._waiting.clear()


def _patience(url: str | URL) -> dict[str, Any]:
    sqlite = str(url).startswith("sqlite") or (isinstance(url, URL) and url.get_backend_name() == "sqlite")
    return {"timeout": 0.1, "check_same_thread": False} if sqlite else {}


class LineRunner:
    """One line: its port, its master's alarms, and the characters between them.

    Args:
        name: of the line.
        port: as pyserial takes it.
        settings: of the line.
        master: the core's end (`HouseController.masters`).
        lock: held while the core is at work; all lines share it.
        note: takes (instant, note).
    """

    def __init__(
        self, name: str, port: str, settings: LineSettings, master: Any, lock: threading.RLock, note: Any
    ) -> None:
        self.name, self.settings, self.master = name, settings, master
        self._path, self._lock, self._note = port, lock, note
        self._port: serial.SerialBase | None = None
        self._alarms: dict[str, int] = {}
        self._open_at = 0
        self._heard_to = 0

    # -- what the core wants ----------------------------------------------------------------------------------------
    def carry_out(self, effects: Iterable[Effect]) -> None:
        """Do what the core's end of this line wants done now."""
        for effect in effects:
            if isinstance(effect, Send):
                self._write(effect.data)
            elif isinstance(effect, Alarm):
                if effect.at is None:
                    self._alarms.pop(effect.tag, None)
                else:
                    self._alarms[effect.tag] = effect.at
            elif isinstance(effect, Note):
                self._note(now(), effect)
            elif isinstance(effect, Stop) and self._port is not None:
                self._port.reset_output_buffer()

    def _write(self, data: bytes) -> None:
        if self._port is None:
            return  # nobody hears it, and its time-out tells the core
        try:
            self._port.reset_input_buffer()
            self._port.write(data)
        except GONE:
            self._lost()

    # -- the port ---------------------------------------------------------------------------------------------------
    def open(self) -> None:
        """Open the port, if it can be had."""
        kept = self.settings
        try:
            self._port = serial.serial_for_url(
                self._path, kept.baud, kept.data_bits, kept.parity, kept.stop_bits, timeout=0, write_timeout=2.0
            )
        except GONE:
            self._lost()

    def _lost(self) -> None:
        port, self._port = self._port, None
        self._open_at = now() + REOPEN
        if port is not None:
            with contextlib.suppress(*GONE):
                port.close()

    def start(self) -> None:
        """Open the port and let the core begin."""
        self.open()
        with self._lock:
            self.carry_out(self.master.start(now()))

    def run(self) -> None:
        """Serve the line for ever."""
        while True:
            self.step()

    def step(self) -> None:
        """Wait for characters or the next alarm, whichever comes first, and tell the core."""
        instant = now()
        if self._port is None and instant >= self._open_at:
            self.open()
        until = min(self._alarms.values(), default=instant + LONGEST)
        heard = self._listen(max(0, min(until, instant + LONGEST) - instant))
        with self._lock:
            if heard:
                self._hear(heard)
            self._ring()

    def _listen(self, wait: int) -> bytes:
        """What has come within so many ns, and to its end when it has begun."""
        if self._port is None:
            time.sleep(wait / NS)
            return b""
        try:
            heard = self._read(1, wait)
            while heard and len(heard) < 256:
                whole = reply_length(heard)
                missing = whole - len(heard) if whole is not None else 0
                if whole is not None and missing <= 0 and is_sound(heard[:whole]):
                    break
                known = missing > 1
                allowed = self.settings.duration(missing) + PIECE if known else GRACE
                more = self._read(missing if known else max(1, self._port.in_waiting), allowed)
                if not more:
                    break
                heard += more
            return heard
        except GONE:
            self._lost()
            return b""

    def _read(self, count: int, wait: int) -> bytes:
        assert self._port is not None
        self._port.timeout = wait / NS
        return bytes(self._port.read(count))

    def _hear(self, heard: bytes) -> None:
        """Tell the core, frame by frame: what came with less than `GRACE` between is put apart by its checksums."""
        instant, gap = now(), t35(self.settings.baud, self.settings.char_bits)
        frames = _frames(heard)
        for n, frame in enumerate(frames):
            last = instant - sum(self.settings.duration(len(later)) + gap + 1 for later in frames[n + 1 :])
            first = max(last - self.settings.duration(len(frame)), min(self._heard_to, last))
            self._heard_to = last
            self.carry_out(self.master.hear(last, frame, first, last, None))
            if last < instant and self._alarms.pop(SILENCE, None) is not None:
                self.carry_out(self.master.wake(last + gap, SILENCE))

    def _ring(self) -> None:
        """Alarms that are due, in their order; what they bring may be due as well."""
        for _ in range(8):
            instant = now()
            due = [(at, tag) for tag, at in self._alarms.items() if at <= instant]
            if not due:
                return
            _, tag = min(due)
            del self._alarms[tag]
            self.carry_out(self.master.wake(instant, tag))


def _frames(heard: bytes) -> list[bytes]:
    """Sound frames at the beginning, one by one, and whatever follows them whole."""
    frames = []
    while heard:
        lengths = (reply_length(heard), request_length(heard))
        ends = (n for n in lengths if n is not None and n <= len(heard) and is_sound(heard[:n]))
        end = next(ends, len(heard))
        frames.append(heard[:end])
        heard = heard[end:]
    return frames


class Shell:
    """The controller with its lines and records.

    Args:
        plan: what is polled.
        ports: line -> port, as pyserial takes it.
        url: an SQLAlchemy URL for the records.
        say: takes a line of text about what happened.

    Raises:
        StoreFailed: the records cannot be opened.
    """

    def __init__(self, plan: ControllerPlan, ports: Mapping[str, str], url: str | URL, say: Any = print) -> None:
        self._offset = time.time_ns() - now()  # instants do not jump when somebody sets this machine's clock
        self._say = say
        self._lock = threading.RLock()
        store = Store(url)
        self._ledger = Ledger(url)
        self.house = HouseController(plan, store, self._offset, self._told)
        self.house.idle_polls.enabled = False  # that booking is for simulated lines
        self.runners = [
            LineRunner(
                line.name, ports[line.name], line.settings, self.house.masters[line.name], self._lock, self._told
            )
            for line in plan.lines
        ]
        for runner in self.runners:
            self.house.connect(runner.name, runner.carry_out)

    def _told(self, instant: int, note: Note) -> None:
        row = _LEDGER_ROWS.get(note.kind)
        at = round((instant + self._offset) / NS, 6)
        if row is not None:
            table, made = row
            self._ledger.add(table, at=at, device=note.facts["device"], **made(note.facts))
        elif note.kind != "row":
            self._say(f"{note.kind}: {json.dumps(dict(note.facts), ensure_ascii=True, default=str)}")
        self._ledger.flush()

    def run(self) -> None:
        """Serve all lines for ever, each in a thread of its own; the first in this one."""
        for runner in self.runners:
            runner.start()
        for runner in self.runners[1:]:
            threading.Thread(target=runner.run, name=runner.name, daemon=True).start()
        self.runners[0].run()


_LEDGER_ROWS: Final[Mapping[str, tuple[str, Any]]] = {
    "gap": ("gaps", lambda facts: {"lost": facts["lost"], "why": "overflow"}),
    "missing": ("gaps", lambda facts: {"lost": (facts["last"] - facts["first"]) % 65536 + 1, "why": "sequence"}),
    "up": ("health", lambda _facts: {"up": 1}),
    "down": ("health", lambda _facts: {"up": 0}),
}
"""Kind of note -> table, and what makes the rest of its row."""


def now() -> int:
    """The instant on the shell's axis, ns."""
    return time.monotonic_ns()


def main(words: Sequence[str] | None = None) -> int:
    """Run the shell until it is ended; returns the exit code for a mistake."""
    options = argparse.ArgumentParser(prog="serial_shell", description=(__doc__ or "").splitlines()[0])
    options.add_argument("devices", help="the {devices} file")
    options.add_argument("records", help="the {records} file, or an SQLAlchemy URL")
    options.add_argument("lines", nargs="+", metavar="LINE=PORT")
    options.add_argument("--settings", default="9600 8N1", help="of all lines (9600 8N1)")
    given = options.parse_args(words)
    try:
        ports = dict(line.split("=", 1) for line in given.lines)
        rows = json.loads(Path(given.devices).read_text(encoding="utf-8"))["devices"]
        plan = plan_of(rows, ports, LineSettings.parse(given.settings))
        url = given.records if "://" in given.records else URL.create("sqlite", database=given.records)
        shell = Shell(plan, ports, url)
    except (OSError, KeyError, ValueError, StoreFailed) as mistake:
        sys.stderr.write(f"serial_shell: {mistake}\n")
        return 2
    shell.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
