"""The hall: people follow what devices really show, clerks keep their hours, and a day always ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.hall.day import draw
from bench.hall.hall import TICKET
from bench.run.day import DayOptions, run_day
from bench.run.verdict import judge_run
from bench.run.world import World
from bench.scenario.load import load
from firmware_sim.device import NS

SMALL = Path(__file__).parents[2] / "support" / "small.toml"
EIGHT, NINE = 8 * 3600 * NS, 9 * 3600 * NS


class Ran:
    """A day that ran in this process."""

    def __init__(self, scenario, result):
        self.scenario = scenario
        self.result = result
        lines = result.directory.file("history.ndjson").read_text(encoding="utf-8").splitlines()
        self.records = [json.loads(line) for line in lines[1:-1]]

    def of(self, kind, src="hall"):
        return [record for record in self.records if record["src"] == src and record["k"] == kind]

    def verdict(self):
        return judge_run(self.result.directory.path, self.scenario.records)


@pytest.fixture
def live(tmp_path):
    def run(*changes, seed=3):
        text = SMALL.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / "changed.toml"
        path.write_text(text, encoding="utf-8")
        scenario = load(path)
        return Ran(scenario, run_day(DayOptions(scenario, draw(scenario, seed), out=tmp_path / "run")))

    return run


def test_a_visit_has_its_order(live):
    """Everybody arrives, takes a ticket, sees the call, is served and leaves, in that order."""
    ran = live()
    steps = ["arrive", "ticket_taken", "goes", "start", "end", "leaves"]
    for visitor in {record["visitor"] for record in ran.of("arrive")}:
        life = [(r["t"], r["k"]) for r in ran.records if r["src"] == "hall" and r.get("visitor") == visitor]
        assert [kind for _, kind in life] == steps
        assert life == sorted(life, key=lambda step: step[0])
    assert {record["why"] for record in ran.of("leaves")} == {"served"}


def test_visitors_go_where_a_device_sends_them(live):
    """Each visitor goes at the instant at which a display or board showed the ticket with that counter."""
    ran = live()
    shown = {}
    for record in ran.of("shown", "dev"):
        found = TICKET.search(record["text"])
        if found:
            shown.setdefault(found.group(1), []).append((record["t"], record["device"], record["text"]))
    for record in ran.of("goes"):
        assert any(
            at == record["t"] and (device == f"display-{record['counter']}" or text.endswith(str(record["counter"])))
            for at, device, text in shown[record["ticket"]]
        )


def test_tickets_are_read_from_the_paper(live):
    """The ticket in a visitor's hand is what the printer put on the paper just then."""
    ran = live()
    printed = {record["t"]: "\n".join(record["lines"]) for record in ran.of("printed", "dev")}
    taken = ran.of("ticket_taken")
    assert taken
    for record in taken:
        assert record["ticket"] in printed[record["t"]]


def test_nobody_is_called_during_a_break(live):
    """A clerk on a break calls nobody; who stands at the counter is served first."""
    ran = live(('errands = ["certified copy"]\n', 'errands = ["certified copy"]\nbreaks = ["08:20-08:40"]\n'))
    start, end = EIGHT + 1200 * NS, EIGHT + 2400 * NS
    calls = [r["t"] for r in ran.of("call", "house") if r["counter"] == 2]
    assert calls
    # the pause key is pressed as the break begins and reaches the controller within a poll
    assert not [at for at in calls if start + 5 * NS < at < end]
    assert [at for at in calls if at > end]


def test_closing_sends_home_who_still_waits(live):
    """With send_home nobody is called after closing; who waits leaves at once, and the verdict is still good."""
    ran = live(
        ("horizon_minutes = 30", 'horizon_minutes = 30\nafter_closing = "send_home"'),
        ("median = 3, p90 = 5", "median = 12, p90 = 20"),
    )
    assert {"served", "closed"} == {record["why"] for record in ran.of("leaves")}
    assert not [r for r in ran.of("goes") if r["t"] > NINE + 5 * NS]
    assert ran.verdict().word == "HOLDS"


def test_the_queue_is_emptied_after_closing(live):
    """With until_queue_empty everybody who came is served, after closing too."""
    ran = live(("median = 3, p90 = 5", "median = 7, p90 = 9"))
    assert [record["why"] for record in ran.of("leaves")] == ["served"] * len(ran.of("arrive"))
    assert max(r["t"] for r in ran.of("start")) > NINE
    assert ran.result.why == "everybody has left"


def test_a_day_ends_at_its_horizon(live):
    """When the queue cannot be emptied the day ends at the horizon, and says so."""
    ran = live(("median = 3, p90 = 5", "median = 90, p90 = 120"))
    assert ran.result.why == "horizon"
    assert ran.records[-1]["t"] <= NINE + 1800 * NS
    assert ran.of("run_end", "run")[0]["why"] == "horizon"


def test_an_empty_printer_gets_a_new_roll(live):
    """Paper that ends in the middle of the day holds tickets up, loses none and doubles none."""
    ran = live(("paper_m = 80.0", "paper_m = 0.4, near_end_m = 0.1"))
    assert ran.of("new_roll")
    assert {"near_end", "out"} <= {record["state"] for record in ran.of("paper", "dev")}
    verdict = ran.verdict()
    assert verdict.word == "HOLDS", verdict.sentence()
    assert verdict.findings["tickets"].checked == len(ran.of("ticket_taken"))


def test_the_board_serves_where_a_display_is_dark(tmp_path):
    """Visitors also follow the main board: a counter whose display lost its supply goes on serving."""
    scenario = load(SMALL)
    options = DayOptions(scenario, draw(scenario, 3), out=tmp_path / "run")
    original = World.begin

    def without_display(self):
        original(self)
        self.rig.act("display-2", "unplug")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(World, "begin", without_display)
        ran = Ran(scenario, run_day(options))
    assert {record["why"] for record in ran.of("leaves")} == {"served"}
    assert [r for r in ran.of("start") if r["counter"] == 2]
    assert not [r for r in ran.of("shown", "dev") if r["device"] == "display-2" and r["text"]]
    verdict = ran.verdict()
    assert verdict.findings["calls"].verdict == "VIOLATED"
    assert verdict.findings["loss"].verdict == "HOLDS"
