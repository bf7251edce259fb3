"""An independent implementation reads what is built here, and what it builds is read here: pymodbus as a codec.

Its framer is used for frames; where it cannot cut a frame right the PDU is given to it directly, and the test says so.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse
from pymodbus.pdu import bit_message as bits_
from pymodbus.pdu import diag_message as diag
from pymodbus.pdu import file_message as file_
from pymodbus.pdu import mei_message as mei
from pymodbus.pdu import other_message as other
from pymodbus.pdu import register_message as regs

from modbus_rig import Bank, Rig
from protocol.modbus import requests as rq
from protocol.modbus.pdu import Table, decode
from protocol.modbus.requests import device_objects, parse_reply
from protocol.modbus.rtu import is_sound, seal

# pymodbus makes its CRC table in its serial transport; a framer used alone needs it made.
FramerRTU.crc16_table = FramerRTU.generate_crc16_table()
AS_SERVER = FramerRTU(DecodePDU(True))
AS_CLIENT = FramerRTU(DecodePDU(False))

words = st.integers(0, 0xFFFF)
units = st.integers(1, 247)
starts = st.integers(0, 0xF800)
registers = st.lists(words, min_size=1, max_size=121)
coils = st.lists(st.booleans(), min_size=1, max_size=1000)

REQUESTS = {
    "read coils": st.builds(
        lambda u, a, n: (rq.read_bits(u, 1, a, n), bits_.ReadCoilsRequest(dev_id=u, address=a, count=n)),
        units,
        starts,
        st.integers(1, 2000),
    ),
    "read discretes": st.builds(
        lambda u, a, n: (rq.read_bits(u, 2, a, n), bits_.ReadDiscreteInputsRequest(dev_id=u, address=a, count=n)),
        units,
        starts,
        st.integers(1, 2000),
    ),
    "read holding": st.builds(
        lambda u, a, n: (rq.read_registers(u, 3, a, n), regs.ReadHoldingRegistersRequest(u, address=a, count=n)),
        units,
        starts,
        st.integers(1, 125),
    ),
    "read inputs": st.builds(
        lambda u, a, n: (rq.read_registers(u, 4, a, n), regs.ReadInputRegistersRequest(u, address=a, count=n)),
        units,
        starts,
        st.integers(1, 125),
    ),
    "write coil": st.builds(
        lambda u, a, on: (rq.write_bit(u, a, on), bits_.WriteSingleCoilRequest(dev_id=u, address=a, bits=[on])),
        units,
        starts,
        st.booleans(),
    ),
    "write register": st.builds(
        lambda u, a, v: (rq.write_register(u, a, v), regs.WriteSingleRegisterRequest(u, address=a, registers=[v])),
        units,
        starts,
        words,
    ),
    "write coils": st.builds(
        lambda u, a, v: (rq.write_bits(u, a, v), bits_.WriteMultipleCoilsRequest(dev_id=u, address=a, bits=v)),
        units,
        starts,
        coils,
    ),
    "write registers": st.builds(
        lambda u, a, v: (rq.write_registers(u, a, v), regs.WriteMultipleRegistersRequest(u, address=a, registers=v)),
        units,
        starts,
        registers,
    ),
    "mask write": st.builds(
        lambda u, a, m, n: (rq.mask_write(u, a, m, n), regs.MaskWriteRegisterRequest(a, m, n, u)),
        units,
        starts,
        words,
        words,
    ),
    "read write": st.builds(
        lambda u, a, n, b, v: (
            rq.read_write(u, a, n, b, v),
            regs.ReadWriteMultipleRegistersRequest(a, n, b, v, u),
        ),
        units,
        starts,
        st.integers(1, 125),
        starts,
        registers,
    ),
    "read fifo": st.builds(lambda u, a: (rq.read_fifo(u, a), file_.ReadFifoQueueRequest(a, u)), units, starts),
    "loopback": st.builds(
        lambda u, v: (rq.diagnostics(u, 0, v), diag.ReturnQueryDataRequest(v.to_bytes(2, "big"), u)), units, words
    ),
    "device id": st.builds(
        lambda u, c, o: (rq.device_id(u, c, o), mei.ReadDeviceInformationRequest(c, o, u)),
        units,
        st.integers(1, 4),
        st.integers(0, 255),
    ),
    "event counter": st.builds(lambda u: (rq.event_counter(u), other.GetCommEventCounterRequest(dev_id=u)), units),
    "server id": st.builds(lambda u: (rq.server_id(u), other.ReportDeviceIdRequest(dev_id=u)), units),
    **{
        f"diagnostics {kind.sub_function_code:02X}": st.builds(
            lambda u, kind=kind: (rq.diagnostics(u, kind.sub_function_code), kind(0, u)), units
        )
        for kind in (
            diag.ReturnDiagnosticRegisterRequest,
            diag.ClearCountersRequest,
            diag.ReturnBusMessageCountRequest,
            diag.ReturnBusCommunicationErrorCountRequest,
            diag.ReturnBusExceptionErrorCountRequest,
            diag.ReturnDeviceMessageCountRequest,
            diag.ReturnDeviceNoResponseCountRequest,
            diag.ReturnDeviceNAKCountRequest,
            diag.ReturnDeviceBusyCountRequest,
            diag.ReturnDeviceBusCharacterOverrunCountRequest,
            diag.ClearOverrunCountRequest,
        )
    },
}


@pytest.mark.parametrize("kind", REQUESTS)
@given(data=st.data())
def test_requests(kind, data):
    """A request built here is the frame pymodbus builds; its server decodes it, and ours reads its frame."""
    ours, theirs = data.draw(REQUESTS[kind])
    assert ours == AS_SERVER.buildFrame(theirs)
    used, seen = AS_SERVER.handleFrame(ours, 0, 0)
    assert (used, type(seen)) == (len(ours), type(theirs))
    assert AS_SERVER.buildFrame(seen) == ours
    decode(ours[1:-2])


def ask(rig: Rig, request: bytes) -> bytes:
    frame = rig.ask(request)
    assert is_sound(frame)
    return frame


def read_by_pymodbus(frame: bytes):
    """A reply as pymodbus' client decodes it from the frame."""
    used, seen = AS_CLIENT.handleFrame(frame, 0, 0)
    assert used == len(frame)
    assert seen is not None
    assert seen.dev_id == frame[0]
    return seen


