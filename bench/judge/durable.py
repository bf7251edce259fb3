"""What has to last: acknowledging only what is stored (J14), all well after the faults (J16), no growth (J18)."""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

from bench.judge.case import Case, Finding, word
from bench.judge.life import fates
from bench.judge.matching import Matching
from bench.judge.other_clock import set_ahead
from bench.judge.stories import Story, Window, around, clock, row_line, seconds, where
from bench.judge.truth import Event
from firmware_sim.device import MS, NS

__all__ = ["acknowledge", "convergence", "resources"]

_FEWEST = 8
_MORE_DESCRIPTORS = 8
_MORE_KB = 16 * 1024
_SHARE = 4  # memory may grow by a quarter


def acknowledge(case: Case, matching: Matching) -> Finding:
    """A press is acknowledged only after its row is stored for good (J14).

    Broken by a row whose instant of storing is after the acknowledgement, and by a press that was acknowledged and has
    no row although the program was killed, or its records failed, about that time.
    """
    truth = case.truth
    stored = [found.claim.stored_at for found in matching.matches if found.claim.stored_at is not None]
    slack = NS if stored and all((t + truth.epoch_ns) % NS == 0 for t in stored) else MS
    early: list[tuple[Event, int, int | None]] = []
    leads: list[int] = []
    checked = 0
    for found in matching.matches:
        event = found.event
        t = event.stored if event.stored is not None else found.claim.stored_at
        if event.acked is None or t is None or event.ghost is not None or not _explicit(case, event):
            continue
        if not event.t - 2 * NS <= t <= truth.end + 3600 * NS:
            continue  # by another clock
        checked += 1
        leads.append(t - event.acked)
        if t > event.acked + slack:
            early.append((event, found.claim.n, t))
    gone: list[tuple[Event, int, int | None]] = []
    for fate in fates(matching.lost, truth):
        event = fate.event
        if fate.kind != "acknowledged" or event.acked is None or not _explicit(case, event):
            continue
        begin = event.seen if event.seen is not None else event.t
        if any(begin <= t <= event.acked + truth.limits.lateness for t in truth.course.breaks):
            checked += 1
            gone.append((event, 0, None))
    broken = [*early, *gone]
    finding = Finding(word(len(broken), checked), len(broken), checked)
    finding.figures = {"acknowledged_first": len(early), "gone": len(gone)}
    if leads:
        finding.margin = max(abs(max(leads)), MS)

    def story(item: tuple[Event, int, int | None]) -> Story:
        event, n, t = item
        after = [f"{clock(event.acked or 0)} acknowledged"]
        if n:
            after += [row_line(case.rows[n]), f"{clock(t or 0)} ACKNOWLEDGED FIRST: stored only after it"]
        else:
            after.append("ACKNOWLEDGED FIRST: its row was not stored when the program was killed or its records failed")
        return Story(
            where(event.device, event.t),
            [case.press(event)],
            after,
            around(event, truth, (event.acked or event.t) + NS),
        )

    finding.stories = case.stories(broken, story)
    ahead = set_ahead(matching, truth.limits.lateness) if early else None
    if ahead is not None and not gone and all(n >= ahead.row for _, n, _ in early):
        finding.verdict, finding.violations, finding.stories, finding.reason = "UNKNOWN", 0, [], ahead.told
    if not checked:
        finding.reason = "nothing tells when a row was stored (a column stored_at), and no kill came between"
    return finding


def _explicit(case: Case, event: Event) -> bool:
    """Whether an acknowledgement of its keypad is something that the program says."""
    return case.truth.devices[event.device].protocol in ("modbus_rtu", "")


class _Well(NamedTuple):
    """What is not well again (device, instant, why), when the rest was (ns after the faults' end), how many things."""

    wrong: list[tuple[str, int, str]]
    times: list[int]
    checked: int


def _stored_after(case: Case, matching: Matching, healed: int, by: int) -> _Well:
    """The presses that still waited when the faults ended."""
    wrong: list[tuple[str, int, str]] = []
    times: list[int] = []
    checked = 0
    if case.matching is None:
        return _Well(wrong, times, checked)
    for found in matching.matches:
        event = found.event
        t = event.stored if event.stored is not None else found.claim.stored_at
        t = t if t is not None and t >= event.t - 2 * NS else event.acked
        if event.t > healed or t is None or t < healed:
            continue
        checked += 1
        times.append(t - healed)
        if t > by:
            wrong.append((event.device, event.t, f"its press of {clock(event.t)} was stored at {clock(t)} only"))
    for fate in fates(matching.lost, case.truth):
        if fate.event.t <= healed and fate.kind == "waiting":
            checked += 1
            told = f"its press of {clock(fate.event.t)} still waits at the end of the run"
            wrong.append((fate.event.device, fate.event.t, told))
    return _Well(wrong, times, checked)


