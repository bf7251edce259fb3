"""Small random halls for the planning engines."""

from __future__ import annotations

from hypothesis import strategies as st

from bench.scenario.load import parse
from bench.scenario.model import Scenario


def small(
    counters: int,
    skills: list[list[int]],
    breaks: list[str],
    after: str,
    pace: tuple[int, int, int],
    people: str = "",
    then: str = "",
    clerks: tuple[str, ...] = (),
    booked: str = "",
) -> Scenario:
    """A hall with two errands and one morning.

    `people` are further tables, `then` a line of the first errand, `clerks` lines of each counter, and `booked` the
    `appointments` of a third errand, which counters for the second serve too.
    """
    errands = ["certified copy", "land"]
    blocks = []
    for number in range(1, counters + 1):
        names = ", ".join(f'"{errands[e]}"' for e in skills[number - 1])
        names += ', "by appointment"' if booked and 1 in skills[number - 1] else ""
        pause = f'breaks = ["{breaks[number - 1]}"]' if breaks[number - 1] else ""
        blocks.append(f'[[counter]]\nnumber = {number}\nclerk = "C{number:02}"\nerrands = [{names}]\n{pause}\n')
        blocks[-1] += clerks[number - 1] + "\n" if clerks else ""
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
{then}
[[errand]]
name = "land"
letter = "B"
share = 1
priority = 1
minutes = {{ median = 4, p90 = 6 }}
{APPOINTED.format(booked) if booked else ""}
{"".join(blocks)}
{people}
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


CLASSES = """
[[visitor_class]]
name = "elderly"
share = 0.3
service_factor = 1.5
patience_factor = 2
priority = 1
[[visitor_class]]
name = "disabled"
share = 0.1
priority = 3
"""
GREETER = """
[greeter]
share = 0.2
seconds = 45
"""
PATIENCE = (
    "[patience]\nminutes = { median = 8, p90 = 20 }\nshare = 0.7",
    "[patience]\nqueue = { median = 2, p90 = 6 }",
    "[patience]\nno_show = 0.2",
    "[patience]\nobserved = [2, 3.5, 11]\nqueue = { median = 3, p90 = 8 }\nno_show = 0.1",
)
THEN = (
    'then = { errand = "land" }',
    'then = { errand = "land", share = 0.5, minutes = { median = 2, p90 = 5 } }',
)
APPOINTED = """
[[errand]]
name = "by appointment"
letter = "C"
priority = 2
minutes = {{ median = 4, p90 = 6 }}
appointments = {}
"""
BOOKED = (
    "{ spans = ['08:00-08:40'], every_minutes = 5, early_minutes = 4, spread_minutes = 8 }",
    (
        "{ spans = ['08:05-08:30', '09:00-09:30'], every_minutes = 10, places = 3, booked = 0.8, missed = 0.2, "
        "spread_minutes = 6, grace_minutes = 5, otherwise = 'land' }"
    ),
    "{ spans = ['08:10-08:20', '09:05-09:25'], every_minutes = 1, places = 2, early_minutes = 0, spread_minutes = 2 }",
)
CLERKS = ("speed = 1.3", "speed = 0.7", "", 'shifts = ["08:00-08:20", "09:05-09:30"]', 'shifts = ["08:15-09:20"]')


@st.composite
def halls(draw_: st.DrawFn, *, leaving: bool = True, shifts: bool = True) -> Scenario:
    """Small halls with skills, priorities, breaks, either closing, and any pace; every errand is served.

    Half of them have classes, online shares, speeds, shifts and appointments, and with `leaving` visitors who leave or
    go on.
    """
    counters = draw_(st.integers(1, 4))
    skills = draw_(
        st.lists(st.sampled_from([[0], [1], [0, 1]]), min_size=counters, max_size=counters).filter(
            lambda found: {e for one in found for e in one} == {0, 1}
        )
    )
    breaks = draw_(st.lists(st.sampled_from(["", "08:10-08:15", "08:20-08:31"]), min_size=counters, max_size=counters))
    after = draw_(st.sampled_from(["until_queue_empty", "send_home"]))
    pace = draw_(st.tuples(st.integers(1, 25), st.integers(0, 20), st.integers(0, 5)))
    if draw_(st.booleans()):
        return small(counters, skills, breaks, after, pace)
    people = draw_(st.sampled_from(["", CLASSES]))
    then = ""
    if leaving:
        people += draw_(st.sampled_from(["", GREETER])) + draw_(st.sampled_from(["", *PATIENCE]))
        then = draw_(st.sampled_from(["", *THEN]))
    kinds = CLERKS if shifts else CLERKS[:3]
    clerks = tuple(draw_(st.lists(st.sampled_from(kinds), min_size=counters, max_size=counters)))
    booked = draw_(st.sampled_from(["", *BOOKED]))
    hall = small(counters, skills, breaks, after, pace, people, then, clerks, booked)
    online = draw_(st.sampled_from([0.0, 0.2]))
    return hall.model_copy(update={"arrivals": hall.arrivals.model_copy(update={"online_share": online})})
