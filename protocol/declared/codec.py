"""Messages: which one a frame is, what its fields say, and the frame of a message that is to be sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from protocol.declared.frames import FrameCodec
from protocol.declared.items import BadValue, Item, Layout, Values, as_bytes, names_of
from protocol.declared.model import Const, Declaration, Message
from protocol.declared.reader import Broken, Frame, Reader

SOURCES = ("host", "device")
"""The two ends of a line."""


class Decoded(NamedTuple):
    """What a frame says.

    Args:
        message: which one it is; None when no message matches.
        values: of the frame's parts, and of the message's fields.
        why: why its fields cannot be read; "" when they can.
    """

    message: Message | None
    values: Values
    why: str = ""


class MessageCodec:
    """One message, made ready."""

    __slots__ = ("alternatives", "body", "defaults", "frame", "layout", "message", "tests")

    def __init__(self, message: Message, alternatives: tuple[FrameCodec, ...]) -> None:
        self.message = message
        self.alternatives = alternatives
        self.frame = alternatives[0]
        self.body = message.body
        self.layout = Layout(message.fields) if message.fields else None
        self.tests = tuple((name, _choices(value)) for name, value in message.match.items())
        single = {name: value for name, value in message.match.items() if not isinstance(value, tuple)}
        fixed = {name: expr.value for name, expr in message.values.items() if isinstance(expr, Const)}
        self.defaults = {**single, **fixed}

    def fits(self, values: Mapping[str, Any]) -> bool:
        """Whether a frame with these values is this message."""
        for name, allowed in self.tests:
            if values.get(name) not in allowed:
                return False
        return all(len(values.get(name, b"")) == size for name, size in self.message.lengths.items())

    def read(self, values: Values) -> str:
        """Add the fields' values; tells why they cannot be read, or ""."""
        if self.layout is None:
            return ""
        try:
            self.layout.decode(values.get(self.body, b""), values)
        except BadValue as error:
            return str(error)
        return ""

    def write(self, values: Mapping[str, Any], form: int = 0) -> bytes:
        """The frame.

        Args:
            values: of parts and fields; what is missing has the declaration's default.
            form: which of the frame's alternatives (1: without the optional check).

        Raises:
            BadValue: a value is missing or does not fit.
        """
        given = {**self.defaults, **values}
        if self.layout is not None:
            given[self.body] = self.layout.encode(given)
        return self.alternatives[form].build(given)


class Codec:
    """A declared protocol, made ready for both directions.

    Args:
        declaration: what is spoken.
        text: the file that it was read from, so that evidence can carry it; "" when there is none.
    """

    def __init__(self, declaration: Declaration, text: str = "") -> None:
        self.declaration = declaration
        self.text = text
        self._forms = {
            name: tuple(FrameCodec(form) for form in spec.alternatives()) for name, spec in declaration.frames.items()
        }
        self.messages = {m.name: MessageCodec(m, self._forms[m.frame]) for m in declaration.messages}
        self._index = {source: self._indexed(source) for source in SOURCES}

    def _indexed(self, source: str) -> dict[str, tuple[str, dict[Any, tuple[MessageCodec, ...]]]]:
        """Frame -> (a part on which its messages differ, its value -> messages): one look-up instead of a search."""
        index = {}
        for frame in self._forms:
            mine = [c for c in self.messages.values() if c.message.source == source and c.message.frame == frame]
            shared = [name for name, _ in mine[0].tests] if mine else []
            key = next((n for n in shared if all(n in dict(c.tests) for c in mine)), "")
            table: dict[Any, tuple[MessageCodec, ...]] = {}
            for codec in mine:
                for value in dict(codec.tests)[key] if key else (None,):
                    table[value] = (*table.get(value, ()), codec)
            index[frame] = (key, table)
        return index

    def forms(self, source: str) -> tuple[FrameCodec, ...]:
        """All forms of the frames that this end sends."""
        return tuple(
            form
            for name, forms in self._forms.items()
            if self.declaration.frames[name].source in (source, "both")
            for form in forms
        )

    def reader(self, source: str) -> Reader:
        """A reader of what `source` ("host" or "device") sends."""
        return Reader(self.forms(source), self.declaration.resync)

    def candidates(self, source: str, frame: str, values: Mapping[str, Any]) -> Iterator[MessageCodec]:
        """The messages that a frame with these values can be, in the order of the declaration."""
        key, table = self._index[source][frame]
        for codec in table.get(values.get(key) if key else None, ()):
            if codec.fits(values):
                yield codec

    def read(self, source: str, frame: Frame) -> Decoded:
        """What a frame says. Guards depend on a device's state: a message without them is preferred."""
        try:
            values = frame.codec.values(frame.raw)
        except BadValue as error:
            return Decoded(None, {}, str(error))
        why = ""
        guarded: Decoded | None = None
        for codec in self.candidates(source, frame.codec.spec.name, values):
            read = dict(values)
            why = codec.read(read)
            if not why:
                decoded = Decoded(codec.message, read)
                if not codec.message.when:
                    return decoded
                guarded = guarded or decoded
        return guarded or Decoded(None, values, why)

    def decode(self, source: str, data: bytes) -> list[Decoded | Broken]:
        """Everything in a piece of one direction, silence after it included."""
        reader = self.reader(source)
        return [
            item if isinstance(item, Broken) else self.read(source, item)
            for item in (*reader.feed(data), *reader.gap())
        ]

    def write(self, message: str, values: Mapping[str, Any], form: int = 0) -> bytes:
        """The frame of a message, see `MessageCodec.write`.

        Raises:
            KeyError: there is no such message.
            BadValue: a value is missing or does not fit.
        """
        return self.messages[message].write(values, form)

    def items_of(self, message: Message) -> dict[str, Item]:
        """Name of a value -> the item that has it: of the frame's parts and the message's fields."""
        parts = [part.item for part in self.declaration.frames[message.frame].parts if part.valued]
        return {name: item for item in (*parts, *message.fields) for name in names_of(item)}

    def same(self, message: Message, name: str, given: Any, read: Any) -> bool:
        """Whether a value that was written in a declaration is the one that was read."""
        if isinstance(read, bytes):
            try:
                return as_bytes(given) == read
            except ValueError:
                return False
        item = self.items_of(message).get(name)
        if isinstance(given, str) and item is not None and given in item.names:
            return bool(item.names[given] == read)
        if isinstance(given, list) and isinstance(read, list):
            return len(given) == len(read) and all(
                isinstance(want, Mapping) and all(str(one.get(key)) == str(value) for key, value in want.items())
                for want, one in zip(given, read, strict=True)
            )
        return bool(given == read)


def _choices(value: Any) -> frozenset[Any]:
    return frozenset(value) if isinstance(value, tuple) else frozenset((value,))
