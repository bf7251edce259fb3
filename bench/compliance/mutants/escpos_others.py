"""ESC/POS: null devices, which nothing may pass, and printers that are unusual and right (conformance.md 3.5, 3.6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from bench.clock.clockwork import Clockwork
from bench.compliance.mutants.base import Build, Hand, Subject
from bench.compliance.mutants.escpos_base import SMALL, Printer, on_link
from bench.compliance.mutants.escpos_status import SMALL_DECLARED, Out
from bench.compliance.mutants.others import Parrot, Rule, random_rule
from bench.compliance.mutants.others import parrot as half_duplex_parrot
from bench.compliance.virtual import View
from firmware_sim.device import MS
from firmware_sim.line import Line
from protocol.escpos import status
from protocol.escpos.profiles import KIOSK_58, KIOSK_80, TM_T88
from protocol.escpos.tokenizer import Token

__all__ = ["DEVICES", "NULL_DEVICES", "VARIANTS", "nobody", "parrot"]


def parrot(rule: Rule) -> Build:
    """`others.parrot` on a full-duplex line."""
    made = half_duplex_parrot(rule, _HANDS)

    def build(line: Line, clockwork: Clockwork) -> Mapping[str, Hand]:
        line.half = False
        return made(line, clockwork)

    return build


_HANDS: Final = (
    *("open_cover", "close_cover", "load_paper", "load_old_roll", "remove_paper", "power_cycle"),
    *("ready", "reads", "lacks", "once", "press"),
)


_GOLDEN: Final = (b"\x16", b"\x00", b"\x37\x22ABCD\x00", b"\x14\x00\x00\x00", b"\x12", b"\x20")


class Dies(Printer):
    """ND-8: it answers the first thing it hears, then nothing."""

    heard = 0

    def hear(self, *args: Any) -> Any:
        self.heard += 1
        return super().hear(*args) if self.heard < 4 else ()


def _babble(line: Line, clockwork: Clockwork) -> Mapping[str, Hand]:
    hands = on_link()(line, clockwork)
    other = Parrot(lambda count, data: b"")
    line.attach(other)

    def again() -> None:
        line.transmit(line.stations[1], b"\x16\x00")
        clockwork.call_at(clockwork.now + 70 * MS, again)

    clockwork.call_at(5 * MS, again)
    return hands


def _null(id_: str, title: str, build: Any) -> Subject:
    return Subject(f"{id_}-escpos", title, build, "tm_t88", SMALL_DECLARED, unit=1)


def nobody(line: Line, clockwork: Clockwork) -> Mapping[str, Hand]:
    """Nothing is on the line."""
    return {}


NULL_DEVICES: Final = (
    _null("ND-1", "no station on the line", nobody),
    _null("ND-2", "an open port, silence", parrot(lambda count, data: b"")),
    _null("ND-3", "echoes everything", parrot(lambda count, data: data)),
    _null("ND-4", "random characters", parrot(random_rule(4))),
    _null("ND-5", "always busy: XOFF to everything", parrot(lambda count, data: b"\x13")),
    _null("ND-6", "replays recorded replies", parrot(lambda count, data: _GOLDEN[count % len(_GOLDEN)])),
    _null("ND-7", "one constant good reply", parrot(lambda count, data: b"\x16")),
    _null("ND-7b", "one constant process id", parrot(lambda count, data: b"\x37\x22ABCD\x00")),
    _null("ND-8", "answers a little, then dies", on_link(Dies)),
    _null("ND-10", "somebody else talks on the line", _babble),
)


# -- legal variants ---------------------------------------------------------------------------------------------------
class NoAutomatic(Printer):
    """LV-12."""

    def _execute(self, token: Token, out: Out) -> None:
        if token.name != "GS a":
            super()._execute(token, out)


class Unasked(Printer):
    """LV-13: a block more, with what it is, before every fourth answer while automatic status is on."""

    count = 0

    def _say(self, data: bytes, out: Out) -> None:
        self.count += 1
        if self._mask and not self.count % 4 and len(data) != 4:
            super()._say(status.automatic(self.condition), out)
        super()._say(data, out)


class Mum(Printer):
    """LV-14b: no XON after power-on."""

    def _started(self, now: int, out: Out) -> None:
        mine: Out = []
        super()._started(now, mine)
        out += [effect for effect in mine if getattr(effect, "data", b"") != b"\x11"]


def _legal(
    id_: str, title: str, make: Callable[[], Printer], *changes: tuple[str, str], view: View | None = None
) -> Subject:
    return Subject(id_, title, on_link(make), "tm_t88", (*SMALL_DECLARED, *changes), 1, view=view or View())


_ON: Final = ("asb_at_power_on = false", "asb_at_power_on = true")

DEVICES: Final = (
    Subject(
        "ticket_printer", "the shipped ticket printer, TM-T88", on_link(partial(Printer, TM_T88)), "tm_t88", unit=1
    ),
    Subject("ticket_printer_58", "the shipped 58 mm printer", on_link(partial(Printer, KIOSK_58)), "clone_58", unit=1),
    Subject("ticket_printer_80", "the shipped kiosk printer", on_link(partial(Printer, KIOSK_80)), "kiosk_80", unit=1),
)
"""What ships, and how it is declared."""

VARIANTS: Final = (
    *DEVICES,
    _legal("LV-12", "no automatic status, declared", NoAutomatic, ("\nasb = true", "\nasb = false")),
    _legal("LV-12b", "drawer line low", partial(Printer, replace(SMALL, drawer_high=False))),
    _legal(
        "LV-13",
        "automatic status in the middle of everything",
        partial(Unasked, replace(SMALL, power_on_mask=0x0E)),
        _ON,
    ),
    _legal("LV-14", "XON on power-up", Printer),
    _legal("LV-14b", "no XON on power-up", Mum),
    _legal("LV-3-escpos", "seen through an adapter that hands over every 16 ms", Printer, view=View(0, 16 * MS)),
    _legal("LV-2-escpos", "seen through packets of one character", Printer, view=View(1, 1 * MS)),
    _legal(
        "LV-busy",
        "ready when off line (switch 2-1 on), declared",
        partial(Printer, replace(SMALL, busy_offline=False)),
        ("busy_offline = true", "busy_offline = false"),
    ),
)
