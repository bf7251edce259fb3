"""Threads that start without `threading` are measured as well: only `threading` gives a new thread its tracer.

The environment that has coverage.py imports this at every start; where nothing is measured it does nothing.
"""

from __future__ import annotations

import _thread
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

_start = _thread.start_new_thread


@wraps(_start)
def _traced(function: Callable[..., Any], *rest: Any) -> int:
    def run(*args: Any, **kwargs: Any) -> None:
        threading: Any = sys.modules.get("threading")
        if threading is not None and threading.gettrace() is not None:
            sys.settrace(threading.gettrace())
        function(*args, **kwargs)

    # Threads of `threading` have their tracer by themselves.
    return _start(function if getattr(function, "__name__", "") == "_bootstrap" else run, *rest)


_thread.start_new_thread = _traced
