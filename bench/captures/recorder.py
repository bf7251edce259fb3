"""Records a real line: one tap that hears both directions (an RS-485 bus), or two taps, one for each direction.

What was read, and when, goes into an NDJSON file as it comes (raw chunks: no guess is in it); the frames that were made
of it go into a pcapng beside it. Both grow while the recording runs, in bounded memory, and what was recorded before a
port vanished or the recording was interrupted is kept.

Times are those at which the operating system handed the characters over: a USB adapter gathers them for up to 16 ms.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from bench import __version__
from bench.captures.frames import CaptureFailed
from bench.captures.framing import Framer, Overheard
from bench.captures.pcapng import PcapngWriter
from bench.judge.history import SealedWriter
from bench.reports.wording import printable
from firmware_sim.burst import LineSettings
from protocol.modbus.rtu import is_sound, t35

__all__ = ["Recorded", "Recording", "record"]

SHORTEST_GAP: Final = 4_000_000
"""A gap is never taken shorter than 4 ms: an ordinary system wakes a reader some milliseconds late."""

_TURN: Final = 0.05  # seconds between two looks at what else is to be done
_MOST_WAITING: Final = 10_000


class TapFailed(Exception):
    """A port cannot be opened; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What is to be recorded.

    Attributes:
        ports: one port or pyserial URL that hears both directions, or two: the collector's sending, the devices'.
        settings: of the line.
        out: the pcapng file; the raw chunks go to the same name with `.ndjson` at its end.
        modbus: the line speaks Modbus RTU.
        gap: silence that ends a frame, ns; None is t3.5, and 4 ms at least.
        seconds: how long; None until `stop` is set.
        name: of the line, for the interface.
    """

    ports: Sequence[str]
    settings: LineSettings
    out: Path
    modbus: bool = False
    gap: int | None = None
    seconds: float | None = None
    name: str = "line"

    @property
    def raw(self) -> Path:
        """The NDJSON file."""
        return self.out.with_name(self.out.name + ".ndjson")


@dataclass(slots=True)
class Recorded:
    """What came of it: characters and frames, damaged Modbus frames among them, and why it ended."""

    characters: int = 0
    frames: int = 0
    unsound: int = 0
    why: str = ""


class _Tap:
    """One port, read in a thread of its own, so that a chunk's instant is that of its arrival."""

    def __init__(self, number: int, url: str, settings: LineSettings, found: queue.Queue[Any]) -> None:
        import serial

        self.number = number
        self.url = url
        self._found = found
        self._stop = threading.Event()
        try:
            self._port = serial.serial_for_url(
                url,
                baudrate=settings.baud,
                bytesize=settings.data_bits,
                parity=settings.parity,
                stopbits=settings.stop_bits,
                timeout=_TURN,
            )
        except (serial.SerialException, ValueError, OSError) as error:
            raise TapFailed(f"{printable(url)}: cannot be opened: {printable(str(error))}") from error
        self._thread = threading.Thread(target=self._read, name=f"tap-{number}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _read(self) -> None:
        port = self._port
        why = ""
        try:
            while not self._stop.is_set():
                data = port.read(1)
                if data:
                    at = time.time_ns()
                    waiting = port.in_waiting
                    if waiting:
                        data += port.read(waiting)
                    self._found.put((self.number, at, bytes(data)))
        except Exception as error:  # a port that is pulled out raises whatever its driver likes
            why = f"{type(error).__name__}: {error}"
        if not self._stop.is_set():
            self._found.put((self.number, time.time_ns(), why or "it ended"))

    def close(self) -> None:
        self._stop.set()
        with contextlib.suppress(Exception):
            self._port.cancel_read()
        if self._thread.is_alive():
            self._thread.join(2)
        with contextlib.suppress(Exception):
            self._port.close()


class _Sink:
    """The two files."""

    def __init__(self, recording: Recording, out: BinaryIO) -> None:
        self.told = Recorded()
        self._modbus = recording.modbus
        self._out = out
        self._raw = SealedWriter(
            recording.raw,
            {
                "capture": 1,
                "hallbench": __version__,
                "line": recording.name,
                "settings": str(recording.settings),
                "protocol": "modbus_rtu" if recording.modbus else "raw",
                "taps": list(recording.ports),
            },
            buffered=0,
        )
        self._writer = PcapngWriter(out, tool=f"hallbench {__version__}", comment="recorded from a real line")
        self._interface = self._writer.add_interface(
            recording.name,
            description=str(recording.settings),
            dissector="mbrtu" if recording.modbus else "data",
            label="" if recording.modbus else "serial",
        )

    def chunk(self, tap: int, at: int, data: bytes) -> None:
        self.told.characters += len(data)
        self._raw.line(json.dumps({"t": at, "tap": tap, "hex": data.hex()}, separators=(",", ":")))

    def frame(self, frame: Overheard) -> None:
        comment = "" if frame.inbound is not None else "direction not known"
        if self._modbus and not is_sound(frame.data):
            self.told.unsound += 1
            comment = "no sound Modbus frame: its CRC is wrong or it is not whole"
        self.told.frames += 1
        self._writer.packet(self._interface, frame.at, frame.data, inbound=frame.inbound, comment=comment)

    def flush(self) -> None:
        self._raw.flush()
        self._out.flush()

    def close(self) -> None:
        self._raw.close()


def record(recording: Recording, stop: threading.Event, ready: Callable[[], None] = lambda: None) -> Recorded:
    """Record until `stop` is set, the time is over, or a port vanishes.

    Args:
        recording: what.
        stop: set by whoever wants it to end.
        ready: called once, when every port is open.

    Returns:
        What was recorded; `why` is not empty when a port vanished.

    Raises:
        TapFailed: a port cannot be opened.
        CaptureFailed: a file cannot be made or written; what was written stays.
        HistoryFailed: the same, for the NDJSON file.
    """
    settings = recording.settings
    gap = recording.gap if recording.gap is not None else max(t35(settings.baud, settings.char_bits), SHORTEST_GAP)
    found: queue.Queue[Any] = queue.Queue(_MOST_WAITING)
    taps: list[_Tap] = []
    try:
        for number, url in enumerate(recording.ports):
            taps.append(_Tap(number, url, settings, found))
        both = len(taps) == 2
        framers = [
            Framer(
                gap=gap,
                character=settings.duration(1),
                modbus=recording.modbus,
                inbound=(number == 1) if both else None,
            )
            for number in range(len(taps))
        ]
        try:
            with recording.out.open("wb", buffering=1 << 16) as out:
                sink = _Sink(recording, out)
                try:
                    for tap in taps:
                        tap.start()
                    ready()
                    _listen(recording, stop, found, framers, sink, taps)
                    for framer in framers:
                        for frame in framer.flush():
                            sink.frame(frame)
                finally:
                    sink.close()
                return sink.told
        except OSError as error:
            raise CaptureFailed(
                f"{printable(str(recording.out))}: cannot be written ({error.strerror or error}); name another file "
                "with --out"
            ) from error
    finally:
        for tap in taps:
            tap.close()


def _listen(
    recording: Recording,
    stop: threading.Event,
    found: queue.Queue[Any],
    framers: Sequence[Framer],
    sink: _Sink,
    taps: Sequence[_Tap],
) -> None:
    def take(tap: int, at: int, data: bytes | str) -> bool:
        if isinstance(data, str):
            sink.told.why = f"{printable(taps[tap].url)} is gone: {printable(data)}"
            return False
        sink.chunk(tap, at, data)
        for frame in framers[tap].feed(at, data):
            sink.frame(frame)
        return True

    until = None if recording.seconds is None else time.monotonic() + recording.seconds
    while not stop.is_set() and (until is None or time.monotonic() < until):
        try:
            item = found.get(timeout=_TURN)
        except queue.Empty:
            now = time.time_ns()
            for framer in framers:
                due = framer.due()
                if due is not None and now > due:
                    for frame in framer.flush():
                        sink.frame(frame)
            sink.flush()
            continue
        if not take(*item):
            return
    for _ in range(found.qsize()):  # what the taps had read by then
        if not take(*found.get()):
            return
