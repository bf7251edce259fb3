"""What was done to the devices on purpose: when hits are one fault, where it strikes, what counts as its effect."""

from __future__ import annotations

from typing import Any

import pytest

from bench.judge.course import Course, Gap, Pulse

NS = 1_000_000_000


def course(*records: tuple[float, str, str, dict[str, Any]]) -> Course:
    made = Course()
    rules = made.rules()
    for t, src, kind, facts in records:
        rules[src, kind](round(t * NS), facts)
    return made


def hit(t: float, ident: str = "N1", **more: Any) -> tuple[float, str, str, dict[str, Any]]:
    return (t, "fault", "fault", {"id": ident, "name": "noise", **more})


def heal(t: float, ident: str = "N1") -> tuple[float, str, str, dict[str, Any]]:
    return (t, "fault", "heal", {"id": ident})


def boot(t: float, epoch: int = 1) -> tuple[float, str, str, dict[str, Any]]:
    return (t, "dev", "boot", {"device": "keypad-1", "epoch": epoch})


@pytest.mark.parametrize(("apart", "spans"), [(10.0, [2]), (10.001, [1, 1])])
def test_hits_ten_seconds_apart_are_one(apart: float, spans: list[int]) -> None:
    """Ten seconds between two hits join them into one span, which counts both; more do not."""
    made = course(hit(100), hit(100 + apart))
    assert [span.n for span in made.spans] == spans
    assert (made.spans[0].begin, made.spans[-1].end) == (100 * NS, round((100 + apart) * NS))
    assert made.hits() == made.hits("noise") == made.hits("N1") == 2
    assert made.hits("N2") == 0


def test_hits_elsewhere_are_other_spans() -> None:
    """Another line, another device, another fault: each has its own span; the first hit says what it did."""
    made = course(
        hit(1, line="a", told="first"), hit(2, line="b"), hit(3, device="x"), hit(4, "N2"), hit(5, line="a", told="2nd")
    )
    assert [(span.id, span.line, span.device, span.n, span.told) for span in made.spans] == [
        ("N1", "a", "", 2, "first"),
        ("N1", "b", "", 1, ""),
        ("N1", "", "x", 1, ""),
        ("N2", "", "", 1, ""),
    ]


@pytest.mark.parametrize(
    ("hits", "healed", "end"),
    [((100,), 5000, 5000), ((100, 105), 705, 705), ((100, 105), 705.001, 105)],
)
def test_until_when_a_healed_fault_was_at_work(hits: tuple[float, ...], healed: float, end: float) -> None:
    """One hit lasts until it is healed; the last of several does too, unless ten minutes lie between."""
    made = course(*map(hit, hits), heal(healed), hit(healed + 1))
    assert [span.end for span in made.spans] == [round(end * NS), round((healed + 1) * NS)]


def test_healing_one_fault_ends_no_other() -> None:
    """Only what bears the id ends; the end of all faults is an instant of its own, and ends no span."""
    made = course(hit(100), heal(105, "N2"), heal(106, "all"), hit(107))
    assert [(span.end, span.n) for span in made.spans] == [(107 * NS, 2)]
    assert made.healed == 106 * NS


def test_what_puts_storing_in_question() -> None:
    """A killed program and a place of storing that fails; no other fault."""
    made = course(hit(1), hit(2, name="kill"), hit(3, name="sink_failure"), (4, "collector", "killed", {}))
    assert made.breaks == [2 * NS, 3 * NS, 4 * NS]


@pytest.mark.parametrize(
    ("t", "line", "found"),
    [(100, "a", 1), (99.999, "a", 0), (102, "a", 1), (102.001, "a", 0), (101, "b", 0)],
)
def test_what_strikes_about_an_instant(t: float, line: str, found: int) -> None:
    """From a hit to two seconds after it, on its own line; a fault without a line strikes everywhere."""
    assert len(course(hit(100, line="a")).near(round(t * NS), line)) == found
    assert len(course(hit(100)).near(round(t * NS), line)) == (1 if line == "b" else found)
    early = course(hit(100, line="a")).near(98 * NS, "a", after=2 * NS)
    assert len(early) == 1
    assert not course(hit(100, line="a")).near(98 * NS - 1, "a", after=2 * NS)


CAUSES = [
    (hit(100), True),
    (hit(100, line="a"), True),
    (hit(100, line="b"), False),
    (hit(100, device="keypad-1"), True),
    (hit(100, device="keypad-2"), False),
    (hit(100, line="a", device="keypad-2"), False),
    (hit(95), True),
    (hit(94.999), False),
    (hit(110), True),
    (hit(110.001), False),
    ((100, "dev", "power", {"device": "keypad-1", "on": False}), True),
    ((100, "dev", "power", {"device": "keypad-1", "on": True}), False),
    ((100, "dev", "power", {"device": "keypad-2", "on": False}), False),
    ((95, "dev", "power", {"device": "keypad-1", "on": False}), True),
    ((94.999, "dev", "power", {"device": "keypad-1", "on": False}), False),
    ((110, "dev", "power", {"device": "keypad-1", "on": False}), True),
    ((110.001, "dev", "power", {"device": "keypad-1", "on": False}), False),
    (boot(100, 2), True),
]


