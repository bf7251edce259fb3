"""What is gathered from a history: the life of each press, and every other record that a verdict rests on."""

from __future__ import annotations

from typing import Any

import pytest

from bench.judge.truth import Call, Event, Issue, Limits, Slip, Station, Truth, Utterance, frame, gather

NS = 1_000_000_000


def truth(kit: Any, *records: Any, **header: Any) -> Truth:
    return gather(kit.history(records, **header))


def lives(found: Truth) -> list[tuple[int, float | None, float | None, float | None]]:
    """Number, and when acknowledged, dropped, gone, in seconds."""

    def seconds(t: int | None) -> float | None:
        return None if t is None else t / NS

    return [(event.seq, seconds(event.acked), seconds(event.dropped), seconds(event.gone)) for event in found.events]


def of(kind: str, t: float, seq: int, device: str = "keypad-1", **more: Any) -> Any:
    return (t, "dev", kind, {"device": device, "epoch": 1, "seq": seq, **more})


def presses(kit: Any, n: int = 4, **more: Any) -> list[Any]:
    return [kit.press(30_000 + seq, seq, **more) for seq in range(n)]


def test_an_acknowledgement_frees_all_up_to_its_event(kit: Any) -> None:
    """What waited before it goes with it, what came later stays; the first instant counts."""
    found = truth(kit, *presses(kit), kit.ack(30_010, 2), kit.ack(30_011, 1, freed=0), kit.ack(30_012, 9, freed=0))
    assert lives(found) == [
        (0, 30_010, None, None),
        (1, 30_010, None, None),
        (2, 30_010, None, None),
        (3, None, None, None),
    ]


def test_an_acknowledgement_that_names_nobody_frees_so_many(kit: Any) -> None:
    """The oldest ones; no more than wait; without a number none."""
    found = truth(kit, *presses(kit), kit.ack(30_010, 99, freed=2))
    assert [acked for _, acked, *_ in lives(found)] == [30_010, 30_010, None, None]
    found = truth(kit, *presses(kit), kit.ack(30_010, 99, freed=9))
    assert [acked for _, acked, *_ in lives(found)] == [30_010] * 4
    found = truth(kit, *presses(kit), of("ack", 30_010, 99))
    assert [acked for _, acked, *_ in lives(found)] == [None] * 4
    assert found.faults == []


@pytest.mark.parametrize("seq", [0, 2])
def test_a_press_that_a_full_queue_dropped_waits_no_longer(kit: Any, seq: int) -> None:
    """Wherever it stood: the next acknowledgement frees the others."""
    found = truth(kit, *presses(kit), of("overflow", 30_005, seq), kit.ack(30_010, 99, freed=3))
    assert lives(found) == [
        (n, None if n == seq else 30_010, 30_005 if n == seq else None, None) for n in range(4)
    ]  # fmt: skip
    found = truth(kit, *presses(kit), of("overflow", 30_005, 77))
    assert lives(found) == [(n, None, None, None) for n in range(4)]


def test_a_memory_that_was_lost(kit: Any) -> None:
    """What waited is gone at that instant; what was acknowledged is not; later presses are not touched."""
    later = kit.press(30_020, 9)
    found = truth(kit, *presses(kit), kit.ack(30_005, 1), (30_010, "dev", "buffer_lost", {"device": "keypad-1"}), later)
    assert lives(found) == [
        (0, 30_005, None, None),
        (1, 30_005, None, None),
        (2, None, None, 30_010),
        (3, None, None, 30_010),
        (9, None, None, None),
    ]


def test_a_memory_that_became_an_older_one(kit: Any) -> None:
    """What is not in it is gone; what had been acknowledged is a ghost, and waits again; it is noted by device."""
    back = {"device": "keypad-1", "events": [[1, 1], [1, 2], [1, 50]]}
    found = truth(kit, *presses(kit), kit.ack(30_005, 1), (30_010, "dev", "buffer_restored", back))
    assert lives(found) == [
        (0, 30_005, None, None),
        (1, 30_005, None, None),
        (2, None, None, None),
        (3, None, None, 30_010),
    ]
    assert [event.ghost for event in found.events] == [None, 30_010 * NS, None, None]
    assert found.course.restored == {"keypad-1": [30_010 * NS]}
    again = truth(
        kit, *presses(kit), (30_010, "dev", "buffer_restored", {**back, "events": [[1, 3]]}), kit.ack(30_020, 3)
    )
    assert [acked for _, acked, *_ in lives(again)] == [None, None, None, 30_020]
    assert [event.gone for event in again.events] == [30_010 * NS] * 3 + [None]


