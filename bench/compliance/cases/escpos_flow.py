"""ESC/POS printers: receive buffer, XON and XOFF, power (protocols.md 4.4, TM-T88III specification [S])."""

from __future__ import annotations

from typing import Final

from bench.compliance.case import Case, Failed, Lost
from bench.compliance.escpos_bench import INIT, EscposBench, Reply, confirm, feed, filler, joined, raster, split
from bench.compliance.steps import Ask, Play
from firmware_sim.device import MS
from protocol.escpos.status import AutoStatus, Confirmed, Plain

__all__ = ["CASES"]

_PIECE: Final = 32
_LATE: Final = 3
"""So many pieces, 96 characters, are still on their way when a host sees XOFF; the specification's margin is 128."""
_SLACK: Final = 1.4
"""The mechanism is kept busy so much longer than it takes to fill the buffer."""


def _size(b: EscposBench) -> int:
    return int(b.declaration.capabilities.get("buffer", 4096))


def _stall(b: EscposBench) -> bytes:
    """Feeds that last until the buffer is full."""
    capabilities = b.declaration.capabilities
    seconds = b.settings.duration(_size(b)) / 1e9 * _SLACK
    dots = seconds * float(capabilities.get("speed_mm_s", 300)) * float(capabilities.get("dots_per_mm", 8))
    return feed(round(dots) + 240)


def _filled(b: EscposBench, late: int) -> Play:
    """Queries, each padded to a piece, until XOFF and `late` pieces more: `b.sent` pieces, all that came in `b.got`."""
    piece = b.query() + filler(_PIECE - 3)
    heard = yield Ask(((0, _stall(b)),), 0, lambda got: True, "the mechanism is kept busy", 0, 0)
    got = [split(heard)]
    b.sent, b.value = 0, -1
    left = -1
    while left and b.sent * _PIECE < _size(b) + 2 * _PIECE * _LATE:
        heard = yield Ask(((0, piece),), 0, lambda got: True, "filling", 0, 0)
        b.sent += 1
        left -= left > 0
        got.append(split(heard))
        if left < 0 and False in got[-1].flow:
            left, b.value = late, b.sent * _PIECE
    b.got = joined(*got)


def _drained(b: EscposBench) -> Play:
    """Listen until as many answers came as queries were sent, or nothing comes any more."""
    quiet = 0
    got: list[Reply] = [b.got]
    while quiet < 16 and len(joined(*got).all(Plain)) < b.sent:
        reply = yield from b.hear(500 * MS, "draining")
        got.append(reply)
        quiet = 0 if reply.heard.data else quiet + 1
    b.got = joined(*got)


def margin(b: EscposBench) -> Play:
    """What still comes after XOFF finds room."""
    yield from _filled(b, _LATE)
    if b.value < 0:
        yield from _drained(b)
        raise Failed(
            f"{b.sent * _PIECE} characters were taken for a buffer of {_size(b)}, and no XOFF came", b.got.heard
        )
    yield from _drained(b)
    count = len(b.got.all(Plain))
    if count != b.sent:
        raise Failed(
            f"{_LATE * _PIECE} characters came after XOFF, and of {b.sent} queries sent {count} were answered",
            b.got.heard,
        )
    b.saw(b.got.heard)


def capacity(b: EscposBench) -> Play:
    """XOFF comes no earlier than the declared buffer says."""
    yield from _filled(b, 0)
    taken = b.value
    yield from _drained(b)
    if taken < 0:
        raise Lost("no XOFF came", b.got.heard)
    least = _size(b) - int(b.declaration.capabilities.get("margin", 256)) - _PIECE
    if taken < least:
        raise Failed(f"XOFF after {taken} characters; the buffer is declared to take {least} before", b.got.heard)
    b.saw(b.got.heard)


def resumes(b: EscposBench) -> Play:
    """XON comes when the buffer has drained."""
    yield from _filled(b, 0)
    if b.value < 0:
        yield from _drained(b)
        raise Lost("no XOFF came", b.got.heard)
    yield from _drained(b)
    more = yield from b.hear(500 * MS, "ready?")
    whole = joined(b.got, more)
    b.must(whole.flow[-1:] == [True], whole, "the buffer has drained and XON did not come")


def cover_flow(b: EscposBench) -> Play:
    """Busy while the cover is open, ready after."""
    opened = yield from b.open_cover()
    closed = yield from b.close_cover()
    b.must(opened.flow[-1:] == [False], opened, "the cover is open, and XOFF did not come")
    b.must(closed.flow[-1:] == [True], closed, "the cover is closed again, and XON did not come")


def paper_flow(b: EscposBench) -> Play:
    """Busy without paper, ready with a new roll."""
    out = yield from b.paper_end()
    if out.flow[-1:] != [False]:
        yield from b.restore()
        raise Lost(f"the paper is out, and XOFF did not come: {out.text}", out.heard)
    yield from b.restore()
    back = yield from b.hear(400 * MS, "with paper")
    b.must(back.flow[-1:] == [True], back, "there is paper again, and XON did not come")


