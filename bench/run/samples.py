"""What the program under test holds of the machine, now and then: descriptors and memory (invariant `resources`).

Of a program of its own, from /proc. Of a program inside this process only the descriptors: the memory is the bench's as
well. None where the system has no such thing. These numbers are not the same at each run, so they stand in `run.json`
and not in the history.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["MOST", "Sample", "sample", "thinned"]

MOST: Final = 240
"""Samples kept of a run."""


class Sample(NamedTuple):
    """One look.

    Args:
        at: instant of the hall, ns.
        descriptors: how many are open.
        memory_kb: resident memory, kilobytes.
    """

    at: int
    descriptors: int | None
    memory_kb: int | None


def sample(at: int, pid: int | None = None) -> Sample:
    """Look at a process; None is this one."""
    place = Path("/proc") / ("self" if pid is None else str(pid))
    descriptors: int | None = None
    memory: int | None = None
    with contextlib.suppress(OSError):
        descriptors = len(os.listdir(place / "fd"))  # noqa: PTH208 - a generator would keep a descriptor open
    if pid is not None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            pages = int((place / "statm").read_text().split()[1])
            memory = pages * (os.sysconf("SC_PAGE_SIZE") // 1024)
    return Sample(at, descriptors, memory)


def thinned(samples: Sequence[Sample]) -> list[list[int | None]]:
    """At most `MOST` of them, evenly, as run.json has them."""
    step = -(-len(samples) // MOST) or 1
    return [list(item) for item in samples[::step]]
