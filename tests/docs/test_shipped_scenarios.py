"""Each hall that ships has its section and its picture, made from its file."""

from __future__ import annotations

import io
import re
import sys
from importlib.resources import files

import pytest
from PIL import Image

from bench.scenario import load, province
from shown_commands import ROOT

sys.path.insert(0, str(ROOT / "docs"))

from generator import halls
from generator.text import code, flat


@pytest.fixture(scope="module")
def page() -> str:
    return halls.shipped()


def test_every_scenario_and_province_has_its_section(page: str) -> None:
    """No file of scenarios/ is left out, and none is shown that is not there."""
    there = [p.name.removesuffix(".toml") for p in files("scenarios").iterdir() if p.name.endswith(".toml")]
    there += [p.name.removesuffix(".toml") for p in files("scenarios.provinces").iterdir() if p.name.endswith(".toml")]
    assert re.findall(r"^## `(\w+)`$", page, re.MULTILINE) == list(halls.NAMES)
    assert sorted(halls.NAMES) == sorted(there) == sorted([*load.available(), *province.available()])


@pytest.mark.parametrize("name", halls.NAMES)
def test_every_picture_is_of_the_hall_as_it_ships(name: str) -> None:
    """The picture carries the hash of the halls it was drawn from: after a change it is drawn anew."""
    stored = (halls.PICTURES / f"{name}.png").read_bytes()
    assert halls.stamp(stored) == halls.drawn_from(halls.halls_of(name)), "python docs/generator/halls.py draws it anew"
    assert Image.open(io.BytesIO(stored)).size == (820, 370)


def test_there_is_no_picture_of_a_hall_that_does_not_ship() -> None:
    """What was renamed or dropped leaves nothing behind."""
    assert sorted(path.stem for path in halls.PICTURES.iterdir()) == sorted(halls.NAMES)


def test_a_picture_drawn_twice_is_the_same_to_the_byte() -> None:
    """No clock, no random order in a drawing; another hall gives another hash."""
    once = halls.picture("storm")
    assert once == halls.picture("storm")
    assert halls.stamp(once) != halls.stamp((halls.PICTURES / "tan_hoi.png").read_bytes())


def test_the_page_says_what_the_files_say(page: str) -> None:
    """Title, graded numbers and the remarks of each file stand in its section; the picture is linked to."""
    sections = dict(zip(halls.NAMES, re.split(r"^## `\w+`$", page, flags=re.MULTILINE)[1:], strict=True))
    for name in load.available():
        assert flat(load.load(name).title) in sections[name]
        assert f"../../images/scenarios/{name}.png" in sections[name]
        told = halls.story(halls.source(name))
        assert flat(told.head) in sections[name]
        for fact in told.facts:
            assert f"| {code(fact.line)} | {fact.grade} | {flat(fact.says)} |" in sections[name]
    assert "| `visitors = 3780` | derived | derived: 42 x 12 x 7.5 |" in sections["ca_mau"]
    assert "212 halls" in sections["lang_son"]
    assert "### `lang_son/district.toml`" in sections["lang_son"]


def test_comments_are_read_as_they_are_meant() -> None:
    """Head, remarks and graded lines are told apart; a # in quotes is no comment; lines that go on are put together."""
    told = halls.story(
        "#:schema ./s.json\n# A hall. It is\n# small.\n#\n#     hallbench up x\n\n"
        'title = "No. #1"    # a name\nvisitors = 9 # derived: 3\n             # times 3\n\n'
        "# Here: reported of X.\n[a]\n# not graded\nb = 1 # assumed\n"
    )
    assert told.head == "A hall. It is small."
    assert told.remarks == ("Here: reported of X.",)
    assert told.facts == (
        halls.Fact("visitors = 9", "derived", "derived: 3 times 3"),
        halls.Fact("b = 1", "assumed", "assumed"),
    )


def test_who_waits_is_counted_by_the_minute() -> None:
    """One waits from joining until the call, or until leaving; half-hours count from the start of the picture."""
    minute = 60 * 10**9
    day = halls.Day(0, 30 * minute, ((0, 30 * minute),), (minute, 2 * minute), (3 * minute,), (3 * minute, 5 * minute))
    assert day.waiting()[:7] == [0, 1, 2, 1, 1, 0, 0]
    assert day.by_half_hour(day.joins) == [2]


@pytest.mark.parametrize("name", ["tan_hoi", "duc_hoa", "dan_phuong"])
def test_the_day_drawn_is_a_whole_one(name: str) -> None:
    """Everybody who joined has ended waiting by the end of the picture, and nobody before joining."""
    day = halls.day_of(halls.halls_of(name))
    assert 0 < len(day.calls) <= len(day.ends) == len(day.joins)
    assert all(end >= join for join, end in zip(day.joins, day.ends, strict=True))
    assert min(day.waiting()) == 0 == day.waiting()[-1]
