"""J11: what a reply tells is credited to the request that it answers, however late it comes (conformance.md 4.4)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

T0 = 30_000.0
NAMES = {1: "keypad-1", 2: "keypad-2"}


def fetch(kit: Any, t: float, press: Any) -> tuple[Any, str]:
    """The request for a press, and its reply in hexadecimal."""
    request, reply = kit.fetch(t, press)
    return request, reply[3]["hex"]


def status(kit: Any, t: float, unit: int, register: int = 2, count: int = 6) -> Any:
    return kit.tx(t, "port", kit.frame(unit, 4, 0, register, 0, count))


def found(kit: Any, records: list[Any], rows: list[Any]) -> Any:
    return kit.judge(records, rows).findings["late_reply"]


def test_a_reply_that_comes_two_requests_later(kit: Any) -> None:
    """It is late all the same: credited to the unit that is asked then it is a violation, to its own it is none."""
    press = kit.press(T0, 4, device="keypad-2")
    request, reply = fetch(kit, T0 + 1, press)
    again = fetch(kit, T0 + 1.3, press)[0]
    records = [press, request, again, status(kit, T0 + 1.6, 1), kit.tx(T0 + 1.64, "slaves", reply)]
    records.append(kit.ack(T0 + 2, 4, device="keypad-2"))
    wrong = found(kit, records, [kit.row(press, 1, device="keypad-1")])
    assert (wrong.verdict, wrong.violations, wrong.checked) == ("VIOLATED", 1, 1)
    right = found(kit, records, [kit.row(press, 1)])
    assert (right.verdict, right.checked) == ("HOLDS", 1)


def test_the_same_key_on_both_keypads(kit: Any) -> None:
    """Both keypads have an event of that epoch and number: the row with the other's is told all the same."""
    mine, other = kit.press(T0 - 5, 4, 2, device="keypad-1"), kit.press(T0, 4, 5, device="keypad-2")
    request, reply = fetch(kit, T0 + 1, other)
    records = [mine, *kit.fetch(T0 - 4, mine), kit.ack(T0 - 3.9, 4), other, request, status(kit, T0 + 1.3, 1)]
    records += [kit.tx(T0 + 1.34, "slaves", reply), kit.ack(T0 + 2, 4, device="keypad-2")]
    rows = [kit.row(mine, 1), kit.row(other, 2, device="keypad-1", stored_at=kit.EPOCH_S + T0 + 1.5)]
    assert found(kit, records, rows).verdict == "VIOLATED"
    assert found(kit, records, [kit.row(mine, 1), kit.row(other, 2)]).verdict == "HOLDS"


@pytest.mark.parametrize("late", [True, False])
def test_one_reply_behind(kit: Any, late: bool) -> None:
    """After a late reply, what a unit told in time is credited to the unit asked next; without one it is no J11."""
    press = kit.press(T0 + 10, 4, device="keypad-2")
    records = [status(kit, T0, 1), status(kit, T0 + 0.3, 2)]
    answer = kit.frame(1, 4, 12, 0, 1, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0)
    records.append(kit.tx(T0 + (0.33 if late else 0.02), "slaves", answer))
    records += [press, *kit.fetch(T0 + 11, press), *kit.poll(T0 + 11.2, 1), kit.ack(T0 + 12, 4, device="keypad-2")]
    wrong = found(kit, records, [kit.row(press, 1, device="keypad-1", stored_at=kit.EPOCH_S + T0 + 11.3)])
    assert wrong.verdict == ("VIOLATED" if late else "NOT EXERCISED")
    if late:
        assert "one reply behind" in wrong.stories[0].text()
        assert found(kit, records, [kit.row(press, 1)]).verdict == "HOLDS"


