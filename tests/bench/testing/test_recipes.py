"""The recipes of examples/recipes run as a reader would run them, and find what they are about."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[3]
RECIPES = sorted((ROOT / "examples" / "recipes").glob("test_*.py"))


@pytest.fixture
def folder(pytester, monkeypatch, with_few_plugins):
    """The examples, copied."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    shutil.copytree(ROOT / "examples", pytester.path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    return pytester


def test_all_recipes_hold(folder):
    """Every recipe passes with the correct collector."""
    assert len(RECIPES) == 5
    result = folder.runpytest_subprocess("-p", "no:cacheprovider", "examples/recipes")
    outcomes = result.parseoutcomes()
    assert set(outcomes) == {"passed"}
    assert outcomes["passed"] >= len(RECIPES)


def test_the_recipes_need_no_import_of_each_other(folder):
    """`python -m pytest examples/recipes` in a checkout, whose settings give each file a module of its own."""
    mode = "--import-mode=importlib"
    result = folder.runpytest_subprocess("-p", "no:cacheprovider", mode, "--collect-only", "examples/recipes")
    assert result.ret == 0
    assert not result.parseoutcomes().get("errors")


MISTAKES = {
    "test_1": ("or crc16(reply[:-2]) != reply[-2:]", ""),  # believes what is damaged
    "test_2": ("    db.commit()\n", ""),  # acknowledges what is not committed
    "test_3": ("if not blocks:", "if blocks is None:"),  # falls over a reply that does not come
    "test_4": ("if (unit, epoch, seq) not in seen:", "if time.time() - LAST.get(unit, 0) > 1:"),
    "test_5": ("(hi << 16 | lo) + ms / 1000", "time.time()"),  # takes its own clock for the keypad's
}


@pytest.mark.parametrize("name", ["test_2", "test_5"])
def test_a_recipe_finds_its_mistake(folder, name):
    """A collector with the mistake that a recipe is about fails that recipe."""
    collector = folder.path / "examples" / "collector.py"
    text = collector.read_text(encoding="utf-8")
    right, wrong = MISTAKES[name]
    assert text.count(right) == 1
    collector.write_text(text.replace(right, wrong), encoding="utf-8")
    (recipe,) = [path.name for path in RECIPES if path.name.startswith(name)]
    result = folder.runpytest_subprocess("-p", "no:cacheprovider", f"examples/recipes/{recipe}")
    assert result.parseoutcomes().get("failed", 0) >= 1


def test_the_recipes_are_in_the_guide():
    """docs/testing.md names every recipe, and no other."""
    guide = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    named = set(re.findall(r"examples/recipes/(test_\w+\.py)", guide))
    assert named == {path.name for path in RECIPES}
