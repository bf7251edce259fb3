"""A scenario that is another one with some parts changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.scenario.extends import deep_merge
from bench.scenario.load import ScenarioError, load

ONLY_LESS = 'extends = "tan_hoi"\ntitle = "fewer"\n[arrivals]\nvisitors = 30\n'

trees = st.recursive(
    st.integers() | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
tables = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)


@given(tables, tables)
def test_what_is_given_wins_and_nothing_else_changes(base, over):
    """Every value given stands in the result; a value of the base stands where nothing was given in its place."""
    merged = deep_merge(base, over)
    assert set(merged) == set(base) | set(over)
    for key, value in merged.items():
        if key not in over:
            assert value == base[key]
        elif isinstance(value, dict) and isinstance(base.get(key), dict) and isinstance(over[key], dict):
            assert value == deep_merge(base[key], over[key])
        else:
            assert value == over[key]


def test_tables_are_merged_and_the_rest_is_the_other_scenarios(tmp_path: Path):
    """Only the number of visitors differs; name and title are the file's own, and so is the hash."""
    (tmp_path / "calm.toml").write_text(ONLY_LESS, encoding="utf-8")
    calm, busy = load(tmp_path / "calm.toml"), load("tan_hoi")
    assert (calm.name, calm.title, calm.arrivals.visitors) == ("calm", "fewer", 30)
    assert calm.arrivals.shape == busy.arrivals.shape
    assert calm.lines == busy.lines
    assert calm.sha256 != busy.sha256


def test_a_list_that_takes_the_place_of_another_is_told_where_something_is_missing_then(tmp_path: Path):
    """Whoever gives one line and loses the consoles with the others is told so, at that line; and only then."""
    line = (
        '[[line]]\nname = "keypads"\nowner = "collector"\nsettings = "9600 8N1"\n'
        'devices = [{ kind = "rating_keypad", unit = 1, counter = 1 }]\n'
    )
    (tmp_path / "lost.toml").write_text(f'extends = "tan_hoi"\ntitle = "lost"\n{line}', encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / "lost.toml")
    assert "counter 1 has no clerk console" in str(caught.value)
    told = [problem for problem in caught.value.problems if "take the place of" in problem.message]
    assert [(problem.line, problem.message.split(":")[0], problem.hint) for problem in told] == [
        (3, 'these take the place of every [[line]] of "tan_hoi"', "repeat here those that are to stay")
    ]
    fault = '[[fault]]\nname = "lose"\nline = "keypads"\n'
    (tmp_path / "typo.toml").write_text(f'extends = "tan_hoi"\ntitle = "typo"\nvisitor = 3\n{fault}', encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / "typo.toml")
    assert [problem.line for problem in caught.value.problems] == [3]


def test_a_chain_of_files(tmp_path: Path):
    """A file beside it can be extended, and that one may extend a third."""
    (tmp_path / "calm.toml").write_text(ONLY_LESS, encoding="utf-8")
    (tmp_path / "calmer.toml").write_text(
        'extends = "calm.toml"\ntitle = "calmer"\nrating_share = 1\n', encoding="utf-8"
    )
    calmer = load(tmp_path / "calmer.toml")
    assert (calmer.arrivals.visitors, calmer.rating_share) == (30, 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('title = "x"\nextends = "tan_hoy"\n', "2:11"),
        ("extends = 7\n", "1:11"),
        ('extends = "self.toml"\n', "circle"),
        ('extends = "broken.toml"\n', '"broken.toml", line 2'),
        ('extends = "tan_hoi"\ntitle = "x"\nrating_share = 7\n', "self.toml:3:16"),
        ('extends = "tan_hoi"\ntitle = "x"\ncounter = []\n', "self.toml:3"),
    ],
)
def test_mistakes_are_told_at_their_place(tmp_path: Path, text: str, told: str):
    """No such scenario, a circle, a base that is no TOML, and what does not fit after the merge: each at its line."""
    (tmp_path / "self.toml").write_text(text, encoding="utf-8")
    (tmp_path / "broken.toml").write_text("a = 1\nb = = 2\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / "self.toml")
    assert told in str(caught.value)
