"""The commands on a running bench, with every kind of device in it: what people see, do and are told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import live_up
from bench.cli.main import _guarded as hallbench
from bench.cli.show_cmd import _dots, _framed
from bench.control.registry import VARIABLE

pytest.importorskip("termios", reason="this system has no pseudo-terminals")

EVERYTHING = Path(__file__).parents[2] / "support" / "every_device.toml"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A bench of every device; where it is registered."""
    folder = tmp_path_factory.mktemp("bench")
    with live_up.up(folder, EVERYTHING, "--all", "--ports", folder / "p", env={VARIABLE: str(folder / "run")}):
        yield folder / "run"


@pytest.fixture
def run(
    bench: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command on it: exit code, what it printed, what it said beside."""
    monkeypatch.setenv(VARIABLE, str(bench))

    def command(*words: str) -> tuple[int, str, str]:
        code = hallbench(list(words))
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


def read(told: tuple[int, str, str]) -> Any:
    """The JSON of a command that ended well."""
    assert told[0] == 0, told[2]
    return json.loads(told[1])


def test_every_device_is_shown_as_people_see_it(run):
    """Each device has its face, its events and what hands can do; with --registers each named register a row."""
    names = [one["name"] for one in read(run("show", "--json"))["devices"]]
    assert {"rk1", "osdp-4", "tm-t88", "sign", "dfplayer", "acme-k5", "board-4"} <= set(names)
    for name in names:
        code, out, _ = run("show", name)
        assert code == 0
        assert out.startswith(f"{name}: ")
        assert "\nhands: " in out
    assert "0x0100" in run("show", "rk1", "--registers")[1]
    code, whole, _ = run("show")
    assert code == 0
    for name in names:
        assert f"\n{name} " in whole


def test_what_hands_do_is_seen(run):
    """A cover, a case, a plug, a press: each is in the device's face, and in the table of all."""
    for words in (
        ("press", "tm-t88", "--do", "open_cover"),
        ("press", "rk1", "5"),
        ("press", "osdp-4", "--do", "tamper", "--on"),
        ("press", "ff68-keypad", "--do", "unplug"),
    ):
        assert run(*words)[0] == 0
    assert "cover_open" in run("show", "tm-t88")[1]
    assert "queue 1 of 64" in run("show", "rk1")[1]
    assert "case open" in run("show", "osdp-4")[1]
    assert "\nno power\n" in run("show", "ff68-keypad")[1]
    rows = {row.split()[0]: row for row in run("show")[1].splitlines() if row}
    assert "cover open" in rows["tm-t88"]
    assert "OFF" in rows["ff68-keypad"]
    assert "case open" in rows["osdp-4"]


def test_a_press_that_is_ignored_is_no_success(run):
    """What the device took no notice of is exit 5 with its reason; what was done is told as JSON when asked for."""
    assert read(run("press", "console-1", "1", "--json"))["action"] == "press"
    assert run("press", "ff68-keypad", "--do", "unplug")[0] == 0
    code, _, err = run("press", "ff68-keypad", "1")
    assert code == 5
    assert "ff68-keypad took no notice: " in err


def test_a_press_without_a_key_asks_for_one(run):
    """Usage: which key; a device that is not there is told too."""
    code, _, err = run("press", "rk1")
    assert (code, "which KEY?" in err) == (2, True)
    assert run("press", "rk77", "1")[0] == 2


def test_text_stands_in_a_frame():
    """Rows of a board or of a ticket are as wide as the widest of them, as a terminal counts."""
    drawn = list(_framed(["A001", "Số thứ tự", "公司"]))
    assert drawn == ["┌───────────┐", "│ A001      │", "│ Số thứ tự │", "│ 公司      │", "└───────────┘"]


def test_dots_are_drawn_two_by_two():
    """Rows of dots as half blocks, the last row alone when they are odd; dark ends are cut."""
    assert list(_dots(["110", "010", "100"])) == ["▀█", "▀"]


def test_the_clock_is_steered_and_says_what_it_will_not_do(run):
    """Pause, step, speed, resume; a value that is missing, too many or of the wrong unit is usage."""
    assert "stands" in run("clock", "pause")[1]
    before = read(run("clock", "--json"))["now"]
    assert read(run("clock", "step", "2s", "--json"))["now"] == before + 2 * 10**9
    code, out, err = run("clock", "speed", "2x")
    assert (code, out != "") == (0, True)
    assert err == "" or "\n" in err
    assert run("clock", "speed", "1")[0] == 0
    assert "at 1x" in run("clock", "resume")[1]
    for words, told in (
        (("step",), "how much?"),
        (("speed",), "how much?"),
        (("pause", "3"), "pause takes no value"),
        (("step", "soon"), "write 10s"),
        (("step", "3x"), "write 10s"),
        (("speed", "3s"), "write 60 or 60x"),
    ):
        code, _, err = run("clock", *words)
        assert (code, told in err) == (2, True), err


def test_faults_come_and_go(run):
    """Add, list, end one, end all; a setting without a value is usage; the catalogue has every type."""
    assert "No faults." in run("fault", "list")[1]
    first = read(run("fault", "add", "bit_flip", "line=keypads", "count=0", "--json"))["id"]
    code, out, _ = run("fault", "add", "slow_device", "device=rk1", "ms=40.5", "count=0")
    assert (code, "hits so far" in out) == (0, True)
    assert len(read(run("fault", "list", "--json"))["faults"]) == 2
    assert f"{first} has ended after 0 hits." in run("fault", "clear", first)[1]
    assert read(run("fault", "clear", "--json"))["ended"] == 1
    assert "over" in run("fault", "list")[1]
    assert "bit_flip" in run("fault", "list", "--all")[1]
    for words, code in ((("keypads",), 2), (("=3",), 2), (("byte=Infinity",), 2), (("line=nowhere",), 2)):
        assert run("fault", "add", "bit_flip", *words)[0] == code
    assert run("fault", "clear", "no-such")[0] == 2


def test_a_bench_that_does_not_run_is_told(run, monkeypatch, tmp_path):
    """Exit 4: no bench, or none of that name."""
    assert run("show", "--bench", "elsewhere")[0] == 4
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    assert run("show")[0] == 4
