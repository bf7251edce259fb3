"""Loading scenarios: every mistake at once, each at its own place."""

from __future__ import annotations

import datetime as dt
import json
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bench.scenario import load as load_module
from bench.scenario.devices import TicketPrinterSpec
from bench.scenario.load import Problem, ScenarioError, available, load, parse
from bench.scenario.model import Scenario
from protocol.escpos.profiles import PROFILES

Problems = Callable[..., list[Problem]]

FIELD_MISTAKES = [
    # (text in the small scenario, what it becomes, what the caret points at, part of the message, part of the hint)
    (
        'timezone = "Asia/Ho_Chi_Minh"',
        'timezone = "Asia/Ho_Chi_Min"',
        '"Asia/Ho_Chi_Min"',
        "not a known time zone",
        "Asia/Ho_Chi_Minh",
    ),
    ("date = 2025-03-10", 'date = "soon"', '"soon"', "must be a date", ""),
    ("date = 2025-03-10", "date = 2025-03-10T07:30:00", "2025-03-10T", "must be a date", ""),
    ('title = "A small hall"', "# untitled", "# untitled", "`title` is missing", ""),
    ('title = "A small hall"', 'title = ""', '""', "title is empty", ""),
    ('title = "A small hall"', 'titel = "A small hall"', "titel", "no key `titel`", '"title"'),
    ('["07:30-11:30", "13:30-17:00"]', '["07:30-11:30", "17:00-13:30"]', '"17:00-13:30"', "ends before it starts", ""),
    ('["07:30-11:30", "13:30-17:00"]', '["7h-9h"]', '"7h-9h"', "not a time of day", ""),
    ('["07:30-11:30", "13:30-17:00"]', "[]", "[]", "open is empty", ""),
    ('["07:30-11:30", "13:30-17:00"]', '["07:30-25:00"]', '"07:30-25:00"', '"25:00" is not a time of day', ""),
    ("[hours]", '[hours]\nafter_closing = "until_empty"', '"until_empty"', "none of", '"until_queue_empty"'),
    ("[hours]", "[hour]", "hour]", "no key `hour`", '"hours"'),
    ("visitors = 10", "visitors = -1", "-1", "not greater than 0", ""),
    ("visitors = 10", 'visitors = "10"', '"10"', 'must be a number, not "10"', ""),
    ("visitors = 10", "visitors = nan", "nan", "finite number", ""),
    ('"17:00" = 1 }', '"5 pm" = 1 }', '"5 pm"', '"5 pm" is not a time of day', ""),
    ('"17:00" = 1 }', '"17:00" = -1 }', "-1 }", "at least 0", ""),
    ('shape = { "07:30" = 1, "17:00" = 1 }', 'shape = { "07:30" = 1 }', "{", "two times or more", ""),
    ('letter = "A"', 'letter = "a"', '"a"', "capital letters", ""),
    ("date = 2025-03-10", "date = 0", "0", "must be a date", ""),
    ("date = 2025-03-10", 'date = "1741539600"', '"1741539600"', "must be a date", ""),
    ("date = 2025-03-10", "date = 2025-03-10T00:00:00", "2025-03-10T", "without a time of day", ""),
    ("date = 2025-03-10", "date = 0001-01-01", "0001-01-01", "the year 1 is not one of 2000 to 2099", ""),
    ("date = 2025-03-10", "date = 9999-12-31", "9999-12-31", "the year 9999 is not one of 2000 to 2099", ""),
    ("date = 2025-03-10", "date = 1970-01-01", "1970-01-01", "the year 1970", ""),
    ('shape = { "07:30" = 1, "17:00" = 1 }', 'shape = { "07:30" = 0, "17:00" = 0 }', "{", "weight above 0", ""),
    ('"17:00" = 1 }', '"17:00" = 1e308 }', "1e308", "at most 1000000", ""),
    ('"17:00" = 1 }', '"17:00" = 1e-320 }', "{", "too small: 0, or at least 0.000001", ""),
    ("visitors = 10", "visitors = 1e9", "1e9", "at most 100000", ""),
    ("median = 9, p90 = 20", "median = 9, p90 = 1e300", "1e300", "at most 100000", ""),
    ("share = 1\nminutes = { median = 5", "share = 1e300\nminutes = { median = 5", "1e300", "at most 1000000", ""),
    ('{ kind = "ticket_printer"', '{ kind = "ticket_printer", profile = "tm-t99"', '"tm-t99"', "none of", '"tm-t88"'),
    (
        '{ kind = "ticket_printer"',
        f'{{ kind = "ticket_printer", paper_m = {10**400}',
        "1000",
        "must be a number, not 1000",
        "",
    ),
    ('clerk = "C02"', 'clerk = "Lan"', '"Lan"', "e.g. C01", ""),
    ("number = 2", "number = 2.5", "2.5", "must be a whole number, not 2.5", ""),
    ("number = 2", "number = true", "true", "must be a whole number, not true", ""),
    ('errands = ["land"]', 'errands = "land"', '"land"', "must be an array", ""),
    ('errands = ["land"]', "errands = [7]", "7", "errands[1] must be text in quotes, not 7", ""),
    ('owner = "collector"', 'owner = "colector"', '"colector"', "none of", '"collector"'),
    ('settings = "9600 8N1"', 'settings = "9600,8,N,1"', '"9600,8', "baud rate and character format", ""),
    (
        "unit = 22, counter = 2",
        "unit = 300, counter = 2",
        "300",
        'device "display-2": unit 300 is not a bus address (1..247)',
        "",
    ),
    ("unit = 31 }", "unit = 31, row = 3 }", "row = 3", "no key `row`", '"rows"'),
    ('kind = "main_board", unit = 31', 'kind = "mainboard", unit = 31', '"mainboard"', "none of", '"main_board"'),
    ('kind = "main_board", unit = 31', "unit = 31", "{", "`kind` is missing", ""),
    ('kind = "main_board", unit = 31', 'kind = "main_board"', "{", "`unit` is missing", ""),
    (
        'duplex = "full"\ndevices = [{ kind = "ticket_printer" }]',
        'duplex = "full"\ndevices = 1',
        "1",
        "must be an array",
        "",
    ),
    ('[hours]\nopen = ["07:30-11:30", "13:30-17:00"]', "hours = 5", "5", "must be a table, not 5", ""),
]

