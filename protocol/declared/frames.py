"""Frames: where one ends, whether it is sound, what its parts say, and how one is built.

A frame is an ordered run of parts of which at most one has a variable length. How that length is known gives the three
families of protocols.md 7.2: a length field that counts a span of parts, a terminator, or silence. `FrameCodec` is made
once for each frame (twice where its check is optional) and then measures candidates in a buffer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, NamedTuple

from protocol.declared.checks import Compute, wire_size, written
from protocol.declared.items import REST, BadValue, Item, Layout, Values, as_bytes, names_of

START, VALUE, LENGTH, ESCAPE, CHECK = 1, 2, 3, 4, 5
"""Why a candidate is no frame, from the least to the most telling: `measure` gives them as negative numbers."""

CAUSES: Final[Mapping[int, str]] = MappingProxyType(
    {START: "start", VALUE: "value", LENGTH: "length", ESCAPE: "escape", CHECK: "check"}
)
"""The causes by the names that declarations use in `[on_error]`."""

_ANY: Final = bytes(range(256))


@dataclass(frozen=True, slots=True)
class Run:
    """A preamble: one byte, `least` to `most` times; `send` times when we send. More than `most` do no harm."""

    byte: int
    least: int
    most: int
    send: int


@dataclass(frozen=True, slots=True)
class CheckPart:
    """A check value in a frame.

    Args:
        compute: characters -> value.
        size: bytes of the value.
        over: first and last part that it covers.
        endian, encoding: how it is written, see `protocol.declared.checks.written`.
        optional: a frame without it is accepted too.
        title: its name, for explanations.
    """

    compute: Compute
    size: int
    over: tuple[str, str]
    endian: str = "little"
    encoding: str = "bin"
    optional: bool = False
    title: str = "check"

    @property
    def wire(self) -> int:
        """Characters it takes."""
        return wire_size(self.size, self.encoding)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a frame.

    Args:
        item: its value and size.
        run: it is a preamble.
        check: it is a check value.
        counts: it is a length field: first and last part that it counts.
        plus: added to what it counts.
        repeat: a length field that is sent several times (FT1.2).
        address: it is the address.
    """

    item: Item
    run: Run | None = None
    check: CheckPart | None = None
    counts: tuple[str, str] | None = None
    plus: int = 0
    repeat: int = 1
    address: bool = False

    @property
    def name(self) -> str:
        """Its name."""
        return self.item.name

    @property
    def fixed(self) -> int | None:
        """Bytes it always takes; None for the variable part."""
        if self.check is not None:
            return self.check.wire
        size = self.item.fixed
        return None if size is None else size * self.repeat

    @property
    def valued(self) -> bool:
        """Whether it has a value of its own, which is neither computed nor constant."""
        return self.run is None and self.check is None and self.counts is None and self.item.kind != "const"


@dataclass(frozen=True, slots=True)
class FrameSpec:
    """A frame as declared.

    Args:
        name: how messages refer to it.
        source: who sends it: "host", "device" or "both".
        parts: in the order of the wire.
        most: most bytes on the wire, the preamble not counted.
        escape: byte -> what stands for it on the wire.
        escape_over: first and last part in which bytes are escaped.
    """

    name: str
    source: str
    parts: tuple[Part, ...]
    most: int
    escape: Mapping[int, bytes] = field(default_factory=lambda: MappingProxyType({}))
    escape_over: tuple[str, str] | None = None

    def part(self, name: str) -> Part | None:
        """The part of that name."""
        return next((part for part in self.parts if part.name == name), None)

    @property
    def body(self) -> str:
        """Name of the part that carries the parameters: the variable one, else the last of kind bytes; "" for none."""
        variable = [part.name for part in self.parts if part.fixed is None]
        block = [part.name for part in self.parts if part.valued and part.item.kind == "bytes"]
        return (variable or block[-1:] or [""])[0]

    def alternatives(self) -> tuple[FrameSpec, ...]:
        """The frame itself, and without its optional check."""
        if not any(part.check is not None and part.check.optional for part in self.parts):
            return (self,)
        kept = tuple(part for part in self.parts if part.check is None or not part.check.optional)
        return (self, replace(self, parts=kept))


