"""The stage of a test's hall: its world, who moves it, and what is seen of it."""

from __future__ import annotations

import io
from typing import Any

from bench.testing.build import Plan, SetupError, build
from bench.testing.decode import Decoder
from bench.testing.drive import Drive, VirtualDrive
from bench.testing.programs import Started
from bench.testing.rows import HouseRows, Records
from bench.testing.traffic import Frame, Happening, Tape
from firmware_sim.device import Note

__all__ = ["Stage"]


class Stage:
    """A hall's world, and everything in it that a test touches or sees.

    Args:
        made: what the test asked for.
        clock: "virtual" or "wall".
        records: as the attribute.
        evidence: how much of the wire the history keeps.
    """

    def __init__(
        self, made: Plan, *, clock: str = "virtual", records: Records = None, evidence: str = "folded"
    ) -> None:
        self.plan = made
        self.seed = made.seed
        self.clock = clock
        self.records = records
        self.rows = HouseRows()
        self.recorded = io.BytesIO()
        self.world = build(made, clock=clock, rows=self.rows, target=self.recorded, evidence=evidence)
        self.scenario = self.world.scenario
        self.tape = Tape()
        self.decoder = Decoder(self.world.rig)
        self.printed: list[Happening] = []
        self.drive: Drive = self._new_drive()
        self.begun_ns = self.now_ns
        self.world.rig.listen(self._on_burst, self._on_note)

    def _new_drive(self) -> Drive:
        if self.clock == "virtual":
            return VirtualDrive(self.world, self.plan, self.crashed)
        if self.clock == "wall":
            from bench.testing.wall import WallDrive

            drive: Drive = WallDrive(self.world, self.plan, self.crashed)
            return drive
        raise SetupError(f"clock is 'virtual' or 'wall', not {self.clock!r}")

    def crashed(self, program: Started) -> None:
        """A program has ended badly."""

    @property
    def now_ns(self) -> int:
        """The present instant, ns since local midnight of the hall's date."""
        return self.drive.now_ns()

    # -- what happens -----------------------------------------------------------------------------------------------
    def _on_burst(self, start: int, line: str, src: str, data: bytes, flaws: int, end: int) -> None:
        self.tape.burst(start, line, src, data, flaws, end)
        self.drive.stir()

    def _on_note(self, device: str, at: int, note: Note) -> None:
        self.tape.note(device, at, note)
        if note.kind == "printed":
            self.printed.append(self.tape.notes[-1])
        self.drive.stir()

    def frames(self, line: str | None = None) -> list[Frame]:
        """The latest frames, oldest first; of one line if given."""
        return self.tape.frames(line)

    def notes(self, kind: str | None = None) -> list[Happening]:
        """The latest notes of all devices, oldest first; of one kind ("press", "ack", "shown" ...) if given."""
        return [told for told in self.tape.notes if kind in (None, told.kind)]

    def act(self, device: str, action: str, *args: Any) -> None:
        """Do what a person does with a device, now: `act("keypad-3", "press", 5)`."""
        self.drive.do(lambda: self.world.rig.act(device, action, *args))
