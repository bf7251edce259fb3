"""What the commands on a running bench have in common: `--bench`, and how a refusal is told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import click

from bench.cli.console import Failure
from bench.cli.exit_codes import ExitCode
from bench.control.client import Client, ControlError, NoBench, find
from bench.reports.wording import printable

__all__ = ["ask", "bench_option"]

_USAGE: Final = frozenset(
    {
        "bad_argument",
        "bad_fault",
        "bad_field",
        "clock_refused",
        "no_such_action",
        "no_such_device",
        "no_such_fault",
        "no_such_line",
    }
)
"""Refusals that the person at the keyboard can mend by asking for something else."""


def bench_option(command: Callable[..., Any]) -> Any:
    """The option `--bench NAME`."""
    return click.option(
        "--bench",
        "which",
        default="",
        metavar="NAME",
        help="Which bench: its name or process number, when several run.",
    )(command)


@contextlib.contextmanager
def ask(which: str) -> Iterator[Client]:
    """A client of the bench that is meant; refusals and silence become messages and exit codes.

    Raises:
        Failure: no bench, no answer, or refused.
    """
    try:
        with Client(find(which)) as client:
            yield client
    except NoBench as exc:
        raise Failure(printable(str(exc)), ExitCode.NO_PORT) from exc
    except ControlError as exc:
        code = ExitCode.USAGE if exc.code in _USAGE else ExitCode.NO_PORT
        raise Failure(printable(exc.message, keep="\n"), code, printable(exc.fix)) from exc
