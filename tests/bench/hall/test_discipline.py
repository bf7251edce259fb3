"""Who is called next, and when a counter may call."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from bench.hall.discipline import Idle, Roster, Waiting, choose, first_idle, ticket_name, ticket_order
from bench.scenario.load import load, parse
from bench.scenario.times import MINUTE, Span, parse_time, time_text

ERRANDS = range(4)


def waiting(number: int, errand: int, since: int, priority: int) -> Waiting:
    """A ticket with a name of its own."""
    return Waiting(ticket_name("ABCD"[errand], number), errand, since, priority)


TICKETS = st.lists(st.tuples(st.sampled_from(ERRANDS), st.integers(0, 8), st.integers(0, 2)), max_size=25).map(
    lambda rows: [waiting(number, *row) for number, row in enumerate(rows, start=995)]
)
SKILLS = st.frozensets(st.sampled_from(ERRANDS))


def queues_of(tickets: list[Waiting]) -> Mapping[int, list[Waiting]]:
    """The tickets by errand, in any order."""
    return {errand: [t for t in tickets if t.errand == errand] for errand in ERRANDS}


@given(TICKETS, SKILLS)
def test_the_chosen_ticket_is_served_here_and_nobody_before_it_is(
    tickets: list[Waiting], skills: frozenset[int]
) -> None:
    """The choice is among the counter's errands; no other has a higher priority, or the same and a longer wait."""
    chosen = choose(queues_of(tickets), skills)
    able = [t for t in tickets if t.errand in skills]
    assert (chosen is None) == (not able)
    if chosen is not None:
        assert chosen in able
        assert all((t.priority, -t.since) <= (chosen.priority, -chosen.since) for t in able)
        ties = [t for t in able if (t.priority, t.since) == (chosen.priority, chosen.since)]
        assert chosen == min(ties, key=lambda t: ticket_order(t.ticket))


@given(TICKETS, st.lists(SKILLS.filter(bool), min_size=1, max_size=6))
def test_order_within_an_errand_is_kept_and_nobody_is_passed_over_for_ever(
    tickets: list[Waiting], counters: list[frozenset[int]]
) -> None:
    """However counters take turns, tickets of one errand and priority leave in order of arrival, until none is left."""
    queues = {errand: list(queue) for errand, queue in queues_of(tickets).items()}
    called: list[Waiting] = []
    idle_turns = 0
    turn = 0
    while idle_turns < len(counters):
        chosen = choose(queues, counters[turn % len(counters)])
        turn += 1
        idle_turns = 0 if chosen else idle_turns + 1
        if chosen:
            queues[chosen.errand].remove(chosen)
            called.append(chosen)
    served = frozenset().union(*counters)
    assert sorted(called) == sorted(t for t in tickets if t.errand in served)
    for errand in served:
        for priority in range(3):
            line = [(t.since, ticket_order(t.ticket)) for t in called if (t.errand, t.priority) == (errand, priority)]
            assert line == sorted(line)


@given(TICKETS, SKILLS, st.randoms())
def test_the_order_in_which_queues_are_kept_does_not_matter(
    tickets: list[Waiting], skills: frozenset[int], random
) -> None:  # type: ignore[no-untyped-def]
    """The choice depends on who waits, not on how the queues are stored."""
    shuffled = list(tickets)
    random.shuffle(shuffled)
    assert choose(queues_of(shuffled), sorted(skills)) == choose(queues_of(tickets), sorted(skills, reverse=True))


def test_tickets_count_on_beyond_a_thousand() -> None:
    """A1000 comes after A999 and before B001, and is printed in full."""
    names = [
        ticket_name("A", 7),
        ticket_name("A", 999),
        ticket_name("A", 1000),
        ticket_name("B", 1),
        ticket_name("AA", 1),
    ]
    assert names == ["A007", "A999", "A1000", "B001", "AA001"]
    assert sorted(names[:4], key=ticket_order) == names[:4]


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3)), unique_by=lambda t: t[0]), st.sampled_from(ERRANDS))
def test_a_newcomer_goes_to_the_counter_that_has_been_idle_longest(idle: list[tuple[int, int]], errand: int) -> None:
    """Of the idle counters with the skill, the longest idle one is taken, ties by number; without one, none."""
    skills = {counter: frozenset((counter % 4,)) for counter in range(1, 10)}
    able = sorted((since, counter) for counter, since in idle if errand in skills[counter])
    taken = first_idle([Idle(*pair) for pair in idle], errand, skills)
    assert taken == (Idle(able[0][1], able[0][0]) if able else None)


HALL = """
title = "Two spans"
date = 2025-03-10
timezone = "Asia/Ho_Chi_Minh"
hours = {{ open = ["08:00-11:00", "13:00-16:00"], after_closing = "{after}", horizon_minutes = 60 }}
arrivals = {{ visitors = 10, shape = {{ "08:00" = 1, "16:00" = 1 }} }}
must_exercise = ["calls"]
errand = [{{ name = "copy", letter = "A", share = 1, minutes = {{ median = 5, p90 = 9 }} }}]
counter = [{{ number = 1, clerk = "C1", errands = ["copy"], breaks = [{breaks}] }}]
line = [
  {{ name = "hall", owner = "house", devices = [
    {{ kind = "clerk_console", unit = 1, counter = 1 }},
    {{ kind = "main_board", unit = 2 }},
    {{ kind = "kiosk_button", unit = 3, printer = "printer-1" }},
  ] }},
  {{ name = "ticket", owner = "house", duplex = "full", devices = [{{ kind = "ticket_printer" }}] }},
]
"""
BREAKS = st.lists(st.integers(8 * 60, 16 * 60 - 1), max_size=8, unique=True).map(
    lambda cuts: [
        Span(a * MINUTE, b * MINUTE)
        for a, b in zip(sorted(cuts)[::2], sorted(cuts)[1::2], strict=False)
        if not (a >= 660 and b <= 780)
    ]
)


def roster(after: str, breaks: list[Span]) -> Roster:
    """Roster of one counter with these breaks."""
    text = HALL.format(after=after, breaks=", ".join(f'"{span}"' for span in breaks))
    return Roster(parse(text.encode(), "hall.toml", lambda _: b""))


@given(st.sampled_from(["until_queue_empty", "send_home"]), BREAKS, st.integers(0, 24 * 60))
def test_a_counter_calls_at_the_first_instant_at_which_it_may(after: str, breaks: list[Span], minute: int) -> None:
    """The instant given is the first from the asked one on that is in the hours, in no break, and before the end."""
    closed = [Span(0, parse_time("08:00")), *breaks]
    end = parse_time("17:00")
    if after == "send_home":
        closed.append(Span(parse_time("11:00"), parse_time("13:00")))
        end = parse_time("16:00")
    free = [
        at * MINUTE for at in range(minute, 18 * 60) if at * MINUTE < end and not any(at * MINUTE in s for s in closed)
    ]
    assert roster(after, breaks).may_call(1, minute * MINUTE) == (free[0] if free else None)


def test_breaks_of_the_shipped_hall() -> None:
    """Counter 1 of tan_hoi calls nobody from 09:30 to 09:40, goes on over midday, and stops at the horizon."""
    calls = Roster(load("tan_hoi"))
    first = calls.may_call(1, parse_time("09:35"))
    assert first is not None
    assert time_text(first) == "09:40"
    assert calls.may_call(1, parse_time("11:45")) == parse_time("11:45")
    assert calls.may_call(1, parse_time("19:00")) is None
