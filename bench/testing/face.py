"""The Python face of a hall: `with hall("tan_hoi") as h: ...`, the object that a test talks to.

    from bench.testing import hall

    with hall("tan_hoi", ports={"/dev/ttyUSB0": "keypads"}) as h:
        h.start("collector.py", "/dev/ttyUSB0", "ratings.sqlite")
        h.run_for(10)
        h.keypad(3).press(5)
        h.run_for(10)
        h.verdict(records="ratings.sqlite").must_hold()

In simulated time the thread of the test lives in the hall: `time.sleep`, serial time-outs and `datetime.now()` are the
hall's, and nothing happens while the test computes. The pytest fixture `hall` is the same object.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from bench.clock.clockwork import seconds as ns_of
from bench.clock.kernel import BenchFailure, DayOver, current
from bench.faults.nemesis import Armed, Hit
from bench.run.collector import Exit
from bench.scenario.model import Scenario
from bench.testing import evidence
from bench.testing.build import Plan, SetupError, instant, plan
from bench.testing.faults import KILL, Fault, arm, never_hit, records_lock
from bench.testing.passing import HallOver
from bench.testing.places import Places
from bench.testing.programs import Program, ProgramFailed, Started
from bench.testing.report import sections
from bench.testing.rows import Records

if TYPE_CHECKING:
    from bench.judge.verdict import Verdict

__all__ = ["Hall", "LostAtEnd", "hall", "make"]

P = ParamSpec("P")
T = TypeVar("T")

_STOP_WITHIN: Final = 3600.0
"""Seconds in the hall that `run` gives a program to end by itself when the test names no end."""


class LostAtEnd(AssertionError):
    """The test passed, and yet something is wrong in its hall: a rating was lost, a fault never happened."""


class Hall(Places):
    """A hall, alive: its devices, its lines, its clock, its evidence. Made by `hall(...)`, or by the fixture.

    Attributes:
        plan: what the test asked for.
        scenario: the hall, with its lines given to program and house.
        seed: of the day and of the faults.
        clock: "virtual" or "wall".
        world: everything behind it.
        tape: the latest frames and notes, and the fate of every press.
        decoder: reads frames in words.
        rows: what the house controller stored (ratings, tickets, calls).
        records: where the program stores its ratings; when it is known, the end of the test judges them.
        faults: all that were asked for.
        begun_ns: instant at which it began.
    """

    def __init__(
        self, made: Plan, *, clock: str = "virtual", records: Records = None, evidence: str = "folded"
    ) -> None:
        self.faults: list[Fault] = []
        self._kill_asked = False
        self._asked = False
        self._state = "new"
        super().__init__(made, clock=clock, records=records, evidence=evidence)
        nemesis = self.world.nemesis
        nemesis.hands.kill, nemesis.hands.lock_records = self.kill_if_asked, records_lock(self)

    # -- programs ---------------------------------------------------------------------------------------------------
    def start(self, program: Program, *args: Any) -> Started:
        """Run the program under test beside the test: a script with its arguments, or a function with its own.

        It runs whenever the test waits. In simulated time it is part of this process (threads that it starts are
        too, as far as `bench.clock` has them); in wall time a script is a process of its own.

        Raises:
            ProgramFailed: there is no such script. A crash comes out of the test's next wait.
        """
        return self.drive.start(program, args)

    def run(self, program: Program, *args: Any, for_: float | None = None, until: object = None) -> Exit:
        """Run a program to its end, or for so long, and then ask it to end.

        Args:
            program: as for `start`.
            args: as for `start`.
            for_: seconds.
            until: a time of the day.

        Returns:
            How it ended: by itself, asked to, or killed.

        Raises:
            ProgramFailed: it crashed or ended with a bad status; or no end was named and it does not end by itself.
        """
        running = self.start(program, *args)
        at = instant(until, self.scenario) if until is not None else self.now_ns + ns_of(for_ or _STOP_WITHIN)
        ended = self._wait(at, lambda: not running.alive)
        if not ended:
            if for_ is None and until is None:
                raise ProgramFailed(
                    f"the program {running.name} has not ended after {_STOP_WITHIN:g} s: say how long it is to run "
                    "(for_=30, until='10:45')"
                )
            self.stop()
        running.must_be_good()
        assert running.exit is not None
        return running.exit

    def stop(self) -> None:
        """Ask all programs to end now, as a service manager does; their `finally` blocks run."""
        self.drive.stop()
        self._tell_trouble()

    def kill(self) -> None:
        """Kill all programs at this instant: nothing of them runs any more, what was not committed is gone."""
        self.drive.kill()

    def crashed(self, program: Started) -> None:
        """A program has ended badly: the test is told at its next wait."""
        try:
            program.must_be_good()
        except ProgramFailed as failed:
            self._trouble = self._trouble or failed
            self.drive.interrupt()

    # -- faults -----------------------------------------------------------------------------------------------------
    def fault(self, name: str, **given: Any) -> Fault:
        """Let something go wrong: `bench.testing.FAULTS` has the names, docs/testing.md what all of them take.

        A fault of a line waits for the frame that it is to hit; others happen now, or `at` a time of the day. One that
        never hit anything fails the test at its end.

        Raises:
            SetupError: no such fault, line, device or option; says all that is wrong.
        """
        fault = arm(self, name, given)
        self.faults.append(fault)
        return fault

    def heal(self) -> None:
        """End every fault that is at work."""
        self.drive.do(self.world.nemesis.heal)

    def struck(self, armed: Armed, _hit: Hit) -> None:
        """A fault hit something; a program that is killed in the act of sending goes no further than here."""
        if armed.name == KILL:
            armed.live = armed.trigger.count is None or armed.struck < armed.trigger.count
            self._kill_asked = not self.drive.kill_sender()

    def kill_if_asked(self) -> None:
        """Kill all programs, unless a kill has been carried out at once."""
        if self._kill_asked:
            self._kill_asked = False
            self.kill()

    # -- the verdict ------------------------------------------------------------------------------------------------
    def verdict(
        self, records: Records = None, *, settle: float | None = None, must_exercise: Sequence[str] | None = None
    ) -> Verdict:
        """What the judge says of everything up to now; the hall can go on afterwards.

        Args:
            records: what the program stored: a SQLite file, a database URL, an open SQLite connection, or rows as
                mappings; None takes `hall.records`, or the house's rows where the house runs every line.
            settle: a press younger than so many seconds may still wait in its keypad. By default none may in a hall
                without people, and 30 s in one with people.
            must_exercise: invariants on which the verdict rests. By default the scenario's in a hall with people, and
                else those that something happened for.

        Raises:
            SetupError: an invariant that does not exist.
        """
        self._asked = True
        given = self.records if records is None else records
        return evidence.judge_now(self, given, settle=settle, must_exercise=must_exercise)[0]

    def expect_loss(self) -> None:
        """This test loses ratings on purpose: its end does not look for them."""
        self._asked = True

    def save(self, directory: str | os.PathLike[str], records: Records = None) -> Path:
        """Keep the evidence in a directory that `hallbench judge` reads; returns the directory."""
        return evidence.save(self, Path(directory), self.records if records is None else records)

    def report(self, reproduce: str = "") -> list[tuple[str, str]]:
        """What to show of it when a test failed: (title, text)."""
        return sections(self, reproduce)

    # -- beginning and end ------------------------------------------------------------------------------------------
    def open(self) -> None:
        """Power on.

        Raises:
            SetupError: this thread lives in a hall already.
        """
        if current() is not None:
            raise SetupError("this thread lives in a hall already: close that one first (one hall at a time)")
        self.drive.open()
        self._state = "open"

    def enter(self) -> None:
        """The calling thread lives in the hall's time again (the pytest plugin: a phase of the test begins)."""
        if self._state == "open":
            self.drive.enter()

    def leave(self) -> None:
        """The calling thread lives in real time for a while (pytest's own work between the phases)."""
        if self._state == "open":
            self.drive.leave()

    def close(self) -> None:
        """End the programs and the hall. The evidence stays."""
        if self._state != "open":
            return
        self._state = "closed"
        self.tape.over = True
        try:
            self.drive.close()
        finally:
            self.world.end("the test is over")

    def explain(self, exc: SystemExit) -> None:
        """Turn the end of the hall's day, met in the middle of the test, into an error that says so."""
        if isinstance(exc, DayOver):
            raise HallOver(self.day_is_over()) from None

    def check(self) -> None:
        """What a test that passed must not leave behind; asked before the hall is closed.

        Raises:
            LostAtEnd: a rating was lost (unless a verdict was asked for, or `expect_loss`), or a fault never hit.
            ProgramFailed: a program crashed and nobody has noticed.
        """
        __tracebackhide__ = True
        self._tell_trouble()
        for program in self.drive.programs:
            if not program.looked_at:
                program.must_be_good()
        problems = never_hit(self.faults)
        if not self._asked:
            problems += self._losses()
        if problems:
            raise LostAtEnd("\n".join(problems))

    def _losses(self) -> list[str]:
        """Ratings that were lost although the test passed."""
        mine = {spec.name for line, spec in self.scenario.placed if line.name in self.plan.outside}
        dropped = [press for press in self.tape.presses if press.dropped is not None and press.device in mine]
        told = [
            f"{press.device} dropped key {press.value} (epoch {press.epoch}, seq {press.seq}): its queue was full"
            for press in dropped[:3]
        ]
        if len(dropped) > 3:
            told.append(f"... and {len(dropped) - 3} more")
        if self.records is not None and not told and any(press.device in mine for press in self.tape.presses):
            verdict, _, _ = evidence.judge_now(self, self.records, settle=30.0, must_exercise=None)
            if verdict.word == "VIOLATED":
                told.append(verdict.sentence())
                told += [story.text() for finding in verdict.findings.values() for story in finding.stories[:1]]
        if told:
            told.append("(hall.verdict() judges it in the test, hall.expect_loss() says that it is meant)")
        return told


