"""A trial: one short run as data, small enough to be sent to another process, stored, and shrunk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

__all__ = ["FAULTS_END", "RUNNING", "SECONDS", "Act", "Outcome", "Trial"]

SECONDS: Final = 60
"""Length of a trial, seconds of the hall: presses and faults, then `SETTLE` without either."""

RUNNING: Final = "running"
"""What a program breaks that crashes, hangs or ends by itself: no invariant of the judge."""

FAULTS_END: Final = 24
"""By then all faults are over, seconds since the trial began: what follows is for the collector to come to rest."""


class Act(NamedTuple):
    """What a person does to a device.

    Args:
        at_ms: milliseconds since the trial began.
        device: which.
        action: "press" or "log_in".
        value: the key, or the clerk's code.
    """

    at_ms: int
    device: str
    action: str
    value: int


@dataclass(frozen=True)
class Trial:
    """One short run.

    Attributes:
        label: what it is about, for people.
        devices: names of the keypads that are there.
        acts: what people do, in order of time.
        faults: tables as in a scenario; `at`, `after` and `before` in seconds since the trial began.
        sequences: keypad -> sequence number of its next event, where it does not begin at 0.
        seconds: length.
        seed: what faults draw from.
        late_ms: the program starts so many milliseconds after the devices.
    """

    label: str
    devices: tuple[str, ...]
    acts: tuple[Act, ...]
    faults: tuple[Mapping[str, Any], ...] = ()
    sequences: Mapping[str, int] = field(default_factory=dict)
    seconds: int = SECONDS
    seed: int = 1
    late_ms: int = 0

    @property
    def presses(self) -> int:
        """How many keys are pressed."""
        return sum(act.action == "press" for act in self.acts)

    def without_devices(self, kept: Sequence[str]) -> Trial:
        """The trial with these devices alone; what happens to the others happens no more."""
        faults = [
            fault
            for fault in self.faults
            if {fault.get("device"), fault.get("other")} - {None} <= set(kept) or not kept
        ]
        return replace(
            self,
            devices=tuple(kept),
            acts=tuple(act for act in self.acts if act.device in kept),
            faults=tuple(faults),
            sequences={name: first for name, first in self.sequences.items() if name in kept},
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict; `from_json` gives the equal trial back."""
        return {
            "label": self.label,
            "devices": list(self.devices),
            "acts": [list(act) for act in self.acts],
            "faults": [dict(fault) for fault in self.faults],
            "sequences": dict(self.sequences),
            "seconds": self.seconds,
            "seed": self.seed,
            "late_ms": self.late_ms,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Trial:
        """The trial that `to_json` wrote.

        Raises:
            ValueError: it is none.
        """
        try:
            return cls(
                str(data["label"]),
                tuple(map(str, data["devices"])),
                tuple(Act(int(at), str(device), str(action), int(value)) for at, device, action, value in data["acts"]),
                tuple(dict(fault) for fault in data["faults"]),
                {str(name): int(first) for name, first in data["sequences"].items()},
                int(data["seconds"]),
                int(data["seed"]),
                int(data["late_ms"]),
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"this is no stored trial: {error!r}") from error

    @property
    def key(self) -> str:
        """Equal for trials that run alike."""
        told = self.to_json()
        told.pop("label")
        return json.dumps(told, sort_keys=True)


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    Attributes:
        violated: invariant -> violations. "running" is broken by a program that crashed, hung or ended by itself.
        undecided: invariants that are UNKNOWN.
        held: invariants that hold.
        stories: invariant -> its stories.
        sentence: the verdict in a sentence.
        collector: how the program ended: "how", "status", "detail".
        opened: it opened a port.
        hits: fault -> how often it struck; 0 is kept.
        why_not: fault -> why it could not strike.
        branches: branch of the protocol -> how often it was taken.
        exchanges: kinds of exchange that were seen, [function, address, replies, characters of the longest reply,
            characters of the longest request, characters of events in it].
        presses: how many counted.
        sha256: of the history.
        broken: the bench could not play it; says why.
    """

    violated: Mapping[str, int] = field(default_factory=dict)
    undecided: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    stories: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sentence: str = ""
    collector: Mapping[str, Any] = field(default_factory=dict)
    opened: bool = True
    hits: Mapping[str, int] = field(default_factory=dict)
    why_not: Mapping[str, str] = field(default_factory=dict)
    branches: Mapping[str, int] = field(default_factory=dict)
    exchanges: Sequence[Sequence[int]] = ()
    presses: int = 0
    sha256: str = ""
    broken: str = ""
