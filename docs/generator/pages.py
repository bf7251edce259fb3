"""Which pages are made, and their writing."""

from __future__ import annotations

import ast
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from . import commands, compliance, control, halls, judged, matrix, python_api, scenario, things
from .text import code, flat, table

__all__ = ["PAGES", "write"]


def _kill_matrix() -> str:
    """From the stored run; see `generator.matrix`."""
    return compliance.kill_matrix(matrix.stored(), matrix.suites())


def _left_out() -> str:
    rows = [(code(name), " · ".join(map(flat, told))) for name, told in things.not_emulated_rows()]
    page = "# What each device leaves out\n\nFrom the tables of the devices and declarations; `hallbench devices NAME`"
    page += " prints it too. [What the bench as a whole does not emulate](../not_emulated.md).\n"
    return page + table(("device", "not emulated"), rows)


def _recipes() -> str:
    """The recipes of examples/recipes, in full."""
    root = Path(__file__).parents[2]
    made = io.StringIO()
    made.write(
        "# Recipes for pytest\n\nEach is a file in `examples/recipes` and runs with `pytest examples/recipes`.\n"
    )
    for path in sorted((root / "examples/recipes").glob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        title = (ast.get_docstring(ast.parse(source)) or path.stem).splitlines()[0].rstrip(".")
        made.write(f"\n## {flat(title)}\n\n```python\n# {path.relative_to(root)}\n{source.rstrip()}\n```\n")
    shared = (root / "examples/recipes/conftest.py").read_text(encoding="utf-8").rstrip()
    made.write(f"\n## What they share\n\n```python\n# examples/recipes/conftest.py\n{shared}\n```\n")
    return made.getvalue()


PAGES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "cli": commands.cli,
        "exit_codes": commands.exit_codes,
        "scenario": scenario.scenario,
        "shipped_scenarios": halls.shipped,
        "devices": things.devices,
        "declared": things.declared,
        "left_out": _left_out,
        "faults": judged.faults,
        "invariants": judged.invariants,
        "compliance": compliance.compliance,
        "explanations": compliance.explanations,
        "kill_matrix": _kill_matrix,
        "python_api": python_api.python_api,
        "control_api": control.control_api,
        "pytest_recipes": _recipes,
    }
)
"""Page -> what makes it, in the order of the reference."""


def write(target: Path) -> None:
    """Write all pages; a page that is as it was is not touched, so that a second build is quick.

    Args:
        target: folder, made when it is not there. Pages that are no longer made are removed.
    """
    target.mkdir(parents=True, exist_ok=True)
    for path in target.glob("*.md"):
        if path.stem not in PAGES:
            path.unlink()
    for name, make in PAGES.items():
        path = target / f"{name}.md"
        text = make().rstrip() + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
