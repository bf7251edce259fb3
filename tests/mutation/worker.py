"""Runs tests against mutants in a copy of the tree: one process that has imported what is not ours, forked per mutant.

Started by run.py with the interpreter that has hallbench's requirements, in the root of the copy. Reads one JSON object
a line from its input and answers each with one:

    {"tests": [...]}                                  the tests as they are: must pass; what they import is kept
    {"tests": [...], "module": ..., "source": ...}    with the module replaced, and put back afterwards

    {"outcome": "passed" | "failed" | "timed out" | "no tests", "cpu_s": ..., "by": the first failed test}

A fork costs milliseconds where an interpreter with pytest and hypothesis costs a second. Nothing of the copy is
imported before the fork. Compiled files are checked by hash: by time and size, a mutant written within the second
would pass as the original.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

import hypothesis
import pytest

#: as CPU time: what the same tests take unharmed, times this, and some more
_TIMES, _MORE_S = 2, 3
_WALL_S = 180
_MEMORY = 4 << 30
_ROOT = Path.cwd()


class _Watch:
    """A pytest plugin that remembers the first failure."""

    def __init__(self) -> None:
        self.first = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.first:
            self.first = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.first:
            self.first = f"{report.nodeid} (import)"


def _in_the_fork(tests: list[str], answer: int, cpu_s: float) -> None:
    """Runs the tests and writes what came of them; never returns."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s), int(cpu_s) + 2))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    watch = _Watch()
    fixed = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--assert=plain", "-o", "timeout=0"]
    code = int(pytest.main([*fixed, "--hypothesis-seed=0", *tests], plugins=[watch]))
    ours = str(_ROOT) + os.sep
    loaded = [
        name
        for name, module in list(sys.modules.items())
        if (file := getattr(module, "__file__", None)) and not file.startswith(ours) and not name.startswith("test_")
    ]
    os.write(answer, json.dumps({"code": code, "by": watch.first, "loaded": loaded}).encode())
    os.close(answer)
    os._exit(0)


def _run(tests: list[str], cpu_s: float) -> dict[str, Any]:
    """One fork and what came of it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            _in_the_fork(tests, writing, cpu_s)
        finally:
            os._exit(1)
    os.close(writing)
    ends, written = time.monotonic() + _WALL_S, b""
    status = usage = None
    os.set_blocking(reading, False)
    while status is None:
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(reading, 1 << 20):
                written += piece
        done, code, used = os.wait4(child, os.WNOHANG)
        if done:
            status, usage = code, used
        elif time.monotonic() > ends:
            os.killpg(child, signal.SIGKILL)
        else:
            time.sleep(0.02)
    with contextlib.suppress(BlockingIOError):
        while piece := os.read(reading, 1 << 20):
            written += piece
    os.close(reading)
    with contextlib.suppress(ProcessLookupError):  # what the tests left behind
        os.killpg(child, signal.SIGKILL)
    said = {"cpu_s": round(usage.ru_utime + usage.ru_stime, 2), "by": "", "loaded": []}
    if not written:
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGKILL, signal.SIGXCPU)
        return {**said, "outcome": "timed out" if killed else "failed", "by": "" if killed else "(the tests' process)"}
    told = json.loads(written)
    outcome = {0: "passed", 5: "no tests"}.get(told["code"], "failed")
    return {**said, "outcome": outcome, "by": told["by"], "loaded": told["loaded"]}


def main() -> None:
    """Answers until its input ends."""
    calm = hypothesis.settings(
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate), derandomize=True, database=None, deadline=None
    )
    hypothesis.settings.register_profile("mutants", calm)
    hypothesis.settings.load_profile("mutants")
    environment = os.environ.copy()
    unharmed: dict[frozenset[str], float] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        tests = asked["tests"]
        if "module" not in asked:
            said = _run(tests, 900)
            unharmed[frozenset(tests)] = said["cpu_s"]
            for name in said.pop("loaded"):
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
            os.environ.clear()
            os.environ.update(environment)
        else:
            file = _ROOT / asked["module"]
            original = file.read_bytes()
            file.write_text(asked["source"], encoding="utf-8")
            try:
                said = _run(tests, unharmed[frozenset(tests)] * _TIMES + _MORE_S)
            finally:
                file.write_bytes(original)
            said.pop("loaded")
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
