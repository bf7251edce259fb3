"""The nemesis on a small hall: what strikes, when, how often; what it draws; what it leaves in the history."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from bench.controller.store import Store
from bench.faults.check import FaultError
from bench.faults.nemesis import Armed
from bench.faults.triggers import Frame, Trigger
from bench.hall.day import draw
from bench.run.world import World
from firmware_sim.device import NS
from tests.support.faulty_hall import run, scenario


class Bench:
    """A small hall without people, which the test moves; the house polls it."""

    def __init__(self, tmp_path: Any, seed: int = 1) -> None:
        made = scenario()
        self.target = io.BytesIO()
        store = Store(f"sqlite:///{tmp_path}/records-{id(self)}.sqlite")
        self.world = World(made, draw(made, seed), self.target, evidence="full", people=False, store=store)
        self.nemesis = self.world.nemesis
        self.heard: list[tuple[str, str, bytes]] = []
        self.world.rig.lines["keypads"].on_burst(lambda _t, line, by, data, _f, _e: self.heard.append((line, by, data)))
        self.world.begin()
        self.wait(5)
        self.store = store

    def wait(self, seconds: float) -> None:
        """Let the hall live for a while."""
        clockwork = self.world.clockwork
        clockwork.advance_to(clockwork.now + round(seconds * NS))

    def device(self, name: str) -> Any:
        """A device."""
        return self.world.rig.devices[name].thing

    def records(self) -> list[dict[str, Any]]:
        """The history, which ends with this."""
        self.world.end("the test is over")
        self.store.close()
        return [json.loads(line) for line in self.target.getvalue().splitlines()]


@pytest.fixture
def bench(tmp_path) -> Callable[..., Bench]:
    """Makes benches."""
    return lambda seed=1: Bench(tmp_path, seed)


def of(records: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Fault records of one kind."""
    return [record for record in records if record.get("src") == "fault" and record["k"] == kind]


def test_a_hit_leaves_its_record(bench):
    """Id, name, line, what was hit; then its end; and the line is left alone again."""
    b = bench()
    b.nemesis.inject("bit_flip", line="keypads", where="reply", byte=2, bit=0)
    b.wait(10)
    assert b.world.rig.lines["keypads"].faults is None
    records = b.records()
    (hit,) = of(records, "fault")
    assert (hit["id"], hit["name"], hit["line"], hit["by"]) == ("N01", "bit_flip", "keypads", "slaves")
    assert hit["hit"]["byte"] == 2
    assert hit["hit"]["from"] ^ hit["hit"]["to"] == 1
    assert [record["name"] for record in of(records, "heal")] == ["bit_flip"]
    assert not of(records, "fault_unused")


def test_nothing_is_booked_while_a_fault_is_there(bench):
    """A line with a fault at work plays every poll; without one it may book them again."""
    b = bench()
    line = b.world.rig.lines["keypads"]
    armed = b.nemesis.inject("bit_flip", line="keypads", unit=2, nth=1000)
    assert line.plain is False
    booked = b.world.house.idle_polls.booked
    b.world.rig.lines["hall"].faults = b.nemesis.disturber("hall")
    b.wait(30)
    assert b.world.house.idle_polls.booked == booked
    b.nemesis.end(armed)
    assert line.faults is None


def test_a_fault_begins_with_the_nth_frame_and_strikes_so_many(bench):
    """From the n-th frame that fits, so many of them, of one unit."""
    b = bench()
    armed = b.nemesis.inject("lose", device="keypad-2", nth=2, count=2)
    b.wait(60)
    assert [hit.frame.data[0] for hit in armed.hits] == [2, 2]
    assert armed.seen == 3
    assert not armed.live


def test_a_rate_hits_its_share_of_the_frames(bench):
    """A share of the frames, drawn."""
    b = bench()
    armed = b.nemesis.inject("lose", line="keypads", where="request", rate=0.3, count=0)
    b.wait(300)
    assert 0.15 < len(armed.hits) / armed.seen < 0.45


