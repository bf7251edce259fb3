"""A failure that is kept: a directory with the small scenario, what people do in it, and the story of what happened.

`scenario.toml` is a whole scenario with the faults; `failure.json` has the rest of the trial (presses, first sequence
numbers), the invariant, the command, the story and versions; `run/` is the evidence of the run, for `hallbench judge`.
The directory's name is made of what is in it: the same failure is stored once.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench import __version__
from bench.hunt.play import Job
from bench.hunt.subject import Subject, subject_of
from bench.hunt.trial import Outcome, Trial
from bench.scenario.toml_out import toml
from bench.unseen import printable_json

__all__ = ["FAILURE", "SCENARIO", "BadFailure", "Failure", "load_failure", "store"]

FAILURE: Final = "failure.json"
SCENARIO: Final = "scenario.toml"
RUN: Final = "run"
_MOST_READ: Final = 1 << 24


class BadFailure(ValueError):
    """A directory that holds no failure that could be played again; says why."""


@dataclass(frozen=True)
class Failure:
    """A stored failure.

    Attributes:
        path: its directory.
        invariant: what is violated.
        trial: the small trial.
        command: the program, as it was given.
        story: what happened, as the judge tells it.
        facts: the whole of failure.json.
    """

    path: Path
    invariant: str
    trial: Trial
    command: tuple[str, ...]
    story: str
    facts: Mapping[str, Any]


def store(
    folder: Path,
    job: Job,
    command: Sequence[str],
    invariant: str,
    trial: Trial,
    outcome: Outcome,
    facts: Mapping[str, Any],
) -> Path:
    """Write a failure into `folder`; returns its directory, without the evidence of its run (see `evidence`).

    Raises:
        OSError: it cannot be written.
    """
    subject = job.subject
    text = toml(subject.tables(trial.devices, trial.seconds, trial.faults))
    name = str(subject.raw.get("name", "hall"))
    digest = hashlib.sha256(f"{trial.key}\n{invariant}\n{text}\n{list(command)}".encode()).hexdigest()[:8]
    path = folder / f"{name}-{invariant}-{digest}"
    if path.exists() and (path / FAILURE).is_file():
        shutil.rmtree(path)
    path.mkdir(parents=True)
    (path / SCENARIO).write_text(text, encoding="utf-8")
    for beside, data in subject.beside.items():
        (path / beside).write_bytes(data)
    whole = {
        "schema_version": 1,
        "hallbench": __version__,
        "python": platform.python_version(),
        "invariant": invariant,
        "scenario": subject.given,
        "command": list(command),
        "clock": job.clock,
        "here": job.here,
        "restart": job.restart,
        "sentence": outcome.sentence,
        "story": list(outcome.stories.get(invariant, ())),
        "collector": dict(outcome.collector),
        "history_sha256": outcome.sha256,
        "opens": subject.opens,
        "trial": trial.to_json(),
        **facts,
    }
    text = printable_json(json.dumps(whole, ensure_ascii=False, indent=1))
    (path / FAILURE).write_text(f"{text}\n", encoding="utf-8")
    return path


def load_failure(path: Path) -> Failure:
    """A stored failure.

    Raises:
        BadFailure: it is none, or not whole.
    """
    file = path / FAILURE
    try:
        with file.open("rb") as opened:
            facts = json.loads(opened.read(_MOST_READ))
    except FileNotFoundError:
        raise BadFailure(f"{path}: there is no {FAILURE} in it") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadFailure(f"{file}: cannot be read: {error}") from error
    if not isinstance(facts, dict) or facts.get("schema_version") != 1:
        raise BadFailure(f"{file}: is no stored failure of a version that this program reads (schema_version 1)")
    try:
        trial = Trial.from_json(facts["trial"])
        command = tuple(map(str, facts["command"]))
        story = "\n".join(map(str, facts["story"]))
        return Failure(path, str(facts["invariant"]), trial, command, story, facts)
    except (KeyError, TypeError, ValueError) as error:
        raise BadFailure(f"{file}: {error}") from error


def job_of(failure: Failure, command: Sequence[str], cwd: str, patience: float) -> Job:
    """What a stored failure is played with: its own scenario, as it stands in its directory.

    Raises:
        ScenarioError: the scenario has mistakes.
        CannotHunt, BadFailure: it is not one that a hunt has made.
    """
    file = failure.path / SCENARIO
    if not file.is_file():
        raise BadFailure(f"{failure.path}: there is no {SCENARIO} in it")
    subject = subject_of(str(file))
    kept = tomllib.loads(file.read_text(encoding="utf-8"))
    clock = str(failure.facts.get("clock", "virtual"))
    return Job(
        Stored(subject.given, subject.raw, subject.beside, subject.names, subject.keypads, subject.opens, kept),
        tuple(command),
        cwd,
        clock,
        bool(failure.facts.get("here")),
        bool(failure.facts.get("restart")),
        patience,
    )


@dataclass(frozen=True)
class Stored(Subject):
    """A scenario that is cut already: played as it stands, whatever a trial asks for.

    Attributes:
        kept: its tables.
    """

    kept: Mapping[str, Any] = ()  # type: ignore[assignment]  # always given

    def tables(self, _keypads: Any, _seconds: Any, _faults: Any) -> dict[str, Any]:
        """The tables of its file."""
        return dict(self.kept)
