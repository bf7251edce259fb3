"""What has to be told: losses that a device shows, devices that are silent; and how the verdict itself is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.judge.case import Case, Finding
from bench.judge.course import Gap, Pulse
from bench.judge.evidence import Run, write_rows
from bench.judge.explain import explained, find
from bench.judge.heard import gaps_of, health_of
from bench.judge.history import History
from bench.judge.invariants import INVARIANTS, Invariant, judge_one
from bench.judge.life import Fate
from bench.judge.records import Gap as ToldGap
from bench.judge.records import Health, Rows
from bench.judge.reported import _silent, _told_up, _unreported
from bench.judge.stories import Story
from bench.judge.truth import Event, frame
from bench.judge.verdict import Verdict, _broken, _count, _overall, _reason, judge

NS = 1_000_000_000
LIMIT = 300 * NS


def fate(n: int = 0, *, at: float = 1000, seq: int = 7, epoch: int = 1) -> Fate:
    event = Event(n, "keypad-1", 0, 5, 0, 0, epoch, seq, 0)
    return Fate(event, "overflow", round(at * NS), avoidable=False, visible=True)


def gap(t: float | None = 1000, lost: int | None = 1, *numbers: int | None, device: str = "keypad-1") -> Gap:
    return Gap(device, None if t is None else round(t * NS), lost, *numbers)


COVERED = [
    (gap(), True),
    (gap(None), True),
    (gap(device="keypad-2"), False),
    (gap(999), True),
    (gap(998.999), False),
    (gap(1300), True),
    (gap(1300.001), False),
    (gap(1000, 0), False),
    (gap(1000, None), True),
    (gap(1000, 9, 1, 7, 7), True),
    (gap(1000, 9, 1, 5, 7), True),
    (gap(1000, 9, 1, 8, 9), False),
    (gap(1000, 9, 1, 65_530, 7), True),
    (gap(1000, 9, 1, 8, 6), False),
    (gap(1000, 9, 2, 7, 7), False),
    (gap(1000, 9, None, 7, 7), True),
    (gap(1000, 1, 2), True),
]


@pytest.mark.parametrize(("told", "covered"), COVERED)
def test_which_report_covers_a_loss(told: Gap, covered: bool) -> None:
    """Of its device, from a second before the loss to the limit after it, with its number if numbers are told."""
    assert _unreported([fate()], [told], LIMIT) == ([] if covered else [fate()])


def test_a_count_covers_so_many() -> None:
    """The earliest first; one without a count covers all; a second report goes on where the first ends."""
    losses = [fate(n, at=1000 + n) for n in (2, 0, 1)]
    assert _unreported(losses, [gap(1000, 2)], LIMIT) == [fate(2, at=1002)]
    assert _unreported(losses, [gap(1001, None)], LIMIT) == []
    assert _unreported(losses, [gap(1000, 2), gap(1001, 1)], LIMIT) == []
    assert _unreported(losses, [gap(1000, 1), gap(1001, 1)], LIMIT) == [fate(2, at=1002)]
    assert len(_unreported(losses, [], LIMIT)) == 3


def test_what_was_told_last_of_a_device() -> None:
    """Up until something else is told, at that instant already."""
    pulses = [Pulse(100, "k", up=False), Pulse(200, "k", up=True), Pulse(300, "k", up=False)]
    assert [_told_up(pulses, t) for t in (99, 100, 199, 200, 300)] == [True, False, False, True, False]
    assert _told_up([], 5)


class Answering:
    """A unit of which only its state is asked."""

    def __init__(self, answers: bool) -> None:
        self.answers = answers

    def state(self, _t: int) -> bool:
        return self.answers


@pytest.mark.parametrize(
    ("end", "pulses", "answers", "wrong"),
    [
        (1000, [], True, ["not told to be down"]),
        (1000, [(129, False), (300, True)], True, []),
        (1000, [(130, False), (300, True)], True, []),
        (1000, [(131, False), (300, True)], True, ["not told to be down"]),
        (1000, [(120, False)], True, ["still told to be down"]),
        (1000, [(120, False), (390, True)], True, []),
        (1000, [(120, False), (391, True)], True, ["still told to be down"]),
        (1000, [(120, False)], False, []),
        (390, [(120, False)], True, ["still told to be down"]),
        (389, [(120, False)], True, []),
        (130, [], True, ["not told to be down"]),
        (129, [], True, []),
    ],
)
def test_a_silence_and_what_was_told(end: int, pulses: list[tuple[int, bool]], answers: bool, wrong: list[str]) -> None:
    """Silent from 100 to 300: down has to be told by 130, up by 390, if the run goes on for so long."""
    truth = frame({})
    truth.ended = end * NS
    told = [Pulse(t * NS, "k", up) for t, up in pulses]
    found = _silent(truth, told, Answering(answers), (100 * NS, 300 * NS))
    assert [what.rsplit(", ", 1)[1].removeprefix("and ").removeprefix("is ") for _, what in found] == wrong


# -- the verdict -----------------------------------------------------------------------------------------------------
def test_a_judge_that_fails_decides_nothing() -> None:
    """Its error is the reason; without rows an invariant of the rows is not even asked."""

    def fails(_case: Any, _matching: Any) -> Finding:
        raise ZeroDivisionError("by nought")

    case = Case(frame({}), {}, None, None, 3)
    found = judge_one(Invariant("x", "", "", fails, of_rows=False), case)
    assert found.verdict == "UNKNOWN"
    assert "ZeroDivisionError: by nought" in found.reason
    assert judge_one(Invariant("x", "", "", fails), case).reason == "the records cannot be judged"


def test_what_can_be_judged_without_rows() -> None:
    """Devices, lines and the desk tell their own story; whatever is about ratings needs what was stored of them."""
    without = ("health", "fairness", "manners", "convergence", "reconfiguration", "resources", "tickets", "calls")
    assert tuple(row.name for row in INVARIANTS if not row.of_rows) == without


@pytest.mark.parametrize(
    ("verdict", "margin", "word"),
    [
        ("HOLDS", 5, "HOLDS"),
        ("HOLDS", 4, "UNKNOWN"),
        ("VIOLATED", 4, "UNKNOWN"),
        ("VIOLATED", 5, "VIOLATED"),
        ("HOLDS", None, "HOLDS"),
        ("NOT EXERCISED", 4, "NOT EXERCISED"),
    ],
)
def test_what_the_halls_own_lateness_may_have_decided(verdict: Any, margin: int | None, word: str) -> None:
    """A margin as large as the lateness stands; a smaller one decides nothing."""
    case = Case(frame({}), {}, None, None, 3)
    case.truth.course.jitter = 5
    made = Invariant("x", "", "", lambda *_: Finding(verdict, margin=margin), of_rows=False)
    assert judge_one(made, case).verdict == word


def test_faults_that_hit_nothing_prove_nothing() -> None:
    """What holds without a hit of any fault that was meant for it was not exercised; one hit is enough."""
    case = Case(frame({}), {}, None, None, 3)
    made = Invariant("acknowledge", "J14", "", lambda *_: Finding("HOLDS"), of_rows=False)
    rules = case.truth.course.rules()
    rules["fault", "fault_unused"](1, {"id": "N17", "name": "cut_wire"})  # meant for others
    assert judge_one(made, case).verdict == "HOLDS"
    rules["fault", "fault_unused"](1, {"id": "N38", "name": "kill"})
    found = judge_one(made, case)
    assert (found.verdict, found.reason) == ("NOT EXERCISED", "the faults meant for it hit nothing: N38 kill")
    rules["fault", "fault"](2, {"id": "N38", "name": "kill"})
    assert judge_one(made, case).verdict == "HOLDS"


@pytest.mark.parametrize(
    ("words", "must", "word"),
    [
        (("HOLDS", "HOLDS"), (), "HOLDS"),
        (("HOLDS", "NOT EXERCISED"), (), "HOLDS"),
        (("HOLDS", "NOT EXERCISED"), ("a", "b"), "NOT EXERCISED"),
        (("HOLDS", "UNKNOWN"), (), "UNKNOWN"),
        (("HOLDS", "UNKNOWN"), ("a",), "HOLDS"),
        (("HOLDS", "VIOLATED"), ("a",), "VIOLATED"),
        (("UNKNOWN", "VIOLATED"), ("a",), "VIOLATED"),
        (("NOT EXERCISED", "UNKNOWN"), ("a", "b"), "UNKNOWN"),
        (("NOT EXERCISED", "NOT EXERCISED"), (), "NOT EXERCISED"),
        (("HOLDS", "HOLDS"), ("a", "c"), "UNKNOWN"),
    ],
)
def test_the_worst_word_of_what_counts(words: tuple[Any, Any], must: tuple[str, ...], word: str) -> None:
    """What must be exercised and what is violated; all that was exercised if nothing must."""
    findings = {name: Finding(told, reason=f"because of {name}") for name, told in zip("ab", words, strict=True)}
    assert _overall(findings, must) == word
    if word in ("HOLDS", "VIOLATED"):
        assert _reason(word, findings, must, "") == ""


def test_reasons_name_whose_they_are() -> None:
    """Each reason once, with the invariants it is for; that of missing rows stands last, with what was wrong."""
    findings = {
        "a": Finding("UNKNOWN", reason="the records cannot be judged"),
        "b": Finding("UNKNOWN", reason="too short"),
        "c": Finding("UNKNOWN", reason="too short"),
        "d": Finding("HOLDS", reason="never told"),
    }
    assert _reason("UNKNOWN", findings, (), "no such table") == (
        "too short (b, c); the records cannot be judged (a): no such table"
    )
    assert _reason("UNKNOWN", findings, ("a",), "") == "the records cannot be judged (a): there are none"
    assert _reason("UNKNOWN", findings, ("e",), "") == "this judge does not know that invariant (e)"
    assert _reason("NOT EXERCISED", {}, (), "") == ("nothing happened in this run that could have broken an invariant")


def test_counts_in_words() -> None:
    """Thousands are set off, and one is one."""
    assert [_count(n, "rating") for n in (0, 1, 2, 1778)] == ["0 ratings", "1 rating", "2 ratings", "1,778 ratings"]


def test_what_is_broken_in_words() -> None:
    """How many of how many, two examples, and that there are more."""
    stories = [Story(f"keypad-{n} at 10:00:0{n}", [], []) for n in range(3)]
    finding = Finding("VIOLATED", 3, 9, stories)
    two = "(keypad-0 at 10:00:00, keypad-1 at 10:00:01, ...)"
    assert _broken("loss", finding, {"presses": 9}) == f"3 of 9 ratings were lost {two}"
    assert _broken("loss", Finding("VIOLATED", 1, 1, stories[:1]), {"presses": 1}) == (
        "1 of 1 rating was lost (keypad-0 at 10:00:00)"
    )
    assert _broken("phantom", Finding("VIOLATED", 2, 9, stories[:2]), {"presses": 9}) == (
        "2 rows told a rating that nobody pressed (keypad-0 at 10:00:00, keypad-1 at 10:00:01)"
    )
    assert _broken("duplication", Finding("VIOLATED", 1, 9), {"presses": 9}) == "1 row told a rating again"
    assert _broken("strange", Finding("VIOLATED", 1, 9), {"presses": 9}) == "1 violations of strange"


def sentence(**findings: Finding) -> str:
    latency = {"p50": 1.0, "p99": 8.0, "max": 9.0}
    return Verdict("HOLDS", "", findings, {}, latency, (), 4).sentence()


def test_what_holds_in_words() -> None:
    """Only what was looked at is praised: once, at the right clerk, in time; what is open or excused is told."""
    loss = Finding("HOLDS", checked=29, figures={"open": 2, "excused": 1})
    right = Finding("HOLDS", figures={"clerk": 0})
    assert sentence(loss=loss, duplication=right, attribution=right, lateness=Finding("HOLDS")) == (
        "HOLDS: all 29 ratings of 4 keypads arrived once, at the right clerk; 1 more were lost by keypads or lines, "
        "and could not be had; 2 more are open, pressed just before the end; stored within 8 s (p99)"
    )
    assert sentence(loss=Finding("HOLDS", checked=1)) == "HOLDS: all 1 rating of 4 keypads arrived"
    assert sentence(loss=Finding("HOLDS", checked=1), attribution=Finding("HOLDS")) == (
        "HOLDS: all 1 rating of 4 keypads arrived"
    )
    assert sentence(tickets=Finding("HOLDS", checked=1), calls=Finding("HOLDS", checked=2)) == (
        "HOLDS: 1 ticket printed once; 2 calls shown in time"
    )
    assert sentence(calls=Finding("HOLDS", checked=2, figures={"spoken": 2})) == (
        "HOLDS: 2 calls shown and spoken in time"
    )
    assert sentence(order=Finding("HOLDS"), loss=Finding("UNKNOWN")) == "HOLDS: order holds"
    assert sentence() == "HOLDS: nothing is broken"


@pytest.mark.parametrize(("back", "margin", "after"), [(30_250.0, 249.9, 50.1), (30_450.0, 49.9, 250.1)])
def test_how_soon_all_was_well_again(kit: Any, back: float, margin: float, after: float) -> None:
    """The longest time to be well again after the faults, and by how much it kept the limit, are told."""
    heal = {"at": 30_200 * NS, "within_ns": 300 * NS}
    press = kit.press(30_100, 1)
    records = [press, (30_200, "fault", "heal", {"id": "all"}), kit.ack(back + 0.1, 1)]
    row = kit.row(press, 1, stored_at=kit.EPOCH_S + back + 0.1)
    finding = kit.judge(records, [row], heal=heal).findings["convergence"]
    assert (finding.verdict, finding.figures["after"], finding.figures["limit"]) == ("HOLDS", after, 300)
    assert finding.figures["healed"] == "08:23:20.000"
    assert finding.margin == round(margin * NS)
    late = kit.row(press, 1, stored_at=kit.EPOCH_S + 30_600)
    broken = kit.judge([press, (30_200, "fault", "heal", {"id": "all"})], [late], heal=heal).findings["convergence"]
    assert (broken.verdict, broken.margin) == ("VIOLATED", None)


# -- a run -----------------------------------------------------------------------------------------------------------
MAPPED = {"table": "votes"}


@pytest.mark.parametrize(
    ("info", "header", "mapping"),
    [
        ({"records": MAPPED}, None, MAPPED),
        ({"records": {"columns": {}}}, None, {"columns": {}}),
        ({}, MAPPED, MAPPED),
        ({"records": {"url": "sqlite:///x"}}, MAPPED, MAPPED),
        ({"records": MAPPED, "program": "house"}, MAPPED, None),
        ({"records": "votes"}, None, None),
    ],
)
def test_where_the_ratings_are_expected(kit: Any, info: Any, header: Any, mapping: Any) -> None:
    """As run.json says, else as the history does, where they name a table or columns; the house has its own table."""
    history = History.of_bytes(kit.data([], kit.header(**({} if header is None else {"records": header}))))
    assert Run(Path(), info, history, None).mapping == mapping


@pytest.mark.parametrize(
    ("info", "failure"),
    [
        ({}, ""),
        ({"collector": {"how": "returned", "status": 0}}, ""),
        ({"collector": {"how": "returned", "status": 3}}, "ended with status 3"),
        ({"collector": {"how": "asked to end", "status": 3}}, ""),
        ({"collector": {"how": "crashed", "status": 1}}, "crashed"),
        ({"collector": {"how": "returned", "status": None}, "opened_a_port": False}, "never opened a port"),
        ({"collector": {"how": "returned"}, "opened_a_port": True}, ""),
        ({"opened_a_port": False}, ""),
    ],
)
def test_how_the_program_failed(kit: Any, info: Any, failure: str) -> None:
    """A status that is not 0, another end than its own, or a port that it never opened."""
    assert Run(Path(), info, kit.history([]), None).failure == failure


def test_what_was_measured_of_the_program(kit: Any) -> None:
    """Samples of an instant and two numbers, either of them unknown; others are left out; none is not no samples."""
    told = [[1, 2, 3], [2, None, 3], [3, 4, None], [4, 5], [None, 1, 1], [5, "6", 7], (6, 7, 8), "789"]
    assert Run(Path(), {"resources": told}, kit.history([]), None).resources == [(1, 2, 3), (2, None, 3), (3, 4, None)]
    assert Run(Path(), {"resources": {}}, kit.history([]), None).resources is None
    assert Run(Path(), {}, kit.history([]), None).resources is None


def test_kept_rows_are_text_that_people_read(kit: Any, tmp_path: Path) -> None:
    """Names stand in the file as they are, in UTF-8, not as escapes."""
    kept = write_rows(tmp_path, [kit.row(kit.press(30_000, 1), 1, clerk="Nguyễn Thị Lê")])
    assert "Nguyễn Thị Lê".encode() in kept.path.read_bytes()


def test_an_invariant_is_explained_under_its_letter() -> None:
    """Letter and name, what it says as a sentence; a dash for the two that have no letter."""
    ghosts, calls = find("J8"), find("calls")
    assert ghosts is not None
    assert calls is not None
    assert explained(ghosts).startswith("J8  ghosts\n\n  After a reboot nothing old")
    assert explained(calls).startswith("-  calls\n\n  Every call is shown")
    assert "needs rows    yes" in explained(ghosts)
    assert "needs rows    no" in explained(calls)
    assert find("") is None


def test_what_is_not_said_intelligibly_was_not_said(kit: Any) -> None:
    """Reports of a device by name or by the unit of one that is the program's; strangers and half a report are none."""
    truth = frame(kit.header())
    at = kit.EPOCH_S + 30_000
    gaps = [ToldGap(n, device, at, 2) for n, device in enumerate(("keypad-1", "nowhere", 2, "2", 9, None), 1)]
    health = [
        *(Health(n, device, at + n, 0) for n, device in enumerate(("display-1", "nowhere", 2, 11), 1)),
        Health(9, "keypad-1", None, 1),
        Health(9, "keypad-1", at, "up"),
        Health(9, "keypad-1", at, 1),
    ]
    rows = Rows(gaps=gaps, health=health)
    assert gaps_of(rows, truth) == [Gap(name, 30_000 * NS, 2) for name in ("keypad-1", "keypad-2", "keypad-2")]
    assert health_of(rows, truth) == [
        Pulse(30_000 * NS, "keypad-1", up=True),
        Pulse(30_001 * NS, "display-1", up=False),
        Pulse(30_003 * NS, "keypad-2", up=False),
    ]


