"""The figures say what the records say, no more, and come to an end on any history."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reports import figures, summary
from bench.reports.run_dir import NotARunError, open_run
from bench.reports.sample import MINUTE, Distribution, Histogram, quantile

NS = 1_000_000_000
OPENS = 450 * MINUTE
durations = st.lists(st.integers(0, 5 * 3600 * NS), min_size=1, max_size=60)


@given(durations, st.sampled_from([0.0, 0.1, 0.5, 0.9, 0.99, 1.0]))
def test_quantiles_are_those_of_numpy(values: list[int], p: float) -> None:
    """A quantile is the type-7 quantile that numpy computes, to the microsecond."""
    assert quantile(sorted(values), p) == pytest.approx(float(np.quantile(values, p)) / NS, abs=2e-6)


@given(durations)
def test_a_distribution_is_ordered_and_complete(values: list[int]) -> None:
    """n counts every value, p50 <= p90 <= p99 <= longest, and the mean lies between the extremes."""
    told = Distribution.of(values)
    assert told.n == len(values)
    assert told.p50 <= told.p90 <= told.p99 <= told.longest == round(max(values) / NS, 6)
    assert min(values) / NS - 1e-6 <= told.mean <= told.longest + 1e-6


@given(st.lists(st.integers(0, 20 * 3600 * NS), min_size=1, max_size=60), st.integers(5, 40))
def test_a_histogram_counts_each_duration_once(values: list[int], bars: int) -> None:
    """Every duration is in the bar that its length says; the last bar is not empty; few bars where a width allows."""
    told = Histogram.of(values, bars)
    step = round(told.minutes * MINUTE)
    assert list(told.counts) == [sum(v // step == n for v in values) for n in range(max(values) // step + 1)]
    assert len(told.counts) <= bars or told.minutes == 60


def test_waits_are_from_the_ticket_to_going(make_run: Callable[..., Any]) -> None:
    """Each visitor's wait runs from `ticket_taken` to `goes`; mean, median and longest are those of the made-up day."""
    path, made = make_run(80)
    waits = figures.of(path).waits
    assert waits.n == 80
    assert waits.mean == pytest.approx(statistics.fmean(made.waits) / NS, abs=1e-6)
    assert waits.p50 == pytest.approx(statistics.median(made.waits) / NS, abs=1e-6)
    assert waits.longest == pytest.approx(max(made.waits) / NS, abs=1e-6)


def test_half_hours_partition_the_visitors(make_run: Callable[..., Any]) -> None:
    """Every wait is in exactly one half-hour, and the half-hours' means weigh out to the day's mean."""
    told = figures.of(make_run(80)[0])
    assert sum(half.waits.n for half in told.half_hours) == told.waits.n
    weighed = sum(half.waits.n * half.waits.mean for half in told.half_hours) / told.waits.n
    assert weighed == pytest.approx(told.waits.mean, abs=1e-5)


def test_the_queue_is_the_most_that_waited_in_each_minute(make_run: Callable[..., Any]) -> None:
    """The series equals a brute-force count over all instants of the day, carried over quiet minutes."""
    path, made = make_run(80)
    told = figures.of(path)
    changes = sorted(
        (t, 1 if kind == "ticket_taken" else -1) for t, _, _, kind, _ in made.events if kind in ("ticket_taken", "goes")
    )
    first = told.start // MINUTE
    expected = [0] * len(told.queue)
    level = 0
    for minute in range(len(expected)):
        most = level
        for t, step in changes:
            if t // MINUTE == first + minute:
                level += step
                most = max(most, level)
        expected[minute] = most
    assert list(told.queue) == expected
    assert told.queue_longest == max(expected)


def test_counts_come_from_records_and_judge(make_run: Callable[..., Any]) -> None:
    """What the history shows is counted from it; what only the judge can know is taken from the verdict."""
    path, made = make_run(60)
    counts = figures.of(path).counts
    assert (counts["visitors"], counts["tickets"], counts["calls"], counts["served"]) == (60, 60, 60, 60)
    assert (counts["presses"], counts["recorded"], counts["lost"]) == (made.presses, made.presses, 0)
    (path / "verdict.json").unlink()
    assert "lost" not in figures.of(path).counts


def test_ratings_show_where_the_store_differs(make_run: Callable[..., Any]) -> None:
    """A clerk whose stored total differs from the truth is found, whether rows name clerks by name or by code."""

    def lose_one(made: Any) -> None:
        made.rows.pop(0)
        for row in made.rows:
            row["clerk"] = int(row["clerk"][1:])

    path, made = make_run(60, spoil=lose_one)
    told = figures.of(path).ratings
    assert [row.clerk for row in told] == ["C01", "C02", "C03"]
    assert sum(not row.agrees for row in told) == 1
    assert sum(sum(row.stored or ()) for row in told) == made.presses - 1


def test_unknown_rows_are_not_taken_for_none(make_run: Callable[..., Any]) -> None:
    """Without records.ndjson nothing is said of what was stored, and no clerk is blamed."""
    path, _ = make_run(60)
    (path / "records.ndjson").unlink()
    assert all(row.stored is None and row.agrees for row in figures.of(path).ratings)


def test_a_line_is_busy_while_characters_are_on_it(make_run: Callable[..., Any]) -> None:
    """Busy time is that of written and of folded bursts; the busiest ten minutes are found, and where they began."""
    told = figures.of(make_run(60)[0])
    line = next(line for line in told.lines if line.name == "keypads")
    assert line.share == pytest.approx(62 * NS / (told.end - told.start), abs=1e-6)
    assert line.characters == 2 + 9
    assert (line.peak_share, line.peak_at) == (0.1, OPENS + 10 * MINUTE)
    assert (line.owner, line.devices) == ("collector", 3)


