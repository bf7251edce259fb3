"""What the date and the time zone say about the hall's hours (see `bench.scenario.crosscheck`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date as Date  # noqa: N812 (`date` is what such a value is called here)
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bench.scenario.draft import Draft, Finding, text
from bench.scenario.times import NS, time_text


def _clocks(draft: Draft) -> Iterator[Finding]:
    """Times of day are nanoseconds since midnight: while the hall runs, no clock may be put forward or back."""
    date, zone, running = draft.data.get("date"), text(draft.data, "timezone"), draft.running
    if type(date) is not Date or running is None:
        return
    start, end = (at // NS for at in running)
    try:
        changed = _change(datetime(date.year, date.month, date.day, tzinfo=ZoneInfo(zone)), start, end)
    except (LookupError, ValueError, OSError, OverflowError):
        return  # no such zone, or a number that the model refuses
    if changed is not None:
        told = (
            f"on {date} the clocks of {zone} change at {time_text(changed * NS)}, while the hall runs "
            f"({time_text(start * NS)} to {time_text(end * NS)}): its times of day would be off"
        )
        yield Finding(("date",), told, "choose another day, or hours that do not meet the change")


def _change(midnight: datetime, start: int, end: int) -> int | None:
    """When the offset from UTC changes between two times of day in seconds: the first that has another; None if not."""

    def offset(at: int) -> timedelta | None:
        return (midnight + timedelta(seconds=at)).utcoffset()

    first = offset(start)
    after: int | None = next((at for at in (*range(start, end, 900), end) if offset(at) != first), None)
    if after is None:
        return None
    before = max(start, after - 900)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if offset(middle) == first else (before, middle)
    return after


DAY_CHECKS: tuple[Callable[[Draft], Iterable[Finding]], ...] = (_clocks,)
