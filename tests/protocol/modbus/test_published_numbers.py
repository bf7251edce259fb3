"""Numbers as the documents publish them: what a device or a master of somebody else's goes by, written down again."""

from __future__ import annotations

import pytest

from protocol.modbus import pdu
from protocol.modbus import requests as rq
from protocol.modbus.maps import dm36, embeddedart, led485
from protocol.modbus.maps import reference_keypad as rk1
from protocol.modbus.pdu import FC, ExceptionCode
from protocol.modbus.requests import BadReply, DeviceObjects, device_objects, parse_reply
from protocol.modbus.rtu import reply_length, request_length, seal

SEGMENTS = {
    # which of the segments a (top), b, c (right), d (bottom), e, f (left), g (middle) each digit lights
    "0": "abcdef",
    "1": "bc",
    "2": "abdeg",
    "3": "abcdg",
    "4": "bcfg",
    "5": "acdfg",
    "6": "acdefg",
    "7": "abc",
    "8": "abcdefg",
    "9": "abcdfg",
    "A": "abcefg",
    "B": "cdefg",
    "C": "adef",
    "D": "bcdeg",
    "E": "adefg",
    "F": "aefg",
    "G": "acdef",
    "H": "bcefg",
    "I": "ef",
    "J": "bcde",
    "K": "acefg",
    "L": "def",
    "M": "abcef",
    "N": "ceg",
    "O": "cdeg",
    "P": "abefg",
    "Q": "abcfg",
    "R": "eg",
    "S": "cdfg",
    "T": "defg",
    "U": "bcdef",
    "V": "cde",
    "W": "bcdefg",
    "X": "bcef",
    "Y": "bcdfg",
    "Z": "abde",
    "-": "g",
    "_": "d",
    "=": "dg",
    "'": "f",
    '"': "bf",
    "?": "abeg",
    "]": "abcd",
    " ": "",
}


def test_function_codes() -> None:
    """MODBUS Application Protocol V1.1b3, section 6: the codes by their names."""
    assert {code.name: int(code) for code in FC} == {
        "READ_COILS": 1,
        "READ_DISCRETES": 2,
        "READ_HOLDING": 3,
        "READ_INPUTS": 4,
        "WRITE_COIL": 5,
        "WRITE_REGISTER": 6,
        "DIAGNOSTICS": 8,
        "EVENT_COUNTER": 11,
        "WRITE_COILS": 15,
        "WRITE_REGISTERS": 16,
        "SERVER_ID": 17,
        "MASK_WRITE": 22,
        "READ_WRITE": 23,
        "READ_FIFO": 24,
        "DEVICE_ID": 43,
    }


def test_exception_codes() -> None:
    """The same document, section 7: 1 to 8, then 10 and 11 for gateways; 9 is not given out."""
    assert [int(code) for code in ExceptionCode] == [1, 2, 3, 4, 5, 6, 7, 8, 10, 11]


def test_sub_functions_of_diagnostics() -> None:
    """Section 6.8: 00 to 04 without 03, 0A to 12, 14."""
    assert sorted(pdu.DIAGNOSTIC_NAMES) == [0, 1, 2, 4, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20]
    assert pdu.DIAGNOSTIC_NAMES[0x0C] == "bus communication errors"
    assert pdu.DIAGNOSTIC_NAMES[0x12] == "messages lost by character overrun"


def test_a_refusal_says_its_code_and_why() -> None:
    """Two digits of the code, and the reason where there is one."""
    assert str(pdu.ModbusException(0x0B, "silent")) == "exception 0B: silent"
    assert str(pdu.ModbusException(2)) == "exception 02"


