"""Run a Python collector, unmodified, inside this process and inside the simulated day.

The program gets its own arguments, `sys.path[0]`, streams and environment, and none of our modules: a collector may
have packages called `bench` or `protocol` of its own, so ours leave the module table while it runs (architecture.md
section 3; `bench.run.face`). How it ended is reported, whatever way that was.
"""

from __future__ import annotations

import contextlib
import runpy
import shutil
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TextIO

from bench.clock.kernel import BenchFailure, CollectorHung, DayOver, Kernel, StubbornCollector
from bench.clock.threads import pools_closing
from bench.ports.mounts import hang_up
from bench.run.expendable import Killed, run_expendable
from bench.run.face import ExitFunctions, Output, own_modules, process_face
from bench.run.insist import insisting


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
        how: "returned", "asked to end" (at the end of the day), "crashed", "hung", "interrupted", "killed".
        detail: the last lines of its traceback, or where it hung; empty otherwise.
    """

    status: int
    how: str
    detail: str = ""

    @property
    def good(self) -> bool:
        """It ended by itself with status 0, or because the day was over."""
        return self.how == "asked to end" or (self.how == "returned" and self.status == 0)

    @property
    def failed(self) -> bool:
        """It ended badly, and not by a fault that killed it."""
        return not self.good and self.how != "killed"


_SWITCHES = {"-u", "-B", "-E", "-s", "-S", "-I", "-O", "-OO", "-q", "-b", "-bb"}
_SWITCHES_WITH_VALUE = {"-W", "-X"}


def _python_behind(word: str) -> str | None:
    """The file of a command that is a Python program under another name (a console entry of a package); else None."""
    found = shutil.which(word)
    if found is None:
        return None
    try:
        with Path(found).open("rb") as file:
            first = file.readline(200)
    except OSError:
        return None
    return found if first.startswith(b"#!") and b"python" in first else None


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
        if (entry := _python_behind(words[0])) is not None:
            return Program("script", entry, tuple(words[1:]))
        raise NotPython(
            f"'{words[0]}' is not a Python program: simulated time needs the collector inside this process. "
            "Any other program needs --clock wall, which gives it real ports"
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


def execute(program: Program) -> None:
    """Run it here, as the interpreter would: its own `__main__`."""
    if program.kind == "module":
        runpy.run_module(program.target, run_name="__main__", alter_sys=True)
    elif program.kind == "code":
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(program.target, "<string>", "exec"), main.__dict__)
    else:
        runpy.run_path(program.target, run_name="__main__")


def _status(exc: SystemExit) -> int:
    code = exc.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    with contextlib.suppress(Exception):  # whatever the code is, and whatever became of stderr
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
    program: Program,
    kernel: Kernel,
    *,
    env: Mapping[str, str],
    log: TextIO,
    shown: TextIO | None,
    expendable: bool = False,
) -> Exit:
    """Run the program to its end, or to the end of the day.

    It ends as a process does: when its main thread has ended, its other threads go on until the last that is no daemon
    has; then its exit functions run, and daemon threads are left where they are.

    Args:
        program: what to run.
        kernel: the calling thread becomes its actor.
        env: variables added to the environment.
        log: takes stdout and stderr of the program.
        shown: also gets them when not None.
        expendable: `kernel.kill()` may end it (exit status 137, "killed"); it then runs in a thread of its own. It can
            be run again afterwards, with the same kernel.

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
    output, leaving = Output(log, shown), ExitFunctions()
    streams = output.stream(), output.stream()

    def life() -> Exit:
        with insisting(kernel, execute.__code__), kernel:
            ended = _ending(program, kernel, output)
            kernel.beats += 1
            ended = _outlive(kernel, output, ended)
            leaving.run(lambda exc: _tell_of_exit_function(exc, output))
            kernel.abandon()
        return ended

    with process_face(argv, first, env, streams), own_modules(first), leaving.kept():
        try:
            ended = run_expendable(kernel, life) if expendable else life()
        except Killed:
            ended = Exit(137, "killed")
        finally:
            hang_up(kernel)
    if kernel.failure is not None:
        raise kernel.lost() from kernel.failure
    return ended


def _ending(program: Program, kernel: Kernel, output: Output) -> Exit:
    hook = sys.excepthook
    try:
        execute(program)
    except DayOver:
        if kernel.stuck:
            output.say(f"hallbench: {kernel.stuck}\n")
        return Exit(0, "asked to end", kernel.stuck)
    except SystemExit as exc:
        return Exit(_status(exc), "asked to end" if kernel.over else "returned")
    except (CollectorHung, StubbornCollector) as exc:
        return Exit(1, "hung", str(exc))
    except (BenchFailure, KeyboardInterrupt):
        raise
    except BaseException as exc:
        detail = _last_lines(exc)
        output.say(detail + "\n")
        if sys.excepthook is not hook:
            with contextlib.suppress(BaseException):
                sys.excepthook(type(exc), exc, exc.__traceback__)
        return Exit(1, "crashed", detail)
    return Exit(0, "returned")


def _outlive(kernel: Kernel, output: Output, ended: Exit) -> Exit:
    """Let the threads go on that the program's main one leaves behind, as an interpreter does at its exit."""
    if len(kernel.actors) < 2 or ended.how == "hung" or isinstance(kernel.failure, BaseException):
        return ended
    try:
        if kernel.over:
            kernel.dismiss()
        else:
            with pools_closing():
                kernel.outlive()
    except DayOver:
        kernel.dismiss()
        how = "asked to end" if ended.how == "returned" else ended.how
        return Exit(ended.status, how, ended.detail or kernel.stuck)
    except SystemExit as exc:  # a handler of SIGTERM, or os._exit in a thread
        return Exit(_status(exc), "asked to end" if kernel.over else "returned")
    except (CollectorHung, StubbornCollector) as exc:
        return Exit(1, "hung", str(exc))
    except (BenchFailure, KeyboardInterrupt):
        raise
    except BaseException as exc:
        detail = _last_lines(exc)
        output.say(detail + "\n")
        return Exit(1, "crashed", detail)
    return ended


def _tell_of_exit_function(exc: BaseException, output: Output) -> None:
    if not isinstance(exc, SystemExit):  # the day's end among them: there was no time left
        output.say(f"hallbench: a function of the collector's exit failed:\n{_last_lines(exc)}\n")
