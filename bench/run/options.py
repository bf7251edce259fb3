"""What a day is to be, and what became of it: shared by all clock modes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from bench.hall.day import Day
from bench.run.collector import Exit, Program
from bench.run.directory import RunDirectory
from bench.scenario.model import Scenario

if TYPE_CHECKING:
    from bench.run.world import World


class NothingToTest(ValueError):
    """The scenario gives the program under test no line."""


@dataclass(slots=True)
class DayOptions:
    """What a day is to be.

    Attributes:
        scenario: the hall and its day.
        day: the drawn day.
        program: the Python program under test; None lets the house controller run everything, or `command` is any
            program (wall clock only).
        given: the scenario as it was named on the command line.
        command: the program as it was given, word by word.
        out: run directory, or None for a new one under runs/.
        evidence: "folded", "full" or "hash".
        patience: real seconds a collector may compute without a sign of life.
        paths: further device paths -> line names.
        shown: where the collector's output is shown besides its log, or None.
        progress: called with (fraction of the day, instant as text).
        prepare: called with the world once it has begun, before the program starts.
        restart: a program that crashes is started again after a second, as a killed one is (simulated time).
    """

    scenario: Scenario
    day: Day
    program: Program | None = None
    given: str = ""
    command: Sequence[str] = ()
    out: Path | None = None
    evidence: str = "folded"
    patience: float = 20.0
    paths: Mapping[str, str] = field(default_factory=dict)
    shown: TextIO | None = None
    progress: Callable[[float, str], None] = lambda _fraction, _text: None
    prepare: Callable[[World], None] = lambda _world: None
    restart: bool = False

    @property
    def by_house(self) -> bool:
        """No program is under test: the house controller runs every line."""
        return self.program is None and not self.command


@dataclass(slots=True)
class DayResult:
    """What became of a day: where its evidence is, how the collector ended, and why the day did."""

    directory: RunDirectory
    why: str
    exit: Exit | None
    opened: bool
    real_seconds: float
    lines: list[dict[str, Any]]