def test_a_fault_strikes_only_in_its_time(bench):
    """Only in its time; `for_s` ends what lasts."""
    b = bench()
    armed = b.nemesis.inject("lose", line="keypads", after="08:00", before="08:01", count=0)
    b.wait(60)
    assert not armed.hits
    b.wait(240)
    first, last = armed.hits[0].at, armed.hits[-1].at
    assert 8 * 3600 * NS <= first < last < (8 * 3600 + 60) * NS
    assert not armed.live


@pytest.mark.parametrize(
    ("phase", "offset"),
    [("request.byte[3]", 3), ("reply.byte[2]", 2), ("reply.end", 17), ("gap", 18)],
)
def test_an_act_happens_at_its_point_of_the_exchange(bench, phase, offset):
    """An act happens at its point of the exchange: so many characters after the first edge."""
    b = bench()
    armed = b.nemesis.inject("reboot", device="keypad-1", phase=phase)
    b.wait(30)
    (hit,) = armed.hits
    line = b.world.rig.lines["keypads"]
    assert abs(hit.at - hit.frame.at - line.settings.duration(offset)) <= 1  # ns: rounded up in two parts, or in one
    assert hit.frame.request == phase.startswith("request")


def test_an_act_can_fall_between_request_and_reply_or_into_silence(bench):
    """Between request and reply; or when nobody sends."""
    b = bench()
    turn = b.nemesis.inject("reboot", device="keypad-1", phase="turnaround")
    idle = b.nemesis.inject("reboot", device="keypad-2", line="keypads", phase="idle")
    b.wait(30)
    assert turn.hits[0].frame.request
    assert turn.hits[0].at > turn.hits[0].frame.end
    assert idle.hits[0].frame is None


def test_the_phase_ack_is_the_acknowledgement_alone(bench):
    """The phase `ack` is the acknowledgement of an event, and nothing else."""
    b = bench()
    armed = b.nemesis.inject("reboot", device="keypad-1", phase="ack")
    b.wait(20)
    assert not armed.hits
    b.world.rig.act("keypad-1", "press", 5)
    b.wait(20)
    assert armed.hits[0].frame.data[1] == 0x10


def test_the_same_seed_hits_the_same(bench):
    """Byte for byte the same history; another seed, another one."""

    def history(seed: int) -> bytes:
        b = bench(seed)
        b.nemesis.inject("garble", line="keypads", rate=0.2, count=0)
        b.wait(60)
        b.records()
        return b.target.getvalue()

    assert history(1) == history(1)
    assert history(1) != history(2)


def test_one_more_fault_shifts_nothing(bench):
    """What a fault draws does not depend on the others, nor on the order in which they were asked for."""

    def drawn(*names: str) -> list[Any]:
        b = bench()
        armed = {name: b.nemesis.inject(name, line="keypads", unit=unit) for unit, name in enumerate(names, 1)}
        b.wait(20)
        return [hit.facts["bit"] for hit in armed["bit_flip"].hits]

    def first(fault: Armed) -> float:
        return fault.rng.random()

    assert drawn("bit_flip") == drawn("bit_flip", "garble")
    b = bench()
    alone = first(b.nemesis.inject("bit_flip", line="keypads"))
    c = bench()
    c.nemesis.inject("garble", line="keypads")
    assert first(c.nemesis.inject("bit_flip", line="keypads")) == alone
    assert first(c.nemesis.inject("bit_flip", line="keypads")) != alone


def test_what_hit_nothing_is_told(bench):
    """At the end of the day, with the reason where there is one."""
    b = bench()
    b.nemesis.inject("lose", line="keypads", unit=2, nth=10_000)
    b.nemesis.inject("kill", at="07:59")
    b.wait(10)
    unused = of(b.records(), "fault_unused")
    assert [record["name"] for record in unused] == ["lose", "kill"]


