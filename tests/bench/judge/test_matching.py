"""The fast judge counts what a slow one counts that tries every way to give rows to presses."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.judge.alignment import COST
from bench.judge.claims import understand
from bench.judge.matching import Matching, match
from bench.judge.records import Row, Rows
from bench.judge.truth import Event, Truth, gather

Counts = tuple[int, int, int, int]
KEYPADS = ("keypad-1", "keypad-2")
SECOND = 1_000_000_000


def events(truth: Truth) -> list[Event]:
    return truth.events


def found(kit: Any, presses: list[Any], rows: list[Row]) -> tuple[Truth, Matching]:
    truth = gather(kit.history([*presses, kit.end()]))
    return truth, match(truth, understand(Rows.of(rows), truth))


def counts(matching: Matching) -> Counts:
    wrong = sum(bool(item.wrong) for item in matching.matches)
    return len(matching.lost), len(matching.copies), len(matching.strays), wrong


@st.composite
def presses_of(draw: st.DrawFn) -> list[tuple[str, int, int, int, int]]:
    """Up to six presses on two keypads: (keypad, second, value, clerk, ticket); one a second, so order is time."""
    some = st.tuples(
        st.sampled_from(KEYPADS), st.integers(0, 9), st.integers(1, 2), st.integers(0, 2), st.integers(0, 1)
    )
    raw = draw(st.lists(some, max_size=6))
    return [(name, 30_000 + 40 * n + t, value, clerk, ticket) for n, (name, t, value, clerk, ticket) in enumerate(raw)]


def make(kit: Any, raw: list[tuple[str, int, int, int, int]]) -> list[Any]:
    """Presses with sequence numbers by keypad, as the devices give them."""
    seqs = {name: itertools.count() for name in KEYPADS}
    return [
        kit.press(t, next(seqs[name]), value, device=name, clerk=clerk, ticket=ticket)
        for name, t, value, clerk, ticket in raw
    ]


# -- rows with keys -------------------------------------------------------------------------------------------------
KEYED = st.lists(
    st.builds(
        lambda name, value, clerk, ticket, seq: Row(0, name, clerk, ticket, value, None, 1, seq),
        st.sampled_from(KEYPADS),
        st.integers(1, 2),
        st.integers(0, 2),
        st.integers(0, 1),
        st.integers(0, 3),
    ),
    max_size=4,
)
"""Rows made at random; those of the presses are added to them."""


@st.composite
def keyed_case(draw: st.DrawFn) -> tuple[list[tuple[str, int, int, int, int]], list[tuple[int, str]], list[Row]]:
    raw = draw(presses_of())
    # rows of presses: some missing, some twice, some under the other keypad, some with a wrong clerk
    kinds = st.sampled_from(["right", "right", "other", "clerk"])
    told = draw(st.lists(st.tuples(st.integers(0, 5), kinds), max_size=7)) if raw else []
    return raw, [(n % len(raw), kind) for n, kind in told], draw(KEYED)


def differences(event: Event, row: Row) -> int:
    return (event.value != row.value) + (event.clerk != row.clerk) + (event.ticket != (row.ticket or 0))


def brute_keyed(all_events: list[Event], rows: list[Row]) -> set[Counts]:
    """Counts of all cheapest assignments: a row is its press's, another keypad's, a copy, or nobody's.

    A row that says exactly what its own key's press was belongs to that press, whatever else it looks like; a press
    whose key some row names is no other row's, and is not copied before it is told.
    """

    named = {(row.device, row.seq) for row in rows}

    def options(row: Row) -> Iterator[tuple[str, Event | None, int]]:
        own = [event for event in all_events if (event.device, event.seq) == (row.device, row.seq)]
        for event in own:
            yield "match", event, 30 * differences(event, row)
            yield "copy", event, 50
        if not own:
            yield "phantom", None, 100
        if not any(differences(event, row) == 0 for event in own) and row.clerk:
            for event in all_events:
                if (event.device, event.seq) not in named and event.seq == row.seq and not differences(event, row):
                    yield "elsewhere", event, 20

    best: tuple[int, set[Counts]] = (1 << 30, set())
    for choice in itertools.product(*(list(options(row)) for row in rows)):
        taken = [event.n for kind, event, _ in choice if kind in ("match", "elsewhere")]
        owned = {event.n for kind, event, _ in choice if kind == "match"}
        if len(set(taken)) < len(taken) or {event.n for kind, event, _ in choice if kind == "copy"} - owned:
            continue
        lost = len(all_events) - len(taken)
        cost = 100 * lost + sum(cost for *_, cost in choice)
        kinds = [kind for kind, *_ in choice]
        wrong = kinds.count("elsewhere") + sum(kind == "match" and cost > 0 for kind, _, cost in choice)
        result = (lost, kinds.count("copy"), kinds.count("phantom"), wrong)
        if cost < best[0]:
            best = (cost, {result})
        elif cost == best[0]:
            best[1].add(result)
    return best[1]


@given(keyed_case())
@settings(max_examples=150, deadline=None)
def test_rows_with_keys_are_counted_as_the_cheapest_assignment_counts_them(kit: Any, case: Any) -> None:
    """Loss, duplicates, phantoms and misattributions are those of the cheapest way to give rows to presses."""
    raw, told, strays = case
    presses = make(kit, raw)
    other = dict(zip(KEYPADS, reversed(KEYPADS), strict=True))
    rows = []
    for n, kind in told:
        row = kit.row(presses[n])
        if kind == "other":
            row = row._replace(device=other[row.device])
        if kind == "clerk":
            row = row._replace(clerk=(row.clerk + 1) % 3)
        rows.append(row)
    rows = [
        row._replace(n=n, at=None, ticket=row.ticket or 0)  # a column without any value would not be compared
        for n, row in enumerate((rows + strays)[:6], 1)
    ]
    truth, matching = found(kit, presses, rows)
    assert counts(matching) in brute_keyed(events(truth), rows)


# -- rows without keys ----------------------------------------------------------------------------------------------
def lag_cost(ms: int) -> int:
    return ms * 1000 // 60_000 if ms <= 60_000 else min(COST.lag, 1000 + (ms - 60_000) // 10)


def lag(kit: Any, event: Event, row: Row) -> int:
    return abs(event.t // 1_000_000 - (row.at - kit.EPOCH_S) * 1000)


def near(kit: Any, event: Event, row: Row) -> int | None:
    """Lag cost at which a row may be a copy of a press; None if it is none."""
    cost = lag_cost(lag(kit, event, row))
    return cost if not differences(event, row) and COST.copy + cost < COST.phantom else None


def wrongs(event: Event, row: Row) -> int:
    cost = COST.value * (event.value != row.value) + COST.clerk * (event.clerk != row.clerk)
    return cost + COST.ticket * (event.ticket != (row.ticket or 0))


def pairings(n: int, rows: list[int], first: int = 0) -> Iterator[dict[int, int]]:
    if first == n:
        yield {}
        return
    yield from pairings(n, rows, first + 1)
    for place, row in enumerate(rows):
        for rest in pairings(n, rows[place + 1 :], first + 1):
            yield {first: row, **rest}


def cheapest(kit: Any, mine: list[Event], rows: list[Row]) -> list[dict[int, int]]:
    """All cheapest order-preserving pairings of one keypad."""
    order = sorted(range(len(rows)), key=lambda place: (rows[place].at, place))
    best, chosen = 1 << 60, []
    for pairing in pairings(len(mine), order):
        cost = COST.lost * (len(mine) - len(pairing))
        for e, r in pairing.items():
            cost += wrongs(mine[e], rows[r]) + lag_cost(lag(kit, mine[e], rows[r]))
        for r in set(order) - set(pairing.values()):
            lags = [c for event in mine if (c := near(kit, event, rows[r])) is not None]
            cost += min(COST.phantom, COST.copy + min(lags, default=COST.phantom))
        if cost <= best:
            chosen = [*chosen, pairing] if cost == best else [pairing]
            best = cost
    return chosen


def settled(
    kit: Any, mine: list[Event], rows: list[Row], pairing: dict[int, int]
) -> tuple[list[Event], int, list[Row], int]:
    """Lost presses, copies, phantoms and wrong pairs of one keypad's pairing."""
    pairs = dict(pairing)
    copies, phantoms = 0, []
    for r in sorted(range(len(rows)), key=lambda place: (rows[place].at, place)):
        if r in pairing.values():
            continue
        like = sorted((c, e) for e, event in enumerate(mine) if (c := near(kit, event, rows[r])) is not None)
        missing = [e for _, e in like if e not in pairs]
        if missing:
            pairs[missing[0]] = r
        elif like:
            copies += 1
        else:
            phantoms.append(rows[r])
    lost = [event for e, event in enumerate(mine) if e not in pairs]
    return lost, copies, phantoms, sum(differences(mine[e], rows[r]) > 0 for e, r in pairs.items())


