"""The JSON Schema that ships with the scenarios."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

import scenarios
from bench.scenario.schema import FILE, HINT, schema, schema_text


def as_json(value: Any) -> Any:
    """TOML data as an editor shows it to a JSON Schema: dates and times are strings."""
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value


def errors(document: Any) -> list[str]:
    """Where the schema refuses a document, and why."""
    validator = jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker())
    return [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(as_json(document))]


def test_the_shipped_schema_is_the_model() -> None:
    """The shipped file is what the model gives: `python -m bench.scenario.schema > scenarios/scenario.schema.json`."""
    assert scenarios.folder().joinpath(FILE).read_text(encoding="utf-8") == schema_text()
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", scenarios.available())
def test_every_shipped_scenario_names_the_schema_and_keeps_to_it(name: str) -> None:
    """The first line of each scenario names the schema, and the schema accepts the file."""
    text = scenarios.resource(name).read_text(encoding="utf-8")
    assert text.split("\n")[0] == HINT
    assert errors(tomllib.loads(text)) == []


def test_every_field_has_a_text_to_hover_over() -> None:
    """Each property of each table has a description, so that an editor can show it."""
    root = schema()
    tables = {"": root, **root["$defs"]}
    bare = [
        f"{table}.{name}"
        for table, content in tables.items()
        for name, field in content.get("properties", {}).items()
        if name != "kind" and "description" not in field and "$ref" not in field
    ]
    assert bare == []


@pytest.mark.parametrize(
    "old, new, where",
    [
        ("unit = 31", "unit = 310", "devices"),
        ('"07:30-11:30"', '"07:30 to 11:30"', "open"),
        ('owner = "house"', 'owner = "me"', "owner"),
        ('title = "A small hall"', 'titel = "A small hall"', "titel"),
        ('"07:30" = 1', '"7h30" = 1', "shape"),
        ("date = 2025-03-10", 'date = "10 March"', "date"),
        ("[hours]", "rating_values = { 6 = 1 }\n[hours]", "rating_values"),
        ('kind = "main_board"', 'kind = "board"', "devices"),
        ('letter = "A"', 'letter = "a"', "letter"),
    ],
)
def test_a_broken_scenario_fails_the_schema_too(
    small: str, load_text: Callable[..., object], old: str, new: str, where: str
) -> None:
    """The schema accepts the small scenario and refuses what the loader refuses in a single field, at that field."""
    assert errors(tomllib.loads(small)) == []
    found = errors(tomllib.loads(small.replace(old, new, 1)))
    assert any(where in error for error in found), found
    with pytest.raises(Exception, match=r"hall\.toml:\d+:\d+"):
        load_text(small.replace(old, new, 1))
