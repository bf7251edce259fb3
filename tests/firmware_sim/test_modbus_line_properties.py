"""Whatever goes by on the line: the station does not fall, and says nothing or one sound frame of its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.burst import LineSettings
from firmware_sim.device import Send
from firmware_sim.line import Line
from firmware_sim.modbus_line import ModbusLine
from firmware_sim.modbus_server import FUNCTIONS
from modbus_rig import MS, Bank, Rig
from protocol.modbus.requests import parse_reply, read_registers, write_registers
from protocol.modbus.rtu import is_sound, reply_length, seal
from timers import Ear, Loop, PortStub

UNITS = (1, 2, 9, 247)
POLL = read_registers(9, 0x04, 0, 4)

nearly_requests = st.tuples(
    st.sampled_from((0, *UNITS, 77)), st.sampled_from(sorted(FUNCTIONS)), st.binary(max_size=30)
).map(lambda parts: seal(bytes(parts[:2]) + parts[2]))
edges = st.sampled_from([0, 1, 2, 100, 199, 200, 0x04DE, 0xFF00, 0xFFFF]).map(lambda word: word.to_bytes(2, "big"))
likely_requests = st.tuples(
    st.sampled_from((0, *UNITS)), st.sampled_from(sorted(FUNCTIONS)), st.lists(edges, max_size=5)
).map(lambda parts: seal(bytes(parts[:2]) + b"".join(parts[2])))
anything = st.one_of(st.binary(min_size=1, max_size=300), nearly_requests, likely_requests)


def station() -> Rig:
    return Rig(*((Bank(f"bank{unit}"), unit) for unit in UNITS))


@given(anything)
def test_silence_or_a_sound_reply(frame):
    """Any characters: no error, and silence or one sound frame of foreseen length from the unit that was asked."""
    reply = station().ask(frame)
    if reply:
        assert is_sound(reply)
        assert reply[0] == frame[0]
        assert reply[1] & 0x7F == frame[1]
        assert frame[0] in UNITS
        assert is_sound(frame)
        if frame[1] != 0x08:  # a loopback is as long as it was
            assert reply_length(reply) == len(reply)


@given(st.lists(st.tuples(anything, st.integers(0, 6 * MS), st.integers(0, 3))), st.integers(0, 20))
def test_any_traffic_is_forgotten_after_t35(traffic, flawed):
    """After any bursts with any gaps and damage, t3.5 of silence is enough for the next poll to be answered."""
    rig = station()
    for i, (frame, gap, flaw) in enumerate(traffic):
        rig.put(frame, gap, {0: flaw} if flaw and i == flawed else None)
    before = len(rig.sent)
    rig.put(POLL, rig.line.t35)
    rig.run(rig.end + 100 * MS)
    answers = [data for _, data in rig.sent[before:] if data[0] == POLL[0] and data[1] & 0x7F == 0x04]
    # Forced into listen-only mode by chance it would be silent, but not deaf: that takes one exact frame.
    if not any(frame[1:4] == b"\x08\x00\x04" for frame, _, _ in traffic):
        assert len(answers) >= 1
        assert parse_reply(POLL, answers[-1]).values == (0, 0, 0, 0)


@given(anything, st.data())
def test_only_what_was_heard_matters(frame, data):
    """Heard whole or in pieces back to back, at any cuts, the answer and its instant are the same."""
    cuts = sorted(data.draw(st.sets(st.integers(1, max(len(frame) - 1, 1)), max_size=5)) - {len(frame)})
    rigs = station(), station()
    rigs[0].put(frame)
    for a, b in zip([0, *cuts], [*cuts, len(frame)], strict=True):
        rigs[1].put(frame[a:b])
    for rig in rigs:
        rig.run(1000 * MS)
    (whole, pieces) = ([data for _, data in rig.sent] for rig in rigs)
    assert whole == pieces
    for (at, _), (at2, _) in zip(rigs[0].sent, rigs[1].sent, strict=True):
        assert abs(at - at2) <= len(cuts)  # each burst's end is rounded up to a ns of its own


@given(st.sampled_from(["9600 8N1", "19200 8E1", "115200 8N1"]), st.lists(st.integers(1, 12), max_size=3), st.data())
def test_on_a_real_line(text, cuts, data):
    """On a line: however the request is split, the reply begins at the turnaround after its last character."""
    settings = LineSettings.parse(text)
    loop = Loop()
    line = Line("bus", loop, settings)
    slaves = ModbusLine("bus", settings, turnaround=5 * MS)
    slaves.attach(Bank(), 1)
    line.attach(slaves)
    onlooker = Ear("onlooker")
    line.attach(onlooker)
    port = PortStub(settings)
    line.attach_port(port)
    frame = write_registers(1, 3, [1, 2, 3])
    places = sorted({cut for cut in cuts if cut < len(frame)})
    at = 0
    for a, b in zip([0, *places], [*places, len(frame)], strict=True):
        at += data.draw(st.integers(0, slaves.t15)) if a else 0
        loop.call_at(at, line.transmit, line.master, frame[a:b])
        at += settings.duration(b - a)
    loop.run()
    assert port.bytes == seal(frame[:6])
    assert port.bursts[0].start == at + max(5 * MS, slaves.t35)


def test_foreign_replies_on_a_real_line():
    """Another device on the same line answers its own polls; the station hears both and answers its own, no others."""

    class Foreigner(Ear):
        def hear(self, now, data, first, last, flaws):
            super().hear(now, data, first, last, flaws)
            return (Send(seal(bytes.fromhex("33 10 00 70 00 02")), 8 * MS),) if data[0] == 0x33 else ()

    loop = Loop()
    line = Line("bus", loop)
    slaves = ModbusLine("bus", line.settings)
    slaves.attach(Bank(), 1)
    line.attach(slaves)
    line.attach(Foreigner("foreigner"))
    port = PortStub(line.settings)
    line.attach_port(port)
    poll = read_registers(1, 0x03, 0, 1)
    for i in range(6):
        loop.call_at(i * 200 * MS, line.transmit, line.master, write_registers(0x33, 0x70, [1, 2]))
        loop.call_at((i * 200 + 100) * MS, line.transmit, line.master, poll)
    loop.run()
    assert [burst.data[0] for burst in port.bursts] == [0x33, 1] * 6
