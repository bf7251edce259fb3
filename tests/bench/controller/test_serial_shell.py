"""The house controller's core on serial ports: it holds like the house itself, in simulated time and on a real port."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest

from bench.controller.serial_shell import main, plan_of
from bench.faults.catalogue import CATALOGUE
from bench.hunt.excuses import EXCUSED, excused_in
from bench.hunt.play import Job, play
from bench.hunt.presses import PRESETS
from bench.hunt.subject import subject_of
from bench.hunt.trial import Trial
from bench.judge.verdict import Verdict
from bench.testing import hall
from firmware_sim.burst import LineSettings
from tests.bench.judge.mutants.cases import HALL, SURVIVED

DEVICES = [
    {"name": f"keypad-{unit}", "kind": "rating_keypad", "line": "keypads", "unit": unit, "counter": unit}
    for unit in (1, 2, 3)
]
ROOT = Path(__file__).parents[3]
QUICK = ("bit_flip", "late_reply", "port_vanish", "kill", "output_held", "reboot", "sink_failure")
"""Faults that the ordinary tests play; the gate plays all."""


def ran(folder: Path, name: str | None) -> Verdict:
    """The shell for two minutes in a small hall with one fault."""
    devices, records = folder / "devices.json", folder / "records.sqlite"
    devices.write_text(json.dumps({"schema_version": 1, "devices": DEVICES}))
    words = [str(devices), str(records), "keypads=/dev/ttyUSB0"]
    with hall(HALL, house=False, start="08:10", records=records) as h:
        begin = h.now_ns
        program = h.start(lambda: main(words))
        for unit in (1, 2, 3):
            h.keypad(unit).log_in(unit)
            for n in range(4):
                h.at(begin + (3 + unit + (23 + 4 * unit) * n) * 10**9, h.keypad(unit).press, 1 + (n * n + unit) % 5)
        if name is not None:
            SURVIVED[name](h, name)
        for _ in range(150):
            h.run_for(1)
            if program.exit is not None:
                assert program.exit.how == "killed", program.exit
                program = h.start(lambda: main(words))
        return h.verdict(settle=10)


def must_hold(verdict: Verdict) -> None:
    stories = [story.text() for finding in verdict.findings.values() for story in finding.stories[:1]]
    assert verdict.word == "HOLDS", "\n\n".join([verdict.sentence(), *stories])


def test_it_holds_without_faults(tmp_path: Path) -> None:
    """Every press is stored once, in a hall in which nothing goes wrong."""
    verdict = ran(tmp_path, None)
    must_hold(verdict)
    assert verdict.counts["recorded"] == 12


@pytest.mark.parametrize("name", QUICK)
def test_it_holds_under_a_fault(name: str, tmp_path: Path) -> None:
    """What a correct collector can keep is kept, and nothing is stored twice or told wrongly."""
    must_hold(ran(tmp_path, name))


@pytest.mark.parametrize("unit", [1, 3])
def test_it_is_fair_while_a_keypad_has_no_supply(unit: int) -> None:
    """A keypad is dead for 35 s of a minute: the others are asked often enough, by what is usual on their line.

    What is usual was seen in a few seconds of folded polls with presses between: each unit is asked once a second.
    """
    words = ("{devices}", "{records}", "keypads={port:keypads}")
    job = Job(subject_of(str(HALL)), ("python", "-m", "bench.controller.serial_shell", *words), str(ROOT))
    acts = PRESETS["presses in turn"](job.subject.keypads, random.Random(1)).given()
    fault = {"name": "unplug", "device": f"keypad-{unit}", "at": 6, "for_s": 35}
    outcome = play(job, Trial("a keypad without supply", job.subject.keypads, faults=(fault,), **acts))
    assert not outcome.broken, outcome.broken
    assert not outcome.violated, outcome.stories
    assert "fairness" in outcome.held


@pytest.mark.gate
@pytest.mark.parametrize("name", [name for name in SURVIVED if name not in QUICK])
def test_it_holds_under_every_fault(name: str, tmp_path: Path) -> None:
    """The same for every fault of the catalogue that a collector can live through."""
    must_hold(ran(tmp_path, name))


def test_it_polls_event_queues_alone() -> None:
    """A line with anything else, or without devices, is refused with its name."""
    with pytest.raises(ValueError, match="'hall' has display"):
        plan_of([{"name": "display", "kind": "counter_display", "line": "hall"}], ["hall"], LineSettings())
    with pytest.raises(ValueError, match="'other' is not in the list"):
        plan_of(DEVICES, ["other"], LineSettings())


def test_a_mistake_in_its_words_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of devices that is not there is exit code 2 and a sentence."""
    assert main([str(tmp_path / "none.json"), str(tmp_path / "r.sqlite"), "keypads=/dev/null"]) == 2
    assert "none.json" in capsys.readouterr().err


@pytest.mark.gate
def test_it_holds_on_a_real_port(tmp_path: Path) -> None:
    """A process of its own on a pseudo-terminal, with the port pulled for a while."""
    words = ("{devices}", "{records}", "keypads={port:keypads}")
    job = Job(
        subject_of(str(HALL)), (sys.executable, "-m", "bench.controller.serial_shell", *words), str(tmp_path), "wall"
    )
    acts = PRESETS["presses in turn"](job.subject.keypads, random.Random(1)).given()
    fault = {"name": "port_vanish", "line": "keypads", "at": 8, "for_s": 3}
    trial = Trial("a port that is pulled", job.subject.keypads, faults=(fault,), **acts)
    outcome = play(job, trial)
    assert not outcome.broken, outcome.broken
    assert not [name for name in outcome.violated if name not in excused_in(trial, outcome)], outcome.stories
    assert outcome.hits["port_vanish"]
    assert outcome.presses == 10
    assert EXCUSED.keys() <= CATALOGUE.keys()
