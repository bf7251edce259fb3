"""How a program behaves on its lines, by histories made by hand: late replies, other units, fairness, manners."""

from __future__ import annotations

from typing import Any

import pytest


def polls(kit: Any, begin: float, n: int, *, period: float = 1.0, units: tuple[int, ...] = (1, 2)) -> list[Any]:
    """A healthy line."""
    made = []
    for k in range(n):
        for place, unit in enumerate(units):
            made += kit.poll(begin + k * period + 0.1 * place, unit)
    return made


def judged(kit: Any, records: list[Any], name: str, rows: Any = ()) -> Any:
    return kit.judge(records, rows).findings[name]


def test_manners_hold(kit: Any) -> None:
    """One request at a time, with silence before it, breaks nothing, and each request was looked at."""
    found = judged(kit, polls(kit, 30_000, 10), "manners")
    assert (found.verdict, found.checked, found.violations) == ("HOLDS", 20, 0)


def test_manners_not_exercised(kit: Any) -> None:
    """A line on which nothing was said shows no manners."""
    assert judged(kit, [], "manners").verdict == "NOT EXERCISED"


REQUEST = (1, 4, 0, 2, 0, 6)
LOST_COUNT = (1, 6, 0, 2, 0, 3)


def bad_manners(kit: Any, what: str) -> list[Any]:
    frame = kit.frame(*REQUEST)
    t = 30_100.0
    if what == "silence":
        return [*kit.poll(t), kit.tx(t + 0.034, "port", kit.frame(2, 4, 0, 2, 0, 6))]  # 2.5 ms after the reply
    if what == "two in one burst":
        return [kit.tx(t, "port", frame + kit.frame(2, 4, 0, 2, 0, 6))]
    if what == "second request":
        return [kit.tx(t, "port", frame), kit.tx(t + 0.018, "port", kit.frame(2, 4, 0, 2, 0, 6))]
    if what == "no back-off":
        return [kit.tx(t + 0.2 * k, "port", frame) for k in range(8)]
    return [kit.tx(t + 0.2 * k, "port", kit.frame(*LOST_COUNT)) for k in range(2)]


@pytest.mark.parametrize(
    ("what", "figure"),
    [
        ("silence", "silence"),
        ("two in one burst", "outstanding"),
        ("second request", "outstanding"),
        ("no back-off", "retries"),
        ("written again", "repeated_writes"),
    ],
)
def test_manners_broken(kit: Any, what: str, figure: str) -> None:
    """Each way of breaking the manners of the bus is told as what it is, once."""
    found = judged(kit, [*polls(kit, 30_000, 5), *bad_manners(kit, what)], "manners")
    assert found.verdict == "VIOLATED"
    assert {name for name, n in found.figures.items() if n} == {figure}
    assert len(found.stories) == 1
    assert len(found.stories[0].text().splitlines()) <= 12


def test_a_retry_after_a_time_out_is_good_manners(kit: Any) -> None:
    """A request without reply may be sent again after a time-out; a damaged reply may be asked for again at once."""
    t = 30_100.0
    records = [*polls(kit, 30_000, 5), *kit.poll(t, reply=False), *kit.poll(t + 0.2, reply=False), *kit.poll(t + 0.4)]
    records += [kit.tx(t + 1, "port", kit.frame(*REQUEST)), kit.tx(t + 1.012, "slaves", "0104ff", flaws=2)]
    records += kit.poll(t + 1.03)
    assert judged(kit, records, "manners").verdict == "HOLDS"


def test_late_reply_credited_to_the_next_unit(kit: Any) -> None:
    """A reply of keypad 2 that comes when keypad 1 was asked is stored for keypad 1: J11 tells it, with the bytes."""
    press = kit.press(30_000, 4, device="keypad-2")
    late = kit.tx(30_001.3, "slaves", kit.fetch(30_001, press)[1][3]["hex"])
    asked = [kit.fetch(30_001, press)[0], kit.tx(30_001.2, "port", kit.frame(1, 4, 1, 0, 0, 8))]
    ack = kit.ack(30_002, 4, device="keypad-2")
    records = [press, *asked, late, ack, *polls(kit, 30_010, 3)]
    wrong = kit.judge(records, [kit.row(press, 1, device="keypad-1")])
    assert wrong.findings["late_reply"].verdict == "VIOLATED"
    assert "LATE REPLY" in wrong.findings["late_reply"].stories[0].text()
    right = kit.judge(records, [kit.row(press, 1)])
    assert right.findings["late_reply"].verdict == "HOLDS"
    assert judged(kit, polls(kit, 30_000, 3), "late_reply").verdict == "NOT EXERCISED"


