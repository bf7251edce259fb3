"""A program as a process of its own: started, paused, asked to end, killed, and what is told of its end."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bench.run.outside import CannotStart, OutsideProgram

pytest.importorskip("termios", reason="sessions and signals are a Unix's")

DEAF = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "sys.stdout.write('deaf\\n'); time.sleep(600)"
)
SLEEPS = "import sys, time; sys.stdout.write('sleeps\\n'); time.sleep(600)"


class Log(io.StringIO):
    """A log that tells when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = asyncio.Event()

    def write(self, text: str) -> int:
        self.written.set()
        return super().write(text)


def play(code: str, act: Callable[[OutsideProgram, Log], Awaitable[Any]]) -> Any:
    """Start a Python program, wait until it has said something, and do something with it."""

    async def main() -> Any:
        log = Log()
        program = OutsideProgram([sys.executable, "-c", code], {"WORD": "given"}, log, None)
        await program.start()
        ended = await act(program, log)
        assert not program.running
        assert program.pid is None
        program.kill()  # what has ended is left alone
        return ended, log.getvalue()

    return asyncio.run(main())


async def must_run(program: OutsideProgram, log: Log) -> None:
    """It has said something, and goes on: only a program that lasts can be seen running."""
    await log.written.wait()
    assert program.running
    assert program.pid is not None


async def ends(program: OutsideProgram, _log: Log) -> Any:
    """Wait for its own end."""
    return await program.wait()


PIECES = """
import os, sys, time
for piece in (b"Ti\\xe1\\xba", b"\\xbfng Vi\\xe1\\xbb\\x87t", b"\\r", b"\\n", b"no end"):
    os.write(1, piece)
    time.sleep(0.1)
sys.exit(3)
"""
"""Says two lines in five pieces, one of them within a letter."""


@pytest.mark.parametrize(
    ("code", "how", "status", "detail"),
    [
        (PIECES, "returned", 3, "its last lines:\nTiếng Việt\nno end"),
        ("import os; print(os.environ['WORD'])", "returned", 0, ""),
        ("import sys; print('no such port'); sys.exit(3)", "returned", 3, "its last lines:\nno such port"),
        ("import sys; sys.exit(4)", "returned", 4, ""),
        (
            "import os, signal; print('so far', flush=True); os.kill(os.getpid(), signal.SIGSEGV)",
            "crashed",
            139,
            "ended by SIGSEGV\nso far",
        ),
        ("import os; os.kill(os.getpid(), 40)", "crashed", 168, "ended by signal 40"),
    ],
)
def test_an_end_of_its_own_is_told(code: str, how: str, status: int, detail: str) -> None:
    """Status and signal are told, with the last lines where it went wrong."""
    ended, log = play(code, ends)
    assert "\ufffd" not in log
    assert (ended.how, ended.status, ended.detail) == (how, status, detail)


def test_one_that_is_asked_ends_well() -> None:
    """SIGTERM is how it is asked, also while it is paused; its end is then no failure."""

    async def act(program: OutsideProgram, log: Log) -> Any:
        await must_run(program, log)
        program.pause()
        return await program.stop()

    ended, log = play(SLEEPS, act)
    assert (ended.how, ended.status, log) == ("asked to end", 0, "sleeps\n")


def test_one_that_does_not_listen_is_killed_and_told() -> None:
    """After its time of grace it is killed, and that is no good end."""

    async def act(program: OutsideProgram, log: Log) -> Any:
        await must_run(program, log)
        return await program.stop(grace=0.2)

    ended, _ = play(DEAF, act)
    assert (ended.how, ended.status) == ("crashed", 128 + signal.SIGKILL)
    assert ended.detail.startswith("ended by SIGKILL\ndeaf\nit did not end within 0.2 s of SIGTERM and was killed")


def test_one_that_was_shot_is_no_crash() -> None:
    """A kill of ours, as a power cut, takes what it started along, and is told as ours."""

    async def act(program: OutsideProgram, log: Log) -> Any:
        await must_run(program, log)
        program.pause()
        program.go_on()
        program.kill()
        return await program.wait()

    child = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    ended, _ = play(child + SLEEPS, act)
    assert (ended.how, ended.status, ended.detail) == ("killed", 137, "")


def test_a_log_that_is_closed_does_not_stop_it() -> None:
    """A terminal that is gone takes no more lines; the program goes on."""

    async def main() -> Any:
        gone = io.StringIO()
        gone.close()
        log = Log()
        program = OutsideProgram([sys.executable, "-c", "print('one')"], {}, log, gone)
        await program.start()
        return await program.wait(), log.getvalue()

    ended, log = asyncio.run(main())
    assert (ended.how, log) == ("returned", "one\n")


def test_what_cannot_be_started_is_told(tmp_path: Path) -> None:
    """No such program, one that may not be run, and one that is no program."""
    plain, broken = tmp_path / "plain", tmp_path / "broken"
    plain.write_text("words")
    broken.write_text("words")
    broken.chmod(0o755)
    for name, why in (
        ("/no/such/program", "no such program"),
        (str(plain), r"not executable \(chmod \+x\)"),
        (str(broken), "cannot be run: Exec format error"),
    ):
        program = OutsideProgram([name], {}, io.StringIO(), None)
        with pytest.raises(CannotStart, match=why):
            asyncio.run(program.start())
        assert not program.running
        program.pause()  # nobody is there


LEAVES_A_CHILD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(child.pid, flush=True)
sys.exit(5)
"""
"""Ends at once, and leaves a process in a session of its own that has its output open for ten minutes."""


def test_a_child_that_is_left_behind_does_not_hold_the_end() -> None:
    """A program has ended when it has, whoever else still has its output open."""

    async def waits(program: OutsideProgram, log: Log) -> Any:
        await log.written.wait()
        try:
            return await asyncio.wait_for(program.wait(), 60)
        finally:
            os.kill(int(log.getvalue().split()[0]), signal.SIGKILL)

    ended, said = play(LEAVES_A_CHILD, waits)
    assert (ended.status, ended.how) == (5, "returned")
    assert said.strip().isdigit()
