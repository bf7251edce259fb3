"""Lines, positions, page mode and the knife: the commands that ask a composer for them.

Sources: TM-T88III specification, the commands' own pages [S]. Assumed there: GS $ counts from the base line that a page
begins with; a cut inside a page is not executed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from protocol.escpos.paper import Action, Advance, Cut
from protocol.escpos.tokenizer import Token

if TYPE_CHECKING:
    from protocol.escpos.composer import Composer


def _little(token: Token) -> int:
    return int.from_bytes(token.head[:2], "little")


def _signed(token: Token) -> int:
    return int.from_bytes(token.head[:2], "little", signed=True)


# -- lines and positions ----------------------------------------------------------------------------------------------
def _line_feed(composer: Composer, _: Token) -> list[Action]:
    return composer.feed_line()


def _feed_dots(composer: Composer, token: Token) -> list[Action]:
    return composer.feed_line(composer.settings.y_dots(token.head[0], composer.profile))


def _feed_lines(composer: Composer, token: Token) -> list[Action]:
    return composer.feed_line(token.head[0] * composer.settings.spacing)


def _initialize(composer: Composer, _: Token) -> list[Action]:
    composer.reset()
    return []


def _tab(composer: Composer, _: Token) -> list[Action]:
    composer.tab()
    return []


def _absolute(composer: Composer, token: Token) -> list[Action]:
    composer.move_to(composer.settings.x_dots(_little(token), composer.profile))
    return []


def _relative(composer: Composer, token: Token) -> list[Action]:
    composer.move_to(composer.x + composer.settings.x_dots(_signed(token), composer.profile))
    return []


# -- page mode --------------------------------------------------------------------------------------------------------
def _enter_page(composer: Composer, _: Token) -> list[Action]:
    if not composer.page_mode and composer.at_line_start("ESC L (page mode)"):
        composer.enter_page()
    return []


def _leave_page(composer: Composer, _: Token) -> list[Action]:
    composer.leave_page()
    return []


def _page_area(composer: Composer, token: Token) -> list[Action]:
    settings, profile = composer.settings, composer.profile
    x, y, dx, dy = (int.from_bytes(token.head[i : i + 2], "little") for i in (0, 2, 4, 6))
    across, down = settings.x_dots, settings.y_dots
    composer.change_page(area=(across(x, profile), down(y, profile), across(dx, profile), down(dy, profile)))
    return []


def _page_turn(composer: Composer, token: Token) -> list[Action]:
    n = token.head[0] - 0x30 if token.head[0] >= 0x30 else token.head[0]
    if n <= 3:
        composer.change_page(turn=n)
    return []


def _print_page(composer: Composer, _: Token) -> list[Action]:
    return composer.print_page(keep=False)


def _print_and_keep(composer: Composer, _: Token) -> list[Action]:
    return composer.print_page(keep=True)


def _forget_area(composer: Composer, _: Token) -> list[Action]:
    composer.forget_area()
    return []


def _down_to(composer: Composer, token: Token) -> list[Action]:
    composer.move_down_to(composer.settings.y_dots(_little(token), composer.profile), relative=False)
    return []


def _down_by(composer: Composer, token: Token) -> list[Action]:
    composer.move_down_to(composer.settings.y_dots(_signed(token), composer.profile), relative=True)
    return []


# -- the knife --------------------------------------------------------------------------------------------------------
def _cut(composer: Composer, token: Token) -> list[Action]:
    mode = token.head[0]
    if not _can_cut(composer, "GS V (cut)"):
        return []
    if mode in (0, 1, 0x30, 0x31):
        return [Cut(partial=mode in (1, 0x31))]
    if mode in (65, 66, 97, 98, 103, 104):
        profile = composer.profile
        move = profile.cutter_dots + composer.settings.y_dots(token.head[1], profile)
        return [Advance(move), Cut(partial=mode in (66, 98, 104))]
    return []


def _old_cut(composer: Composer, token: Token) -> list[Action]:
    return [Cut(partial=True)] if _can_cut(composer, f"{token.name} (cut)") else []


def _can_cut(composer: Composer, what: str) -> bool:
    if composer.page_mode:
        composer.warn(f"{what} within a page is not modelled; it was passed over")
        return False
    return composer.at_line_start(what)


COMMANDS: dict[str, Callable[[Composer, Token], list[Action]]] = {
    "LF": _line_feed,
    "HT": _tab,
    "FF": _print_page,
    "CAN": _forget_area,
    "ESC @": _initialize,
    "ESC FF": _print_and_keep,
    "ESC J": _feed_dots,
    "ESC d": _feed_lines,
    "ESC $": _absolute,
    "ESC \\": _relative,
    "ESC L": _enter_page,
    "ESC S": _leave_page,
    "ESC T": _page_turn,
    "ESC W": _page_area,
    "GS $": _down_to,
    "GS \\": _down_by,
    "GS V": _cut,
    "ESC i": _old_cut,
    "ESC m": _old_cut,
}
