"""Ratings of each clerk: both totals are exactly what was pressed and what was stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bench.reports import figures
from bench.reports.clerks import ratings_context, total

Make = Callable[..., Any]
NS = 1_000_000_000
MIN = 60 * NS


def test_totals_are_presses_and_rows(make_run: Make) -> None:
    """The last row counts every counted press and every row, values that are none included."""

    def odd(made: Any) -> None:
        made.rows += [{"clerk": "C01", "value": 9}, {"clerk": None, "value": "five"}, {"clerk": "C02", "value": 5}]

    path, made = make_run(60, spoil=odd)
    found = figures.of(path)
    whole = total(found)
    assert sum(whole.pressed) + whole.other_pressed == made.presses == found.counts["presses"]
    assert whole.stored is not None
    assert sum(whole.stored) + whole.other_stored == len(made.rows)
    told = ratings_context(found)
    assert told["rating_columns"][-1] == "other"
    assert told["ratings_total"]["stored"]["all"] == sum(row["stored"]["all"] for row in told["ratings"])
    assert "differs" in told["ratings_sentence"]


def test_agreement_is_said(make_run: Make) -> None:
    """When all is well the sentence says so, with the number, and there is no column for other values."""
    path, made = make_run(60)
    told = ratings_context(figures.of(path))
    assert told["ratings_sentence"] == (
        f"What was stored for each clerk equals what was pressed: {made.presses} ratings."
    )
    assert told["rating_columns"] == ["1", "2", "3", "4", "5"]
    assert told["ratings_total"]["agrees"]


def test_other_programs_keypads_do_not_count(make_run: Make) -> None:
    """Presses at a keypad that the program does not answer for are in no total, as the judge has it."""

    def foreign(made: Any) -> None:
        facts = {"device": "keypad-99", "value": 1, "clerk": 1, "epoch": 1, "seq": 0}
        made.add(500 * MIN, "dev", "press", facts)

    path, made = make_run(60, spoil=foreign)
    assert sum(total(figures.of(path)).pressed) == made.presses


def test_a_handover_forgets_what_was_fetched(make_run: Make) -> None:
    """What was acknowledged before the program took over is no press of its own; what still waited is."""
    path, made = make_run(60)
    presses = [facts for _, _, _, kind, facts in made.events if kind == "press"]
    fetched = presses[: len(presses) // 2]
    last = max(t for t, *_ in made.events)

    def hand(other: Any) -> None:
        for facts in fetched:
            key = {name: facts[name] for name in ("device", "epoch", "seq")}
            other.add(last + NS, "dev", "ack", {**key, "freed": 1})
        other.add(last + 2 * NS, "run", "handover", {})

    path, _ = make_run(60, spoil=hand)
    assert sum(total(figures.of(path)).pressed) == len(presses) - len(fetched)


def test_without_rows_nothing_is_claimed(make_run: Make) -> None:
    """No records: what was stored is not known, and the table shows what was pressed."""
    path, _ = make_run(30)
    (path / "records.ndjson").unlink()
    told = ratings_context(figures.of(path))
    assert "not known" in told["ratings_sentence"]
    assert json.dumps(told)
