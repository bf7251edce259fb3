"""Programs under test in simulated time: each is an actor of its own, beside the test, in this process.

A function, or a script as it is: it gets its arguments, its folder on the path, and a main module; it shares the rest
of the process with the test. Only one of test and programs runs at a time, and they take turns when they wait, so a
test that starts a program runs the same way every time.

A program that is asked to end gets `SystemExit` at its next wait (`finally` blocks run). One that is killed never runs
again: no `finally`, no commit, as with SIGKILL; its SQLite connections and its ports are closed.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from bench.clock.kernel import BenchFailure, DayOver, Kernel
from bench.run.collector import Exit

__all__ = ["Process", "Program", "ProgramFailed", "Running", "Started", "script_at"]

Program: TypeAlias = "str | Path | Callable[..., Any]"
"""A program under test: a script's path, or a function."""


class ProgramFailed(AssertionError):
    """The program under test crashed or ended with a bad status; the message has its last lines."""


class Started:
    """A program that was started.

    Attributes:
        name: for messages.
        exit: how it ended; None while it runs.
        fault: what it raised, when it crashed in this process.
        looked_at: somebody has asked how it ended, so that nobody else has to complain.
    """

    def __init__(self, program: Program) -> None:
        self.name = getattr(program, "__name__", None) or Path(str(program)).name
        self.exit: Exit | None = None
        self.fault: BaseException | None = None
        self.looked_at = False

    @property
    def alive(self) -> bool:
        """It runs, or waits."""
        return self.exit is None

    def must_be_good(self) -> None:
        """Raise `ProgramFailed` when it ended badly."""
        __tracebackhide__ = True
        self.looked_at = True
        if self.exit is not None and self.exit.failed:
            detail = f":\n{self.exit.detail}" if self.exit.detail else ""
            raise ProgramFailed(
                f"the program {self.name} {self.exit.how} with status {self.exit.status}{detail}"
            ) from self.fault

    def __repr__(self) -> str:
        return f"<program {self.name}: {'runs' if self.exit is None else self.exit.how}>"


class Running(Started):
    """A program beside the test in simulated time: an actor of the hall's kernel."""

    def __init__(self, kernel: Kernel, program: Program, args: Sequence[Any], ended: Callable[[Running], None]) -> None:
        super().__init__(program)
        self._kernel = kernel
        self._ended = ended
        self._main: Callable[[], Any] = (
            (lambda: program(*args)) if callable(program) else _script(Path(str(program)), [str(arg) for arg in args])
        )
        self.actor = kernel.new_actor(self.name, daemon=True)
        _thread.start_new_thread(self._body, ())

    def _body(self) -> None:
        kernel, actor = self._kernel, self.actor
        _of_thread[threading.get_ident()] = self
        kernel.enter_thread(actor)
        try:
            self.exit = self._run()
        finally:
            _of_thread.pop(threading.get_ident(), None)
            self._ended(self)
            kernel.leave_thread(actor)

    def _run(self) -> Exit:
        try:
            self._main()
        except DayOver:
            return Exit(0, "asked to end")
        except SystemExit as exc:
            code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
            return Exit(code & 0xFF, "returned", str(exc.code) if isinstance(exc.code, str) else "")
        except BenchFailure as exc:
            self.fault = exc
            return Exit(70, "crashed", str(exc))
        except BaseException as exc:
            self.fault = exc
            return Exit(1, "crashed", _last_lines(exc))
        return Exit(0, "returned")

    def killed(self) -> None:
        """Told by who killed it (the thread itself cannot tell any more)."""
        if self.exit is None:
            self.exit = Exit(137, "killed")


_of_thread: dict[int, Running] = {}
"""Thread -> the program that it is."""


class Process:
    """What scripts change about the process, for the length of a hall: argv, path, signal handlers."""

    def __init__(self) -> None:
        self._argv, self._path = sys.argv, sys.path[:]
        self._signal: Any = signal.signal

    def open(self) -> None:
        """Let programs set signal handlers, which only a process's main thread can: they are kept and never called."""
        handlers: dict[tuple[int, int], Any] = {}
        real, module = self._signal, vars(signal)

        def set_handler(number: int, handler: Any) -> Any:
            me = threading.get_ident()
            if me not in _of_thread:
                return real(number, handler)
            before = handlers.get((me, number), signal.SIG_DFL)
            handlers[me, number] = handler
            return before

        module["signal"] = set_handler

    def close(self) -> None:
        """Put everything back."""
        sys.argv = self._argv
        sys.path[:] = self._path
        vars(signal)["signal"] = self._signal


def _script(path: Path, args: list[str]) -> Callable[[], None]:
    """The main function of a script, as `python PATH ARGS` would run it."""
    script_at(path)
    code = compile(path.read_bytes(), str(path), "exec")

    def main() -> None:
        module = ModuleType("__main__")
        module.__file__ = str(path)
        sys.argv = [str(path), *args]
        folder = str(path.resolve().parent)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        exec(code, module.__dict__)

    return main


def script_at(path: Path) -> None:
    """Raise `ProgramFailed` unless there is a Python script."""
    if path.suffix != ".py" or not path.is_file():
        what = "is not a .py file" if path.is_file() else "does not exist"
        raise ProgramFailed(f"the program {path} {what}; give a Python script or a function")


def _last_lines(exc: BaseException, limit: int = 14) -> str:
    """The program's own part of a traceback."""
    told = traceback.TracebackException.from_exception(exc)
    told.stack = traceback.StackSummary.from_list([frame for frame in told.stack if frame.filename != __file__])
    return "\n".join("".join(told.format()).rstrip().splitlines()[-limit:])
