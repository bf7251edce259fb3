"""What lies exactly at a limit is within it, and the next instant is not; how numbers and instants are told."""

from __future__ import annotations

from typing import Any

import pytest

from bench.judge.alignment import _FAR, COST, _outside
from bench.judge.case import Case, margin_of, quantiles, word
from bench.judge.claims import understand
from bench.judge.durable import resources
from bench.judge.folding import LONGEST, SILENT, SPAN, WireLog
from bench.judge.life import fates
from bench.judge.matching import Matching
from bench.judge.records import Row, Rows
from bench.judge.stories import MOST_LINES, Story, around, clock, press_line, seconds, where
from bench.judge.truth import Event, Station, frame, gather

NS = 1_000_000_000
PRESS = Event(0, "keypad-1", 100 * NS, 4, 2, 17, 1, 3, 100 * NS)


def ns(t: float) -> int:
    return round(t * 1000) * 1_000_000


# -- numbers ---------------------------------------------------------------------------------------------------------
def test_quantiles_are_measured_times() -> None:
    """The least that so many of the times do not exceed, in seconds to the millisecond; nothing of no times."""
    assert quantiles([k * NS for k in range(200, 0, -1)]) == {"p50": 100.0, "p99": 198.0, "max": 200.0}
    assert quantiles([1_234_567_890]) == {"p50": 1.235, "p99": 1.235, "max": 1.235}
    assert quantiles([NS, 3 * NS]) == {"p50": 1.0, "p99": 3.0, "max": 3.0}
    assert quantiles([]) == {"p50": None, "p99": None, "max": None}


def test_the_word_of_two_numbers() -> None:
    """One violation is enough; nothing looked at proves nothing."""
    assert [word(1, 9), word(1, 0), word(0, 1), word(0, 0)] == ["VIOLATED", "VIOLATED", "HOLDS", "NOT EXERCISED"]


def test_the_margin_is_that_of_the_longest_time() -> None:
    """By how much the longest keeps the limit, or breaks it."""
    assert [margin_of([3, 7], 5), margin_of([1, 4], 5), margin_of([], 5)] == [2, 1, None]


def test_few_stories_are_kept() -> None:
    """The first ones, as many as were asked for."""
    case = Case(frame({}), {}, None, None, most=2)
    assert case.stories("abc", lambda name: Story(name, [], [])) == [Story("a", [], []), Story("b", [], [])]


@pytest.mark.parametrize(("n", "m"), [(0, 0), (1, 3), (3, 1), (2, 2), (0, 4), (4, 0)])
def test_what_an_alignment_cannot_reach(n: int, m: int) -> None:
    """A diagonal from -n to m is touched by some path, which leaves over at least what it must; no other is."""
    floor = [1000 * k for k in range(m + 1)]
    for offset in range(-n - 3, m + 4):
        cost = _outside(offset, n, m, floor)
        if -n <= offset <= m:
            left_over = max(offset, 0) + max(m - n - offset, 0)
            assert cost == 1000 * left_over + (left_over + n - m) * COST.lost
        else:
            assert cost == _FAR


# -- instants and durations ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("t", "text"),
    [
        (0, "00:00:00.000"),
        (38_467_412_999_999, "10:41:07.412"),
        (86_700 * NS, "24:05:00.000"),
        (59 * NS + 999_000_000, "00:00:59.999"),
        (3600 * NS, "01:00:00.000"),
        (-61_002_000_000, "-00:01:01.002"),
    ],
)
def test_the_time_of_the_hall(t: int, text: str) -> None:
    """Hours go on after midnight, what was before it has a sign; titles leave the milliseconds out."""
    assert clock(t) == text
    assert where("keypad-2", t) == f"keypad-2 at {text[:-4]}"


def test_durations_have_sensible_digits() -> None:
    """Milliseconds below ten seconds, none from there on."""
    assert [seconds(412_000_000), seconds(10 * NS - 1_000_000), seconds(10 * NS), seconds(75_600_000_000)] == [
        "0.412 s",
        "9.999 s",
        "10 s",
        "76 s",
    ]
    assert seconds(-2 * NS) == "-2.000 s"