CROSS_MISTAKES = [
    ('letter = "B"', 'letter = "A"', '"A"', "taken by an errand above", ""),
    ('name = "land"', 'name = "copy"', '"copy"', 'two errands "copy"', ""),
    ("share = 1\nminutes = { median = 9, p90 = 20 }", "share = 1", "[[errand]]", "`minutes`", ""),
    ("p90 = 20", "p90 = 8", "8 }", "below the median", ""),
    ("median = 9, p90 = 20", "median = 0.01, p90 = 20", "20 }", "more than 100 times the median 0.01", ""),
    ('shape = { "07:30" = 1, "17:00" = 1 }', "shape = {}", "{}", "shape is empty, so nobody would come", ""),
    ('name = "ticket"', 'name = "a-b"\n[[line]]\nname = "a_b"', '"a_b"', "one variable, HALLBENCH_PORT_A_B", ""),
    ("[hours]", "rating_delay_s = { median = 4, p90 = 3 }\n[hours]", "3 }", "below the median", ""),
    ("[hours]", "rating_delay_s = { median = 20, p90 = 30 }\n[hours]", "20", "window closes after 15 s", ""),
    ("[hours]", 'must_exercise = ["loss", "loss"]\n[hours]', '"loss"]', "twice", ""),
    ('errands = ["land"]', 'errands = ["lamd"]', '"lamd"', 'no errand "lamd"', '"land"'),
    ('errands = ["land"]', 'errands = ["land", "land"]', '"land"]', "twice", ""),
    ('name = "land"\nletter', 'name = "bond"\nletter', '"bond"', 'no counter serves the errand "bond"', ""),
    ("number = 2", "number = 1", "1", "two counters 1", ""),
    ('clerk = "C02"', 'clerk = "C01"', '"C01"', "already at a counter above", ""),
    ('clerk = "C02"', 'clerk = "D1"', '"D1"', "same code 1", ""),
    ('clerk = "C02"', 'clerk = "C70000"', '"C70000"', "letters and one to five digits|does not fit", ""),
    ('clerk = "C02"', 'clerk = "C0"', '"C0"', "does not fit a register", ""),
    ('["07:30-11:30", "13:30-17:00"]', '["07:30-11:30", "11:00-17:00"]', '"11:00-17:00"', "begins before", ""),
    ('breaks = ["09:00-09:10"]', 'breaks = ["12:00-12:10"]', '"12:00-12:10"', "outside the opening hours", ""),
    ('breaks = ["09:00-09:10"]', 'breaks = ["09:00-09:10", "09:05-09:20"]', '"09:05', "begins before", ""),
    ("visitors = 10\n", "", "[arrivals]", "`visitors` is missing", ""),
    ("visitors = 10", "visitors = 10\noverhead_s = 5", "overhead_s", "belongs to a recorded `log`", ""),
    ('{ "07:30" = 1, "17:00" = 1 }', '{ "11:30" = 1, "13:30" = 1 }', "{", "nobody would come", ""),
    ('name = "ticket"', 'name = "hall"', '"hall"', 'two lines "hall"', ""),
    (
        'settings = "19200 8N1"',
        'settings = "19200 8N1"\npath = "/dev/ttyUSB0"',
        '"/dev/ttyUSB0"',
        "already the path",
        "",
    ),
    ('settings = "9600 8N1"', 'settings = "9600 7E1"', '"9600 7E1"', "8 data bits", ""),
    ('settings = "9600 8N1"', "xonxoff = true", "true", "XON/XOFF needs", ""),
    ('duplex = "full"', 'duplex = "full"\necho = true', "true", "hears its own", ""),
    ('duplex = "full"\n', "", "{ kind", "stands alone on an RS-232 line", ""),
    (
        'owner = "collector"',
        'owner = "collector"\nduplex = "full"',
        '{ kind = "rating_keypad", unit = 2',
        "one device only",
        "",
    ),
    (
        "unit = 2, counter = 2 },\n]",
        "unit = 1, counter = 2 },\n]",
        "1, counter = 2",
        'device "keypad-2": unit 1 is already taken',
        "",
    ),
    (
        '"main_board", unit = 31',
        '"main_board", name = "kiosk-1", unit = 31',
        '{ kind = "kiosk',
        'two devices "kiosk-1"',
        "name",
    ),
    (
        'owner = "house"\nsettings = "9600',
        'owner = "collector"\nsettings = "9600',
        "{ kind",
        "only the house controller drives",
        "house",
    ),
    ('"rating_keypad", unit = 2, counter = 2', '"rating_keypad", unit = 2, counter = 7', "7", "no counter 7", ""),
    ('"rating_keypad", unit = 2, counter = 2', '"rating_keypad", unit = 2, counter = 1', "1 }", "already has", ""),
    ('  { kind = "clerk_console", unit = 2, counter = 2 },\n', "", "2", "counter 2 has no clerk console", ""),
    ('printer = "printer-1"', 'printer = "printer-2"', '"printer-2"', "no ticket printer", '"printer-1"'),
    ('printer = "printer-1"', 'printer = "printer-1", errands = ["copy", "lnad"]', '"lnad"', "no errand", '"land"'),
    (
        'printer = "printer-1"',
        'printer = "printer-1", errands = ["copy", "copy"]',
        '"copy"] }',
        "has a key already",
        "",
    ),
    ('printer = "printer-1"', 'printer = "printer-1", errands = ["copy"]', '"land"', "no kiosk has a key", ""),
    ('  { kind = "kiosk_button", unit = 41, printer = "printer-1" },\n', "", "[", "nobody could take a ticket", ""),
    ('"ticket_printer" }', '"ticket_printer", paper_m = 4 }', "4 }", "near-end sensor", ""),
    ('letter = "A"', 'letter = "AB"', "{", "cannot show the ticket AB001", ""),
    ("visitors = 10", 'log = "day.csv"\nvisitors = 10', "visitors", "not used when", ""),
]


