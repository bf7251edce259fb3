"""A small scenario that has one of everything, and a way to load changed copies of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from bench.scenario.load import Problem, ScenarioError, parse
from bench.scenario.model import Scenario

SMALL = """\
title = "A small hall"
date = 2025-03-10
timezone = "Asia/Ho_Chi_Minh"

[hours]
open = ["07:30-11:30", "13:30-17:00"]

[arrivals]
visitors = 10
shape = { "07:30" = 1, "17:00" = 1 }

[[errand]]
name = "copy"
letter = "A"
share = 1
minutes = { median = 5, p90 = 9 }

[[errand]]
name = "land"
letter = "B"
share = 1
minutes = { median = 9, p90 = 20 }

[[counter]]
number = 1
clerk = "C01"
errands = ["copy", "land"]
breaks = ["09:00-09:10"]

[[counter]]
number = 2
clerk = "C02"
errands = ["land"]

[[line]]
name = "keypads"
owner = "collector"
path = "/dev/ttyUSB0"
devices = [
  { kind = "rating_keypad", unit = 1, counter = 1 },
  { kind = "rating_keypad", unit = 2, counter = 2 },
]

[[line]]
name = "hall"
owner = "house"
settings = "9600 8N1"
devices = [
  { kind = "clerk_console", unit = 1, counter = 1 },
  { kind = "clerk_console", unit = 2, counter = 2 },
  { kind = "counter_display", unit = 21, counter = 1 },
  { kind = "counter_display", unit = 22, counter = 2 },
  { kind = "main_board", unit = 31 },
  { kind = "kiosk_button", unit = 41, printer = "printer-1" },
]

[[line]]
name = "ticket"
owner = "house"
settings = "19200 8N1"
duplex = "full"
devices = [{ kind = "ticket_printer" }]
"""


def read_from(files: Mapping[str, bytes]) -> Callable[[str], bytes]:
    """A reader of files that stand beside the scenario."""

    def read(name: str) -> bytes:
        if name not in files:
            raise FileNotFoundError(2, "No such file", name)
        return files[name]

    return read


@pytest.fixture
def small() -> str:
    """The text of the small scenario."""
    return SMALL


@pytest.fixture
def load_text() -> Callable[..., Scenario]:
    """Load a scenario from its text; `files` stand beside it."""

    def load(text: str, files: Mapping[str, bytes] | None = None, name: str = "hall.toml") -> Scenario:
        return parse(text.encode(), name, read_from(files or {}))

    return load


@pytest.fixture
def problems_of(load_text: Callable[..., Scenario]) -> Callable[..., list[Problem]]:
    """The problems of a text that must have some."""

    def problems(text: str, files: Mapping[str, bytes] | None = None) -> list[Problem]:
        with pytest.raises(ScenarioError) as caught:
            load_text(text, files)
        return caught.value.problems

    return problems
