"""The places of keys and values in TOML documents."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scenarios
from bench.scenario.locate import Positions, Spot

KEY_CHARS = "abzAZ09_-"
ODD_CHARS = " .#=\"'[]{}\\é語,\t"


class Writer:
    """Writes a TOML document piece by piece and remembers where each piece began."""

    def __init__(self, data: st.DataObject, newline: str) -> None:
        self.draw = data.draw
        self.newline = newline
        self.text = ""
        self.keys: dict[tuple[str | int, ...], Spot] = {}
        self.values: dict[tuple[str | int, ...], Spot] = {}
        self.names = 0

    def put(self, text: str) -> None:
        self.text += text

    def here(self) -> Spot:
        last = self.text.rfind("\n")
        return Spot(self.text.count("\n") + 1, len(self.text) - last)

    def spaces(self) -> None:
        self.put(self.draw(st.sampled_from(["", "", " ", "\t", "   "])))

    def end_line(self) -> None:
        self.put(self.draw(st.sampled_from(["", "", " # [x] = {", '\t#\'""" k = 1'])))
        self.put(self.newline)

    def gap(self) -> None:
        """White space, line breaks and comments, as arrays allow."""
        for _ in range(self.draw(st.integers(0, 2))):
            self.spaces()
            self.put(self.draw(st.sampled_from([self.newline, f"# ], }} = '{self.newline}", " "])))

    def name(self) -> str:
        """A fresh name, so that no two keys clash; most are plain."""
        self.names += 1
        return f"k{self.names}-" + self.draw(st.one_of(st.just(""), st.text(KEY_CHARS + ODD_CHARS, max_size=4)))

    def key_part(self, name: str) -> None:
        """A key in one of the forms it can have."""
        forms = [json.dumps(name, ensure_ascii=False)]
        if all(char in KEY_CHARS or (char.isascii() and char.isalnum()) for char in name):
            forms += [name, name, name]
        if "'" not in name:
            forms.append(f"'{name}'")
        self.put(self.draw(st.sampled_from(forms)))

    def key(self, path: tuple[str | int, ...], names: list[str]) -> tuple[str | int, ...]:
        """A dotted key below `path`, remembering each part."""
        start = self.here()
        for index, name in enumerate(names):
            if index:
                self.spaces()
                self.put(".")
                self.spaces()
            path = (*path, name)
            self.keys.setdefault(path, self.here())
            self.values.setdefault(path, start)
            self.key_part(name)
        return path

    def pair(self, path: tuple[str | int, ...], depth: int) -> None:
        names = [self.name() for _ in range(self.draw(st.sampled_from([1, 1, 1, 2, 3])))]
        path = self.key(path, names)
        self.spaces()
        self.put("=")
        self.spaces()
        self.value(path, depth)

    def value(self, path: tuple[str | int, ...], depth: int) -> None:
        self.values[path] = self.here()
        kinds = ["scalar"] * 3 + (["array", "inline"] if depth else [])
        kind = self.draw(st.sampled_from(kinds))
        if kind == "scalar":
            self.put(self.draw(st.sampled_from(SCALARS)).replace("\n", self.newline))
        elif kind == "array":
            self.put("[")
            count = self.draw(st.integers(0, 3))
            for index in range(count):
                self.gap()
                self.value((*path, index), depth - 1)
                self.gap()
                if index < count - 1 or self.draw(st.booleans()):
                    self.put(",")
            self.gap()
            self.put("]")
        else:
            self.put("{")
            count = self.draw(st.integers(0, 3))
            for index in range(count):
                self.spaces()
                self.pair(path, depth - 1)
                self.spaces()
                if index < count - 1:
                    self.put(",")
            self.spaces()
            self.put("}")

    def pairs(self, path: tuple[str | int, ...]) -> None:
        for _ in range(self.draw(st.integers(0, 3))):
            for _ in range(self.draw(st.integers(0, 1))):
                self.end_line()
            self.spaces()
            self.pair(path, 2)
            self.end_line()

    def header(
        self, parents: tuple[str | int, ...], name: str, *, array: bool, number: int = 0
    ) -> tuple[str | int, ...]:
        """`[a.b]` or `[[a.b]]`; `parents` may have indexes, which a header leaves out."""
        self.spaces()
        opened = self.here()
        self.put("[[" if array else "[")
        path: tuple[str | int, ...] = ()
        for part in (*parents, name):
            if isinstance(part, int):
                path = (*path, part)
                continue
            if path or self.text[-1] != "[":
                self.spaces()
                self.put(".")
            self.spaces()
            path = (*path, part)
            at = self.here()
            self.keys.setdefault(path, at)
            self.values.setdefault(path, opened)
            self.key_part(part)
        self.spaces()
        self.put("]]" if array else "]")
        path = (*path, number) if array else path
        self.keys[path], self.values[path] = at, opened
        self.end_line()
        return path

    def document(self) -> None:
        self.pairs(())
        for _ in range(self.draw(st.integers(0, 3))):
            parents: tuple[str | int, ...] = (self.name(),) if self.draw(st.booleans()) else ()
            name = self.name()
            if self.draw(st.booleans()):
                self.pairs(self.header(parents, name, array=False))
                continue
            for number in range(self.draw(st.integers(1, 3))):
                path = self.header(parents, name, array=True, number=number)
                self.pairs(path)
                if self.draw(st.booleans()):
                    self.pairs(self.header(path, self.name(), array=False))
                inner = self.name()
                for count in range(self.draw(st.integers(0, 2))):
                    self.pairs(self.header(path, inner, array=True, number=count))


