"""`hallbench view`: the live hall of the running bench, on a terminal or in a browser; starts one if none runs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import click

from bench.cli import console
from bench.cli.bench_option import bench_option
from bench.cli.console import Failure
from bench.cli.exit_codes import ExitCode
from bench.control.client import NoBench, find, running
from bench.reports.wording import printable

_PATIENCE_S: Final = 10.0


@click.command
@click.argument("scenario", required=False)
@bench_option
@click.option("--browser", is_flag=True, help="Serve it to browsers of this machine; prints the address to open.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="TCP port for --browser; 0: a free one.")
@click.option(
    "--lang", type=click.Choice(["en", "vi"]), default="en", show_default=True, help="Language of the labels."
)
@click.option("--at", metavar="TIME", help="A bench that is started here starts at this time of day.")
def command(scenario: str | None, which: str, browser: bool, port: int, lang: str, at: str | None) -> None:
    """See and steer the running bench: devices, lines, queue, wire (docs/view.md).

    When no bench runs, one of SCENARIO (tan_hoi when none is named) is started and ended with the view. F1 helps.
    """
    if not browser and not (sys.stdin.isatty() and sys.stdout.isatty()) and "TEXTUAL_DRIVER" not in os.environ:
        raise Failure("the view needs a terminal", ExitCode.USAGE, "hallbench view --browser, or hallbench show")
    with _bench(scenario, which, at) as name:
        if browser:
            from bench.tui.browser import serve, take_port

            try:
                listening = take_port(port)
            except OSError as exc:
                raise Failure(
                    f"no page can be served on 127.0.0.1:{port}: {os.strerror(exc.errno or 0)}",
                    ExitCode.NO_PORT,
                    "another --port; without it a free one is taken",
                ) from exc
            serve(name, lang, listening, console.out)
            return
        from bench.tui.link import BenchSource
        from bench.tui.view import HallView

        view = HallView(BenchSource(name), lang)
        told = view.run()
        if view.return_code:
            raise Failure(printable(told or "the view ended with an error"), ExitCode.INTERNAL)


@contextlib.contextmanager
def _bench(scenario: str | None, which: str, at: str | None) -> Iterator[str]:
    """The process number of the bench that is meant; one that is started here ends with the view.

    Raises:
        Failure: there is none of that name, several, or it does not start.
    """
    try:
        found = find(which)
    except NoBench as exc:
        if which or running():
            raise Failure(printable(str(exc)), ExitCode.NO_PORT) from exc
    else:
        if scenario is not None and found.scenario not in ("", scenario, Path(scenario).stem):
            raise Failure(
                f"bench {printable(found.name)} runs, and it is of scenario {printable(found.scenario)}",
                ExitCode.USAGE,
                f"hallbench view looks at it; another beside it: hallbench up {scenario} --name OTHER --ports FOLDER, "
                "then hallbench view --bench OTHER",
            )
        yield found.key
        return
    with _started(scenario or "tan_hoi", at) as pid:
        yield pid


@contextlib.contextmanager
def _started(scenario: str, at: str | None) -> Iterator[str]:
    """A bench of our own, until the view ends."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryDirectory(prefix="hallbench-ports-") as folder:
        arguments = [sys.executable, "-m", "bench.cli", "up", scenario, "--json", "--ports", f"{folder}/ports"]
        process = subprocess.Popen(
            [*arguments, *(["--at", at] if at else [])],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,  # Ctrl-C is a key of the view, not a signal for the bench
        )
        try:
            assert process.stdout is not None
            console.say(f"no bench runs: starting one of {printable(scenario)} ...")
            if not process.stdout.readline():
                raise Failure(_complaint(said), _code(process.wait()))
            with _ended_by_signals():
                yield str(process.pid)
        finally:
            _end(process)


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """A closed terminal or SIGTERM ends the view in order, and so the bench that it has started."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), leave) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _code(code: int) -> ExitCode:
    """The exit code of a bench that did not start, as ours."""
    return ExitCode(code) if code in {*ExitCode} and code else ExitCode.INTERNAL


def _complaint(said: IO[bytes]) -> str:
    said.seek(0)
    text = said.read(8192).decode("utf-8", errors="replace").strip().removeprefix("Error: ")
    return printable(text, keep="\n") or "the bench ended at once and said nothing"


def _end(process: subprocess.Popen[Any]) -> None:
    """As Ctrl-C would: it closes its ports and removes its token."""
    if process.stdout is not None:
        process.stdout.close()
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
