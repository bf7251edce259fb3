"""Reading event queues: nothing lost, nothing doubled, whatever line, device and store do (conformance.md 4.4)."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.controller.events import REMEMBERED, EventConversation, clock_words
from bench.controller.rows import StoreFailed
from firmware_sim.device import NS
from firmware_sim.event_queue import EventQueue
from protocol.modbus.maps.reference_keypad import REFERENCE_KEYPAD, Event

MS = NS // 1000


def pressed(rig, device, *values, every=0.2):
    """Presses one after the other."""
    for place, value in enumerate(values):
        rig.at(place * every, device, "press", value)
    rig.run(len(values) * every)


def test_presses_are_stored_then_acknowledged(hall, plans):
    """J14: the row is committed before the acknowledgement is sent, for each press."""
    rig = hall(plans["keypads"](1))
    rig.run(3)
    pressed(rig, "keypad-1", 1, 2, 3)
    rig.run(5)
    rig.must_account_for_every_press()
    order = [what for _, _, what, _ in rig.notes if what in {"press", "row", "ack"}]
    for place, what in enumerate(order):
        if what == "ack":
            assert order[:place].count("row") == order[:place].count("press")
    assert rig.devices["keypad-1"].queue.waiting == ()


def test_a_row_says_who_when_and_for_which_ticket(hall, plans):
    """J4, J9: clerk and time are those of the press, not those of the poll."""
    rig = hall(plans["keypads"](1))
    rig.run(3)
    rig.do("keypad-1", "press", 4)
    at = rig.now
    rig.run(0.1)
    rig.do("keypad-1", "log_in", 77)
    rig.run(0.1)
    rig.do("keypad-1", "press", 5)
    rig.run(3)
    first, second = rig.records.of("ratings")
    assert (first["clerk"], second["clerk"]) == ("C01", "77")
    assert first["at"] == pytest.approx((at + 1_741_539_600 * NS) / NS, abs=0.002)
    assert first["stored_at"] > first["at"]
    assert first["ticket"] is None


def test_many_presses_between_two_polls_all_come(hall, plans):
    """A queue of more events than one read holds is emptied in several, in order."""
    rig = hall(plans["keypads"](1, poll=20 * NS))
    rig.run(21)
    pressed(rig, "keypad-1", *[1 + n % 5 for n in range(50)])
    rig.run(40)
    rig.must_account_for_every_press()
    assert len(rig.stored()) == 50
    assert rig.devices["keypad-1"].queue.waiting == ()


@pytest.mark.parametrize("function", [0x04, 0x10], ids=["events", "acknowledgement"])
@pytest.mark.parametrize("how", ["lost", "damaged", "late"])
def test_a_reply_that_fails_doubles_nothing(hall, plans, function, how):
    """J1, J3: the events, or the reply to the acknowledgement, fail several times; each press is stored once."""
    rig = hall(plans["keypads"](2))
    rig.run(5)
    spoilt = []

    def spoil(now, data):
        wanted = data[1] == function and (function == 0x10 or len(data) > 20)
        if not wanted or len(spoilt) >= 5:
            return [(0, data)]
        spoilt.append(now)
        return {"lost": [], "damaged": [(0, data[:-1] + bytes([data[-1] ^ 1]))], "late": [(300 * MS, data)]}[how]

    rig.masters["bus"].mangle = spoil
    pressed(rig, "keypad-1", 5, 4, 3, every=1)
    rig.run(40)
    assert spoilt
    rig.must_account_for_every_press()
    assert rig.devices["keypad-1"].queue.waiting == ()


def test_a_lost_request_doubles_nothing(hall, plans):
    """N02: requests that the units do not hear are made again."""
    rig = hall(plans["keypads"](2))
    rig.run(5)
    count = [0]

    def deaf(now, data):
        count[0] += 1
        return [] if count[0] % 3 == 0 else [(0, data)]

    rig.stations["bus"].mangle = deaf
    pressed(rig, "keypad-1", 5, 4, 3, 2, 1, every=2)
    rig.stations["bus"].mangle = None
    rig.run(60)
    rig.must_account_for_every_press()


@pytest.mark.parametrize("gone", [0.5, 20.0])
def test_a_reboot_is_noticed_and_the_device_configured_again(hall, plans, gone):
    """J8, J17: events of before the reboot come once; clerk and clock are set anew; numbers start again."""
    rig = hall(plans["keypads"](1), clock_set=False)
    rig.run(5)
    pressed(rig, "keypad-1", 5, 4)
    rig.run(3)
    rig.do("keypad-1", "press", 1)
    rig.do("keypad-1", "unplug")
    rig.run(gone)
    rig.do("keypad-1", "plug_in")
    rig.run(45)
    pressed(rig, "keypad-1", 3, 2)
    rig.run(5)
    rig.must_account_for_every_press()
    assert rig.of("reboot") == [{"device": "keypad-1", "epoch": 2}]
    assert [row["seq"] for row in rig.records.of("ratings")] == [0, 1, 2, 0, 1]
    assert rig.records.of("ratings")[-1]["clerk"] == "C01"
    assert rig.of("press")[-1]["flags"] & 4, "the clock was set again"
    assert rig.records.of("ratings")[-1]["at"] == pytest.approx(rig.of("press")[-1]["at_ms"] / 1000)


def test_a_press_before_the_clock_was_set_is_not_dated_1970(hall, plans):
    """J9: without a valid device time the row has the time at which the press was read."""
    rig = hall(plans["keypads"](1, poll=5 * NS), clock_set=False)
    keypad = rig.devices["keypad-1"]
    keypad._offset, keypad._clock_set = -rig.now, False
    rig.timers.call_at(rig.now, rig.do, "keypad-1", "press", 2)  # before the first broadcast has arrived
    rig.run(15)
    (row,) = rig.records.of("ratings")
    assert rig.of("press")[0]["at_ms"] < 1000
    assert row["at"] == pytest.approx(1_741_539_600 + 7 * 3600, abs=15)


def test_an_overflow_is_told_and_acknowledged(hall, plans):
    """J2: lost events are told as a gap with their number, and the count is taken back on the device."""
    rig = hall(plans["keypads"](1, poll=30 * NS), keypad={"depth": 4})
    rig.run(31)
    pressed(rig, "keypad-1", 1, 2, 3, 4, 5, 1, 2)
    rig.run(60)
    assert len(rig.of("overflow")) == 3
    assert rig.of("gap") == [{"device": "keypad-1", "epoch": 1, "lost": 3}]
    assert rig.of("missing") == []  # nothing had been read before: the sequence alone tells nothing
    assert rig.of("ack_lost") == [{"device": "keypad-1", "count": 3}]
    assert [row["seq"] for row in rig.records.of("ratings")] == [3, 4, 5, 6]


def test_a_gap_is_told_once_when_the_reply_to_its_acknowledgement_is_lost(hall, plans):
    """J2, J15: the lost-count is subtracted, so it is never written again before it was read again."""
    rig = hall(plans["keypads"](1, poll=30 * NS), keypad={"depth": 4})
    rig.run(31)
    pressed(rig, "keypad-1", 1)
    rig.run(60)
    pressed(rig, "keypad-1", 1, 2, 3, 4, 5, 1, 2)
    dropped = []

    def drop(now, data):
        if data[1] == 6 and data[2:4] == b"\x00\x02" and not dropped:
            dropped.append(now)
            return []
        return [(0, data)]

    rig.masters["bus"].mangle = drop
    rig.run(90)
    assert dropped
    assert [facts["lost"] for facts in rig.of("gap")] == [3]
    assert rig.of("missing") == [{"device": "keypad-1", "epoch": 1, "first": 1, "last": 3}]
    assert [facts["count"] for facts in rig.of("ack_lost")] == [3]
    assert rig.of("refused") == []


def test_losses_that_go_on_are_added_up(hall, plans):
    """J2: all gaps told together are the number of lost events, whatever happens to their acknowledgements."""
    rig = hall(plans["keypads"](1, poll=4 * NS), keypad={"depth": 3})
    rig.run(5)
    chance = random.Random(4)
    lossy = lambda now, data: [] if data[1] == 6 and chance.random() < 0.5 else [(0, data)]  # noqa: E731
    rig.masters["bus"].mangle = rig.stations["bus"].mangle = lossy
    pressed(rig, "keypad-1", *[1 + n % 5 for n in range(200)])
    rig.masters["bus"].mangle = rig.stations["bus"].mangle = None
    rig.run(60)
    assert len(rig.of("overflow")) > 50
    assert sum(facts["lost"] for facts in rig.of("gap")) == len(rig.of("overflow"))
    assert rig.devices["keypad-1"].queue.lost == 0


def test_sequence_numbers_that_wrap_are_followed(hall, plans):
    """MC-16: 65535 is followed by 0, and nothing is taken for old or doubled."""
    rig = hall(plans["keypads"](1), keypad={"next_seq": 65533})
    rig.run(3)
    pressed(rig, "keypad-1", 1, 2, 3, 4, 5)
    rig.run(5)
    rig.must_account_for_every_press()
    assert [row["seq"] for row in rig.records.of("ratings")] == [65533, 65534, 65535, 0, 1]
    assert not rig.of("missing")


def test_an_epoch_that_wraps_is_followed(hall, plans):
    """Guarantee 3: epoch 65535 is followed by 0."""
    rig = hall(plans["keypads"](1), keypad={"epoch": 65535})
    rig.run(3)
    pressed(rig, "keypad-1", 1, 2)
    rig.run(2)
    rig.do("keypad-1", "unplug")
    rig.do("keypad-1", "plug_in")
    rig.run(30)
    pressed(rig, "keypad-1", 3)
    rig.run(5)
    rig.must_account_for_every_press()
    assert rig.of("missing") == []


def test_a_failing_store_delays_and_loses_nothing(hall, plans):
    """J14, MC-21: what is not stored is not acknowledged; afterwards it is stored once; both are told once."""
    rig = hall(plans["keypads"](2))
    rig.run(3)
    rig.records.failing = True
    pressed(rig, "keypad-1", 1, 2, 3)
    pressed(rig, "keypad-2", 4, 5)
    rig.run(20)
    assert rig.of("ack") == []
    assert rig.of("row") == []
    assert 10 < rig.records.refused < 60
    rig.records.failing = False
    rig.run(5)
    rig.must_account_for_every_press()
    assert len(rig.of("store_failed")) == len(rig.of("store_works")) == 2
    assert all(rig.devices[f"keypad-{n}"].queue.waiting == () for n in (1, 2))


def test_a_store_that_committed_and_then_failed_doubles_nothing(hall, plans):
    """A commit whose success was not learned of is repeated; the store's own key keeps the rows single."""
    rig = hall(plans["keypads"](1))
    rig.run(3)
    honest, lies = rig.records, [0]

    def lying(rows):
        known = honest(rows)
        lies[0] += 1
        if lies[0] <= 2:
            raise StoreFailed("the connection went away")
        return known

    rig.house.office._commit = lying
    pressed(rig, "keypad-1", 1, 2)
    rig.run(10)
    rig.must_account_for_every_press()
    assert rig.devices["keypad-1"].queue.waiting == ()


