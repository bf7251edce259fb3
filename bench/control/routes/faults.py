"""Faults, in the shape that toxiproxy gave them: add, list, remove, reset."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from bench.control.desk import Desk
from bench.control.errors import Refusal
from bench.control.guard import answer
from bench.control.models import FaultOrder, Nothing
from bench.control.routes import Asked, Route
from bench.daytime import clock_text
from bench.faults.catalogue import CATALOGUE, find
from bench.faults.check import FaultError
from bench.faults.nemesis import Armed

__all__ = ["ROUTES"]

MOST: Final = 1000
"""Faults of one bench, also those that are over."""

_LAST: Final = 10


def _known(desk: Desk) -> dict[str, Armed]:
    """Every fault with its id; those that the scenario injected get theirs here."""
    named = {id(armed) for armed in desk.faults.values()}
    for armed in desk.world.nemesis.faults:
        if id(armed) not in named:
            number = sum(other.name == armed.name for other in desk.faults.values()) + 1
            desk.faults[f"{armed.name}-{number}"] = armed
    return desk.faults


def _told(key: str, armed: Armed) -> dict[str, Any]:
    line, device = armed.target
    return {
        "id": key,
        "type": armed.name,
        "number": armed.kind.id,
        "does": armed.kind.does,
        "line": line or None,
        "device": device or None,
        "asked": armed.told,
        "live": armed.live or bool(armed.undo),
        "optional": armed.optional,
        "hits": len(armed.hits),
        "why": armed.why,
        "last_hits": [
            {"at": hit.at, "time": clock_text(hit.at, millis=True), "told": hit.told} for hit in armed.hits[-_LAST:]
        ],
    }


async def faults(asked: Asked) -> web.StreamResponse:
    """All faults of this bench."""
    asked.desk.catch_up()
    return answer({"faults": [_told(key, armed) for key, armed in _known(asked.desk).items()]})


async def inject(asked: Asked) -> web.StreamResponse:
    """Let something go wrong."""
    desk, body = asked.desk, asked.body
    assert isinstance(body, FaultOrder)
    if desk.ending:
        raise Refusal("over", "the bench is ending", "start another with hallbench up")
    if len(_known(desk)) >= MOST:
        raise Refusal("too_many_faults", f"there are {MOST} faults already", "start a new bench")
    kind = find(body.type)
    own = set() if kind is None else set(kind.defaults)
    extra = sorted(set(body.attrs) - own)
    if kind is not None and extra:
        takes = ", ".join(sorted(own)) or "none"
        raise Refusal("bad_fault", f"{kind.name} has no parameter {', '.join(extra)}", f"its attrs: {takes}")
    try:
        armed = desk.live.driver.stimulus(lambda: desk.world.nemesis.inject(body.type, **body.given()))
    except (FaultError, ValueError, TypeError) as exc:
        raise Refusal("bad_fault", str(exc), "GET /v1/faults/catalogue lists all faults with their attrs") from exc
    key = next(key for key, one in _known(desk).items() if one is armed)
    return answer(_told(key, armed), 201)


def _found(desk: Desk, key: str) -> Armed:
    armed = _known(desk).get(key)
    if armed is None:
        raise Refusal("no_such_fault", f"there is no fault {key[:80]!r}", "GET /v1/faults lists them")
    return armed


async def fault(asked: Asked) -> web.StreamResponse:
    """One fault."""
    asked.desk.catch_up()
    key = asked.part("id")
    return answer(_told(key, _found(asked.desk, key)))


async def remove(asked: Asked) -> web.StreamResponse:
    """End one fault: it strikes no more, and what it holds up goes on."""
    desk, key = asked.desk, asked.part("id")
    armed = _found(desk, key)
    desk.live.driver.stimulus(desk.world.nemesis.end, armed)
    return answer(_told(key, armed))


async def reset(asked: Asked) -> web.StreamResponse:
    """End all faults."""
    desk = asked.desk
    return answer({"ended": desk.live.driver.stimulus(desk.world.nemesis.heal)})


async def catalogue(_asked: Asked) -> web.StreamResponse:
    """Every fault that there is."""
    rows = [
        {
            "id": row.id,
            "type": row.name,
            "does": row.does,
            "layer": row.layer,
            "where": row.where,
            "attrs": [
                {"name": p.name, "allowed": p.allowed, "default": p.default, "told": p.told, "needed": p.needed}
                for p in row.params
            ],
        }
        for row in CATALOGUE.values()
    ]
    return answer({"catalogue": rows})


ROUTES: Final = (
    Route("GET", "/v1/faults", "All faults of this bench.", faults, "Faults"),
    Route(
        "POST",
        "/v1/faults",
        "Let something go wrong.",
        inject,
        "Fault",
        body=FaultOrder,
        errors=("bad_fault", "over", "too_many_faults"),
        status=201,
    ),
    Route("GET", "/v1/faults/catalogue", "Every fault that there is, with its attrs.", catalogue, "Catalogue"),
    Route("POST", "/v1/faults/reset", "End all faults.", reset, "Ended", body=Nothing),
    Route("GET", "/v1/faults/{id}", "One fault, with its last hits.", fault, "Fault", errors=("no_such_fault",)),
    Route("DELETE", "/v1/faults/{id}", "End one fault.", remove, "Fault", errors=("no_such_fault",)),
)
