"""What people do in a trial: patterns of presses that find different mistakes, as data.

Presses and faults end early, so that the rest of a trial is for the collector to come to rest.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from bench.hunt.trial import Act

__all__ = ["PRESETS", "Preset"]

NEAR_WRAP: Final = 0xFFFC
"""First sequence number of a keypad that is to wrap: the fourth event after it begins at 0 again."""

NEAR_SIGN: Final = 0x7FFC
"""The same for a program that takes the number for a signed one."""

NEARLY_FULL: Final = 62
"""Presses that wait when the program starts, of a queue of 64."""

_FIRST_MS: Final = 700
_LAST_MS: Final = 16_000
_OTHER_CLERK: Final = 77


class Preset(NamedTuple):
    """How a trial begins.

    Args:
        acts: what people do.
        sequences: keypad -> sequence number of its first event.
        late_ms: the program starts so much later than the devices.
    """

    acts: tuple[Act, ...]
    sequences: Mapping[str, int] = MappingProxyType({})
    late_ms: int = 0

    def given(self) -> dict[str, Any]:
        """As arguments of a `Trial`."""
        return {"acts": tuple(sorted(self.acts)), "sequences": dict(self.sequences), "late_ms": self.late_ms}


Devices = Sequence[str]


def _value(number: int) -> int:
    """The values 1..5 so that neighbours differ, also across keypads that take turns."""
    return 1 + (number * 3 + number // 5) % 5


def _spread(devices: Devices, rng: random.Random, count: int = 10) -> list[Act]:
    step = (_LAST_MS - _FIRST_MS) // count
    return [
        Act(_FIRST_MS + n * step + rng.randrange(step * 3 // 4), devices[n % len(devices)], "press", _value(n))
        for n in range(count)
    ]


def _plain(devices: Devices, rng: random.Random) -> Preset:
    return Preset(tuple(_spread(devices, rng)))


def _wrap(devices: Devices, rng: random.Random) -> Preset:
    acts = _spread(devices, rng, 6 * len(devices))
    return Preset(tuple(acts), {name: (NEAR_WRAP, NEAR_SIGN)[n % 2] for n, name in enumerate(devices)})


def _close(devices: Devices, rng: random.Random) -> Preset:
    """Presses of one key, close together: on one keypad, and at one instant on several."""
    acts = []
    for n in range(4):
        at = _FIRST_MS + n * 3700 + rng.randrange(900)
        acts += [Act(at + 250 * k, devices[n % len(devices)], "press", 5) for k in range(3)]
        acts += [Act(at, device, "press", 5) for device in devices if device != devices[n % len(devices)]]
    return Preset(tuple(acts))


def _nearly_full(devices: Devices, rng: random.Random) -> Preset:
    acts = [Act(200 + 80 * n, devices[0], "press", _value(n)) for n in range(NEARLY_FULL)]
    late = 200 + 80 * NEARLY_FULL + 100
    acts += [Act(late + 300 + 900 * n + rng.randrange(300), devices[n % len(devices)], "press", 5) for n in range(6)]
    return Preset(tuple(acts), {}, late)


def _clerks(devices: Devices, rng: random.Random) -> Preset:
    """The clerk changes just after a press, before it can have been fetched."""
    acts = []
    for act in _spread(devices, rng, 8):
        acts += [act, Act(act.at_ms + 40, act.device, "log_in", _OTHER_CLERK + act.value)]
    return Preset(tuple(acts))


PRESETS: Final[Mapping[str, Callable[[Devices, random.Random], Preset]]] = MappingProxyType(
    {
        "presses in turn": _plain,
        "the next sequence number near its wrap": _wrap,
        "presses close together": _close,
        "clerks that change": _clerks,
        "a queue nearly full": _nearly_full,
    }
)
"""Name -> what makes it."""
