"""The station: cutting by silence, dispatch, the instant of the reply, and what keeps a slave silent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.burst import LineSettings
from firmware_sim.device import COLLISION, FRAMING, OVERRUN, PARITY, Alarm, Device, Modem, Note, Send, Stop
from firmware_sim.modbus_line import ModbusLine
from firmware_sim.modbus_slave import Slave, Table
from modbus_rig import MS, Bank, Rig
from protocol.modbus.pdu import FC
from protocol.modbus.requests import (
    parse_reply,
    read_bits,
    read_registers,
    write_register,
    write_registers,
)
from protocol.modbus.rtu import is_sound, seal

POLL = read_registers(1, 0x03, 0, 2)

LINES = ["9600 8N1", "9600 8E1", "1200 8N2", "19200 8E1", "38400 8N1", "115200 8N1"]


def test_is_a_device():
    """The station is what a line takes as a device."""
    assert isinstance(ModbusLine("bus", LineSettings()), Device)


# -- the instant of the reply -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("settings", LINES)
@pytest.mark.parametrize("turnaround", [0, 2 * MS, 30 * MS])
def test_reply_begins_at_turnaround(settings, turnaround):
    """A reply begins `turnaround` after the end of the request's last character, and never before t3.5."""
    rig = Rig(settings=LineSettings.parse(settings), turnaround=turnaround)
    rig.put(POLL)
    rig.run(rig.end + 1000 * MS)
    ((at, _),) = rig.sent
    assert at - rig.end == max(turnaround, rig.line.t35)


def test_reply_is_not_hurried_by_a_late_clock():
    """A driver that wakes the station late gets the reply at the promised instant, or at once when that is past."""
    for late, expected in ((0, 10 * MS), (2 * MS, 10 * MS), (50 * MS, 50 * MS)):
        station = Rig(turnaround=10 * MS).line
        (alarm,) = station.hear(100 * MS, POLL, 90 * MS, 100 * MS, None)
        now = max(alarm.at, 100 * MS + late)
        (send,) = station.wake(now, "")
        assert now + send.after == 100 * MS + expected


# -- cutting ----------------------------------------------------------------------------------------------------------
@st.composite
def splits(draw, frame):
    """A frame cut into pieces."""
    cuts = sorted(draw(st.sets(st.integers(1, len(frame) - 1), min_size=1, max_size=4)))
    return [frame[a:b] for a, b in zip([0, *cuts], [*cuts, len(frame)], strict=True)]


@given(st.sampled_from(LINES), st.data())
def test_any_split_with_short_gaps_is_the_frame(text, data):
    """However a frame is split, with no gap over t1.5 it is the same frame, answered once, at the same instant."""
    settings = LineSettings.parse(text)
    whole = Rig(settings=settings)
    frame = write_registers(1, 3, [1, 2, 3, 4, 5])
    pieces = data.draw(splits(frame))
    rig = Rig(settings=settings)
    for i, piece in enumerate(pieces):
        rig.put(piece, data.draw(st.integers(0, rig.line.t15)) if i else 0)
    rig.run(rig.end + 100 * MS)
    whole.put(frame)
    whole.run(whole.end + 100 * MS)
    assert [data for _, data in rig.sent] == [data for _, data in whole.sent]
    assert rig.sent[0][0] - rig.end == whole.sent[0][0] - whole.end
    assert rig.bank.tables[Table.HOLDING][3:8] == [1, 2, 3, 4, 5]


@given(st.sampled_from(LINES), st.data())
def test_a_hole_kills_the_frame(text, data):
    """One gap of more than t1.5 inside a frame, however long, makes it none: no reply, no effect, a counted error."""
    rig = Rig(settings=LineSettings.parse(text))
    frame = write_registers(1, 3, [1, 2, 3, 4, 5])
    pieces = data.draw(splits(frame))
    hole = data.draw(st.integers(1, len(pieces) - 1))
    for i, piece in enumerate(pieces):
        short = data.draw(st.integers(0, rig.line.t15)) if i else 0
        rig.put(piece, data.draw(st.integers(rig.line.t15 + 1, 3 * rig.line.t35)) if i == hole else short)
    rig.run(rig.end + 100 * MS)
    assert rig.sent == []
    assert not any(rig.bank.tables[Table.HOLDING])
    assert rig.counter(0x0C) >= 1


