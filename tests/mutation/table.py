"""Which tests may kill a mutant: the tests of its module first, then those of its package.

A pattern is matched against the path of the module (fnmatch); the first one that fits counts. `{stem}` stands for the
name of the module. A path that does not exist is passed over: not each module has a test file of its own name.
"""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

_VALUES = "tests/protocol/test_values.py"
_MAPS = ("maps", "dm36", "published_numbers")
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
    *("evidence", "late_reply", "spoken", "small_histories"),
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

#: not mutated: text alone, or an empty package
LEFT_OUT = ("*/__init__.py",)


def modules(root: Path, wanted: list[str]) -> list[str]:
    """Paths below `root` of the modules that a pattern covers and, if any are `wanted`, that begin with one of them."""
    found = sorted(
        path.relative_to(root).as_posix() for top in ("protocol", "bench/judge") for path in (root / top).rglob("*.py")
    )
    return [
        name
        for name in found
        if any(fnmatch(name, pattern) for pattern in TESTS)
        and not any(fnmatch(name, pattern) for pattern in LEFT_OUT)
        and (not wanted or any(name.startswith(start) for start in wanted))
    ]


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


def package_of(module: str) -> str:
    """The package that a module is counted under: `protocol.modbus`, or `protocol.checks` for one that lies alone."""
    parts = Path(module).with_suffix("").parts
    return ".".join(parts[:2])
