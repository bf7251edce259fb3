"""The invariants of the desk: tickets on paper, calls on displays."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence

from bench.judge.case import Case, Finding, quantiles, word
from bench.judge.matching import Matching
from bench.judge.spoken import heard
from bench.judge.stories import Story, clock, seconds, where
from bench.judge.truth import Call, Issue, Slip, Utterance

__all__ = ["calls", "shows", "tickets"]

_WORDS = re.compile(r"\w+")
_LAST = "\U0010ffff"  # after any text that is shown


def tickets(case: Case, _matching: Matching) -> Finding:
    """Each ticket issued is printed exactly once, by its own printer.

    A ticket whose printing failed and was told to have failed is excused; one issued in the last moments is open.
    """
    truth = case.truth
    issues: dict[str, list[Issue]] = {}
    for issue in truth.issues:
        issues.setdefault(issue.ticket, []).append(issue)
    printed: dict[str, list[Slip]] = {}
    for slip in truth.slips:
        ticket = _ticket_of(slip, issues, printed)
        if ticket is not None:
            printed.setdefault(ticket, []).append(slip)
    wrong: list[tuple[Issue, list[Slip], str]] = []
    failed = still_open = 0
    for ticket, given in issues.items():
        slips = printed.get(ticket, [])
        issue = given[-1]
        printers = {item.printer for item in given} - {""}
        if len(slips) > len(given):
            wrong.append((issue, slips, f"PRINTED {len(slips)} TIMES: one ticket, several visitors"))
        elif len(slips) < len(given):
            if ticket in truth.failed:
                failed += 1
            elif issue.t >= truth.end - truth.limits.settle:
                still_open += 1
            else:
                wrong.append((issue, slips, "NEVER PRINTED, and no failure was told"))
        elif printers and {slip.printer for slip in slips} - printers:
            wrong.append((issue, slips, f"PRINTED ELSEWHERE: on {slips[-1].printer}"))
    checked = len(issues) - still_open - failed
    finding = Finding(word(len(wrong), checked), len(wrong), checked)
    finding.figures = {"open": still_open, "failed": failed, "slips": len(truth.slips)}

    def story(item: tuple[Issue, list[Slip], str]) -> Story:
        issue, slips, what = item
        printer = f" for {issue.printer}" if issue.printer else ""
        lines = [f"{clock(issue.t)} ticket {issue.ticket} issued{printer}"]
        if issue.ticket in truth.confirmed:
            lines.append(f"{clock(truth.confirmed[issue.ticket])} the printer confirmed it")
        after = [f"{clock(slip.t)} {slip.printer} put it out" for slip in slips[:6]]
        return Story(where(issue.ticket, issue.t), lines, [*after, f"ticket {issue.ticket}: {what}"])

    finding.stories = case.stories(wrong, story)
    if failed:
        finding.reason = f"{failed} tickets failed, and were told to have failed"
    if not issues:
        finding.reason = "no ticket was issued"
    return finding


def _ticket_of(slip: Slip, issues: Mapping[str, list[Issue]], printed: Mapping[str, list[Slip]]) -> str | None:
    """Which ticket a slip is. If it names several, the one last issued that has none yet (others wait before it)."""
    named: set[str] = {word for word in _WORDS.findall(slip.text) if word in issues}
    if not named:
        return None
    return max(named, key=lambda ticket: (ticket not in printed, issues[ticket][-1].t <= slip.t, issues[ticket][-1].t))


def shows(text: str, ticket: str) -> bool:
    """Whether a display that shows this text shows this ticket: whole, or by its number when it has digits only."""
    text = text.strip()
    if text == ticket:
        return True
    shown, wanted = re.sub(r"\D", "", text), re.sub(r"\D", "", ticket)
    if not shown or not wanted or re.search(r"[^\W\d_]", text):
        return False
    return int(shown) == int(wanted) or shown.endswith(wanted)


def calls(case: Case, _matching: Matching) -> Finding:
    """Each call is shown on the display of its counter in time, unless the next call there came first.

    In a hall with a voice it is also spoken in time (`bench.judge.spoken`); a call that is not both is one violation.
    """
    truth = case.truth
    displays: dict[int, list[str]] = {}
    for name, station in truth.devices.items():
        if station.kind == "counter_display" and station.counter is not None:
            displays.setdefault(station.counter, []).append(name)
    following: dict[int, int] = {}  # counter -> instant of the next call there
    wrong: list[tuple[Call, str]] = []
    lags: list[int] = []
    checked = still_open = superseded = 0
    for call in sorted(truth.calls, key=lambda call: call.t, reverse=True):
        limit = call.t + truth.limits.call
        next_call = following.get(call.counter)
        following[call.counter] = call.t
        for name in displays.get(call.counter, ()):
            lag = _shown_after(truth.shown.get(name, []), call.t, call.ticket, truth.limits.call)
            if lag is not None:
                checked += 1
                lags.append(lag)
            elif next_call is not None and next_call <= limit:
                superseded += 1
            elif limit > max(truth.end, truth.last):
                still_open += 1
            else:
                checked += 1
                wrong.append((call, name))
    wrong.reverse()
    voice = heard(truth)
    checked = max(checked, len(voice.lags) + len(voice.missed))
    broken = {*(call for call, _ in wrong), *(call for call, _ in voice.missed)}
    finding = Finding(word(len(broken), checked), len(broken), checked)
    finding.figures = {"open": still_open, "superseded": superseded, **quantiles(lags)}
    if truth.voices:
        finding.figures["spoken"] = len(voice.lags)
        finding.figures["unspoken"] = len(voice.missed)
        finding.figures |= {f"spoken_{name}": value for name, value in quantiles(voice.lags).items()}

    def story(item: tuple[Call, str]) -> Story:
        call, name = item
        shown = truth.shown.get(name, [])
        at = bisect_right(shown, (call.t, _LAST))
        lines = [f"{clock(t)} {name} shows {text!r}" for t, text in shown[max(at - 1, 0) : at + 3]]
        first = f"{clock(call.t)} ticket {call.ticket} called to counter {call.counter}"
        last = f"NOT SHOWN: {name} did not show {call.ticket} within {seconds(truth.limits.call)}"
        return Story(where(f"{call.ticket} to counter {call.counter}", call.t), [first], [*lines, last])

    def unspoken(item: tuple[Call, list[Utterance]]) -> Story:
        call, near = item
        lines = [f"{clock(said.t)} said{'' if said.whole else ', cut off'}: {said.text!r}" for said in near[:6]]
        first = f"{clock(call.t)} ticket {call.ticket} called to counter {call.counter}"
        limit = max(truth.voices.values())
        last = f"NOT SPOKEN: no voice called {call.ticket} to counter {call.counter} within {seconds(limit)}"
        return Story(where(f"{call.ticket} to counter {call.counter}", call.t), [first], [*lines, last])

    finding.stories = [*case.stories(wrong, story), *case.stories(voice.missed, unspoken)][: case.most]
    if not checked:
        finding.reason = "no ticket was called" if not truth.calls else "no called counter has a display"
    return finding


def _shown_after(shown: Sequence[tuple[int, str]], t: int, ticket: str, limit: int) -> int | None:
    """How long after an instant a display shows a ticket, ns: 0 if it does already, None if not within the limit."""
    at = bisect_right(shown, (t, _LAST))
    if at and shows(shown[at - 1][1], ticket):
        return 0
    end = bisect_right(shown, (t + limit, _LAST))
    return next((when - t for when, text in shown[at:end] if shows(text, ticket)), None)
