"""Whose loss a loss is, and whether it was reported: histories made by hand for J1, J2, J8, J10, J14, J16, J17, J18."""

from __future__ import annotations

from typing import Any

import pytest

from bench.judge import invariants
from bench.judge.records import Gap, Health, Rows
from bench.judge.verdict import judge

END = 61_200.0


def overflow(kit: Any, press: Any, t: float) -> Any:
    facts = press[3]
    return (t, "dev", "overflow", {"device": facts["device"], "epoch": facts["epoch"], "seq": facts["seq"]})


def boot(t: float, epoch: int, device: str = "keypad-1") -> Any:
    return (t, "dev", "boot", {"device": device, "epoch": epoch})


def words(kit: Any, records: list[Any], rows: Any, *names: str, **header: Any) -> list[str]:
    verdict = kit.judge(records, rows, **header)
    return [verdict.findings[name].verdict for name in names]


def with_rows(kit: Any, records: list[Any], rows: list[Any], **more: Any) -> Any:
    return judge(kit.history([*records, kit.end()]), Rows(rows, **more))


# -- J1 and J2: obligation --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("waited", "seen", "loss", "silent"),
    [
        (8.0, False, "NOT EXERCISED", "VIOLATED"),  # gone before anybody could ask: the keypad shows it, nobody told it
        (60.0, False, "VIOLATED", "NOT EXERCISED"),  # asking in time would have returned it
        (8.0, True, "VIOLATED", "NOT EXERCISED"),  # it had been received undamaged
    ],
)
def test_an_overflow_is_whose(kit: Any, waited: float, seen: bool, loss: str, silent: str) -> None:
    """An overwritten press is the collector's loss when it had it or could have had it, else a loss to be reported."""
    press = kit.press(30_000, 0)
    records = [press, overflow(kit, press, 30_000 + waited)]
    if seen:
        records += kit.fetch(30_002, press)
    assert words(kit, records, [], "loss", "silent_loss") == [loss, silent]


def test_who_asks_wrongly_cannot_say_that_nobody_answered(kit: Any) -> None:
    """A press that waits in a silent keypad is excused when a fault made it silent, and lost when nothing did."""
    press = kit.press(30_000, 0)
    polls = [record for k in range(200) for record in kit.poll(29_900 + 150 * k, 1, reply=False)]
    assert words(kit, [press, *polls], [], "loss") == ["VIOLATED"]
    cut = {"id": "X03", "name": "unplug", "device": "keypad-1", "line": "keypads", "hit": {}}
    assert words(kit, [press, *polls, (29_950, "fault", "fault", cut)], [], "loss") == ["NOT EXERCISED"]


def test_a_damaged_reply_is_not_seen_intact(kit: Any) -> None:
    """A reply with flaws, or that nobody had asked for, gives the collector nothing."""
    press = kit.press(30_000, 0)
    for reply in (kit.fetch(30_002, press, flaws=1), kit.fetch(30_002, press)[1:]):
        verdict = kit.judge([press, *reply, overflow(kit, press, 30_008)], [])
        assert verdict.findings["loss"].figures["excused"] == 1


@pytest.mark.parametrize(
    ("gap", "word"),
    [
        (Gap(1, "keypad-1", None, 1), "HOLDS"),
        (Gap(1, 1, None, None), "HOLDS"),
        (Gap(1, "keypad-2", None, 1), "VIOLATED"),
        (Gap(1, "keypad-1", None, 0), "VIOLATED"),
        (Gap(1, "no such device", None, 5), "VIOLATED"),
    ],
)
def test_a_reported_loss_is_no_silent_one(kit: Any, gap: Gap, word: str) -> None:
    """A report counts for its own device and for as many presses as it names."""
    press = kit.press(30_000, 0)
    records = [press, overflow(kit, press, 30_008)]
    told = gap._replace(at=kit.EPOCH_S + 30_020.0)
    verdict = with_rows(kit, records, [], gaps=[told])
    assert verdict.findings["silent_loss"].verdict == word
    late = with_rows(kit, records, [], gaps=[told._replace(at=kit.EPOCH_S + 40_000.0)])
    assert late.findings["silent_loss"].verdict == "VIOLATED"


