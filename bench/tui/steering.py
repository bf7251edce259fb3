"""Keys that do something to the bench: hands, faults, the clock, and questions about the wire; one request each.

`Steering` is the half of the view that asks; what is shown is `view.HallView`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

from textual import work
from textual.app import App

from bench.control.client import ControlError, device_path
from bench.tui.asked import fault_body, instant
from bench.tui.hands import Hand, acts_of_keys, hands, key_of_digit
from bench.tui.labels import Labels
from bench.tui.link import Link
from bench.tui.scene import Scene
from bench.tui.screens import AskScreen, FaultScreen
from bench.tui.text import plain
from bench.tui.wire import Wire

__all__ = ["Steering"]


class Steering(App[str]):
    """What a person does to a bench.

    Attributes:
        scene: what is known of the bench.
        wire: the log.
        link: the connection.
        chosen: name of the chosen device; "" while there is none.
    """

    scene: Scene
    wire: Wire
    link: Link
    chosen: str
    _say: Labels
    _catalogue: list[dict[str, Any]]

    def draw(self) -> None:
        """Show what has changed."""

    async def look_closer(self) -> None:
        """Look at the chosen device again."""

    # -- hands ---------------------------------------------------------------------------------------------------------

    @work(group="acts")
    async def ask_bench(self, what: str, call: Callable[[Any], Awaitable[Any]]) -> None:
        """One request for the person at the keyboard; a refusal is told with what to do."""
        peer = self.link.peer
        if peer is None:
            self.tell(self._say("gone"), wrong=True)
            return
        try:
            answer = await call(peer)
        except ControlError as exc:
            self.tell(f"{what}: {exc.message}" + (f"\n{exc.fix}" if exc.fix else ""), wrong=True)
            return
        ignored = answer.get("ignored") if isinstance(answer, Mapping) else None
        if ignored and not isinstance(ignored, int):
            self.tell(f"{what}: {self._say('ignored')} ({ignored})", wrong=True)
        elif isinstance(answer, Mapping) and answer.get("refused"):
            self.tell(f"{what}: {answer['refused'][0].get('error', {}).get('message', '')}", wrong=True)
        else:
            self.tell(what)
        await self.link.refresh()
        await self.look_closer()

    def tell(self, text: str, *, wrong: bool = False) -> None:
        """A short word in the corner."""
        shown = "\n".join(plain(line, 300) for line in text.splitlines())
        self.notify(shown, severity="error" if wrong else "information", timeout=6 if wrong else 2, markup=False)

    def do(self, device: str, hand: Hand) -> None:
        """Do an act, after its question if it has one."""
        if hand.ask:
            self.run_worker(self._asked(device, hand))
        else:
            self.send_act(device, hand)

    async def _asked(self, device: str, hand: Hand) -> None:
        answer = await self.push_screen_wait(AskScreen(self._say(hand.ask)))
        if answer is None:
            return
        try:
            body = self._answered(device, hand, answer)
        except ValueError:
            self.tell(f"{self._say('not_a_number')}: {answer}", wrong=True)
            return
        if hand.ask == "ask_key":
            self.ask_bench(f"{device}: {self._say('act_press')} {answer}", lambda peer: peer.post("/v1/acts", body))
        else:
            self.send_act(device, hand._replace(body=body))

    @staticmethod
    def _answered(device: str, hand: Hand, answer: str) -> dict[str, Any]:
        if hand.ask == "ask_key":
            return {"acts": acts_of_keys(device, answer)}
        if hand.ask == "ask_clerk":
            return {"clerk": int(answer)}
        if hand.ask == "ask_metres":
            return {"metres": float(answer)}
        return {"args": [int(part) if re.fullmatch(r"-?\d{1,9}", part) else part for part in answer.split()]}

    def send_act(self, device: str, hand: Hand) -> None:
        """Send an act that needs no answer."""
        path, body = device_path(device, hand.action), dict(hand.body)
        tail = str(body.get("key") or hand.tail)
        self.ask_bench(f"{device}: {self._say(hand.label)} {tail}".rstrip(), lambda peer: peer.post(path, body))

    def _act(self, *wanted: tuple[str, str, Mapping[str, Any]]) -> None:
        """The first of these acts that the chosen device has and that makes sense now."""
        possible = [(hand.action, hand.body) for hand in hands(self.scene.devices.get(self.chosen, {}))]
        for action, label, body in wanted:
            if (action, body) in possible:
                self.send_act(self.chosen, Hand(action, label, body))
                return

    def action_key(self, key: int) -> None:
        """A key of the chosen device."""
        state = self.scene.devices.get(self.chosen, {})
        pressed = key_of_digit(state, key)
        if "press" in state.get("actions", ()) and pressed is not None:
            self.send_act(self.chosen, Hand("press", "act_press", {"key": pressed}, tail=str(pressed)))

    def action_press(self) -> None:
        """Ask for a key, or several, or how long."""
        if "press" in self.scene.devices.get(self.chosen, {}).get("actions", ()):
            self.do(self.chosen, Hand("press", "act_press", ask="ask_key"))

    def action_cover(self) -> None:
        """Open or close the cover of a printer, the case of a keypad."""
        self._act(
            ("open_cover", "act_open_cover", {}),
            ("close_cover", "act_close_cover", {}),
            ("tamper", "act_tamper_on", {"on": True}),
            ("tamper", "act_tamper_off", {"on": False}),
        )

    def action_take(self) -> None:
        """Take the ticket."""
        self._act(("take_paper", "act_take_paper", {}))

    def action_load(self) -> None:
        """Load a roll."""
        self._act(("load_paper", "act_load_paper", {"metres": 80}))

    def action_plug(self) -> None:
        """Pull the plug, or put it in."""
        self._act(("unplug", "act_unplug", {}), ("plug_in", "act_plug_in", {}))

    # -- faults --------------------------------------------------------------------------------------------------------

    @work
    async def action_fault(self) -> None:
        """Choose a fault and aim it at the chosen device or its line."""
        state = self.scene.devices.get(self.chosen)
        if state is None or self.link.peer is None:
            return
        try:
            if not self._catalogue:
                self._catalogue = (await self.link.peer.get("/v1/faults/catalogue"))["catalogue"]
        except ControlError as exc:
            self.tell(exc.message, wrong=True)
            return
        where = plain(f"{self.chosen} ({state.get('line')})", 80)
        taken = await self.push_screen_wait(FaultScreen(list(self._catalogue), where))
        if taken is None:
            return
        row, settings = taken
        try:
            body = fault_body(row, settings, self.chosen, str(state.get("line")))
        except ValueError as exc:
            self.tell(f"{self._say('bad_setting')}: {exc}", wrong=True)
            return
        self.ask_bench(f"{row['type']}: {row['does']}", lambda peer: peer.post("/v1/faults", body))

    def end_fault(self, number: str) -> None:
        """End one fault."""
        self.ask_bench(
            f"{self._say('end_fault')} {number}", lambda peer: peer.delete(f"/v1/faults/{quote(number, safe='')}")
        )

    def action_clear(self) -> None:
        """End all faults."""
        if any(fault.get("live") for fault in self.scene.faults):
            self.ask_bench(self._say("faults_ended"), lambda peer: peer.post("/v1/faults/reset"))

    # -- the clock -----------------------------------------------------------------------------------------------------

    def _steer(self, what: str, body: Mapping[str, Any]) -> None:
        if not self.scene.clock.get("steerable"):
            self.tell(f"{self._say('fixed_clock')}: {self.scene.clock.get('why_not', '')}", wrong=True)
            return
        self.ask_bench(what, lambda peer: peer.post("/v1/clock", body))

    def action_pause(self) -> None:
        """Let the hall stand, or go on."""
        running = self.scene.clock.get("running")
        self._steer(self._say("key_pause" if running else "key_resume"), {"do": "pause" if running else "resume"})

    def action_step(self, seconds: float) -> None:
        """Let the standing hall go on for a while."""
        if self.scene.clock.get("running"):
            return
        self._steer(f"+{seconds:g} s", {"do": "step", "seconds": seconds})

    def action_speed(self, factor: float) -> None:
        """So many times faster than now; 0: as fast as the wall clock."""
        speed = float(self.scene.clock.get("speed") or 1) * factor if factor else 1.0
        speed = min(max(speed, 0.125), 10_000)
        self._steer(f"{speed:g}x", {"do": "speed", "factor": speed})

    @work
    async def action_ask_step(self) -> None:
        """Ask how far."""
        await self._ask_number("ask_step", lambda value: self.action_step(value))

    @work
    async def action_ask_speed(self) -> None:
        """Ask how fast."""
        await self._ask_number("ask_speed", lambda value: self._steer(f"{value:g}x", {"do": "speed", "factor": value}))

    async def _ask_number(self, question: str, then: Callable[[float], None]) -> None:
        answer = await self.push_screen_wait(AskScreen(self._say(question)))
        if answer is None:
            return
        try:
            value = float(answer)
        except ValueError:
            value = float("nan")
        if not 0 < value < float("inf"):
            self.tell(f"{self._say('not_a_number')}: {answer}", wrong=True)
        else:
            then(value)

    # -- the wire ------------------------------------------------------------------------------------------------------

    @work
    async def action_filter(self) -> None:
        """Ask which rows to show."""
        answer = await self.push_screen_wait(AskScreen(self._say("ask_filter"), self.wire.filtered))
        if answer is not None:
            self.wire.filter(answer)
            self.draw()

    def action_hold(self) -> None:
        """Hold the log, or follow it."""
        if self.wire.following:
            self.wire.hold()
        else:
            self.wire.follow()
        self.draw()

    @work
    async def action_go_to(self) -> None:
        """Ask for a time and hold there."""
        answer = await self.push_screen_wait(AskScreen(self._say("ask_time")))
        if answer is None:
            return
        at = instant(answer)
        if at is None:
            self.tell(f"{self._say('not_a_time')}: {answer}", wrong=True)
        elif not self.wire.go_to(at):
            self.tell(self._say("nothing_then"))
        self.draw()
