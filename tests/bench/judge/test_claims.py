"""Rows are understood however they put it, and what cannot be is told precisely."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.judge.claims import UNKNOWN, Claim, Claims, understand
from bench.judge.records import Rows
from bench.judge.truth import gather


def understood(kit: Any, *rows: dict[str, Any], records: Any = (), **header: Any) -> Claims:
    return understand(Rows.of(rows), gather(kit.history(records, **header)))


def one(kit: Any, **row: Any) -> tuple[Claim, list[str]]:
    claims = understood(kit, {"device": "keypad-1", "value": 5, **row}, records=[kit.end()])
    return claims.claims[0], [str(problem) for problem in claims.problems]


@pytest.mark.parametrize("name", ["keypad-2", 2, "2", 2.0])
def test_a_device_by_name_or_unit(kit: Any, name: Any) -> None:
    """A keypad is known by its name, or by its unit number in any form, where that is unambiguous."""
    claim, problems = one(kit, device=name)
    assert (claim.device, problems) == ("keypad-2", [])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (None, "row 1: device: NULL: a rating without a device belongs to nobody"),
        (
            "keypad2",
            "row 1: device: 'keypad2' is no rating keypad of the program, by name or unit; did you mean 'keypad-2'?",
        ),
        (9, "row 1: device: 9 is no rating keypad of the program, by name or unit"),
        ("keypad-3", "row 1: device: 'keypad-3' is a rating_keypad of the house, not a rating keypad of the program"),
        (
            "display-1",
            "row 1: device: 'display-1' is a counter_display of the house, not a rating keypad of the program",
        ),
    ],
)
def test_devices_that_are_not_the_programs(kit: Any, name: Any, told: str) -> None:
    """A device that is unknown, missing, or not the program's is told, and the row belongs to no keypad."""
    claim, problems = one(kit, device=name)
    assert claim.device is None
    assert problems == [told]


def test_a_unit_on_two_lines_is_ambiguous(kit: Any) -> None:
    """When two keypads share a unit number on different lines, the number names neither."""
    claims = understood(kit, {"device": 1, "value": 5}, program="house")
    assert claims.claims[0].device is None
    assert "unit 1 is keypad-1 and keypad-3" in str(claims.problems[0])


@pytest.mark.parametrize(("value", "key"), [(4, 4), ("4", 4), (4.0, 4), (True, 1)])
def test_values_in_any_form(kit: Any, value: Any, key: int) -> None:
    """A key is a whole number from 1 to 5, however it is written."""
    assert one(kit, value=value) == (one(kit, value=key)[0], [])


@pytest.mark.parametrize("value", [0, 6, -1, 4.5, "good", None, ""])
def test_values_that_cannot_be(kit: Any, value: Any) -> None:
    """Any other value is told, and equals none that was pressed."""
    claim, problems = one(kit, value=value)
    assert claim.value == UNKNOWN
    assert len(problems) == 1
    assert problems[0].startswith("row 1: value: ")


def test_clerks_by_name_or_code(kit: Any) -> None:
    """A clerk is known by name or code; nobody is 0; a stranger keeps a code that no press has."""
    assert [one(kit, clerk=clerk)[0].clerk for clerk in ("C02", 2, "2", "", 0)] == [2, 2, 2, 0, 0]
    claim, problems = one(kit, clerk="C77")
    assert claim.clerk == UNKNOWN
    assert problems == ["row 1: clerk: 'C77' is no clerk of this hall, by name or code"]
    assert one(kit)[0].clerk is None


def test_a_ticket_is_a_number_none_or_a_label_the_history_tells(kit: Any) -> None:
    """A ticket is a number, none, or a label whose number the history tells; another label is not compared."""
    issued = (27_000, "house", "ticket_issued", {"ticket": "B003", "number": 9, "printer": "printer-1"})
    tickets = [17, "17", None, "B003", "A001", "x y"]
    rows = [{"device": 1, "value": 5, "ticket": ticket} for ticket in tickets]
    claims = understood(kit, *rows, records=[issued])
    assert [claim.ticket for claim in claims.claims] == [17, 17, 0, 9, None, UNKNOWN]
    assert claims.lettered == 1
    assert [str(problem) for problem in claims.problems] == [
        "row 6: ticket: 'x y' is not a ticket: expected a number or a letter and a number"
    ]


INSTANT = 36_000  # 10:00:00 of the hall's day, seconds


@pytest.mark.parametrize(
    "at",
    [
        1_741_575_600,
        1_741_575_600.0,
        "1741575600",
        " 1741575600.000 ",
        "2025-03-10T10:00:00+07:00",
        "2025-03-10 03:00:00Z",
        "2025-03-10T10:00:00",
        "2025-03-10 10:00",
    ],
)
def test_instants_in_any_form(kit: Any, at: Any) -> None:
    """Unix seconds as number or text, ISO 8601 with a zone, and without one as the hall's own time."""
    claim, problems = one(kit, at=at)
    assert claim.at == INSTANT * kit.NS
    assert problems == []


