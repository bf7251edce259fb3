"""What `[[fault]]` tables say of the hall: a device that is not there, a trigger that can never fire ..."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from bench.faults.check import DeviceShape, LineShape, Shape, mistakes
from bench.scenario.crosscheck_lines import NOT_MODBUS
from bench.scenario.draft import Draft, Finding, text, texts, whole
from bench.scenario.fill import tables
from bench.scenario.times import NS, parse_time, time_text

_TIMES = ("at", "after", "before")
_NUMBERS = ("unit", "function", "address", "nth", "count", "rate", "for_s")


def _shape(draft: Draft) -> Shape:
    lines = {}
    devices = {}
    for index, line in draft.lines:
        mine = [device for device in draft.devices if device.path[1] == index]
        modbus = all(d.kind not in NOT_MODBUS and text(d.table, "protocol") not in ("ff68", "ascii") for d in mine)
        units = frozenset(unit for d in mine if (unit := whole(d.table, "unit")) is not None)
        half = line.get("duplex", "half") == "half"
        lines[text(line, "name")] = LineShape(modbus, half, text(line, "owner") == "collector", units)
        for device in mine:
            devices[device.name] = DeviceShape(device.kind, text(line, "name"), whole(device.table, "unit"))
    return Shape(lines, devices, *(draft.running or ()))


def _readable(table: Mapping[str, Any]) -> dict[str, Any]:
    """A fault's table with its times as ns; what is no time is left out, the model reports it."""
    given = {key: value for key, value in table.items() if key != "name"}
    for key in _TIMES:
        if key in given:
            try:
                given[key] = parse_time(given[key])
            except (ValueError, TypeError, OverflowError):
                del given[key]
    return given


def _faults(draft: Draft) -> Iterator[Finding]:
    shape = _shape(draft)
    for index, table in tables(draft.data, "fault"):
        name = text(table, "name")
        if not name:
            continue
        for key in [key for key in table if key in _NUMBERS and not isinstance(table[key], int | float)]:
            table = {k: v for k, v in table.items() if k != key}  # the model reports it
        for mistake in mistakes(name, _readable(table), shape):
            path = ("fault", index, mistake.key) if mistake.key else ("fault", index)
            unknown = mistake.key not in ("", "name") and " has no `" in mistake.message
            yield Finding(path, mistake.message, mistake.hint, at_key=unknown)


def _heal(draft: Draft) -> Iterator[Finding]:
    """All faults end while the hall runs, with time left to converge, and none begins later."""
    heal = draft.data.get("heal")
    if not isinstance(heal, Mapping):
        if "convergence" in [name for _, name in texts(draft.data, "must_exercise")]:
            told = '"convergence" cannot be exercised: there is no [heal], so no instant at which all faults end'
            yield Finding(("must_exercise",), told, 'add [heal] with at = "16:00"')
        return
    at = _readable({"at": heal.get("at")}).get("at")
    within = heal.get("converge_within_s", 300.0)
    if at is None or draft.running is None or not isinstance(within, int | float):
        return
    start, end = draft.running
    if not start <= at <= end:
        told = f"the hall runs from {time_text(start)} to {time_text(end)}, so nothing ends at {time_text(at)}"
        yield Finding(("heal", "at"), told)
    elif at + within * NS > end:
        told = f"the hall ends at {time_text(end)}, which leaves no {within:g} s to converge"
        yield Finding(("heal", "converge_within_s"), told)
    for index, table in tables(draft.data, "fault"):
        given = _readable(table)
        begin = given.get("at", given.get("after"))
        if begin is not None and begin >= at and not table.get("optional"):
            told = f"this fault begins at {time_text(begin)}, when [heal] has ended all of them"
            yield Finding(("fault", index, "at" if "at" in given else "after"), told)


FAULT_CHECKS: tuple[Callable[[Draft], Iterable[Finding]], ...] = (_faults, _heal)
