"""A program as a process of its own, over more lives than one."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import time
from pathlib import Path

import pytest

from bench.run.collector import Exit
from bench.run.outside import OutsideProgram

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are ended in another way there")

TWICE = 'if [ -e "$0" ]; then echo again; exit 3; fi; echo begun > "$0"; sleep 600'


def test_a_life_after_being_killed_is_told_for_itself(tmp_path: Path) -> None:
    """Killed, started again, ended by itself: the second end is its own, not that of the kill before."""
    mark, log = tmp_path / "mark", io.StringIO()

    async def lives() -> list[Exit]:
        program = OutsideProgram(["sh", "-c", TWICE, str(mark)], {}, log, None)
        await program.start()
        while not (mark.exists() and mark.read_text()):
            await asyncio.sleep(0.01)
        program.kill()
        first = await program.wait()
        await program.start()
        return [first, await program.wait()]

    killed, ended = asyncio.run(lives())
    assert (killed.status, killed.how) == (137, "killed")
    assert (ended.status, ended.how) == (3, "returned")
    assert log.getvalue() == "again\n"


def test_what_came_while_the_bench_stood_still_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time for reading the last output is over before anybody looked: what lies there is in the log."""
    monkeypatch.setattr("bench.run.outside._LAST_READ_S", 0.0)
    text, log = "x" * 50_000, io.StringIO()
    written = tmp_path / "written"
    written.write_text(text)

    async def life() -> Exit:
        program = OutsideProgram(["cat", str(written)], {}, log, None)
        await program.start()
        assert program._process is not None
        with contextlib.suppress(ProcessLookupError):
            while True:  # the loop stands still until it has ended
                os.kill(program._process.pid, 0)
                time.sleep(0.005)
        return await program.wait()

    assert asyncio.run(life()).how == "returned"
    assert log.getvalue() == text
