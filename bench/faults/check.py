"""Whether what is asked of a fault can be: names, parameters, and a trigger that can ever fire in this hall.

One function for scenario files, tests and whoever else injects faults: every mistake is found at once, each with the
key that it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from bench.faults.catalogue import CATALOGUE, Param, Row, find, nearest
from bench.faults.triggers import CHOICE, PHASES, SIDES, BadPhase, Phase

__all__ = ["DeviceShape", "FaultError", "LineShape", "Mistake", "Shape", "mistakes"]


class Mistake(NamedTuple):
    """Something that cannot be: the key it is about ("" for all of it), what is wrong, and what may have been meant."""

    key: str
    message: str
    hint: str = ""


class FaultError(ValueError):
    """A fault that cannot be; `mistakes` says all that is wrong with it."""

    def __init__(self, found: list[Mistake]) -> None:
        self.mistakes = found
        super().__init__("\n".join(f"{m.message}{f' ({m.hint})' if m.hint else ''}" for m in found))


class LineShape(NamedTuple):
    """What a trigger must know of a line."""

    modbus: bool
    half: bool
    outside: bool
    units: frozenset[int]


class DeviceShape(NamedTuple):
    """What a trigger must know of a device."""

    kind: str
    line: str
    unit: int | None


class Shape(NamedTuple):
    """The lines and devices of a hall, and the instants between which it runs, ns."""

    lines: Mapping[str, LineShape]
    devices: Mapping[str, DeviceShape]
    start: int = 0
    end: int = 1 << 62


_NUMBERS: Final = {
    "unit": ("a whole number 0..255", 0, 255, int),
    "function": ("a whole number 1..127", 1, 127, int),
    "address": ("a whole number 0..65535", 0, 65535, int),
    "nth": ("1 or more", 1, 10**9, int),
    "rate": ("a share above 0, at most 1", 1e-9, 1, float),
    "for_s": ("seconds, 0..86400", 0, 86_400, float),
}
_WAITING: Final = ("unit", "where", "phase", "function", "address", "nth", "rate")
"""What only a fault that waits for a frame can be told."""

_SILENCES: Final = frozenset({"idle", "turnaround", "reply.end", "gap"})
"""Phases in which nobody sends."""


def mistakes(name: str, given: Mapping[str, Any], shape: Shape) -> list[Mistake]:
    """All that is wrong with a fault of that name.

    Args:
        name: name or id.
        given: parameters and trigger (`bench.faults.triggers.CHOICE`); times as ns or as values that were checked.
        shape: the hall.
    """
    row = find(name)
    if row is None:
        meant = nearest(name)
        hint = f'did you mean "{meant}"?' if meant else f"there is {', '.join(CATALOGUE)}"
        return [Mistake("name", f'there is no fault "{name}"', hint)]
    found: list[Mistake] = []
    for check in _CHECKS:
        found += check(row, given, shape)
    return found


def _keys(row: Row, given: Mapping[str, Any], _shape: Shape) -> Iterator[Mistake]:
    known = [param.name for param in row.params]
    for key in given:
        if key not in known and key not in CHOICE:
            near = get_close_matches(key, [*known, *CHOICE], n=1, cutoff=0.6)
            hint = f'did you mean "{near[0]}"?' if near else f"it has {', '.join((*known, *CHOICE))}"
            yield Mistake(key, f"the fault {row.name} has no `{key}`", hint)
    for param in row.params:
        if param.needed and given.get(param.name) is None:
            yield Mistake("", f"the fault {row.name} needs `{param.name}`: {param.told}")
    if row.layer == "device" and not row.how.startswith("burst") and given.get("device") is None:
        yield Mistake("", f"the fault {row.name} needs `device`: the device that it happens to")


def _values(row: Row, given: Mapping[str, Any], shape: Shape) -> Iterator[Mistake]:
    for param in row.params:
        value = given.get(param.name)
        if value is None or _is_good(param, value, shape):
            continue
        names = {"device": list(shape.devices), "line": list(shape.lines)}.get(param.kind, list(param.choices))
        near = get_close_matches(str(value), names, n=1) if isinstance(value, str) else []
        told = f"the fault {row.name}: {param.name} {value!r} is not {param.allowed}"
        yield Mistake(param.name, told, f'did you mean "{near[0]}"?' if near else "")


def _is_good(param: Param, value: Any, shape: Shape) -> bool:
    if param.kind in ("int", "float"):
        kinds = (int,) if param.kind == "int" else (int, float)
        return isinstance(value, kinds) and not isinstance(value, bool) and param.low <= value <= param.high
    if not isinstance(value, str):
        return False
    if param.kind == "hex":
        try:
            return bool(bytes.fromhex(value))
        except ValueError:
            return False
    return value in {"choice": param.choices, "device": shape.devices, "line": shape.lines}[param.kind]


def _trigger(row: Row, given: Mapping[str, Any], _shape: Shape) -> Iterator[Mistake]:
    for key, (told, low, high, kind) in _NUMBERS.items():
        value = given.get(key)
        good = isinstance(value, (int, kind)) and not isinstance(value, bool)
        if value is not None and not (good and low <= value <= high):
            yield Mistake(key, f"the fault {row.name}: {key} is {told}, not {value!r}")
    count = given.get("count")
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 0):
        yield Mistake("count", f"the fault {row.name}: count is 1 or more, or 0 for no end, not {count!r}")
    where = given.get("where")
    if where is not None and where not in SIDES:
        yield Mistake("where", f"the fault {row.name}: where is {' or '.join(map(repr, SIDES))}, not {where!r}")
    phase = given.get("phase")
    if phase is None:
        return
    try:
        parsed = Phase.parse(str(phase))
    except BadPhase as exc:
        near = get_close_matches(str(phase), PHASES, n=1)
        yield Mistake("phase", f"the fault {row.name}: {exc}", f'did you mean "{near[0]}"?' if near else "")
        return
    if row.how.startswith("burst") and parsed.name in _SILENCES:
        told = f"the fault {row.name} would never strike: in the phase {phase} there is no character to be changed"
        yield Mistake("phase", told, "give reply.byte[k], request.byte[k] or ack")
        return
    if where in ("reply", "request") and parsed.side and parsed.side != where:
        told = f"the fault {row.name} would never strike: the phase {phase} is not in a {where}"
        yield Mistake("phase", told)


def _places(row: Row, given: Mapping[str, Any], shape: Shape) -> Iterator[Mistake]:
    line, device = given.get("line"), given.get("device")
    for key, value, names in (("line", line, shape.lines), ("device", device, shape.devices)):
        if value is not None and value not in names:
            near = get_close_matches(str(value), list(names), n=1)
            hint = f'did you mean "{near[0]}"?' if near else f"there is {', '.join(names)}"
            yield Mistake(key, f"the fault {row.name}: there is no {key} {value!r}", hint)
    placed = shape.devices.get(device) if isinstance(device, str) else None
    if placed is not None:
        if line is not None and line in shape.lines and placed.line != line:
            yield Mistake("line", f"the fault {row.name}: {device} is not on line {line} but on {placed.line}")
        if row.kinds and placed.kind not in row.kinds:
            told = f"the fault {row.name} cannot happen to {device}, a {placed.kind}: it is for {', '.join(row.kinds)}"
            yield Mistake("device", told)
        line = placed.line
    if row.how.startswith("device") and placed is None:
        return
    if line is None and _needs_line(row, given):
        lines = ", ".join(shape.lines)
        yield Mistake("", f"the fault {row.name} needs `line` or `device`: there are the lines {lines}")
        return
    found = shape.lines.get(line) if isinstance(line, str) else None
    if found is None:
        return
    if row.modbus and not found.modbus:
        yield Mistake(_at(given), f"the fault {row.name} would never strike on line {line}: it needs Modbus RTU frames")
    if row.half and not found.half:
        yield Mistake(_at(given), f"the fault {row.name} would never strike on line {line}: it is no RS-485 bus")
    for key in ("unit", "function", "address"):
        if given.get(key) is not None and not found.modbus:
            told = f"the fault {row.name} would never strike on line {line}: its frames are not Modbus RTU, they have "
            yield Mistake(key, f"{told}no {key} that could be read")
    unit = given.get("unit")
    if isinstance(unit, int) and found.modbus and unit not in found.units and not row.name.startswith("babble"):
        units = ", ".join(map(str, sorted(found.units)))
        told = f"the fault {row.name} would never strike: no unit {unit} on line {line} (there are {units})"
        yield Mistake("unit", told)


def _needs_line(row: Row, given: Mapping[str, Any]) -> bool:
    waits = (row.where and row.layer != "host") or any(given.get(key) is not None for key in ("where", "phase", "unit"))
    return bool(row.layer == "line" or row.name in ("port_vanish", "ports_swapped", "output_held") or waits)


def _at(given: Mapping[str, Any]) -> str:
    return "line" if given.get("line") is not None else "device"


def _times(row: Row, given: Mapping[str, Any], shape: Shape) -> Iterator[Mistake]:
    after, before, at = (given.get(key) for key in ("after", "before", "at"))
    if isinstance(after, int) and isinstance(before, int) and after >= before:
        yield Mistake("before", f"the fault {row.name} would never strike: `before` is not later than `after`")
    for key, value in (("at", at), ("after", after)):
        if isinstance(value, int) and value > shape.end:
            yield Mistake(key, f"the fault {row.name} would never strike: the day has ended by then")
    for key, value in (("at", at), ("before", before)):
        if isinstance(value, int) and value < shape.start + (key == "before"):
            yield Mistake(key, f"the fault {row.name} would never strike: the day has not begun by then")
    if row.where or not any(given.get(key) is not None for key in _WAITING):
        return
    if given.get("phase") is None and given.get("where") is None:
        key = next(key for key in _WAITING if given.get(key) is not None)
        told = f"the fault {row.name} waits for no frame and has no use for `{key}`: give `where` or a `phase` with it"
        yield Mistake(key, told)


_CHECKS: Final[tuple[Callable[[Row, Mapping[str, Any], Shape], Iterator[Mistake]], ...]] = (
    _keys,
    _values,
    _trigger,
    _places,
    _times,
)