def rig_with(**tables: list[int]) -> Rig:
    bank = Bank(size=2000)
    for name, values in tables.items():
        bank.tables[Table(name)][: len(values)] = values
    return Rig((bank, 17))


@given(st.lists(words, min_size=1, max_size=125), st.sampled_from([3, 4]))
def test_register_replies(values, fc):
    """Registers read from the station arrive in pymodbus' client as they are; its reply is read here."""
    rig = rig_with(holding=values, inputs=values)
    request = rq.read_registers(17, fc, 0, len(values))
    frame = ask(rig, request)
    seen = read_by_pymodbus(frame)
    assert seen.registers == values
    kind = regs.ReadHoldingRegistersResponse if fc == 3 else regs.ReadInputRegistersResponse
    theirs = AS_SERVER.buildFrame(kind(17, registers=values))
    assert theirs == frame
    assert parse_reply(request, theirs).values == tuple(values)


@given(coils, st.sampled_from([1, 2]))
def test_bit_replies(values, fc):
    """Bits read from the station arrive in pymodbus' client as they are; its reply is read here."""
    rig = rig_with(coils=list(map(int, values)), discretes=list(map(int, values)))
    request = rq.read_bits(17, fc, 0, len(values))
    frame = ask(rig, request)
    assert read_by_pymodbus(frame).bits[: len(values)] == values
    kind = bits_.ReadCoilsResponse if fc == 1 else bits_.ReadDiscreteInputsResponse
    theirs = AS_SERVER.buildFrame(kind(dev_id=17, bits=values))
    assert theirs == frame
    assert parse_reply(request, theirs).values == tuple(map(int, values))