def test_a_queue_restored_from_old_memory_stores_nothing_twice(hall, plans):
    """N28: acknowledged events that a device brings up again are acknowledged again and not stored again."""
    rig = hall(plans["keypads"](1))
    rig.run(3)
    keypad = rig.devices["keypad-1"]
    rig.do("keypad-1", "press", 3)
    old = keypad.queue.state
    rig.run(3)
    pressed(rig, "keypad-1", 4, 5)
    rig.run(3)
    keypad.queue = EventQueue.from_state(old)
    rig.run(3)
    rig.must_account_for_every_press()
    assert keypad.queue.waiting == ()


def test_one_number_for_two_presses_is_told(hall, plans):
    """A device that breaks its guarantee and uses a number twice cannot be stored rightly: it is told, not hidden."""
    rig = hall(plans["keypads"](1))
    rig.run(3)
    pressed(rig, "keypad-1", 3)
    rig.run(3)
    rig.devices["keypad-1"].queue = EventQueue()
    pressed(rig, "keypad-1", 5)
    rig.run(3)
    assert rig.of("conflict") == [{"device": "keypad-1", "epoch": 1, "seq": 0, "stored": 3, "refused": 5}]
    assert [row["value"] for row in rig.records.of("ratings")] == [3]


def test_a_device_of_another_profile_is_left_alone(hall, plans):
    """A console at a keypad's address would store keys as ratings: its mark tells, and nothing is stored."""
    rig = hall(plans["keypads"](1))
    rig.devices["keypad-1"].mark = 0x4343
    rig.run(3)
    pressed(rig, "keypad-1", 3)
    rig.run(5)
    assert rig.of("wrong_device") == [{"device": "keypad-1", "mark": "0x4343", "expected": "0x524B"}]
    assert rig.records.rows == []


