"""An instant of the hall's day as people read it: one way for the bench, the judge and the reports."""

from __future__ import annotations

from firmware_sim.device import MS


def clock_text(at: int, *, seconds: bool = False, millis: bool = False) -> str:
    """An instant of the day: "10:41", "10:41:07" with `seconds`, "10:41:07.250" with `millis`.

    What is finer is cut off. Past midnight the hours go on ("24:05"); an instant before it has a "-" in front.
    `bench.scenario.times.time_text` is the other way: as a scenario writes it, seconds only where there are any.

    Args:
        at: ns since local midnight.
        seconds: tell them.
        millis: tell them, and the seconds.
    """
    sign, whole = ("-" if at < 0 else ""), abs(at) // MS
    text = f"{sign}{whole // 3_600_000:02}:{whole // 60_000 % 60:02}"
    if millis:
        return f"{text}:{whole // 1000 % 60:02}.{whole % 1000:03}"
    return f"{text}:{whole // 1000 % 60:02}" if seconds else text