@given(st.integers(0, 3 * 3600 * NS), st.integers(1, 3 * 3600 * NS), st.integers(0, 3600 * NS))
def test_a_fold_is_spread_without_loss(begin: int, length: int, busy: int) -> None:
    """The time of folded bursts lies in the slots they cover, all of it but less than one ns a slot."""
    lines = figures._Lines()
    busy = min(busy, length)
    lines.folded({"line": "a", "from": begin, "to": begin + length, "busy": busy, "chars": 1})
    slots = lines.slots["a"]
    assert busy - len(slots) <= sum(slots.values()) <= busy
    assert min(slots) == begin // figures.LOAD_SLOT
    assert max(slots) == (begin + length - 1) // figures.LOAD_SLOT


def test_without_wire_records_the_run_tells_the_load(make_run: Callable[..., Any]) -> None:
    """A history that keeps only hashes of the wire has no characters: then the share is that of run.json."""

    def no_wire(made: Any) -> None:
        made.events = [event for event in made.events if event[2] != "line"]

    path, _ = make_run(20, spoil=no_wire, run={"lines": [{"line": "keypads", "settings": "9600 8N1", "busy": 0.25}]})
    line = figures.of(path).lines[0]
    assert (line.name, line.share, line.settings, line.characters) == ("keypads", 0.25, "9600 8N1", 0)


def test_a_truncated_history_gives_figures_and_says_so(make_run: Callable[..., Any]) -> None:
    """A history without its end is read as far as it goes, and the damage is told."""
    path, _ = make_run(60)
    history = path / "history.ndjson"
    data = history.read_bytes()
    history.write_bytes(data[: len(data) * 2 // 3])
    told = figures.of(path)
    assert told.damage is not None
    assert "cut short" in told.damage
    assert 0 < told.counts["visitors"] < 60


def test_a_record_that_lacks_its_facts_is_counted(make_run: Callable[..., Any]) -> None:
    """Records without what their kind must have do not stop the figures, and are counted."""
    assert figures.of(make_run(10)[0]).not_understood == 0
    path, _ = make_run(10, spoil=lambda made: made.add(OPENS, "hall", "ticket_taken", {"visitor": 99}))
    assert figures.of(path).not_understood == 1


def test_leavers_no_longer_wait(make_run: Callable[..., Any]) -> None:
    """A visitor who leaves with a ticket is in no queue any more, has no wait, and is counted with the reason."""

    def leave(made: Any) -> None:
        made.add(OPENS, "hall", "arrive", {"visitor": 999, "errand": 0})
        made.add(OPENS + NS, "hall", "ticket_taken", {"visitor": 999, "ticket": "Z999"})
        made.add(OPENS + 2 * NS, "hall", "leaves", {"visitor": 999, "why": "closed"})

    told = figures.of(make_run(10, spoil=leave)[0])
    assert told.left["closed"] == 1
    assert told.counts["left unserved"] == 1
    assert told.waits.n == 10
    assert told.queue[-1] == 0


def test_an_empty_day_has_figures(make_run: Callable[..., Any]) -> None:
    """A day on which nobody came gives zeros, not an error."""
    path, _ = make_run(0)
    told = figures.of(path)
    assert told.waits == Distribution()
    assert told.counts["visitors"] == 0
    assert told.half_hours == ()
    assert told.replay is None


def test_a_directory_without_history_is_refused(tmp_path: Path) -> None:
    """What is not the directory of a run is said not to be one, with what makes one."""
    with pytest.raises(NotARunError, match=r"no history\.ndjson.*hallbench day"):
        open_run(tmp_path)


def test_figures_are_json(make_run: Callable[..., Any]) -> None:
    """The JSON form is made of JSON's own types, and leaves the raw waits of a replay out."""
    import json

    told = figures.of(make_run(40, replay=True)[0]).to_json()
    assert json.loads(json.dumps(told, allow_nan=False))["waits"]["n"] == 40
    assert "recorded_ns" not in told["replay"]


def test_who_does_not_come_is_counted_and_who_waits_for_an_appointment_is_not_at_the_kiosk() -> None:
    """Online visitors and missed appointments have counts of their own; the kiosk counts from going there."""
    records = [
        {"src": "hall", "k": "online", "t": 1 * NS, "visitor": 1, "errand": 0},
        {"src": "hall", "k": "missed", "t": 2 * NS, "visitor": 2, "errand": 0},
        {"src": "hall", "k": "arrive", "t": 3 * NS, "visitor": 3, "errand": 0},
        {"src": "hall", "k": "to_kiosk", "t": 100 * NS, "visitor": 3, "agreed": 100 * NS},
        {"src": "hall", "k": "ticket_taken", "t": 106 * NS, "visitor": 3, "ticket": "C001"},
    ]
    found = figures.compute({"start": 0}, records)
    assert {name: found.counts[name] for name in ("visitors", "online", "missed appointments", "tickets")} == {
        "visitors": 1,
        "online": 1,
        "missed appointments": 1,
        "tickets": 1,
    }
    assert found.kiosk.mean == 6.0
    assert "1 visitor, 1 online, 1 missed appointments, 1 ticket" in "\n".join(summary.lines(found))
