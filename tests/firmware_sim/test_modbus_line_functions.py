"""Every function through the station: the frames of protocols.md 1.3, the work, and the order of checks of 1.2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.modbus_slave import Table
from modbus_rig import Bank, Rig
from protocol.modbus import requests as rq
from protocol.modbus.pdu import FC
from protocol.modbus.requests import device_objects, parse_reply
from protocol.modbus.rtu import is_sound, seal


def prepared() -> Rig:
    bank = Bank(size=0x100)
    bank.tables[Table.HOLDING][1] = 5
    bank.queue = [0x01B8, 0x1284]
    return Rig((bank, 1))


VECTORS = [
    ("01 03 00 00 00 02 C4 0B", "01 03 04 00 00 00 05 3A 30"),
    ("01 06 00 00 00 7B C9 E9", "01 06 00 00 00 7B C9 E9"),
    ("01 10 00 70 00 02 04 41 30 30 31 35 6C", "01 10 00 70 00 02 40 13"),
    ("01 18 04 DE 03 47", "01 18 00 06 00 02 01 B8 12 84 19 18"),
    ("01 08 00 00 A5 37 DA 8D", "01 08 00 00 A5 37 DA 8D"),
    ("01 08 00 04 00 00 A1 CA", ""),
    ("00 06 00 24 00 01 09 D0", ""),
]


@pytest.mark.parametrize(("request_", "reply"), VECTORS)
def test_vectors(request_, reply):
    """Each request of protocols.md 1.3 gets the reply given there."""
    assert prepared().ask(bytes.fromhex(request_)) == bytes.fromhex(reply)


def test_vectors_of_state():
    """An empty queue, a count of 42 messages, and the exceptions of protocols.md 1.3."""
    rig = prepared()
    rig.bank.queue = []
    assert rig.ask(bytes.fromhex("01 18 04 DE 03 47")) == bytes.fromhex("01 18 00 02 00 00 80 08")
    while rig.line._heard.messages < 41:
        rig.ask(rq.read_registers(9, 0x03, 0, 1))
    assert rig.ask(bytes.fromhex("01 08 00 0B 00 00 91 C9")) != b""
    fresh = prepared()
    for _ in range(41):
        fresh.ask(rq.read_registers(9, 0x03, 0, 1))
    assert fresh.ask(bytes.fromhex("01 08 00 0B 00 00 91 C9")) == bytes.fromhex("01 08 00 0B 00 2A 10 16")
    assert rig.ask(rq.read_registers(1, 0x03, 0x100, 1)) == bytes.fromhex("01 83 02 C0 F1")
    rig.bank.functions = frozenset({FC.READ_HOLDING})
    assert rig.ask(bytes.fromhex("01 18 04 DE 03 47")) == bytes.fromhex("01 98 01 8A 00")


# -- order of checks --------------------------------------------------------------------------------------------------
PLAIN = [
    # (a request whose quantity or value is wrong and whose range is too, body without unit)
    "01 FFFF 0000", "02 FFFF 07D1", "03 FFFF 007E", "04 FFFF 0000", "05 FFFF 1234", "0F FFFF 0009 01 00",
    "10 FFFF 0002 02 0000", "17 FFFF 0000 FFFF 0001 02 0000", "2B 0E 05 77",
]  # fmt: skip
OUT_OF_RANGE = [
    "01 00FF 0002", "02 FFFF 0002", "03 00FF 0002", "04 0100 0001", "05 0100 FF00", "06 0100 0000",
    "0F 00F9 0008 01 00", "10 00FF 0002 04 0000 0000", "16 0100 0000 0000", "17 00FF 0002 0000 0001 02 0000",
    "17 0000 0001 00FF 0002 04 0000 0000", "18 04DF", "2B 0E 04 77",
]  # fmt: skip
IN_RANGE = [
    "01 00F8 0008", "02 0000 0100", "03 00FE 0002", "04 00FF 0001", "05 00FF FF00", "06 00FF 0000",
    "0F 00F8 0008 01 00", "10 00FE 0002 04 0000 0000", "16 00FF 0000 0000", "17 00FE 0002 00FF 0001 02 0000",
    "18 04DE", "2B 0E 04 02", "0B", "11", "08 0000 1234",
]  # fmt: skip
READ_OR_WRITE = [body for body in IN_RANGE if body[:2] not in ("2B", "0B", "11", "08")]


def refused(rig: Rig, body: str) -> int | None:
    frame = seal(bytes.fromhex("01" + body))
    return parse_reply(frame, rig.ask(frame)).exception


@pytest.mark.parametrize("body", PLAIN + OUT_OF_RANGE + IN_RANGE)
def test_function_comes_first(body):
    """A function that is not supported is refused with 01, however wrong or right the rest is."""
    rig = prepared()
    rig.bank.functions = frozenset()
    rig.bank.refuse = 0x04
    assert refused(rig, body) == 0x01


@pytest.mark.parametrize("body", PLAIN)
def test_quantity_comes_before_range(body):
    """A wrong quantity, value or byte count is refused with 03 also where the range is wrong, and the work would be."""
    rig = prepared()
    rig.bank.refuse = 0x04
    assert refused(rig, body) == 0x03


@pytest.mark.parametrize("body", OUT_OF_RANGE)
def test_range_comes_before_work(body):
    """An address, or an end, outside what is held is refused with 02; a start inside does not excuse the end."""
    rig = prepared()
    if body[:2] != "18":  # a queue's address is checked by the slave itself
        rig.bank.refuse = 0x04
    assert refused(rig, body) == 0x02


@pytest.mark.parametrize("body", IN_RANGE)
def test_last_addresses_are_served(body):
    """What ends exactly at the end of the table is served."""
    assert refused(prepared(), body) is None


@pytest.mark.parametrize("code", [0x04, 0x05, 0x06, 0x07])
@pytest.mark.parametrize("body", READ_OR_WRITE)
def test_work_refuses_last(body, code):
    """What the slave itself refuses is told with its code, and nothing has changed."""
    rig = prepared()
    before = {table: list(values) for table, values in rig.bank.tables.items()}
    rig.bank.refuse = code
    assert refused(rig, body) == code
    assert rig.bank.tables == before
    assert rig.notes == []


@given(st.integers(0, 0x7F))
def test_no_function_is_unanswered(function):
    """Each function code 00..7F under our address is answered: by 01 when it is not known."""
    rig = prepared()
    frame = rig.ask(seal(bytes((1, function))))
    assert is_sound(frame)
    if function not in rig.bank.functions:
        assert frame == seal(bytes((1, function | 0x80, 0x01)))


@pytest.mark.parametrize("body", ["03 FFFF 0002", "01 FFFE 0003", "10 FFFF 0002 04 0000 0000", "0F FFFF 0002 01 00"])
def test_addresses_end_at_65535(body):
    """Beyond 0xFFFF there is no address, whatever a slave claims to hold."""

    class Endless(Bank):
        def holds(self, table, start, count):
            return True

    rig = Rig((Endless(size=0x10002), 1))
    assert refused(rig, body) == 0x02
    assert refused(rig, body.replace("FFFE", "FFFD").replace("FFFF", "FFFE")) is None


# -- work -------------------------------------------------------------------------------------------------------------
def test_bits_are_packed_least_significant_first():
    """Coils 0..9 written by FC 0x0F and 0x05 come back in order, padded with 0."""
    rig = prepared()
    rig.ask(rq.write_bits(1, 0, [1, 0, 1, 1, 0, 0, 1, 1, 1, 0]))
    rig.ask(rq.write_bit(1, 9, True))
    rig.ask(rq.write_bit(1, 0, False))
    assert rig.ask(rq.read_bits(1, 0x01, 0, 10)) == seal(bytes.fromhex("01 01 02 CC 03"))
    rig.bank.tables[Table.DISCRETES][3] = 1
    assert rig.ask(rq.read_bits(1, 0x02, 3, 1)) == seal(bytes.fromhex("01 02 01 01"))


def test_holding_and_inputs_are_different_tables():
    """FC 0x03 and 0x04 read different tables."""
    rig = prepared()
    rig.bank.tables[Table.INPUTS][1] = 0xBEEF
    assert rig.ask(rq.read_registers(1, 0x04, 1, 1)) == seal(bytes.fromhex("01 04 02 BE EF"))
    assert rig.ask(rq.read_registers(1, 0x03, 1, 1)) == seal(bytes.fromhex("01 03 02 00 05"))


def test_mask_write_of_the_document():
    """0x12 AND 0xF2, OR 0x25 gives 0x17: the example of the document."""
    rig = prepared()
    rig.ask(rq.write_register(1, 4, 0x12))
    request = rq.mask_write(1, 4, 0xF2, 0x25)
    assert rig.ask(request) == request
    assert rig.bank.tables[Table.HOLDING][4] == 0x17


def test_read_write_writes_first():
    """FC 0x17 reads what it has just written; a bad write range leaves everything as it was."""
    rig = prepared()
    request = rq.read_write(1, 0, 3, 1, [7, 8])
    assert parse_reply(request, rig.ask(request)).values == (0, 7, 8)
    bad = rq.read_write(1, 0, 3, 0xFF, [1, 2])
    assert parse_reply(bad, rig.ask(bad)).exception == 0x02
    assert rig.bank.tables[Table.HOLDING][0xFF] == 0


def test_largest_reads_and_writes():
    """125 registers and 2000 bits come in one reply of at most 256 characters; 123 and 1968 go in one request."""
    rig = Rig((Bank(size=2000), 1))
    assert rig.ask(rq.write_registers(1, 0, range(123))) != b""
    assert rig.ask(rq.write_bits(1, 0, [1] * 1968)) != b""
    registers = rq.read_registers(1, 0x03, 0, 125)
    assert parse_reply(registers, rig.ask(registers)).values == (*range(123), 0, 0)
    bits = rq.read_bits(1, 0x01, 0, 2000)
    assert parse_reply(bits, rig.ask(bits)).values == (1,) * 1968 + (0,) * 32


def test_fifo_of_31_and_of_32():
    """A queue of 31 is read, and stays; one of 32 is refused with 03."""
    rig = prepared()
    rig.bank.queue = list(range(31))
    request = rq.read_fifo(1, 0x04DE)
    for _ in range(2):
        assert parse_reply(request, rig.ask(request)).values == tuple(range(31))
    rig.bank.queue.append(31)
    assert parse_reply(request, rig.ask(request)).exception == 0x03


def test_server_id():
    """FC 0x11 gives the id and a run indicator of FF."""
    rig = prepared()
    rig.bank.server_id = b"HB-1"
    assert rig.ask(rq.server_id(1)) == seal(b"\x01\x11\x05HB-1\xff")


# -- identification ---------------------------------------------------------------------------------------------------
OBJECTS = {0: b"vendor", 1: b"code", 2: b"1.2", 4: b"name", 0x80: b"extra", 0x91: b"more"}


@pytest.mark.parametrize(
    ("code", "first", "numbers"),
    [
        (1, 0, [0, 1, 2]),
        (1, 1, [1, 2]),
        (2, 0, [0, 1, 2, 4]),
        (2, 3, [0, 1, 2, 4]),  # object 3 is not known: from the beginning
        (3, 0, [0, 1, 2, 4, 0x80, 0x91]),
        (3, 0x80, [0x80, 0x91]),
        (1, 0x80, [0, 1, 2]),  # not of this category: from the beginning
        (4, 4, [4]),
        (4, 0x91, [0x91]),
    ],
)
def test_identification(code, first, numbers):
    """Each code gives its category from the object asked, code 4 one object; the level of conformity is told."""
    rig = prepared()
    rig.bank.identity = OBJECTS
    request = rq.device_id(1, code, first)
    told = device_objects(parse_reply(request, rig.ask(request)))
    assert told == (code, 0x83, False, 0, {number: OBJECTS[number] for number in numbers})


@pytest.mark.parametrize(("last", "level"), [(2, 0x81), (6, 0x82), (0x7F, 0x82), (0x80, 0x83)])
def test_conformity_level(last, level):
    """The level is the highest category of which there is an object; more is not given than there is."""
    rig = prepared()
    rig.bank.identity = {0: b"a", 1: b"b", 2: b"c", last: b"d"}
    request = rq.device_id(1, 3)
    told = device_objects(parse_reply(request, rig.ask(request)))
    assert (told.conformity, told.objects) == (level, rig.bank.identity)


@given(st.dictionaries(st.integers(3, 255), st.binary(max_size=244), max_size=8))
def test_long_identification_comes_in_parts(objects):
    """Objects that do not fit one reply come whole in further ones, asked for as the reply says."""
    rig = prepared()
    rig.bank.identity = {0: b"a" * 200, 1: b"b" * 100, 2: b"c"} | objects
    seen, first, more = {}, 0, True
    while more:
        request = rq.device_id(1, 3, first)
        told = device_objects(parse_reply(request, rig.ask(request)))
        assert told.objects
        assert not set(told.objects) & set(seen)
        seen |= told.objects
        first, more = told.next_object, told.more
    assert seen == rig.bank.identity


@pytest.mark.parametrize(("last", "parts"), [(143, 1), (144, 2)])
def test_largest_identification(last, parts):
    """A reply is filled up to its 256 characters, and not beyond."""
    rig = prepared()
    rig.bank.identity = {0: b"a" * 97, 1: b"", 2: b"c" * last}
    request = rq.device_id(1, 1)
    frame = rig.ask(request)
    told = device_objects(parse_reply(request, frame))
    assert (told.more, told.next_object) == ((False, 0), (True, 2))[parts - 1]
    assert len(frame) == (256, 111)[parts - 1]
