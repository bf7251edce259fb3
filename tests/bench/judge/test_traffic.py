"""What a line shows of the program, burst by burst: each count, each limit, each instant that is kept."""

from __future__ import annotations

from typing import Any

import pytest

from bench.judge.traffic import KEPT, Instance, Tally, Traffic, Unit
from protocol.checks import crc16_modbus

MS, NS = 1_000_000, 1_000_000_000
CHARACTER = 1_145_833  # 9600 bit/s, 11 bits


def frame(*data: int) -> str:
    raw = bytes(data)
    return (raw + crc16_modbus(raw).to_bytes(2, "little")).hex()


def read(unit: int = 1, address: int = 2, count: int = 1, function: int = 4) -> str:
    return frame(unit, function, address >> 8, address & 255, 0, count)


def told(unit: int = 1, *words: int, function: int = 4) -> str:
    return frame(unit, function, 2 * len(words), *(byte for word in words for byte in (word >> 8, word & 255)))


class Tap:
    """A line "a" with keypads 1 and 2 of profile RK-1; times in ms."""

    def __init__(self) -> None:
        self.offered: list[tuple[Any, ...]] = []
        self.behind: list[tuple[Any, ...]] = []
        self.traffic = Traffic(
            ["a"],
            lambda *told: self.offered.append(told),
            [("a", 1), ("a", 2)],
            lambda *told: self.behind.append(told),
        )
        self.line = self.traffic.lines["a"]

    def send(self, t: float, hexa: str, by: str = "port", *, damaged: bool = False, line: str = "a") -> float:
        """A burst; gives its end in ms."""
        begin = round(t * MS)
        end = begin + len(hexa) // 2 * CHARACTER
        self.traffic.burst(begin, line, by, hexa, end, damaged=damaged)
        return end / MS

    def ask(self, t: float, hexa: str, *, damaged: bool = False) -> float:
        return self.send(t, hexa, damaged=damaged)

    def answer(self, t: float, hexa: str, *, damaged: bool = False) -> float:
        return self.send(t, hexa, "slaves", damaged=damaged)

    def fold(self, begin: float, end: float, n: int = 2, **more: Any) -> None:
        facts = {"line": "a", "from": round(begin * MS), "to": round(end * MS), "n": n, **more}
        self.traffic.fold(round(end * MS), facts)


def test_what_is_out_of_order_is_counted_and_first_instances_kept() -> None:
    """Twenty of them."""
    tally = Tally()
    for t in range(30):
        tally.add(Instance(t, "a", 1, ""))
    assert (tally.n, [one.t for one in tally.first]) == (30, list(range(20)))
    assert KEPT == 20


def test_when_a_unit_answered() -> None:
    """Its state is that of the last change up to an instant; a silence lasts to the next answer, or to the end."""
    unit = Unit(changes=[(10, True), (20, False), (25, False), (30, True), (40, False)])
    assert [unit.state(t) for t in (9, 10, 19, 20, 29, 30, 39, 40, 99)] == [
        *(None, True, True, False, False),
        *(True, True, False, False),
    ]
    assert unit.silences(50) == [(20, 30), (40, 50)]
    assert Unit(changes=[(5, False)]).silences(7) == [(5, 7)]
    assert Unit().silences(7) == []


def test_one_request_again_and_again() -> None:
    """Six times are good manners, the seventh is not, if there is another unit to ask; it is told once."""
    tap = Tap()
    tap.answer(tap.ask(0, read(2)) + 10, told(2, 5))
    for n in range(6):
        tap.ask(1000 + 500 * n, read(1))
    assert tap.traffic.hammered.n == 0
    for n in range(6, 9):
        tap.ask(1000 + 500 * n, read(1))
    assert tap.traffic.hammered.n == 1
    (instance,) = tap.traffic.hammered.first
    assert instance[:3] == (4000 * MS, "a", 1)
    assert instance.told.startswith("sent 7 times in a row")


