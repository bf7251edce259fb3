"""How commands talk: results to stdout, progress and logs to stderr, `--json` as one object (cli.md).

Text that came from a device, a scenario or a database goes through `printable` before it reaches a terminal: a device
that sends escape sequences must not move the reader's cursor.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import perf_counter
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self, TextIO

import click

from bench.cli.exit_codes import ExitCode
from bench.reports.wording import duration, printable
from bench.unseen import printable_json

SCHEMA_VERSION: Final = 1
"""Version of the objects that `--json` prints; it grows when a field changes its meaning or goes away."""

VERDICT_COLOUR: Final[Mapping[str, str]] = MappingProxyType(
    {"HOLDS": "green", "VIOLATED": "red", "UNKNOWN": "yellow", "NOT EXERCISED": "yellow"}
)
"""Colour of each verdict on a terminal; the word itself always stands there too."""


class Failure(click.ClickException):
    """A command cannot go on, for a reason that the person can do something about.

    Args:
        message: what happened, where, and what was expected.
        code: the exit code.
        hint: what to do next, printed on a line of its own.
    """

    def __init__(self, message: str, code: ExitCode, hint: str = "") -> None:
        super().__init__(message)
        self.exit_code = int(code)  # type: ignore[misc]  # typed ClassVar in click, read from the instance
        self.hint = hint

    def show(self, file: Any = None) -> None:
        """Write the message, and the hint under it, to stderr; both may quote a file that somebody else has written."""
        hint = f"\n  {self.hint}" if self.hint else ""
        click.echo(printable(f"Error: {self.format_message()}{hint}", keep="\n\t"), file=file or sys.stderr)


def needs_unix(what: str, instead: str) -> None:
    """Refuse what cannot be done where processes cannot be put into sessions and be stopped by signals.

    Args:
        what: what was asked for, as the subject of a sentence.
        instead: what to do there.

    Raises:
        Failure: this system is not Linux, macOS or another Unix.
    """
    if not hasattr(os, "killpg"):
        raise Failure(f"{what} needs Linux or macOS: this system has no process groups", ExitCode.USAGE, instead)


def width(text: str) -> int:
    """Columns that the text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def out(text: str = "") -> None:
    """Write a line of results to stdout; colours fall away when stdout is no terminal or NO_COLOR is set."""
    click.echo(text, color=None if _colour_wanted() else False)


def say(text: str) -> None:
    """Write a line that is not a result (progress, log, advice) to stderr."""
    click.echo(text, err=True, color=None if _colour_wanted() else False)


def _colour_wanted() -> bool:
    return not os.environ.get("NO_COLOR")


def verdict_word(verdict: str) -> str:
    """The verdict, coloured for a terminal."""
    return click.style(verdict, fg=VERDICT_COLOUR.get(verdict), bold=True)


def emit_json(obj: Mapping[str, Any], *, one_line: bool = False) -> None:
    """Print one JSON object to stdout, `schema_version` first.

    Args:
        obj: JSON-able; its own `schema_version` wins over `SCHEMA_VERSION`.
        one_line: for commands that print a line and stay.

    Raises:
        ValueError: a number in it is infinite or not a number, which JSON cannot say.
    """
    whole = {"schema_version": SCHEMA_VERSION, **obj}
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    text = json.dumps(whole, ensure_ascii=encoding != "utf8", allow_nan=False, indent=None if one_line else 2)
    click.echo(printable_json(text))


