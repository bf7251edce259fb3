"""The player on recorded frames: a run is judged again without its device.

Each step takes from the record what the tester sent and what it heard. A case that would now send something else
cannot be judged from this record, and says so.
"""

from __future__ import annotations

from dataclasses import replace

from bench.compliance.results import CaseResult, Frame, Run
from bench.compliance.steps import Ask, Heard, Operator, Step, Wait

__all__ = ["NotRecorded", "ReplayedPlayer", "rejudge_cases"]


class NotRecorded(Exception):
    """The record does not have what the case does now."""


class ReplayedPlayer:
    """Plays steps from the frames of one case, all attempts.

    Args:
        frames: as `CaseResult.frames` has them.
        clock, uncertainty: of the run.
    """

    def __init__(self, frames: tuple[Frame, ...], clock: str, uncertainty: int) -> None:
        self.clock = clock
        self.uncertainty = uncertainty
        self.frames: list[Frame] = []
        self._record = frames
        self._at = 0

    @property
    def now(self) -> int:
        """Instant of the last frame taken, ns."""
        return self.frames[-1].end if self.frames else 0

    def begin(self, attempt: int) -> None:
        """A case begins, or is repeated."""
        if attempt:
            frame = self._next()
            if not frame.note.startswith("attempt"):
                raise NotRecorded(
                    f"the case would be repeated now; the record goes on with {frame.note or frame.data!r}"
                )

    def play(self, step: Step) -> Heard:
        """Take a step from the record.

        Raises:
            NotRecorded: the record has something else there.
        """
        if isinstance(step, Operator):
            frame = self._next()
            if not frame.note.startswith("operator:"):
                raise NotRecorded("the case would ask the operator now, the record did not")
            return Heard(sent_end=frame.at, first=len(self.frames), done=frame.note.endswith(": done"))
        return self._ask(step) if isinstance(step, Ask) else self._wait(step)

    def _ask(self, step: Ask) -> Heard:
        gaps: list[int] = []
        end = 0
        for number, (_, data) in enumerate(step.parts):
            frame = self._next()
            if frame.direction != "out" or frame.data != data:
                raise NotRecorded(f"the case would send {data.hex(' ')} now; recorded: {frame.data.hex(' ')}")
            if number:
                gaps.append(frame.at - end)
            end = frame.end
        return self._answers(end, tuple(gaps))

    def _wait(self, step: Wait) -> Heard:
        frame = self._next()
        if frame.direction != "out" or frame.data:
            raise NotRecorded(f"the case would be silent now; recorded: {frame.data.hex(' ')}")
        return self._answers(frame.at, ())

    def _answers(self, end: int, gaps: tuple[int, ...]) -> Heard:
        first = len(self.frames)
        heard = []
        while self._at < len(self._record) and self._record[self._at].direction == "in":
            heard.append(self._next())
        return Heard(tuple(heard), end, first, gaps)

    def _next(self) -> Frame:
        if self._at >= len(self._record):
            raise NotRecorded("the case goes on where its record ends")
        frame = self._record[self._at]
        self._at += 1
        self.frames.append(frame)
        return frame


def rejudge_cases(run: Run) -> list[CaseResult]:
    """Judge every case of a run again from its frames.

    Cases that were not run keep their result. One whose record does not fit what the case does today comes back as
    ERROR with the reason, as does one that no suite has any more.
    """
    from bench.compliance.engine import Judge, judge_case
    from bench.compliance.suites import suite_named

    if run.suite.endswith(".master"):
        from bench.compliance.master.run import rejudge_master

        return rejudge_master(run)
    suite = suite_named(run.suite)
    cases = {case.id: case for case in suite.cases}
    uncertainty = round((run.uncertainty_ms or 0.0) * 1_000_000)
    judge = Judge.of_run(run, suite)
    again: list[CaseResult] = []
    for old in run.cases:
        if old.verdict in ("NOT RUN", "NOT APPLICABLE"):
            again.append(old)
            continue
        case = cases.get(old.id)
        if case is None or case.rev != old.rev:
            why = f"this version has no case {old.id} of revision {old.rev}; use the version named in the run"
            again.append(replace(old, verdict="ERROR", reason=why, witness="", contradiction=None))
            continue
        player = ReplayedPlayer(old.frames, run.clock, uncertainty)
        new = judge_case(case, judge, player)
        again.append(replace(new, seconds=old.seconds, reproduce=old.reproduce))
    return again
