"""Frames of boards: distinct ones that stood, bounded in number and weight, each with its words and instant."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image

from bench.reports import board_frames
from bench.reports.board_frames import Boards

NS = 1_000_000_000
DEVICES = [
    {"name": "board-1", "kind": "main_board"},
    {"name": "board-2", "kind": "main_board"},
    {"name": "alpha-1", "kind": "alpha_board"},
    {"name": "display-1", "kind": "counter_display"},
]


def _shown(boards: Boards, t: float, device: str, text: object, row: int | None = None) -> None:
    record: dict[str, Any] = {"src": "dev", "k": "shown", "t": round(t * NS), "device": device, "text": text}
    boards.see(record if row is None else {**record, "row": row})


def test_passing_frames_are_left_out() -> None:
    """Two rows written one after the other make one frame, not two; the last one stands to the end of the day."""
    boards = Boards("", DEVICES)
    _shown(boards, 10, "board-1", "A001 -> 1", 1)
    _shown(boards, 20, "board-1", "A002 -> 2", 1)
    _shown(boards, 20.1, "board-1", "A001 -> 1", 2)
    (gallery,) = boards.galleries()
    assert [frame["alt"] for frame in gallery["frames"]] == ["shows A001 -> 1", "shows A002 -> 2 / A001 -> 1"]
    assert [frame["caption"] for frame in gallery["frames"]] == ["00:00:10 · board-1", "00:00:20 · board-1"]


def test_boards_that_show_the_same_share_a_picture() -> None:
    """The same frame on two boards within a second is one picture that names both."""
    boards = Boards("", DEVICES)
    for device, t in (("board-1", 10.0), ("board-2", 10.2)):
        _shown(boards, t, device, "A001", 1)
    (gallery,) = boards.galleries()
    assert [frame["caption"] for frame in gallery["frames"]] == ["00:00:10 · board-1, board-2"]


def test_kinds_have_galleries_of_their_own() -> None:
    """Alpha boards, main boards and counter displays, in this order, each drawn as what it is."""
    boards = Boards("", DEVICES)
    for device in ("display-1", "board-1", "alpha-1"):
        _shown(boards, 5, device, "A007")
    galleries = boards.galleries()
    assert [gallery["title"] for gallery in galleries] == ["Alpha boards", "Main boards", "Counter displays"]
    widths = []
    for gallery in galleries:
        (frame,) = gallery["frames"]
        picture = Image.open(io.BytesIO(base64.b64decode(frame["png"])))
        assert picture.width == frame["width"]
        widths.append(picture.width)
    assert widths[0] == widths[1] > widths[2]


def test_a_long_day_is_bounded_and_evenly_chosen() -> None:
    """Of a thousand frames so many are drawn, from the first to the last, with those of a story among them."""
    boards = Boards("keypad-1: ticket A0500 was lost", DEVICES)
    for n in range(1000):
        _shown(boards, 10 * n, "display-1", f"A{n:04}")
    (gallery,) = boards.galleries()
    texts = [frame["alt"].split()[-1] for frame in gallery["frames"]]
    assert texts[0] == "A0000"
    assert texts[-1] == "A0999"
    assert "A0500" in texts
    assert len(texts) <= board_frames.MOST["counter_display"]
    assert f"{len(texts)} of 1,000 distinct frames" in gallery["sentence"]
    assert next(frame["caption"] for frame in gallery["frames"] if "A0500" in frame["alt"]).endswith("in a story")


def test_weight_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures beyond the weight are left out, and the sentence says how many are there."""
    monkeypatch.setattr(board_frames, "MOST_BYTES", 6000)
    boards = Boards("", DEVICES)
    for n in range(9):
        _shown(boards, 10 * n, "board-1", f"A{n:03}")
    (gallery,) = boards.galleries()
    assert 0 < len(gallery["frames"]) < 9
    assert "of 9 distinct" in gallery["sentence"]


@pytest.mark.parametrize("text", ["", "   ", None, 7, "\x1b[2J\x00\u202e", "Ế" * 500, "\ud800"])
def test_strange_texts_cost_nothing(text: object) -> None:
    """Nothing, no text, control characters and endless text: a gallery or none, and no error."""
    boards = Boards("", DEVICES)
    _shown(boards, 1, "board-1", text, 99)
    _shown(boards, 9, "nobody", text)
    for gallery in boards.galleries():
        assert all(frame["png"] or "cannot be drawn" in frame["alt"] for frame in gallery["frames"])
