"""A recorded line as a device: it answers a master as the recorded devices did, after the times that they took.

The recording is a script: what the master sent, and what came back. While the master sends what stands next in the
script, the device sends what came back then, each piece as long after the end of the request as in the recording. What
devices sent unasked (a kiosk, a printer's status) comes where it stood between the requests.

A master that sends something else deviates: that is noted with the number of the frame that was expected, its bytes and
those that came. A request that stands within the next `AHEAD` frames moves the script there (the master left something
out); one that was there before is answered as it was then, and the script stays (the master polls oftener); one that is
only further ahead moves the script there. A request that is nowhere in the script is left to the model (`deviating` is
set: whoever else is on the line may answer), or to silence.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from firmware_sim.device import Alarm, Effect, Flaws, Note, Send, Watch

__all__ = ["RecordedDevice", "Step", "steps_of"]

PATIENCE: Final = 100_000_000
"""How long the rest of a request that began as expected may take, ns."""

AHEAD: Final = 16
"""How many frames further a request is looked for first."""

_FORGET: Final = "rest of the request"


class Step(NamedTuple):
    """One frame of the recording.

    Args:
        number: of the packet in its file, from 1.
        data: its characters.
        inbound: a device sent it; else the master.
        after: ns from the end of the last request before it to its first edge; 0 at least. Of what comes before the
            first request: from the first frame.
    """

    number: int
    data: bytes
    inbound: bool
    after: int


def steps_of(frames: Iterable[tuple[int, int, int, bytes, bool]]) -> list[Step]:
    """Steps from frames of (number, first edge, end, characters, inbound), in the order of their first edges."""
    steps: list[Step] = []
    since: int | None = None
    for number, at, end, data, inbound in frames:
        if not data:
            continue
        since = at if since is None else since
        steps.append(Step(number, data, inbound, max(0, at - since)))
        if not inbound:
            since = end
    return steps


class RecordedDevice:
    """Plays a recording; a `Device`.

    Args:
        name: on the line.
        steps: the recording.

    Attributes:
        deviating: the last request was not in the script at all.
        answered: requests that were answered from the recording.
        deviations: requests that were not those expected next.
    """

    watch: Watch | None = None

    def __init__(self, name: str, steps: Sequence[Step]) -> None:
        self.name = name
        self.deviating = False
        self.answered = 0
        self.deviations = 0
        self._steps = steps
        self._requests: dict[bytes, list[int]] = {}
        for place, step in enumerate(steps):
            if not step.inbound:
                self._requests.setdefault(step.data, []).append(place)
        self._next = self._request_from(0)
        self._heard = b""
        self._foreign = b""

    def start(self, _now: int) -> Iterable[Effect]:
        """What the devices sent before the first request."""
        return list(self._replies(0))

    def overhear(self, data: bytes) -> None:
        """Another station sends these characters now: they are no request."""
        self._foreign += data

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        """Take what the master sent; a request may come in several pieces."""
        if self._foreign:
            if self._foreign.startswith(data):
                self._foreign = self._foreign[len(data) :]
                return ()
            self._foreign = b""
        heard = self._heard + data
        expected = self._steps[self._next].data if self._next is not None else b""
        if heard != expected and len(heard) < len(expected) and expected.startswith(heard):
            self._heard = heard
            return (Alarm(now + PATIENCE, _FORGET),)
        self._heard = b""
        forget = Alarm(None, _FORGET)
        if heard == expected:
            return [forget, *self._answer(self._next)]
        # several requests in one burst, or the rest of one: what is expected may stand at its beginning
        if expected and heard.startswith(expected):
            return [forget, *self._answer(self._next), *self.hear(now, heard[len(expected) :], first, last, flaws)]
        return [forget, *self._deviate(heard, expected)]

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        """The rest of a request did not come."""
        heard, self._heard = self._heard, b""
        if tag != _FORGET or not heard:
            return ()
        expected = self._steps[self._next].data if self._next is not None else b""
        return list(self._deviate(heard, expected))

    def _request_from(self, place: int) -> int | None:
        """The first request at or after a place."""
        steps = self._steps
        for at in range(place, len(steps)):
            if not steps[at].inbound:
                return at
        return None

    def _replies(self, place: int) -> Iterable[Effect]:
        for at in range(place, len(self._steps)):
            step = self._steps[at]
            if not step.inbound:
                return
            yield Send(step.data, step.after)

    def _answer(self, place: int | None, *, stays: bool = False) -> Iterable[Effect]:
        if place is None:
            return ()
        self.deviating = False
        self.answered += 1
        if not stays:
            self._next = self._request_from(place + 1)
        return self._replies(place + 1)

    def _deviate(self, heard: bytes, expected: bytes) -> Iterable[Effect]:
        self.deviations += 1
        found, stays = self._elsewhere(heard)
        frame = self._steps[self._next].number if self._next is not None else None
        facts: dict[str, Any] = {
            "frame": frame,
            "expected": expected.hex(),
            "came": heard.hex(),
            "as": None if found is None else self._steps[found].number,
            "stays": stays,
        }
        yield Note("deviated", facts)
        if found is None:
            self.deviating = True
        else:
            yield from self._answer(found, stays=stays)

    def _elsewhere(self, heard: bytes) -> tuple[int | None, bool]:
        """Where a request stands that was not the next one, and whether the script stays where it is."""
        places = self._requests.get(heard)
        if not places:
            return None, True
        now = self._next if self._next is not None else len(self._steps)
        at = bisect_left(places, now)
        ahead = places[at] if at < len(places) else None
        if ahead is not None and (ahead - now <= AHEAD or at == 0):
            return ahead, False
        return places[at - 1], True
