"""The bench for any declared protocol: its own declaration says what a good frame is and what must come back.

A device that is made from the declaration, here in memory, is the oracle: what it says to a frame is what is expected
of the one on the line, message by message. There are two ways to see that a device heard something: a question, whose
answer comes; and for a device that only tells presses, its repetitions, which end when it hears the host's answer
(protocols.md 7.2). The probe mixes drawn questions with spoilt ones, so that one constant reply never passes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple, TypeAlias

from bench.compliance.case import Bench, Failed, Lost, frames_text
from bench.compliance.steps import Ask, Heard, Step, Wait
from firmware_sim.burst import LineSettings
from firmware_sim.device import MS, Send
from firmware_sim.devices.declared_device import DeclaredDevice
from protocol.declared.build import build
from protocol.declared.codec import Codec
from protocol.declared.items import BadValue
from protocol.declared.reader import Broken

__all__ = ["DeclaredBench", "Drawn", "Told", "codec_of", "spec_text"]


Talk: TypeAlias = Generator[Step, Heard, Heard]
Doing: TypeAlias = Generator[Step, Heard, None]


def spec_text(name: str) -> str:
    """A shipped protocol declaration by its name, or one of the suite's own test."""
    shipped = files("protocol.declared.catalogue") / f"{name}.toml"
    found = shipped if shipped.is_file() else files("bench.compliance.specs") / f"{name}.toml"
    return found.read_text(encoding="utf-8")


@cache
def codec_of(name: str) -> Codec:
    """The same, made ready."""
    return Codec(build(tomllib.loads(spec_text(name))))


@cache
def codec_in(text: str) -> Codec:
    """A protocol declaration that a vendor wrote, made ready."""
    return Codec(build(tomllib.loads(text)))


class Drawn(NamedTuple):
    """A question with drawn values.

    Args:
        name: of the message.
        frame: as it is sent.
        answer: as the declaration answers it.
    """

    name: str
    frame: bytes
    answer: bytes


class Told(NamedTuple):
    """What the device told of a press.

    Args:
        heard: its burst.
        message: name of the message.
        values: what it says.
    """

    heard: Heard
    message: str
    values: Mapping[str, Any]