def line_of(text: str, part: str) -> int:
    """Number of the line in which a part of a text begins."""
    return text[: text.index(part)].count("\n")


def points_at(problem: Problem) -> str:
    """The source from the caret on."""
    return problem.source_line[problem.column - 1 :]


def test_the_small_scenario_is_good(small: str, load_text: Callable[..., Scenario]) -> None:
    """The text that the tests below break is a valid scenario, with names for every device."""
    scenario = load_text(small)
    assert scenario.name == "hall"
    assert [device.name for _, device in scenario.placed] == [
        "keypad-1", "keypad-2", "console-1", "console-2", "display-1", "display-2", "board-1", "kiosk-1", "printer-1",
    ]  # fmt: skip
    assert scenario.kiosk_keys == {"kiosk-1": (0, 1)}
    assert scenario.skills == {1: frozenset((0, 1)), 2: frozenset((1,))}


@pytest.mark.parametrize("old, new, pointed, message, hint", FIELD_MISTAKES + CROSS_MISTAKES)
def test_each_mistake_is_told_at_its_own_place(
    small: str, problems_of: Problems, old: str, new: str, pointed: str, message: str, hint: str
) -> None:
    """A mistake gives a problem whose caret stands at it, whose message names it, and whose hint helps."""
    assert old in small, "the test must change something"
    problems = problems_of(small.replace(old, new, 1))
    assert any(
        points_at(p).startswith(pointed) and any(m in p.message for m in message.split("|")) and hint in p.hint
        for p in problems
    ), "\n".join(map(str, problems))


