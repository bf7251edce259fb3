"""One trial played: what it tells, and that nothing of it reaches the next one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.hunt.crew import Crew
from bench.hunt.play import play
from bench.hunt.trial import RUNNING, Act, Trial
from tests.bench.hunt.conftest import GOOD, MISTAKE

TWO = (Act(1000, "keypad-1", "press", 5), Act(2600, "keypad-2", "press", 3))
BOTH = ("keypad-1", "keypad-2")

LEAVES_FILES = """
import os, sys, time, serial
assert not os.listdir("."), os.listdir(".")
open("left", "w").write("x")
os.chdir("/")
port = serial.Serial(sys.argv[1], 9600, timeout=0.2)
while True:
    time.sleep(1)
"""
CRASHES = "import sys, serial\nport = serial.Serial(sys.argv[1], 9600)\nraise ValueError('a mistake')\n"
DIES = "import sys, serial, os, signal\nport = serial.Serial(sys.argv[1])\nos.kill(os.getpid(), signal.SIGKILL)\n"


def test_a_mistake_is_seen_and_a_good_program_holds(job) -> None:
    """Two keypads with the same numbers: the program that mixes them up loses one, the other loses none."""
    bad = play(job(MISTAKE), Trial("", BOTH, TWO))
    good = play(job(GOOD), Trial("", BOTH, TWO))
    assert bad.violated == {"loss": 1}
    assert "LOST" in bad.stories["loss"][0]
    assert not good.violated
    assert "loss" in good.held
    assert good.presses == bad.presses == 2
    assert (4, 256) in {tuple(row[:2]) for row in good.exchanges}


def test_two_trials_in_one_process_are_as_two_processes(job) -> None:
    """The same trial gives the same outcome after another one, and in another process."""
    trial = Trial(
        "", BOTH, TWO, ({"name": "bit_flip", "line": "keypads", "after": 2, "before": 20, "count": 0, "rate": 0.2},)
    )
    first = play(job(GOOD), trial)
    play(job(MISTAKE), Trial("", BOTH, TWO))
    assert play(job(GOOD), trial) == first
    with Crew(job(GOOD), 1) as crew:
        assert crew.one(trial) == first
    assert first.hits["bit_flip"] > 0


def test_branches_of_the_protocol_are_counted(job) -> None:
    """An acknowledgement that is not heard: the event comes again. Reboots and wrapped sequences are noticed."""
    lost = {"name": "bit_flip_request", "line": "keypads", "function": 16, "address": 0, "after": 1, "before": 20}
    reboot = {"name": "reboot", "device": "keypad-1", "at": 3}
    acts = (*TWO, Act(6500, "keypad-1", "press", 4), Act(7500, "keypad-2", "press", 2))
    seen = play(job(GOOD), Trial("", BOTH, acts, (lost, reboot), {"keypad-2": 0xFFFF}))
    assert not seen.violated
    branches = {
        "event offered again",
        "no reply",
        "reboot",
        "reboot noticed",
        "sequence wrapped",
    }
    assert branches <= seen.branches.keys()
    assert seen.hits == {"bit_flip_request": 1, "reboot": 1}


def test_each_trial_has_a_fresh_directory(job, tmp_path: Path) -> None:
    """A program that leaves files and changes its directory finds an empty one the next time, and we keep ours."""
    before = Path.cwd()
    program = job(LEAVES_FILES)
    for _ in range(2):
        outcome = play(program, Trial("", BOTH, ()))
        assert RUNNING not in outcome.violated, outcome.stories
    assert Path.cwd() == before
    assert [path.name for path in tmp_path.iterdir()] == ["program.py"]


def test_a_crash_is_a_violation_of_its_own(job) -> None:
    """A program that crashes breaks "running", with the end of its traceback as the story."""
    outcome = play(job(CRASHES), Trial("", BOTH, TWO))
    assert next(iter(outcome.violated)) == RUNNING
    assert "ValueError: a mistake" in outcome.stories[RUNNING][0]
    assert outcome.opened


def test_a_trial_that_cannot_be_played_says_so(job) -> None:
    """A fault that no hall has is the bench's business, not the program's."""
    outcome = play(job(GOOD), Trial("", BOTH, (), ({"name": "no_such_fault"},)))
    assert "no_such_fault" in outcome.broken
    assert not outcome.violated


def test_a_program_that_takes_its_process_down_does_not_end_the_hunt(job) -> None:
    """The worker is replaced, the trial counts as a violation, and the next one is played."""
    with Crew(job(DIES), 1) as crew:
        outcomes = [outcome for _, _, outcome in crew.all([Trial("", BOTH, ()), Trial("", BOTH, TWO)])]
    assert [list(outcome.violated) for outcome in outcomes] == [[RUNNING], [RUNNING]]


@pytest.mark.parametrize("workers", [1, 2])
def test_outcomes_come_in_the_order_of_the_trials(job, workers: int) -> None:
    """Whatever the number of workers, the n-th outcome is that of the n-th trial."""
    trials = [Trial(str(n), BOTH, TWO[:n], seconds=40) for n in range(3)]
    with Crew(job(GOOD), workers) as crew:
        played = list(crew.all(trials))
    assert [(number, trial.label, outcome.presses) for number, trial, outcome in played] == [
        (n, str(n), n) for n in range(3)
    ]
