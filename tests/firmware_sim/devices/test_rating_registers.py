"""The registers of the rating keypad RK-1: what they read, what they take and what they refuse."""

from __future__ import annotations

import pytest

from firmware_sim.burst import LineSettings
from firmware_sim.modbus_slave import ModbusException
from keypad_host import flags_and_tickets, keypad, press
from protocol.modbus.maps import reference_keypad as rk
from slave_host import MS, SECOND


# -- the host's registers ---------------------------------------------------------------------------------------------
def test_a_fresh_unit_reads_as_declared():
    """Every input register of an idle unit."""
    host = keypad()
    host.now = 0
    assert host.inputs(0, 12) == (0x524B, 0x0100, 1, 0, 0, 0xFFFF, 0xFFFF, 0, 0, 0, 64, 5)
    assert set(host.inputs(0x0100, 120)) == {0xFFFF}


@pytest.mark.parametrize(
    ("start", "count"), [(0x000B, 2), (0x000C, 1), (0x00FF, 2), (0x0177, 2), (0x0178, 1), (0xFFFF, 1)]
)
def test_input_registers_that_do_not_exist(start: int, count: int):
    """Exception 02 for any range that leaves the map (mutants MB-12, MB-14)."""
    with pytest.raises(ModbusException) as refusal:
        keypad().inputs(start, count)
    assert refusal.value.code == 0x02


def test_the_last_input_registers_exist():
    """The edges of the map are inside."""
    host = keypad()
    assert host.inputs(0x000B) == (5,)
    assert host.inputs(0x0177) == (0xFFFF,)


@pytest.mark.parametrize("start", [0x0003, 0x000F, 0x0016, 0x001F, 0x0023, 0x002F, 0x0033, 0x003E, 0x0040, 0x0100])
def test_holding_registers_that_do_not_exist(start: int):
    """Exception 02, for reading and writing."""
    host = keypad()
    with pytest.raises(ModbusException) as refusal:
        host.holding(start)
    assert refusal.value.code == 0x02
    assert host.refused(start, 0) == 0x02


@pytest.mark.parametrize(
    ("start", "values"),
    [
        (0x0010, (0x0020,)),
        (0x0010, (0x4000,)),
        (0x0012, (5,)),
        (0x0013, (5,)),
        (0x0012, (5, 0)),
        (0x0010, (0, 0, 5)),
        (0x0020, (1,)),
        (0x0021, (1, 0)),
        (0x0020, (0, 0, 1000)),
        (0x0030, (0,)),
        (0x0030, (248,)),
        (0x0031, (0,)),
        (0x0031, (9,)),
        (0x0032, (3,)),
        (0x0030, (9, 4, 7)),
        (0x003F, (1,)),
    ],
)
def test_values_that_cannot_be_are_exception_03_without_effect(start, values):
    """Every register group checks all before it changes anything."""
    host = keypad()
    held = [range(0x0010, 0x0016), range(0x0020, 0x0023), range(0x0030, 0x0033), range(0x003F, 0x0040)]
    before = [host.holding(block.start, len(block)) for block in held]
    assert host.refused(start, *values) == 0x03
    assert [host.holding(block.start, len(block)) for block in held] == before


def test_holding_registers_read_back_what_was_written():
    """Lamps, buzzer, window, clerk and policy in one write, as one block."""
    host = keypad()
    host.write(0x0010, 0x801F, 500, 77, 20, 65535, 0)
    assert host.holding(0x0010, 6) == (0x801F, 500, 77, 20, 65535, 0)
    assert host.facts("login") == [{"clerk": 65535}]
    assert host.facts("window") == [{"ticket": 77, "seconds": 20}]


