"""ESC/POS printers: what is answered in turn, GS r, GS I and process ids (protocols.md 4.3)."""

from __future__ import annotations

from typing import Final

from bench.compliance.case import Case, Failed, Lost
from bench.compliance.escpos_bench import EscposBench, confirm, feed, joined, unasked_out
from bench.compliance.steps import Play
from firmware_sim.device import MS
from protocol.escpos.status import Block, Confirmed, Plain

__all__ = ["CASES"]

_PAPER: Final = b"\x1dr\x01"
_DRAWER: Final = b"\x1dr\x02"


def _identity(n: int) -> bytes:
    return b"\x1dI" + bytes((n,))


def _plain(b: EscposBench, query: bytes, what: str) -> Play:
    """One character 0xx0xxxx; it is kept in `b.value`."""
    reply = yield from b.say(query, what)
    data = unasked_out(reply.heard.data)
    if len(data) != 1:
        raise Lost(f"{what}: one character awaited, {reply.text} came", reply.heard)
    b.must(data[0] & 0x90 == 0, reply, f"{what}: 0xx0xxxx is required", (0, 1))
    b.value = data[0]


def paper_ready(b: EscposBench) -> Play:
    """GS r 1 of a printer with paper."""
    yield from _plain(b, _PAPER, "GS r 1")
    if b.value & 0x0F:
        yield from b.sees(
            "ready",
            good="look: is the paper low or out?",
            bad="confirm that there is plenty of paper",
            what=f"there is plenty of paper and GS r 1 answers {b.value:02X}",
        )
        raise Lost("the paper is low or out")


def paper_near(b: EscposBench) -> Play:
    """GS r 1 with a roll that ends soon."""
    yield from b.near_end()
    yield from _plain(b, _PAPER, "GS r 1")
    if b.value & 0x0F != 0x03:
        raise Failed(f"the roll is nearly used up, so GS r 1 answers 03; it is {b.value:02X}")


def drawer(b: EscposBench) -> Play:
    """GS r 2: the drawer's level in bit 0."""
    reply = yield from b.say(_DRAWER, "GS r 2")
    if not reply.heard.data:
        yield from b.alive()
        raise Failed("GS r 2 stays unanswered")
    if len(reply.asked) != 1 or len(reply.all(Plain)) != 1:
        raise Lost(f"GS r 2 drew {reply.text}", reply.heard)
    b.must(unasked_out(reply.heard.data)[-1] & 0x92 == 0, reply, "GS r 2: 0xx0xx0x with the level in bit 0 is required")


def not_off_line(b: EscposBench) -> Play:
    """GS r is not executed off line, and is when the printer is on line again."""
    yield from b.open_cover()
    reply = yield from b.say(_PAPER, "off line")
    b_early = bool(reply.asked)
    closed = yield from b.close_cover()
    if b_early:
        raise Failed(f"GS r 1 was answered while the cover was open: {reply.text}", reply.heard)
    b.must(len(closed.all(Plain)) == 1, closed, "GS r 1 sent off line is to be answered once on line again")


def type_byte(b: EscposBench) -> Play:
    """GS I 2 tells the cutter in bit 1."""
    yield from _plain(b, _identity(2), "GS I 2")
    cutter = bool(b.declaration.allows("cutter"))
    if bool(b.value & 0x02) != cutter:
        said = "has" if cutter else "has no"
        raise Failed(f"the printer {said} cutter by its declaration, and GS I 2 answers {b.value:02X}")


def model_byte(b: EscposBench) -> Play:
    """GS I 1 is one character of the right form, always the same."""
    yield from _plain(b, _identity(1), "GS I 1")
    first = b.value
    yield from _plain(b, _identity(1), "GS I 1 again")
    if b.value != first:
        raise Failed(f"GS I 1 answers {first:02X}, then {b.value:02X}")


def in_order(b: EscposBench) -> Play:
    """Answers come in the order of their commands."""
    known: dict[int, int] = {}
    for n in (1, 2, 3):
        yield from _plain(b, _identity(n), f"GS I {n}")
        known[n] = b.value
    drawn = [*b.rng.choices((1, 2, 3), k=4), 1, 2, 3]
    reply = yield from b.until(
        b"".join(map(_identity, drawn)), lambda got: len(got.asked) >= len(drawn), "several in one go"
    )
    told = [event.value for event in reply.all(Plain)]
    b.must(told == [known[n] for n in drawn], reply, f"GS I {drawn} is to be answered in this order")


def name_block(b: EscposBench) -> Play:
    """GS I 67: header 5F, the model's name, NUL."""
    reply = yield from b.until(_identity(67), lambda got: bool(got.all(Block)), "GS I 67", 1_000 * MS)
    data = unasked_out(reply.heard.data)
    if not data:
        yield from b.alive()
        raise Failed("GS I 67 stays unanswered, and names are declared")
    wanted = str(b.declaration.extra.get("model", ""))
    good = data[:1] == b"\x5f" and data[-1:] == b"\x00" and all(0x20 <= c < 0x7F for c in data[1:-1])
    b.must(good, reply, "5F, printable characters and 00 are required")
    if wanted and data[1:-1] != wanted.encode():
        raise Failed(
            f"the model is {wanted!r} by the declaration; the printer says {data[1:-1].decode('ascii')!r}", reply.heard
        )


def other_identity(b: EscposBench) -> Play:
    """An identity that does not exist draws nothing, and leaves the printer in step."""
    yield from b.in_turn(_identity(0x7E), "GS I with an n that does not exist", 1_000 * MS)


