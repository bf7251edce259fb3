"""The alignment is the cheapest there is: compared with all alignments of small cases, enumerated one by one."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.judge import alignment
from bench.judge.alignment import COST, Alignment, Claimed, Pressed, align

BOUND = 60_000


def lag_cost(lag: int) -> int:
    """The rule as it is documented: at most 1000 within the bound, then 100 a second, at most `lag`."""
    return lag * 1000 // BOUND if lag <= BOUND else min(COST.lag, 1000 + (lag - BOUND) // 10)


def lag(press: Pressed, row: Claimed) -> int:
    return 0 if row.at is None else min(abs(row.at - press.t), abs(row.at - press.clock))


def alike(press: Pressed, row: Claimed) -> bool:
    return press.value == row.value and row.clerk in (None, press.clerk) and row.ticket in (None, press.ticket)


def pair(press: Pressed, row: Claimed) -> int:
    cost = lag_cost(lag(press, row))
    cost += COST.value * (press.value != row.value)
    cost += COST.clerk * (row.clerk not in (None, press.clerk))
    return cost + COST.ticket * (row.ticket not in (None, press.ticket))


def copy_lag(press: Pressed, row: Claimed) -> int | None:
    """Lag cost at which a row is a copy of a press; None if it is none."""
    cost = lag_cost(lag(press, row))
    return cost if alike(press, row) and COST.copy + cost < COST.phantom else None


class Fate(NamedTuple):
    lost: frozenset[int]
    copies: int
    phantoms: int
    wrong: int


def all_pairings(n: int, rows: list[int], first: int = 0) -> Iterator[dict[int, int]]:
    """Every way to pair presses first..n with rows, in order, without crossing."""
    if first == n:
        yield {}
        return
    yield from all_pairings(n, rows, first + 1)
    for place, row in enumerate(rows):
        for rest in all_pairings(n, rows[place + 1 :], first + 1):
            yield {first: row, **rest}


def in_time(rows: list[Claimed]) -> list[int]:
    instants: list[float] = []
    for row in rows:
        instants.append(row.at if row.at is not None else (instants[-1] if instants else -1e30))
    return sorted(range(len(rows)), key=lambda place: (instants[place], place))


def best(presses: list[Pressed], rows: list[Claimed], others: list[Pressed]) -> tuple[int, list[dict[int, int]]]:
    everyone = presses + others
    cheapest, found = 1 << 60, []
    for pairing in all_pairings(len(presses), in_time(rows)):
        cost = COST.lost * (len(presses) - len(pairing))
        cost += sum(pair(presses[press], rows[row]) for press, row in pairing.items())
        for row in set(range(len(rows))) - set(pairing.values()):
            near = [lag for press in everyone if (lag := copy_lag(press, rows[row])) is not None]
            cost += min(COST.phantom, COST.copy + min(near, default=COST.phantom))
        if cost <= cheapest:
            found = [*found, pairing] if cost == cheapest else [pairing]
            cheapest = cost
    return cheapest, found


def fate(pairing: dict[int, int], presses: list[Pressed], rows: list[Claimed], others: list[Pressed]) -> Fate:
    """What a pairing means: a left-over row that looks like a lost press is that press's row after all."""
    pairs = dict(pairing)
    copies = phantoms = 0
    for row in in_time(rows):
        if row in pairing.values():
            continue
        near = sorted(
            (cost, place)
            for place, press in enumerate(presses + others)
            if (cost := copy_lag(press, rows[row])) is not None
        )
        missing = [place for _, place in near if place < len(presses) and place not in pairs]
        if missing:
            pairs[missing[0]] = row
        elif near:
            copies += 1
        else:
            phantoms += 1
    wrong = sum(not alike(presses[press], rows[row]) for press, row in pairs.items())
    return Fate(frozenset(range(len(presses))) - frozenset(pairs), copies, phantoms, wrong)


def fate_of(found: Alignment, presses: list[Pressed], rows: list[Claimed]) -> Fate:
    wrong = sum(not alike(presses[press], rows[row]) for press, row in found.pairs)
    return Fate(frozenset(found.lost), len(found.copies), len(found.phantoms), wrong)


