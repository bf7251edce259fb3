"""The line when things go wrong on it: cuts, collisions, flow control and settings in any order."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.burst import LineSettings
from firmware_sim.device import Alarm, Send, Stop, Watch
from firmware_sim.line import Line
from timers import Ear, Loop, PortStub

CHAR = 1_041_667  # one 8N1 character at 9600, rounded up


def bus(duplex: str = "half", *, ears: int = 3, watch: Watch | None = None, echo: bool = False):
    loop = Loop()
    line = Line("bus", loop, duplex=duplex, echo=echo)
    heard = [line.attach(Ear(f"ear{i}", watch if i == ears - 1 else None)) for i in range(ears)]
    port = PortStub(line.settings)
    line.attach_port(port)
    return loop, line, heard, port


def after(loop, chars, fn, *args):
    loop.call_at(round(chars * CHAR), fn, *args)


# -- collisions with what is cut --------------------------------------------------------------------------------------
def test_who_collided_with_a_burst_that_was_cut_goes_on_unharmed():
    """Damage lasts as long as both really send: when one stops, the other is heard clean from its next character."""
    loop, line, (one, two, third), port = bus()
    line.apply(one, [Send(b"A" * 10)])
    after(loop, 2, line.apply, two, [Send(b"b" * 12)])
    after(loop, 4.5, line.apply, one, [Stop()])
    loop.run()
    flaws = {first // CHAR + i for _, _, first, _, flaws in third.heard for i in flaws}
    assert flaws == {2, 3}
    assert third.bytes == b"AA" + bytes([ord("A") & ord("b")] * 2) + b"b" * 9
    assert port.bytes == third.bytes
    assert third.heard[-1][3] == pytest.approx(14 * CHAR, abs=10)  # two ends when it would have ended anyway


def test_the_first_sender_is_unharmed_once_the_second_stops():
    """The same for the one that was first: only the overlap is damaged."""
    loop, line, (one, two, third), _ = bus()
    line.apply(one, [Send(b"A" * 10)])
    after(loop, 2, line.apply, two, [Send(b"b" * 12)])
    after(loop, 4.5, line.apply, two, [Stop()])
    loop.run()
    assert third.bytes == b"AA" + bytes([ord("A") & ord("b")] * 3) + b"AAAAA"
    assert sum(len(flaws) for *_, flaws in third.heard) == 3
    assert line.master.current is None


def test_a_device_that_stopped_in_a_collision_can_send_again_at_once():
    """A cut ends the sender's own transmission at the cut, also when none of it was to be heard yet."""
    loop, line, (one, two, _), port = bus()
    line.apply(one, [Send(b"A" * 20)])
    after(loop, 2, line.apply, two, [Send(b"b" * 30)])
    after(loop, 4, line.apply, two, [Stop()])
    after(loop, 4, line.apply, one, [Stop()])
    after(loop, 6, line.apply, two, [Send(b"again")])
    loop.run()
    assert port.bytes.endswith(b"again")
    assert two.bytes == port.bytes[:4]


OPERATION = st.one_of(
    st.tuples(st.just("port"), st.binary(min_size=1, max_size=8)),
    st.tuples(st.sampled_from(["ear0", "ear1"]), st.binary(min_size=1, max_size=8)),
    st.tuples(st.sampled_from(["stop0", "stop1", "drop", "hold", "release"]), st.just(b"")),
)
SCRIPT = st.lists(st.tuples(st.integers(0, 30 * CHAR), OPERATION), max_size=14)


