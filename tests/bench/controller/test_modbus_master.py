"""The master's manners on a line, and what it does with bad answers (protocols.md 1.1, conformance.md 4.4)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bench.controller.conversation import Ask, Conversation
from bench.controller.modbus_master import ModbusMaster
from firmware_sim.burst import LineSettings
from firmware_sim.device import NS
from protocol.modbus.requests import read_registers
from protocol.modbus.rtu import is_sound, seal, t35

MS = NS // 1000
STATUS = bytes.fromhex("04 00 02 00 06")
"""The idle poll after the unit."""


def polls(rig, unit, line="bus"):
    """Instants at which a unit was asked for its status."""
    return [at for at, data in rig.requests(line) if data[0] == unit and data[1:6] == STATUS]


def longest_pause(instants):
    return max(b - a for a, b in pairwise(instants))


@pytest.mark.parametrize("settings", ["1200 8N1", "9600 8N1", "19200 8E1", "115200 8N1"])
def test_each_request_has_silence_before_it_and_an_answer_after_it(hall, plans, settings):
    """J15: t3.5 before every request, never two requests without an answer or a broadcast's pause between them."""
    line = LineSettings.parse(settings)
    rig = hall(plans["keypads"](5, settings=line))
    for second in range(5):
        rig.at(second + 0.3, f"keypad-{second + 1}", "press", 5)
    rig.run(20)
    gap = t35(line.baud, line.char_bits)
    spoken = sorted(rig.bursts)
    assert len(spoken) > 150
    for (at, _, src, data), (then, _, other, _) in pairwise(spoken):
        if other == "house/bus":
            assert then - (at + line.duration(len(data))) >= gap
            assert src == "bus" or data[0] == 0
    assert all(is_sound(data) for _, data in rig.requests("bus"))


