"""Halls fitted to ticket logs: what is read, what is told to be wrong, and whether a known hall comes out again."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cli.main import _guarded as hallbench
from bench.hall.day import columns
from bench.planning import fit, fitted_hall, ticket_table
from bench.planning.ticket_table import Row, TableError, read
from bench.scenario.load import load, parse
from bench.scenario.model import Scenario
from bench.scenario.times import MINUTE
from planning_logs import COLUMNS, log_of

DAYS = 30


@pytest.fixture(scope="module")
def hall() -> Scenario:
    return load("tan_hoi")


@pytest.fixture(scope="module")
def table(hall: Scenario) -> ticket_table.Table:
    return read(log_of(hall, range(DAYS)), ticket_table.mapping(COLUMNS))


def test_a_known_hall_comes_out_again(hall: Scenario, table: ticket_table.Table) -> None:
    """Visitors, shares, medians and p90 of the hall that made the log are found again, within what 30 days can tell."""
    found = fit.fit(table)
    drawn = [len(columns(hall, 1, number).arrives) for number in range(DAYS)]
    assert found.visitors == pytest.approx(sum(drawn) / DAYS)
    assert 0.07 < found.busyness_cv < 0.25  # 0.15 is the truth
    assert found.dispersion == pytest.approx(1.0, abs=0.25)
    assert all(fitted == pytest.approx(observed, abs=0.05) for _, observed, fitted in found.slots)
    assert [str(span) for span in found.open] == ["07:30-11:30", "13:30-17:00"]
    for service in found.services:
        errand = next(errand for errand in hall.errands if errand.name == service.kind)
        assert errand.minutes is not None
        assert service.median == pytest.approx(errand.minutes.median, rel=0.1)
        assert service.p90 == pytest.approx(errand.minutes.p90, rel=0.12)
        assert service.distance < 0.06
        assert not service.pooled
    assert sum(service.share for service in found.services) == pytest.approx(1)


def test_the_log_replayed_has_the_log_s_waits(hall: Scenario, table: ticket_table.Table) -> None:
    """A counter for each of the log, with the classes it served: the waits are the recorded ones but for the breaks."""
    found = fit.fit(table)
    kinds = [service.kind for service in found.services]
    counters = fitted_hall.counters_of(table, kinds, None)
    served = {n: {hall.errands[e].name for e in skills} for n, skills in hall.skills.items()}
    assert {n: set(names) for n, names in counters.items()} == served
    scenario = parse(fitted_hall.scenario_text(found, counters, "again").encode(), "again.toml", lambda _: b"")
    told = fitted_hall.replay(table, scenario, "python")
    assert told["tickets"] == len(table.rows)
    # ten minutes of break at three of four counters are not in a log
    assert told["replayed"]["mean"] == pytest.approx(told["recorded"]["mean"], rel=0.25)
    plain = hall.model_copy(update={"counters": tuple(c.model_copy(update={"breaks": ()}) for c in hall.counters)})
    plain.__dict__.pop("skills", None)
    again = read(log_of(plain, range(5)), ticket_table.mapping(COLUMNS))
    assert fitted_hall.replay(again, scenario, "python")["absolute"] < 1e-3  # minutes: microseconds of the log


BAD = """taken,called,finished,service
08:00,08:05,08:10,copy
08:01,08:00,08:12,copy
08:02,08:06,08:04,copy
08:03,08:07,08:07,copy
nonsense,08:07,08:09,copy
08:04,,,copy
08:05,08:30,08:40,copy
08:05,08:30,08:40,copy
10:30,10:31,10:35,copy
"""


def test_what_is_wrong_with_a_log_is_told_with_its_lines_and_never_repaired() -> None:
    """Negative and zero durations, copies, gaps and rows that cannot be read; their times stay as they are."""
    found = read(BAD, ticket_table.mapping("issued=taken,done=finished,class=service"))
    told = {finding.what: finding.lines for finding in found.findings}
    assert told == {
        "unreadable rows": (6,),
        "called before issued": (3,),
        "done before called": (4,),
        "service of no time": (5,),
        "never called": (7,),
        "the same row again": (9,),
        "an hour or more without a ticket": (10,),
    }
    assert len(found.rows) == 8
    assert next(row for row in found.rows if row.line == 3).called == 8 * 60 * MINUTE


DAYS_FIRST = """Lấy số;Gọi;Xong;Quầy
10/03/2025 07:31:00;10/03/2025 07:35:30;10/03/2025 07:41;Quầy 1
3/3/2025 8:02;3/3/2025 8:02:05;;Quầy 2
31.03.2025 09:00;31.03.2025 09:01;31.03.2025 09:09;Quầy 1
12/31/2019 09:00;12/31/2019 09:01;12/31/2019 09:09;Quầy 1
"""


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_spreadsheet_s_export_is_read_as_it_is(separator: str) -> None:
    """A byte order mark, semicolons or tabs, dates with the day first; a month 31 is no date, and told."""
    text = "\ufeff" + DAYS_FIRST.replace(";", separator)
    found = read(text, ticket_table.mapping("issued=Lấy số,called=Gọi,done=Xong,counter=Quầy"))
    assert [(row.day, row.counter, row.issued, row.called, row.done) for row in found.rows] == [
        ("2025-03-03", "Quầy 2", 482 * MINUTE, 482 * MINUTE + MINUTE // 12, None),
        ("2025-03-10", "Quầy 1", 451 * MINUTE, 455 * MINUTE + MINUTE // 2, 461 * MINUTE),
        ("2025-03-31", "Quầy 1", 540 * MINUTE, 541 * MINUTE, 549 * MINUTE),
    ]
    assert {f.what: f.lines for f in found.findings} == {"unreadable rows": (5,), "called and without an end": (3,)}


@given(st.datetimes(), st.sampled_from(["/", "-", "."]))
def test_a_date_with_the_day_first_is_that_of_iso_8601(stamp: datetime, mark: str) -> None:
    """Both ways of writing one minute are the same day and instant, whatever stands between the numbers."""
    iso, first = f"{stamp:%H:%M},{stamp:%H:%M}", f"{stamp.day}{mark}{stamp.month}{mark}{stamp.year:04}"
    header = "day,issued,called\n"
    written = read(f"{header}{first},{iso}\n").rows
    assert written == read(f"{header}{stamp.date().isoformat()},{iso}\n").rows
    assert written == read(f"issued,called\n{first} {stamp:%H:%M},{first} {stamp:%H:%M}\n").rows


def test_services_far_out_are_told_and_kept() -> None:
    """One service of a day among fifty of some minutes is told as an outlier, and is in the fit."""
    rows = [f"{8 * 60 + n},{8 * 60 + n},{8 * 60 + n + 4 + n % 5}" for n in range(50)] + ["500,500,1900"]
    found = read("issued,called,done\n" + "\n".join(rows) + "\n")
    assert [(f.what, f.lines) for f in found.findings] == [("services far out", (52,))]
    assert fit.services(found.rows)[0].fitted == 51


@pytest.mark.parametrize(
    "text, given_, told",
    [
        ("", "", "the log is empty: expected a header and below it one line for each ticket. Export the log again"),
        ("\ufeff\n\n", "", "the log is empty"),
        ("a,b\n1,2\n", "", "it has: a, b. Say which is which"),
        ("a,b\n1,2\n", "issued=a,called=c", "has no column called=c"),
        ("issued,called\nx,y\n", "", "line 2 is 'x,y'"),
        ("issued,called\n", "", "has a header (line 1: issued, called) and no tickets: expected"),
        ("\nissued,called\n\n", "", "has a header (line 2: issued, called) and no tickets: expected"),
        ("a,b\n", "", "it has: a, b. Say which is which"),
    ],
)
def test_a_mapping_that_is_wrong_is_explained(text: str, given_: str, told: str) -> None:
    """What the header has, what was looked for, and how to say which is which."""
    with pytest.raises(TableError) as caught:
        read(text, ticket_table.mapping(given_))
    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["issued", "issued=", "isued=a", "=b", "issued:a"])
def test_columns_that_cannot_be_read_are_told(text: str) -> None:
    """The option's own mistakes name the meanings there are."""
    with pytest.raises(TableError, match="MEANING=COLUMN"):
        ticket_table.mapping(text)


