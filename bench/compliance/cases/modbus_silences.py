"""Modbus RTU devices on the line: silences, lengths, one reply for one request (MODBUS over Serial Line V1.02)."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from bench.compliance.case import Case, Failed, Lost
from bench.compliance.cases.modbus_line import READ, a_read
from bench.compliance.modbus_bench import ModbusBench, words, write_many
from bench.compliance.steps import Operator, Play, Wait
from firmware_sim.device import MS
from protocol.modbus.rtu import seal

__all__ = ["CASES"]


# -- silences ---------------------------------------------------------------------------------------------------------
def gap_before_reply(b: ModbusBench) -> Play:
    """t3.5 of silence stands before a reply."""
    for _ in range(3):
        pdu, _ = a_read(b)
        reply = yield from b.good(pdu)
        b.at_least(
            "silence before reply",
            reply.heard.frames[0].at - reply.heard.sent_end,
            b.t35,
            reply.heard,
            "the reply begins too soon",
        )


def reply_time(b: ModbusBench) -> Play:
    """The reply begins within the declared time."""
    most = round(float(b.declaration.capabilities.get("reply_ms", b.timeout / MS)) * MS)
    for _ in range(3):
        pdu, _ = a_read(b)
        reply = yield from b.good(pdu)
        b.at_most(
            "time to reply",
            reply.heard.frames[0].at - reply.heard.sent_end,
            most,
            reply.heard,
            "the reply begins too late",
        )


def reply_whole(b: ModbusBench) -> Play:
    """A reply has no hole of more than t1.5 inside."""
    for _ in range(3):
        pdu, _ = a_read(b, 16)
        reply = yield from b.good(pdu)
        frames = reply.heard.frames
        widest = max((two.at - one.end for one, two in pairwise(frames)), default=0)
        b.at_most("widest silence in the reply", max(widest, 0), b.t15, reply.heard, "the reply has a hole")


def hole_discarded(b: ModbusBench) -> Play:
    """A request with a hole between t1.5 and t3.5 inside is discarded."""
    pdu, _ = a_read(b)
    frame = seal(bytes((b.unit,)) + pdu)
    # a receiver hears of a character when it is complete: the hole must be over a character before t3.5 is
    hole = (b.t15 + b.t35 - b.settings.duration(1)) // 2
    heard = yield from b.frame((0, frame[:4]), (hole, frame[4:]), note="with a hole", reply=False)
    _stimulus(b, heard.gaps, b.t15, b.t35, "hole in the request")
    b.must_be_silent(heard, f"a request with a hole of {hole / 1e6:.2f} ms")


def small_gap_taken(b: ModbusBench) -> Play:
    """A request with silences below t1.5 inside is taken."""
    pdu, _ = a_read(b)
    frame = seal(bytes((b.unit,)) + pdu)
    heard = yield from b.frame((0, frame[:2]), (b.t15 * 2 // 3, frame[2:]), note="with a small gap")
    _stimulus(b, heard.gaps, 0, b.t15, "gap in the request")
    if not heard.data:
        yield from b.probe()
        raise Failed(f"a request with a gap of {b.t15 * 2 / 3e6:.2f} ms, less than t1.5, stays unanswered")
    b.reply(heard, pdu)
    b.saw(heard)


def _stimulus(b: ModbusBench, gaps: tuple[int, ...], least: int, most: int, what: str) -> None:
    """The gaps must have come out as meant, beyond doubt."""
    for gap in gaps:
        b.measure(what, gap, f"{least / 1e6:.3f}..{most / 1e6:.3f}")
        if not least + b.uncertainty <= gap <= most - b.uncertainty:
            raise Lost(
                f"the {what} cannot be made exactly enough on this port (uncertainty {b.uncertainty / 1e6:.2f} ms)"
            )


def _then_good(b: ModbusBench, before: bytes, what: str) -> Play:
    heard = yield from b.raw(before, what, reply=False)
    b.must_be_silent(heard, what)
    for _ in range(2):
        pdu, _ = a_read(b)
        heard = yield from b.say(pdu)
        if not heard.data:  # it answered the probe before: whether it recovers later is the other axis
            raise Failed(f"a good request after {what} stays unanswered")
        b.reply(heard, pdu)
        b.saw(heard)


def half_frame(b: ModbusBench) -> Play:
    """Half a frame leaves no trace in the next one."""
    pdu, _ = a_read(b)
    yield from _then_good(b, seal(bytes((b.unit,)) + pdu)[:5], "half a frame")


def noise_byte(b: ModbusBench) -> Play:
    """One character of noise leaves no trace in the next frame."""
    yield from _then_good(b, bytes((b.rng.randrange(1, 255),)), "a character of noise")


def noise_burst(b: ModbusBench) -> Play:
    """A burst of noise leaves no trace in the next frame."""
    data = bytes((b.unit, 0x10)) + bytes(b.rng.randrange(256) for _ in range(20))
    yield from _then_good(b, data, "a burst of noise")


def short_frame(b: ModbusBench) -> Play:
    """A frame too short to be one is left alone."""
    yield from _then_good(b, seal(bytes((b.unit,))), "an address with its check alone")


def unknown_then_good(b: ModbusBench) -> Play:
    """A function that nobody knows does not spoil the next request."""
    yield from b.say(b"\x42" + words(*b.draw(2)), note="unknown function")
    pdu, _ = a_read(b)
    heard = yield from b.say(pdu)
    if not heard.data:  # it answered the probe before
        raise Failed("a good request after one with an unknown function stays unanswered")
    b.reply(heard, pdu)
    b.saw(heard)


def at_once(b: ModbusBench) -> Play:
    """A request right after the silence that follows a reply is taken."""
    quiet, b.quiet = b.quiet, b.t35 + max(200_000, b.uncertainty)
    b.tail = 0
    try:
        for _ in range(3):
            pdu, _ = a_read(b)
            heard = yield from b.say(pdu)
            if not heard.data:
                raise Failed("a request soon after the last reply stays unanswered")
            b.reply(heard, pdu)
            b.saw(heard)
    finally:
        b.quiet, b.tail = quiet, None


# -- lengths ----------------------------------------------------------------------------------------------------------
def oversize(b: ModbusBench) -> Play:
    """A frame of more than 256 characters is discarded, and the next one is taken."""
    data = bytes((b.unit, 0x10)) + bytes(b.rng.randrange(256) for _ in range(b.rng.randint(260, 300)))
    yield from _then_good(b, data, "a frame of more than 256 characters")


def longest(b: ModbusBench) -> Play:
    """The longest write there is, 255 characters, is taken."""
    start, _ = b.declaration.scratch
    values = b.draw(123)
    heard = yield from b.say(write_many(start, values), note="255 characters")
    if not heard.data:
        yield from b.probe()
        raise Failed("a write of 123 registers, 255 characters, stays unanswered")
    if b.reply(heard, b"\x10").exception:
        raise Failed("a write of 123 registers is refused", heard, (1, 3))
    yield from b.holds(start, values[:100], "after a write of 123 registers")


def one_reply(b: ModbusBench) -> Play:
    """A request draws exactly one reply, and no further character."""
    for _ in range(3):
        pdu, size = a_read(b)
        heard = yield from b.say(pdu, reply=False)  # listens for the whole window
        data = heard.data
        whole = 5 + size
        if len(data) > whole and seal(data[: whole - 2]) == data[:whole]:
            follows = data[whole : whole + 24].hex(" ").upper()
            raise Failed(
                f"{len(data) - whole} characters follow the reply: {follows}",
                heard,
                (0, min(whole, len(heard.frames[0].data))),
            )
        b.reply(heard, pdu)
        b.saw(heard)


def unasked(b: ModbusBench) -> Play:
    """Nothing is sent unasked."""
    heard = yield Wait(3_000 * MS, "nothing is asked")
    b.must_be_silent(heard, "no request at all")


def press_unasked(b: ModbusBench) -> Play:
    """What happens at the device makes it send nothing by itself."""
    event = b.declaration.extra["event"]
    yield Operator(event["action"], tuple(event["args"]), event["text"])
    heard = yield Wait(1_000 * MS, "nothing is asked")
    b.must_be_silent(heard, "an event, without a request,")


CASES: Final = (
    Case(
        "rtu.dev.gap-before-reply",
        1,
        "MBS-2.5.1.1-R1",
        "t3.5 of silence stands before a reply",
        gap_before_reply,
        applies=READ,
        timing_class="fine",
        cost=(3, 0),
    ),
    Case(
        "rtu.dev.reply-time",
        1,
        "MBS-2.4.2-R5",
        "The reply begins within the declared time",
        reply_time,
        applies=READ,
        timing_class="coarse",
        cost=(3, 0),
    ),
    Case(
        "rtu.dev.reply-whole",
        1,
        "MBS-2.5.1.1-R2",
        "A reply has no hole of more than t1.5",
        reply_whole,
        applies=READ,
        timing_class="fine",
        cost=(3, 0),
    ),
    Case(
        "rtu.dev.hole-discarded",
        1,
        "MBS-2.5.1.1-R3",
        "A request with a hole is discarded",
        hole_discarded,
        applies=READ,
        timing_class="virtual",
        cost=(1, 1),
    ),
    Case(
        "rtu.dev.small-gap-taken",
        1,
        "MBS-2.5.1.1-R4",
        "A request with small gaps is taken",
        small_gap_taken,
        applies=READ,
        timing_class="virtual",
        cost=(1, 0),
    ),
    Case(
        "rtu.dev.half-frame",
        1,
        "MBS-2.5.1.1-R5",
        "Half a frame leaves no trace in the next",
        half_frame,
        applies=READ,
        cost=(3, 1),
    ),
    Case(
        "rtu.dev.noise-byte",
        1,
        "MBS-2.5.1.1-R5",
        "One character of noise leaves no trace",
        noise_byte,
        applies=READ,
        cost=(3, 1),
    ),
    Case(
        "rtu.dev.noise-burst",
        1,
        "MBS-2.5.1.1-R5",
        "A burst of noise leaves no trace",
        noise_burst,
        applies=READ,
        cost=(3, 1),
    ),
    Case(
        "rtu.dev.short-frame",
        1,
        "MBS-2.5.1.1-R5",
        "A frame too short to be one is left alone",
        short_frame,
        applies=READ,
        cost=(3, 1),
    ),
    Case(
        "rtu.dev.unknown-then-good",
        1,
        "MBS-2.5.1.1-R5",
        "An unknown function does not spoil the next request",
        unknown_then_good,
        applies=READ,
        cost=(2, 0),
    ),
    Case(
        "rtu.dev.at-once",
        1,
        "MBS-2.5.1.1-R5",
        "A request soon after a reply is taken",
        at_once,
        applies=READ,
        cost=(3, 0),
    ),
    Case(
        "rtu.dev.oversize",
        1,
        "MBS-2.5.1-R1",
        "A frame of more than 256 characters is discarded, the next is taken",
        oversize,
        applies=READ,
        cost=(3, 1),
    ),
    Case(
        "rtu.dev.longest",
        1,
        "MBS-2.5.1-R2",
        "The longest write is taken",
        longest,
        applies="fc03 and sw10 and scratch >= 123",
        cost=(2, 0),
    ),
    Case(
        "rtu.dev.one-reply",
        1,
        "MBS-2.4.2-R4",
        "A request draws exactly one reply",
        one_reply,
        applies=READ,
        bare=True,
        cost=(3, 3),
    ),
    Case("rtu.dev.unasked", 1, "MBS-2.4.2-R4", "Nothing is sent unasked", unasked, applies=READ, cost=(0, 3)),
    Case(
        "rtu.dev.press-unasked",
        1,
        "MBS-2.4.2-R4",
        "An event makes it send nothing by itself",
        press_unasked,
        applies="event",
        needs="operator",
        cost=(0, 1),
    ),
)
"""Cases of silences and lengths, in the order in which they run."""