@pytest.mark.parametrize("between", ["answer", "other request", "fold", "damage"])
def test_what_ends_a_row_of_repeats(between: str) -> None:
    """An answer, another request, a stretch in which all was as before, a request that nobody understood."""
    tap = Tap()
    tap.answer(tap.ask(0, read(2)) + 10, told(2, 5))
    for n in range(12):
        end = tap.ask(1000 + 500 * n, read(1))
        if n == 5:
            {
                "answer": lambda end=end: tap.answer(end + 10, told(1, 5)),
                "other request": lambda end=end: tap.ask(end + 100, read(2)),
                "fold": lambda end=end: tap.fold(end + 10, end + 20),
                "damage": lambda end=end: tap.ask(end + 100, read(1), damaged=True),
            }[between]()
    assert tap.traffic.hammered.n == 0


def test_alone_on_a_line_one_may_ask_again() -> None:
    """There is no other unit that would have its turn."""
    tap = Tap()
    for n in range(12):
        tap.ask(500 * n, read(1))
    assert tap.traffic.hammered.n == 0


@pytest.mark.parametrize(("after", "doubled"), [(19.999, 1), (20, 0)])
def test_a_second_request_while_one_is_open(after: float, doubled: int) -> None:
    """Within 20 ms of the first one's end, without an answer, a character of one, or a broadcast before it."""
    tap = Tap()
    end = tap.ask(0, read(1))
    tap.send(end + after, read(2))
    assert tap.traffic.doubled.n == doubled
    if doubled:
        (instance,) = tap.traffic.doubled.first
        assert instance.unit == 2
        assert instance.told == "20.00 ms after a request to unit 1 that nobody had answered yet"
    for first in (frame(0, 6, 0, 1, 0, 1), read(1)):
        other = Tap()
        end = other.ask(0, first)
        if first == read(1):
            end = other.answer(end + 5, "ff")
        other.ask(end + 5, read(2))
        assert other.traffic.doubled.n == 0


WRITES = frame(1, 16, 0, 5, 0, 8, 16, *range(16))


@pytest.mark.parametrize("first", [read(1), frame(1, 6, 0, 5, 0, 1), WRITES, frame(1, 15, 0, 5, 0, 9, 2, 1, 1)])
def test_two_requests_in_one_burst(first: str) -> None:
    """Found by the length that the first has to have; the first is the one that counts. One alone is one."""
    tap = Tap()
    tap.ask(0, first)
    assert tap.traffic.doubled.n == 0
    assert tap.line.units[1].last == first
    both = Tap()
    both.ask(0, first + read(2))
    assert [(one.unit, one.told) for one in both.traffic.doubled.first] == [(1, "two requests in one burst")]
    assert list(both.line.units) == [1]
    spoilt = Tap()
    spoilt.ask(0, first + "0102")
    assert spoilt.traffic.doubled.n == 0


def test_silence_before_a_request() -> None:
    """t3.5 of the collector's own characters, to a twentieth; before the first request nothing is known."""
    tap = Tap()
    end = tap.answer(tap.ask(0, read(1)) + 10, told(1, 5))
    t35 = CHARACTER * 7 // 2 / MS
    assert tap.line.t35 == CHARACTER * 7 // 2
    end = tap.answer(tap.ask(end + t35 * 0.951, read(1)) + 10, told(1, 5))
    assert tap.traffic.short.n == 0
    tap.ask(end + t35 * 0.949, read(1))
    (instance,) = tap.traffic.short.first
    assert instance.told == "3.81 ms after what went before, t3.5 is 4.01 ms"


@pytest.mark.parametrize(("character", "t35"), [(516_000, 1_806_000), (515_999, 1_750_000), (1_000_000, 3_500_000)])
def test_the_silence_of_fast_lines_is_fixed(character: int, t35: int) -> None:
    """Above 19200 bit/s it is 1.75 ms (Modbus serial line 2.5.1.1); the shortest characters seen are the line's."""
    tap = Tap()
    tap.traffic.burst(0, "a", "port", read(1), 8 * character, damaged=False)
    tap.traffic.burst(NS, "a", "port", read(1), NS + 8 * 2_000_000, damaged=False)
    assert tap.line.t35 == t35


