"""What the benches of unsolicited talkers share: replies that come when they like, hands that are undone, reading.

A printer or a board on a full-duplex line may answer at once, after two metres of paper, or not at all, and may speak
unasked. So what was sent and what came are gathered over several steps, until enough has come or the time is over.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from bench.compliance.case import Bench, Failed, Lost
from bench.compliance.results import Frame
from bench.compliance.steps import Ask, Heard, Operator, Step, Wait
from firmware_sim.burst import LineSettings
from firmware_sim.device import MS

__all__ = ["Doing", "StreamBench", "Talk"]

SLICE: Final = 250 * MS
"""Listening goes on in pieces of this length while something is still awaited."""

Talk: TypeAlias = Generator[Step, Heard, Heard]
Doing: TypeAlias = Generator[Step, Heard, None]


@dataclass
class StreamBench(Bench):
    """`Bench` of a device on a line of `settings` that may speak at any time; `neighbours` are others on it."""

    settings: LineSettings = field(default_factory=LineSettings)
    neighbours: frozenset[int] = frozenset()
    undo: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.timeout = self.declaration.timeout

    def listen(self, ns: int, note: str = "listening") -> Talk:
        """Say nothing for so long."""
        heard = yield Wait(ns, note)
        return heard

    def talk(
        self,
        *parts: tuple[int, bytes],
        note: str = "",
        window: int = 0,
        enough: Callable[[bytes], bool] | None = None,
        most: int = 0,
    ) -> Talk:
        """Send parts, and listen until enough has come.

        Args:
            parts: (silence before it in ns, characters).
            note: for people.
            window: how long to wait for the first character, ns; 0: the declared time-out.
            enough: tells from all that came whether to stop; None: what comes in one window is all.
            most: how long to listen at most after the window, ns; used with `enough`.
        """
        window = window or self.timeout
        heard = yield Ask(parts, window, enough, note)
        got = [heard]
        waited = 0
        data = heard.data
        while enough is not None and not enough(data) and waited < most:
            more = yield Wait(SLICE, "still listening")
            got.append(more)
            data += more.data
            waited += SLICE
        return gathered(got)

    # -- hands and eyes ---------------------------------------------------------------------------------------------
    def sees(self, action: str, *args: Any, good: str, bad: str, what: str) -> Doing:
        """Have a person look. Only a person's word that it is wrong makes a FAIL.

        Args:
            action: name of the eye under emulation; its opposite is `not_` before it.
            args: its arguments.
            good: what is to be seen, as a question's text.
            bad: what the person confirms when it is not.
            what: the reason of a FAIL.

        Raises:
            Failed: the person says that it is otherwise.
            Lost: nobody looked.
        """
        seen = yield Operator(action, args, good)
        if seen.done:
            return
        denied = yield Operator(f"not_{action}", args, bad)
        if denied.done:
            raise Failed(what)
        raise Lost(f"nobody told what is to be seen: {good}")

    def restore(self) -> Doing:
        """Undo what the case's hands did, last first; what cannot be undone is left."""
        while self.undo:
            yield self.undo.pop()


def gathered(parts: list[Heard]) -> Heard:
    """What was heard in several steps, as one; the index is that of its first frame."""
    frames: tuple[Frame, ...] = tuple(frame for part in parts for frame in part.frames)
    first = next((part.first for part in parts if part.frames), parts[0].first)
    return Heard(frames, parts[0].sent_end, first, parts[0].gaps)
