"""A foreign device on a pseudo-terminal: the server of pymodbus 3.16.1, whose faults are known (emulators.md 4).

What is found is held against a golden file, so that a change of the suite that loses a finding is seen.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.bench.compliance.foreign import verdicts

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


def found() -> dict[str, str]:
    """What the suite says of it."""
    return verdicts(DECLARED, "pymodbus", lambda path: [sys.executable, "-c", SERVER, path])


@pytest.mark.skipif(version("pymodbus") != "3.16.1", reason="the golden file is of pymodbus 3.16.1")
def test_its_known_faults_are_found_and_nothing_else_changes() -> None:
    """Law: all eight rows of the table come out as known, and every verdict as in the golden file."""
    told = found()
    assert {id_: told.get(id_) for id_ in KNOWN} == KNOWN
    assert told == json.loads(GOLDEN.read_text(encoding="utf-8"))


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(found(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
