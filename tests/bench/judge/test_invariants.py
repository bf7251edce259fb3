"""One good and one bad history for each invariant, made by hand, and what its story says."""

from __future__ import annotations

from typing import Any

import pytest

from bench.judge.desk import shows
from bench.judge.records import Rows
from bench.judge.verdict import Verdict, judge

LOST_AT = "{0} LOST: the collector acknowledged it at {0}, which removed it from the keypad; no row tells it"


def story(verdict: Verdict, name: str) -> list[str]:
    return verdict.findings[name].stories[0].text().splitlines()


def day(kit: Any, n: int = 10) -> tuple[list[Any], list[Any]]:
    """Presses on both keypads, polled and acknowledged two seconds later, and their records."""
    presses = [kit.press(30_000 + 60 * k, k, 1 + k % 5, device=f"keypad-{1 + k % 2}") for k in range(n)]
    acks = [kit.ack(press[0] + 2, press[3]["seq"], device=press[3]["device"]) for press in presses]
    return presses, [*presses, *acks]


# -- loss ------------------------------------------------------------------------------------------------------------
def test_what_is_stored_once_and_rightly_breaks_nothing(kit: Any) -> None:
    """A collector that stores each press once, at the right clerk, in order, breaks nothing."""
    presses, records = day(kit)
    for rows in (kit.rows(presses), kit.unkeyed(kit.rows(presses))):
        verdict = kit.judge(records, rows, must_exercise=list(kit.RATINGS))
        assert verdict.word == "HOLDS"
        assert {kit.words(verdict)[name] for name in kit.RATINGS} == {"HOLDS"}
        assert verdict.counts["recorded"] == 10


def test_a_press_acknowledged_and_not_stored_is_lost(kit: Any) -> None:
    """A press that was acknowledged and never stored is lost; its story shows the transactions that carried it."""
    presses, records = day(kit)
    wire = [
        (
            30_181.0,
            "line",
            "tx",
            {"line": "keypads", "by": "port", "hex": "020401000008f1c1", "end": 30_181_010_000_000},
        ),
        (
            30_181.1,
            "line",
            "tx",
            {"line": "keypads", "by": "keypad-2", "hex": "0204100001000304", "end": 0, "flaws": 1},
        ),
        (30_181.9, "line", "tx", {"line": "keypads", "by": "port", "hex": "02100000000204000100030000", "end": 0}),
        (30_182.0, "line", "tx", {"line": "keypads", "by": "keypad-2", "hex": "0210000000024dc1", "end": 0}),
        (30_182.0, "line", "tx", {"line": "other", "by": "port", "hex": "0210000000024dc1", "end": 0}),
    ]
    verdict = kit.judge([*records, *wire], kit.rows([p for p in presses if p[0] != 30_180]))
    assert kit.words(verdict)["loss"] == "VIOLATED"
    assert verdict.findings["loss"].figures["acknowledged"] == 1
    assert story(verdict, "loss") == [
        "08:23:00.000 keypad-2: key 4 pressed (clerk C02; epoch 1, seq 3)",
        "  08:23:01.000 port: 02 04 01 00 00 08 F1 C1",
        "  08:23:01.100 keypad-2: 02 04 10 00 01 00 03 04 [1 damaged] <- this press",
        "  08:23:01.900 port: 02 10 00 00 00 02 04 00 01 00 03 00 00 <- this press",
        "  08:23:02.000 keypad-2: 02 10 00 00 00 02 4D C1",
        LOST_AT.format("08:23:02.000"),
    ]


def test_loss_by_overflow(kit: Any) -> None:
    """A press that a full queue dropped, though it could have been fetched long before, is the collector's loss."""
    presses, records = day(kit)
    extra = kit.press(40_000, 77)
    dropped = (40_069.5, "dev", "overflow", {"device": "keypad-1", "epoch": 1, "seq": 77})
    verdict = kit.judge([*records, extra, dropped], kit.rows(presses))
    assert verdict.findings["loss"].figures["overflow"] == 1
    assert "the keypad's queue overflowed at 11:07:49.500" in story(verdict, "loss")[-1]