@pytest.mark.parametrize("settings", LINES)
def test_the_limit_of_a_hole(settings):
    """A gap of exactly t1.5 is allowed, one ns more is not."""
    for gap, answers in ((0, 1), (1, 0)):
        rig = Rig(settings=LineSettings.parse(settings))
        rig.put(POLL[:5])
        rig.put(POLL[5:], rig.line.t15 + gap)
        rig.run(rig.end + 100 * MS)
        assert len(rig.sent) == answers


def test_what_comes_after_the_frame_was_taken():
    """Characters less than t3.5 after a frame that was taken already belong to no frame, whatever they are."""
    station = Rig().line
    (alarm,) = station.hear(8 * MS, POLL, 0, 8 * MS, None)
    assert [type(effect) for effect in station.wake(alarm.at, "")] == [Send]
    (alarm,) = station.hear(20 * MS, POLL, 8 * MS + 1, 20 * MS, None)
    assert list(station.wake(alarm.at, "")) == []


def test_a_driver_that_never_wakes_it():
    """A frame whose alarm did not ring is answered when the next characters show that t3.5 had passed."""
    station = Rig().line
    station.hear(8 * MS, POLL, 0, 8 * MS, None)
    effects = station.hear(108 * MS, POLL, 100 * MS, 108 * MS, None)
    assert [type(effect) for effect in effects] == [Send, Alarm]


@given(st.sampled_from(LINES), st.binary(min_size=1, max_size=20), st.data())
def test_a_frame_needs_silence_before_it(text, noise, data):
    """After t3.5 of silence whatever went before is forgotten; with less, the characters are one (bad) frame."""
    settings = LineSettings.parse(text)
    rig = Rig(settings=settings)
    short = data.draw(st.integers(0, rig.line.t35 - 1))
    if is_sound(noise):
        return
    rig.put(noise)
    rig.put(POLL, short)
    rig.run(rig.end + 100 * MS)
    assert rig.sent == []
    rig = Rig(settings=settings)
    rig.put(noise)
    rig.put(POLL, rig.line.t35)
    rig.run(rig.end + 100 * MS)
    assert len(rig.sent) == 1


def test_frames_longer_than_256_characters():
    """A frame of 257 or more is none, whatever its CRC; the next one is answered, and memory does not grow with it."""
    rig = Rig()
    assert rig.ask(seal(bytes.fromhex("01 08 00 00") + bytes(250))) != b""
    assert rig.ask(seal(bytes.fromhex("01 08 00 00") + bytes(252))) == b""
    for _ in range(100):
        rig.put(bytes(100))
    assert len(rig.line._frame) <= 256 + 100
    assert rig.ask(POLL) != b""


@pytest.mark.parametrize("flaw", [PARITY, FRAMING, OVERRUN, COLLISION])
@given(st.integers(0, len(POLL) - 1))
def test_flaws_keep_it_silent(flaw, at):
    """One damaged character anywhere in a frame whose CRC is right keeps the slave silent; the next frame is heard."""
    rig = Rig()
    assert rig.ask(POLL, {at: flaw}) == b""
    assert rig.ask(POLL) != b""


def test_early_hearing_ends_with_the_frame():
    """The station wants each character at once only while a frame may go on; between frames whole bursts do."""
    rig = Rig()
    assert rig.line.watch is None
    rig.put(POLL[:3])
    assert rig.line.watch is not None
    rig.run(rig.end + 10 * MS)
    assert rig.line.watch is None


