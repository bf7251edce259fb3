"""A rating keypad of profile RK-1 behind a host that has it alone, at noon of a day whose Unix time is known."""

from __future__ import annotations

from firmware_sim.devices.rating_keypad import RatingKeypad
from slave_host import SECOND, Host

NOON = 12 * 3600 * SECOND
UNIX = 1_700_000_000
OFFSET = UNIX * SECOND - NOON


def keypad(**kwargs) -> Host:
    host = Host(RatingKeypad("keypad-1", clock_offset=OFFSET, **kwargs), NOON)
    host.slave.unit = 7
    return host


def press(host: Host, *keys: int) -> None:
    """Keys pressed one after the other, a second apart."""
    for key in keys:
        host.human("press", key)
        host.wait(SECOND)


def flags_and_tickets(host: Host) -> list[tuple[int, int]]:
    return [(fact["flags"], fact["ticket"]) for fact in host.facts("press")]
