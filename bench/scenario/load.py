"""Reads a scenario: from a shipped name or a path to a checked `Scenario`, or to a list of every mistake in it.

The only place where scenario files are opened and where their positions are known (architecture.md section 3). Mistakes
of all sorts (no such file, not UTF-8, not TOML, a wrong value, parts that do not fit each other, a bad ticket log) come
as one `ScenarioError`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import scenarios
from bench.scenario import declared_devices, extends, ticket_log
from bench.scenario.crosscheck import findings
from bench.scenario.draft import Finding, did_you_mean, text
from bench.scenario.locate import Positions
from bench.scenario.messages import explain
from bench.scenario.model import Scenario
from bench.scenario.problems import Problem, ScenarioError
from bench.scenario.toml_text import decoded, parsed

__all__ = ["Problem", "ScenarioError", "available", "load", "parse"]


def available() -> list[str]:
    """Names of the shipped scenarios, sorted."""
    return scenarios.available()


def load(name_or_path: str | os.PathLike[str]) -> Scenario:
    """The scenario of a shipped name (`"tan_hoi"`) or of a path (`"my/hall.toml"`).

    A plain word is a shipped name, unless there is none and a file is called so. Whatever has a separator, ends in
    `.toml`, or is not a `str`, is a path.

    Raises:
        ScenarioError: with every mistake found.
    """
    name = os.fspath(name_or_path)
    as_path = not isinstance(name_or_path, str) or name.endswith(".toml") or "/" in name or os.sep in name
    if not as_path and name in available():
        data = scenarios.resource(name).read_bytes()
        return parse(data, f"{name}.toml", lambda beside: scenarios.folder().joinpath(beside).read_bytes())
    path = Path(name)
    if not as_path and not (name and _exists(path)):
        near = did_you_mean(name, available())
        hint = (
            near if near.startswith("did") else f"there is {', '.join(available())}; or give the path of a .toml file"
        )
        if name and scenarios.folder().joinpath("provinces", f"{name}.toml").is_file():
            hint = f"{name} is a province, several halls at once: hallbench up {name}, hallbench plan {name}"
        raise ScenarioError([Problem(name or '""', 0, 0, f'no scenario "{name}" is shipped with hallbench', hint=hint)])
    return parse(_read(path), str(path), lambda beside: (path.parent / beside).read_bytes())


def parse(data: bytes, file: str, read_beside: Callable[[str], bytes]) -> Scenario:
    """The scenario in the bytes of a TOML file.

    Args:
        data: the file's content.
        file: how the file is called in messages; its stem is the scenario's name by default.
        read_beside: gives the content of a file named in the scenario, relative to it; raises OSError.

    Raises:
        ScenarioError: with every mistake found.
    """
    source = decoded(data, file)
    raw = own = parsed(source, file)
    positions, lines = Positions(source), source.split("\n")

    def placed(found: Finding) -> Problem:
        spot = positions.find(found.path, key=found.at_key)
        if found.path and found.path[:1] not in positions and (extends.KEY,) in positions:
            spot = positions.find((extends.KEY,))  # it stands in the scenario that this one changes
        return Problem(file, spot.line, spot.column, found.message, lines[spot.line - 1].rstrip("\r"), found.hint)

    try:
        raw, read_beside = extends.whole(raw, read_beside)
    except extends.Wrong as wrong:
        raise ScenarioError([placed(wrong.args[0])]) from wrong
    csv_bytes, tickets, log_problems = _ticket_log(raw, file, read_beside, placed)
    declared = declared_devices.resolve(raw, file, read_beside)
    problems = [*log_problems, *declared.problems, *map(placed, declared.findings)]
    raw.setdefault("name", _default_name(file))
    try:
        scenario = Scenario.model_validate(raw)
    except ValidationError as error:
        scenario = None
        problems += [placed(found) for found in explain(error, raw)]
    queues = frozenset(ticket.queue for ticket in tickets) if csv_bytes and not log_problems else None
    problems += [placed(found) for found in findings(raw, queues, declared.screens)]
    if problems or scenario is None:
        if extends.KEY in own and any(problem.line == positions.find((extends.KEY,)).line for problem in problems):
            problems += map(placed, extends.lists_of(own))
        problems.sort(key=lambda problem: (problem.file != file, problem.line, problem.column))
        raise ScenarioError(problems)
    scenario.attach(tuple(tickets), _sha256(scenario, csv_bytes + declared.data), declared)
    return scenario


def _sha256(scenario: Scenario, csv_bytes: bytes) -> str:
    canonical = json.dumps(
        scenario.model_dump(mode="json", by_alias=True), sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(canonical.encode() + b"\0" + csv_bytes).hexdigest()


def _default_name(file: str) -> str:
    """A valid scenario name from the stem of a file."""
    stem = re.sub(r"[^a-z0-9_-]+", "_", Path(file).name.removesuffix(".toml").lower())[:40]
    return stem if stem[:1].isalpha() else f"s_{stem}"[:40]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _read(path: Path) -> bytes:
    try:
        if path.is_block_device() or path.is_char_device():
            raise ScenarioError([Problem(str(path), 0, 0, "is a device; a scenario is a .toml file")])
        return path.read_bytes()
    except (OSError, ValueError) as error:
        told, hint = _why(error), ""
        if isinstance(error, FileNotFoundError):
            hint = _neighbours(path)
        raise ScenarioError([Problem(str(path), 0, 0, told, hint=hint)]) from error


def _why(error: Exception) -> str:
    """What the operating system said, in the words of a user."""
    words: list[tuple[type[Exception], str]] = [
        (FileNotFoundError, "there is no such file"),
        (IsADirectoryError, "is a directory; a scenario is a .toml file"),
        (PermissionError, "cannot be read: permission denied"),
        (NotADirectoryError, "there is no such file: a part of the path is not a directory"),
    ]
    for kind, told in words:
        if isinstance(error, kind):
            return told
    return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def _neighbours(path: Path) -> str:
    """A hint for a path that does not exist: a similar file beside it, or a shipped scenario of that name."""
    try:
        beside = [entry.name for entry in path.parent.iterdir() if entry.suffix == path.suffix]
    except OSError:
        beside = []
    if near := get_close_matches(path.name, beside, n=1):
        return f'did you mean "{path.parent / near[0]}"?'
    stem = path.name.removesuffix(".toml")
    return f'"{stem}" (without path and ending) is a shipped scenario' if stem in available() else ""


def _ticket_log(
    raw: Mapping[str, Any], file: str, read_beside: Callable[[str], bytes], placed: Callable[[Finding], Problem]
) -> tuple[bytes, list[ticket_log.LoggedTicket], list[Problem]]:
    """Bytes, tickets and mistakes of the recorded log that the scenario names; empty when it names none."""
    arrivals = raw.get("arrivals")
    name = text(arrivals, "log") if isinstance(arrivals, Mapping) else ""
    if not name:
        return b"", [], []
    try:
        data = read_beside(name)
        source = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return b"", [], [placed(Finding(("arrivals", "log"), f'the ticket log "{name}" is not UTF-8'))]
    except (OSError, ValueError) as error:
        return b"", [], [placed(Finding(("arrivals", "log"), f'the ticket log "{name}": {_why(error)}'))]
    tickets, mistakes = ticket_log.parse(source)
    lines, beside = re.split(r"\r\n?|\n", source), str(Path(file).parent / name)
    problems = [Problem(beside, m.line, m.column, m.message, lines[m.line - 1]) for m in mistakes]
    return data, tickets, problems