def overrun(b: EscposBench) -> Play:
    """A host that ignores XOFF loses characters, not the printer."""
    yield from b.open_cover()
    size = _size(b)
    yield from b.say(filler(size + 600), "more than the buffer holds", 50 * MS)
    yield from b.close_cover()
    yield from b.say(bytes(64) + INIT, "default settings", 500 * MS)
    yield from b.in_turn(b"", "after an overrun")


# -- power ------------------------------------------------------------------------------------------------------------
def power_quiet(b: EscposBench) -> Play:
    """Switched on, it says nothing but XON and automatic status."""
    reply = yield from b.power_cycle()
    if reply.asked or reply.rest:
        raise Failed(f"nothing was asked, and {reply.text} came after power-on", reply.heard)


def power_forgets(b: EscposBench) -> Play:
    """A command that was unfinished when the power went is forgotten."""
    yield from b.say(raster(bytes(600), 4)[:20], "the beginning of a picture", 50 * MS)
    yield from b.power_cycle()
    yield from b.in_turn(b"", "after power-on")


def power_automatic(b: EscposBench) -> Play:
    """Automatic status is off after power-on."""
    yield Ask(((0, b"\x1da\x0e"),), b.timeout, None, "automatic status on")
    yield from b.power_cycle()
    reply = yield from b.open_cover()
    yield from b.say(b"\x1da\x00", "automatic status off", 80 * MS)
    if reply.all(AutoStatus):
        raise Failed(f"automatic status is on after power-on: {reply.text}", reply.heard)


def ticket_once(b: EscposBench) -> Play:
    """A ticket that was printed and not yet cut when the power went does not come out twice."""
    id_ = b.nonce()
    word = b.nonce().decode()
    first = yield from b.until(
        word.encode() + b"\n" + feed(160) + confirm(id_), lambda got: bool(got.all(Confirmed)), "a ticket, not cut"
    )
    if first.all(Confirmed) != [Confirmed(id_)]:
        raise Lost(f"the ticket was not confirmed: {first.text}", first.heard)
    yield from b.power_cycle()
    after = yield from b.hear(2_500 * MS, "is it printed again?")
    if after.all(Confirmed):
        raise Failed(f"the ticket was printed again after power-on: {after.text}", after.heard)
    yield from b.sees(
        "once",
        word,
        good=f"look at the paper: does {word} stand there once?",
        bad=f"confirm that {word} stands there twice",
        what=f"the ticket {word} was printed again after power-on",
    )
    b.saw(first.heard)


CASES: Final = (
    Case(
        "esc.dev.xoff-margin",
        1,
        "EPS-T88III_buffer-R1",
        "XOFF leaves room for what is on its way",
        margin,
        applies="xonxoff",
        cost=(140, 20),
    ),
    Case(
        "esc.dev.xoff-capacity",
        1,
        "EPS-T88III_buffer-R5",
        "XOFF not before the declared size",
        capacity,
        applies="xonxoff",
        cost=(140, 20),
    ),
    Case(
        "esc.dev.xon-drained",
        1,
        "EPS-T88III_buffer-R2",
        "XON when the buffer has drained",
        resumes,
        applies="xonxoff",
        cost=(140, 20),
    ),
    Case(
        "esc.dev.xoff-cover",
        1,
        "EPS-T88III_buffer-R3",
        "XOFF off line, XON on line",
        cover_flow,
        applies="xonxoff and busy_offline",
        needs="operator",
    ),
    Case(
        "esc.dev.xon-paper",
        1,
        "EPS-T88III_buffer-R3",
        "XON when there is paper again",
        paper_flow,
        applies="xonxoff and busy_offline",
        needs="operator",
    ),
    Case(
        "esc.dev.overrun",
        1,
        "EPS-T88III_buffer-R4",
        "an overrun loses characters, not the printer",
        overrun,
        needs="operator",
        cost=(8, 3),
    ),
    Case(
        "esc.dev.power-quiet",
        1,
        "EPS-power-R1",
        "nothing unasked after power-on but XON and status",
        power_quiet,
        needs="operator",
    ),
    Case(
        "esc.dev.power-forgets",
        1,
        "EPS-power-R2",
        "power off forgets an unfinished command",
        power_forgets,
        applies="raster",
        needs="operator",
    ),
    Case(
        "esc.dev.power-automatic",
        1,
        "EPS-power-R3",
        "automatic status is off after power-on",
        power_automatic,
        applies="asb and not asb_at_power_on",
        needs="operator",
    ),
    Case(
        "esc.dev.ticket-once",
        1,
        "EPS-ticket-R1",
        "a ticket interrupted before its cut comes out once",
        ticket_once,
        applies="process_id",
        needs="operator",
    ),
)
