"""Branch coverage of the three packages, by running their tests room by room: `make coverage`.

    python tests/coverage/measure.py [ROOM ...]     # tests/coverage/measure.py protocol bench/judge

coverage.py lives in an environment of its own (build/coverage/venv, pinned by requirements.txt beside this file), which
sees everything that hallbench's has. Programs that a test starts are measured too; those that it kills are not, since
what they saw dies with them. With no ROOM all are run and the table of docs/background/coverage.md is written anew;
with some, the table is printed. A test that fails under measurement is told and does not stop it: whether tests pass is
said by `make test`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
WORK: Final = ROOT / "build/coverage"
PAGE: Final = ROOT / "docs/background/coverage.md"
PACKAGES: Final = ("protocol", "firmware_sim", "bench")
_BEGIN, _END = "<!-- measured -->\n", "<!-- end -->"
_CONFIG: Final = """[run]
branch = True
parallel = True
data_file = {data}
source_pkgs = protocol,firmware_sim,bench
patch = subprocess
sigterm = True
"""


class Row(NamedTuple):
    """Counts of one package: statements and branches (a branch is one way out of a line that has two)."""

    package: str
    statements: int
    missed: int
    branches: int
    untaken: int

    @property
    def lines(self) -> float:
        """Share of the statements that ran, %."""
        return 100 * (1 - self.missed / self.statements) if self.statements else 100.0

    @property
    def taken(self) -> float:
        """Share of the branches that were taken, %."""
        return 100 * (1 - self.untaken / self.branches) if self.branches else 100.0


def rooms() -> list[str]:
    """Folders of tests that are run one after the other, as named on the command line."""
    inner = sorted(p.name for p in (ROOT / "tests/bench").iterdir() if p.is_dir() and any(p.glob("test_*.py")))
    return ["protocol", "firmware_sim", *(f"bench/{name}" for name in inner), "acceptance"]


def package_of(path: str) -> str:
    """The row to which a module counts: its package, of the three roots the one below."""
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else f"{parts[0]} (its own modules)"


def counted(files: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """Rows by package, from the `files` of what `coverage json` writes; the three packages' sums come last."""
    sums: dict[str, list[int]] = {}
    for path, told in sorted(files.items()):
        found = told["summary"]
        numbers = (
            found["num_statements"],
            found["missing_lines"],
            found["num_branches"],
            found["missing_branches"],
        )
        for name in (package_of(path), f"all of {path.split('/')[0]}"):
            sums[name] = [a + b for a, b in zip(sums.get(name, [0, 0, 0, 0]), numbers, strict=True)]
    rows = [Row(name, *numbers) for name, numbers in sums.items()]
    return sorted(rows, key=lambda row: (row.package.startswith("all of"), row.package))


def table(rows: Sequence[Row], ran: Sequence[str]) -> str:
    """The rows in Markdown.

    Args:
        rows: by package.
        ran: the rooms whose tests were run. What other rooms' tests touch of a package says nothing about it: a package
            whose own tests did not run has no shares, and neither has the sum over it.
    """
    lines = ["| package | statements | run | branches | taken |", "| --- | ---: | ---: | ---: | ---: |"]
    left_out = {room.split("/")[0] for room in rooms() if room not in ran}
    for row in rows:
        known = not (row.package.startswith("bench/") and row.package in rooms() and row.package not in ran)
        known = known and row.package.removeprefix("all of ") not in left_out
        run, taken = (f"{row.lines:.1f} %", f"{row.taken:.1f} %") if known else ("not measured", "not measured")
        lines.append(f"| `{row.package}` | {row.statements:,} | {run} | {row.branches:,} | {taken} |")
    return "\n".join(lines) + "\n"


def with_table(page: str, told: str) -> str:
    """The page with another table between its two marks.

    Raises:
        ValueError: a mark is not there.
    """
    pattern = re.compile(re.escape(_BEGIN) + ".*?" + re.escape(_END), re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"{PAGE.name} has no place for the table: a line {_BEGIN.strip()} and below it {_END}")
    return pattern.sub(lambda _: _BEGIN + told + _END, page, count=1)


def environment() -> Path:
    """The interpreter that has coverage.py beside all that this one has; made when it is not there."""
    home = WORK / "venv"
    python = home / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
        wanted = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps"]
        pip = [sys.executable, "-m", "pip", "--python", python, "install", *wanted]
        subprocess.run([*pip, "-r", Path(__file__).parent / "requirements.txt"], check=True)
        sites = sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)})
        ours = sysconfig.get_path("purelib")
        Path(sites, "zz_hallbench.pth").write_text(f"import site; site.addsitedir({ours!r})\n", encoding="utf-8")
    return python


def measured(chosen: Sequence[str]) -> Iterator[str]:
    """Run the tests of the rooms, one after the other; what each ended with, as a line."""
    python = environment()
    config = WORK / "coveragerc"
    config.write_text(_CONFIG.format(data=WORK / "data"), encoding="utf-8")
    for old in WORK.glob("data*"):
        old.unlink()
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    for room in chosen:
        words = [python, "-m", "coverage", "run", f"--rcfile={config}", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        told = subprocess.run(
            [*words, "--timeout", "900", f"tests/{room}"],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        failed = re.findall(r"^(?:FAILED|ERROR) \S+", told.stdout, re.MULTILINE)
        yield f"{room}: {'; '.join(failed) or 'all passed'}"
    for words in (["combine", "--quiet"], ["json", "--quiet", "-o", str(WORK / "coverage.json")]):
        subprocess.run([python, "-m", "coverage", *words, f"--rcfile={config}"], cwd=ROOT, env=env, check=True)


def main(chosen: Sequence[str]) -> int:
    """Measure, print the table, and write it into the page when all rooms were run."""
    unknown = [room for room in chosen if room not in rooms()]
    if unknown:
        print(f"no such room: {', '.join(unknown)}; there are {', '.join(rooms())}", file=sys.stderr)
        return 2
    WORK.mkdir(parents=True, exist_ok=True)
    for line in measured(chosen or rooms()):
        print(line, file=sys.stderr, flush=True)
    rows = counted(json.loads((WORK / "coverage.json").read_text(encoding="utf-8"))["files"])
    told = table(rows, chosen or rooms())
    print(told, end="")
    if not chosen:
        PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), told), encoding="utf-8")
    return 0


if __name__ == "__main__":
    os.nice(10)
    sys.exit(main(sys.argv[1:]))
