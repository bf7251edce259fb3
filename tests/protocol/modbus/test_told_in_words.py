"""Modbus frames in words, line by line: offsets, characters, names, numbers, and what is missing or too much."""

from __future__ import annotations

import pytest

from protocol.modbus.explain import explain
from protocol.modbus.maps import RegisterMap
from protocol.modbus.maps.led485 import LED485
from protocol.modbus.maps.reference_keypad import REFERENCE_KEYPAD, Event
from protocol.modbus.rtu import seal
from protocol.modbus.words import refusal_words, reply_words, request_words

FRAMES = {
    "01 11": [
        "      0  01                       unit 1",
        "      1  11                       FC 0x11 read server id, request",
    ],
    "01 11 03 48 42 FF": [
        "      0  01                       unit 1",
        "      1  11                       FC 0x11 read server id, reply",
        "      2  03                       byte count: 3",
        "    3-4  48 42                    text: 'HB'",
        "      5  FF                       run indicator: FF on",
    ],
    "01 11 03 48 42 00": [
        "      0  01                       unit 1",
        "      1  11                       FC 0x11 read server id, reply",
        "      2  03                       byte count: 3",
        "    3-4  48 42                    text: 'HB'",
        "      5  00                       run indicator: 00 off",
    ],
    "01 11 03 48 42 01": [
        "      0  01                       unit 1",
        "      1  11                       FC 0x11 read server id, reply",
        "      2  03                       byte count: 3",
        "    3-4  48 42                    text: 'HB'",
        "      5  01                       run indicator: 01 not known here",
    ],
    "01 0B 00 00 00 07": [
        "      0  01                       unit 1",
        "      1  0B                       FC 0x0B read event counter, reply",
        "    2-3  00 00                    status: 0000 ready",
        "    4-5  00 07                    events: 7 (0x0007)",
    ],
    "01 2B 0E 01 81 FF 02 02 00 02 48 42 01 00": [
        "      0  01                       unit 1",
        "      1  2B                       FC 0x2B read device identification, reply",
        "      2  0E                       type: 0E device identification",
        "      3  01                       code: 01 basic",
        "      4  81                       conformity: 81 basic",
        "      5  FF                       more follows: FF yes",
        "      6  02                       next object: 02",
        "      7  02                       objects: 2",
        "      8  00                       object: 00 vendor name",
        "      9  02                       length: 2",
        "  10-11  48 42                    text: 'HB'",
        "     12  01                       object: 01 product code",
        "     13  00                       length: 0",
    ],
    "01 2B 0E 04 09": [
        "      0  01                       unit 1",
        "      1  2B                       FC 0x2B read device identification, request",
        "      2  0E                       type: 0E device identification",
        "      3  04                       code: 04 one object",
        "      4  09                       object: 09 private",
    ],
    "01 42 01 02 03 04 05 06 07 08": [
        "      0  01                       unit 1",
        "      1  42                       FC 0x42 not known here, request",
        "    2-9  01 02 03 04 05 06 07 08  data",
    ],
    "01 42 01 02 03 04 05 06 07 08 09": [
        "      0  01                       unit 1",
        "      1  42                       FC 0x42 not known here, request",
        "   2-10  01 02 03 04 05 06 07 ..  data",
    ],
    "01 03": [
        "      0  01                       unit 1",
        "      1  03                       FC 0x03 read holding registers, request",
        "      2                           missing: start",
        "a server refuses this with exception 03: FC 0x03 is 5 characters long, not 1",
    ],
    "01 03 00 00 00": [
        "      0  01                       unit 1",
        "      1  03                       FC 0x03 read holding registers, request",
        "    2-3  00 00                    start: 0 (0x0000)",
        "      4  00                       quantity: 1 of 2 characters missing",
        "a server refuses this with exception 03: FC 0x03 is 5 characters long, not 4",
    ],
    "01 01 02 05 03": [
        "      0  01                       unit 1",
        "      1  01                       FC 0x01 read coils, reply",
        "      2  02                       byte count: 2",
        "    3-4  05 03                    bits, the first one first: 1010000011000000",
    ],
    "01 10 00 70 00 02 04 41 30 30": [
        "      0  01                       unit 1",
        "      1  10                       FC 0x10 write registers, request",
        "    2-3  00 70                    start: 112 (0x0070)",
        "    4-5  00 02                    quantity: 2 (0x0002)",
        "      6  04                       byte count: 4, but 3 characters follow",
        "    7-8  41 30                    register 112: 16688 (0x4130) 'A0'",
        "      9  30                       register 113: 1 of 2 characters missing",
        "a server refuses this with exception 03: FC 0x10 is 10 characters long, not 9",
    ],
    "01 10 00 70 00 02 05 41 30 30 31": [
        "      0  01                       unit 1",
        "      1  10                       FC 0x10 write registers, request",
        "    2-3  00 70                    start: 112 (0x0070)",
        "    4-5  00 02                    quantity: 2 (0x0002)",
        "      6  05                       byte count: 5, but 4 characters follow",
        "    7-8  41 30                    register 112: 16688 (0x4130) 'A0'",
        "   9-10  30 31                    register 113: 12337 (0x3031) '01'",
        "a server refuses this with exception 03: the quantity needs a byte count of 4, not 5",
    ],
    "01 03 00 00 00 02 00": [
        "      0  01                       unit 1",
        "      1  03                       FC 0x03 read holding registers, request",
        "    2-3  00 00                    start: 0 (0x0000)",
        "    4-5  00 02                    quantity: 2 (0x0002)",
        "      6  00                       1 characters too many",
        "a server refuses this with exception 03: FC 0x03 is 5 characters long, not 6",
    ],
    "F7 03 00 00 00 02": [
        "      0  F7                       unit 247",
        "      1  03                       FC 0x03 read holding registers, request",
        "    2-3  00 00                    start: 0 (0x0000)",
        "    4-5  00 02                    quantity: 2 (0x0002)",
    ],
    "F8 03 00 00 00 02": [
        "      0  F8                       unit 248: reserved",
        "      1  03                       FC 0x03 read holding registers, request",
        "    2-3  00 00                    start: 0 (0x0000)",
        "    4-5  00 02                    quantity: 2 (0x0002)",
    ],
    "01 83 0C": [
        "      0  01                       unit 1",
        "      1  83                       exception reply to FC 0x03 read holding registers",
        "      2  0C                       exception: 0C not known here",
    ],
    "01 83 02 00": [
        "      0  01                       unit 1",
        "      1  83                       exception reply to FC 0x03 read holding registers",
        "      2  02                       exception: 02 illegal data address",
        "      3  00                       1 characters too many",
    ],
    "01 18 00 04 00 01 00 07": [
        "      0  01                       unit 1",
        "      1  18                       FC 0x18 read FIFO queue, reply",
        "    2-3  00 04                    byte count: 4",
        "    4-5  00 01                    waiting: 1 (0x0001)",
        "    6-7  00 07                    value 0: 7 (0x0007)",
    ],
    "01 08 00 0A 00 01": [
        "      0  01                       unit 1",
        "      1  08                       FC 0x08 diagnostics, reply",
        "    2-3  00 0A                    sub-function: 000A clear counters",
        "    4-5  00 01                    value 0: 1 (0x0001)",
    ],
    "01 17 00 03 00 01 00 0E 00 01 02 00 FF": [
        "      0  01                       unit 1",
        "      1  17                       FC 0x17 write and read registers, request",
        "    2-3  00 03                    start: 3 (0x0003)",
        "    4-5  00 01                    quantity: 1 (0x0001)",
        "    6-7  00 0E                    write start: 14 (0x000E)",
        "    8-9  00 01                    write quantity: 1 (0x0001)",
        "     10  02                       byte count: 2",
        "  11-12  00 FF                    register 14: 255 (0x00FF)",
    ],
    "01 06 00 00 1F 20": [
        "      0  01                       unit 1",
        "      1  06                       FC 0x06 write one register, request, or the echo that is its reply",
        "    2-3  00 00                    address: 0 (0x0000)",
        "    4-5  1F 20                    value: 7968 (0x1F20)",
    ],
    "01 06 00 00 7E 7F": [
        "      0  01                       unit 1",
        "      1  06                       FC 0x06 write one register, request, or the echo that is its reply",
        "    2-3  00 00                    address: 0 (0x0000)",
        "    4-5  7E 7F                    value: 32383 (0x7E7F)",
    ],
    "01 06 00 00 20 7E": [
        "      0  01                       unit 1",
        "      1  06                       FC 0x06 write one register, request, or the echo that is its reply",
        "    2-3  00 00                    address: 0 (0x0000)",
        "    4-5  20 7E                    value: 8318 (0x207E) ' ~'",
    ],
}