# -- who answers ------------------------------------------------------------------------------------------------------
def test_each_unit_answers_for_itself():
    """Of 32 slaves the one addressed answers, with its own address and data, and the others are not touched."""
    banks = [Bank(f"bank{unit}") for unit in range(1, 33)]
    rig = Rig(*((bank, unit) for unit, bank in enumerate(banks, 1)))
    for unit in range(1, 33):
        rig.ask(write_register(unit, 0, 1000 + unit))
    for unit, bank in enumerate(banks, 1):
        assert bank.tables[Table.HOLDING][0] == 1000 + unit
        request = read_registers(unit, 0x03, 0, 1)
        assert parse_reply(request, rig.ask(request)).values == (1000 + unit,)
    assert rig.ask(read_registers(33, 0x03, 0, 1)) == b""
    assert rig.line.slaves == tuple(banks)


def test_broadcast_is_obeyed_by_all_and_answered_by_none():
    """A broadcast write reaches every slave once, marked as broadcast; nobody replies, also when it is refused."""
    banks = [Bank(f"bank{unit}", size=unit * 10) for unit in (1, 2)]
    rig = Rig((banks[0], 1), (banks[1], 2))
    assert rig.ask(write_register(0, 15, 9)) == b""
    assert [bank.tables[Table.HOLDING][15:16] for bank in banks] == [[], [9]]
    assert [note.facts["broadcast"] for _, note in rig.notes] == [True]
    assert rig.ask(seal(bytes.fromhex("00 10 00 00 00 01 04 00 01 00 02"))) == b""


@pytest.mark.parametrize(
    "frame",
    [bytes((0, *POLL[1:-2])), bytes.fromhex("00 08 00 0A 00 00"), bytes.fromhex("00 2B 0E 01 00"), b"\x00\x42"],
)
def test_broadcast_of_what_needs_an_answer_is_ignored(frame):
    """Reads, diagnostics and unknown functions to unit 0 do nothing and get no reply."""
    rig = Rig()
    rig.ask(POLL)
    assert rig.ask(seal(frame)) == b""
    assert rig.counter(0x0B) == 3


def test_replies_are_never_requests():
    """A frame in the form of an exception reply, under our own address, is not answered."""
    rig = Rig()
    assert rig.ask(seal(bytes.fromhex("01 83 02"))) == b""
    assert rig.ask(POLL) != b""


def test_address_conflict():
    """Two slaves under one address both act, and their replies overlap on the line as a wired AND."""
    one, two = Bank("one"), Bank("two")
    rig = Rig((one, 5), (two, 5))
    request = write_register(5, 3, 7)
    assert rig.ask(request) == request  # equal replies are legible
    assert one.tables[Table.HOLDING][3] == two.tables[Table.HOLDING][3] == 7
    one.tables[Table.HOLDING][3] = 0x0F0F
    two.tables[Table.HOLDING][3] = 0x3355
    read = read_registers(5, 0x03, 3, 1)
    garbled = rig.ask(read)
    assert garbled[:5] == bytes.fromhex("05 03 02 03 05")
    assert not is_sound(garbled)
    two.tables[Table.HOLDING] = [0]
    assert len(rig.ask(read)) == 7  # a reply of 5 over one of 7: the longer one's end is alone on the line


def test_two_slaves_of_one_name_are_refused():
    """A history must be able to tell slaves apart."""
    station = Rig((Bank("same"), 1)).line
    with pytest.raises(ValueError, match="same"):
        station.attach(Bank("same"), 2)


@pytest.mark.parametrize("unit", [0, 256, -1])
def test_no_such_address(unit):
    """An address is 1..255."""
    with pytest.raises(ValueError, match="address"):
        ModbusLine("bus", LineSettings()).attach(Bank(), unit)


