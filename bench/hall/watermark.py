"""Rating sequences in which every loss, swap or duplicate shows.

Nearly all real ratings are 5, so a record lost or put down to the wrong clerk leaves no trace in the values. With
`ratings = "watermark"` each keypad gets a seeded sequence of the values 1..5 with two properties:

- any three in a row are different, so an event told twice, or two near ones swapped, shows at once;
- every run of `window` values occurs once in the whole (cyclic) sequence, so a run tells its place, and whatever is
  missing between two runs is known.

The sequence is a walk over all words of `window` values (a de Bruijn sequence over the words with the first property):
the words are the edges of a graph in which each node has as many ways in as out, and a walk over all edges exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

VALUES = (1, 2, 3, 4, 5)
APART = 3
"""So many values in a row are all different."""


def words(window: int) -> int:
    """How many words of `window` values there are, which is the length of the cycle: 60, 180, 540 ..."""
    return 20 * int(3 ** (window - 2))


def window_for(length: int) -> int:
    """The shortest window whose cycle is at least `length` long."""
    window = APART
    while words(window) < length:
        window += 1
    return window


def sequence(length: int, shuffle: Callable[[Sequence[int]], Sequence[int]]) -> tuple[int, ...]:
    """The first `length` values of a shuffled cycle.

    Args:
        length: how many values are needed.
        shuffle: gives a random order of a few values; it decides the walk.
    """
    if not length:
        return ()
    window = window_for(length)
    ways = {node: list(shuffle(_next(node))) for node in _nodes(window - 1)}
    start = tuple(shuffle(VALUES))[:2]
    node = next(n for n in ways if n[:2] == start)
    return _walk(ways, node)[:length]


def _nodes(size: int) -> Iterator[tuple[int, ...]]:
    """Words of `size` values of which any three in a row differ."""
    if size <= APART:
        yield from (word for word in product(VALUES, repeat=size) if len(set(word)) == size)
        return
    for word in _nodes(size - 1):
        yield from ((*word, value) for value in _next(word))


def _next(word: tuple[int, ...]) -> list[int]:
    """The values that may follow a word."""
    return [value for value in VALUES if value not in word[-(APART - 1) :]]


def _walk(ways: dict[tuple[int, ...], list[int]], start: tuple[int, ...]) -> tuple[int, ...]:
    """A closed walk over every way once (Hierholzer), as the values that follow each other on it."""
    stack, path = [start], []
    while stack:
        if ways[stack[-1]]:
            stack.append((*stack[-1][1:], ways[stack[-1]].pop()))
        else:
            path.append(stack.pop())
    return tuple(node[-1] for node in reversed(path[:-1]))
