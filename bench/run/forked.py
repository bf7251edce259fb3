"""A forked child of a program that runs inside this process is a copy of the whole bench: it must not go on as one.

The history refuses what a copy would record (`bench.judge.history`). Here the copy is ended where the program would
return to us: else it would judge, write run.json and print a second verdict.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from bench.run.collector import Exit

_exit = os._exit  # the real one: while a program runs, a stand-in takes its place


def only_here(run: Callable[[], Exit]) -> Exit:
    """Call `run` and return what it returns, in this process; a forked copy of it ends there, with its exit status."""
    me = os.getpid()
    status = 1
    try:
        ended = run()
        status = ended.status
    finally:
        if os.getpid() != me:
            _exit(status & 0xFF)
    return ended
