"""CSV and JSON Lines are read as they stand; what is wrong with them is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.judge.records import Gap, Health, RecordsError, Row, read

HEADS = "device,clerk,value,at,epoch,seq"


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_of_any_separator(tmp_path: Path, separator: str, end: str) -> None:
    """Comma, semicolon and tab are told apart by the first line; a byte-order mark and both line ends are taken."""
    text = "\ufeff" + end.join((HEADS, "keypad-1,C01,5,1741573800.5,1,0", "2,2,4,,1,1", "")).replace(",", separator)
    rows = read(written(tmp_path / "r.csv", text))
    assert rows == [
        Row(1, "keypad-1", "C01", None, "5", "1741573800.5", "1", "0"),
        Row(2, "2", "2", None, "4", None, "1", "1"),
    ]
    assert rows.fields == ("device", "clerk", "value", "at", "epoch", "seq")
    assert rows.order == "line"


def test_csv_quotes(tmp_path: Path) -> None:
    """A quoted cell may hold separators and line ends."""
    rows = read(written(tmp_path / "r.csv", 'device,clerk,value,at\n"a,""b""\nc",1,5,9\nd,1,4,8\n'))
    assert [row.device for row in rows] == ['a,"b"\nc', "d"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("dev,clerk,value,at\n", r"no column 'device' .*did you mean 'dev'\?(.|\n)*columns found: dev, clerk, value"),
        ("device,clerk,value,at,at\n", "line 1 names the column 'at' twice"),
        (f"{HEADS}\n1,1,5\n1,1,5,0,1,1\n", r"line 2 has 3 cells, the first line names 6: device, clerk"),
        (f'{HEADS}\n1,1,"5"x,0,1,1\n1,1,5,0,1,1\n', "line 2 is not CSV"),
        ("\0\0", "no text"),
    ],
)
def test_csv_that_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    """Each mistake is told with its line."""
    with pytest.raises(RecordsError, match=told):
        read(written(tmp_path / "r.csv", text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """What is there instead is told."""
    written(tmp_path / "other.csv", "")
    with pytest.raises(RecordsError, match=r"no such CSV file; the folder has other\.csv"):
        read(tmp_path / "r.csv")


def test_a_last_line_that_was_cut_off(tmp_path: Path) -> None:
    """A last line that was cut off is what a killed collector leaves: no row, and the source says so."""
    rows = read(written(tmp_path / "r.csv", f"{HEADS}\n1,1,5,0,1,1\n1,1,4"))
    assert len(rows) == 1
    assert "line 3, the last, is cut off" in rows.source
    rows = read(written(tmp_path / "r.jsonl", '{"device":1,"clerk":1,"value":5,"at":0}\n{"device":1,"cl'))
    assert len(rows) == 1
    assert "line 2, the last, is cut off" in rows.source
    rows = read(written(tmp_path / "r.jsonl", '{"device":1,"clerk":1,"value":5,"at":0}\n{"device":2,"clerk":1}'))
    assert len(rows) == 2


def test_json_lines_with_gaps_and_health(tmp_path: Path) -> None:
    """Objects may lack fields; those with kind "gap" or "health" are no ratings."""
    text = (
        '{"device":"keypad-1","clerk":1,"value":5,"at":9}\n\n{"kind":"gap","device":1,"at":10,"lost":2}\n'
        '{"kind":"health","device":1,"at":11,"up":false}\n{"device":"keypad-2","clerk":1,"value":4,"at":12,"seq":3}\n'
    )
    rows = read(written(tmp_path / "r.jsonl", text))
    assert rows == [Row(1, "keypad-1", 1, None, 5, 9), Row(2, "keypad-2", 1, None, 4, 12, None, 3)]
    assert rows.gaps == (Gap(1, 1, 10, 2),)
    assert rows.health == (Health(1, 1, 11, 0),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"device":1}\nnonsense\n', "line 2 is not JSON .*'nonsense'"),
        ("[1]\n", "line 1 is a list; expected an object"),
        ('{"keypad":1,"clerk":1,"value":5,"at":0}\n', "no column 'device' for the device"),
    ],
)
def test_json_lines_that_are_wrong(tmp_path: Path, text: str, told: str) -> None:
    """Each mistake is told with its line, or with the names that were found."""
    with pytest.raises(RecordsError, match=told):
        read(written(tmp_path / "r.jsonl", text))


def test_no_ratings_at_all_are_no_mistake(tmp_path: Path) -> None:
    """An empty JSON Lines file says that nothing was stored."""
    assert read(written(tmp_path / "r.jsonl", "")) == []


def test_the_kind_of_the_scenario_names_a_file_without_a_suffix(tmp_path: Path) -> None:
    """The kind decides where the name does not; a SQLite database is known by its contents."""
    path = written(tmp_path / "ratings", "device,clerk,value,at\n1,1,5,0\n")
    assert len(read(path, {"kind": "csv"})) == 1
    with pytest.raises(RecordsError, match=r'not a SQLite database .* kind = "csv"'):
        read(path)


def test_a_quote_that_the_end_of_the_file_cut_off(tmp_path: Path) -> None:
    """A cell whose closing quote was not written any more is a line cut off; with a line end behind it, a mistake."""
    text = f'{HEADS}\n1,1,5,0,1,1\n1,1,4,"0'
    rows = read(written(tmp_path / "r.csv", text))
    assert len(rows) == 1
    assert "line 3, the last, is cut off" in rows.source
    with pytest.raises(RecordsError, match="line 3 is not CSV"):
        read(written(tmp_path / "r.csv", f"{text}\n"))


def test_lines_without_a_cell_are_no_rows(tmp_path: Path) -> None:
    """Spaces, separators alone and empty lines are passed over."""
    rows = read(written(tmp_path / "r.csv", f"{HEADS}\n\n , ,,,,\n1,1,5,0,1,1\n,,\n"))
    assert [(row.n, row.value) for row in rows] == [(1, "5")]


def test_a_field_that_the_collector_does_not_keep(tmp_path: Path) -> None:
    """A field mapped to nothing is not looked for; without device or value nothing can be recognised."""
    path = written(tmp_path / "r.csv", "device,clerk,value,at\nkeypad-1,1,5,9\n")
    assert read(path, {"columns": {"at": None}}) == [Row(1, "keypad-1", "1", None, "5", None)]
    with pytest.raises(RecordsError, match=r"without a column for the device and one for the value .*device, clerk"):
        read(path, {"columns": {"device": None}})


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "sqlite"])
def test_a_folder_in_the_place_of_the_file(tmp_path: Path, suffix: str) -> None:
    """What cannot be read is told with the system's reason."""
    (tmp_path / f"r.{suffix}").mkdir()
    with pytest.raises(RecordsError, match=r"cannot be read \(Is a directory\); expected a"):
        read(tmp_path / f"r.{suffix}")


def test_more_than_any_day_has_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, and a line of one, have a greatest size, so that a hostile collector does not fill the memory."""
    path = written(tmp_path / "r.jsonl", '{"device": 1}\n')
    monkeypatch.setattr("bench.records.files.MOST", 13)
    with pytest.raises(RecordsError, match=r"14 bytes are no day's ratings; .* file below 13 bytes"):
        read(path)
    monkeypatch.undo()
    monkeypatch.setattr("bench.records.files.LONGEST", 12)
    with pytest.raises(RecordsError, match="line 1 has 13 characters; the longest may have 12"):
        read(path)


def test_another_server_is_not_asked() -> None:
    """Posted rows are read from the file of the run; the message shows no password of the address."""
    with pytest.raises(RecordsError, match=r"read from the file posted\.jsonl of the run") as error:
        read("https://hall:s3cret@example.org/ratings")
    assert "s3cret" not in str(error.value)