@pytest.mark.parametrize(("record", "is_cause"), CAUSES)
def test_why_a_device_could_not_answer(record: Any, is_cause: bool) -> None:
    """Its own fault, its line's or everybody's; lost supply; a reboot; up to five seconds before, none afterwards."""
    made = course(boot(1), record)
    assert made.cause("keypad-1", "a", 100 * NS, 110 * NS) is is_cause


def test_the_first_boot_is_no_reboot() -> None:
    """With it the run began; it excuses nothing."""
    made = course(boot(100), boot(200, 2))
    assert made.reboots("keypad-1") == [(200 * NS, 2)]
    assert not made.cause("keypad-1", "a", 100 * NS, 110 * NS)
    assert made.reboots("keypad-2") == []


@pytest.mark.parametrize(("begin", "end", "anew"), [(99, 100, True), (100, 150, False), (50, 99, False)])
def test_started_anew_between(begin: int, end: int, anew: bool) -> None:
    """After the first instant and up to the second, by a boot, a sequence that began again, or an older memory."""
    restarted = course((100, "dev", "sequence_restarted", {"device": "keypad-1"}))
    restored = Course(restored={"keypad-1": [100 * NS]})
    for made in (course(boot(100, 65535)), restarted, restored):
        assert made.booted_between("keypad-1", begin * NS, end * NS) is anew
        assert not made.booted_between("keypad-2", begin * NS, end * NS)


def test_what_the_house_told() -> None:
    """A count that is lost, numbers that are missing (counted across 65535), devices that are down or up."""
    made = course(
        (1, "house", "gap", {"device": "keypad-1", "lost": 3, "epoch": 7}),
        (2, "house", "missing", {"device": "keypad-1", "epoch": 7, "first": 65534, "last": 1}),
        (3, "house", "missing", {"device": "keypad-1", "epoch": 7, "first": 5, "last": 5}),
        (4, "house", "down", {"device": "keypad-1"}),
        (5, "house", "up", {"device": "keypad-1"}),
        (6, "run", "timing", {"p99_ns": -5}),
        (7, "fault", "fault_unused", {"id": "N9", "name": "brown-out"}),
    )
    assert made.gaps == [
        Gap("keypad-1", NS, 3, 7),
        Gap("keypad-1", 2 * NS, 4, 7, 65534, 1),
        Gap("keypad-1", 3 * NS, 1, 7, 5, 5),
    ]
    assert made.health == [Pulse(4 * NS, "keypad-1", up=False), Pulse(5 * NS, "keypad-1", up=True)]
    assert (made.jitter, made.unused) == (0, {"N9": "brown-out"})
    assert course((6, "run", "timing", {"p99_ns": 5})).jitter == 5


# -- devices that start anew -----------------------------------------------------------------------------------------
ANEW = [
    ("dev", "boot", {"device": "keypad-1", "epoch": 2}),
    ("dev", "sequence_restarted", {"device": "keypad-1"}),
    ("dev", "buffer_restored", {"device": "keypad-1", "epoch": 1, "events": []}),
]


@pytest.mark.parametrize("record", ANEW, ids=lambda record: record[1])
def test_each_way_of_starting_anew_counts(kit: Any, record: Any) -> None:
    """A boot after the first, a sequence that begins again, a memory that became an older one."""
    begun = (29_000, "dev", "boot", {"device": "keypad-1", "epoch": 1})
    reasons = [kit.judge([begun, *more], []).findings["ghosts"].reason for more in ([], [(30_000, *record)])]
    assert reasons == [
        "no keypad of the program started anew",
        "keypads started anew, but nothing waited in them then and no number came again",
    ]


def test_a_new_press_dropped_for_an_old_number(kit: Any) -> None:
    """Both presses stand in the story, and the traffic up to a second after its acknowledgement."""
    old, new = kit.press(30_000, 1), kit.press(31_000, 1, epoch=2)
    boots = [(t, "dev", "boot", {"device": "keypad-1", "epoch": epoch}) for t, epoch in ((29_000, 1), (30_500, 2))]
    records = [*boots, old, kit.ack(30_002, 1), new, kit.ack(31_004, 1, epoch=2)]
    finding = kit.judge(records, [kit.row(old, 1)]).findings["ghosts"]
    assert (finding.verdict, finding.checked) == ("VIOLATED", 1)
    assert finding.figures == {"told_again": 0, "dropped": 1, "reboots": 1}
    (story,) = finding.stories
    assert [line[:12] for line in story.before] == ["08:20:00.000", "08:36:40.000"]
    assert story.title == "keypad-1 at 08:36:40"
    assert story.window is not None
    assert story.window.spans[-1][1] == 31_005 * NS
