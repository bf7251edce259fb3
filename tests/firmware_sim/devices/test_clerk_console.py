"""The clerk console: keys in the acknowledged queue, the clerk who is logged in."""

from __future__ import annotations

import pytest

from firmware_sim.devices.clerk_console import ClerkConsole
from firmware_sim.modbus_slave import ModbusException
from slave_host import MS, SECOND, Host


def console(**kwargs) -> Host:
    return Host(ClerkConsole("console-1", **kwargs), 8 * 3600 * SECOND)


def test_it_says_what_it_is():
    """Profile mark CC, eight keys, its own product code."""
    host = console()
    assert host.inputs(0x0000, 2) == (0x4343, 0x0100)
    assert host.inputs(0x000B) == (8,)
    assert host.slave.identity[1] == b"RK-1 CC"


def test_every_key_is_one_event_with_its_code_and_clerk():
    """Keys 1 to 7 queue their codes, acknowledged as ratings are; the note has the same numbers."""
    host = console(clock_offset=0)
    host.human("log_in", 40)
    for key in range(1, 8):
        host.wait(SECOND)
        host.human("press", key)
    assert [(block[2], block[6], block[7]) for block in host.blocks()] == [
        (0x0400 | value, 40, 0) for value in (8, 1, 2, 3, 4, 5, 6, 7)
    ]
    assert host.facts("key")[1] == {"value": 1, "clerk": 40, "epoch": 1, "seq": 1}
    host.write(0x0000, 1, 6)
    assert [block[2] & 0xFF for block in host.blocks()] == [7]
    assert host.facts("ack") == [{"epoch": 1, "seq": 6, "freed": 7}]


def test_logging_in_writes_the_clerk_register_and_queues_key_8():
    """The host learns of it by the event; the register tells who is there."""
    host = console()
    host.human("log_in", 40)
    assert host.holding(0x0014) == (40,)
    assert [(block[2] & 0xFF, block[6]) for block in host.blocks()] == [(8, 40)]
    assert host.facts("login") == [{"clerk": 40}]
    host.write(0x0014, 41)
    host.wait(SECOND)
    host.human("press", 1)
    assert host.blocks()[1][6] == 41


def test_key_8_comes_with_a_code():
    """Pressing it without one, a code out of range, or a key it lacks is the caller's mistake."""
    host = console()
    with pytest.raises(ValueError, match="log_in"):
        host.human("press", 8)
    with pytest.raises(ValueError, match="keys 1 to 8"):
        host.human("press", 9)
    with pytest.raises(ValueError, match=r"1\.\.65535"):
        host.human("log_in", 0)
    assert host.blocks() == []


def test_a_log_in_that_does_not_count_changes_nothing():
    """Within 50 ms of another key, or without supply, nobody is logged in."""
    host = console()
    host.human("press", 1)
    host.wait(20 * MS)
    host.human("log_in", 40)
    host.human("unplug")
    host.human("log_in", 40)
    assert [fact["why"] for fact in host.facts("ignored")] == ["two keys", "no power"]
    assert host.facts("login") == []


@pytest.mark.parametrize("start", [0x0012, 0x0013, 0x0015])
def test_it_has_no_rating_window_and_no_policy(start: int):
    """Those addresses do not exist on a console: exception 02."""
    host = console()
    with pytest.raises(ModbusException) as refusal:
        host.holding(start)
    assert refusal.value.code == 0x02


def test_its_queue_overflows_and_outlasts_a_boot_as_a_keypad_does():
    """The same queue stands behind it."""
    host = console(depth=2, next_seq=65535)
    for key in (1, 2, 3):
        host.human("press", key)
        host.wait(SECOND)
    assert host.facts("overflow") == [{"epoch": 1, "seq": 65535}]
    host.write(0x003F, 0xB007)
    assert host.facts("boot") == [{"epoch": 2}]
    assert [tuple(block[:2]) for block in host.blocks()] == [(1, 0), (1, 1)]
    assert host.inputs(0x0007) == (1,)
