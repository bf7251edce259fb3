"""Frames in words: every character accounted for, the CRC judged, and never an error."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.modbus.explain import explain
from protocol.modbus.rtu import seal

SAID = [
    ("01 03 00 00 00 02 C4 0B", ["unit 1", "read holding registers, request", "quantity: 2", "CRC C4 0B good"]),
    ("01 03 04 00 00 00 05 3A 30", ["reply", "byte count: 4", "value 1: 5"]),
    ("01 83 02 C0 F1", ["exception reply to FC 0x03", "02 illegal data address"]),
    ("01 10 00 70 00 02 04 41 30 30 31 35 6C", ["register 112: 16688 (0x4130) 'A0'", "register 113"]),
    ("01 10 00 70 00 02 40 13", ["write registers, reply", "start: 112", "quantity: 2"]),
    ("01 06 00 00 00 7B C9 E9", ["request, or the echo that is its reply", "value: 123 (0x007B)"]),
    ("00 06 00 24 00 01 09 D0", ["unit 0: broadcast", "write one register, request"]),
    ("00 06 00 24 00 01 09 D1", ["CRC bad: got 09 D1, should be 09 D0"]),
    ("01 18 00 06 00 02 01 B8 12 84 19 18", ["waiting: 2", "value 1: 4740"]),
    ("01 08 00 0B 00 00 91 C9", ["sub-function: 000B bus messages"]),
    ("01 08 00 0B 00 2A 10 16", ["diagnostics, reply", "value 0: 42"]),
    ("01 2B 0E 01 00 70 77", ["type: 0E device identification", "code: 01 basic", "object: 00 vendor name"]),
    ("01 0B 41 E7", ["read event counter, request"]),
    ("01 03 04 00 00", ["CRC bad"]),
    ("01", ["too short: a frame has 4..256 characters, this has 1"]),
    ("", ["too short: a frame has 4..256 characters, this has 0"]),
]


@pytest.mark.parametrize(("text", "said"), SAID, ids=[text or "nothing" for text, _ in SAID])
def test_says(text, said):
    """The frames of protocols.md 1.3 are told as what they are."""
    lines = "\n".join(explain(bytes.fromhex(text)))
    for part in said:
        assert part in lines


def test_sealed_bodies_of_every_shape():
    """Bits, coils, masks, identification and server id are told field by field."""
    shapes = {
        "01 05 00 05 FF 00": "value: FF00 on",
        "01 05 00 05 12 34": "neither FF00 nor 0000",
        "01 0F 00 13 00 0A 02 CD 01": "bits, the first one first: 1011001110",
        "01 16 00 04 00 F2 00 25": "or mask: 37 (0x0025)",
        "01 17 00 03 00 01 00 0E 00 01 02 00 FF": "register 14: 255",
        "01 11 04 48 42 31 FF": "text: 'HB1'",
        "01 2B 0E 01 81 00 00 01 01 03 52 4B 31": "text: 'RK1'",
        "01 0B FF FF 00 07": "status: FFFF busy",
        "01 42 01 02 03": "FC 0x42 not known here",
        "FF 03 00 00 00 01": "unit 255: reserved",
    }
    for body, said in shapes.items():
        assert said in "\n".join(explain(seal(bytes.fromhex(body)))), body


def test_refusal_is_foretold():
    """A sound request that a server must refuse is told with the exception it gets."""
    assert explain(seal(bytes.fromhex("01 03 00 00 00 7E")))[-1] == (
        "a server refuses this with exception 03: FC 0x03 takes a quantity of 1..125, not 126"
    )
    assert "refuses" not in explain(seal(bytes.fromhex("01 03 00 00 00 7D")))[-1]


def test_direction_can_be_told():
    """Eight characters of FC 0x03 are a request, unless it is said that they are a reply."""
    frame = seal(bytes.fromhex("01 03 02 00 05 00"))
    assert "request" in explain(frame)[1]
    assert "reply" in explain(frame, direction="reply")[1]
    assert "byte count: 2, but 3 characters follow" in explain(frame, direction="reply")[2]


@given(
    st.one_of(
        st.binary(max_size=300),
        st.binary(min_size=2, max_size=254).map(seal),
        st.tuples(
            st.sampled_from([1, 2, 3, 5, 8, 0xF, 0x10, 0x11, 0x16, 0x17, 0x18, 0x2B]), st.binary(max_size=40)
        ).map(lambda pair: seal(bytes((1, pair[0])) + pair[1])),
    ),
    st.sampled_from([None, "request", "reply"]),
)
def test_whatever_comes(frame, direction):
    """Nothing raises; the offsets of the lines cover every character once, in order; the CRC is judged rightly."""
    lines = explain(frame, direction=direction)
    covered = []
    for line in lines:
        if where := re.match(r" *(\d+)(?:-(\d+))?  [0-9A-F]{2}", line):
            first, last = int(where[1]), int(where[2] or where[1])
            covered += range(first, last + 1)
    assert covered == list(range(len(frame)))
    if len(frame) >= 4:
        assert any(re.search(r"CRC .. .. good$", line) for line in lines) == (seal(frame[:-2]) == frame)
