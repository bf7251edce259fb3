"""What the exit code of `hallbench` means: one list, used by every command and shown by `hallbench --help` (cli.md).

A crash never looks like a verdict: 1 is only ever "it ran, and the verdict is bad".
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final


class ExitCode(IntEnum):
    """Exit codes of every command."""

    GOOD = 0
    BAD = 1
    USAGE = 2
    INVALID_FILE = 3
    NO_PORT = 4
    INCONCLUSIVE = 5
    COLLECTOR_FAILED = 6
    INTERNAL = 70
    INTERRUPTED = 130
    OUTPUT_CLOSED = 141


MEANING: Final[Mapping[ExitCode, str]] = MappingProxyType(
    {
        ExitCode.GOOD: "done and good",
        ExitCode.BAD: "ran, verdict bad",
        ExitCode.USAGE: "wrong usage",
        ExitCode.INVALID_FILE: "a file is invalid",
        ExitCode.NO_PORT: "a port or line is not available",
        ExitCode.INCONCLUSIVE: "ran, but inconclusive or nothing exercised",
        ExitCode.COLLECTOR_FAILED: "the collector crashed, hung or never opened its port",
        ExitCode.INTERNAL: "internal error",
        ExitCode.INTERRUPTED: "interrupted",
        ExitCode.OUTPUT_CLOSED: "the reader of the output went away (as a shell reports it)",
    }
)
"""One line for each code, in the order of the codes."""

_OF_VERDICT: Final[Mapping[str, ExitCode]] = MappingProxyType(
    {
        "HOLDS": ExitCode.GOOD,
        "VIOLATED": ExitCode.BAD,
        "UNKNOWN": ExitCode.INCONCLUSIVE,
        "NOT EXERCISED": ExitCode.INCONCLUSIVE,
    }
)


def of_run(verdict: str, *, collector_failed: bool) -> ExitCode:
    """Exit code for a run of a program under test, of `day` and of `judge` alike.

    A collector that crashed, hung or never opened its port is 6 whatever the verdict: what it stored before may well
    hold, and what it lost it lost by failing.

    Args:
        verdict: as for `of_verdict`.
        collector_failed: the program did not run as it should.
    """
    code = of_verdict(verdict)
    return ExitCode.COLLECTOR_FAILED if collector_failed else code


def of_verdict(verdict: str) -> ExitCode:
    """Exit code for the overall verdict of a run.

    Args:
        verdict: "HOLDS", "VIOLATED", "UNKNOWN" or "NOT EXERCISED".

    Raises:
        ValueError: for any other word; a verdict nobody knows must not pass for a good one.
    """
    try:
        return _OF_VERDICT[verdict]
    except KeyError:
        known = ", ".join(_OF_VERDICT)
        raise ValueError(f"verdict {verdict!r} is not one of {known}") from None
