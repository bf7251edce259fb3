"""Runs cases: the sandwich of probes, repetitions, verdicts, and the ways a run ends early.

No witness, no pass: a PASS needs a good reply of the device and a probe that it answers afterwards. A FAIL is repeated
twice; 3 of 3 stay FAIL, anything else is INCONCLUSIVE (conformance.md 2.3). FIELD and SHOULD never FAIL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from bench import __version__
from bench.compliance.case import Case, Finding, Lost
from bench.compliance.declaration import Declaration, parse
from bench.compliance.protocols import bench_class
from bench.compliance.replayed import NotRecorded
from bench.compliance.requirements import Requirement
from bench.compliance.results import SCHEMA_VERSION, CaseResult, Run, Verdict, suite_verdict
from bench.compliance.steps import Operator, Play, Player, PortLost, Step
from bench.compliance.suites import Suite
from firmware_sim.burst import LineSettings

__all__ = ["ATTEMPTS", "DEAD_AFTER", "Judge", "forecast", "judge_case", "run_suite"]

ATTEMPTS: Final = 3
DEAD_AFTER: Final = 3
"""So many cases in a row in which nothing whatever came back end the run."""

_POWER_CYCLE: Final = Operator("power_cycle", (), "switch the device off and on")

_UNIT: Final = "unit "
_BESIDE: Final = " beside "
_SOFT: Final[Mapping[str, Verdict]] = {"SHOULD": "NON-STRICT", "FIELD": "NON-STRICT", "MAY": "INFO"}


@dataclass(frozen=True, slots=True)
class Judge:
    """What every case of a run is judged with.

    Args:
        declaration: of the device.
        requirements: by id.
        unit: address under test.
        seed: what values are drawn from.
        settings: of the line.
        neighbours: addresses of other devices on the line.
        command: the command line that reproduces a case, with a place for its id.
    """

    declaration: Declaration
    requirements: Mapping[str, Requirement]
    unit: int
    seed: int
    settings: LineSettings
    neighbours: frozenset[int] = frozenset()
    command: str = "hallbench check --case {case} --seed {seed}"

    @classmethod
    def of_run(cls, run: Run, suite: Suite) -> Judge:
        """The same as when the run was made; the unit is the one it asked."""
        declaration = parse(run.declaration, "the run's declaration")
        unit, neighbours = declaration.unit, frozenset[int]()
        for note in run.notes[:1]:  # `run_suite` puts it there; what the other notes say is for people
            if note.startswith(_UNIT):
                unit, *others = map(int, note.removeprefix(_UNIT).replace(_BESIDE, " ").split())
                neighbours = frozenset(others)
        settings = LineSettings.parse(run.line)
        return cls(declaration, suite.requirements(), unit, run.seed, settings, neighbours)

    def bench(self, case: Case, attempt: int, player: Player) -> Any:
        """A fresh bench: a repetition draws other values."""
        rng = Random(f"{self.seed}/{case.id}/{case.rev}/{attempt}")
        virtual = player.clock == "virtual"
        return bench_class(self.declaration.protocol)(
            self.declaration,
            self.unit,
            rng,
            player.uncertainty,
            virtual,
            settings=self.settings,
            neighbours=self.neighbours,
        )


def forecast(cases: Sequence[Case], judge: Judge) -> tuple[int, float]:
    """Frames and seconds that a run will about take on a real port."""
    chosen = [case for case in cases if judge.declaration.allows(case.applies)]
    frames = sum(case.cost[0] + 4 for case in chosen)
    windows = sum(case.cost[1] for case in chosen)
    each = judge.settings.duration(20) / 1e9 + 0.015
    return frames, frames * each + windows * judge.declaration.timeout / 1e9 + 0.06 * len(chosen)


# -- one case -------------------------------------------------------------------------------------------------------
def judge_case(case: Case, judge: Judge, player: Player) -> CaseResult:
    """Run a case, and again while it fails."""
    requirement = judge.requirements[case.primary]
    began = player.now
    if not judge.declaration.allows(case.applies):
        return _result(case, judge, "NOT APPLICABLE", applies=judge.declaration.because(case.applies))
    attempts: list[str] = []
    benches: list[tuple[Any, str]] = []
    frames: tuple[Any, ...] = ()
    for attempt in range(ATTEMPTS):
        bench = judge.bench(case, attempt, player)
        recovery = "not asked"
        try:
            player.begin(attempt)
            recovery, lived = _attempt(case, bench, player)
            if recovery == "silent" and (lived or player.clock == "virtual"):
                # The next one begins with a device that is up, if somebody is there to see to it. A person is not asked
                # again and again for a device that answered wrongly before the case as it does after it.
                player.play(_POWER_CYCLE)
        except (PortLost, NotRecorded) as lost:
            bench.verdict, bench.reason, bench.spot = "ERROR", str(lost), None
        except Exception as error:  # a case that breaks is the tester's fault, never a pass
            bench.verdict, bench.reason = "ERROR", f"the case broke: {type(error).__name__}: {error}"
            bench.spot = None
        frames = tuple(player.frames)
        soft = _SOFT.get(requirement.level)
        if bench.verdict == "FAIL" and soft:
            bench.verdict = soft
        attempts.append(bench.verdict)
        benches.append((bench, recovery))
        if bench.verdict != "FAIL":
            break
    bench, recovery = benches[0]
    verdict, reason = bench.verdict, bench.reason
    if len(attempts) > 1 and any(seen != "FAIL" for seen in attempts):
        fails = attempts.count("FAIL")
        verdict, reason = "INCONCLUSIVE", f"unstable, {fails} of {len(attempts)} FAIL: {reason}"
    measures = tuple(measure for each, _ in benches for measure in each.measures)
    seconds = round((player.now - began) / 1e9, 6)
    return replace(
        _result(case, judge, verdict, reason),
        witness=bench.witness if verdict in ("PASS", "NON-STRICT", "INFO") else "",
        recovery=recovery,
        contradiction=bench.spot if verdict != "ERROR" else None,
        frames=frames,
        measures=measures,
        attempts=tuple(attempts),
        seconds=seconds,
    )


def _attempt(case: Case, bench: Any, player: Player) -> tuple[str, bool]:
    """Play a case once; tells how the device recovered, and whether it answered the probe before."""
    lived = False
    try:
        _drive(bench.quiet_line(), player)
        if not case.bare:
            _drive(bench.probe(), player)
            lived = True
        _drive(case.run(bench), player)
    except Finding as found:
        bench.worsen(found.verdict, found.reason, found.spot)
    lost = _lost(bench, player)
    if lost is not None:
        bench.worsen("INCONCLUSIVE", f"after the stimulus the device does not answer as one that lives: {lost.reason}")
    if not bench.witness:
        bench.worsen("INCONCLUSIVE", "no reply of the device was seen that could witness a pass")
    return ("answers" if lost is None else "silent"), lived


def _lost(bench: Any, player: Player) -> Lost | None:
    """Probe it once more: None when it answers as one that lives."""
    witness = bench.witness
    try:
        _drive(bench.probe(), player)
    except Lost as lost:
        return lost
    if witness:
        bench.witness = witness
    return None


def _drive(play: Play, player: Player) -> None:
    try:
        step: Step = next(play)
        while True:
            step = play.send(player.play(step))
    except StopIteration:
        return


def _result(case: Case, judge: Judge, verdict: Verdict, reason: str = "", applies: str = "") -> CaseResult:
    requirement = judge.requirements[case.primary]
    return CaseResult(
        id=case.id,
        rev=case.rev,
        title=case.title,
        verdict=verdict,
        requirement=case.primary,
        also=case.also,
        level=requirement.level,
        reason=reason,
        witness="",
        recovery="not asked",
        applies=applies,
        contradiction=None,
        frames=(),
        measures=(),
        attempts=(),
        seconds=0.0,
        reproduce=judge.command.format(case=case.id, seed=judge.seed),
    )


# -- the run --------------------------------------------------------------------------------------------------------
def run_suite(
    suite: Suite,
    judge: Judge,
    player: Player,
    *,
    chosen: Callable[[Case], bool] = lambda case: True,
    target: str,
    started: str = "",
    notes: Sequence[str] = (),
    ending: str = "",
    progress: Callable[[int, int, str], None] = lambda done, of, case: None,
) -> Run:
    """Run the chosen cases of a suite in their order.

    Args:
        suite: what is run.
        judge: with what.
        player: on what.
        chosen: which cases run; the others are NOT RUN.
        target: what is tested, in words.
        started: ISO 8601, "" in virtual time.
        notes: findings of the static review.
        ending: the run has ended before its first case, and why (see `preflight`).
        progress: called before each case with its number, how many, its id.
    """
    results: list[CaseResult] = []
    mute = 0
    lived = bare_only = False
    beside = _BESIDE + " ".join(map(str, sorted(judge.neighbours))) if judge.neighbours else ""
    said = [f"{_UNIT}{judge.unit}{beside}", *notes]
    if ending:
        said.append(ending)
    selected = [case for case in suite.cases if chosen(case)]
    wanted = {case.id for case in selected}
    for case in suite.cases:
        if case.id not in wanted:
            results.append(_result(case, judge, "NOT RUN", "not selected"))
            continue
        if ending and not (bare_only and case.bare):
            results.append(_result(case, judge, "NOT RUN", ending))
            continue
        progress(len(results), len(suite.cases), case.id)
        result = judge_case(case, judge, player)
        results.append(result)
        if result.verdict == "ERROR" and player.clock == "wall" and "port" in result.reason:
            ending = f"the port was lost in {case.id}: {result.reason}"
            said.append(ending)
            bare_only = False
        if result.frames:
            lived = lived or result.recovery == "answers"
            mute = 0 if any(frame.direction == "in" for frame in result.frames) else mute + 1
        if mute >= DEAD_AFTER and suite.stops_when_dead and not ending:
            bare_only = not lived  # what is wrong with its every answer is told by the cases without a probe
            then = "of the rest only those without a probe were run"
            ending = (
                f"the device stopped answering: nothing came back in {DEAD_AFTER} cases in a row, the last of them "
                f"{case.id}; {then if bare_only else 'switch it off and on, and run from there with --case'}"
            )
            said.append(ending)
    verdict = suite_verdict(results)
    if ending and verdict in ("PASS", "NON-STRICT"):
        verdict = "INCONCLUSIVE"
    return Run(
        schema_version=SCHEMA_VERSION,
        tool=f"hallbench {__version__}",
        suite=suite.name,
        catalogue_sha256=suite.sha256(),
        declaration_sha256=judge.declaration.sha256,
        declaration=judge.declaration.text,
        seed=judge.seed,
        clock=player.clock,
        target=target,
        line=str(judge.settings),
        uncertainty_ms=None if player.clock == "virtual" and not player.uncertainty else player.uncertainty / 1e6,
        started=started,
        verdict=verdict,
        cases=tuple(results),
        notes=tuple(said),
    )
