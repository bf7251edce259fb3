"""A hall for a test: a scenario read once, a day drawn once, a world made anew each time, in milliseconds.

What costs is kept between tests of a process: the read scenario, the drawn days, the installed stand-ins. What a test
can change is made for it: clockwork, devices, lines, history (in memory), the house's rows.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.daytime import clock_text
from bench.hall.day import Day, draw
from bench.run.world import World, given_away, outside_lines
from bench.scenario.load import available, load
from bench.scenario.model import Scenario
from bench.testing.rows import HouseRows

__all__ = ["Plan", "SetupError", "build", "instant", "keep_stand_ins"]


class SetupError(ValueError):
    """A hall cannot be set up as the test asks; the message says what there is instead."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a hall for a test is to be.

    Attributes:
        scenario: a loaded scenario, in which the program under test has its lines.
        seed: of the day and of the faults.
        paths: device path -> line.
        outside: lines of the program under test.
        people: visitors come and clerks work; without people the devices are quiet until the test acts.
        house: the house controller runs the other lines.
        start: instant at which the hall begins, ns; None for the scenario's.
    """

    scenario: Scenario
    seed: int
    paths: Mapping[str, str]
    outside: tuple[str, ...]
    people: bool
    house: bool
    start: int | None


def _stamp(path: Path) -> tuple[tuple[str, int, int], ...]:
    """What tells that a scenario's folder has not changed: its files with their times and sizes."""
    beside = sorted(entry for entry in path.parent.glob("*") if entry.suffix in {".toml", ".csv"})
    return tuple((entry.name, entry.stat().st_mtime_ns, entry.stat().st_size) for entry in beside)


@lru_cache(maxsize=32)
def _load(name: str, _stamp: object) -> Scenario:
    return load(name if not _stamp else Path(name))


def scenario_of(given: str | os.PathLike[str] | Scenario) -> Scenario:
    """The scenario of a shipped name or of a file, read once as long as its folder does not change.

    Raises:
        ScenarioError: with every mistake of the file.
    """
    if isinstance(given, Scenario):
        return given
    name = os.fspath(given)
    if isinstance(given, str) and name in available():
        return _load(name, ())
    path = Path(name)
    return _load(str(path.resolve()), _stamp(path)) if path.is_file() else load(given)


@lru_cache(maxsize=8)
def _drawn(sha256: str, seed: int, draw_it: Callable[[], Day]) -> Day:
    return draw_it()


class _Draw:
    """Draws a scenario's day; equal for equal scenarios, so that a day is drawn once."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario, self.seed = scenario, seed

    def __call__(self) -> Day:
        return draw(self.scenario, self.seed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Draw) and (self.scenario.sha256, self.seed) == (other.scenario.sha256, other.seed)

    def __hash__(self) -> int:
        return hash((self.scenario.sha256, self.seed))


def day_of(scenario: Scenario, seed: int, *, people: bool) -> Day:
    """The drawn day, or a day on which nobody comes."""
    if not people:
        return Day(scenario.name, scenario.sha256, seed, 0, (), {})
    return _drawn(scenario.sha256, seed, _Draw(scenario, seed))


def plan(
    scenario: str | os.PathLike[str] | Scenario,
    *,
    seed: int,
    ports: Mapping[str, str] | None,
    people: bool,
    house: bool,
    start: object,
) -> Plan:
    """Check what a test asks for.

    Args:
        scenario: shipped name, path of a .toml file, or a loaded scenario.
        seed: 0 or more.
        ports: device path -> line: exactly these lines are the program's. None leaves the scenario's own division.
        people: as `Plan`.
        house: as `Plan`.
        start: time of day or instant in ns; None for the scenario's.

    Raises:
        ScenarioError: the scenario file has mistakes.
        SetupError: a line that does not exist, a start with people, a negative seed.
    """
    read = scenario_of(scenario)
    if seed < 0:
        raise SetupError(f"seed {seed} is negative; seeds are 0 or more")
    names = [line.name for line in read.lines]
    if ports is None:
        outside = outside_lines(read)
        paths = {line.path: line.name for line in read.lines if line.path and line.name in outside}
    else:
        wrong = [line for line in ports.values() if line not in names]
        if wrong:
            raise SetupError(f"ports: scenario {read.name} has no line {wrong[0]!r}; it has {', '.join(names)}")
        paths = dict(ports)
        outside = tuple(name for name in names if name in ports.values())
    begins = None if start is None else instant(start, read)
    if begins is not None and people:
        raise SetupError(
            "start is for halls without people, whose day begins when the doors open: "
            f"let the program run up to then with hall.run_until({clock_text(begins)!r})"
        )
    return Plan(given_away(read, outside), seed, paths, outside, people, house, begins)


def instant(given: object, scenario: Scenario) -> int:
    """An instant of the hall's day, ns since local midnight.

    Args:
        given: "10:40", "10:40:07.250", a `datetime.time`, or an int of nanoseconds.
        scenario: whose day it is, for the message.

    Raises:
        SetupError: it is none of these.
    """
    from bench.scenario.times import parse_time

    if isinstance(given, int) and not isinstance(given, bool):
        return given
    text, fraction = given, 0
    if isinstance(given, str) and "." in given:
        text, _, digits = given.partition(".")
        if not digits.isdigit() or len(digits) > 9:
            raise SetupError(f"{given!r} is not a time of day: write it as '10:40:07.250'")
        fraction = int(digits.ljust(9, "0"))
    try:
        return parse_time(text) + fraction
    except ValueError as error:
        raise SetupError(f"{error}; the day of {scenario.name} is {scenario.date}") from error


def build(made: Plan, *, clock: str, rows: HouseRows, target: Path | io.BytesIO, evidence: str) -> World:
    """A world of its own for one test."""
    scenario = made.scenario
    if made.start is not None:
        lead = (scenario.hours.opens - made.start) / 60e9
        hours = scenario.hours.model_copy(update={"lead_minutes": lead})
        scenario = scenario.model_copy(update={"hours": hours})
    facts: dict[str, Any] = {"records": scenario.records.model_dump()}
    return World(
        scenario,
        day_of(scenario, made.seed, people=made.people),
        target,
        clock=clock,
        evidence=evidence,
        program="collector" if made.outside else "house",
        sha256=made.scenario.sha256,
        store=rows if made.house else None,
        facts=facts,
        people=made.people,
    )


_kept = contextlib.ExitStack()
_is_kept = False


def keep_stand_ins() -> None:
    """Install the stand-ins for the clocks once, for the rest of the process.

    They ask for each call whether its thread is in a hall and are the real functions otherwise. Putting them in and
    out for each test would cost ten times a test's whole setup.
    """
    global _is_kept
    if not _is_kept:
        from bench.clock.standins import installed

        _is_kept = True
        _kept.enter_context(installed())
        atexit.register(_release)


def release_stand_ins() -> None:
    """Put the real clocks back; the next hall installs the stand-ins again."""
    global _is_kept
    _is_kept = False
    _kept.close()


def _release() -> None:
    """Before the interpreter takes its modules apart; what fails then is nobody's business."""
    with contextlib.suppress(Exception):
        release_stand_ins()
