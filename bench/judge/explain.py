"""An invariant in words: for `hallbench explain J8`, and for the table of docs/judge.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bench.faults.catalogue import CATALOGUE
from bench.judge.invariants import INVARIANTS, Invariant
from bench.reports.wording import wrapped

__all__ = ["explained", "find", "table"]

_MORE: Final[Mapping[str, tuple[str, str]]] = {
    "loss": (
        (
            "A press without a row counts when the program acknowledged it, or received it undamaged, or "
            "could have fetched it: it waited in a device that answered for `settle_ns` (30 s) or longer. "
            "A press that still waits and is younger than that at the end is open. What no collector "
            "could have had is excused and judged by silent_loss."
        ),
        "any press",
    ),
    "silent_loss": (
        (
            "A loss that no collector could have prevented, and that the keypad shows (its lost-count, a "
            "hole in its numbers), has to be reported within `gap_ns` (300 s): a row in the program's "
            "table gaps (device, at, lost), or the house's own note. What nothing shows is charged to the "
            "protocol."
        ),
        "an overflow or a lost memory",
    ),
    "duplication": ("No press has a further row; a re-read after a lost reply must not store again.", "any row"),
    "attribution": ("Device, value, clerk and ticket of a row are those of its press.", "any row"),
    "phantom": ("A row that tells no press: noise that fits, a default, a register that was not new.", "any row"),
    "order": ("By keypad, rows stand in the order of the presses.", "two rows of a keypad"),
    "lateness": (
        "From a press to its row no more than `lateness_ns` (60 s) passes, outages by faults apart.",
        "any row with an instant",
    ),
    "ghosts": (
        (
            "After a reboot no press of before is stored again (the memory may be an old one), and no new "
            "press is dropped because one of an earlier epoch had its number. A press whose epoch and "
            "number came before is excused."
        ),
        "a keypad that started anew while something waited, or whose numbers came again",
    ),
    "time": ("The instant of a row is that of its press, to 2 s.", "rows with `at`"),
    "health": (
        (
            "A device that does not answer for `down_ns` (30 s) is told to be down by then, and up within "
            "`up_ns` (90 s) of its return; one that answers is not told to be down. Told in a table "
            "health (device, at, up)."
        ),
        "a device that is silent for 30 s, and a program that tells health",
    ),
    "late_reply": (
        "What a reply to an earlier request says is not credited to the unit that was asked when it came.",
        "a reply after the next request",
    ),
    "unexpected_unit": (
        (
            "On a reply of another unit the program waits on (Modbus serial line 2.4.1): the next request "
            "does not come sooner than half of its usual patience, and no row is made of that reply."
        ),
        "a reply of another unit while one is waited for, and a request without reply that shows the patience",
    ),
    "fairness": (
        (
            "While a unit is silent the others are asked: no longer apart than twice the usual time and a "
            "second more, 1.5 s at least."
        ),
        "a silent unit beside one that answers, seen request by request",
    ),
    "acknowledge": (
        (
            "A row's instant of storing is not after its acknowledgement, and no press is acknowledged "
            "and gone when the program was killed or its records failed about then."
        ),
        "rows with `stored_at`, or a kill",
    ),
    "manners": (
        (
            "One request at a time; t3.5 of silence before it; one request no more than six times in a "
            "row without an answer before another unit is asked; losses are not acknowledged again "
            "without being read again. TOO SOON: the program asked before 3.5 characters of silence were "
            "over (3.65 ms at 9600 8N1). pymodbus leaves that to the program: 5 ms of sleep after each "
            "exchange are enough at 9600."
        ),
        "any request",
    ),
    "convergence": (
        "Within `converge_within_s` after [heal] what waited is stored, and all devices are asked and up again.",
        "a scenario with [heal]",
    ),
    "reconfiguration": (
        (
            "Within `configure_ns` (60 s) of its reboot a device is asked again, and the policy that was "
            "set in it is set again."
        ),
        "a device that starts anew after it was asked",
    ),
    "resources": (
        (
            "Open descriptors grow by less than 8, resident memory by less than 16 MiB or a quarter, from "
            "the second quarter of the run to its last."
        ),
        "eight looks or more: a wall day of 16 s, a day in simulated time of 40 minutes (descriptors only)",
    ),
    "tickets": ("Each ticket issued is printed once, on its printer, or was told to have failed.", "any ticket"),
    "calls": ("Each call is on its counter's display within 5 s, and spoken where the hall has a voice.", "any call"),
}


def find(name: str) -> Invariant | None:
    """The invariant of a name, or of a letter ("J8") in any case; None when there is none."""
    wanted = name.casefold()
    return next((row for row in INVARIANTS if wanted in (row.name, row.letter.casefold()) and wanted), None)


def explained(row: Invariant) -> str:
    """Everything that is known of one invariant."""
    text, needs = _MORE[row.name]
    faults = [f"{fault.id} {fault.name}" for fault in CATALOGUE.values() if row.letter and row.letter in fault.stresses]
    lines = [f"{row.letter or '-'}  {row.name}", "", f"  {row.claim[0].upper()}{row.claim[1:]}.", ""]
    lines += wrapped(text)
    lines += ["", f"  exercised by  {needs}", f"  needs rows    {'yes' if row.of_rows else 'no'}"]
    if faults:
        lines += ["  stressed by", *wrapped(", ".join(faults), "    ")]
    return "\n".join(lines)


def table() -> str:
    """The invariants as a Markdown table."""
    lines = ["| letter | name | what holds | exercised by |", "| --- | --- | --- | --- |"]
    lines += [f"| {row.letter or '-'} | `{row.name}` | {row.claim} | {_MORE[row.name][1]} |" for row in INVARIANTS]
    return "\n".join(lines)
