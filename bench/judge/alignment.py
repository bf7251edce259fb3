"""Which row is which press, when rows carry no key: a minimum-cost alignment, the same every time, doubts told.

One keypad's presses in the order of pressing stand against its rows in the order of their instants. Presses and rows
are paired without crossing; what is left over is a lost press, a copy (a second row like a press that is near in time)
or a phantom. `COST` weighs it: a pair costs what differs in it and how late it is. A row that says all rightly is its
press's however late it is; one that says something wrongly is so only within some minutes, else a lost press and a
phantom are the better story. The lateness that is allowed costs next to nothing, it only breaks ties between equals.

Two alignments that cost the same are a tie: the presses whose fate differs between them are reported as ambiguous
(conformance.md 4.3), and if the totals differ as well, `uncertain` says so. A loss and a copy of an equal press near by
may cancel; a pair that could hide such a thing is reported as doubtful. Instants are in ms here: rows tell no more.

The search is a dynamic programme over a band around the diagonal; the band grows until no path outside it can be as
cheap, which for a collector that lost little is a small multiple of n + m cells.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple, TypeAlias

__all__ = ["COST", "Alignment", "Claimed", "Costs", "Pressed", "align", "lag_cost", "same"]


class Costs(NamedTuple):
    """Weights of an alignment.

    Args:
        lost: a press without a row.
        phantom: a row without a press.
        copy: a row that repeats a press, to which its lag is added.
        value, clerk, ticket: a pair that differs in this.
        lag: most that time can cost.
    """

    lost: int = 100_000
    phantom: int = 100_000
    copy: int = 50_000
    value: int = 130_000
    clerk: int = 90_000
    ticket: int = 80_000
    lag: int = 125_000


COST: Final = Costs()

CELLS: Final = 8_000_000
"""Largest number of cells that are searched for one keypad; beyond, the best alignment within the band counts."""

_FAR = 1 << 60
_SILENT = -2  # the rows do not tell this
_DOUBT = 2000  # ms: a row this near to its press is not doubted
_PATHS, _STEPS = 500, 200_000  # how many alignments of the same cost are looked at, and how long in all

# how a cell was reached: bits of its two states, "after a pair or a skipped row" (A) and "after a lost press" (B)
_PAIR_A, _PAIR_B, _ROW, _LOST_A, _LOST_B = 1, 2, 4, 8, 16


class Pressed(NamedTuple):
    """A press, as far as its row could tell it.

    Args:
        t: instant, ms.
        clock: the same by the device's own clock, ms.
        value, clerk, ticket: as pressed.
    """

    t: int
    clock: int
    value: int
    clerk: int
    ticket: int


class Claimed(NamedTuple):
    """A row, as far as it can be compared with a press.

    Args:
        at: instant of the press as stored, ms; None if unknown.
        value: key; -1 for one that cannot be.
        clerk, ticket: codes; None if the row does not tell them.
    """

    at: int | None
    value: int
    clerk: int | None
    ticket: int | None


class Alignment(NamedTuple):
    """Result of `align`; numbers are places in the two sequences given.

    Args:
        pairs: (press, row), in the order of presses.
        copies: (row, press that it repeats).
        phantoms: rows.
        lost: presses.
        ambiguous: presses whose fate differs in another alignment of the same cost.
        doubtful: (press, row) pairs that could as well be a lost press and a copy: the row's instant is much nearer
            to another press that looks the same.
        uncertain: another alignment of the same cost has other totals, or the search was cut off.
        cost: of this alignment.
    """

    pairs: tuple[tuple[int, int], ...]
    copies: tuple[tuple[int, int], ...]
    phantoms: tuple[int, ...]
    lost: tuple[int, ...]
    ambiguous: frozenset[int]
    doubtful: tuple[tuple[int, int], ...]
    uncertain: bool
    cost: int


def lag_cost(lag: int, bound: int) -> int:
    """What it costs that a row's instant is not its press's.

    Args:
        lag: distance of the two, ms.
        bound: lateness allowed, ms; up to it a lag costs at most 1000, beyond it 100 for each second more.
    """
    if lag <= bound:
        return lag * 1000 // bound
    return min(COST.lag, 1000 + (lag - bound) // 10)


def same(press: Pressed, row: Claimed) -> bool:
    """Whether a row says of a press what it was, apart from its instant."""
    return (
        row.value == press.value
        and (row.clerk is None or row.clerk == press.clerk)
        and (row.ticket is None or row.ticket == press.ticket)
    )


def align(
    presses: Sequence[Pressed], rows: Sequence[Claimed], bound: int, *, others: Sequence[Pressed] = ()
) -> Alignment:
    """Find out which row is which press of one keypad.

    Args:
        presses: in the order of pressing.
        rows: in the order of storing; they are aligned in the order of their instants.
        bound: lateness that is allowed, ns.
        others: presses that have their row already, which a row may be a copy of.

    Returns:
        The alignment of least cost; among equals always the same one.
    """
    order = _in_time(rows)
    ordered = [rows[place] for place in order]
    likeness = _Likeness(presses, others, bound)
    skip = [min(COST.phantom, COST.copy + likeness.nearest(row)) for row in ordered]
    search = _Search(presses, ordered, skip, bound)
    cost, exact = search.run()
    paths = search.paths(max(8, min(_PATHS, _STEPS // (len(presses) + len(rows) + 1))))
    chosen = likeness.settle(next(paths), ordered)
    ambiguous: set[int] = set()
    uncertain = not exact
    for path in paths:
        other = likeness.settle(path, ordered)
        ambiguous |= chosen.lost ^ other.lost
        uncertain = uncertain or chosen.totals != other.totals
    return Alignment(
        tuple(sorted((press, order[row]) for press, row in chosen.pairs)),
        tuple(sorted((order[row], press) for row, press in chosen.copies)),
        tuple(sorted(order[row] for row in chosen.phantoms)),
        tuple(sorted(chosen.lost)),
        frozenset(ambiguous),
        tuple(sorted((press, order[row]) for press, row in chosen.pairs if likeness.doubts(press, ordered[row]))),
        uncertain,
        cost,
    )


def _in_time(rows: Sequence[Claimed]) -> list[int]:
    """Places of the rows in the order of their instants; one without an instant goes with the row before it."""
    keys: list[tuple[int, int]] = []
    before = -_FAR
    for place, row in enumerate(rows):
        before = before if row.at is None else row.at
        keys.append((before, place))
    return [place for _, place in sorted(keys)]


class _Settled(NamedTuple):
    """A path's meaning: the same numbers as an `Alignment`, rows by their place in time."""

    pairs: list[tuple[int, int]]
    copies: list[tuple[int, int]]
    phantoms: list[int]
    lost: set[int]
    totals: tuple[int, int, int, int]


