"""Puts a recording on a port: the recorded devices answer there, and a model where the recording has no answer."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.captures.frames import Capture, CaptureFailed, joined
from bench.captures.pcapng_reader import Interface, PcapngReader, line_bytes
from bench.captures.replayed_device import RecordedDevice, Step, steps_of
from bench.clock.clockwork import Clockwork
from bench.clock.wall import WallDriver, make_loop
from bench.daytime import clock_text
from bench.ports.wall_port import PortUnavailable
from bench.reports.wording import printable
from bench.run.rig import Rig
from bench.scenario.load import load
from firmware_sim.burst import LineSettings
from firmware_sim.device import Note
from firmware_sim.line import Line, Transmitter

if TYPE_CHECKING:
    from bench.ports.pty import PtyPort

__all__ = ["Recording", "ReplayOptions", "read_recording", "replay"]

MOST_STEPS: Final = 1_000_000
"""Frames of a recording that are played; a longer one is told to be cut."""

_TOLD: Final = 20
"""Deviations that are told as they come; all are counted."""


class ReplayOptions(NamedTuple):
    """What is to be played.

    Args:
        source: a pcapng file, or a run directory.
        folder: where the port gets its name.
        line: which line of the recording; None when it has one.
        settings: of the line, where the recording does not tell them.
        model: scenario whose devices of that line answer what is not recorded; None: nobody does.
        seconds: how long; None until interrupted.
    """

    source: Path
    folder: Path
    line: str | None = None
    settings: str | None = None
    model: str | None = None
    seconds: float | None = None


class Recording(NamedTuple):
    """One line of a recording: its name, its settings and its frames."""

    line: str
    settings: LineSettings
    steps: list[Step]


def read_recording(source: Path, line: str | None = None, settings: str | None = None) -> Recording:
    """Read what is to be played.

    Args:
        source: a pcapng file, or a run directory.
        line: which line; None when there is one with frames only.
        settings: "9600 8N1"; None takes what the recording tells.

    Raises:
        CaptureFailed: it cannot be read, has no such line, does not tell settings or directions, or is too long.
        HistoryFailed: the history of a run cannot be read.
    """
    if source.is_dir():
        return _from_run(source, line, settings)
    try:
        with source.open("rb") as file:
            return _from_file(PcapngReader(file, printable(str(source))), str(source), line, settings)
    except OSError as error:
        raise CaptureFailed(
            f"{source}: cannot be read ({error.strerror or error}); expected a pcapng file or a run directory"
        ) from error


def _from_run(source: Path, line: str | None, settings: str | None) -> Recording:
    capture = Capture(source)
    name = _chosen(str(source), line, list(capture.lines))
    own = _parsed(settings) or capture.facts_of(name).settings
    if own is None:
        raise _no_settings(str(source), name)
    frames = enumerate(joined(capture.frames(name), capture.lines), 1)
    steps = steps_of(_limited(str(source), ((n, f.at, f.end, f.data, f.inbound) for n, f in frames)))
    return Recording(name, own, steps)


def _from_file(reader: PcapngReader, source: str, line: str | None, settings: str | None) -> Recording:
    kept: list[tuple[int, int, int, bytes, bool]] = []
    number: int | None = None
    others: dict[str, None] = {}
    for packet in reader.packets():
        name = _name(reader.interfaces[packet.interface], packet.interface)
        if line is not None and name != line:
            others[name] = None
            continue
        if number is None:
            number = packet.interface
        elif number != packet.interface:
            names = [_name(one, place) for place, one in enumerate(reader.interfaces)]
            raise CaptureFailed(f"{source}: has several lines: choose one with --line ({', '.join(names)})")
        if packet.inbound is None:
            continue  # noise, or a damaged frame that nobody could place
        try:
            data = line_bytes(packet, reader.interfaces[packet.interface])
        except ValueError as error:
            raise CaptureFailed(f"{source}: packet {packet.number}: {error}") from error
        kept.append((packet.number, packet.at_ns, 0, data, packet.inbound))
        if len(kept) > MOST_STEPS:
            raise _too_long(source)
    if number is None:
        there = f"; there are: {', '.join(others)}" if others else ""
        raise CaptureFailed(f"{source}: has no frame of {'any line' if line is None else 'line ' + line}{there}")
    if not kept:
        raise CaptureFailed(
            f"{source}: no packet tells which way it went; record with --protocol modbus_rtu, or with two taps"
        )
    interface = reader.interfaces[number]
    own = _parsed(settings) or _quiet(interface.description)
    if own is None:
        raise _no_settings(source, _name(interface, number))
    kept.sort(key=lambda frame: (frame[1], frame[0]))
    ended = ((n, at, at + own.duration(len(data)), data, inbound) for n, at, _, data, inbound in kept)
    return Recording(_name(interface, number), own, steps_of(ended))


def _limited(source: str, frames: Iterator[Any]) -> Iterator[Any]:
    for count, frame in enumerate(frames):
        if count >= MOST_STEPS:
            raise _too_long(source)
        yield frame


def _too_long(source: str) -> CaptureFailed:
    return CaptureFailed(f"{source}: has more than {MOST_STEPS:,} frames: cut it, for example with editcap")


def _no_settings(source: str, line: str) -> CaptureFailed:
    return CaptureFailed(f'{source}: does not tell the settings of line {line}: name them with --settings "9600 8N1"')


def _chosen(source: str, line: str | None, names: list[str]) -> str:
    if line is None and len(names) == 1:
        return names[0]
    if line not in names:
        raise CaptureFailed(f"{source}: choose one of its lines with --line ({', '.join(names)})")
    return line


def _name(interface: Interface, number: int) -> str:
    return interface.name or f"line{number}"


def _parsed(text: str | None) -> LineSettings | None:
    try:
        return None if text is None else LineSettings.parse(text)
    except ValueError as error:
        raise CaptureFailed(f"--settings: {error}") from error


def _quiet(text: str) -> LineSettings | None:
    try:
        return LineSettings.parse(text)
    except ValueError:
        return None


class _OnlyWhenDeviating:
    """Keeps the model silent while the recording has an answer (a `firmware_sim.line.Faults`)."""

    def __init__(self, device: RecordedDevice, line: Line) -> None:
        self._device = device
        self._line = line
        self.answers = 0

    def takes(self, station: Transmitter, data: bytes) -> bool:
        """Whether what a station sends is swallowed."""
        if station is self._line.master or station.device is self._device:
            return False
        if not self._device.deviating:
            return True
        self.answers += 1
        self._device.overhear(data)
        return False


def _stage(recording: Recording, model: str | None, clockwork: Clockwork) -> tuple[Line, RecordedDevice, Any]:
    """The line with the recorded device on it, and the model beside it."""
    device = RecordedDevice("recording", recording.steps)
    if model is None:
        line = Line(_file_name(recording.line), clockwork, recording.settings, "full")
        line.attach(device)
        return line, device, None
    scenario = load(model)
    rig = Rig(scenario, clockwork)
    found = rig.lines.get(recording.line)
    if found is None:
        raise CaptureFailed(
            f"scenario {printable(model)} has no line {recording.line}; there are: {', '.join(rig.lines)}. The model's "
            "line has the name of the recorded one"
        )
    found.attach(device)
    gate = _OnlyWhenDeviating(device, found)
    found.faults = gate
    rig.power_on()
    return found, device, gate


def _file_name(line: str) -> str:
    """A line's name as a name in a folder, whatever the recording says it is."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "_" for char in line)[:64]
    return plain or "line"