INSTANTS = st.integers(0, 40).map(lambda n: n * 7_000) | st.integers(0, 3_000_000)
PRESSES = st.builds(
    lambda t, drift, value, clerk, ticket: Pressed(t, t + drift, value, clerk, ticket),
    INSTANTS,
    st.sampled_from([0, 0, 0, 500_000]),
    st.integers(1, 2),
    st.integers(1, 2),
    st.integers(0, 1),
)
ROWS = st.lists(
    st.builds(
        Claimed,
        st.none() | INSTANTS,
        st.sampled_from([1, 1, 2, 2, -1]),
        st.none() | st.integers(1, 2),
        st.none() | st.integers(0, 1),
    ),
    max_size=6,
)


def sorted_presses(most: int) -> st.SearchStrategy[list[Pressed]]:
    return st.lists(PRESSES, max_size=most).map(lambda presses: sorted(presses, key=lambda press: press.t))


@given(sorted_presses(5), ROWS, sorted_presses(2))
@settings(max_examples=300, deadline=None)
def test_no_alignment_is_cheaper(presses: list[Pressed], rows: list[Claimed], others: list[Pressed]) -> None:
    """The cost is the least of all alignments, and what it says of presses and rows is what one of the cheapest says.

    Another cheapest one with other totals makes it uncertain, and any press whose fate they disagree on makes some
    press ambiguous.
    """
    found = align(presses, rows, BOUND, others=others)
    cost, pairings = best(presses, rows, others)
    assert found.cost == cost
    fates = [fate(pairing, presses, rows, others) for pairing in pairings]
    assert fate_of(found, presses, rows) in fates
    totals = {(len(f.lost), f.copies, f.phantoms, f.wrong) for f in fates}
    assert found.uncertain == (len(totals) > 1)
    disputed = frozenset.union(*(f.lost for f in fates)) - frozenset.intersection(*(f.lost for f in fates))
    assert found.ambiguous <= disputed
    assert bool(found.ambiguous) == bool(disputed)


@given(sorted_presses(5), ROWS, sorted_presses(2))
@settings(max_examples=200, deadline=None)
def test_everything_is_accounted_for_once(presses: list[Pressed], rows: list[Claimed], others: list[Pressed]) -> None:
    """Each press is paired or lost, each row is paired, a copy or a phantom; nothing twice."""
    found = align(presses, rows, BOUND, others=others)
    assert sorted([press for press, _ in found.pairs] + list(found.lost)) == list(range(len(presses)))
    rows_told = [row for _, row in found.pairs] + [row for row, _ in found.copies] + list(found.phantoms)
    assert sorted(rows_told) == list(range(len(rows)))
    assert found == align(presses, rows, BOUND, others=others)


def stream(seed: int, n: int, gap: int) -> list[Pressed]:
    draw = random.Random(seed)
    t, presses = 27_000_000, []
    for _ in range(n):
        t += 1000 + int(draw.expovariate(1 / gap))
        presses.append(Pressed(t, t, draw.choice([5, 5, 5, 5, 4, 3]), 1, 0))
    return presses


