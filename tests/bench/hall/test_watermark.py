"""Watermarks: sequences in which every loss, swap or duplicate shows."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.hall.watermark import VALUES, sequence, window_for, words


def drawn(length: int, seed: int) -> tuple[int, ...]:
    """A sequence shuffled by a seeded source."""
    source = random.Random(seed)
    return sequence(length, lambda values: source.sample(list(values), len(values)))


@settings(deadline=None)
@given(st.integers(1, 700), st.integers(0, 2**32))
def test_every_window_of_a_sequence_is_found_once(length: int, seed: int) -> None:
    """Three values in a row always differ, and no run of `window` values comes twice."""
    values = drawn(length, seed)
    assert len(values) == length
    assert set(values) <= set(VALUES)
    assert all(len(set(values[i : i + 3])) == len(values[i : i + 3]) for i in range(length))
    size = window_for(length)
    runs = [values[i : i + size] for i in range(length - size + 1)]
    assert len(set(runs)) == len(runs)


def test_a_whole_cycle_holds_every_word_once_also_over_its_end() -> None:
    """A cycle has all words of its window, counted over the end into the beginning, for each of the windows in use."""
    for window in range(3, 9):
        length = words(window)
        values = drawn(length, window)
        again = values + values[: window - 1]
        runs = {again[i : i + window] for i in range(length)}
        assert (len(values), len(runs), window_for(length)) == (length, length, window)
        assert all(len(set(run[i : i + 3])) == 3 for run in runs for i in range(window - 2))


@settings(deadline=None, max_examples=60)
@given(st.integers(8, 200), st.integers(0, 2**32), st.data())
def test_every_single_damage_shows(length: int, seed: int, data: st.DataObject) -> None:
    """A lost, doubled, changed or (with either of the next two) swapped value leaves another sequence."""
    values = drawn(length, seed)
    at = data.draw(st.integers(0, length - 3))
    swaps = [
        (*values[:at], values[other], *values[at + 1 : other], values[at], *values[other + 1 :])
        for other in (at + 1, at + 2)
    ]
    damaged = [values[:at] + values[at + 1 :], values[: at + 1] + values[at:], *swaps]
    damaged += [(*values[:at], value, *values[at + 1 :]) for value in VALUES if value != values[at]]
    assert all(other != values for other in damaged)
    assert damaged[0] != values[: length - 1], "a loss is not the same as a sequence that ends early"
    doubled = damaged[1]
    assert doubled[at] == doubled[at + 1], "a value told twice stands beside itself, which the sequence never does"


def test_sequences_of_two_keypads_differ() -> None:
    """Two keypads of one hall have different sequences: a rating put down to the wrong one does not fit in."""
    assert drawn(60, 1) != drawn(60, 2)
    assert drawn(0, 1) == ()