def make(
    scenario: str | os.PathLike[str] | Scenario = "tan_hoi",
    *,
    seed: int = 1,
    ports: Mapping[str, str] | None = None,
    people: bool = False,
    house: bool = True,
    clock: str = "virtual",
    start: object = None,
    records: Records = None,
    evidence: str = "folded",
) -> Hall:
    """A hall that is not open yet; arguments and errors as `hall`."""
    made = plan(scenario, seed=seed, ports=ports, people=people, house=house, start=start)
    return Hall(made, clock=clock, records=records, evidence=evidence)


def _asked_as(like: Callable[P, Any]) -> Callable[[Callable[..., T]], Callable[P, T]]:
    """The arguments of another function, for mypy, for editors and for `help`."""

    def told(function: Callable[..., T]) -> Callable[P, T]:
        asked = signature(like).replace(return_annotation=signature(function).return_annotation)
        function.__signature__ = asked  # type: ignore[attr-defined]
        return function

    return told


@_asked_as(make)
@contextmanager
def hall(*args: Any, **asked: Any) -> Iterator[Hall]:  # noqa: D417 (it takes the arguments of `make`)
    """A hall for the length of a block.

    Args:
        scenario: shipped name, path of a .toml file, or a loaded scenario.
        seed: of the day and of the faults.
        ports: device path -> line: exactly these lines are the program's. None: as the scenario has it.
        people: visitors come and clerks work, as on the drawn day; without, the devices are quiet until the test acts.
        house: the house controller runs the lines that the program does not.
        clock: "virtual", or "wall" for real ports.
        start: time of the day at which the hall begins (without people); None: the scenario's.
        records: where the program stores its ratings, if the end of the block is to judge them.
        evidence: "folded" (polls that repeat are counted), "full" or "hash".

    Raises:
        ScenarioError: the scenario file has mistakes.
        SetupError: it cannot be set up so; says what there is.
        LostAtEnd, ProgramFailed: see `Hall.check`. Any error of the block gets notes with the last frames.
    """
    h = make(*args, **asked)
    h.open()
    try:
        try:
            yield h
        except DayOver as exc:
            h.explain(exc)
        h.check()
    except (Exception, BenchFailure) as exc:
        for title, text in h.report():
            exc.add_note(f"--- {title}\n{text}")
        raise
    finally:
        h.close()