def test_impossible_slaves_are_refused():
    """A slave that could not answer what it says it supports is refused when it is attached, with the reason."""

    def with_(**attributes):
        slave = Bank()
        for name, value in attributes.items():
            setattr(slave, name, value)
        return slave

    station = ModbusLine("bus", LineSettings())
    for slave, why in (
        (with_(functions=frozenset({0x03, 0x14})), "0x14"),
        (with_(identity={0: b"", 1: b""}), "objects 0, 1 and 2"),
        (with_(identity={0: b"", 1: b"", 2: bytes(245)}), "does not fit"),
        (with_(server_id=bytes(250)), "does not fit"),
    ):
        with pytest.raises(ValueError, match=why):
            station.attach(slave, 1)
    assert station.slaves == ()


# -- slaves that boot, move, and act on their own ---------------------------------------------------------------------
def test_booting_slave_is_silent():
    """A slave hears nothing that began before the end of its boot; others on the line are not affected."""
    one, two = Bank("one"), Bank("two")
    rig = Rig((one, 1), (two, 2))
    rig.ask(POLL)
    one.silent_until = rig.now + 5000 * MS
    assert rig.ask(POLL) == b""
    assert rig.ask(write_register(0, 1, 9)) == b""
    assert (one.tables[Table.HOLDING][1], two.tables[Table.HOLDING][1]) == (0, 9)
    assert rig.ask(read_registers(2, 0x03, 0, 1)) != b""
    rig.run(one.silent_until - 1)
    rig.put(POLL, rig.now - rig.end)  # its first bit is 1 ns too early
    rig.run(rig.end + 100 * MS)
    assert rig.ask(POLL) != b""
    assert len(rig.sent) == 3


class Configurable(Bank):
    """Register 0 is its address, register 1 asks for a reboot of a second; both act after the reply."""

    def after_reply(self, now):
        settings = self.tables[Table.HOLDING]
        if settings[0]:
            self.unit = settings[0]
        if settings[1]:
            settings[1] = 0
            self.silent_until = now + 1000 * MS
            return (Stop(), Note("boot", {}), Alarm(now + 1000 * MS, "up"))
        return ()

    def wake(self, now, tag):
        return (Note("woken", {"tag": tag}),)


def test_settings_act_after_the_reply():
    """A new address: the reply still comes from the old one; after its last character the new one answers."""
    slave = Configurable("panel")
    rig = Rig((slave, 1), (Bank("other"), 2))
    request = write_register(1, 0, 9)
    assert rig.ask(request) == request
    assert slave.unit == 9
    assert rig.ask(POLL) == b""
    assert rig.ask(read_registers(9, 0x03, 0, 1))[:1] == b"\x09"
    assert rig.ask(read_registers(2, 0x03, 0, 1))[:1] == b"\x02"


def test_reboot_waits_for_the_end_of_the_reply():
    """A reboot begins exactly when the reply's last character is out."""
    slave = Configurable("panel")
    rig = Rig((slave, 1))
    rig.put(write_register(1, 1, 1))
    rig.run(rig.end + 100 * MS)
    ((begins, reply),) = rig.sent
    boot = next(at for at, note in rig.notes if note.kind == "boot")
    assert boot == begins + rig.settings.duration(len(reply))
    assert rig.stops == 1
    assert rig.ask(POLL) == b""
    rig.run(slave.silent_until)
    assert rig.ask(POLL) != b""
    assert [note.facts["tag"] for _, note in rig.notes if note.kind == "woken"] == ["up"]


def test_settings_by_broadcast_act_at_once():
    """A broadcast has no reply to wait for."""
    slave = Configurable("panel")
    rig = Rig((slave, 1))
    rig.ask(write_register(0, 0, 7))
    assert slave.unit == 7


def test_refused_write_has_no_consequence():
    """`after_reply` follows no exception."""

    class Counting(Bank):
        calls = 0

        def after_reply(self, now):
            self.calls += 1
            return ()

    slave = Counting()
    rig = Rig((slave, 1))
    rig.ask(write_register(1, 5000, 1))
    rig.ask(POLL)
    assert slave.calls == 0
    rig.ask(write_register(1, 5, 1))
    assert slave.calls == 1


