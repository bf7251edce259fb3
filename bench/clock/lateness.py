"""How late wall time made things: a histogram that costs one addition a value and never grows.

Values fall into buckets that are an eighth of a power of two wide, so a quantile is read off to within 13 %.
"""

from __future__ import annotations

from typing import Any

_FINE = 3
"""Bits of a value that tell its bucket apart from others of the same length: 8 buckets for each power of two."""
_MAX_BITS = 40
_US = 1_000_000


def _bucket(us: int) -> int:
    bits = us.bit_length()
    if bits <= _FINE + 1:
        return us
    shift = bits - _FINE - 1
    return (shift << _FINE) + (us >> shift)


def _upper_edge(bucket: int) -> int:
    shift = max(0, (bucket >> _FINE) - 1)
    mantissa = bucket - (shift << _FINE)
    return ((mantissa + 1) << shift) - 1


class Lateness:
    """Counts delays; answers count, mean, quantiles and maximum.

    Attributes:
        count: how many delays were recorded.
        max_us: the longest, microseconds.
    """

    __slots__ = ("_buckets", "_sum", "count", "max_us")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything recorded so far."""
        self._buckets = [0] * (_bucket(1 << _MAX_BITS) + 1)
        self._sum = 0
        self.count = 0
        self.max_us = 0

    def record(self, seconds: float) -> None:
        """Count one delay, in seconds; what was early counts as 0."""
        us = int(seconds * _US)
        if not 0 <= us < 1 << _MAX_BITS:
            us = 0 if us < 0 else (1 << _MAX_BITS) - 1
        self._buckets[_bucket(us)] += 1
        self._sum += us
        self.count += 1
        if us > self.max_us:
            self.max_us = us

    def quantile(self, q: float) -> float:
        """The delay in seconds that a fraction `q` of the values does not exceed, at most 13 % too high; 0 of nothing.

        Args:
            q: 0 to 1.

        Raises:
            ValueError: `q` is not 0 to 1.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"a quantile is between 0 and 1, not {q}")
        wanted = q * self.count
        seen = 0
        for bucket, n in enumerate(self._buckets):
            seen += n
            if n and seen >= wanted:
                return min(_upper_edge(bucket), self.max_us) / _US
        return 0.0

    @property
    def mean(self) -> float:
        """Mean delay in seconds; 0 of nothing."""
        return self._sum / self.count / _US if self.count else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Count, mean, p50, p99 and maximum, in milliseconds, for display and for run.json."""
        return {
            "count": self.count,
            "mean_ms": round(self.mean * 1000, 3),
            "p50_ms": round(self.quantile(0.5) * 1000, 3),
            "p99_ms": round(self.quantile(0.99) * 1000, 3),
            "max_ms": round(self.max_us / 1000, 3),
        }