def test_a_second_pass_over_the_mistakes_gives_no_more_than_they_are(small: str, problems_of: Problems) -> None:
    """A lone mistake in one field gives one problem: the checks between fields do not echo it."""
    for old, new, pointed, *_ in FIELD_MISTAKES:
        if "[hour" in old or "mainboard" in new or "errands" in old or "devices = 1" in new or new.startswith("unit"):
            continue  # these change what other parts refer to
        if new.startswith("titel"):
            continue  # a misspelt key is also a missing one
        problems = problems_of(small.replace(old, new, 1))
        assert len(problems) == 1, f"{new}: {[str(p) for p in problems]}"
        assert points_at(problems[0]).startswith(pointed)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.data())
def test_all_mistakes_are_told_at_once(small: str, problems_of: Problems, data: st.DataObject) -> None:
    """Several mistakes in different fields are all found in one reading, in the order of the file."""
    apart = [m for m in FIELD_MISTAKES if small.count(m[0]) == 1 and "[hour" not in m[0] and "devices" not in m[0]]
    chosen = data.draw(
        st.lists(st.sampled_from(apart), min_size=2, max_size=6, unique_by=lambda m: line_of(small, m[0]))
    )
    text = small
    for old, new, *_ in chosen:
        text = text.replace(old, new, 1)
    problems = problems_of(text)
    for _, _, pointed, message, _ in chosen:
        assert any(points_at(p).startswith(pointed) and message in p.message for p in problems)
    assert [(p.line, p.column) for p in problems] == sorted((p.line, p.column) for p in problems)


def test_how_a_problem_is_printed(small: str, problems_of: Problems) -> None:
    """A problem is printed as file:line:column: message, the source line, a caret under the place, and the hint."""
    text = small.replace('kind = "main_board", unit = 31', 'kind = "main_board", unit = 310')
    text = text.replace('name = "land"', '\tnamé = "thửa đất 語 land"', 1).replace("namé", '"namé"')
    printed = [str(problem) for problem in problems_of(text)]
    assert printed[-1] == (
        'hall.toml:53:33: device "board-1": unit 310 is not a bus address (1..247)\n'
        '      { kind = "main_board", unit = 310 },\n'
        "                                    ^"
    )
    unknown = next(text for text in printed if "no key `namé`" in text)
    assert unknown.split("\n")[1:] == ['    \t"namé" = "thửa đất 語 land"', "    \t^", '    did you mean "name"?']


def test_the_caret_stands_under_wide_characters_and_in_long_lines() -> None:
    """The caret is moved by two for wide characters, by none for combining ones, and long lines are cut around it."""
    wide = Problem("f", 1, 4, "m", "語e\u0301x = 1").__str__().split("\n")
    assert wide[2] == "       ^".replace("       ", "    " + "  " + " ")
    long = Problem("f", 1, 501, "m", "a" * 500 + "X" + "b" * 500).__str__().split("\n")
    assert long[1][long[2].index("^")] == "X"
    assert len(long[1]) < 130