def test_other_settings_are_deaf():
    """A slave whose line settings differ from the line's is silent until they agree again."""
    slave = Bank()
    rig = Rig((slave, 1))
    slave.settings = LineSettings.parse("19200 8E1")
    assert rig.ask(POLL) == b""
    slave.settings = LineSettings.parse("9600 8N1")
    assert rig.ask(POLL) != b""


def test_effects_of_slaves_are_told_apart():
    """Notes carry the slave's name, alarms come back to the slave that set them with its own tag, whatever it holds."""

    class Clock(Bank):
        woken: tuple[str, ...] = ()

        def wake(self, now, tag):
            self.woken = (*self.woken, tag)
            return ()

    one, two = Clock("one"), Clock("two")
    rig = Rig((one, 1), (two, 1))
    rig.apply(rig.line.relabel(one, [Alarm(10, "tick:1"), Note("press", {"value": 3})]))
    rig.apply(rig.line.relabel(two, [Alarm(10, "tick:1"), Alarm(11, ""), Modem(cts=True)][:2]))
    rig.run(100)
    assert (one.woken, two.woken) == (("tick:1",), ("tick:1", ""))
    assert rig.notes[0][1] == Note("press", {"device": "one", "value": 3})
    assert rig.line.relabel(one, [Modem(cts=True)]) == [Modem(cts=True)]


def test_a_slave_never_sends_unasked():
    """A slave that wants to send on its own is a mistake in the model, and said so."""
    rig = Rig((Bank("chatty"), 1))
    with pytest.raises(TypeError, match="chatty"):
        rig.line.relabel(rig.bank, [Send(b"hello")])


def test_unplugging_cuts_only_its_own_reply():
    """A slave that loses its supply stops the line's sending only when it is the one that sends."""
    one, two = Bank("one"), Bank("two")
    rig = Rig((one, 1), (two, 2))
    rig.ask(POLL)
    assert Stop() in rig.line.relabel(one, [Stop()])
    assert Stop() not in rig.line.relabel(two, [Stop()])


def test_unplugging_forgets_what_should_follow_the_reply():
    """Settings that wait for the end of a reply die with the supply."""
    slave = Configurable("panel")
    rig = Rig((slave, 1))
    rig.put(write_register(1, 0, 9))
    rig.run(rig.end + rig.line.turnaround)
    rig.apply(rig.line.relabel(slave, [Stop()]))
    rig.run(rig.now + 1000 * MS)
    assert slave.unit == 1


# -- what slaves say --------------------------------------------------------------------------------------------------
def test_wrong_models_are_named():
    """A slave that reads back the wrong number of values, or none that fit, is named in the error."""

    class Wrong(Bank):
        def read(self, now, table, start, count):
            return [70000] if table is Table.HOLDING else [0]

    for request in (read_registers(1, 0x03, 0, 1), read_registers(1, 0x04, 0, 2), read_bits(1, 0x01, 0, 9)):
        with pytest.raises(ValueError, match="liar"):
            Rig((Wrong("liar"), 1)).ask(request)


def test_the_base_holds_nothing():
    """A bare `Slave` answers 01 for data functions, 02 when told to support them, and its identification."""
    rig = Rig((Slave(), 1))
    assert rig.ask(POLL) == seal(bytes.fromhex("01 83 01"))
    bare = Slave()
    bare.functions = Slave.functions | {FC.READ_HOLDING, FC.WRITE_REGISTER, FC.READ_FIFO}
    rig = Rig((bare, 1))
    assert rig.ask(POLL) == seal(bytes.fromhex("01 83 02"))
    assert rig.ask(write_register(1, 0, 0)) == seal(bytes.fromhex("01 86 02"))
    assert rig.ask(seal(bytes.fromhex("01 18 00 00"))) == seal(bytes.fromhex("01 98 02"))
    assert rig.ask(seal(bytes.fromhex("01 2B 0E 01 00"))) != b""
