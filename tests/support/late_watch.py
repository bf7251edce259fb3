"""For tests of the watchdog: a program that is slow to begin, on a busy machine, does not hang yet."""

from __future__ import annotations

from typing import Any


class Lively:
    """A kernel with a sign of life for each look, until the program under test says that it begins to hang.

    Args:
        kernel: what the watchdog would watch.
        begun: is filled by the program.
    """

    def __init__(self, kernel: Any, begun: list[Any]) -> None:
        self._kernel = kernel
        self._begun = begun
        self._looks = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernel, name)

    @property
    def beats(self) -> int:
        if not self._begun:
            self._looks += 1
        return int(self._kernel.beats) + self._looks
