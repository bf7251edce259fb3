"""What is wrong with the data of the rows is told with the row: keys that come again, strangers, clocks that jump."""

from __future__ import annotations

from bench.judge.claims import understand
from bench.judge.records import Row, Rows
from bench.judge.truth import frame

EPOCH = 1_741_539_600
HEADER = {
    "program": "collector",
    "timezone": "Asia/Ho_Chi_Minh",
    "epoch_ns": EPOCH * 10**9,
    "devices": [
        {"name": "keypad-1", "kind": "rating_keypad", "line": "keypads", "unit": 1, "owner": "collector"},
        {"name": "keypad-2", "kind": "rating_keypad", "line": "keypads", "unit": 2, "owner": "collector"},
    ],
    "clerks": {"C01": 1},
}


def problems(*rows: Row, order: str | None = "rowid") -> list[str]:
    return [str(problem) for problem in understand(Rows(rows, order=order), frame(HEADER)).problems]


def row(n: int, seq: int, stored: float, device: str | int = "keypad-1") -> Row:
    return Row(n, device, 1, 0, 5, EPOCH + 30_000.0, 1, seq, EPOCH + 30_000 + stored)


def test_a_clock_that_goes_back_is_told_with_its_row() -> None:
    """An instant of storing that lies before that of the row above by more than two seconds is told; less is not."""
    told = problems(row(1, 0, 10), row(2, 1, 8.5), row(3, 2, -3590), row(4, 3, -3580))
    assert [text for text in told if "clock set" in text] == [
        "row 3: stored_at: 3598.500 s before that of row 2, which was stored earlier: was the collector's clock set?"
    ]
    assert not any("clock set" in text for text in problems(row(1, 0, 10), row(2, 1, -90), order=None))


def test_units_map_to_devices_and_strangers_are_told() -> None:
    """A unit number names its keypad; a key that comes again and a device that is none are told with their rows."""
    told = problems(row(1, 0, 1, device=1), row(2, 0, 2), row(3, 1, 3, device="keypad-3"), row(4, 1, 4, device=9))
    assert "row 2: seq: the key of row 1 again (keypad-1, epoch 1, seq 0)" in told
    assert any(text.startswith("row 3: device: 'keypad-3'") and "did you mean 'keypad-" in text for text in told)
    assert any(text.startswith("row 4: device: 9 is no rating keypad") for text in told)