def test_a_press_in_words() -> None:
    """Who was logged in, by name or code, or nobody; the ticket only when there is one."""
    assert press_line(PRESS, {2: "C02"}) == (
        "00:01:40.000 keypad-1: key 4 pressed (clerk C02, ticket 17; epoch 1, seq 3)"
    )
    assert "(clerk 2, ticket 17;" in press_line(PRESS, {})
    nobody = Event(0, "keypad-1", 0, 4, 0, 0, 1, 3, 0)
    assert "(clerk nobody logged in; epoch" in press_line(nobody, {0: "nobody"})


# -- stories ---------------------------------------------------------------------------------------------------------
def test_which_transactions_a_story_keeps() -> None:
    """About the press itself the first three and the last three; of the others the first and the last two."""
    story = Story("", [], [])
    for k in range(9):
        story.heard(f"{k} mine", marked=True)
        story.heard(f"{k} other", marked=False)
    assert story.marked == [f"{k} mine" for k in (0, 1, 2, 6, 7, 8)]
    assert story.plain == [f"{k} other" for k in (0, 7, 8)]
    assert story.text().splitlines() == [f"  {k} mine" for k in (0, 1, 2, 6, 7, 8)]


def test_others_fill_the_room_that_is_left() -> None:
    """Six transactions in all, those about the press first to be kept, told in the order of time."""
    story = Story("", ["before"], ["after"])
    story.heard("2 mine", marked=True)
    for k in (1, 3, 4):
        story.heard(f"{k} other", marked=False)
    assert story.text().splitlines() == ["before", "  1 other", "  2 mine", "  3 other", "  4 other", "after"]
    crowded = Story("", ["before"] * 5, ["after"] * 5, None, ["a", "b", "c"])
    assert crowded.text().splitlines() == [*["before"] * 5, "  a", "  b", *["after"] * 5]
    assert len(Story("", ["x"] * 9, ["y"] * 9).text().splitlines()) == MOST_LINES


@pytest.mark.parametrize(
    ("end", "spans"),
    [
        (110.0, [(99.95, 110.0)]),
        (119.95, [(99.95, 119.95)]),
        (121.0, [(99.95, 119.95), (119.95, 121.0)]),
        (500.0, [(99.95, 119.95), (498.0, 500.0)]),
    ],
)
def test_the_traffic_about_a_press(end: float, spans: list[tuple[float, float]]) -> None:
    """Twenty seconds from just before the press, and the two before its fate was sealed, on its keypad's line."""
    truth = frame({})
    truth.devices["keypad-1"] = Station("keypad-1", line="keypads", unit=1)
    window = around(PRESS, truth, ns(end))
    assert window is not None
    assert window == ("keypads", tuple((ns(a), ns(b)) for a, b in spans), 1, "00010003")
    truth.devices["keypad-1"] = Station("keypad-1", line="keypads", unit=1, protocol="osdp")
    other = around(PRESS, truth, ns(end))
    assert other is not None
    assert other.unit is None, "only frames of Modbus begin with the unit"
    truth.devices["keypad-1"] = Station("keypad-1")
    assert around(PRESS, truth, ns(end)) is None
    assert around(PRESS, frame({}), ns(end)) is None


# -- the desk --------------------------------------------------------------------------------------------------------
def called(t: float, ticket: str = "A001") -> Any:
    return (t, "house", "call", {"ticket": ticket, "counter": 1, "clerk": "C01"})


def shown(t: float, text: str = "A001") -> Any:
    return (t, "dev", "shown", {"device": "display-1", "text": text})


@pytest.mark.parametrize(
    ("records", "word_", "figures"),
    [
        ([called(30_000), shown(30_005)], "HOLDS", {"max": 5.0}),
        ([called(30_000), shown(30_005.001)], "VIOLATED", {}),
        ([called(30_000), shown(30_000)], "HOLDS", {"max": 0.0}),
        ([shown(29_000), called(30_000)], "HOLDS", {"max": 0.0}),
        ([called(30_000), called(30_005, "A002"), shown(30_005, "A002")], "HOLDS", {"superseded": 1}),
        ([called(30_000), called(30_005.001, "A002"), shown(30_006, "A002")], "VIOLATED", {"superseded": 0}),
        ([called(61_195)], "VIOLATED", {"open": 0}),
        ([called(61_195.001)], "NOT EXERCISED", {"open": 1}),
    ],
)
def test_calls_at_the_limit(kit: Any, records: list[Any], word_: str, figures: dict[str, Any]) -> None:
    """Shown after exactly five seconds is in time; a next call, or the end of the run, just then counts too."""
    finding = kit.judge(records, []).findings["calls"]
    assert finding.verdict == word_
    assert {name: finding.figures[name] for name in figures} == figures