def test_what_a_program_takes_over(kit: Any) -> None:
    """What was acknowledged or dropped before is not its business; the rest is counted from 0."""
    found = truth(
        kit,
        *presses(kit),
        kit.ack(30_004, 0),
        of("overflow", 30_005, 2),
        (30_010, "run", "handover", {}),
        kit.press(30_020, 9),
    )
    assert [(event.n, event.seq) for event in found.events] == [(0, 1), (1, 3), (2, 9)]


def test_presses_of_the_program_are_counted(kit: Any) -> None:
    """Those of the house's keypads are not; with the house as the program all are."""
    theirs = kit.press(30_100, 0, device="keypad-3")
    assert [event.device for event in truth(kit, *presses(kit, 1), theirs).events] == ["keypad-1"]
    found = truth(kit, *presses(kit, 1), theirs, program="house")
    assert [(event.n, event.device) for event in found.events] == [(0, "keypad-1"), (1, "keypad-3")]
    assert found.counted == {"keypad-1", "keypad-2", "keypad-3"}
    assert truth(kit, program="zebra").counted == truth(kit, program="anybody").counted == set()


def test_a_press_as_it_was_told(kit: Any) -> None:
    """With the device's own instant, unless it has none or its clock was not set; a twin has an earlier one's key."""
    press = kit.press(30_000, 3, 4, ticket=17, clock=30_005)
    (event,) = truth(kit, press).events
    assert event == Event(0, "keypad-1", 30_000 * NS, 4, 1, 17, 1, 3, 30_005 * NS)
    for change in ({"flags": 3}, {"at_ms": None}):
        (event,) = truth(kit, (30_000, "dev", "press", {**press[3], **change})).events
        assert event.clock == 30_000 * NS
    plain = {key: press[3][key] for key in ("device", "value", "epoch", "seq", "at_ms")}
    (event,) = truth(kit, (30_000, "dev", "press", plain)).events
    assert (event.clerk, event.ticket, event.clock) == (0, 0, 30_005 * NS)
    found = truth(kit, *presses(kit, 2), kit.press(30_010, 1), kit.press(30_011, 1, device="keypad-2"))
    assert [event.twin for event in found.events] == [False, False, True, False]


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("press", {"device": "keypad-1", "value": True, "epoch": 1, "seq": 2}),
        ("press", {"device": "keypad-1", "value": 1, "epoch": 1}),
        ("press", {"device": "keypad-1", "value": "5", "epoch": 1, "seq": 2}),
        ("ack", {"device": "keypad-1"}),
        ("buffer_restored", {"device": "keypad-1", "events": 5}),
        ("printed", {"device": "printer-1"}),
    ],
)
def test_records_that_lack_something_are_noted(kit: Any, kind: str, facts: dict[str, Any]) -> None:
    """By their number and kind, and the rest of the history is read all the same."""
    found = truth(kit, *presses(kit, 1), (30_010, "dev", kind, facts), kit.press(30_020, 7))
    assert [event.seq for event in found.events] == [0, 7]
    (fault,) = found.faults
    assert f" (dev {kind}) lacks or garbles " in fault