def test_without_a_place_to_say_it_nothing_is_said(kit: Any) -> None:
    """The house says it in the history; a program without such a table says nothing, which is not an empty table."""
    truth = frame(kit.header())
    truth.course.gaps, truth.course.health = [gap()], [Pulse(2, "b", up=True), Pulse(1, "a", up=True)]
    for rows in (None, Rows()):
        assert (gaps_of(rows, truth), health_of(rows, truth)) == (None, None)
    truth.program = "house"
    assert gaps_of(Rows(), truth) == [gap()]
    assert health_of(None, truth) == [Pulse(1, "a", up=True), Pulse(2, "b", up=True)]
    assert gaps_of(Rows(gaps=[]), truth) == []


def healthy(kit: Any, *records: Any, told: float = 30_205, **header: Any) -> Finding:
    """What comes of it when keypad 1, which answers everything, is told to be down for a second."""
    polls = [record for k in range(40) for record in kit.poll(30_000 + 10 * k, 1)]
    health = [Health(n, "keypad-1", kit.EPOCH_S + t, up) for n, (t, up) in enumerate(((told, 0), (told + 1, 1)), 1)]
    history = kit.history([*polls, *records, kit.end()], **header)
    return judge(history, Rows(health=health)).findings["health"]


@pytest.mark.parametrize(
    ("fault", "line", "word"),
    [
        (30_195, "keypads", "HOLDS"),
        (30_194.999, "keypads", "VIOLATED"),
        (30_205, "keypads", "HOLDS"),
        (30_205.001, "keypads", "VIOLATED"),
        (30_200, "housebus", "VIOLATED"),
        (30_200, "", "HOLDS"),
    ],
)
def test_told_to_be_down_about_a_fault(kit: Any, fault: float, line: str, word: str) -> None:
    """Up to ten seconds after a fault on its line a device may be told to be down though it answered everything."""
    finding = healthy(kit, (fault, "fault", "fault", {"id": "N1", "name": "noise", "line": line}))
    assert (finding.verdict, finding.checked) == (word, 1)


