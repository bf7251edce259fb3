"""The OpenAPI 3.1 document of the control API, made from the routes and the models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from bench import __version__
from bench.control.acts import ACTS, told
from bench.control.errors import CODES
from bench.control.routes import Route

__all__ = ["EVERYWHERE", "document"]

EVERYWHERE: Final = ("bad_host", "bad_origin", "no_token", "too_many_requests", "bench_failed", "not_found")
"""Codes that any route may answer with."""

WITH_BODY: Final = ("bad_request", "bad_json", "bad_field", "too_large")

_INT: Final = {"type": "integer"}
_NUM: Final = {"type": "number"}
_TEXT: Final = {"type": "string"}
_BOOL: Final = {"type": "boolean"}
_OBJ: Final = {"type": "object"}
_TEXT_OR_NULL: Final = {"type": ["string", "null"]}


def _object(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(fields), "properties": fields}


def _list(of: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{of}"}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


ANSWERS: Final[Mapping[str, dict[str, Any]]] = {
    "Error": _object(error=_object(code={"type": "string", "enum": sorted(CODES)}, message=_TEXT, fix=_TEXT)),
    "Clock": _object(
        now={"type": "integer", "description": "ns since local midnight of the hall's date"},
        time=_TEXT,
        date=_TEXT,
        timezone=_TEXT,
        running=_BOOL,
        speed=_NUM,
        steerable=_BOOL,
        why_not=_TEXT,
        distortion=_TEXT,
    ),
    "Hall": _object(
        schema_version=_INT,
        name=_TEXT,
        pid=_INT,
        scenario=_TEXT,
        title=_TEXT,
        clock=_ref("Clock"),
        last=_INT,
        counters={"type": "array", "items": _OBJ},
        lines=_list("Line"),
        devices={"type": "array", "items": _OBJ},
        lateness=_OBJ,
    ),
    "Line": _object(
        name=_TEXT,
        owner=_TEXT,
        settings=_TEXT,
        duplex={"enum": ["half", "full"]},
        utilisation={"type": "number", "minimum": 0, "maximum": 1},
        frames_per_s=_NUM,
        frames=_INT,
        damaged=_INT,
        collisions=_INT,
        loads={"type": "array", "items": _NUM},
        devices={"type": "array", "items": _TEXT},
        port={"type": ["object", "null"]},
    ),
    "Lines": _object(lines=_list("Line")),
    "Device": _object(
        name=_TEXT,
        kind=_TEXT,
        protocol=_TEXT,
        line=_TEXT,
        powered=_BOOL,
        actions={"type": "array", "items": _TEXT, "description": told()},
    ),
    "Devices": _object(devices=_list("Device")),
    "Done": _object(device=_TEXT, action=_TEXT, at=_INT, time=_TEXT, ignored=_TEXT_OR_NULL),
    "ActsDone": _object(done=_INT, ignored=_INT, refused={"type": "array", "items": _OBJ}, at=_INT),
    "Figures": _object(
        at=_INT,
        visitors=_OBJ,
        waits_s=_OBJ,
        counters={"type": "array", "items": _OBJ},
        tickets=_INT,
        calls=_INT,
        ratings=_OBJ,
        held=_OBJ,
        faults=_OBJ,
    ),
    "Fault": _object(id=_TEXT, type=_TEXT, number=_TEXT, live=_BOOL, hits=_INT, last_hits={"type": "array"}),
    "Faults": _object(faults=_list("Fault")),
    "Catalogue": _object(catalogue={"type": "array", "items": _OBJ}),
    "Ended": _object(ended=_INT),
    "Event": _object(seq=_INT, at=_INT, time=_TEXT, kind=_TEXT, what=_TEXT),
    "Events": _object(since=_INT, last=_INT, lost=_INT, events=_list("Event")),
    "Document": _OBJ,
}
"""The shapes of good answers, and of every refusal."""


_PARTS: Final[Mapping[str, dict[str, Any]]] = {
    "action": {
        "description": told(),
        "examples": {name: {"summary": row.does, "value": name} for name, row in ACTS.items()},
    }
}
"""What more is known of a part of a path."""


def _responses(route: Route) -> dict[str, Any]:
    def content(name: str) -> dict[str, Any]:
        return {"application/json": {"schema": _ref(name)}}

    found: dict[str, Any] = {
        str(route.status): {"description": route.summary, "content": content(route.answer)},
    }
    if route.path == "/v1/events":
        found["101"] = {"description": "A WebSocket: each message is an `Events` object."}
    codes = [*EVERYWHERE, *route.errors, *(WITH_BODY if route.body else ())]
    if route.params:
        codes.append("bad_field")
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(CODES[code].status, []).append(code)
    for status, same in by_status.items():
        told = "; ".join(f"`{code}`: {CODES[code].meaning}" for code in same)
        found[str(status)] = {"description": told, "content": content("Error")}
    return found


def _operation(route: Route) -> dict[str, Any]:
    parts = [
        {
            "name": part,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
            **_PARTS.get(part, {}),
        }
        for part in re.findall(r"{(\w+)}", route.path)
    ]
    query = [
        {"name": param.name, "in": "query", "required": False, "schema": dict(param.schema), "description": param.told}
        for param in route.params
    ]
    told: dict[str, Any] = {
        "operationId": f"{route.method.lower()}_{route.handler.__name__}",
        "summary": route.summary,
        "responses": _responses(route),
    }
    if parts or query:
        told["parameters"] = [*parts, *query]
    if route.body is not None:
        required = bool(route.body.model_json_schema().get("required"))
        schema = _ref(route.body.__name__)
        told["requestBody"] = {"required": required, "content": {"application/json": {"schema": schema}}}
    return told


def document(routes: Iterable[Route], server: str = "") -> dict[str, Any]:
    """The whole document.

    Args:
        routes: of the API.
        server: its URL, when it is known.
    """
    listed = list(routes)
    models = {route.body for route in listed if route.body is not None}
    _, made = models_json_schema(
        [(model, "validation") for model in sorted(models, key=lambda m: m.__name__)],
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in listed:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hallbench control",
            "version": __version__,
            "description": "See and steer a running bench. docs/control.md tells more.",
        },
        **({"servers": [{"url": server}]} if server else {}),
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {**ANSWERS, **made.get("$defs", {})},
        },
    }
