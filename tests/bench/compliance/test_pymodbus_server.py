"""A foreign device on a pseudo-terminal: the server of pymodbus 3.16.1, whose faults are known (emulators.md 4).

Two terminals are joined by a thread: the server opens one, the suite the other. What is found is held against a golden
file, so that a change of the suite that loses a finding is seen.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
import tty
from importlib.metadata import version
from pathlib import Path

import pytest

from bench.compliance.declaration import parse
from bench.compliance.engine import Judge, run_suite
from bench.compliance.preflight import preflight
from bench.compliance.suites import suite_named
from bench.compliance.wall_player import WallPlayer

pytestmark = pytest.mark.gate

GOLDEN = Path(__file__).with_name("pymodbus_3.16.1.json")

SERVER = """
import sys
from pymodbus.simulator import DataType, SimData, SimDevice
device = SimDevice(id=17, simdata=[SimData(0, values=[0x1234] + [0] * 99, datatype=DataType.REGISTERS)])
import asyncio
from pymodbus.server import StartAsyncSerialServer

async def main():
    asyncio.get_running_loop().call_later(0.5, lambda: print("ready", flush=True))
    await StartAsyncSerialServer(device, port=sys.argv[1], baudrate=19200, parity="N", stopbits=1)

asyncio.run(main())
"""

DECLARED = """
schema_version = 1
name = "pymodbus"
title = "Serial server of pymodbus"
protocol = "modbus_rtu"
[line]
settings = "19200 8N1"
[capabilities]
functions = [0x03, 0x06, 0x10, 0x08]
broadcast = [0x06, 0x10]
timeout_ms = 150
reply_ms = 140
[map]
holding = [[0, 100]]
[extra]
unit = 17
scratch = [1, 99]
constant = [3, 0, 0x1234]
"""

KNOWN = {
    "rtu.dev.other-unit-silent": "FAIL",  # exception 04 for a unit that is not there
    "rtu.dev.bcast-silent": "FAIL",  # an exception to a broadcast
    "rtu.dev.bcast-executed": "FAIL",  # ... which is not carried out
    "rtu.dev.bad-crc-silent": "PASS",
    "rtu.dev.fc03-absent": "PASS",
    "rtu.dev.half-frame": "FAIL",  # no t3.5: the next request is lost
    "rtu.dev.noise-byte": "FAIL",
    "rtu.dev.foreign-reply": "FAIL",  # another slave's reply, and it is deaf
}
"""The eight stimuli of the table, and what they must give."""


TIMED = {"rtu.dev.gap-before-reply", "rtu.dev.reply-whole", "rtu.dev.reply-time"}
"""What depends on how busy this machine is."""


def _join(one: int, two: int, done: threading.Event) -> None:
    while not done.is_set():
        for ready in select.select([one, two], [], [], 0.05)[0]:
            os.write(two if ready == one else one, os.read(ready, 4096))


class Server:
    """A server on one end of two joined terminals; `path` is the other end."""

    def __init__(self) -> None:
        self._masters, self._slaves = zip(os.openpty(), os.openpty(), strict=True)
        for end in self._slaves:
            tty.setraw(end)
        self.path = os.ttyname(self._slaves[1])
        self._done = threading.Event()
        self._thread = threading.Thread(target=_join, args=(*self._masters, self._done), daemon=True)
        self._thread.start()
        self._start()

    def _start(self) -> None:
        words = [sys.executable, "-c", SERVER, os.ttyname(self._slaves[0])]
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


def verdicts() -> dict[str, str]:
    """What the suite says of it."""
    suite = suite_named("modbus_rtu.device")
    declared = parse(DECLARED, "pymodbus")
    judge = Judge(declared, suite.requirements(), 17, 1, declared.settings)
    server = Server()
    player = WallPlayer(server.path, declared.settings, server.again)
    try:
        assert preflight(judge, player) == ""
        run = run_suite(suite, judge, player, target="pymodbus")
    finally:
        player.close()
        server.close()
    return {case.id: case.verdict for case in run.cases if case.verdict != "NOT APPLICABLE" and case.id not in TIMED}


@pytest.mark.skipif(version("pymodbus") != "3.16.1", reason="the golden file is of pymodbus 3.16.1")
def test_its_known_faults_are_found_and_nothing_else_changes() -> None:
    """Law: all eight rows of the table come out as known, and every verdict as in the golden file."""
    found = verdicts()
    assert {id_: found.get(id_) for id_ in KNOWN} == KNOWN
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(verdicts(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
