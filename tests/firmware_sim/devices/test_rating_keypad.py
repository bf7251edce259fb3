"""The rating keypad RK-1, guarantee by guarantee (reference-keypad.md)."""

from __future__ import annotations

import pytest

from firmware_sim.device import Note, Stop
from firmware_sim.modbus_slave import ModbusException
from keypad_host import NOON, UNIX, flags_and_tickets, keypad, press
from protocol.modbus.maps import reference_keypad as rk
from slave_host import MS, SECOND


# -- what a press is --------------------------------------------------------------------------------------------------
def test_a_press_is_one_block_with_all_about_it():
    """Guarantees 4 and 7: value, clerk, ticket and time of the press stand in one block, and in the note."""
    host = keypad()
    host.human("log_in", 12)
    host.write(0x0012, 345, 30)
    host.wait(250 * MS)
    host.human("press", 4)
    block = (1, 0, 0x0404, UNIX >> 16, UNIX & 0xFFFF, 250, 12, 345)
    assert host.inputs(0x0100, 8) == block
    assert host.facts("press") == [
        {
            "value": 4,
            "clerk": 12,
            "ticket": 345,
            "epoch": 1,
            "seq": 0,
            "flags": rk.FLAG_CLOCK_SET,
            "at_ms": UNIX * 1000 + 250,
        }
    ]


def test_what_happens_after_the_press_does_not_change_it():
    """Guarantee 4: clerk, ticket and time are those of the press, however late it is read (mutants KP-09, KP-10)."""
    host = keypad()
    host.human("log_in", 1)
    host.write(0x0012, 11, 30)
    host.human("press", 5)
    before = host.inputs(0x0100, 8)
    host.wait(SECOND)
    host.human("log_out")
    host.human("log_in", 2)
    host.write(0x0012, 22, 30)
    host.write(0x0020, 0, 0, 0)
    host.wait(60 * SECOND)
    assert host.inputs(0x0100, 8) == before
    host.human("press", 3)
    assert host.inputs(0x0108, 8)[6:] == (2, 0)
    assert host.inputs(0x0108, 8)[3:6] == (0, 60, 0)


def test_reading_never_removes():
    """Guarantee 2: any number of reads of blocks and FIFO leave the queue as it is (mutant KP-04)."""
    host = keypad()
    press(host, 1, 2, 3)
    first = host.inputs(0x0100, 120)
    assert host.slave.fifo(host.now, 0x0100) == (0x0001, 0x0012, 0x0023)
    assert host.inputs(0x0100, 120) == first
    assert host.inputs(0x0004) == (3,)
    assert host.slave.fifo(host.now, 0x0100) == (0x0001, 0x0012, 0x0023)


def test_the_fifo_is_at_0x0100_and_nowhere_else():
    """FC 0x18 to another pointer is exception 02."""
    with pytest.raises(ModbusException) as refusal:
        keypad().slave.fifo(NOON, 0x0101)
    assert refusal.value.code == 0x02


# -- acknowledging ----------------------------------------------------------------------------------------------------
def test_acknowledging_frees_exactly_and_is_noted():
    """Guarantee 2: epoch and sequence in one FC 0x10 free the named event and older ones (mutant KP-05)."""
    host = keypad()
    press(host, 1, 2, 3)
    host.write(0x0000, 1, 1)
    assert [block[1] for block in host.blocks()] == [2]
    assert host.facts("ack") == [{"epoch": 1, "seq": 1, "freed": 2}]
    assert host.holding(0x0000, 2) == (1, 1)
    host.write(0x0000, 1, 0)
    assert host.facts("ack")[-1] == {"epoch": 1, "seq": 0, "freed": 0}
    assert host.holding(0x0000, 2) == (1, 1), "a repeat changes nothing"
    assert [block[1] for block in host.blocks()] == [2]


@pytest.mark.parametrize(
    ("start", "values", "function"),
    [
        (0x0000, (1,), 0x06),
        (0x0001, (1,), 0x06),
        (0x0000, (1,), 0x10),
        (0x0001, (1,), 0x10),
        (0x0001, (1, 0), 0x10),
        (0x0000, (1, 1), 0x17),
        (0x0000, (1, 7), 0x10),
        (0x0000, (2, 0), 0x10),
        (0x0000, (1, 1, 1), 0x10),
    ],
)
def test_an_acknowledgement_that_is_not_right_is_exception_03_without_effect(start, values, function):
    """Only both registers in one FC 0x10, naming a waiting event, count; a longer write is all or nothing (MB-20)."""
    host = keypad()
    press(host, 1, 2, 3)
    before, notes = host.slave.queue.state, len(host.notes)
    assert host.refused(start, *values, function=function) == 0x03
    assert host.slave.queue.state == before
    assert len(host.notes) == notes


