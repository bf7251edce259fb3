"""Ticket logs made from a hall that is known, as a queue system would write them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from bench.hall.day import columns
from bench.planning.engine import NO_DELAYS
from bench.planning.outcome import Hall
from bench.scenario.model import Scenario

HEADER = "taken,called,finished,service,window"
COLUMNS = "issued=taken,called=called,done=finished,class=service,counter=window"


def log_of(scenario: Scenario, days: Iterable[int], seed: int = 1) -> str:
    """Days of a hall in which nothing but services takes time, as CSV with ISO times to the microsecond."""
    hall = Hall(scenario, NO_DELAYS)
    lines = [HEADER]
    for number in days:
        midnight = datetime.combine(date(2025, 3, 3) + timedelta(days=number), datetime.min.time())

        def at(ns: int, midnight: datetime = midnight) -> str:
            return (midnight + timedelta(microseconds=ns // 1000)).isoformat()

        day = columns(scenario, seed, number)
        played = hall.play(day)
        columns_played = (played.joins, played.errands, played.counters, played.called, played.leaves)
        rows = zip(*(column.tolist() for column in columns_played), strict=True)
        for joined, errand, counter, called, leaves in rows:
            name = scenario.errands[errand].name
            cells = [at(called), at(leaves), name, str(counter)] if counter > 0 else ["", "", name, ""]
            lines.append(",".join([at(joined), *cells]))
    return "\n".join(lines) + "\n"
