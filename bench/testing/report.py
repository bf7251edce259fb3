"""What a failed test shows of its hall: the last frames in words, what came nearest, and how to see it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.daytime import clock_text
from bench.testing.faults import hit_lines
from bench.testing.nearmiss import near_misses

if TYPE_CHECKING:
    from bench.testing.face import Hall

__all__ = ["SHOWN", "sections"]

SHOWN: Final = 40
"""Lines of frames that a failure shows."""


def sections(hall: Hall, reproduce: str = "") -> list[tuple[str, str]]:
    """The parts of the report: (title, text).

    Args:
        hall: whose.
        reproduce: the command that runs the test again; "" when there is none.
    """
    parts: list[tuple[str, str]] = []
    mine = frozenset(hall.plan.outside)
    everything = hall.tape.frames()
    frames = [frame for frame in everything if frame.line in mine] or everything
    where = ", ".join(dict.fromkeys(frame.line for frame in frames))
    shown = hall.decoder.lines(frames, SHOWN)
    if shown:
        parts.append((f"hall: the last {SHOWN} frames on {where}", "\n".join(shown)))
    else:
        parts.append(("hall: the last frames", "nothing went over any line"))
    hits = hit_lines(hall.faults)
    if hits:
        parts.append(("hall: faults", "\n".join(hits)))
    nearest = near_misses(hall.tape, hall.decoder, program_lines=mine)
    if nearest:
        parts.append(("hall: what came nearest", "\n".join(nearest)))
    begun, now = clock_text(hall.begun_ns), clock_text(hall.now_ns, millis=True)
    what = f"{hall.scenario.name}, seed {hall.seed}, {hall.clock} time, {begun} to {now}"
    parts.append(("hall: again", f"{reproduce}\n({what})" if reproduce else what))
    return parts