def _devices_after(case: Case, healed: int, by: int) -> _Well:
    """The devices that the program had asked before the faults ended: are they asked, and do they answer?"""
    truth = case.truth
    wrong: list[tuple[str, int, str]] = []
    times: list[int] = []
    checked = 0
    for name, station in truth.devices.items():
        line = truth.traffic.lines.get(station.line)
        unit = None if line is None or station.unit is None else line.units.get(station.unit)
        if line is None or unit is None or not unit.changes or unit.changes[0][0] > healed:
            continue
        checked += 1
        pulses = [pulse for pulse in case.health or () if pulse.device == name and pulse.t <= by]
        if not line.asked_since(healed):
            wrong.append((name, healed, "its line was not used any more"))
        elif unit.state(by) is False:
            wrong.append((name, healed, f"it still had no answer at {clock(by)}"))
        elif pulses and not max(pulses).up:
            wrong.append((name, healed, "it is still told to be down"))
        times += [at - healed for at, answers in unit.changes if answers and healed < at <= by]
    return _Well(wrong, times, checked)


def convergence(case: Case, matching: Matching) -> Finding:
    """Once all faults have ended, all that waited is stored, all devices are asked and up again, in time (J16)."""
    truth = case.truth
    healed, within = truth.course.healed, truth.limits.converge
    if healed is None:
        return Finding("NOT EXERCISED", reason="the run has no [heal]: no instant at which all faults end")
    by = healed + within
    if truth.end < by:
        told = f"the run ended {seconds(truth.end - healed)} after the faults did, allowed are {seconds(within)}"
        return Finding("NOT EXERCISED", reason=told)
    rows, devices = _stored_after(case, matching, healed, by), _devices_after(case, healed, by)
    wrong, times = [*rows.wrong, *devices.wrong], [*rows.times, *devices.times]
    checked = rows.checked + devices.checked
    finding = Finding(word(len(wrong), checked), len(wrong), checked)
    finding.figures = {"healed": clock(healed), "after": max(times, default=0) / NS, "limit": within / NS}
    if times and not wrong:
        finding.margin = abs(within - max(times))

    def story(item: tuple[str, int, str]) -> Story:
        name, t, what = item
        station = truth.devices[name]
        window = Window(station.line, ((healed, healed + 5 * NS),), station.unit)
        first = f"{clock(healed)} all faults ended; {seconds(within)} are allowed"
        return Story(where(name, t), [first], [f"NOT WELL AGAIN: {name}: {what}"], window)

    finding.stories = case.stories(wrong, story)
    if not checked:
        finding.reason = "nothing waited, and no device was asked before the faults ended"
    return finding


def resources(case: Case, _matching: Matching) -> Finding:
    """The program's descriptors and memory do not grow from the second quarter of the run to its last (J18).

    Eight descriptors more, or memory a quarter and 16 MiB more, break it.
    """
    samples = case.resources
    if not samples or len(samples) < _FEWEST:
        return Finding(
            "NOT EXERCISED", reason="the run did not measure the program's descriptors and memory often enough"
        )
    quarter = len(samples) // 4
    wrong: list[str] = []
    checked = 0
    figures: dict[str, float | None] = {"samples": len(samples)}
    for name, place, least, share in (("descriptors", 1, _MORE_DESCRIPTORS, 0), ("memory_kb", 2, _MORE_KB, _SHARE)):
        early = [value for sample in samples[quarter : 2 * quarter] if (value := sample[place]) is not None]
        late = [value for sample in samples[-quarter:] if (value := sample[place]) is not None]
        if not early or not late:
            continue
        checked += 1
        before, after = median(early), median(late)
        figures |= {f"{name}_early": before, f"{name}_late": after}
        if after - before >= least and (not share or (after - before) * share > before):
            wrong.append(f"{name} {before:g} in the second quarter of the run, {after:g} in the last")
    finding = Finding(word(len(wrong), checked), len(wrong), checked, figures=figures)
    finding.stories = case.stories(
        wrong, lambda what: Story(where("the program", samples[-1][0]), [], [f"GROWS: {what}"])
    )
    if not checked:
        finding.reason = "neither descriptors nor memory of the program are known"
    return finding