def test_loss_waiting_and_open(kit: Any) -> None:
    """What still waits at the end is lost when it had time, and open when it was pressed just before the end."""
    presses, records = day(kit)
    late = [kit.press(61_200 - 31, 70), kit.press(61_200 - 29, 71)]
    gone = (50_000, "collector", "exit", {"status": 1})
    verdict = kit.judge([*records, *late, gone], kit.rows(presses))
    finding = verdict.findings["loss"]
    assert (finding.violations, finding.checked, finding.figures["open"], finding.figures["waiting"]) == (1, 11, 1, 1)
    assert "1 pressed in the last 30 s of the run are open" in finding.reason
    assert story(verdict, "loss")[-2:] == [
        "17:00:00.000 LOST: it still waits in the keypad at the end of the run, 17:00:00.000; no row tells it",
        "the collector had exited at 13:53:20.000 with status 1",
    ]
    verdict = kit.judge([*records, *late], kit.rows(presses), settle_ns=40 * kit.NS)
    assert (verdict.findings["loss"].violations, verdict.findings["loss"].figures["open"]) == (0, 2)


def test_loss_before_the_collector_ran(kit: Any) -> None:
    """A press made before the collector runs waits in the keypad, so it counts like any other."""
    presses, records = day(kit)
    started = (35_000, "collector", "start", {})
    assert kit.judge([*records, started], kit.rows(presses[1:])).counts["lost"] == 1


def test_only_the_programs_keypads_count(kit: Any) -> None:
    """Presses on the house's keypads are not the collector's business; for the house all count."""
    presses, records = day(kit)
    house = kit.press(31_000, 5, device="keypad-3", clerk=0)
    acked = kit.ack(31_001, 5, device="keypad-3")
    verdict = kit.judge([*records, house, acked], kit.rows(presses))
    assert (verdict.counts["presses"], verdict.counts["lost"]) == (10, 0)
    verdict = kit.judge([*records, house, acked], kit.rows(presses), program="house")
    assert (verdict.counts["presses"], verdict.counts["lost"]) == (11, 1)


def test_an_acknowledgement_frees_all_older_events(kit: Any) -> None:
    """One acknowledgement of the newest event takes the older ones with it: none of them still waits."""
    presses = [kit.press(30_000 + k, k) for k in range(5)]
    verdict = kit.judge([*presses, kit.ack(30_010, 3, freed=4)], [])
    figures = verdict.findings["loss"].figures
    assert (figures["acknowledged"], figures["waiting"]) == (4, 1)


# -- duplication -----------------------------------------------------------------------------------------------------
def test_a_second_row_of_a_press_is_a_duplicate(kit: Any) -> None:
    """A second row of a press is a duplicate, with or without keys, and the story shows both rows."""
    presses, records = day(kit)
    rows = kit.rows([*presses, presses[4]])
    for told in (rows, kit.unkeyed(rows)):
        verdict = kit.judge(records, told)
        assert (verdict.counts["duplicated"], verdict.counts["lost"], verdict.counts["phantom"]) == (1, 0, 0)
        assert kit.words(verdict)["duplication"] == "VIOLATED"
    lines = story(kit.judge(records, rows), "duplication")
    assert lines[1].startswith("row 5: device 'keypad-1'")
    assert lines[2].startswith("row 11: device 'keypad-1'")
    assert lines[3] == "DUPLICATE: stored more than once"