def test_the_house_reports_by_its_note(kit: Any) -> None:
    """What the house controller tells as a gap is a report too."""
    press = kit.press(30_000, 0, device="keypad-3")
    records = [press, overflow(kit, press, 30_008)]
    gap = (30_010, "house", "gap", {"device": "keypad-3", "epoch": 1, "lost": 1})
    assert words(kit, [*records, gap], [], "silent_loss", program="house") == ["HOLDS"]
    assert words(kit, records, [], "silent_loss", program="house") == ["VIOLATED"]


def test_a_memory_that_is_lost(kit: Any) -> None:
    """What a keypad forgot shows only by a hole in its numbers; where nothing shows it, it is the protocol's."""
    press = kit.press(30_000, 0)
    gone = (30_003, "dev", "buffer_lost", {"device": "keypad-1", "events": [[1, 0]]})
    verdict = kit.judge([boot(29_000, 1), press, gone, boot(30_003, 2)], [])
    assert verdict.findings["loss"].figures["erased"] == 1
    assert verdict.findings["silent_loss"].verdict == "NOT EXERCISED"
    assert verdict.findings["silent_loss"].figures["invisible"] == 1
    later = kit.press(30_100, 1)
    shown = kit.judge([press, gone, later, kit.ack(30_101, 1)], [kit.row(later, 1)])
    assert shown.findings["silent_loss"].verdict == "VIOLATED"


def test_a_press_with_the_number_of_an_earlier_one_is_excused(kit: Any) -> None:
    """Nobody can tell a press whose epoch and number came before: its loss is the protocol's."""
    presses = [kit.press(30_000, 0, 1), kit.press(30_100, 0, 2)]
    records = [*presses, kit.ack(30_001, 0), kit.ack(30_101, 0)]
    verdict = kit.judge(records, [kit.row(presses[0], 1)])
    assert verdict.findings["loss"].verdict == "HOLDS"
    assert verdict.findings["loss"].figures["twin"] == 1


# -- J8 ---------------------------------------------------------------------------------------------------------------
def test_a_second_row_from_an_old_memory_is_a_ghost(kit: Any) -> None:
    """A press that an old memory brings up again is stored once: its second row is a ghost, and so told."""
    press = kit.press(30_000, 0)
    back = (31_000, "dev", "buffer_restored", {"device": "keypad-1", "events": [[1, 0]], "gone": []})
    records = [boot(29_000, 1), press, kit.ack(30_002, 0), back, boot(31_000, 2), kit.ack(31_005, 0)]
    assert words(kit, records, [kit.row(press, 1)], "ghosts", "duplication", "loss") == ["HOLDS"] * 3
    twice = kit.judge(records, [kit.row(press, 1), kit.row(press, 2)])
    assert kit.words(twice)["ghosts"] == "VIOLATED"
    assert "GHOST" in twice.findings["ghosts"].stories[0].text()
    assert words(kit, [boot(29_000, 1), press], [kit.row(press, 1)], "ghosts") == ["NOT EXERCISED"]


def test_false_deduplication(kit: Any) -> None:
    """A new press that is dropped because an older epoch had its number breaks J8, and is lost."""
    presses = [kit.press(30_000, 0, 1), kit.press(31_000, 0, 2, epoch=2)]
    records = [boot(29_000, 1), *presses, kit.ack(30_002, 0), boot(30_500, 2), kit.ack(31_002, 0, epoch=2)]
    verdict = kit.judge(records, [kit.row(presses[0], 1)])
    assert (kit.words(verdict)["ghosts"], kit.words(verdict)["loss"]) == ("VIOLATED", "VIOLATED")
    assert "FALSE DE-DUPLICATION" in verdict.findings["ghosts"].stories[0].text()
    assert words(kit, records, kit.rows(presses), "ghosts") == ["HOLDS"]