@pytest.mark.parametrize(
    "text, line, column, message",
    [
        ("a = 1\nb = ]", 2, 5, "not TOML: invalid value"),
        ("a = 1\n\nb 2\n", 3, 3, "not TOML"),
        ('a = 1\nb = "never closed', 2, 18, "not TOML"),
        ("a = 1\na = 2\n", 2, 6, "not TOML: cannot overwrite a value"),
        ("[t]\n[t]\n", 2, 3, "not TOML: cannot declare"),
        ("d = 2025-02-30", 1, 5, "not TOML: invalid date"),
        ("é = 1", 1, 1, "not TOML"),
        ("a = " + "9" * 5000, 1, 5, "not TOML"),
        ("a = " + "[" * 5000, 1, 1, "nested too deeply"),
        ("\ufeffa = 1", 1, 1, "byte order mark"),
    ],
)
def test_toml_syntax_errors_have_a_place(
    problems_of: Problems, text: str, line: int, column: int, message: str
) -> None:
    """What tomllib refuses becomes one problem at its line and column (characters, from 1)."""
    (problem,) = problems_of(text)
    assert (problem.line, message in problem.message) == (line, True), str(problem)
    assert problem.column == column


def test_bytes_that_are_not_utf8_have_a_place() -> None:
    """A byte that is not UTF-8 is told with its line, its column and its value."""
    with pytest.raises(ScenarioError) as caught:
        parse('title = "ok"\n# đ '.encode() + b"\xe9t\xe9\n", "hall.toml", lambda _: b"")
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (2, 5)
    assert "0xE9 is not UTF-8" in problem.message


def test_files_that_cannot_be_read_are_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing file, a directory, a device and an unreadable file are told as problems, with a way out."""
    (tmp_path / "my_hall.toml").write_text("", encoding="utf-8")

    def told(path: str | Path) -> str:
        with pytest.raises(ScenarioError) as caught:
            load(path)
        return str(caught.value)

    assert "there is no such file" in told(tmp_path / "my_hal.toml")
    assert 'did you mean "' + str(tmp_path / "my_hall.toml") in told(tmp_path / "my_hal.toml")
    assert "is a shipped scenario" in told(tmp_path / "tan_hoi.toml")
    assert "not a directory" in told(tmp_path / "my_hall.toml" / "x.toml")
    assert "is a directory" in told(tmp_path)
    assert "is a device" in told(Path(os.devnull))
    assert "cannot be read" in told(tmp_path / ("x" * 300 + ".toml"))
    assert "cannot be read" in told("null\0byte.toml")

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "permission denied" in told(tmp_path / "my_hall.toml")


def test_shipped_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: str) -> None:
    """A plain word is a shipped scenario; an unknown one gets a suggestion; a file of that name is found too."""
    assert available() == sorted(available())
    assert {"tan_hoi", "ca_mau", "warsaw_peak"} <= set(available())
    with pytest.raises(ScenarioError, match='did you mean "tan_hoi"') as caught:
        load("tan-hoi")
    assert caught.value.problems[0].line == 0
    for nothing in ("zzz", ""):
        with pytest.raises(ScenarioError, match="there is almassora, birth_certificate, "):
            load(nothing)
    monkeypatch.chdir(tmp_path)
    Path("myhall").write_text(small, encoding="utf-8")
    assert load("myhall").title == load(tmp_path / "myhall").title == "A small hall"


LOG = b"queue,issued_min,called_min\nA,460,470.5\nB,455.1,\n"


@pytest.fixture
def logged(small: str) -> str:
    """The small scenario with a recorded log."""
    return small.replace('visitors = 10\nshape = { "07:30" = 1, "17:00" = 1 }', 'log = "day.csv"')


@pytest.mark.parametrize(
    ("date", "zone", "offset"),
    [
        ("2025-03-30", "Europe/Warsaw", 2),  # put forward at 02:00
        ("2025-10-26", "Europe/Warsaw", 1),  # put back at 03:00
        ("2025-03-29", "Europe/Warsaw", 1),
        ("2022-03-27", "Asia/Beirut", 3),  # put forward at midnight: 00:00 did not exist
        ("2025-03-10", "Asia/Ho_Chi_Minh", 7),
    ],
)
def test_a_day_before_which_the_clocks_changed(
    small: str, load_text: Callable[..., Scenario], date: str, zone: str, offset: int
) -> None:
    """An instant is the time of day that the hall's clocks show, also when they were changed in the night before."""
    text = small.replace('date = 2025-03-10\ntimezone = "Asia/Ho_Chi_Minh"', f'date = {date}\ntimezone = "{zone}"')
    scenario = load_text(text)
    opening = dt.datetime.fromtimestamp((scenario.epoch_ns + scenario.hours.opens) / 1e9, ZoneInfo(zone))
    assert opening.isoformat(timespec="minutes") == f"{date}T07:30+{offset:02}:00"


