"""Values in bytes: the kinds of fields that frames and messages are made of, each with its decoder and encoder.

A `Layout` is an ordered run of items. Decoding gives a flat dict name -> value (groups that repeat give a list of such
dicts); encoding takes one. Kinds: protocols.md 7.2. Values are `int` (uint, hex, decimal), `str` (text, digits, bcd)
or `bytes` (bytes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

Value: TypeAlias = Any
"""int, str, bytes, or a list of dicts of such values (a group)."""

Values: TypeAlias = dict[str, Any]

REST: Final = "rest"
"""Size of an item that takes all that is left."""

KINDS: Final = ("const", "uint", "bytes", "text", "digits", "bcd", "hex", "decimal", "group")
"""Kinds of items; the name of the kind is also its key in a declaration."""

CODECS: Final = ("ascii", "latin-1", "utf-8", "utf-16-be", "utf-16-le", "gb2312", "gbk", "big5", "cp1258")
"""Character sets that text may have: Python's own codecs of these names."""

MOST_REPEATS: Final = 4096
"""Most repeats of a group; more is a mistake or an attack."""


class BadValue(ValueError):
    """A value that does not fit its field; `field` names it."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


@dataclass(frozen=True, slots=True)
class Item:
    """One field.

    Args:
        name: what values call it; empty for a constant that nobody asks for.
        kind: one of `KINDS`.
        size: bytes (characters of hex, decimal; digits of digits) it takes; `"rest"`, or the name of an item before it
            that tells its size. For a group: how often it repeats, in the same three ways.
        endian: "big" or "little" (uint).
        low, high: inclusive range (uint, hex, decimal).
        names: name -> number; a uint with names takes no other number.
        const: the bytes of a constant.
        encoding: character set of a text.
        encoding_by: item before it whose value chooses the character set in `encodings`.
        encodings: that value -> character set.
        blank: byte of a digit that shows nothing (decoded as a space), None if there is none.
        pad: character that fills a fixed text on the right; taken off when decoded.
        bits: name -> (lowest bit, highest bit): parts of a uint with values of their own.
        items: the items of a group.
    """

    name: str
    kind: str
    size: int | str = 1
    endian: str = "big"
    low: int | None = None
    high: int | None = None
    names: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    const: bytes = b""
    encoding: str = "ascii"
    encoding_by: str = ""
    encodings: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    blank: int | None = None
    pad: str = ""
    bits: Mapping[str, tuple[int, int]] = field(default_factory=lambda: MappingProxyType({}))
    items: tuple[Item, ...] = ()

    @property
    def fixed(self) -> int | None:
        """Bytes it always takes; None when that depends on the data."""
        if self.kind == "const":
            return len(self.const)
        if not isinstance(self.size, int):
            return None
        if self.kind == "group":
            inner = [item.fixed for item in self.items]
            return None if None in inner else self.size * sum(n for n in inner if n is not None)
        return self.size

    def name_of(self, value: Value) -> str:
        """The name that a number has here, "" for none."""
        return next((name for name, number in self.names.items() if number == value), "")


Decode: TypeAlias = Callable[[bytes, int, Values], int]
"""(data, position, values to fill) -> position behind; raises `BadValue`."""


class Layout:
    """Items one after the other.

    Args:
        items: in the order of the wire.
    """

    __slots__ = ("_decoders", "fixed", "items", "simple")

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = tuple(items)
        self._decoders = tuple(_decoder(item) for item in self.items)
        sizes = [item.fixed for item in self.items]
        self.fixed = None if None in sizes else sum(size for size in sizes if size is not None)
        self.simple = all(item.kind == "uint" and item.size == 1 and not item.bits for item in self.items)

    def decode(self, data: bytes, values: Values) -> None:
        """Fill `values` from all of `data`.

        Raises:
            BadValue: it is too short or too long, or a value is outside its range.
        """
        at = 0
        for decode in self._decoders:
            at = decode(data, at, values)
        if at != len(data):
            raise BadValue("length", f"{len(data)} bytes, expected {at}")

    def encode(self, values: Mapping[str, Value]) -> bytes:
        """The bytes of `values`.

        Raises:
            BadValue: a value is missing or does not fit.
        """
        return b"".join(_encode(item, values) for item in self.items)


def names_of(item: Item) -> tuple[str, ...]:
    """Names under which an item gives values: its own, and those of its bits."""
    return (*((item.name,) if item.name and item.kind != "const" else ()), *item.bits)


# -- decoding -------------------------------------------------------------------------------------------------------


def _take(item: Item, data: bytes, at: int, values: Values) -> tuple[bytes, int]:
    size = item.size
    if isinstance(size, str):
        size = len(data) - at if size == REST else _count(item, values, size)
    end = at + size
    if end > len(data):
        raise BadValue(item.name, f"needs {size} bytes, {len(data) - at} are left")
    return data[at:end], end


def _count(item: Item, values: Mapping[str, Value], name: str) -> int:
    count = values.get(name)
    if not isinstance(count, int) or count < 0:
        raise BadValue(item.name, f"its size is told by {name}, which is {count!r}")
    return count


def checked(item: Item, value: int) -> int:
    """A number of this item, if it is one that the item takes.

    Raises:
        BadValue: it is not.
    """
    if item.names and value not in item.names.values():
        told = ", ".join(f"{number:02X} {name}" for name, number in item.names.items())
        raise BadValue(item.name, f"{value} (0x{value:02X}) is none of {told}")
    low, high = item.low, item.high
    if (low is not None and value < low) or (high is not None and value > high):
        raise BadValue(item.name, f"{value} is outside {low}..{high}")
    return value


def spread(item: Item, value: int, values: Values) -> None:
    """Put the parts of a uint with bits into `values`."""
    for name, (low, high) in item.bits.items():
        values[name] = value >> low & (1 << high - low + 1) - 1


def _decoder(item: Item) -> Decode:
    return _DECODERS[item.kind](item)


def _const(item: Item) -> Decode:
    const = item.const

    def decode(data: bytes, at: int, values: Values) -> int:
        if not data.startswith(const, at):
            raise BadValue(item.name or "constant", f"expected {const.hex(' ').upper()}")
        return at + len(const)

    return decode


def _uint(item: Item) -> Decode:
    name, size = item.name, item.size
    little = item.endian == "little"
    plain = not item.names and item.low is None and item.high is None and not item.bits
    assert isinstance(size, int)

    def octet(data: bytes, at: int, values: Values) -> int:
        if at >= len(data):
            raise BadValue(name, "is missing")
        values[name] = data[at]
        return at + 1

    def decode(data: bytes, at: int, values: Values) -> int:
        end = at + size
        if end > len(data):
            raise BadValue(name, f"needs {size} bytes, {len(data) - at} are left")
        value = checked(item, int.from_bytes(data[at:end], "little" if little else "big"))
        values[name] = value
        if item.bits:
            spread(item, value, values)
        return end

    return octet if plain and size == 1 else decode


def _bytes(item: Item) -> Decode:
    def decode(data: bytes, at: int, values: Values) -> int:
        values[item.name], end = _take(item, data, at, values)
        return end

    return decode


def charset(item: Item, values: Mapping[str, Value]) -> str:
    """The character set of a text, chosen by another value where the declaration says so.

    Raises:
        BadValue: that value chooses none.
    """
    if not item.encoding_by:
        return item.encoding
    by = values.get(item.encoding_by)
    try:
        return item.encodings[by]  # type: ignore[index]
    except KeyError:
        raise BadValue(item.name, f"{item.encoding_by} {by!r} names no character set") from None


def _text(item: Item) -> Decode:
    def decode(data: bytes, at: int, values: Values) -> int:
        raw, end = _take(item, data, at, values)
        text = raw.decode(charset(item, values), "backslashreplace")
        values[item.name] = text.rstrip(item.pad) if item.pad else text
        return end

    return decode


def _digits(item: Item) -> Decode:
    def decode(data: bytes, at: int, values: Values) -> int:
        raw, end = _take(item, data, at, values)
        made = []
        for char in raw:
            if char == item.blank:
                made.append(" ")
            elif char <= 9:
                made.append(chr(0x30 + char))
            else:
                raise BadValue(item.name, f"0x{char:02X} is no digit")
        values[item.name] = "".join(made)
        return end

    return decode


def _bcd(item: Item) -> Decode:
    def decode(data: bytes, at: int, values: Values) -> int:
        raw, end = _take(item, data, at, values)
        text = raw.hex()
        if not text.isdecimal() and text:
            raise BadValue(item.name, f"{raw.hex(' ').upper()} is not binary coded decimal")
        values[item.name] = text
        return end

    return decode


def _number(base: int, digits: bytes, what: str) -> Callable[[Item], Decode]:
    allowed = frozenset(digits)

    def make(item: Item) -> Decode:
        def decode(data: bytes, at: int, values: Values) -> int:
            raw, end = _take(item, data, at, values)
            if not raw or not allowed.issuperset(raw):
                raise BadValue(item.name, f"{raw!r} is not a number in {what} digits")
            values[item.name] = checked(item, int(raw, base))
            return end

        return decode

    return make


def _group(item: Item) -> Decode:
    decoders = tuple(_decoder(inner) for inner in item.items)
    size = item.size

    def decode(data: bytes, at: int, values: Values) -> int:
        most = MOST_REPEATS
        if size != REST:
            most = size if isinstance(size, int) else _count(item, values, size)
        made: list[Values] = []
        while len(made) < most if size != REST else at < len(data):
            if len(made) >= MOST_REPEATS:
                raise BadValue(item.name, f"repeats more than {MOST_REPEATS} times")
            inner: Values = {}
            before = at
            for one in decoders:
                at = one(data, at, inner)
            made.append(inner)
            if at == before:
                raise BadValue(item.name, "repeats something without bytes")
        values[item.name] = made
        return at

    return decode


_DECODERS: Final[Mapping[str, Callable[[Item], Decode]]] = {
    "const": _const,
    "uint": _uint,
    "bytes": _bytes,
    "text": _text,
    "digits": _digits,
    "bcd": _bcd,
    "hex": _number(16, b"0123456789ABCDEFabcdef", "hexadecimal"),
    "decimal": _number(10, b"0123456789", "decimal"),
    "group": _group,
}


# -- encoding -------------------------------------------------------------------------------------------------------


def _encode(item: Item, values: Mapping[str, Value]) -> bytes:
    if item.kind == "const":
        return item.const
    value = values.get(item.name)
    if value is None and item.bits:
        value = sum((_whole(item, values.get(name, 0)) << low) for name, (low, _) in item.bits.items())
    if value is None:
        raise BadValue(item.name, "has no value")
    raw = _ENCODERS[item.kind](item, value, values)
    size = item.size
    if isinstance(size, str) and size != REST and item.kind != "group":
        told = values.get(size)
        if told is not None and told != len(raw):
            raise BadValue(item.name, f"has {len(raw)} bytes, but {size} says {told}")
    return raw


def _whole(item: Item, value: Value) -> int:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and value in item.names:
        return item.names[value]
    if not isinstance(value, int):
        raise BadValue(item.name, f"{value!r} is not a whole number")
    return value


def _encode_uint(item: Item, value: Value, values: Mapping[str, Value]) -> bytes:
    number = checked(item, _whole(item, value))
    assert isinstance(item.size, int)
    try:
        return number.to_bytes(item.size, "little" if item.endian == "little" else "big")
    except OverflowError:
        raise BadValue(item.name, f"{number} does not fit in {item.size} bytes") from None


def as_bytes(value: Value) -> bytes:
    """Bytes as they are, or written as hexadecimal text ("06 0F").

    Raises:
        ValueError: the text is not hexadecimal, or the value is a number or a list.
    """
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if isinstance(value, str):
        return bytes.fromhex(value)
    raise ValueError(f"{value!r} is neither bytes nor hexadecimal text")


def _encode_bytes(item: Item, value: Value, values: Mapping[str, Value]) -> bytes:
    try:
        raw = as_bytes(value)
    except ValueError as error:
        raise BadValue(item.name, str(error)) from None
    if isinstance(item.size, int) and len(raw) != item.size:
        raise BadValue(item.name, f"has {len(raw)} bytes, the field has {item.size}")
    return raw


def _encode_text(item: Item, value: Value, values: Mapping[str, Value]) -> bytes:
    if not isinstance(value, str):
        raise BadValue(item.name, f"{value!r} is not text")
    try:
        raw = value.encode(charset(item, values))
    except UnicodeEncodeError as error:
        raise BadValue(item.name, f"{value[error.start]!r} is not in {error.encoding}") from None
    if isinstance(item.size, int):
        raw = raw.ljust(item.size, item.pad.encode() or b" ") if item.pad else raw
        if len(raw) != item.size:
            raise BadValue(item.name, f"{value!r} has {len(raw)} bytes, the field has {item.size}")
    return raw


def _encode_digits(item: Item, value: Value, values: Mapping[str, Value]) -> bytes:
    assert isinstance(item.size, int)
    text = value if isinstance(value, str) else f"{_whole(item, value):0{item.size}d}"
    if len(text) != item.size:
        raise BadValue(item.name, f"{text!r} has {len(text)} digits, the field has {item.size}")
    made = bytearray()
    for char in text:
        if char == " " and item.blank is not None:
            made.append(item.blank)
        elif char in "0123456789":
            made.append(int(char))
        else:
            raise BadValue(item.name, f"{char!r} is no digit")
    return bytes(made)


def _encode_bcd(item: Item, value: Value, values: Mapping[str, Value]) -> bytes:
    assert isinstance(item.size, int)
    text = value if isinstance(value, str) else f"{_whole(item, value):0{2 * item.size}d}"
    if len(text) != 2 * item.size or not text.isascii() or not text.isdecimal():
        raise BadValue(item.name, f"{text!r} is not {2 * item.size} decimal digits")
    return bytes.fromhex(text)


def _encode_number(base: str) -> Callable[[Item, Value, Mapping[str, Value]], bytes]:
    def encode(item: Item, value: Value, values: Mapping[str, Value]) -> bytes:
        number = checked(item, _whole(item, value))
        if isinstance(item.size, int):
            text = f"{number:0{item.size}{base}}"
            if number < 0 or len(text) != item.size:
                raise BadValue(item.name, f"{number} does not fit in {item.size} digits")
        else:
            text = f"{number:{base}}"
        return text.encode()

    return encode


def _encode_group(item: Item, value: Value, values: Mapping[str, Value]) -> bytes:
    if not isinstance(value, list):
        raise BadValue(item.name, f"{value!r} is not a list")
    count = item.size if isinstance(item.size, int) else None if item.size == REST else values.get(item.size)
    if count is not None and count != len(value):
        raise BadValue(item.name, f"{len(value)} repeats, but {item.size} says {count}")
    odd = next((one for one in value if not isinstance(one, Mapping)), None)
    if odd is not None:
        raise BadValue(item.name, f"{odd!r} is no table of values")
    return b"".join(_encode(inner, one) for one in value for inner in item.items)


_ENCODERS: Final[Mapping[str, Callable[[Item, Value, Mapping[str, Value]], bytes]]] = {
    "uint": _encode_uint,
    "bytes": _encode_bytes,
    "text": _encode_text,
    "digits": _encode_digits,
    "bcd": _encode_bcd,
    "hex": _encode_number("X"),
    "decimal": _encode_number("d"),
    "group": _encode_group,
}