def test_how_long_is_waited_for_an_answer() -> None:
    """From the end of a request without any character in reply to the next one: the shortest and the longest."""
    tap = Tap()
    assert tap.line.waits is None
    for wait in (300, 200, 400):
        tap.ask(tap.ask(1000 * wait, read(1)) + wait, frame(0, 6, 0, 1, 0, 1))
    end = tap.ask(9e5, read(1))
    tap.answer(end + 5, "ffff")
    tap.ask(end + 100, read(1))
    assert tap.line.waits == (200 * MS, 400 * MS)


def test_a_reply_of_another_unit() -> None:
    """Kept with the wait from the request to the next one; not when an answer or damage came as well."""
    tap = Tap()
    end = tap.ask(0, read(1))
    foreign = tap.answer(end + 10, told(2, 5))
    tap.answer(foreign + 10, told(2, 6))
    tap.ask(end + 100, read(1))
    assert tap.line.foreign == [(round(foreign * MS), 100 * MS, 1)]
    for t, more, damaged in ((1000, told(1, 7), False), (2000, told(1, 7), True)):
        end = tap.ask(t, read(1))
        tap.answer(tap.answer(end + 10, told(2, 5)) + 10, more, damaged=damaged)
        tap.ask(end + 300, read(1))
    assert (tap.line.foreign_count, len(tap.line.foreign)) == (3, 1)


def test_a_reply_that_comes_after_the_next_request() -> None:
    """It is the earlier one's, told with the unit that is asked now, and makes that one's answer no other."""
    tap = Tap()
    tap.ask(0, read(1))
    end = tap.ask(500, read(2))
    late = end + 10
    tap.answer(late, told(1, 5))
    assert tap.line.late == [(round(late * MS), 2)]
    tap.answer(late + 20, told(1, 5))  # a second time it is nobody's any more
    assert (tap.line.late_count, tap.line.open.foreign > 0) == (1, True)  # type: ignore[union-attr]
    tap.answer(late + 40, told(2, 5))
    assert tap.line.open is not None
    assert tap.line.open.answered


@pytest.mark.parametrize(("after", "late"), [(59_999, 1), (60_000, 0)])
def test_after_a_minute_a_reply_is_nobodys(after: float, late: int) -> None:
    """Counted from the end of its request."""
    tap = Tap()
    end = tap.ask(0, read(1))
    tap.ask(end + after - 100, read(2))
    tap.answer(end + after, told(1, 5))
    assert tap.line.late_count == late


def test_four_requests_without_an_answer_are_remembered() -> None:
    """The fifth before is forgotten."""
    for before, late in ((4, 1), (5, 0)):
        tap = Tap()
        tap.ask(0, read(1))
        for n in range(1, before + 1):
            end = tap.ask(500 * n, read(2))
        tap.answer(end + 10, told(1, 5))
        assert tap.line.late_count == late


def test_no_unit_answers_before_the_silence_that_ends_a_request() -> None:
    """What fits an earlier request and comes within half of t3.5 is its answer; from there on it is this one's."""
    half = CHARACTER * 7 // 2 / 2 / MS
    for after, late in ((half - 0.01, 1), (half + 0.01, 0)):
        tap = Tap()
        tap.ask(0, read(1))
        tap.answer(tap.ask(500, read(1)) + after, told(1, 5))
        assert tap.line.late_count == late
        assert tap.line.open is not None
        assert tap.line.open.answered is not bool(late)


