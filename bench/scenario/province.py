"""A province: several halls at once, each a scenario with a seed of its own.

A file of a few lines names them:

    title = "Two communes"
    hall = [{ name = "tan_hoi", scenario = "tan_hoi" }, { name = "commune", scenario = "my_hall.toml", count = 200 }]

A row with `count` stands for so many halls, `commune-001` to `commune-200`. A hall without a seed gets the province's
plus its place in the list, so that no two have the same day.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field, ValidationError

from bench.scenario.draft import did_you_mean
from bench.scenario.fields import Name, Part, Text, Whole
from bench.scenario.load import load
from bench.scenario.locate import Positions
from bench.scenario.model import Scenario
from bench.scenario.problems import Problem, ScenarioError
from bench.scenario.toml_text import decoded, parsed

__all__ = ["Hall", "Halls", "Province", "available", "is_province", "load_province"]

MOST: int = 1000
"""Halls in one province: each is a world of its own."""


class Halls(Part):
    """One row: a hall, or so many of a kind."""

    name: Name = Field(description="Name of the hall: a folder, a word on the command line.")
    scenario: Text = Field(description="A shipped name, or a file beside the province's.")
    count: Whole = Field(default=1, ge=1, le=MOST, description="How many halls of this kind there are.")
    seed: Whole | None = Field(default=None, ge=0, description="Seed of its day; of the first, when there are several.")


class _File(Part):
    title: Text
    halls: tuple[Halls, ...] = Field(alias="hall", min_length=1)


class Hall(NamedTuple):
    """One hall of a province.

    Attributes:
        name: unique in it.
        scenario: what it is like.
        given: the scenario as the file names it.
        seed: None: the province's seed plus the hall's place.
    """

    name: str
    scenario: Scenario
    given: str
    seed: int | None


class Province(NamedTuple):
    """Several halls. `name` is the file's."""

    name: str
    title: str
    halls: tuple[Hall, ...]

    def seeds(self, first: int) -> Iterator[tuple[Hall, int]]:
        """Each hall with the seed of its day, when the province's seed is `first`."""
        for place, hall in enumerate(self.halls):
            yield hall, first + place if hall.seed is None else hall.seed


def available() -> list[str]:
    """Names of the shipped provinces, sorted."""
    entries = files("scenarios.provinces").iterdir()
    return sorted(entry.name.removesuffix(".toml") for entry in entries if entry.name.endswith(".toml"))


def is_province(name: str | os.PathLike[str]) -> bool:
    """Whether a name or a path means a province and not a hall: a shipped one, or a file with a key `hall`."""
    text = os.fspath(name)
    if text in available():
        return True
    path = Path(text)
    try:
        return path.suffix == ".toml" and "hall" in parsed(decoded(path.read_bytes(), text), text)
    except (OSError, ValueError, ScenarioError):
        return False  # whatever is wrong with it is told when it is loaded as a hall


def load_province(name: str | os.PathLike[str]) -> Province:
    """The province of a shipped name or of a path.

    Raises:
        ScenarioError: with the mistakes of the file, or of the scenarios it names.
    """
    text = os.fspath(name)
    shipped = text in available()
    data, folder = _read(text, shipped=shipped)
    file = f"{text}.toml" if shipped else text
    source = decoded(data, file)
    positions, lines = Positions(source), source.split("\n")

    def problem(path: Sequence[str | int], message: str) -> Problem:
        spot = positions.find(tuple(path))
        return Problem(file, spot.line, spot.column, message, lines[spot.line - 1])

    try:
        checked = _File.model_validate(parsed(source, file))
    except ValidationError as error:
        raise ScenarioError([problem(e["loc"], f"{_where(e['loc'])}: {e['msg']}") for e in error.errors()]) from error
    problems: list[Problem] = []
    scenarios: dict[str, Scenario] = {}
    halls: list[Hall] = []
    for place, row in enumerate(checked.halls):
        if row.scenario not in scenarios:
            try:
                scenarios[row.scenario] = load(_beside(row.scenario, folder))
            except ScenarioError as error:
                problems += [problem(("hall", place, "scenario"), f"scenario {row.scenario!r}"), *error.problems]
                continue
        for n in range(row.count):
            hall = row.name if row.count == 1 else f"{row.name}-{n + 1:03d}"
            seed = None if row.seed is None else row.seed + n
            if any(hall == other.name for other in halls):
                problems.append(problem(("hall", place, "name"), f"two halls are called {hall!r}"))
            halls.append(Hall(hall, scenarios[row.scenario], row.scenario, seed))
    if len(halls) > MOST:
        problems.append(problem(("hall",), f"{len(halls)} halls are more than {MOST}"))
    if problems:
        raise ScenarioError(problems)
    return Province(Path(file).name.removesuffix(".toml"), checked.title, tuple(halls))


def _where(path: Sequence[str | int]) -> str:
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in path) or "the file"


def _read(text: str, *, shipped: bool) -> tuple[bytes, Any]:
    if shipped:
        beside = Path(str(files("scenarios.provinces")))
        return beside.joinpath(f"{text}.toml").read_bytes(), beside
    try:
        return Path(text).read_bytes(), Path(text).parent
    except (OSError, ValueError) as error:
        hint = did_you_mean(text, available())
        told = f"no province {text!r}: {getattr(error, 'strerror', None) or error}"
        raise ScenarioError([Problem(text, 0, 0, told, hint=hint)]) from error


def _beside(name: str, folder: Path | None) -> str | Path:
    return folder / name if folder is not None and name.endswith(".toml") else name
