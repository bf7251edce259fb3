"""The view's connection to a bench: finds it, polls its states, takes its events, and waits for it when it goes away.

`Source` is how a bench is found and opened: `BenchSource` by `bench.control.client`, tests with stored answers.
`Link` runs one poll after the other (so a slow bench is asked less often, not more) and puts events into a queue that
the view empties at its own pace. Everything runs on the event loop of the view; no widget is touched from here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

from bench.control.client import Batch, ControlError, NoBench, Watcher, find
from bench.tui.scene import Scene

__all__ = ["BenchSource", "Link", "Peer", "Source"]

POLL_S: Final = 0.25
"""Real seconds between two looks at the devices."""

SEEK_S: Final = 1.0
"""Real seconds between two looks whether a bench that went away is back."""

_SELDOM: Final = 4
"""Each so many polls the faults are asked for too."""

_MOST_BATCHES: Final = 256
"""Batches that may wait for the view; more are dropped and told as missed."""


class Peer(Protocol):
    """What is asked of a bench: the methods of `bench.control.client.Watcher`."""

    async def get(self, path: str) -> Any:
        """GET a resource."""

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """POST to a resource."""

    async def delete(self, path: str) -> Any:
        """DELETE a resource."""

    def events(self, since: int | str = "now") -> AsyncIterator[Batch]:
        """Events as they come; ends when the bench does."""


class Source(Protocol):
    """Finds a bench."""

    def open(self) -> AbstractAsyncContextManager[Peer]:
        """The bench; again after it came back.

        Raises:
            NoBench: there is none, or not the one that is meant.
            ControlError: it cannot be asked.
        """


class BenchSource:
    """A bench that runs on this machine.

    Args:
        which: name or process number; "" when only one runs. Once it was found it is looked for by its name, so a
            bench that was started again under the same name is the same bench.
    """

    def __init__(self, which: str = "") -> None:
        self._which = which

    def open(self) -> AbstractAsyncContextManager[Peer]:
        """Find and open it."""
        entry = find(self._which)
        with contextlib.suppress(NoBench):
            find(entry.name)  # only a name that is not shared is kept
            self._which = entry.name
        return Watcher(entry)


class Link:
    """Keeps a scene up to date with a bench.

    Args:
        source: finds the bench.
        scene: what is kept up to date.
        changed: called after each answer; the view redraws then.
        rest: waits so many real seconds; tests give another.

    Attributes:
        batches: events that the view has not taken yet.
        peer: the bench that is connected; None while there is none.
        times: how often a bench was attached.
    """

    def __init__(
        self,
        source: Source,
        scene: Scene,
        changed: Callable[[], None],
        rest: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self._source = source
        self._scene = scene
        self._changed = changed
        self._rest = rest
        self._polls = 0
        self.batches: deque[Batch] = deque()
        self.dropped = 0
        self.peer: Peer | None = None
        self.times = 0

    async def run(self) -> None:
        """Attach, watch, wait, and attach again, until it is cancelled."""
        while True:
            try:
                async with self._source.open() as peer:
                    await self.attach(peer)
                    await self._watch(peer)
                self._lost("")
            except (NoBench, ControlError) as exc:
                self._lost(str(exc))
            await self._rest(SEEK_S)

    async def attach(self, peer: Peer) -> None:
        """Take everything from a bench that was found."""
        hall = await peer.get("/v1/hall")
        self._scene.attach(hall)
        self.batches.clear()
        self.times += 1
        self._polls = 0
        await self._poll(peer)
        self.peer = peer
        self._changed()

    async def _watch(self, peer: Peer) -> None:
        """Poll until the stream of events ends, which is when the bench does."""
        poll = asyncio.ensure_future(self._keep_polling(peer))
        stream = asyncio.ensure_future(self._stream(peer))
        try:
            done, _ = await asyncio.wait({poll, stream}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (poll, stream):
                task.cancel()
            await asyncio.gather(poll, stream, return_exceptions=True)

    async def _stream(self, peer: Peer) -> None:
        # The last of what was before, so that the log is not empty at first.
        since = max(0, int(self._scene.hall.get("last") or 0) - 200)
        async for batch in peer.events(since=since):
            self.batches.append(batch)
            while len(self.batches) > _MOST_BATCHES:
                gone = self.batches.popleft()
                self.dropped += len(gone.events) + gone.lost

    async def _keep_polling(self, peer: Peer) -> None:
        failures = 0
        while True:
            await self._rest(POLL_S)
            try:
                await self._poll(peer)
                failures = 0
            except ControlError as exc:
                failures += 1
                # A bench that is busy refuses now and then; one that does not answer at all is gone.
                if exc.code != "too_many_requests" and failures >= 3:
                    raise
                continue
            self._changed()

    async def _poll(self, peer: Peer) -> None:
        scene = self._scene
        scene.clock = await peer.get("/v1/clock")
        scene.take_devices(await peer.get("/v1/devices"))
        scene.take_lines(await peer.get("/v1/lines"))
        scene.figures = await peer.get("/v1/figures")
        if self._polls % _SELDOM == 0:
            scene.faults = list((await peer.get("/v1/faults")).get("faults", ()))
        self._polls += 1

    async def refresh(self) -> None:
        """Look at once, after an act; nothing when there is no bench."""
        if self.peer is not None:
            self._polls = 0
            with contextlib.suppress(ControlError):
                await self._poll(self.peer)
            self._changed()

    def _lost(self, why: str) -> None:
        self.peer = None
        if self._scene.hall:
            self._scene.gone = self._scene.gone or "gone"
        else:
            self._scene.gone = why or "gone"
        self._changed()
