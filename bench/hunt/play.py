"""Plays one trial in this process, from its data to its outcome, and leaves nothing behind.

Each trial has a fresh directory for its evidence and another for the program to work in, so that a program that leaves
files, or looks for its own of before, finds what it would find on its first day. The same trial gives the same outcome
in any process and after any other trial.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.clock.kernel import BenchFailure, VirtualDeadlock
from bench.hall.day import Day
from bench.hunt.branches import Watcher
from bench.hunt.subject import Subject
from bench.hunt.trial import RUNNING, Outcome, Trial
from bench.judge.verdict import Verdict
from bench.run.collector import parse_command
from bench.run.directory import RUN
from bench.run.options import DayOptions, DayResult
from bench.run.rig import inventory
from bench.run.verdict import judge_run
from bench.run.world import World
from bench.scenario.model import Scenario
from bench.scenario.toml_out import toml
from firmware_sim.device import NS, Note
from firmware_sim.event_queue import EventQueue

__all__ = ["Job", "play"]


@dataclass(frozen=True)
class Job:
    """What all trials of a hunt have in common; plain data.

    Attributes:
        subject: what is cut.
        command: the program, word by word, with its placeholders.
        cwd: the directory that the command was given in.
        clock: "virtual" or "wall".
        here: the program works in `cwd` itself, not in a fresh directory.
        restart: a program that crashes is started again.
        patience: real seconds that it may compute without waiting.
    """

    subject: Subject
    command: tuple[str, ...]
    cwd: str
    clock: str = "virtual"
    here: bool = False
    restart: bool = False
    patience: float = 10.0

    @property
    def words(self) -> tuple[str, ...]:
        """The command as it runs elsewhere: words that name something in `cwd` by a relative path become absolute."""
        if self.here:
            return self.command
        found = []
        for word in self.command:
            path = Path(self.cwd, word)
            relative = word not in ("", ".", "..") and not word.startswith("-") and not Path(word).is_absolute()
            named = relative and ("/" in word or "." in word) and path.exists()
            found.append(str(path) if named else word)
        return tuple(found)


def play(job: Job, trial: Trial, keep: Path | None = None) -> Outcome:
    """Run a trial and judge it.

    Args:
        job: what all trials share.
        trial: this one.
        keep: where its run directory is left (a new directory); None throws it away.

    Returns:
        What became of it; a failure of the bench itself is in `Outcome.broken`.
    """
    place = Path(tempfile.mkdtemp(prefix="hallbench-hunt-"))
    try:
        tables = job.subject.tables(trial.devices, trial.seconds, trial.faults)
        scenario = job.subject.scenario(tables, toml(tables).encode())
        watcher = Watcher(frozenset(job.subject.lines))
        work = Path(job.cwd) if job.here else place / "work"
        work.mkdir(exist_ok=True)
        options = _options(job, trial, scenario, place / "run", _preparation(job, trial, watcher))
        with _working_in(work, job):
            result, world = _run(job, options)
        if job.clock == "wall":
            watcher.counts["port opened again"] = _opened_again(result)
        verdict = judge_run(result.directory.path, scenario.records)
        if keep is not None:
            shutil.copytree(place / "run", keep, dirs_exist_ok=True, ignore=shutil.ignore_patterns("ports"))
        return _outcome(trial, result, verdict, watcher, world)
    except VirtualDeadlock as exc:
        return Outcome(violated={RUNNING: 1}, stories={RUNNING: [str(exc)]}, sentence=f"VIOLATED: {exc}")
    except KeyboardInterrupt:
        raise
    except (Exception, BenchFailure) as exc:
        cause = exc.__cause__ if isinstance(exc, BenchFailure) and exc.__cause__ is not None else exc
        return Outcome(broken=f"{type(cause).__name__}: {cause}")
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _opened_again(result: DayResult) -> int:
    """How often a program on real ports opened one of them once more, as the facts of its run tell."""
    ports = json.loads(result.directory.file(RUN).read_text(encoding="utf-8")).get("ports", ())
    return max((port["opened"] - 1 for port in ports), default=0)


def _options(job: Job, trial: Trial, scenario: Scenario, out: Path, prepare: Callable[[World], None]) -> DayOptions:
    virtual = job.clock == "virtual"
    return DayOptions(
        scenario=scenario,
        day=Day(scenario.name, scenario.sha256, trial.seed, 0, (), {}),
        program=parse_command(job.words) if virtual else None,
        given=job.subject.given,
        command=job.words,
        out=out,
        patience=job.patience,
        prepare=prepare,
        restart=job.restart,
    )


def _run(job: Job, options: DayOptions) -> tuple[DayResult, World]:
    worlds: list[World] = []
    prepare = options.prepare

    def remember(world: World) -> None:
        worlds.append(world)
        prepare(world)

    options.prepare = remember
    if job.clock == "virtual":
        from bench.run.day import run_day

        return run_day(options), worlds[0]
    from bench.run.wall_day import Wall, run_wall_day

    return run_wall_day(options, Wall()), worlds[0]


@contextlib.contextmanager
def _working_in(work: Path, job: Job) -> Iterator[None]:
    """Let the program begin in `work`, and find modules where the command was given."""
    before, path = Path.cwd(), list(sys.path)
    os.chdir(work)
    if not job.here:  # the first entry becomes the program's own folder
        sys.path.insert(1, job.cwd)
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = path


def _preparation(job: Job, trial: Trial, watcher: Watcher) -> Callable[[World], None]:
    """What is done to a world that has just begun: its people, its first sequence numbers, its ears."""

    def prepare(world: World) -> None:
        rig, clockwork = world.rig, world.clockwork
        units = {
            row["name"]: int(row["unit"] or 0) for row in inventory(world.scenario) if row["name"] in trial.devices
        }

        def note(device: str, _at: int, told: Note) -> None:
            watcher.note(units, device, told)

        rig.listen(watcher.burst, note)
        for name, first in trial.sequences.items():
            queue = getattr(rig.devices[name].thing, "queue", None) if name in rig.devices else None
            if isinstance(queue, EventQueue):
                rig.devices[name].thing.queue = EventQueue.from_state(queue.state._replace(next_sequence=first))
        for act in trial.acts:
            if act.device in rig.devices:
                at = world.scenario.start + act.at_ms * (NS // 1000)
                clockwork.call_at(at, rig.act, act.device, act.action, act.value)
        if trial.late_ms:
            clockwork.advance_to(world.scenario.start + trial.late_ms * (NS // 1000))

    return prepare


def _outcome(trial: Trial, result: DayResult, verdict: Verdict, watcher: Watcher, world: World) -> Outcome:
    told = verdict.to_json()["invariants"]
    violated = {name: finding["violations"] or 1 for name, finding in told.items() if finding["verdict"] == "VIOLATED"}
    stories: dict[str, Sequence[str]] = {
        name: finding["stories"][:3] or [finding["reason"]] for name, finding in told.items() if name in violated
    }
    ended = result.exit
    sentence = verdict.sentence()
    if ended is not None and ended.how in ("crashed", "hung", "returned"):
        violated = {RUNNING: 1, **violated}
        stories = {RUNNING: [_ended_badly(ended)], **stories}
        sentence = f"VIOLATED: the program {_ended_badly(ended).splitlines()[0]}"
    hits = {fault["name"]: 0 for fault in trial.faults}
    why_not: dict[str, str] = {}
    for fact in world.nemesis.facts():
        hits[fact["name"]] = hits.get(fact["name"], 0) + fact["hits"]
        if fact["why"] and not fact["hits"]:
            why_not[fact["name"]] = fact["why"]
    return Outcome(
        violated,
        tuple(name for name, finding in told.items() if finding["verdict"] == "UNKNOWN"),
        tuple(name for name, finding in told.items() if finding["verdict"] == "HOLDS"),
        stories,
        sentence,
        {} if ended is None else {"how": ended.how, "status": ended.status, "detail": ended.detail},
        result.opened,
        hits,
        why_not,
        {name: count for name, count in watcher.counts.items() if count},
        tuple((*key, *row) for key, row in sorted(watcher.exchanges.items())),
        watcher.presses,
        world.history_sha256 or "",
    )


def _ended_badly(ended: Any) -> str:
    words = {"returned": f"ended by itself with status {ended.status}", "crashed": "crashed", "hung": "hung"}
    return "\n".join(filter(None, (words[ended.how], *ended.detail.splitlines())))