def brute_plain(kit: Any, all_events: list[Event], rows: list[Row]) -> set[Counts]:
    """Counts of all cheapest alignments of both keypads, after rows under the wrong keypad were given back."""
    each = []
    for name in KEYPADS:
        mine = [event for event in all_events if event.device == name]
        told = [row for row in rows if row.device == name]
        each.append([settled(kit, mine, told, pairing) for pairing in cheapest(kit, mine, told)])
    results: set[Counts] = set()
    for one, two in itertools.product(*each):
        lost = sorted(one[0] + two[0], key=lambda event: event.n)
        phantoms = sorted(one[2] + two[2], key=lambda row: row.n)
        elsewhere = 0
        for event in list(lost):
            fit = [
                (lag(kit, event, row), row.n, row)
                for row in phantoms
                if row.clerk and row.device != event.device and not differences(event, row)
                if lag(kit, event, row) <= 60_000
            ]
            if fit:
                phantoms.remove(min(fit)[2])
                lost.remove(event)
                elsewhere += 1
        results.add((len(lost), one[1] + two[1], len(phantoms), one[3] + two[3] + elsewhere))
    return results


@given(presses_of(), st.data())
@settings(max_examples=150, deadline=None)
def test_rows_without_keys_are_counted_as_the_cheapest_alignment_counts_them(
    kit: Any, raw: Any, data: st.DataObject
) -> None:
    """Without keys the counts are those of a cheapest alignment of each keypad's rows, found by trying all."""
    presses = make(kit, raw)
    rows = []
    for _ in range(data.draw(st.integers(0, 7), label="rows")):
        if presses and data.draw(st.booleans(), label="of a press"):
            row = kit.row(data.draw(st.sampled_from(presses)), at=None)
            row = row._replace(at=kit.EPOCH_S + 30_000 + data.draw(st.integers(0, 300)))
            row = row._replace(device=data.draw(st.sampled_from([row.device, row.device, *KEYPADS])))
        else:
            at = kit.EPOCH_S + 30_000 + data.draw(st.integers(-2000, 2000))
            row = Row(0, data.draw(st.sampled_from(KEYPADS)), data.draw(st.integers(0, 2)), None, 1, at)
        rows.append(row)
    rows = [row._replace(n=n, ticket=row.ticket or 0) for n, row in enumerate(kit.unkeyed(rows), 1)]
    truth, matching = found(kit, presses, rows)
    assert counts(matching) in brute_plain(kit, events(truth), rows)


