"""A province in one sweep."""

from __future__ import annotations

from bench.planning.province_plan import plan_province
from bench.scenario.province import Province, load_province


def test_a_province_is_the_sum_of_its_halls() -> None:
    """Visitors and staffed hours of all halls add up, each hall has its own days, and the worst are told first."""
    whole = load_province("lang_son")
    assert len(whole.halls) == 212
    few = Province("few", "few", (*whole.halls[:2], whole.halls[200]))
    told = plan_province(few, days=3, engine="python")
    rows = told["halls"]
    assert [row["name"] for row in rows] == ["small-commune-001", "small-commune-002", "district-001"]
    assert abs(sum(row["visitors"] for row in rows) - told["sum"]["visitors"]) < 1e-6
    assert sum(row["staffed_hours"] for row in rows) == told["sum"]["staffed_hours"]
    assert rows[0]["visitors"] != rows[1]["visitors"]
    waits = {row["name"]: row["wait_p90"] for row in rows}
    assert told["worst"] == sorted(waits, key=lambda name: -waits[name])
