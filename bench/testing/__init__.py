"""Halls for tests: the pytest fixtures, and the same objects as plain context managers.

    from bench.testing import hall

    with hall("tan_hoi", ports={"/dev/ttyUSB0": "keypads"}) as h:
        h.keypad(3).press(5)
        h.run("collector.py", "/dev/ttyUSB0", "ratings.sqlite", for_=30)
        h.verdict(records="ratings.sqlite").must_hold()

Nothing is imported before a name is asked for: a test session that uses no hall does not pay for one.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.testing.build import SetupError
    from bench.testing.expect import NotSeen
    from bench.testing.face import Hall, LostAtEnd, hall
    from bench.testing.faults import FAULTS, Fault
    from bench.testing.passing import HallOver
    from bench.testing.programs import ProgramFailed, Started

__all__ = [
    "FAULTS",
    "Fault",
    "Hall",
    "HallOver",
    "LostAtEnd",
    "NotSeen",
    "ProgramFailed",
    "SetupError",
    "Started",
    "hall",
]

_HOMES = {
    "FAULTS": "faults",
    "Fault": "faults",
    "Hall": "face",
    "HallOver": "passing",
    "LostAtEnd": "face",
    "NotSeen": "expect",
    "ProgramFailed": "programs",
    "Started": "programs",
    "SetupError": "build",
    "hall": "face",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
