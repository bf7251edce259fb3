"""What the watchdog counts as silence, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from bench.clock.standins import REAL
from bench.run.watchdog import Watchdog

PATIENCE = 20.0
EVERY = 0.5


class Looks:
    """Stands for the event that ends the watch: each wait for it takes as long as the test says, then it is set."""

    def __init__(self, lengths: Iterator[float]) -> None:
        self.now = 100.0
        self._lengths = lengths
        self._set = False

    def wait(self, _every: float) -> bool:
        length = next(self._lengths, None)
        if length is None:
            self._set = True
        else:
            self.now += length
        return self._set

    def is_set(self) -> bool:
        return self._set


def raised(monkeypatch: pytest.MonkeyPatch, *lengths: float) -> int:
    """How often a collector that shows no sign of life is interrupted, the watchdog looking after these seconds."""
    kernel: Any = SimpleNamespace(beats=7, clockwork=SimpleNamespace(now=0), actors=())
    dog = Watchdog(kernel, PATIENCE, give_up=lambda found: pytest.fail(found))
    looks: Any = Looks(iter(lengths))
    done: list[int] = []
    kernel.actors = (SimpleNamespace(ident=0),)
    monkeypatch.setitem(REAL, "monotonic", lambda: looks.now)
    monkeypatch.setattr(dog, "_done", looks)
    monkeypatch.setattr(dog, "_where", lambda: "there")
    monkeypatch.setattr(dog, "_raise_in_collector", lambda: done.append(1))
    dog._watch()
    return len(done)


def test_silence_for_the_whole_patience_is_hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that come in time, 20 s of them: interrupted once, and not before."""
    assert raised(monkeypatch, *[EVERY] * 39) == 0
    assert raised(monkeypatch, *[EVERY] * 41) == 1


def test_a_process_that_stood_still_is_not_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped for an hour between two looks (Ctrl-Z, a machine that sleeps): the collector did not hang."""
    assert raised(monkeypatch, EVERY, 3600.0, *[EVERY] * 36) == 0


def test_a_slow_machine_still_finds_what_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that come ever so late count for two of their times, so that the end comes all the same."""
    assert raised(monkeypatch, *[5.0] * 21) == 1