def test_a_day_on_which_the_clocks_change(
    small: str, problems_of: Problems, load_text: Callable[..., Scenario]
) -> None:
    """Where the clocks change while the hall runs, times of day are no instants: the date is refused, with when."""
    old = 'date = 2025-03-10\ntimezone = "Asia/Ho_Chi_Minh"'
    text = small.replace(old, 'date = 2025-10-26\ntimezone = "Europe/Warsaw"').replace("09:00-09:10", "16:00-16:10")
    (problem,) = problems_of(text.replace("07:30-11:30", "02:30-11:30"))
    told = "the clocks of Europe/Warsaw change at 03:00, while the hall runs (02:20 to 19:00): its times of day"
    assert told in problem.message
    assert points_at(problem) == "2025-10-26"
    assert load_text(text.replace("07:30-11:30", "03:30-11:30")).date.day == 26


def test_the_printer_profiles_are_those_that_there_are() -> None:
    """The model takes just the profiles that the printers have."""
    assert set(get_args(TicketPrinterSpec.model_fields["profile"].annotation)) == set(PROFILES)


def test_a_ticket_log_is_read_with_the_scenario(logged: str, load_text: Callable[..., Scenario]) -> None:
    """The log beside the scenario becomes tickets in order of issue, in ns since midnight, and is part of the hash."""
    scenario = load_text(logged, {"day.csv": LOG})
    assert [tuple(ticket) for ticket in scenario.log] == [
        ("B", 27_306_000_000_000, None),
        ("A", 27_600_000_000_000, 28_230_000_000_000),
    ]
    assert scenario.sha256 != load_text(logged, {"day.csv": LOG + b"B,500,501\n"}).sha256


@pytest.mark.parametrize(
    "csv, file, line, column, message",
    [
        (b"queue,issued_min,called_min\nA,460,abc\n", "day.csv", 2, 7, 'called_min "abc" is not a minute'),
        (b"queue,issued_min,called_min\nA,,1\n", "day.csv", 2, 3, 'issued_min "" is not a minute'),
        (b"queue,issued_min,called_min\nA,460,450\n", "day.csv", 2, 7, "called before it is issued"),
        (b"queue,issued_min,called_min\nA,460\n", "day.csv", 2, 1, "2 values, but the header has 3"),
        (b"queue,issued_min,called_min\n,460,470\n", "day.csv", 2, 1, "no queue letter"),
        (b"queue,issued_min\nA,460\n", "day.csv", 1, 1, "no column called_min"),
        (b'queue,issued_min,called_min\n"A\nB",460,470\nA,460,nan\n', "day.csv", 4, 7, 'called_min "nan" is not'),
        (b"queue,issued_min,called_min\rA,1e999,470\r", "day.csv", 2, 3, 'issued_min "1e999" is not a minute'),
        (b"queue,issued_min,called_min\n" + b"A" * 200_000 + b",1,2\n", "day.csv", 2, 1, "not CSV: field larger"),
        (b"queue,issued_min,called_min\n", "day.csv", 1, 1, "no tickets"),
        (b"", "day.csv", 1, 1, "found: nothing"),
        (b"queue,issued_min,called_min\nQ,460,470\n", "hall.toml", 9, 7, 'queue "Q", but no errand'),
        (b"\xff", "hall.toml", 9, 7, "is not UTF-8"),
        (None, "hall.toml", 9, 7, "there is no such file"),
    ],
)
def test_mistakes_in_a_ticket_log_have_a_place(
    logged: str, problems_of: Problems, csv: bytes | None, file: str, line: int, column: int, message: str
) -> None:
    """A bad ticket is told at its place in the CSV, a bad reference at its place in the scenario."""
    (problem,) = problems_of(logged, {} if csv is None else {"day.csv": csv})
    assert (problem.file, problem.line, problem.column) == (file, line, column)
    assert message in problem.message


