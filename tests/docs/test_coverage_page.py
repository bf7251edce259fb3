"""The table of branch coverage: sums are right, every package has its row, a page without a place for it is refused."""

from __future__ import annotations

import importlib.util
import re
import sys
from typing import Any

import pytest

from shown_commands import ROOT

_SPEC = importlib.util.spec_from_file_location("coverage_measure", ROOT / "tests/coverage/measure.py")
assert _SPEC is not None
assert _SPEC.loader is not None
measure: Any = importlib.util.module_from_spec(_SPEC)
sys.modules["coverage_measure"] = measure
_SPEC.loader.exec_module(measure)


def told(statements: int, missed: int, branches: int, untaken: int) -> dict[str, Any]:
    keys = ("num_statements", "missing_lines", "num_branches", "missing_branches")
    return {"summary": dict(zip(keys, (statements, missed, branches, untaken), strict=True))}


def test_rows_add_up_by_package_and_by_root() -> None:
    """Modules of one package are one row, at whatever depth; the roots' sums come last."""
    files = {
        "protocol/checks.py": told(10, 1, 4, 2),
        "protocol/modbus/pdu.py": told(20, 0, 8, 0),
        "protocol/modbus/maps/dm36.py": told(5, 5, 0, 0),
    }
    rows = measure.counted(files)
    assert [(row.package, row.statements, row.missed, row.branches, row.untaken) for row in rows] == [
        ("protocol (its own modules)", 10, 1, 4, 2),
        ("protocol/modbus", 25, 5, 8, 0),
        ("all of protocol", 35, 6, 12, 2),
    ]
    assert "| `protocol (its own modules)` | 10 | 90.0 % | 4 | 50.0 % |" in measure.table(rows, ["protocol"])
    judge = [measure.Row("bench/judge", 9, 0, 2, 0)]
    assert "| `bench/judge` | 9 | not measured | 2 | not measured |" in measure.table(judge, ["protocol"])
    assert "| `bench/judge` | 9 | 100.0 % | 2 | 100.0 % |" in measure.table(judge, ["bench/judge"])
    assert "| 9 | not measured |" in measure.table([measure.Row("all of bench", 9, 0, 2, 0)], ["bench/judge"])
    assert measure.Row("empty", 0, 0, 0, 0).taken == 100.0


def test_the_table_is_put_between_its_marks_and_nothing_else_changes() -> None:
    """Twice gives the same; a page without the marks is refused."""
    page = "before\n<!-- measured -->\nold\n<!-- end -->\nafter\n"
    once = measure.with_table(page, r"| \1 |" + "\n")
    assert once == "before\n<!-- measured -->\n| \\1 |\n<!-- end -->\nafter\n"
    assert measure.with_table(once, r"| \1 |" + "\n") == once
    with pytest.raises(ValueError, match="has no place for the table"):
        measure.with_table("nothing", "x")


def test_every_room_with_tests_is_measured() -> None:
    """No folder of tests/bench is forgotten when it is added."""
    rooms = measure.rooms()
    there = {f"bench/{path.parent.name}" for path in (ROOT / "tests/bench").glob("*/test_*.py")}
    assert set(rooms) == there | {"protocol", "firmware_sim", "acceptance"}
    assert all((ROOT / "tests" / room).is_dir() for room in rooms)


def test_the_page_has_a_row_for_every_package() -> None:
    """A package that is new since the last measurement shows here: `make coverage` writes its row."""
    rows = re.findall(r"^\| `([\w/]+)` \|", measure.PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    packages = {
        f"{root}/{path.name}"
        for root in measure.PACKAGES
        for path in (ROOT / root).iterdir()
        if path.is_dir() and any(path.rglob("*.py")) and path.name != "__pycache__"
    }
    assert packages <= set(rows)
    assert {"protocol", "firmware_sim", "bench"} == set(measure.PACKAGES)


def test_a_room_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is run."""
    assert measure.main(["bench/nowhere"]) == 2
    assert "no such room: bench/nowhere; there are protocol, firmware_sim, bench/captures" in capsys.readouterr().err
