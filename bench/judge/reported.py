"""What the program has to say besides its rows: that something is missing (J2), and which devices are up (J10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.judge.case import Case, Finding, word
from bench.judge.course import Gap, Pulse
from bench.judge.life import Fate, fates, reachable
from bench.judge.matching import Matching
from bench.judge.stories import Story, Window, around, clock, seconds, where
from bench.judge.traffic import Unit
from bench.judge.truth import Truth
from firmware_sim.device import NS

__all__ = ["health", "silent_loss"]

_GRACE = 10 * NS
"""About a fault, what the program takes for a failure need not be one by the record, and the other way round."""


def silent_loss(case: Case, matching: Matching) -> Finding:
    """Each loss that its device shows, and that no collector could have prevented, is reported in time (J2)."""
    truth = case.truth
    beyond = [fate for fate in fates(matching.lost, truth) if not fate.avoidable]
    shown = [fate for fate in beyond if fate.visible]
    # nobody can report what could not be read before the run ended
    due = [fate for fate in shown if reachable(truth, fate.event.device, fate.at, truth.end) >= truth.limits.settle]
    silent = _unreported(due, case.gaps or [], truth.limits.gap)
    finding = Finding(word(len(silent), len(due)), len(silent), len(due))
    invisible = len(beyond) - len(shown)
    finding.figures = {
        "reported": len(due) - len(silent),
        "open": len(shown) - len(due),
        "invisible": invisible,
        "told": None if case.gaps is None else len(case.gaps),
    }

    def story(fate: Fate) -> Story:
        what = f"{clock(fate.at)} the keypad's own loss ({fate.kind}), which it shows"
        none = " (it keeps no table gaps)" if case.gaps is None else ""
        last = f"SILENT LOSS: not reported within {seconds(truth.limits.gap)}{none}"
        return Story(
            where(fate.event.device, fate.event.t),
            [case.press(fate.event)],
            [what, last],
            around(fate.event, truth, fate.at + 5 * NS),
        )

    finding.stories = case.stories(silent, story)
    if not due:
        finding.reason = "no device showed a loss that no collector could have prevented"
    if invisible:
        told = f"{invisible} presses were lost by the keypads themselves, and nothing shows it: the protocol's weakness"
        finding.reason = f"{finding.reason}; {told}" if finding.reason else told
    return finding


def _unreported(losses: Sequence[Fate], gaps: Sequence[Gap], limit: int) -> list[Fate]:
    """The losses that no report covers: one by numbers covers those numbers, one with a count so many of them."""
    left = {place: gap.lost for place, gap in enumerate(gaps)}
    silent = []
    for fate in sorted(losses, key=lambda fate: (fate.at, fate.event.n)):
        event = fate.event
        for place, gap in enumerate(gaps):
            if gap.device != event.device or left[place] == 0:
                continue
            if gap.t is not None and not fate.at - NS <= gap.t <= fate.at + limit:
                continue
            if gap.first is not None and gap.last is not None:
                inside = (event.seq - gap.first) % 0x10000 <= (gap.last - gap.first) % 0x10000
                if not inside or gap.epoch not in (None, event.epoch):
                    continue
            count = left[place]
            if count is not None:
                left[place] = count - 1
            break
        else:
            silent.append(fate)
    return silent


def health(case: Case, _matching: Matching) -> Finding:
    """A device that does not answer is told to be down in time, no other one is, and its return is told (J10)."""
    truth = case.truth
    if case.health is None:
        return Finding("NOT EXERCISED", reason="the program tells no health (a table health: device, at, up)")
    told: dict[str, list[Pulse]] = {}
    for pulse in sorted(case.health):
        told.setdefault(pulse.device, []).append(pulse)
    wrong: list[tuple[str, int, str]] = []
    checked = 0
    margins: list[int] = []
    for name, station in truth.devices.items():
        line = truth.traffic.lines.get(station.line)
        unit = None if line is None or station.unit is None else line.units.get(station.unit)
        if line is None or unit is None or not unit.ever:
            continue
        mine = told.get(name, [])
        silences = [span for span in unit.silences(truth.end) if span[1] - span[0] >= truth.limits.down]
        checked += len(silences) + sum(not pulse.up for pulse in mine)
        for span in silences:
            wrong += [(name, t, what) for t, what in _silent(truth, mine, unit, span)]
            since = next((pulse.t for pulse in mine if span[0] <= pulse.t and not pulse.up), None)
            if since is not None:
                margins.append(since - span[0])
        wrong += [
            (name, pulse.t, "told to be down while it answered everything")
            for pulse in mine
            if not pulse.up
            and unit.state(pulse.t) is not False
            and not any(not answers and pulse.t - _GRACE <= at <= pulse.t + NS for at, answers in unit.changes)
            and not truth.course.near(pulse.t, station.line, before=_GRACE)
        ]
    finding = Finding(word(len(wrong), checked), len(wrong), checked)
    finding.figures = {"told": sum(map(len, told.values()))}
    if margins:
        finding.margin = abs(truth.limits.down - max(margins))
    finding.stories = case.stories(wrong, lambda item: _story(case, told, *item))
    if not checked:
        finding.reason = f"no device was silent for {seconds(truth.limits.down)}, and none was told to be down"
    return finding


def _silent(truth: Truth, mine: Sequence[Pulse], unit: Unit, span: tuple[int, int]) -> list[tuple[int, str]]:
    """What was told wrongly of a device that was silent for a while: (instant, what)."""
    begin, until = span
    wrong = []
    if begin + truth.limits.down <= truth.end and _told_up(mine, begin + truth.limits.down):
        wrong.append((begin, f"silent from {clock(begin)} to {clock(until)}, and not told to be down"))
    back = until + truth.limits.up
    if until < truth.end and back <= truth.end and unit.state(back) and not _told_up(mine, back):
        wrong.append((until, f"answers again from {clock(until)} on, and is still told to be down"))
    return wrong


def _told_up(pulses: Sequence[Pulse], t: int) -> bool:
    """What was told last of a device by an instant; up, if nothing was."""
    up = True
    for pulse in pulses:
        if pulse.t > t:
            break
        up = pulse.up
    return up


def _story(case: Case, told: Mapping[str, Sequence[Pulse]], name: str, t: int, what: str) -> Story:
    station = case.truth.devices[name]
    near = [pulse for pulse in told.get(name, ()) if abs(pulse.t - t) < 600 * NS][:2]
    before = [f"{clock(pulse.t)} told: {name} is {'up' if pulse.up else 'down'}" for pulse in near]
    window = Window(station.line, ((t - 2 * NS, t + 5 * NS),), station.unit)
    return Story(where(name, t), before, [f"WRONG HEALTH: {name}: {what}"], window)
