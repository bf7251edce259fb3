"""A collector's clock that is set ahead in the middle of a run makes nothing late, and excuses nobody else."""

from __future__ import annotations

from typing import Any

import pytest


def judged(kit: Any, leads: list[float]) -> tuple[str, str, Any]:
    """Words for lateness and acknowledge, of presses stored so many seconds after the acknowledgement."""
    records, rows = [], []
    for n, lead in enumerate(leads):
        press = kit.press(30_000 + 300 * n, n)
        records += [press, *kit.fetch(30_001 + 300 * n, press), kit.ack(30_002 + 300 * n, n)]
        rows.append(kit.row(press, n + 1, stored_at=kit.EPOCH_S + 30_002 + 300 * n + lead))
    verdict = kit.judge(records, rows)
    words = kit.words(verdict)
    return words["lateness"], words["acknowledge"], verdict


@pytest.mark.parametrize(
    ("leads", "word"),
    [
        ([-0.5] * 6, "HOLDS"),
        ([-0.5] * 3 + [7200.2, 7199.8, 7200.1], "UNKNOWN"),
        ([7200.0] * 6, "VIOLATED"),  # late from the first row on: a timer
        ([-0.5] * 3 + [7200.0, 3600.0, 1800.0], "VIOLATED"),  # stored together in the end
        ([-0.5] * 3 + [7200.0, 7200.0, -0.5], "VIOLATED"),
        ([-0.5, -0.5, 5.0] + [7200.0] * 3, "VIOLATED"),  # who acknowledges first does so before, too
        ([-0.5] * 5 + [7200.0], "VIOLATED"),  # once tells nothing of a clock
    ],
)
def test_a_clock_that_was_set(kit: Any, leads: list[float], word: str) -> None:
    """Only a step that stays the same, after rows that were in time, is taken for that of a clock."""
    late, early, verdict = judged(kit, leads)
    assert (late, early) == (word, word)
    if word == "UNKNOWN":
        assert "from row 4 on every instant of storing is 7200 s after" in verdict.findings["lateness"].reason
        assert verdict.findings["loss"].verdict == "HOLDS"
