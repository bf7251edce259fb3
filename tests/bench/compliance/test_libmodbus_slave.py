"""A foreign device on a pseudo-terminal: a slave on libmodbus 3.1.6, as its documentation shows one.

What is found is held against a golden file. Each verdict in it that is no PASS has its reason in `REASONS`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

import pytest

from tests.bench.compliance.foreign import verdicts

pytestmark = pytest.mark.gate

GOLDEN = Path(__file__).with_name("libmodbus_3.1.6.json")
SOURCE = Path(__file__).parents[2] / "outside" / "c" / "libmodbus_slave.c"
HEADER = Path("/usr/include/modbus/modbus-version.h")

DECLARED = """
schema_version = 1
name = "libmodbus"
title = "Slave on libmodbus"
protocol = "modbus_rtu"
[line]
settings = "19200 8N1"
[capabilities]
functions = [0x03, 0x06, 0x10, 0x11, 0x16, 0x17]
broadcast = [0x06, 0x10]
timeout_ms = 700
reply_ms = 650
[map]
holding = [[0, 100]]
[extra]
unit = 17
scratch = [1, 99]
constant = [3, 0, 0x1234]
"""


def missing() -> str:
    """What is not here that the slave is made of; "" when all is."""
    if shutil.which("gcc") is None or not HEADER.is_file():
        return "gcc and libmodbus-dev (Debian) are not here"
    if '"3.1.6"' not in HEADER.read_text(encoding="utf-8"):
        return "the golden file is of libmodbus 3.1.6"
    return ""


def found(folder: Path, declared: str = DECLARED, only: Collection[str] = ()) -> dict[str, str]:
    """What the suite says of it, without what the port's own uncertainty decides."""
    program = folder / "libmodbus_slave"
    words = ["gcc", "-std=c11", "-Wall", "-Wextra", "-O1", "-o", str(program), str(SOURCE), "-lmodbus"]
    subprocess.run(words, check=True, capture_output=True)
    told = verdicts(declared, "libmodbus", lambda path: [str(program), path, "19200", "17"], only)
    return {id_: word for id_, word in told.items() if id_ not in FINE}


FINE = {"rtu.dev.hole-discarded", "rtu.dev.small-gap-taken"}
"""Gaps of half a millisecond, which some machines can make on a pseudo-terminal and others cannot."""

REASONS = {
    "rtu.dev.fc10-byte-count": "a byte count that does not fit makes it wait for the wrong length: silence",
    "rtu.dev.fc10-quantity": "the same with a quantity of 124, which no frame holds",
    "rtu.dev.unsupported": "a function that it does not know is silence, for want of a length; exception 01 is due",
    "rtu.dev.exception-format": "... so there is no exception to be looked at",
    "rtu.dev.undeclared-refused": "... and nothing is refused",
}
"""Case -> why it does not pass."""

DEAF = {
    "rtu.dev.foreign-reply": "another unit's reply is taken for the begin of a request",
    "rtu.dev.half-frame": "no t3.5: half a frame waits half a second for its rest",
    "rtu.dev.noise-byte": "the same with a character of noise",
    "rtu.dev.noise-burst": "the same with a burst of it",
    "rtu.dev.short-frame": "the same with a frame that is too short",
    "rtu.dev.unknown-then-good": "what follows an unknown function goes with it",
}
"""Case -> why a master that asks on after 150 ms finds it deaf; one that waits 700 ms does not notice."""


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_its_known_faults_are_found_and_nothing_right_fails(tmp_path: Path) -> None:
    """Law: every verdict is as in the golden file, and each that is no PASS is explained."""
    told = found(tmp_path)
    assert told == json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert {id_ for id_, word in told.items() if word != "PASS"} == REASONS.keys()


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_to_a_hasty_master_it_is_deaf(tmp_path: Path) -> None:
    """Law: what makes it deaf for half a second fails where half a second is not allowed."""
    hasty = DECLARED.replace("timeout_ms = 700", "timeout_ms = 150").replace("reply_ms = 650", "reply_ms = 140")
    assert found(tmp_path, hasty, DEAF.keys()) == dict.fromkeys(DEAF, "FAIL")


if __name__ == "__main__":
    made = found(Path("/tmp"))
    GOLDEN.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
