"""Whatever number or text stands in a scenario, it is refused at its place, or a day can be drawn from it."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.hall.day import draw
from bench.scenario.load import ScenarioError, parse
from bench.scenario.model import Scenario

SMALL = (Path(__file__).parents[2] / "support" / "small.toml").read_text(encoding="utf-8")
PLACES = [match.span(1) for match in re.finditer(r"= ([^\n{\[]+|\{[^\n]*\}|\[[^\n]*\])(?=\n)", SMALL)]
PLACES += [match.span() for match in re.finditer(r"(?<== )[\d.]+(?=[ ,}])", SMALL)]

NUMBERS = st.sampled_from(
    ["0", "-1", "1", "1e-320", "1e-160", "1e-9", "0.5", "3", "100", "99999", "1e300", "1e308", "nan", "inf", "9" * 400]
)
OTHERS = st.sampled_from(
    [
        '""',
        '" "',
        '"\\u0000"',
        "true",
        "[]",
        "{}",
        "[[]]",
        "07:30",
        "0001-01-01",
        "9999-12-31",
        "2024-02-29",
        '["00:00-24:00"]',
        '["00:00-00:00:01"]',
        '{ "08:00" = 0, "09:00" = 1e-9 }',
        '{ "08:00" = 1e6, "09:00" = 1e-6 }',
        "{ median = 1e-300, p90 = 1e300 }",
        "{ median = 1e5, p90 = 1e5 }",
        "{ median = 1e-9, p90 = 1e-7 }",
    ]
)
EXTRA = st.sampled_from(
    ["rating_window_s", "rating_share", "hours.lead_minutes", "hours.horizon_minutes", "arrivals.busyness_cv"]
)


def must_be_refused_or_drawn(text: str) -> None:
    """Draw two days of a scenario, if it is one."""
    try:
        scenario = parse(text.encode(), "hall.toml", lambda name: Path(f"/nowhere/{name}").read_bytes())
    except ScenarioError as refused:
        problems = refused.problems
    else:
        problems = []
        _draws(scenario)
    assert all(problem.message for problem in problems)


def _draws(scenario: Scenario) -> None:
    for seed in (0, 2**64):
        day = draw(scenario, seed)
        assert all(0 < visitor.service < 1 << 63 for visitor in day.visitors)
        assert all(scenario.hours.opens <= visitor.arrives <= scenario.hours.closes for visitor in day.visitors)


@settings(deadline=None, max_examples=250)
@given(st.sampled_from(PLACES), NUMBERS | OTHERS)
def test_any_value_anywhere(place: tuple[int, int], value: str) -> None:
    """One value replaced by another: refused with its problems, or a day is drawn."""
    must_be_refused_or_drawn(SMALL[: place[0]] + value + SMALL[place[1] :])


@settings(deadline=None, max_examples=60)
@given(EXTRA, NUMBERS)
@example("arrivals.busyness_cv", "1e-320")
def test_any_number_in_what_is_left_out(field: str, value: str) -> None:
    """The same for fields that the scenario leaves to their defaults."""
    table, _, key = field.rpartition(".")
    text = re.sub(rf"^{key} = .*\n", "", SMALL, flags=re.MULTILINE)
    must_be_refused_or_drawn(
        text.replace(f"[{table}]\n", f"[{table}]\n{key} = {value}\n") if table else f"{key} = {value}\n{text}"
    )
