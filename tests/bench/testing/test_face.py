"""A hall in a test: time, devices, waiting, verdicts, as plain context managers."""

from __future__ import annotations

import datetime as dt
import sqlite3
import struct
import time
from pathlib import Path

import pytest
import serial

from bench.clock.kernel import current
from bench.clock.standins import REAL
from bench.run.rig import NoSuchAction, NoSuchDevice
from bench.testing import HallOver, LostAtEnd, NotSeen, SetupError, hall
from protocol.modbus.rtu import seal

SMALL = Path(__file__).parents[2] / "support" / "small.toml"
COLLECTOR = Path(__file__).parents[3] / "examples" / "collector.py"


def ask(port: serial.Serial, text: str, length: int) -> bytes:
    port.write(seal(bytes.fromhex(text)))
    return bytes(port.read(length))


# -- time -------------------------------------------------------------------------------------------------------------
def test_time_is_the_halls(small):
    """Inside, every clock is the hall's and sleeping costs nothing; outside, clocks are real again."""
    before = time.time()
    h = small()
    assert time.strftime("%Y-%m-%d %H:%M:%S") == "2025-03-10 08:10:00"
    begun = REAL["monotonic"]()
    time.sleep(600)
    assert REAL["monotonic"]() - begun < 60
    h.run_until("08:30")
    h.run_for(0.25)
    assert dt.datetime.now().isoformat() == "2025-03-10T08:30:00.250000"  # noqa: DTZ005 - as programs do
    assert h.now.isoformat() == "2025-03-10T08:30:00.250000+07:00"
    h.close()
    assert current() is None
    assert abs(time.time() - before) < 3600


def test_a_time_that_is_past_does_not_wait(small):
    """Waiting until an instant that is past lets no time pass; a time that is none is refused."""
    h = small()
    h.run_until("08:00")
    assert h.now_ns == (8 * 60 + 10) * 60 * 10**9
    with pytest.raises(SetupError, match="is not a time of day"):
        h.run_until("half past eight")


def test_a_scheduled_action_happens_at_its_time(small):
    """`at` acts while the test waits; what the action raises comes out of that wait, at that instant."""
    h = small()
    h.at("08:10:05", lambda: h.keypad(1).press(5))
    h.at("08:10:07.500", h.device, "no such device")
    h.run_until("08:10:06")
    assert [press.at for press in h.keypad(1).waiting] == [(8 * 3600 + 605) * 10**9]
    with pytest.raises(NoSuchDevice):
        h.run_for(60)
    assert h.now.strftime("%H:%M:%S.%f") == "08:10:07.500000"


def test_an_action_that_waits_is_told(small):
    """A scheduled action runs inside a step and cannot wait: the error says so, and the hall lives on."""
    h = small()
    h.at("08:10:05", h.run_for, 1)
    with pytest.raises(RuntimeError, match="only the test itself can wait"):
        h.run_for(10)
    h.run_for(1)


def test_a_test_that_waits_for_ever_is_told():
    """A read without a time-out ends with the hall's day, as an error that says what happened."""
    with pytest.raises(HallOver, match="something in it waits for ever"), hall(SMALL, start="09:20") as h:
        serial.Serial(h.line("keypads").port).read()


# -- devices ----------------------------------------------------------------------------------------------------------
def test_devices_are_quiet_until_the_test_acts(small):
    """Without people no key is pressed, no ticket printed, nobody called, however long the test waits."""
    h = small()
    h.run_for(1200)
    assert h.notes("press") == h.notes("key") == h.notes("printed") == []
    assert h.line("keypads").frames == []


def test_a_press_is_the_event_that_a_program_reads(small):
    """The handle's press is in the keypad's registers; its fate follows the program's acknowledgement."""
    h = small()
    press = h.keypad(2).press(4)
    with serial.Serial("/dev/ttyUSB0", 9600, timeout=0.2) as port:
        reply = ask(port, "02 04 0100 0008", 21)
        epoch, seq, flags = struct.unpack_from(">3H", reply, 3)
        assert (epoch, seq, flags & 0xFF) == (press.epoch, press.seq, 4)
        assert h.keypad(2).waiting == [press]
        h.run_for(0.01)
        ask(port, f"02 10 0000 0002 04 {epoch:04X} {seq:04X}", 8)
    assert press.acked is not None
    assert h.keypad(2).waiting == []


def test_a_press_that_does_not_count_is_none(small):
    """A bounce is no event; why is in the notes."""
    h = small()
    assert h.keypad(1).press(5) is not None
    h.run_for(0.010)
    assert h.keypad(1).press(5) is None
    assert h.keypad(1).notes("ignored")[0].facts == {"key": 5, "why": "bounce"}


