"""How the program behaves on its lines: late and unasked replies (J11, J12), fairness (J13), manners (J15)."""

from __future__ import annotations

from collections.abc import Container

from bench.judge.case import Case, Finding, word
from bench.judge.claims import Claim
from bench.judge.matching import Matching
from bench.judge.stories import Story, Window, clock, row_line, seconds, where
from bench.judge.traffic import Instance, Line
from bench.judge.truth import Event
from firmware_sim.device import MS, NS

__all__ = ["fairness", "late_reply", "manners", "unexpected_unit"]

_SHORTEST_BOUND = 3 * NS // 2
_AFTER_LATE = 3 * NS


def _credited(case: Case, matching: Matching, sign: int) -> list[tuple[Claim, Event | None, str]]:
    """Rows that credit an event to a unit that was asked when a reply with it came late (1), or unasked (-1)."""
    truth = case.truth

    def unit(claim: Claim) -> int | None:
        return truth.devices[claim.device].unit if claim.device in truth.devices else None

    found: list[tuple[Claim, Event | None, str]] = []
    found += [
        (match.claim, match.event, "credited to the unit that was asked then")
        for match in matching.matches
        if "device" in match.wrong and sign * (unit(match.claim) or 0) in match.event.astray
    ]
    astray: dict[tuple[int, int], list[Event]] = {}
    for event in truth.events:
        if event.astray:
            astray.setdefault((event.epoch, event.seq), []).append(event)
    for stray in matching.strays:
        claim = stray.claim
        for event in astray.get(claim.key, []) if claim.key is not None else []:
            if event.device != claim.device and sign * (unit(claim) or 0) in event.astray:
                found.append((claim, event, "stored for the unit that was asked then"))
                break
    return found


def late_reply(case: Case, matching: Matching) -> Finding:
    """No reply that came after the next request is credited to that one, and none after it to the next (J11).

    Who takes a late reply for the answer may be one reply behind from then on: what a unit told in time is credited to
    the unit that was asked after it.
    """
    truth = case.truth
    lines = truth.traffic.lines
    checked = sum(line.late_count for line in lines.values())
    if not checked:
        return Finding("NOT EXERCISED", reason=_no_traffic(case) or "no reply came after the next request")
    wrong = _credited(case, matching, 1)
    wrong += _one_behind(case, matching, {claim.n for claim, _, _ in wrong})
    named = {claim.n for claim, _, _ in wrong}
    for stray in matching.strays:
        claim = stray.claim
        t = _told_at(claim)
        station = truth.devices.get(claim.device or "")
        if claim.n in named or station is None or t is None or station.line not in lines:
            continue
        late = lines[station.line].late
        if any(unit == station.unit and at <= t <= at + _AFTER_LATE for at, unit in late):
            wrong.append((claim, None, "stored just after another request's reply had come"))
    finding = Finding(word(len(wrong), checked), len(wrong), checked)
    finding.stories = case.stories(wrong, lambda item: _row_story(case, item, "LATE REPLY"))
    return finding


def _told_at(claim: Claim) -> int | None:
    return claim.stored_at if claim.stored_at is not None else claim.at


def _one_behind(case: Case, matching: Matching, named: Container[int]) -> list[tuple[Claim, Event | None, str]]:
    """Rows that credit what was read in time to the unit that was asked next, after a late reply on that line."""
    truth = case.truth
    claims: list[tuple[Claim, Event]] = []
    behind: dict[tuple[int, int], list[Event]] = {}
    for event in truth.events:
        if event.behind:
            behind.setdefault((event.epoch, event.seq), []).append(event)
    claims += [(match.claim, match.event) for match in matching.matches if "device" in match.wrong]
    for stray in matching.strays:
        key = stray.claim.key
        claims += [(stray.claim, event) for event in (behind.get(key, ()) if key is not None else ())]
    found: dict[int, tuple[Claim, Event | None, str]] = {}
    for claim, event in claims:
        station, other = truth.devices.get(event.device), truth.devices.get(claim.device or "")
        if claim.n in named or station is None or other is None or other is station or station.line != other.line:
            continue
        line, t = truth.traffic.lines.get(station.line), _told_at(claim)
        late = line is not None and bool(line.late) and (t is None or line.late[0][0] <= t)
        if late and other.unit in event.behind:
            found.setdefault(claim.n, (claim, event, "one reply behind: credited to the unit that was asked after it"))
    return list(found.values())