def test_each_device_is_looked_at(kit: Any) -> None:
    """Also behind devices that have no unit, or that nobody asked; the story shows what went over its line then."""
    devices = kit.header()["devices"]
    finding = healthy(kit, devices=devices[::-1])
    assert finding.verdict == "VIOLATED"
    (story,) = finding.stories
    assert story.title == "keypad-1 at 08:23:25"
    assert story.before == [f"08:23:2{n}.000 told: keypad-1 is {up}" for n, up in ((5, "down"), (6, "up"))]
    assert story.window is not None
    assert story.window.spans == ((30_203 * NS, 30_210 * NS),)


@pytest.mark.parametrize(("protocol", "invisible"), [("modbus_rtu", 0), ("osdp", 1)])
def test_losses_that_nothing_shows(kit: Any, protocol: str, invisible: int) -> None:
    """They are the protocol's weakness, and told as that; where there is none nothing is said of it."""
    devices = kit.header()["devices"]
    devices[0]["protocol"] = protocol
    press = kit.press(30_000, 0)
    dropped = (30_008, "dev", "overflow", {"device": "keypad-1", "epoch": 1, "seq": 0})
    finding = kit.judge([press, dropped], [], devices=devices).findings["silent_loss"]
    assert finding.figures["invisible"] == invisible
    assert ("the protocol's weakness" in finding.reason) is bool(invisible)
    assert finding.verdict == ("NOT EXERCISED" if invisible else "VIOLATED")


@pytest.mark.parametrize(("at", "word"), [(60_900, "VIOLATED"), (60_900.001, "NOT EXERCISED")])
def test_a_run_that_ends_before_all_must_be_well(kit: Any, at: float, word: str) -> None:
    """Time to be well again that ends with the run is time enough; a run that ends before shows nothing."""
    press = kit.press(30_000, 1)
    healed = (at, "fault", "heal", {"id": "all"})
    heal = {"at": round(at * 1000) * 10**6, "within_ns": 300 * NS}
    finding = kit.judge([press, healed], [], heal=heal).findings["convergence"]
    assert finding.verdict == word
    if word == "NOT EXERCISED":
        assert finding.reason == "the run ended 300 s after the faults did, allowed are 300 s"