@given(keyed_case())
@settings(max_examples=80, deadline=None)
def test_everything_is_accounted_for_once(kit: Any, case: Any) -> None:
    """Each press is matched or lost and each row matched, a copy or a phantom: none twice, none forgotten."""
    raw, told, strays = case
    presses = make(kit, raw)
    rows = [kit.row(presses[n]) for n, _ in told] + strays
    keyless = [row._replace(epoch=None) if n % 3 == 0 else row for n, row in enumerate(rows)]
    truth, matching = found(kit, presses, keyless)
    seen = [item.event.n for item in matching.matches] + [event.n for event in matching.lost]
    assert sorted(seen) == [event.n for event in truth.events]
    numbers = [item.claim.n for item in (*matching.matches, *matching.copies, *matching.strays)]
    assert sorted(numbers) == list(range(1, len(rows) + 1))


def test_a_row_under_the_wrong_keypad(kit: Any) -> None:
    """A row with everything of another keypad's press but the device is that press, credited wrongly, and no more."""
    presses = [kit.press(30_000, 3, 4), kit.press(30_500, 9, 4, device="keypad-2")]
    rows = [kit.row(presses[0], device="keypad-2"), kit.row(presses[1])]
    for told in (rows, kit.unkeyed(rows)):
        _, matching = found(kit, presses, told)
        assert counts(matching) == (0, 0, 0, 1)
        assert matching.matches[0].wrong == ("device",)


def test_rows_with_and_without_key_together(kit: Any) -> None:
    """Rows that lost their key are matched by contents among the presses that no key claimed."""
    presses = [kit.press(30_000 + 60 * n, n, 1 + n % 5) for n in range(10)]
    rows = kit.rows(presses)
    rows[4] = rows[4]._replace(epoch=None)
    rows.append(rows[7]._replace(seq=None))
    _, matching = found(kit, presses, rows)
    assert counts(matching) == (0, 1, 0, 0)


def test_two_epochs_with_the_same_numbers(kit: Any) -> None:
    """After a reboot sequence numbers start again; a row of one epoch is no duplicate of the other's."""
    presses = [kit.press(30_000 + n, n % 5, epoch=1 + n // 5) for n in range(10)]
    _, matching = found(kit, presses, kit.rows(presses))
    assert counts(matching) == (0, 0, 0, 0)
    _, matching = found(kit, presses, kit.rows(presses[:5]))
    assert [event.epoch for event in matching.lost] == [2] * 5


def test_a_hint_says_what_a_phantom_looks_like(kit: Any) -> None:
    """A phantom's story says how its key fails: an epoch or number that never was, or a press that has its row."""
    presses = [kit.press(30_000, 3), kit.press(30_100, 4)]
    strays = [
        kit.row(presses[0], seq=90),
        kit.row(presses[0], epoch=7),
        kit.row(presses[0], device="keypad-2"),
    ]
    _, matching = found(kit, presses, kit.rows(presses) + strays)
    assert [stray.hint for stray in matching.strays] == [
        "in epoch 1 keypad-1 numbered its presses 3 to 4, none was 90",
        "keypad-1 made no press in epoch 7",
        "the press of keypad-1 with that epoch and seq looks the same, but has its row",
    ]