class _Spot(NamedTuple):
    """A place in a frame: so many bytes from its begin, or before its end."""

    off: int
    from_end: bool

    def at(self, begin: int, end: int) -> int:
        return end - self.off if self.from_end else begin + self.off


class FrameCodec:
    """Measures, reads and builds one form of a frame.

    Args:
        spec: the frame; its preamble is left to the reader.

    Attributes:
        spec: as given.
        run: its preamble, None without one.
        first: characters with which it can begin (after the preamble).
        least: fewest bytes it has.
        literal: whether it begins with a constant or a preamble: else any character may be its first.
    """

    __slots__ = (
        "_blocks",
        "_check",
        "_check_at",
        "_check_from",
        "_check_to",
        "_count_at",
        "_count_base",
        "_count_size",
        "_escaped",
        "_heads",
        "_lead",
        "_little",
        "_octets",
        "_others",
        "_repeat",
        "_spots",
        "_strict",
        "_tails",
        "_term",
        "_term_back",
        "_trail",
        "_unescape",
        "_variable",
        "first",
        "least",
        "literal",
        "parts",
        "run",
        "spec",
    )

    def __init__(self, spec: FrameSpec) -> None:
        self.spec = spec
        self.run = next((part.run for part in spec.parts if part.run is not None), None)
        self.parts = tuple(part for part in spec.parts if part.run is None)
        self._escaped = self._inner()
        self._places()
        self._literals()
        self._length()
        self._checked()
        self.first = self._first()
        self.literal = self.run is not None or self.parts[0].item.kind == "const"

    # -- making ready -------------------------------------------------------------------------------------------------
    def _inner(self) -> FrameCodec | None:
        self._lead = self._trail = b""
        self._unescape: dict[int, dict[int, int]] = (
            {stands[0]: {} for stands in self.spec.escape.values()} if self.spec.escape else {}
        )
        if not self.spec.escape or self.spec.escape_over is None:
            return None
        for char, stands in self.spec.escape.items():
            self._unescape[stands[0]][stands[1]] = char
        names = [part.name for part in self.parts]
        a, b = (names.index(name) for name in self.spec.escape_over)
        self._lead = b"".join(part.item.const for part in self.parts[:a])
        self._trail = b"".join(part.item.const for part in self.parts[b + 1 :])
        return FrameCodec(
            replace(self.spec, parts=self.parts[a : b + 1], escape=MappingProxyType({}), escape_over=None)
        )

    def _places(self) -> None:
        sizes = [part.fixed for part in self.parts]
        self._variable = next((i for i, size in enumerate(sizes) if size is None), None)
        self.least = sum(size for size in sizes if size is not None)
        self._spots: list[tuple[_Spot, _Spot]] = []
        begin = 0
        for i, size in enumerate(sizes):
            if self._variable is not None and i > self._variable:
                behind = sum(s for s in sizes[i:] if s is not None)
                self._spots.append((_Spot(behind, True), _Spot(behind - (size or 0), True)))
            elif size is None:
                behind = sum(s for s in sizes[i + 1 :] if s is not None)
                self._spots.append((_Spot(begin, False), _Spot(behind, True)))
            else:
                self._spots.append((_Spot(begin, False), _Spot(begin + size, False)))
                begin += size

    def _literals(self) -> None:
        self._heads: tuple[tuple[int, bytes], ...] = ()
        self._tails: tuple[tuple[int, bytes], ...] = ()
        strict = []
        for part, (begin, end) in zip(self.parts, self._spots, strict=True):
            if part.item.kind == "const":
                if begin.from_end:
                    self._tails += ((begin.off, part.item.const),)
                else:
                    self._heads += ((begin.off, part.item.const),)
            elif part.valued and _can_be_wrong(part.item):
                strict.append((begin, end, Layout([part.item])))
        self._strict = tuple(strict)
        self._getters()

    def _getters(self) -> None:
        """How each value is read: most are one byte at a fixed place, or a slice."""
        octets, blocks, others = [], [], []
        for part, (begin, behind) in zip(self.parts, self._spots, strict=True):
            if not part.valued:
                continue
            item = part.item
            span = slice(
                -begin.off if begin.from_end else begin.off,
                (-behind.off or None) if behind.from_end else behind.off,
            )
            if item.kind == "uint" and item.size == 1 and not item.bits:
                octets.append((item.name, span.start))
            elif item.kind == "bytes":
                blocks.append((item.name, span))
            else:
                others.append((Layout([_whole_of(item)]), span))
        self._octets, self._blocks, self._others = tuple(octets), tuple(blocks), tuple(others)

    def _length(self) -> None:
        self._count_at = -1
        self._count_size = self._count_base = 0
        self._repeat = 1
        self._little = False
        self._term = b""
        self._term_back = 0
        names = [part.name for part in self.parts]
        for part, (begin, _) in zip(self.parts, self._spots, strict=True):
            if part.counts is not None:
                a, b = (names.index(name) for name in part.counts)
                counted = sum(p.fixed or 0 for p in self.parts[a : b + 1]) + part.plus
                inside = self._variable is not None and a <= self._variable <= b
                if self._variable is not None and not inside:
                    continue
                assert isinstance(part.item.size, int)
                self._count_at, self._count_size = begin.off, part.item.size
                self._count_base = self.least - counted
                self._repeat, self._little = part.repeat, part.item.endian == "little"
        if self._variable is not None and self._count_at < 0:
            for part, (begin, _) in zip(
                self.parts[self._variable + 1 :], self._spots[self._variable + 1 :], strict=True
            ):
                if part.item.kind == "const":
                    self._term, self._term_back = part.item.const, begin.off
                    break

    def _checked(self) -> None:
        self._check: CheckPart | None = None
        self._check_at = self._check_from = self._check_to = _Spot(0, False)
        names = [part.name for part in self.parts]
        for part, (begin, _) in zip(self.parts, self._spots, strict=True):
            if part.check is not None:
                a, b = (names.index(name) for name in part.check.over)
                self._check_at = begin
                self._check = part.check
                self._check_from, self._check_to = self._spots[a][0], self._spots[b][1]

    def _first(self) -> bytes:
        item = self.parts[0].item
        if item.kind == "const":
            return item.const[:1]
        if item.kind == "uint" and item.size == 1 and item.names:
            return bytes(sorted(set(item.names.values())))
        return _ANY

    # -- measuring ----------------------------------------------------------------------------------------------------
    def measure(self, buf: bytes, at: int, end: int, closing: bool = False) -> int:
        """How many bytes the frame that begins at `at` has.

        The answer depends on nothing but the characters from `at` on, and once it is not 0 more characters do not
        change it: that is why it does not matter how a stream is cut into pieces.

        Args:
            buf: the characters.
            at: where the frame begins, the preamble passed.
            end: how far `buf` is filled.
            closing: silence has come: what is not complete now is no frame.

        Returns:
            The length; 0 when more characters are needed; else -(bytes << 3 | cause), where `bytes` is how many belong
            to the broken frame (0: unknown).
        """
        if self._escaped is not None:
            return self._measure_escaped(buf, at, end, closing)
        have = end - at
        for off, literal in self._heads:
            if not buf.startswith(literal, at + off):
                if have >= off + len(literal):
                    return -START if off == 0 else -LENGTH
                break
        if self._count_at >= 0:
            head = self._count_at + self._count_size * self._repeat
            if have < head:
                return -LENGTH if closing else 0
            here = at + self._count_at
            size = self._count_size
            if size == 1:
                count = buf[here]
            else:
                count = int.from_bytes(buf[here : here + size], "little" if self._little else "big")
            if self._repeat > 1 and buf[here + size : here + size * self._repeat] != buf[here : here + size] * (
                self._repeat - 1
            ):
                return -LENGTH
            total = self._count_base + count
            if total < self.least or total > self.spec.most or (self._variable is None and total != self.least):
                return -LENGTH
        else:
            total = self._uncounted(buf, at, end, closing)
            if total <= 0:
                return total
        if have < total:
            return -LENGTH if closing else 0
        return self._sound(buf, at, total)

    def _uncounted(self, buf: bytes, at: int, end: int, closing: bool) -> int:
        """The length of a frame that has no length field: fixed, up to a terminator, or up to silence."""
        have, most = end - at, self.spec.most
        if self._variable is None:
            return self.least
        if self._term:
            # The characters behind the variable part up to the terminator are fixed in number.
            begin = at + self.least - self._term_back
            found = buf.find(self._term, begin, min(end, at + most))
            if found < 0:
                return -LENGTH if closing or have >= most else 0
            total = found + self._term_back - at
            return total if total <= most else -LENGTH
        if closing:
            return have if self.least <= have <= most else -LENGTH
        return -LENGTH if have > most else 0

    def _sound(self, buf: bytes, at: int, total: int) -> int:
        stop = at + total
        for off, literal in self._tails:
            if not buf.startswith(literal, stop - off):
                return -(total << 3 | LENGTH)
        check = self._check
        if check is not None:
            body = buf[self._check_from.at(at, stop) : self._check_to.at(at, stop)]
            place = self._check_at.at(at, stop)
            value = check.compute(body)
            if check.wire == 1:
                if buf[place] != value:
                    return -(total << 3 | CHECK)
            elif buf[place : place + check.wire] != written(value, check.size, check.endian, check.encoding):
                return -(total << 3 | CHECK)
        if self._strict:
            for begin, behind, layout in self._strict:
                try:
                    layout.decode(buf[begin.at(at, stop) : behind.at(at, stop)], {})
                except BadValue:
                    return -(total << 3 | (START if not self.literal and begin.off == 0 else VALUE))
        return total

    def _measure_escaped(self, buf: bytes, at: int, end: int, closing: bool) -> int:
        assert self._escaped is not None
        if not buf.startswith(self._lead, at):
            return -START if end - at >= len(self._lead) else (-LENGTH if closing else 0)
        begin = at + len(self._lead)
        found = buf.find(self._trail, begin, min(end, at + self.spec.most))
        if found < 0:
            return -LENGTH if closing or end - at >= self.spec.most else 0
        total = found + len(self._trail) - at
        inner = self.unescaped(buf[begin:found])
        if inner is None:
            return -(total << 3 | ESCAPE)
        size = self._escaped.measure(inner, 0, len(inner), True)
        if size == len(inner):
            return total
        return -(total << 3 | (-size & 7 if size < 0 else LENGTH))

    def unescaped(self, raw: bytes) -> bytes | None:
        """What escaped characters stand for; None when one of them stands for nothing."""
        if not any(char in raw for char in self._unescape) and not any(char in raw for char in self.spec.escape):
            return raw
        made = bytearray()
        chars = iter(raw)
        for char in chars:
            table = self._unescape.get(char)
            if table is None:
                if char in self.spec.escape:
                    return None  # it may not stand here as it is
                made.append(char)
                continue
            stands = table.get(next(chars, -1))
            if stands is None:
                return None
            made.append(stands)
        return bytes(made)

    def escaped(self, inner: bytes) -> bytes:
        """Characters as they go on the wire."""
        table = self.spec.escape
        return b"".join(table.get(char, bytes((char,))) for char in inner)

    # -- reading and building -----------------------------------------------------------------------------------------
    def values(self, frame: bytes) -> Values:
        """The values of a sound frame's parts, the preamble not in it. The body's are bytes."""
        if self._escaped is not None:
            inner = self.unescaped(frame[len(self._lead) : len(frame) - len(self._trail)])
            assert inner is not None
            return self._escaped.values(inner)
        made: Values = {name: frame[index] for name, index in self._octets}
        for name, span in self._blocks:
            made[name] = frame[span]
        for layout, span in self._others:
            layout.decode(frame[span], made)
        return made

    def spans(self, frame: bytes) -> list[tuple[Part, int, int]]:
        """Part, begin and end within a sound frame (without escapes), for explanations."""
        return [
            (part, begin.at(0, len(frame)), behind.at(0, len(frame)))
            for part, (begin, behind) in zip(self.parts, self._spots, strict=True)
        ]

    def body_of(self, frame: bytes) -> bytes:
        """The frame without escapes, preamble, and what stands around the escaped span."""
        if self._escaped is None:
            return frame
        return self.unescaped(frame[len(self._lead) : len(frame) - len(self._trail)]) or b""

    @property
    def silent(self) -> bool:
        """Whether only silence tells where the frame ends."""
        return self._escaped is None and self._variable is not None and self._count_at < 0 and not self._term

    @property
    def plain(self) -> FrameCodec:
        """The codec of what `body_of` gives."""
        return self._escaped or self

    def build(self, values: Mapping[str, object]) -> bytes:
        """The frame with these values, preamble and all.

        Raises:
            BadValue: a value is missing, does not fit, or the frame becomes too long.
        """
        lead = bytes((self.run.byte,)) * self.run.send if self.run is not None else b""
        if self._escaped is not None:
            inner = self._escaped.build(values)
            frame = self._lead + self.escaped(inner) + self._trail
        else:
            frame = self._join(values)
        if len(frame) > self.spec.most:
            raise BadValue("frame", f"has {len(frame)} bytes, at most {self.spec.most} are allowed")
        return lead + frame

    def _join(self, values: Mapping[str, object]) -> bytes:
        pieces: list[bytes] = []
        for part in self.parts:
            if part.check is not None:
                pieces.append(bytes(part.check.wire))
            elif part.counts is not None:
                assert isinstance(part.item.size, int)
                pieces.append(bytes(part.item.size * part.repeat))
            elif part.item.kind == "bytes":
                raw = values.get(part.name, b"" if part.item.size == REST else None)
                if raw is None:
                    raise BadValue(part.name, "has no value")
                pieces.append(self._raw(part.item, raw))
            else:
                pieces.append(Layout([_whole_of(part.item)]).encode(values))
        names = [part.name for part in self.parts]
        for i, part in enumerate(self.parts):
            if part.counts is not None:
                a, b = (names.index(name) for name in part.counts)
                count = sum(map(len, pieces[a : b + 1])) + part.plus
                pieces[i] = (
                    Layout([replace(part.item, names=MappingProxyType({}))]).encode({part.name: count}) * part.repeat
                )
        for i, part in enumerate(self.parts):
            if part.check is not None:
                a, b = (names.index(name) for name in part.check.over)
                value = part.check.compute(b"".join(pieces[a : b + 1]))
                pieces[i] = written(value, part.check.size, part.check.endian, part.check.encoding)
        return b"".join(pieces)

    @staticmethod
    def _raw(item: Item, value: object) -> bytes:
        try:
            raw = as_bytes(value)
        except ValueError as error:
            raise BadValue(item.name, str(error)) from None
        if isinstance(item.size, int) and len(raw) != item.size:
            raise BadValue(item.name, f"has {len(raw)} bytes, the part has {item.size}")
        return raw


def _can_be_wrong(item: Item) -> bool:
    numbers = item.kind in ("hex", "decimal", "digits", "bcd")
    return numbers or bool(item.names) or item.low is not None or item.high is not None


def _whole_of(item: Item) -> Item:
    """The item of a variable part: in its frame it has exactly the bytes between its neighbours."""
    return item if isinstance(item.size, int) else replace(item, size=REST)


def value_names(parts: Sequence[Part]) -> tuple[str, ...]:
    """Names of all values that the parts of a frame give."""
    return tuple(name for part in parts if part.valued for name in names_of(part.item))