@given(SCRIPT, st.sampled_from(["half", "full"]), st.binary(max_size=2), st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_everything_on_the_line_is_heard_exactly_once(script, duplex, chars, count):
    """Whatever is sent, stopped, held and let go: each listener hears what went by exactly once, in one stream without
    overlaps, watching or not; the port gets the same characters; nothing is left over when all has ended."""
    loop, line, ears, port = bus(duplex, watch=Watch(chars, count))
    bursts = []
    line.on_burst(lambda *row: bursts.append(row))
    deeds = {
        "stop0": lambda _: line.apply(ears[0], [Stop()]),
        "stop1": lambda _: line.apply(ears[1], [Stop()]),
        "drop": lambda _: line.drop_output(),
        "hold": lambda _: line.hold(),
        "release": lambda _: line.release(),
        "port": lambda data: line.transmit(line.master, data),
        "ear0": lambda data: line.apply(ears[0], [Send(data)]),
        "ear1": lambda data: line.apply(ears[1], [Send(data)]),
    }
    for at, (what, data) in script:
        loop.call_at(at, deeds[what], data)
    loop.call_at(60 * CHAR, line.release)
    loop.run()
    assert line.unsent() == 0
    assert line._active == []
    by_port = [data for _, _, src, data, _, _ in bursts if src == "port" and data]
    for ear in ears:
        wanted = [data for _, _, src, data, _, _ in bursts if src != ear.name and data]
        if duplex == "full":
            wanted = by_port
        assert sorted(ear.bytes) == sorted(b"".join(wanted))
        if ear.watch == Watch():
            assert [data for _, data, _, _, _ in ear.heard] == wanted
        spans = sorted((first, last) for _, _, first, last, _ in ear.heard)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
        assert all(now >= last for now, _, _, last, _ in ear.heard)
    got = sorted(bytes(burst.data) for burst in port.bursts if burst.data)
    assert got == sorted(data for _, _, src, data, _, _ in bursts if src != "port" and data)
    if duplex == "full":
        sent = {w: b"".join(d for _, (what, d) in sorted(script, key=lambda x: x[0]) if what == w) for w in deeds}
        stopped = {what for _, (what, _) in script}
        for name, stop in (("port", "drop"), ("ear0", "stop0"), ("ear1", "stop1")):
            went = b"".join(data for _, _, src, data, _, _ in bursts if src == name)
            assert went == sent[name] if stop not in stopped else len(went) <= len(sent[name])


@given(SCRIPT)
@settings(max_examples=100, deadline=None)
def test_only_real_overlap_damages(script):
    """A character is damaged only when another station sent at that time; with no collision nothing is."""
    loop, line, ears, _ = bus()
    for at, (what, data) in script:
        if what in ("ear0", "ear1"):
            loop.call_at(at, line.apply, ears[int(what[-1])], [Send(data)])
        elif what in ("stop0", "stop1"):
            loop.call_at(at, line.apply, ears[int(what[-1])], [Stop()])
    loop.run()
    damaged = [flaws for ear in ears for *_, flaws in ear.heard if flaws]
    if not line.collisions:
        assert damaged == []
    assert all(bits & 16 for flaws in damaged for bits in flaws.values())


def test_echo_of_the_ports_own_characters_in_a_collision():
    """With echo the port hears the garbled stream too, once."""
    loop, line, (one, *_), port = bus(echo=True)
    line.transmit(line.master, b"\xf0" * 4)
    after(loop, 1, line.apply, one, [Send(b"\x0f" * 5)])
    loop.run()
    assert port.bytes == b"\xf0\x00\x00\x00\x0f\x0f"


def test_a_master_with_echo_hears_itself_once():
    """Echo for a sans-IO master: its own characters at their end, and nobody else's twice."""
    loop = Loop()
    line = Line("bus", loop, echo=True)
    ear = line.attach(Ear("ear"))
    master = line.attach_master(Ear("master"))
    line.apply(master, [Send(b"ask")])
    after(loop, 5, line.apply, ear, [Send(b"reply")])
    loop.run()
    assert [data for _, data, *_ in master.heard] == [b"ask", b"reply"]
    assert ear.bytes == b"ask"


# -- flow control -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("at", [0.5, 3.5, 4.0, 9.5])
def test_xoff_among_several_queued_chunks(at):
    """XOFF anywhere in a queue of chunks holds it at a character; after XON all goes out, in order, once."""
    loop = Loop()
    line = Line("printer", loop, duplex="full")
    ear = line.attach(Ear("ear"))
    master = line.attach_master(Ear("house"), xonxoff=True)
    line.apply(master, [Send(b"abcd"), Send(b"efgh"), Send(b"ijkl")])
    after(loop, at, line.apply, ear, [Send(b"\x13")])
    after(loop, 40, line.apply, ear, [Send(b"\x11")])
    loop.run(until=39 * CHAR)
    assert len(ear.bytes) in (int(at) + 2, int(at) + 1)
    assert line.master.held
    loop.run()
    assert ear.bytes == b"abcdefghijkl"


def test_xon_while_the_last_character_still_goes_out():
    """XON that comes before the held character has ended lets the rest follow without a gap."""
    loop = Loop()
    line = Line("printer", loop, duplex="full")
    ear = line.attach(Ear("ear"))
    line.attach_port(PortStub(line.settings, xonxoff=True))
    line.transmit(line.master, b"0123456789")
    after(loop, 3.2, line.hold)
    after(loop, 3.4, line.hold)
    after(loop, 3.6, line.release)
    loop.run()
    assert ear.bytes == b"0123456789"
    assert ear.heard[1][2] == ear.heard[0][3]


def test_xoff_for_a_port_that_gave_up_flow_control():
    """An XOFF on its way when the port turns flow control off holds nothing."""
    loop = Loop()
    line = Line("printer", loop, duplex="full")
    ear = line.attach(Ear("ear"))
    line.attach_port(PortStub(line.settings, xonxoff=True))
    line.apply(ear, [Send(b"\x13")])
    after(loop, 0.5, line.attach_port, PortStub(line.settings))
    after(loop, 2, lambda: line.transmit(line.master, b"on"))
    loop.run()
    assert ear.bytes == b"on"


# -- settings ---------------------------------------------------------------------------------------------------------
def test_a_garbled_burst_is_not_heard_before_it_was_sent():
    """A port at a higher speed makes garbage of a burst; no character of it is there before the burst has ended, and a
    cut burst gives the garbage of what was sent only."""
    loop, line, (one, *_), _ = bus()
    fast = PortStub(LineSettings(115200))
    line.attach_port(fast)
    line.apply(one, [Send(b"\x55" * 20)])
    after(loop, 5.5, line.apply, one, [Stop()])
    loop.run(until=round(5.4 * CHAR))
    assert sum(burst.arrived(loop.now) for burst in fast.bursts) == 0
    loop.run()
    whole = fast.bursts[0]
    assert whole.arrived(loop.now) == len(whole.data)
    few = PortStub(LineSettings(115200))
    line.attach_port(few)
    line.apply(one, [Send(b"\x55" * 5)])
    loop.run()
    assert few.bytes == whole.data


def test_echo_at_other_settings_is_the_ports_own():
    """A port hears its own echo clean at whatever speed it sends; the devices hear garbage."""
    loop = Loop()
    line = Line("bus", loop, echo=True)
    ear = line.attach(Ear("ear"))
    port = PortStub(LineSettings(19200, 8, "E"))
    line.attach_port(port)
    line.transmit(line.master, b"hello")
    loop.run()
    assert port.bytes == b"hello"
    assert ear.bytes != b"hello"


# -- alarms -----------------------------------------------------------------------------------------------------------
@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from("ab"), st.none() | st.integers(0, 60)), max_size=14))
@settings(max_examples=200, deadline=None)
def test_an_alarm_rings_when_it_was_last_set_to(settings_made):
    """Put forward, put off, cancelled, set again, set to the past: per tag exactly the latest wish rings, at its
    instant (or at once when that is past), once."""
    loop, line, (ear, *_), _ = bus()
    settings_made.sort(key=lambda row: row[0])
    for at, tag, wish in settings_made:
        loop.call_at(at, line.apply, ear, [Alarm(wish, tag)])
    loop.run()
    expected = []
    for tag in "ab":
        pending: int | None = None
        mine = [(at, wish) for at, t, wish in settings_made if t == tag]
        for at, wish in mine:
            if pending is not None and pending < at:
                expected.append((pending, tag))
                pending = None
            pending = None if wish is None else max(wish, at)
        if pending is not None:
            expected.append((pending, tag))
    rung = [(at, tag) for at, tag in ear.woken]
    # wishes made at the very instant at which the alarm is due may come before or after it
    ties = {(at, tag) for at, tag, _ in settings_made}
    assert {r for r in rung if r not in ties} == {e for e in expected if e not in ties}
    assert len({r for r in rung if r not in ties}) == len([r for r in rung if r not in ties])


def test_a_delayed_send_is_cancelled_by_stop_and_not_by_anothers():
    """Stop forgets what its own station had put off; others keep theirs."""
    loop, line, (one, two, third), _ = bus()
    line.apply(one, [Send(b"x", 10 * CHAR)])
    line.apply(two, [Send(b"y", 12 * CHAR)])
    after(loop, 5, line.apply, one, [Stop()])
    loop.run()
    assert third.bytes == b"y"