class _Likeness:
    """Finds the presses that a row looks like, nearest in time first."""

    def __init__(self, presses: Sequence[Pressed], others: Sequence[Pressed], bound: int) -> None:
        self.presses = presses
        self.bound = bound
        self.all = [*presses, *others]
        self.of_value: dict[int, list[tuple[int, int]]] = {}
        for place, press in enumerate(self.all):
            for t in {press.t, press.clock}:
                self.of_value.setdefault(press.value, []).append((t, place))
        for near in self.of_value.values():
            near.sort()

    def alike(self, row: Claimed) -> list[tuple[int, int]]:
        """(lag cost, press) of the presses that the row says the same of and could be a copy of, cheapest first."""
        near = self.of_value.get(row.value, [])
        if row.at is None:
            return [(0, place) for _, place in near if same(self.all[place], row)]
        found: dict[int, int] = {}
        at = bisect_left(near, (row.at, -1))
        for places in (range(at, len(near)), range(at - 1, -1, -1)):
            for index in places:
                t, place = near[index]
                cost = lag_cost(abs(row.at - t), self.bound)
                if COST.copy + cost >= COST.phantom:
                    break
                if same(self.all[place], row):
                    found[place] = min(cost, found.get(place, cost))
        return sorted((cost, place) for place, cost in found.items())

    def nearest(self, row: Claimed) -> int:
        """Lag cost of the nearest press that the row looks like; very large if there is none."""
        near = self.of_value.get(row.value, [])
        if row.at is None:
            return 0 if any(same(self.all[place], row) for _, place in near) else _FAR
        best = _FAR
        at = bisect_left(near, (row.at, -1))
        for places in (range(at, len(near)), range(at - 1, -1, -1)):
            for index in places:
                t, place = near[index]
                cost = lag_cost(abs(row.at - t), self.bound)
                if cost >= best or COST.copy + cost >= COST.phantom:
                    break
                if same(self.all[place], row):
                    best = cost
                    break
        return best

    def doubts(self, place: int, row: Claimed) -> bool:
        """Whether a pair could as well be a lost press and a copy of another."""
        press = self.all[place]
        if row.at is None:
            return False
        lag = min(abs(row.at - press.t), abs(row.at - press.clock))
        if lag <= _DOUBT:
            return False
        near = self.of_value.get(row.value, [])
        begin, end = bisect_left(near, (row.at - lag // 4, -1)), bisect_left(near, (row.at + lag // 4 + 1, -1))
        return any(other != place and same(self.all[other], row) for _, other in near[begin:end])

    def settle(self, steps: Sequence[tuple[int, int]], rows: Sequence[Claimed]) -> _Settled:
        """Say what became of each press and row.

        A left-over row that looks like a lost press is that press's row after all, told out of order: without this
        two rows that were swapped would count as one loss and one copy.
        """
        paired_row = {row for _, row in steps}
        lost = set(range(len(self.presses))) - {press for press, _ in steps}
        pairs = list(steps)
        copies: list[tuple[int, int]] = []
        phantoms: list[int] = []
        for row in range(len(rows)):
            if row in paired_row:
                continue
            alike = self.alike(rows[row])
            missing = next((place for _, place in alike if place in lost), None)
            if missing is not None:
                lost.discard(missing)
                pairs.append((missing, row))
            elif alike:
                copies.append((row, alike[0][1]))
            else:
                phantoms.append(row)
        wrong = sum(not same(self.presses[press], rows[row]) for press, row in pairs)
        return _Settled(pairs, copies, phantoms, lost, (len(lost), len(copies), len(phantoms), wrong))


class _Search:
    """The dynamic programme. Cell (i, j): the first i presses and j rows are dealt with.

    Between two pairs, left-over rows come before lost presses, so each alignment is exactly one path, and two paths of
    equal cost are two alignments.
    """

    def __init__(self, presses: Sequence[Pressed], rows: Sequence[Claimed], skip: Sequence[int], bound: int) -> None:
        self.presses = presses
        self.rows = rows
        self.skip = skip
        self.bound = bound
        self.low = self.high = 0
        self.marks: list[bytearray] = []
        self.last = 0  # the best states of the last cell: bit 0 for A, bit 1 for B

    def run(self) -> tuple[int, bool]:
        """Search; returns the least cost, and whether it is proved to be the least."""
        n, m = len(self.presses), len(self.rows)
        floor = self._floor()
        width = 8
        while True:
            self.low, self.high = max(min(0, m - n) - width, -n), min(max(0, m - n) + width, m)
            cost = self._fill()
            exact = cost < min(_outside(self.high + 1, n, m, floor), _outside(self.low - 1, n, m, floor))
            if exact or 2 * (n + 1) * (self.high - self.low + 1) > CELLS:
                return cost, exact
            width *= 2

    def _floor(self) -> list[int]:
        """What no path with g left-over rows can avoid, apart from its lost presses, for each g."""
        contents = {(press.value, press.clerk) for press in self.presses}
        instants = sorted({t for press in self.presses for t in (press.t, press.clock)})
        total, more = 0, []
        for row, skip in zip(self.rows, self.skip, strict=True):
            wrong = [
                (value != row.value) * COST.value + (row.clerk is not None and clerk != row.clerk) * COST.clerk
                for value, clerk in contents
            ]
            pair = min(wrong, default=_FAR)
            if row.at is not None and instants:
                near = bisect_left(instants, row.at)
                pair += min(lag_cost(abs(row.at - t), self.bound) for t in instants[max(near - 1, 0) : near + 1])
            pair = min(pair, skip + COST.lost)
            total += pair
            more.append(skip - pair)
        more.sort()
        return [total, *(total + extra for extra in accumulate(more))]

    def _fill(self) -> int:
        """Fill the band; returns the cost of the last cell."""
        n, m, low, high = len(self.presses), len(self.rows), self.low, self.high
        presses, rows, skip, bound = self.presses, self.rows, self.skip, self.bound
        lost_cost, far, silent = COST.lost, _FAR, _SILENT
        wrong_value, wrong_clerk, wrong_ticket, most_lag = COST.value, COST.clerk, COST.ticket, COST.lag
        cells = [(row.at, row.value, _told(row.clerk), _told(row.ticket)) for row in rows]
        above_a, above_b = [far] * (m + 2), [far] * (m + 2)
        here_a, here_b = above_a[:], above_b[:]
        above_a[0] = 0
        first = bytearray(high - low + 1)
        for j in range(1, min(m, high) + 1):
            above_a[j] = above_a[j - 1] + skip[j - 1]
            first[j - low] = _ROW
        self.marks = [first]
        for i in range(1, n + 1):
            begin, end = max(0, i + low), min(m, i + high)
            t, clock, value, clerk, ticket = presses[i - 1]
            marks = bytearray(high - low + 1)
            left = a0 = b0 = far
            if begin:
                a0, b0 = above_a[begin - 1], above_b[begin - 1]
                here_a[begin - 1] = here_b[begin - 1] = far  # what an earlier row left there is out of the band
            place = begin - i - low
            for j in range(begin, end + 1):
                a, b = above_a[j], above_b[j]
                if a < b:
                    here_b[j] = a + lost_cost
                    mark = _LOST_A
                else:
                    here_b[j] = b + lost_cost
                    mark = _LOST_B if b < a else _LOST_A | _LOST_B
                if j:
                    # what a pair costs, with lag_cost() written out: this is where the time goes
                    row_at, row_value, row_clerk, row_ticket = cells[j - 1]
                    pair = 0 if row_value == value else wrong_value
                    if row_clerk != silent and row_clerk != clerk:
                        pair += wrong_clerk
                    if row_ticket != silent and row_ticket != ticket:
                        pair += wrong_ticket
                    if row_at is not None:
                        lag = row_at - t if row_at > t else t - row_at
                        if clock != t and abs(row_at - clock) < lag:
                            lag = abs(row_at - clock)
                        pair += lag * 1000 // bound if lag <= bound else min(most_lag, 1000 + (lag - bound) // 10)
                    pair += a0 if a0 < b0 else b0  # noqa: FURB136 - a call of min() here costs a tenth of the search
                    row = left + skip[j - 1]
                    if pair <= row:
                        mark |= (_PAIR_A if a0 <= b0 else 0) | (_PAIR_B if b0 <= a0 else 0)
                        if pair == row:
                            mark |= _ROW
                        left = pair
                    else:
                        mark |= _ROW
                        left = row
                here_a[j] = left
                marks[place] = mark
                place += 1
                a0, b0 = a, b
            above_a, here_a = here_a, above_a
            above_b, here_b = here_b, above_b
            self.marks.append(marks)
        a, b = above_a[m], above_b[m]
        self.last = (a <= b) | (b <= a) << 1
        return min(a, b)

    def paths(self, most: int) -> Iterator[list[tuple[int, int]]]:
        """Yields the pairs (press, row) of each best path: the preferred one, then those that differ least from it."""
        n, m = len(self.presses), len(self.rows)
        # a path is followed from its end; what was passed hangs together as a chain that others share
        ends: list[_Place] = [(n, m, after_lost, None) for after_lost in (False, True) if self.last & 1 << after_lost]
        open_ends = deque(ends)
        for _ in range(most):
            if not open_ends:
                return
            i, j, after_lost, chain = open_ends.popleft()
            while i or j:
                mark = self.marks[i][j - i - self.low]
                asked = (_LOST_A, _LOST_B) if after_lost else (_ROW, _PAIR_A, _PAIR_B)
                places = [_before(i, j, way, chain) for way in asked if mark & way]
                if len(places) > 1 and len(open_ends) < most:
                    open_ends += places[1:]
                i, j, after_lost, chain = places[0]
            yield _unchained(chain)


_Chain: TypeAlias = "tuple[tuple[int, int], _Chain] | None"
_Place: TypeAlias = "tuple[int, int, bool, _Chain]"


def _before(i: int, j: int, way: int, chain: _Chain) -> _Place:
    """The place from which a cell was reached."""
    if way == _ROW:
        return i, j - 1, False, chain
    if way in (_PAIR_A, _PAIR_B):
        return i - 1, j - 1, way == _PAIR_B, ((i - 1, j - 1), chain)
    return i - 1, j, way == _LOST_B, chain


def _unchained(chain: _Chain) -> list[tuple[int, int]]:
    pairs = []
    while chain is not None:
        pair, chain = chain
        pairs.append(pair)
    return pairs


def _told(code: int | None) -> int:
    return _SILENT if code is None else code


def _outside(offset: int, n: int, m: int, floor: Sequence[int]) -> int:
    """Least cost of a path that touches the diagonal j - i = offset, for n presses and m rows."""
    back = m - n - offset
    left_over, lost = max(offset, 0) + max(back, 0), max(-offset, 0) + max(-back, 0)
    return _FAR if left_over > m or lost > n else floor[left_over] + lost * COST.lost
