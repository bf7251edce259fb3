"""A history of wall time: what was before the handover is not judged, and two clocks are told apart."""

from __future__ import annotations


def test_what_was_fetched_before_the_handover_is_nobodys_loss(kit):
    """Presses acknowledged before the program took its lines over are not its business; those still queued are."""
    queued, late = kit.press(28_900, 2, 4), kit.press(29_010, 3, 3)
    made = [
        kit.press(28_000, 1, 5),
        kit.ack(28_001, 1),
        queued,
        (29_000, "run", "handover", {"lines": ["keypads"]}),
        late,
        kit.ack(29_020, 3),
    ]
    verdict = kit.judge(made, kit.rows([queued, late]))
    assert verdict.findings["loss"].verdict == "HOLDS"
    assert verdict.findings["loss"].checked == 2
    lost = kit.judge(made, kit.rows([late]))
    assert lost.findings["loss"].verdict == "VIOLATED"


def test_stored_at_is_of_the_programs_own_clock(kit):
    """`stored_at` is placed in the day by the instant at which the wall joined it, scaled as the hall's clock was."""
    unix = 1_800_000_000
    press = kit.press(28_100, 1, 5)
    joined = (28_000, "run", "joined", {"unix_ns": unix * kit.NS, "speed": 10.0})
    verdict = kit.judge([joined, press, kit.ack(28_130, 1)], kit.rows([press], stored_at=unix + 12.0))
    assert verdict.findings["lateness"].verdict == "HOLDS"
    assert verdict.latency["max"] == 20.0
