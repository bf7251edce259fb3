"""A Python program under test in a process of its own, on real ports, whose clocks run with a scaled hall's.

`python -P -m bench.run.scaled_program SINCE_NS BASE_NS EPOCH_NS SPEED PROGRAM ...`: what a day at `--clock 60x`
starts in place of `python PROGRAM ...`. The program's sleeps, time-outs and calendar are then the hall's, and a poll
that takes 42 ms at speed 1 is not seen as 700 (virtual-time.md section 3). Nothing else of the process is changed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from bench.clock.scaled import ScaledKernel
from bench.clock.standins import REAL, installed
from bench.run.collector import NotPython, Program, execute, parse_command
from bench.run.face import own_modules

__all__ = ["can_be_scaled", "main", "scaled_words"]


def can_be_scaled(words: Sequence[str]) -> bool:
    """Whether a command runs a Python program with this interpreter; the clocks of others cannot be reached."""
    if not words or words[0] != sys.executable:
        return False
    with suppress(NotPython):
        parse_command(words)
        return True
    return False


def scaled_words(words: Sequence[str], anchor: tuple[float, int], epoch_ns: int, speed: float) -> list[str]:
    """The command that runs `words` with scaled clocks.

    Args:
        words: the command as the system would run it; it can be scaled.
        anchor: of the hall's clock: `WallDriver.anchor`. `time.monotonic` is one clock for all processes of a machine.
        epoch_ns: Unix time in ns of the hall's instant 0.
        speed: seconds of the hall in one real second.
    """
    since, base = anchor
    numbers = [str(round(since * 1e9)), str(base), str(epoch_ns), repr(speed)]
    # -P: a program in whose folder there is a package called `bench` must not be taken for us.
    return [sys.executable, "-P", "-m", __name__, *numbers, *words]


def main(arguments: Sequence[str]) -> None:
    """Run the program; it ends as it would by itself."""
    since, base, epoch_ns = (int(text) for text in arguments[:3])
    speed = float(arguments[3])
    program = parse_command(arguments[4:])
    steady: Callable[[], int] = REAL["monotonic_ns"]

    def now_ns() -> int:
        return base + int((steady() - since) * speed)

    script = program.kind == "script"
    first = str(Path(program.target).resolve().parent) if script else ""
    sys.argv = [_name(program), *program.args]
    sys.path.insert(0, first)  # with -P the interpreter has put none there
    with installed(), ScaledKernel(now_ns, epoch_ns, speed), own_modules(first or str(Path.cwd())):
        execute(program)


def _name(program: Program) -> str:
    return "-c" if program.kind == "code" else program.target


if __name__ == "__main__":
    main(sys.argv[1:])