def test_a_read_may_begin_and_end_inside_registers_that_belong_together():
    """Reading is not writing: any range of the map can be read, and gives what the whole would."""
    host = keypad()
    press(host, 1, 2)
    host.write(0x0000, 1, 1)
    host.write(0x0010, 3, 0, 77, 20, 5, 1)
    whole = host.holding(0x0010, 6)
    for first in range(6):
        for count in range(1, 7 - first):
            assert host.holding(0x0010 + first, count) == whole[first : first + count]
    assert host.holding(0x0001) == (1,)
    assert host.holding(0x0021, 2) == host.holding(0x0020, 3)[1:]


def test_buzzer_and_window_read_what_remains():
    """0x0011 in milliseconds, 0x0013 in seconds, both rounded up; the window closes by time alone."""
    host = keypad()
    host.write(0x0011, 500, 77, 20)
    host.wait(1)
    assert host.holding(0x0011, 3) == (500, 77, 20)
    host.wait(100 * MS)
    assert host.holding(0x0011, 3) == (400, 77, 20)
    assert host.slave.sounding(host.now)
    host.wait(1400 * MS)
    assert host.holding(0x0011, 3) == (0, 77, 19)
    assert not host.slave.sounding(host.now)
    assert host.inputs(0x0003) == (rk.STATUS_WINDOW_OPEN,)
    host.wait(20 * SECOND)
    assert host.holding(0x0012, 2) == (0, 0)
    assert host.inputs(0x0003) == (0,)
    assert host.facts("window") == [{"ticket": 77, "seconds": 20}, {"ticket": 0, "seconds": 0}]


def test_a_window_is_open_up_to_the_instant_and_closed_at_it():
    """The last nanosecond belongs to the window, the next does not, alarm or no alarm."""
    host = keypad()
    host.write(0x0012, 7, 2)
    host.now += 2 * SECOND - 1
    host.human("press", 1)
    host.now += 1
    host.human("press", 2)
    host.now += SECOND
    host.human("press", 2)
    assert [ticket for _, ticket in flags_and_tickets(host)] == [7, 0]


def test_prolonging_a_window_moves_its_end():
    """A repeated write of the same ticket sets the time anew; the old alarm does not close it."""
    host = keypad()
    host.write(0x0012, 7, 2)
    host.wait(SECOND)
    host.write(0x0012, 7, 5)
    assert host.take(host.slave.wake(host.now, "window")) == []
    host.wait(3 * SECOND)
    assert host.holding(0x0012, 2) == (7, 2)
    host.write(0x0012, 0, 0)
    assert host.alarms == {}
    assert host.facts("window")[-1] == {"ticket": 0, "seconds": 0}


def test_the_clock_is_set_and_runs():
    """0x0020..22: Unix seconds and milliseconds, running from the instant of the write; flag and status tell it."""
    host = keypad(clock_set=False)
    assert host.inputs(0x0003) == (rk.STATUS_CLOCK_NOT_SET,)
    press(host, 1)
    host.write(0x0020, 0x6789, 0xABCD, 250)
    host.wait(900 * MS)
    assert host.holding(0x0020, 3) == (0x6789, 0xABCE, 150)
    assert host.inputs(0x0003) == (0,)
    press(host, 2)
    assert [block[2] >> 8 for block in host.blocks()] == [1, 5]
    assert host.blocks()[1][3:6] == (0x6789, 0xABCE, 150)


def test_broadcast_is_accepted_for_buzzer_window_and_clock_only():
    """The listed registers are executed; everything else, and every mistake, is silence without effect."""
    host = keypad()
    host.write(0x0011, 300, broadcast=True)
    host.write(0x0012, 9, 30, broadcast=True)
    host.write(0x0020, 0, 77, 0, broadcast=True)
    assert host.holding(0x0011, 3) == (300, 9, 30)
    assert host.holding(0x0020, 3) == (0, 77, 0)
    for start, values in (
        (0x0010, (1,)),
        (0x0014, (4,)),
        (0x0015, (0,)),
        (0x0010, (1, 2)),
        (0x0030, (9,)),
        (0x003F, (0xB007,)),
        (0x0020, (0, 0, 1000)),
        (0x0012, (5,)),
    ):
        assert host.write(start, *values, broadcast=True) == []
    assert host.holding(0x0010, 6) == (0, 300, 9, 30, 0, 1)
    assert host.holding(0x0020, 3) == (0, 77, 0)
    assert (host.slave.unit, host.slave.queue.epoch) == (7, 1)


