"""The line: who hears what and when, and what happens when two talk at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.burst import LineSettings
from firmware_sim.device import Alarm, Note, Send, Stop, Watch
from firmware_sim.line import Line
from timers import Ear, Loop, PortStub

CHAR = 1_041_667  # one 8N1 character at 9600, rounded up


def bus(**kwargs):
    loop = Loop()
    line = Line("bus", loop, **kwargs)
    ears = [line.attach(Ear(f"ear{i}")) for i in range(2)]
    port = PortStub(line.settings)
    line.attach_port(port)
    return loop, line, ears, port


def test_everybody_on_a_bus_hears_the_port():
    """Half duplex: each device hears the port's characters once, whole, when the last one is complete."""
    loop, line, ears, _ = bus()
    line.transmit(line.master, b"hello")
    loop.run()
    for ear in ears:
        assert ear.heard == [(5_208_334, b"hello", 0, 5_208_334, {})]


def test_devices_hear_each_other_only_on_a_bus():
    """On RS-485 a device hears the others' replies; on RS-232 only the port does. Nobody hears itself."""
    for duplex, others in (("half", b"abc"), ("full", b"")):
        loop, line, (one, two), port = bus(duplex=duplex)
        line.apply(one, [Send(b"abc", 1000)])
        loop.run()
        assert (one.bytes, two.bytes, port.bytes) == (b"", others, b"abc")
        assert port.bursts[0].start == 1000


def test_a_sender_queues_behind_itself():
    """What a station sends while it sends follows without a gap, as from one UART."""
    loop, line, (ear, _), _ = bus()
    line.transmit(line.master, b"ab")
    line.transmit(line.master, b"cd")
    loop.run()
    assert [(data, first) for _, data, first, _, _ in ear.heard] == [(b"ab", 0), (b"cd", 2_083_334)]


def test_collision_garbles_on_a_bus_and_not_on_a_link():
    """Two at once on one pair damage each other; on full duplex each has its own wires."""
    for duplex, collisions in (("half", 1), ("full", 0)):
        loop, line, (ear, _), port = bus(duplex=duplex)
        line.transmit(line.master, b"\xf0\xf0\xf0\xf0")
        line.apply(ear, [Send(b"\x0f\x0f\x0f\x0f", CHAR)])
        loop.run()
        assert line.collisions == collisions
        if collisions:
            assert port.bytes != b"\x0f\x0f\x0f\x0f"
        else:
            assert port.bytes == b"\x0f\x0f\x0f\x0f"
            assert ear.bytes == b"\xf0\xf0\xf0\xf0"


def test_collision_is_told_by_flaws():
    """A third station hears one stream, with flaws on what overlapped."""
    loop, line, (one, two), _ = bus()
    line.apply(one, [Send(b"\xf0\xf0\xf0\xf0")])
    line.transmit(line.master, b"\x33")
    loop.run()
    assert two.bytes == b"\x30\xf0\xf0\xf0"
    assert set(two.heard[0][4]) == {0}


def test_echo_gives_the_port_its_own_characters():
    """An adapter with its receiver on hears itself; others do not."""
    for echo in (False, True):
        loop, line, _, port = bus(echo=echo)
        line.transmit(line.master, b"xyz")
        loop.run()
        assert port.bytes == (b"xyz" if echo else b"")


def test_other_settings_garble_both_ways():
    """A port at another speed is not understood and does not understand."""
    loop, line, (ear, _), _ = bus()
    port = PortStub(LineSettings(19200))
    line.attach_port(port)
    line.transmit(line.master, b"\x01\x03\x00\x00")
    loop.run()
    assert ear.bytes != b"\x01\x03\x00\x00"
    line.apply(ear, [Send(b"\x01\x03\x00\x00")])
    loop.run()
    assert port.bytes != b"\x01\x03\x00\x00"


def test_alarm_is_replaced_by_its_tag():
    """A later alarm of the same tag silences the earlier one; None takes it back; other tags stand."""
    loop, line, (ear, _), _ = bus()
    line.apply(ear, [Alarm(100, "a"), Alarm(200, "b"), Alarm(300, "c")])
    line.apply(ear, [Alarm(150, "a"), Alarm(None, "b")])
    loop.run()
    assert ear.woken == [(150, "a"), (300, "c")]


