"""The page of a hunt: what broke with its story and how to play it, what was never seen, safe against any text."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.reports import hunt_report
from bench.reports.hunt_report import NotAHuntError

STORY = "08:20:07.420 keypad-2: key 4 pressed\n08:20:07.751 LOST: no row tells it"
HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">\x1b[2J\u202e\x00 & "quoted"'


def _told(**changes: Any) -> dict[str, Any]:
    return {
        "scenario": "tan_hoi",
        "seed": 3,
        "clock": "virtual",
        "command": ["python", "my collector.py"],
        "runs": 40,
        "presses": 400,
        "verdict": "HOLDS",
        "judged": {"loss": 40},
        "undecided": {},
        "excused": {},
        "sometimes": [
            {"kind": "fault", "name": "kill", "count": 0, "remark": ""},
            {"kind": "branch", "name": "retry taken", "count": 12, "remark": "a request sent again"},
        ],
        "not_played": [],
        "failure": None,
        **changes,
    }


def _failure(**changes: Any) -> dict[str, Any]:
    return {
        "invariant": "loss",
        "found_in_run": 4,
        "first": {"faults": 2, "presses": 9, "label": "no reply"},
        "faults": [{"name": "no_reply", "line": "keypads", "nth": 2}],
        "devices": ["keypad-1"],
        "presses": 1,
        "seconds": 40,
        "shrinking_runs": 8,
        "story": [STORY],
        "path": "failures/x-loss-1",
        "replay": "hallbench replay failures/x-loss-1",
        **changes,
    }


def _store(folder: Path, name: str, **changes: Any) -> None:
    trial = {"acts": [[10_210, "keypad-1", "press", 5]], "faults": [{"name": "echo"}]}
    (folder / name).mkdir(parents=True)
    facts = {"schema_version": 1, "invariant": "order", "story": [STORY], "trial": trial, **changes}
    (folder / name / "failure.json").write_text(json.dumps(facts))


def test_nothing_found_shows_what_was_never_seen(tmp_path: Path, outline: Any) -> None:
    """The zeros are marked and come before what was seen; a fault without a remark is explained by the catalogue."""
    text = hunt_report.write(tmp_path, _told()).read_text("utf-8")
    found = outline(text)
    assert "NOTHING FOUND" in found.text
    assert "In 40 runs with 400 presses nothing broke." in found.text
    assert found.text.index("the collector is killed") < found.text.index("retry taken")
    assert '<td class="n bad">0</td>' in text


def test_a_failure_has_its_story_and_its_replay(tmp_path: Path, outline: Any) -> None:
    """The failure of this hunt stands first, with faults, acts, story and command; older ones of the folder follow."""
    _store(tmp_path, "a-order-1")
    _store(tmp_path, "x-loss-1", invariant="loss")
    text = hunt_report.write(tmp_path, _told(verdict="VIOLATED", failure=_failure())).read_text("utf-8")
    found = outline(text)
    found.must_be_sound(text)
    names = [name for level, name in found.headings if level == 3]
    assert [name.split()[:2] for name in names] == [["VIOLATED", "loss"], ["VIOLATED", "order"]]
    for part in ("line keypads, nth 2", "10.21 s", "keypad-1: key 5", "LOST: no row", "hallbench replay a-order-1"):
        assert part in found.text
    assert "hallbench replay failures/x-loss-1" in found.text
    assert "<details><summary>1 never seen before the hunt ended" in text


def test_it_can_be_made_again_from_the_folder(tmp_path: Path) -> None:
    """hunt.json and the failures beside it are enough, and give the same bytes."""
    first = hunt_report.write(tmp_path, _told()).read_bytes()
    (tmp_path / "report.html").unlink()
    assert hunt_report.write(tmp_path).read_bytes() == first


def test_a_folder_without_a_hunt_is_told(tmp_path: Path) -> None:
    """Nothing to report of: an error that says what to do, and no page."""
    with pytest.raises(NotAHuntError, match="hallbench hunt"):
        hunt_report.write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_damaged_failures_are_left_out(tmp_path: Path) -> None:
    """A failure that cannot be read costs its own rows only."""
    _store(tmp_path, "good")
    _store(tmp_path, "bad")
    (tmp_path / "bad" / "failure.json").write_text("[1")
    assert [name for name, _ in hunt_report.stored(tmp_path)] == ["good"]


def test_the_command_can_be_pasted(tmp_path: Path, outline: Any) -> None:
    """The shell gets the same words again."""
    command = ["python", "it's mine.py", "{port:keypads}"]
    text = hunt_report.write(tmp_path, _told(command=command, clock="wall", ignored=["time"])).read_text("utf-8")
    line = next(words for words in outline(text).words if words.startswith("hallbench hunt"))
    wanted = [
        "hallbench",
        "hunt",
        "tan_hoi",
        "--seed",
        "3",
        "--runs",
        "40",
        "--clock",
        "wall",
        "--ignore",
        "time",
        "--",
    ]
    assert shlex.split(line) == [*wanted, *command]


def _hostile(text: str) -> tuple[dict[str, Any], list[tuple[str, Mapping[str, Any]]]]:
    """A hunt in which every text from outside is `text`."""
    failure = _failure(
        invariant=text,
        first={"faults": 1, "presses": 1, "label": text},
        faults=[{"name": text, "line": text}],
        story=[f"{text}\n{text}"],
        replay=text,
        path=text,
    )
    told = _told(
        scenario=text,
        command=[text],
        verdict="VIOLATED",
        judged={text: 1},
        sometimes=[{"kind": "fault", "name": text, "count": n, "remark": text} for n in (0, 1)],
        not_played=[text],
        failure=failure,
    )
    acts = [{"at_ms": 5, "device": text, "action": text, "value": text}]
    return told, [(text, {"invariant": text, "story": [text], "trial": {"acts": acts, "faults": [{"name": text}]}})]


@settings(max_examples=40, deadline=None)
@given(
    text=st.one_of(st.text(st.characters(codec=None), max_size=40), st.just(HOSTILE), st.from_regex(r"</?[a-z!]+[ >]"))
)
def test_any_text_is_text(text: str) -> None:
    """Markup, control characters, direction marks, lone surrogates: one script block, no tag that was not ours."""
    page = hunt_report.render(*_hostile(text))
    page.encode("utf-8")
    assert page.count("<script") == page.count("</script>") == 1
    assert "<img" not in page
    assert not set(page) & set("\x00\x1b\u202e\u2066\u200b")
    block = page[page.index('id="data">') + 10 : page.rindex("</script>")]
    assert json.loads(block)["scenario"] == text