def test_the_house_runs_the_desk(small):
    """Kiosk, printer, console, display: the house controller lives beside the test."""
    h = small()
    h.run_for(5)
    h.kiosk().press(1)
    h.wait_for("printed", timeout=10)
    (ticket,) = h.printer().tickets
    assert "A001" in ticket.text
    assert ticket.data
    assert ticket.mm > 10
    h.console(1).log_in(1)
    h.run_for(5)
    h.console(1).next()
    shown = h.wait_for("shown", device="display-1", timeout=10)
    assert h.display(1).text == shown.facts["text"] == "A001"
    assert h.rows.tickets[0]["ticket"] == "A001"


def test_without_the_house_its_lines_are_silent(small):
    """With house=False nobody speaks on the lines that the program does not own."""
    h = small(house=False)
    for line in ("keypads", "hall", "ticket"):
        h.line(line).must_be_silent(for_=5)


def test_any_device_by_name_with_all_its_actions(small):
    """The generic handle has every human action and what the model tells; anything else is told with what there is."""
    h = small()
    keypad = h.device("keypad-1")
    keypad.unplug()
    assert keypad.powered is False
    keypad.plug_in()
    h.device("printer-1").open_cover()
    assert h.notes("cover")[-1].facts == {"open": True}
    with pytest.raises(NoSuchAction, match="keypad-1 has no 'open_cover'; people can: press, tamper"):
        keypad.open_cover()
    with pytest.raises(NoSuchDevice, match="there is no device 'keypad-9'; there are: keypad-1, keypad-2"):
        h.device("keypad-9")
    with pytest.raises(NoSuchDevice, match="there is no rating_keypad at counter 7; there is: 1, 2"):
        h.keypad(7)
    with pytest.raises(SetupError, match="there is no line 'keyboards'; there are: keypads, hall, ticket"):
        h.line("keyboards")


# -- waiting and silence ----------------------------------------------------------------------------------------------
def test_waiting_for_what_never_comes_tells_the_nearest(small):
    """The note that came closest is named with its differences; one that came too early too."""
    h = small()
    h.keypad(1).press(5)
    h.at("08:10:02", lambda: h.keypad(2).press(4))
    with pytest.raises(NotSeen) as caught:
        h.wait_for("press", device="keypad-1", timeout=5)
    text = str(caught.value)
    assert "'press' of keypad-1 did not come within 5 s" in text
    assert "the closest of 1 notes is 08:10:02.000 keypad-2 'press'" in text
    assert "it is of keypad-2" in text
    assert "one came before the wait began, at 08:10:00.000" in text


def test_waiting_for_a_condition(small):
    """A function is asked whenever something happens; its value is returned, or its last value is in the error."""
    h = small()
    h.at("08:10:02", lambda: h.keypad(2).press(4))
    assert h.wait_for(lambda: h.keypad(2).waiting, timeout=5)[0].value == 4
    assert h.now.strftime("%H:%M:%S.%f") == "08:10:02.000000"
    with pytest.raises(NotSeen, match=r"did not become true within 2 s \(it gave \[\] last\)"):
        h.wait_for(lambda: h.keypad(1).waiting, timeout=2)


def test_an_expected_frame_and_its_near_miss(small):
    """A frame is found by its fields; the one with the wrong address is told as the closest."""
    h = small()

    def program() -> None:
        with serial.Serial("/dev/ttyUSB0", 9600, timeout=0.2) as port:
            time.sleep(1)
            ask(port, "01 04 0005 0001", 7)
            ask(port, "02 04 0004 0001", 7)

    h.start(program)
    frame = h.line("keypads").expect(unit=1, function=4, within=5)
    assert frame.data[:2] == b"\x01\x04"
    with pytest.raises(NotSeen) as caught:
        h.line("keypads").expect(unit=2, function=4, address=0x0100, within=5)
    assert "keypad-2: read waiting: address 4 (0x0004), expected address 256 (0x0100)" in str(caught.value)


def test_silence_is_broken_by_a_frame_that_has_only_begun(small):
    """A frame that the program begins at the very end of the silence counts; silence of others is no matter."""
    h = small()
    line = h.line("keypads")
    line.must_be_silent(for_=5)
    with serial.Serial("/dev/ttyUSB0", 9600, timeout=0.2) as port:
        with pytest.raises(AssertionError, match="was to be silent"), line.silence():
            port.write(seal(bytes.fromhex("01 04 0004 0001")))
        h.run_for(1)
        with line.silence(by="device"):
            port.write(seal(bytes.fromhex("09 04 0004 0001")))


