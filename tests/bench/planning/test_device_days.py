"""Days through the devices beside the plan, and percentiles pooled over days."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.cli.main import _guarded as hallbench
from bench.hall.day import columns
from bench.planning.device_days import STEPS, planned, steps
from bench.planning.lines import with_devices
from bench.planning.pooled import BIN, bins, percentiles
from bench.scenario.load import load


def test_a_day_through_the_devices_is_the_planned_one_to_a_few_seconds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the polls of its lines the plan calls each visitor of tan_hoi within 10 s of the devices, on average 2 s.

    The command tells it in its JSON and in a note, and refuses it where there are no devices.
    """
    words = ["plan", "tan_hoi", "--days", "5", "--with-devices", "1", "--out", str(tmp_path), "--json"]
    assert hallbench(words) == 0
    printed = json.loads(capsys.readouterr().out)
    assert any("through the devices" in note for note in printed["remarks"])
    told = printed["with_devices"]
    assert [row["step"] for row in told["steps"]] == [*STEPS, "devices"]
    assert told["visitors"] > 90
    assert (told["only_planned"], told["only_devices"]) == (0, 0)
    assert told["left"]["largest"] < 10
    assert abs(told["left"]["mean"]) < 2
    means = [row["wait_mean"] for row in told["steps"]]
    assert means[-1] - means[0] == pytest.approx(sum(row["adds"] for row in told["steps"][1:]))
    assert hallbench(["plan", "tan_hoi", "--ideal-devices", "--with-devices", "1"]) == 2


def test_each_step_adds_one_thing() -> None:
    """The steps end with what a plan takes, and the first is the people alone."""
    scenario = load("tan_hoi")
    ladder = steps(scenario)
    assert ladder["polls"] == with_devices(scenario)
    assert not ladder["display"].polls.counters
    day = columns(scenario, 3)
    waits = [planned(scenario, day, delays, "python") for delays in ladder.values()]
    assert all(found.keys() == waits[0].keys() for found in waits)


def test_pooled_percentiles_are_those_of_all_waits_together() -> None:
    """To within a bin of numpy's percentile of the pooled waits; the interval holds it and is the same twice."""
    random = np.random.default_rng(5)
    days = [random.exponential(300 * (1 + n % 3), 200 + 50 * (n % 3)) for n in range(40)]
    kept = [bins(day.tolist()) for day in days]
    found = percentiles(kept, (50, 90), 1)
    for level, told in found.items():
        assert told is not None
        assert told.mean == pytest.approx(np.percentile(np.concatenate(days), level), abs=BIN)
        assert told.low is not None
        assert told.high is not None
        assert told.low < told.mean < told.high
    assert percentiles(kept, (50, 90), 1) == found
    assert percentiles([], (50,), 1) == {50: None}
    assert percentiles(kept[:1], (50,), 1)[50].half is None  # type: ignore[union-attr]


def test_an_interval_of_few_visitors_a_day_is_wider_than_one_of_pooled_visitors() -> None:
    """Days that differ: resampling days gives a wider interval than visitors drawn from one heap would have."""
    random = np.random.default_rng(6)
    unlike = [bins(random.exponential(100 + 40 * n, 300).tolist()) for n in range(20)]
    heap = np.concatenate([np.repeat(list(day), list(day.values())) for day in unlike])
    random.shuffle(heap)
    alike = [bins((part * BIN).tolist()) for part in np.split(heap, 20)]
    wide, narrow = (percentiles(days, (90,), 1)[90] for days in (unlike, alike))
    assert wide is not None
    assert narrow is not None
    assert wide.half is not None
    assert narrow.half is not None
    assert wide.half > 2 * narrow.half
