"""Times of the day as people write them, and as integers: ns since local midnight."""

from __future__ import annotations

import re
from datetime import time as ClockTime  # noqa: N812 (`time` is also the name of a module that is not used here)
from typing import NamedTuple

NS = 1_000_000_000
MINUTE = 60 * NS
HOUR = 3600 * NS
DAY = 24 * HOUR

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")


def parse_time(value: object) -> int:
    """Nanoseconds since midnight for `"07:30"`, `"07:30:15"` or a TOML local time; `"24:00"` is the end of the day.

    Raises:
        ValueError: anything else, with what a time of day looks like.
    """
    if isinstance(value, ClockTime) and value.tzinfo is None:
        return (value.hour * 3600 + value.minute * 60 + value.second) * NS + value.microsecond * 1000
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match:
        hour, minute, second = (int(part or 0) for part in match.groups())
        at = (hour * 3600 + minute * 60 + second) * NS
        if minute < 60 and second < 60 and at <= DAY:
            return at
    raise ValueError(f'{_shown(value)} is not a time of day (write it as "07:30", from "00:00" to "24:00")')


def time_text(at: int) -> str:
    """`"07:30"` (or `"07:30:15"`) for nanoseconds since midnight; fractions of a second are cut off."""
    minutes, second = divmod(at // NS, 60)
    text = f"{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{text}:{second:02d}" if second else text


class Span(NamedTuple):
    """A stretch of the day, in nanoseconds since midnight: `start <= t < end`."""

    start: int
    end: int

    def __contains__(self, at: object) -> bool:
        return isinstance(at, int) and self.start <= at < self.end

    def __str__(self) -> str:
        return f"{time_text(self.start)}-{time_text(self.end)}"


def parse_span(value: object) -> Span:
    """The span written `"07:30-11:30"`.

    Raises:
        ValueError: not two times with a dash between them, or the end is not after the start.
    """
    parts = value.split("-") if isinstance(value, str) else []
    if len(parts) != 2:
        raise ValueError(f'{_shown(value)} is not a span of the day (write it as "07:30-11:30")')
    span = Span(parse_time(parts[0].strip()), parse_time(parts[1].strip()))
    if span.end <= span.start:
        raise ValueError(f"the span {_shown(value)} ends before it starts")
    return span


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
