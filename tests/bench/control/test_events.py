"""The ring of events: nothing is missed, or it is told exactly how much."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bench.control.events import EventLog


def log_of(keep: int) -> EventLog:
    return EventLog(None, lambda: 0, keep)


@given(st.integers(1, 20), st.lists(st.one_of(st.integers(1, 30), st.just("read")), max_size=30), st.integers(1, 7))
def test_every_event_is_seen_or_counted_as_lost(keep, steps, most):
    """For any mix of adding and reading: numbers seen and lost, in order, are 1, 2, 3 ... without a gap."""
    log = log_of(keep)
    position = expected = 0
    for step in [*steps, *["read"] * 60]:
        if step != "read":
            for _ in range(step):
                log.add("run", "x", {})
            continue
        batch = log.read(position, most)
        assert batch.since == position
        expected += batch.lost
        for text in batch.events:
            expected += 1
            assert json.loads(text)["seq"] == expected
        position = batch.last
        assert position == expected
    assert position == log.last


@given(st.lists(st.sampled_from(["device", "people", "fault"]), max_size=40), st.integers(1, 5))
def test_a_filter_hides_and_loses_nothing(kinds, most):
    """A reader of one kind gets all of that kind, and its position goes past the others."""
    log = log_of(100)
    for kind in kinds:
        log.add(kind, "x", {})
    seen, position = 0, 0
    while position < log.last:
        batch = log.read(position, most, ("device",))
        assert batch.lost == 0
        seen += len(batch.events)
        position = batch.last
    assert seen == kinds.count("device")


def test_shape_of_an_event():
    """docs/control.md, "Events": number, instant, time of day, kind, what; the device apart from the facts."""
    log = log_of(10)
    log.record(36_000_250_000_000, "dev", "press", {"device": "keypad-1", "value": 5})
    (text,) = log.read(0).events
    assert json.loads(text) == {
        "seq": 1,
        "at": 36_000_250_000_000,
        "time": "10:00:00.250",
        "kind": "device",
        "what": "press",
        "device": "keypad-1",
        "facts": {"value": 5},
    }


def test_hostile_text_is_escaped():
    """A device's text cannot break a line, or a terminal that prints the JSON: it is ASCII with escapes."""
    log = log_of(10)
    log.record(0, "dev", "shown", {"device": "d", "text": "\x1b[2J\nế\ud800", "data": b"\x00\xff"})
    (text,) = log.read(0).events
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text)["facts"]["data"] == "00ff"


def test_latest_looks_back():
    """The last events of one device, oldest first, whatever happened to others between."""
    log = log_of(50)
    for n in range(30):
        log.record(n, "dev", "press", {"device": f"k{n % 3}", "n": n})
    assert [event["facts"]["n"] for event in log.latest(3, ("device",), "k1")] == [22, 25, 28]