def test_healing_ends_everything_at_once(bench):
    """Everything ends at once: what is held up goes on."""
    b = bench()
    b.nemesis.inject("busy", device="keypad-1", for_s=1000)
    b.nemesis.inject("stuck_low", line="keypads", for_s=1000)
    b.nemesis.inject("address_conflict", device="keypad-1", other="keypad-2", for_s=1000)
    b.wait(5)
    assert b.device("keypad-1").unit == 2
    assert b.nemesis.heal() == 3
    assert b.device("keypad-1").unit == 1
    assert b.world.rig.lines["keypads"].faults is None
    with pytest.raises(FaultError, match="bit_flip"):
        b.nemesis.heal("bitflip")


def test_device_faults_do_what_they_say(bench):
    """Queue lost, restored, renumbered; clock shifted and reset; more presses than fit."""
    b = bench()
    b.nemesis.inject("stuck_low", line="keypads", for_s=3600)
    keypad = b.device("keypad-1")
    for _ in range(2):
        b.world.rig.act("keypad-1", "press", 4)
        b.wait(1)
    old = b.nemesis.inject("buffer_restored", device="keypad-1", at="07:59")
    state = old.options["state"]
    assert state is None or len(state.waiting) == 2
    b.nemesis.inject("buffer_lost", device="keypad-1")
    assert len(keypad.queue) == 0
    assert keypad.queue.epoch == 2
    b.wait(60)
    assert [event.value for event in keypad.queue.waiting] == ([4, 4] if old.hits[0].facts["events"] else [])
    epoch = keypad.queue.epoch
    b.nemesis.inject("sequence_reset", device="keypad-1")
    assert (keypad.queue.epoch, keypad.queue.state.next_sequence) == (epoch, 0)
    before = keypad.device_time(b.world.clockwork.now)[0]
    b.nemesis.inject("device_clock", device="keypad-1", seconds=100)
    assert keypad.device_time(b.world.clockwork.now)[0] == before + 100
    b.nemesis.inject("device_clock", device="keypad-1", mode="reset")
    assert keypad.device_time(b.world.clockwork.now) == (0, 0)
    b.wait(5)
    b.nemesis.inject("queue_overflow", device="keypad-1", presses=keypad.queue.depth + 5)
    b.wait(20)
    assert keypad.queue.lost >= 1


def test_a_busy_device_carries_nothing_out_and_loses_nothing(bench):
    """An exception, and nothing carried out; afterwards the event is fetched all the same."""
    b = bench()
    b.world.rig.act("keypad-1", "press", 3)
    b.nemesis.inject("busy", device="keypad-1", code=6, for_s=5)
    b.wait(4)
    assert any(data[1] & 0x80 and data[2] == 6 for _, by, data in b.heard if by == "slaves")
    assert len(b.device("keypad-1").queue) == 1
    b.wait(20)
    assert len(b.device("keypad-1").queue) == 0


def test_line_acts_are_heard_as_they_say(bench):
    """Late reply, echo, collision, babble, a cut wire: what is heard on the line."""
    b = bench()
    late = b.nemesis.inject("late_reply", device="keypad-1")
    b.wait(10)
    kept = bytes.fromhex(late.hits[0].facts["hex"])
    after = [data for _, by, data in b.heard if by == "slaves" and data.startswith(kept)]
    assert after
    collisions = b.world.rig.lines["keypads"].collisions
    b.nemesis.inject("collision", line="keypads")
    b.wait(10)
    assert b.world.rig.lines["keypads"].collisions == collisions + 1
    echo = b.nemesis.inject("echo", line="keypads", skip=2)
    b.wait(10)
    assert bytes.fromhex(echo.hits[0].facts["hex"]) == echo.hits[0].frame.data[2:]
    b.nemesis.inject("babble", line="keypads", for_s=2)
    b.wait(3)
    assert any(by == "noise" and data[:1] == b"\xc8" for _, by, data in b.heard)
    b.heard.clear()
    b.nemesis.inject("cut_wire", line="keypads", beyond=1, for_s=60)
    b.wait(30)
    assert {data[0] for _, by, data in b.heard if by == "slaves" and data} == {1}


