"""What happened to the devices and what was done to the run on purpose: reboots, outages, faults, what the house told.

Gathered in the same pass as the truth (`bench.judge.truth`). State is bounded by devices, reboots and faults: hits of
one fault that follow each other within `JOIN` are one span with a count.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from firmware_sim.device import NS

__all__ = ["Course", "Gap", "Pulse", "Span"]

JOIN: Final = 10 * NS
"""Hits of a fault with no more than this between them are one span, ns."""

BREAKS: Final = frozenset({"kill", "sink_failure"})
"""Faults between which and a lost row the place of storing is the question (J14)."""


@dataclass(slots=True)
class Span:
    """A stretch of time in which a fault struck.

    Args:
        id: of the catalogue ("N13").
        name: of the catalogue.
        begin, end: first and last hit, ns; `end` moves on when it is healed.
        line, device: where, "" for none.
        n: hits.
        told: what the first hit did.
    """

    id: str
    name: str
    begin: int
    end: int
    line: str = ""
    device: str = ""
    n: int = 1
    told: str = ""


class Gap(NamedTuple):
    """Somebody told that ratings of a device are missing.

    Args:
        device: which.
        t: instant of telling, ns; None if it is not known.
        lost: how many; None if it was not said: then all up to `t`.
        epoch, first, last: which numbers, None where only a count was told.
    """

    device: str
    t: int | None
    lost: int | None = None
    epoch: int | None = None
    first: int | None = None
    last: int | None = None


class Pulse(NamedTuple):
    """Somebody told that a device is up (or down), at `t`."""

    t: int
    device: str
    up: bool


@dataclass(slots=True)
class Course:
    """Everything of a run that is neither a press nor a row nor traffic."""

    boots: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """Device -> (instant, epoch) of each boot, the first included."""
    off: dict[str, list[int]] = field(default_factory=dict)
    """Device -> instants at which it lost its supply."""
    restarts: dict[str, list[int]] = field(default_factory=dict)
    """Device -> instants at which its sequence started anew without a boot."""
    restored: dict[str, list[int]] = field(default_factory=dict)
    """Device -> instants at which its memory became an older one."""
    spans: list[Span] = field(default_factory=list)
    unused: dict[str, str] = field(default_factory=dict)
    """Id -> name of the faults that hit nothing."""
    breaks: list[int] = field(default_factory=list)
    """Instants at which the program was killed, or its place of storing began to fail."""
    healed: int | None = None
    """Instant at which all faults ended (the last time)."""
    gaps: list[Gap] = field(default_factory=list)
    health: list[Pulse] = field(default_factory=list)
    jitter: int = 0
    """In wall time: how late the hall itself was in 99 of 100 cases, ns."""
    _open: dict[tuple[str, str, str], Span] = field(default_factory=dict)

    def rules(self) -> Mapping[tuple[str, str], Callable[[int, dict[str, Any]], None]]:
        """(src, kind) -> what takes such a record."""
        return {
            ("dev", "boot"): self._boot,
            ("dev", "power"): self._power,
            ("dev", "sequence_restarted"): self._restart,
            ("fault", "fault"): self._fault,
            ("fault", "heal"): self._heal,
            ("fault", "fault_unused"): self._unused,
            ("collector", "killed"): self._killed,
            ("house", "gap"): self._gap,
            ("house", "missing"): self._missing,
            ("house", "down"): self._down,
            ("house", "up"): self._up,
            ("run", "timing"): self._timing,
        }

    def hits(self, *names: str) -> int:
        """How often faults of these names or ids struck; all of them without one."""
        return sum(span.n for span in self.spans if not names or span.name in names or span.id in names)

    def near(self, t: int, line: str, *, before: int = 2 * NS, after: int = 0) -> list[Span]:
        """The spans that strike about an instant on a line (those without a line strike everywhere)."""
        return [
            span
            for span in self.spans
            if span.begin - after <= t <= span.end + before and (not span.line or span.line == line)
        ]

    def cause(self, device: str, line: str, begin: int, end: int) -> bool:
        """Whether anything was done to a device or its line in a stretch of time, so that it could not answer."""
        since = begin - 5 * NS
        done = (*(t for t, _ in self.reboots(device)), *self.off.get(device, ()))
        return any(since <= t <= end for t in done) or any(
            span.begin <= end
            and span.end >= since
            and (
                span.device == device or (span.line == line and not span.device) or (not span.line and not span.device)
            )
            for span in self.spans
        )

    def booted_between(self, device: str, begin: int, end: int) -> bool:
        """Whether a device started anew (or its sequence did) after `begin`, up to `end`."""
        boots = self.boots.get(device, [])
        at = bisect_right(boots, (begin, 1 << 62))
        restarts = [*self.restarts.get(device, ()), *self.restored.get(device, ())]
        return (at < len(boots) and boots[at][0] <= end) or any(begin < t <= end for t in restarts)

    def reboots(self, device: str) -> list[tuple[int, int]]:
        """The boots of a device after that with which the run began."""
        return self.boots.get(device, [])[1:]

    # -- records ----------------------------------------------------------------------------------------------------
    def _boot(self, t: int, facts: dict[str, Any]) -> None:
        self.boots.setdefault(str(facts["device"]), []).append((t, int(facts.get("epoch", 0))))

    def _power(self, t: int, facts: dict[str, Any]) -> None:
        if not facts.get("on"):
            self.off.setdefault(str(facts["device"]), []).append(t)

    def _restart(self, t: int, facts: dict[str, Any]) -> None:
        self.restarts.setdefault(str(facts["device"]), []).append(t)

    def _fault(self, t: int, facts: dict[str, Any]) -> None:
        ident, name = str(facts["id"]), str(facts.get("name", ""))
        line, device = str(facts.get("line", "")), str(facts.get("device", ""))
        if name in BREAKS:
            self.breaks.append(t)
        span = self._open.get((ident, line, device))
        if span is not None and t - span.end <= JOIN:
            span.end, span.n = t, span.n + 1
            return
        span = self._open[ident, line, device] = Span(ident, name, t, t, line, device, 1, str(facts.get("told", "")))
        self.spans.append(span)

    def _heal(self, t: int, facts: dict[str, Any]) -> None:
        ident = str(facts["id"])
        if ident == "all":
            self.healed = t
            return
        for key, span in list(self._open.items()):
            if key[0] == ident:
                if span.n == 1 or t - span.end <= 600 * NS:  # one hit that lasted, or the last of many
                    span.end = max(span.end, t)
                del self._open[key]

    def _unused(self, _t: int, facts: dict[str, Any]) -> None:
        self.unused[str(facts["id"])] = str(facts.get("name", ""))

    def _killed(self, t: int, _facts: dict[str, Any]) -> None:
        self.breaks.append(t)

    def _gap(self, t: int, facts: dict[str, Any]) -> None:
        self.gaps.append(Gap(str(facts["device"]), t, int(facts["lost"]), facts.get("epoch")))

    def _missing(self, t: int, facts: dict[str, Any]) -> None:
        first, last = int(facts["first"]), int(facts["last"])
        lost = (last - first) % 0x10000 + 1
        self.gaps.append(Gap(str(facts["device"]), t, lost, int(facts["epoch"]), first, last))

    def _down(self, t: int, facts: dict[str, Any]) -> None:
        self.health.append(Pulse(t, str(facts["device"]), up=False))

    def _up(self, t: int, facts: dict[str, Any]) -> None:
        self.health.append(Pulse(t, str(facts["device"]), up=True))

    def _timing(self, _t: int, facts: dict[str, Any]) -> None:
        self.jitter = max(0, int(facts.get("p99_ns", 0)))
