"""What each flaw does to a burst: the characters before and after, the instants, and what it says it hit."""

from __future__ import annotations

import random
from typing import Any

import pytest

from firmware_sim.burst import LineSettings
from firmware_sim.device import FRAMING, OVERRUN, PARITY
from firmware_sim.flaws import FLAWS, Cast, Piece, foreign_exchange, strike
from protocol.modbus.rtu import is_sound, seal

FRAME = seal(bytes.fromhex("03 04 06 0001 0002 0003"))
LINE = LineSettings(9600)
PARITY_LINE = LineSettings(9600, parity="E")


def struck(name: str, frame: bytes = FRAME, settings: LineSettings = LINE, seed: int = 1, **options: Any):
    """What a flaw makes of a frame that begins at 1 s, after a request that ended 4 ms before."""
    return FLAWS[name](Cast(frame, 10**9, settings, 10**9 - 4_000_000), options, random.Random(seed))


def heard(made: Any) -> bytes:
    """The characters that are heard."""
    return b"".join(piece.data for piece in made.pieces if piece.heard)


def test_bit_flip():
    """One bit of the named character changes, no other."""
    made = struck("bit_flip", byte=4, bit=3)
    assert heard(made) == FRAME[:4] + bytes([FRAME[4] ^ 8]) + FRAME[5:]
    assert made.hit == {"byte": 4, "from": FRAME[4], "to": FRAME[4] ^ 8, "bit": 3}


def test_drop_byte_keeps_the_time():
    """The character is gone, and as many character times pass as without the fault."""
    made = struck("drop_byte", byte=2)
    assert heard(made) == FRAME[:2] + FRAME[3:]
    assert sum(len(piece.data) for piece in made.pieces) == len(FRAME)
    assert all(piece.after == 0 for piece in made.pieces)


def test_duplicate_byte():
    """The character comes twice, one after the other."""
    assert heard(struck("duplicate_byte", byte=2)) == FRAME[:3] + FRAME[2:]


@pytest.mark.parametrize(("side", "wanted"), [("before", b"\xff" + FRAME), ("after", FRAME + b"\xff")])
def test_spurious_byte(side, wanted):
    """A character too many, on the side that was asked for."""
    assert heard(struck("spurious_byte", side=side, value=0xFF)) == wanted


def test_truncate():
    """The first characters come; a frame that is no longer than that is not hit."""
    assert heard(struck("truncate", keep=4)) == FRAME[:4]
    assert struck("truncate", keep=len(FRAME)) is None


def test_lose():
    """Nothing is heard, and the time passes."""
    made = struck("lose")
    assert heard(made) == b""
    assert [piece.data for piece in made.pieces] == [FRAME]