@pytest.mark.parametrize("line", ["attic", "upstairs"])
def test_a_row_of_another_line_is_no_late_reply(kit: Any, line: str) -> None:
    """Its unit has the number of the one asked next, but nothing that was said here can have been heard there."""
    rated = kit.header()["devices"]
    far = {**rated[0], "name": "keypad-4", "line": line}
    press = kit.press(T0 + 10, 4, device="keypad-2")
    answer = kit.frame(1, 4, 12, 0, 1, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0)
    records = [status(kit, T0, 1), status(kit, T0 + 0.3, 2), kit.tx(T0 + 0.33, "slaves", answer)]
    records += [press, *kit.fetch(T0 + 11, press), *kit.poll(T0 + 11.2, 1), kit.ack(T0 + 12, 4, device="keypad-2")]
    for device, word in (("keypad-4", "HOLDS"), ("keypad-1", "VIOLATED")):
        row = kit.row(press, 1, device=device, stored_at=kit.EPOCH_S + T0 + 11.3)
        assert kit.judge(records, [row], devices=[*rated, far]).findings["late_reply"].verdict == word


def test_another_register_of_the_same_unit(kit: Any) -> None:
    """A reply sooner than a unit can answer is that of the request before; a rating made of it is a violation."""
    records = [status(kit, T0, 1, 4, 1), status(kit, T0 + 0.3, 1, 2, 1)]
    records.append(kit.tx(T0 + 0.3 + 8 * 0.001146 + 0.001, "slaves", kit.frame(1, 4, 2, 0, 5)))
    stranger = kit.press(T0 + 0.4, 9)
    wrong = found(kit, records, [kit.row(stranger, 1, stored_at=kit.EPOCH_S + T0 + 1)])
    assert (wrong.verdict, wrong.checked) == ("VIOLATED", 1)
    assert found(kit, records, []).verdict == "HOLDS"
    records[-1] = kit.tx(T0 + 0.3 + 8 * 0.001146 + 0.006, "slaves", kit.frame(1, 4, 2, 0, 5))
    assert found(kit, records, []).verdict == "NOT EXERCISED"  # after t3.5 it can be the answer to either


def test_a_late_reply_to_the_same_request_again(kit: Any) -> None:
    """A retry that is answered twice, the first time by the reply to the first attempt, is no violation."""
    press = kit.press(T0, 4)
    request, reply = fetch(kit, T0 + 1, press)
    again = fetch(kit, T0 + 1.3, press)[0]
    replies = [kit.tx(T0 + 1.3 + 0.0105, "slaves", reply), kit.tx(T0 + 1.4, "slaves", reply)]
    records = [press, request, again, *replies, kit.ack(T0 + 2, 4)]
    right = found(kit, records, [kit.row(press, 1)])
    assert (right.verdict, right.checked) == ("HOLDS", 1)


SHOTS = st.lists(st.tuples(st.integers(1, 2), st.integers(0, 2), st.booleans()), min_size=1, max_size=6)
"""Readings: unit, how many requests later the reply comes, whether it is credited to that unit."""


@settings(max_examples=120, deadline=None)
@given(shots=SHOTS)
def test_all_small_histories(kit: Any, shots: list[tuple[int, int, bool]]) -> None:
    """Late replies and what they are credited to, counted by hand for each reading."""
    records: list[Any] = []
    rows: list[Any] = []
    late = wrong = 0
    for n, (unit, behind, right) in enumerate(shots):
        t = T0 + 100 * n
        press = kit.press(t, 10 + n, 1 + n % 5, device=NAMES[unit])
        request, reply = fetch(kit, t + 1, press)
        others = [3 - unit] * behind
        records += [press, request, *(status(kit, t + 1 + 0.3 * (k + 1), other) for k, other in enumerate(others))]
        records.append(kit.tx(t + 1.03 + 0.3 * behind, "slaves", reply))
        records.append(kit.ack(t + 2, 10 + n, device=NAMES[unit]))
        records += kit.poll(t + 50, unit)
        credited = unit if right or not behind else others[-1]
        rows.append(kit.row(press, n + 1, device=NAMES[credited], stored_at=kit.EPOCH_S + t + 1.8))
        late += bool(behind)
        wrong += credited != unit
    verdict = found(kit, records, rows)
    assert (verdict.checked, verdict.violations) == (late, wrong)
    assert verdict.verdict == ("VIOLATED" if wrong else "HOLDS" if late else "NOT EXERCISED")
