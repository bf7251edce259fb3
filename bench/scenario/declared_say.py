"""Whether what `[house]` of a declaration says can be put into frames: each message is made once, with likely texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from firmware_sim.declared_host import NOTHING, HostSide, spoken, wishes
from protocol.declared.codec import Codec
from protocol.declared.items import BadValue
from protocol.declared.model import Ask, Declaration, House
from protocol.declared.reading import Path, Problem

__all__ = ["unsayable"]

_TEXTS: Final = ("display", "board")


def unsayable(declaration: Declaration) -> Iterator[Problem]:
    """What a program could not say, at its place in `[house]`."""
    house = declaration.house
    if house is None:
        return
    address = declaration.address
    host = HostSide(Codec(declaration), address.default if address is not None else 0)
    for path, ask, tried in _asks(declaration.role, house):
        for wished in tried:
            try:
                host.frame(ask, wished)
            except BadValue as error:
                yield _problem(path, ask, wished, error)
                break


def _asks(role: str, house: House) -> Iterator[tuple[Path, Ask, list[Mapping[str, Any]]]]:
    """Place of what is said, and with what it is tried."""
    for number, ask in enumerate(house.start):
        yield ("house", "start", number), ask, [NOTHING]
    for key, said in (("window", house.window), ("poll", house.poll), ("dark", house.dark)):
        if said is not None:
            yield ("house", key), said, [NOTHING]
    if house.show is not None:
        yield ("house", "show"), house.show, _shown(role, house)
    if house.announce is not None:
        yield ("house", "announce"), house.announce, [spoken("A007", 12), spoken("A007", 12, again=True)]


def _shown(role: str, house: House) -> list[Mapping[str, Any]]:
    """What a day shows: a ticket, a counter that pauses, nothing."""
    if role not in _TEXTS:
        return [{**NOTHING, "ticket": "  7", "label": "A007", "text": "A007", "number": 7}]
    screen = house.screen
    if role == "board":
        tried = [wishes(screen, "A007 -> 12", "A007", 12, screen.rows)]
    else:
        tried = [wishes(screen, "A007", "A007", 2, 1), wishes(screen, "--------", "", 2, 1)]
    return tried if house.dark is not None else [*tried, wishes(screen, "", "", 0, 1)]


def _problem(path: Path, ask: Ask, wished: Mapping[str, Any], error: BadValue) -> Problem:
    hint = f"{error.field} is made of what is wished: {{ values = {{ {error.field} = ... }} }}"
    if error.field in ask.values:
        path = (*path, "values", error.field)
        hint = ""
        if not str(wished["text"]).strip() and path[1] == "show":
            hint = "say with [house] `dark` which message shows nothing"
        if path[1] == "announce" and error.field == "text":
            hint = 'words of your own: { join = ["Number ", "@label", ", counter ", "@counter"] }'
    told = f'message "{ask.message}" cannot be sent when the text is "{wished["text"]}": {error}'
    return Problem(path, told, hint)