def test_requests_of_functions_that_are_only_listened_to() -> None:
    """Functions not spoken here have their length all the same: 07, 0C alone, 14 and 15 by their byte count."""
    for body in ("01 07", "01 0C", "01 14 07 06 00 04 00 01 00 02", "01 15 09 06 00 04 00 07 00 01 06 AF"):
        frame = seal(bytes.fromhex(body))
        assert request_length(frame) == len(frame)
    echo = seal(bytes.fromhex("01 15 09 06 00 04 00 07 00 01 06 AF"))
    assert reply_length(echo) == len(echo)
    assert request_length(b"\x01") is None
    assert reply_length(b"\x01") is None


def test_an_identification_may_hold_nothing() -> None:
    """A reply of FC 2B with no object is ten characters long, which its first eight tell."""
    frame = seal(bytes.fromhex("01 2B 0E 04 81 00 00 00"))
    assert reply_length(frame[:7]) is None
    assert reply_length(frame[:8]) == len(frame) == 10


def test_led485_sizes_and_speeds() -> None:
    """protocols.md 1.4 [C]: text of 32 characters, segments of 16 digits, a float of two registers; eight speeds."""
    assert {row.name: row.words for row in led485.LED485 if row.words != 1} == {"text": 16, "segments": 8, "float": 2}
    assert led485.BAUD_CODES == {1: 1200, 2: 2400, 3: 4800, 4: 9600, 5: 19200, 6: 38400, 7: 57600, 8: 115200}
    one, many = {FC.WRITE_REGISTER}, {FC.WRITE_REGISTERS}
    assert {name: set(by) for name, by in led485.WRITTEN_BY.items()} == {
        **dict.fromkeys(("number", "unit", "baud", "point"), one),
        **dict.fromkeys(("text", "segments", "float"), many),
        "number_alt": one | many,
    }


def test_shapes_are_the_segments_that_light() -> None:
    """Bit 0 is segment a, bit 6 segment g; each shape is one character's alone."""
    drawn = {char: sum(1 << "abcdefg".index(segment) for segment in lit) for char, lit in SEGMENTS.items()}
    assert drawn == led485.SHAPES
    assert len(set(led485.SHAPES.values())) == len(led485.SHAPES)


def test_shapes_of_other_tools_are_read_too() -> None:
    """protocols.md 1.4 [C]: how the set-up tool draws seven letters; a shape of ours is read as ours."""
    for mask, char in {0x10: "I", 0x0E: "J", 0x7A: "K", 0x55: "M", 0x64: "S", 0x62: "V", 0x6A: "W"}.items():
        assert led485.READINGS[mask] == char
    assert len(led485.READINGS) == len(led485.SHAPES) + 7


def test_dm36_sizes_and_speeds() -> None:
    """protocols.md 1.4 [R], [C]: single registers throughout; 1200 to 115200 bit/s; N, E, O."""
    assert {row.words for row in dm36.DM36} == {1}
    assert dm36.BAUD_CODES == {0: 1200, 1: 2400, 2: 4800, 3: 9600, 4: 19200, 5: 38400, 6: 57600, 7: 115200}
    assert dm36.MODELS == {6: "DM36B06", 4: "DM56A04"}
    assert max(dm36.MODELS) == dm36.MOST_DIGITS
    told = [f"ASCII code of digit {place} from the left" for place in range(1, 7)]
    assert [row.meaning for row in dm36.DM36][:6] == told
    assert dm36.number_words((1 << 24) - 1) == (0xFF, 0xFFFF)


def test_embeddedart_sizes_and_speeds() -> None:
    """protocols.md 1.4 [S]: fifteen speeds; single settings; two lines of 128 characters, nine in the extension."""
    speeds = (300, 600, 1200, 2400, 4800, 9600, 14400, 19200, 28800, 38400, 56000, 57600, 115200, 128000, 256000)
    assert dict(enumerate(speeds)) == embeddedart.BAUD_CODES
    assert {row.words for row in embeddedart.SETTINGS} == {1}
    assert [row.words for row in embeddedart.EMBEDDEDART][-2:] == [64, 64]
    assert (embeddedart.VENDOR_ROWS, embeddedart.MOST_ROWS) == (2, 9)


