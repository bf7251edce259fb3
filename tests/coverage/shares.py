"""What the page says of branch coverage: shares by package, and for each branch that no test took, its reason.

Reasons stand in left.toml beside this file, each with the places that it holds for:

    [[left]]
    why = "only another operating system takes it"
    where = [
      "bench/ports/pty.py PtyPort._start: if sys.platform",   # file, function, how the line begins
      "bench/clock/sqlite.py _handler",                         # a function that did not run at all
    ]

A place is counted when a branch of that line was not taken; one that is taken meanwhile is told, to be struck out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs/background/coverage.md"
PACKAGES: Final = ("protocol", "firmware_sim", "bench")


class Row(NamedTuple):
    """Counts of one package: statements and branches (a branch is one way out of a line that has two).

    Args:
        package: its name.
        statements: in all.
        missed: that did not run.
        branches: in all.
        untaken: branches that were not taken.
        explained: of those, how many have a reason in left.toml.
    """

    package: str
    statements: int
    missed: int
    branches: int
    untaken: int
    explained: int = 0

    @property
    def lines(self) -> float:
        """Share of the statements that ran, %."""
        return 100 * (1 - self.missed / self.statements) if self.statements else 100.0

    @property
    def taken(self) -> float:
        """Share of the branches that were taken, %."""
        return 100 * (1 - self.untaken / self.branches) if self.branches else 100.0


class Branch(NamedTuple):
    """A branch that was not taken.

    Args:
        file: path below the repository.
        function: qualified name; empty for the module's own lines.
        text: the line that it leaves.
        ran: whether anything of the function ran.
    """

    file: str
    function: str
    text: str
    ran: bool

    def is_at(self, place: str) -> bool:
        """Whether a place of left.toml means this branch."""
        file, _, inside = place.partition(" ")
        function, colon, text = inside.partition(": ")
        if (self.file, self.function) != (file, function):
            return False
        return self.text.startswith(text) if colon else not self.ran


class Reason(NamedTuple):
    """Why branches are not taken by any test, and how many there are at each of its places."""

    why: str
    where: Mapping[str, int]


def package_of(path: str) -> str:
    """The row to which a module counts: its package, of the three roots the one below."""
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else f"{parts[0]} (its own modules)"


def untaken(files: Mapping[str, Mapping[str, Any]], lines_of: Mapping[str, Sequence[str]]) -> Iterator[Branch]:
    """Every branch that was not taken.

    Args:
        files: the `files` of what `coverage json` writes.
        lines_of: path -> lines of the source.
    """
    for path, told in sorted(files.items()):
        for name, inside in told["functions"].items():
            for leaves, _ in inside["missing_branches"]:
                yield Branch(path, name, lines_of[path][leaves - 1].strip(), bool(inside["executed_lines"]))


def sorted_out(
    branches: Iterable[Branch], left: Sequence[Mapping[str, Any]]
) -> tuple[list[Reason], Counter[str], list[Branch]]:
    """Branches by their reasons.

    Args:
        branches: that were not taken.
        left: the tables of left.toml.

    Returns:
        The reasons with their places; branches with a reason, by package; branches without one.
    """
    reasons = [Reason(entry["why"], dict.fromkeys(entry["where"], 0)) for entry in left]
    explained: Counter[str] = Counter()
    unexplained = []
    for branch in branches:
        found = [(reason.where, place) for reason in reasons for place in reason.where if branch.is_at(place)]
        for where, place in found[:1]:
            where[place] += 1  # type: ignore[index]
            explained[package_of(branch.file)] += 1
        if not found:
            unexplained.append(branch)
    return reasons, explained, unexplained


def counted(files: Mapping[str, Mapping[str, Any]], explained: Mapping[str, int]) -> list[Row]:
    """Rows by package; the three roots' sums come last.

    Args:
        files: the `files` of what `coverage json` writes.
        explained: branches with a reason, by package.
    """
    sums: dict[str, list[int]] = {}
    for path, told in sorted(files.items()):
        found = told["summary"]
        numbers = [found["num_statements"], found["missing_lines"], found["num_branches"], found["missing_branches"]]
        for name in (package_of(path), f"all of {path.split('/')[0]}"):
            sums[name] = [a + b for a, b in zip(sums.get(name, [0, 0, 0, 0]), numbers, strict=True)]
    reasons = Counter(explained)
    for package, number in explained.items():
        reasons[f"all of {re.split('[/ ]', package)[0]}"] += number
    rows = [Row(name, *numbers, reasons[name]) for name, numbers in sums.items()]
    return sorted(rows, key=lambda row: (row.package.startswith("all of"), row.package))


def table(rows: Sequence[Row], unknown: Iterable[str]) -> str:
    """The rows in Markdown.

    Args:
        rows: by package.
        unknown: packages whose own tests were not run on them as they are now. What other packages' tests touch of one
            says nothing about it: it has no shares, and neither has the sum over it.
    """
    lines = [
        "| package | statements | run | branches | taken | not taken | with a reason |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    without = set(unknown) | {f"all of {re.split('[/ ]', package)[0]}" for package in unknown}
    for row in rows:
        told = [f"{row.lines:.1f} %", f"{row.taken:.1f} %", f"{row.untaken:,}", f"{row.explained:,}"]
        if row.package in without:
            told = ["not measured", "not measured", "", ""]
        run, taken, left, why = told
        lines.append(f"| `{row.package}` | {row.statements:,} | {run} | {row.branches:,} | {taken} | {left} | {why} |")
    return "\n".join(lines) + "\n"


def reasons_table(reasons: Sequence[Reason]) -> str:
    """The reasons in Markdown, with their places; a place where all was taken is not shown."""
    lines = ["| why | branches | where |", "| --- | ---: | --- |"]
    for reason in reasons:
        there = {place: number for place, number in reason.where.items() if number}
        if there:
            where = "; ".join(f"`{place}`".replace("|", "\\|") for place in there)
            lines.append(f"| {reason.why} | {sum(there.values())} | {where} |")
    return "\n".join(lines) + "\n"


def with_part(page: str, name: str, told: str) -> str:
    """The page with another text between the marks `<!-- NAME -->` and `<!-- end -->`.

    Raises:
        ValueError: a mark is not there.
    """
    begin, end = f"<!-- {name} -->\n", "<!-- end -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"{PAGE.name} has no place for what is {name}: a line {begin.strip()} and below it {end}")
    return pattern.sub(lambda _: begin + told + end, page, count=1)
