"""Every client library, unmodified, in several threads that meet at locks, queues and pools: the same traffic."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COLLECTORS = ROOT / "benchmarks" / "collectors.py"
PEERS = ("minimalmodbus==2.1.1", "pyserial-asyncio==0.6", "umodbus==1.0.4", "modbus-tk==1.1.5")


def hashes(*args, python=sys.executable, seed=None):
    """What `collectors.py` prints under a hash seed of its own."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(seed or random.randrange(1, 1 << 32))}
    done = subprocess.run(
        [python, COLLECTORS, *args], capture_output=True, text=True, env=env, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


SHORT = ("--hashes", "--shared", "--buses", "6", "--hours", "0.0003")


def test_three_processes_see_the_same_traffic():
    """All libraries, six threads each, one after the other in one process: three processes, one set of hashes."""
    first = hashes(*SHORT)
    assert {"raw", "pymodbus", "pymodbus_async", "pymodbus_tcp"} <= first.keys()
    assert hashes(*SHORT) == first
    assert hashes(*SHORT) == first


def test_a_second_world_in_a_process_is_as_in_one_of_its_own():
    """What ran before in the process does not show in the traffic: each library alone gives its hash of the list."""
    together = hashes(*SHORT)
    for name in ("minimalmodbus", "modbus_tk", "pymodbus_async"):
        if name in together:
            assert hashes(name, *SHORT[1:])["sha256"] == together[name]


@pytest.mark.gate
@pytest.mark.timeout(3000)
@pytest.mark.parametrize(
    "name",
    [
        *("raw", "minimalmodbus", "pymodbus", "pymodbus_async", "pyserial_asyncio", "umodbus", "modbus_tk"),
        *("pymodbus_tcp", "pymodbus_tcp_async", "umodbus_tcp", "modbus_tk_tcp"),
    ],
)
def test_twenty_five_runs_under_random_hash_seeds(name):
    """25 of 25 runs with six threads give one hash, and poll without an error."""
    runs = [hashes(name, "--shared", "--buses", "6", "--hours", "0.003") for _ in range(25)]
    assert {run["bad"] for run in runs} == {0}
    assert len({run["sha256"] for run in runs}) == 1


@pytest.mark.gate
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_other_pythons_see_the_same_traffic(version, tmp_path):
    """Python 3.12 and 3.13 give the hashes of 3.11 (where they are present)."""
    found = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    if not found:
        pytest.skip(f"Python {version} is not on this machine")
    venv = tmp_path / "venv"
    subprocess.run([found[-1], "-m", "venv", venv], check=True)
    python = venv / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", ROOT / "requirements.txt"], check=True)
    subprocess.run([*pip, *PEERS], check=True)
    there = hashes(*SHORT, python=python)
    here = hashes(*SHORT)
    assert {name: there[name] for name in here} == here