@pytest.mark.parametrize(("t", "word_"), [(61_169.999, "VIOLATED"), (61_170, "NOT EXERCISED")])
def test_tickets_of_the_last_moments(kit: Any, t: float, word_: str) -> None:
    """A ticket issued as long before the end as things take to settle may still be printed."""
    issued = (t, "house", "ticket_issued", {"ticket": "A001", "printer": "printer-1"})
    assert kit.judge([issued], []).findings["tickets"].verdict == word_


def test_a_slip_that_names_several_tickets(kit: Any) -> None:
    """It is the one last issued by then that has no slip yet: those that wait before it are named on it too."""
    issues = [
        (t, "house", "ticket_issued", {"ticket": ticket, "printer": "printer-1"})
        for t, ticket in ((30_000, "A001"), (30_100, "A002"), (30_200, "A003"))
    ]
    slips = [
        (t, "dev", "printed", {"device": "printer-1", "lines": [text]})
        for t, text in ((30_001, "A001"), (30_110, "A002 before you: A001, then A003"), (30_200, "A003"))
    ]
    finding = kit.judge([*issues, *slips], []).findings["tickets"]
    assert (finding.verdict, finding.checked) == ("HOLDS", 3)


def test_why_calls_were_not_looked_at(kit: Any) -> None:
    """Nobody was called, or only to counters without a display."""
    assert kit.judge([], []).findings["calls"].reason == "no ticket was called"
    elsewhere = (30_000, "house", "call", {"ticket": "A001", "counter": 9, "clerk": "C01"})
    assert kit.judge([elsewhere], []).findings["calls"].reason == "no called counter has a display"


def test_a_hall_without_a_voice_tells_nothing_of_voices(kit: Any) -> None:
    """What was spoken is told where somebody speaks."""
    assert "spoken" not in kit.judge([called(30_000), shown(30_001)], []).findings["calls"].figures
    devices = [*kit.header()["devices"], {"name": "voice-1", "kind": "voice_caller", "line": "v", "owner": "house"}]
    figures = kit.judge([called(30_000), shown(30_001)], [], devices=devices).findings["calls"].figures
    assert (figures["spoken"], figures["unspoken"]) == (0, 1)


@pytest.mark.parametrize(("t", "unspoken"), [(61_170, 1), (61_170.001, 0)])
def test_calls_that_a_voice_may_still_speak(kit: Any, t: float, unspoken: int) -> None:
    """A call whose thirty seconds are over as the run ends had its time."""
    devices = [*kit.header()["devices"], {"name": "voice-1", "kind": "voice_caller", "line": "v", "owner": "house"}]
    finding = kit.judge([called(t), shown(t)], [], devices=devices).findings["calls"]
    assert finding.figures["unspoken"] == unspoken


# -- rows ------------------------------------------------------------------------------------------------------------
def test_an_instant_without_zone_is_summer_time_in_summer(kit: Any) -> None:
    """Ten days after the clocks went forward in Warsaw it is two hours after UTC there, and an hour a month before."""
    for midnight, day in ((1_744_236_000, "2025-04-10"), (1_741_561_200, "2025-03-10")):
        header = {"timezone": "Europe/Warsaw", "epoch_ns": midnight * NS}
        truth = gather(kit.history([kit.press(35_000, 1), kit.end()], **header))
        rows = Rows.of([{"device": 1, "value": 5, "at": f"{day}T10:00:00"}])
        claims = understand(rows, truth)
        assert ([claim.at for claim in claims.claims], claims.problems) == ([36_000 * NS], [])


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ((100, 98), []),
        ((100, 97.999), ["row 2: stored_at: 2.001 s before that of row 1"]),
        ((100, None, 90), ["row 3: stored_at: 10.000 s before that of row 1"]),
        ((None, 100, 90, 95), ["row 3: stored_at: 10.000 s before that of row 2"]),
        ((90, 100, 200), []),
    ],
)
def test_a_clock_that_was_set_back(kit: Any, stored: tuple[float | None, ...], told: list[str]) -> None:
    """More than two seconds back from one row to the next that has an instant; where the order of rows is known."""
    rows = [
        Row(n, "keypad-1", value=5, stored_at=None if at is None else kit.EPOCH_S + 30_000 + at)
        for n, at in enumerate(stored, 1)
    ]
    truth = gather(kit.history([kit.press(30_000, 1), kit.end()]))
    problems = [str(problem) for problem in understand(Rows(rows), truth).problems]
    assert [problem.split(", which")[0] for problem in problems] == told
    assert understand(Rows(rows, order=None), truth).problems == []


