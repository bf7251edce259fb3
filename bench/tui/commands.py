"""The command palette: what can be done now, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

from bench.tui.drawn import view_of
from bench.tui.hands import hands
from bench.tui.text import plain

__all__ = ["Commands", "offered"]


class Commands(Provider):
    """Acts on the chosen device, the clock, faults, and the view itself."""

    async def discover(self) -> Hits:
        """All that is valid now."""
        for text, call in offered(view_of(self)):
            yield DiscoveryHit(Text(text), call, text=text)

    async def search(self, query: str) -> Hits:
        """Those that match what was typed."""
        matcher = self.matcher(query)
        for text, call in offered(view_of(self)):
            score = matcher.match(text)
            if score > 0:
                yield Hit(score, Text(text), call, text=text)


def offered(view: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Commands that are valid now: (words, what to call).

    Args:
        view: the `HallView`.
    """
    scene, say = view.scene, view.look.say
    if scene.hall and not scene.gone:
        state = scene.devices.get(view.chosen)
        if state is not None:
            name = plain(view.chosen, 40)
            for hand in hands(state):
                yield f"{name}: {say(hand.label)} {hand.tail}".rstrip(), partial(view.do, view.chosen, hand)
            yield f"{name}: {say('key_detail')}", view.action_detail
            yield f"{name}: {say('key_fault')} …", view.action_fault
        for fault in scene.faults:
            if fault.get("live"):
                told = plain(f"{fault.get('id')}: {fault.get('does')}", 80)
                yield f"{say('end_fault')} {told}", partial(view.end_fault, str(fault["id"]))
        if any(fault.get("live") for fault in scene.faults):
            yield say("key_clear"), view.action_clear
        if scene.clock.get("steerable"):
            yield from _clock(view)
        if scene.alarms():
            yield say("key_next"), view.action_next_alarm
        for device in scene.devices:
            if device != view.chosen:
                yield f"{say('select')} {plain(device, 40)}", partial(view.choose, device)
    yield say("key_filter"), view.action_filter
    yield say("key_hold") if view.wire.following else say("key_follow"), view.action_hold
    yield say("key_goto"), view.action_go_to
    yield say("key_language"), view.action_language
    yield say("key_theme"), view.action_shade
    for theme in sorted(view.available_themes):
        if theme != view.theme:
            yield f"theme: {theme}", partial(setattr, view, "theme", theme)
    yield say("key_screenshot"), view.action_picture
    yield say("key_help"), view.action_about
    yield say("key_quit"), view.action_quit


def _clock(view: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    say = view.look.say
    if view.scene.clock.get("running"):
        yield say("key_pause"), view.action_pause
    else:
        yield say("key_resume"), view.action_pause
        yield say("key_step"), partial(view.action_step, 1)
        yield say("do_step_minute"), partial(view.action_step, 60)
        yield say("do_step"), view.action_ask_step
    yield say("do_faster"), partial(view.action_speed, 2.0)
    yield say("do_slower"), partial(view.action_speed, 0.5)
    if float(view.scene.clock.get("speed") or 1) != 1:
        yield say("do_wall"), partial(view.action_speed, 0.0)
    yield say("do_speed"), view.action_ask_speed