@dataclass
class DeclaredBench(Bench):
    """`Bench` with a declared protocol on a line of `settings`."""

    settings: LineSettings = field(default_factory=LineSettings)
    neighbours: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        self.timeout = self.declaration.timeout
        extra = self.declaration.extra
        self.codec = codec_in(str(extra["text"])) if "text" in extra else codec_of(str(extra["spec"]))
        self.spec = self.codec.declaration
        self.gap = self.spec.line.inter_byte_ms * MS
        self.asks = bool(self.declaration.facts().get("questions"))
        self._known: dict[int | None, dict[str, bytes]] = {}

    # -- frames -------------------------------------------------------------------------------------------------------
    def at(self, message: str, values: Mapping[str, Any], unit: int | None = None) -> bytes:
        """A frame of a message, for this unit or another."""
        given = dict(values)
        if self.spec.address is not None:
            given[self.spec.address.part] = self.unit if unit is None else unit
        return self.codec.write(message, given)

    def known(self, unit: int | None = None) -> dict[str, bytes]:
        """Host messages with a frame that is known, rebuilt for a unit."""
        if unit not in self._known:
            self._known[unit] = self._rebuilt(unit)
        return self._known[unit]

    def _rebuilt(self, unit: int | None) -> dict[str, bytes]:
        made: dict[str, bytes] = {}
        for vector in self.spec.vectors:
            if self.codec.messages[vector.of].message.source != "host":
                continue
            decoded = [item for item in self.codec.decode("host", vector.data) if not isinstance(item, Broken)]
            try:
                made.setdefault(vector.of, self.at(vector.of, decoded[0].values if decoded else vector.values, unit))
            except BadValue:
                continue
        return made

    def oracle(self, frame: bytes, unit: int | None = None) -> list[str]:
        """Names of the messages with which the declaration answers characters; empty: it is silent."""
        return self.names(self.answer_to(frame, unit))

    def answer_to(self, frame: bytes, unit: int | None = None) -> bytes:
        """With what the declaration answers characters."""
        device = DeclaredDevice("oracle", self.codec, unit=self.unit if unit is None and self.spec.address else None)
        effects = [*device.hear(0, frame, 0, 0, None), *device.wake(self.gap + 1, "gap")]
        return b"".join(effect.data for effect in effects if isinstance(effect, Send))

    def names(self, data: bytes) -> list[str]:
        """Names of the device messages in characters; "?" for what is none."""
        if not data:
            return []
        found = self.codec.decode("device", data)
        if self.declaration.facts().get("exact"):  # one message stands for all answers: its bytes tell which
            return [data.hex(" ").upper()]
        return ["?" if isinstance(item, Broken) or item.message is None else item.message.name for item in found] or [
            "?"
        ]

    def questions(self) -> dict[str, bytes]:
        """Known frames that are answered and change nothing that matters to the others."""
        wanted = self.declaration.extra.get("ask", [])
        return {name: frame for name, frame in self.known().items() if name in wanted}

    def question(self) -> bytes:
        """A drawn question."""
        return self.rng.choice(sorted(self.questions().values()))

    def escapes(self) -> Mapping[int, bytes]:
        """Characters that are escaped, and what stands for them."""
        return {char: stands for spec in self.spec.frames.values() for char, stands in spec.escape.items()}

    def drawn(self, char: int) -> list[Drawn]:
        """Questions with values that are a character, or near it, in drawn order."""
        found: dict[bytes, Drawn] = {}
        near = [*(char + n for n in (0, -1, 1, -2, 2)), char * 0x101]
        for name, frame in sorted(self.questions().items()):
            decoded = self.codec.decode("host", frame)[0]
            if isinstance(decoded, Broken):
                continue
            for key, old in decoded.values.items():
                if not isinstance(old, int) or (self.spec.address is not None and key == self.spec.address.part):
                    continue
                for value in near:
                    try:
                        made = self.at(name, {**decoded.values, key: value})
                    except BadValue:
                        continue
                    found.setdefault(made, Drawn(name, made, self.answer_to(made)))
        rows = [row for _, row in sorted(found.items()) if row.answer]
        self.rng.shuffle(rows)
        return rows

    def values_of(self, data: bytes) -> list[Mapping[str, Any]]:
        """What the device's messages in characters say."""
        return [item.values for item in self.codec.decode("device", data) if not isinstance(item, Broken)]

    def spoilt(self, frame: bytes) -> bytes:
        """The frame with its check turned by one bit: in its last check part."""
        for form in self.codec.forms("host"):
            body = form.plain
            parts = [(begin, end) for part, begin, end in _spans(body, frame) if part.check is not None]
            if parts:
                begin, end = parts[-1]
                at = self.rng.randrange(begin, end)
                return frame[:at] + bytes((frame[at] ^ 1 << self.rng.randrange(7),)) + frame[at + 1 :]
        return frame[:-1] + bytes((frame[-1] ^ 1,))

    # -- saying -------------------------------------------------------------------------------------------------------
    def say(self, *parts: tuple[int, bytes], note: str = "", window: int = 0) -> Talk:
        """Send, and listen for as long as an answer may take."""
        heard = yield Ask(parts, window or self.timeout, None, note, max(2 * self.gap, 20 * MS))
        return heard

    def must_tell(self, heard: Heard, wanted: list[str], what: str) -> None:
        """What came must be these messages.

        Raises:
            Failed: it is not.
        """
        found = self.names(heard.data)
        if found != wanted:
            raise Failed(
                f"{what}: {' '.join(wanted) or 'silence'} expected, "
                f"{' '.join(found) or 'silence'} came ({frames_text(heard.frames)})",
                heard,
            )
        self.saw(heard)

    def press(self, key: int) -> Generator[Step, Heard, Told]:
        """A key is pressed; the device tells it.

        Raises:
            Lost: it does not.
        """
        yield from self.operator("press", key, text=f"press key {key} once")
        heard = yield Wait(200 * MS, "what does it tell?")
        items = self.codec.decode("device", heard.data)
        if len(items) != 1 or isinstance(items[0], Broken) or items[0].message is None:
            yield from self.settle()  # nobody answers it, so it is repeated, and the next press would not be told
            raise Lost(f"a key was pressed, and what came is no message: {frames_text(heard.frames)}", heard)
        return Told(heard, items[0].message.name, items[0].values)

    def answer(self, told: Told, unit: int | None = None) -> bytes:
        """The host's answer to what was told: the same frame, changed as declared."""
        expect = self.codec.messages[told.message].message.expect
        if expect is not None and expect.message:
            return self.at(expect.message, {}, unit)
        if expect is None or expect.echo_with is None:
            raise Lost(f"the declaration names no answer to {told.message}")
        device = self.codec.messages[told.message]
        given = {**told.values, **expect.echo_with}
        if unit is not None and self.spec.address is not None:
            given[self.spec.address.part] = unit
        return device.write(given)

    def repeats(self, told: Told) -> int:
        """How long to listen so that a repetition is heard, ns."""
        expect = self.codec.messages[told.message].message.expect
        return (2 * (expect.within if expect else 500) + 8 * 40 + (expect.stagger if expect else 0) * self.unit) * MS

    def settle(self) -> Doing:
        """Listen until it has given up whatever it repeats."""
        for _ in range(20):
            heard = yield Wait(1_500 * MS, "until it is quiet")
            if not heard.frames:
                return

    def hears(self, rubbish: bytes, pause: int, what: str, *, wanted: bool = True, spoil: Any = None) -> Doing:
        """Whether it hears a good frame after rubbish (or one that is spoilt: then it must not).

        Raises:
            Failed: it is otherwise.
        """
        if self.asks:
            good = self.question()
            frame = good if spoil is None else spoil(good)
            expected = self.oracle(good) if wanted else self.oracle(frame)
            heard = yield from self.say(*_parts(rubbish, pause, frame), note=what)
            if wanted:
                if not " ".join(self.names(heard.data)).endswith(" ".join(expected)):
                    raise Failed(f"a good frame after {what} drew {frames_text(heard.frames)}", heard)
                self.saw(heard)
            else:
                self.must_tell(heard, expected, what)
            return
        told = yield from self.press(1)
        frame = self.answer(told)
        frame = frame if spoil is None else spoil(frame)
        heard = yield from self.say(*_parts(rubbish, pause, frame), note=what, window=self.repeats(told))
        if wanted and heard.frames:
            yield from self.settle()
            raise Failed(f"a good answer after {what} is not heard: it repeats {frames_text(heard.frames)}", heard)
        if not wanted and not heard.frames:
            raise Failed(f"{what} is taken for the answer: the press is not repeated")
        yield from self.settle()
        self.saw(told.heard)

    def stranger(self) -> int:
        """A drawn address of nobody."""
        address = self.spec.address
        low, high = (1, 199) if address is None else (max(1, address.low), min(199, address.high))
        return self.rng.choice([n for n in range(low, high + 1) if n != self.unit and n not in self.neighbours])

    # -- life ---------------------------------------------------------------------------------------------------------
    def probe(self) -> Doing:
        """Drawn questions, some of them spoilt; or presses of drawn keys.

        Raises:
            Lost: what comes is not what the declaration says.
        """
        if not self.asks:
            key = self.rng.randint(1, min(4, int(self.declaration.capabilities.get("keys", 4))))
            told = yield from self.press(key)
            device = DeclaredDevice("oracle", self.codec, unit=self.unit)
            said = [effect.data for effect in device.press(0, key) if isinstance(effect, Send)]
            if self.names(b"".join(said)) != [told.message]:
                raise Lost(f"key {key} was pressed, it tells {told.message}", told.heard)
            if not any(frame.data == data for frame in told.heard.frames for data in said):
                self.witness = ""
            else:
                self.saw(told.heard)
            yield from self.say((0, self.answer(told)), note="answered")
            yield from self.settle()
            return
        spoilt = [False, False, True]
        self.rng.shuffle(spoilt)
        for bad in spoilt:
            good = self.question()
            frame = good[:-1] if bad else good
            wanted = self.oracle(frame)
            heard = yield from self.say((0, frame), note="a broken frame" if bad else "")
            if self.names(heard.data) != wanted:
                raise Lost(
                    f"the probe drew {frames_text(heard.frames)}, {' '.join(wanted) or 'silence'} expected", heard
                )
            if heard.frames:
                self.saw(heard)


def _parts(rubbish: bytes, pause: int, frame: bytes) -> tuple[tuple[int, bytes], ...]:
    if not rubbish:
        return ((0, frame),)
    return ((0, rubbish), (pause, frame)) if pause else ((0, rubbish + frame),)


def _spans(form: Any, frame: bytes) -> list[Any]:
    try:
        return list(form.spans(frame))
    except (BadValue, IndexError, ValueError):
        return []
