"""What is printed on a ticket: the hall, "Số thứ tự", the number, the errand, the time, how many wait, a QR code.

The text is Vietnamese in CP1258, whose `ESC t` number differs from printer to printer (protocols.md 4.5): it is taken
from the printer's profile.
"""

from __future__ import annotations

from bench.controller.plan import ControllerPlan
from firmware_sim.device import NS
from protocol.escpos import write
from protocol.escpos.profiles import PROFILES, PrinterProfile

TEXT_TABLE = "cp1258"

NUMBER_SIZE = 4
"""The number is so many times as large as the text."""


def profile_of(name: str) -> PrinterProfile:
    """The printer profile of that name.

    Raises:
        LookupError: there is none, or it cannot print Vietnamese; with the names there are.
    """
    profile = PROFILES.get(name)
    if profile is None:
        raise LookupError(f"there is no printer profile {name!r}; there are {', '.join(sorted(PROFILES))}")
    profile.page_of(TEXT_TABLE)
    return profile


def ticket_text(plan: ControllerPlan, profile: PrinterProfile, ticket: str, errand: int, now: int, ahead: int) -> bytes:
    """The ticket as ESC/POS, up to and including the cut.

    Args:
        plan: the hall.
        profile: of the printer it goes to.
        ticket: the number, e.g. "A001".
        errand: index of the errand.
        now: instant of issue, ns since local midnight.
        ahead: how many wait for the same errand.
    """
    year, month, day = plan.date.split("-")
    minutes = now // (60 * NS)
    clock = f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"

    def line(text: str) -> bytes:
        return write.line(text, TEXT_TABLE, errors="replace")

    return b"".join(
        (
            write.code_page(profile.page_of(TEXT_TABLE)),
            write.align("center"),
            write.bold(True),
            line(_plain(plan.title)),
            write.bold(False),
            line("Số thứ tự"),
            write.size(NUMBER_SIZE, NUMBER_SIZE),
            line(ticket),
            write.size(1, 1),
            line(_plain(plan.errands[errand].name)),
            line(f"{clock}  {day}/{month}/{year}"),
            line(f"Số người chờ trước: {ahead}"),
            write.qr(f"{plan.name}|{plan.date}|{ticket}"),
            write.cut(),
        )
    )


def _plain(text: str) -> str:
    """Text without control characters, which a printer takes as commands."""
    return "".join(char if char.isprintable() else " " for char in text)
