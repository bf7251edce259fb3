"""The hall as a whole, its figures, and its lines."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from bench.control.guard import answer
from bench.control.routes import Asked, Route
from firmware_sim.line import Line

__all__ = ["ROUTES"]

_LAST: Final = 20
"""Frames of a line that are told with its state."""


def line_state(asked: Asked, line: Line) -> dict[str, Any]:
    """One line as data."""
    desk = asked.desk
    port = desk.live.ports.get(line.name)
    spec = next(spec for spec in desk.world.scenario.lines if spec.name == line.name)
    return {
        "name": line.name,
        "owner": spec.owner,
        "settings": str(line.settings),
        "baud": line.settings.baud,
        "duplex": "half" if line.half else "full",
        "bursts": line.bursts,
        "collisions": line.collisions,
        "held": bool(line.master.held),
        "devices": [name for name, row in desk.rows.items() if row["line"] == line.name],
        **desk.tally.lines[line.name].describe(desk.now),
        "port": None
        if port is None
        else {
            "kind": port.kind,
            "path": None if port.path is None else str(port.path),
            "url": port.url,
            "open": port.is_open,
            "opened": port.opened,
            "refused": port.refused,
            "received": port.received,
            "delivered": port.delivered,
            "overruns": port.overruns,
        },
    }


async def hall(asked: Asked) -> web.StreamResponse:
    """Everything that stands still, and the clock."""
    desk = asked.desk
    desk.catch_up()
    scenario = desk.world.scenario
    return answer(
        {
            "schema_version": 1,
            **desk.identity(),
            "clock": desk.clock(),
            "last": desk.log.last,
            "opens": scenario.hours.opens,
            "closes": scenario.hours.closes,
            "counters": [{"number": c.number, "clerk": c.clerk, "clerk_code": c.clerk_code} for c in scenario.counters],
            "lines": [line_state(asked, line) for line in desk.world.rig.lines.values()],
            "devices": list(desk.rows.values()),
            "lateness": desk.live.driver.lateness.as_dict(),
        }
    )


async def figures(asked: Asked) -> web.StreamResponse:
    """Who waits, what the counters do, what the devices hold."""
    desk = asked.desk
    desk.catch_up()
    counters = {
        c.number: {"clerk": c.clerk, "clerk_code": c.clerk_code, "shows": desk.world.hall.counters[c.number].shows}
        for c in desk.world.scenario.counters
    }
    armed = desk.world.nemesis.faults
    told = desk.tally.describe(desk.now, counters)
    told["faults"] = {"injected": len(armed), "live": sum(one.live for one in armed), "hits": told.pop("faults_hit")}
    return answer(told)


async def lines(asked: Asked) -> web.StreamResponse:
    """All lines."""
    asked.desk.catch_up()
    return answer({"lines": [line_state(asked, line) for line in asked.desk.world.rig.lines.values()]})


async def line(asked: Asked) -> web.StreamResponse:
    """One line, with how late its frames come and what went over it last."""
    desk = asked.desk
    found = desk.line(asked.part("name"))
    desk.catch_up()
    return answer(
        {
            **line_state(asked, found),
            "lateness": desk.live.driver.lateness.as_dict(),
            "last_frames": desk.log.latest(_LAST, ("frame",), found.name),
        }
    )


ROUTES: Final = (
    Route("GET", "/v1/hall", "The hall: scenario, clock, lines, ports, devices.", hall, "Hall"),
    Route("GET", "/v1/figures", "The figures: queue, waits, counters, ratings, faults.", figures, "Figures"),
    Route("GET", "/v1/lines", "All lines.", lines, "Lines"),
    Route("GET", "/v1/lines/{name}", "One line.", line, "Line", errors=("no_such_line",)),
)
