"""What a case is, and what it judges with: one-way worsening, witnesses, measures.

A case is a generator of steps over a `Bench`. It ends by running out (nothing contradicted), or by raising a `Finding`.
Whether that becomes a PASS is the engine's business: it asks for a witness and for a device that still answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from bench.compliance.declaration import Declaration
from bench.compliance.results import Frame, Measure, Verdict
from bench.compliance.steps import Heard, Operator, Play, Wait
from firmware_sim.device import MS

__all__ = ["Bench", "Case", "Failed", "Finding", "Lost"]

_RANK: Final = {"PASS": 0, "INFO": 0, "NON-STRICT": 1, "INCONCLUSIVE": 2, "FAIL": 3, "ERROR": 4}


@dataclass(frozen=True, slots=True)
class Case:
    """One experiment (conformance.md 2.1).

    Args:
        id: permanent slug, protocol.role.topic.
        rev: raised when the stimulus or the expectation changes.
        primary: the requirement that it blames.
        title: what must be seen, in one line.
        run: bench -> steps (a device's case), or frames -> verdict (a master's).
        also: further requirements that it touches.
        applies: capability expression over the declaration.
        needs: "" or "operator".
        timing_class: "none", "coarse" (10 ms and more), "fine" (judged only beyond the uncertainty), "virtual".
        cost: (frames sent, silent windows) about.
        wild: where the defect was seen in real devices.
        bare: no probe before it, since it judges what the probe takes for granted.
    """

    id: str
    rev: int
    primary: str
    title: str
    run: Callable[[Any], Any]
    also: tuple[str, ...] = ()
    applies: str = ""
    needs: str = ""
    timing_class: str = "none"
    cost: tuple[int, int] = (5, 0)
    wild: tuple[str, ...] = ()
    bare: bool = False


class Finding(Exception):
    """A case ends here with a verdict.

    Args:
        reason: one or two sentences.
        heard: what it is about.
        span: first and last character + 1 of its first frame to highlight; None: all of it.
    """

    verdict: Verdict = "INCONCLUSIVE"

    def __init__(self, reason: str, heard: Heard | None = None, span: tuple[int, int] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.spot: tuple[int, int, int] | None = None
        if heard is not None and heard.frames:
            first, last = span or (0, len(heard.frames[0].data))
            self.spot = (heard.first, first, last)


class Failed(Finding):
    """The requirement is contradicted."""

    verdict = "FAIL"


class Lost(Finding):
    """The premise is lost: no answer to the probe, foreign traffic, a reply that cannot be read."""


@dataclass
class Bench:
    """What a case works with.

    Args:
        declaration: of the device.
        unit: its address.
        rng: values and nonces are drawn from it.
        uncertainty: of instants, ns.
        virtual: the clock is simulated and instants are exact.

    Attributes:
        verdict, reason, spot: the worst so far and why; the first FAIL's reason stays.
        witness: the last reply that was judged good.
        measures: figures taken.
    """

    declaration: Declaration
    unit: int
    rng: Random
    uncertainty: int
    virtual: bool
    verdict: Verdict = "PASS"
    reason: str = ""
    spot: tuple[int, int, int] | None = None
    witness: str = ""
    measures: list[Measure] = field(default_factory=list)

    def worsen(self, verdict: Verdict, reason: str, spot: tuple[int, int, int] | None = None) -> None:
        """Take a worse verdict; a better or equal one changes nothing."""
        if _RANK[verdict] > _RANK[self.verdict]:
            self.verdict, self.reason, self.spot = verdict, reason, spot

    def saw(self, heard: Heard) -> None:
        """Remember a good reply as witness."""
        if heard.frames:
            data = heard.data
            shown = data[:16].hex(" ").upper() + (" .." if len(data) > 16 else "")
            self.witness = f"{shown} in frame {heard.first}"

    def measure(self, name: str, ns: int, limit: str = "", ok: bool | None = None, exact: bool = False) -> None:
        """Store a time."""
        uncertainty = 0.0 if exact else self.uncertainty / 1e6
        self.measures.append(Measure(name, round(ns / 1e6, 4), "ms", limit, uncertainty, ok))

    def at_least(self, name: str, ns: int, least: int, heard: Heard, why: str) -> None:
        """Judge that a time is at least so long; inconclusive when the margin is below the uncertainty."""
        self._judge(name, ns, f">= {least / 1e6:.3f}", ns - least, heard, why)

    def at_most(self, name: str, ns: int, most: int, heard: Heard, why: str) -> None:
        """Judge that a time is at most so long, likewise."""
        self._judge(name, ns, f"<= {most / 1e6:.3f}", most - ns, heard, why)

    def _judge(self, name: str, ns: int, limit: str, margin: int, heard: Heard, why: str) -> None:
        clear = margin >= self.uncertainty if margin >= 0 else -margin > self.uncertainty
        self.measure(name, ns, limit, margin >= 0 if clear else None)
        figures = f"{name} {ns / 1e6:.3f} ms, {limit} ms wanted"
        if not clear:
            raise Lost(
                f"{figures}; the margin is below this port's uncertainty of {self.uncertainty / 1e6:.3f} ms", heard
            )
        if margin < 0:
            raise Failed(f"{why}: {figures}", heard)

    def must_be_silent(self, heard: Heard, what: str) -> None:
        """Nothing may have been said.

        Raises:
            Failed: something was.
        """
        if heard.frames:
            raise Failed(f"{what} was answered: {frames_text(heard.frames)}; silence is required", heard)

    def operator(self, action: str, *args: Any, text: str) -> Play:
        """Have a person act.

        Raises:
            Lost: it was not done.
        """
        heard = yield Operator(action, args, text)
        if not heard.done:
            raise Lost(f"the operator did not: {text}")

    @property
    def hush(self) -> int:
        """How long the line must be silent before a case begins, ns."""
        return 60 * MS

    def quiet_line(self) -> Play:
        """Nobody may be speaking before the case begins; what the device still had to say may run out.

        Raises:
            Lost: somebody is.
        """
        heard = yield Wait(self.hush, "is the line quiet?")
        if heard.frames:
            heard = yield Wait(self.hush, "is it quiet now?")
        if heard.frames:
            raise Lost(f"foreign traffic on the line before the case: {frames_text(heard.frames)}", heard)


def frames_text(frames: tuple[Frame, ...]) -> str:
    """The characters of frames for a sentence."""
    data = b"".join(frame.data for frame in frames)
    return data[:24].hex(" ").upper() + (" .." if len(data) > 24 else "") or "nothing"
