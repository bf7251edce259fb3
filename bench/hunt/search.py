"""Where a hunt looks: every fault at every point of an exchange, first once and then at the retry as well; then swarms.

The systematic part takes the faults of the catalogue that can happen on the program's lines, and the kinds of exchange
that the program was seen to have in a run without faults. It is the same list for the same program and seed. The swarm
draws for each number a subset of the faults and how often each strikes (conformance.md 4.7).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from bench.faults.catalogue import CATALOGUE, Row
from bench.faults.check import Shape, mistakes
from bench.hunt.presses import PRESETS
from bench.hunt.subject import Subject
from bench.hunt.trial import FAULTS_END, Trial

__all__ = ["applicable", "baselines", "swarm", "systematic"]

_FROM: Final = 2
"""Faults strike from this second on: before, a program opens its port."""

_WAITING: Final = 12
"""Until this second faults that act by themselves have begun."""

_MOST_EXCHANGES: Final = 4

_RARE: Final = 6
"""An exchange that came so seldom in a run belongs to the program's start."""

VARIANTS: Final[Mapping[str, Sequence[Mapping[str, Any]]]] = MappingProxyType(
    {
        "spurious_byte": ({"side": "before"}, {"side": "after"}),
        "truncate": ({"keep": 1}, {"keep": 3}, {"keep": 12}),
        "hole": ({"ms": 5}, {"ms": 60}),
        "chunking": ({"packet": 1}, {"packet": 16}),
        "wrong_function": ({"field": "function"}, {"field": "count"}),
        "edge_reply": tuple({"timeout_ms": ms, "offset_ms": off} for ms in (100, 200, 500, 1000) for off in (-1, 0, 1)),
        "framing_error": ({"what": "framing"}, {"what": "overrun"}),
        "echo": ({"skip": 0}, {"skip": 3}),
        "slow_device": ({"ms": 40}, {"ms": 150}, {"ms": 400}, {"ms": 1200}),
        "late_reply": ({"ms": 1}, {"ms": 30}, {"ms": 120}),
        "device_clock": ({"mode": "jump"}, {"mode": "jump", "seconds": -7200}, {"mode": "drift", "for_s": 8}),
        "queue_overflow": ({"presses": 90, "every_ms": 60}, {"presses": 12}),
        "busy": ({"code": 6}, {"code": 5}, {"code": 4}),
        "reboot": ({}, {"off_s": 2}),
        "buffer_restored": ({"age_s": 4}, {"age_s": 60}),
        "stuck_low": ({"for_s": 1}, {"for_s": 4}),
        "cut_wire": ({"for_s": 4},),
        "unplug": ({"for_s": 4},),
        "port_vanish": ({"for_s": 1}, {"for_s": 5}),
        "sink_failure": ({"for_s": 2}, {"for_s": 8}),
        "pause": ({"for_s": 1}, {"for_s": 5}),
        "clock_jump": ({"seconds": 60}, {"seconds": -60}),
        "paper_out": ({"for_s": 4},),
        "open_cover": ({"for_s": 4},),
        "jam_cutter": ({"for_s": 4},),
        "address_conflict": ({"for_s": 3},),
        "ports_swapped": ({"for_s": 4},),
    }
)
"""Parameters that are tried, where the catalogue's own are not enough."""

_POINTS: Final = ("idle", "request.byte[1]", "turnaround", "reply.byte[3]", "reply.end", "gap", "ack")
"""Where faults strike that are no change of characters."""

_NEVER: Final[frozenset[str]] = frozenset()
"""Faults that no collector can withstand, so that a hunt with them would find nothing but them."""

_AFTERWARDS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType({"sequence_reset": {"name": "reboot"}})
"""Fault -> what must follow a second later, lest it cost events that nobody could keep (`hallbench explain`)."""

_MEANWHILE: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType({"queue_overflow": {"name": "pause", "for_s": 8}})
"""Fault -> what begins a second before it, when it comes at a time: no queue overflows that is emptied meanwhile."""

_SHOWS_PATIENCE: Final = frozenset({"wrong_unit", "babble"})
"""Faults beside which one reply is not heard at the end: unless it is seen how long a program waits when nothing comes,
nobody can tell whether it gave up when another unit spoke (J12)."""

_NOT_HEARD: Final = 18
"""Second from which on that reply is not heard: the presses are over, and polls come all the time."""

_LASTING: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "pause": {"after": _FROM, "phase": "request.byte[1]", "count": 0, "for_s": 0.15},  # retries do not mend it
        "unplug": {"at": _FROM + 4, "for_s": 35},  # long enough to be told
    }
)
"""Fault -> how it is asked for once so that it lasts."""


