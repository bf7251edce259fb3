"""Latencies over the day: the judge's own numbers, slot by slot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.judge.evidence import load_run
from bench.judge.history import HistoryWriter, SealedWriter
from bench.reports import latencies
from bench.reports.latencies import Lag, by_slot
from bench.reports.run_dir import open_run

NS = 1_000_000_000
EPOCH = 1_741_539_600
OPENS = 8 * 3600


def _run(path: Path, lags: list[float], stored: bool = True) -> Path:
    """A run whose presses are 100 s apart and stored (or acknowledged) after `lags` seconds."""
    device = {
        "name": "keypad-1",
        "kind": "rating_keypad",
        "protocol": "modbus_rtu",
        "line": "k",
        "unit": 1,
        "counter": 1,
    }
    header = {"schema_version": 1, "start": OPENS * NS, "epoch_ns": EPOCH * NS, "clerks": {"C01": 1}}
    header |= {"program": "collector", "devices": [{**device, "owner": "collector"}], "must_exercise": ["loss"]}
    with HistoryWriter(path / "history.ndjson", header) as history:
        for n, lag in enumerate(lags):
            t = OPENS + 100 * n
            key = {"device": "keypad-1", "epoch": 1, "seq": n}
            history.record(t * NS, "dev", "press", {**key, "value": 5, "clerk": 1})
            history.record(round((t + lag) * NS), "dev", "ack", {**key, "freed": 1})
        history.record((OPENS + 100 * len(lags)) * NS, "run", "run_end", {"why": "made"})
    fields = ["device", "clerk", "value", "at", "epoch", "seq", *(["stored_at"] if stored else [])]
    with SealedWriter(path / "records.ndjson", {"schema_version": 1, "records": True, "fields": fields}) as rows:
        for n, lag in enumerate(lags):
            at = EPOCH + OPENS + 100 * n
            row = {"n": n + 1, "device": "keypad-1", "clerk": 1, "value": 5, "at": at, "epoch": 1, "seq": n}
            rows.line(json.dumps(row | ({"stored_at": at + lag} if stored else {})))
    return path


@pytest.mark.parametrize("stored", [True, False])
def test_the_curve_is_the_judges(tmp_path: Path, stored: bool) -> None:
    """In one slot p50, p99 and max are those of the verdict, whether rows tell when they were stored or not."""
    path = _run(tmp_path, [0.5, 0.25, 2.0, 1.0], stored)
    told = load_run(path).judge().latency
    found = latencies.of(open_run(path))
    assert found.trouble == ""
    assert (found.n, found.stored) == (4, 4 if stored else 0)
    assert sum(slot.n for slot in found.slots) == 4
    assert max(slot.longest for slot in found.slots) == pytest.approx(told["max"], abs=1e-3)


def test_without_rows_the_acknowledgement_is_told(tmp_path: Path) -> None:
    """Where nothing is known of what was stored there is still when the keypad was told to forget."""
    path = _run(tmp_path, [0.5, 1.5])
    (path / "records.ndjson").unlink()
    found = latencies.of(open_run(path))
    assert (found.n, found.stored) == (2, 0)


def test_trouble_is_told(tmp_path: Path) -> None:
    """Records that are no records cost the curve, not the page, and say so."""
    path = _run(tmp_path, [0.5])
    (path / "records.ndjson").write_text('{"h":1}\n[1]\n')
    assert "cannot be made out" in latencies.of(open_run(path)).trouble


@given(st.lists(st.tuples(st.integers(0, 86_400 * NS), st.integers(0, 600 * NS)), max_size=60))
def test_slots_count_every_press_once(pairs: list[tuple[int, int]]) -> None:
    """No press is lost or counted twice, slots are in order and few, and the longest lag is in one of them."""
    found = by_slot([Lag(t, lag, "stored") for t, lag in pairs])
    assert sum(slot.n for slot in found.slots) == found.n == len(pairs)
    starts = [slot.start for slot in found.slots]
    assert starts == sorted(set(starts))
    assert len(starts) <= 41
    if pairs:
        assert max(slot.longest for slot in found.slots) == round(max(lag for _, lag in pairs) / NS, 6)