def test_a_longer_write_may_hold_a_whole_acknowledgement():
    """0x0000..2 in one write: acknowledgement and lost-count, both or neither."""
    host = keypad(depth=2)
    press(host, 1, 2, 3)
    assert host.refused(0x0000, 1, 2, 2) == 0x03
    assert (host.slave.queue.lost, len(host.blocks())) == (1, 2)
    assert host.refused(0x0000, 1, 2, 1) == 0
    assert (host.slave.queue.lost, len(host.blocks())) == (0, 0)


def test_a_broadcast_acknowledgement_is_ignored():
    """Nobody's events may vanish because a host spoke to all."""
    host = keypad()
    press(host, 1)
    before = host.slave.queue.state
    assert host.write(0x0000, 1, 0, broadcast=True) == []
    assert host.slave.queue.state == before


# -- overflow ---------------------------------------------------------------------------------------------------------
def test_overflow_is_told_until_it_is_acknowledged_by_its_number():
    """Guarantee 1: oldest dropped, status bit 1 and the count tell it; later losses stand (KP-01, KP-02)."""
    host = keypad(depth=3)
    press(host, 1, 2, 3, 4, 5)
    assert [block[2] & 0xFF for block in host.blocks()] == [3, 4, 5]
    assert host.facts("overflow") == [{"epoch": 1, "seq": 0}, {"epoch": 1, "seq": 1}]
    assert host.inputs(0x0003, 5) == (rk.STATUS_OVERFLOW, 3, 2, 4, 2)
    assert [block[2] >> 8 & rk.FLAG_OVERFLOWED for block in host.blocks()] == [0, 8, 8]
    press(host, 1)
    host.write(0x0002, 2)
    assert host.facts("ack_lost") == [{"count": 2}]
    assert host.inputs(0x0007) == (1,)
    assert host.inputs(0x0003) == (rk.STATUS_OVERFLOW,)
    assert host.refused(0x0002, 2) == 0x03
    host.write(0x0002, 1)
    assert (host.inputs(0x0003), host.inputs(0x0007), host.holding(0x0002)) == ((0,), (0,), (1,))


def test_depth_is_declared_and_one_is_enough():
    """A queue of one holds the newest press; the declared depth and number of keys can be read."""
    host = keypad(depth=1, keys=3)
    press(host, 1, 2)
    assert [block[2] & 0xFF for block in host.blocks()] == [2]
    assert host.inputs(0x000A, 2) == (1, 3)
    assert keypad().inputs(0x000A, 2) == (64, 5)


# -- sequence, epoch, boot --------------------------------------------------------------------------------------------
def test_sequence_wraps_from_65535_to_0():
    """Guarantee 3 (mutant KP-03): no number is left out, order is that of the presses."""
    host = keypad(next_seq=65534)
    press(host, 1, 2, 3, 4)
    assert [block[1] for block in host.blocks()] == [65534, 65535, 0, 1]
    assert host.inputs(0x0005, 2) == (65534, 1)


def test_a_reboot_keeps_the_queue_counts_the_epoch_and_is_silent_for_its_boot_time():
    """Guarantees 1 and 3 (mutant KP-06), after the reply to 0xB007."""
    host = keypad(depth=2)
    press(host, 1, 2, 3)
    host.write(0x0000, 1, 1)
    host.write(0x003F, 0xB007)
    assert host.facts("boot") == [{"epoch": 2}]
    assert host.slave.silent_until == host.now + rk.BOOT_NS == host.now + 1_500 * MS
    host.wait(2 * SECOND)
    press(host, 5)
    assert [tuple(block[:2]) for block in host.blocks()] == [(1, 2), (2, 0)]
    assert host.inputs(0x0002) == (2,)
    assert host.inputs(0x0007) == (1,)
    assert host.holding(0x0000, 2) == (1, 1)
    assert host.refused(0x0000, 1, 0) == 0, "the last acknowledgement outlasts the boot"