@pytest.mark.parametrize("body", FRAMES)
def test_line_by_line(body: str) -> None:
    """Each field on a line of its own with the offsets it takes; the line of the CRC, the last of the frame, apart."""
    lines = explain(seal(bytes.fromhex(body)))
    crc = [line for line in lines if "  CRC " in line]
    assert len(crc) == 1
    assert crc[0].endswith(" good")
    assert [line for line in lines if line not in crc] == FRAMES[body]


def test_a_frame_can_be_too_long_and_too_short() -> None:
    """256 characters are a frame, 257 are told to be too many; four are a frame, three are too few."""
    assert "too long" not in explain(seal(b"\x01\x42" + bytes(252)))[-1]
    assert explain(seal(b"\x01\x42" + bytes(253)))[-1] == "too long: a frame has 4..256 characters, this has 257"
    assert "too short" not in "".join(explain(seal(b"\x01\x0b")))
    assert explain(b"\x01\x0b\x00")[-1] == "too short: a frame has 4..256 characters, this has 3"


def test_nothing_is_foretold_of_a_damaged_request() -> None:
    """A server does not read what its CRC spoils, so what it would say is not told."""
    refused = seal(bytes.fromhex("01 03 00 00 00 7E"))
    assert "refuses" in explain(refused)[-1]
    assert "refuses" not in explain(refused[:-1] + b"\x00")[-1]


