"""What the parts of a scenario say about each other: each check yields findings at their own place in the file.

A check is a function of the `Draft` in the table `CHECKS`; it skips whatever it cannot read, because the model reports
that. The checks on lines and devices are in `bench.scenario.crosscheck_lines`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from bench.scenario.crosscheck_day import DAY_CHECKS
from bench.scenario.crosscheck_faults import FAULT_CHECKS
from bench.scenario.crosscheck_lines import LINE_CHECKS
from bench.scenario.crosscheck_people import PEOPLE_CHECKS
from bench.scenario.draft import Draft, DraftSpan, Finding, did_you_mean, number, spans, text, texts, whole
from bench.scenario.locate import Path
from bench.scenario.people import LONGEST_TIME
from bench.scenario.times import Span, parse_time
from protocol.declared.model import Screen

MOST_SPREAD = 100
"""Longest p90 of a time, in medians: beyond it one visitor in a hundred would stay for days."""

Value = TypeVar("Value", bound=Hashable)


def findings(
    data: Mapping[str, Any], queues: frozenset[str] | None = None, screens: Mapping[str, Screen] | None = None
) -> list[Finding]:
    """All that the checks find in the raw `data`; `queues` and `screens` as for `Draft`."""
    draft = Draft(data, queues, screens or {})
    return [finding for check in CHECKS for finding in check(draft)]


def repeated(values: Iterable[tuple[Path, Value]], told: str) -> Iterator[Finding]:
    """A finding at each value that came before; `told` may use `{value}`."""
    seen: set[Value] = set()
    for path, value in values:
        if value in seen:
            yield Finding(path, told.format(value=value))
        seen.add(value)


def _errands(draft: Draft) -> Iterator[Finding]:
    names = [(("errand", i, "name"), text(e, "name")) for i, e in draft.errands if text(e, "name")]
    letters = [(("errand", i, "letter"), text(e, "letter")) for i, e in draft.errands if text(e, "letter")]
    yield from repeated(names, 'there are two errands "{value}"')
    yield from repeated(letters, 'the ticket letter "{value}" is taken by an errand above')


def _drawn_errands(draft: Draft) -> Iterator[Finding]:
    if text(draft.table("arrivals"), "log"):
        return
    for index, errand in draft.errands:
        for key, what in (("share", "share among the errands"), ("minutes", "service time")):
            if key not in errand and not (key == "share" and "appointments" in errand):
                told = f'errand "{text(errand, "name")}" has no `{key}`: a drawn day needs its {what}'
                yield Finding(("errand", index), told)
    shares = [0.0 if "appointments" in errand else number(errand, "share") for _, errand in draft.errands]
    if shares and all(share == 0 for share in shares):
        yield Finding(("errand", 0, "share"), "no errand has a share above 0")


def _lognormals(draft: Draft) -> Iterator[Finding]:
    places: list[tuple[Path, Any]] = [(("errand", i, "minutes"), e.get("minutes")) for i, e in draft.errands]
    places.append((("rating_delay_s",), draft.data.get("rating_delay_s")))
    thens = [(i, e["then"]) for i, e in draft.errands if isinstance(e.get("then"), Mapping)]
    places += [(("errand", i, "then", "minutes"), then.get("minutes")) for i, then in thens]
    places += [(("patience", key), draft.table("patience").get(key)) for key in ("minutes", "queue")]
    for path, table in places:
        if not isinstance(table, Mapping):
            continue
        median, p90 = number(table, "median"), number(table, "p90")
        if median is not None and p90 is not None and p90 < median:
            yield Finding((*path, "p90"), f"p90 = {p90:g} is below the median {median:g}")
        elif median and p90 is not None and MOST_SPREAD * median < p90 <= LONGEST_TIME:
            told = f"p90 = {p90:g} is more than {MOST_SPREAD} times the median {median:g}"
            yield Finding((*path, "p90"), told)


def _served(draft: Draft) -> Iterator[Finding]:
    if not draft.counters:
        return
    served = {name for _, counter in draft.counters for _, name in texts(counter, "errands")}
    for index, errand in draft.errands:
        name = text(errand, "name")
        if name and name not in served:
            yield Finding(("errand", index, "name"), f'no counter serves the errand "{name}"')


def _counters(draft: Draft) -> Iterator[Finding]:
    numbers = [(("counter", i, "number"), n) for i, c in draft.counters if (n := whole(c, "number")) is not None]
    yield from repeated(numbers, "there are two counters {value}")
    codes: dict[int, str] = {}
    for index, counter in draft.counters:
        clerk = text(counter, "clerk")
        digits = "".join(filter(str.isdecimal, clerk))
        if not digits:
            continue
        code, path = int(digits), ("counter", index, "clerk")
        if not 1 <= code <= 65535:
            yield Finding(path, f'clerk "{clerk}": the code {code} does not fit a register (1..65535)')
        elif code in codes:
            told = f'clerk "{clerk}" is already at a counter above' if codes[code] == clerk else ""
            yield Finding(path, told or f'clerks "{clerk}" and "{codes[code]}" have the same code {code} on the wire')
        codes.setdefault(code, clerk)


def _counter_errands(draft: Draft) -> Iterator[Finding]:
    for index, counter in draft.counters:
        here = ("counter", index, "errands")
        named = texts(counter, "errands")
        yield from repeated((((*here, i), name) for i, name in named), '"{value}" stands here twice')
        for i, name in named:
            if name and draft.all_errands_named and name not in draft.errand_names:
                told = f'counter {counter.get("number", "")}: there is no errand "{name}"'
                yield Finding((*here, i), told, did_you_mean(name, draft.errand_names))


def _in_order(found: list[DraftSpan]) -> Iterator[Finding]:
    for before, after in itertools.pairwise(found):
        if after.span.start < before.span.end:
            yield Finding(after.path, f"{after.span} begins before {before.span} has ended")


def _hours(draft: Draft) -> Iterator[Finding]:
    yield from _in_order(draft.open)
    for index, counter in draft.counters:
        breaks = spans(counter, "breaks", ("counter", index, "breaks"))
        yield from _in_order(breaks)
        for path, span in breaks:
            if draft.open and not any(o.span.start < span.end and span.start < o.span.end for o in draft.open):
                yield Finding(path, f"the break {span} lies outside the opening hours")


def _arrivals(draft: Draft) -> Iterator[Finding]:
    if "arrivals" not in draft.data:
        return
    arrivals = draft.table("arrivals")
    if "log" in arrivals:
        for key in ("visitors", "shape", "busyness_cv"):
            if key in arrivals:
                told = f"`{key}` is not used when the day is taken from a recorded `log`: remove one of them"
                yield Finding(("arrivals", key), told, at_key=True)
        return
    for key in ("visitors", "shape"):
        if key not in arrivals:
            told = f"`{key}` is missing: a day is drawn from `visitors` and `shape`, or taken from a recorded `log`"
            yield Finding(("arrivals",), told)
    if arrivals.get("shape") == {}:
        told = "[arrivals]: shape is empty, so nobody would come: it needs two times or more"
        yield Finding(("arrivals", "shape"), told)
    if "overhead_s" in arrivals:
        yield Finding(
            ("arrivals", "overhead_s"), "`overhead_s` belongs to a recorded `log`, and none is given", at_key=True
        )
    points = _shape(arrivals)
    if (
        any(weight > 0 for _, weight in points[1:])
        and draft.open
        and not any(_weight_in(points, o.span) for o in draft.open)
    ):
        yield Finding(("arrivals", "shape"), "the shape has no weight inside the opening hours: nobody would come")


def _shape(arrivals: Mapping[str, Any]) -> list[tuple[int, float]]:
    """The readable points of the shape in order of time; empty when one is not readable."""
    shape = arrivals.get("shape")
    points = []
    for key, weight in shape.items() if isinstance(shape, Mapping) else ():
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            return []
        try:
            points.append((parse_time(key), float(weight)))
        except (ValueError, OverflowError):
            return []
    return sorted(points)


def _weight_in(points: list[tuple[int, float]], span: Span) -> bool:
    """Whether the line through the points is above 0 somewhere inside the span."""
    return any(
        max(t0, span.start) < min(t1, span.end) and (w0 > 0 or w1 > 0)
        for (t0, w0), (t1, w1) in itertools.pairwise(points)
    )


def _log_queues(draft: Draft) -> Iterator[Finding]:
    if draft.queues is None:
        return
    letters = [letter for _, errand in draft.errands if (letter := text(errand, "letter"))]
    for queue in sorted(draft.queues - set(letters)):
        told = f'the log has tickets of queue "{queue}", but no errand has this letter'
        yield Finding(("arrivals", "log"), told, did_you_mean(queue, letters))


def _ratings(draft: Draft) -> Iterator[Finding]:
    yield from repeated(
        ((("must_exercise", i), name) for i, name in texts(draft.data, "must_exercise")), '"{value}" stands here twice'
    )
    delay, window = draft.data.get("rating_delay_s"), number({"rating_window_s": 15.0, **draft.data}, "rating_window_s")
    median = number(delay, "median") if isinstance(delay, Mapping) else None
    if median is not None and window is not None and median >= window:
        told = f"half of the ratings would come after {median:g} s, but the rating window closes after {window:g} s"
        yield Finding(("rating_delay_s", "median"), told)


CHECKS: tuple[Callable[[Draft], Iterable[Finding]], ...] = (
    _errands,
    _drawn_errands,
    _lognormals,
    _served,
    _counters,
    _counter_errands,
    _hours,
    _arrivals,
    _log_queues,
    _ratings,
    *PEOPLE_CHECKS,
    *DAY_CHECKS,
    *LINE_CHECKS,
    *FAULT_CHECKS,
)
