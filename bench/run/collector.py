"""Run a Python collector, unmodified, inside this process and inside the simulated day.

The program gets its own arguments, `sys.path[0]`, working directory and environment, and none of our modules: a
collector may have packages called `bench` or `protocol` of its own, so ours leave the module table while it runs
(architecture.md section 3). How it ended is reported, whatever way that was.
"""

from __future__ import annotations

import contextlib
import io
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from bench.clock.kernel import BenchFailure, DayOver, Kernel, StubbornCollector
from bench.run.watchdog import CollectorHung

OURS = ("protocol", "firmware_sim", "bench", "scenarios", "tests")
"""Top-level names that may also be a collector's own."""


class NotPython(Exception):
    """The command does not run a Python program: only that can run inside a simulated day."""


@dataclass(frozen=True, slots=True)
class Program:
    """A Python program as a command line gives it.

    Attributes:
        kind: "script", "module" or "code".
        target: path of the script, dotted name of the module, or the code.
        args: what follows.
    """

    kind: str
    target: str
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exit:
    """How a collector ended.

    Attributes:
        status: exit status as the shell would see it.
        how: "returned", "asked to end" (at the end of the day), "crashed", "hung", "interrupted".
        detail: the last lines of its traceback, or where it hung; empty otherwise.
    """

    status: int
    how: str
    detail: str = ""

    @property
    def good(self) -> bool:
        """It ended by itself with status 0, or because the day was over."""
        return self.how == "asked to end" or (self.how == "returned" and self.status == 0)


_SWITCHES = {"-u", "-B", "-E", "-s", "-S", "-I", "-O", "-OO", "-q", "-b", "-bb"}
_SWITCHES_WITH_VALUE = {"-W", "-X"}


def parse_command(command: Sequence[str]) -> Program:
    """The Python program that a command would run.

    Raises:
        NotPython: it is another kind of program; the message says what to do.
    """
    words = list(command)
    name = Path(words[0]).name
    if name.endswith(".py"):
        return Program("script", words[0], tuple(words[1:]))
    if not name.startswith(("python", "pypy")):
        raise NotPython(
            f"'{words[0]}' is not a Python program: simulated time needs the collector inside this process. "
            "Run any other program with --clock wall, on ports"
        )
    rest = words[1:]
    while rest and (rest[0] in _SWITCHES or rest[0] in _SWITCHES_WITH_VALUE):
        rest = rest[2 if rest[0] in _SWITCHES_WITH_VALUE else 1 :]
    if not rest:
        raise NotPython(f"'{' '.join(words)}' starts an interpreter without a program: name a script, or -m MODULE")
    if rest[0] in {"-m", "-c"}:
        if len(rest) < 2:
            raise NotPython(f"'{' '.join(words)}': {rest[0]} needs an argument")
        return Program("module" if rest[0] == "-m" else "code", rest[1], tuple(rest[2:]))
    if rest[0].startswith("-"):
        raise NotPython(f"'{rest[0]}': this option of the interpreter has no meaning inside a simulated day")
    return Program("script", rest[0], tuple(rest[1:]))


class _Tee(io.TextIOBase):
    """The collector's stdout or stderr: kept in the run directory, and shown when wanted."""

    encoding = "utf-8"

    def __init__(self, log: TextIO, shown: TextIO | None) -> None:
        self._log = log
        self._shown = shown

    def write(self, text: str) -> int:
        # A full disk must not look like the collector's own fault: what cannot be kept is shown only.
        with contextlib.suppress(OSError, ValueError):
            self._log.write(text)
        if self._shown is not None:
            self._shown.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._log.flush()
        if self._shown is not None:
            self._shown.flush()

    def writable(self) -> bool:
        return True


@contextlib.contextmanager
def _own_modules() -> Iterator[None]:
    """Take our packages out of the module table, so that the collector imports its own of the same name."""

    def mine(name: str) -> bool:
        return name.split(".", 1)[0] in OURS

    hidden = {name: module for name, module in sys.modules.items() if mine(name)}
    for name in hidden:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in [name for name in sys.modules if mine(name)]:
            del sys.modules[name]
        sys.modules.update(hidden)


@contextlib.contextmanager
def _process_face(argv: list[str], first_path: str, env: Mapping[str, str], streams: tuple[Any, Any]) -> Iterator[None]:
    """Make the process look as the program expects it, and put everything back afterwards."""
    before = sys.argv, sys.path[:], dict(os.environ), sys.stdout, sys.stderr, sys.modules.get("__main__")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    sys.argv = argv
    sys.path[0:1] = [first_path]
    os.environ.update(env)
    sys.stdout, sys.stderr = streams
    try:
        yield
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        sys.argv, sys.path[:], _, sys.stdout, sys.stderr, main = before
        os.environ.clear()
        os.environ.update(before[2])
        if main is not None:
            sys.modules["__main__"] = main
        for number, handler in handlers.items():
            if handler is not None:
                signal.signal(number, handler)


def _execute(program: Program) -> None:
    if program.kind == "module":
        runpy.run_module(program.target, run_name="__main__", alter_sys=True)
    elif program.kind == "code":
        exec(compile(program.target, "<string>", "exec"), {"__name__": "__main__"})
    else:
        runpy.run_path(program.target, run_name="__main__")


def _status(exc: SystemExit) -> int:
    code = exc.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


def _last_lines(exc: BaseException, limit: int = 12) -> str:
    """The collector's own part of a traceback: frames of this module and of runpy are not its business."""
    frames = traceback.TracebackException.from_exception(exc)
    frames.stack = traceback.StackSummary.from_list(
        [f for f in frames.stack if f.filename != __file__ and "runpy" not in f.filename]
    )
    return "\n".join("".join(frames.format()).rstrip().splitlines()[-limit:])


def run_collector(
    program: Program, kernel: Kernel, *, env: Mapping[str, str], log: TextIO, shown: TextIO | None
) -> Exit:
    """Run the program to its end, or to the end of the day.

    Args:
        program: what to run.
        kernel: the calling thread becomes its actor.
        env: variables added to the environment.
        log: takes stdout and stderr of the program.
        shown: also gets them when not None.

    Raises:
        BenchFailure: not the collector's fault: the bench failed.
        KeyboardInterrupt: the person at the keyboard ended it.
    """
    if program.kind == "script":
        path = Path(program.target)
        if not path.is_file():
            detail = f"there is no script {program.target}"
            log.write(f"hallbench: {detail}\n")
            return Exit(2, "crashed", detail)
        argv, first = [program.target, *program.args], str(path.resolve().parent)
    else:
        argv, first = ["-c" if program.kind == "code" else program.target, *program.args], str(Path.cwd())
    tee = _Tee(log, shown)
    with _process_face(argv, first, env, (tee, tee)), _own_modules(), kernel:
        try:
            _execute(program)
        except DayOver:
            return Exit(0, "asked to end")
        except SystemExit as exc:
            return Exit(_status(exc), "asked to end" if kernel.over else "returned")
        except CollectorHung as exc:
            return Exit(1, "hung", str(exc))
        except StubbornCollector as exc:
            return Exit(1, "hung", str(exc))
        except (BenchFailure, KeyboardInterrupt):
            raise
        except BaseException as exc:
            if kernel.failure is not None:
                raise BenchFailure("the bench failed and the collector hid it") from kernel.failure
            detail = _last_lines(exc)
            tee.write(detail + "\n")
            return Exit(1, "crashed", detail)
    return Exit(0, "returned")
