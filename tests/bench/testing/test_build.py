"""What is kept between the halls of a process, and what is made anew."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.scenario.problems import ScenarioError
from bench.testing.build import SetupError, day_of, instant, keep_stand_ins, plan, scenario_of
from bench.testing.rows import HouseRows

ROOT = Path(__file__).parents[3]
SMALL = ROOT / "tests" / "support" / "small.toml"


def test_a_scenario_is_read_once_until_it_changes(tmp_path):
    """The same file gives the same object; a changed file is read anew; a shipped name needs no file."""
    path = Path(shutil.copy(SMALL, tmp_path / "hall.toml"))
    first = scenario_of(path)
    assert scenario_of(str(path)) is first
    path.write_text(path.read_text(encoding="utf-8").replace("A small hall", "Another hall here"), encoding="utf-8")
    assert scenario_of(path).title.startswith("Another")
    assert scenario_of("tan_hoi") is scenario_of("tan_hoi")
    with pytest.raises(ScenarioError, match="no scenario"):
        scenario_of("nowhere")


def test_a_day_is_drawn_once_for_each_seed():
    """The same scenario and seed give the same day; without people nobody comes."""
    scenario = scenario_of("tan_hoi")
    assert day_of(scenario, 3, people=True) is day_of(scenario, 3, people=True)
    assert day_of(scenario, 3, people=True) != day_of(scenario, 4, people=True)
    assert day_of(scenario, 3, people=False).visitors == ()


@pytest.mark.parametrize(
    ("given", "ns"),
    [("10:40", 38_400 * 10**9), ("10:40:07.25", 38_407_250_000_000), ("00:00", 0), (5, 5)],
)
def test_instants(given, ns):
    """Times of the day are ns since midnight, fractions of a second included."""
    assert instant(given, scenario_of("tan_hoi")) == ns


@pytest.mark.parametrize("given", ["10", "10:40:07.x", "ten", None, True])
def test_what_is_no_instant(given):
    """Anything else is refused with what a time of day looks like."""
    with pytest.raises(SetupError, match="is not a time of day"):
        instant(given, scenario_of("tan_hoi"))


def test_the_scenario_of_a_file_is_not_changed_by_a_plan():
    """A plan gives lines away in a copy: the scenario that is kept stays as it was read."""
    scenario = scenario_of("tan_hoi")
    before = [line.owner for line in scenario.lines]
    made = plan("tan_hoi", seed=1, ports={"A": "hall"}, people=False, house=True, start="10:00")
    assert made.outside == ("hall",)
    assert [line.owner for line in scenario.lines] == before


def test_the_houses_rows_are_kept_once():
    """A rating that is stored again is told and not kept; a ticket gets its confirmation."""
    rows = HouseRows()
    rating = {"device": "k", "epoch": 1, "seq": 0, "value": 5}
    assert rows([("ratings", rating), ("tickets", {"ticket": "A1", "issued_at": 1.0, "confirmed_at": None})]) == []
    assert rows([("calls", {"ticket": "A1"}), ("ratings", rating)]) == [1]
    rows([("tickets", {"ticket": "A1", "issued_at": 1.0, "confirmed_at": 2.0})])
    assert rows.ratings == [rating]
    assert rows.tickets == [{"ticket": "A1", "issued_at": 1.0, "confirmed_at": 2.0}]


def test_a_hall_needs_no_database_and_no_picture():
    """Setting a hall up imports neither SQLAlchemy nor Matplotlib nor Pillow."""
    code = (
        "import sys\nfrom bench.testing import hall\n"
        "with hall('tan_hoi') as h: h.run_for(1)\n"
        "print(sorted({'sqlalchemy', 'matplotlib', 'PIL', 'textual', 'aiohttp', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


def test_the_stand_ins_are_installed_once():
    """Asking again changes nothing."""
    import time

    keep_stand_ins()
    first = time.sleep
    keep_stand_ins()
    assert time.sleep is first


def test_a_ticket_that_nobody_knows_is_kept_with_its_confirmation():
    """A confirmation finds the ticket of its number and time; of another time it is another ticket."""
    rows = HouseRows()
    rows([("tickets", {"ticket": "A1", "issued_at": 1.0, "confirmed_at": None})])
    rows([("tickets", {"ticket": "A1", "issued_at": 5.0, "confirmed_at": 6.0})])
    assert [ticket["confirmed_at"] for ticket in rows.tickets] == [None, 6.0]


def test_a_loaded_scenario_is_taken_as_it_is():
    """What is loaded already is not read again."""
    scenario = scenario_of("tan_hoi")
    assert scenario_of(scenario) is scenario
