"""A hunt from its first run to its report: runs without faults, the systematic part, the swarm, and the shrinking.

What a campaign prints follows from the scenario, the program, the seed and the number of runs; how many workers play
them, and how fast, does not matter. Only a limit in seconds makes it depend on the machine, and the report says so.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.faults.check import Shape
from bench.faults.nemesis import shape_of
from bench.hunt.branches import BRANCHES, UNSEEN_ON_PORTS
from bench.hunt.crew import Crew
from bench.hunt.excuses import excused_in
from bench.hunt.failure import RUN, store
from bench.hunt.play import Job
from bench.hunt.search import applicable, baselines, swarm, systematic
from bench.hunt.shrink import shrink
from bench.hunt.trial import RUNNING, Outcome, Trial
from bench.scenario.toml_out import toml

__all__ = ["SWARM", "WALL_RUNS", "Asked", "Campaign", "Found", "NeverOpened"]

SWARM: Final = 100
"""Runs of the swarm after a whole systematic part, unless a number of runs or seconds is asked for."""

WALL_RUNS: Final = 12
"""Runs on real ports, unless a number is asked for: each takes as long as it says."""

_WALL_SHRINKING: Final = 8


class NeverOpened(Exception):
    """The program opened no port, or the bench could not play it; says what became of it."""


@dataclass(frozen=True)
class Asked:
    """What is to be searched.

    Attributes:
        job: scenario and program.
        command: the program as it was given.
        seed: of everything drawn.
        runs: at most so many; None: the whole systematic part and `SWARM` more.
        seconds: no run begins later.
        workers: processes.
        folder: where failures are stored.
        ignored: invariants that are not searched for.
    """

    job: Job
    command: tuple[str, ...]
    seed: int = 1
    runs: int | None = None
    seconds: float | None = None
    workers: int = 1
    folder: Path = Path("failures")
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """The first violation, shrunk.

    Attributes:
        invariant: what is violated.
        run: number of the run that found it, from 1.
        first: the trial as it was found.
        small: what is left of it.
        outcome: of the small one.
        path: where it is stored.
        shrinking: runs that shrinking took.
    """

    invariant: str
    run: int
    first: Trial
    small: Trial
    outcome: Outcome
    path: Path
    shrinking: int


@dataclass
class Campaign:
    """A hunt, and what it has seen so far.

    Attributes:
        asked: what is searched.
        tell: called with (runs done, of how many or 0, what runs) now and then.
        done: runs played.
        planned: runs of the systematic part.
        presses: that counted, in all runs.
        judged: invariant -> runs in which it could be judged.
        undecided: invariant -> runs in which it could not.
        excused: invariant -> runs that violated it, as any program would have (`bench.hunt.excuses`).
        asked_for: fault -> runs in which it was asked for.
        hits: fault -> strikes.
        why_not: fault -> why it could not strike, the last that was told.
        branches: branch -> how often.
        unplayed: labels of runs that the bench itself could not play, with the reason.
        found: the violation.
    """

    asked: Asked
    tell: Callable[[int, int, str], None] = lambda _done, _of, _label: None
    done: int = 0
    planned: int = 0
    presses: int = 0
    judged: Counter[str] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    asked_for: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    why_not: dict[str, str] = field(default_factory=dict)
    branches: Counter[str] = field(default_factory=Counter)
    unplayed: list[str] = field(default_factory=list)
    found: Found | None = None
    shape: Shape | None = None

    def run(self) -> None:
        """Search until something is found or nothing is left to be tried.

        Raises:
            NeverOpened: the program opens no port even when nothing goes wrong.
            KeyboardInterrupt: it was interrupted; what was counted so far stands.
        """
        asked = self.asked
        job = asked.job
        subject = job.subject
        tables = subject.tables(subject.keypads, 60, ())
        self.shape = shape_of(subject.scenario(tables, toml(tables).encode()))
        wall = job.clock != "virtual"
        for row in applicable(subject, self.shape, wall):
            self.hits[row.name] = 0
            self.asked_for[row.name] = 0
        until = None if asked.seconds is None else time.monotonic() + asked.seconds
        with Crew(job, asked.workers) as crew:
            plain = baselines(subject, asked.seed)
            plain = plain[: 1 if wall else len(plain)][: asked.runs]
            exchanges: Sequence[Sequence[int]] = ()
            for number, trial, outcome in crew.all(plain):
                if number == 0:
                    self._must_work(outcome)
                exchanges = max(exchanges, outcome.exchanges, key=len)
                if self._look(crew, trial, outcome):
                    return
            for _, trial, outcome in crew.all(self._trials(exchanges, wall), until=until):
                if self._look(crew, trial, outcome):
                    return

    @property
    def most(self) -> int:
        """Runs that are asked for or planned; 0 when a limit in seconds alone ends it."""
        if self.asked.runs is not None:
            return self.asked.runs
        if self.asked.seconds is not None:
            return 0
        return WALL_RUNS if self.asked.job.clock != "virtual" else self.planned + SWARM

    def _trials(self, exchanges: Sequence[Sequence[int]], wall: bool) -> Iterator[Trial]:
        asked, subject = self.asked, self.asked.job.subject
        assert self.shape is not None
        first = systematic(subject, self.shape, exchanges, asked.seed, wall)
        self.planned = self.done + len(first)
        shape = self.shape
        endless = (swarm(subject, shape, asked.seed, number, wall) for number in itertools.count(1))
        coming = itertools.chain(first, endless)
        return itertools.islice(coming, self.most - self.done) if self.most else coming

    def _must_work(self, outcome: Outcome) -> None:
        """The first run of all: a program that cannot run at all is not worth a hunt."""
        if outcome.broken:
            raise NeverOpened(f"the first run, without any fault, could not be played: {outcome.broken}")
        if not outcome.opened:
            how = outcome.collector.get("how", "")
            detail = outcome.collector.get("detail", "")
            told = {"asked to end": "it ran to the end", "returned": "it ended by itself"}.get(str(how), f"it {how}")
            raise NeverOpened(f"the program never opened a port of the hall; {told}{f': {detail}' if detail else ''}")

    def _look(self, crew: Crew, trial: Trial, outcome: Outcome) -> bool:
        """Count what a run has seen; True when it has found something."""
        self.done += 1
        self.tell(self.done, self.most, trial.label)
        if outcome.broken:
            self.unplayed.append(f"{trial.label}: {outcome.broken}")
            return False
        self.presses += outcome.presses
        self.judged.update([*outcome.held, *(name for name in outcome.violated if name != RUNNING)])
        self.undecided.update(outcome.undecided)
        for name, count in outcome.hits.items():
            self.asked_for[name] += 1
            self.hits[name] += count
        self.why_not.update(outcome.why_not)
        self.branches.update(outcome.branches)
        excused = excused_in(trial, outcome, self.asked.ignored)
        self.excused.update(excused)
        blamed = next((name for name in outcome.violated if name not in excused), None)
        if blamed is None:
            return False
        self._shrink(crew, trial, outcome, blamed)
        return True

    def _shrink(self, crew: Crew, trial: Trial, outcome: Outcome, invariant: str) -> None:
        asked = self.asked

        def fails(candidate: Trial) -> bool:
            self.tell(self.done, 0, f"shrinking: {len(candidate.faults)} faults, {candidate.presses} presses")
            seen = crew.one(candidate)
            return invariant in seen.violated and invariant not in excused_in(candidate, seen, asked.ignored)

        wall = asked.job.clock != "virtual"
        small, runs = shrink(trial, fails, _WALL_SHRINKING) if wall else shrink(trial, fails)
        small = Trial(**{**small.__dict__, "label": f"found in run {self.done}: {trial.label}"})
        last = crew.one(small)
        if invariant not in last.violated:  # on real ports, where a run does not repeat to the byte
            last = outcome
        facts = {
            "seed": asked.seed,
            "ignored": list(asked.ignored),
            "found_in_run": self.done,
            "first": trial.to_json(),
        }
        path = store(asked.folder, asked.job, asked.command, invariant, small, last, facts)
        crew.one(small, path.resolve() / RUN)
        self.found = Found(invariant, self.done, trial, small, last, path, runs)

    # -- telling ----------------------------------------------------------------------------------------------------
    @property
    def exercised(self) -> bool:
        """Whether there was anything to judge, and a fault that struck."""
        return bool(self.presses and self.judged and any(self.hits.values()))

    def sometimes(self) -> list[tuple[str, str, int, str]]:
        """What was seen how often: ("fault" or "branch", name, count, remark), zeros first."""
        rows = [
            ("fault", name, count, self.why_not.get(name, "") if not count else "") for name, count in self.hits.items()
        ]
        modbus = self.shape is None or any(line.modbus and line.outside for line in self.shape.lines.values())
        unseen = UNSEEN_ON_PORTS if self.asked.job.clock == "wall" else frozenset()
        rows += [
            ("branch", name, self.branches.get(name, 0), what)
            for name, what in BRANCHES.items()
            if modbus and name not in unseen
        ]
        return sorted(rows, key=lambda row: (row[2] > 0, row[0] != "branch", row[1]))

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        found = self.found
        return {
            "scenario": self.asked.job.subject.given,
            "seed": self.asked.seed,
            "clock": self.asked.job.clock,
            "command": list(self.asked.command),
            "runs": self.done,
            "systematic": self.planned,
            "presses": self.presses,
            "verdict": "VIOLATED" if found else "HOLDS" if self.exercised else "NOT EXERCISED",
            "judged": dict(sorted(self.judged.items())),
            "undecided": dict(sorted(self.undecided.items())),
            "excused": dict(sorted(self.excused.items())),
            "sometimes": [
                {"kind": kind, "name": name, "count": count, "remark": remark}
                for kind, name, count, remark in self.sometimes()
            ],
            "not_played": self.unplayed,
            "failure": None if found is None else _found(found),
        }


def _found(found: Found) -> Mapping[str, Any]:
    small = found.small
    return {
        "invariant": found.invariant,
        "found_in_run": found.run,
        "first": {"faults": len(found.first.faults), "presses": found.first.presses, "label": found.first.label},
        "faults": [dict(fault) for fault in small.faults],
        "devices": list(small.devices),
        "presses": small.presses,
        "seconds": small.seconds,
        "shrinking_runs": found.shrinking,
        "sentence": found.outcome.sentence,
        "story": list(found.outcome.stories.get(found.invariant, ())),
        "path": str(found.path),
        "replay": f"hallbench replay {found.path}",
    }