@given(st.text(max_size=400))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever the file holds, it is a table or an explanation."""
    try:
        found = read("issued,called\n" + text)
    except TableError:
        return
    assert all(row.issued >= 0 for row in found.rows)


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_class_names_of_any_kind_make_a_valid_scenario(first: str, second: str) -> None:
    """Quotes, line ends, controls and hearts in a class: the fitted file is a scenario, or is refused, never broken."""
    from bench.scenario.problems import ScenarioError

    kinds = list(dict.fromkeys(kind.strip() or "all" for kind in (first, second)))
    row = [Row(n, "", kinds[n % len(kinds)], "", n * MINUTE, n * MINUTE, (n + 3) * MINUTE, None) for n in range(60)]
    found = fit.fit(ticket_table.Table({}, tuple(row), ()))
    text = fitted_hall.scenario_text(found, {1: kinds}, "x")
    try:
        scenario = parse(text.encode("utf-8", "surrogatepass"), "x.toml", lambda _: b"")
    except ScenarioError:
        return
    assert len(scenario.errands) == len(kinds)


def test_patience_is_kaplan_and_meier_s() -> None:
    """By hand: of four waits 1, 2 (left), 3 and 4 (left), the shares still waiting are 2/3 after 2 and 0 after 4."""
    rows = [
        Row(n, "", "all", "", 0, None if left else wait * MINUTE, None, wait * MINUTE if left else None)
        for n, (wait, left) in enumerate([(1, False), (2, True), (3, False), (4, True)])
    ]
    assert fit.kaplan_meier(rows) == [(2.0, pytest.approx(2 / 3)), (4.0, 0.0)]
    assert fit.kaplan_meier([row for row in rows if row.left is None]) == []


def test_the_command_fits_replays_plans_and_leaves_the_hall(
    hall: Scenario, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Text and JSON tell the fit; the fitted scenario is left beside the report and can be planned itself."""
    log = tmp_path / "tickets.csv"
    log.write_text(log_of(hall, range(6)), encoding="utf-8")
    words = ["plan", "--from", str(log), "--columns", COLUMNS, "--replay", "--days", "12", "--out", str(tmp_path / "p")]
    assert hallbench(words) == 0
    out = capsys.readouterr().out
    assert "certified copy" in out
    assert "the log replayed" in out
    assert hallbench([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["fit"]["days"] == 6
    assert told["designs"][0]["counters"] == 4
    assert hallbench(["plan", str(tmp_path / "p" / "fitted.toml"), "--days", "5", "--out", str(tmp_path / "q")]) == 0


@pytest.mark.parametrize(
    "words, code, told",
    [
        (["plan", "--replay"], 2, "--from"),
        (["plan", "tan_hoi", "--from", "{log}"], 2, "either"),
        (["plan", "--from", "{log}.not"], 3, "cannot read"),
        (["plan", "--from", "{log}"], 3, "--columns"),
        (["plan", "--from", "{log}", "--columns", "issued=taken,class=service,done=finished"], 3, "--counters N"),
    ],
)
def test_mistakes_of_the_command_are_told(
    words: list[str], code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Options that do not go together are usage (2), a log that cannot be used is an invalid file (3)."""
    log = tmp_path / "log.csv"
    rows = "".join(f"08:{n:02},08:{n + 1:02},08:{n + 5:02},copy\n" for n in range(40))
    log.write_text("taken,called,finished,service\n" + rows, encoding="utf-8")
    assert hallbench([word.replace("{log}", str(log)) for word in words]) == code
    assert told in capsys.readouterr().err
