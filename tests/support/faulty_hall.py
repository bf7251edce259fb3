"""A small hall in which things go wrong: a day of the house controller, and what was recorded of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.hall.day import draw
from bench.run.day import DayOptions, run_day
from bench.run.directory import HISTORY
from bench.run.verdict import judge_run
from bench.scenario.load import parse
from bench.scenario.model import Scenario
from tests.support.halls import hall

KEYPADS = """
[[line]]
name = "keypads"
owner = "house"
poll_s = 2.0
devices = [
  { kind = "rating_keypad", unit = 1, counter = 1 },
  { kind = "rating_keypad", unit = 2, counter = 2 },
]
"""


def scenario(*faults: Mapping[str, Any]) -> Scenario:
    """The small hall with `[[fault]]` tables."""
    text = hall(KEYPADS)
    for fault in faults:
        text += "\n[[fault]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in fault.items())
    return parse(text.encode(), "faulty.toml", lambda _beside: b"")


def _toml(value: Any) -> str:
    return json.dumps(value)


@dataclass(frozen=True)
class Ran:
    """A day that was run: its verdict, its records, and its history's bytes."""

    verdict: Any
    records: list[dict[str, Any]]
    history: bytes

    def of(self, src: str, kind: str) -> list[dict[str, Any]]:
        """Records of one kind."""
        return [record for record in self.records if record.get("src") == src and record.get("k") == kind]


def run(out: Path, *faults: Mapping[str, Any], seed: int = 3) -> Ran:
    """Run a day with the house controller and judge it."""
    made = scenario(*faults)
    result = run_day(DayOptions(made, draw(made, seed), out=out))
    raw = (result.directory.path / HISTORY).read_bytes()
    verdict = judge_run(result.directory.path, made.records)
    return Ran(verdict, [json.loads(line) for line in raw.splitlines()], raw)