@pytest.mark.parametrize(
    ("stored", "word_"),
    [(30_003, "HOLDS"), (30_004, "VIOLATED"), (30_002.001, "HOLDS"), (30_002.002, "VIOLATED"), (30_001.5, "HOLDS")],
)
def test_storing_before_acknowledging(kit: Any, stored: float, word_: str) -> None:
    """A millisecond is allowed between the two, or a second where instants of storing are whole seconds."""
    press = kit.press(30_000, 1)
    row = kit.row(press, 1, stored_at=kit.EPOCH_S + stored)
    finding = kit.judge([press, kit.ack(30_002, 1)], [row]).findings["acknowledge"]
    assert (finding.verdict, finding.checked) == (word_, 1)


# -- what became of a press ------------------------------------------------------------------------------------------
def fate_of(kit: Any, *others: Event, protocol: str = "modbus_rtu", fault: float | None = None, **became: Any) -> Any:
    """What became of a press at 100 s, in seconds: kind, instant, could it have been had, does it show."""
    truth = frame(kit.header())
    truth.devices["keypad-1"] = truth.devices["keypad-1"]._replace(protocol=protocol)
    truth.ended = 1000 * NS
    if fault is not None:
        truth.course.rules()["fault", "fault"](ns(fault), {"id": "N1", "name": "noise", "line": "keypads"})
    instants = {name: ns(t) if name != "twin" else t for name, t in became.items()}
    event = Event(0, "keypad-1", 100 * NS, 4, 2, 17, 1, 3, 100 * NS, **instants)
    truth.events = [event, *others]
    (fate,) = fates([event], truth)
    return fate.kind, fate.at / NS, fate.avoidable, fate.visible


LATER = Event(1, "keypad-1", 200 * NS, 4, 2, 17, 1, 4, 200 * NS)

FATES: list[tuple[dict[str, Any], Any]] = [
    ({"acked": 150}, ("acknowledged", 150, True, False)),
    ({"acked": 150, "dropped": 140}, ("acknowledged", 150, True, False)),
    ({"acked": 150, "twin": True}, ("twin", 150, False, False)),
    ({}, ("waiting", 1000, True, False)),
    ({"dropped": 130}, ("overflow", 130, True, True)),
    ({"dropped": 129.999}, ("overflow", 129.999, False, True)),
    ({"dropped": 129.999, "seen": 110}, ("overflow", 129.999, True, True)),
    ({"dropped": 130, "protocol": "osdp"}, ("overflow", 130, True, False)),
    ({"dropped": 130, "protocol": ""}, ("overflow", 130, True, True)),
    ({"gone": 120}, ("erased", 120, False, False)),
    ({"gone": 130}, ("erased", 130, True, False)),
    ({"acked": 150, "protocol": "osdp"}, ("acknowledged", 150, True, False)),
    ({"acked": 150, "protocol": "osdp", "fault": 150.5}, ("acknowledged", 150, False, False)),
    ({"acked": 150, "protocol": "osdp", "fault": 150.501}, ("acknowledged", 150, True, False)),
    ({"acked": 150, "protocol": "osdp", "fault": 148}, ("acknowledged", 150, False, False)),
    ({"acked": 150, "protocol": "osdp", "fault": 147.999}, ("acknowledged", 150, True, False)),
    ({"acked": 150, "protocol": "osdp", "fault": 150, "seen": 150}, ("acknowledged", 150, True, False)),
    ({"acked": 150, "fault": 150}, ("acknowledged", 150, True, False)),
]


