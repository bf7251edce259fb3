"""Frames of a story in words: what is whole is decoded, all else stays as it is, and no line is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.judge.history import HistoryWriter, read_history
from bench.reports.frame_words import spoken_in, told
from bench.scenario.declared import codec_of
from firmware_sim.device import NS
from protocol.modbus import requests
from protocol.modbus.rtu import seal
from protocol.osdp import Command, Packet


def _line(by: str, data: bytes, tail: str = "") -> str:
    return f"  08:20:07.707 {by}: {data.hex(' ').upper()}{tail}"


@pytest.mark.parametrize(
    ("by", "data", "tail", "words"),
    [
        ("port", requests.read_registers(2, 4, 4, 1), "", "unit 2: read waiting"),
        ("port", requests.read_registers(2, 4, 0x300, 5), "", "unit 2: read 0x0300 x 5"),
        ("house/keypads", requests.write_registers(2, 0, [1, 7]), "", "unit 2: write acknowledge = 1, 7"),
        ("port", requests.write_register(2, 0x15, 0), "", "unit 2: write policy = 0"),
        ("slaves", requests.write_registers(2, 0, [1, 7])[:6], "", None),
        ("slaves", seal(bytes.fromhex("02 10 00 00 00 02")), "", "unit 2: written"),
        ("slaves", seal(bytes.fromhex("02 04 02 00 03")), "", "unit 2: registers = 3"),
        ("noise", seal(bytes.fromhex("C8 03 00 38 00 01")), "", "unit 200: read 0x0038"),
        ("noise", seal(bytes.fromhex("C8 03 02 E7 E5")), "", "unit 200: registers = 59365"),
        (
            "slaves",
            seal(bytes.fromhex("02 84 06")),
            "",
            "unit 2 refuses to read input registers: exception 06, server device busy",
        ),
        (
            "slaves",
            bytes.fromhex("02 04 10 00 01 00 00 05 04 67 CE 3E 47 01 A4 00 02 00 00 03 01"),
            " <- this press",
            "unit 2: events = key 4 (epoch 1, seq 0)",
        ),
    ],
)
def test_frames_in_words(by: str, data: bytes, tail: str, words: str | None) -> None:
    """Requests and replies of the keypads' own profile read as what they mean."""
    (_, wire) = told("first\n" + _line(by, data, tail))
    assert wire.text == _line(by, data, tail)
    assert wire.words == (words or "")
    assert wire.kind == "wire"


def test_damaged_frames_stay_hexadecimal() -> None:
    """A frame whose CRC is wrong says nothing."""
    data = bytearray(requests.read_registers(2, 4, 4, 1))
    data[3] ^= 1
    assert told(_line("port", bytes(data)))[0].words == ""


def test_the_lines_have_their_kinds() -> None:
    """First, wire, fault and last can be told apart by a page."""
    story = (
        "08:20:07.420 keypad-1: key 4\n  08:20:07.500 fault N01 bit_flip: bit 1\n  an aside\n08:20:09.000 LOST: no row"
    )
    assert [line.kind for line in told(story)] == ["first", "fault", "", "last"]


ROWS = [
    {"name": "osdp-1", "kind": "rating_keypad", "protocol": "osdp", "line": "doors", "unit": 3},
    {"name": "keypad-7", "kind": "rating_keypad", "protocol": "ff68", "line": "windows", "unit": 2},
    {
        "name": "display-1",
        "kind": "counter_display",
        "protocol": "modbus_rtu",
        "map": "dm36",
        "line": "hall",
        "unit": 9,
    },
    {"name": "k5", "kind": "rating_keypad", "protocol": "my_k5.toml", "line": "vendor", "unit": 1},
]
K5 = (Path(__file__).parents[3] / "examples" / "acme_k5.toml").read_text("utf-8")


def test_frames_are_told_in_what_their_line_speaks() -> None:
    """The device that a story names says which protocol: OSDP, FF68, another map, a vendor's declaration."""
    spoken = spoken_in({"devices": ROWS}, {"declarations": {"my_k5.toml": K5}})

    def words(device: str, by: str, data: bytes) -> str:
        return told(f"08:20:07.420 {device}: key 5 pressed\n{_line(by, data)}", spoken)[1].words

    poll = Packet(3, False, 1, True, Command.POLL, b"").wire()
    assert words("osdp-1", "port", poll) == "osdp-1: POLL"
    rate = bytes.fromhex("FF 68 03 03 68 02 02 03 07 16")
    assert words("keypad-7", "keypad-7", rate).startswith("keypad-7: ")
    digits = requests.write_registers(9, 0, [0x41, 0x30, 0x31, 0x37])
    assert words("display-1", "port", digits) == "display-1: write digit_1 .. digit_4 = 'A017'"
    thanks = codec_of(Path(__file__).parents[3] / "examples" / "acme_k5.toml").write("thanks", {"unit": 1})
    assert words("k5", "port", thanks).startswith("port: thanks unit=1")


def test_hostile_evidence_is_read_as_nothing() -> None:
    """Rows and declarations that are none raise nothing, and no file of this machine is opened for them."""
    header = {"devices": [None, 5, {"line": [], "unit": True}, {"line": "x", "protocol": "/etc/passwd", "unit": 1}]}
    spoken = spoken_in(header, {"declarations": {"/etc/passwd": "not toml ["}})
    assert [line.words for line in told(_line("x", b"abcd"), spoken)] == [""]
    assert spoken_in({"devices": 5}, {"declarations": 5}).places == {}


def test_a_long_frame_is_looked_up(tmp_path: Path) -> None:
    """Of a frame of which a story shows the beginning alone, the history has the rest."""
    data = requests.write_registers(9, 0, [0x41] * 6 + [0] * 2)
    with (tmp_path / "history.ndjson").open("wb") as file:
        writer = HistoryWriter(file, {"devices": ROWS})
        writer.record(NS, "line", "tx", {"line": "hall", "by": "port", "hex": data.hex(), "end": 2 * NS})
        writer.close()
    shown = f"about display-1\n  00:00:01.000 port: {data[:24].hex(' ').upper()} ... {len(data)} bytes"
    history = read_history(tmp_path / "history.ndjson")
    assert told(shown, spoken_in(history.header, {}))[1].words == ""
    assert "write digit_1" in told(shown, spoken_in(history.header, {}, history, [shown]))[1].words


@given(
    st.text(), st.binary(min_size=1, max_size=64), st.sampled_from(["port", "slaves", "house/x", "k-1"]), st.booleans()
)
def test_nothing_breaks_it(text: str, data: bytes, by: str, sound: bool) -> None:
    """Any text and any frame: no error, every line there in its order, unchanged."""
    story = "\n".join((text, _line(by, seal(data) if sound else data, " <- this press"), text))
    assert [line.text for line in told(story)] == (story.splitlines() or [""])
