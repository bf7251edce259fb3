"""What a case asks its player to do: say characters and listen, be silent, or have a person do something.

A case yields steps and is sent what was heard. It knows no clock and no port, so the same case is played on an
emulated device in virtual time, on a real port, and on frames recorded earlier (conformance.md 2.1).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from bench.compliance.results import Frame

__all__ = ["Ask", "Heard", "Operator", "Play", "Player", "PortLost", "Step", "Wait", "begun", "wait_mark"]


@dataclass(frozen=True, slots=True)
class Ask:
    """Send characters, then listen.

    Args:
        parts: (silence before it in ns, characters); the first silence counts from the quiet line.
        window: how long the first character of a reply may take, ns after the last one sent.
        complete: tells from what was heard so far whether the reply is whole; a player on a real port may then stop
            listening early. None: listen for the whole window.
        note: for people.
        after: silence kept before the first part, ns after the last character on the line.
        tail: how long to listen on after a complete reply, ns; None: as long as the player holds good.
    """

    parts: tuple[tuple[int, bytes], ...]
    window: int
    complete: Callable[[bytes], bool] | None = None
    note: str = ""
    after: int = 0
    tail: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Send nothing for so many ns, and listen."""

    ns: int
    note: str = "silence"


@dataclass(frozen=True, slots=True)
class Operator:
    """Have a person (or the bench's hands) act on the device.

    Args:
        action: name of the device's method under emulation, "press".
        args: its arguments.
        text: what a person is asked to do.
    """

    action: str
    args: tuple[Any, ...]
    text: str


Step: TypeAlias = Ask | Wait | Operator


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back.

    Args:
        frames: bursts from the device, in order.
        sent_end: end of the last character sent, ns; for a `Wait` its beginning.
        first: index of the first of these frames among the case's.
        gaps: silences before each later part as they came out on the wire, ns; empty for frames sent in one part.
        done: for an `Operator`, whether it was done.
    """

    frames: tuple[Frame, ...] = ()
    sent_end: int = 0
    first: int = 0
    gaps: tuple[int, ...] = ()
    done: bool = True

    @property
    def data(self) -> bytes:
        """All characters, joined."""
        return b"".join(frame.data for frame in self.frames)


Play: TypeAlias = Generator[Step, Heard, None]


class PortLost(Exception):
    """The port went away, or could not be opened; the message says which and why."""


class Player(Protocol):
    """Carries out steps.

    Attributes:
        frames: what went over the wire since `begin`, with marks of waiting and of the operator.
        clock: "virtual" or "wall".
        uncertainty: of an instant, ns.
    """

    frames: list[Frame]
    clock: str
    uncertainty: int

    def begin(self, attempt: int) -> None:
        """A case (attempt 0) or a repetition of it begins."""
        ...

    def play(self, step: Step) -> Heard:
        """Carry out one step."""
        ...

    @property
    def now(self) -> int:
        """The present instant, ns from the run's beginning."""
        ...


def wait_mark(at: int, note: str) -> Frame:
    """What stands among the frames for a time in which the case sent nothing."""
    return Frame(at, at, "out", b"", note)


def begun(frames: list[Frame], at: int, attempt: int) -> list[Frame]:
    """The frames of a case that begins (attempt 0: none yet) or is repeated (those so far, and a mark)."""
    return [*frames, Frame(at, at, "out", b"", f"attempt {attempt + 1}")] if attempt else []


def joined(parts: Iterable[tuple[int, bytes]]) -> bytes:
    """The characters of all parts."""
    return b"".join(data for _, data in parts)