@pytest.mark.parametrize(
    ("request_", "reply", "answers"),
    [
        (read(1, 2, 3), told(1, 1, 2, 3), True),
        (read(1, 2, 3), told(1, 1, 2), False),
        (read(1, 2, 3, function=3), told(1, 1, 2, 3, function=3), True),
        (read(1, 2, 3, function=3), told(1, 1, 2, 3), False),
        (read(1, 2, 3), frame(1, 0x84, 2), True),
        (read(1, 2, 3), frame(1, 0x84, 2, 2), False),
        (read(1, 2, 3), frame(1, 0x83, 2), False),
        (frame(1, 6, 0, 5, 0, 1), frame(1, 6, 0, 5, 0, 9), True),
        (frame(1, 6, 0, 5, 0, 1), frame(1, 6, 0, 6, 0, 1), False),
        (frame(1, 5, 0, 5, 255, 0), frame(1, 5, 0, 5, 255, 0), True),
        (WRITES, frame(1, 16, 0, 5, 0, 8), True),
        (WRITES, frame(1, 16, 1, 5, 0, 8), False),
        (WRITES, frame(1, 16, 0, 5, 0, 8, 0), False),
        (frame(1, 15, 0, 5, 0, 9, 2, 1, 1), frame(1, 15, 0, 5, 0, 9), True),
        (frame(1, 43, 14, 1, 0), frame(1, 43, 14, 1, 1), True),
    ],
)
def test_what_can_be_the_answer(request_: str, reply: str, answers: bool) -> None:
    """By unit, function and length, of a write by the address that it repeats; an exception has five characters."""
    tap = Tap()
    tap.answer(tap.ask(0, request_) + 10, reply)
    assert tap.line.open is not None
    assert tap.line.open.answered is answers


def test_whether_units_answer() -> None:
    """The first exchange tells; then each change. Two failures in a row make a silent unit, one answer ends that."""
    tap = Tap()
    first = tap.answer(tap.ask(0, read(1)) + 10, told(1, 5))
    for n in range(1, 4):
        tap.ask(1000 * n, read(1))
        assert tap.line.silent == ({1} if n == 3 else set())
    again = tap.answer(tap.ask(4000, read(1)) + 10, told(1, 5))
    assert tap.line.units[1].changes == [
        (round(first * MS), True),
        (1000 * MS, False),
        (round(again * MS), True),
    ]
    assert (tap.line.silent, tap.line.units[1].failed) == (set(), 0)
    tap.traffic.close()
    assert tap.line.units[1].failed == 0


def test_what_was_written_and_when() -> None:
    """The first and the last instant of an answered write, by register; what was not answered is not known."""
    tap = Tap()
    for t in (0, 1000, 2000):
        tap.answer(tap.ask(t, frame(1, 6, 1, 5, 0, 1)) + 10, frame(1, 6, 1, 5, 0, 1))
    tap.answer(tap.ask(3000, WRITES) + 10, frame(1, 16, 0, 5, 0, 8))
    tap.ask(4000, frame(1, 6, 1, 6, 0, 1))
    assert tap.line.units[1].written == {0x105: [0, 2000 * MS], 5: [3000 * MS, 3000 * MS]}


def test_a_line_that_is_cut_off() -> None:
    """A request of which nothing goes through silences every unit that answered, until characters come as before."""
    tap = Tap()
    ends = [tap.answer(tap.ask(1000 * unit, read(unit)) + 10, told(unit, 5)) for unit in (1, 2)]
    tap.ask(3000, read(3))
    tap.traffic.burst(4000 * MS, "a", "port", "", 4000 * MS, damaged=True)
    for unit, end in zip((1, 2), ends, strict=True):
        assert tap.line.units[unit].changes == [(round(end * MS), True), (4000 * MS, False)]
    tap.fold(5000, 6000)
    assert len(tap.line.units[1].changes) == 2
    tap.fold(7000, 8000, chars=40)
    assert [tap.line.units[unit].changes[-1] for unit in (1, 2)] == [(7000 * MS, True)] * 2
    assert tap.line.units[3].changes == [(3000 * MS, False)]
    assert tap.line.cut == []