# -- J10 --------------------------------------------------------------------------------------------------------------
def silence(kit: Any) -> list[Any]:
    """Unit 1 answers, is silent from 30100 to 30200, and answers again."""
    made = []
    for k in range(40):
        made += kit.poll(30_000 + 10 * k, 1, reply=not 10 <= k < 20)
    return made


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ([(30_110, 0), (30_205, 1)], "HOLDS"),
        ([], "VIOLATED"),
        ([(30_150, 0), (30_205, 1)], "VIOLATED"),
        ([(30_110, 0)], "VIOLATED"),
        ([(30_050, 0), (30_060, 1), (30_110, 0), (30_205, 1)], "VIOLATED"),
        (None, "NOT EXERCISED"),
    ],
)
def test_down_is_told_of_a_device_silent_for_30_s_and_only_then(kit: Any, told: Any, word: str) -> None:
    """Down is told when a device is silent for 30 s, and only then; its return is told too."""
    made = None if told is None else [Health(n, "keypad-1", kit.EPOCH_S + t, up) for n, (t, up) in enumerate(told, 1)]
    assert with_rows(kit, silence(kit), [], health=made).findings["health"].verdict == word


# -- J14 --------------------------------------------------------------------------------------------------------------
def test_what_is_acknowledged_must_be_stored_before(kit: Any) -> None:
    """Stored before it is acknowledged holds; after it breaks; whole seconds decide nothing closer than one."""
    press = kit.press(30_000, 0)
    records = [press, kit.ack(30_002, 0)]

    def word(stored: Any) -> str:
        return words(kit, records, [kit.row(press, 1, stored_at=stored)], "acknowledge")[0]

    assert word(kit.EPOCH_S + 30_001.9) == "HOLDS"
    assert word(kit.EPOCH_S + 30_002.1) == "VIOLATED"
    assert word(kit.EPOCH_S + 30_003) == "HOLDS"
    assert word(None) == "NOT EXERCISED"


def test_acknowledged_and_gone_at_a_kill(kit: Any) -> None:
    """A press that was acknowledged when the program was killed, and has no row, was acknowledged too early."""
    press = kit.press(30_000, 0)
    killed = (30_003, "collector", "killed", {"status": 137})
    assert words(kit, [press, kit.ack(30_002, 0), killed], [], "acknowledge", "loss") == ["VIOLATED", "VIOLATED"]
    assert words(kit, [press, kit.ack(30_002, 0)], [], "acknowledge") == ["NOT EXERCISED"]


# -- J16, J17, J18 ----------------------------------------------------------------------------------------------------
def healed(kit: Any, back: float | None) -> list[Any]:
    """A unit that is silent from 30100 on, and answers again at `back`; all faults end at 30200."""
    made = [(30_200, "fault", "heal", {"id": "all", "n": 1})]
    for k in range(100):
        t = 30_000 + 10 * k
        made += kit.poll(t, 1, reply=t < 30_100 or (back is not None and t >= back))
    return made


@pytest.mark.parametrize(("back", "word"), [(30_250.0, "HOLDS"), (30_900.0, "VIOLATED"), (None, "VIOLATED")])
def test_a_device_answers_within_the_time_allowed_after_healing(kit: Any, back: float | None, word: str) -> None:
    """After the end of all faults a device has to answer within the time allowed."""
    heal = {"at": 30_200 * kit.NS, "within_ns": 300 * kit.NS}
    assert words(kit, healed(kit, back), [], "convergence", heal=heal) == [word]


def test_convergence_of_what_waited(kit: Any) -> None:
    """What waited in a keypad when the faults ended has to be stored within the time allowed."""
    press = kit.press(30_150, 0)
    records = [*healed(kit, 30_250.0), press]
    for stored, word in ((30_260.0, "HOLDS"), (30_800.0, "VIOLATED")):
        rows = [kit.row(press, 1, stored_at=kit.EPOCH_S + stored)]
        assert words(kit, [*records, kit.ack(stored, 0)], rows, "convergence") == [word]
    assert words(kit, records, [], "convergence") == ["VIOLATED"]
    assert words(kit, [press], [], "convergence") == ["NOT EXERCISED"]


