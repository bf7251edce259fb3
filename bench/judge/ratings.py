"""The invariants of the ratings: presses of the program's keypads against the rows that it stored.

Without key (epoch and sequence number) rows are matched by their contents, and what the contents do not decide is
UNKNOWN: a tie is never resolved in anyone's favour.
"""

from __future__ import annotations

from typing import Any, Final

from bench.judge.case import Case, Finding, margin_of, quantiles, word
from bench.judge.claims import no_instant
from bench.judge.life import CLASSES, Fate, fates, identifiability, reachable, said
from bench.judge.matching import Match, Matching
from bench.judge.other_clock import set_ahead
from bench.judge.stories import Story, Window, around, clock, row_line, seconds, where
from firmware_sim.device import NS

__all__ = ["attribution", "duplication", "lateness", "loss", "order", "phantom", "time"]

_ANOTHER_CLOCK: Final = 3600 * NS
"""An instant of storing this long after the end of the run was not taken from the hall's time."""


def loss(case: Case, matching: Matching) -> Finding:
    """Each press that a collector could have had has a row (J1).

    A press of the last moments that still waits in its keypad is open; one that no collector could have had is not
    lost by the program (`bench.judge.life`), and is judged by whether it was reported (J2).
    """
    truth = case.truth
    classes: dict[str, int] = dict.fromkeys(CLASSES, 0)
    lost: list[Fate] = []
    still_open = excused = 0
    for fate in fates(matching.lost, truth):
        if fate.kind == "waiting" and fate.event.t >= truth.end - truth.limits.settle:
            still_open += 1
            continue
        classes[fate.kind] += 1
        if fate.avoidable:
            lost.append(fate)
        else:
            excused += 1
    checked = len(truth.events) - still_open - excused
    finding = Finding(word(len(lost), checked), len(lost), checked)
    protocols = {truth.devices[name].protocol for name in truth.counted}
    keyed = case.claims is not None and {"epoch", "seq"} <= case.claims.fields
    finding.figures = {
        "open": still_open,
        "excused": excused,
        **classes,
        "ambiguous": len(matching.ambiguous),
        "doubtful": len(matching.doubtful),
        "identifiability": min(map(identifiability, protocols), default=None)
        if keyed
        else "I2"
        if _timed(case)
        else "I1",
    }
    finding.stories = case.stories(lost, lambda fate: _loss_story(case, matching, fate))
    remarks = []
    if still_open:
        remarks.append(
            f"{still_open} pressed in the last {truth.limits.settle / NS:g} s of the run are open: still in the "
            "keypads, not counted"
        )
    if excused:
        remarks.append(f"{excused} were lost by the keypads or the line, and no collector could have had them")
    if lost and matching.ambiguous:
        remarks.append("at least so many: equal presses near by could stand for each other")
    if not checked and not still_open:
        remarks.append("no rating was pressed on the program's keypads")
    finding.reason = "; ".join(remarks)
    return _doubt(finding, matching, pairs=True)


def _timed(case: Case) -> bool:
    return case.claims is not None and "at" in case.claims.fields