@pytest.mark.parametrize(
    ("begin", "end", "folded"), [(100, 200, True), (-10, 0, False), (-10, 1, True), (45_000, 46_000, False)]
)
def test_what_is_folded_after_a_reboot(begin: float, end: float, folded: bool) -> None:
    """Within 45 s of it; a stretch that ended by then or began later says nothing of it."""
    tap = Tap()
    tap.traffic.booted("a", 1, 0)
    tap.traffic.booted("elsewhere", 1, 0)
    tap.fold(begin, end)
    assert [(boot.unit, boot.folded) for boot in tap.line.boots] == [(1, folded)]


def test_a_fold_ends_what_was_open() -> None:
    """No reply belongs to a request of before it, no interval runs across it, its end is the last thing heard."""
    tap = Tap()
    tap.ask(0, read(1))
    tap.ask(500, read(2))
    tap.fold(600, 1600)
    assert (tap.line.open, len(tap.line.earlier)) == (None, 0)
    assert tap.line.units[1].asked is None
    assert (tap.line.busy_until, tap.line.folded_to) == (1600 * MS, 1600 * MS)
    assert tap.line.asked_since(1599 * MS)
    assert not tap.line.asked_since(1600 * MS)
    tap.ask(1601, read(1))
    assert tap.traffic.short.n == 1
    assert tap.line.asked_since(1600 * MS)
    tap.traffic.fold(0, {"line": "elsewhere", "from": 0, "to": 1, "n": 2})


EVENT = (0x0001, 0x0002, 0x0405, 0, 0, 0, 3, 17)
NOTHING = (0xFFFF,) * 8


def test_events_that_a_reply_carries() -> None:
    """Each with its epoch and number up to the first that is none, and the unit that was asked at that time."""
    tap = Tap()
    other = (0x0001, 0xFFFF, *EVENT[2:])
    end = tap.answer(tap.ask(0, read(1, 0x100, 32)) + 10, told(1, *EVENT, *other, *NOTHING, *EVENT))
    assert tap.offered == [("a", 1, 1, 2, round(end * MS), 1), ("a", 1, 1, 0xFFFF, round(end * MS), 1)]
    tap.ask(1000, read(1, 0x100, 8))
    assert tap.behind == []
    end = tap.ask(1500, read(2, 0x100, 8))
    late = tap.answer(end + 10, told(1, *EVENT))
    assert tap.offered[2:] == [("a", 1, 1, 2, round(late * MS), 2)]
    stray = tap.answer(late + 10, told(1, *EVENT))
    assert tap.offered[3:] == [("a", 1, 1, 2, round(stray * MS), -2)]


def test_who_is_asked_behind_a_reading() -> None:
    """The unit of the next request, if it is another one."""
    tap = Tap()
    tap.answer(tap.ask(0, read(1, 0x100, 8)) + 10, told(1, *EVENT))
    tap.ask(1000, read(2))
    tap.ask(2000, read(2))
    assert tap.behind == [("a", 1, 1, 2, 2)]


@pytest.mark.parametrize(
    ("unit", "address", "function"), [(3, 0x100, 4), (1, 0x101, 4), (1, 0x100, 3)], ids=["unit", "register", "function"]
)
def test_what_carries_no_events(unit: int, address: int, function: int) -> None:
    """Other units, other registers, other functions."""
    tap = Tap()
    tap.answer(tap.ask(0, read(unit, address, 8, function)) + 10, told(unit, *EVENT, function=function))
    assert tap.offered == []


def test_the_acknowledgement_of_losses_again() -> None:
    """As it was and unanswered: told. After an answer, with another number, or to another kind of unit: not."""
    from protocol.modbus.maps.reference_keypad import REFERENCE_KEYPAD

    address = REFERENCE_KEYPAD["acknowledge_lost"].address

    def lost(unit: int, n: int) -> str:
        return frame(unit, 6, address >> 8, address & 255, 0, n)

    for first, second, n in (
        (lost(1, 4), lost(1, 4), 1),
        (lost(1, 4), lost(1, 3), 0),
        (lost(3, 4), lost(3, 4), 0),
        (read(1), read(1), 0),
    ):
        tap = Tap()
        tap.ask(0, first)
        tap.ask(1000, second)
        assert tap.traffic.repeated.n == n
    tap = Tap()
    tap.answer(tap.ask(0, lost(1, 4)) + 10, lost(1, 4))
    tap.ask(1000, lost(1, 4))
    assert tap.traffic.repeated.n == 0


