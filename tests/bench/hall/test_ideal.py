"""The replay without devices, against recursions and by hand."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.hall.day import Day, Visitor, draw
from bench.hall.discipline import Waiting, ticket_name
from bench.hall.ideal import ideal_waits, replay
from bench.scenario.load import load
from bench.scenario.times import MINUTE, parse_time


def always(_counter: int, at: int) -> int:
    """Counters that never close."""
    return at


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 40)), max_size=60), st.integers(1, 6))
def test_one_queue_waits_as_the_kiefer_wolfowitz_recursion_says(rows: list[tuple[int, int]], counters: int) -> None:
    """With one queue and c counters, waits equal those of the recursion over the sorted vector of free instants."""
    rows = sorted(rows)
    tickets = [Waiting(ticket_name("A", number), 0, at) for number, (at, _) in enumerate(rows)]
    skills = {counter: frozenset((0,)) for counter in range(1, counters + 1)}
    calls = list(replay(tickets, skills, always, lambda place, _now: rows[place][1]))
    free = [0] * counters
    for place, (at, service) in enumerate(rows):
        begin = max(at, free[0])
        assert next(call.at for call in calls if call.place == place) == begin
        free = sorted([begin + service, *free[1:]])
    assert [call.at for call in calls] == sorted(call.at for call in calls)


@settings(max_examples=60)
@given(st.data())
def test_no_counter_stands_idle_while_somebody_waits_for_it(data: st.DataObject) -> None:
    """With skills, priorities and breaks: each is called once, never early; nobody waits past an idle, able counter."""
    skills = data.draw(st.dictionaries(st.integers(1, 5), st.frozensets(st.integers(0, 2), min_size=1), min_size=1))
    served = sorted(frozenset().union(*skills.values()))
    rows = data.draw(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(served), st.integers(0, 2)), max_size=30))
    off = {counter: data.draw(st.integers(0, 30)) for counter in skills}
    service = [data.draw(st.integers(0, 15)) for _ in rows]

    def may_call(counter: int, at: int) -> int:
        return off[counter] + 10 if off[counter] <= at < off[counter] + 10 else at

    tickets = [Waiting(ticket_name("A", n), errand, at, prio) for n, (at, errand, prio) in enumerate(rows)]
    calls = list(replay(tickets, skills, may_call, lambda place, _now: service[place]))
    assert sorted(call.place for call in calls) == list(range(len(rows)))
    for call in calls:
        assert call.at >= rows[call.place][0]
        assert rows[call.place][1] in skills[call.counter]
        assert may_call(call.counter, call.at) == call.at
        for now in range(rows[call.place][0], call.at):
            for counter, able in skills.items():
                if rows[call.place][1] in able and may_call(counter, now) == now:
                    busy = [c for c in calls if c.counter == counter and c.at <= now < c.at + service[c.place]]
                    taken = [c for c in calls if c.counter == counter and c.at == now]
                    assert busy or taken, f"{tickets[call.place]} waits at {now} past the idle counter {counter}"


def test_the_counter_that_has_been_idle_longest_calls_first() -> None:
    """Counter 1 serves the first and is free at 10, counter 2 since 0: the second visitor goes to 2, the third to 1."""
    tickets = [Waiting(ticket_name("A", n), 0, at) for n, at in enumerate((5, 20, 21, 40))]
    skills = {counter: frozenset((0,)) for counter in (1, 2)}
    calls = list(replay(tickets, skills, always, lambda place, _now: (5, 3, 9, 1)[place]))
    assert [(call.place, call.counter, call.at) for call in calls] == [(0, 1, 5), (1, 2, 20), (2, 1, 21), (3, 2, 40)]


def test_a_morning_by_hand() -> None:
    """Breaks, several skills and the overtime of tan_hoi, worked out on paper."""
    scenario = load("tan_hoi")
    at = parse_time

    def visitor(number: int, arrives: str, errand: int, minutes: int) -> Visitor:
        return Visitor(number, at(arrives), errand, minutes * MINUTE, 0, 0)

    day = Day(
        "tan_hoi",
        scenario.sha256,
        0,
        0,
        (
            visitor(1, "09:25", 1, 20),  # counter 1 (idle as long as 2, smaller number), until 09:45
            visitor(2, "09:26", 1, 10),  # counter 2, until 09:36
            visitor(3, "09:30", 1, 5),  # waits for counter 2 until 09:36, which then is free until its break at 09:45
            visitor(4, "09:46", 1, 5),  # counter 2 has its break until 09:55, counter 1 is free since 09:45
            visitor(5, "09:47", 1, 5),  # counter 1 is free at 09:51
            visitor(6, "11:29", 2, 60),  # counter 3, over midday
            visitor(7, "11:29", 3, 60),  # counter 4
            visitor(8, "11:30", 2, 5),  # waits until 12:29: the hall stays open for those who are in it
        ),
    )
    waits = dict(ideal_waits(scenario, day))
    assert waits == {n: m * MINUTE for n, m in {1: 0, 2: 0, 3: 6, 4: 0, 5: 4, 6: 0, 7: 0, 8: 59}.items()}


def test_a_drawn_day_is_served_to_the_end() -> None:
    """Everybody of a drawn day at tan_hoi is called, and the mean wait of thirty days is that of a hall that copes."""
    scenario = load("tan_hoi")
    means = []
    for replication in range(30):
        day = draw(scenario, 1, replication)
        waits = ideal_waits(scenario, day)
        assert [number for number, _ in waits] == [visitor.number for visitor in day.visitors]
        assert all(wait >= 0 for _, wait in waits)
        means.append(sum(wait for _, wait in waits) / len(waits) / MINUTE)
    assert 0.5 < sum(means) / len(means) < 15
