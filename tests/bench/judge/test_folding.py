"""Folding loses no burst from the account: counts and hash are those of all traffic, repeats cost almost nothing."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.judge.folding import REMEMBERED, SPAN, WireLog
from bench.judge.history import History, HistoryWriter

MS = 1_000_000
Burst = tuple[int, str, str, bytes, int, int]


def run(bursts: list[Burst], evidence: str = "folded") -> list[dict[str, Any]]:
    """The records that the log writes for these bursts."""
    file = io.BytesIO()
    with HistoryWriter(file, {}) as writer:
        log = WireLog(writer, evidence)
        for burst in bursts:
            log.burst(*burst)
        log.close()
    history = History.of_bytes(file.getvalue())
    return [record.facts for record in history.records()]


def digest(bursts: list[Burst], line: str) -> str:
    """SHA-256 over all bursts of a line, by the rule that the module documents."""
    seal = hashlib.sha256()
    for t, name, by, data, flaws, end in bursts:
        if name == line:
            seal.update(b"%d %d %s %d %d:%s\n" % (t, end, by.encode(), flaws, len(data), data))
    return seal.hexdigest()


@st.composite
def traffic(draw: st.DrawFn) -> list[Burst]:
    """Bursts of a few requests and replies on two lines, with silence, damage and unasked bursts among them."""
    bursts: list[Burst] = []
    t = 0
    for _ in range(draw(st.integers(0, 40))):
        t += draw(st.integers(1, 50)) * MS
        line = draw(st.sampled_from(["a", "b"]))
        by = draw(st.sampled_from(["port", "port", "house", "keypad-1", "keypad-2"]))
        data = draw(st.sampled_from([b"\x01\x04", b"\x02\x04", b"\x01\x04\x00", b""]))
        flaws = draw(st.sampled_from([0, 0, 0, 0, 1]))
        bursts.append((t, line, by, data, flaws, t + len(data) * MS))
    return bursts


@given(traffic())
@settings(deadline=None)
def test_folded_and_written_are_all_bursts(bursts: list[Burst]) -> None:
    """For each line: bursts folded plus bursts written are all, and the hash is over all, in their order."""
    records = run(bursts)
    for line in {burst[1] for burst in bursts}:
        mine = [record for record in records if record["line"] == line]
        account = mine[-1]
        assert account["k"] == "wire"
        folded = sum(record["n"] for record in mine if record["k"] == "fold")
        written = sum(record["k"] == "tx" for record in mine)
        assert folded == account["folded"]
        assert written == account["written"]
        assert folded + written == account["n"] == sum(burst[1] == line for burst in bursts)
        assert account["sha256"] == digest(bursts, line)


@given(traffic())
@settings(deadline=None)
def test_every_fold_stands_at_its_place(bursts: list[Burst]) -> None:
    """The hash of a fold covers the line up to its last burst: nothing was moved across it."""
    records = run(bursts)
    for line in {burst[1] for burst in bursts}:
        mine = [burst for burst in bursts if burst[1] == line]
        at = 0
        for record in records:
            if record["line"] != line or record["k"] == "wire":
                continue
            if record["k"] == "tx":
                t, _, by, data, flaws, end = mine[at]
                assert (record["t"], record["by"], record["hex"], record["end"]) == (t, by, data.hex(), end)
                assert record.get("flaws", 0) == flaws
                at += 1
            else:
                part = mine[at : at + record["n"]]
                assert (record["from"], record["to"]) == (part[0][0], part[-1][5])
                assert record["chars"] == sum(len(burst[3]) for burst in part)
                assert record["busy"] == sum(burst[5] - burst[0] for burst in part)
                at += record["n"]
                assert record["sha256"] == digest(mine[:at], line)
        assert at == len(mine)


@given(traffic())
@settings(deadline=None)
def test_all_kinds_of_evidence_prove_each_other(bursts: list[Burst]) -> None:
    """Folded, full and hash-only logs of one traffic end with the same count and hash; full has every burst."""
    accounts = {}
    for evidence in ("folded", "full", "hash"):
        records = run(bursts, evidence)
        accounts[evidence] = [(r["line"], r["n"], r["sha256"]) for r in records if r["k"] == "wire"]
        kinds = {record["k"] for record in records}
        assert kinds <= {"folded": {"tx", "fold", "wire"}, "full": {"tx", "wire"}, "hash": {"wire"}}[evidence]
    assert accounts["folded"] == accounts["full"] == accounts["hash"]


def polls(n: int, gap: int = 100 * MS, reply: bytes = b"\x01\x04\x00") -> list[Burst]:
    bursts: list[Burst] = []
    for k in range(n):
        t = k * gap
        bursts.append((t, "a", "port", b"\x01\x04", 0, t + 2 * MS))
        bursts.append((t + 4 * MS, "a", "keypad-1", reply, 0, t + 7 * MS))
    return bursts


def test_idle_polls_become_one_record() -> None:
    """A hundred equal polls are the first one in full and one fold of the other ninety-nine."""
    kinds = [(record["k"], record.get("n")) for record in run(polls(100))]
    assert kinds == [("tx", None), ("tx", None), ("fold", 198), ("wire", 200)]


def test_a_different_reply_is_written_between_two_folds() -> None:
    """What differs is written in full, and so is the first repeat of the old reply after it."""
    bursts = polls(30)
    t, line, by, _, flaws, end = bursts[21]
    bursts[21] = (t, line, by, b"\x01\x04\x01", flaws, end)
    kinds = [(record["k"], record.get("n")) for record in run(bursts)]
    assert kinds == [("tx", None), ("tx", None), ("fold", 18), *[("tx", None)] * 4, ("fold", 36), ("wire", 60)]


def test_damaged_bursts_are_always_written() -> None:
    """A burst with damaged characters is never folded, nor is the exchange after it."""
    bursts = polls(30)
    t, line, by, data, _, end = bursts[21]
    bursts[21] = (t, line, by, data, 3, end)
    records = run(bursts)
    assert [record["flaws"] for record in records if "flaws" in record] == [3]
    assert [record["k"] for record in records].count("tx") == 6


def test_a_silent_device_is_folded_too() -> None:
    """A request that nobody ever answers is written once and then counted."""
    bursts = [(k * 100 * MS, "a", "port", b"\x09\x04", 0, k * 100 * MS + 2 * MS) for k in range(50)]
    assert [(record["k"], record.get("n")) for record in run(bursts)] == [("tx", None), ("fold", 49), ("wire", 50)]


def test_a_fold_covers_ten_minutes_at_most() -> None:
    """An idle hour is several folds, so a run that is killed keeps the account of all but the last minutes."""
    folds = [record for record in run(polls(3600, 1000 * MS)) if record["k"] == "fold"]
    assert len(folds) == 6
    assert all(record["to"] - record["from"] <= SPAN + 1000 * MS for record in folds)


def test_a_line_can_be_expanded_for_a_while() -> None:
    """Around a fault everything is written, and afterwards repeats are folded again."""
    file = io.BytesIO()
    with HistoryWriter(file, {}) as writer:
        log = WireLog(writer)
        for k, burst in enumerate(polls(30)):
            if k == 20:
                log.expand("a", 20 * 100 * MS)
            log.burst(*burst)
        log.close()
    records = [record.facts for record in History.of_bytes(file.getvalue()).records()]
    written = [record["t"] for record in records if record["k"] == "tx"]
    assert [t // (100 * MS) for t in written[2::2]] == list(range(10, 20))
    assert records[-2]["k"] == "fold"


def test_what_is_remembered_is_bounded() -> None:
    """However many different requests a line sees, only so many replies are remembered, and contents never."""
    file = io.BytesIO()
    log = WireLog(HistoryWriter(file, {}))
    for k in range(3 * REMEMBERED):
        log.burst(k, "a", "port", k.to_bytes(4), 0, k)
        log.burst(k, "a", "keypad-1", b"x", 0, k)
        log.burst(k, "p", "port", bytes(1000) + k.to_bytes(4), 0, k)
    assert len(log._wires["a"].last) == REMEMBERED
    assert not log._wires["p"].last


def test_flush_brings_the_history_up_to_date() -> None:
    """After a flush every burst but a request without its reply is in the history."""
    file = io.BytesIO()
    writer = HistoryWriter(file, {})
    log = WireLog(writer)
    for burst in polls(10)[:-1]:
        log.burst(*burst)
    log.flush()
    writer.abandon()
    records = [record.facts for record in History.of_bytes(file.getvalue()).records()]
    assert [(record["k"], record.get("n")) for record in records] == [("tx", None), ("tx", None), ("fold", 16)]


def test_unknown_evidence_is_refused() -> None:
    """A kind of evidence that does not exist is told, with those that do."""
    with pytest.raises(ValueError, match="'some' is not one of folded, full, hash"):
        WireLog(HistoryWriter(io.BytesIO(), {}), "some")
