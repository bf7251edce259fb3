"""The ratings at their limits: how late, how far off, how many, and what a row without a press looks like."""

from __future__ import annotations

from typing import Any

import pytest


def stored(kit: Any, t: float, at: float, **changes: Any) -> Any:
    """The findings for one press at `t` whose row was stored at `at`, seconds of the day."""
    press = kit.press(t, 1)
    row = kit.row(press, 1, stored_at=None if at is None else kit.EPOCH_S + at, **changes)
    return kit.judge([press], [row]).findings


@pytest.mark.parametrize(
    ("at", "word", "figure"),
    [
        (30_060, "HOLDS", 60.0),
        (30_060.001, "VIOLATED", 60.001),
        (29_998, "HOLDS", 0.0),
        (29_997.999, "NOT EXERCISED", None),
        (64_800, "VIOLATED", 34_800.0),
        (64_800.001, "NOT EXERCISED", None),
    ],
)
def test_stored_in_time(kit: Any, at: float, word: str, figure: float | None) -> None:
    """A minute exactly is in time; an instant two seconds before its press, or an hour after the end, still counts."""
    finding = stored(kit, 30_000, at)["lateness"]
    assert (finding.verdict, finding.figures["max"]) == (word, figure)
    if figure is None:
        assert "1 of the instants of storing are outside the run" in finding.reason
        assert "1 rows tell no instant of storing that can be used" in finding.reason
    elif word == "HOLDS":
        assert finding.margin == round((60 - figure) * kit.NS)


def test_the_latest_is_told_first(kit: Any) -> None:
    """However the rows are ordered; a story tells how late, and what is allowed."""
    presses = [kit.press(30_000 + 100 * n, n) for n in range(3)]
    lags = (70, 90, 65)
    rows = [
        kit.row(press, n, stored_at=kit.EPOCH_S + press[0] + lag)
        for n, (press, lag) in enumerate(zip(presses, lags, strict=True), 1)
    ]
    finding = kit.judge(presses, rows).findings["lateness"]
    assert [story.title for story in finding.stories] == [
        f"keypad-1 at {clock}" for clock in ("08:21:40", "08:20:00", "08:23:20")
    ]
    assert finding.stories[0].after[-1] == "LATE: stored 90 s after the press, allowed are 60 s"


@pytest.mark.parametrize(
    ("off", "clock", "word", "told"),
    [
        (2.0, 0, "HOLDS", ""),
        (-2.0, 0, "HOLDS", ""),
        (2.001, 0, "VIOLATED", "is 2.001 s after the press"),
        (-2.001, 0, "VIOLATED", "is 2.001 s before the press"),
        (502.0, 500, "HOLDS", ""),
        (498.0, 500, "HOLDS", ""),
        (250.0, 500, "VIOLATED", "is 250 s"),
    ],
)
def test_the_instant_of_a_press(kit: Any, off: float, clock: float, word: str, told: str) -> None:
    """Two seconds from the hall's time or from the keypad's own clock, either way, are right; the nearer one counts."""
    press = kit.press(30_000, 1, clock=30_000 + clock)
    finding = kit.judge([press], [kit.row(press, 1, at=kit.EPOCH_S + 30_000 + off)]).findings["time"]
    assert (finding.verdict, finding.checked) == (word, 1)
    assert not told or told in finding.stories[0].after[-1]


def test_a_row_without_an_instant_where_others_have_one(kit: Any) -> None:
    """It breaks the instants as one that is none does; where no row has one nothing is asked."""
    presses = [kit.press(30_000 + 100 * n, n) for n in range(3)]
    rows = kit.rows(presses)
    finding = kit.judge(presses, [rows[0], rows[1]._replace(at=None), rows[2]._replace(at="noon")]).findings["time"]
    assert (finding.violations, finding.checked, finding.figures["unreadable"]) == (2, 3, 2)
    assert [story.after[-1].split(": ", 1)[0] for story in finding.stories] == ["WRONG TIME"] * 2
    none = kit.judge(presses, [row._replace(at=None) for row in rows]).findings["time"]
    assert none.reason == "the records tell no instant of the press (`at`)"


@pytest.mark.parametrize(("t", "lost"), [(61_170, 0), (61_169.999, 1)])
def test_presses_of_the_last_moments(kit: Any, t: float, lost: int) -> None:
    """Pressed as long before the end as things take to settle: open; earlier: lost."""
    finding = kit.judge([kit.press(t, 1)], []).findings["loss"]
    assert (finding.violations, finding.figures["open"]) == (lost, 1 - lost)
    assert "no rating was pressed" not in finding.reason


def test_what_the_records_let_be_proved(kit: Any) -> None:
    """Numbers prove each press (I3), instants its time (I2), else value and order (I1)."""
    press = kit.press(30_000, 1)
    row = kit.row(press, 1)
    rows = [row, row._replace(epoch=None), row._replace(epoch=None, seq=None, at=None)]
    told = [kit.judge([press], [one]).findings["loss"].figures["identifiability"] for one in rows]
    assert told == ["I3", "I2", "I1"]


