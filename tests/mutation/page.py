"""The table of docs/background/mutation.md: a row for each module, a sum for each package, and one over all.

A row comes from the results of run.py; rows of modules that were not measured this time stay as they are on the page,
so that one package can be measured anew by itself. Sums are made from the rows each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

PAGE = Path(__file__).resolve().parents[2] / "docs/background/mutation.md"
_BEGIN, _END = "<!-- measured -->\n", "<!-- end -->"
_HEAD = (
    "| module | seed | sites | drawn | killed | timed out | survived | score | first |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
)
_ROW = re.compile(
    r"^\| `(?P<module>[\w/]+\.py)` \| (?P<seed>\S+) \| (?P<sites>\d+) \| (?P<drawn>\d+) \| (?P<killed>\d+) \| "
    r"(?P<timed_out>\d+) \| (?P<survived>\d+) \| \d+ % \| (?P<first>\d+) of (?P<of_first>\d+) \|$",
    re.MULTILINE,
)


class Row(NamedTuple):
    """What came of one module's draw.

    Args:
        module: its path.
        seed: name of the draw; of a sum empty.
        sites: places that could have been drawn.
        drawn: mutants that ran.
        killed: noticed by a test that failed.
        timed_out: noticed by a test that did not end.
        survived: not noticed.
        first: noticed when they were run for the first time.
        of_first: mutants that `first` counts among.
    """

    module: str
    seed: str
    sites: int
    drawn: int
    killed: int
    timed_out: int
    survived: int
    first: int
    of_first: int

    def told(self, name: str) -> str:
        """The row in Markdown, under this name."""
        score = _percent(self.drawn - self.survived, self.drawn)
        numbers = (self.sites, self.drawn, self.killed, self.timed_out, self.survived)
        first = f"{self.first} of {self.of_first}"
        return f"| {name} | {self.seed} | {' | '.join(map(str, numbers))} | {score} | {first} |"


def _percent(part: int, whole: int) -> str:
    """Rounded down: 100 % is said only of all."""
    return f"{100 * part // whole} %"


def rows_of(results: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Results of run.py as rows, one a module."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        found.setdefault(result["module"], []).append(result)
    rows = []
    for module, each in sorted(found.items()):
        outcomes = [result["outcome"] for result in each]
        killed, timed_out = outcomes.count("failed"), outcomes.count("timed out")
        first = sum(result["first"] != "passed" for result in each)
        survived = len(each) - killed - timed_out
        counts = (each[0]["of"], len(each), killed, timed_out, survived, first, len(each))
        rows.append(Row(module, each[0]["seed"], *counts))
    return rows


def rows_in(page: str) -> list[Row]:
    """The rows that a page has."""
    found = [match.groupdict() for match in _ROW.finditer(page)]
    return [
        Row(row.pop("module"), row.pop("seed"), **{name: int(value) for name, value in row.items()}) for row in found
    ]


def _sum(rows: Sequence[Row]) -> Row:
    sums = [sum(column) for column in zip(*(row[2:] for row in rows), strict=True)]
    return Row("", "", *sums)


def package_of(module: str) -> str:
    """The package that a module is counted under; those directly in `protocol` are counted together."""
    parts = module.split("/")
    if parts[0] == "protocol" and len(parts) == 2:
        return "protocol, its own modules"
    return ".".join(parts[:2])


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown: each package's sum in bold, its modules below it, the sum of all at the end."""
    packages: dict[str, list[Row]] = {}
    for row in sorted(rows):
        packages.setdefault(package_of(row.module), []).append(row)
    lines = []
    for package, own in sorted(packages.items()):
        lines.append(_sum(own).told(f"**{package}**"))
        lines += [row.told(f"`{row.module}`") for row in own]
    if rows:
        lines.append(_sum(rows).told("**all**"))
    return _HEAD + "\n".join(lines) + "\n"


def with_table(page: str, measured: Sequence[Row]) -> str:
    """The page with these rows instead of the older ones of the same modules.

    Raises:
        ValueError: the page has no place for the table.
    """
    pattern = re.compile(re.escape(_BEGIN) + ".*?" + re.escape(_END), re.DOTALL)
    there = pattern.search(page)
    if there is None:
        raise ValueError(f"the page has no place for the table: a line {_BEGIN.strip()} and below it {_END}")
    rows = {row.module: row for row in (*rows_in(there.group()), *measured)}
    return page[: there.start()] + _BEGIN + table(list(rows.values())) + _END + page[there.end() :]
