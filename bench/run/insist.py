"""Make the end of a collector hard to swallow.

`while True: try: poll() except: pass` swallows whatever is raised inside `poll`. When a collector has done so too
often, the next exception meets it in the handler: its frames are traced, and the first line that any of them runs
raises again, now outside of the `try`. A loop in a loop of that kind still goes on; the watchdog ends it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from bench.clock.kernel import Kernel, StubbornCollector

_OURS = str(Path(__file__).parents[1])


@contextlib.contextmanager
def insisting(kernel: Kernel, outermost: CodeType) -> Iterator[None]:
    """Let `kernel` insist during the block.

    Args:
        kernel: whose end of the day is meant.
        outermost: code of the function of ours that runs the collector: its frame and those around it are left alone.
    """
    before = sys.gettrace()

    def trace(_frame: FrameType, event: str, _arg: Any) -> Any:
        if event == "line":
            raise StubbornCollector
        return trace

    def insist() -> None:
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
        while frame is not None and frame.f_code is not outermost:
            if not frame.f_code.co_filename.startswith(_OURS):
                frame.f_trace = trace
                frame.f_trace_lines = True  # a tool that traces too turns it off where it does not look
            frame = frame.f_back
        sys.settrace(lambda *_: None)

    kernel.insist = insist
    try:
        yield
    finally:
        kernel.insist = kernel.ask
        if sys.gettrace() is not before:
            sys.settrace(before)
