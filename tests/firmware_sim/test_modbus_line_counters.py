"""Diagnostic counters that tell the truth, listen-only mode and restart (FC 0x08, 0x0B)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.device import OVERRUN, PARITY
from modbus_rig import MS, Bank, Rig
from protocol.modbus.pdu import ModbusException, decode
from protocol.modbus.requests import (
    diagnostics,
    event_counter,
    mask_write,
    parse_reply,
    read_registers,
    write_register,
)
from protocol.modbus.rtu import seal

POLL = read_registers(1, 0x03, 0, 1)
OTHER = read_registers(2, 0x03, 0, 1)
BAD_CRC = POLL[:-1] + bytes((POLL[-1] ^ 0x80,))


def events(rig: Rig) -> tuple[int, ...]:
    return parse_reply(event_counter(1), rig.ask(event_counter(1))).values


def test_bus_messages_count_all_that_is_sound_on_the_bus():
    """0x0B: requests to anyone, broadcasts, replies of others (of this station or not); not its own, not bad frames."""
    rig = Rig((Bank("one"), 1), (Bank("two"), 2))
    rig.ask(POLL)  # 1: the request, not the reply to it
    rig.ask(OTHER)  # 2 and 3: the request and its reply
    rig.ask(read_registers(9, 0x03, 0, 1))  # 4
    rig.ask(seal(bytes.fromhex("09 03 02 00 00")))  # 5: a reply of another device
    rig.ask(write_register(0, 0, 1))  # 6
    rig.ask(BAD_CRC)
    assert rig.counter(0x0B) == 7  # its own request counts


def test_communication_errors():
    """0x0C: bad CRC, damaged characters, holes, frames too short and too long; each counts once, sound ones do not."""
    rig = Rig()
    rig.ask(POLL)
    rig.ask(BAD_CRC)
    rig.ask(POLL, {3: PARITY})
    rig.ask(b"\x01\x03")
    rig.ask(seal(bytes(300)))
    rig.put(POLL[:4], rig.now - rig.end)
    rig.put(POLL[4:], rig.line.t15 + 1)
    assert rig.counter(0x0C) == 5


def test_exceptions_busy_and_negative():
    """0x0D counts exceptions sent; 0x11 those with code 06, 0x10 those with code 07."""
    rig = Rig()
    rig.ask(read_registers(1, 0x03, 5000, 1))
    for code in (0x04, 0x06, 0x06, 0x07):
        rig.bank.refuse = code
        rig.ask(POLL)
    rig.ask(write_register(0, 0, 1))  # refused too, but nothing is sent
    assert [rig.counter(sub) for sub in (0x0D, 0x11, 0x10)] == [5, 2, 1]


def test_messages_addressed_and_unanswered():
    """0x0E: messages to it or to all that it processed; 0x0F: those of them without a reply."""
    rig = Rig((Bank("one"), 1), (Bank("two"), 2))
    rig.ask(POLL)
    rig.ask(OTHER)
    rig.ask(write_register(0, 0, 1))
    rig.ask(write_register(0, 5000, 1))
    assert rig.counter(0x0E) == 4
    assert rig.counter(0x0F) == 2


def test_character_overruns():
    """0x12: messages to it or to all that an overrun spoilt; 0x14 clears it; another's overrun is not its own."""
    rig = Rig((Bank("one"), 1), (Bank("two"), 2))
    rig.ask(POLL, {4: OVERRUN})
    rig.ask(OTHER, {4: OVERRUN})
    rig.ask(write_register(0, 0, 1), {7: OVERRUN | PARITY})
    rig.ask(POLL, {4: PARITY})
    assert [rig.counter(0x12, unit) for unit in (1, 2)] == [2, 2]
    request = diagnostics(1, 0x14)
    assert rig.ask(request) == request
    assert [rig.counter(0x12, unit) for unit in (1, 2)] == [0, 2]


def test_event_counter():
    """FC 0x0B: requests completed without exception; its own fetches and exceptions do not count; status 0000."""
    rig = Rig()
    rig.ask(POLL)
    rig.ask(read_registers(1, 0x03, 5000, 1))
    rig.ask(write_register(0, 0, 1))
    assert events(rig) == (0, 2)
    assert events(rig) == (0, 2)


def test_clearing():
    """0x0A sets every counter and the diagnostic register to zero, for this slave alone, and echoes."""
    rig = Rig((Bank("one"), 1), (Bank("two"), 2))
    rig.bank.diagnostic_register = 0x1234
    assert rig.counter(0x02) == 0x1234
    rig.ask(read_registers(1, 0x03, 5000, 1))
    rig.ask(BAD_CRC)
    rig.ask(write_register(0, 0, 1))
    rig.ask(POLL, {1: OVERRUN})
    assert rig.ask(diagnostics(1, 0x0A)) == diagnostics(1, 0x0A)
    assert events(rig) == (0, 0)
    # each question is itself a message to it: the first was the event counter
    assert [rig.counter(sub) for sub in (0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x12)] == [2, 0, 0, 5, 0, 0]
    assert rig.counter(0x02) == 0
    assert rig.counter(0x0C, 2) == 2


