"""A sign's clock: time of day, day of the week and date, each set by itself (Table 15 of form 9708-8061 [S]).

The date has two digits for its year; 97 to 99 are 1997 to 1999, the rest 2000 on (footnote 15 [S]). The three do not
know of each other: the date and the day of the week go on at midnight.
"""

from __future__ import annotations

from typing import Final

from firmware_sim.device import NS

_MINUTE: Final = 60 * NS
_DAY: Final = 24 * 60 * _MINUTE
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TIME: Final = 0x13
_CENTURY: Final = 97

_FORMS: Final = {
    ord("0"): "{m:02}/{d:02}/{y:02}",
    ord("1"): "{d:02}/{m:02}/{y:02}",
    ord("2"): "{m:02}-{d:02}-{y:02}",
    ord("3"): "{d:02}-{m:02}-{y:02}",
    ord("4"): "{m:02}.{d:02}.{y:02}",
    ord("5"): "{d:02}.{m:02}.{y:02}",
    ord("6"): "{m:02} {d:02} {y:02}",
    ord("7"): "{d:02} {m:02} {y:02}",
    ord("8"): "{name}.{d:02}, {year}",
    ord("9"): "{weekday}",
}
"""Parameter of control code 0x0B -> the date as it is shown (Appendix G [S])."""


class AlphaClock:
    """A clock that runs from 0:00 on a Sunday, 1 January 2000, if nobody sets it (assumed)."""

    def __init__(self) -> None:
        self.format = b"S"
        self._offset = 0  # time of day minus the instant's place in its day
        self._days = 0  # to add to the number of midnights that have passed
        self._date = (0, 2000, 1, 1)  # midnights when it was set, year, month, day

    def _now(self, now: int) -> int:
        return now + self._offset

    def _midnights(self, now: int) -> int:
        return self._now(now) // _DAY

    def minute(self, now: int) -> int:
        """Minute of the day."""
        return self._now(now) % _DAY // _MINUTE

    def next_minute(self, now: int) -> int:
        """The instant at which the next minute begins."""
        return now + _MINUTE - self._now(now) % _MINUTE

    def weekday(self, now: int) -> int:
        """Day of the week, 1 = Sunday .. 7."""
        return (self._midnights(now) + self._days) % 7 + 1

    # -- setting; each tells whether it was taken -------------------------------------------------------------------
    def set_time(self, now: int, data: bytes) -> bool:
        """HHMM."""
        found = _digits(data, (24, 60))
        if found is None:
            return False
        before = self._midnights(now)
        hours, minutes = found
        self._offset += (hours * 60 + minutes) * _MINUTE - self._now(now) % _DAY
        assert before == self._midnights(now)
        return True

    def set_weekday(self, now: int, data: bytes) -> bool:
        """1 = Sunday .. 7."""
        if len(data) != 1 or data not in b"1234567":
            return False
        self._days += int(data) - self.weekday(now)
        return True

    def set_format(self, data: bytes) -> bool:
        """S = 12 hours, M = 24 hours."""
        if data not in (b"S", b"M"):
            return False
        self.format = data
        return True

    def set_date(self, now: int, data: bytes) -> bool:
        """MMDDYY."""
        found = _digits(data, (13, 32, 100))
        if found is None or 0 in found[:2]:
            return False
        month, day, year = found
        self._date = (self._midnights(now), year + (1900 if year >= _CENTURY else 2000), month, day)
        return True

    # -- telling ----------------------------------------------------------------------------------------------------
    def told_time(self, now: int) -> bytes:
        """HHMM."""
        minute = self.minute(now)
        return b"%02d%02d" % (minute // 60, minute % 60)

    def told_weekday(self, now: int) -> bytes:
        """1 = Sunday .. 7."""
        return b"%d" % self.weekday(now)

    def told_date(self, now: int) -> bytes:
        """MMDDYY."""
        year, month, day = self._today(now)
        return b"%02d%02d%02d" % (month, day, year % 100)

    def text(self, now: int, code: int, form: bytes) -> str:
        """What a control code in a text shows: the time, or the date in one of its forms."""
        if code == _TIME:
            minute = self.minute(now)
            hours = minute // 60
            if self.format == b"M":
                return f"{hours:02}:{minute % 60:02}"
            return f"{(hours + 11) % 12 + 1}:{minute % 60:02} {'AM' if hours < 12 else 'PM'}"
        year, month, day = self._today(now)
        pattern = _FORMS.get(form[0] if form else 0, "")
        return pattern.format(
            m=month, d=day, y=year % 100, year=year, name=_MONTHS[month - 1], weekday=_DAYS[self.weekday(now) - 1]
        )

    def _today(self, now: int) -> tuple[int, int, int]:
        since, year, month, day = self._date
        for _ in range(min(max(self._midnights(now) - since, 0), 40_000)):
            leap = month == 2 and (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
            day += 1
            if day > _LENGTHS[month - 1] + leap:
                day, month = 1, month + 1
            if month > 12:
                month, year = 1, year + 1
        return year, month, day


def _digits(data: bytes, below: tuple[int, ...]) -> tuple[int, ...] | None:
    """Pairs of decimal digits, each below its bound; None when they are not."""
    if len(data) != 2 * len(below) or any(char not in b"0123456789" for char in data):
        return None
    found = tuple(int(data[at : at + 2]) for at in range(0, len(data), 2))
    return found if all(a < b for a, b in zip(found, below, strict=True)) else None