def test_rk1_marks_bits_and_times() -> None:
    """reference-keypad.md: marks are two letters, status and flags one bit each, commands and times as given."""
    marks = (rk1.MARK_RATING, rk1.MARK_CONSOLE, rk1.MARK_KIOSK)
    assert [mark.to_bytes(2, "big") for mark in marks] == [b"RK", b"CC", b"KB"]
    assert rk1.VERSION == 0x0100
    status = ("TAMPER", "OVERFLOW", "CLOCK_NOT_SET", "SUPPLY_LOW", "WINDOW_OPEN")
    assert [getattr(rk1, f"STATUS_{name}") for name in status] == [1, 2, 4, 8, 16]
    flags = ("UNSOLICITED", "REPEAT", "CLOCK_SET", "OVERFLOWED")
    assert [getattr(rk1, f"FLAG_{name}") for name in flags] == [1, 2, 4, 8]
    assert (rk1.SAVE, rk1.REBOOT, rk1.ATTENTION, rk1.NO_EVENT) == (0x5AFE, 0xB007, 1 << 15, 0xFFFF)
    assert (rk1.QUEUE_DEPTH, rk1.DEEPEST_QUEUE, rk1.EVENT_WORDS, rk1.MOST_BLOCKS) == (64, 32768, 8, 15)
    assert (rk1.FIFO_ADDRESS, rk1.MOST_FIFO, rk1.POLICY_UNSOLICITED, rk1.SAVE_LIMIT) == (0x100, 31, 1, 100_000)
    times = (rk1.BOOT_NS, rk1.DEBOUNCE_NS, rk1.TWO_KEYS_NS, rk1.ANSWER_NS)
    assert [time / 1e6 for time in times] == [1500, 30, 50, 50]


def test_rk1_keys() -> None:
    """Five colours from worst to best, eight keys of a console, fifteen of a kiosk, parities N O E."""
    assert list(rk1.KEY_COLOURS.items()) == list(enumerate(("red", "orange", "yellow", "lime", "green"), 1))
    told = ("next", "recall", "no-show", "transfer", "pause", "resume", "done", "log in")
    assert dict(rk1.CONSOLE_KEYS) == dict(enumerate(told, 1))
    assert rk1.KIOSK_KEYS == 15
    assert rk1.PARITY_CODES == {0: "N", 1: "O", 2: "E"}


def test_rk1_time_of_a_press() -> None:
    """Seconds and milliseconds of the device make Unix milliseconds; ticket and clerk are 0 when not told."""
    event = rk1.Event(1, 2, 0, 5, 1_700_000_000, 250)
    assert event.at_ms == 1_700_000_000_250
    assert (event.clerk, event.ticket) == (0, 0)


def test_the_most_that_one_request_takes() -> None:
    """The document's limits are met exactly: what a request may ask for at most is built, sent and read back."""
    bits, registers = (1, 0, 1, 1) * 500, tuple(range(0xFF00, 0xFF00 + 125))
    packed = sum(bit << place for place, bit in enumerate(bits)).to_bytes(250, "little")
    raw = b"".join(value.to_bytes(2, "big") for value in registers)
    assert parse_reply(rq.read_bits(9, 1, 0, 2000), seal(b"\x09\x01\xfa" + packed)).values == bits
    assert parse_reply(rq.read_registers(9, 4, 0, 125), seal(b"\x09\x04\xfa" + raw)).values == registers
    queue = seal(b"\x09\x18\x00\x40\x00\x1f" + raw[:62])
    assert parse_reply(rq.read_fifo(9, 0xFFFF), queue).values == registers[:31]
    longest = rq.diagnostics(9, 0, raw)
    assert len(longest) == 256
    assert parse_reply(longest, longest).values == registers
    assert (
        parse_reply(rq.write_bits(0xF7, 0x10000 - 1968, bits[:1968]), seal(bytes.fromhex("F70FF85007B0"))).values == ()
    )
    assert pdu.decode(rq.write_registers(0, 0xFF85, registers[:123])[1:-2])[2] == registers[:123]
    assert pdu.decode(rq.read_write(9, 0, 125, 0, registers[:121])[1:-2])[3] == registers[:121]


