"""What a device bears on its line, whatever its protocol: the same cases for Modbus, OSDP and declared protocols.

All that a case needs of a protocol is one request with what counts as its answer, the pause between frames, and a frame
for somebody else (`Tongue`). What another speed or parity sounds like is calculated, bit by bit, by
`firmware_sim.resample`; characters with framing errors are left out, as a UART's driver does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, NamedTuple

from bench.compliance.case import Bench, Case, Failed, Lost, frames_text
from bench.compliance.declared_bench import DeclaredBench
from bench.compliance.modbus_bench import ModbusBench
from bench.compliance.osdp_bench import OsdpBench, packets
from bench.compliance.steps import Ask, Heard, Play, Wait
from firmware_sim.device import MS
from firmware_sim.resample import resample
from protocol.modbus.rtu import is_sound, seal
from protocol.osdp import Answer, Command, Packet

__all__ = ["CASES", "Tongue", "tongue"]


class Tongue(NamedTuple):
    """A protocol as these cases need it.

    Args:
        request: a frame that is answered, whatever was before.
        answers: whether characters are its answer.
        pause: silence between frames, ns.
        other: a frame for another station; empty where there are no addresses.
    """

    request: bytes
    answers: Callable[[bytes], bool]
    pause: int
    other: bytes


def tongue(b: Bench) -> Tongue:
    """The protocol of a bench."""
    if isinstance(b, ModbusBench):
        unit = b.unit
        body = b"\x04\x00\x00\x00\x01"
        return Tongue(
            seal(bytes((unit,)) + body),
            lambda data: is_sound(data) and data[0] == unit and data[1] == 4,
            max(2 * b.t35, 10 * MS),
            seal(bytes((b.stranger(),)) + body),
        )
    if isinstance(b, OsdpBench):
        said = Packet(b.unit, False, 0, True, Command.CAP, b"\x00")
        return Tongue(
            said.wire(),
            lambda data: [getattr(item, "code", None) for item in packets(data)] == [Answer.PDCAP],
            30 * MS,
            said._replace(address=b.stranger()).wire(),
        )
    assert isinstance(b, DeclaredBench)
    name = min(b.questions())
    request = b.known()[name]
    wanted = b.oracle(request)
    other = b.known(b.stranger())[name] if b.spec.address is not None else b""

    def good(data: bytes) -> bool:  # errors that the declaration tells of what was before may stand before it
        return " ".join(b.names(data)).endswith(" ".join(wanted))

    return Tongue(request, good, max(2 * b.gap, 20 * MS), other)


def ask(b: Bench, t: Tongue, *before: tuple[int, bytes], note: str = "", after: int = -1) -> Any:
    """Whatever stands before, the pause, the request; what was heard after it."""
    parts = (*before, (t.pause if before else 0, t.request))
    heard: Heard = yield Ask(parts, 400 * MS, None, note, t.pause if after < 0 else after)
    return heard


def must_answer(b: Bench, t: Tongue, heard: Heard, what: str) -> None:
    """The answer must have come.

    Raises:
        Failed: it has not.
    """
    if not t.answers(heard.data):
        raise Failed(f"a good request after {what} drew {frames_text(heard.frames)}", heard)
    b.saw(heard)


def turnaround(b: Bench) -> Play:
    """The silence before a reply."""
    t = tongue(b)
    heard = yield from ask(b, t)
    if not heard.frames:
        raise Lost("no reply")
    b.at_least(
        "silence before reply", heard.frames[0].at - heard.sent_end, _character(b), heard, "the reply begins too soon"
    )
    b.saw(heard)


def _character(b: Any) -> int:
    return int(b.settings.duration(1))


def in_one_piece(b: Bench) -> Play:
    """No hole in a reply."""
    t = tongue(b)
    for _ in range(3):
        heard = yield from ask(b, t)
        if not heard.frames:
            raise Lost("no reply")
        holes = [after.at - before.end for before, after in zip(heard.frames, heard.frames[1:], strict=False)]
        if holes and b.uncertainty:
            raise Lost("in how many pieces a reply comes cannot be told through this port", heard)
        if holes:
            raise Failed(f"a reply comes in {len(heard.frames)} pieces, {max(holes) / MS:.1f} ms apart", heard)
        b.saw(heard)


def one_reply(b: Bench) -> Play:
    """A reply, and a second of silence."""
    t = tongue(b)
    heard = yield from ask(b, t)
    must_answer(b, t, heard, "nothing")
    more = yield Wait(1_000 * MS, "does more come?")
    if more.frames:
        raise Failed(f"a second after its reply it says {frames_text(more.frames)}", more)


def silent(heard: Heard, what: str) -> None:
    """Nothing may have been said.

    Raises:
        Failed: something was.
    """
    if heard.frames:
        raise Failed(f"{what} drew {frames_text(heard.frames)}", heard)


def rubbish(b: Bench, size: int) -> bytes:
    """Drawn characters, none of which begins a frame of these protocols."""
    return bytes(b.rng.choice(b"\x31\x3c\x47\x4a\x5c\x61\x6e\x71") for _ in range(size))


def after(make: Callable[[Any, Tongue], bytes], what: str, quiet: bool = True) -> Any:
    """A case: characters, which draw nothing; then the request, twice."""

    def run(b: Any) -> Play:
        t = tongue(b)
        data = make(b, t)
        if not data:
            raise Lost(f"{what}: nothing of it would be heard")
        if quiet:
            heard = yield Ask(((0, data),), 300 * MS, None, what, t.pause)
            if not (isinstance(b, DeclaredBench) and b.oracle(data)):  # a declaration may answer what is broken
                silent(heard, what)
            heard = yield from ask(b, t)
            if t.answers(heard.data):
                b.saw(heard)
            return
        for _ in range(2):
            heard = yield from ask(b, t, (0, data), note=what)
            must_answer(b, t, heard, what)

    return run


def _heard_at(change: Callable[[Any], Any]) -> Callable[[Any, Tongue], bytes]:
    def make(b: Any, t: Tongue) -> bytes:
        data, flaws = resample(t.request, change(b.settings), b.settings)
        return bytes(char for at, char in enumerate(data) if at not in flaws) or b"\x00"

    return make


_half = _heard_at(lambda settings: replace(settings, baud=settings.baud // 2))
_double = _heard_at(lambda settings: replace(settings, baud=settings.baud * 2))
_seven = _heard_at(lambda settings: replace(settings, data_bits=7, parity="E" if settings.parity != "E" else "O"))


def parity(b: Any) -> Play:
    """Silence, and going on."""
    yield from after(_seven, "a request with seven bits and another parity")(b)
    yield from after(_seven, "a request with seven bits and another parity", quiet=False)(b)


def soon(b: Bench) -> Play:
    """The pause and not more, five times."""
    t = tongue(b)
    for _ in range(5):
        heard = yield Ask(((0, t.request),), 400 * MS, t.answers, "as soon as allowed", t.pause, 0)
        must_answer(b, t, heard, "a reply and the shortest pause")


def many(b: Bench) -> Play:
    """Thirty in a row."""
    t = tongue(b)
    for number in range(30):
        heard = yield Ask(((0, t.request),), 400 * MS, t.answers, f"number {number + 1}", 2 * t.pause, 0)
        must_answer(b, t, heard, f"{number} others")


def long_silence(b: Bench) -> Play:
    """Thirty seconds."""
    t = tongue(b)
    yield Wait(30_000 * MS, "half a minute of silence")
    heard = yield from ask(b, t)
    must_answer(b, t, heard, "half a minute of silence")


def small_gap(b: Any) -> Play:
    """Half a character's time in the middle."""
    t = tongue(b)
    middle = len(t.request) // 2
    if b.uncertainty:
        raise Lost("a gap so small cannot be made on this port")
    parts = ((0, t.request[:middle]), (_character(b) // 2, t.request[middle:]))
    heard = yield Ask(parts, 400 * MS, None, "a small gap in the middle", t.pause)
    must_answer(b, t, heard, "a gap of half a character in it")


def echo(b: Bench) -> Play:
    """Its own reply comes back, twice; the next request is answered."""
    t = tongue(b)
    heard = yield from ask(b, t)
    if not t.answers(heard.data):
        raise Lost("no reply whose echo could be sent")
    for _ in range(2):
        again = yield Ask(((0, heard.data),), 300 * MS, None, "its own reply as an echo", t.pause)
        silent(again, "the echo of its own reply")
    heard = yield from ask(b, t)
    must_answer(b, t, heard, "an echo")


def others(b: Bench) -> Play:
    """Somebody else is asked, and does not answer."""
    t = tongue(b)
    heard = yield Ask(((0, t.other),), 400 * MS, None, "for another station", t.pause)
    silent(heard, "a request to another station")
    for _ in range(2):
        heard = yield from ask(b, t, (0, t.other), note="another's request, and its own")
        must_answer(b, t, heard, "a request to another station")


def _case(slug: str, primary: str, title: str, run: Any, more: str = "") -> Case:
    applies = _SPEAKS if not more else f"({_SPEAKS}) and ({more})"
    return Case(f"line.dev.{slug}", 1, f"LINE-{primary}", title, run, applies=applies, cost=(4, 2))


_SPEAKS: Final = "questions or fc04 or crc"
_BUS: Final = "fc04 or crc"
_ADDRESSED: Final = "address or fc04 or crc"

CASES: Final = (
    _case("turnaround", "reply-R1", "A reply leaves time to turn round", turnaround, _BUS),
    _case("one-piece", "reply-R2", "A reply comes in one piece", in_one_piece, _BUS),
    _case("one-reply", "reply-R3", "One reply each", one_reply),
    _case("noise-silent", "noise-R1", "Noise draws nothing", after(lambda b, t: rubbish(b, 5), "noise")),
    _case("after-noise", "noise-R2", "After noise it answers", after(lambda b, t: rubbish(b, 5), "noise", quiet=False)),
    _case("after-long-noise", "noise-R3", "After very long noise it answers",
          after(lambda b, t: rubbish(b, 1500), "1500 characters of noise", quiet=False)),
    _case("after-zeros", "noise-R4", "After zeros and ones it answers",
          after(lambda b, t: bytes(8) + b"\xff" * 8, "eight zeros and eight ones", quiet=False)),
    _case("half-speed", "speed-R1", "Half the speed draws nothing", after(_half, "a request at half the speed")),
    _case("double-speed", "speed-R1", "Twice the speed draws nothing", after(_double, "a request at twice the speed")),
    _case("after-other-speed", "speed-R2", "After another speed it answers",
          after(_half, "a request at half the speed", quiet=False)),
    _case("other-parity", "parity-R1", "Another parity draws nothing and does no harm", parity),
    _case("soon", "pace-R1", "The shortest pause is enough", soon),
    _case("many", "pace-R2", "Thirty requests in a row", many),
    _case("long-silence", "pace-R3", "After long silence it answers", long_silence),
    _case("small-gap", "pace-R4", "A small gap in a request", small_gap),
    _case("echo", "others-R1", "Its own echo draws nothing", echo, "address or crc"),
    _case("others", "others-R2", "Another's request draws nothing", others, _ADDRESSED),
)  # fmt: skip