def replay(
    options: ReplayOptions, ready: Callable[[dict[str, Any]], None], say: Callable[[str], None]
) -> dict[str, Any]:
    """Serve a recording until SIGINT or SIGTERM.

    Args:
        options: what.
        ready: called once with path, settings, line and number of frames.
        say: told of each deviation, the first 20.

    Returns:
        answered, deviations, by_model: numbers of requests.

    Raises:
        CaptureFailed, HistoryFailed: as `read_recording`.
        ScenarioError: the model's scenario is invalid.
        PortUnavailable: the port cannot be offered.
    """
    recording = read_recording(options.source, options.line, options.settings)
    loop = make_loop(1)
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(_serve(options, recording, loop, ready, say))
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def _serve(
    options: ReplayOptions,
    recording: Recording,
    loop: asyncio.AbstractEventLoop,
    ready: Callable[[dict[str, Any]], None],
    say: Callable[[str], None],
) -> dict[str, Any]:
    clockwork = Clockwork(0)
    line, device, gate = _stage(recording, options.model, clockwork)

    def told(_name: str, at: int, note: Note) -> None:
        if note.kind == "deviated" and device.deviations <= _TOLD:
            say(_deviation(at, note.facts, modelled=gate is not None))
            if device.deviations == _TOLD:
                say("... further deviations are counted and not told")

    line.on_note(told)
    driver = WallDriver(clockwork, loop)
    folder = options.folder / _file_name(recording.line)
    port = _pty()(line, driver, folder)
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(ValueError, RuntimeError):  # not the main thread: whoever has it ends us
            loop.add_signal_handler(number, over.set)
    await port.open()
    try:
        running = asyncio.ensure_future(driver.run())
        line.apply(device, device.start(clockwork.now))
        ended = asyncio.ensure_future(over.wait())
        if options.seconds is not None:
            loop.call_later(options.seconds, over.set)
        ready(
            {
                "path": str(port.path),
                "line": recording.line,
                "settings": str(recording.settings),
                "frames": len(recording.steps),
            }
        )
        await asyncio.wait((running, ended), return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        driver.stop()
        ended.cancel()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(ValueError, RuntimeError):
                loop.remove_signal_handler(number)
        with contextlib.suppress(OSError):
            await port.close()
    return {
        "answered": device.answered,
        "deviations": device.deviations,
        "by_model": 0 if gate is None else gate.answers,
    }


def _pty() -> type[PtyPort]:
    """The kind of port on which a recording is replayed.

    Raises:
        PortUnavailable: this system has none.
    """
    try:
        from bench.ports.pty import PtyPort
    except ImportError as exc:
        raise PortUnavailable(f"this system has no pseudo-terminals ({exc}): a recording is replayed on Linux") from exc
    return PtyPort


def _deviation(at: int, facts: Any, *, modelled: bool) -> str:
    expected = f"frame {facts['frame']} ({_shown(facts['expected'])})" if facts["frame"] else "the end of the recording"
    if facts["as"] is not None:
        then = f"answered as frame {facts['as']} was" + ("" if facts["stays"] else ", going on from there")
    else:
        then = "it is nowhere in the recording: " + ("the model answers" if modelled else "no answer")
    return f"{clock_text(at, millis=True)} deviation: expected {expected}, came {_shown(facts['came'])}; {then}"


def _shown(text: str) -> str:
    return text[:64].upper() + ("..." if len(text) > 64 else "")