def test_counters_wrap():
    """A counter is 16 bits: 65535 is followed by 0."""
    rig = Rig()
    rig.line._heard.errors = 0xFFFF
    assert rig.counter(0x0C) == 0xFFFF
    rig.ask(BAD_CRC)
    assert rig.counter(0x0C) == 0


def test_listen_only():
    """0x04 has no reply; from then on nothing is done or answered but 0x01, which has no reply either."""
    rig = Rig()
    assert rig.ask(diagnostics(1, 0x04)) == b""
    for frame in (
        POLL,
        diagnostics(1, 0x0B),
        diagnostics(1, 0x0A),
        diagnostics(1, 0x01, 0x0001),
        write_register(1, 0, 5),
    ):
        assert rig.ask(frame) == b""
    rig.ask(write_register(0, 0, 7))
    assert rig.notes == []
    assert rig.ask(diagnostics(1, 0x01)) == b""
    assert rig.ask(POLL) == seal(bytes.fromhex("01 03 02 00 00"))
    assert rig.counter(0x0B) == 2  # counted anew since the restart


@pytest.mark.parametrize("data", [0x0000, 0xFF00])
def test_restart(data):
    """0x01 outside listen-only mode is answered, then the counters are zero."""
    rig = Rig()
    rig.ask(read_registers(1, 0x03, 5000, 1))
    rig.ask(BAD_CRC)
    request = diagnostics(1, 0x01, data)
    assert rig.ask(request) == request
    assert events(rig) == (0, 0)
    assert [rig.counter(sub) for sub in (0x0B, 0x0C, 0x0D, 0x0E)] == [2, 0, 0, 5]


def test_booting_clears_counts_and_listen_only():
    """A slave that was without supply counts from its start; what went by before is not counted; the others go on."""
    rig = Rig((Bank("one"), 1), (Bank("two"), 2))
    rig.ask(POLL)
    rig.ask(diagnostics(1, 0x04))
    rig.bank.silent_until = rig.now + 5000 * MS
    rig.apply(rig.line.relabel(rig.bank, ()))
    rig.ask(OTHER)
    rig.ask(BAD_CRC)
    rig.run(rig.bank.silent_until)
    assert rig.counter(0x0C) == 0
    assert rig.counter(0x0B) == 2
    assert rig.counter(0x0C, 2) == 1


def test_boot_is_noticed_without_being_told():
    """A slave that boots without an effect to show for it is noticed by the first request it does not hear."""
    rig = Rig()
    rig.ask(diagnostics(1, 0x04))
    rig.bank.silent_until = rig.now + 5000 * MS
    assert rig.ask(POLL) == b""
    rig.run(rig.bank.silent_until)
    assert rig.counter(0x0B) == 1


def test_booting_from_the_beginning():
    """A slave attached while it boots counts from the end of its boot."""
    slow = Bank("slow")
    slow.silent_until = 3000 * MS
    rig = Rig((slow, 1), (Bank("two"), 2))
    rig.ask(OTHER)
    rig.ask(BAD_CRC)
    rig.run(slow.silent_until)
    assert [rig.counter(sub) for sub in (0x0B, 0x0C)] == [1, 0]


@given(
    st.lists(
        st.sampled_from(
            [POLL, OTHER, BAD_CRC, write_register(1, 0, 1), write_register(0, 0, 1), write_register(1, 900, 1),
             mask_write(1, 0, 1, 2), seal(b"\x01\x42"), seal(b"\x01\x83\x02"), seal(b"\x05\x03\x00"), b"\x01", b"junk"]
        ),
        max_size=25,
    )
)  # fmt: skip
def test_counters_against_a_plain_count(frames):
    """Whatever goes by, the counters are what an onlooker counts from the frames and the replies alone."""
    rig = Rig((Bank("one"), 1), (Bank("two"), 2))
    messages = errors = exceptions = addressed = unanswered = completed = 0
    for frame in frames:
        reply = rig.ask(frame)
        if len(frame) < 4 or seal(frame[:-2]) != frame:
            errors += 1
            continue
        messages += 1 + (reply[:1] == b"\x02")
        if frame[0] in (0, 1):
            is_reply = frame[1] & 0x80
            addressed += not is_reply
            unanswered += not reply
            refused = reply[1:2] and reply[1] & 0x80
            exceptions += bool(refused)
            completed += not refused and not is_reply and _is_request(frame)
    assert [rig.counter(sub) for sub in (0x0B, 0x0C, 0x0D, 0x0E, 0x0F)] == [
        messages + 1,
        errors,
        exceptions,
        addressed + 4,
        unanswered,
    ]
    assert events(rig) == (0, completed + 5)


def _is_request(frame: bytes) -> bool:
    try:
        decode(frame[1:-2])
    except ModbusException:
        return False
    return True
