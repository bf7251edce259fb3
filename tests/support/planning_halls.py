"""Small random halls for the planning engines."""

from __future__ import annotations

from hypothesis import strategies as st

from bench.scenario.load import parse
from bench.scenario.model import Scenario


def small(
    counters: int, skills: list[list[int]], breaks: list[str], after: str, pace: tuple[int, int, int]
) -> Scenario:
    """A hall with two errands and one morning."""
    errands = ["certified copy", "land"]
    blocks = []
    for number in range(1, counters + 1):
        names = ", ".join(f'"{errands[e]}"' for e in skills[number - 1])
        pause = f'breaks = ["{breaks[number - 1]}"]' if breaks[number - 1] else ""
        blocks.append(f'[[counter]]\nnumber = {number}\nclerk = "C{number:02}"\nerrands = [{names}]\n{pause}\n')
    consoles = "".join(f"  {{ kind = 'clerk_console', unit = {n}, counter = {n} }},\n" for n in range(1, counters + 1))
    shows = "".join(
        f"  {{ kind = 'counter_display', unit = {20 + n}, counter = {n} }},\n" for n in range(1, counters + 1)
    )
    keypads = "".join(f"  {{ kind = 'rating_keypad', unit = {n}, counter = {n} }},\n" for n in range(1, counters))
    text = f"""
title = "a small hall"
date = 2025-03-10
timezone = "Asia/Ho_Chi_Minh"
rating_share = 0.6
[hours]
open = ["08:00-08:40", "09:00-09:30"]
after_closing = "{after}"
[arrivals]
visitors = 40
shape = {{ "08:00" = 3, "09:30" = 1 }}
[pace]
kiosk_s = {pace[0]}
walk_s = {pace[1]}
clerk_s = {pace[2]}
[[errand]]
name = "certified copy"
letter = "A"
share = 2
minutes = {{ median = 3, p90 = 7 }}
[[errand]]
name = "land"
letter = "B"
share = 1
priority = 1
minutes = {{ median = 4, p90 = 6 }}
{"".join(blocks)}
[[line]]
name = "keypads"
owner = "collector"
devices = [
{keypads or "  { kind = 'rating_keypad', unit = 1, counter = 1 },"}
]
[[line]]
name = "hall"
owner = "house"
devices = [
{consoles}{shows}  {{ kind = "kiosk_button", unit = 41, printer = "printer-1" }},
]
[[line]]
name = "ticket"
owner = "house"
duplex = "full"
devices = [{{ kind = "ticket_printer" }}]
"""
    return parse(text.encode(), "small.toml", lambda _: b"")


@st.composite
def halls(draw_: st.DrawFn) -> Scenario:
    """Small halls with skills, priorities, breaks, either closing, and any pace; every errand is served."""
    counters = draw_(st.integers(1, 4))
    skills = draw_(
        st.lists(st.sampled_from([[0], [1], [0, 1]]), min_size=counters, max_size=counters).filter(
            lambda found: {e for one in found for e in one} == {0, 1}
        )
    )
    breaks = draw_(st.lists(st.sampled_from(["", "08:10-08:15", "08:20-08:31"]), min_size=counters, max_size=counters))
    after = draw_(st.sampled_from(["until_queue_empty", "send_home"]))
    pace = draw_(st.tuples(st.integers(1, 25), st.integers(0, 20), st.integers(0, 5)))
    return small(counters, skills, breaks, after, pace)