@contextlib.contextmanager
def results_apart() -> Iterator[None]:
    """Let what is written to file descriptor 1 go to stderr during the block.

    A program that runs inside this process, and what it starts, would else write into the results (`os.write(1, ...)`,
    `subprocess.run(...)`): stdout would be no JSON object any more.
    """
    try:
        kept = os.dup(1)
    except OSError:  # it is closed: there is nothing to keep clean
        yield
        return
    try:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def table(rows: Iterable[Sequence[object]], *, headers: Sequence[str] = (), right: Iterable[int] = ()) -> list[str]:
    """Lay out rows in columns two spaces apart.

    Args:
        rows: cells are turned to text with `str` and must not contain line ends.
        headers: a first row, with a rule of dashes under it.
        right: numbers of the columns that are aligned to the right.

    Returns:
        The lines, without trailing spaces.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    if headers:
        cells.insert(0, list(headers))
    count = max(map(len, cells), default=0)
    widths = [max((width(row[n]) for row in cells if n < len(row)), default=0) for n in range(count)]
    if headers:
        cells.insert(1, ["-" * widths[n] for n in range(count)])
    rights = set(right)
    lines = []
    for row in cells:
        padded = []
        for n, cell in enumerate(row):
            gap = " " * (widths[n] - width(cell))
            padded.append(gap + cell if n in rights else cell + gap)
        lines.append("  ".join(padded).rstrip())
    return lines


class ProgramSpeech(io.TextIOBase):
    r"""What the program under test prints, on its way to a terminal: `shown` of a day.

    Its colours stay, and line ends, tabs and returns, for a progress bar of its own. All else that a terminal obeys is
    spelled out (`\x1b[2J`), for a program prints what devices and databases told it. `collector.log` has it as it was.

    Args:
        stream: where it goes; stderr of the moment by default.
    """

    _COLOUR: Final = re.compile(r"(\x1b\[[0-9;:]*m)")
    _BEGUN: Final = re.compile(r"\x1b(\[[0-9;:]{0,60})?\Z")  # a colour may come in two pieces

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._begun = ""

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Pass a piece on; the beginning of a colour waits for its end."""
        whole = self._begun + text
        begun = self._BEGUN.search(whole)
        self._begun = begun[0] if begun else ""
        pieces = self._COLOUR.split(whole[: len(whole) - len(self._begun)])
        pieces[::2] = (printable(piece, keep="\n\r\t") for piece in pieces[::2])
        self._stream.write("".join(pieces))
        return len(text)

    def flush(self) -> None:
        """Let what was passed on be seen."""
        self._stream.flush()


class Progress:
    """A bar on stderr while something runs; silent unless stderr is a terminal.

    Usable as a context manager, so that the line is gone however the work ends. Time is real time, also when a run in
    simulated time replaces the clocks that a program sees: the default of `now` keeps the real function where no
    stand-in looks for it.

    Args:
        label: what runs, before the bar.
        stream: where to draw; stderr by default.
        now: seconds, for tests.
    """

    _EVERY: Final = 0.1  # seconds between two drawings: more is flicker and costs the run time
    _CELLS: Final = 24

    def __init__(
        self, label: str = "", *, stream: TextIO | None = None, now: Callable[[], float] = perf_counter
    ) -> None:
        self._label = printable(label)
        self._stream = sys.stderr if stream is None else stream
        self._now = now
        self._shown = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._began = now()
        self._drawn_at: float | None = None
        self._drawn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def update(self, fraction: float, text: str = "") -> None:
        """Say how far it is.

        Args:
            fraction: 0..1 of the work.
            text: where it is, e.g. the hall's time "10:42".
        """
        if not self._shown:
            return
        now = self._now()
        if self._drawn_at is not None and now - self._drawn_at < self._EVERY and fraction < 1:
            return
        self._drawn_at = now
        done = min(max(fraction, 0.0), 1.0)
        full = round(done * self._CELLS)
        parts = [self._label, printable(text), "█" * full + "░" * (self._CELLS - full), f"{done:4.0%}"]
        elapsed = now - self._began
        if 0 < done < 1 and elapsed >= 1:
            parts.append(f"about {duration(elapsed * (1 - done) / done)} left")
        self._draw("  ".join(part for part in parts if part))

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        self._wipe()
        click.echo(text, file=self._stream)

    def close(self) -> None:
        """Take the bar away."""
        self._wipe()

    def _draw(self, line: str) -> None:
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns
        except (OSError, ValueError):
            columns = 80
        self._stream.write("\r\x1b[K" + line[: max(columns - 1, 1)])
        self._stream.flush()
        self._drawn = True

    def _wipe(self) -> None:
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._drawn = False