# -- attribution -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "wrong"),
    [({"clerk": 2}, "clerk"), ({"value": 3}, "value"), ({"ticket": 8}, "ticket"), ({"device": "keypad-2"}, "device")],
)
def test_a_wrong_row_is_told_as_that_and_not_as_loss(kit: Any, change: dict[str, Any], wrong: str) -> None:
    """A row with another clerk, value, ticket or device than its press is told as that, not as loss and phantom."""
    presses = [kit.press(30_000 + 60 * k, k, 5, ticket=20 + k) for k in range(5)]
    rows = kit.rows(presses)
    rows[2] = rows[2]._replace(**change)
    for told in (rows, kit.unkeyed(rows)):
        verdict = kit.judge(presses, told)
        assert verdict.counts["misattributed"] == 1
        assert (verdict.counts["lost"], verdict.counts["phantom"], verdict.counts["duplicated"]) == (0, 0, 0)
        assert verdict.findings["attribution"].figures[wrong] == 1
        assert story(verdict, "attribution")[-1] == f"MISATTRIBUTED: the row has another {wrong} than the press"


def test_a_wrong_row_far_off_is_no_misattribution(kit: Any) -> None:
    """Without keys, a row that says something wrongly and is hours off is a phantom, and the press is lost."""
    presses, records = day(kit)
    rows = kit.unkeyed(kit.rows(presses))
    rows[3] = rows[3]._replace(clerk=1, at=rows[3].at + 7200)
    verdict = kit.judge(records, rows)
    assert (verdict.counts["lost"], verdict.counts["phantom"], verdict.counts["misattributed"]) == (1, 1, 0)


def test_attribution_to_nobody(kit: Any) -> None:
    """A collector that keeps clerks and forgets one has credited that rating wrongly."""
    presses, records = day(kit)
    rows = kit.rows(presses)
    rows[3] = rows[3]._replace(clerk=None)
    assert kit.judge(records, rows).findings["attribution"].figures["clerk"] == 1


def test_attribution_says_what_it_cannot_compare(kit: Any) -> None:
    """Records without clerks and tickets are judged by what they have, and it is said."""
    presses, records = day(kit)
    rows = [row._replace(clerk=None, ticket=None) for row in kit.rows(presses)]
    finding = kit.judge(records, rows).findings["attribution"]
    assert finding.verdict == "HOLDS"
    assert finding.reason == "the records tell no clerk and no ticket: that is not compared"


# -- phantom ---------------------------------------------------------------------------------------------------------
def test_a_row_that_nobody_pressed_is_a_phantom(kit: Any) -> None:
    """A row that nobody pressed is a phantom: by its key, by its contents, or because its device does not exist."""
    presses, records = day(kit)
    rows = kit.rows(presses)
    for stray in (
        rows[0]._replace(n=11, seq=90),
        rows[0]._replace(n=11, epoch=None, at=kit.EPOCH_S + 45_000),
        rows[0]._replace(n=11, device="keypad-9"),
        rows[0]._replace(n=11, device=None),
        rows[0]._replace(n=11, device="keypad-3"),
    ):
        verdict = kit.judge(records, [*rows, stray])
        assert (verdict.counts["phantom"], verdict.counts["lost"], verdict.counts["duplicated"]) == (1, 0, 0)
        assert story(verdict, "phantom")[0].startswith("row 11: ")
        assert story(verdict, "phantom")[-1].startswith("PHANTOM: nobody pressed this")


# -- order -----------------------------------------------------------------------------------------------------------
def test_a_later_press_stored_first_is_out_of_order(kit: Any) -> None:
    """A later press stored before an earlier one of its keypad is out of order; across keypads nothing is promised."""
    presses, records = day(kit)
    swapped = [*presses[:4], presses[6], presses[5], presses[4], *presses[7:]]
    rows = kit.rows(swapped)
    for told in (rows, kit.unkeyed(rows)):
        verdict = kit.judge(records, told)
        assert (verdict.findings["order"].verdict, verdict.findings["order"].violations) == ("VIOLATED", 1)
        assert verdict.counts["lost"] == 0
    across = [*presses[:4], presses[5], presses[4], *presses[6:]]
    assert kit.judge(records, kit.rows(across)).findings["order"].verdict == "HOLDS"