def test_who_is_held_up_while_another_is_silent() -> None:
    """The longest time between two requests to a unit that answers, and how many such times there were."""
    tap = Tap()
    tap.answer(tap.ask(0, read(1)) + 10, told(1, 5))
    tap.answer(tap.ask(1000, read(1)) + 10, told(1, 5))
    assert (tap.line.held, tap.line.held_checked) == (None, 0)
    tap.ask(2000, read(2))
    tap.ask(2500, read(2))
    tap.ask(3000, read(2))
    for t in (4000, 5000, 5500):
        tap.answer(tap.ask(t, read(1)) + 10, told(1, 5))
    assert tap.line.held == (3000 * MS, 1000 * MS, 1)
    assert tap.line.held_checked == 3


def test_what_is_usual_is_the_mean_between_visits() -> None:
    """Requests to one unit in a row are one visit; two visits to each unit at least; a long pause is none of it."""
    tap = Tap()
    assert tap.line.usual is None
    for n in range(4):
        for unit in (1, 2):
            t = 1000 * n + 400 * unit
            tap.answer(tap.ask(t, read(unit)) + 10, told(unit, 5))
            tap.answer(tap.ask(t + 100, read(unit)) + 10, told(unit, 5))
    # visits at 400, 800, 1400, 1800 ... 3800: 3400 ms in 7 visits, 2 units
    assert tap.line.usual == 3400 * MS * 2 // 7
    tap.answer(tap.ask(60_000, read(1)) + 10, told(1, 5))
    assert tap.line.usual == 3400 * MS * 2 // 7
    tap.fold(60_100, 70_100, n=40)
    assert tap.line.usual == (3400 + 10_000 + 100) * MS * 2 // (7 + 20)


def test_bursts_of_other_lines_and_of_nobody() -> None:
    """A line that is not the program's is not looked at; a reply before any request, or an empty one, is nothing."""
    tap = Tap()
    tap.send(0, read(1), line="b")
    tap.answer(0, told(1, 5))
    tap.answer(tap.ask(100, read(1)) + 10, "", damaged=True)
    assert list(tap.traffic.lines) == ["a"]
    assert (tap.line.requests, list(tap.line.units)) == (1, [1])
    assert tap.line.open is not None
    assert (tap.line.open.heard, tap.line.open.spoilt) == (0, False)
    assert Traffic([], lambda *_: None).rules() == {}
    assert set(tap.traffic.rules()) == {("line", "tx"), ("line", "fold")}


def test_a_request_that_nobody_understands() -> None:
    """Damaged on the way or unsound as it was sent: counted, asked of nobody, and what was open before is over."""
    for hexa, damaged in ((read(1), True), ("01040002000100", False), ("zz", False), ("01", False)):
        tap = Tap()
        tap.ask(0, read(1))
        tap.ask(1000, hexa, damaged=damaged)
        assert (tap.line.requests, tap.line.open, len(tap.line.earlier)) == (2, None, 0)
        assert tap.line.last_request == 1000 * MS
        assert list(tap.line.units) == [1]


def test_lines_units_and_bursts_are_looked_up_in_records() -> None:
    """`tx` as the history writes it: a house or a port asks, everything else answers; flaws are damage."""
    tap = Tap()
    for t, by, hexa, more in (
        (0, "port", read(1), {}),
        (NS, "house", read(2), {}),
        (2 * NS, "port", read(3), {"flaws": 1}),
        (2 * NS, "keypads", read(4), {}),
    ):
        tap.traffic.tx(t, {"line": "a", "by": by, "hex": hexa, "end": t + 9 * MS, **more})
    assert (tap.line.requests, list(tap.line.units)) == (3, [1, 2])
