"""Faults: what they hit, what they do to it, what they leave behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import serial

from bench.judge.history import History
from bench.testing import FAULTS, LostAtEnd, SetupError, hall
from bench.testing.evidence import history_of
from protocol.modbus.rtu import is_sound, seal

ASK = "01 04 0000 0002"
COLLECTOR = Path(__file__).parents[3] / "examples" / "collector.py"


@pytest.fixture
def ask(small) -> Callable[..., bytes]:
    """Ask a keypad and get the reply; `ask.hall` is the hall."""
    h = small()
    port = serial.Serial("/dev/ttyUSB0", 9600, timeout=0.2)

    def asking(text: str = ASK) -> bytes:
        time.sleep(0.02)
        port.reset_input_buffer()
        port.write(seal(bytes.fromhex(text)))
        return bytes(port.read(9))

    asking.hall = h  # type: ignore[attr-defined]
    yield asking
    port.close()


def test_nothing_happens_without_a_fault(ask):
    """The reply that the other tests damage is a sound one."""
    assert is_sound(ask())


def test_a_lost_frame_is_heard_by_nobody_and_takes_its_time(ask):
    """A lost frame is heard by nobody, and the line is as busy as with it."""
    fault = ask.hall.fault("lose", where="reply")
    assert ask() == b""
    assert is_sound(ask())
    assert [hit.told for hit in fault.hits] == ["lost whole"]
    assert is_sound(fault.hits[0].frame.data)


def test_a_request_can_be_lost(ask):
    """A device that does not hear the request does not answer it."""
    ask.hall.fault("lose", where="request")
    assert ask() == b""
    assert [frame.by for frame in ask.hall.frames("keypads")] == ["port"]


def test_one_bit_of_one_character_is_flipped(ask):
    """One bit of one character is wrong: the one that is named, or one drawn from the seed."""
    good = ask()
    ask.hall.fault("bit_flip", byte=3, bit=0)
    flipped = ask()
    assert [i for i in range(9) if flipped[i] != good[i]] == [3]
    assert flipped[3] ^ good[3] == 1
    ask.hall.fault("bit_flip")
    drawn = ask()
    assert sum((a ^ b).bit_count() for a, b in zip(good, drawn, strict=True)) == 1


def test_of_a_truncated_frame_only_the_beginning_comes(ask):
    """Only the first characters come."""
    good = ask()
    ask.hall.fault("truncate", keep=4)
    assert ask() == good[:4]


def test_so_many_characters_are_garbled_and_no_others(ask):
    """So many characters are wrong, and no others."""
    good = ask()
    ask.hall.fault("garble", characters=2)
    garbled = ask()
    assert len(garbled) == 9
    assert sum(a != b for a, b in zip(good, garbled, strict=True)) == 2


def test_nth_and_count(ask):
    """A fault begins with the n-th frame that fits and strikes so many of them."""
    fault = ask.hall.fault("lose", nth=2, count=2)
    assert [bool(ask()) for _ in range(5)] == [True, False, False, True, True]
    assert len(fault.hits) == 2


def test_without_end_until_it_is_cancelled(ask):
    """count=None strikes for ever; `cancel` and `heal` end it."""
    fault = ask.hall.fault("lose", count=None)
    assert [bool(ask()) for _ in range(3)] == [False] * 3
    fault.cancel()
    assert ask()
    ask.hall.fault("lose", count=None, optional=True)
    ask.hall.heal()
    assert ask()


def test_only_what_fits_is_struck(ask):
    """Unit, function and address choose the frames; others pass unharmed and are not counted."""
    fault = ask.hall.fault("lose", where="request", unit=2, function=4, address=4)
    assert ask("01 04 0004 0001")
    assert ask("02 04 0000 0002")
    assert ask("02 04 0004 0001") == b""
    assert fault.hits[0].frame.data[0] == 2


def test_only_in_its_time(ask):
    """`after` and `before` are times of the day."""
    ask.hall.fault("lose", count=None, after="08:11", before="08:12")
    assert ask()
    ask.hall.run_until("08:11")
    assert ask() == b""
    ask.hall.run_until("08:12")
    assert ask()


def test_the_same_seed_garbles_the_same(tmp_path):
    """What a fault draws comes from the hall's seed."""

    def garbled(seed: int) -> bytes:
        with hall(seed=seed, start="10:39") as h, serial.Serial("/dev/ttyUSB0", 9600, timeout=0.2) as port:
            h.fault("garble")
            port.write(seal(bytes.fromhex(ASK)))
            return bytes(port.read(9))

    assert garbled(1) == garbled(1)
    assert len({garbled(seed) for seed in range(4)}) > 1


def test_a_hit_stands_in_the_history(ask):
    """The record of a hit says which fault, on which line, what it did; the traffic after it is kept in full."""
    ask()
    ask()
    ask.hall.fault("lose")
    ask()
    ask()
    history: History = history_of(ask.hall, changes={})[0]
    records = [record.facts for record in history.records()]
    hits = [record for record in records if record["src"] == "fault" and record["k"] == "fault"]
    assert [(hit["name"], hit["line"], hit["by"], hit["told"]) for hit in hits] == [
        ("lose", "keypads", "slaves", "lost whole")
    ]
    after = [record for record in records if record["k"] == "tx" and record["i"] > hits[0]["i"]]
    assert len(after) >= 4


