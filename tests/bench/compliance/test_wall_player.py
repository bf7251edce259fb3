"""The player on a real port."""

from __future__ import annotations

import pytest

from bench.compliance.declaration import load_declaration
from bench.compliance.engine import Judge
from bench.compliance.preflight import preflight
from bench.compliance.steps import Ask, Operator, PortLost, Wait
from bench.compliance.suites import suite_named
from bench.compliance.wall_player import WallPlayer, adapter_latency

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


def test_an_echo_is_taken_off_when_told() -> None:
    """Law: with `echo` the port's own characters are no reply."""
    player = WallPlayer("loop://", DECLARED.settings, echo=True)
    player.begin(0)
    assert player.play(Ask(((0, b"\x01\x02"),), 60_000_000)).data == b""


def test_an_echoing_port_is_named_before_the_suite() -> None:
    """Law: the sentence for a port that hears itself says what to add."""
    suite = suite_named("modbus_rtu.device")
    judge = Judge(DECLARED, suite.requirements(), 17, 1, DECLARED.settings)
    assert "--echo" in preflight(judge, WallPlayer("loop://", DECLARED.settings))


def test_latency_of_a_network_port_is_not_taken_for_nothing() -> None:
    """Law: characters over a network are late by more than those of a loop."""
    assert adapter_latency("socket://localhost:1") > adapter_latency("loop://")