def test_which_reply_carried_a_press_first(kit: Any) -> None:
    """The first to its own request; how many did; those that came too late by the unit asked then, the last four."""
    (press,) = presses(kit, 1)
    records = [press]
    for n in range(6):
        request, reply = kit.fetch(30_010 + 10 * n, press)
        other = kit.tx(30_010.2 + 10 * n, "port", kit.frame(2 + n, 4, 0, 2, 0, 6))
        records += [request, other, (30_010.4 + 10 * n, *reply[1:])]
    records += kit.fetch(30_100, press) + kit.fetch(30_200, press)
    (event,) = truth(kit, *records).events
    assert event.offered == 8
    assert event.astray == (4, 5, 6, 7)
    assert event.seen == round(30_100.012 * NS) + 21 * 1_145_833
    behind = [press]
    for n in range(6):
        behind += kit.fetch(30_010 + 10 * n, press)
        behind += [kit.tx(30_011 + 10 * n, "port", kit.frame(2 + n % 5, 4, 0, 2, 0, 6))]
    (event,) = truth(kit, *behind).events
    assert event.behind == (4, 5, 6, 2)
    behind += kit.fetch(30_100, press) + kit.poll(30_101, 2)
    (event,) = truth(kit, *behind).events
    assert event.behind == (4, 5, 6, 2)


def test_what_the_hall_and_the_house_told(kit: Any) -> None:
    """Rows, tickets, calls, slips, words, visitors: each as it was told."""
    found = truth(
        kit,
        *presses(kit, 2),
        (30_010, "house", "row", {"device": "keypad-1", "epoch": 1, "seq": 1}),
        (30_011, "house", "row", {"device": "keypad-1", "epoch": 1, "seq": 1}),
        (30_012, "house", "row", {"device": "keypad-1", "epoch": 1, "seq": 9}),
        (30_013, "house", "ticket_issued", {"ticket": "A001", "number": 1, "printer": "printer-1"}),
        (30_014, "house", "ticket_issued", {"ticket": 7}),
        (30_015, "house", "ticket_confirmed", {"ticket": "A001"}),
        (30_016, "house", "ticket_failed", {"ticket": 7, "why": "no paper"}),
        (30_017, "house", "ticket_failed", {"ticket": 8}),
        (30_018, "house", "call", {"ticket": "A001", "counter": 2}),
        (30_019, "dev", "shown", {"device": "display-1", "text": "A001"}),
        (30_020, "dev", "shown", {"device": "display-1", "text": 5}),
        (30_021, "dev", "printed", {"device": "printer-1", "lines": ["A001", 5]}),
        (30_022, "dev", "spoken", {"start": 1, "end": 2, "text": "A001", "whole": 1}),
        (30_023, "hall", "arrive", {}),
        (30_023, "hall", "arrive", {}),
        (30_024, "hall", "ticket_taken", {}),
        (30_025, "run", "joined", {"unix_ns": 99, "speed": 2}),
        (30_026, "collector", "exit", {"status": 3}),
    )
    assert [event.stored for event in found.events] == [None, 30_010 * NS]
    assert found.issues == [Issue(30_013 * NS, "A001", "printer-1"), Issue(30_014 * NS, "7", "")]
    assert found.numbers == {"A001": 1}
    assert found.confirmed == {"A001": 30_015 * NS}
    assert found.failed == {"7": (30_016 * NS, "no paper"), "8": (30_017 * NS, "")}
    assert found.calls == [Call(30_018 * NS, "A001", 2)]
    assert found.shown == {"display-1": [(30_019 * NS, "A001"), (30_020 * NS, "5")]}
    assert found.slips == [Slip(30_021 * NS, "printer-1", "A001\n5")]
    assert found.spoken == [Utterance(1, 2, "A001", whole=True)]
    assert (found.visitors, found.taken) == (2, 1)
    assert found.joined == (30_025 * NS, 99, 2.0)
    assert found.exited == (30_026 * NS, 3)
    assert found.faults == []


def test_until_when_the_program_was_wanted(kit: Any) -> None:
    """The end of the run; without one the program's own; without either the last record."""
    left = (30_500, "collector", "exit", {"status": 0})
    assert truth(kit, left, kit.press(30_600, 0), kit.end(30_700)).end == 30_700 * NS
    assert truth(kit, left, kit.press(30_600, 0)).end == 30_500 * NS
    assert truth(kit, kit.press(30_600, 0)).end == 30_600 * NS
    assert truth(kit, kit.press(30_600, 0), *kit.poll(30_650, reply=False)).end == 30_650 * NS