def test_a_failing_sink_loses_nothing(tmp_path):
    """While the records cannot be written, events stay in the keypad."""
    ran = run(tmp_path / "day", {"name": "sink_failure", "at": "08:10", "for_s": 120})
    assert ran.verdict.word == "HOLDS"
    assert len(ran.of("fault", "fault")) == 1
    assert len(ran.of("fault", "heal")) == 1


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("echo", {"line": "keypads", "skip": 200}, "the requests are shorter than what is not heard of them"),
        ("collision", {"line": "keypads", "byte": 200}, "the replies are shorter than the character at which it was"),
        ("cut_wire", {"line": "keypads", "beyond": 9}, "no unit of line keypads is beyond 9"),
        ("queue_overflow", {"device": "keypad-1", "key": 9}, "keypad-1 has no key 9"),
        ("ports_swapped", {"line": "keypads", "with_line": "hall"}, "nobody here can swap the ports of a program"),
        ("kill", {"line": "keypads"}, "nobody here can kill the collector"),
        ("address_conflict", {"device": "keypad-1", "other": "keypad-1"}, "are not two Modbus slaves of one line"),
        ("address_conflict", {"device": "keypad-1", "other": "printer-1"}, "are not two Modbus slaves of one line"),
    ],
)
def test_what_cannot_strike_in_this_hall_says_why(bench, name, given, why):
    """A fault that the hall or the run cannot have hits nothing, and the history says why beside that it was unused."""
    b = bench()
    armed = b.nemesis.inject(name, **given)
    b.wait(10)
    assert not armed.hits
    assert why in armed.why
    (unused,) = of(b.records(), "fault_unused")
    assert why in unused["why"]


def test_one_fault_is_healed_by_its_name(bench):
    """The others go on; a fault that is over, or was never there, counts as none."""
    b = bench()
    b.nemesis.inject("busy", device="keypad-1", for_s=1000)
    b.nemesis.inject("busy", device="keypad-2", for_s=1000)
    b.nemesis.inject("address_conflict", device="keypad-1", other="keypad-2", for_s=1000)
    assert b.nemesis.heal("busy") == 2
    assert b.nemesis.heal("busy") == 0
    assert b.nemesis.heal("stuck_low") == 0
    assert b.device("keypad-1").unit == 2
    assert b.nemesis.heal("address_conflict") == 1
    assert [record["name"] for record in of(b.records(), "heal")] == ["busy", "busy", "address_conflict"]


def test_a_fault_that_cannot_be_is_refused_at_once(bench):
    """Before anything of it happens, with all that is wrong with it."""
    b = bench()
    with pytest.raises(FaultError, match="busy would never strike on line ticket: it needs Modbus RTU"):
        b.nemesis.inject("busy", device="printer-1")
    assert b.nemesis.faults == []


def test_a_wire_cut_before_its_first_device(bench):
    """Nobody hears anybody on the whole line until it is mended; what waited is fetched then."""
    b = bench()
    armed = b.nemesis.inject("cut_wire", line="keypads", beyond=0, for_s=20)
    assert armed.hits[0].facts == {"beyond": 0}
    b.wait(1)
    b.heard.clear()
    b.world.rig.act("keypad-1", "press", 3)
    b.wait(10)
    assert {by for _, by, _ in b.heard} == {"house/keypads"}
    b.wait(30)
    assert len(b.device("keypad-1").queue) == 0
    assert any(by == "slaves" for _, by, _ in b.heard)


def test_a_device_without_a_reset_loses_its_supply(bench):
    """`reboot` of a printer: off for the time, then on."""
    b = bench()
    armed = b.nemesis.inject("reboot", device="printer-1", off_s=3)
    assert armed.hits[0].facts == {"how": "supply", "ns": 3 * NS}
    b.wait(10)
    power = [record for record in b.records() if record.get("k") == "power"]
    assert [(record["device"], record["on"]) for record in power] == [("printer-1", False), ("printer-1", True)]
    assert power[1]["t"] - power[0]["t"] >= 3 * NS


