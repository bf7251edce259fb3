"""The keys of a scenario file, from its JSON Schema, which is made from the model that reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.scenario.schema import schema

from .text import code, flat, heading, table

__all__ = ["scenario"]

_KEEP = ("enum", "const", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "maxLength")
_LIMITS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
}


def _kind(what: Mapping[str, Any]) -> str:
    """The type of a value, in Markdown."""
    if "$ref" in what:
        name = what["$ref"].rpartition("/")[2]
        return f"[{name}](#scenario-{name.casefold()})"
    if "const" in what:
        return code(repr(what["const"]).replace("'", '"'))
    if "enum" in what:
        return " or ".join(code(repr(value).replace("'", '"')) for value in what["enum"])
    for key in ("anyOf", "oneOf"):
        if key in what:
            kinds = dict.fromkeys(_kind(part) for part in what[key] if part.get("type") != "null")
            return " or ".join(kinds)
    if "allOf" in what:
        return _kind(what["allOf"][0])
    if what.get("type") == "array":
        return f"list of {_kind(what.get('items', {}))}"
    if what.get("type") == "object":
        inner = what.get("additionalProperties")
        return f"table of {_kind(inner)}" if isinstance(inner, Mapping) and inner else "table"
    told = str(what.get("type", "any"))
    limits = [f"{words} {what[key]:g}" for key, words in _LIMITS.items() if key in what]
    return ", ".join([{"number": "number", "integer": "whole number"}.get(told, told), *limits])


def _default(what: Mapping[str, Any], needed: bool) -> str:
    if needed:
        return "**needed**"
    if "default" not in what or what["default"] is None:
        return ""
    told = what["default"]
    if isinstance(told, str):
        return code(f'"{told}"')
    return code(str(told).lower() if isinstance(told, bool) else told)


def _keys(of: Mapping[str, Any]) -> str:
    needed = set(of.get("required", ()))
    return table(
        ("key", "value", "default", "meaning"),
        [
            (code(key), _kind(what), _default(what, key in needed), flat(what.get("description", "")))
            for key, what in of.get("properties", {}).items()
        ],
    )


def scenario() -> str:
    """The whole file: top level, then every table."""
    made = schema()
    page = "# Scenario files\n\nA scenario is one TOML file. It is checked as a whole: mistakes come all at once, as"
    page += " `file:line:column`. Editors that read its first line, `#:schema ./scenario.schema.json`,"
    page += " complete and check it."
    page += " The schema is shipped beside the halls; this page is made from it."
    page += " `hallbench scenarios FILE` checks a file.\n"
    page += heading(2, "The file") + _keys(made)
    for name, what in sorted(made["$defs"].items()):
        page += heading(2, name, f"scenario-{name.casefold()}")
        page += f"\n{flat(what.get('description', ''))}\n"
        if "properties" in what:
            page += _keys(what)
        elif "enum" in what or "const" in what:
            page += f"\n{_kind(what)}\n"
    return page