def test_tamper_is_told_when_it_changes(hall, plans):
    """The status bits that people must know of are told when they change, and only then."""
    rig = hall(plans["keypads"](1))
    rig.run(3)
    rig.do("keypad-1", "tamper", True)
    rig.run(5)
    rig.do("keypad-1", "tamper", False)
    rig.run(5)
    told = [facts for name, _, what, facts in rig.notes if name == "house" and what == "tamper"]
    assert told == [{"device": "keypad-1", "on": True}, {"device": "keypad-1", "on": False}]


def test_what_is_remembered_is_bounded():
    """J18: a conversation remembers no more events than it needs to tell new ones from old."""
    unit = EventConversation("k", 1, "rating_keypad", NS, REFERENCE_KEYPAD, lambda *_: None, lambda *_: None, 0)
    for number in range(3 * REMEMBERED):
        event = Event(1, number, 4, 5, 1000 + number, 0)
        assert unit._told_events(number, event.words()) is not None
    assert len(unit._seen) == REMEMBERED
    assert unit._new(0, [Event(1, 3 * REMEMBERED - 1, 4, 5, 1000 + 3 * REMEMBERED - 1, 0)]) == []


@given(st.integers(0, (1 << 32) * NS - NS))
def test_clock_words_are_the_nearest_millisecond(instant):
    """The three clock registers give back the instant within half a millisecond, and the last stays below 1000."""
    high, low, milliseconds = clock_words(instant)
    assert 0 <= milliseconds <= 999
    assert abs((high << 16 | low) * 1000 + milliseconds - instant / 1e6) <= 0.5 + 1e-6 * (instant / 1e6)


