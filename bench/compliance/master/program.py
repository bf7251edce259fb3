"""A Python collector as the master, unmodified, in simulated time: its own waiting drives the stage's clock."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.clock.clockwork import Clockwork
from bench.clock.kernel import Kernel
from bench.clock.standins import installed
from bench.compliance.master.presenter import LASTS, UNITS, Stage
from bench.compliance.master.run import SETTINGS
from bench.ports.mounts import mounted
from bench.ports.patch import redirected
from bench.run.collector import Exit, parse_command, run_collector
from bench.run.descriptors import descriptors_kept
from bench.run.forked import only_here
from bench.run.process import hall_time_zone, interrupt_is_ours
from bench.run.watchdog import Watchdog
from firmware_sim.burst import LineSettings

__all__ = ["run_program"]

_EPOCH: Final = 1_700_000_000 * 1_000_000_000
_PATIENCE: Final = 30.0
_HUNG: Final = 6


def _give_up(found: str) -> None:
    print(
        f"hallbench: {found}\nIt did not react to being interrupted, so the check was ended by force.",
        file=sys.__stderr__,
        flush=True,
    )
    os._exit(_HUNG)


def run_program(command: Sequence[str], settings: LineSettings = SETTINGS) -> tuple[Stage, Exit, str]:
    """Let a collector run against the stage, through all phases.

    Args:
        command: a Python program; {port} stands for the line's port, {units} for the devices' addresses.
        settings: of the line.

    Returns:
        The stage with its record, how the program ended, and the last of what it wrote.

    Raises:
        NotPython: the command runs something else.
    """
    program = parse_command(command)
    units = ",".join(map(str, UNITS))
    args = tuple(word.replace("{port}", "hall://bus").replace("{units}", units) for word in program.args)
    program = replace(program, args=args)
    clockwork = Clockwork()
    stage = Stage(clockwork, settings)
    kernel = Kernel(clockwork, _EPOCH, until=LASTS)
    with TemporaryDirectory(prefix="hallbench-check-") as folder, contextlib.ExitStack() as stack:
        log_path = Path(folder) / "program.log"
        log = stack.enter_context(log_path.open("w", encoding="utf-8", errors="backslashreplace"))
        stack.enter_context(descriptors_kept())
        stack.enter_context(hall_time_zone("UTC"))
        stack.enter_context(installed())
        stack.enter_context(redirected())
        stack.enter_context(mounted({"bus": stage.line}, kernel, {}))
        stack.enter_context(Watchdog(kernel, _PATIENCE, _give_up))
        interrupted = stack.enter_context(interrupt_is_ours())
        run = partial(run_collector, program, kernel, env={"HALLBENCH_PORT": "hall://bus"}, log=log, shown=None)
        ended = only_here(run)
        if interrupted:
            raise KeyboardInterrupt
        kernel.drive()
        log.flush()
        wrote = log_path.read_text(encoding="utf-8", errors="replace")[-2000:]
    return stage, ended, wrote
