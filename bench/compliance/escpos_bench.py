"""The bench of an ESC/POS printer's case: ask, sort what comes back by its pattern, probe that the printer lives.

The probe asks for a process id drawn from the seed (GS ( H), which no echo, recording or constant reply returns; a
printer without process ids is asked a drawn row of queries, whose replies must be as many and of the kinds asked
(protocols.md 4.3 [S]). XON, XOFF and automatic status may come at any time and are never a contradiction by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar

from bench.compliance.case import Failed, Lost, frames_text
from bench.compliance.steps import Ask, Heard, Operator, Step, Wait
from bench.compliance.stream_bench import Doing, StreamBench, gathered
from firmware_sim.device import MS
from protocol.escpos import status
from protocol.escpos.status import AutoStatus, Confirmed, Flow, Plain, RealTime, ReplyEvent

__all__ = [
    "EOT",
    "ID",
    "INIT",
    "PRINTING",
    "SENSOR",
    "Answer",
    "EscposBench",
    "Reply",
    "confirm",
    "feed",
    "filler",
    "joined",
    "raster",
    "split",
    "unasked_out",
]

INIT: Final = b"\x1b@"
EOT: Final = b"\x10\x04"
SENSOR: Final = b"\x1dr\x01"
ID: Final = b"\x1dI\x01"
CONFIRM: Final = b"\x1d(H\x06\x00\x30\x30"
PRINTING: Final = 8_000 * MS
"""How long what a case prints may take at most."""

_PADDING: Final = bytes(1200)
"""Ends any command that a case, or a defect, left unfinished; nothing by itself (NUL, protocols.md 4.1)."""

Kind = TypeVar("Kind")


def confirm(id_: bytes) -> bytes:
    """GS ( H function 48: tell when all before this is on paper."""
    return CONFIRM + id_


def feed(dots: int) -> bytes:
    """ESC J: print and feed, in pieces of at most 240 dots."""
    return b"".join(b"\x1bJ" + bytes((min(240, dots - at),)) for at in range(0, dots, 240))


def filler(size: int) -> bytes:
    """Characters that take room in the buffer and do nothing: the default line spacing, again and again, and NUL."""
    return b"\x1b\x33\x1e" * (size // 3) + bytes(size % 3)


def raster(payload: bytes, width: int) -> bytes:
    """GS v 0: a picture `width` bytes wide."""
    return b"\x1dv0\x00" + width.to_bytes(2, "little") + (len(payload) // width).to_bytes(2, "little") + payload


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, taken apart.

    Args:
        heard: the bursts.
        events: replies in order; a broken one is `Stray`.
        rest: characters of a reply that never ended.
    """

    heard: Heard
    events: tuple[ReplyEvent, ...]
    rest: bytes

    def all(self, kind: type[Kind]) -> list[Kind]:
        """The replies of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def flow(self) -> list[bool]:
        """XON (True) and XOFF in their order."""
        return [event.ready for event in self.all(Flow)]

    @property
    def asked(self) -> list[ReplyEvent]:
        """What is no flow control and no automatic status."""
        return [event for event in self.events if not isinstance(event, (Flow, AutoStatus))]

    @property
    def text(self) -> str:
        """The characters for a sentence."""
        return frames_text(self.heard.frames)


Answer: TypeAlias = Generator[Step, Heard, Reply]


def taken(data: bytes, heard: Heard) -> Reply:
    """Characters taken apart by their patterns."""
    events, rest = status.parse_replies(data)
    return Reply(heard, tuple(events), rest)


def split(heard: Heard) -> Reply:
    """What was heard, taken apart."""
    return taken(heard.data, heard)


def unasked_out(data: bytes) -> bytes:
    """Characters without XON, XOFF and whole blocks of automatic status, which may come at any time."""
    data = data.replace(b"\x11", b"").replace(b"\x13", b"")
    at = 0
    while at + 4 <= len(data):
        if data[at] & 0x93 == 0x10 and not any(char & 0x90 for char in data[at + 1 : at + 4]):
            data = data[:at] + data[at + 4 :]
        else:
            at += 1
    return data


def joined(*replies: Reply) -> Reply:
    """Several replies as one."""
    return split(gathered([reply.heard for reply in replies]))


@dataclass
class EscposBench(StreamBench):
    """`StreamBench` with ESC/POS.

    Attributes:
        value, sent, got: what one part of a case leaves for the next.
    """

    value: int = -1
    sent: int = 0
    got: Reply = field(default_factory=lambda: Reply(Heard(), (), b""))

    # -- saying -----------------------------------------------------------------------------------------------------
    def say(self, data: bytes, note: str = "", window: int = 0) -> Answer:
        """Send, and take what comes in one window."""
        heard = yield from self.talk((0, data), note=note, window=window)
        return split(heard)

    def until(self, data: bytes, enough: Callable[[Reply], bool], note: str = "", most: int = PRINTING) -> Answer:
        """Send, and listen until enough has come or the time is over."""
        heard = yield from self.talk((0, data), note=note, enough=lambda got: enough(taken(got, Heard())), most=most)
        return split(heard)

    def parts(self, *parts: tuple[int, bytes], note: str = "") -> Answer:
        """Send with silences between."""
        heard = yield from self.talk(*parts, note=note)
        return split(heard)

    def hear(self, ns: int, note: str = "listening") -> Answer:
        """Listen."""
        heard = yield from self.listen(ns, note)
        return split(heard)

    # -- asking -----------------------------------------------------------------------------------------------------
    def real_time(self, n: int) -> Generator[Step, Heard, int]:
        """DLE EOT n: its byte.

        Raises:
            Lost: not exactly one came.
        """
        reply = yield from self.say(EOT + bytes((n,)), f"DLE EOT {n}")
        (event,) = self.just(reply, RealTime, 1, f"DLE EOT {n}")
        return event.value

    def just(self, reply: Reply, kind: type[Kind], count: int, what: str) -> list[Kind]:
        """Exactly so many replies of one kind, and none of another; they are a witness.

        Raises:
            Lost: it is otherwise.
        """
        found = reply.all(kind)
        if len(found) != count or len(reply.asked) != count or reply.rest:
            raise Lost(f"{what}: {count} of {kind.__name__} awaited, {reply.text} came", reply.heard)
        self.saw(reply.heard)
        return found

    def must(self, good: object, reply: Reply, why: str, span: tuple[int, int] | None = None) -> None:
        """What is required, or a contradiction.

        Raises:
            Failed: it does not hold.
        """
        if not good:
            raise Failed(f"{why}; heard: {reply.text}", reply.heard, span)
        self.saw(reply.heard)

    def nonce(self) -> bytes:
        """A process id that was not used before."""
        return bytes(self.rng.randrange(0x41, 0x5B) for _ in range(4))

    def query(self) -> bytes:
        """A command that is answered in turn by one plain character."""
        return SENSOR if self.declaration.allows("gs_r") else ID

    def in_turn(self, before: bytes, what: str, most: int = PRINTING) -> Answer:
        """Send something, then a query in turn: it is answered once when the printer is still in step.

        Raises:
            Failed: it is not, while the printer lives.
        """
        reply = yield from self.until(before + self.query(), lambda got: bool(got.all(Plain)), what, most)
        rest = yield from self.hear(120 * MS, "does more come?")
        whole = joined(reply, rest)
        if len(whole.all(Plain)) != 1 or len(whole.asked) != 1 or whole.rest:
            yield from self.alive()
            raise Failed(f"{what}: the query after it is to be answered once, {whole.text} came", whole.heard)
        self.saw(whole.heard)
        return whole

    def alive(self) -> Doing:
        """At least real-time status is answered.

        Raises:
            Lost: nothing comes.
        """
        if self.declaration.allows("real_time"):
            reply = yield from self.say(EOT + b"\x01", "does it live?")
            if not reply.all(RealTime):
                raise Lost("the printer does not answer any more", reply.heard)
        else:
            yield from self.probe()

    # -- hands ------------------------------------------------------------------------------------------------------
    def open_cover(self) -> Answer:
        """The cover is opened, to be closed when the case ends."""
        yield from self.operator("open_cover", text="open the cover of the printer")
        self.undo.append(Operator("close_cover", (), "close the cover"))
        reply = yield from self.hear(300 * MS)
        return reply

    def close_cover(self) -> Answer:
        """The cover is closed again."""
        yield from self.restore()
        reply = yield from self.hear(300 * MS)
        return reply

    def near_end(self) -> Answer:
        """A roll that is nearly used up is put in, to be changed for a good one when the case ends."""
        text = "put in a roll that is nearly used up, so that the near-end sensor sees it, and close the cover"
        yield from self.operator("load_old_roll", text=text)
        self._new_roll()
        reply = yield from self.hear(300 * MS)
        return reply

    def paper_end(self) -> Answer:
        """The roll is taken out, to be put in again when the case ends."""
        yield from self.operator("remove_paper", text="take the paper out and close the cover")
        self._new_roll()
        reply = yield from self.hear(300 * MS)
        return reply

    def _new_roll(self) -> None:
        self.undo.append(Operator("load_paper", (80_000,), "put in a roll with plenty of paper and close the cover"))

    def power_cycle(self, note: str = "") -> Answer:
        """Power is switched off and on; what comes until it is up."""
        yield from self.operator("power_cycle", text="switch the printer off, wait two seconds, and switch it on")
        reply = yield from self.hear(4_000 * MS, note or "until it is up")
        return reply

    # -- the sandwich -----------------------------------------------------------------------------------------------
    def quiet_line(self) -> Doing:
        """Nobody may be speaking; the printer is brought to its default settings and into step.

        Raises:
            Lost: somebody is.
        """
        heard = yield Wait(80 * MS, "is the line quiet?")
        if split(heard).asked:
            raise Lost(f"foreign traffic on the line before the case: {frames_text(heard.frames)}", heard)
        for attempt, push in enumerate((b"", _PADDING)):
            yield Ask(((0, push + INIT),), 80 * MS, None, "default settings")
            reply = yield from self.until(self.query(), lambda got: bool(got.all(Plain)), "in step?", 2_000 * MS)
            if len(reply.asked) == 1 and reply.all(Plain):
                return
            if not attempt:
                yield Wait(500 * MS, "what was begun ends")
        yield Operator("power_cycle", (), "switch the printer off and on: it is out of step")
        yield Wait(4_000 * MS, "until it is up")

    def probe(self) -> Doing:
        """Undo what was done by hand, then ask for something fresh.

        Raises:
            Lost: the printer does not answer as one that lives.
        """
        yield from self.restore()
        if self.declaration.allows("process_id"):
            id_ = self.nonce()
            reply = yield from self.until(confirm(id_), lambda got: bool(got.all(Confirmed)), "probe")
            if reply.asked != [Confirmed(id_)]:
                raise Lost(f"the probe's process id {id_.decode()} was not confirmed: {reply.text}", reply.heard)
            self.saw(reply.heard)
            return
        yield from self._row_of_queries()

    def _row_of_queries(self) -> Doing:
        queries = [EOT + bytes((n,)) for n in range(1, 5)] if self.declaration.allows("real_time") else []
        drawn = [*self.rng.choices([*queries, self.query()], k=self.rng.randint(3, 6)), self.query(), self.query()]
        plain = sum(each == self.query() for each in drawn)
        reply = yield from self.until(b"".join(drawn), lambda got: len(got.asked) >= len(drawn), "probe")
        fits = len(reply.all(RealTime)) == len(drawn) - plain and len(reply.all(Plain)) == plain
        if not fits or len(reply.asked) != len(drawn) or reply.rest:
            raise Lost(f"{len(drawn)} drawn queries, {plain} of them in turn, drew {reply.text}", reply.heard)
        self.saw(reply.heard)
