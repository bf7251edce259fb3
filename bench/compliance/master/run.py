"""A run of the master suite: stage, master, judgement, as the same `Run` that a device's suite gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from bench import __version__
from bench.clock.clockwork import Clockwork
from bench.compliance.case import Case
from bench.compliance.declaration import load_declaration
from bench.compliance.master.judging import CASES, Seen, phase_of
from bench.compliance.master.presenter import LASTS, Stage
from bench.compliance.modbus_bench import crc_from_zero
from bench.compliance.results import SCHEMA_VERSION, CaseResult, Frame, Run, suite_verdict
from bench.compliance.suites import Suite, suite_named
from firmware_sim.burst import LineSettings
from protocol.modbus.rtu import is_sound

__all__ = ["SUITE", "judge_run", "master_run", "play_master", "rejudge_master"]

SUITE: Final = "modbus_rtu.master"
_COMMAND: Final = "hallbench check --master -- PROGRAM"
SETTINGS: Final = LineSettings(9600, 8, "N", 1)
_SOFT: Final = {"SHOULD": "NON-STRICT", "FIELD": "NON-STRICT", "MAY": "INFO"}


def play_master(attach: Callable[[Stage, Clockwork], None], settings: LineSettings = SETTINGS) -> Stage:
    """Let a master that lives on the clockwork run through all phases."""
    clockwork = Clockwork()
    stage = Stage(clockwork, settings)
    attach(stage, clockwork)
    clockwork.advance_to(LASTS)
    return stage


def _judged(
    case: Case, suite: Suite, frames: tuple[Frame, ...], settings: LineSettings, uncertainty: int
) -> CaseResult:
    requirement = suite.requirements()[case.primary]
    try:
        found = case.run(Seen.of_record(frames, settings, uncertainty))
    except Exception as error:  # the tester's fault, never a pass
        return _result(case, requirement.level, "ERROR", f"the case broke: {type(error).__name__}: {error}", frames)
    verdict = found.verdict
    if verdict == "FAIL":
        verdict = _SOFT.get(requirement.level, verdict)
    spot = None if found.spot is None else (found.spot, 0, len(frames[found.spot].data))
    result = _result(case, requirement.level, verdict, found.reason, frames)
    return replace(result, witness=found.witness, contradiction=spot)


def _result(case: Case, level: str, verdict: str, reason: str, frames: tuple[Frame, ...]) -> CaseResult:
    seconds = (frames[-1].end - frames[0].at) / 1e9 if frames else 0.0
    return CaseResult(
        id=case.id,
        rev=case.rev,
        title=case.title,
        verdict=verdict,  # type: ignore[arg-type]
        requirement=case.primary,
        also=case.also,
        level=level,
        reason=reason,
        witness="",
        recovery="not asked",
        applies="",
        contradiction=None,
        frames=frames,
        measures=(),
        attempts=(verdict,),
        seconds=round(seconds, 6),
        reproduce=_COMMAND,
    )


def _nothing_asked(phases: Iterable[Sequence[Frame]]) -> str:
    """Why there is nothing to judge; "": something was asked, if only in pieces or with a wrong check."""
    first = b""
    for frames in phases:
        asked = [frame.data for frame in frames if frame.direction == "in"]
        first = first or b"".join(asked[:1])
        if any(map(_is_request, asked)) or any(is_sound(a + b) for a, b in pairwise(asked)):
            return ""
    if not first:
        return "the master asked nothing at all"
    return (
        f"nothing that the master says is a frame of Modbus RTU (the first: {first[:12].hex(' ').upper()}): "
        "another protocol, such as Modbus TCP, or other settings of the port"
    )


def _is_request(data: bytes) -> bool:
    if len(data) < 4:
        return False
    return is_sound(data) or is_sound(data[:-2] + data[:-3:-1]) or crc_from_zero(data[:-2]) == data


def judge_run(
    stage: Stage,
    target: str,
    *,
    notes: tuple[str, ...] = (),
    command: str = _COMMAND,
    settings: LineSettings = SETTINGS,
    uncertainty: int = 0,
    started: str = "",
) -> Run:
    """Judge what a stage has recorded; a master that never asked anything leaves everything inconclusive.

    Args:
        stage: with its record.
        target: the master, in words.
        notes: for the report.
        command: what reproduces it.
        settings: of the line.
        uncertainty: of instants, ns; 0 in simulated time.
        started: ISO 8601 in wall time, "" in simulated time.
    """
    suite = suite_named(SUITE)
    cases = []
    nothing = _nothing_asked(stage.record.values())
    for case in suite.cases:
        frames = tuple(stage.record[phase_of(case)])
        result = replace(_judged(case, suite, frames, settings, uncertainty), reproduce=command)
        if nothing:
            result = replace(result, verdict="INCONCLUSIVE", reason=nothing, witness="", contradiction=None)
            result = replace(result, attempts=("INCONCLUSIVE",))
        cases.append(result)
    return master_run(tuple(cases), target, notes, settings, uncertainty, started)


def master_run(
    cases: tuple[CaseResult, ...],
    target: str,
    notes: tuple[str, ...],
    settings: LineSettings,
    uncertainty: int = 0,
    started: str = "",
) -> Run:
    """The run of these cases; its declaration is that of the devices presented. In wall time `started` is set."""
    suite = suite_named(SUITE)
    presented = load_declaration("rating_keypad")
    return Run(
        schema_version=SCHEMA_VERSION,
        tool=f"hallbench {__version__}",
        suite=SUITE,
        catalogue_sha256=suite.sha256(),
        declaration_sha256=presented.sha256,
        declaration=presented.text,
        seed=1,
        clock="wall" if started else "virtual",
        target=target,
        line=str(settings),
        uncertainty_ms=uncertainty / 1e6 if started else None,
        started=started,
        verdict=suite_verdict(cases),
        cases=cases,
        notes=notes,
    )


def rejudge_master(run: Run) -> list[CaseResult]:
    """Judge every case of a run again from its frames."""
    suite = suite_named(SUITE)
    cases = {case.id: case for case in CASES}
    settings = LineSettings.parse(run.line)
    again = []
    nothing = _nothing_asked(old.frames for old in run.cases)
    for old in run.cases:
        case = cases.get(old.id)
        if case is None or case.rev != old.rev:
            again.append(
                replace(old, verdict="ERROR", reason=f"this version has no case {old.id} of revision {old.rev}")
            )
        elif nothing:
            again.append(replace(old, verdict="INCONCLUSIVE", reason=nothing, attempts=("INCONCLUSIVE",)))
        else:
            new = _judged(case, suite, old.frames, settings, round((run.uncertainty_ms or 0) * 1e6))
            again.append(replace(new, reproduce=old.reproduce))
    return again