# -- verdicts ---------------------------------------------------------------------------------------------------------
ROW = {"device": "keypad-1", "clerk": 0, "ticket": 0, "value": 5, "epoch": 1, "seq": 0}


def test_the_verdict_judges_the_present(small):
    """A press that is not stored is lost now, and no more when it is; the hall goes on between verdicts."""
    h = small(ports={"/dev/ttyUSB0": "keypads"})
    assert h.verdict(records=[]).word == "NOT EXERCISED"
    h.keypad(1).press(5)
    h.run_for(1)
    assert h.verdict(records=[]).word == "VIOLATED"
    assert h.verdict(records=[], settle=10).word == "NOT EXERCISED"
    assert h.verdict(records=[ROW]).word == "HOLDS"
    h.keypad(1).press(5)
    h.run_for(1)
    with pytest.raises(AssertionError, match="1 of 2 ratings were lost"):
        h.verdict(records=[ROW]).must_hold()


def test_records_of_every_shape(small, tmp_path):
    """A SQLite file, an open connection and plain rows tell the same; what is not there is told."""
    h = small()
    h.keypad(1).press(5)
    h.run_for(1)
    path = tmp_path / "r.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE ratings (device, clerk, ticket, value, at, epoch, seq)")
        at = h.scenario.epoch_ns / 1e9 + 8 * 3600 + 600
        db.execute("INSERT INTO ratings VALUES ('keypad-1', 0, 0, 5, ?, 1, 0)", (at,))
    words = [h.verdict(records=given).word for given in (path, str(path), sqlite3.connect(path), [ROW])]
    assert words == ["HOLDS"] * 4
    missing = h.verdict(records=tmp_path / "none.sqlite")
    assert missing.word == "UNKNOWN"
    assert "none.sqlite does not exist" in missing.reason
    assert h.verdict(records=sqlite3.connect(":memory:")).word == "UNKNOWN"


def test_the_house_is_judged_by_its_own_rows(small):
    """Where the house runs every line, its rows in memory are the records."""
    h = small(ports={})
    h.run_for(5)
    h.keypad(1).press(5)
    h.run_for(10)
    verdict = h.verdict()
    verdict.must_hold()
    assert verdict.counts["recorded"] == 1


def test_an_unknown_invariant_is_refused(small):
    """`must_exercise` with a misspelt name is told with the names there are."""
    with pytest.raises(SetupError, match="there is no invariant 'losses'; there are: loss, silent_loss, duplication"):
        small().verdict(must_exercise=["losses"])


def test_the_end_finds_what_was_lost():
    """A test that passes while its collector loses a rating fails at its end, if its records are known."""

    def test() -> None:
        with hall(SMALL, start="08:10", records=[]) as h:
            h.keypad(1).press(5)
            h.run_for(60)

    with pytest.raises(LostAtEnd, match="VIOLATED: 1 of 1 rating"):
        test()


@pytest.mark.parametrize("how", ["verdict", "expect_loss"])
def test_the_end_does_not_look_when_the_test_did(how):
    """A test that asked for a verdict, or says that loss is meant, has looked for itself."""
    with hall(SMALL, start="08:10", records=[]) as h:
        h.keypad(1).press(5)
        h.run_for(60)
        if how == "verdict":
            assert h.verdict().word == "VIOLATED"
        else:
            h.expect_loss()


def test_an_overflow_is_found_without_records():
    """What a keypad's full queue dropped is lost whatever was stored: the end tells it."""

    def test() -> None:
        with hall(SMALL, start="08:10") as h:
            for _ in range(65):
                h.keypad(1).press(5)
                h.run_for(0.1)

    with pytest.raises(LostAtEnd, match="keypad-1 dropped key 5"):
        test()


def test_a_failure_carries_its_report():
    """An error in the block gets notes: the last frames, what came nearest, how it ran."""

    def test() -> None:
        with hall(SMALL, seed=3, start="08:10") as h:
            with serial.Serial("/dev/ttyUSB0", 9600, timeout=0.2) as port:
                h.keypad(1).press(5)
                ask(port, "01 04 0100 0008", 21)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        test()
    notes = "\n".join(caught.value.__notes__)
    assert "keypad-1: events = key 5 (epoch 1, seq 0)" in notes
    assert "the reply was intact, and it was not acknowledged" in notes
    assert "small, seed 3, virtual time, 08:10 to 08:10:00" in notes