@pytest.mark.parametrize(("became", "fate"), FATES)
def test_whose_loss_it_is(kit: Any, became: dict[str, Any], fate: Any) -> None:
    """The program's when it removed the press, received it, or had as long as things take to settle to ask for it."""
    assert fate_of(kit, **became) == fate


def test_a_hole_in_the_numbers_shows_an_erased_press(kit: Any) -> None:
    """A later press of the same epoch that was not erased too; of another epoch it shows nothing."""
    assert fate_of(kit, LATER, gone=120)[3]
    other_epoch = Event(1, "keypad-1", 200 * NS, 4, 2, 17, 2, 4, 200 * NS)
    erased_too = Event(1, "keypad-1", 200 * NS, 4, 2, 17, 1, 4, 200 * NS, gone=ns(210))
    for other in (other_epoch, erased_too):
        assert not fate_of(kit, other, gone=120)[3]
    assert not fate_of(kit, LATER, gone=120, protocol="osdp")[3]


# -- growth ----------------------------------------------------------------------------------------------------------
GROWTH = [
    ((10, 17), (0, 0), "HOLDS"),
    ((10, 18), (0, 0), "VIOLATED"),
    ((10, 10), (40_000, 56_383), "HOLDS"),
    ((10, 10), (40_000, 56_384), "VIOLATED"),
    ((10, 10), (65_536, 81_920), "HOLDS"),
    ((10, 10), (65_536, 81_921), "VIOLATED"),
    ((18, 10), (81_921, 65_536), "HOLDS"),
]


@pytest.mark.parametrize(("descriptors", "memory", "word_"), GROWTH)
def test_growth_at_the_limit(descriptors: tuple[int, int], memory: tuple[int, int], word_: str) -> None:
    """Eight descriptors more, or 16 MiB that are more than a quarter; the start of the run is nobody's growth."""
    (few, many), (small, large) = descriptors, memory
    samples = [(0, 1, 1), (1, 1, 1), *[(2, few, small)] * 2, *[(4, 99, 10**6)] * 2, *[(6 * NS, many, large)] * 2]
    case = Case(frame({}), {}, None, None, most=9, resources=samples)
    finding = resources(case, Matching())
    assert (finding.verdict, finding.checked) == (word_, 2)
    assert (finding.figures["descriptors_early"], finding.figures["memory_kb_late"]) == (few, large)
    assert [story.title for story in finding.stories] == ["the program at 00:00:06"] * (word_ == "VIOLATED")
    case.resources = samples[1:]
    assert resources(case, Matching()).verdict == "NOT EXERCISED"
    case.resources = [(t, None, kb) for t, _, kb in samples]
    assert resources(case, Matching()).checked == 1