def told(presses: list[Pressed], seed: int, lost: float = 0, copied: float = 0, late: int = 1000) -> list[Claimed]:
    draw = random.Random(seed)
    return [
        Claimed((press.t + draw.randrange(late)) // 1000 * 1000, press.value, 1, None)
        for press in presses
        for _ in range((draw.random() >= lost) + (draw.random() < copied))
    ]


@pytest.mark.parametrize("seed", range(6))
def test_the_band_finds_what_the_whole_table_finds(seed: int) -> None:
    """Searching in a growing band costs nothing in quality: the cost is that of the search over all cells."""
    presses = stream(seed, 120, [5_000, 60_000][seed % 2])
    rows = told(presses, seed + 1, lost=0.1 * seed, copied=0.1 * (5 - seed), late=20_000)
    found = align(presses, rows, BOUND)
    order = in_time(rows)
    skip = [
        min(
            COST.phantom,
            COST.copy
            + min((lag for press in presses if (lag := copy_lag(press, rows[row])) is not None), default=COST.phantom),
        )
        for row in order
    ]
    search = alignment._Search(presses, [rows[row] for row in order], skip, BOUND)
    search.low, search.high = -len(presses), len(rows)
    assert found.cost == search._fill()
    assert not found.uncertain or found.ambiguous


def test_a_correct_collector_without_keys() -> None:
    """Rows truncated to whole seconds, in order: every press has its row, nothing is in doubt."""
    presses = stream(1, 500, 30_000)
    rows = [Claimed(press.t // 1000 * 1000, press.value, 1, None) for press in presses]
    found = align(presses, rows, BOUND)
    assert found.pairs == tuple((n, n) for n in range(500))
    assert (found.lost, found.copies, found.phantoms, found.doubtful) == ((), (), (), ())


def test_which_press_was_lost_is_told_by_time() -> None:
    """Of three equal presses minutes apart the one without a row near by is the lost one, and nothing is ambiguous."""
    presses = [Pressed(t, t, 5, 1, 0) for t in (0, 300_000, 600_000)]
    found = align(presses, [Claimed(1_000, 5, 1, None), Claimed(601_000, 5, 1, None)], BOUND)
    assert (found.lost, found.ambiguous) == ((1,), frozenset())


def test_equal_presses_without_time_are_ambiguous() -> None:
    """Without instants nobody can tell which of three equal presses was lost: one is, and all three may be."""
    presses = [Pressed(t, t, 5, 1, 0) for t in (0, 300_000, 600_000)]
    found = align(presses, [Claimed(None, 5, 1, None)] * 2, BOUND)
    assert len(found.lost) == 1
    assert len(found.ambiguous) > 1
    assert not found.uncertain


def test_swapped_rows_are_pairs() -> None:
    """Two rows whose instants were swapped within a second are both rows of their presses, not a loss and a copy."""
    presses = [Pressed(1_200, 1_200, 5, 1, 0), Pressed(1_900, 1_900, 4, 1, 0)]
    found = align(presses, [Claimed(1_000, 4, 1, None), Claimed(1_000, 5, 1, None)], BOUND)
    assert found.pairs == ((0, 1), (1, 0))


def test_a_copy_is_told_from_a_phantom_by_its_time() -> None:
    """A second row near its press is a copy; an equal row hours later is one that nobody pressed."""
    presses = [Pressed(0, 0, 5, 1, 0)]
    found = align(presses, [Claimed(0, 5, 1, None), Claimed(9_000, 5, 1, None), Claimed(9_999_000, 5, 1, None)], BOUND)
    assert (found.copies, found.phantoms) == (((1, 0),), (2,))


def test_a_loss_and_a_copy_that_cancel_are_doubtful() -> None:
    """A row much nearer to another equal press than to the one it must be could hide a loss and a copy: it is told."""
    presses = [Pressed(0, 0, 5, 1, 0), Pressed(40_000, 40_000, 5, 1, 0)]
    found = align(presses, [Claimed(40_000, 5, 1, None), Claimed(41_000, 5, 1, None)], BOUND)
    assert found.lost == ()
    assert found.doubtful == ((0, 0),)


def test_the_devices_own_clock_counts() -> None:
    """A row with the device's wrong time is as good as one with the right time."""
    presses = [Pressed(t, t + 7_200_000, 5, 1, 0) for t in (0, 300_000)]
    found = align(presses, [Claimed(7_200_000, 5, 1, None), Claimed(7_500_000, 5, 1, None)], BOUND)
    assert (len(found.pairs), found.cost) == (2, 0)


@pytest.mark.parametrize(
    ("lost", "copied", "seconds"), [(0, 0, 3), (0.02, 0, 6), (0.01, 0.01, 10)], ids=["clean", "lossy", "both"]
)
def test_five_thousand_presses_are_no_trouble(lost: float, copied: float, seconds: float) -> None:
    """A day's worth of 5,000 presses on one keypad is aligned in seconds, also when some were lost and copied."""
    presses = stream(3, 5000, 5_000)
    rows = told(presses, 4, lost, copied, late=1)
    began = time.process_time()
    found = align(presses, rows, BOUND)
    assert time.process_time() - began < seconds
    assert len(found.pairs) + len(found.lost) == 5000
    assert len(found.lost) >= 5000 - len(rows)


def test_a_search_that_is_cut_off_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the band may not grow far enough to prove the result, the alignment is uncertain and still complete."""
    monkeypatch.setattr(alignment, "CELLS", 1000)
    presses = stream(5, 200, 5_000)
    rows = [Claimed(None, 1, 2, None)] * 200
    found = align(presses, rows, BOUND)
    assert found.uncertain
    assert len(found.pairs) + len(found.lost) == 200
