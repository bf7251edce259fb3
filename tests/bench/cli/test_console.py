"""How commands talk: results and remarks apart, JSON that anybody can read, a bar only for people."""

from __future__ import annotations

import io
import json
import os

import pytest

from bench.cli import console
from bench.cli.exit_codes import ExitCode


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """Real time by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_json_names_its_version_first(capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` prints one object whose first field is schema_version; an object's own version wins."""
    console.emit_json({"b": 1, "a": "Tân Hội"})
    text = capsys.readouterr().out
    assert list(json.loads(text)) == ["schema_version", "b", "a"]
    assert "Tân Hội" in text
    console.emit_json({"schema_version": 7}, one_line=True)
    assert capsys.readouterr().out == '{"schema_version": 7}\n'


def test_json_never_holds_what_json_has_not(capsys: pytest.CaptureFixture[str]) -> None:
    """An infinite number is refused instead of printed as something no reader takes."""
    with pytest.raises(ValueError, match="JSON compliant"):
        console.emit_json({"a": float("inf")})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_program_keeps_its_colours_and_nothing_else_that_a_terminal_obeys(size: int) -> None:
    """However it is cut: colours, returns and letters stay; a cleared screen or turned line is spelled out."""
    text = "\x1b[1;31mđỏ\x1b[0m\tmột\r\n\x1b[2J\x1b]0;title\x07 \u202eabc\x9b31m\x1b\n"
    told = io.StringIO()
    speech = console.ProgramSpeech(told)
    for start in range(0, len(text), size):
        speech.write(text[start : start + size])
        speech.flush()
    seen = r"\x1b[2J\x1b]0;title\x07 \u202eabc\x9b31m\x1b"
    assert told.getvalue() == f"\x1b[1;31mđỏ\x1b[0m\tmột\r\n{seen}\n"


def test_remarks_do_not_mix_with_results(capsys: pytest.CaptureFixture[str]) -> None:
    """`out` goes to stdout, `say` to stderr."""
    console.out("result")
    console.say("remark")
    told = capsys.readouterr()
    assert (told.out, told.err) == ("result\n", "remark\n")


def test_columns_are_aligned_by_what_is_seen() -> None:
    """Columns stand two spaces apart by their width on a terminal, double-width letters included."""
    lines = console.table([("a", 1, "x"), ("公司", 200, "y")], headers=("name", "n", ""), right=(1,))
    assert lines == ["name    n", "----  ---  -", "a       1  x", "公司  200  y"]
    assert console.table([]) == []


def test_a_bar_is_for_people() -> None:
    """Where stderr is no terminal nothing is drawn."""
    stream = io.StringIO()
    with console.Progress("day", stream=stream, now=Clock()) as progress:
        progress.update(0.5, "10:42")
    assert stream.getvalue() == ""


def test_a_dumb_terminal_gets_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that cannot move its cursor gets no bar."""
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    console.Progress("day", stream=stream, now=Clock()).update(0.5, "10:42")
    assert stream.getvalue() == ""


def test_the_bar_tells_hall_time_share_and_time_left() -> None:
    """It shows the hall's time, how far it is, and how long it still takes in real time; then it is gone."""
    stream, clock = Terminal(), Clock()
    with console.Progress("day tan_hoi", stream=stream, now=clock) as progress:
        progress.update(0.0, "07:20")
        clock.now += 3
        progress.update(0.25, "10:42")
        line = stream.getvalue().rpartition("\r\x1b[K")[2]
        for part in ("day tan_hoi", "10:42", "25%", "about 9.00 s left"):
            assert part in line
        assert len(line) < 80
    assert stream.getvalue().endswith("\r\x1b[K")


def test_the_bar_is_drawn_ten_times_a_second_at_most() -> None:
    """A thousand updates in half a second are a few drawings; the last one is always drawn."""
    stream, clock = Terminal(), Clock()
    progress = console.Progress("day", stream=stream, now=clock)
    for n in range(1000):
        clock.now += 0.0005
        progress.update(n / 1000, "08:00")
    assert stream.getvalue().count("\r") <= 6
    progress.update(1.0, "judging")
    assert "judging" in stream.getvalue()


def test_a_line_above_the_bar() -> None:
    """`say` clears the bar first, so that no remark is glued to it."""
    stream = Terminal()
    progress = console.Progress("day", stream=stream, now=Clock())
    progress.update(0.5)
    progress.say("the collector is slow")
    assert stream.getvalue().endswith("\r\x1b[Kthe collector is slow\n")


def test_the_bar_is_wiped_when_the_work_breaks() -> None:
    """However the work ends, the bar does not stay."""
    stream = Terminal()
    progress = console.Progress("day", stream=stream, now=Clock())

    def work() -> None:
        with progress:
            progress.update(0.5)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR no line carries a colour, even on a terminal."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    console.out(console.verdict_word("HOLDS"))
    assert "\x1b[" in terminal.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    terminal.truncate(0)
    terminal.seek(0)
    console.out(console.verdict_word("HOLDS"))
    assert terminal.getvalue() == "HOLDS\n"


def test_a_failure_gives_its_hint_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The message and the advice are on stderr, apart."""
    console.Failure("the port is gone", 4, "plug it in").show()  # type: ignore[arg-type]
    assert capsys.readouterr().err == "Error: the port is gone\n  plug it in\n"


def test_an_error_that_quotes_a_hostile_file_moves_no_cursor() -> None:
    """Escape sequences, returns and bidirectional marks of message and hint are spelled out; its lines stay lines."""
    stream = io.StringIO()
    failure = console.Failure("a.toml:1:1: name \x1b[31mred\r\u202e\n    ^", ExitCode.INVALID_FILE, "write \x9b2J")
    failure.show(stream)
    assert stream.getvalue() == "Error: a.toml:1:1: name \\x1b[31mred\\r\\u202e\n    ^\n  write \\x9b2J\n"


def test_a_system_without_process_groups_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs sessions and signals is usage elsewhere, with what to do there; here nothing is said."""
    console.needs_unix("day --clock wall", "run the day in virtual time")
    monkeypatch.delattr(console.os, "killpg")
    with pytest.raises(console.Failure, match="day --clock wall needs Linux or macOS") as caught:
        console.needs_unix("day --clock wall", "run the day in virtual time")
    assert caught.value.exit_code == ExitCode.USAGE
    assert caught.value.hint == "run the day in virtual time"


def test_what_a_program_writes_is_no_result(capfd: pytest.CaptureFixture[str]) -> None:
    """Descriptor 1 goes to stderr while a program runs in this process, and back afterwards, whatever happened."""

    def fails() -> None:
        with console.results_apart():
            os.write(1, b"noise\n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    os.write(1, b"result\n")
    told = capfd.readouterr()
    assert (told.out, told.err) == ("result\n", "noise\n")


def test_a_closed_stdout_is_left_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever closed stdout gets no error for it."""

    def closed(_: int) -> int:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(console.os, "dup", closed)
    ran = []
    with console.results_apart():
        ran.append(True)
    assert ran
