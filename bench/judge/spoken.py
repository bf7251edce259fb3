"""Calls that have to be heard: a hall with a voice speaks each of them, whole and in time."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Final, NamedTuple

from bench.judge.truth import Call, Truth, Utterance

__all__ = ["Heard", "heard", "names"]

_TICKET: Final = re.compile(r"(?<![A-Z0-9])[A-Z]{1,2}\d{3,5}(?![0-9])")
_NUMBER: Final = re.compile(r"\d+")


class Heard(NamedTuple):
    """What became of the calls at the loudspeakers.

    Args:
        lags: ns from a call to the end of its being spoken, for those that were.
        missed: calls that were not spoken, and what was heard instead.
        superseded: calls whose visitor had been called on by another call before the limit.
        still_open: calls in the last moments.
    """

    lags: list[int]
    missed: list[tuple[Call, list[Utterance]]]
    superseded: int
    still_open: int


def names(text: str, ticket: str, counter: int) -> bool:
    """Whether what was said calls this ticket to this counter: the ticket, then the counter's number."""
    for found in _TICKET.finditer(text):
        if found.group() == ticket:
            number = _NUMBER.search(text, found.end())
            return number is not None and int(number.group()) == counter
    return False


def heard(truth: Truth) -> Heard:
    """Look for each call among what was said.

    A call counts as spoken when an utterance that nothing cut off names it and ends within the limit. One that began
    before the call was another's.
    """
    result = Heard([], [], 0, 0)
    if not truth.voices:
        return result
    limit = max(truth.voices.values())
    said = sorted(truth.spoken)
    begins = [utterance.t for utterance in said]
    superseded = still_open = 0
    latest: dict[str, int] = {}
    for call in sorted(truth.calls, key=lambda call: call.t, reverse=True):
        again = latest.get(call.ticket)
        latest[call.ticket] = call.t
        at = bisect_left(begins, call.t)
        near = []
        lag = None
        for utterance in said[at:]:
            if utterance.t > call.t + limit:
                break
            near.append(utterance)
            good = utterance.whole and utterance.end <= call.t + limit
            if good and names(utterance.text, call.ticket, call.counter):
                lag = utterance.end - call.t
                break
        if lag is not None:
            result.lags.append(lag)
        elif again is not None and again <= call.t + limit:
            superseded += 1
        elif call.t + limit > max(truth.end, truth.last):
            still_open += 1
        else:
            result.missed.append((call, near))
    result.missed.reverse()
    return result._replace(superseded=superseded, still_open=still_open)