def test_hits_are_told_in_order_of_time(bench):
    """Over all faults, whichever was asked for first; who asked to be told of a hit is."""
    b = bench()
    told = []
    b.nemesis.inject(
        "reboot", device="keypad-1", at="08:02", on_hit=lambda armed, hit: told.append((armed.name, hit.at))
    )
    b.nemesis.inject(
        "sequence_reset", device="keypad-2", at="08:01", on_hit=lambda armed, hit: told.append((armed.name, hit.at))
    )
    b.wait(600)
    assert [(armed.name, hit.at) for armed, hit in b.nemesis.hits()] == told
    assert len(told) == 2
    assert told[0][1] < told[1][1]


def test_a_clock_drifts_until_it_is_healed(bench):
    """2,000 ppm for 100 s are 0.2 s; after that no more."""
    b = bench()
    keypad, clock = b.device("keypad-1"), b.world.clockwork

    def ahead() -> int:
        seconds, ms = keypad.device_time(clock.now)[:2]
        return seconds * 1000 + ms - clock.now // 1_000_000

    before = ahead()
    b.nemesis.inject("device_clock", device="keypad-1", mode="drift", ppm=2000, for_s=100)
    b.wait(150)
    assert ahead() - before == pytest.approx(200, abs=5)


def test_what_nobody_hears_is_not_hit(bench):
    """A frame that another fault keeps from all ears cannot be damaged as well; the fault strikes when that is over."""
    b = bench()
    b.nemesis.inject("stuck_low", line="keypads", for_s=100)
    armed = b.nemesis.inject("bit_flip_request", line="keypads")
    b.wait(10)
    assert not armed.hits
    assert armed.why == "no frame that came could be hit in this way"
    b.wait(200)
    assert len(armed.hits) == 1


def test_a_phase_names_the_character_to_be_hit(bench):
    """`phase = "reply.byte[2]"` is the third character of a reply, unless `byte` says another."""
    b = bench()
    by_phase = b.nemesis.inject("bit_flip", line="keypads", phase="reply.byte[2]", bit=0)
    b.wait(10)
    assert by_phase.hits[0].facts["byte"] == 2
    by_option = b.nemesis.inject("bit_flip", line="keypads", phase="reply.byte[2]", byte=1, bit=0)
    b.wait(10)
    assert by_option.hits[0].facts["byte"] == 1


def test_what_is_healed_before_it_begins_never_begins(bench):
    """Faults that wait for their time, for silence or for their end: none of them happens after they were healed."""
    b = bench()
    begin = b.world.clockwork.now + 20 * NS
    b.nemesis.inject("reboot", device="keypad-1", at=begin)
    b.nemesis.inject("stuck_low", line="keypads", at=begin, for_s=5)
    b.nemesis.inject("busy", device="keypad-2", for_s=30)
    b.wait(5)
    assert b.nemesis.heal() == 3
    b.wait(60)
    records = b.records()
    assert [record["name"] for record in of(records, "fault")] == ["busy"]
    assert len(of(records, "heal")) == 2  # of busy, and of all


def test_frames_before_and_after_its_time_do_not_fit() -> None:
    """A trigger looks at the first edge of a frame; `after` is included, `before` is not; noise has no fields."""
    frame = Frame("keypads", "slaves", False, b"\x01\x04\x00", 100, 200, b"")
    assert Trigger("keypads", where="reply", after=100, before=101).fits(frame)
    assert not Trigger("keypads", where="reply", after=101).fits(frame)
    assert not Trigger("keypads", where="reply", before=100).fits(frame)
    assert not Trigger("keypads", where="request").fits(frame)
    assert not Trigger("keypads", where="any", function=4).fits(frame)
