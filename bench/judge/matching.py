"""Presses against rows: which row tells which press, and what is left over on both sides.

Rows that carry epoch and sequence number are matched by (device, epoch, seq), which proves everything (class I3 of
conformance.md 4.3): the row that says most of its press rightly is the press's row, each further one is a duplicate.
A row whose key fits another keypad's press exactly, with the same clerk and value, is that press credited to the wrong
device. The other rows are matched by their contents (`alignment`), keypad by keypad, among the presses still without
a row; there a row may be credited to the wrong device too, when clerk, value, ticket and instant are the press's.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.judge.alignment import Claimed, Pressed, align
from bench.judge.claims import UNKNOWN, Claim, Claims
from bench.judge.truth import Event, Truth
from firmware_sim.device import MS

__all__ = ["Copy", "Match", "Matching", "Stray", "match"]


class Match(NamedTuple):
    """A press and its row.

    Args:
        event: the press.
        claim: the row.
        wrong: what the row says wrongly: of "device", "value", "clerk", "ticket".
    """

    event: Event
    claim: Claim
    wrong: tuple[str, ...]


class Copy(NamedTuple):
    """A row that tells a press once more."""

    event: Event
    claim: Claim


class Stray(NamedTuple):
    """A row that tells no press.

    Args:
        claim: the row.
        hint: what it looks like, if anything.
    """

    claim: Claim
    hint: str


@dataclass(slots=True)
class Matching:
    """What became of each press and each row.

    Args:
        matches: presses that have a row, in the order of pressing.
        copies: duplicates, in the order of rows.
        strays: phantoms, in the order of rows.
        lost: presses without a row, in the order of pressing.
        ambiguous: numbers of presses whose fate the rows cannot tell from another's.
        doubtful: numbers of presses whose row may as well be a copy of another.
        uncertain: keypads for which the totals themselves are in doubt.
        by_key: rows matched by key.
    """

    matches: list[Match] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    lost: list[Event] = field(default_factory=list)
    ambiguous: set[int] = field(default_factory=set)
    doubtful: set[int] = field(default_factory=set)
    uncertain: list[str] = field(default_factory=list)
    by_key: int = 0


def match(truth: Truth, claims: Claims) -> Matching:
    """Find for each press its row and for each row its press.

    Args:
        truth: the presses.
        claims: the rows, understood.
    """
    work = _Work(truth)
    nowhere = [claim for claim in claims.claims if claim.device is None]
    keyed = [claim for claim in claims.claims if claim.device is not None and claim.key is not None]
    plain = [claim for claim in claims.claims if claim.device is not None and claim.key is None]
    work.result.by_key = len(keyed)
    work.keyed(keyed)
    work.plain(plain)
    work.result.strays += [Stray(claim, "it names no rating keypad of the program") for claim in nowhere]
    return work.finish()


class _Work:
    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.result = Matching()
        self.open: dict[int, Event] = {event.n: event for event in truth.events}
        self.named: set[tuple[str | None, tuple[int, int] | None]] = set()  # keys that rows name
        self.at_key: dict[tuple[int, int], list[Event]] = {}
        self.own: dict[tuple[str | None, tuple[int, int] | None], list[Event]] = {}
        self.of_device: dict[str, list[Event]] = {name: [] for name in truth.counted}
        self.numbers: dict[tuple[str, int], tuple[int, int]] = {}  # first and last seq of an epoch
        for event in truth.events:
            key = (event.epoch, event.seq)
            self.at_key.setdefault(key, []).append(event)
            self.own.setdefault((event.device, key), []).append(event)
            self.of_device[event.device].append(event)
            first, _ = self.numbers.get((event.device, event.epoch), (event.seq, 0))
            self.numbers[event.device, event.epoch] = (first, event.seq)

    # -- rows with a key --------------------------------------------------------------------------------------------
    def keyed(self, claims: Sequence[Claim]) -> None:
        """Match rows by (device, epoch, seq), from the surest to the weakest."""
        self.named = {(claim.device, claim.key) for claim in claims}
        rest: list[tuple[Claim, list[Event]]] = []
        for claim in claims:
            own = self.own.get((claim.device, claim.key), [])
            exact = [event for event in own if not _wrong(event, claim)]
            if exact:
                self._take(exact, claim)
            else:
                rest.append((claim, own))
        # a row that has no other use goes first, so that none is wasted on a press that another row could have
        rest.sort(key=lambda item: (any(event.n in self.open for event in item[1]), item[0].n))
        left: list[tuple[Claim, list[Event]]] = []
        for claim, own in rest:
            elsewhere = self._elsewhere(claim)
            if elsewhere is not None:
                self._match(elsewhere, claim, ("device",))
            else:
                left.append((claim, own))
        left.sort(key=lambda item: (min((len(_wrong(event, item[0])) for event in item[1]), default=0), item[0].n))
        for claim, own in left:
            if own:
                self._take(own, claim)
            else:
                self.result.strays.append(Stray(claim, self._resembles(claim)))

    def _take(self, events: Sequence[Event], claim: Claim) -> None:
        """Give the row to the first of these presses that has none; else it is a duplicate."""
        for event in events:
            if event.n in self.open:
                self._match(event, claim, _wrong(event, claim))
                return
        self.result.copies.append(Copy(events[-1], claim))

    def _elsewhere(self, claim: Claim) -> Event | None:
        """A press of another keypad that no row names, and of which this row is right but for the device."""
        if claim.key is None or not claim.clerk or claim.clerk == UNKNOWN:
            return None
        for event in self.at_key.get(claim.key, ()):
            if event.n in self.open and (event.device, claim.key) not in self.named and not _wrong(event, claim):
                return event
        return None

    def _resembles(self, claim: Claim) -> str:
        """What a row without a press looks like, for its story."""
        if claim.key is None:
            return ""
        epoch, seq = claim.key
        for event in self.at_key.get(claim.key, ()):
            if not _wrong(event, claim):
                return f"the press of {event.device} with that epoch and seq looks the same, but has its row"
        numbers = self.numbers.get((str(claim.device), epoch))
        if numbers is None:
            return f"{claim.device} made no press in epoch {epoch}"
        return f"in epoch {epoch} {claim.device} numbered its presses {numbers[0]} to {numbers[1]}, none was {seq}"

    # -- rows without a key -----------------------------------------------------------------------------------------
    def plain(self, claims: Sequence[Claim]) -> None:
        """Align rows with the presses that have none, keypad by keypad."""
        if not claims:
            return
        strays: list[Claim] = []
        by_device: dict[str, list[Claim]] = {}
        for claim in claims:
            assert claim.device is not None
            by_device.setdefault(claim.device, []).append(claim)
        for device in sorted(by_device):
            strays += self._align(device, by_device[device])
        strays.sort(key=lambda claim: claim.n)
        for claim in self._credited_elsewhere(strays):
            self.result.strays.append(Stray(claim, ""))

    def _align(self, device: str, claims: Sequence[Claim]) -> list[Claim]:
        result = self.result
        mine = self.of_device[device]
        free = [event for event in mine if event.n in self.open]
        taken = [event for event in mine if event.n not in self.open]
        found = align(
            [_pressed(event) for event in free],
            [_claimed(claim) for claim in claims],
            self._bound,
            others=[_pressed(event) for event in taken],
        )
        everyone = [*free, *taken]
        for place, row in found.pairs:
            self._match(free[place], claims[row], _wrong(free[place], claims[row]))
        result.copies += [Copy(everyone[place], claims[row]) for row, place in found.copies]
        result.ambiguous |= {free[place].n for place in found.ambiguous}
        result.doubtful |= {free[place].n for place, _ in found.doubtful}
        if found.uncertain:
            result.uncertain.append(device)
        return [claims[row] for row in found.phantoms]

    def _credited_elsewhere(self, strays: Sequence[Claim]) -> list[Claim]:
        """Give rows that tell another keypad's lost press, all but the device, to that press; returns the others."""
        wanted: dict[tuple[int, int], list[tuple[int, int, Claim]]] = {}
        for claim in strays:
            if claim.clerk and claim.clerk != UNKNOWN and claim.at is not None:
                wanted.setdefault((claim.value, claim.clerk), []).append((claim.at // MS, claim.n, claim))
        for group in wanted.values():
            group.sort()
        gone: set[int] = set()
        for event in list(self.open.values()) if wanted else ():
            group = wanted.get((event.value, event.clerk), [])
            near: list[tuple[int, int, Claim]] = []
            for t in {event.t // MS, event.clock // MS}:
                begin, end = (bisect_left(group, (edge,)) for edge in (t - self._bound, t + self._bound + 1))
                near += [(abs(at - t), n, claim) for at, n, claim in group[begin:end] if n not in gone]
            fitting = [it for it in near if it[2].device != event.device and not _wrong(event, it[2])]
            if fitting:
                claim = min(fitting)[2]
                gone.add(claim.n)
                self._match(event, claim, ("device",))
        return [claim for claim in strays if claim.n not in gone]

    @property
    def _bound(self) -> int:
        return max(self.truth.limits.lateness // MS, 1)

    # -- the result -------------------------------------------------------------------------------------------------
    def _match(self, event: Event, claim: Claim, wrong: tuple[str, ...]) -> None:
        del self.open[event.n]
        self.result.matches.append(Match(event, claim, wrong))

    def finish(self) -> Matching:
        """Everything in order."""
        result = self.result
        result.matches.sort(key=lambda found: found.event.n)
        result.copies.sort(key=lambda copy: copy.claim.n)
        result.strays.sort(key=lambda stray: stray.claim.n)
        result.lost = list(self.open.values())
        return result


def _wrong(event: Event, claim: Claim) -> tuple[str, ...]:
    """What a row says wrongly of a press, apart from its device."""
    wrong = []
    if claim.value != event.value:
        wrong.append("value")
    if claim.clerk is not None and claim.clerk != event.clerk:
        wrong.append("clerk")
    if claim.ticket is not None and claim.ticket != event.ticket:
        wrong.append("ticket")
    return tuple(wrong)


def _pressed(event: Event) -> Pressed:
    return Pressed(event.t // MS, event.clock // MS, event.value, event.clerk, event.ticket)


def _claimed(claim: Claim) -> Claimed:
    at = None if claim.at is None else claim.at // MS
    return Claimed(at, claim.value, claim.clerk, claim.ticket)