# -- the wire --------------------------------------------------------------------------------------------------------
class Written:
    """Takes what a log writes."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def record(self, _t: int, _src: str, kind: str, _facts: dict[str, Any]) -> int:
        self.kinds.append(kind)
        return len(self.kinds)


def exchanges(*times: int, asked: bytes = b"ask", silent: tuple[int, ...] = ()) -> list[str]:
    """Kinds of the records of a log that sees the same exchange at these instants (no reply at `silent` ones)."""
    written = Written()
    log = WireLog(written, evidence="folded", masters=("master",))
    for t in times:
        log.burst(t, "line", "master", asked, 0, t + 1)
        if t not in silent:
            log.burst(t + 2, "line", "slave", b"reply", 0, t + 3)
    log.close()
    return written.kinds


def test_a_fold_covers_ten_minutes() -> None:
    """What repeats for exactly so long is one fold; a nanosecond more begins another."""
    assert exchanges(0, 10, 10 + SPAN) == ["tx", "tx", "fold", "wire"]
    assert exchanges(0, 10, 11 + SPAN) == ["tx", "tx", "fold", "fold", "wire"]


def test_long_requests_are_contents() -> None:
    """Up to 512 bytes a request is a poll that may repeat; a longer one is written each time."""
    assert exchanges(0, 10, 20, asked=bytes(LONGEST)).count("tx") == 2
    assert exchanges(0, 10, 20, asked=bytes(LONGEST + 1)).count("tx") == 6


def test_a_silence_is_looked_at_for_ten_seconds() -> None:
    """After a request that used to be answered and is not, all is written for ten seconds, up to that instant."""
    within = exchanges(0, 10, 20, 100, 17 + SILENT, silent=(20,))  # the reply begins 2 ns later
    after = exchanges(0, 10, 20, 100, 18 + SILENT, silent=(20,))
    assert (within.count("tx"), after.count("tx")) == (7, 5)


def test_the_kinds_of_evidence() -> None:
    """Given by name, as the command line does; another one is refused with those that there are."""
    written = Written()
    log = WireLog(written, evidence="hash", masters=("m",))
    log.burst(0, "line", "m", b"ask", 0, 1)
    log.close()
    assert written.kinds == ["wire"]
    with pytest.raises(ValueError, match="'all' is not one of folded, full, hash"):
        WireLog(written, evidence="all")


def test_the_traffic_in_a_story_of_manners(kit: Any) -> None:
    """Half a second before what was done, a tenth after it."""
    frame_ = kit.frame(1, 4, 0, 2, 0, 6)
    records = [kit.tx(30_100, "port", frame_), kit.tx(30_100.018, "port", frame_)]
    (story,) = kit.judge(records, []).findings["manners"].stories
    assert story.window is not None
    ((begin, end),) = story.window.spans
    assert clock(begin + NS // 2) == story.after[-1][:12]
    assert end - begin == 600_000_000


def test_the_traffic_in_a_story_of_a_late_reply(kit: Any) -> None:
    """From a second before the press, whenever the row was stored."""
    press = kit.press(30_000, 4, device="keypad-2")
    request, reply = kit.fetch(30_001, press)
    asked_next = kit.tx(30_001.2, "port", kit.frame(1, 4, 1, 0, 0, 8))
    late = kit.tx(30_001.3, "slaves", reply[3]["hex"])
    row = kit.row(press, 1, device="keypad-1", stored_at=kit.EPOCH_S + 30_100)
    records = [press, request, asked_next, late, kit.ack(30_002, 4, device="keypad-2")]
    (story,) = kit.judge(records, [row]).findings["late_reply"].stories
    assert story.window is not None
    assert story.window.spans == ((29_999 * NS, 30_020 * NS),)
    assert story.window.mark == "00010004"


def test_silence_that_was_too_short_is_told_to_a_hundredth(kit: Any) -> None:
    """How long it was, and how long it had to be."""
    records = [*kit.poll(30_100), kit.tx(30_100.034, "port", kit.frame(2, 4, 0, 2, 0, 6))]
    (story,) = kit.judge(records, []).findings["manners"].stories
    assert story.after[-1].endswith("TOO SOON: 2.52 ms after what went before, t3.5 is 4.01 ms")


def test_how_often_a_line_is_usually_asked(kit: Any) -> None:
    """Two units asked once a second each: while one is silent the other may wait twice that and a second more."""
    records = [record for k in range(20) for unit in (1, 2) for record in kit.poll(30_000 + k + 0.1 * unit, unit)]
    for k in range(8):
        records += [*kit.poll(30_100 + 5 * k, 1), *kit.poll(30_100.1 + 5 * k, 2, reply=False)]
    finding = kit.judge(records, []).findings["fairness"]
    (story, *_) = finding.stories
    told, allowed_ = story.after[-1].rsplit("; allowed are ", 1)
    assert told == "UNFAIR: unit 1 was not asked for 5.000 s while unit 2 was silent"
    assert story.window is not None
    ((begin, end),) = story.window.spans
    assert end - begin == 7 * NS
    allowed = float(allowed_.removesuffix(" s"))
    assert 2.8 < allowed < 3.6
    assert finding.margin == pytest.approx((5 - allowed) * NS, abs=2_000_000)


def test_why_a_line_was_not_looked_at(kit: Any) -> None:
    """Nothing of the kind happened on the program's lines, or it has none that can be judged."""
    reasons = {
        "late_reply": "no reply came after the next request",
        "manners": "nothing was asked on the program's lines",
    }
    for name, reason in reasons.items():
        assert kit.judge([], []).findings[name].reason == reason
        devices = [{**device, "protocol": "osdp"} for device in kit.header()["devices"]]
        without = "the program runs no line of Modbus devices alone"
        assert kit.judge([], [], devices=devices).findings[name].reason == without