def test_a_fault_that_never_hit_fails_the_end():
    """A test of a fault that did not happen proves nothing, unless it says that it may not happen."""
    with pytest.raises(LostAtEnd, match=r"the fault lose \(unit 3, line keypads\) never hit"), hall() as h:
        h.fault("lose", unit=3)
    with hall() as h:
        h.fault("lose", unit=3, optional=True)


def test_unplug_for_a_while(small):
    """An unplugged keypad is silent, comes back with its events, and in a new boot epoch."""
    h = small()
    h.keypad(1).press(5)
    h.fault("unplug", device="keypad-1", for_s=10)
    h.run_for(9)
    assert h.device("keypad-1").powered is False
    h.run_for(5)
    assert h.device("keypad-1").powered is True
    assert h.keypad(1).press(4).epoch == 2
    assert [press.value for press in h.keypad(1).waiting] == [5, 4]


def test_printer_faults(small):
    """Cover, paper and cutter of a printer: each is what a person would see."""
    h = small()
    h.run_for(2)
    h.fault("open_cover", device="printer-1", for_s=5)
    h.run_for(1)
    assert h.printer().condition.cover_open
    h.run_for(6)
    assert not h.printer().condition.cover_open
    h.fault("paper_out", device="printer-1")
    assert h.printer().left_mm == 1
    h.fault("jam_cutter", device="printer-1")
    assert [fault.name for fault in h.faults] == ["open_cover", "paper_out", "jam_cutter"]


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("bitflip", {}, 'there is no fault "bitflip" (did you mean "bit_flip"?)'),
        ("lose", {"unti": 3}, 'the fault lose has no `unti` (did you mean "unit"?)'),
        ("lose", {"where": "sideways"}, "where is 'reply' or 'request' or 'any', not 'sideways'"),
        ("lose", {"nth": 0}, "nth is 1 or more, not 0"),
        ("lose", {"line": "keypad"}, "there is no line 'keypad' (did you mean \"keypads\"?)"),
        ("lose", {"unit": 9}, "the fault lose would never strike: no unit 9 on line keypads (there are 1, 2)"),
        ("lose", {"after": "noon"}, "is not a time of day"),
        ("unplug", {}, "the fault unplug needs `device`"),
        ("unplug", {"device": "keypad-1", "seconds": 3}, "the fault unplug has no `seconds`"),
    ],
)
def test_what_is_no_fault_is_told(small, name, given, message):
    """A misspelt fault, option or line is told with what there is."""
    with pytest.raises(SetupError) as caught:
        small().fault(name, **given)
    assert message in str(caught.value)


def test_a_fault_at_a_time_of_the_day(small):
    """`at` lets a fault happen later by itself; until then it has hit nothing."""
    h = small()
    fault = h.fault("unplug", device="keypad-1", at="08:10:05.500", for_s=2)
    h.run_until("08:10:05")
    assert fault.hits == []
    h.run_for(1)
    assert [hit.at for hit in fault.hits] == [29_405_500_000_000]
    assert h.device("keypad-1").powered is False


def test_the_records_can_be_locked(small, tmp_path):
    """While the program's database is locked it stores nothing and acknowledges nothing; afterwards nothing is lost."""
    path = tmp_path / "r.sqlite"
    h = small(records=path)
    h.start(COLLECTOR, "/dev/ttyUSB0", path, "--units", "1-2")
    h.run_for(2)
    h.fault("sink_failure", for_s=3)
    press = h.keypad(1).press(5)
    h.run_for(2.5)
    assert press.acked is None
    h.run_for(5)
    assert press.acked is not None
    h.verdict().must_hold()


def test_every_fault_says_what_it_does():
    """The registry names each fault with a sentence."""
    assert set(FAULTS) >= {"lose", "truncate", "bit_flip", "garble", "kill", "unplug", "clock_jump", "late_reply"}
    assert all(len(does) > 10 for does in FAULTS.values())


def test_a_program_is_killed_in_the_act_of_sending(small):
    """A kill that waits for a request strikes while the program sends it: its next line never runs."""
    h, log = small(), []

    def poll() -> None:
        with serial.Serial("/dev/ttyUSB0", 9600, timeout=0.2) as port:
            while True:
                log.append("asks")
                port.write(seal(bytes.fromhex(ASK)))
                log.append("asked")
                port.read(9)
                time.sleep(1)

    program = h.start(poll)
    fault = h.fault("kill", where="request", nth=2)
    h.run_for(5)
    assert len(fault.hits) == 1
    assert not fault.live
    assert program.exit.how == "killed"
    assert log == ["asks", "asked", "asks"]
    serial.Serial("/dev/ttyUSB0").close()


def test_records_that_are_no_file_cannot_be_locked(small):
    """Rows in memory have no lock: the fault hits nothing, and the end says why."""
    h = small(records=[])
    h.fault("sink_failure", for_s=1)
    h.run_for(2)
    with pytest.raises(LostAtEnd, match="names no file or database that could be locked"):
        h.check()
    h.faults.clear()
