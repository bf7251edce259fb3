"""The player on recorded frames: a case that goes another way than its record says so and is not taken for judged."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.compliance.replayed import NotRecorded, ReplayedPlayer
from bench.compliance.results import Frame
from bench.compliance.steps import Ask, Heard, Operator, Wait

OUT = Frame(0, 5, "out", b"\x01")
IN = Frame(6, 9, "in", b"\x02")
SILENT = Frame(0, 0, "out", b"", "is anybody speaking?")
ASKED = Frame(0, 0, "out", b"", "operator: press a key: done")
AGAIN = Frame(20, 20, "out", b"", "attempt 2")


def player(*record: Frame) -> ReplayedPlayer:
    """A player of this record."""
    return ReplayedPlayer(record, "virtual", 0)


def test_a_record_is_played_as_it_went() -> None:
    """Law: what was sent and heard comes back, an operator's answer too, attempt by attempt."""
    replayed = player(OUT, IN, SILENT, ASKED, AGAIN, OUT)
    replayed.begin(0)
    assert replayed.play(Ask(((0, b"\x01"),), 10)).data == b"\x02"
    assert replayed.play(Wait(10)) == Heard((), 0, 3, ())
    assert replayed.play(Operator("press", (1,), "press a key")).done
    replayed.begin(1)
    assert replayed.play(Ask(((0, b"\x01"),), 10)).frames == ()


@pytest.mark.parametrize(
    ("record", "goes", "told"),
    [
        ((OUT,), lambda one: one.play(Ask(((0, b"\x07"),), 10)), "would send 07 now; recorded: 01"),
        ((IN,), lambda one: one.play(Ask(((0, b"\x02"),), 10)), "would send 02 now; recorded: 02"),
        ((OUT,), lambda one: one.play(Wait(10)), "would be silent now; recorded: 01"),
        ((SILENT,), lambda one: one.play(Operator("press", (1,), "press a key")), "would ask the operator now"),
        ((OUT,), lambda one: one.begin(1), r"would be repeated now; the record goes on with b'\\x01'"),
        ((SILENT,), lambda one: one.begin(1), "the record goes on with .is anybody speaking"),
        ((), lambda one: one.play(Wait(10)), "goes on where its record ends"),
    ],
)
def test_another_way_is_told(record: tuple[Frame, ...], goes: Callable[[ReplayedPlayer], object], told: str) -> None:
    """Law: each way of leaving the record has its own sentence, with what was recorded."""
    with pytest.raises(NotRecorded, match=told):
        goes(player(*record))
