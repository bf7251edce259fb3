"""The watcher of a line: what it counts as a branch of the protocol, and what it does not."""

from __future__ import annotations

from bench.hunt.branches import Watcher
from firmware_sim.device import Note
from protocol.modbus.rtu import seal

ASK = seal(bytes.fromhex("01 04 0004 0001"))
ANSWER = seal(bytes.fromhex("01 04 02 0000"))
READ_EVENTS = seal(bytes.fromhex("01 04 0100 0010"))
EVENT = "0001 0004 04 05 67CE3E22 00F2 0000 0000"
"""Epoch 1, sequence 4, key 5: eight registers."""


def watched(*said: tuple[str, bytes] | tuple[str, bytes, int]) -> Watcher:
    """A watcher that has heard these bursts, one after the other: (from whom, what, how many flaws)."""
    watcher = Watcher(frozenset({"keypads"}))
    for at, (who, data, *flaws) in enumerate(said):
        watcher.burst(at * 1000, "keypads", who, data, flaws[0] if flaws else 0, at * 1000 + 500)
    return watcher


def counts(watcher: Watcher) -> dict[str, int]:
    """The branches that were taken."""
    return {name: count for name, count in watcher.counts.items() if count}


def test_what_no_program_of_ours_said_is_not_counted():
    """Noise, an answer that nobody asked for, and other lines are no branches."""
    assert counts(watched(("slaves", ANSWER), ("noise", b"\x00"), ("port", b""))) == {}
    other = Watcher(frozenset({"hall"}))
    other.burst(0, "keypads", "port", ASK, 0, 1)
    other.note({"keypad-1": 1}, "printer-1", Note("boot", {"epoch": 2}))
    assert counts(other) == {}


def test_an_exchange_that_goes_well_is_counted_as_one():
    """Request and answer are one exchange, with their lengths, and no branch."""
    watcher = watched(("port", ASK), ("slaves", ANSWER))
    assert counts(watcher) == {}
    assert watcher.exchanges == {(4, 4): [1, 7, 8, 0]}


def test_a_request_that_nobody_answered_and_the_retry():
    """The same request after silence is a retry; another one is none; a broadcast needs no answer."""
    assert counts(watched(("port", ASK), ("port", ASK))) == {"no reply": 1, "retry taken": 1}
    assert counts(watched(("port", ASK), ("port", READ_EVENTS))) == {"no reply": 1}
    assert counts(watched(("port", seal(bytes.fromhex("00 06 0010 0000"))), ("port", ASK))) == {}


def test_an_answer_that_comes_twice_is_late():
    """A second answer to one request came too late for somebody; the echo of a request is no answer."""
    assert counts(watched(("port", ASK), ("slaves", ANSWER), ("slaves", ANSWER)))["late reply"] == 1
    assert "late reply" not in counts(watched(("port", ASK), ("slaves", ANSWER), ("slaves", ASK)))


def test_an_answer_of_the_unit_before():
    """Another unit's answer is late when it was asked just before, and foreign when it was not."""
    other = seal(bytes.fromhex("02 04 02 0000"))
    first = ("port", seal(bytes.fromhex("02 04 0004 0001")))
    assert counts(watched(first, ("port", ASK), ("slaves", other))) == {"no reply": 1, "late reply": 1}
    assert counts(watched(("port", ASK), ("slaves", other))) == {"foreign reply": 1}


def test_damaged_answers_and_refusals():
    """A wrong checksum and marked characters are damage; an exception is an answer that the retry follows."""
    assert counts(watched(("port", ASK), ("slaves", ANSWER[:-1] + b"?"))) == {"damaged reply": 1}
    assert counts(watched(("port", ASK), ("slaves", ANSWER, 1), ("port", ASK))) == {
        "damaged reply": 1,
        "retry taken": 1,
    }
    refused = seal(bytes.fromhex("01 84 02"))
    assert counts(watched(("port", ASK), ("slaves", refused))) == {"exception answered": 1}


def test_an_answer_to_a_request_that_was_damaged_is_no_exchange():
    """What the unit made of a broken request says nothing about the request."""
    watcher = watched(("port", ASK[:-1] + b"?"), ("slaves", ANSWER))
    assert counts(watcher) == {}
    assert watcher.exchanges == {}


def test_events_are_counted_up_to_the_first_empty_place():
    """An empty place ends the events of an answer; an event that was offered before is counted."""
    answer = seal(bytes.fromhex("01 04 20" + EVENT) + b"\xff" * 16)
    watcher = watched(("port", READ_EVENTS), ("slaves", answer))
    assert counts(watcher) == {}
    assert watcher.exchanges == {(4, 0x100): [1, len(answer), 8, 16]}
    watcher = watched(*[("port", READ_EVENTS), ("slaves", answer)] * 2)
    assert counts(watcher) == {"event offered again": 1}


def test_a_reboot_is_noticed_once_by_what_is_read_first():
    """The first epoch that is read after a boot is the notice, whether in an event or in its register."""
    units = {"keypad-1": 1}
    read_epoch = seal(bytes.fromhex("01 04 0002 0006"))
    answer = seal(bytes.fromhex("01 04 0C 0002 0000 0000 FFFF FFFF 0003"))
    watcher = watched()
    watcher.note(units, "keypad-1", Note("boot", {"epoch": 2}))
    for at in (0, 2):
        watcher.burst(at, "keypads", "port", read_epoch, 0, at)
        watcher.burst(at + 1, "keypads", "slaves", answer, 0, at + 1)
    assert counts(watcher) == {"reboot": 1, "reboot noticed": 1, "overflow flag seen": 2}


def test_a_clerk_changes_when_there_was_one():
    """The first clerk at a keypad is no change, the second is."""
    watcher = watched()
    for code in (7, 0, 8):
        watcher.note({"keypad-1": 1}, "keypad-1", Note("login", {"clerk": code}))
    assert counts(watcher) == {"clerk changed": 2}