@pytest.mark.parametrize(("again", "word"), [(True, "HOLDS"), (False, "VIOLATED")])
def test_a_policy_that_was_set_is_set_again_after_a_reboot(kit: Any, again: bool, word: str) -> None:
    """A keypad whose policy the program had set gets it again after a reboot."""
    policy = kit.frame(1, 6, 0, 0x15, 0, 1)

    def write(t: float) -> list[Any]:
        return [kit.tx(t, "port", policy), kit.tx(t + 0.012, "slaves", policy)]

    records = [boot(29_000, 1), *write(29_500), boot(30_000, 2)]
    for k in range(20):
        records += kit.poll(29_600 + 50 * k, 1)
    assert words(kit, [*records, *(write(30_010) if again else ())], [], "reconfiguration") == [word]


def test_polling_that_stops_after_a_reboot(kit: Any) -> None:
    """A device that is not asked any more after its reboot breaks J17."""
    records = [boot(29_000, 1), *kit.poll(29_500), *kit.poll(29_600), boot(30_000, 2)]
    assert words(kit, records, [], "reconfiguration") == ["VIOLATED"]
    assert words(kit, [*records, *kit.poll(30_010)], [], "reconfiguration") == ["HOLDS"]


@pytest.mark.parametrize(
    ("descriptors", "memory", "word"),
    [(lambda k: 10, lambda k: 50_000, "HOLDS"), (lambda k: 10 + k, lambda k: None, "VIOLATED"),
     (lambda k: None, lambda k: 50_000 + 2_000 * k, "VIOLATED"), (lambda k: None, lambda k: None, "NOT EXERCISED")],
)  # fmt: skip
def test_descriptors_and_memory_may_not_grow(kit: Any, descriptors: Any, memory: Any, word: str) -> None:
    """Descriptors or memory that grow from the second quarter of the run to its last break J18."""
    samples = [(k, descriptors(k), memory(k)) for k in range(40)]
    assert judge(kit.history([kit.end()]), [], resources=samples).findings["resources"].verdict == word


# -- what is never a pass ---------------------------------------------------------------------------------------------
def test_a_judge_that_fails_is_unknown(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invariant whose judging raises is UNKNOWN with the reason, and so is the verdict that rests on it."""

    def fail(_case: Any, _matching: Any) -> Any:
        raise ZeroDivisionError("made to fail")

    table = [row._replace(judge=fail) if row.name == "order" else row for row in invariants.INVARIANTS]
    monkeypatch.setattr("bench.judge.verdict.INVARIANTS", tuple(table))
    press = kit.press(30_000, 0)
    verdict = kit.judge([press, kit.ack(30_001, 0)], [kit.row(press, 1)], must_exercise=["loss", "order"])
    assert verdict.word == "UNKNOWN"
    assert "ZeroDivisionError: made to fail" in verdict.reason


def test_faults_that_hit_nothing_exercise_nothing(kit: Any) -> None:
    """What holds although the faults meant for it never struck is NOT EXERCISED; one hit is enough."""
    press = kit.press(30_000, 0)
    records = [press, kit.ack(30_001, 0), (40_000, "fault", "fault_unused", {"id": "N33", "name": "busy"})]
    verdict = kit.judge(records, [kit.row(press, 1)])
    assert verdict.word == "NOT EXERCISED"
    assert verdict.findings["loss"].reason == "the faults meant for it hit nothing: N33 busy"
    hit = (30_500, "fault", "fault", {"id": "N01", "name": "lose", "line": "keypads", "hit": {}})
    assert kit.judge([*records, hit], [kit.row(press, 1)]).findings["loss"].verdict == "HOLDS"


def test_a_fault_stands_in_the_story(kit: Any) -> None:
    """A story tells the faults that struck on the line at that time, in at most twelve lines."""
    press = kit.press(30_000, 0)
    hit = (30_000.5, "fault", "fault", {"id": "N03", "name": "drop_byte", "line": "keypads", "hit": {}, "told": "gone"})
    verdict = kit.judge([press, kit.ack(30_001, 0), *kit.fetch(30_000.6, press), hit], [])
    text = verdict.findings["loss"].stories[0].text()
    assert "fault N03 drop_byte: gone" in text
    assert len(text.splitlines()) <= 12