# -- process ids ------------------------------------------------------------------------------------------------------
def id_form(b: EscposBench) -> Play:
    """37 22, the id, 00."""
    id_ = b.nonce()
    reply = yield from b.until(
        confirm(id_), lambda got: len(got.heard.data or b"") > 6 or bool(got.asked), "process id"
    )
    data = unasked_out(reply.heard.data)
    if not data:
        yield from b.alive()
        raise Failed("a process id request stays unanswered")
    b.must(data.endswith(b"\x37\x22" + id_ + b"\x00"), reply, f"37 22 {id_.hex(' ').upper()} 00 is required")


def id_when_printed(b: EscposBench) -> Play:
    """Not before what stands before it is on paper."""
    dots = 1200
    speed = float(b.declaration.capabilities.get("speed_mm_s", 300))
    least = round(dots / float(b.declaration.capabilities.get("dots_per_mm", 8)) / speed * 1e9 * 0.9)
    id_ = b.nonce()
    reply = yield from b.until(feed(dots) + confirm(id_), lambda got: bool(got.all(Confirmed)), "feed, then process id")
    if reply.all(Confirmed) != [Confirmed(id_)]:
        raise Lost(f"the process id was not confirmed once: {reply.text}", reply.heard)
    b.saw(reply.heard)
    at = next(frame.end for frame in reversed(reply.heard.frames) if b"\x37" in frame.data)
    b.at_least(
        "from the last command to its confirmation",
        at - reply.heard.sent_end,
        least,
        reply.heard,
        "confirmed before the paper can have moved so far",
    )


def id_newest(b: EscposBench) -> Play:
    """Of two that wait only the newest is confirmed."""
    old, new = b.nonce(), b.nonce()
    if old == new:
        raise Lost("the same process id was drawn twice")
    reply = yield from b.until(
        feed(960) + confirm(old) + confirm(new), lambda got: Confirmed(new) in got.events, "two process ids"
    )
    more = yield from b.hear(300 * MS)
    whole = joined(reply, more)
    b.must(Confirmed(new) in whole.events, whole, "the newest process id was not confirmed")
    b.must(Confirmed(old) not in whole.events, whole, "an older process id was confirmed as well as the newest")


def id_not_stopped(b: EscposBench) -> Play:
    """Without paper nothing is confirmed; with paper again it is."""
    yield from b.paper_end()
    id_ = b.nonce()
    reply = yield from b.say(feed(240) + confirm(id_), "without paper", 1_500 * MS)
    early = bool(reply.all(Confirmed))
    yield from b.restore()
    later = yield from b.hear(2_000 * MS, "with paper")
    if early:
        raise Failed(f"there is no paper, and printing was confirmed: {reply.text}", reply.heard)
    b.must(Confirmed(id_) in later.events, later, "with paper again the process id is to be confirmed")


def id_refused(b: EscposBench) -> Play:
    """An id with characters outside 20..7E is none."""
    yield from b.in_turn(confirm(b"\x01\x80\x02\xff"), "a process id with control characters", 1_000 * MS)


CASES: Final = (
    Case("esc.dev.sensor-ready", 1, "EPS-GS_r-R1", "GS r 1 of a printer with paper", paper_ready, applies="gs_r"),
    Case(
        "esc.dev.sensor-near-end",
        1,
        "EPS-GS_r-R2",
        "GS r 1 tells near end",
        paper_near,
        applies="gs_r and near_end",
        needs="operator",
    ),
    Case("esc.dev.sensor-drawer", 1, "EPS-GS_r-R3", "GS r 2 tells the drawer's level", drawer, applies="gs_r"),
    Case(
        "esc.dev.sensor-not-off-line",
        1,
        "EPS-GS_r-R4",
        "GS r waits until the printer is on line",
        not_off_line,
        applies="gs_r",
        needs="operator",
    ),
    Case("esc.dev.id-model", 1, "EPS-GS_I-R1", "GS I 1 is one character, always the same", model_byte, applies="gs_i"),
    Case("esc.dev.id-type", 1, "EPS-GS_I-R2", "GS I 2 tells the cutter", type_byte, applies="gs_i"),
    Case("esc.dev.id-order", 1, "EPS-GS_I-R4", "answers come in the order of their commands", in_order, applies="gs_i"),
    Case("esc.dev.id-name", 1, "EPS-GS_I-R3", "GS I 67 is a block with the model's name", name_block, applies="names"),
    Case("esc.dev.id-other-n", 1, "EPS-GS_I-R5", "GS I with another n draws nothing", other_identity, applies="gs_i"),
    Case(
        "esc.dev.confirm-form",
        1,
        "EPS-GS_(H-R1",
        "a process id comes back in its block",
        id_form,
        applies="process_id",
        bare=True,
    ),
    Case(
        "esc.dev.confirm-printed",
        1,
        "EPS-GS_(H-R2",
        "a process id waits for the paper",
        id_when_printed,
        applies="process_id",
        timing_class="coarse",
    ),
    Case(
        "esc.dev.confirm-newest",
        1,
        "EPS-GS_(H-R3",
        "only the newest process id is confirmed",
        id_newest,
        applies="process_id",
    ),
    Case(
        "esc.dev.confirm-not-stopped",
        1,
        "EPS-GS_(H-R4",
        "nothing is confirmed without paper",
        id_not_stopped,
        applies="process_id",
        needs="operator",
    ),
    Case(
        "esc.dev.confirm-refused",
        1,
        "EPS-GS_(H-R5",
        "a malformed process id is not confirmed",
        id_refused,
        applies="process_id",
    ),
)
