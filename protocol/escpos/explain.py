"""ESC/POS in words, both ways: what a host sends to a printer, token by token, and what the printer answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from protocol.escpos import codepages
from protocol.escpos.commands import ROWS, Row
from protocol.escpos.profiles import TM_T88
from protocol.escpos.status import (
    AutoStatus,
    Block,
    Cleared,
    Condition,
    Confirmed,
    Flow,
    Plain,
    RealTime,
    ReplyEvent,
    Stray,
    parse_replies,
)
from protocol.escpos.tokenizer import Token, tokenize

_BYTES_SHOWN: Final = 8
_TEXT_SHOWN: Final = 64
_PROBLEMS_TOLD: Final = 5
_ROW_OF: Final = {row.name: row for row in ROWS}
_FAMILIES: Final = {row.name: row for row in ROWS if row.family}


class Explained(NamedTuple):
    """A stream in words; `problem` says what of it is not understood, or is empty."""

    lines: list[str]
    problem: str


def to_printer(data: bytes) -> Explained:
    """Explain what a host sends: a line for each command and each stretch of text.

    Text is shown in the character table that the stream itself has chosen (`ESC t`, numbers as on a TM-T88).
    """
    page = TM_T88.code_pages[0]
    lines: list[str] = []
    problems: list[str] = []
    at = 0
    for token in tokenize(data):
        meaning = _meaning(token, page)
        page = page_after(token, page)
        lines.append(_line(at, token.raw, token.name, meaning))
        if token.name in ("unknown", "incomplete"):
            problems.append(f"{token.raw[:_BYTES_SHOWN].hex(' ').upper()} at offset {at} is {_TROUBLE[token.name]}")
        at += len(token.raw)
    return Explained(lines, _told(problems))


def _told(problems: list[str]) -> str:
    """The first problems, and how many more there are: what is no ESC/POS at all has one in every third byte."""
    more = len(problems) - _PROBLEMS_TOLD
    return "; ".join(problems[:_PROBLEMS_TOLD]) + (f"; and {more:,} more" if more > 0 else "")


def _hex(data: bytes) -> str:
    """The first bytes, and how many there are if they are more."""
    more = f" .. ({len(data):,} bytes)" if len(data) > _BYTES_SHOWN else ""
    return data[:_BYTES_SHOWN].hex(" ").upper() + more


_TROUBLE: Final = {"unknown": "no known command", "incomplete": "a command that ends too soon"}


def _line(at: int, raw: bytes, name: str, meaning: str) -> str:
    where = f"{at}" if len(raw) == 1 else f"{at}-{at + len(raw) - 1}"
    shown = raw[:_BYTES_SHOWN].hex(" ").upper() + (" .." if len(raw) > _BYTES_SHOWN else "")
    return f"{where:>9}  {shown:<26}  {name:<8}  {meaning}".rstrip()


def _row(token: Token) -> Row | None:
    row = _ROW_OF.get(token.name)
    return row or next((family for name, family in _FAMILIES.items() if token.name.startswith(f"{name} ")), None)


def _meaning(token: Token, page: str) -> str:
    if token.name == "text":
        text = codepages.decode(token.raw, page)
        more = f" .. ({len(text)} characters)" if len(text) > _TEXT_SHOWN else ""
        return f"{text[:_TEXT_SHOWN]!r}{more}"
    if token.name == "data":
        return f"{len(token.raw)} bytes of data" + (f", {token.follows} to come" if token.follows else "")
    if token.name in _TROUBLE:
        return _TROUBLE[token.name]
    row = _row(token)
    parts = [row.meaning if row else ""]
    counted = row is not None and row.family and row.size is not None and len(token.data) >= 2
    if counted:
        parts = [_FUNCTION.get((token.name, token.data[:2]), f"function {token.data[:2].hex(' ').upper()}")]
    elif token.head:
        parts.append(f"parameters {token.head.hex(' ').upper()}")
    if token.name == "ESC t":
        parts.append(f"table {TM_T88.code_pages.get(token.head[0], 'unknown on a TM-T88')}")
    if token.data:
        parts.append(_contents(token.data[2:] if counted else token.data))
    if token.follows:
        parts.append(f"{token.follows} bytes of data follow")
    return "; ".join(part for part in parts if part)


_FUNCTION: Final = {
    ("GS ( k", b"1A"): "QR: model",
    ("GS ( k", b"1C"): "QR: module size",
    ("GS ( k", b"1E"): "QR: error correction",
    ("GS ( k", b"1P"): "QR: store data",
    ("GS ( k", b"1Q"): "QR: print",
    ("GS ( H", b"00"): "process id: tell when all before it is on paper",
}
"""Functions of the extended commands that a queue system uses, by the first two bytes of their data."""


def _contents(data: bytes) -> str:
    shown = data[:_BYTES_SHOWN].hex(" ").upper() + (" .." if len(data) > _BYTES_SHOWN else "")
    if not data:
        return ""
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data[:32])
    return f"{len(data)} {'byte' if len(data) == 1 else 'bytes'} {shown} '{text}'"


def page_after(token: Token, page: str, pages: Mapping[int, str] = TM_T88.code_pages) -> str:
    """The character table that holds after a command, by the numbers that a printer gives them."""
    if token.name == "ESC @":
        return pages[0]
    if token.name == "ESC t":
        chosen = pages.get(token.head[0], page)
        return chosen if codepages.is_supported(chosen) else page
    return page


def from_printer(data: bytes) -> Explained:
    """Explain what a printer answers: a line for each reply, in order."""
    events, rest = parse_replies(data)
    lines = [_reply(event) for event in events]
    problems = [f"{event.value:02X} fits no reply" for event in events if isinstance(event, Stray)]
    if rest:
        lines.append(f"{_hex(rest)}: a reply that is not complete")
        problems.append(f"the reply {_hex(rest)} is not complete")
    return Explained(lines, _told(problems))


def _reply(event: ReplyEvent) -> str:
    match event:
        case Flow(ready):
            return "XON: ready" if ready else "XOFF: busy"
        case AutoStatus(raw, condition):
            return f"{raw.hex(' ').upper()}  automatic status: {_condition(condition)}"
        case RealTime(value):
            return f"{value:02X}  answer to DLE EOT: {_real_time(event)}"
        case Plain(value):
            return f"{value:02X}  answer to GS r or GS I"
        case Confirmed(number):
            return f"confirmed: everything before process id {number.decode('ascii', 'backslashreplace')!r} is on paper"
        case Cleared():
            return "the buffers are empty"
        case Block(header, body):
            return f"{header:02X}  block {body.decode('ascii', 'backslashreplace')!r}"
        case Stray(value):
            return f"{value:02X}  fits no reply"


def _condition(condition: Condition) -> str:
    normal = Condition()
    changed = [name for name in Condition._fields if getattr(condition, name) != getattr(normal, name)]
    return ", ".join(name.replace("_", " ") for name in changed) or "ready, paper in, cover closed"


def _real_time(event: RealTime) -> str:
    """What the byte would say to each of the four questions: the byte alone does not tell which was asked."""
    parts = [f"{n}: {', '.join(sorted(name.replace('_', ' ') for name in event.of(n))) or '-'}" for n in range(1, 5)]
    return "as n=" + "; n=".join(parts)