def test_an_identification_without_objects_is_one() -> None:
    """Six characters after the function are all it needs; with five it is none."""
    request = rq.device_id(1, 3, 7)
    told = parse_reply(request, seal(bytes.fromhex("01 2B 0E 03 01 00 00 00")))
    assert device_objects(told) == DeviceObjects(3, 1, False, 0, {})
    with pytest.raises(BadReply, match="no device identification: 0E 03 01 00 00"):
        parse_reply(request, seal(bytes.fromhex("01 2B 0E 03 01 00 00")))


FALSE = [
    (rq.diagnostics(5, 0x0B), "05 08 010C 0007", "sub-function 010C replied, 000B was asked"),
    (rq.diagnostics(5, 0, 0x1234), "05 08 0000 1235", "came back as 12 35, 12 34 was sent"),
    (rq.read_registers(5, 4, 0, 2), "06 04 04 0000 0005", "unit 6 replied, unit 5 was asked"),
    (rq.read_registers(5, 4, 0, 2), "05 03 04 0000 0005", "has FC 0x03, FC 0x04 was asked"),
    (rq.read_registers(5, 4, 0, 2), "05 04", "the byte count should be 4, it is missing"),
    (rq.read_registers(5, 4, 0, 2), "05 04 02 0000", "the byte count should be 4, it is 2"),
    (rq.read_registers(5, 4, 0, 2), "05 04 04 0000", "5 characters should follow the function, 3 do"),
    (rq.read_registers(5, 4, 0, 2), "05 84 02 00", "an exception reply is 5 characters long, not 6"),
    (rq.write_register(5, 1, 2), "05 06 0001 0003", "the echo is 00 01 00 03, 00 01 00 02 was written"),
    (rq.write_registers(5, 1, [7]), "05 10 0001 0002", "are 00 01 00 02, 00 01 00 01 was written"),
    (rq.device_id(5), "05 2B 0E 02 81 00 00 00", "identification 0E 02 came, 0E 01 was asked"),
    (rq.device_id(5), "05 2B 0E 01 81 00 00 02 00 01 41", "ends inside its object at offset 9"),
    (rq.device_id(5), "05 2B 0E 01 81 00 00 01 00 01 41 42", "1 characters follow the last of 1 objects"),
    (rq.read_fifo(5, 9), "05 18 0004 0002 0007", "a queue of 2 does not fit byte count 4 and 6 characters"),
    (rq.read_fifo(5, 9), "05 18 0002", "at least 4 characters after the function, 2 came"),
    (rq.server_id(5), "05 11", "the byte count is missing"),
    (seal(b"\x05\x42"), "05 42", "replies to FC 0x42 are not known here"),
]


@pytest.mark.parametrize(("request_", "reply", "why"), FALSE, ids=[why for *_, why in FALSE])
def test_why_a_reply_is_none(request_: bytes, reply: str, why: str) -> None:
    """The reason tells what came and what was expected."""
    with pytest.raises(BadReply, match=why):
        parse_reply(request_, seal(bytes.fromhex(reply)))


def test_why_a_request_is_not_built() -> None:
    """The message says what was asked for and what can be."""
    with pytest.raises(ValueError, match=r"registers 65535\.\.65536 are not within 0\.\.65535"):
        rq.read_registers(1, 3, 0xFFFF, 2)
    with pytest.raises(ValueError, match=r"bits -1\.\.1 are not within"):
        rq.read_bits(1, 1, -1, 3)
    with pytest.raises(ValueError, match=r"one request takes 1\.\.125 registers, not 126"):
        rq.read_registers(1, 3, 0, 126)
