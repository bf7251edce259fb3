"""Faces of devices, alarms and hands: from stored states to lines of text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.tui import faces
from bench.tui.dots import board, digits
from bench.tui.hands import acts_of_keys, hands
from bench.tui.labels import LABEL, Labels
from bench.tui.palette import Level, colours
from bench.tui.scene import Scene, device_alarms

STORED = json.loads((Path(__file__).parent / "stored.json").read_text(encoding="utf-8"))
DEVICES = {one["name"]: one for one in STORED["devices"]["devices"]}
DARK = colours(dark=True)
TUI = Path(faces.__file__).parent


def look(states=DEVICES, language="en"):
    scene = Scene()
    scene.attach(STORED["hall"])
    scene.take_devices({"devices": list(states.values())})
    return faces.Look(scene, DARK, Labels(language))


ODD = {
    "alpha": {"name": "alpha", "shows": {"rows": ["X"], "pixels": ["0123456789abcdef" * 5] * 16}, "powered": True},
    "long": {"name": "long", "shows": {"rows": ["word " * 40]}, "powered": True},
    "off": {"name": "off", "shows": {"rows": ["8"], "segments": [[127, True]]}, "powered": False},
    "declared": {"name": "declared", "state": {"brightness": 7, "text": "\x1b[31m[b]x[/b]"}},
    "osdp": {"name": "osdp", "shows": {"rows": ["PIN"]}, "lamp_colour": "red", "state": {}},
    "empty": {"name": "empty"},
}


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted({**DEVICES, **ODD})), st.integers(8, 130), st.integers(1, 12), st.sampled_from(["en", "vi"])
)
def test_a_face_fits_its_tile(name, columns, lines, language):
    """Whatever the size, no face is higher or wider than its tile."""
    states = {**DEVICES, **ODD}
    drawn = faces.face(states[name], columns, lines, look(states, language))
    assert 1 <= len(drawn) <= lines
    for line in drawn:
        assert "\n" not in line.plain
        assert "\x1b" not in line.plain
        assert line.cell_len <= columns


def test_keys_are_where_they_are_drawn():
    """A click on the drawn number of a key is that key; beside it is none."""
    state = DEVICES["keypad-1"]
    for columns in (22, 34, 60):
        row = faces.face(state, columns, 2, look())[1].plain
        for key in range(1, 6):
            assert faces.key_at(state, columns, 1, row.index(str(key))) == key
        assert faces.key_at(state, columns, 0, 2) is None


def test_markup_is_text():
    """Rich and Textual markup in what a device says stays as it was written."""
    state = {**DEVICES["board-1"], "name": "[red]x", "shows": {"rows": ["[b]A[/b] [@click=app.quit]q[/]"]}}
    drawn = faces.face(state, 50, 3, look({"[red]x": state}))
    assert "[red]x" in drawn[0].plain
    assert "[b]A[/b] [@click=app.quit]q[/]" in drawn[1].plain
    assert not any("click" in str(span.style) for line in drawn for span in line.spans)


@pytest.mark.parametrize("large", [True, False])
def test_digits_light_their_segments(large):
    """An eight lights all seven segments, a dark digit none, and power is needed."""

    def lit(mask, powered=True):
        drawn = digits([[mask, False]], DARK, large=large, powered=powered)
        return sum(str(span.style).count(DARK.lit) for line in drawn for span in line.spans)

    assert lit(0) == 0
    assert lit(127, powered=False) == 0
    assert 0 < lit(0b110) < lit(127)


def test_boards_turn_to_braille_when_they_are_too_wide():
    """160 dots fit into 80 columns as braille, and every dot is there."""
    dots = ["1" * 160] * 8
    assert {line.plain for line in board(dots, 80, DARK)} == {"⣿" * 80}
    assert all(line.cell_len == 160 for line in board(dots, 160, DARK))


@pytest.mark.parametrize(
    ("change", "what", "level"),
    [
        ({"powered": False}, "no_power", Level.WRONG),
        ({"cover_open": True}, "cover_open", Level.WRONG),
        ({"paper": {"end": True, "near_end": True}}, "paper_end", Level.WRONG),
        ({"paper": {"near_end": True}}, "paper_near_end", Level.ATTENTION),
        ({"queue": {"lost": 3}}, "events_lost", Level.WRONG),
        ({"queue": {"waiting": 60, "depth": 64}}, "queue_nearly_full", Level.ATTENTION),
    ],
)
def test_what_is_wrong_is_an_alarm(change, what, level):
    """Each state that wants a person is told once, with its level."""
    assert [(alarm.what, alarm.level) for alarm in device_alarms("d", change)] == [(what, level)]


def test_the_worst_comes_first():
    """Alarms of hall, devices and lines in the order of their weight."""
    scene = look({**DEVICES, "off": ODD["off"]}).scene
    scene.take_lines(STORED["lines"])
    scene.faults = [{"live": True}]
    told = [alarm.level for alarm in scene.alarms()]
    assert told == sorted(told, reverse=True)
    assert scene.alarms()[0].who == "off"


def test_only_what_makes_sense_is_offered():
    """A closed cover can be opened and not closed; without power nothing can be pressed, and it can be plugged in."""
    printer = DEVICES["printer-1"]
    offered = {hand.action for hand in hands(printer)}
    assert "open_cover" in offered
    assert not {"close_cover", "plug_in", "clear_jam"} & offered
    assert {hand.action for hand in hands({**printer, "cover_open": True})} >= {"close_cover"}
    dead = {hand.action for hand in hands({**DEVICES["keypad-1"], "powered": False})}
    assert "plug_in" in dead
    assert not {"press", "unplug", "log_in"} & dead


def test_acts_of_a_declaration_are_offered_with_a_question():
    """What the table does not know is offered under its own name."""
    assert [(hand.action, hand.ask) for hand in hands({"actions": ["knock"]})] == [("knock", "ask_args")]
    assert Labels("vi")("act_knock") == "knock"


def test_keys_as_typed():
    """One key, a held key, two at once; nothing is refused."""
    assert acts_of_keys("k", "5") == [{"device": "k", "action": "press", "key": 5}]
    assert acts_of_keys("k", "5 3") == [{"device": "k", "action": "press", "key": 5, "held_s": 3.0}]
    assert [act["key"] for act in acts_of_keys("k", "1+2")] == [1, 2]
    assert acts_of_keys("k", "12#")[0]["key"] == "12#"
    for wrong in ("", "+", "5 x"):
        with pytest.raises(ValueError):
            acts_of_keys("k", wrong)


def test_each_label_is_said_in_both_languages():
    """No row is empty, and every label that the code names is in the table."""
    assert all(len(row) == 2 and all(row) for row in LABEL.values())
    named = {
        key
        for path in TUI.glob("*.py")
        for key in re.findall(r"""(?:say|_say|Labels)\(["'](\w+)["']\)""", path.read_text(encoding="utf-8"))
    }
    assert len(named) > 50
    assert not named - LABEL.keys()


def test_days_in_both_languages():
    """A date reads as people write it; what is no date stays."""
    assert [Labels("en").day("2025-03-10"), Labels("vi").day("2025-03-16"), Labels("en").day("x")] == [
        "Mon 10 Mar 2025",
        "CN 16/03/2025",
        "x",
    ]
    with pytest.raises(ValueError):
        Labels("fr")
