"""The whole verdict: how words combine, what it never does, and how it reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.judge.history import History
from bench.judge.records import Rows
from bench.judge.verdict import judge

RANK = {"HOLDS": 0, "NOT EXERCISED": 1, "UNKNOWN": 2, "VIOLATED": 3}


def clean(kit: Any, n: int = 8) -> tuple[list[Any], list[Any]]:
    presses = [kit.press(30_000 + 60 * k, k // 2, 1 + k % 5, device=f"keypad-{1 + k % 2}") for k in range(n)]
    acks = [kit.ack(press[0] + 1, press[3]["seq"], device=press[3]["device"]) for press in presses]
    return presses, [*presses, *acks, kit.end()]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_row_can_be_dropped_to_advantage(kit: Any, data: st.DataObject) -> None:
    """Dropping any row never makes fewer presses lost nor the word on loss better, and breaks a clean run."""
    presses, records = clean(kit)
    rows = kit.rows(presses)
    disturbed = data.draw(st.booleans(), label="disturbed")
    if disturbed:
        for _ in range(data.draw(st.integers(0, 5), label="changes")):
            at = data.draw(st.integers(0, len(rows) - 1))
            kind = data.draw(st.sampled_from(["twice", "clerk", "device", "seq"]))
            if kind == "twice":
                rows.append(rows[at])
            else:
                change = {"clerk": 2, "device": "keypad-2", "seq": 3}[kind]
                rows[at] = rows[at]._replace(**{kind: change})
    if data.draw(st.booleans(), label="without keys"):
        rows = kit.unkeyed(rows)
    history = kit.history(records)
    before = judge(history, rows)
    at = data.draw(st.integers(0, len(rows) - 1), label="dropped")
    after = judge(history, rows[:at] + rows[at + 1 :])
    assert after.counts["lost"] >= before.counts["lost"]
    assert RANK[after.findings["loss"].verdict] >= RANK[before.findings["loss"].verdict] or disturbed
    if not disturbed:
        assert before.word == "HOLDS"
        assert (after.word, after.counts["lost"]) == ("VIOLATED", 1)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_cut_history_never_holds(kit: Any, data: st.DataObject) -> None:
    """Whatever byte a history is cut at, the verdict is UNKNOWN, and says that the history is to blame."""
    presses, records = clean(kit, 4)
    whole = kit.data(records)
    at = data.draw(st.integers(0, len(whole) - 1))
    verdict = judge(History.of_bytes(whole[:at]), kit.rows(presses))
    assert verdict.word == "UNKNOWN"
    assert {finding.verdict for finding in verdict.findings.values()} == {"UNKNOWN"}
    assert "the history cannot be relied on" in verdict.sentence()


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_an_edited_history_never_holds(kit: Any, data: st.DataObject) -> None:
    """A byte changed anywhere, a record taken out, two swapped: never HOLDS."""
    presses, records = clean(kit, 4)
    whole = kit.data(records)
    lines = whole.splitlines(keepends=True)
    kind = data.draw(st.sampled_from(["byte", "out", "swap"]))
    if kind == "byte":
        at = data.draw(st.integers(0, len(whole) - 1))
        edited = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    else:
        at = data.draw(st.integers(1, len(lines) - 3))
        edited = b"".join(
            [*lines[:at], *([lines[at + 1], lines[at]] if kind == "swap" else [lines[at + 1]]), *lines[at + 2 :]]
        )
    assert not judge(History.of_bytes(edited), kit.rows(presses)).holds


def test_an_empty_history_is_never_good(kit: Any) -> None:
    """No bytes at all, and a complete history without a record, prove nothing."""
    assert judge(History.of_bytes(b""), []).word == "UNKNOWN"
    assert judge(kit.history([]), []).word == "NOT EXERCISED"


def test_garbled_facts_make_the_history_unreliable(kit: Any) -> None:
    """A record without what its kind must have is told, and nothing is concluded around it."""
    presses, records = clean(kit)
    garbled = (31_000, "dev", "press", {"device": "keypad-1", "value": "five", "epoch": 1, "seq": 9})
    verdict = judge(kit.history([*records, garbled]), kit.rows(presses))
    assert verdict.word == "UNKNOWN"
    assert "(dev press) lacks or garbles 'five', which is not a whole number" in verdict.reason


@pytest.mark.parametrize(
    ("must", "word"),
    [
        (["loss"], "HOLDS"),
        ([], "HOLDS"),
        (["loss", "tickets"], "NOT EXERCISED"),
        (["loss", "J9"], "UNKNOWN"),
    ],
)
def test_what_must_be_exercised_decides(kit: Any, must: list[str], word: str) -> None:
    """The word is the worst of what must be exercised; what this judge does not know is UNKNOWN."""
    presses, records = clean(kit)
    verdict = judge(kit.history(records, must_exercise=must), kit.rows(presses))
    assert verdict.word == word


def test_a_violation_counts_wherever_it_is(kit: Any) -> None:
    """What is violated makes the verdict, also if nobody asked for it."""
    presses, records = clean(kit)
    rows = kit.rows([*presses, presses[0]])
    assert judge(kit.history(records, must_exercise=["calls"]), rows).word == "VIOLATED"


def test_the_shape_of_the_json(kit: Any) -> None:
    """verdict.json has what cli.md promises, in JSON that survives a round trip, and is the same each time."""
    presses, records = clean(kit)
    history = kit.history([*records, (29_000, "hall", "arrive", {"visitor": 1})])
    told = judge(history, kit.rows(presses[:-1])).to_json()
    assert told["schema_version"] == 1
    assert told["verdict"] == "VIOLATED"
    assert list(told["invariants"]) == list(kit.ALL)
    for finding in told["invariants"].values():
        assert {"verdict", "violations", "stories"} <= finding.keys()
        assert all(isinstance(story, str) for story in finding["stories"])
    assert told["counts"] == {
        "visitors": 1,
        "tickets": 0,
        "calls": 0,
        "presses": 8,
        "recorded": 7,
        "lost": 1,
        "duplicated": 0,
        "misattributed": 0,
        "phantom": 0,
    }
    assert told["latency_s"] == {"p50": 1.0, "p99": 1.0, "max": 1.0}
    assert json.loads(json.dumps(told)) == told
    assert json.dumps(judge(history, kit.rows(presses[:-1])).to_json()) == json.dumps(told)


def test_data_problems_are_listed(kit: Any) -> None:
    """What is wrong with the records themselves stands in the verdict, precisely."""
    presses, records = clean(kit)
    rows = kit.rows(presses)
    rows[2] = rows[2]._replace(at="yesterday")
    told = judge(kit.history(records), rows).to_json()["data_problems"]
    assert told["count"] == 1
    assert told["first"] == ["row 3: at: 'yesterday' is not an instant: expected ISO 8601 or Unix seconds"]


def sentence(kit: Any, records: list[Any], rows: Any, **header: Any) -> str:
    return judge(kit.history(records, **header), rows).sentence()


def test_sentences(kit: Any) -> None:
    """The verdict reads as one plain sentence that names what and where."""
    presses, records = clean(kit)
    rows = kit.rows(presses)
    assert sentence(kit, records, rows) == (
        "HOLDS: all 8 ratings of 2 keypads arrived once, at the right clerk; stored within 1 s (p99)"
    )
    assert sentence(kit, records, rows[:4] + rows[5:]) == ("VIOLATED: 1 of 8 ratings were lost (keypad-1 at 08:24:00)")
    assert sentence(kit, records, rows[4:]) == (
        "VIOLATED: 4 of 8 ratings were lost (keypad-1 at 08:20:00, keypad-2 at 08:21:00, ...)"
    )
    assert sentence(kit, records, [*rows, rows[0]]) == ("VIOLATED: 1 row told a rating again (keypad-1 at 08:20:00)")
    assert sentence(kit, [kit.end()], []) == (
        "NOT EXERCISED: no rating was pressed on the program's keypads (loss); no press has a row, so none could be "
        "stored twice (duplication); no press has a row, so none could be credited wrongly (attribution)"
    )


def test_must_hold(kit: Any) -> None:
    """A test can insist: HOLDS passes, anything else fails with the sentence and the stories."""
    presses, records = clean(kit)
    judge(kit.history(records), kit.rows(presses)).must_hold()
    verdict = judge(kit.history(records), kit.rows(presses[1:]))
    with pytest.raises(AssertionError, match=r"1 of 8 ratings were lost[^$]*keypad-1: key 1 pressed"):
        verdict.must_hold()


def test_rows_of_any_make(kit: Any) -> None:
    """Rows may be mappings, as a test's collector gives them, and give the verdict that stored rows give."""
    presses, records = clean(kit)
    dicts = [{name: value for name, value in row._asdict().items() if name != "n"} for row in kit.rows(presses)]
    assert judge(kit.history(records), dicts).holds
    assert judge(kit.history(records), Rows.of(dicts)).holds


def test_a_headers_nonsense_does_no_harm(kit: Any) -> None:
    """A header without devices, with misshapen ones, or with another kind of zone gives a verdict all the same."""
    for header in ({}, {"devices": [1, {"name": 2}, {"name": "x"}], "clerks": 5, "timezone": "Nowhere/At_All"}):
        verdict = judge(
            History.of_bytes(kit.data([kit.end()], header)), [{"device": "x", "value": 5, "at": "2025-01-01 10:00"}]
        )
        assert verdict.counts["phantom"] == 1
