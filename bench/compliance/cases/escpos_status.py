"""ESC/POS printers: status in real time, DLE EOT, and the other commands that do not wait (protocols.md 4.1, 4.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bench.compliance.case import Case, Failed, Lost
from bench.compliance.escpos_bench import EOT, EscposBench, confirm, feed, joined, raster, unasked_out
from bench.compliance.steps import Play
from firmware_sim.device import MS
from protocol.escpos.status import Cleared, Confirmed, Plain, RealTime

__all__ = ["CASES"]

_READY: Final = {1: 0x68, 2: 0x6C, 3: 0x6C, 4: 0x6C}
"""DLE EOT n: bits that a printer which is ready has clear (the drawer's is as it likes)."""


def fixed_bits(b: EscposBench) -> Play:
    """Bits 1 and 4 are set, 0 and 7 clear, whatever n."""
    for n in b.rng.sample(range(1, 5), 4):
        reply = yield from b.say(EOT + bytes((n,)), f"DLE EOT {n}")
        data = unasked_out(reply.heard.data)
        if len(data) != 1:
            raise Lost(f"DLE EOT {n} drew {reply.text}", reply.heard)
        b.must(data[0] & 0x93 == 0x12, reply, f"DLE EOT {n}: 0xx1xx10 is required", (0, 1))


def one_each(b: EscposBench) -> Play:
    """So many requests, so many characters."""
    asked = b.rng.choices(range(1, 5), k=b.rng.randint(4, 7))
    reply = yield from b.say(b"".join(EOT + bytes((n,)) for n in asked), f"{len(asked)} requests")
    good = len(reply.all(RealTime)) == len(asked) == len(reply.asked)
    b.must(good, reply, f"{len(asked)} requests back to back are to be answered by as many characters")


def _ready(n: int) -> Callable[[EscposBench], Play]:
    def case(b: EscposBench) -> Play:
        value = yield from b.real_time(n)
        if value & _READY[n]:
            yield from b.sees(
                "ready",
                good="look: is the cover open, the paper low or out, or an error shown?",
                bad="confirm that the printer is ready: cover closed, plenty of paper, no error light",
                what=f"a printer that is ready answers {value:02X} to DLE EOT {n}",
            )
            raise Lost("the printer is not ready")

    return case


def while_printing(b: EscposBench) -> Play:
    """Answered while it prints, before what was sent earlier is on paper."""
    reply = yield from b.until(
        feed(1200) + b.query() + EOT + b"\x01", lambda got: bool(got.all(Plain) and got.all(RealTime)), "while feeding"
    )
    if len(reply.asked) != 2:
        raise Lost(f"a query in turn and one in real time drew {reply.text}", reply.heard)
    b.must(isinstance(reply.asked[0], RealTime), reply, "the real-time answer came after that of a command before it")


def when_full(b: EscposBench) -> Play:
    """Answered also when the receive buffer has no room."""
    yield from b.open_cover()
    size = int(b.declaration.capabilities.get("buffer", 4096))
    yield from b.say(bytes(size + 100), "more than the buffer holds", 50 * MS)
    reply = yield from b.say(EOT + b"\x01", "with a full buffer")
    b.must(len(reply.all(RealTime)) == 1, reply, "DLE EOT stays unanswered when the receive buffer is full")
    yield from b.close_cover()


def other_n(b: EscposBench) -> Play:
    """An n that does not exist is not answered."""
    reply = yield from b.say(EOT + bytes((b.rng.randrange(0x50, 0x60),)), "no such n")
    b.must(not reply.asked and not reply.rest, reply, "DLE EOT with an n that does not exist was answered")
    yield from b.real_time(1)


def in_data(b: EscposBench) -> Play:
    """Executed also when its characters stand in a picture."""
    reply = yield from b.say(raster(bytes(4) + EOT + b"\x01" + bytes(5), 2), "a picture with DLE EOT 1 in it")
    b.must(len(reply.all(RealTime)) == 1, reply, "DLE EOT 1 inside a picture is to be answered too")


def between_commands(b: EscposBench) -> Play:
    """It leaves the commands around it alone."""
    id_ = b.nonce()
    text = confirm(id_)
    reply = yield from b.until(
        feed(480) + b.query() + EOT + b"\x02" + text + EOT + b"\x03" + b.query(),
        lambda got: len(got.all(Plain)) > 1 and bool(got.all(Confirmed)),
        "between other commands",
    )
    good = len(reply.all(RealTime)) == 2 and len(reply.all(Plain)) == 2 and reply.all(Confirmed) == [Confirmed(id_)]
    b.must(good, reply, "commands before and after a DLE EOT are to be executed as without it")


# -- with hands -------------------------------------------------------------------------------------------------------
def off_line(b: EscposBench) -> Play:
    """Answered while the cover is open, and says so."""
    yield from b.open_cover()
    reply = yield from b.say(EOT + b"\x01", "off line")
    b.must(reply.all(RealTime), reply, "DLE EOT 1 stays unanswered while the cover is open")
    yield from b.close_cover()


def off_line_bit(b: EscposBench) -> Play:
    """Off line is told, and on line again."""
    yield from b.open_cover()
    value = yield from b.real_time(1)
    if not value & 0x08:
        raise Failed(f"the cover is open and DLE EOT 1 says on line: {value:02X}")
    yield from b.close_cover()
    value = yield from b.real_time(1)
    if value & 0x08:
        raise Failed(f"the cover is closed again and DLE EOT 1 says off line: {value:02X}")


def cover_bit(b: EscposBench) -> Play:
    """An open cover is told as such, and is no paper end."""
    yield from b.open_cover()
    value = yield from b.real_time(2)
    if value & 0x2C != 0x04:
        raise Failed(f"the cover is open, so DLE EOT 2 has bit 2 of 2, 3, 5; it is {value:02X}")
    yield from b.close_cover()
    value = yield from b.real_time(2)
    if value & 0x04:
        raise Failed(f"the cover is closed again, DLE EOT 2 says open: {value:02X}")


def near_end(b: EscposBench) -> Play:
    """A roll that ends soon is told by bits 2 and 3 alone."""
    yield from b.near_end()
    value = yield from b.real_time(4)
    if value & 0x6C != 0x0C:
        raise Failed(f"the roll is nearly used up, so DLE EOT 4 has bits 2 and 3 of 2, 3, 5, 6; it is {value:02X}")


def paper_end(b: EscposBench) -> Play:
    """No paper is told by bits 5 and 6."""
    yield from b.paper_end()
    value = yield from b.real_time(4)
    if value & 0x60 != 0x60:
        raise Failed(f"there is no paper, so DLE EOT 4 has bits 5 and 6; it is {value:02X}")


def stopped(b: EscposBench) -> Play:
    """That printing stopped for want of paper is told by DLE EOT 2, and DLE EOT 1 says off line."""
    yield from b.paper_end()
    value = yield from b.real_time(2)
    if not value & 0x20:
        raise Failed(f"there is no paper, so DLE EOT 2 has bit 5; it is {value:02X}")
    if not (yield from b.real_time(1)) & 0x08:
        raise Failed("there is no paper, and DLE EOT 1 says on line")


# -- the other real-time commands -------------------------------------------------------------------------------------
def enq_alone(b: EscposBench) -> Play:
    """DLE ENQ 2 without an error clears nothing."""
    id_ = b.nonce()
    before = feed(720) + confirm(id_) + b"\x10\x05\x02"
    reply = yield from b.until(before, lambda got: bool(got.all(Confirmed)), "DLE ENQ 2 while it feeds")
    b.must(reply.all(Confirmed) == [Confirmed(id_)], reply, "DLE ENQ 2 without an error cleared what was to be printed")


_CLEAR: Final = bytes.fromhex("10 14 08 01 03 14 01 06 02 08")


def clear_answered(b: EscposBench) -> Play:
    """The buffers are cleared, and that is said."""
    reply = yield from b.say(_CLEAR, "clear the buffers")
    b.must(reply.all(Cleared) and len(reply.asked) == 1, reply, "37 25 00 is required")


def clear_forgets(b: EscposBench) -> Play:
    """What was cleared is never printed, so its process id is never told."""
    id_ = b.nonce()
    reply = yield from b.until(feed(2400) + confirm(id_) + _CLEAR, lambda got: bool(got.all(Cleared)), "then clear")
    more = yield from b.hear(3_000 * MS, "nothing may be confirmed")
    whole = joined(reply, more)
    if not whole.all(Cleared):
        raise Lost(f"the clearing was not told: {whole.text}", whole.heard)
    b.must(not whole.all(Confirmed), whole, "the process id of cleared data was confirmed")


CASES: Final = (
    Case(
        "esc.dev.eot-fixed-bits",
        1,
        "EPS-DLE_EOT-R1",
        "each answer to DLE EOT is 0xx1xx10",
        fixed_bits,
        applies="real_time",
    ),
    Case("esc.dev.eot-one-each", 1, "EPS-DLE_EOT-R2", "one character for each DLE EOT", one_each, applies="real_time"),
    Case(
        "esc.dev.eot-1-ready",
        1,
        "EPS-DLE_EOT-R3",
        "DLE EOT 1 of a ready printer: on line, no button",
        _ready(1),
        applies="real_time",
    ),
    Case(
        "esc.dev.eot-2-ready",
        1,
        "EPS-DLE_EOT-R4",
        "DLE EOT 2 of a ready printer tells no cause",
        _ready(2),
        applies="real_time",
    ),
    Case(
        "esc.dev.eot-3-ready",
        1,
        "EPS-DLE_EOT-R5",
        "DLE EOT 3 of a ready printer tells no error",
        _ready(3),
        applies="real_time",
    ),
    Case(
        "esc.dev.eot-4-ready",
        1,
        "EPS-DLE_EOT-R6",
        "DLE EOT 4 of a ready printer tells paper",
        _ready(4),
        applies="real_time",
    ),
    Case(
        "esc.dev.eot-while-printing",
        1,
        "EPS-DLE_EOT-R7",
        "DLE EOT is answered while it prints",
        while_printing,
        applies="real_time",
    ),
    Case(
        "esc.dev.eot-between-commands",
        1,
        "EPS-DLE_EOT-R11",
        "DLE EOT between commands leaves them alone",
        between_commands,
        applies="real_time and process_id",
    ),
    Case(
        "esc.dev.eot-other-n",
        1,
        "EPS-DLE_EOT-R10",
        "DLE EOT with another n is not answered",
        other_n,
        applies="real_time",
    ),
    Case(
        "esc.dev.eot-in-data",
        1,
        "EPS-DLE_EOT-R12",
        "DLE EOT inside a picture is answered",
        in_data,
        applies="real_time_in_data and raster",
    ),
    Case(
        "esc.dev.eot-off-line",
        1,
        "EPS-DLE_EOT-R8",
        "DLE EOT is answered off line",
        off_line,
        applies="real_time",
        needs="operator",
    ),
    Case(
        "esc.dev.eot-1-off-line",
        1,
        "EPS-DLE_EOT-R3",
        "DLE EOT 1 tells off line and on line",
        off_line_bit,
        applies="real_time",
        needs="operator",
    ),
    Case(
        "esc.dev.eot-2-cover",
        1,
        "EPS-DLE_EOT-R4",
        "DLE EOT 2 tells the open cover",
        cover_bit,
        applies="real_time",
        needs="operator",
    ),
    Case(
        "esc.dev.eot-full",
        1,
        "EPS-DLE_EOT-R9",
        "DLE EOT is answered with a full buffer",
        when_full,
        applies="real_time",
        needs="operator",
        cost=(8, 2),
    ),
    Case(
        "esc.dev.eot-4-near-end",
        1,
        "EPS-DLE_EOT-R6",
        "DLE EOT 4 tells near end, not end",
        near_end,
        applies="real_time and near_end",
        needs="operator",
    ),
    Case(
        "esc.dev.eot-4-end",
        1,
        "EPS-DLE_EOT-R6",
        "DLE EOT 4 tells paper end",
        paper_end,
        applies="real_time",
        needs="operator",
    ),
    Case(
        "esc.dev.eot-2-stopped",
        1,
        "EPS-DLE_EOT-R4",
        "DLE EOT 2 tells that the paper stopped it",
        stopped,
        applies="real_time",
        needs="operator",
    ),
    Case(
        "esc.dev.enq-without-error",
        1,
        "EPS-DLE_ENQ-R1",
        "DLE ENQ 2 without an error clears nothing",
        enq_alone,
        applies="process_id",
    ),
    Case(
        "esc.dev.clear-answered",
        1,
        "EPS-DLE_DC4-R1",
        "clearing the buffers is told",
        clear_answered,
        applies="clear_buffer",
    ),
    Case(
        "esc.dev.clear-forgets",
        1,
        "EPS-DLE_DC4-R2",
        "cleared data is never confirmed",
        clear_forgets,
        applies="clear_buffer and process_id",
    ),
)
