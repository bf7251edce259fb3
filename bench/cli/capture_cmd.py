"""`hallbench capture`: the traffic of a run for other programs, a recording of a line, and a recording as a device."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bench.cli.console import Failure, emit_json, out, say
from bench.cli.exit_codes import ExitCode
from bench.cli.numbers import Number
from bench.reports.wording import printable

if TYPE_CHECKING:
    from bench.captures.frames import Capture
    from firmware_sim.burst import LineSettings

ENDING: Final = {"pcapng": ".pcapng", "vcd": ".vcd", "text": ".txt"}

_EXAMPLES: Final = """\b
Examples:
  hallbench capture runs/tan_hoi-seed1 --to text | grep keypad-2
  hallbench capture runs/tan_hoi-seed1 --to vcd --line keypads --from 08:05 --to 08:06
  hallbench capture /dev/ttyUSB0 --baud 9600 --protocol modbus_rtu --out site.pcapng
  hallbench capture --replay site.pcapng --ports ports
"""


class _Time(click.ParamType[int, str]):
    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from bench.captures.frames import instant

        try:
            return instant(value)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from error


@click.command(epilog=_EXAMPLES)
@click.argument("source", metavar="[RUN_DIR | PORT [PORT2]]", nargs=-1)
@click.option(
    "--to", "words", multiple=True, metavar="FORMAT|TIME", help="Of a run: pcapng, vcd or text; and the last instant."
)
@click.option("--from", "first", type=_Time(), help="Of a run: only what begins at or after this time of day.")
@click.option("--line", help="Of a run or a capture: this line alone.")
@click.option("--out", "target", type=click.Path(path_type=Path, dir_okay=False), help="File to write; - is stdout.")
@click.option("--baud", type=click.IntRange(50, 4_000_000), help="Of a port: its speed.")
@click.option("--format", "characters", default="8N1", show_default=True, help="Of a port: data bits, parity, stop.")
@click.option(
    "--protocol",
    type=click.Choice(["raw", "modbus_rtu"]),
    default="raw",
    show_default=True,
    help="Of a port: what goes over the line; modbus_rtu cuts frames by their CRC and tells requests from replies.",
)
@click.option("--gap", type=Number(0.1, 60_000), metavar="MS", help="Of a port: silence that ends a frame.")
@click.option("--seconds", type=Number(0.1), help="Of a port: end by itself after so long.")
@click.option("--settings", help='For a line whose settings nothing tells: "9600 8N1".')
@click.option("--replay", type=click.Path(path_type=Path), help="Play this capture (pcapng or run) as the devices.")
@click.option("--model", metavar="SCENARIO", help="With --replay: its devices of the line answer what is not recorded.")
@click.option(
    "--ports",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("ports"),
    show_default=True,
    help="With --replay: folder in which the line gets a device file of its name.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, /, source: tuple[str, ...], words: tuple[str, ...], **given: Any) -> None:
    """Captures: what went over lines, for Wireshark, PulseView, grep, and back on a line.

    RUN_DIR: writes the traffic of a run as pcapng, vcd (bit level) or text. `--to` takes the format, and the last
    instant when given a second time: --to text --from 10:30 --to 10:40. Every run has its pcapng already, wire.pcapng.

    PORT: records a real line until Ctrl-C, into --out (pcapng) and --out.ndjson (what was read, and when). Any port or
    pyserial URL. One port hears both directions of a bus; with two the first hears the collector, the second the
    devices.

    --replay FILE: a port on which the recorded devices answer, at the times they took.
    """
    if given["replay"] is not None:
        if source or words:
            raise click.UsageError("--replay takes neither a run nor a port, and no --to", ctx)
        ctx.exit(_replay(given))
    if not source:
        raise click.UsageError("name a run directory or a port, or --replay FILE", ctx)
    if len(source) == 1 and Path(source[0]).is_dir():
        ctx.exit(_export(ctx, Path(source[0]), words, given))
    if words or given["first"] is not None or given["line"] is not None:
        raise click.UsageError(f"{printable(source[0])} is no run directory: --to, --from and --line are for runs", ctx)
    ctx.exit(_record(ctx, source, given))


# -- of a run --------------------------------------------------------------------------------------------------------
def _export(ctx: click.Context, directory: Path, words: tuple[str, ...], given: dict[str, Any]) -> int:
    from bench.captures.frames import Capture, CaptureFailed
    from bench.judge.history import HistoryFailed

    formats = [word for word in words if word in ENDING]
    times = [_Time().convert(word, None, ctx) for word in words if word not in ENDING and ":" in word]
    unknown = [word for word in words if word not in ENDING and ":" not in word]
    if unknown or len(formats) > 1 or len(times) > 1:
        raise click.UsageError(
            f"--to takes one of {', '.join(ENDING)}, and once more the last instant (10:40), not "
            f"{', '.join(map(printable, unknown or words))}",
            ctx,
        )
    kind = formats[0] if formats else "pcapng"
    try:
        capture = Capture(directory)
        line = given["line"]
        if line is not None and line not in capture.lines:
            raise click.UsageError(
                f"--line {printable(line)}: there is no such line in this run; there are: "
                f"{', '.join(map(printable, capture.lines))}",
                ctx,
            )
        last = times[0] if times else None
        target: Path | None = given["target"]
        if target is None and kind != "text":
            target = directory / f"wire{'-' + _plain(line) if line else ''}{ENDING[kind]}"
            if target.name == "wire.pcapng" and (given["first"] is not None or last is not None):
                target = directory / "wire-part.pcapng"
        count = _write(capture, kind, target, line, given["first"], last, _settings(ctx, given["settings"]))
    except (CaptureFailed, HistoryFailed) as error:
        raise Failure(printable(str(error)), ExitCode.INVALID_FILE) from error
    if not capture.history.complete:
        say(f"note: the history is not whole ({printable(str(capture.history.damage))}); what is in it was written")
    where = "-" if target is None or str(target) == "-" else str(target)
    if given["as_json"] and where != "-":
        emit_json({"format": kind, "file": where, "frames": count, "folded": capture.folded})
    elif where != "-":
        out(f"{count:,} frames written to {printable(where)}")
        if capture.folded:
            out("Polls that only repeat earlier ones are counted, not kept; a run with --evidence full has them all.")
    return ExitCode.GOOD


def _write(
    capture: Capture,
    kind: str,
    target: Path | None,
    line: str | None,
    first: int | None,
    last: int | None,
    settings: LineSettings | None,
) -> int:
    from bench.captures.export import export_pcapng
    from bench.captures.frames import CaptureFailed, joined
    from bench.captures.textlog import write_text
    from bench.captures.vcd import write_vcd

    stdout = target is None or str(target) == "-"
    try:
        if kind == "pcapng":
            with _binary(None if stdout else target) as file:
                return export_pcapng(capture, file, line, first, last)
        with _text(None if stdout else target) as file:
            frames = capture.frames(line, first, last)
            if kind == "text":
                day = _day(capture)
                return write_text(file, joined(frames, capture.lines), capture.lines, day)
            lines = {name: facts for name, facts in capture.lines.items() if line in (None, name)}
            return write_vcd(file, frames, lines, comment=capture.title, settings=settings)
    except OSError as error:
        if stdout:
            raise
        raise CaptureFailed(f"{target}: cannot be written ({error.strerror or error}); name another --out") from error


def _day(capture: Capture) -> date:
    try:
        return date.fromisoformat(str(capture.history.header.get("date")))
    except ValueError:
        return date(1970, 1, 1)


@contextlib.contextmanager
def _binary(target: Path | None) -> Iterator[Any]:
    if target is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with target.open("wb", buffering=1 << 18) as file:
        yield file


@contextlib.contextmanager
def _text(target: Path | None) -> Iterator[Any]:
    if target is None:
        yield sys.stdout
        return
    with target.open("w", encoding="utf-8", newline="\n", buffering=1 << 18) as file:
        yield file


def _plain(name: str) -> str:
    """A line's name as a part of a file's name."""
    return "".join(char if char.isalnum() or char in "-_" else "_" for char in name)[:60]


def _settings(ctx: click.Context, text: str | None) -> LineSettings | None:
    from firmware_sim.burst import LineSettings

    try:
        return None if text is None else LineSettings.parse(text)
    except ValueError as error:
        raise click.UsageError(f"--settings: {error}", ctx) from error


# -- of a port -------------------------------------------------------------------------------------------------------
def _record(ctx: click.Context, ports: tuple[str, ...], given: dict[str, Any]) -> int:
    from bench.captures.frames import CaptureFailed
    from bench.captures.recorder import Recording, TapFailed, record
    from bench.judge.history import HistoryFailed
    from firmware_sim.burst import LineSettings

    if len(ports) > 2:
        raise click.UsageError("one port, or two: the collector's direction and the devices'", ctx)
    missing = [name for name in ("baud", "target") if given[name] is None]
    if missing:
        looked = "" if len(ports) == 2 else f" ({printable(ports[0])} is no directory, so it is taken as a port)"
        raise click.UsageError(
            f"recording a port needs {' and '.join({'baud': '--baud', 'target': '--out'}[name] for name in missing)}"
            f"{looked}",
            ctx,
        )
    try:
        settings = LineSettings.parse(f"{given['baud']} {given['characters']}")
    except ValueError as error:
        raise click.UsageError(f"--format: {error}", ctx) from error
    gap = None if given["gap"] is None else round(given["gap"] * 1_000_000)
    recording = Recording(
        ports, settings, given["target"], given["protocol"] == "modbus_rtu", gap, given["seconds"], "line"
    )
    stop = threading.Event()

    def ready() -> None:
        say(f"Recording {' and '.join(map(printable, ports))} at {settings}. Ctrl-C ends it.")

    try:
        with _stopped_by_signals(stop):
            told = record(recording, stop, ready)
    except TapFailed as error:
        raise Failure(str(error), ExitCode.NO_PORT) from error
    except (CaptureFailed, HistoryFailed) as error:
        raise Failure(printable(str(error)), ExitCode.INVALID_FILE) from error
    if given["as_json"]:
        emit_json(
            {
                "file": str(recording.out),
                "raw": str(recording.raw),
                "characters": told.characters,
                "frames": told.frames,
                "unsound": told.unsound,
                "ended": told.why or None,
            }
        )
    else:
        unsound = f", {told.unsound} of them no sound Modbus frame" if told.unsound else ""
        out(
            f"{told.characters:,} characters, {told.frames:,} frames{unsound}: {printable(str(recording.out))} and "
            f"{printable(str(recording.raw))}"
        )
    if told.why:
        say(f"The recording ended early: {printable(str(told.why))}. What came before is kept.")
        return ExitCode.NO_PORT
    return ExitCode.GOOD


@contextlib.contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, lambda _number, _frame: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# -- as a device -----------------------------------------------------------------------------------------------------
def _replay(given: dict[str, Any]) -> int:
    from bench.captures.frames import CaptureFailed
    from bench.captures.replay import ReplayOptions, replay
    from bench.judge.history import HistoryFailed
    from bench.ports.wall_port import PortUnavailable

    as_json = bool(given["as_json"])

    def ready(facts: dict[str, Any]) -> None:
        if as_json:
            emit_json(facts, one_line=True)
        else:
            line = printable(str(facts["line"]))
            out(f"{printable(facts['path'])}  {facts['settings']}  {facts['frames']:,} frames of line {line}")
            out("Ready. Ctrl-C ends it.")
        sys.stdout.flush()

    options = ReplayOptions(
        given["replay"], given["folder"], given["line"], given["settings"], given["model"], given["seconds"]
    )
    try:
        told = replay(options, ready, lambda text: say(printable(text)))
    except (CaptureFailed, HistoryFailed) as error:
        raise Failure(printable(str(error)), ExitCode.INVALID_FILE) from error
    except PortUnavailable as error:
        raise Failure(str(error), ExitCode.NO_PORT) from error
    if as_json:
        emit_json(told, one_line=True)
    else:
        out(
            f"{told['answered']:,} requests answered as recorded, {told['deviations']:,} deviations, "
            f"{told['by_model']:,} answers of the model"
        )
    return ExitCode.GOOD
