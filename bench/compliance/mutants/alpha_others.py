"""Alpha: null devices, which nothing may pass, and signs that are unusual and right (conformance.md 3.5, 3.6)."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any, Final

from bench.clock.clockwork import Clockwork
from bench.compliance.mutants.alpha_mutants import ADDRESS, Board, on_wire, says
from bench.compliance.mutants.base import Subject
from bench.compliance.mutants.escpos_others import nobody, parrot
from bench.compliance.virtual import View
from firmware_sim.device import MS
from firmware_sim.devices.alpha_board import BETABRITE, AlphaBoard
from firmware_sim.line import Line
from protocol.alpha import codes
from protocol.alpha.packet import Event, Started, reply

__all__ = ["DEVICES", "NULL_DEVICES", "VARIANTS"]

_WARM: Final = 6_000 * MS


def _random(seed: int) -> Any:
    rng = Random(seed)
    return lambda count, data: bytes(rng.randrange(128) for _ in range(rng.randint(1, 20)))


_GOLDEN: Final = (reply(codes.WRITE_TEXT, b"A\x1b\x30bABCDEFGH"), b"\x06\x40", reply(codes.WRITE_SPECIAL, b"*@"))


class Dies(Board):
    """ND-8."""

    heard = 0

    def hear(self, *args: Any) -> Any:
        self.heard += 1
        return super().hear(*args) if self.heard < 3 else ()


def _null(id_: str, title: str, build: Any) -> Subject:
    return Subject(f"{id_}-alpha", title, build, "alpha", unit=ADDRESS)


def _twins(line: Line, clockwork: Clockwork) -> Any:
    """Two signs on one address, on one supply."""
    both = [on_wire(make)(line, clockwork)["power_cycle"] for make in (Board, Late)]

    def power_cycle() -> None:
        for switch in both:
            switch()

    return {"power_cycle": power_cycle}


def _babble(line: Line, clockwork: Clockwork) -> Any:
    hands = on_wire()(line, clockwork)

    def again() -> None:
        line.transmit(line.stations[0], b"\x06\x40")
        clockwork.call_at(clockwork.now + 900 * MS, again)

    clockwork.call_at(5 * MS, again)
    return hands


class Late(Board):
    """ND-9: the second sign."""

    def said(self, data: bytes) -> bytes:
        return b"\x00\x00" + data


NULL_DEVICES: Final = (
    _null("ND-1", "no station on the line", nobody),
    _null("ND-9", "two signs on one address", _twins),
    _null("ND-10", "somebody else talks on the line", _babble),
    _null("ND-2", "an open port, silence", parrot(lambda count, data: b"")),
    _null("ND-3", "echoes everything", parrot(lambda count, data: data)),
    _null("ND-4", "random characters", parrot(_random(4))),
    _null("ND-5", "NAK to everything", parrot(lambda count, data: b"\x15\x60")),
    _null("ND-6", "replays recorded replies", parrot(lambda count, data: _GOLDEN[count % 3])),
    _null("ND-7", "one constant good reply", parrot(lambda count, data: _GOLDEN[0])),
    _null("ND-8", "answers a little, then dies", on_wire(Dies)),
)


# -- legal variants ---------------------------------------------------------------------------------------------------
class Sleepy(Board):
    """LV-15: five NULs are needed before each packet, not only before the first."""

    def takes(self, event: Event) -> Event | None:
        short = isinstance(event, Started) and event.wake_up < codes.WAKE_UP
        return event._replace(targets=()) if short and isinstance(event, Started) else event


class Slow(Board):
    """LV-1: replies 300 ms later."""

    def _answer(self, out: Any) -> None:
        mine: list[Any] = []
        super()._answer(mine)
        out += [
            effect._replace(after=effect.after + 300 * MS) if hasattr(effect, "after") else effect for effect in mine
        ]


def _small_letters(board: Board, data: bytes) -> bytes:
    """LV-16: the four digits of the checksum behind ETX in small letters."""
    head, etx, tail = data.partition(b"\x03")
    return head + etx + tail[:4].lower() + tail[4:]


def _betabrite(line: Line, clockwork: Clockwork) -> Any:
    hands = on_wire(partial(AlphaBoard, "board", address=ADDRESS, model=BETABRITE))(line, clockwork)
    clockwork.advance_to(_WARM)
    return hands


def _legal(id_: str, title: str, build: Any, *changes: tuple[str, str], view: View | None = None) -> Subject:
    return Subject(id_, title, build, "alpha", changes, ADDRESS, view=view or View())


DEVICES: Final = (
    Subject(
        "alpha_board",
        "the shipped board",
        on_wire(partial(AlphaBoard, "board", address=ADDRESS)),
        "alpha",
        unit=ADDRESS,
    ),
)
"""What ships, and how it is declared."""

VARIANTS: Final = (
    *DEVICES,
    _legal("LV-15", "needs five NULs before each packet", on_wire(Sleepy)),
    _legal("LV-16", "its checksums have small letters", on_wire(says(_small_letters))),
    _legal("LV-1-alpha", "replies 300 ms later", on_wire(Slow)),
    _legal("LV-3-alpha", "seen through an adapter that hands over every 16 ms", on_wire(), view=View(0, 16 * MS)),
    _legal("LV-2-alpha", "seen through packets of one character", on_wire(), view=View(1, 1 * MS)),
    _legal(
        "LV-betabrite",
        "version 1, without ACK and NAK, declared",
        _betabrite,
        ("acknowledge = true ", "acknowledge = false "),
    ),
)
