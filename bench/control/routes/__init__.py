"""The resources of the control API: one module for each group, each with its table `ROUTES`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from bench.control.desk import Desk
from bench.control.errors import Refusal

__all__ = ["Asked", "Param", "Route", "line_arg"]


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a query.

    Attributes:
        name: as it stands in the URL.
        schema: its JSON Schema.
        told: what it is for.
    """

    name: str
    schema: Mapping[str, Any]
    told: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as a handler sees it.

    Attributes:
        desk: the bench.
        request: the HTTP request.
        body: the body, when the route has a model for it.
        spend: counts further acts against the rate.
    """

    desk: Desk
    request: web.Request
    body: Any
    spend: Callable[[int], None]

    def part(self, name: str) -> str:
        """A part of the path."""
        return self.request.match_info[name]

    def query(self, allowed: tuple[Param, ...]) -> dict[str, str]:
        """The query.

        Raises:
            Refusal: bad_field, for a name that is not allowed or one that comes twice.
        """
        names = {param.name for param in allowed}
        found: dict[str, str] = {}
        for name, value in self.request.query.items():
            if name not in names or name in found:
                takes = ", ".join(sorted(names)) or "none"
                raise Refusal("bad_field", f"the query's {name[:40]!r} is unknown or comes twice", f"it takes: {takes}")
            found[name] = value
        return found


Handler = Callable[[Asked], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one resource.

    Attributes:
        method: of HTTP.
        path: with parts in braces.
        summary: one line.
        handler: what does it.
        answer: name of the schema of a good answer.
        body: model of the body.
        params: of the query.
        errors: codes beside those that every route has.
        status: of a good answer.
    """

    method: str
    path: str
    summary: str
    handler: Handler
    answer: str
    body: type[BaseModel] | None = None
    params: tuple[Param, ...] = ()
    errors: tuple[str, ...] = ()
    status: int = 200
    parts: Mapping[str, str] = field(default_factory=dict)


def line_arg(text: str, low: int, high: int, name: str) -> int:
    """A whole number of a query.

    Raises:
        Refusal: bad_field.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 15 and low <= int(text) <= high):
        raise Refusal("bad_field", f"{name} is a whole number {low}..{high}, not {text[:40]!r}", f"send {name}={low}")
    return int(text)
