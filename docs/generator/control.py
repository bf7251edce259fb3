"""The control API, from the OpenAPI document that a running bench serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.control.api import ROUTES
from bench.control.openapi import document

from .text import code, flat, heading, table

__all__ = ["control_api"]


def _kind(what: Mapping[str, Any]) -> str:
    if "$ref" in what:
        name = what["$ref"].rpartition("/")[2]
        return f"[{name}](#schema-{name.casefold()})"
    for key in ("anyOf", "oneOf"):
        if key in what:
            return " or ".join(dict.fromkeys(_kind(part) for part in what[key]))
    if what.get("type") == "array":
        return f"list of {_kind(what.get('items', {}))}"
    if "enum" in what and len(what["enum"]) <= 12:
        return " or ".join(code(value) for value in what["enum"])
    told = what.get("type", "any")
    if isinstance(told, list):
        return " or ".join(told)
    if told == "object" and what.get("properties"):
        return "{ " + ", ".join(f"{code(name)}: {_kind(inner)}" for name, inner in what["properties"].items()) + " }"
    return str(told)


def _operation(method: str, path: str, what: Mapping[str, Any]) -> str:
    page = heading(3, code(f"{method.upper()} {path}")) + f"\n{flat(what.get('summary', ''))}\n"
    rows = [
        (code(p["name"]), p["in"], _kind(p.get("schema", {})), flat(p.get("description", "")))
        for p in what.get("parameters", ())
    ]
    if rows:
        page += table(("parameter", "in", "value", "meaning"), rows)
    for content in what.get("requestBody", {}).get("content", {}).values():
        page += f"\nBody: {_kind(content['schema'])}.\n"
    answers = []
    for status, answer in what.get("responses", {}).items():
        kinds = [_kind(content["schema"]) for content in answer.get("content", {}).values() if "schema" in content]
        answers.append((code(status), flat(answer.get("description", "")), ", ".join(kinds)))
    return page + table(("status", "when", "answer"), answers)


def control_api() -> str:
    """Resources and schemas."""
    made = document(ROUTES)
    page = "# Control API\n\nServed by every running bench on loopback, as `GET /v1/openapi.json` too."
    page += " [Rules, tokens and examples](../../control.md).\n" + heading(2, "Resources")
    for path, methods in made["paths"].items():
        for method, what in methods.items():
            page += _operation(method, path, what)
    page += heading(2, "Schemas")
    for name, what in sorted(made["components"]["schemas"].items()):
        page += heading(3, code(name), f"schema-{name.casefold()}")
        if what.get("description"):
            page += f"\n{flat(what['description'])}\n"
        fields = what.get("properties", {})
        needed = set(what.get("required", ()))
        if fields:
            page += table(
                ("field", "value", "meaning"),
                [
                    (
                        code(key) + ("" if key in needed else " *optional*"),
                        _kind(inner),
                        flat(inner.get("description", "")),
                    )
                    for key, inner in fields.items()
                ],
            )
        else:
            page += f"\n{_kind(what)}\n"
    return page
