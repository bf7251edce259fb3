"""docs/testing.md: its examples run, its output is real, its tables tell what there is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.testing import FAULTS
from bench.testing.face import Hall

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
FILES: dict[str, str] = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", GUIDE, re.DOTALL))
OUTPUTS = [block.splitlines() for block in re.findall(r"```text\n(.*?)```", GUIDE, re.DOTALL)]


@pytest.fixture
def folder(pytester, monkeypatch, with_few_plugins):
    """The files of the guide, beside the examples."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    for path in (ROOT / "examples").glob("*.py"):
        shutil.copy(path, pytester.path)
    for name, body in FILES.items():
        (pytester.path / name).write_text(body, encoding="utf-8")
    return pytester


def test_the_examples_run(folder):
    """Every test of the guide passes, but those that show a failure."""
    failing = {"test_mistake.py", "test_near.py"}
    tests = sorted(name for name in FILES if name.startswith("test_") and name not in failing)
    assert len(tests) >= 3
    result = folder.runpytest_subprocess("-p", "no:cacheprovider", *tests)
    assert set(result.parseoutcomes()) == {"passed"}


def test_the_script_runs(folder):
    """The example without pytest is a program."""
    done = subprocess.run(
        [sys.executable, "without_pytest.py"], cwd=folder.path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("name", "shown"), list(zip(["test_mistake.py", "test_near.py"], OUTPUTS, strict=True)))
def test_the_output_is_real(folder, name, shown):
    """What the guide shows of a failure is what pytest prints, line by line."""
    result = folder.runpytest_subprocess("-p", "no:cacheprovider", name)
    assert result.parseoutcomes() == {"failed": 1}
    printed = [line.rstrip() for line in result.outlines]
    start = printed.index(shown[0])
    assert printed[start : start + len(shown)] == shown


def test_every_call_of_the_guide_exists():
    """Whatever the guide calls on `hall` is there."""
    named = set(re.findall(r"`hall\.(\w+)", GUIDE))
    missing = {name for name in named if not hasattr(Hall, name)} - {"records", "rows"}
    assert not missing
    assert len(named) > 20


def test_every_fault_is_in_the_guide():
    """The table of faults is that of the registry."""
    table = dict(
        re.findall(r"^\| `(\w+)` \| (.*) \|$", GUIDE.partition("### Faults")[2].partition("###")[0], re.MULTILINE)
    )
    assert table == dict(FAULTS)
