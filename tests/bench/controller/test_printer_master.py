"""Tickets on paper exactly once, whatever happens to the printer (protocols.md 4.3, conformance.md N37)."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_sim.device import NS

MS = NS // 1000


@pytest.fixture
def printing(hall, plans):
    """A hall with a printer, its counter 1 ready for whoever comes."""

    def make(xonxoff=True, **printer):
        rig = hall(plans["office"](printers=True, xonxoff=xonxoff), printer=printer)
        rig.run(2)
        rig.do("console-1", "log_in", 1)
        rig.run(2)
        return rig

    return make


def sheets(rig):
    """The ticket number on each sheet that came out; a sheet with the remains of another counts for its last."""
    return [
        next(line for line in reversed(facts["lines"]) if line[:1] in "AB" and line[1:].isdigit())
        for facts in rig.of("printed")
    ]


def take(rig, count=1, wait=3.0):
    for _ in range(count):
        rig.do("kiosk-1", "press", 1)
        rig.run(wait)


def must_print_once(rig, *tickets):
    assert sheets(rig) == list(tickets)
    assert [facts["ticket"] for facts in rig.of("ticket_confirmed")] == list(tickets)
    assert rig.of("ticket_failed") == []


def test_a_ticket_joins_its_queue_when_the_printer_confirmed_it(printing):
    """Issued, printed, confirmed, then called: never called before it is on paper."""
    rig = printing()
    rig.do("console-1", "press", 1)
    rig.run(2)
    take(rig)
    order = [kind for _, _, kind, _ in rig.notes if kind in {"ticket_issued", "printed", "ticket_confirmed", "call"}]
    assert order == ["ticket_issued", "printed", "ticket_confirmed", "call"]
    must_print_once(rig, "A001")
    (row,) = rig.records.of("tickets")[-1:]
    assert row["issued_at"] < row["confirmed_at"] < row["issued_at"] + 2


def test_the_ticket_says_what_a_visitor_needs(printing):
    """Hall, "Số thứ tự", number, errand, time, how many wait; in Vietnamese that the printer can print."""
    rig = printing()
    take(rig, 3)
    assert rig.of("printed")[2]["lines"] == [
        "Bộ phận một cửa xã Tân Hội",
        "Số thứ tự",
        "A003",
        "Chứng thực bản sao",
        "07:00  10/03/2025",
        "Số người chờ trước: 2",
    ]
    assert b"tan_hoi|2025-03-10|A003" in bytes.fromhex(rig.of("printed")[2]["data"])
    assert rig.devices["printer-1"].warnings == ()


def test_tickets_wait_for_each_other(printing):
    """One ticket is with the printer at a time, and all come out in the order of their keys."""
    rig = printing()
    take(rig, 5, wait=0.3)
    rig.run(15)
    must_print_once(rig, "A001", "A002", "A003", "A004", "A005")


@pytest.mark.parametrize("paper_mm", range(2, 64, 6))
def test_paper_that_ends_in_a_ticket_costs_no_ticket(printing, paper_mm):
    """N37: wherever in the ticket the paper ends, it comes out whole on the new roll, once."""
    rig = printing(paper_mm=paper_mm, near_end_mm=1)
    take(rig, 2)
    rig.run(30)
    assert rig.of("printed") == []
    rig.do("printer-1", "load_paper", 10_000)
    rig.run(10)
    must_print_once(rig, "A001", "A002")
    states = [facts["state"] for facts in rig.of("printer")]
    assert states[-2:] == ["paper_end", "ok"]


@pytest.mark.parametrize("after", [0.05, 0.15, 0.3, 0.6, 0.9])
def test_an_open_cover_only_delays(printing, after):
    """The cover opened before, in and after a ticket: it goes on when the cover is closed, once."""
    rig = printing()
    rig.do("kiosk-1", "press", 1)
    rig.run(after)
    rig.do("printer-1", "open_cover")
    rig.run(25)
    rig.do("printer-1", "close_cover")
    rig.run(5)
    must_print_once(rig, "A001")


@pytest.mark.parametrize("off", [0.0, 0.7, 5.0, 60.0])
@pytest.mark.parametrize("after", [0.02, 0.1, 0.12, 0.18, 0.3, 0.6, 0.84, 1.2])
def test_a_power_loss_costs_no_ticket_and_doubles_none(printing, after, off):
    """J3: what the printer lost is printed again, what it had confirmed is not, whenever the power goes."""
    rig = printing()
    rig.do("kiosk-1", "press", 1)
    rig.run(after)
    rig.do("printer-1", "unplug")
    rig.run(off)
    rig.do("printer-1", "plug_in")
    rig.run(15)
    must_print_once(rig, "A001")
    take(rig)
    must_print_once(rig, "A001", "A002")


def test_a_power_loss_without_paper_costs_no_ticket(printing):
    """Switched off while it waits for paper, on without, loaded later: the ticket is printed again, once."""
    rig = printing(paper_mm=30, near_end_mm=1)
    take(rig)
    rig.do("printer-1", "unplug")
    rig.run(10)
    rig.do("printer-1", "plug_in")
    rig.run(10)
    rig.do("printer-1", "load_paper", 10_000)
    rig.run(10)
    must_print_once(rig, "A001")
    assert [facts["why"] for facts in rig.of("reprint")] == ["the printer was switched off"]


def test_a_power_loss_and_new_paper_meanwhile_costs_no_ticket(printing):
    """The same with the roll changed while it is off: it comes up ready, and what it had is gone."""
    rig = printing(paper_mm=30, near_end_mm=1)
    take(rig)
    rig.do("printer-1", "unplug")
    rig.run(5)
    rig.do("printer-1", "load_paper", 10_000)
    rig.do("printer-1", "plug_in")
    rig.run(10)
    must_print_once(rig, "A001")


def test_an_idle_power_loss_reprints_nothing(printing):
    """Switched off between two tickets: set up again, nothing printed twice, down and up are told."""
    rig = printing()
    take(rig)
    rig.do("printer-1", "unplug")
    rig.run(40)
    assert rig.of("down") == [{"device": "printer-1", "why": "no answer to DLE EOT"}]
    rig.do("kiosk-1", "press", 1)
    rig.run(5)
    rig.do("printer-1", "plug_in")
    rig.run(10)
    assert rig.of("up") == [{"device": "printer-1"}]
    must_print_once(rig, "A001", "A002")
    assert rig.of("reprint") == []


def test_a_lost_confirmation_is_not_a_lost_ticket(printing):
    """The echo of the process id is lost: the printer is asked again, and the ticket is not printed again."""
    rig = printing()
    lost = []

    def drop(now, data):
        if data[:2] == b"\x37\x22" and not lost:
            lost.append(data)
            return []
        return [(0, data)]

    rig.masters["ticket"].mangle = drop
    take(rig, wait=20)
    assert lost
    must_print_once(rig, "A001")


def test_a_cable_that_was_out_after_the_ticket_had_arrived_doubles_nothing(printing):
    """Silence is not a power loss: a ticket that had arrived is asked for, not printed again."""
    rig = printing()
    rig.do("kiosk-1", "press", 1)
    rig.run(0.35)  # the printer has it all, and has said so
    rig.masters["ticket"].mangle = rig.stations["ticket"].mangle = lambda now, data: []
    rig.run(20)
    assert rig.of("down")
    rig.masters["ticket"].mangle = rig.stations["ticket"].mangle = None
    rig.run(20)
    must_print_once(rig, "A001")


def test_a_cable_that_was_out_before_the_ticket_costs_no_ticket(printing):
    """A ticket sent into a dead line is sent again when the printer answers again."""
    rig = printing()
    rig.masters["ticket"].mangle = rig.stations["ticket"].mangle = lambda now, data: []
    take(rig, wait=20)
    rig.masters["ticket"].mangle = rig.stations["ticket"].mangle = None
    rig.run(20)
    must_print_once(rig, "A001")


@pytest.mark.parametrize("out", [0.2, 1.2, 2.5, 5.0])
def test_a_cable_that_was_out_for_the_length_of_a_ticket_costs_no_ticket(printing, out):
    """An outage too short to be told from patience still does not let an unprinted ticket count as printed."""
    rig = printing()
    rig.do("kiosk-1", "press", 1)
    rig.run(0.05)
    rig.masters["ticket"].mangle = rig.stations["ticket"].mangle = lambda now, data: []
    rig.run(out)
    rig.masters["ticket"].mangle = rig.stations["ticket"].mangle = None
    rig.run(30)
    must_print_once(rig, "A001")


class Noise:
    """Answers of the printer get lost, cut short, or changed."""

    def __init__(self, seed, rate):
        self.chance = random.Random(seed)
        self.rate = rate

    def __call__(self, now, data):
        chance = self.chance
        if chance.random() >= self.rate:
            return [(0, data)]
        place = chance.randrange(len(data))
        flipped = data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]
        added = data[:place] + bytes([chance.randrange(256)]) + data[place:]
        return [(0, chance.choice([b"", flipped, data[:place], added]))]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), xonxoff=st.booleans())
def test_noise_on_the_answers_costs_no_ticket(hall, plans, seed, xonxoff):
    """With one answer in twenty spoilt, false XOFFs included, every ticket is printed and confirmed."""
    chance = random.Random(seed)
    rig = hall(plans["office"](printers=True, xonxoff=xonxoff))
    rig.run(3)
    for _ in range(6):
        rig.at(chance.uniform(0, 40), "kiosk-1", "press", 1)
    rig.masters["ticket"].mangle = Noise(seed, 0.05)
    rig.run(45)
    rig.masters["ticket"].mangle = None
    rig.run(60)
    issued = [facts["ticket"] for facts in rig.of("ticket_issued")]
    assert [facts["ticket"] for facts in rig.of("ticket_confirmed")] == issued
    assert set(sheets(rig)) == set(issued)
    assert len(sheets(rig)) <= len(issued) + len(rig.of("reprint"))


@pytest.mark.parametrize("idle", [True, False])
def test_noise_that_looks_like_xoff_does_not_stop_the_tickets(printing, idle):
    """A false XOFF is found out by asking: the printer says that it is on line, and goes on being used."""
    rig = printing(xonxoff=False)
    if not idle:
        rig.do("kiosk-1", "press", 1)
        rig.run(0.3)
    rig.lines["ticket"].apply(
        rig.masters["ticket"], rig.masters["ticket"].hear(rig.now, b"\x13", rig.now, rig.now, None)
    )
    take(rig, 2, wait=15)
    must_print_once(rig, *(("A001", "A002") if idle else ("A001", "A002", "A003")))


def test_a_jammed_cutter_is_put_right_by_the_host_when_it_is_free(printing):
    """An error that only DLE ENQ clears does not stop the tickets for ever, where the line lets DLE ENQ pass."""
    rig = printing(xonxoff=False)
    rig.do("printer-1", "jam_cutter")
    take(rig, wait=10)
    assert sheets(rig) == []
    assert rig.of("printer")[-1]["state"] == "cutter_error"
    rig.do("printer-1", "free_cutter")
    rig.run(10)
    must_print_once(rig, "A001")


def test_a_jammed_cutter_behind_flow_control_is_put_right_by_its_switch(printing):
    """XOFF keeps DLE ENQ from the printer: when it was switched off and on, the ticket is printed again, once."""
    rig = printing()
    rig.do("printer-1", "jam_cutter")
    take(rig, wait=10)
    rig.do("printer-1", "free_cutter")
    rig.do("printer-1", "unplug")
    rig.do("printer-1", "plug_in")
    rig.run(10)
    must_print_once(rig, "A001")


def test_a_ticket_that_cannot_be_printed_is_given_up_and_told(printing):
    """Power lost in every try: after five the ticket is told as failed, and the next one comes."""
    rig = printing()
    rig.do("kiosk-1", "press", 1)
    for _ in range(5):
        rig.run(0.6)
        rig.do("printer-1", "unplug")
        rig.do("printer-1", "plug_in")
        rig.run(2)
    rig.run(5)
    (failed,) = rig.of("ticket_failed")
    assert failed["ticket"] == "A001"
    assert "5 times" in failed["why"]
    take(rig, wait=5)
    assert [facts["ticket"] for facts in rig.of("ticket_confirmed")] == ["A002"]


def test_an_idle_printer_is_left_in_peace(printing):
    """An idle printer is asked once in ten seconds, no more."""
    rig = printing()
    take(rig)
    rig.run(10)
    before = len(rig.bursts)
    rig.run(600)
    asked = [data for _, line, src, data in rig.bursts[before:] if line == "ticket" and src.startswith("house")]
    assert asked == [b"\x10\x04\x01"] * 60


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), xonxoff=st.booleans())
def test_every_ticket_is_on_paper_once_after_any_day_of_a_printer(hall, plans, seed, xonxoff):
    """The tickets invariant: with paper, cover and power failing at random, each ticket is printed exactly once."""
    chance = random.Random(seed)
    plan = plans["office"](printers=True, xonxoff=xonxoff)
    rig = hall(plan, printer={"paper_mm": chance.randrange(50, 600), "near_end_mm": 20})
    rig.run(3)
    tickets = 8
    for _ in range(tickets):
        rig.at(chance.uniform(0, 60), "kiosk-1", "press", 1)
    at = 0.0
    while at < 60:
        what = chance.choice(["cover", "power", "paper"])
        at += chance.uniform(0.2, 12)
        if what == "cover":
            rig.at(at, "printer-1", "open_cover")
            rig.at(at := at + chance.uniform(0.1, 9), "printer-1", "close_cover")
        elif what == "power":
            rig.at(at, "printer-1", "unplug")
            rig.at(at := at + chance.uniform(0.0, 9), "printer-1", "plug_in")
        else:
            rig.at(at, "printer-1", "load_paper", chance.randrange(30, 400))
        at += 2.5  # time for it to come up
    rig.run(80)
    rig.do("printer-1", "load_paper", 50_000)
    rig.run(40)
    tickets = len(rig.of("ticket_issued"))
    assert tickets > 0
    assert sorted(sheets(rig)) == [f"A{n:03d}" for n in range(1, tickets + 1)]
    assert [facts["ticket"] for facts in rig.of("ticket_confirmed")] == sheets(rig)
