"""The few lines of text name what the run had, and nothing that it did not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.reports import figures, summary


def test_the_lines_say_what_there_was(make_run: Callable[..., Any]) -> None:
    """People, ratings, waits, queue, latency and lines are told for a drawn day; the log only for a replayed one."""
    told = summary.lines(figures.of(make_run(60)[0]))
    assert [line.split()[0] for line in told] == ["people", "ratings", "waits", "queue", "latency", "lines"]
    assert "60 visitors, 60 tickets, 60 calls, 60 served" in told[0]
    assert "0 lost" in told[1]
    assert told[4].endswith("p50 0.31 s, p99 1.20 s, max 1.40 s from press to record")
    assert summary.lines(figures.of(make_run(60, replay=True)[0]))[-1].startswith("recorded  mean ")


def test_an_empty_day_has_no_waits(make_run: Callable[..., Any]) -> None:
    """What did not happen has no line, and what leavers gave as a reason cannot act on a terminal."""

    def leave(made: Any) -> None:
        made.add(27_000_000_000_000, "hall", "leaves", {"visitor": 1, "why": "\x1b[31mclosed"})

    told = summary.lines(figures.of(make_run(0, spoil=leave)[0]))
    assert not [line for line in told if line.startswith(("waits", "queue"))]
    assert "1 left: \\x1b[31mclosed" in told[0]
