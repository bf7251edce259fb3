"""A device that starts anew: nothing old is told again, nothing new dropped (J8), and it is set up again (J17)."""

from __future__ import annotations

from typing import Final

from bench.judge.case import Case, Finding, word
from bench.judge.claims import Claim
from bench.judge.life import fates, reachable
from bench.judge.matching import Matching
from bench.judge.stories import Story, Window, around, clock, row_line, seconds, where
from bench.judge.truth import Event
from firmware_sim.device import NS
from protocol.modbus.maps.reference_keypad import REFERENCE_KEYPAD

__all__ = ["ghosts", "reconfiguration"]

_SETTINGS: Final = {REFERENCE_KEYPAD[name].address: name for name in ("policy",)}
"""Registers of profile RK-1 that a reboot resets and that only the program sets."""

_SETTLED: Final = 5 * NS


def ghosts(case: Case, matching: Matching) -> Finding:
    """After a reboot no earlier press is told again, and no new one is dropped for its number (J8)."""
    truth, course = case.truth, case.truth.course
    rebooted = {
        name for name in truth.counted if course.reboots(name) or course.restarts.get(name) or course.restored.get(name)
    }
    if not rebooted:
        return Finding("NOT EXERCISED", reason="no keypad of the program started anew")
    numbers: dict[tuple[str, int], list[Event]] = {}
    checked = 0
    for event in truth.events:
        if event.device not in rebooted:
            continue
        same = numbers.setdefault((event.device, event.seq), [])
        across = course.booted_between(event.device, event.t, event.acked or truth.end)
        checked += bool(event.ghost is not None or across or (same and same[-1].epoch != event.epoch))
        same.append(event)
    again = [
        copy for copy in matching.copies if copy.event.device in rebooted and _across(case, copy.event, copy.claim)
    ]
    kept = {found.event.n for found in matching.matches}
    dropped: list[tuple[Event, Event]] = []
    for fate in fates(matching.lost, truth):
        event = fate.event
        if not fate.avoidable or fate.kind != "acknowledged" or event.device not in rebooted:
            continue
        for other in numbers[event.device, event.seq]:
            if other.epoch != event.epoch and other.n < event.n and other.n in kept:
                dropped.append((event, other))
                break
    broken = len(again) + len(dropped)
    finding = Finding(word(broken, checked), broken, checked)
    finding.figures = {
        "told_again": len(again),
        "dropped": len(dropped),
        "reboots": sum(len(course.reboots(name)) for name in rebooted),
    }

    def old(event: Event, claim: Claim) -> Story:
        since = [f"{clock(event.ghost)} {event.device} brought it up again"] if event.ghost is not None else []
        after = [*since, row_line(case.rows[claim.n]), "GHOST: a press of before the reboot was stored again"]
        return Story(
            where(event.device, event.t),
            [case.press(event)],
            after,
            around(event, truth, (event.ghost or event.acked or event.t) + 5 * NS),
        )

    def new(pair: tuple[Event, Event]) -> Story:
        event, other = pair
        last = "FALSE DE-DUPLICATION: dropped, because an earlier press of another epoch had the same number"
        return Story(
            where(event.device, event.t),
            [case.press(other), case.press(event)],
            [last],
            around(event, truth, (event.acked or event.t) + NS),
        )

    finding.stories = [*case.stories(again, lambda copy: old(copy.event, copy.claim)), *case.stories(dropped, new)][
        : case.most
    ]
    if not checked:
        finding.reason = "keypads started anew, but nothing waited in them then and no number came again"
    return finding


def _across(case: Case, event: Event, claim: Claim) -> bool:
    """Whether a further row of a press was stored after its keypad had started anew."""
    if event.ghost is not None:
        return True
    until = claim.stored_at if claim.stored_at is not None else event.acked
    return case.truth.course.booted_between(event.device, event.t, until if until is not None else case.truth.end)


def reconfiguration(case: Case, _matching: Matching) -> Finding:
    """A device that started anew is asked again, and what the program had set in it is set again, in time (J17)."""
    truth = case.truth
    limit = truth.limits.configure
    wrong: list[tuple[str, int, str]] = []
    checked = still_open = 0
    for name, station in truth.devices.items():
        line = truth.traffic.lines.get(station.line)
        unit = None if line is None or station.unit is None else line.units.get(station.unit)
        if line is None or unit is None:
            continue
        boots = truth.course.boots.get(name, [])
        for place, (t, _) in enumerate(boots[1:], 1):
            until = boots[place + 1][0] if place + 1 < len(boots) else truth.end
            if not unit.changes or unit.changes[0][0] > t:
                continue  # the program had nothing to do with it yet
            if until - t < limit or reachable(truth, name, t, t + limit) < limit // 2:
                still_open += 1
                continue
            checked += 1
            if not _answered_between(unit.changes, t, t + limit) and not line.asked_since(t):
                wrong.append((name, t, f"not asked any more within {seconds(limit)}"))
                continue
            for address, told in _SETTINGS.items():
                times = unit.written.get(address)
                folded = any(boot.t == t and boot.unit == station.unit and boot.folded for boot in line.boots)
                if name in truth.counted and times and times[0] < t and not t < times[1] and not folded:
                    wrong.append((name, t, f"its {told} (register {address:#06x}) was not set again"))
    finding = Finding(word(len(wrong), checked), len(wrong), checked)
    finding.figures = {"open": still_open}

    def story(item: tuple[str, int, str]) -> Story:
        name, t, what = item
        station = truth.devices[name]
        window = Window(station.line, ((t - NS, t + _SETTLED),), station.unit)
        return Story(where(name, t), [f"{clock(t)} {name} started anew"], [f"NOT CONFIGURED: {name}: {what}"], window)

    finding.stories = case.stories(wrong, story)
    if not checked:
        finding.reason = "no device that the program asks started anew, with time to set it up again"
    return finding


def _answered_between(changes: list[tuple[int, bool]], begin: int, end: int) -> bool:
    return any(begin < t <= end and answers for t, answers in changes)