def test_order_needs_an_order(kit: Any) -> None:
    """Rows of a database that keeps no order of storing are not judged by it."""
    presses, records = day(kit)
    rows = Rows(kit.rows(presses), fields=("device", "clerk", "value", "at"), order=None)
    finding = judge(kit.history([*records, kit.end()]), rows).findings["order"]
    assert finding.verdict == "NOT EXERCISED"
    assert "no order of storing" in finding.reason


# -- lateness --------------------------------------------------------------------------------------------------------
def test_lateness_from_the_acknowledgement(kit: Any) -> None:
    """Without an instant of storing, a press counts as stored when its keypad was told to forget it."""
    presses, records = day(kit)
    verdict = kit.judge(records, kit.rows(presses))
    assert verdict.latency == {"p50": 2.0, "p99": 2.0, "max": 2.0}
    verdict = kit.judge(records, kit.rows(presses), lateness_ns=int(1.5 * kit.NS))
    assert verdict.findings["lateness"].violations == 10
    assert "LATE: acknowledged 2.000 s after the press, allowed are 1.500 s" in story(verdict, "lateness")[-1]


def test_lateness_from_the_instant_of_storing(kit: Any) -> None:
    """An instant of storing in the row is what counts; p50, p99 and max are those of the presses that have rows."""
    presses, records = day(kit, 100)
    rows = [kit.row(p, n, stored_at=kit.EPOCH_S + p[0] + n / 10) for n, p in enumerate(presses, 1)]
    verdict = kit.judge(records, rows)
    assert verdict.latency == {"p50": 5.0, "p99": 9.9, "max": 10.0}
    rows[7] = rows[7]._replace(stored_at=kit.EPOCH_S + presses[7][0] + 61)
    verdict = kit.judge(records, rows)
    assert (verdict.findings["lateness"].verdict, verdict.findings["lateness"].violations) == ("VIOLATED", 1)
    assert "LATE: stored 61 s after the press, allowed are 60 s" in story(verdict, "lateness")[-1]


def test_lateness_by_another_clock(kit: Any) -> None:
    """Instants of storing that cannot be the hall's are left aside and told; the acknowledgement counts instead."""
    presses, records = day(kit)
    rows = [row._replace(stored_at=kit.EPOCH_S - 86_400) for row in kit.rows(presses)]
    verdict = kit.judge(records, rows)
    assert verdict.latency["max"] == 2.0
    assert "10 of the instants of storing are outside the run" in verdict.findings["lateness"].reason


def test_lateness_of_the_house(kit: Any) -> None:
    """The house tells when it committed a row; that is earlier than the acknowledgement."""
    press = kit.press(30_000, 1)
    row = (30_000.4, "house", "row", {"device": "keypad-1", "epoch": 1, "seq": 1})
    verdict = kit.judge([press, row, kit.ack(30_000.9, 1)], kit.rows([press]), program="house")
    assert verdict.latency["max"] == 0.4


# -- time ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("off", [-2.0, -1.0, 0.4, 2.0])
def test_time_within_the_tolerance(kit: Any, off: float) -> None:
    """Whole seconds, or an instant taken down a second later, are the press's time."""
    presses, records = day(kit)
    rows = [kit.row(press, n, at=kit.EPOCH_S + press[0] + off) for n, press in enumerate(presses, 1)]
    for told in (rows, kit.unkeyed(rows)):
        finding = kit.judge(records, told).findings["time"]
        assert (finding.verdict, finding.violations, finding.checked) == ("HOLDS", 0, 10)
        assert finding.figures["max"] == abs(off)


