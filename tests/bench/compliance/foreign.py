"""A program of somebody else's as a device: on one of two pseudo-terminals that are joined; the suite has the other."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
import tty
from collections.abc import Callable, Collection

from bench.compliance.declaration import parse
from bench.compliance.engine import Judge, run_suite
from bench.compliance.preflight import preflight
from bench.compliance.suites import suite_named
from bench.compliance.wall_player import WallPlayer

TIMED = {"rtu.dev.gap-before-reply", "rtu.dev.reply-whole", "rtu.dev.reply-time"}
"""What depends on how busy this machine is."""


def _join(one: int, two: int, done: threading.Event) -> None:
    while not done.is_set():
        for ready in select.select([one, two], [], [], 0.05)[0]:
            os.write(two if ready == one else one, os.read(ready, 4096))


class Server:
    """A server on one end of two joined terminals; `path` is the other end.

    Args:
        words: the command that serves a port, which prints "ready" when it does.
    """

    def __init__(self, words: Callable[[str], list[str]]) -> None:
        self._words = words
        self._masters, self._slaves = zip(os.openpty(), os.openpty(), strict=True)
        for end in self._slaves:
            tty.setraw(end)
        self.path = os.ttyname(self._slaves[1])
        self._done = threading.Event()
        self._thread = threading.Thread(target=_join, args=(*self._masters, self._done), daemon=True)
        self._thread.start()
        self._start()

    def _start(self) -> None:
        words = self._words(os.ttyname(self._slaves[0]))
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", "the server did not start"
        time.sleep(0.3)

    def _stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def again(self, text: str) -> bool:
        """What an operator does who is asked to switch the device off and on."""
        self._stop()
        self._start()
        return True

    def close(self) -> None:
        """Take everything away."""
        self._stop()
        self._done.set()
        self._thread.join(2)
        for end in (*self._masters, *self._slaves):
            os.close(end)


def verdicts(
    declaration: str, name: str, words: Callable[[str], list[str]], only: Collection[str] = ()
) -> dict[str, str]:
    """What the suite says of a server: case -> verdict, without those that the machine's load decides.

    A run that ends because the server answers no more is taken up behind that case with a new one, as the report says.
    """
    suite = suite_named("modbus_rtu.device")
    declared = parse(declaration, name)
    judge = Judge(declared, suite.requirements(), 17, 1, declared.settings)
    left = {case.id for case in suite.cases if not only or case.id in only}
    found: dict[str, str] = {}
    while left:
        server = Server(words)
        try:
            player = WallPlayer(server.path, declared.settings, server.again)
            try:
                assert preflight(judge, player).ending == ""
                wanted = frozenset(left)
                run = run_suite(suite, judge, player, chosen=lambda case, ids=wanted: case.id in ids, target=name)
            finally:
                player.close()
        finally:
            server.close()
        fresh = {case.id: case.verdict for case in run.cases if case.id in left and case.verdict != "NOT RUN"}
        assert fresh, "not one further case could be run"
        found |= fresh
        left -= fresh.keys()
    return {id_: word for id_, word in found.items() if word != "NOT APPLICABLE" and id_ not in TIMED}
