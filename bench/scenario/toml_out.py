"""Tables as TOML text: what a cut scenario is stored as.

Only what scenarios hold: text, numbers, dates, lists, tables. Tables in lists are written inline, unless the list
stands at the top (`[[line]]`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any

from bench.unseen import printable_toml

__all__ = ["quoted", "toml"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml(tables: Mapping[str, Any]) -> str:
    """The text of a TOML file with these contents; `tomllib.loads` gives them back.

    Raises:
        TypeError: a value that no scenario holds.
    """
    plain = [f"{_key(key)} = {_value(value)}" for key, value in tables.items() if not _is_section(value)]
    sections = [_section(key, value) for key, value in tables.items() if _is_section(value)]
    return "\n\n".join(filter(None, ("\n".join(plain), *sections))) + "\n"


def _is_section(value: Any) -> bool:
    if isinstance(value, Mapping):
        return True
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _section(name: str, value: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    heading, tables = (f"[{_key(name)}]", [value]) if isinstance(value, Mapping) else (f"[[{_key(name)}]]", value)
    return "\n\n".join(
        "\n".join([heading, *(f"{_key(key)} = {_value(inner)}" for key, inner in table.items())]) for table in tables
    )


def _key(key: Any) -> str:
    text = str(key)
    return text if _BARE.fullmatch(text) else quoted(text)


def quoted(text: str) -> str:
    """A text as a basic string of TOML."""
    # JSON's escapes are TOML's, but for DEL, which TOML wants escaped too, as are marks that nobody would see
    return printable_toml(json.dumps(text, ensure_ascii=False))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    raise TypeError(f"a {type(value).__name__} cannot stand in a scenario: {value!r}")