EVENT = b"".join(word.to_bytes(2, "big") for word in Event(7, 65535, 0, 5, 1, 2).words())
NO_EVENT = b"\xff" * 16

REQUESTS = [
    (REFERENCE_KEYPAD, 4, "0000 0003", "read mark, version, epoch"),
    (REFERENCE_KEYPAD, 4, "0000 0004", "read mark .. status"),
    (REFERENCE_KEYPAD, 4, "0001 0002", "read version, epoch"),
    (REFERENCE_KEYPAD, 4, "0008 0001", "read uptime"),
    (REFERENCE_KEYPAD, 4, "0009 0001", "read 0x0009"),
    (REFERENCE_KEYPAD, 4, "0000 0000", "read 0x0000 x 0"),
    (REFERENCE_KEYPAD, 4, "000A 0003", "read 0x000A x 3"),
    (REFERENCE_KEYPAD, 3, "0010 0001", "read lamps"),
    (REFERENCE_KEYPAD, 6, "0010 0003", "write lamps = 3"),
    (LED485, 6, "0003 0004", "write baud = 4"),
    (REFERENCE_KEYPAD, 16, "0000 0002 04 0001 0007", "write acknowledge = 1, 7"),
    (None, 16, "0000 0008 10" + "0001" * 8, "write 0x0000 x 8 = 1, 1, 1, 1, 1, 1, 1, 1"),
    (None, 16, "0000 0009 12" + "0001" * 9, "write 0x0000 x 9 = 1, 1, 1, 1, 1, 1, 1, 1 .. 9 registers"),
    (None, 16, "0000 0001 02", "write 0x0000 = "),
    (None, 16, "4000 0101 02 0001", "write 0x4000 x 257 = 1"),
    (None, 16, "0000 0001", "write registers"),
    (None, 1, "0000 000A", "read 0x0000 x 10"),
    (None, 4, "0000 00", "read input registers"),
    (None, 6, "0001", "write one register"),
    (None, 43, "0E 01 00", "read device identification"),
    (None, 66, "", "function 0x42"),
]

REPLIES = [
    (4, b"\x10" + EVENT, "0100 0008", "events = key 5 (epoch 7, seq 65535)"),
    (4, b"\x20" + EVENT + NO_EVENT, "0100 0010", "events = key 5 (epoch 7, seq 65535)"),
    (4, b"\x20" + EVENT * 2, "0100 0010", "events = " + ", ".join(["key 5 (epoch 7, seq 65535)"] * 2)),
    (4, b"\x10" + NO_EVENT, "0100 0008", "events = none"),
    (3, b"\x02\x00\xff", "0010 0001", "lamps = 255"),
    (3, b"\x02\x01\x00", None, "registers = 256"),
    (3, b"\x02\x00\x01", "4000 0101", "0x4000 x 257 = 1"),
    (3, b"\x04\x00\xff", None, "answers to read holding registers"),
    (1, b"\x01\xff", None, "answers to read coils"),
    (6, b"", None, "written"),
    (16, b"", None, "written"),
    (66, b"", None, "answers to function 0x42"),
]


@pytest.mark.parametrize(("known", "function", "body", "said"), REQUESTS)
def test_what_is_asked(known: RegisterMap | None, function: int, body: str, said: str) -> None:
    """Up to three names, first and last of more; up to eight values; the name of the function where that is all."""
    assert request_words(known, function, bytes.fromhex(body)) == said


@pytest.mark.parametrize(("function", "body", "asked", "said"), REPLIES)
def test_what_is_answered(function: int, body: bytes, asked: str | None, said: str) -> None:
    """Events as the keys that were pressed, registers by what was asked, and nothing that the byte count belies."""
    known = None if asked is None else bytes.fromhex(asked)
    assert reply_words(REFERENCE_KEYPAD, function, body, known) == said


def test_what_is_refused() -> None:
    """The exception's number and name, or what stands there."""
    assert refusal_words(b"\x02") == "exception 02, illegal data address"
    assert refusal_words(b"\x0a\x00") == "exception 0A, gateway path unavailable"
    assert refusal_words(b"\x0c") == "exception 0C"
