"""What faults can do to a program that runs in simulated time in this process: its ports and its pauses."""

from __future__ import annotations

from collections.abc import Mapping

from bench.clock.kernel import Kernel
from bench.faults.acts import Hands
from bench.ports.mounts import Mount

__all__ = ["lend_virtual"]


def lend_virtual(hands: Hands, kernel: Kernel, mounts: Mapping[str, Mount]) -> None:
    """Put into `hands` what a kernel and the ports behind its lines make possible.

    Args:
        hands: of the nemesis.
        kernel: in which the program waits.
        mounts: line name -> mount, of the lines that are the program's.
    """

    def vanish(line: str, gone: bool) -> None:
        mounts[line].vanish(gone)

    def swap(one: str, other: str) -> None:
        for name in (one, other):
            mounts[name].vanish(True)
        first, second = mounts[one], mounts[other]
        first.line, second.line = second.line, first.line
        for name in (one, other):
            mounts[name].vanish(False)

    def pause(ns: int) -> None:
        # The hall lives on inside this one event: nothing of the program runs before it is over.
        clockwork = kernel.clockwork
        clockwork.advance_to(clockwork.now + ns)

    def shift_clock(by: int) -> None:
        kernel.epoch_ns += by

    hands.vanish, hands.swap, hands.pause, hands.shift_clock = vanish, swap, pause, shift_clock