def test_idle_polls_are_the_same_bytes_and_keep_their_period(hall, plans):
    """An idle unit is asked the same thing each poll period, so that a history can fold what repeats."""
    rig = hall(plans["keypads"](3, poll=NS // 2))
    rig.run(5)
    before = len(rig.bursts)
    rig.run(60)
    requests = {data for _, _, src, data in rig.bursts[before:] if src == "house/bus"}
    assert len(requests) == 3
    for unit in (1, 2, 3):
        asked = polls(rig, unit)[5:]
        assert {b - a for a, b in pairwise(asked)} == {NS // 2}


def test_a_full_line_is_shared_evenly(hall, plans):
    """When the polls do not fit into the period every unit gets the same share of the line."""
    rig = hall(plans["keypads"](12, poll=NS // 10))
    rig.run(30)
    counts = [len(polls(rig, unit)) for unit in range(1, 13)]
    assert max(counts) - min(counts) <= 2
    assert min(counts) > 60


def test_the_clock_is_set_by_broadcast_at_the_start_and_each_hour(hall, plans):
    """Devices whose clock is not set have it set at once, and all of them again each hour, to the millisecond."""
    rig = hall(plans["keypads"](2), clock_set=False)
    rig.run(2 * 3600 + 10)
    sent = [at for at, data in rig.requests("bus") if data[0] == 0]
    assert len(sent) == 3
    assert 3600 * NS <= sent[1] - sent[0] < 3601 * NS


@pytest.mark.parametrize("lost", [1, 2])
def test_a_lost_reply_is_asked_for_again_with_the_same_request(hall, plans, lost):
    """A request without a reply is repeated as it was, at most twice, and nobody is called down for that."""
    rig = hall(plans["keypads"](1))
    rig.run(5)
    gone = []

    def drop(now, data):
        if data[1] == 4 and len(gone) < lost:
            gone.append(now)
            return []
        return [(0, data)]

    rig.masters["bus"].mangle = drop
    before = len(rig.requests("bus"))
    rig.run(1.5)
    asked = [data for _, data in rig.requests("bus")[before:]]
    assert asked[: lost + 1] == [asked[0]] * (lost + 1)
    assert not rig.of("down")


def test_a_dead_unit_is_told_once_asked_ever_more_rarely_and_told_again_when_it_is_back(hall, plans):
    """J10, J15: down after three attempts, back-off up to half a minute, up as soon as it answers."""
    rig = hall(plans["keypads"](2))
    rig.run(5)
    rig.do("keypad-2", "unplug")
    at = rig.now
    rig.run(600)
    assert rig.of("down") == [{"device": "keypad-2", "why": "no reply"}]
    assert rig.times("down")[0] - at < 3 * NS
    tries = [t for t in polls(rig, 2) if t > at]
    assert len(tries) < 40
    assert max(b - a for a, b in pairwise(tries[-5:])) >= 30 * NS
    assert not rig.of("up")
    rig.do("keypad-2", "plug_in")
    rig.run(40)
    assert rig.of("up") == [{"device": "keypad-2"}]
    assert {b - a for a, b in pairwise(polls(rig, 2)[-4:])} == {NS}


def test_dead_units_do_not_push_healthy_ones(hall, plans):
    """J13: with eight of twelve units dead the others are still polled within a period and about one time-out."""
    rig = hall(plans["keypads"](12))
    rig.run(5)
    for n in range(5, 13):
        rig.do(f"keypad-{n}", "unplug")
    at = rig.now
    rig.run(300)
    assert len(rig.of("down")) == 8
    for unit in (1, 2, 3, 4):
        asked = [t for t in polls(rig, unit) if t > at - NS]
        assert longest_pause(asked) < 2.1 * NS, unit
        assert len(asked) > 280


def test_a_late_reply_is_dropped_and_credited_to_nobody(hall, plans):
    """J11: a reply that comes after its time-out changes nothing, neither for the next request nor for another unit."""
    rig = hall(plans["keypads"](3))
    rig.run(5)
    rig.do("keypad-1", "press", 4)
    late = []

    def hold(now, data):
        if data[0] == 1 and len(data) > 17 and len(late) < 3:  # the event block
            late.append(data)
            return [(160 * MS, data)]
        return [(0, data)]

    rig.masters["bus"].mangle = hold
    rig.run(20)
    assert len(late) >= 1
    rig.must_account_for_every_press()
    assert [facts["value"] for facts in rig.of("row")] == [4]
    assert rig.house.masters["bus"].strays


@pytest.mark.parametrize("late_ms", [1, 5, 10, 17, 25, 60])
def test_after_a_time_out_nothing_is_sent_into_what_still_comes(hall, plans, late_ms):
    """J11, J15: a reply that has begun at the time-out, or soon after it, ends before the next request begins."""
    rig = hall(plans["keypads"](1))
    rig.run(5)
    patience = rig.house.masters["bus"]._patience
    rig.stations["bus"].station.turnaround = patience + late_ms * MS
    rig.run(1.5)
    assert rig.house.masters["bus"].strays
    assert rig.lines["bus"].collisions == 0


def test_a_reply_from_another_unit_is_passed_over_and_the_wait_goes_on(hall, plans):
    """J12: a sound frame of another unit does not end the wait; the right reply after it is taken."""
    rig = hall(plans["keypads"](2))
    rig.run(5)
    rig.do("keypad-1", "press", 2)
    strangers = []

    def other(now, data):
        if data[0] == 1:
            strangers.append(now)
            return [(0, seal(bytes([2]) + data[1:-2])), (30 * MS, data)]
        return [(0, data)]

    rig.masters["bus"].mangle = other
    before = len(rig.requests("bus"))
    rig.run(2.5)
    asked = [(at, data) for at, data in rig.requests("bus")[before:] if data[0] == 1]
    assert strangers
    repeated = [b for (a, one), (b, other) in pairwise(asked) if one == other and b - a < NS // 2]
    assert not repeated, "a request was repeated although its reply came in time"
    rig.must_account_for_every_press()
    assert {facts["device"] for facts in rig.of("row")} == {"keypad-1"}


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda data: data[:6] + bytes([data[6] ^ 0x20]) + data[7:], id="bit flipped"),
        pytest.param(lambda data: data[:-3], id="cut short"),
        pytest.param(lambda data: data[:5] + data[6:], id="character lost"),
        pytest.param(lambda data: data + data, id="said twice without a gap"),
        pytest.param(lambda data: seal(bytes([data[0], 3]) + data[2:-2]), id="another function"),
        pytest.param(lambda data: seal(data[:2] + bytes([2, 0, 0])), id="another length"),
    ],
)
def test_a_spoilt_reply_is_never_believed(hall, plans, spoil):
    """J5: whatever is wrong with a reply, its content is not used; the request is repeated and nothing is lost."""
    rig = hall(plans["keypads"](2))
    rig.run(5)
    rig.do("keypad-1", "press", 1)
    count = [0]

    def spoilt(now, data):
        count[0] += data[0] == 1
        return [(0, spoil(data) if data[0] == 1 and count[0] % 3 else data)]

    rig.masters["bus"].mangle = spoilt
    rig.run(30)
    rig.masters["bus"].mangle = None
    rig.run(35)
    assert count[0] > 10
    rig.must_account_for_every_press()


@pytest.mark.parametrize("glitch", [(b"\x00", b""), (b"", b"\xff"), (b"\x00", b"\xff")])
def test_a_driver_that_adds_a_character_at_every_reply_is_understood(hall, plans, glitch):
    """N05: one false character before or after each reply does not make a device unreadable."""
    rig = hall(plans["keypads"](2))
    rig.masters["bus"].mangle = lambda now, data: [(0, glitch[0] + data + glitch[1])]
    rig.run(5)
    rig.do("keypad-1", "press", 3)
    rig.run(5)
    rig.must_account_for_every_press()
    assert not rig.of("down")


def test_an_adapter_that_echoes_is_understood(hall, plans):
    """With local echo the master hears its own requests, and writes whose reply equals the request still work."""
    rig = hall(plans["keypads"](2))
    rig.lines["bus"].echo = True
    rig.run(5)
    rig.do("keypad-2", "press", 3)
    rig.run(5)
    rig.must_account_for_every_press()
    assert not rig.of("down")
    assert len(rig.of("login")) == 2


def test_busy_is_obeyed_and_loses_nothing(hall, plans):
    """MC-19: exception 06 means later; the request is made again after growing pauses until it is served."""
    rig = hall(plans["keypads"](1))
    rig.run(5)
    rig.do("keypad-1", "press", 3)
    until = rig.now + 6 * NS
    rig.masters["bus"].mangle = lambda now, data: [
        (0, seal(bytes([data[0], data[1] | 0x80, 6])) if now < until else data)
    ]
    before = len(rig.requests("bus"))
    rig.run(6)
    assert 3 <= len(rig.requests("bus")) - before <= 8
    rig.run(10)
    rig.must_account_for_every_press()
    assert not rig.of("down")
    assert not rig.of("refused")


def test_a_refusal_is_told_once_and_the_device_is_polled_on(hall, plans):
    """A write that a device refuses for good is told, dropped, and does not come again with every poll."""
    rig = hall(plans["keypads"](1))
    rig.masters["bus"].mangle = lambda now, data: [
        (0, seal(bytes([data[0], 0x86, 2])) if data[1] == 6 and data[3] == 0x15 else data)
    ]
    rig.run(60)
    assert [facts["exception"] for facts in rig.of("refused")] == [2]
    assert len(polls(rig, 1)) > 55


@pytest.mark.parametrize("chars", [2, 20])
def test_a_babbling_line_is_waited_for_and_its_units_are_found_down(hall, plans, chars):
    """J10: noise without end does not stop the master for ever; after it the hall is whole again (J16)."""
    rig = hall(plans["keypads"](2))
    rig.run(5)
    line = rig.lines["bus"]
    stop = rig.now + 30 * NS

    def babble():
        if rig.now < stop:
            line.transmit(line._stations[0], b"\x55" * chars)
            rig.timers.call_at(rig.now + chars * MS, babble)

    babble()
    rig.at(10, "keypad-1", "press", 5)
    rig.run(30)
    assert len(rig.of("down")) == 2
    rig.run(60)
    assert len(rig.of("up")) == 2
    rig.must_account_for_every_press()


def test_a_slow_device_is_given_more_patience(hall, plans):
    """N32: a device that replies after the usual time-out is read all the same, and stays up."""
    rig = hall(plans["keypads"](2))
    rig.run(5)
    rig.stations["bus"].station.turnaround = 400 * MS
    rig.do("keypad-1", "press", 4)
    rig.run(30)
    rig.must_account_for_every_press()
    rig.run(20)
    assert len(rig.of("up")) == len(rig.of("down"))


@pytest.mark.parametrize("turnaround", [150, 200, 300, 450])
def test_a_slow_device_is_not_answered_one_behind(hall, plans, turnaround):
    """J11: after the first time-outs each reply is that to the last request, not that to the one before it."""
    rig = hall(plans["keypads"](1, poll=NS // 4))
    rig.run(5)
    rig.stations["bus"].station.turnaround = turnaround * MS
    rig.run(10)
    before = len(rig.bursts)
    rig.run(20)
    spoken = [(at, src == "bus", data) for at, _, src, data in sorted(rig.bursts[before:]) if data[0]]
    assert len(spoken) > 50
    line = rig.lines["bus"].settings
    for (at, reply, data), (then, other, _) in pairwise(spoken):
        assert reply != other, "a request while an answer was still to come, or an answer without one"
        if other:
            assert then - at - line.duration(len(data)) == turnaround * MS
    assert not rig.of("down")


def test_what_begins_before_the_request_has_ended_answers_something_else(plans):
    """J11: a right frame that began while the request was sent is a late one; the wait for the true reply goes on."""
    told = []
    ask = Ask(read_registers(1, 4, 2, 1), 7, "status")

    class One(Conversation):
        def told(self, now, ask, values):
            told.append(values)

    unit = One("k", 1, NS, lambda *_: None)
    unit.poll = ask
    master = ModbusMaster("m", LineSettings(), [unit], lambda *_: None)
    (alarm,) = master.start(0)
    (send, _) = master.wake(alarm.at, "go")
    end = alarm.at + LineSettings().duration(len(send.data))
    late, true = (seal(bytes([1, 4, 2, 0, value])) for value in (7, 8))
    master.hear(end + 5 * MS, late, end - 2 * MS, end + 5 * MS, None)
    assert told == []
    master.hear(end + 20 * MS, true, end + 13 * MS, end + 20 * MS, None)
    assert told == [(8,)]