@pytest.mark.parametrize(
    ("wait", "silent", "word"), [(0.9, True, "HOLDS"), (0.05, True, "VIOLATED"), (0.05, False, "UNKNOWN")]
)
def test_unexpected_unit(kit: Any, wait: float, silent: bool, word: str) -> None:
    """After a reply of another unit the program waits as long as ever; how long that is, a silent unit has shown."""
    t = 30_100.0
    foreign = [kit.tx(t, "port", kit.frame(*REQUEST)), kit.tx(t + 0.012, "slaves", kit.frame(77, 4, 2, 0, 1))]
    records = [*polls(kit, 30_000, 3), *foreign, *kit.poll(t + wait, 2)]
    if silent:
        records += [*kit.poll(t + 10, reply=False), *kit.poll(t + 11, 2)]
    found = judged(kit, records, "unexpected_unit")
    assert found.verdict == word
    if word == "VIOLATED":
        assert "GAVE UP" in found.stories[0].text()


@pytest.mark.parametrize(("blocked", "word"), [(0.4, "HOLDS"), (5.0, "VIOLATED")])
def test_fairness(kit: Any, blocked: float, word: str) -> None:
    """While unit 2 is dead, unit 1 is asked as before, or is held up for as long as the program waits for the other."""
    records = polls(kit, 30_000, 20)
    t = 30_100.0
    for _ in range(8):
        records += [*kit.poll(t, 1), *kit.poll(t + 0.1, 2, reply=False)]
        t += max(1.0, blocked)
    found = judged(kit, records, "fairness")
    assert found.verdict == word
    assert judged(kit, polls(kit, 30_000, 20), "fairness").verdict == "NOT EXERCISED"


def test_fairness_by_what_is_usual(kit: Any) -> None:
    """What is usual is the time between two visits: folded polls count, and the requests of one visit are one."""
    records = []
    for n in range(4):
        t = 30_000.0 + 3 * n
        press = kit.press(t, n)
        records += [
            press,
            *kit.poll(t + 0.1, 1),
            *kit.fetch(t + 0.15, press),
            kit.ack(t + 0.3, n),
            *kit.poll(t + 0.6, 2),
        ]
        fold = {
            "line": "keypads",
            "from": kit.NS * int(t + 1),
            "to": kit.NS * int(t + 2) + kit.NS // 2,
            "n": 8,
            "chars": 60,
        }
        records.append((t + 2.5, "line", "fold", fold))  # four polls in a second and a half
    dead = 30_100.0
    for n in range(6):
        records += [*kit.poll(dead + 1.9 * n, 1), *kit.poll(dead + 1.9 * n + 0.1, 2, reply=False)]
    found = judged(kit, records, "fairness")
    assert (found.verdict, found.figures["longest"]) == ("HOLDS", 1.9)  # usual is 1 s, so 3 s are allowed
    alone = [record for record in records if record[0] >= dead]
    found = judged(kit, alone, "fairness")
    assert found.verdict == "UNKNOWN"  # nothing shows what is usual
    assert "how often it is usually asked" in found.reason


def test_a_wall_verdict_closer_than_the_halls_own_lateness_is_unknown(kit: Any) -> None:
    """In wall time what is decided by less than the p99 of the hall's own lateness is not decided."""
    t = 30_100.0
    short = [*kit.poll(t), kit.tx(t + 0.034, "port", kit.frame(2, 4, 0, 2, 0, 6))]
    timing = (31_000, "run", "timing", {"p99_ns": 5_000_000})
    assert judged(kit, short, "manners").verdict == "VIOLATED"
    found = judged(kit, [*short, timing], "manners")
    assert found.verdict == "UNKNOWN"
    assert "5.0 ms late" in found.reason


def test_what_no_line_shows_is_not_exercised(kit: Any) -> None:
    """On a line with other protocols none of these is judged."""
    header = kit.header()
    for device in header["devices"]:
        device["protocol"] = "osdp"
    verdict = kit.judge(polls(kit, 30_000, 3), [], devices=header["devices"])
    for name in ("late_reply", "unexpected_unit", "fairness", "manners"):
        assert kit.words(verdict)[name] == "NOT EXERCISED"