@pytest.mark.parametrize(("off", "side"), [(7.5, "after"), (-7.5, "before"), (40.0, "after")])
def test_time_of_another_instant(kit: Any, off: float, side: str) -> None:
    """A row with another instant than its press breaks the invariant, and no other: the instant of the poll."""
    presses, records = day(kit)
    rows = kit.rows(presses)
    rows[3] = rows[3]._replace(at=kit.EPOCH_S + presses[3][0] + off)
    for told in (rows, kit.unkeyed(rows)):
        verdict = kit.judge(records, told)
        finding = verdict.findings["time"]
        assert (finding.verdict, finding.violations, finding.checked) == ("VIOLATED", 1, 10)
        assert {name for name, word in kit.words(verdict).items() if word == "VIOLATED"} == {"time"}
        assert verdict.sentence().startswith(
            "VIOLATED: 1 of 10 ratings stored with a wrong time (keypad-2 at 08:23:00)"
        )
    text = "7.500 s" if abs(off) < 10 else "40 s"
    assert story(verdict, "time")[-1].endswith(f"is {text} {side} the press, allowed are 2.000 s")
    header = {"time_ns": int(abs(off)) * kit.NS + kit.NS}
    assert kit.judge(records, rows, **header).findings["time"].verdict == "HOLDS"


def test_time_of_another_hour(kit: Any) -> None:
    """Instants that are all an hour off (summer time, a wrong zone) break it at each row, with keys or not."""
    presses, records = day(kit)
    rows = [kit.row(press, n, at=kit.EPOCH_S + press[0] + 3600) for n, press in enumerate(presses, 1)]
    for told in (rows, kit.unkeyed(rows)):
        verdict = kit.judge(records, told)
        assert (verdict.findings["time"].violations, verdict.counts["lost"], verdict.counts["phantom"]) == (10, 0, 0)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "WRONG TIME: NULL: no instant"),
        (0, "WRONG TIME: 0 is not an instant of this century"),
        ("soon", "WRONG TIME: 'soon' is not an instant: expected ISO 8601 or Unix seconds"),
        (1_741_569_780_000, "it looks like milliseconds"),
        (946_684_800 + 60, "08:23:00.000 keypad-2"),
    ],
)
def test_time_that_cannot_be(kit: Any, value: Any, told: str) -> None:
    """A row whose instant is missing, of 1970 or 2000, or no instant at all has no time of its press."""
    presses, records = day(kit)
    rows = kit.rows(presses)
    rows[3] = rows[3]._replace(at=value)
    verdict = kit.judge(records, rows)
    assert (verdict.findings["time"].verdict, verdict.findings["time"].violations) == ("VIOLATED", 1)
    assert told in "\n".join(story(verdict, "time"))


def test_time_by_the_keypads_clock(kit: Any) -> None:
    """What a keypad told with a set clock is no mistake of the collector; what an unset clock shows is no time."""
    presses = [kit.press(30_000 + 60 * k, k, clock=30_000 + 60 * k - 40) for k in range(5)]
    rows = [kit.row(press, n, at=kit.EPOCH_S + press[0] - 40) for n, press in enumerate(presses, 1)]
    assert kit.judge(presses, rows).findings["time"].verdict == "HOLDS"
    for press in presses:
        press[3]["flags"] = 0
    assert kit.judge(presses, rows).findings["time"].violations == 5


def test_time_needs_instants(kit: Any) -> None:
    """Records that tell no instant are not judged by it, and it is said; so are rows that may be of another press."""
    presses, records = day(kit)
    rows = Rows(kit.rows(presses, at=None), fields=("device", "clerk", "value", "epoch", "seq"))
    finding = judge(kit.history([*records, kit.end()]), rows).findings["time"]
    assert (finding.verdict, finding.checked) == ("NOT EXERCISED", 0)
    assert "no instant" in finding.reason
    assert kit.judge(records, kit.rows(presses, at=None)).findings["time"].verdict == "NOT EXERCISED"
    presses = [kit.press(30_000, 1), kit.press(30_040, 2)]
    rows = kit.unkeyed([kit.row(presses[1], 1), kit.row(presses[1], 2, at=kit.EPOCH_S + 30_041)])
    assert kit.judge(presses, rows).findings["time"].verdict == "UNKNOWN"


