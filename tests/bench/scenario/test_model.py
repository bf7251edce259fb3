"""The values of a scenario: times, spans, names, and what is derived from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scenarios
from bench.scenario.load import load
from bench.scenario.model import Scenario
from bench.scenario.times import DAY, MINUTE, NS, Span, parse_span, parse_time, time_text


@given(st.integers(0, 86_400))
def test_times_of_day_survive_writing_and_reading(second: int) -> None:
    """Every second of the day, and the end of the day, is written as a time that reads back as itself."""
    assert parse_time(time_text(second * NS)) == second * NS


@given(st.times(timezones=st.none()))
def test_toml_times_are_times_of_day(time: dt.time) -> None:
    """A TOML local time is the same instant as its parts say, to the microsecond."""
    midnight = dt.datetime(2025, 3, 10, tzinfo=dt.UTC)
    since = dt.datetime.combine(midnight.date(), time, dt.UTC) - midnight
    assert parse_time(time) == since // dt.timedelta(microseconds=1) * 1000


@pytest.mark.parametrize("value", ["24:01", "7:5", "07:60", "0730", "", "-1:00", "07:30:60", 730, 7.5, None, True])
def test_what_is_not_a_time_of_day(value: object) -> None:
    """Anything else is refused, with an example of a time."""
    with pytest.raises(ValueError, match='write it as "07:30"'):
        parse_time(value)


@given(st.integers(0, 86_399), st.integers(1, 86_400))
def test_spans_hold_their_start_and_not_their_end(start: int, length: int) -> None:
    """A span reads back as written, contains its first instant and its last nanosecond, and not its end."""
    span = Span(start * NS, min(start + length, 86_400) * NS)
    assert parse_span(str(span)) == span
    assert span.start in span
    assert span.end - 1 in span
    assert span.end not in span
    assert span.start - 1 not in span


@pytest.mark.parametrize("value", ["07:30-07:30", "11:30-07:30", "07:30", "07:30-08:30-09:30", 5, "a-b"])
def test_what_is_not_a_span(value: object) -> None:
    """An empty or backward span, and anything that is not two times, is refused."""
    with pytest.raises(ValueError, match=r"span|time of day"):
        parse_span(value)


def test_what_a_scenario_derives_from_its_values(small: str, load_text: Callable[..., Scenario]) -> None:
    """Start and horizon come from the hours, the epoch from date and zone, the clerk's code from the clerk's name."""
    scenario = load_text(small)
    assert scenario.start == parse_time("07:20")
    assert scenario.horizon == parse_time("19:00")
    midnight = dt.datetime(2025, 3, 10, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
    assert scenario.epoch_ns == round(midnight.timestamp()) * NS
    assert scenario.rating_window == 15 * NS
    assert [counter.clerk_code for counter in scenario.counters] == [1, 2]
    assert list(scenario.arrivals.shape) == sorted(scenario.arrivals.shape)
    early = load_text(small.replace('"07:30-11:30", ', '"00:05-11:30", '))
    assert early.start == 0


def test_names_by_position_do_not_move_when_one_is_given(small: str, load_text: Callable[..., Scenario]) -> None:
    """A device that is given a name leaves the default names of the others as they were."""
    text = small.replace("unit = 31 },", 'unit = 31 },\n  { kind = "main_board", unit = 32 },')
    plain = [device.name for _, device in load_text(text).placed]
    named = [device.name for _, device in load_text(text.replace("unit = 31", 'unit = 31, name = "big"')).placed]
    assert plain[6:8] == ["board-1", "board-2"]
    assert named == [name if name != "board-1" else "big" for name in plain]


@pytest.mark.parametrize("name", scenarios.available())
def test_a_scenario_survives_json(name: str) -> None:
    """The canonical JSON of a scenario validates again to an equal scenario, so a run can keep it."""
    scenario = load(name)
    again = Scenario.model_validate(scenario.model_dump(mode="json", by_alias=True))
    assert again.model_dump(mode="json") == scenario.model_dump(mode="json")
    assert again.hours == scenario.hours
    assert again.placed == scenario.placed


@pytest.mark.parametrize("name", scenarios.available())
def test_every_visitor_of_a_shipped_hall_can_take_a_ticket_and_be_served(name: str) -> None:
    """Each errand has a key on some kiosk (at most 15 a kiosk) and a counter, and each counter all that it needs."""
    scenario = load(name)
    errands = set(range(len(scenario.errands)))
    assert {errand for keys in scenario.kiosk_keys.values() for errand in keys} == errands
    assert {errand for skills in scenario.skills.values() for errand in skills} == errands
    assert all(len(keys) <= 15 for keys in scenario.kiosk_keys.values())
    for kind in ("rating_keypad", "clerk_console", "counter_display"):
        here = [device.counter for _, device in scenario.placed if device.kind == kind]
        assert sorted(here) == sorted(scenario.skills)


@pytest.mark.parametrize("name", scenarios.available())
def test_the_poll_cycle_of_each_shipped_bus_fits(name: str) -> None:
    """All event devices of a bus are polled within its period, with time to spare; no bus has more than 31 devices.

    One poll is a read of 12 registers: 8 characters asked, 29 answered, the turnaround, and two silences of 3.5
    characters (protocols.md, Modbus serial line).
    """
    for line in load(name).lines:
        baud, form = line.settings.split()
        bits = 1 + int(form[0]) + (form[1] != "N") + int(form[2])
        poll = (8 + 29 + 7) * bits / int(baud) + line.turnaround_ms / 1000
        polled = [d for d in line.devices if d.kind in ("rating_keypad", "clerk_console", "kiosk_button")]
        assert len(polled) * poll <= 0.8 * line.poll_s, line.name
        assert len(line.devices) <= 31


def test_the_tan_hoi_hall_is_the_one_that_is_promised() -> None:
    """4 counters, 1 kiosk with printer, 1 board, 1 voice, 4 displays, consoles and keypads; the keypads are tested."""
    scenario = load("tan_hoi")
    assert scenario.arrivals.visitors == 120
    assert [(line.name, line.owner, line.path, line.duplex) for line in scenario.lines] == [
        ("keypads", "collector", "/dev/ttyUSB0", "half"),
        ("hall", "house", None, "half"),
        ("ticket", "house", None, "full"),
        ("voice", "house", None, "full"),
    ]
    units = {device.name: getattr(device, "unit", None) for _, device in scenario.placed}
    assert units == {
        **{f"keypad-{n}": n for n in range(1, 5)},
        **{f"console-{n}": n for n in range(1, 5)},
        **{f"display-{n}": n + 20 for n in range(1, 5)},
        "board-1": 31,
        "kiosk-1": 41,
        "printer-1": None,
        "voice-1": None,
    }


def test_the_ca_mau_hall_is_the_one_that_is_promised() -> None:
    """42 counters, 4 kiosks, 3 boards, keypads on 3 buses of the collector at 9600, about 3,800 visitors."""
    scenario = load("ca_mau")
    kinds = [device.kind for _, device in scenario.placed]
    assert (len(scenario.counters), kinds.count("kiosk_button"), kinds.count("main_board")) == (42, 4, 3)
    keypads = [line for line in scenario.lines if line.owner == "collector"]
    assert [line.settings for line in keypads] == ["9600 8N1"] * 3
    assert sum(len(line.devices) for line in keypads) == 42
    assert 3700 <= (scenario.arrivals.visitors or 0) <= 3900
    assert scenario.hours.closes - scenario.hours.opens < DAY - 60 * MINUTE
