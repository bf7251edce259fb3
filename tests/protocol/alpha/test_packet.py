"""Alpha packets: published vectors, any split, and what damage does."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.alpha import write
from protocol.alpha.packet import (
    MOST_HEADER,
    Answer,
    Broken,
    Command,
    Ended,
    Receiver,
    Started,
    Target,
    checksum,
    is_for,
    packet,
    pieces,
    reply,
    targets_of,
)

TEXT_A001 = bytes.fromhex("00 00 00 00 00 01 5A 30 30 02 41 41 1B 26 61 41 30 30 31 03 30 31 46 42 04")
STRING_B = bytes.fromhex("00 00 00 00 00 01 5A 30 35 02 47 42 41 30 30 31 03 30 31 36 30 04")
STATUS = bytes(20) + bytes.fromhex("01 30 30 30 02 45 2A 41 03 30 30 42 35 04")
VECTORS = (TEXT_A001, STRING_B, STATUS)

BODY = st.binary(max_size=40).map(lambda data: bytes(char for char in data if char >= 0x05))
COMMANDS = st.lists(st.tuples(st.integers(0x41, 0x4F), BODY), min_size=1, max_size=4)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """`data` cut at these places."""
    ends = sorted({min(place, len(data)) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(ends)]


def test_the_published_vectors_are_what_is_written() -> None:
    """protocols.md 2.2: the three packets, byte for byte."""
    assert packet((0x41, b"A\x1b&aA001")) == TEXT_A001
    assert packet(write.string("B", b"A001"), address=b"05") == STRING_B
    assert reply(0x45, b"*A") == STATUS


def test_the_documents_own_example_of_a_checksum() -> None:
    """Form 9708-8061 page 60: STX AAHELLO ETX has the sum 01FB."""
    assert checksum(b"\x02AAHELLO\x03") == 0x01FB


def test_the_published_vectors_are_understood() -> None:
    """Header, command, checksum, end."""
    assert Receiver().feed(TEXT_A001) == [
        Started((Target(ord("Z"), b"00"),), 5),
        Command(ord("A"), b"A\x1b&aA001", "good"),
        Ended(1),
    ]
    assert Receiver().feed(STRING_B)[1] == Command(ord("G"), b"BA001", "good")
    assert Receiver().feed(STATUS)[:2] == [Started((Target(ord("0"), b"00"),), 20), Command(ord("E"), b"*A", "good")]


@given(COMMANDS, st.booleans(), st.lists(st.integers(0, 300), max_size=8))
def test_any_split_gives_the_same_events(
    commands: list[tuple[int, bytes]],
    check: bool,
    places: list[int],
) -> None:
    """What a packet says does not depend on how its characters arrive; commands come back as they were written."""
    data = packet(*commands, check=check)
    whole = Receiver().feed(data)
    receiver = Receiver()
    assert [event for part in cut(data, places) for event in receiver.feed(part)] == whole
    said = [(event.code, event.data) for event in whole if isinstance(event, Command)]
    assert said == [(code, body) for code, body in commands]
    assert whole[-1] == Ended(len(commands))
    assert not receiver.inside


@pytest.mark.parametrize("vector", VECTORS)
def test_every_single_cut_of_the_vectors(vector: bytes) -> None:
    """Two halves, cut anywhere, are the whole."""
    for place in range(len(vector) + 1):
        receiver = Receiver()
        assert receiver.feed(vector[:place]) + receiver.feed(vector[place:]) == Receiver().feed(vector)


@pytest.mark.parametrize("vector", VECTORS)
def test_a_changed_character_between_stx_and_the_checksum_is_found(vector: bytes) -> None:
    """Any other character there makes the checksum wrong, or ends the packet; never is something else taken as good."""
    first, last = vector.index(0x02) + 1, len(vector) - 1
    good = [event for event in Receiver().feed(vector) if isinstance(event, Command)]
    for place in range(first, last):
        for value in (0x00, 0x01, 0x02, 0x03, 0x04, 0x20, 0x39, 0x41, vector[place] ^ 0x01, vector[place] ^ 0x40):
            if value == vector[place]:
                continue
            damaged = vector[:place] + bytes([value]) + vector[place + 1 :]
            said = [event for event in Receiver().feed(damaged) if isinstance(event, Command)]
            lower = [event._replace(check="good") for event in said if event.check == "good"]
            assert all(event in good for event in lower), f"{place}: {value:02X}"


@pytest.mark.parametrize("vector", VECTORS)
def test_a_cut_off_packet_and_then_a_good_one(vector: bytes) -> None:
    """The next SOH begins anew, wherever the packet before ended; the broken one is told."""
    for place in range(vector.index(0x01) + 1, len(vector)):
        receiver = Receiver()
        events = receiver.feed(vector[:place] + TEXT_A001)
        assert events[-2:] == [Command(ord("A"), b"A\x1b&aA001", "good"), Ended(1)]
        assert any(isinstance(event, Broken) for event in events)


def test_silence_ends_a_packet() -> None:
    """What was begun is told as broken once, and forgotten."""
    receiver = Receiver()
    receiver.feed(TEXT_A001[:12])
    assert receiver.inside
    assert receiver.expire() == [Broken("nothing more came")]
    assert receiver.expire() == []
    assert receiver.feed(TEXT_A001) == Receiver().feed(TEXT_A001)


def test_no_checksum_is_no_error() -> None:
    """It is optional; between several commands ETX alone separates them [C]."""
    assert Receiver().feed(packet((0x41, b"AHI"), check=False))[1] == Command(0x41, b"AHI", "none")
    several = packet((0x41, b"AHI"), (0x47, b"aX"), check=False)
    assert [event.check for event in Receiver().feed(several) if isinstance(event, Command)] == ["none", "none"]


@pytest.mark.parametrize("tail", [b"\x03\x04", b"\x030\x04", b"\x0301F\x04", b"\x0301FZ\x04", b"\x0301FC\x04"])
def test_a_checksum_is_whole_right_or_wrong(tail: bytes) -> None:
    """ETX and four right digits are good, fewer or others are bad, none are none."""
    events = Receiver().feed(b"\x01Z00\x02AAHELLO" + tail)
    assert [event.check for event in events if isinstance(event, Command)] == ["none" if tail == b"\x03\x04" else "bad"]


def test_what_follows_four_digits_is_not_of_the_checksum() -> None:
    """Four digits are complete; between them and the next STX or EOT nothing means anything."""
    events = Receiver().feed(b"\x01Z00\x02AAHELLO\x0301FB5 \x03\x04")
    assert events[1:] == [Command(0x41, b"AHELLO", "good"), Ended(1)]


def test_small_digits_are_digits() -> None:
    """A checksum in small letters is the same number."""
    assert Receiver().feed(b"\x01Z00\x02AAHELLO\x0301fb\x04")[1].check == "good"


def test_too_much_is_cut_and_said() -> None:
    """A command longer than the receiver keeps is marked, and the next packet is whole."""
    receiver = Receiver(limit=10)
    long = receiver.feed(packet((0x41, b"A" * 50)))[1]
    assert isinstance(long, Command)
    assert (long.overflow, len(long.data)) == (True, 9)
    assert receiver.feed(packet((0x41, b"AHI")))[1] == Command(0x41, b"AHI", "good")


def test_acknowledgements_are_heard_by_hosts_only() -> None:
    """06 and 15 with the status (protocols.md 2.2), between packets."""
    assert Receiver(host=True).feed(b"\x06\x40\x15\x50") == [Answer(True, 0x40), Answer(False, 0x50)]
    assert Receiver().feed(b"\x06\x40\x15\x50") == []


def test_flaws_belong_to_their_command() -> None:
    """A damaged character marks the command it is in, and no other."""
    data = packet((0x41, b"AHI"), (0x47, b"aX"))
    place = data.index(b"aX")
    events = Receiver().feed(data, {place: 1})
    assert [event.flaws for event in events if isinstance(event, Command)] == [0, 1]
    assert [event.flaws for event in Receiver().feed(data, {0: 1}) if isinstance(event, Command)] == [0, 0]


def test_a_pause_is_told_with_its_command() -> None:
    """Only a pause right after a STX counts as one."""
    receiver = Receiver()
    first, second, third = pieces(packet((0x41, b"AHI"), (0x47, b"aX")))
    events = receiver.feed(first) + receiver.feed(second, pause=100) + receiver.feed(third, pause=70)
    assert [event.pause for event in events if isinstance(event, Command)] == [100, 70]
    assert b"".join((first, second, third)) == packet((0x41, b"AHI"), (0x47, b"aX"))
    assert pieces(TEXT_A001) == [TEXT_A001]


@pytest.mark.parametrize(
    ("header", "address", "mine"),
    [
        (b"Z00", 5, True),
        (b"Z05", 5, True),
        (b"Z06", 5, False),
        (b"Z0?", 5, True),
        (b"Z?5", 5, True),
        (b"Z?6", 5, False),
        (b"Z??", 0xAB, True),
        (b"Zab", 0xAB, True),
        (b"^05", 5, True),
        (b"f05", 5, False),
        (b"?05", 5, True),
        (b"f01,Z05", 5, True),
        (b"f01,f05", 5, False),
        (b"Z5", 5, False),
        (b"", 5, False),
        (b"Z005", 5, False),
    ],
)
def test_who_is_meant(header: bytes, address: int, mine: bool) -> None:
    """Type codes, addresses, broadcast, and "?" for any digit (protocols.md 2.2 [S])."""
    assert is_for(targets_of(header), frozenset(b"^1"), address) is mine


def bounded(receiver: Receiver) -> int:
    return max(len(receiver._data), len(receiver._check))


def must_survive(size: int, seed: int) -> None:
    """Random characters, and random ones among which packets stand: nothing is raised, nothing grows."""
    chance = random.Random(seed)
    receiver = Receiver(limit=500, host=bool(seed & 1))
    left = size
    while left > 0:
        kind = chance.randrange(3)
        if kind == 0:
            data = chance.randbytes(chance.randrange(1, 400))
        elif kind == 1:
            data = bytes(chance.choice(b"\0\1\2\3\4\6\x15\x1bAEFGZ0159") for _ in range(chance.randrange(1, 400)))
        else:
            made = bytearray(chance.choice(VECTORS))
            for _ in range(chance.randrange(3)):
                made[chance.randrange(len(made))] = chance.randrange(256)
            data = bytes(made)
        left -= len(data)
        receiver.feed(data)
        assert bounded(receiver) <= max(500, MOST_HEADER)
    assert receiver.feed(b"\x04" + TEXT_A001)[-2:] == [Command(ord("A"), b"A\x1b&aA001", "good"), Ended(1)]


@pytest.mark.parametrize("seed", range(4))
def test_garbage_is_survived(seed: int) -> None:
    """A hundred thousand characters of garbage: no exception, bounded memory, the next packet is understood."""
    must_survive(100_000, seed)


@pytest.mark.gate
def test_much_garbage_is_survived() -> None:
    """Ten million characters of it."""
    must_survive(10_000_000, 99)


@given(st.binary(max_size=300))
def test_no_bytes_are_an_exception(data: bytes) -> None:
    """Whatever comes, split or not, gives the same events, and a good packet after an EOT is understood."""
    whole = Receiver()
    events = whole.feed(data)
    single = Receiver()
    assert [event for char in data for event in single.feed(bytes([char]))] == events
    assert whole.feed(b"\x04" + STRING_B)[-2:] == [Command(ord("G"), b"BA001", "good"), Ended(1)]
