"""Provinces: several halls in one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.scenario.load import ScenarioError
from bench.scenario.province import available, is_province, load_province


def test_shipped_provinces_are_whole():
    """Every shipped province can be loaded; its halls have names and days of their own."""
    for name in available():
        assert is_province(name)
        province = load_province(name)
        seeds = [(hall.name, seed) for hall, seed in province.seeds(3)]
        assert len(dict(seeds)) == len(seeds) == len({seed for _, seed in seeds})


def test_a_hall_is_no_province(tmp_path: Path):
    """A shipped hall, a file that is missing and a file of another kind are none."""
    (tmp_path / "x.toml").write_text("= broken", encoding="utf-8")
    assert not is_province("tan_hoi")
    assert not is_province(str(tmp_path / "missing.toml"))
    assert not is_province(str(tmp_path / "x.toml"))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("[]", "at least 1 item"),
        ('[{ name = "a", scenario = "tan_hoi" }, { name = "a", scenario = "tan_hoi" }]', "two halls are called 'a'"),
        ('[{ name = "a", scenario = "tan_hoy" }]', 'did you mean "tan_hoi"'),
        ('[{ name = "../a", scenario = "tan_hoi" }]', "hall.1.name"),
        ('[{ name = "a", scenario = "tan_hoi", count = 0 }]', "hall.1.count"),
        ('[{ name = "a", scenario = "tan_hoi", colour = "red" }]', "hall.1.colour"),
        (
            '[{ name = "a", scenario = "tan_hoi", count = 600 }, { name = "b", scenario = "tan_hoi", count = 600 }]',
            "1000",
        ),
    ],
)
def test_mistakes_are_told_at_their_place(tmp_path: Path, rows: str, told: str):
    """An empty list, equal names, unknown scenarios and keys, names that leave the folder: all told with the line."""
    path = tmp_path / "p.toml"
    path.write_text(f'title = "x"\nhall = {rows}\n', encoding="utf-8")
    assert is_province(path)
    with pytest.raises(ScenarioError) as caught:
        load_province(path)
    assert told in str(caught.value)
    assert "p.toml:2:" in str(caught.value)
