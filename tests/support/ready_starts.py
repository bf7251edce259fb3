"""Starts of `hallbench` from a Python that has read the libraries already: each command is a forked copy of it.

A start of its own reads numpy, SQLAlchemy, pydantic and the scenario's model first, half of what a short command costs.
`Ready` keeps one process that has read them and nothing else; a command is a copy of it that runs what `python -m
bench.cli` runs (`runpy` does both), with its own folder, environment, arguments and streams. tests/acceptance/
test_starts.py holds one against the other. HALLBENCH_TRUE_STARTS=1, and each command that asks for an environment of
its own, has a true start.

    python tests/support/ready_starts.py FD     # the process itself; FD is its end of a socket pair
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
FIRST: Final = ("numpy", "pydantic", "simpy", "click", "asyncio", "sqlalchemy.dialects.sqlite", "time_machine")
"""Libraries that are there before a command begins ..."""
PURE: Final = ("bench.scenario.load", "bench.judge.verdict", "bench.reports.figures", "bench.controller.store")
"""... and those of our modules that know no clock, no port and no state of the process."""
_MOST: Final = 1 << 20


class Ready:
    """The process that has read the libraries, started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._ours: socket.socket | None = None

    @staticmethod
    def usable() -> bool:
        """Whether commands can be started so here, and nobody asked for true starts."""
        return hasattr(os, "fork") and hasattr(socket, "send_fds") and not os.environ.get("HALLBENCH_TRUE_STARTS")

    def _begin(self) -> socket.socket:
        if self._ours is None:
            self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, __file__, str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                )
        return self._ours

    def run(
        self, args: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """`python -m bench.cli ARGS`, as `subprocess.run` would give it with its output captured as text.

        Raises:
            subprocess.TimeoutExpired: it took longer than `timeout` seconds, and was killed.
        """
        ours = self._begin()
        try:
            return self._ask(ours, args, cwd, env, timeout)
        except BaseException as exc:
            if not isinstance(exc, subprocess.TimeoutExpired):  # a test that is broken off: its answers are nobody's
                self._abandon()
            raise

    def _ask(
        self, ours: socket.socket, args: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            wanted = json.dumps({"args": list(args), "cwd": os.fsdecode(cwd), "env": dict(env)}).encode()
            socket.send_fds(ours, [wanted], [out.fileno(), err.fileno()])
            ours.settimeout(None)
            pid = json.loads(ours.recv(_MOST))
            ours.settimeout(timeout)
            try:
                status = json.loads(ours.recv(_MOST))
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                ours.settimeout(None)
                ours.recv(_MOST)
                raise subprocess.TimeoutExpired(list(args), timeout) from None
            told = []
            for file in (out, err):
                file.seek(0)
                told.append(file.read().decode("utf-8").replace("\r\n", "\n"))
        return subprocess.CompletedProcess(list(args), os.waitstatus_to_exitcode(status), *told)

    def _abandon(self) -> None:
        """End the process with the command that it runs; the next one begins anew."""
        if self._ours is not None and self._process is not None:
            self._ours.close()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._ours = self._process = None

    def end(self) -> None:
        """End the process."""
        if self._ours is not None:
            self._ours.close()
            assert self._process is not None
            self._process.wait(100)
            self._ours = self._process = None


def _become(wanted: Mapping[str, Any], out: int, err: int) -> None:
    """Make this copy what a process of its own would be at its first instruction."""
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    os.chdir(wanted["cwd"])
    os.environ.clear()
    os.environ.update(wanted["env"])
    sys.argv[:] = ["-m", *wanted["args"]]
    sys.path[0] = wanted["cwd"]


def _serve(theirs: socket.socket) -> Mapping[str, Any] | None:
    """Copy this process for each command; returns the command in the copy, and None in the process at the end."""
    while True:
        words, fds, _, _ = socket.recv_fds(theirs, _MOST, 2)
        if not words:
            return None
        pid = os.fork()
        if not pid:
            theirs.close()
            wanted = json.loads(words)
            _become(wanted, *fds)
            return wanted  # type: ignore[no-any-return]
        for fd in fds:
            os.close(fd)
        theirs.send(json.dumps(pid).encode())
        theirs.send(json.dumps(os.waitpid(pid, 0)[1]).encode())


def main() -> None:
    """Read the libraries and serve; a copy goes on to be `python -m bench.cli`."""
    for name in (*FIRST, *PURE):
        with contextlib.suppress(ImportError):  # whoever needs it will say so
            importlib.import_module(name)
    warnings.filterwarnings("ignore", ".*multi-threaded.*fork", DeprecationWarning)
    theirs = socket.socket(fileno=int(sys.argv[1]))
    theirs.set_inheritable(False)
    if _serve(theirs) is not None:
        runpy._run_module_as_main("bench.cli")  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