# -- unit, baud, parity -----------------------------------------------------------------------------------------------
def test_unit_baud_and_parity_take_effect_after_the_reply():
    """The reply still goes out under the old settings."""
    host = keypad()
    assert host.holding(0x0030, 3) == (7, 4, 0)
    host.take(host.slave.write(host.now, rk.REFERENCE_KEYPAD["unit"].table, 0x0030, (9, 5, 2), 0x10, False))
    assert (host.slave.unit, host.slave.settings) == (7, None)
    host.take(host.slave.after_reply(host.now))
    assert (host.slave.unit, str(host.slave.settings)) == (9, "19200 8E1")
    assert host.holding(0x0030, 3) == (9, 5, 2)
    assert host.facts("settings") == [{"unit": 9, "baud": 5, "parity": 2}]


@pytest.mark.parametrize("save", [False, True])
def test_only_saved_settings_outlast_a_boot(save: bool):
    """0x5AFE saves 0x0030..32; without it a boot brings back what was."""
    host = keypad(settings=LineSettings(9600, 8, "N", 1))
    host.write(0x0030, 9)
    host.write(0x0031, 8)
    if save:
        host.write(0x003F, 0x5AFE)
        assert host.holding(0x003F) == (0x5AFE,)
    host.human("unplug")
    host.human("plug_in")
    host.wait(2 * SECOND)
    assert host.holding(0x0030, 3) == ((9, 8, 0) if save else (7, 4, 0))
    assert host.slave.saves == int(save)


def test_the_memory_of_the_settings_wears():
    """A save that changes nothing is free; at the limit of writes 0x5AFE is exception 04, and the change stays."""
    host = keypad()
    host.write(0x003F, 0x5AFE)
    assert host.slave.saves == 0
    host.slave.saves = rk.SAVE_LIMIT
    host.write(0x0030, 8)
    assert host.refused(0x003F, 0x5AFE) == 0x04
    assert host.holding(0x0030) == (8,)


def test_tamper_and_low_supply_are_status_bits():
    """Bits 0 and 3, as the human hands have it; a boot does not hide an open case."""
    host = keypad(clock_battery=True)
    host.human("tamper", True)
    host.human("supply", True)
    assert host.inputs(0x0003) == (rk.STATUS_TAMPER | rk.STATUS_SUPPLY_LOW,)
    host.write(0x003F, 0xB007)
    host.human("supply", False)
    assert host.inputs(0x0003) == (rk.STATUS_TAMPER,)
    host.human("tamper", False)
    assert host.inputs(0x0003) == (0,)
    assert host.facts("tamper") == [{"on": True}, {"on": False}]


def test_a_clerk_code_is_checked_and_a_log_in_noted_once():
    """Codes 1..65535; holding the same card again is no new log-in."""
    host = keypad()
    for code in (0, 65536):
        with pytest.raises(ValueError, match=r"1\.\.65535"):
            host.human("log_in", code)
    host.human("log_in", 5)
    host.human("log_in", 5)
    host.write(0x0014, 6)
    host.human("log_out")
    assert host.facts("login") == [{"clerk": 5}, {"clerk": 6}, {"clerk": 0}]


def test_functions_are_those_of_the_profile():
    """Reading, writing, FIFO, diagnostics, identification; coils and the rest are exception 01."""
    slave = keypad().slave
    assert slave.functions == {0x03, 0x04, 0x06, 0x08, 0x10, 0x18, 0x2B}
    assert slave.identity[1] == b"RK-1"
    assert all(callable(getattr(slave, action)) for action in slave.human)
