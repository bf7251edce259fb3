"""What a person can do to a device now: one table, read by the keys, the detail panel and the command palette alike.

An act is offered only when the device has it and it makes sense in its present state: no one plugs in what has power.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

__all__ = ["Hand", "acts_of_keys", "hands", "key_of_digit", "keys_of"]

State = Mapping[str, Any]


class Hand(NamedTuple):
    """One act.

    Attributes:
        action: as the API calls it.
        label: key of `labels`.
        body: its fields.
        ask: key of `labels` of a question whose answer is needed first; "" when none is.
        tail: what stands behind the label, for example the key.
    """

    action: str
    label: str
    body: Mapping[str, Any] = {}
    ask: str = ""
    tail: str = ""


def _always(_state: State) -> bool:
    return True


def _powered(state: State) -> bool:
    return bool(state.get("powered", True))


def _has(field: str, wanted: bool = True) -> Callable[[State], bool]:
    return lambda state: bool(state.get(field)) is wanted


def _on(field: str, wanted: bool = True) -> Callable[[State], bool]:
    return lambda state: _powered(state) and bool(state.get(field)) is wanted


def _paper(field: str, wanted: bool = True) -> Callable[[State], bool]:
    return lambda state: bool((state.get("paper") or {}).get(field)) is wanted


_HANDS: Final[tuple[tuple[Hand, Callable[[State], bool]], ...]] = (
    (Hand("press", "act_press_other", ask="ask_key"), _powered),
    (Hand("take_paper", "act_take_paper"), _has("ticket_out")),
    (Hand("open_cover", "act_open_cover"), _has("cover_open", False)),
    (Hand("close_cover", "act_close_cover"), _has("cover_open")),
    (Hand("load_paper", "act_load_paper", {"metres": 80}), _always),
    (Hand("load_paper", "act_load_paper_other", ask="ask_metres"), _always),
    (Hand("jam_paper", "act_jam_paper"), _paper("jam", False)),
    (Hand("clear_jam", "act_clear_jam"), _paper("jam")),
    (Hand("jam_cutter", "act_jam_cutter"), _has("cutter_error", False)),
    (Hand("free_cutter", "act_free_cutter"), _has("cutter_error")),
    (Hand("overheat", "act_overheat"), _has("head_hot", False)),
    (Hand("cool_down", "act_cool_down"), _has("head_hot")),
    (Hand("hold_feed", "act_hold_feed"), _on("feed_held", False)),
    (Hand("release_feed", "act_release_feed"), _on("feed_held")),
    (Hand("log_in", "act_log_in", ask="ask_clerk"), _powered),
    (Hand("log_out", "act_log_out"), _powered),
    (Hand("tamper", "act_tamper_on", {"on": True}), _has("case_open", False)),
    (Hand("tamper", "act_tamper_off", {"on": False}), _has("case_open")),
    (Hand("supply", "act_supply_on", {"on": True}), _on("supply_low", False)),
    (Hand("supply", "act_supply_off", {"on": False}), _on("supply_low")),
    (Hand("reset_switch", "act_reset_switch"), _powered),
    (Hand("unplug", "act_unplug"), _powered),
    (Hand("plug_in", "act_plug_in"), _has("powered", False)),
)
"""Act -> whether it makes sense, in the order in which it is offered."""

_KNOWN: Final = frozenset(hand.action for hand, _ in _HANDS)


def keys_of(state: State) -> list[int | str]:
    """What `press` takes, key by key; empty when the bench does not tell it. Numbers are numbers."""
    names = state.get("key_names")
    if isinstance(names, (list, tuple)):
        return [int(name) if str(name).isascii() and str(name).isdigit() else str(name) for name in names]
    return list(range(1, int(state.get("keys") or 0) + 1))


def key_of_digit(state: State, digit: int) -> int | str | None:
    """The key that a digit of the keyboard presses: itself; 0 (told as 10) is key 0, else the tenth."""
    keys = keys_of(state)
    wanted = 0 if digit == 10 and 0 in keys else digit
    return wanted if wanted in keys else None


def hands(state: State) -> list[Hand]:
    """What can be done to a device now; acts of its declaration too, which may ask for arguments."""
    has = [str(action) for action in state.get("actions", ())]
    found: list[Hand] = []
    if "press" in has and _powered(state):
        found += [Hand("press", "act_press", {"key": key}, tail=str(key)) for key in keys_of(state)]
    found += [hand for hand, sensible in _HANDS if hand.action in has and sensible(state)]
    found += [Hand(action, f"act_{action}", ask="ask_args") for action in has if action not in _KNOWN]
    return found


def acts_of_keys(device: str, answer: str) -> list[dict[str, Any]]:
    """Acts of what was typed: "5", "5 3" (held three seconds), "1+2" (two keys at once).

    Raises:
        ValueError: it is none of these; keys that are no number are taken as they are (OSDP: "1234#").
    """
    keys, _, held = answer.strip().partition(" ")
    pressed = [part for part in keys.split("+") if part]
    if not pressed:
        raise ValueError(answer)
    acts = []
    for part in pressed:
        key: int | str = int(part) if part.isascii() and part.isdigit() and len(part) < 9 else part
        act: dict[str, Any] = {"device": device, "action": "press", "key": key}
        if held:
            act["held_s"] = float(held)
        acts.append(act)
    return acts