def applicable(subject: Subject, shape: Shape, wall: bool = False) -> list[Row]:
    """The faults that can happen on the program's lines."""
    return [row for row in CATALOGUE.values() if row.name not in _NEVER and any(_placed(row, subject, shape, wall))]


def _placed(row: Row, subject: Subject, shape: Shape, wall: bool) -> Iterator[dict[str, Any]]:
    """Where a fault can happen: its line or its device, for each that is the program's."""
    if wall and row.name in _NOT_ON_WALL:
        return
    for line in subject.lines:
        at = {"line": line}
        others = [other for other in subject.lines if other != line]
        if row.name == "ports_swapped" and others:
            at["with_line"] = others[0]
        devices = [name for name, device in shape.devices.items() if device.line == line]
        if row.layer == "device" and not row.how.startswith("burst"):
            for device in devices:
                placed = {"device": device}
                if row.name == "address_conflict":
                    twins = [name for name in devices if name != device]
                    placed.update({"other": twins[0]} if twins else {})
                if not mistakes(row.name, {**placed, **_needed(row)}, shape):
                    yield placed
        elif not mistakes(row.name, {**at, **_needed(row)}, shape):
            yield at


_NOT_ON_WALL: Final = frozenset({"edge_reply", "clock_jump", "ports_swapped"})


_REAL: Final = ("kill", "pause", "port_vanish")


def _needed(row: Row) -> dict[str, Any]:
    return {"seconds": 60} if row.name == "clock_jump" else {}


def baselines(subject: Subject, seed: int) -> list[Trial]:
    """Runs without any fault: what a program does when nothing goes wrong, with each pattern of presses."""
    devices = subject.keypads
    return [
        Trial(f"no fault, {name}", devices, seed=seed, **make(devices, random.Random(f"{seed}/{name}")).given())
        for name, make in PRESETS.items()
    ]


def systematic(
    subject: Subject, shape: Shape, exchanges: Sequence[Sequence[int]], seed: int, wall: bool = False
) -> list[Trial]:
    """Every fault x point x {retry 0, 1}: the faults take turns, so that each comes early.

    Args:
        subject: what is hunted on.
        shape: of its hall, with all its keypads.
        exchanges: kinds of exchange that were seen (`Outcome.exchanges`).
        seed: of the order, the presses, and what faults draw.
        wall: on real ports.
    """
    rng = random.Random(f"{seed}/order")
    ranked = sorted(exchanges, key=lambda row: (-row[5], -row[4], row[0], row[1]))[:_MOST_EXCHANGES]
    queues: list[list[dict[str, Any]]] = []
    rows = applicable(subject, shape, wall)
    if wall:  # there is time for few: first what no simulation of a program's process can show
        rows.sort(key=lambda row: row.name not in _REAL)
    for row in rows:
        places = list(_placed(row, subject, shape, wall))[:2]
        options = _options(row, places, ranked)
        rng.shuffle(options)
        if row.name in _MEANWHILE:  # tried first: by itself it shows nothing of a program that is quick
            options.append({"name": row.name, **places[0], **VARIANTS[row.name][0], "at": _FROM + 4})
        if row.name in _LASTING and not wall:
            options.append({"name": row.name, **places[0], **_LASTING[row.name]})
        queues.append(options)
    trials: list[Trial] = []
    names = list(PRESETS)
    while any(queues):
        for options in queues:
            if options:
                trials.append(_trial(subject, options.pop(), names[len(trials) % len(names)], seed, len(trials)))
    return trials


def _trial(subject: Subject, fault: dict[str, Any], preset: str, seed: int, number: int) -> Trial:
    rng = random.Random(f"{seed}/{number}")
    devices = subject.keypads
    faults = [fault]
    after = _AFTERWARDS.get(fault["name"])
    if after is not None:
        faults.append({**after, "device": fault["device"], "at": fault.get("at", _WAITING) + 1})
    meanwhile = _MEANWHILE.get(fault["name"]) if "at" in fault else None
    if meanwhile is not None:
        faults.append({**meanwhile, "at": fault["at"] - 1})
    point = fault.get("phase") or fault.get("where") or "by itself"
    again = ", and again" if fault.get("count") == 2 else ""
    label = f"{fault['name']} at {point}{again}; {preset}"
    if fault["name"] in _SHOWS_PATIENCE:
        faults.append({"name": "no_reply", "line": fault["line"], "after": _NOT_HEARD})
    made = PRESETS[preset](devices, rng).given()
    if made["late_ms"]:
        faults = [{**one, **{key: one[key] + 5 for key in ("at", "after") if key in one}} for one in faults]
    return Trial(label, devices, faults=tuple(faults), seed=rng.randrange(1 << 31), **made)


