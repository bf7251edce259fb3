"""A command started as a copy of a Python that has read the libraries is the one that its user starts."""

from __future__ import annotations

import subprocess

import pytest

from ready_starts import Ready
from tests.acceptance.conftest import ROOT

COLLECTOR = ROOT / "examples" / "collector.py"
TELLS = """
import json, os, serial, sys, threading
serial.Serial(sys.argv[1])
told = {
    "argv": sys.argv, "path": sys.path, "env": dict(os.environ), "cwd": os.getcwd(), "name": __name__,
    "threads": threading.active_count(), "open": sorted(os.listdir("/proc/self/fd"), key=int),
    "modules": sorted(name for name in sys.modules if not name.startswith(("encodings.", "_"))),
}
sys.stderr.write("told " + json.dumps(told, sort_keys=True) + chr(10))
"""


@pytest.mark.skipif(not Ready.usable(), reason="only true starts here")
@pytest.mark.parametrize(
    "command",
    [
        ("python", COLLECTOR, "{port:keypads}", "{records}", "--units", "1-2"),
        ("python", "tells.py", "{port:keypads}"),
        ("node", "x.js"),
    ],
    ids=["a program that holds", "one that tells what it sees", "a mistake"],
)
def test_a_copy_is_the_program_itself(hallbench, true_hallbench, command):
    """Same code, same words, same history, same files, and the program under test sees the same process around it."""
    hallbench.script("tells.py", TELLS)
    copied = hallbench.day(*command)
    files = kept(hallbench.cwd)
    begun = true_hallbench.day(*command)
    assert (copied.code, copied.out, copied.err) == (begun.code, begun.out, begun.err)
    assert files == kept(hallbench.cwd)
    assert ("told" in begun.err) == ("tells.py" in command)


def kept(folder):
    """What a run leaves that does not tell the wall's clock."""
    names = ("history.ndjson", "records.ndjson", "verdict.json", "day.json", "devices.json", "collector.log")
    return {name: (folder / "run" / name).read_bytes() for name in names if (folder / "run" / name).exists()}


@pytest.mark.skipif(not Ready.usable(), reason="only true starts here")
def test_a_copy_that_takes_too_long_is_ended(hallbench):
    """A command that does not end in time is killed and told, and the next one runs."""
    script = hallbench.script("loops.py", "import serial, sys\nserial.Serial(sys.argv[1])\nwhile True: pass\n")
    with pytest.raises(subprocess.TimeoutExpired, match="timed out after 3"):
        hallbench.day("python", script, "{port:keypads}", options=("--patience", "60"), timeout=3)
    assert hallbench("day", "no_such_hall").code == 3
