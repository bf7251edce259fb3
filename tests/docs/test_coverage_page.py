"""The page of branch coverage: sums are right, every package has its row, each reason names a place that is there."""

from __future__ import annotations

import ast
import importlib
import re
import sys
import tomllib
from typing import Any

import pytest

from shown_commands import ROOT

_FOLDER = ROOT / "tests/coverage"
sys.path.insert(0, str(_FOLDER))
try:
    shares: Any = importlib.import_module("shares")
    measure: Any = importlib.import_module("measure")
finally:
    sys.path.remove(str(_FOLDER))


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
    rows = shares.counted(files, {"protocol (its own modules)": 1})
    assert [tuple(row) for row in rows] == [
        ("protocol (its own modules)", 10, 1, 4, 2, 1),
        ("protocol/modbus", 25, 5, 8, 0, 0),
        ("all of protocol", 35, 6, 12, 2, 1),
    ]
    assert "| `protocol (its own modules)` | 10 | 90.0 % | 4 | 50.0 % | 2 | 1 |" in shares.table(rows, [])
    assert shares.Row("empty", 0, 0, 0, 0).taken == 100.0


def test_a_package_whose_own_tests_did_not_run_has_no_shares() -> None:
    """And neither has the sum over it."""
    rows = [
        shares.Row("bench/judge", 9, 0, 2, 0),
        shares.Row("bench/run", 9, 0, 2, 0),
        shares.Row("all of bench", *[9] * 4),
    ]
    lines = shares.table(rows, {"bench/judge"}).splitlines()[2:]
    assert ["not measured" in line for line in lines] == [True, False, True]


def test_a_branch_is_explained_by_its_function_and_how_its_line_begins() -> None:
    """Each is counted to one reason; one without is told, and so is a reason without a branch (its count is 0)."""
    function = {"executed_lines": [1], "missing_branches": [[2, 3], [4, -1]]}
    files = {"bench/run/x.py": {"functions": {"": {"executed_lines": [], "missing_branches": []}, "A.b": function}}}
    branches = list(shares.untaken(files, {"bench/run/x.py": ["def b():", "  if one:", "    pass", "  if two:"]}))
    assert [branch.text for branch in branches] == ["if one:", "if two:"]
    here = "bench/run/x.py A.b"
    left = [{"why": "first", "where": [f"{here}: if one", here, f"{here}: if three"]}]
    reasons, explained, unexplained = shares.sorted_out(branches, left)
    assert reasons == [("first", {f"{here}: if one": 1, here: 0, f"{here}: if three": 0})]
    assert explained == {"bench/run": 1}
    assert [branch.text for branch in unexplained] == ["if two:"]
    assert shares.reasons_table(reasons).splitlines()[2:] == [f"| first | 1 | `{here}: if one` |"]
    function["executed_lines"] = []
    reasons, _, unexplained = shares.sorted_out(shares.untaken(files, {"bench/run/x.py": ["", "a", "b", "c"]}), left)
    assert reasons[0].where[here] == 2
    assert not unexplained


def test_a_text_is_put_between_its_marks_and_nothing_else_changes() -> None:
    """Twice gives the same; a page without the marks is refused."""
    page = "before\n<!-- measured -->\nold\n<!-- end -->\nafter\n<!-- left -->\n<!-- end -->\n"
    once = shares.with_part(page, "measured", r"| \1 |" + "\n")
    assert once == page.replace("old", r"| \1 |")
    assert shares.with_part(once, "measured", r"| \1 |" + "\n") == once
    assert shares.with_part(page, "left", "x\n") == page.replace("<!-- left -->\n", "<!-- left -->\nx\n")
    with pytest.raises(ValueError, match="has no place for what is measured"):
        shares.with_part("nothing", "measured", "x")


def test_every_room_with_tests_is_measured() -> None:
    """No folder of tests/bench is forgotten when it is added."""
    rooms = measure.rooms()
    there = {f"bench/{path.parent.name}" for path in (ROOT / "tests/bench").glob("*/test_*.py")}
    assert set(rooms) == there | {"protocol", "firmware_sim", "acceptance"}
    assert all((ROOT / "tests" / room).is_dir() for room in rooms)


def test_a_measurement_of_other_code_says_nothing() -> None:
    """A package is known when its own tests ran on each of its modules as it is now."""
    now = {path: digest for path, digest in measure.sources().items() if path.startswith("bench/faults/")}
    packages = ["bench/faults", "bench/judge"]
    assert measure.not_known(packages, {"bench/faults": {"sources": now}}) == {"bench/judge"}
    changed = {**now, next(iter(now)): "another"}
    assert measure.not_known(packages, {"bench/faults": {"sources": changed}}) == set(packages)
    assert measure.not_known(["protocol/modbus"], {"protocol": {"sources": measure.sources()}}) == set()


def test_the_page_has_a_row_for_every_package() -> None:
    """A package that is new since the last measurement shows here: `make coverage` writes its row."""
    rows = re.findall(r"^\| `([\w/]+)` \|", shares.PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    packages = {
        f"{root}/{path.name}"
        for root in shares.PACKAGES
        for path in (ROOT / root).iterdir()
        if path.is_dir() and any(path.rglob("*.py")) and path.name != "__pycache__"
    }
    assert packages <= set(rows)
    assert {"protocol", "firmware_sim", "bench"} == set(shares.PACKAGES)


def functions(tree: ast.AST, inside: str = "") -> dict[str, ast.AST]:
    """Qualified name -> definition of every function, as coverage.py names them."""
    found: dict[str, ast.AST] = {}
    for node in ast.iter_child_nodes(tree):
        name = inside
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{inside}.{node.name}" if inside else node.name
            if not isinstance(node, ast.ClassDef):
                found[name] = node
        found |= functions(node, name)
    return found


def test_each_reason_names_lines_that_are_there() -> None:
    """A place of left.toml is a function, and a line in it, of the code as it is; no place stands twice."""
    left = tomllib.loads((_FOLDER / "left.toml").read_text(encoding="utf-8"))["left"]
    places = [place for entry in left for place in entry["where"]]
    assert len(set(places)) == len(places)
    wrong = []
    for place in places:
        file, _, inside = place.partition(" ")
        function, _, text = inside.partition(": ")
        lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
        node: Any = functions(ast.parse("\n".join(lines))).get(function) if function else None
        if (node is None and function) or not any(
            line.strip().startswith(text)
            for line in lines[slice(node.lineno - 1, node.end_lineno) if node else slice(None)]
        ):
            wrong.append(place)
    assert not wrong


def test_a_room_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is run."""
    assert measure.main(["bench/nowhere"]) == 2
    assert "no such room: bench/nowhere; there are protocol, firmware_sim, bench/captures" in capsys.readouterr().err