# -- tickets ---------------------------------------------------------------------------------------------------------
def issued(t: float, ticket: str, printer: str | None = "printer-1", **more: Any) -> Any:
    return (t, "house", "ticket_issued", {"ticket": ticket, "errand": "copy", "kiosk": "k", "printer": printer, **more})


def printed(t: float, *lines: str, printer: str = "printer-1") -> Any:
    return (t, "dev", "printed", {"device": printer, "lines": list(lines), "data": "", "mm": 40})


def test_a_ticket_put_out_once_is_right(kit: Any) -> None:
    """Each ticket issued and put out once, whatever else stands on the slips, is as it should be."""
    records = [
        issued(30_000, "A001"),
        issued(30_001, "A010"),
        issued(30_002, "B001"),
        printed(30_003, "Tân Hội", "Số thứ tự", "A001", "sao y"),
        printed(30_004, "A010", "after A001"),
        printed(30_005, "a test slip"),
        printed(30_006, "B001"),
    ]
    finding = kit.judge(records, []).findings["tickets"]
    assert (finding.verdict, finding.checked) == ("HOLDS", 3)


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([issued(30_000, "A001")], "NEVER PRINTED"),
        ([issued(30_000, "A001"), printed(30_001, "A001"), printed(30_009, "A001")], "PRINTED 2 TIMES"),
        ([issued(30_000, "A001"), printed(30_001, "A001", printer="printer-2")], "PRINTED ELSEWHERE: on printer-2"),
    ],
)
def test_a_ticket_missing_doubled_or_elsewhere_is_told(kit: Any, records: list[Any], told: str) -> None:
    """A ticket never printed, printed twice, or printed by another printer breaks the invariant."""
    verdict = kit.judge(records, [])
    assert verdict.findings["tickets"].violations == 1
    assert story(verdict, "tickets")[0] == "08:20:00.000 ticket A001 issued for printer-1"
    assert told in story(verdict, "tickets")[-1]


def test_tickets_that_are_excused(kit: Any) -> None:
    """A failure that was told is none of the judge's; one just before the end is open; neither counts as checked."""
    failed = (30_010, "house", "ticket_failed", {"ticket": "A001", "why": "paper out"})
    records = [issued(30_000, "A001"), failed, issued(61_190, "A002"), issued(30_020, "A003"), printed(30_021, "A003")]
    finding = kit.judge(records, []).findings["tickets"]
    assert (finding.verdict, finding.checked, finding.figures["failed"], finding.figures["open"]) == ("HOLDS", 1, 1, 1)


# -- calls -----------------------------------------------------------------------------------------------------------
def called(t: float, ticket: str, counter: int = 1) -> Any:
    return (t, "house", "call", {"ticket": ticket, "counter": counter, "clerk": "C01"})


def shown(t: float, text: str) -> Any:
    return (t, "dev", "shown", {"device": "display-1", "text": text})


def test_a_call_shown_in_time_is_right(kit: Any) -> None:
    """A call is shown in time, at once, after a dark moment, or because it stands there already."""
    records = [
        called(30_000, "A001"),
        shown(30_004.9, "A001"),
        called(30_100, "A001"),
        shown(30_200, ""),
        called(30_300, "A002"),
        shown(30_300.2, "    "),
        shown(30_300.4, "A002"),
        called(30_400, "A003", counter=2),
    ]
    finding = kit.judge(records, []).findings["calls"]
    assert (finding.verdict, finding.checked, finding.figures["max"]) == ("HOLDS", 3, 4.9)