def test_instants_of_other_clocks() -> None:
    """The hall's calendar by the midnight of the header; a program's own clock by where it joined, and the speed."""
    made = frame({"epoch_ns": 1000})
    assert (made.at_unix(1500), made.at_wall(1500)) == (500, 500)
    made.joined = (70, 1000, 2.5)
    assert (made.at_wall(1000), made.at_wall(1010), made.at_wall(990)) == (70, 95, 45)
    assert made.at_unix(1500) == 500


def test_keypads_by_their_unit(kit: Any) -> None:
    """Those that count, by name; the same unit on two lines has two."""
    assert truth(kit).unit_names() == {1: ["keypad-1"], 2: ["keypad-2"]}
    assert truth(kit, program="house").unit_names() == {1: ["keypad-1", "keypad-3"], 2: ["keypad-2"]}


def test_lines_that_are_looked_at(kit: Any) -> None:
    """Where all devices are the program's and speak Modbus; one that is not takes its line away."""
    assert set(truth(kit).traffic.lines) == {"keypads"}
    devices = kit.header()["devices"]
    for change in ({"owner": "house"}, {"protocol": "osdp"}):
        other = [*devices[:1], {**devices[1], **change}, *devices[2:]]
        assert set(truth(kit, devices=other).traffic.lines) == set()
    assert set(truth(kit, program="house").traffic.lines) == {"keypads", "housebus", "ticket", "ticket2"}
    assert truth(kit, program="house", devices=[{**devices[0], "line": ""}]).traffic.lines == {}


@pytest.mark.parametrize(
    ("key", "name", "default"),
    [
        ("settle_ns", "settle", 30),
        ("lateness_ns", "lateness", 60),
        ("call_ns", "call", 5),
        ("time_ns", "time", 2),
        ("gap_ns", "gap", 300),
        ("down_ns", "down", 30),
        ("up_ns", "up", 90),
        ("configure_ns", "configure", 60),
    ],
)
def test_limits_of_a_header(key: str, name: str, default: int) -> None:
    """Whole numbers from 0 on are taken; what else stands there, or nothing, leaves the default."""
    assert getattr(frame({}).limits, name) == getattr(Limits(), name) == default * NS
    assert getattr(frame({key: 0}).limits, name) == 0
    assert getattr(frame({key: 7}).limits, name) == 7
    for bad in (-1, True, "7", 1.5, None):
        assert getattr(frame({key: bad}).limits, name) == default * NS


def test_a_header_of_another_shape_is_left_empty() -> None:
    """Never guessed: rows that are no devices, clerks that are no numbers, an end of faults that is no table."""
    odd = {
        "devices": [5, {"kind": "rating_keypad"}, {"name": "k", "kind": "rating_keypad", "unit": True, "counter": "2"}],
        "clerks": {"C01": 1, "C02": "2"},
        "heal": 5,
        "epoch_ns": "x",
        "must_exercise": ["loss", 5],
    }
    made = frame(odd)
    assert made.devices == {"k": Station("k", "rating_keypad")}
    assert made.counted == {"k"}
    assert made.clerks == {"C01": 1}
    assert made.limits.converge == 300 * NS
    assert (made.epoch_ns, made.timezone, made.program, made.first) == (0, "UTC", "house", None)
    assert made.must_exercise == ("loss", "5")
    assert frame({"heal": {"within_ns": 9}}).limits.converge == 9
    assert frame({"clerks": 5, "timezone": "Asia/Tokyo", "start": 4}).first == 4


@pytest.mark.parametrize(
    ("within", "seconds"), [(12, 12), (0.5, 0.5), (0, 0), (-1, 30), (True, 30), ("5", 30), (None, 30)]
)
def test_how_soon_a_voice_speaks(within: Any, seconds: float) -> None:
    """As the header says; half a minute if it does not say it sensibly."""
    row = {"name": "v", "kind": "voice_caller", "owner": "house", "within_s": within}
    assert frame({"devices": [row]}).voices == {"v": round(seconds * NS)}
    assert frame({"devices": [{**row, "kind": "board"}, {**row, "name": 5}]}).voices == {}
