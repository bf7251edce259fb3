"""Plays again what was played: a stored failure (fixed, or not), or a whole run directory (identical, or not).

A run is compared record by record. Simulated time repeats to the byte, so a difference means that the program, the
scenario or hallbench is another one; what was edited after the run differs as well.
"""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.hunt.crew import Crew
from bench.hunt.excuses import excused_in
from bench.hunt.failure import Failure, job_of
from bench.hunt.trial import Outcome
from bench.run.directory import DAY, HISTORY, RUN

__all__ = ["CannotReplay", "Difference", "Rerun", "play_failure", "rerun"]

FIXED: Final = "FIXED"
STILL: Final = "STILL FAILS"
UNDECIDED: Final = "UNDECIDED"
_MOST_READ: Final = 1 << 24
_ROWS: Final = "records.ndjson"


class CannotReplay(ValueError):
    """This cannot be played again; says why, and what can be done."""


# -- a stored failure -----------------------------------------------------------------------------------------------
class Played(NamedTuple):
    """What became of a stored failure: `FIXED`, `STILL` or `UNDECIDED`, why, and the outcome of the run."""

    word: str
    why: str
    outcome: Outcome


def play_failure(failure: Failure, command: Sequence[str], cwd: str, patience: float = 10.0) -> Played:
    """Play a failure again, in a process of its own.

    Args:
        failure: as it was stored.
        command: the program; that of the failure if empty.
        cwd: where relative names in it lead from.
        patience: real seconds that the program may compute.

    Raises:
        ScenarioError, CannotHunt, BadFailure: its files are not what they should be.
    """
    job = job_of(failure, tuple(command) or failure.command, cwd, patience)
    with Crew(job, 1) as crew:
        outcome = crew.one(failure.trial)
    excused = excused_in(failure.trial, outcome, tuple(failure.facts.get("ignored") or ()))
    violated = [name for name in outcome.violated if name not in excused]
    if outcome.broken:
        return Played(UNDECIDED, f"it could not be played: {outcome.broken}", outcome)
    if failure.invariant in violated:
        return Played(STILL, outcome.sentence, outcome)
    if violated:
        return Played(STILL, f"{failure.invariant} holds now, and {', '.join(violated)} is violated instead", outcome)
    if not outcome.opened:
        return Played(UNDECIDED, "the program never opened its port", outcome)
    if failure.invariant in outcome.undecided:
        return Played(UNDECIDED, f"{failure.invariant} could not be decided", outcome)
    return Played(FIXED, outcome.sentence, outcome)


# -- a run directory ----------------------------------------------------------------------------------------------
class Difference(NamedTuple):
    """Where two runs part: the file, the record (0 is the header), and both records ("" where there is none)."""

    file: str
    number: int
    before: str
    now: str


@dataclass(frozen=True)
class Rerun:
    """A run that was played again.

    Attributes:
        difference: the first one; None when they are identical.
        records: of the history that was stored.
        sentence: the verdict now.
    """

    difference: Difference | None
    records: int
    sentence: str


def rerun(path: Path, progress: Callable[[float, str], None] = lambda _done, _text: None) -> Rerun:
    """Run the day of a run directory again and compare what happened.

    Raises:
        CannotReplay: it is no run, or one that cannot be repeated.
        ScenarioError: its scenario has mistakes now.
        NothingToTest, UnknownPlaceholder, BenchFailure: as `run_day`.
    """
    facts = _facts(path)
    from bench.run.collector import NotPython, parse_command
    from bench.run.day import load_day, run_day
    from bench.run.options import DayOptions
    from bench.run.verdict import judge_run
    from bench.scenario.load import load

    if facts.get("clock") != "virtual":
        raise CannotReplay(
            f"{path} was a run on the clock {facts.get('clock')!r}: real time does not repeat; judge it again with "
            "`hallbench judge`, or run the day once more"
        )
    scenario = load(str(facts.get("scenario_given", "")))
    if scenario.sha256 != facts.get("scenario_sha256"):
        raise CannotReplay(
            f"{path}: scenario {facts.get('scenario_given')!r} is not what it was at that run (its hash is another); "
            "replay needs the same file"
        )
    try:
        day = load_day(path / DAY)
    except (OSError, ValueError) as exc:
        raise CannotReplay(f"{path / DAY}: cannot be read: {exc}") from exc
    command = tuple(map(str, facts.get("command") or ()))
    try:
        program = parse_command(command) if command else None
    except NotPython as exc:
        raise CannotReplay(str(exc)) from exc
    with tempfile.TemporaryDirectory(prefix="hallbench-replay-") as place:
        options = DayOptions(
            scenario=scenario,
            day=day,
            program=program,
            given=str(facts.get("scenario_given", "")),
            command=command,
            out=Path(place) / "run",
            evidence=str(facts.get("evidence", "folded")),
            paths={str(key): str(value) for key, value in dict(facts.get("paths") or {}).items()},
            progress=progress,
        )
        result = run_day(options)
        verdict = judge_run(result.directory.path, scenario.records)
        found, count = None, 0
        for name in (HISTORY, _ROWS):
            difference, records = compare(path / name, result.directory.path / name)
            found, count = found or difference, count or records
    return Rerun(found, count, verdict.sentence())


def compare(before: Path, now: Path) -> tuple[Difference | None, int]:
    """The first record in which two files of evidence differ, and how many the first has."""
    count = 0
    found: Difference | None = None
    for number, (old, new) in enumerate(itertools.zip_longest(_lines(before), _lines(now), fillvalue="")):
        count += bool(old)
        if old != new and found is None and not _only_places(before.name, old, new):
            found = Difference(before.name, number, old, new)
    return found, count


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8", errors="backslashreplace") as file:
            for line in file:
                yield line.rstrip("\n")
    except FileNotFoundError:
        return


def _only_places(name: str, old: str, new: str) -> bool:
    """The header of the rows names the file that they came from, which is elsewhere now; the footer hashes it."""
    if name != _ROWS or not (old and new):
        return False
    try:
        first, second = json.loads(old), json.loads(new)
    except ValueError:
        return False
    ends = isinstance(first, dict) and isinstance(second, dict) and {"source", "end"} & set(first)
    return bool(ends and {**first, "source": "", "sha256": ""} == {**second, "source": "", "sha256": ""})


def _facts(path: Path) -> dict[str, Any]:
    try:
        with (path / RUN).open("rb") as file:
            facts = json.loads(file.read(_MOST_READ))
    except FileNotFoundError:
        raise CannotReplay(f"{path}: neither a stored failure (failure.json) nor a run (run.json)") from None
    except (OSError, ValueError, RecursionError) as exc:
        raise CannotReplay(f"{path / RUN}: cannot be read: {exc}") from exc
    if not isinstance(facts, dict) or "hallbench" not in facts:
        raise CannotReplay(f"{path / RUN}: is not what a run writes there")
    return facts
