"""The table of mutation scores: every module has its row, sums are sums, what is measured anew changes."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import pytest

from shown_commands import ROOT


def loaded(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"mutation_{name}", ROOT / f"tests/mutation/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"mutation_{name}"] = module
    spec.loader.exec_module(module)
    return module


page, table = loaded("page"), loaded("table")


def result(module: str, outcome: str, first: str = "") -> dict[str, Any]:
    return {"module": module, "outcome": outcome, "first": first or outcome, "seed": "s", "of": 40}


MADE = [
    result("protocol/checks.py", "failed", "passed"),
    result("protocol/checks.py", "passed"),
    result("protocol/modbus/pdu.py", "timed out"),
    result("protocol/modbus/maps/dm36.py", "failed"),
    result("protocol/modbus/maps/dm36.py", "failed"),
    result("protocol/modbus/maps/dm36.py", "passed"),
]


def test_results_are_counted_by_module_and_summed_by_package() -> None:
    """What timed out is noticed; "first" is what was noticed before tests were added; 100 % is said only of all."""
    rows = page.rows_of(MADE)
    assert [tuple(row) for row in rows] == [
        ("protocol/checks.py", "s", 40, 2, 1, 0, 1, 0, 2),
        ("protocol/modbus/maps/dm36.py", "s", 40, 3, 2, 0, 1, 2, 3),
        ("protocol/modbus/pdu.py", "s", 40, 1, 0, 1, 0, 1, 1),
    ]
    lines = page.table(rows).splitlines()
    assert lines[2:] == [
        "| **protocol, its own modules** |  | 40 | 2 | 1 | 0 | 1 | 50 % | 0 of 2 |",
        "| `protocol/checks.py` | s | 40 | 2 | 1 | 0 | 1 | 50 % | 0 of 2 |",
        "| **protocol.modbus** |  | 80 | 4 | 2 | 1 | 1 | 75 % | 3 of 4 |",
        "| `protocol/modbus/maps/dm36.py` | s | 40 | 3 | 2 | 0 | 1 | 66 % | 2 of 3 |",
        "| `protocol/modbus/pdu.py` | s | 40 | 1 | 0 | 1 | 0 | 100 % | 1 of 1 |",
        "| **all** |  | 120 | 6 | 3 | 1 | 2 | 66 % | 3 of 6 |",
    ]


def test_a_module_measured_anew_changes_its_row_and_the_sums() -> None:
    """The others stay as they are on the page; the same again changes nothing; a page without a place is refused."""
    before = "a\n<!-- measured -->\nold\n<!-- end -->\nb\n"
    once = page.with_table(before, page.rows_of(MADE))
    assert page.rows_in(once) == page.rows_of(MADE)
    assert page.with_table(once, []) == once
    again = page.with_table(once, page.rows_of([result("protocol/checks.py", "failed")]))
    assert "| `protocol/checks.py` | s | 40 | 1 | 1 | 0 | 0 | 100 % | 1 of 1 |" in again
    assert "| `protocol/modbus/pdu.py` | s | 40 | 1 | 0 | 1 | 0 | 100 % | 1 of 1 |" in again
    assert "| **all** |  | 120 | 5 | 3 | 1 | 1 | 80 % | 4 of 5 |" in again
    assert (again[:2], again[-2:]) == ("a\n", "b\n")
    with pytest.raises(ValueError, match="has no place for the table"):
        page.with_table("nothing", [])


def test_the_page_has_rows_of_every_package() -> None:
    """And of no module that is gone; `make mutation` writes the row of one that is new since the last measurement."""
    text = page.PAGE.read_text(encoding="utf-8")
    rows = {row.module for row in page.rows_in(text)}
    there = set(table.modules(ROOT, []))
    assert rows <= there
    assert {page.package_of(name) for name in rows} == {page.package_of(name) for name in there}
    assert page.with_table(text, []) == text


def test_every_module_with_something_in_it_is_drawn_from() -> None:
    """A docstring cannot be changed; everything else of the packages can, and has tests and a number of sites."""
    found = table.modules(ROOT, [])
    assert "protocol/modbus/maps/__init__.py" in found
    assert "protocol/escpos/__init__.py" not in found
    there = {path.relative_to(ROOT).as_posix() for top in table.TOPS for path in (ROOT / top).rglob("*.py")}
    assert {name for name in there if not name.endswith("__init__.py")} <= set(found)
    for name in found:
        assert table.number_of(name) > 0
        assert table.tests_of(ROOT, name)
    wanted = table.modules(ROOT, ["protocol/osdp", "protocol/checks", "protocol/osdp_explain"])
    assert wanted == ["protocol/osdp.py", "protocol/osdp_explain.py", "protocol/checks.py"]
