"""Modules that `-m` could run, found out without running anything of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.run.findable import why_not_runnable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a module, a package that can be run, one that cannot, and a package of ours by name."""
    boom = "raise SystemExit('imported')"
    for name in ("collector.py", "pack/__init__.py", "pack/__main__.py", "pack/part.py", "dull/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(boom)
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "__init__.py").write_text(boom)
    (tmp_path / "bench" / "mine.py").write_text(boom)
    (tmp_path / "loose" / "ends").mkdir(parents=True)
    (tmp_path / "loose" / "end.py").write_text(boom)
    (tmp_path / "loose" / "ends" / "meet.py").write_text(boom)
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "collector",
        "pack",
        "pack.part",
        "bench.mine",
        "loose.end",
        "loose.ends.meet",
        "http.server",
        "this",
        "serial.tools.miniterm",
    ],
)
def test_what_can_be_run(folder, name):
    """A module or package of the working directory, of the standard library or installed; a namesake of ours too."""
    before = set(sys.modules)
    assert why_not_runnable(name, folder) == ""
    assert not {"collector", "pack", "loose"} & (set(sys.modules) - before)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no_such_module", "there is no module no_such_module in "),
        ("pack.nothing", "there is no module pack.nothing in "),
        ("nowhere.at.all", "there is no module nowhere for nowhere.at.all in "),
        ("collector.part", "collector is a module, not a package"),
        ("dull", "dull is a package and cannot be run: it has no dull.__main__"),
        ("loose", "loose is a package and cannot be run"),
        ("collector.py", "name it without .py: -m collector"),
        ("pack/part.py", "is no name of a module"),
        ("", "is no name of a module"),
    ],
)
def test_what_cannot_be_run(folder, name, told):
    """The reason names what is missing and where it was looked for; nothing is imported."""
    before = set(sys.modules)
    assert told in why_not_runnable(name, folder)
    assert not {"collector", "pack", "dull", "loose"} & (set(sys.modules) - before)
