"""The kiosk button: the errand class chosen, in the acknowledged queue."""

from __future__ import annotations

import pytest

from firmware_sim.devices.kiosk_button import KioskButton
from firmware_sim.modbus_slave import ModbusException
from slave_host import SECOND, Host


def kiosk(**kwargs) -> Host:
    return Host(KioskButton("kiosk-1", **kwargs), 8 * 3600 * SECOND)


def test_it_says_what_it_is():
    """Profile mark KB, 15 keys unless told otherwise."""
    host = kiosk()
    assert host.inputs(0x0000, 2) == (0x4B42, 0x0100)
    assert host.inputs(0x000B) == (15,)
    assert kiosk(keys=4).inputs(0x000B) == (4,)
    with pytest.raises(ValueError, match="1 to 15 keys"):
        kiosk(keys=16)


def test_a_key_is_an_errand_class():
    """Values 1..15, in blocks and in the FIFO's four bits; no clerk, no ticket."""
    host = kiosk()
    for key in (1, 15):
        host.human("press", key)
        host.wait(SECOND)
    assert [(block[2] & 0xFF, block[6], block[7]) for block in host.blocks()] == [(1, 0, 0), (15, 0, 0)]
    assert host.slave.fifo(host.now, 0x0100) == (0x0001, 0x001F)
    assert host.facts("key") == [
        {"value": 1, "clerk": 0, "epoch": 1, "seq": 0},
        {"value": 15, "clerk": 0, "epoch": 1, "seq": 1},
    ]
    host.write(0x0000, 1, 1)
    assert host.blocks() == []


def test_every_key_has_a_lamp_and_bit_15_is_attention():
    """Fifteen key lamps fill the bits below attention."""
    host = kiosk()
    host.write(0x0010, 0xFFFF)
    assert host.holding(0x0010) == (0xFFFF,)
    assert kiosk(keys=14).refused(0x0010, 0x4000) == 0x03


@pytest.mark.parametrize("start", [0x0012, 0x0013, 0x0014, 0x0015])
def test_it_has_no_window_no_clerk_and_no_policy(start: int):
    """Those addresses do not exist on a kiosk: exception 02."""
    host = kiosk()
    with pytest.raises(ModbusException) as refusal:
        host.holding(start)
    assert refusal.value.code == 0x02
    assert not hasattr(host.slave, "log_in")
