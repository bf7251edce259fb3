"""Status bytes: exact bits from the printer's side, and the host's side that reads them by pattern."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.escpos import status
from protocol.escpos.status import (
    AutoStatus,
    Block,
    Cleared,
    Condition,
    Confirmed,
    Flow,
    Plain,
    RealTime,
    Stray,
    parse_replies,
)

IDLE = Condition()
NO_DRAWER_LINE = Condition(drawer_high=False)
COVER = Condition(offline=True, cover_open=True)
NEAR = Condition(near_end=True)
OUT = Condition(offline=True, stopped=True, near_end=True, paper_end=True)
CUTTER = Condition(offline=True, cutter_error=True)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (IDLE, "16 12 12 12"),
        (NO_DRAWER_LINE, "12 12 12 12"),
        (COVER, "1E 16 12 12"),
        (NEAR, "16 12 12 1E"),
        (OUT, "1E 32 12 7E"),
        (CUTTER, "1E 52 1A 12"),
        (Condition(offline=True, cover_open=True, auto_recoverable=True), "1E 56 52 12"),
        (Condition(waiting=True, feed_button=True, feeding=True, unrecoverable=True), "76 5A 32 12"),
        (Condition(paper_end=True), "16 12 12 72"),
        (Condition(recoverable=True), "16 52 16 12"),
    ],
)
def test_real_time_bytes(condition, expected):
    """DLE EOT 1 to 4: bits 1 and 4 always set, 0 and 7 never, and each cause at its place (protocols.md 4.3)."""
    assert b"".join(status.real_time(n, condition) for n in (1, 2, 3, 4)).hex(" ").upper() == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (IDLE, "14 00 00 00"),
        (NO_DRAWER_LINE, "10 00 00 00"),
        (COVER, "3C 00 00 00"),
        (NEAR, "14 00 03 00"),
        (OUT, "1C 00 0F 00"),
        (CUTTER, "1C 08 00 00"),
        (Condition(feeding=True, feed_button=True), "54 02 00 00"),
        (Condition(waiting=True, recoverable=True, unrecoverable=True, auto_recoverable=True), "14 65 00 00"),
    ],
)
def test_automatic_bytes(condition, expected):
    """GS a: four bytes, the first 0xx1xx00, the others 0xx0xxxx, each cause at its place (protocols.md 4.3)."""
    assert status.automatic(condition).hex(" ").upper() == expected


def test_sensor_bytes():
    """GS r 1: 00, 03 near end, 0F when the roll is out; GS r 2 the drawer; other n are not answered."""
    assert [status.sensor(1, c).hex() for c in (IDLE, NEAR, OUT)] == ["00", "03", "0f"]
    assert status.sensor(0x31, NEAR) == b"\x03"
    assert (status.sensor(2, IDLE), status.sensor(2, NO_DRAWER_LINE), status.sensor(9, IDLE)) == (b"\x01", b"\0", b"")


@pytest.mark.parametrize("n", [0, 5, 7, 255])
def test_other_numbers_are_not_answered(n):
    """DLE EOT of a sensor the printer does not have stays without an answer."""
    assert status.real_time(n, IDLE) == b""


def test_a_mask_reports_its_own_changes_only():
    """Bit 1 reports off line and cover, bit 2 errors, bit 3 paper; 0 reports nothing."""
    assert [m for m in (0, 1, 2, 4, 8, 0x40) if status.changed(m, IDLE, COVER)] == [2]
    assert [m for m in (0, 1, 2, 4, 8, 0x40) if status.changed(m, IDLE, CUTTER)] == [2, 4]
    assert [m for m in (0, 1, 2, 4, 8, 0x40) if status.changed(m, IDLE, NEAR)] == [8]
    assert not status.changed(0xFF, OUT, OUT)


CONDITIONS = st.builds(Condition, *(st.booleans() for _ in Condition._fields))


@given(CONDITIONS)
def test_every_byte_keeps_its_pattern(condition):
    """A host can tell the replies apart whatever the printer's condition is."""
    for n in (1, 2, 3, 4):
        assert status.real_time(n, condition)[0] & 0x93 == 0x12
    first, *rest = status.automatic(condition)
    assert first & 0x93 == 0x10
    assert not any(byte & 0x90 for byte in (*rest, *status.sensor(1, condition), *status.sensor(2, condition)))