def test_the_evidence_can_be_kept(small, tmp_path):
    """`save` leaves a directory from which the same verdict comes again."""
    from bench.judge.evidence import load_run

    h = small(records=[ROW])
    h.keypad(1).press(5)
    h.run_for(60)
    kept = h.save(tmp_path / "kept")
    run = load_run(kept)
    assert run.judge().word == "HOLDS"
    assert run.judged()["verdict"] == "HOLDS"


# -- setting up -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"ports": {"/dev/ttyS0": "keyboards"}}, "has no line 'keyboards'; it has keypads, hall, ticket"),
        ({"seed": -1}, "seed -1 is negative"),
        ({"start": "25:00"}, "is not a time of day"),
        ({"people": True}, "start is for halls without people"),
        ({"clock": "lunar"}, "clock is 'virtual' or 'wall', not 'lunar'"),
    ],
)
def test_what_cannot_be_set_up_is_told(asked, message):
    """A hall that cannot be had says what there is, before anything is changed."""
    with pytest.raises(SetupError, match=message), hall(SMALL, **{"start": "08:10", **asked}):
        pass
    assert current() is None


def test_one_hall_at_a_time(small):
    """A thread lives in one hall: the second is refused, and possible when the first is closed."""
    first = small()
    with pytest.raises(SetupError, match="this thread lives in a hall already"):
        small()
    first.close()
    assert small().now.hour == 8


def test_the_ports_decide_whose_lines_are_whose(small):
    """`ports` names the program's lines and their paths; the house runs all others."""
    h = small(ports={"COM7": "hall"})
    assert h.ports == {"hall": "hall://hall"}
    with serial.Serial("COM7", 9600, timeout=0.2) as port:
        assert len(ask(port, "01 04 0000 0001", 7)) == 7
    h.run_for(5)
    assert {frame.by for frame in h.frames("keypads") if frame.is_request} == {"house/keypads"}


def test_with_people_the_day_is_the_drawn_one():
    """people=True plays the drawn day, the same one for the same seed."""

    def presses(seed: int) -> list[tuple[int, str, int]]:
        with hall(SMALL, seed=seed, ports={}, people=True) as h:
            h.run_until("08:30")
            return [(press.at, press.device, press.value) for press in h.tape.presses if "keypad" in press.device]

    first = presses(5)
    assert len(first) > 2
    assert presses(5) == first
    assert presses(6) != first


def test_the_same_test_gives_the_same_history(tmp_path):
    """With a program beside the test, two runs record the same bytes."""

    def run(n: int) -> bytes:
        with hall(SMALL, seed=4, start="08:10") as h:
            h.start(COLLECTOR, "/dev/ttyUSB0", tmp_path / f"{n}.sqlite", "--units", "1-2")
            for key in (5, 4, 3):
                h.run_for(3)
                h.keypad(1).press(key)
            h.fault("garble", where="reply", count=2)
            h.run_for(30)
            h.expect_loss()
        return h.recorded.getvalue()

    assert run(1) == run(2)


def test_many_drops_are_told_in_a_few_lines():
    """The first three dropped presses are named, the others counted."""

    def test() -> None:
        with hall(SMALL, start="08:10") as h:
            for _ in range(70):
                h.keypad(1).press(5)
                h.run_for(0.1)

    with pytest.raises(LostAtEnd, match=r"\.\.\. and 3 more") as caught:
        test()
    assert str(caught.value).count("dropped key 5") == 3


def test_a_verdict_with_people_takes_the_scenarios_premises():
    """With people the scenario says what has to be exercised and how long a press may wait; the test may say else."""
    with hall(SMALL, seed=5, ports={}, people=True) as h:
        h.run_until("08:01")
        assert h.verdict().word == "NOT EXERCISED"
        assert h.verdict(must_exercise=["manners"], settle=30).word == "HOLDS"


def test_columns_that_are_not_there_are_told(small):
    """An open connection whose table lacks a column gives no verdict, and says which columns it has."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE ratings (device, clerk)")
    h = small()
    h.keypad(1).press(5)
    h.run_for(1)
    found = h.verdict(records=db)
    assert found.word == "UNKNOWN"
    assert "table 'ratings' has no column 'value'; it has device, clerk" in found.reason


def test_nothing_is_heard_of_a_hall_that_ends(small):
    """What happens while a hall is closed is no part of the test: its frames and notes are those of before."""
    h = small()
    h.run_for(3)
    h.keypad(1).press(5)
    heard = (h.tape.count, h.tape.noted)
    h.close()
    assert (h.tape.count, h.tape.noted) == heard
    h.close()  # twice is once
