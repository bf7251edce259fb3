"""Devices: what is seen of them, and the human hands."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web

from bench.control.desk import Desk
from bench.control.errors import Refusal
from bench.control.faces import look, registers
from bench.control.guard import answer
from bench.control.models import Act, Acts
from bench.control.routes import Asked, Route

__all__ = ["ROUTES"]

_LAST: Final = 10
_SHEETS: Final = 3
_SLICE: Final = 50
"""Acts of a batch that are done before the ports get their turn."""


def state(desk: Desk, name: str) -> dict[str, Any]:
    """One device, as a tile needs it."""
    placed = desk.placed(name)
    now = desk.now
    told = {**desk.rows[name], **look(placed.thing, now)}
    window = desk.tally.window(name, now)
    if name in desk.tally.keypads:
        told["window"] = window
        if "queue" not in told:
            told["waiting"] = desk.tally.held(name)
    if "paper" in told:
        told["tickets"] = desk.sheets(name)[-_SHEETS:]
    return told


async def devices(asked: Asked) -> web.StreamResponse:
    """All devices with their states."""
    asked.desk.catch_up()
    return answer({"devices": [state(asked.desk, name) for name in asked.desk.rows]})


async def device(asked: Asked) -> web.StreamResponse:
    """One device with registers and what happened to it last."""
    desk = asked.desk
    name = asked.part("name")
    desk.placed(name)
    desk.catch_up()
    told = state(desk, name)
    told["registers"] = registers(desk.placed(name).thing, desk.now)
    told["events"] = desk.log.latest(_LAST, ("device", "act", "fault"), name)
    return answer(told)


async def act(asked: Asked) -> web.StreamResponse:
    """One act."""
    body: Act = asked.body
    return answer(asked.desk.act(asked.part("name"), asked.part("action"), body))


async def acts(asked: Asked) -> web.StreamResponse:
    """Many acts, in their order; one that is refused does not keep the others."""
    body: Acts = asked.body
    asked.spend(len(body.acts))
    refused: list[dict[str, Any]] = []
    ignored = 0
    for number, one in enumerate(body.acts):
        if number and number % _SLICE == 0:
            await asyncio.sleep(0)
        try:
            ignored += asked.desk.act(one.device, one.action, one)["ignored"] is not None
        except Refusal as refusal:
            refused.append({"index": number, **refusal.body()})
    done = len(body.acts) - len(refused)
    return answer({"done": done, "ignored": ignored, "refused": refused, "at": asked.desk.now})


ROUTES: Final = (
    Route("GET", "/v1/devices", "All devices, with what is seen of each.", devices, "Devices"),
    Route("GET", "/v1/devices/{name}", "One device.", device, "Device", errors=("no_such_device",)),
    Route(
        "POST",
        "/v1/devices/{name}/{action}",
        "The human hands: press, log_in, open_cover, load_paper, take_paper, unplug, plug_in ...",
        act,
        "Done",
        body=Act,
        errors=("no_such_device", "no_such_action", "bad_argument", "over"),
    ),
    Route("POST", "/v1/acts", "Up to 2,000 acts at once.", acts, "ActsDone", body=Acts),
)