@given(CONDITIONS)
def test_automatic_status_is_read_back(condition):
    """The host's reading of the four bytes is the printer's condition, as far as they tell it."""
    (event,), rest = parse_replies(status.automatic(condition))
    assert rest == b""
    assert isinstance(event, AutoStatus)
    untold = dict.fromkeys(("stopped", "head_hot", "jam", "ticket_out", "motor_on"), False)
    assert event.condition._replace(**untold) == condition._replace(**untold)


@given(CONDITIONS, st.sampled_from([1, 2, 3, 4]))
def test_real_time_status_is_read_back(condition, n):
    """The names `of(n)` gives are those that hold."""
    (event,), _ = parse_replies(status.real_time(n, condition))
    assert isinstance(event, RealTime)
    assert event.of(n) == {name for name, _ in status.REAL_TIME[n] if getattr(condition, name)}


def test_a_reply_of_another_question_is_refused():
    """DLE EOT 9 does not exist: asking how to read it is a mistake of the caller's."""
    with pytest.raises(ValueError, match="1 to 4"):
        RealTime(0x12).of(9)


def test_replies_are_told_apart_by_pattern():
    """One stream with every kind of reply, as a host gets them."""
    stream = bytes.fromhex("11 16 14000000 13 37 22 41303031 00 03 5F 45 50 00 37 25 00 3D 21 31 00 1E")
    events, rest = parse_replies(stream)
    assert events == [
        *(Flow(True), RealTime(0x16), AutoStatus(b"\x14\0\0\0", IDLE), Flow(False), Confirmed(b"A001"), Plain(3)),
        *(Block(0x5F, b"EP"), Cleared(), Block(0x3D, b"!1"), RealTime(0x1E)),
    ]
    assert rest == b""


def test_flow_control_inside_a_reply():
    """XOFF may stand inside a block or an automatic status: it is told, and the reply is whole without it."""
    assert parse_replies(bytes.fromhex("37 22 41 13 303031 00")) == ([Flow(False), Confirmed(b"A001")], b"")
    assert parse_replies(bytes.fromhex("14 00 13 00 00"))[0] == [Flow(False), AutoStatus(b"\x14\0\0\0", IDLE)]


def test_an_incomplete_reply_waits():
    """What is not complete is left over; flow control inside it is told at once, and not again."""
    events, rest = parse_replies(bytes.fromhex("37 22 41 13"))
    assert (events, rest) == ([Flow(False)], b"\x37\x22\x41")
    assert parse_replies(rest + b"001\0") == ([Confirmed(b"A001")], b"")


def test_a_broken_reply_does_not_swallow_the_next():
    """An automatic status with a foreign byte in it gives a stray byte, and what follows is read for itself."""
    events, rest = parse_replies(bytes.fromhex("14 00 16 12"))
    assert events == [Stray(0x14), Plain(0x00), RealTime(0x16), RealTime(0x12)]
    assert rest == b""


def test_a_block_without_an_end_is_given_up():
    """A header whose 00 never comes is a stray byte as soon as no block can be that long."""
    events, rest = parse_replies(b"\x5f" + b"A" * 200)
    assert events[0] == Stray(0x5F)
    assert len(rest) <= status.BLOCK_LIMIT


@given(st.binary(max_size=300), st.data())
@settings(deadline=None)
def test_any_bytes_in_any_split(stream, data):
    """Garbage never raises, the rest stays small, and any split gives the same replies but for flow control's place."""

    def replies(parts):
        events, rest = [], b""
        for part in parts:
            found, rest = parse_replies(rest + part)
            assert len(rest) <= status.BLOCK_LIMIT + 1
            events += found
        return [e for e in events if not isinstance(e, Flow)], [e for e in events if isinstance(e, Flow)]

    cut = data.draw(st.integers(0, len(stream)))
    assert replies([stream[:cut], stream[cut:]]) == replies([stream])
