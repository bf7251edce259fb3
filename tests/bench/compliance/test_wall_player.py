"""The player on a real port."""

from __future__ import annotations

from typing import Any

import pytest

from bench.compliance import wall_player
from bench.compliance.declaration import load_declaration
from bench.compliance.engine import Judge
from bench.compliance.preflight import preflight
from bench.compliance.steps import Ask, Operator, PortLost, Wait
from bench.compliance.suites import suite_named
from bench.compliance.wall_player import WallPlayer, adapter_latency
from firmware_sim.burst import LineSettings

DECLARED = load_declaration("reference")


def test_a_missing_port_is_told_with_its_name() -> None:
    """Law: what cannot be opened is PortLost, with the path."""
    with pytest.raises(PortLost, match="/dev/nothing-there"):
        WallPlayer("/dev/nothing-there", DECLARED.settings)


def test_what_was_said_comes_back_over_a_loop() -> None:
    """Law: characters out and in are frames in their order, and the instants do not run backwards."""
    player = WallPlayer("loop://", DECLARED.settings)
    player.begin(0)
    heard = player.play(Ask(((0, b"\x01\x02"),), 200_000_000, complete=lambda data: len(data) == 2))
    assert heard.data == b"\x01\x02"
    assert [frame.direction for frame in player.frames] == ["out", "in"]
    assert player.frames[0].at <= player.frames[0].end
    assert player.play(Wait(5_000_000)).frames == ()
    assert not player.play(Operator("press", (1,), "press a key")).done
    assert player.uncertainty > 0


class StandsStill:
    """A port and the clock: each read takes so long (ns) and gives these characters, then nothing more comes."""

    def __init__(self, *reads: tuple[int, bytes]) -> None:
        self.now = 0
        self.in_waiting = 0
        self._reads = iter(reads)

    def monotonic_ns(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += round(seconds * 1e9)

    def read(self, count: int) -> bytes:
        if not count:
            return b""
        took, data = next(self._reads, (2_000_000, b""))
        self.now += took
        return data

    def write(self, data: bytes) -> None:
        self.now += 1_000

    def flush(self) -> None:
        """As a port has it."""


@pytest.mark.parametrize(
    "reads",
    [
        [(2_000_000, b""), (5_000_000_000, b""), (0, b"\x01\x02")],
        [(2_000_000, b"\x01"), (5_000_000_000, b""), (0, b"\x02")],
        [(5_000_000_000, b"\x01\x02")],
    ],
    ids=["before the reply", "within it", "as it comes"],
)
def test_a_device_is_not_blamed_for_a_process_that_stood_still(
    reads: list[tuple[int, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: a reply that came while the player itself was stopped is taken, however late it is looked for."""
    player = WallPlayer("loop://", DECLARED.settings)
    still: Any = StandsStill(*reads)
    monkeypatch.setattr(wall_player, "time", still)
    player._serial, player._began, player._last = still, 0, 0
    assert player.play(Ask(((0, b"\x03"),), 200_000_000)).data == b"\x01\x02"
    still._reads = iter(reads)
    assert b"".join(frame.data for frame in player.play(Wait(5_000_000)).frames) == b"\x01\x02"
    assert player.play(Ask(((0, b"\x03"),), 200_000_000)).data == b""


def test_an_echo_is_taken_off_when_told() -> None:
    """Law: with `echo` the port's own characters are no reply."""
    player = WallPlayer("loop://", DECLARED.settings, echo=True)
    player.begin(0)
    assert player.play(Ask(((0, b"\x01\x02"),), 60_000_000)).data == b""


def test_an_echoing_port_is_named_before_the_suite() -> None:
    """Law: the sentence for a port that hears itself says what to add."""
    suite = suite_named("modbus_rtu.device")
    judge = Judge(DECLARED, suite.requirements(), 17, 1, DECLARED.settings)
    assert "--echo" in preflight(judge, WallPlayer("loop://", DECLARED.settings)).ending


def test_latency_of_a_network_port_is_not_taken_for_nothing() -> None:
    """Law: characters over a network are late by more than those of a loop."""
    assert adapter_latency("socket://localhost:1") > adapter_latency("loop://")


def test_a_port_that_is_gone_is_told_with_its_name() -> None:
    """Law: a port that is lost in the middle is PortLost, and closing it twice is no error."""
    player = WallPlayer("loop://", DECLARED.settings)
    player.close()
    player.close()
    with pytest.raises(PortLost, match="the port loop:// was lost"):
        player.play(Wait(5_000_000))


def test_a_port_can_be_set_anew() -> None:
    """Law: settings that the port has are taken; the time of characters is theirs from then on."""
    player = WallPlayer("loop://", DECLARED.settings)
    player.retune(LineSettings.parse("115200 8N1"))
    player.play(Ask(((0, b"\x01" * 10),), 20_000_000))
    sent = player.frames[0]
    assert sent.end - sent.at == LineSettings.parse("115200 8N1").duration(10)


def test_what_came_before_the_question_is_heard_with_it() -> None:
    """Law: characters that wait in the port when a request is sent are part of what was heard."""
    player = WallPlayer("loop://", DECLARED.settings)
    player._serial.write(b"early")
    heard = player.play(Ask(((0, b"\x01"),), 60_000_000))
    assert heard.data == b"early\x01"


def test_a_request_in_two_parts_has_a_gap() -> None:
    """Law: the silence between the parts of one request is measured."""
    player = WallPlayer("loop://", DECLARED.settings)
    heard = player.play(Ask(((0, b"\x01"), (5_000_000, b"\x02")), 30_000_000))
    assert [frame.data for frame in player.frames if frame.direction == "out"] == [b"\x01", b"\x02"]
    assert len(heard.gaps) == 1
    assert heard.gaps[0] >= 5_000_000
