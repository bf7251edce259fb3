"""The clock of the hall: look at it, stop it, let it jump, make it faster."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web

from bench.control.desk import Desk
from bench.control.errors import Refusal
from bench.control.guard import answer
from bench.control.models import ClockOrder
from bench.control.routes import Asked, Route
from firmware_sim.device import NS

__all__ = ["ROUTES"]

_SLICE: Final = 5 * NS
"""How far a step moves the hall before the event loop gets its turn."""

_FIELDS: Final = {"pause": (), "resume": (), "step": ("seconds",), "speed": ("factor",)}


async def clock(asked: Asked) -> web.StreamResponse:
    """What time it is in the hall, and how it passes."""
    asked.desk.catch_up()
    return answer(asked.desk.clock())


async def steer(asked: Asked) -> web.StreamResponse:
    """Pause, resume, step or change the speed; each stands in the history."""
    desk, body = asked.desk, asked.body
    assert isinstance(body, ClockOrder)
    wanted = _FIELDS[body.do]
    given = body.model_fields_set - {"do"}
    if given != set(wanted):
        takes = f'"{wanted[0]}"' if wanted else "no further field"
        raise Refusal("bad_field", f"{body.do} takes {takes}", 'for example {"do": "step", "seconds": 10}')
    if desk.fixed:
        raise Refusal("clock_refused", desk.fixed, "the clock can be looked at: GET /v1/clock")
    if desk.ending:
        raise Refusal("over", "the bench is ending", "start another with hallbench up")
    if desk.stepping:
        raise Refusal("clock_refused", "a step is under way", "ask again when it is done")
    driver = desk.live.driver
    if body.do == "step":
        assert body.seconds is not None
        await _step(desk, round(body.seconds * NS))
    elif body.do == "speed":
        assert body.factor is not None
        driver.set_speed(body.factor)
    elif body.do == "pause":
        driver.pause()
    else:
        driver.start()
    facts: dict[str, Any] = {"do": body.do, "running": driver.running, "speed": driver.speed}
    if body.seconds is not None:
        facts["seconds"] = body.seconds
    driver.stimulus(desk.world.recorder("run"), "clock", facts)
    return answer(desk.clock())


async def _step(desk: Desk, left: int) -> None:
    driver = desk.live.driver
    if driver.running:
        raise Refusal("clock_refused", "the clock runs by the wall: a step would jump ahead of it", "pause it first")
    desk.stepping = True
    try:
        while left > 0 and not desk.ending and not driver.running:
            driver.step(min(left, _SLICE))
            left -= _SLICE
            await asyncio.sleep(0)
    except ValueError as exc:
        raise Refusal("clock_refused", str(exc), "look at GET /v1/clock") from exc
    finally:
        desk.stepping = False


ROUTES: Final = (
    Route("GET", "/v1/clock", "The clock.", clock, "Clock"),
    Route(
        "POST",
        "/v1/clock",
        "Pause, resume, step, or change the speed.",
        steer,
        "Clock",
        body=ClockOrder,
        errors=("clock_refused", "over"),
    ),
)
