"""A frame of a declared protocol in words: its parts with their bytes, the message it is, the values it carries."""

from __future__ import annotations

from collections.abc import Iterator

from protocol.declared.codec import SOURCES, Codec, Decoded
from protocol.declared.frames import FrameCodec, Part
from protocol.declared.reader import Broken, Frame

_SHOWN = 16
"""Bytes of a part that are shown; of a longer one, the first."""


def explain(codec: Codec, data: bytes, source: str | None = None) -> tuple[list[str], str]:
    """Explain a piece of one direction of a line.

    Args:
        codec: the protocol.
        data: what was sent.
        source: "host" or "device"; None finds out by what fits.

    Returns:
        Lines for people, and what is wrong with the bytes; "" when nothing is.
    """
    told = [_told(codec, data, one) for one in ((source,) if source else SOURCES)]
    return min(told, key=lambda found: (bool(found[1]), found[2]))[:2]


def _told(codec: Codec, data: bytes, source: str) -> tuple[list[str], str, int]:
    reader = codec.reader(source)
    lines: list[str] = []
    problems: list[str] = []
    unknown = 0
    for item in (*reader.feed(data), *reader.gap()):
        if isinstance(item, Broken):
            problems.append(f"{_bytes(item.raw)} is no sound frame: {_WHY.get(item.cause, item.cause)}")
            lines.append(f"{_bytes(item.raw)}  broken: {_WHY.get(item.cause, item.cause)}")
            continue
        decoded = codec.read(source, item)
        lines += _frame(codec, source, item, decoded)
        if decoded.message is None:
            unknown += 1
            problems.append(decoded.why or f"no message of the {source} matches")
    if reader.noise and not problems:
        problems.append(f"{reader.noise} of {len(data)} bytes belong to no frame")
    if not lines and not problems:
        problems.append("no frame is complete in it")
    return lines, "; ".join(problems), unknown + reader.noise + 1000 * (not lines)


_WHY = {
    "check": "its check does not fit",
    "length": "its length or a constant part does not fit",
    "value": "a part has a value that it cannot have",
    "escape": "a byte stands unescaped, or an escape stands for nothing",
}


def _frame(codec: Codec, source: str, frame: Frame, decoded: Decoded) -> Iterator[str]:
    message = decoded.message
    name = message.name if message is not None else "unknown message"
    meaning = f": {message.meaning}" if message is not None and message.meaning else ""
    yield f"{_bytes(frame.raw)}  from the {source}, {name}{meaning}"
    plain, body = frame.codec.plain, frame.codec.body_of(frame.raw)
    if plain is not frame.codec:
        yield f"  without escapes: {_bytes(body)}"
    for part, begin, end in plain.spans(body):
        yield f"  {part.name:<12} {_bytes(body[begin:end]):<24} {_part(part, body[begin:end], plain, decoded)}".rstrip()
    if message is None:
        yield f"  {decoded.why or 'no message of the declaration matches'}"
        return
    for item in message.fields:
        if item.name in decoded.values:
            yield f"    {item.name} = {_value(codec, decoded, item.name)}"
        for bit in item.bits:
            yield f"    {bit} = {decoded.values[bit]}"


def _part(part: Part, raw: bytes, frame: FrameCodec, decoded: Decoded) -> str:
    if part.check is not None:
        return f"{part.check.title} over {part.check.over[0]}..{part.check.over[1]}"
    if part.counts is not None:
        size = len(raw) // part.repeat
        count = int.from_bytes(raw[:size], "little" if part.item.endian == "little" else "big")
        twice = f", {part.repeat} times" if part.repeat > 1 else ""
        return f"{count} bytes of {part.counts[0]}..{part.counts[1]}{twice}"
    if part.item.kind in ("const", "bytes"):
        return ""
    value = decoded.values.get(part.name)
    name = part.item.name_of(value)
    return f"{value!r}" + (f" {name}" if name else "") + (", the address" if part.address else "")


def _value(codec: Codec, decoded: Decoded, name: str) -> str:
    assert decoded.message is not None
    value = decoded.values[name]
    if isinstance(value, bytes):
        return _bytes(value)
    item = codec.items_of(decoded.message).get(name)
    known = item.name_of(value) if item is not None else ""
    return f"{value!r} ({known})" if known else f"{value!r}"


def _bytes(raw: bytes) -> str:
    shown = raw[:_SHOWN].hex(" ").upper()
    return f"{shown} ... ({len(raw)} bytes)" if len(raw) > _SHOWN else shown
