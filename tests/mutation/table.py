"""Which tests may kill a mutant: the tests of its module first, then those of its package.

A pattern is matched against the path of the module (fnmatch); the first one that fits counts. `{stem}` stands for the
name of the module. A path that does not exist is passed over: not each module has a test file of its own name.
"""

from __future__ import annotations

import ast
from fnmatch import fnmatch
from pathlib import Path

#: packages whose modules are mutated
TOPS = ("protocol", "bench/judge")

_VALUES = "tests/protocol/test_values.py"
_MAPS = ("maps", "map_rows", "dm36", "published_numbers")
_CUTTING = ("tokenizer", "small_buffers", "status", "page")
_JUDGING = (
    *(
        "limits",
        "ratings_at_limits",
        "telling",
        "what_was_done",
        "invariants",
        "obligations",
        "bus",
        "claims",
        "records",
        "verdict",
    ),
    *("evidence", "late_reply", "spoken", "small_histories", "spans"),
)

#: pattern of the module -> its own tests, then the tests of its package (a folder stands for its test files)
TESTS: dict[str, tuple[str, ...]] = {
    "protocol/checks.py": ("tests/protocol/test_checks.py", _VALUES),
    "protocol/osdp*.py": ("tests/protocol/test_osdp.py", "tests/protocol/test_osdp_published.py"),
    "protocol/led485_ascii.py": ("tests/protocol/test_led485_ascii.py",),
    "protocol/modbus/maps/*": tuple(f"tests/protocol/modbus/test_{name}.py" for name in _MAPS),
    "protocol/modbus/*": ("tests/protocol/modbus/test_{stem}.py", "tests/protocol/modbus", _VALUES),
    "protocol/escpos/tokenizer.py": tuple(f"tests/protocol/escpos/test_{name}.py" for name in _CUTTING),
    "protocol/escpos/*": ("tests/protocol/escpos/test_{stem}.py", "tests/protocol/escpos", _VALUES),
    "protocol/alpha/*": ("tests/protocol/alpha/test_{stem}.py", "tests/protocol/alpha"),
    "protocol/declared/*": ("tests/protocol/declared/test_{stem}.py", "tests/protocol/declared", _VALUES),
    # The property tests of these four take longer than all the rest together, and say nothing of other modules.
    "bench/judge/alignment.py": tuple(
        f"tests/bench/judge/test_{name}.py" for name in ("limits", "alignment", "matching")
    ),
    "bench/judge/matching.py": tuple(
        f"tests/bench/judge/test_{name}.py" for name in ("ratings_at_limits", "matching", "invariants")
    ),
    "bench/judge/history.py": ("tests/bench/judge/test_history.py", "tests/bench/judge/test_small_histories.py"),
    "bench/judge/folding.py": ("tests/bench/judge/test_limits.py", "tests/bench/judge/test_folding.py"),
    "bench/judge/*": ("tests/bench/judge/test_{stem}.py", *(f"tests/bench/judge/test_{name}.py" for name in _JUDGING)),
}

#: pattern of the module -> sites to draw in it, unless run.py is told otherwise; the first that fits counts
NUMBERS = {
    "protocol/declared/*": 10,
    "protocol/escpos/tokenizer.py": 15,
    "protocol/escpos/*": 6,
    "protocol/*": 15,
    "bench/judge/alignment.py": 12,
    "bench/judge/traffic.py": 15,
    "bench/judge/truth.py": 15,
    "bench/judge/explain.py": 15,
    "bench/judge/*": 6,
}


def number_of(module: str) -> int:
    """How many sites of a module are drawn."""
    return next(number for pattern, number in NUMBERS.items() if fnmatch(module, pattern))


def _is_text(path: Path) -> bool:
    """Whether a package's own file is empty, or a docstring, imports and `__all__`: nothing can change."""
    if path.name != "__init__.py":
        return False
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return all(isinstance(node, ast.Expr | ast.Import | ast.ImportFrom) or _is_all(node) for node in body)


def _is_all(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]


def modules(root: Path, wanted: list[str]) -> list[str]:
    """Paths below `root` of the modules that a pattern covers; those `wanted`, if any, in that order."""
    found = sorted(path.relative_to(root).as_posix() for top in TOPS for path in (root / top).rglob("*.py"))
    covered = [name for name in found if any(fnmatch(name, pattern) for pattern in TESTS) and not _is_text(root / name)]
    if not wanted:
        return covered
    return list(dict.fromkeys(name for start in wanted for name in covered if name.startswith(start)))


def tests_of(root: Path, module: str) -> list[str]:
    """Paths below `root` of the test files for `module`, the likeliest first, each once."""
    patterns = next(tests for pattern, tests in TESTS.items() if fnmatch(module, pattern))
    files: dict[str, None] = {}
    for pattern in patterns:
        path = root / pattern.format(stem=Path(module).stem)
        for file in sorted(path.glob("test_*.py")) if path.is_dir() else [path]:
            if file.exists():
                files[file.relative_to(root).as_posix()] = None
    return list(files)
