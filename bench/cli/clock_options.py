"""How commands take a clock, an instant, a window and an address (`--clock 60x`, `--at 10:30`, `--listen ::1`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import click

from bench.daytime import clock_text
from firmware_sim.device import NS

FASTEST: Final = 10_000.0


class ClockType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """`wall`, `60x`, and `virtual` where a command has it."""

    name = "clock"

    def __init__(self, *, virtual: bool = False) -> None:
        self.virtual = virtual

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """What stands in the help."""
        return "virtual|wall|60x" if self.virtual else "wall|60x"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check one clock.

        Raises:
            click.BadParameter: it is none.
        """
        text = str(value)
        if text == "wall" or (text == "virtual" and self.virtual):
            return text
        if re.fullmatch(r"\d+(\.\d+)?x", text) and 0 < float(text[:-1]) <= FASTEST:
            return text
        return self.fail(f"{text!r} is no clock; write {self.get_metavar(param)} (up to {FASTEST:g}x)", param, ctx)  # type: ignore[arg-type]


CLOCK: Final = ClockType()
ANY_CLOCK: Final = ClockType(virtual=True)


def speed_of(clock: str) -> float:
    """Seconds of the hall in one real second."""
    return 1.0 if clock == "wall" else float(clock.removesuffix("x"))


def at_option(text: str) -> Callable[[Any], Any]:
    """The option `--at TIME`."""
    return click.option("--at", metavar="TIME", help=text)


class AddressType(click.ParamType):  # type: ignore[type-arg]  # as above
    """Where sockets listen: an address in numbers, or a host name that stands for one."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check one address, also where nothing is going to listen there.

        Raises:
            click.BadParameter: it cannot be one.
        """
        from bench.ports.address import NoAddress, listening_address

        try:
            return listening_address(str(value))
        except NoAddress as exc:
            return self.fail(str(exc), param, ctx)


listen_option = click.option(
    "--listen",
    type=AddressType(),
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Where TCP ports and the control API listen.",
)
"""The option `--listen ADDRESS` of whatever serves a hall."""


def instant(text: str, first: int, last: int) -> int:
    """`10:30` or `10:30:15` as ns since midnight.

    Raises:
        click.BadParameter: it is no time of day, or not inside the day from `first` to `last`.
    """
    found = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", text.strip())
    if found is None or int(found[2]) > 59 or int(found[3] or 0) > 59:
        raise click.BadParameter(f"{text!r} is no time of day; write 10:30 or 10:30:15")
    at = (int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0)) * NS
    if not first <= at <= last:
        raise click.BadParameter(f"{text} is not inside the day, {clock_text(first)} to {clock_text(last)}")
    return at


def window(text: str, first: int, last: int) -> tuple[int, int]:
    """`10:30-10:50` as two instants.

    Raises:
        click.BadParameter: it is no window of this day.
    """
    begin, dash, end = text.partition("-")
    if not dash:
        raise click.BadParameter(f"{text!r} is no window; write FROM-TO, for example 10:30-10:50")
    found = instant(begin, first, last), instant(end, first, last)
    if found[0] >= found[1]:
        raise click.BadParameter(f"the window {text} ends before it begins")
    return found