def test_the_reboot_waits_for_the_reply():
    """The write itself changes nothing but what the reply then sets off."""
    host = keypad()
    host.slave.write(host.now, rk.REFERENCE_KEYPAD["command"].table, 0x003F, (0xB007,), 0x06, False)
    assert host.slave.queue.epoch == 1
    assert host.slave.silent_until == 0
    host.take(host.slave.after_reply(host.now))
    assert host.slave.queue.epoch == 2


def test_what_is_not_non_volatile_starts_anew():
    """After a boot: no clerk, no window, default policy, lamps and buzzer off, clock not set and from 0."""
    host = keypad()
    host.human("log_in", 9)
    host.write(0x0010, 0x8003)
    host.write(0x0011, 60_000)
    host.write(0x0012, 5, 60)
    host.write(0x0015, 0)
    host.write(0x003F, 0xB007)
    assert host.alarms == {}, "a window that ended with the boot needs no alarm"
    host.wait(10 * SECOND)
    assert host.holding(0x0010, 6) == (0, 0, 0, 0, 0, 1)
    assert host.holding(0x0020, 3) == (0, 10, 0)
    assert host.inputs(0x0003) == (rk.STATUS_CLOCK_NOT_SET,)
    assert host.inputs(0x0008, 2) == (0, 10)
    host.human("press", 1)
    assert host.facts("press")[-1]["flags"] == rk.FLAG_UNSOLICITED
    assert host.facts("press")[-1]["at_ms"] == 10_000
    assert host.facts("window") == [{"ticket": 5, "seconds": 60}]


def test_a_battery_keeps_the_clock():
    """With a battery a boot leaves the clock running and set."""
    host = keypad(clock_battery=True)
    host.human("unplug")
    host.wait(5 * SECOND)
    host.human("plug_in")
    host.wait(5 * SECOND)
    assert host.holding(0x0020, 3) == ((UNIX + 10) >> 16, (UNIX + 10) & 0xFFFF, 0)
    assert host.inputs(0x0003) == (0,)


def test_unplugged_it_hears_nothing_and_keeps_what_waits():
    """Power loss: sending stops, presses make no event, the queue is there after plugging in, one epoch later."""
    host = keypad()
    press(host, 3)
    effects = host.human("unplug")
    assert Stop() in effects
    assert host.slave.silent_until > 10**18
    host.human("press", 4)
    host.human("log_in", 3)
    assert host.facts("ignored") == [{"key": 4, "why": "no power"}]
    assert host.human("unplug") == []
    host.wait(3600 * SECOND)
    host.human("plug_in")
    assert host.human("plug_in") == []
    host.human("press", 4)
    assert host.facts("ignored")[-1] == {"key": 4, "why": "starting"}
    host.wait(1500 * MS)
    assert host.facts("boot") == [{"epoch": 2}]
    assert [tuple(block[:2]) for block in host.blocks()] == [(1, 0)]
    assert host.holding(0x0014) == (0,)
    press(host, 4)
    assert [tuple(block[:2]) for block in host.blocks()] == [(1, 0), (2, 0)]


def test_power_on_tells_the_epoch_and_starts_the_uptime():
    """A run begins with the unit up: nothing boots, the history learns the epoch."""
    host = keypad(epoch=41)
    assert host.human("power_on") == [Note("boot", {"epoch": 41})]
    host.wait(70_000 * SECOND)
    assert host.inputs(0x0008, 2) == (1, 70_000 - 65_536)
    assert host.inputs(0x0002) == (41,)


# -- human factors ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("after", "events"), [(1, 1), (29 * MS, 1), (30 * MS, 2), (200 * MS, 2)])
def test_bounces_within_30_ms_are_one_press(after: int, events: int):
    """Guarantee 5: debounce 30 ms."""
    host = keypad()
    host.human("press", 2)
    host.wait(after)
    host.human("press", 2)
    assert len(host.blocks()) == events


@pytest.mark.parametrize(("after", "events"), [(0, 1), (20 * MS, 1), (50 * MS, 1), (51 * MS, 2)])
def test_of_two_keys_within_50_ms_the_first_counts(after: int, events: int):
    """Guarantee 5 (mutant KP-08): one event, of the first key, and no third value."""
    host = keypad()
    host.human("press", 1)
    host.wait(after)
    host.human("press", 4)
    assert [block[2] & 0xFF for block in host.blocks()] == [1, 4][:events]