@given(st.integers(27_000_000, 61_000_000))
@settings(deadline=None)
def test_instants_are_exact_to_the_millisecond(kit: Any, ms: int) -> None:
    """The same instant as number, text and ISO text is the same nanosecond, to the millisecond that rows carry."""
    unix_ms = kit.EPOCH_S * 1000 + ms
    zone = dt.timezone(dt.timedelta(hours=7))
    iso = dt.datetime.fromtimestamp(unix_ms // 1000, zone).replace(microsecond=unix_ms % 1000 * 1000).isoformat()
    for at in (unix_ms / 1000, f"{unix_ms / 1000:.3f}", iso):
        assert one(kit, at=at)[0].at == ms * 1_000_000


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("ten o'clock", "is not an instant: expected ISO 8601 or Unix seconds"),
        (1_741_575_600_000, "it looks like milliseconds; expected Unix seconds or ISO 8601"),
        ("1741575600000000", "it looks like microseconds"),
        (0, "is not an instant of this century"),
        ("1970-01-01T00:00:00", "is not an instant of this century"),
        ("2025-03-10", "has no time of day"),
        ("inf", "is not an instant"),
        (None, "NULL: no instant"),
    ],
)
def test_instants_that_cannot_be(kit: Any, at: Any, told: str) -> None:
    """What is no instant is told with what it may be, and the row has none."""
    claims = understood(kit, {"device": 1, "value": 5, "at": at}, {"device": 1, "value": 5, "at": 1_741_575_600})
    assert claims.claims[0].at is None
    assert told in str(claims.problems[0])


def test_text_without_zone_that_is_utc(kit: Any) -> None:
    """When all instants without a zone miss the day as local time and hit it as UTC, they are UTC, and it is told."""
    presses = [kit.press(30_000 + 600 * n, n) for n in range(20)]
    day = dt.datetime(2025, 3, 10)  # noqa: DTZ001 - text without a zone is the subject
    utc = [{"device": 1, "value": 5, "at": str(day + dt.timedelta(seconds=p[0] - 7 * 3600))} for p in presses]
    claims = understood(kit, *utc, records=presses)
    assert [claim.at for claim in claims.claims] == [round(press[0]) * kit.NS for press in presses]
    assert "no zone is given; read as UTC" in str(claims.problems[0])
    local = [{"device": 1, "value": 5, "at": str(day + dt.timedelta(seconds=p[0]))} for p in presses]
    claims = understood(kit, *local, records=presses)
    assert [claim.at for claim in claims.claims] == [round(press[0]) * kit.NS for press in presses]
    assert claims.problems == []


def test_epoch_and_sequence_make_a_key_only_together(kit: Any) -> None:
    """Epoch and sequence make a key together; half a key, or one that cannot be, is none, and is told."""
    rows = [(1, 7), ("1", "7"), (1, None), (1, 70_000), (None, 7), (2, 7)]
    claims = understood(kit, *({"device": 1, "value": 5, "epoch": epoch, "seq": seq} for epoch, seq in rows))
    assert [claim.key for claim in claims.claims] == [(1, 7), (1, 7), None, None, None, (2, 7)]
    assert [str(problem) for problem in claims.problems] == [
        "row 3: seq: NULL where other rows have one; the row is matched by its contents",
        "row 4: seq: 70000 is not a number 0..65535; the row is matched by its contents",
        "row 5: epoch: NULL where other rows have one; the row is matched by its contents",
        "row 2: seq: the key of row 1 again (keypad-1, epoch 1, seq 7)",
    ]


def test_columns_that_are_never_filled_say_nothing(kit: Any) -> None:
    """A column that is NULL in all rows is as good as missing, but a clerk who is never known stays a claim."""
    names = ("clerk", "ticket", "at", "epoch", "seq", "stored_at")
    claims = understood(kit, *[{"device": 1, "value": 5, **dict.fromkeys(names)}] * 3)
    assert claims.fields == {"device", "value", "clerk"}
    assert claims.claims[0] == Claim(1, "keypad-1", 5, 0, None, None, None, None)
    assert claims.problems == []


def test_problems_are_counted_and_capped(kit: Any) -> None:
    """However many rows are wrong, a hundred problems are kept and all are counted."""
    claims = understood(kit, *[{"device": "nowhere", "value": 5}] * 250)
    assert len(claims.problems) == 100
    assert claims.wrong == 250


def test_a_clock_that_is_not_the_halls(kit: Any) -> None:
    """Instants that are possible but lie outside the run are told once, with how many they are."""
    rows = [{"device": 1, "value": 5, "at": kit.EPOCH_S + at} for at in (36_000, 36_000 + 86_400, 36_000 - 86_400)]
    claims = understood(kit, *rows, records=[kit.press(30_000, 1), kit.end()])
    assert [str(problem) for problem in claims.problems] == [
        "all rows: at: 2 of 3 instants lie outside the run: is the collector's clock the hall's?"
    ]