def test_how_long_the_program_waits_for_an_answer(kit: Any) -> None:
    """The shortest wait for a unit that said nothing at all is its patience."""
    t = 30_100.0
    foreign = [kit.tx(t, "port", kit.frame(1, 4, 0, 2, 0, 6)), kit.tx(t + 0.012, "slaves", kit.frame(77, 4, 2, 0, 1))]
    records = [*foreign, *kit.poll(t + 0.9, 2)]
    for begin, wait in ((t + 10, 3), (t + 20, 1), (t + 30, 2)):
        records += [*kit.poll(begin, reply=False), *kit.poll(begin + wait, 2)]
    figures = kit.judge(records, []).findings["unexpected_unit"].figures
    assert figures["patience"] == pytest.approx(1, abs=0.02)
    assert (figures["gave_up"], figures["credited"]) == (0, 0)


def test_a_reply_that_nobody_asked_for_credited_to_the_unit_that_was_asked(kit: Any) -> None:
    """Keypad 2 answers while keypad 1 is asked; its press stored for keypad 1 breaks J12, and once."""
    press = kit.press(30_000, 4, device="keypad-2")
    records = [press, *kit.fetch(30_001, press, asked=1), kit.ack(30_003, 4, device="keypad-2")]
    records += [*kit.poll(30_002, 1), *kit.poll(30_010, reply=False), *kit.poll(30_011)]
    finding = kit.judge(records, [kit.row(press, 1, device="keypad-1")]).findings["unexpected_unit"]
    assert (finding.verdict, finding.figures["credited"]) == ("VIOLATED", 1)


def test_every_line_is_judged_for_fairness(kit: Any) -> None:
    """Where one line does not tell what is usual, another that does is judged all the same."""
    devices = kit.header()["devices"]
    devices[:2] = [{**device, "line": line} for device in devices[:2] for line in ("unknown", "known")]
    for n, device in enumerate(devices[:4]):
        device["name"] = f"keypad-{n}"
    records = []
    for line, calm in (("unknown", 0), ("known", 20)):
        made = [record for k in range(calm) for unit in (1, 2) for record in kit.poll(30_000 + k + 0.1 * unit, unit)]
        for k in range(8):
            made += [*kit.poll(30_100 + 5 * k, 1), *kit.poll(30_100.1 + 5 * k, 2, reply=False)]
        records += [(t, src, kind, {**facts, "line": line}) for t, src, kind, facts in made]
    finding = kit.judge(records, [], devices=devices).findings["fairness"]
    assert (finding.verdict, finding.violations) == ("VIOLATED", 1)


def test_damage_is_told_with_how_much_more_there_is(kit: Any) -> None:
    """The first record that lacks something, and the number of the others."""
    broken = [(30_000 + n, "dev", "press", {"device": "keypad-1"}) for n in range(3)]
    for n, more in ((1, "lacks or garbles 'value'"), (3, ", and 2 more")):
        reason = kit.judge(broken[:n], []).reason
        assert reason.startswith("the history cannot be relied on: record ")
        assert reason.endswith(more)


def test_a_pair_that_is_booked_is_a_pair_that_was_heard() -> None:
    """Counted without being looked at, a request and its reply leave the same records, to the nanosecond and hash."""
    accounts = []
    for booked in (False, True):
        told: list[Any] = []

        class Kept:
            def record(self, t: int, src: str, kind: str, facts: dict[str, Any], told: list[Any] = told) -> int:
                told.append((t, src, kind, facts))
                return len(told)

        log = WireLog(Kept())
        for t in (100, 200, 300):
            pair = log.pair("line", "port", b"ask", "slave", b"reply") if booked and t > 100 else None
            if pair is not None and pair.free(t):
                pair.add(t, t + 10, t + 20, t + 45)
                continue
            log.burst(t, "line", "port", b"ask", 0, t + 10)
            log.burst(t + 20, "line", "slave", b"reply", 0, t + 45)
        log.close()
        accounts.append(told)
    assert accounts[0] == accounts[1]
    assert accounts[0][2][3]["busy"] == 70
