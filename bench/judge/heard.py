"""What the program or the house said of missing ratings and of devices, in the judge's own terms.

The house says it in the history; a program in its tables `gaps` and `health` (`bench.judge.records`). A device that
nobody knows, or a value that cannot be, is left out: what is not said intelligibly was not said.
"""

from __future__ import annotations

from bench.judge.claims import instants, number
from bench.judge.course import Gap, Pulse
from bench.judge.records import Rows, Scalar
from bench.judge.truth import Truth

__all__ = ["gaps_of", "health_of"]


def gaps_of(rows: Rows | None, truth: Truth) -> list[Gap] | None:
    """The reports of missing ratings; None when there is no place for them."""
    if rows is None or rows.gaps is None:
        return truth.course.gaps if truth.program == "house" else None
    times = instants([gap.at for gap in rows.gaps], truth)
    found = []
    for gap, t in zip(rows.gaps, times, strict=True):
        device = _device(gap.device, truth)
        if device is not None:
            lost = number(gap.lost)
            epoch, first, last = (number(getattr(gap, name, None)) for name in ("epoch", "seq_from", "seq_to"))
            found.append(Gap(device, t, lost, epoch, first, last))
    return found


def health_of(rows: Rows | None, truth: Truth) -> list[Pulse] | None:
    """What was told of the devices, in the order of time; None when there is no place for it."""
    if rows is None or rows.health is None:
        return sorted(truth.course.health) if truth.program == "house" else None
    times = instants([pulse.at for pulse in rows.health], truth)
    found = []
    for pulse, t in zip(rows.health, times, strict=True):
        device, up = _device(pulse.device, truth), number(pulse.up)
        if device is not None and t is not None and up is not None:
            found.append(Pulse(t, device, bool(up)))
    return sorted(found)


def _device(value: Scalar, truth: Truth) -> str | None:
    if isinstance(value, str) and value in truth.devices:
        return value
    unit = number(value)
    named = [name for name, station in truth.devices.items() if station.unit == unit and station.owner == truth.program]
    return named[0] if unit is not None and len(named) == 1 else None