def test_notes_name_their_device():
    """A note is the device's, or the one's that its facts name (a slave on a shared station)."""
    loop, line, (ear, _), _ = bus()
    notes = []
    line.on_note(lambda name, at, note: notes.append((name, at, note.kind)))
    line.apply(ear, [Note("a", {}), Note("b", {"device": "keypad-1"})])
    loop.run()
    assert notes == [("ear0", 0, "a"), ("keypad-1", 0, "b")]


def test_stop_breaks_off_what_is_sent_and_what_waits():
    """A device that loses power: the character on the wire is not heard, later ones are never sent."""
    loop, line, (ear, other), port = bus()
    line.apply(ear, [Send(b"abcdef"), Send(b"later", 20 * CHAR)])
    loop.call_at(2 * CHAR + CHAR // 2, line.apply, ear, [Stop()])
    loop.run()
    assert other.bytes == b"ab"
    assert port.bytes == b"ab"


@given(
    st.binary(min_size=1, max_size=40),
    st.binary(max_size=3),
    st.integers(0, 7),
    st.sampled_from(["half", "full"]),
)
@settings(max_examples=80)
def test_watching_changes_when_not_what(data, chars, after, duplex):
    """A watching device hears every character exactly once, in order, each stretch at its own instant, the watched
    characters at once."""
    loop = Loop()
    line = Line("l", loop, duplex=duplex)
    ear = line.attach(Ear(watch=Watch(chars, after)))
    line.transmit(line.master, data)
    loop.run()
    assert ear.bytes == data
    position = 0
    for now, part, first, last, _ in ear.heard:
        assert first == -(-position * 10 * 10**9 // 9600)
        position += len(part)
        assert now == last == -(-position * 10 * 10**9 // 9600)
        assert not set(part[:-1]) & set(chars)
        assert not after or len(part) <= after


def test_xoff_holds_the_port_at_a_character():
    """XOFF stops the port's end after the character in progress; XON lets the rest go; nothing is lost or doubled."""
    loop = Loop()
    line = Line("printer", loop, duplex="full")
    ear = line.attach(Ear())
    port = PortStub(line.settings, xonxoff=True)
    line.attach_port(port)
    line.transmit(line.master, bytes(range(65, 85)))
    loop.call_at(4 * CHAR, line.apply, ear, [Send(b"\x13")])
    loop.call_at(100 * CHAR, line.apply, ear, [Send(b"\x11")])
    loop.run(until=90 * CHAR)
    assert line.master.held
    assert len(ear.bytes) == 6
    assert line.unsent() == 14
    loop.run()
    assert ear.bytes == bytes(range(65, 85))
    assert line.unsent() == 0


def test_port_without_flow_control_is_not_held():
    """A port that has XON/XOFF off sends on."""
    loop = Loop()
    line = Line("printer", loop, duplex="full")
    ear = line.attach(Ear())
    line.attach_port(PortStub(line.settings))
    line.transmit(line.master, b"0123456789")
    line.apply(ear, [Send(b"\x13")])
    loop.run(until=12 * CHAR)
    assert ear.bytes == b"0123456789"


def test_taking_the_port_off_drops_its_output():
    """A closed port sends nothing more."""
    loop, line, (ear, _), _ = bus()
    line.transmit(line.master, b"0123456789")
    line.transmit(line.master, b"more")
    loop.call_at(3 * CHAR, line.attach_port, None)
    loop.run()
    assert ear.bytes == b"012"[: len(ear.bytes)]
    assert len(ear.bytes) in {2, 3}
    assert line.unsent() == 0


def test_every_burst_is_reported_once():
    """Sinks get each burst when it has ended, with who sent it."""
    loop, line, (ear, _), _ = bus()
    log = []
    line.on_burst(lambda *row: log.append(row))
    line.transmit(line.master, b"req")
    line.apply(ear, [Send(b"rep", 10 * CHAR)])
    loop.run()
    assert log == [
        (0, "bus", "port", b"req", 0, 3_125_000),
        (10 * CHAR, "bus", "ear0", b"rep", 0, 10 * CHAR + 3_125_000),
    ]
    assert line.busy_ns == 6_250_000


def test_an_effect_that_is_none_is_refused():
    """A device that returns something else is a mistake in the device, told with its name."""
    _, line, (ear, _), _ = bus()
    with pytest.raises(TypeError, match="ear0 returned 'nonsense'"):
        line.apply(ear, ["nonsense"])
