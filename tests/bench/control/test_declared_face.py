"""What is seen of a declared display: its rows, its supply, and a picture of it."""

from __future__ import annotations

from bench.control.faces import look
from bench.reports.pictures.panel import Matrix, panel_of
from declared import codec
from declared_bench import Desk


def test_a_declared_display_shows_its_text() -> None:
    """The text that it told as shown; nothing without supply."""
    desk = Desk("led485_ascii", unit=1)
    assert look(desk.device, 0)["shows"] == {"text": "", "rows": [""]}
    desk.send(b"$001,A001#")
    told = look(desk.device, 0)
    assert told["shows"] == {"text": "A001", "rows": ["A001"]}
    assert told["powered"]
    picture = panel_of(desk.device, 0)
    assert isinstance(picture, Matrix)
    assert any(map(any, picture.dots))
    list(desk.device.unplug(0))
    told = look(desk.device, 0)
    assert (told["powered"], told["shows"]["text"]) == (False, "")


def test_what_is_no_display_shows_nothing() -> None:
    """A keypad by declaration has no rows."""
    assert codec("ff68_evaluator").declaration.role == "rating-keypad"
    assert "shows" not in look(Desk("ff68_evaluator", unit=1).device, 0)
