"""Things that go wrong on purpose in a test, behind one call: `hall.fault("bit_flip", line="keypads", where="reply")`.

The faults are those of `bench.faults`, with their parameters and triggers. Here is what a test needs around them: the
program's only line as the default, a handle with what was hit, and the sentence for a fault that never hit anything: a
test of a fault that did not happen proves nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.daytime import clock_text
from bench.faults.acts import CannotStrike
from bench.faults.catalogue import CATALOGUE, find
from bench.faults.check import FaultError
from bench.faults.nemesis import Armed, Hit
from bench.faults.records_lock import RecordsLock
from bench.testing.build import SetupError, instant

if TYPE_CHECKING:
    from bench.testing.face import Hall

__all__ = ["FAULTS", "Fault", "arm", "hit_lines", "never_hit", "records_lock"]

FAULTS: Final[Mapping[str, str]] = {row.name: row.does for row in CATALOGUE.values()}
"""Every fault that exists: name -> what it does."""

KILL: Final = "kill"


class Fault:
    """A fault that a test has asked for.

    Args:
        hall: where.
        armed: the fault itself.
    """

    def __init__(self, hall: Hall, armed: Armed) -> None:
        self._hall = hall
        self.armed = armed

    @property
    def name(self) -> str:
        """Its name."""
        return self.armed.name

    @property
    def hits(self) -> Sequence[Hit]:
        """What it has hit: each has the instant `at`, what was `told`, and the `frame` as it was sent (or None)."""
        return self.armed.hits

    @property
    def live(self) -> bool:
        """Whether it may still strike."""
        return self.armed.live

    def cancel(self) -> None:
        """End it: it strikes no more, and what it holds up goes on."""
        self._hall.drive.do(lambda: self._hall.world.nemesis.end(self.armed))

    def __str__(self) -> str:
        return f"{self.name} ({self.armed.told})" if self.armed.told else self.name


def arm(hall: Hall, name: str, given: Mapping[str, Any]) -> Fault:
    """Let something go wrong.

    Args:
        hall: where.
        name: one of `FAULTS`, or its id.
        given: the fault's parameters and when it strikes (`bench.faults.triggers.CHOICE`); a fault that waits for a
            frame takes the program's only line when no line and no device is given.

    Raises:
        SetupError: it cannot be; says all that is wrong, and what there is instead.
    """
    asked = dict(given)
    for key in ("at", "after", "before"):
        if asked.get(key) is not None:
            asked[key] = instant(asked[key], hall.scenario)
    row = find(name)
    waits = row is not None and (row.where or row.layer == "line" or {"where", "phase", "unit"} & set(asked))
    if waits and not {"line", "device"} & set(asked) and len(hall.plan.outside) == 1:
        asked["line"] = hall.plan.outside[0]
    try:
        armed = hall.drive.do(lambda: hall.world.nemesis.inject(name, on_hit=hall.struck, **asked))
    except FaultError as error:
        raise SetupError(str(error)) from None
    return Fault(hall, armed)


def records_lock(hall: Hall) -> RecordsLock:
    """What keeps a program from storing its ratings where `hall.records` says."""

    def where() -> str | Path:
        records = hall.records
        if not isinstance(records, (str, os.PathLike)):
            raise CannotStrike("hall.records names no file or database that could be locked")
        return records if isinstance(records, str) else Path(records)

    return RecordsLock(where)


def never_hit(faults: Iterable[Fault]) -> list[str]:
    """A sentence for each fault that was to hit and did not."""
    told = []
    for fault in faults:
        if not fault.hits and not fault.armed.optional:
            why = f" ({fault.armed.why})" if fault.armed.why else ""
            told.append(
                f"the fault {fault} never hit anything{why}: the test did not see what it is about "
                "(optional=True if that is meant)"
            )
    return told


def hit_lines(faults: Iterable[Fault]) -> list[str]:
    """What all faults hit, a line each, in order of time."""
    hits = sorted(((hit.at, fault.name, hit.told) for fault in faults for hit in fault.hits), key=lambda row: row[0])
    return [f"{clock_text(at, millis=True)}  {name}: {told}" for at, name, told in hits]
