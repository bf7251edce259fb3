"""What a scenario says of its people, against the rest of it: classes, chained errands, shifts, recorded days."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from bench.scenario.draft import Draft, Finding, did_you_mean, number, spans, text, texts, whole
from bench.scenario.fill import MAX_KEYS

_ONLY_DRAWN: Final = ("visitor_class", "greeter", "patience")


def _recorded(draft: Draft) -> Iterator[Finding]:
    """A recorded day is as it was: its visitors are neither sorted into classes nor sent home."""
    arrivals = draft.table("arrivals")
    if not text(arrivals, "log"):
        return
    told = "is for drawn days; this day is taken from a recorded `log`"
    for key in _ONLY_DRAWN:
        if key in draft.data:
            yield Finding((key,), f"`{key}` {told}", at_key=True)
    if "online_share" in arrivals:
        yield Finding(("arrivals", "online_share"), f"`online_share` {told}", at_key=True)
    for index, errand in draft.errands:
        for key in ("then", "appointments"):
            if key in errand:
                yield Finding(("errand", index, key), f"`{key}` {told}", at_key=True)
    for index, counter in draft.counters:
        if "speed" in counter:
            yield Finding(("counter", index, "speed"), f"`speed` {told}", at_key=True)


def _classes(draft: Draft) -> Iterator[Finding]:
    classes = draft.data.get("visitor_class")
    rows = [row for row in classes if isinstance(row, Mapping)] if isinstance(classes, list) else []
    seen: set[str] = set()
    for index, row in enumerate(rows):
        name = text(row, "name")
        if name and name in seen:
            yield Finding(("visitor_class", index, "name"), f'there are two classes "{name}"')
        seen.add(name)
    total = sum(number(row, "share") or 0.0 for row in rows)
    if total > 1 + 1e-9:
        yield Finding(("visitor_class", 0, "share"), f"the shares of the classes are {total:g} together: 1 at most")
    lifts = {priority for row in rows if (priority := whole(row, "priority"))}
    for kiosk in draft.of_kind("kiosk_button") if lifts else ():
        keys = len(texts(kiosk.table, "errands")) or len(draft.errands)
        if keys + len(lifts) > MAX_KEYS:
            told = f"{kiosk.shown}: {keys} errands and {len(lifts)} keys for priorities do not fit its {MAX_KEYS} keys"
            yield Finding(kiosk.path, told)
    takes = number({"kiosk_s": 6.0, **draft.table("pace")}, "kiosk_s")
    if lifts and takes is not None and takes < 1:
        told = "a class has a priority, for which a key is pressed first: `kiosk_s` is 1 at least"
        yield Finding(("pace", "kiosk_s"), told)


def _chains(draft: Draft) -> Iterator[Finding]:
    follows = {text(errand, "name"): errand.get("then") for _, errand in draft.errands}
    for index, errand in draft.errands:
        then = errand.get("then")
        name = text(then, "errand") if isinstance(then, Mapping) else ""
        here = ("errand", index, "then", "errand")
        if not name:
            continue
        if name == text(errand, "name"):
            yield Finding(here, f'"{name}" follows itself')
        elif draft.all_errands_named and name not in draft.errand_names:
            yield Finding(here, f'there is no errand "{name}"', did_you_mean(name, draft.errand_names))
        elif follows.get(name) is not None:
            yield Finding(here, f'"{name}" has a `then` of its own: a chain has two desks')


def _appointments(draft: Draft) -> Iterator[Finding]:
    """An errand by appointment has no walk-ins, agreed times in the opening hours, and an errand for who is late."""
    booked = {text(errand, "name") for _, errand in draft.errands if "appointments" in errand}
    followers = {text(then, "errand") for _, e in draft.errands if isinstance(then := e.get("then"), Mapping)}
    for index, errand in draft.errands:
        given, name = errand.get("appointments"), text(errand, "name")
        if not isinstance(given, Mapping):
            continue
        here = ("errand", index, "appointments")
        if "share" in errand:
            told = f'"{name}" has `appointments`, so nobody walks in for it: remove `share`, or give walk-ins an errand'
            yield Finding(("errand", index, "share"), told, at_key=True)
        if "then" in errand:
            yield Finding(("errand", index, "then"), "`then` does not go with `appointments`", at_key=True)
        if name in followers:
            yield Finding(here, f'"{name}" follows another errand: such visitors come without an appointment')
        found = spans(given, "spans", (*here, "spans"))
        for before, after in itertools.pairwise(found):
            if after.span.start < before.span.end:
                yield Finding(after.path, f"{after.span} begins before {before.span} has ended")
        for path, span in found:
            if draft.open and not any(o.span.start <= span.start and span.end <= o.span.end for o in draft.open):
                yield Finding(path, f"the appointments {span} lie outside the opening hours")
        other = text(given, "otherwise")
        if other and draft.all_errands_named and other not in draft.errand_names:
            told = f'there is no errand "{other}"'
            yield Finding((*here, "otherwise"), told, did_you_mean(other, draft.errand_names))
        elif other in booked:
            told = f'"{other}" is by appointment itself: whoever is too late needs an errand without'
            yield Finding((*here, "otherwise"), told)


def _shifts(draft: Draft) -> Iterator[Finding]:
    for index, counter in draft.counters:
        path = ("counter", index, "shifts")
        found = spans(counter, "shifts", path)
        for before, after in itertools.pairwise(found):
            if after.span.start < before.span.end:
                yield Finding(after.path, f"{after.span} begins before {before.span} has ended")
        for at, span in found:
            if draft.open and not any(o.span.start < span.end and span.start < o.span.end for o in draft.open):
                yield Finding(at, f"the shift {span} lies outside the opening hours")


PEOPLE_CHECKS: tuple[Callable[[Draft], Iterable[Finding]], ...] = (
    _recorded,
    _classes,
    _chains,
    _appointments,
    _shifts,
)
