"""Evidence that is printed as it stands: nothing in a file that a run writes moves a cursor or turns a line round."""

from __future__ import annotations

import json
import tomllib
import unicodedata
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from bench.judge.evidence import write_rows, write_verdict
from bench.judge.history import HistoryWriter, SealedFile, read_history
from bench.judge.records import Row
from bench.judge.verdict import Verdict
from bench.scenario.toml_out import quoted, toml
from bench.unseen import UNSEEN, printable_json

HOSTILE = "Tân Hội \u202ekcatta\u202c \x1b[31m \x9b1m \x7f\r\n\0 \u2028 \U000e0001 ../<script>"
"""Direction, ANSI in both forms, DEL, line ends, NUL, a tag character, a path, markup."""


def must_be_seen(text: str) -> None:
    """Line ends apart there is no character that a terminal obeys, and letters are still letters."""
    assert not {char for char in text if char != "\n" and unicodedata.category(char) in UNSEEN}
    assert "Tân Hội" in text


@given(st.lists(st.text()))
def test_lines_of_json_say_the_same(texts: list[str]) -> None:
    """Many lines at once are as each line by itself: nothing is added to a text in print, and it reads back."""
    lines = [json.dumps(text, ensure_ascii=False) for text in texts]
    told = printable_json("\n".join(lines))
    assert told == "\n".join(map(printable_json, lines))
    if "\ud800" not in told:
        assert [json.loads(line) for line in told.split("\n") if line] == texts


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_toml_says_the_same(text: str) -> None:
    """A text stored in a scenario is read back as it was, and nothing in the file is unseen."""
    stored = toml({"title": text})
    assert tomllib.loads(stored) == {"title": text}
    assert not {char for char in quoted(text) if unicodedata.category(char) in UNSEEN}


def test_a_history_can_be_printed(tmp_path: Path) -> None:
    """What a device said stands as escapes in the file, comes back as it was, and the file proves itself whole."""
    path = tmp_path / "history.ndjson"
    with HistoryWriter(path, {"title": HOSTILE}) as writer:
        writer.record(1, "dev", "shown", {"device": "board-1", "text": HOSTILE, "lone": "\ud800"})
        writer.record(2, "dev", "shown", {"text": "plain"})
    must_be_seen(path.read_text(encoding="utf-8"))
    history = read_history(path)
    facts = [json.loads(record.raw) for record in history.records()]
    assert history.header["title"] == HOSTILE
    assert [fact["text"] for fact in facts] == [HOSTILE, "plain"]
    assert facts[0]["lone"] == "\ud800"
    assert history.state == "complete"


def test_rows_and_a_verdict_can_be_printed(tmp_path: Path) -> None:
    """Rows that a collector stored and the stories told of them stand in the files in print."""
    kept = write_rows(tmp_path, [Row(1, device=HOSTILE, value=5)])
    told = cast("Verdict", SimpleNamespace(to_json=lambda: {"verdict": "VIOLATED", "stories": [HOSTILE]}))
    stored = write_verdict(tmp_path, told)
    for path in (kept.path, stored):
        must_be_seen(path.read_text(encoding="utf-8"))
    assert json.loads(stored.read_text(encoding="utf-8"))["stories"] == [HOSTILE]
    file = SealedFile(lambda: kept.path.open("rb"), "records")
    rows: list[dict[str, Any]] = [json.loads(line) for line in file.lines()]
    assert rows[0]["device"] == HOSTILE
    assert file.complete
