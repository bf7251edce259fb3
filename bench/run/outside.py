"""A program under test as a process of its own: any language, on real ports, in wall time.

It is started in a process group of its own, so that ending it ends what it started too; its output goes to the run's
log (and to a stream); it is asked to end with SIGTERM, and killed when it does not.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import shutil
import signal
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, TextIO

from bench.run.collector import Exit

GRACE: Final = 10.0
"""Real seconds between SIGTERM and SIGKILL, as common service managers give."""

_LAST_LINES: Final = 12
_LONGEST: Final = 4096
"""Characters that are kept of a line that does not end."""
_LAST_READ_S: Final = 2.0
_LOOK_S: Final = 0.2
_LAST_LOOKS: Final = 100


class CannotStart(Exception):
    """The program under test could not be started at all."""


class OutsideProgram:
    """One run of a program.

    Args:
        command: program and arguments, placeholders filled in.
        env: variables added to the environment.
        log: takes stdout and stderr of the program, as text.
        shown: also gets them when not None.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: TextIO, shown: TextIO | None) -> None:
        self.command = list(command)
        self._env = env
        self._streams = [log] if shown is None else [log, shown]
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._asked = False
        self._shot = False

    async def start(self) -> None:
        """Start it.

        Raises:
            CannotStart: there is no such program, or it may not be run; the message says what to do.
        """
        name = self.command[0]
        if shutil.which(name) is None:
            there = os.path.exists(name)  # noqa: PTH110 - a name may be no path at all
            raise CannotStart(
                f"{name!r} cannot be run: " + ("the file is not executable (chmod +x)" if there else "no such program")
            )
        self._asked = self._shot = False
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self._env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as exc:
            raise CannotStart(f"{name!r} cannot be run: {exc.strerror or exc}") from exc
        self._reader = asyncio.create_task(self._pump())

    async def _pump(self) -> None:
        assert self._process is not None
        stream = self._process.stdout
        assert stream is not None
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode  # a letter may come in two pieces
        whole, ended = "", False
        try:
            while not ended:
                chunk = await stream.read(1 << 16)
                ended = not chunk
                text = decode(chunk, final=ended)
                *lines, rest = (whole + text).split("\n")  # and so may a line, or its end alone
                self._last.extend(line.rstrip("\r") for line in lines)
                whole = rest[-_LONGEST:]
                for out in self._streams:
                    with contextlib.suppress(OSError, ValueError):  # a closed terminal must not stop the day
                        out.write(text)
                        out.flush()
        finally:
            self._last.extend([whole] if whole else [])

    @property
    def running(self) -> bool:
        """It was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    def kill(self) -> None:
        """Kill it with all that it started, as a power cut would: nothing of it runs any more."""
        if self.running:
            self._shot = True
            self._signal(signal.SIGKILL)

    def pause(self) -> None:
        """Let nothing of it run until `go_on`, as a host does that is short of memory."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run again."""
        self._signal(signal.SIGCONT)

    async def wait(self) -> Exit:
        """Wait for its end; returns how it ended."""
        assert self._process is not None
        status = await self._ended()
        self._signal(signal.SIGKILL)  # whatever it has left behind
        if self._reader is not None:
            await self._read_out(self._reader)
        return self._exit(status)

    async def _ended(self) -> int:
        """Wait until the process itself has ended; asyncio's `wait` waits for whoever else has its output open."""
        assert self._process is not None
        while self._process.returncode is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _LOOK_S)
        return self._process.returncode

    async def _read_out(self, reader: asyncio.Task[None]) -> None:
        """Let the last of what it wrote be read; something that it left behind may keep its output open for ever."""
        await asyncio.wait({reader}, timeout=_LAST_READ_S)
        for _ in range(_LAST_LOOKS):  # this process may have stood still itself: what has come is there to be read
            if reader.done():
                break
            await asyncio.sleep(0)
        if not reader.done():
            reader.cancel()
            assert self._process is not None
            self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - nothing public closes it
        elif not reader.cancelled():
            reader.result()

    async def stop(self, grace: float = GRACE) -> Exit:
        """Ask it to end, and kill it when it does not within `grace` real seconds."""
        if self.running:
            self._asked = True
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)  # one that is paused hears it too
            assert self._process is not None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended(), grace)
            if self._process.returncode is None:
                self._asked = False
                self._last.append(f"it did not end within {grace:g} s of SIGTERM and was killed")
                self._signal(signal.SIGKILL)
        return await self.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _exit(self, status: int) -> Exit:
        if self._asked:
            return Exit(0, "asked to end")
        if self._shot:
            return Exit(128 + signal.SIGKILL, "killed")
        if status < 0:
            try:
                name = signal.Signals(-status).name
            except ValueError:
                name = f"signal {-status}"
            return Exit(128 - status, "crashed", f"ended by {name}" + self._tail())
        if status == 0:
            return Exit(0, "returned")
        return Exit(status, "returned", f"its last lines:{self._tail()}" if self._last else "")

    def _tail(self) -> str:
        return "".join(f"\n{line}" for line in self._last)