SCALARS = [
    "1",
    "-0.5e3",
    "true",
    "inf",
    "2025-03-10",
    "2025-03-10 07:30:00",
    "07:30:00",
    '""',
    "''",
    '"a # b = [c] \\" {d}"',
    "'c:\\d # ]'",
    '"""one"""',
    '"""\nk = 1 # \\" ""\n[t]\n""""',
    '"""a\\\n   b"""""',
    "'''\nk = 1\n'' ]\n'''''",
    "''''x'''",
]


def paths_of(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path of parsed data."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for key, inner in items for p in [(*path, key), *paths_of(inner, (*path, key))]]


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(["\n", "\r\n"]))
def test_every_key_and_value_is_found_where_it_was_written(data: st.DataObject, newline: str) -> None:
    """For any document, the places found are exactly those at which the writer put each key and each value."""
    writer = Writer(data, newline)
    writer.document()
    parsed = tomllib.loads(writer.text)
    found = Positions(writer.text)
    assert found.values == writer.values
    assert found.keys == writer.keys
    assert set(paths_of(parsed)) == set(found.values)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_path_that_is_not_there_leads_to_its_nearest_ancestor(data: st.DataObject) -> None:
    """Whatever is missing below a path is reported at the path itself, and at line 1 when nothing of it is there."""
    writer = Writer(data, "\n")
    writer.document()
    found = Positions(writer.text)
    for path, spot in writer.values.items():
        assert found.find((*path, "not there", 3)) == spot
        assert (*path, "not there") not in found
    assert found.find(("not there", 0)) == Spot(1, 1)


@pytest.mark.parametrize(
    "text, path, key, value",
    [
        ("a.b.c = 1", ("a", "b", "c"), (1, 5), (1, 9)),
        ("\"a.b\" . 'c' = 1", ("a.b", "c"), (1, 9), (1, 15)),
        ("[a]\n[a.b]\nc=1", ("a", "b"), (2, 4), (2, 1)),
        ("[[a]]\nx=1\n[[a]]\nx=2", ("a", 1, "x"), (4, 1), (4, 3)),
        ("[[a]]\n[a.b]\n[[a]]\n[[a.c]]\nd={e=[1,{f=2}]}", ("a", 1, "c", 0, "d", "e", 1, "f"), (5, 10), (5, 12)),
        ("a = [ # x\n 1, # ]\n 2]", ("a", 1), None, (3, 2)),
        ('s = """\n[t]\nk = 1\n""" # k = 2\nk = 3', ("k",), (5, 1), (5, 5)),
        ("'é' = 1\n'語' = {'ü' = 2}", ("語", "ü"), (2, 8), (2, 14)),
        ('"\\u00e9" = 1', ("é",), (1, 1), (1, 12)),
        ("a = 1979-05-27 07:32:00 # t\nb = 2", ("b",), (2, 1), (2, 5)),
    ],
)
def test_the_forms_of_toml_by_hand(
    text: str, path: tuple[str | int, ...], key: tuple[int, int] | None, value: tuple[int, int]
) -> None:
    """Dotted and quoted keys, tables, arrays of tables, inline tables, multi-line strings and comments are followed."""
    tomllib.loads(text)
    found = Positions(text)
    assert found.values[path] == value
    assert found.keys.get(path) == key


@pytest.mark.parametrize("name", scenarios.available())
def test_in_shipped_scenarios_the_place_shows_the_key_and_the_value(name: str) -> None:
    """At the place of each key of a shipped file stands that key, and at the place of each scalar that value."""
    text = scenarios.resource(name).read_text(encoding="utf-8")
    parsed, found, lines = tomllib.loads(text), Positions(text), text.split("\n")

    def rest(spot: Spot) -> str:
        return lines[spot.line - 1][spot.column - 1 :]

    leaves = 0
    for path in paths_of(parsed):
        value: object = parsed
        for part in path:
            value = value[part]  # type: ignore[index]
        if path in found.keys and isinstance(path[-1], str):
            assert rest(found.keys[path]).lstrip("[").startswith((path[-1], json.dumps(path[-1])))
        if isinstance(value, bool | int | float | str | dt.date):
            leaves += 1
            shown = rest(found.values[path])
            written = [str(value), json.dumps(value, ensure_ascii=False, default=str)]
            assert shown.lower().startswith(tuple(w.lower() for w in written)) or float(shown.split()[0]) == value
    assert leaves >= (3 if "extends" in parsed else 50)


def test_positions_do_not_need_a_file_on_disk(tmp_path: Path) -> None:
    """An empty document has no places, and everything in it is missing at line 1, column 1."""
    assert Positions("").values == {}
    assert Positions("# only a comment").find(("hours",), key=True) == Spot(1, 1)