@given(registers, st.booleans(), words, words)
def test_write_replies(values, on, and_mask, or_mask):
    """Echoes of every write are decoded by pymodbus' client, and its own echoes are read here."""
    rig = rig_with()
    bits = [value & 1 for value in values]
    for request, theirs in (
        (rq.write_bit(17, 5, on), bits_.WriteSingleCoilResponse(dev_id=17, address=5, bits=[on])),
        (rq.write_register(17, 5, values[0]), regs.WriteSingleRegisterResponse(17, address=5, registers=values[:1])),
        (rq.write_bits(17, 5, bits), bits_.WriteMultipleCoilsResponse(dev_id=17, address=5, count=len(bits))),
        (rq.write_registers(17, 5, values), regs.WriteMultipleRegistersResponse(17, address=5, count=len(values))),
        (rq.mask_write(17, 5, and_mask, or_mask), regs.MaskWriteRegisterResponse(5, and_mask, or_mask, 17)),
    ):
        frame = ask(rig, request)
        assert frame == AS_SERVER.buildFrame(theirs)
        assert type(read_by_pymodbus(frame)) is type(theirs)
        assert parse_reply(request, frame).exception is None
    # The last write masked the first register: (value AND and) OR (or AND NOT and).
    assert rig.bank.tables[Table.HOLDING][5] == (values[0] & and_mask) | (or_mask & ~and_mask & 0xFFFF)


@given(registers, registers)
def test_read_write_reply(values, written):
    """FC 0x17 writes first: pymodbus' client sees the registers as they are after the write."""
    rig = rig_with(holding=values)
    frame = ask(rig, rq.read_write(17, 0, len(values), 0, written))
    assert read_by_pymodbus(frame).registers == (written + values[len(written) :])[: len(values)]


@given(st.lists(words, max_size=31))
def test_fifo_reply(queue):
    """A queue's reply is the one pymodbus builds and decodes.

    Its client computes the frame two characters short, so it is given the PDU and not the frame.
    """
    rig = rig_with()
    rig.bank.queue = queue
    request = rq.read_fifo(17, 0x04DE)
    frame = ask(rig, request)
    assert frame == AS_SERVER.buildFrame(file_.ReadFifoQueueResponse(queue, 17))
    assert DecodePDU(False).decode(frame[1:-2]).values == queue
    assert parse_reply(request, frame).values == tuple(queue)


def test_diagnostic_replies():
    """Loopback, counters, event counter, server id and identification are decoded by pymodbus' client."""
    rig = rig_with()
    assert read_by_pymodbus(ask(rig, rq.diagnostics(17, 0, 0xA537))).message == b"\xa5\x37"
    assert read_by_pymodbus(ask(rig, rq.diagnostics(17, 0x0B))).message == 2
    assert read_by_pymodbus(ask(rig, rq.event_counter(17))).count == 2
    assert read_by_pymodbus(ask(rig, rq.server_id(17))).identifier == b"hallbench"
    told = read_by_pymodbus(ask(rig, rq.device_id(17)))
    assert told.information == {0: b"hallbench", 1: b"SLAVE", 2: b"1.0"}
    assert (told.conformity, told.more_follows) == (0x81, 0)


@given(st.dictionaries(st.integers(0, 255), st.binary(max_size=60), min_size=1, max_size=3))
def test_identification_built_by_pymodbus(objects):
    """An identification that pymodbus builds is read here, object by object."""
    frame = AS_SERVER.buildFrame(mei.ReadDeviceInformationResponse(1, objects, 17))
    assert device_objects(parse_reply(rq.device_id(17), frame)).objects == objects


@given(st.sampled_from([1, 2, 3, 4, 5, 6, 0x0F, 0x10, 0x16, 0x17, 0x18, 8, 0x0B, 0x11, 0x2B]), st.integers(1, 11))
def test_exception_replies(function, code):
    """Exceptions have the same form on both sides."""
    theirs = AS_SERVER.buildFrame(ExceptionResponse(function, code, device_id=17))
    request = seal(bytes((17, function)) + bytes(6))
    assert parse_reply(request, theirs).exception == code
    assert read_by_pymodbus(theirs).exception_code == code
