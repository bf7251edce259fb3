"""The faults of a run, as its history tells them: what was to strike, how often it did, when, and what it did first.

A fault that never struck is as much a finding as one that did: what it was meant to stress was not stressed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple

from bench.faults.catalogue import find
from bench.reports.run_dir import Record
from bench.reports.wording import count
from firmware_sim.device import NS

JOIN: Final = 60 * NS
"""Hits of one fault with no more than this between them are one stretch, ns."""

KINDS: Final = frozenset({("fault", "fault"), ("fault", "heal"), ("fault", "fault_unused")})

ALL: Final = "all"
"""The id under which a heal ends every fault."""

MOMENTARY: Final = frozenset({"N26", "N27", "N28", "N29", "N31", "N38"})
"""Faults that are over at once (a reboot, a memory lost): no later heal makes them last."""

_MOST_STRETCHES: Final = 60
"""Of one fault; beyond that the nearest ones become one."""


class Stretch(NamedTuple):
    """Time in which a fault was at work, ns: from a hit to its healing, or to the last hit near it."""

    begin: int
    end: int
    id: str


@dataclass(slots=True)
class Incident:
    """One fault of the catalogue.

    Attributes:
        id: of the catalogue ("N13").
        name: of the catalogue.
        does: what it does, as the catalogue says; "" for one that is not in it.
        hits: how often it struck.
        first, last: instants of its first and last hit, ns; None when it never struck.
        where: lines and devices that it struck.
        told: what its first hit did.
        why_not: why it did not strike, for each time that it did not.
        stretches: [begin, end] of the time in which it was at work, ns.
    """

    id: str
    name: str
    does: str = ""
    hits: int = 0
    first: int | None = None
    last: int | None = None
    where: list[str] = field(default_factory=list)
    told: str = ""
    why_not: list[str] = field(default_factory=list)
    stretches: list[list[int]] = field(default_factory=list)


class Incidents:
    """Gathers the faults while the history streams by."""

    def __init__(self) -> None:
        self._by_id: dict[str, Incident] = {}
        self._open: set[str] = set()

    def see(self, record: Record) -> None:
        """Take a record of the history; all but those of faults are ignored, and so is one without an id."""
        if record["src"] != "fault" or not isinstance(record.get("id"), str):
            return
        if record["k"] == "heal":
            self._heal(record["id"], record["t"])
            return
        incident = self._of(record)
        if record["k"] == "fault":
            self._hit(incident, record["t"], record)
        elif record["k"] == "fault_unused":
            why = str(record.get("why") or "no reason is told")
            if why not in incident.why_not:
                incident.why_not.append(why)

    def _heal(self, ident: str, t: int) -> None:
        """One fault ends, or all of them do: whichever struck was at work up to now."""
        for healed in (*self._open,) if ident == ALL else {ident} & self._open:
            last = self._by_id[healed].stretches[-1]
            last[1] = max(t, last[1])
            self._open.discard(healed)

    def _of(self, record: Record) -> Incident:
        ident = record["id"]
        if ident not in self._by_id:
            row = find(ident)
            self._by_id[ident] = Incident(ident, str(record.get("name", "")), row.does if row else "")
        return self._by_id[ident]

    def _hit(self, incident: Incident, t: int, record: Record) -> None:
        incident.hits += 1
        incident.last = t
        if incident.first is None:
            incident.first = t
            incident.told = str(record.get("told") or "")
        place = str(record.get("device") or record.get("line") or "")
        if place and place not in incident.where:
            incident.where.append(place)
        stretches = incident.stretches
        if stretches and t - stretches[-1][1] <= JOIN:
            stretches[-1][1] = max(t, stretches[-1][1])
        else:
            stretches.append([t, t])
            if len(stretches) > _MOST_STRETCHES:
                _join_nearest(stretches)
        if incident.id not in MOMENTARY:
            self._open.add(incident.id)

    def all(self) -> list[Incident]:
        """Every fault that struck or was to strike, in the order of the catalogue's ids."""
        return [self._by_id[ident] for ident in sorted(self._by_id)]

    def stretches(self) -> list[Stretch]:
        """When faults were at work, in order of time."""
        return sorted(Stretch(begin, end, incident.id) for incident in self.all() for begin, end in incident.stretches)

    def to_json(self) -> list[dict[str, Any]]:
        """All of it for the data block."""
        return [asdict(incident) for incident in self.all()]


def _join_nearest(stretches: list[list[int]]) -> None:
    at = min(range(1, len(stretches)), key=lambda n: stretches[n][0] - stretches[n - 1][1])
    stretches[at - 1][1] = stretches.pop(at)[1]


def sentence(incidents: Sequence[Incident]) -> str:
    """How many struck."""
    struck = sum(1 for incident in incidents if incident.hits)
    hits = sum(incident.hits for incident in incidents)
    text = f"{struck} of {count(len(incidents), 'fault')} struck, {count(hits, 'hit')} in all."
    idle = len(incidents) - struck
    if idle:
        text += f" {idle} did not: what they were to stress was not stressed by them."
    return text


def rows(incidents: Sequence[Incident], clock: Any) -> list[Mapping[str, Any]]:
    """The rows of the table, those that did not strike first."""
    ordered = sorted(incidents, key=lambda incident: (incident.hits > 0, incident.id))
    return [
        {
            "id": incident.id,
            "name": incident.name.replace("_", " "),
            "does": incident.does,
            "hits": f"{incident.hits:,}",
            "struck": incident.hits > 0,
            "first": "-" if incident.first is None else clock(incident.first, seconds=True),
            "last": "-" if incident.last is None else clock(incident.last, seconds=True),
            "where": ", ".join(incident.where[:4]) + (" ..." if len(incident.where) > 4 else ""),
            "told": incident.told if incident.hits else "; ".join(incident.why_not),
        }
        for incident in ordered
    ]