def test_the_hash_is_of_the_meaning(small: str, load_text: Callable[..., Scenario]) -> None:
    """Comments, layout and defaults written out do not change the hash; any value does."""
    same = small.replace("[hours]", '# a remark\nratings = "drawn"\n\n[hours]').replace("{ ", "{")
    assert load_text(same).sha256 == load_text(small).sha256
    assert load_text(small.replace("visitors = 10", "visitors = 11")).sha256 != load_text(small).sha256
    assert len(load_text(small).sha256) == 64


def toml(value: Any) -> str:
    """A TOML value for data as `tomllib` gives it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=8)
WORDS = st.sampled_from(
    ["kind", "unit", "name", "main_board", "kiosk_button", "copy", "C01", "07:30", "9600 8N1", "day.csv"]
)
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-(10**20), 10**20), st.floats(), TEXT, WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | WORDS, inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path of a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for key, inner in items for p in [(*path, key), *places(inner, (*path, key))]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=400)
@given(st.data())
def test_no_document_makes_a_traceback(small: str, data: st.DataObject) -> None:
    """However a scenario is bent, loading gives a scenario or problems that stand inside the file."""
    document = tomllib.loads(small)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(document) or [("x",)]))
        here: Any = document
        for part in path[:-1]:
            here = here[part]
        action = data.draw(st.sampled_from(["replace", "replace", "delete", "add"]))
        if action == "delete" and path[-1] in (here if isinstance(here, dict) else range(len(here))):
            del here[path[-1]]
        elif action == "add" and isinstance(here, dict):
            here[data.draw(TEXT | WORDS)] = data.draw(VALUES)
        else:
            here[path[-1]] = data.draw(VALUES)
    text = "\n".join(f"{json.dumps(key)} = {toml(value)}" for key, value in document.items())
    try:
        parse(text.encode(), "hall.toml", lambda _: LOG)
    except ScenarioError as error:
        lines = text.split("\n")
        for problem in error.problems:
            assert problem.message
            if problem.file == "hall.toml":
                assert 1 <= problem.line <= len(lines)
                assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
                assert problem.source_line == lines[problem.line - 1]


@settings(deadline=None, max_examples=300)
@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | st.text("[]{}=.,#\"'\\\n\r abc1", max_size=60).map(str.encode)
)
@example(b"")
@example(b"\r")
@example(b'a = """\r\n"""')
@example(b"a.b = 1\n[a]\n")
def test_no_bytes_make_a_traceback(data: bytes) -> None:
    """Any bytes at all give problems (none of these is a scenario), never another exception."""
    with pytest.raises(ScenarioError) as caught:
        parse(data, "hall.toml", lambda _: b"")
    assert str(caught.value)


def test_shipped_scenarios_load_and_differ() -> None:
    """Every shipped scenario is free of problems, named after its file, and has a hash of its own."""
    loaded = [load(name) for name in available()]
    assert [scenario.name for scenario in loaded] == available()
    assert len({scenario.sha256 for scenario in loaded}) == len(loaded)
    assert load_module.available() == available()


@pytest.mark.parametrize("mark", ["\n", "\r", "\x0b", "\x85", "\u2028"])
def test_a_name_with_line_breaks_forges_no_mistake(mark: str) -> None:
    """However a name is written, a mistake stays one line, and begins with the file it is in."""
    told = str(Problem("hall.toml", 3, 1, f'there is no errand "a{mark}other.toml:1:1: b"', "x", f"there is {mark}c"))
    assert [line for line in told.splitlines() if not line.startswith("    ")] == [told.splitlines()[0]]
    assert told.startswith("hall.toml:3:1: ")