def _loss_story(case: Case, matching: Matching, fate: Fate) -> Story:
    truth, event = case.truth, fate.event
    after = [f"{clock(fate.at)} {said(fate, clock(fate.at))}"]
    if fate.kind == "waiting" and truth.exited is not None:
        after.append(f"the collector had exited at {clock(truth.exited[0])} with status {truth.exited[1]}")
    if event.n in matching.ambiguous:
        after.append("ambiguous: the rows fit as well if an equal press near by was lost instead")
    return Story(where(event.device, event.t), [case.press(event)], after, around(event, truth, fate.at + NS // 5))


def duplication(case: Case, matching: Matching) -> Finding:
    """No press has more than one row (J3)."""
    first = {found.event.n: found.claim.n for found in matching.matches}
    finding = Finding(word(len(matching.copies), len(matching.matches)), len(matching.copies), len(matching.matches))

    def story(copy: Any) -> Story:
        rows = [first.get(copy.event.n), copy.claim.n]
        after = [row_line(case.rows[n]) for n in rows if n is not None]
        end = (copy.event.acked or copy.event.t) + NS
        return Story(
            where(copy.event.device, copy.event.t),
            [case.press(copy.event)],
            [*after, "DUPLICATE: stored more than once"],
            around(copy.event, case.truth, end),
        )

    finding.stories = case.stories(matching.copies, story)
    if not matching.matches:
        finding.reason = "no press has a row, so none could be stored twice"
    return _doubt(finding, matching, pairs=True)


def attribution(case: Case, matching: Matching) -> Finding:
    """Each row that tells a press tells its device, value, clerk and ticket (J4)."""
    wrong = [found for found in matching.matches if found.wrong]
    finding = Finding(word(len(wrong), len(matching.matches)), len(wrong), len(matching.matches))
    assert case.claims is not None
    compared = [name for name in ("device", "value", "clerk", "ticket") if name in case.claims.fields]
    finding.figures = {name: sum(name in found.wrong for found in wrong) for name in compared}

    def story(found: Match) -> Story:
        told = ", ".join(found.wrong)
        after = [row_line(case.rows[found.claim.n]), f"MISATTRIBUTED: the row has another {told} than the press"]
        end = (found.event.acked or found.event.t) + NS
        return Story(
            where(found.event.device, found.event.t),
            [case.press(found.event)],
            after,
            around(found.event, case.truth, end),
        )

    finding.stories = case.stories(wrong, story)
    if not matching.matches:
        finding.reason = "no press has a row, so none could be credited wrongly"
    elif len(compared) < 4:
        missing = [name for name in ("clerk", "ticket") if name not in compared]
        finding.reason = f"the records tell no {' and no '.join(missing)}: that is not compared"
    elif case.claims.lettered:
        finding.reason = (
            f"{case.claims.lettered} tickets are told with their letter, and the history does not tell which number "
            "that is on the wire: they are not compared"
        )
    return _doubt(finding, matching, pairs=False)


def phantom(case: Case, matching: Matching) -> Finding:
    """Each row tells a press (J5)."""
    checked = len(case.rows)
    finding = Finding(word(len(matching.strays), checked), len(matching.strays), checked)

    def story(stray: Any) -> Story:
        row, claim = case.rows[stray.claim.n], stray.claim
        before = [row_line(row)]
        if claim.at is not None:
            before.append(f"its instant is {clock(claim.at)} of the hall's day")
        hint = f" ({stray.hint})" if stray.hint else ""
        station = case.truth.devices.get(claim.device or "")
        window = None
        if station is not None and claim.at is not None:
            mark = "" if claim.key is None else f"{claim.key[0]:04x}{claim.key[1]:04x}"
            window = Window(station.line, ((claim.at - NS, claim.at + 2 * NS),), station.unit, mark)
        return Story(f"row {row.n}", before, [f"PHANTOM: nobody pressed this{hint}"], window)

    finding.stories = case.stories(matching.strays, story)
    if not checked:
        finding.reason = "there are no rows"
    return _doubt(finding, matching, pairs=False)


def order(case: Case, matching: Matching) -> Finding:
    """The rows of a keypad are stored in the order of its presses (J6); a duplicate's place does not matter."""
    assert case.claims is not None
    if not case.claims.ordered:
        return Finding("NOT EXERCISED", reason="the database tells no order of storing: no row number, no single key")
    latest: dict[str, Match] = {}
    late: list[tuple[Match, Match]] = []
    checked = 0
    for found in sorted(matching.matches, key=lambda found: found.claim.n):
        before = latest.get(found.event.device)
        if before is None:
            latest[found.event.device] = found
            continue
        checked += 1
        if found.event.n < before.event.n:
            late.append((before, found))
        else:
            latest[found.event.device] = found
    finding = Finding(word(len(late), checked), len(late), checked)

    def story(pair: tuple[Match, Match]) -> Story:
        before, found = pair
        rows = [row_line(case.rows[item.claim.n]) for item in pair]
        last = "OUT OF ORDER: the later press was stored first"
        return Story(
            where(found.event.device, found.event.t), [case.press(found.event), case.press(before.event)], [*rows, last]
        )

    finding.stories = case.stories(late, story)
    if not checked:
        finding.reason = "no keypad has two rows whose order could be wrong"
    return finding


def lateness(case: Case, matching: Matching) -> Finding:
    """From a press to its being stored no more time passes than is allowed (J7).

    Time in which a fault kept the keypad from answering does not count. Stored is when the row says so, else when the
    house committed it, else when the keypad was told to forget the press.
    An instant of storing that lies before its press, or long after the run, comes from another clock and is not used.
    """
    lags: list[int] = []
    dues: list[int] = []
    outages = 0
    late: list[tuple[int, int, Match, str]] = []
    unknown = strange = 0
    limit = case.truth.limits.lateness
    for found in matching.matches:
        stored, told = found.claim.stored_at, "stored"
        if stored is not None and not found.event.t - 2 * NS <= stored <= case.truth.end + _ANOTHER_CLOCK:
            stored = None
            strange += 1
        if stored is None:
            stored = found.event.stored
        if stored is None:
            stored, told = found.event.acked, "acknowledged"
        if stored is None:
            unknown += 1
            continue
        lag = max(stored - found.event.t, 0)
        lags.append(lag)
        # while a fault keeps the keypad from answering nobody can be in time
        due = lag if lag <= limit else reachable(case.truth, found.event.device, found.event.t, stored)
        dues.append(due)
        outages += due < lag
        if due > limit:
            late.append((-due, found.event.n, found, told))
    late.sort(key=lambda item: item[:2])
    finding = Finding(word(len(late), len(lags)), len(late), len(lags), figures={**quantiles(lags)})
    finding.figures["limit"] = limit / NS
    finding.figures["excused"] = outages
    finding.margin = margin_of(dues, limit)

    def story(item: tuple[int, int, Match, str]) -> Story:
        lag, _, found, told = item
        last = f"LATE: {told} {seconds(-lag)} after the press, allowed are {seconds(limit)}"
        return Story(
            where(found.event.device, found.event.t),
            [case.press(found.event)],
            [row_line(case.rows[found.claim.n]), last],
            around(found.event, case.truth, found.event.t - lag + NS),
        )

    finding.stories = case.stories(late, story)
    ahead = set_ahead(matching, limit) if late else None
    if ahead is not None and all(found.claim.n >= ahead.row for _, _, found, _ in late):
        finding.verdict, finding.violations, finding.stories, finding.reason = "UNKNOWN", 0, [], ahead.told
        return finding
    remarks = []
    if unknown:
        remarks.append(
            f"{unknown} rows tell no instant of storing that can be used, and their press was not acknowledged"
        )
    if strange:
        remarks.append(
            f"{strange} of the instants of storing are outside the run: is the collector's clock the hall's?"
        )
    if not lags and not remarks:
        remarks.append("no press has a row whose lateness could be measured")
    finding.reason = "; ".join(remarks)
    return finding


def time(case: Case, matching: Matching) -> Finding:
    """Each row's instant is that of its press (J9), by the hall's time or by the clock of the keypad that told it.

    A row without an instant, or with one that cannot be, breaks it as well where others have one. A row that may be a
    copy of another press is not held to this one's instant.
    """
    assert case.claims is not None
    if not case.claims.claims:
        return Finding("NOT EXERCISED", reason="there are no rows")
    if "at" not in case.claims.fields:
        return Finding("NOT EXERCISED", reason="the records tell no instant of the press (`at`)")
    limit = case.truth.limits.time
    off: list[int] = []
    wrong: list[tuple[Match, str]] = []
    judged = [found for found in matching.matches if found.event.n not in matching.doubtful]
    for found in judged:
        event, at = found.event, found.claim.at
        if at is None:
            wrong.append((found, no_instant(case.rows[found.claim.n].at)))
            continue
        error = min(at - event.t, at - event.clock, key=abs)
        off.append(abs(error))
        if abs(error) > limit:
            side = "after" if error > 0 else "before"
            wrong.append(
                (found, f"{clock(at)} is {seconds(abs(error))} {side} the press, allowed are {seconds(limit)}")
            )
    finding = Finding(word(len(wrong), len(judged)), len(wrong), len(judged))
    finding.figures = {**quantiles(off), "unreadable": len(judged) - len(off), "limit": limit / NS}

    def story(item: tuple[Match, str]) -> Story:
        found, what = item
        return Story(
            where(found.event.device, found.event.t),
            [case.press(found.event)],
            [row_line(case.rows[found.claim.n]), f"WRONG TIME: {what}"],
            around(found.event, case.truth, (found.event.acked or found.event.t) + NS),
        )

    finding.stories = case.stories(wrong, story)
    if not judged:
        finding.reason = "no press has a row whose instant could be wrong"
    return _doubt(finding, matching, pairs=True)


def _doubt(finding: Finding, matching: Matching, *, pairs: bool) -> Finding:
    """A tie is never resolved in anyone's favour: what would hold is unknown when other rows' fates say otherwise."""
    if finding.verdict != "HOLDS":
        return finding
    if matching.uncertain:
        finding.verdict = "UNKNOWN"
        finding.reason = (
            f"without epoch and seq the rows of {', '.join(matching.uncertain)} fit the presses in several ways that "
            "differ in their totals; store epoch and seq"
        )
    elif pairs and matching.doubtful:
        finding.verdict = "UNKNOWN"
        finding.reason = (
            f"{len(matching.doubtful)} rows have an instant nearer to another press that looks the same: a lost press "
            "and a copy would look no different; store epoch and seq, or the instant of the press itself"
        )
    return finding