class Chaos:
    """A line on which every kind of thing happens to what is heard."""

    def __init__(self, seed, rate):
        self.chance = random.Random(seed)
        self.rate = rate

    def __call__(self, now, data):
        chance = self.chance
        if chance.random() >= self.rate:
            return [(0, data)]
        what = chance.randrange(6)
        place = chance.randrange(len(data))
        flipped = data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]
        return [
            [],
            [(0, flipped)],
            [(0, data[:place])],
            [(chance.randrange(400) * MS, data)],
            [(0, data), (chance.randrange(1, 400) * MS, data)],
            [(0, data[:place] + bytes([chance.randrange(256)]) + data[place:])],
        ][what]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    replies=st.sampled_from([0.0, 0.1, 0.4]),
    requests=st.sampled_from([0.0, 0.1, 0.4]),
    store=st.booleans(),
    reboots=st.integers(0, 3),
)
def test_every_press_is_stored_once_and_in_order_after_any_storm(hall, plans, seed, replies, requests, store, reboots):
    """J1, J3, J4, J6, J16: after faults at random on a line, in the store and in the devices' supply have ended, the
    stored ratings are the presses, exactly once, per device in order, with the clerk of the press."""
    chance = random.Random(seed)
    rig = hall(plans["keypads"](3, poll=NS // 2))
    rig.run(3)
    rig.masters["bus"].mangle = Chaos(seed + 1, replies)
    rig.stations["bus"].mangle = Chaos(seed + 2, requests)
    for _ in range(25):
        rig.at(chance.uniform(0, 40), f"keypad-{chance.randint(1, 3)}", "press", chance.randint(1, 5))
    for _ in range(6):
        rig.at(chance.uniform(0, 40), f"keypad-{chance.randint(1, 3)}", "log_in", chance.randint(1, 9))
    for _ in range(reboots):
        at, unit = chance.uniform(0, 30), f"keypad-{chance.randint(1, 3)}"
        rig.at(at, unit, "unplug")
        rig.at(at + chance.uniform(0.1, 8), unit, "plug_in")
    if store:
        for at, failing in ((5, True), (15, False), (25, True), (40, False)):
            rig.timers.call_at(rig.now + at * NS, setattr, rig.records, "failing", failing)
    rig.run(45)
    rig.masters["bus"].mangle = rig.stations["bus"].mangle = None
    rig.run(120)
    rig.must_account_for_every_press()
    assert all(rig.devices[f"keypad-{n}"].queue.waiting == () for n in (1, 2, 3))
    assert len(rig.of("up")) == len(rig.of("down"))
