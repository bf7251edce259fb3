"""What is hunted on: what is cut from a scenario, and which scenarios have nothing to hunt on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.faults.nemesis import shape_of
from bench.hunt.crew import Crew, at_most
from bench.hunt.search import applicable, baselines, systematic
from bench.hunt.subject import CannotHunt, Subject, subject_of
from bench.hunt.trial import Trial
from bench.scenario.toml_out import toml
from halls import FF68_KEYPADS, hall
from tests.bench.hunt.conftest import GOOD, SMALL

TWO_LINES = """
[[line]]
name = "left"
owner = "collector"
path = "/dev/ttyUSB0"
devices = [{ kind = "rating_keypad", unit = 1, counter = 1 }]

[[line]]
name = "right"
owner = "collector"
path = "/dev/ttyUSB1"
devices = [{ kind = "rating_keypad", unit = 1, counter = 2 }]
"""


def stored(folder: Path, text: str) -> str:
    """A scenario file of this text."""
    path = folder / "hall.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def cut(subject: Subject):
    """The checked scenario of a trial without faults."""
    tables = subject.tables(subject.keypads, 30, ())
    return subject.scenario(tables, toml(tables).encode())


def test_a_hall_without_a_keypad_of_the_programs_is_told(tmp_path):
    """Where nothing could be lost there is nothing to hunt on: told with what to set."""
    with pytest.raises(CannotHunt, match=r'has no rating keypad on a line .* set owner = "collector"'):
        subject_of(stored(tmp_path, hall().replace('"loss", "duplication", "attribution", ', "")))


def test_records_that_all_runs_would_share_are_told(tmp_path):
    """A database outside of the runs would mix the ratings of all of them: told with what it can be instead."""
    text = hall(FF68_KEYPADS) + '\n[records]\nkind = "database"\nurl = "postgresql://localhost/hall"\n'
    with pytest.raises(CannotHunt, match="has its records in one database, which all runs of a hunt would share"):
        subject_of(stored(tmp_path, text))


def test_two_lines_of_the_program_can_be_swapped(tmp_path):
    """With a second line of the program's its ports can be swapped, by the fault that needs two."""
    subject = subject_of(stored(tmp_path, hall(TWO_LINES)))
    assert subject.lines == ("left", "right")
    shape = shape_of(cut(subject))
    assert "ports_swapped" in {row.name for row in applicable(subject, shape)}
    swapped = [trial.faults[0] for trial in systematic(subject, shape, [], 1) if "ports_swapped" in trial.label]
    assert {(fault["line"], fault["with_line"]) for fault in swapped} == {("left", "right"), ("right", "left")}


@pytest.fixture(scope="module")
def shape():
    subject = subject_of(str(SMALL))
    tables = subject.tables(subject.keypads, 45, ())
    return subject, shape_of(subject.scenario(tables, toml(tables).encode()))


def test_on_real_ports_comes_first_what_only_they_can_show(shape):
    """There is time for few trials: kills, pauses, vanishing ports come first; no fault that needs simulation."""
    subject, its_shape = shape
    trials = systematic(subject, its_shape, [(4, 4, 300, 7, 8, 0)], 1, wall=True)
    names = [trial.faults[0]["name"] for trial in trials]
    assert set(names[:3]) == {"kill", "pause", "port_vanish"}
    assert not {"edge_reply", "clock_jump", "ports_swapped"} & set(names)


def test_a_program_that_was_never_heard_gets_trials_all_the_same(shape):
    """Without any exchange known, faults of characters strike the n-th frame, whichever that is."""
    subject, its_shape = shape
    faults = [trial.faults[0] for trial in systematic(subject, its_shape, [], 1)]
    assert {fault.get("nth") for fault in faults if fault["name"] == "bit_flip"} == {1, 3, 8, 15}
    assert not [fault for fault in faults if fault.get("phase") == "ack"]


def test_an_exchange_that_came_once_is_struck_from_the_beginning(shape):
    """What a program asks only when it starts is struck there; what it asks all the time, later."""
    subject, its_shape = shape
    exchanges = [(4, 256, 300, 21, 8, 16), (4, 2, 1, 17, 8, 0)]
    faults = [trial.faults[0] for trial in systematic(subject, its_shape, exchanges, 1)]
    after = {fault["address"]: fault["after"] for fault in faults if fault["name"] == "bit_flip"}
    assert after[2] == 0
    assert after[256] > 0


def test_a_crew_that_is_left_ends_its_workers(job):
    """Whoever stops listening in the middle waits for no trial that is still played."""
    assert at_most() >= 1
    crew = Crew(job(GOOD), 1)
    with crew:
        hired = crew._hire()
        hired.number, hired.trial = 0, baselines(job(GOOD).subject, 1)[0]
        hired.pipe.send((0, Trial("", ("keypad-1",), ()), None))
    assert not hired.process.is_alive()
