"""The figures of a running hall: who came, who did not, what devices hold."""

from __future__ import annotations

from bench.control.tally import Tally

NS = 10**9


def told(*records: tuple[str, str, dict[str, object]]) -> Tally:
    tally = Tally(keypads=frozenset({"k1"}), consoles={}, lines={})
    for number, (src, kind, facts) in enumerate(records, 1):
        tally.record(number * NS, src, kind, facts)
    return tally


def test_who_did_not_come_has_figures_of_its_own() -> None:
    """Online visitors and missed appointments are counted, and are neither arrived, inside nor left."""
    tally = told(
        ("hall", "online", {"visitor": 1, "errand": 0}),
        ("hall", "missed", {"visitor": 2, "errand": 0}),
        ("hall", "missed", {"visitor": 3, "errand": 0}),
        ("hall", "arrive", {"visitor": 4, "errand": 0}),
        ("hall", "to_kiosk", {"visitor": 4, "agreed": 3 * NS}),
        ("hall", "ticket_taken", {"visitor": 4, "ticket": "A001"}),
    )
    people = tally.describe(10 * NS, {})["visitors"]
    names = ("arrived", "online", "missed_appointments", "left", "inside", "waiting")
    assert [people[name] for name in names] == [1, 1, 2, 0, 1, 1]


def test_presses_that_nobody_has_fetched_are_known_by_device() -> None:
    """A press waits in its keypad until it is acknowledged; other devices hold nothing."""
    press = ("dev", "press", {"device": "k1"})
    tally = told(press, press, ("dev", "ack", {"device": "k1", "freed": 1}))
    assert [tally.held("k1"), tally.held("k2")] == [1, 0]