def unexpected_unit(case: Case, matching: Matching) -> Finding:
    """On a reply of another unit the program goes on waiting for the one that it asked (J12)."""
    lines = case.truth.traffic.lines
    checked = sum(line.foreign_count for line in lines.values())
    if not checked:
        return Finding("NOT EXERCISED", reason=_no_traffic(case) or "no reply came from another unit")
    patience = min((line.waits[0] for line in lines.values() if line.waits is not None), default=None)
    credited = _credited(case, matching, -1)
    gave_up: list[tuple[Line, int, int, int, int]] = []
    unknown = 0
    shortest: list[int] = []
    for line in lines.values():
        least = line.waits[0] if line.waits is not None else patience
        for t, wait, unit in line.foreign:
            if least is None:
                unknown += 1
                continue
            shortest.append(wait - least // 2)  # a longer answer is waited for longer: half is surely too short
            if wait < least // 2:
                gave_up.append((line, t, wait, unit, least))
    broken = len(gave_up) + len(credited)
    finding = Finding(word(broken, checked), broken, checked)
    if shortest:
        finding.margin = abs(min(shortest))
    finding.figures = {
        "gave_up": len(gave_up),
        "credited": len(credited),
        "patience": None if patience is None else patience / NS,
    }

    def story(item: tuple[Line, int, int, int, int]) -> Story:
        line, t, wait, unit, least = item
        last = (
            f"GAVE UP: after {wait / MS:.0f} ms of waiting for unit {unit}, because another unit spoke; "
            f"without that it waits {least / MS:.0f} ms"
        )
        return Story(where(f"unit {unit} on {line.name}", t), [], [last], Window(line.name, ((t - NS, t + NS),)))

    finding.stories = [
        *case.stories(credited, lambda item: _row_story(case, item, "UNEXPECTED UNIT")),
        *case.stories(gave_up, story),
    ][: case.most]
    if unknown and not broken:
        finding.verdict = "UNKNOWN"
        finding.reason = "every request of the run was answered, so how long the program waits is not known"
    return finding


def _row_story(case: Case, item: tuple[Claim, Event | None, str], name: str) -> Story:
    claim, event, what = item
    before = [case.press(event)] if event is not None else []
    t = claim.stored_at if claim.stored_at is not None else claim.at or 0
    station = case.truth.devices.get((event.device if event is not None else claim.device) or "")
    window = None
    if station is not None:
        mark = "" if event is None else f"{event.epoch:04x}{event.seq:04x}"
        begin = t if event is None else event.t
        window = Window(station.line, ((begin - NS, begin + 20 * NS),), None, mark)
    return Story(f"row {claim.n}", before, [row_line(case.rows[claim.n]), f"{name}: {what}"], window)


def fairness(case: Case, _matching: Matching) -> Finding:
    """While a unit is dead or slow, the others are asked nearly as often as ever (J13).

    Allowed is twice the usual time between two visits to a unit and a second more, 1.5 s at least. Where the line was
    never seen with all units well, what is usual is not known, and only a time within 1.5 s decides.
    """
    wrong: list[tuple[Line, int, int, int, int]] = []
    worst: list[float] = []
    checked = unknown = 0
    margins: list[int] = []
    for line in case.truth.traffic.lines.values():
        checked += line.held_checked
        if line.held is None:
            continue
        held, t, unit = line.held
        worst.append(held / NS)
        usual = line.usual
        if usual is None and held > _SHORTEST_BOUND:
            unknown += 1
            continue
        bound = max(_SHORTEST_BOUND, 2 * (usual or 0) + NS)
        margins.append(held - bound)
        if held > bound:
            wrong.append((line, held, t, unit, bound))
    finding = Finding(word(len(wrong), checked), len(wrong), checked)
    finding.figures = {"longest": max(worst, default=None)}
    if margins:
        finding.margin = abs(max(margins))

    def story(item: tuple[Line, int, int, int, int]) -> Story:
        line, held, t, unit, bound = item
        silent = ", ".join(
            str(number) for number, other in line.units.items() if number != unit and other.state(t + held) is False
        )
        told = f"unit {unit} was not asked for {seconds(held)} while unit {silent or '?'} was silent"
        last = f"UNFAIR: {told}; allowed are {seconds(bound)}"
        return Story(where(f"unit {unit} on {line.name}", t), [], [last], Window(line.name, ((t - NS, t + held + NS),)))

    finding.stories = case.stories(wrong, story)
    if not checked:
        finding.reason = _no_traffic(case) or "no unit was dead or slow while others were asked"
    if unknown and not wrong:
        finding.verdict = "UNKNOWN"
        finding.reason = (
            f"a unit was not asked for {max(worst):.3f} s while another was silent, and the line was not seen for long "
            "enough with all units well to tell how often it is usually asked"
        )
    return finding


def manners(case: Case, _matching: Matching) -> Finding:
    """One request at a time, t3.5 of silence before it, retries that end, and no write again that must not be (J15)."""
    traffic = case.truth.traffic
    checked = sum(line.requests for line in traffic.lines.values())
    tallies = {
        "silence": (traffic.short, "TOO SOON"),
        "outstanding": (traffic.doubled, "SECOND REQUEST"),
        "retries": (traffic.hammered, "NO BACK-OFF"),
        "repeated_writes": (traffic.repeated, "WRITTEN AGAIN"),
    }
    broken = sum(tally.n for tally, _ in tallies.values())
    finding = Finding(word(broken, checked), broken, checked)
    finding.figures = {name: tally.n for name, (tally, _) in tallies.items()}
    if traffic.short.n == broken > 0:
        finding.margin = 2 * MS

    def story(item: tuple[Instance, str]) -> Story:
        instance, name = item
        window = Window(instance.line, ((instance.t - NS // 2, instance.t + NS // 10),))
        last = f"{clock(instance.t)} {name}: {instance.told}"
        return Story(where(f"unit {instance.unit} on {instance.line}", instance.t), [], [last], window)

    found = [(instance, name) for tally, name in tallies.values() for instance in tally.first]
    finding.stories = case.stories(sorted(found), story)
    if not checked:
        finding.reason = _no_traffic(case) or "nothing was asked on the program's lines"
    return finding


def _no_traffic(case: Case) -> str:
    return "" if case.truth.traffic.lines else "the program runs no line of Modbus devices alone"