def test_the_second_of_two_keys_does_not_count_by_its_bounce():
    """A key that lost against another one must be let go before it counts."""
    host = keypad()
    host.human("press", 1)
    host.wait(40 * MS)
    host.human("press", 4, held=80 * MS)
    host.wait(25 * MS)
    host.human("press", 4)
    host.wait(80 * MS)
    host.human("press", 4)
    assert [fact["why"] for fact in host.facts("ignored")] == ["two keys", "held", "bounce"]
    assert len(host.blocks()) == 1


def test_a_key_held_for_long_is_one_press():
    """Guarantee 5 (mutant KP-07): nothing more comes while it is down, nor by the bounce of its release."""
    host = keypad()
    host.human("press", 3, held=5 * SECOND)
    for _ in range(10):
        host.wait(500 * MS)
        host.human("press", 3)
    assert len(host.blocks()) == 1
    host.wait(30 * MS)
    host.human("press", 3)
    assert len(host.blocks()) == 2


def test_a_second_press_in_a_window_is_recorded_as_a_repeat():
    """Guarantee 5: repeat flag within one window, also when its time is prolonged; a new window starts over."""
    host = keypad()
    host.write(0x0012, 8, 10)
    press(host, 5, 1)
    host.write(0x0012, 8, 10)
    press(host, 2)
    host.write(0x0012, 9, 10)
    press(host, 3)
    set_, repeat = rk.FLAG_CLOCK_SET, rk.FLAG_REPEAT
    assert flags_and_tickets(host) == [(set_, 8), (set_ | repeat, 8), (set_ | repeat, 8), (set_, 9)]


def test_reopening_for_the_same_ticket_after_closing_is_a_new_window():
    """Closed is closed: the next window of the same ticket has its own first press."""
    host = keypad()
    host.write(0x0012, 8, 10)
    press(host, 5)
    host.write(0x0012, 0)
    host.write(0x0012, 8, 10)
    press(host, 5)
    host.wait(20 * SECOND)
    host.write(0x0012, 8, 10)
    press(host, 5)
    host.now += 20 * SECOND  # and if its alarm was not delivered
    host.write(0x0012, 8, 10)
    press(host, 5)
    assert {flags for flags, _ in flags_and_tickets(host)} == {rk.FLAG_CLOCK_SET}


def test_presses_outside_a_window_follow_the_policy():
    """Guarantee 5: recorded as unsolicited with ticket 0, or ignored, by register 0x0015."""
    host = keypad()
    press(host, 5, 5)
    assert flags_and_tickets(host) == [(rk.FLAG_CLOCK_SET | rk.FLAG_UNSOLICITED, 0)] * 2
    host.write(0x0015, 0)
    press(host, 4)
    assert host.facts("ignored") == [{"key": 4, "why": "no window"}]
    assert len(host.blocks()) == 2
    host.write(0x0012, 3, 1)
    host.wait(SECOND - 1)
    press(host, 4)
    assert flags_and_tickets(host)[-1] == (rk.FLAG_CLOCK_SET, 3)
    assert host.refused(0x0015, 2) == 0x03
    assert host.holding(0x0015) == (0,)


def test_a_key_the_unit_lacks_cannot_be_pressed():
    """The caller's mistake is said, not turned into an event."""
    host = keypad(keys=3)
    for key in (0, 4):
        with pytest.raises(ValueError, match="keys 1 to 3"):
            host.human("press", key)
    for keys in (0, 6):
        with pytest.raises(ValueError, match="1 to 5 keys"):
            keypad(keys=keys)


def test_lamp_and_sound_answer_a_press_within_50_ms():
    """Guarantee 6: locally, without the host; a press that makes no event is not answered."""
    host = keypad()
    host.write(0x0010, 0x8001)
    host.human("press", 3)
    host.wait(rk.ANSWER_NS)
    assert host.slave.lamps_lit(host.now) == 0x8005
    assert host.slave.sounding(host.now)
    host.wait(SECOND)
    assert (host.slave.lamps_lit(host.now), host.slave.sounding(host.now)) == (0x8001, False)
    host.write(0x0015, 0)
    host.human("press", 2)
    host.wait(rk.ANSWER_NS)
    assert (host.slave.lamps_lit(host.now), host.slave.sounding(host.now)) == (0x8001, False)
    host.human("unplug")
    assert (host.slave.lamps_lit(host.now), host.slave.sounding(host.now)) == (0, False)
