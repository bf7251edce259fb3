"""What a host writes to an Alpha sign: (command code, data) pairs for `protocol.alpha.packet.packet`."""

from __future__ import annotations

from collections.abc import Iterable

from protocol.alpha.codes import (
    ACKNOWLEDGE,
    CLEAR_ERRORS,
    ERROR_STATUS,
    ESC,
    FILL,
    MEMORY,
    PRIORITY,
    READ_SPECIAL,
    READ_STRING,
    READ_TEXT,
    SEQUENCE,
    WRITE_SPECIAL,
    WRITE_STRING,
    WRITE_TEXT,
)
from protocol.alpha.memory import Entry

HOLD = ord("b")


def text(label: str, body: bytes, *, position: int = FILL, mode: int = HOLD) -> tuple[int, bytes]:
    """Write a TEXT file with one mode field."""
    return WRITE_TEXT, label.encode("ascii") + bytes([ESC, position, mode]) + body


def release() -> tuple[int, bytes]:
    """Let go of the priority file: a write with nothing after the label (section 6.1.3 [S], form measured [C])."""
    return WRITE_TEXT, bytes([PRIORITY])


def string(label: str, body: bytes) -> tuple[int, bytes]:
    """Write a STRING file."""
    return WRITE_STRING, label.encode("ascii") + body


def call(label: str) -> bytes:
    """Where a TEXT file shows a STRING file."""
    return b"\x10" + label.encode("ascii")


def memory(table: Iterable[Entry] = ()) -> tuple[int, bytes]:
    """Configure the memory; without files, clear it. All that was in it is lost."""
    return WRITE_SPECIAL, bytes([MEMORY]) + b"".join(entry.encode() for entry in table)


def sequence(labels: str, *, kind: str = "S") -> tuple[int, bytes]:
    """Which TEXT files run, in order. Kind T by their times, S regardless of them, D as T and deleted when over."""
    return WRITE_SPECIAL, bytes([SEQUENCE]) + f"{kind}U{labels}".encode("ascii")


def acknowledge(*, on: bool) -> tuple[int, bytes]:
    """Switch ACK and NAK on or off (Alpha 2.0 and 3.0)."""
    return WRITE_SPECIAL, bytes([ACKNOWLEDGE]) + (b"1" if on else b"0")


def clear_errors() -> tuple[int, bytes]:
    """Clear the serial error status."""
    return WRITE_SPECIAL, bytes([CLEAR_ERRORS])


def read_errors() -> tuple[int, bytes]:
    """Ask for the serial error status."""
    return READ_SPECIAL, bytes([ERROR_STATUS])


def read_memory() -> tuple[int, bytes]:
    """Ask for the memory configuration."""
    return READ_SPECIAL, bytes([MEMORY])


def read_text(label: str) -> tuple[int, bytes]:
    """Ask for a TEXT file."""
    return READ_TEXT, label.encode("ascii")


def read_string(label: str) -> tuple[int, bytes]:
    """Ask for a STRING file."""
    return READ_STRING, label.encode("ascii")