def _options(row: Row, places: Sequence[Mapping[str, Any]], exchanges: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    """All points of one fault; its parameters and places take turns over them, each at least once."""
    variants = VARIANTS.get(row.name, ({},))
    window = {"after": _FROM, "before": FAULTS_END}
    points: list[dict[str, Any]] = []
    for count in (1, 2):
        if row.name in _AFTERWARDS:
            points += [{"at": _FROM + 2 + 3 * count}, {"at": _FROM + 1 + 3 * count}]
        elif row.how.startswith("burst") or (row.layer == "line" and row.where):
            points += _characters(row, window, count, exchanges)
        else:
            points += _acts(row, window, count, exchanges)
    return [
        {
            "name": row.name,
            **places[n % len(places)],
            **variants[n // len(places) % len(variants)],
            **points[n % len(points)],
        }
        for n in range(max(len(points), len(variants) * len(places)))
    ]


def _acts(
    row: Row, window: Mapping[str, Any], count: int, exchanges: Sequence[Sequence[int]]
) -> Iterator[dict[str, Any]]:
    read = _kind(exchanges[0]) if exchanges else {}
    for point in _POINTS:
        if point == "idle":
            yield {"phase": point, "at": _FROM + 4 * count}
        elif row.name == "kill" and point.startswith("reply"):
            continue  # a program is killed in the act of sending
        elif point != "ack":
            yield {**window, **read, "phase": point, "count": count}
        elif any(_acknowledges(kind) for kind in exchanges):
            yield {**window, "phase": point, "count": count}


def _acknowledges(row: Sequence[int]) -> bool:
    return row[0] == 0x10 and row[1] == 0


def _characters(
    row: Row, window: Mapping[str, Any], count: int, exchanges: Sequence[Sequence[int]]
) -> Iterator[dict[str, Any]]:
    side = "request" if row.where == "request" else "reply"
    picks = "byte" in row.defaults and row.name != "collision"
    if not exchanges:
        for nth in (1, 3, 8, 15):
            yield {**window, "nth": nth, "count": count}
    for kind in exchanges:
        when = {**window, "after": 0} if kind[2] <= _RARE else window  # rare: once, when the program starts
        longest = kind[4] if side == "request" else kind[3]
        if not picks:
            yield {**when, **_kind(kind), "count": count}
            continue
        for byte in sorted({0, 2, longest // 2, longest - 1}):
            yield {**when, **_kind(kind), "phase": f"{side}.byte[{byte}]", "count": count}


def _kind(row: Sequence[int]) -> dict[str, int]:
    return {"function": row[0], "address": row[1]}


def swarm(subject: Subject, shape: Shape, seed: int, number: int, wall: bool = False) -> Trial:
    """The trial of one number: a subset of the faults, each at a rate of its own, and people who do anything."""
    rng = random.Random(f"{seed}/swarm/{number}")
    devices = tuple(sorted(rng.sample(subject.keypads, rng.randint(1, len(subject.keypads)))))
    preset = rng.choice(list(PRESETS))
    made = PRESETS[preset](devices, rng).given()
    rows = [row for row in applicable(subject, shape, wall) if row.name not in _AFTERWARDS]
    faults: list[dict[str, Any]] = []
    for row in rng.sample(rows, min(len(rows), rng.randint(1, 5))):
        places = [
            place
            for place in _placed(row, subject, shape, wall)
            if {place.get("device"), place.get("other")} - {None} <= set(devices)
        ]
        if not places:
            continue
        fault = {"name": row.name, **rng.choice(places), **rng.choice(list(VARIANTS.get(row.name, ({},))))}
        begin = rng.randint(_FROM, _WAITING)
        if row.how.startswith("burst"):
            fault |= {
                "after": begin,
                "before": rng.randint(begin + 2, FAULTS_END),
                "rate": rng.choice((0.05, 0.2, 0.5)),
            }
            fault["count"] = 0
        elif row.name == "kill" or rng.random() < 0.5:
            fault |= {
                "after": begin,
                "before": FAULTS_END,
                "phase": rng.choice(("request.byte[1]", "turnaround", "gap")),
            }
            fault |= {"nth": rng.randint(1, 20)}
        else:
            fault |= {"at": begin}
        faults.append(fault)
    told = ", ".join(fault["name"] for fault in faults) or "no fault"
    late = 5 if made["late_ms"] else 0
    faults = [{**one, **{key: one[key] + late for key in ("at", "after", "before") if key in one}} for one in faults]
    return Trial(
        f"swarm {number}: {told}; {preset}", devices, faults=tuple(faults), seed=rng.randrange(1 << 31), **made
    )