def test_what_is_not_compared_is_said(kit: Any) -> None:
    """Columns that the records do not have, and tickets with a letter whose number nobody tells."""
    press = kit.press(30_000, 1, ticket=7)
    told = {
        "the records tell no ticket: that is not compared": {"device": "keypad-1", "value": 5, "clerk": 1},
        "the records tell no clerk and no ticket: that is not compared": {"device": "keypad-1", "value": 5},
        "the records tell no clerk: that is not compared": {"device": "keypad-1", "value": 5, "ticket": 7},
        "": {"device": "keypad-1", "value": 5, "clerk": 1, "ticket": 7},
    }
    for reason, row in told.items():
        finding = kit.judge([press], [row]).findings["attribution"]
        assert (finding.reason, finding.verdict) == (reason, "HOLDS")
        assert set(finding.figures) == row.keys()
    lettered = {"device": "keypad-1", "value": 5, "clerk": 1, "ticket": "A007"}
    assert kit.judge([press], [lettered]).findings["attribution"].reason.startswith("1 tickets are told with their")


def test_an_order_that_is_wrong_is_told_once(kit: Any) -> None:
    """Each row that comes after a later press's; a keypad with one row has no order, nor has a copy."""
    presses = [kit.press(30_000 + 100 * n, n) for n in range(3)]
    other = kit.press(30_050, 9, device="keypad-2")
    by_row = [presses[2], other, presses[0], presses[1], presses[0]]
    finding = kit.judge([*presses, other], kit.rows(by_row)).findings["order"]
    assert (finding.verdict, finding.violations, finding.checked) == ("VIOLATED", 2, 2)
    assert [story.title for story in finding.stories] == ["keypad-1 at 08:20:00", "keypad-1 at 08:21:40"]
    single = kit.judge([presses[0], other], kit.rows([presses[0], other])).findings["order"]
    assert (single.verdict, single.checked) == ("NOT EXERCISED", 0)


PHANTOMS = [
    ({"epoch": 1, "seq": 9}, "in epoch 1 keypad-1 numbered its presses 3 to 5, none was 9"),
    ({"epoch": 2, "seq": 3}, "keypad-1 made no press in epoch 2"),
    ({"device": "keypad-2", "epoch": 1, "seq": 3}, "the press of keypad-1 with that epoch and seq looks the same"),
    ({"device": "nowhere"}, "it names no rating keypad of the program"),
]


@pytest.mark.parametrize(("changes", "hint"), PHANTOMS)
def test_what_a_row_without_a_press_looks_like(kit: Any, changes: dict[str, Any], hint: str) -> None:
    """Its story says what its number would have been, or whose press it resembles."""
    presses = [kit.press(30_000 + 100 * n, n) for n in (3, 4, 5)]
    rows = [*kit.rows(presses), kit.row(presses[0], 4, **changes)]
    finding = kit.judge(presses, rows).findings["phantom"]
    assert (finding.verdict, finding.violations, finding.checked) == ("VIOLATED", 1, 4)
    (story,) = finding.stories
    assert story.title == "row 4"
    assert hint in story.after[-1]
    assert story.before[1] == "its instant is 08:25:00.000 of the hall's day"


@pytest.mark.parametrize(("moved", "attributed"), [(60, 1), (60.001, 0)])
def test_how_far_a_row_may_be_from_another_keypads_press(kit: Any, moved: float, attributed: int) -> None:
    """Without numbers a row of keypad 2 is keypad 1's lost press while it is no later than a press may be stored."""
    press = kit.press(30_000, 1)
    row = kit.row(press, 1, device="keypad-2", at=kit.EPOCH_S + 30_000 + moved)
    counts = kit.judge([press], kit.unkeyed([row])).counts
    assert (counts["misattributed"], counts["phantom"]) == (attributed, 1 - attributed)


@pytest.mark.parametrize("wrong_clock", ["keypad's", "hall's"])
def test_either_clock_tells_which_press_a_row_is(kit: Any, wrong_clock: str) -> None:
    """Without numbers a row is the press nearest to its instant, by the hall's time or by a keypad's that is wrong."""
    ahead = 7_000
    presses = [kit.press(30_000 + 400 * n, n, clock=30_000 + 400 * n + ahead) for n in range(3)]
    at = 30_400 + (0 if wrong_clock == "keypad's" else ahead)
    verdict = kit.judge(presses, kit.unkeyed([kit.row(presses[1], 1, at=kit.EPOCH_S + at)]))
    loss = verdict.findings["loss"]
    assert (loss.violations, loss.figures["ambiguous"]) == (2, 0)
    assert [story.title for story in loss.stories] == ["keypad-1 at 08:20:00", "keypad-1 at 08:33:20"]


def test_nothing_pressed_is_nothing_to_judge_instants_by(kit: Any) -> None:
    """The reason says so; with a press there is none."""
    row = {"device": "keypad-1", "value": 5, "at": kit.EPOCH_S + 30_000}
    reason = "no press has a row whose instant could be wrong"
    assert kit.judge([], [row]).findings["time"].reason == reason
    press = kit.press(30_000, 1)
    assert kit.judge([press], [kit.row(press, 1)]).findings["time"].reason == ""
