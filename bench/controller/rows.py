"""What the controller stores: rows for three tables, and how a store is called.

A commit takes rows of any of the tables and returns when all of them are durable, or raises `StoreFailed` and keeps
none of them. Instants in rows are Unix seconds with milliseconds or better, as floats.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeAlias

from firmware_sim.device import NS

Row: TypeAlias = tuple[str, Mapping[str, Any]]
"""(table, column -> value)."""

Commit: TypeAlias = Callable[[Sequence[Row]], Collection[int] | None]
"""Store rows in one transaction; returns the places of rows that were stored before (None: none was)."""


class StoreFailed(Exception):
    """Rows could not be stored; none of them was. What they came from must not be acknowledged."""


def unix(ns: int) -> float:
    """Unix seconds of Unix nanoseconds, to the microsecond: more than a float of this size holds is noise."""
    return round(ns / NS, 6)


def rating_row(
    device: str,
    clerk: str | None,
    ticket: str | None,
    value: int,
    at: float,
    epoch: int | None,
    seq: int | None,
    stored_at: float,
) -> Row:
    """One press of a rating keypad; (device, epoch, seq) is its identity, None where its protocol has no numbers."""
    return (
        "ratings",
        {
            "device": device,
            "clerk": clerk,
            "ticket": ticket,
            "value": value,
            "at": at,
            "epoch": epoch,
            "seq": seq,
            "stored_at": stored_at,
        },
    )


def ticket_row(ticket: str, errand: str, kiosk: str, issued_at: float, confirmed_at: float | None) -> Row:
    """A ticket, when it is issued and again when it is confirmed; (ticket, issued_at) is its identity."""
    return (
        "tickets",
        {
            "ticket": ticket,
            "errand": errand,
            "kiosk": kiosk,
            "issued_at": issued_at,
            "confirmed_at": confirmed_at,
        },
    )


def call_row(ticket: str, counter: int, clerk: str | None, at: float) -> Row:
    """A call of a ticket to a counter."""
    return ("calls", {"ticket": ticket, "counter": counter, "clerk": clerk, "at": at})
