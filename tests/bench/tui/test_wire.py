"""The wire log's memory: bounded, filtered, held."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.tui.wire import Wire, worded


def frames(first: int, count: int, line: str = "keypads") -> list[dict[str, object]]:
    return [
        {
            "kind": "frame",
            "what": "request",
            "at": n * 10,
            "time": f"{n}",
            "line": line,
            "text": f"frame {n}",
            "hex": "00",
        }
        for n in range(first, first + count)
    ]


def test_memory_is_bounded():
    """However many come, no more than the ring and its slack are kept; the newest are."""
    wire = Wire(kept=1000)
    for start in range(0, 60_000, 500):
        wire.add(frames(start, 500))
    assert wire.kept <= 1000 + 4096
    assert wire.row(len(wire) - 1)["text"] == "frame 59999"
    assert wire.seen == 60_000


@given(st.lists(st.integers(1, 300), max_size=30), st.integers(0, 50))
def test_a_held_row_stays_while_newer_ones_come(batches, up):
    """What the reader looks at does not move; when it falls off the ring the oldest that is left is shown."""
    wire = Wire(kept=500)
    wire.add(frames(0, 100))
    wire.move(-up)
    held = wire.row(wire.chosen)["at"]
    at = 100
    for count in batches:
        wire.add(frames(at, count))
        at += count
    assert wire.row(wire.chosen)["at"] == max(held, wire.row(0)["at"])


def test_a_filter_shows_what_it_says():
    """All words, none of the unwanted, rows that come later too; without it everything is back."""
    wire = Wire()
    wire.add([*frames(0, 5), *frames(5, 5, "hall")])
    wire.filter("KEYPADS -3")
    assert [wire.row(index)["text"] for index in range(len(wire))] == [f"frame {n}" for n in (0, 1, 2, 4)]
    wire.add([*frames(10, 2), *frames(12, 2, "hall")])
    assert len(wire) == 6
    assert wire.filtered == "keypads -3"
    wire.filter("")
    assert len(wire) == 14


def test_a_filter_keeps_the_place():
    """Filtering a held log goes on at the same time of day."""
    wire = Wire()
    wire.add([row for n in range(50) for row in (*frames(2 * n, 1), *frames(2 * n + 1, 1, "hall"))])
    wire.go_to(400)
    wire.filter("hall")
    assert wire.row(wire.chosen)["at"] == 410


def test_go_to_holds_at_the_first_row_from_then_on():
    """A time between two rows is the later one; after the last there is none, and it is said."""
    wire = Wire()
    assert not wire.go_to(0)
    wire.add(frames(0, 100))
    assert wire.go_to(495)
    assert wire.row(wire.chosen)["at"] == 500
    assert not wire.following
    assert not wire.go_to(10**6)
    wire.follow()
    assert wire.chosen == 99


def test_filtered_rings_are_cut_too():
    """A filter that passes everything still keeps to its bound."""
    wire = Wire(kept=200)
    wire.filter("frame")
    for start in range(0, 10_000, 250):
        wire.add(frames(start, 250))
    assert len(wire) == 200
    assert wire.row(199)["text"] == "frame 9999"


def test_what_is_lost_is_counted():
    """Rows that the bench could not keep for us are told."""
    wire = Wire()
    wire.add(frames(0, 3), lost=17)
    assert wire.missed == 17


def test_rows_are_worded_safely():
    """Faults say what they did; hostile text is spelled out; damage is marked."""
    flip = {"kind": "fault", "what": "fault", "time": "1", "facts": {"name": "bit_flip", "line": "k", "told": "bit 3"}}
    assert worded(flip).text == "bit_flip: bit 3"
    assert worded(flip).where == "k"
    hostile = {"kind": "frame", "what": "reply", "text": "\x1b]0;x\x07[red]", "line": "\u202e", "flaws": 2}
    row = worded(hostile)
    assert (row.text, row.where, row.mark, row.sign) == ("\\x1b]0;x\\x07[red]", "\\u202e", "✖2", "←")