def test_a_call_late_wrong_or_missing_is_told(kit: Any) -> None:
    """A call shown late, wrongly or not at all breaks the invariant, and the story says what was shown instead."""
    for showing in ([shown(30_005.1, "A001")], [shown(30_001, "A002")], []):
        verdict = kit.judge([called(30_000, "A001"), *showing], [])
        assert verdict.findings["calls"].violations == 1
        assert story(verdict, "calls")[-1] == "NOT SHOWN: display-1 did not show A001 within 5.000 s"
    verdict = kit.judge([called(30_000, "A001"), shown(30_001, "A002")], [])
    assert story(verdict, "calls")[1] == "08:20:01.000 display-1 shows 'A002'"


def test_calls_that_do_not_count(kit: Any) -> None:
    """A call overtaken by the next one, or made at the very end, is not held against the display."""
    records = [called(30_000, "A001"), called(30_003, "A002"), shown(30_003.1, "A002"), called(61_199, "A003")]
    finding = kit.judge(records, []).findings["calls"]
    assert (finding.verdict, finding.checked, finding.figures["superseded"], finding.figures["open"]) == (
        "HOLDS",
        1,
        1,
        1,
    )


@pytest.mark.parametrize(
    ("text", "ticket", "same"),
    [
        ("A001", "A001", True),
        (" A001 ", "A001", True),
        ("1", "A001", True),
        ("0001", "A001", True),
        ("1001", "A001", True),
        ("B001", "A001", False),
        ("2", "A001", False),
        ("", "A001", False),
        ("--", "A001", False),
    ],
)
def test_what_a_display_of_digits_shows(text: str, ticket: str, same: bool) -> None:
    """A display that has letters must show them; one of digits shows the number, with or without zeros before it."""
    assert shows(text, ticket) is same


# -- what was not exercised ------------------------------------------------------------------------------------------
def test_nothing_happened(kit: Any) -> None:
    """In a run where nobody pressed, called or took a ticket nothing is proved: all is NOT EXERCISED, with a reason."""
    verdict = kit.judge([], [])
    assert set(kit.words(verdict).values()) == {"NOT EXERCISED"}
    assert all(finding.reason for finding in verdict.findings.values())
    assert verdict.word == "NOT EXERCISED"


def test_without_rows_nothing_of_the_ratings_is_known(kit: Any) -> None:
    """When the records could not be read the invariants of the ratings are UNKNOWN; those of the desk are not."""
    presses, records = day(kit)
    verdict = kit.judge([*records, called(30_000, "A001"), shown(30_001, "A001")], None)
    assert {kit.words(verdict)[name] for name in kit.RATINGS} == {"UNKNOWN"}
    assert kit.words(verdict)["calls"] == "HOLDS"
    assert verdict.word == "UNKNOWN"
    assert kit.judge(records, []).counts["lost"] == len(presses)


def test_doubt_is_never_resolved_in_anyones_favour(kit: Any) -> None:
    """Rows that could hide a loss and a copy make loss and duplication UNKNOWN, with the way out."""
    presses = [kit.press(30_000, 1), kit.press(30_040, 2)]
    rows = kit.unkeyed([kit.row(presses[1], 1), kit.row(presses[1], 2, at=kit.EPOCH_S + 30_041)])
    verdict = kit.judge(presses, rows)
    assert kit.words(verdict)["loss"] == kit.words(verdict)["duplication"] == "UNKNOWN"
    assert "store epoch and seq" in verdict.reason


def test_stories_are_short_and_few(kit: Any) -> None:
    """However much was lost, twenty stories are kept, of twelve lines at most, and all losses are counted."""
    presses = [kit.press(30_000 + k, k) for k in range(300)]
    wire = [
        (30_000 + k / 10, "line", "tx", {"line": "keypads", "by": "port", "hex": "01" * 300, "end": 0})
        for k in range(3000)
    ]
    finding = kit.judge([*presses, *wire], []).findings["loss"]
    assert finding.violations == 300
    assert len(finding.stories) == 20
    assert all(len(one.text().splitlines()) <= 12 for one in finding.stories)
    assert any("... 300 bytes" in line for line in finding.stories[0].text().splitlines())
