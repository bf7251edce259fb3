"""A bench that is only stored answers, and a clock that moves when the test says so."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from bench.control.client import Batch, ControlError, NoBench
from bench.tui.view import HallView

STORED = json.loads((Path(__file__).parent / "stored.json").read_text(encoding="utf-8"))


class FakePeer:
    """Answers as the bench did when it was recorded; what is posted is kept in `asked`."""

    def __init__(self, stored: dict[str, Any]) -> None:
        self.stored = stored
        self.asked: list[tuple[str, str, Any]] = []
        self.refusal: ControlError | None = None
        self.more: asyncio.Queue[Batch | None] = asyncio.Queue()

    async def get(self, path: str) -> Any:
        if self.refusal is not None:
            raise self.refusal
        last = path.rpartition("/")[2]
        if path.startswith("/v1/devices/"):
            return next((one for one in self.stored["devices"]["devices"] if one["name"] == last), {})
        return copy.deepcopy(self.stored[last])

    async def post(self, path: str, body: Any = None) -> Any:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(("POST", path, body))
        return {"ignored": None}

    async def delete(self, path: str) -> Any:
        self.asked.append(("DELETE", path, None))
        return {}

    async def events(self, since: int | str = "now") -> AsyncIterator[Batch]:
        told = self.stored["events"]
        yield Batch(told["events"], told["lost"], told["last"])
        while (batch := await self.more.get()) is not None:
            yield batch


class FakeSource:
    """Finds `peer`, unless there is none."""

    def __init__(self, peer: FakePeer | None) -> None:
        self.peer = peer

    def open(self) -> Any:
        peer = self.peer
        if peer is None:
            raise NoBench("no bench runs; start one with: hallbench up")

        @contextlib.asynccontextmanager
        async def opened() -> AsyncIterator[FakePeer]:
            yield peer

        return opened()


class Rest:
    """Nobody waits: whoever rests goes on when the test calls `over`."""

    def __init__(self) -> None:
        self._round = asyncio.Event()

    async def __call__(self, _seconds: float) -> None:
        await self._round.wait()

    def over(self) -> None:
        before, self._round = self._round, asyncio.Event()
        before.set()


async def turns(*_: object) -> None:
    """Let everything that waits for its turn have some: instead of Textual's wait until the processor is idle."""
    for _ in range(25):
        await asyncio.sleep(0)


class Stage:
    """A view on a fake bench, with its pilot."""

    def __init__(self, stored: dict[str, Any]) -> None:
        self.peer = FakePeer(stored)
        self.source = FakeSource(self.peer)
        self.rest = Rest()
        self.pilot: Any = None
        self.view: HallView

    def make(self, language: str = "en", folder: Path | None = None) -> HallView:
        self.view = HallView(self.source, language, self.rest, folder)
        return self.view

    @contextlib.asynccontextmanager
    async def on(self, size: tuple[int, int] = (120, 40), language: str = "en", folder: Path | None = None) -> Any:
        async with self.make(language, folder).run_test(size=size, notifications=True) as self.pilot:
            await self.settle()
            yield self

    async def settle(self) -> None:
        """Until all that was asked is drawn; screens draw themselves by a timer of a sixtieth of a second."""
        for _ in range(2):
            await self.pilot._wait_for_screen()
            await turns()
            await asyncio.sleep(0.02)
            await turns()
        self.view.drain()
        self.view.draw()
        await self.pilot._wait_for_screen()

    async def until(self, seen: Callable[[], bool]) -> None:
        """Draw again until something is seen, for a minute at most: a screen on another is laid out when there is time
        for it, and a machine may have none."""
        deadline = asyncio.get_running_loop().time() + 60
        while asyncio.get_running_loop().time() < deadline:
            if seen():
                return
            await asyncio.sleep(0.05)
            self.view.screen.refresh(layout=True)
            await self.settle()

    def said(self) -> str:
        """What was told in the corner."""
        return "\n".join(note.message for note in self.view._notifications)

    async def poll(self) -> None:
        self.rest.over()
        await self.settle()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def type(self, text: str) -> None:
        """Answer the question that is asked: all of it at once, then Enter."""
        self.view.screen.query_one(Input).value = text
        await self.settle()
        await self.press("enter")

    def text(self) -> str:
        """What stands on the screen, without colours."""
        size = self.view.size
        strips = self.view.screen._compositor.render_strips(size)
        return "\n".join(strip.text.rstrip() for strip in strips)


@pytest.fixture
def stored() -> dict[str, Any]:
    """The recorded answers, to be changed at will: somebody is called just now, and the paper runs low."""
    told = copy.deepcopy(STORED)
    for one in told["devices"]["devices"]:
        if one["name"] == "voice-1":
            one["voice"] = {"doing": "speaking", "clip": 1, "text": "mời số A028 đến quầy 2", "left_s": 2.1}
        if one["name"] == "printer-1":
            one["paper"].update(left_mm=4200, near_end=True)
        if one["name"] == "keypad-2":
            one["window"] = {"ticket": 27, "closes_at": 0, "left_s": 12.2}
            one["lamps"] = [False, False, False, True, False]
    return told


@pytest.fixture
def stage(stored, monkeypatch) -> Stage:
    monkeypatch.setattr("textual.pilot.wait_for_idle", turns)
    monkeypatch.setattr("textual.app.wait_for_idle", turns)
    return Stage(stored)
