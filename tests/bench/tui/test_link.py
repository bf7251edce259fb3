"""The connection: attach, poll, lose the bench, find it again."""

from __future__ import annotations

import asyncio

import pytest

from bench.control.client import Batch, ControlError
from bench.tui.link import Link
from bench.tui.scene import Scene


async def _turns(count=20):
    for _ in range(count):
        await asyncio.sleep(0)


class Run:
    """A link that runs, and what it has told."""

    def __init__(self, stage):
        self.told = 0
        self.scene = Scene()
        self.rest = stage.rest
        self.link = Link(stage.source, self.scene, self._changed, self.rest)

    def _changed(self):
        self.told += 1

    async def __aenter__(self):
        self.task = asyncio.ensure_future(self.link.run())
        await _turns()
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def round(self):
        self.rest.over()
        await _turns()


def test_all_is_taken_when_a_bench_is_found(stage):
    """After attaching, hall, clock, devices, lines, figures and faults are known, and events wait to be drained."""

    async def run():
        async with Run(stage) as one:
            scene = one.scene
            assert (len(scene.devices), len(scene.lines), len(scene.faults)) == (16, 4, 7)
            assert scene.figures["tickets"] == stage.peer.stored["figures"]["tickets"]
            assert len(one.link.batches) == 1
            stage.peer.stored["clock"]["now"] += 1
            before = scene.now
            await one.round()
            assert scene.now == before + 1

    asyncio.run(run())


def test_a_bench_that_ends_leaves_its_last_state_and_is_found_again(stage):
    """The stream ends: the scene says so and keeps what it knew; the bench comes back: it is attached anew."""

    async def run():
        async with Run(stage) as one:
            peer, stage.source.peer = stage.peer, None
            peer.more.put_nowait(None)
            await _turns()
            assert one.scene.gone == "gone"
            assert one.link.peer is None
            assert len(one.scene.devices) == 16
            await one.round()
            assert one.scene.gone == "gone"
            stage.source.peer = type(peer)(peer.stored)
            await one.round()
            assert one.scene.gone == ""
            assert one.link.times == 2

    asyncio.run(run())


def test_no_bench_is_told_with_the_reason(stage):
    """Before there ever was a bench, the reason of the client stands in the scene."""

    async def run():
        stage.source.peer = None
        async with Run(stage) as one:
            assert "no bench runs" in one.scene.gone

    asyncio.run(run())


@pytest.mark.parametrize(("code", "ends"), [("unreachable", True), ("too_many_requests", False)])
def test_silence_is_an_end_and_a_busy_bench_is_none(stage, code, ends):
    """Three polls without an answer in a row end the connection; a refusal for being asked too often does not."""

    async def run():
        async with Run(stage) as one:
            stage.peer.refusal = ControlError(code, "no")
            for _ in range(2):
                await one.round()
            assert one.link.peer is not None
            await one.round()
            assert (one.link.peer is None) is ends

    asyncio.run(run())


def test_a_view_that_does_not_drain_costs_bounded_memory(stage):
    """Batches beyond the bound are dropped, and counted."""

    async def run():
        async with Run(stage) as one:
            event = stage.peer.stored["events"]["events"][0]
            for number in range(400):
                stage.peer.more.put_nowait(Batch([event] * 3, 1, number))
            await _turns(600)
            assert len(one.link.batches) <= 256
            assert one.link.dropped >= (400 - 256) * 4

    asyncio.run(run())
