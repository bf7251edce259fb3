"""The tape: what went over the lines lately, and the fate of every press."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.testing.traffic import KEPT, Exchange, Frame, Tape, exchanges
from firmware_sim.device import Note


def test_frames_are_kept_in_order_and_by_line():
    """Frames come back oldest first, of one line if asked, and from an instant on if asked."""
    tape = Tape()
    tape.burst(10, "a", "port", b"1", 0, 15)
    tape.burst(20, "b", "port", b"2", 0, 25)
    tape.burst(30, "a", "slaves", b"3", 1, 35)

    assert [frame.data for frame in tape.frames()] == [b"1", b"2", b"3"]
    assert tape.frames("a") == [Frame(10, "a", "port", b"1", 0, 15), Frame(30, "a", "slaves", b"3", 1, 35)]
    assert [frame.data for frame in tape.frames(since=20)] == [b"2", b"3"]


def test_the_tape_is_a_ring():
    """The oldest frames go, their number stays, and `since` gives what is still there of the new ones."""
    tape = Tape()
    for n in range(KEPT + 5):
        tape.burst(n, "a", "port", b"x", 0, n)

    assert tape.count == KEPT + 5
    assert len(tape.frames()) == KEPT
    assert [frame.at for frame in tape.since(KEPT + 3)] == [KEPT + 3, KEPT + 4]
    assert len(list(tape.since(0))) == KEPT


@given(st.lists(st.sampled_from(["press", "ack", "overflow"]), max_size=30))
def test_the_fate_of_presses_is_that_of_a_queue(story):
    """Presses wait in order; an acknowledgement takes the oldest, an overflow drops the oldest."""
    tape, waiting = Tape(), []
    for at, kind in enumerate(story):
        if kind == "press":
            tape.note("k", at, Note("press", {"value": 5, "epoch": 1, "seq": at}))
            waiting.append(at)
        elif kind == "ack":
            tape.note("k", at, Note("ack", {"epoch": 1, "seq": 0, "freed": 1}))
            del waiting[:1]
        else:
            tape.note("k", at, Note("overflow", {"epoch": 1, "seq": 0}))
            del waiting[:1]

    assert [press.seq for press in tape.waiting("k")] == waiting
    assert all((press.acked is None) or (press.dropped is None) for press in tape.presses)
    assert len(tape.presses) == story.count("press")


def test_requests_find_their_replies():
    """A reply belongs to the last request of its line; a request that follows another leaves that one unanswered."""
    frames = [
        Frame(1, "a", "port", b"q1", 0, 2),
        Frame(3, "b", "house", b"q2", 0, 4),
        Frame(5, "a", "slaves", b"r1", 0, 6),
        Frame(7, "a", "slaves", b"unasked", 0, 8),
        Frame(9, "b", "house", b"q3", 0, 10),
    ]

    assert exchanges(frames) == [Exchange(frames[0], frames[2]), Exchange(frames[1]), Exchange(frames[4])]