@pytest.mark.parametrize("bit", range(16, 8 * len(FRAME) - 16))
def test_crc_collision(bit):
    """At every position: exactly four bits within seventeen differ, and the CRC fits."""
    after = heard(struck("crc_collision", bit=bit))
    different = [i for i in range(8 * len(FRAME)) if (after[i // 8] ^ FRAME[i // 8]) >> i % 8 & 1]
    assert len(different) == 4
    assert different[-1] - different[0] == 16
    assert is_sound(after)


def test_crc_collision_needs_a_sound_frame():
    """What has no CRC that fits cannot be changed so that it fits again."""
    assert struck("crc_collision", FRAME[:-1] + b"\x00") is None
    assert struck("crc_collision", b"\x01\x02\x03") is None


def test_hole():
    """All characters come, with the silence that was asked for before the one that was named."""
    made = struck("hole", byte=5, ms=20)
    assert made.pieces == (Piece(FRAME[:5]), Piece(FRAME[5:], 20_000_000))


def test_glue():
    """The frame again, or other characters, follow without a gap."""
    assert heard(struck("glue")) == FRAME * 2
    assert heard(struck("glue", data="AA 55")) == FRAME + b"\xaa\x55"


def test_chunking():
    """Every packet ends on the grid, none before its characters are there, none lost."""
    made = struck("chunking", ms=16, packet=4)
    assert heard(made) == FRAME
    at, there = 10**9, 0
    for piece in made.pieces:
        at += piece.after + LINE.duration(len(piece.data))
        there += len(piece.data)
        assert at % 16_000_000 == 0 or piece.after == 0  # right behind the packet before
        assert at >= 10**9 + LINE.duration(there)


def test_wrong_unit():
    """Another unit, the same contents, a CRC that fits."""
    after = heard(struck("wrong_unit", to=9))
    assert after[0] == 9
    assert after[1:-2] == FRAME[1:-2]
    assert is_sound(after)
    assert heard(struck("wrong_unit"))[0] != 3


@pytest.mark.parametrize(("field", "at"), [("function", 1), ("count", 2)])
def test_wrong_function(field, at):
    """One character of the body differs, and the CRC fits."""
    after = heard(struck("wrong_function", field=field))
    assert [i for i in range(len(FRAME) - 2) if after[i] != FRAME[i]] == [at]
    assert is_sound(after)


def test_parity_error():
    """A wrong bit, with the parity flaw where the line has parity, else without."""
    made = struck("parity_error", settings=PARITY_LINE, byte=1)
    assert made.pieces[0].flaws == ((1, PARITY),)
    assert (heard(made)[1] ^ FRAME[1]).bit_count() == 1
    assert struck("parity_error", byte=1).pieces[0].flaws == ()


def test_framing_error_and_overrun():
    """A framing error marks its character; an overrun takes one away and marks the next."""
    assert struck("framing_error", byte=1, what="framing").pieces[0].flaws == ((1, FRAMING),)
    made = struck("framing_error", byte=1, what="overrun")
    assert heard(made) == FRAME[:1] + FRAME[2:]
    assert made.pieces[0].flaws == ((1, OVERRUN),)


def test_emi_burst():
    """Wrong characters are those that are told; without wrong bits nothing is hit."""
    made = struck("emi_burst", ber=0.5, stop=0.2, start=0.1)
    after = heard(made)
    assert [i for i in range(len(FRAME)) if after[i] != FRAME[i]] == made.hit["bytes"]
    assert struck("emi_burst", ber=0.0, stop=0.2, start=0.1) is None


def test_garble():
    """So many characters differ."""
    after = heard(struck("garble", characters=3))
    assert sum(a != b for a, b in zip(after, FRAME, strict=True)) == 3


@pytest.mark.parametrize(("hits", "late"), [(0, 50), (1, 70), (9, 100)])
def test_slow(hits, late):
    """Later with each hit, up to the most."""
    made = struck("slow", ms=50, step_ms=20, most_ms=100, hits=hits)
    assert made.pieces == (Piece(FRAME, late * 1_000_000),)


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_edge(offset):
    """The last character is complete at the very instant; one that is past already is no hit."""
    made = struck("edge", timeout_ms=100, offset_ms=offset)
    end = 10**9 + made.pieces[0].after + LINE.duration(len(FRAME))
    assert end == 10**9 - 4_000_000 + (100 + offset) * 1_000_000
    assert struck("edge", timeout_ms=5, offset_ms=0) is None


def test_baud_drift():
    """The characters are the same; the speed is not."""
    made = struck("baud_drift", ppm=50_000)
    assert made.pieces[0].settings == LineSettings(10080)
    assert heard(made) == FRAME


@pytest.mark.parametrize("name", sorted(FLAWS))
def test_the_same_seed_makes_the_same(name):
    """A flaw depends on nothing but the burst, its options and its random source."""
    from bench.faults.catalogue import CATALOGUE

    row = next(row for row in CATALOGUE.values() if row.how == f"burst:{name}")
    assert struck(name, **row.defaults) == struck(name, **row.defaults)


def test_two_flaws_of_one_burst():
    """The second acts on what the first has left to be heard."""
    first = struck("truncate", keep=4)
    made = strike(FLAWS["bit_flip"], Cast(FRAME, 0, LINE), first.pieces, {"byte": 1, "bit": 0}, random.Random(1))
    assert made is not None
    assert heard(made) == FRAME[:1] + bytes([FRAME[1] ^ 1]) + FRAME[2:4]
    nothing = struck("lose").pieces
    assert strike(FLAWS["bit_flip"], Cast(FRAME, 0, LINE), nothing, {}, random.Random(1)) is None


def test_foreign_exchange():
    """Both are sound frames of the foreign unit."""
    ask, reply = foreign_exchange(random.Random(1), 200)
    assert is_sound(ask)
    assert is_sound(reply)
    assert ask[0] == reply[0] == 200


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("wrong_unit", {}),
        ("wrong_function", {"field": "function"}),
        ("crc_collision", {}),
    ],
)
def test_what_needs_a_sound_frame_leaves_a_damaged_one_alone(name, options):
    """A flaw that seals a frame again never turns noise into a sound frame."""
    assert struck(name, FRAME[:-1] + bytes([FRAME[-1] ^ 1]), **options) is None


@pytest.mark.parametrize(
    ("name", "options"), [("hole", {"ms": 5}), ("framing_error", {"what": "overrun"}), ("crc_collision", {})]
)
def test_what_needs_more_characters_leaves_a_short_burst_alone(name, options):
    """One character has no inside, and none to lose beside it."""
    assert struck(name, b"\x03", **options) is None


def test_a_count_is_not_changed_where_there_is_none():
    """A sound frame of unit and function alone has no byte count."""
    assert struck("wrong_function", seal(b"\x03\x11"), field="count") is None


@pytest.mark.parametrize("bit", [0, 15, 8 * len(FRAME)])
def test_a_collision_keeps_unit_and_function(bit):
    """Asked for a bit in the first two characters, or behind the last place that fits, it does nothing."""
    assert struck("crc_collision", bit=bit) is None
