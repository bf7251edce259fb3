"""report.html: complete, well-formed, safe against whatever devices say, the same bytes every time, and offline."""

from __future__ import annotations

import base64
import io
import json
import re
import shlex
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.judge.evidence import load_run, write_rows, write_verdict
from bench.reports import day_report, figures, plots, timeline
from bench.reports.pictures import ticket
from bench.reports.run_dir import NotARunError, open_run

Make = Callable[..., Any]
HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">\x1b[2J\u202e & "quoted"'
VOID = {"meta", "img", "br", "link", "hr", "input"}
NS = 1_000_000_000


class Page(HTMLParser):
    """What a browser would find; balanced tags are asserted on the way."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in <{tag}>"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> without a beginning"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


DRAWN = ("well_formed", "is_compared", "any_text", "an_empty_day")
"""Tests that look at drawings; the others do without, which is most of their time."""


@pytest.fixture(autouse=True)
def _without_drawings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not any(word in request.node.name for word in DRAWN):
        monkeypatch.setattr(plots, "of", lambda _figures: {"replay": "", "replay_half_hours": ""})
        monkeypatch.setattr(timeline, "chart", lambda *_: "")
        monkeypatch.setattr(timeline, "lines_chart", lambda _figures: "")


def _page(path: Path) -> tuple[str, Page]:
    text = day_report.write(path).read_text("utf-8")
    return text, Page(text)


def test_the_page_is_well_formed_and_alone(make_run: Make) -> None:
    """Tags are balanced, ids unique, nothing is fetched, nothing runs; and it stays below 2 MB."""
    text, page = _page(make_run(200, replay=True)[0])
    ids = Counter(attrs["id"] for _, attrs in page.tags if "id" in attrs)
    assert {name: n for name, n in ids.items() if n > 1} == {}
    assert len(text.encode()) < 2_000_000
    for tag, attrs in page.tags:
        assert not [name for name in attrs if name.startswith("on")]
        for name in ("src", "href", "xlink:href"):
            assert (attrs.get(name) or "data:").startswith(("data:", "#")), f"<{tag} {name}> leaves the page"
        assert tag != "script" or attrs["type"] == "application/json"
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    assert used <= set(ids), "every reference inside a drawing has its target"
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)


def test_the_verdict_comes_first(make_run: Make) -> None:
    """The coloured word and its sentence stand before any figure."""
    path, _ = make_run(20)
    verdict = json.loads((path / "verdict.json").read_text())
    for word, tone in (("HOLDS", "good"), ("VIOLATED", "bad"), ("UNKNOWN", "open"), ("NOT EXERCISED", "open")):
        told = {**verdict, "verdict": word, "sentence": f"{word}: told by the judge"}
        (path / "verdict.json").write_text(json.dumps(told))
        text, page = _page(path)
        assert f'<section class="verdict {tone}"><strong>{word}</strong>' in text
        assert page.text.index("Told by the judge.") < page.text.index("The day in figures")


def test_what_devices_say_is_text(make_run: Make) -> None:
    """Markup, quotes, escape sequences and direction marks from outside arrive as visible text, everywhere."""

    def spoil(made: Any) -> None:
        made.add(460 * 60 * NS, "hall", "leaves", {"visitor": 500, "why": HOSTILE})
        made.add(460 * 60 * NS, "dev", "press", {"device": HOSTILE, "value": 5, "clerk": HOSTILE, "epoch": 1, "seq": 9})
        made.add(
            460 * 60 * NS, "dev", "printed", {"device": HOSTILE, "lines": [HOSTILE], "data": "zz not hex", "mm": 3}
        )
        made.rows.append({"clerk": HOSTILE, "value": 5})

    path, _ = make_run(20, scenario=HOSTILE, spoil=spoil, run={"title": HOSTILE, "command": ["x.py", HOSTILE]})
    verdict = json.loads((path / "verdict.json").read_text())
    verdict["sentence"] = HOSTILE
    verdict["invariants"]["loss"] = {"verdict": "VIOLATED", "violations": 1, "stories": [HOSTILE], "reason": HOSTILE}
    (path / "verdict.json").write_text(json.dumps(verdict))
    text, page = _page(path)
    assert len([1 for tag, _ in page.tags if tag == "script"]) == 1
    assert not [1 for tag, attrs in page.tags if tag == "img" and attrs.get("src") == "x"]
    assert not set(text) & {"\x1b", "\u202e"}
    assert "<script>alert(1)</script>" not in text
    assert "\\x1b[2J" in page.text
    data = json.loads(page.scripts[0])
    assert data["run"]["title"] == HOSTILE, "the data block gives back what it was given"


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(st.characters(codec=None), min_size=1, max_size=30), min_size=8, max_size=8))
def test_any_text_of_a_run_is_text(make_run: Make, texts: list[str]) -> None:
    """Boards, lines, faults, clerks, tickets and stories with any letters at all: no tag, no control character."""
    board, line, fault, clerk, printed, story, title, why = (f"{text}{HOSTILE}$a_1" for text in texts)

    def spoil(made: Any) -> None:
        t = 460 * 60 * NS
        made.add(t, "dev", "shown", {"device": board, "row": 1, "text": board})
        made.add(t, "line", "tx", {"line": line, "by": line, "hex": "00", "end": t + NS})
        made.add(t, "fault", "fault", {"id": fault, "name": fault, "line": line, "told": fault})
        made.add(t, "fault", "fault_unused", {"id": f"{fault}2", "name": fault, "why": why})
        made.add(t, "dev", "printed", {"device": printed, "lines": [printed], "data": "00", "mm": 3})
        made.rows.append({"clerk": clerk, "value": 5})

    path, _ = make_run(8, scenario=title, spoil=spoil, run={"title": title})
    verdict = json.loads((path / "verdict.json").read_text())
    verdict["invariants"]["loss"] = {"verdict": "VIOLATED", "violations": 1, "stories": [story], "reason": why}
    (path / "verdict.json").write_text(json.dumps(verdict))
    text = day_report.write(path).read_text("utf-8")
    page = Page(text)
    assert text.count("<script") == text.count("</script>") == 1
    assert not [1 for tag, attrs in page.tags if tag == "img" and attrs.get("src") == "x"]
    assert not set(text) & set("\x00\x1b\u202e\u2066\u200b")
    assert json.loads(page.scripts[0])["run"]["title"] == title


def test_the_data_block_holds_the_figures(make_run: Make) -> None:
    """The JSON at the end of the page is the figures and the verdict, unchanged."""
    path, _ = make_run(40, replay=True)
    _, page = _page(path)
    data = json.loads(page.scripts[0])
    assert data["figures"] == json.loads(json.dumps(figures.of(path).to_json()))
    assert data["verdict"] == json.loads((path / "verdict.json").read_text())


def test_a_replay_is_compared_only_when_there_is_one(make_run: Make) -> None:
    """The comparison with the log, its table, charts and causes are there for a replayed log and for no other day."""
    _, page = _page(make_run(40, replay=True, run={"notes": ["The log was read every 5 minutes."]})[0])
    assert "Replayed beside recorded" in page.text
    assert "The log was read every 5 minutes." in page.text
    drawings = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(drawings) == 6
    _, page = _page(make_run(40)[0])
    assert "recorded" not in page.text.replace("presses 13 recorded", "")
    assert len([1 for tag, _ in page.tags if tag == "svg"]) == 4


def test_tickets_are_the_first_the_last_and_those_of_stories(make_run: Make) -> None:
    """Twelve first tickets, one that a story names, and the last one, each drawn from the bytes that were printed."""
    path, _ = make_run(60)
    verdict = json.loads((path / "verdict.json").read_text())
    verdict["invariants"]["tickets"]["stories"] = ["printer-1: ticket A040 was printed twice"]
    (path / "verdict.json").write_text(json.dumps(verdict))
    _, page = _page(path)
    pictures = [attrs for tag, attrs in page.tags if tag == "img"]
    assert [re.findall(r"A\d+", attrs["alt"] or "")[0] for attrs in pictures] == [
        *(f"A{n:03}" for n in range(1, 13)),
        "A040",
        "A060",
    ]
    source = pictures[0]["src"] or ""
    image = Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/png;base64,"))))
    printed = next(
        record.facts
        for record in open_run(path).history.records({("dev", "printed")})
        if "A001" in record.facts["lines"]
    )
    expected = ticket.draw(bytes.fromhex(printed["data"]))
    assert image.size == expected.size
    assert image.convert("L").tobytes() == expected.convert("L").tobytes()


def test_few_tickets_are_all_shown(make_run: Make) -> None:
    """With no more than a dozen tickets each is there once, and the page says that these are all."""
    _, page = _page(make_run(5)[0])
    assert len([1 for tag, _ in page.tags if tag == "img"]) == 5
    assert "All 5 tickets of the day." in page.text


def test_many_pictures_do_not_make_the_page_heavy(make_run: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures that would take the page beyond its weight are left out, and the count says so."""
    monkeypatch.setattr("bench.reports.gallery.MOST_BYTES", 4000)
    _, page = _page(make_run(60)[0])
    shown = len([1 for tag, _ in page.tags if tag == "img"])
    assert 0 < shown < 13
    assert f"{shown} of 60" in page.text


@pytest.mark.parametrize("missing", ["verdict.json", "run.json", "day.json", "records.ndjson"])
def test_a_missing_file_is_told(make_run: Make, missing: str) -> None:
    """Only the history is needed; whatever else is missing is named, and an unread verdict is never a good one."""
    path, _ = make_run(20)
    (path / missing).unlink()
    text, page = _page(path)
    assert f"{missing} is missing" in page.text
    if missing == "verdict.json":
        assert '<section class="verdict open"><strong>UNKNOWN</strong>' in text


def test_damaged_files_are_told(make_run: Make) -> None:
    """A truncated history and a file that is no JSON give a page that says so."""
    path, _ = make_run(40)
    data = (path / "history.ndjson").read_bytes()
    (path / "history.ndjson").write_bytes(data[: len(data) // 2])
    (path / "day.json").write_text("{")
    (path / "records.ndjson").write_text("nonsense\n")
    _, page = _page(path)
    assert "The history is not whole" in page.text
    assert "day.json cannot be read" in page.text
    assert "records.ndjson: 1 of its lines are no rows" in page.text


def test_no_history_no_page(tmp_path: Path) -> None:
    """Without a history there is no report, and no empty file is left behind."""
    with pytest.raises(NotARunError):
        day_report.write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_can_be_pasted(make_run: Make) -> None:
    """The line under "how to repeat" gives the shell the same words again, the collector's arguments included."""
    command = ["python", "my collector.py", "--port", "{port:keypads}", "it's; rm -rf /"]
    path, _ = make_run(10, run={"command": command, "evidence": "full"})
    _, page = _page(path)
    line = next(words for words in page.words if words.startswith("hallbench day"))
    assert shlex.split(line) == ["hallbench", "day", "tan_hoi", "--seed", "7", "--evidence", "full", "--", *command]


def test_stories_are_cut_but_counted(make_run: Make) -> None:
    """The page shows the first twenty stories of an invariant and says how many more there are."""
    path, _ = make_run(10)
    verdict = json.loads((path / "verdict.json").read_text())
    verdict["invariants"]["loss"] = {
        "verdict": "VIOLATED",
        "violations": 300,
        "stories": [f"press {n} of the day has no row" for n in range(30)],
    }
    (path / "verdict.json").write_text(json.dumps(verdict))
    _, page = _page(path)
    assert "press 19 of the day" in page.text
    assert "press 20 of the day" not in page.text
    assert "280 more in verdict.json" in page.text


def test_an_empty_day_has_a_page(make_run: Make) -> None:
    """A day on which nobody came is reported without an error, and without a chart but that of the lines."""
    _, page = _page(make_run(0)[0])
    assert "nobody was called" in page.text
    assert [attrs["aria-label"].split()[0] for tag, attrs in page.tags if tag == "svg"] == ["Share"]


def test_a_traceback_keeps_its_lines(make_run: Make) -> None:
    """What the program under test died of stands line by line, as text, under the sentence that says so."""
    detail = 'Traceback (most recent call last):\n  File "c.py", line 4\n    raise <b>\nKeyError: 7'
    path, _ = make_run(5, run={"collector": {"how": "crashed", "status": 1, "detail": detail}, "opened_a_port": True})
    text, page = _page(path)
    assert (
        "The program under test crashed:<pre>Traceback (most recent call last):\n  File &#34;c.py&#34;, line 4\n"
        in text
    )
    assert "KeyError: 7.</" not in text
    assert "Read this first" in page.text


@pytest.mark.parametrize(
    ("collector", "opened", "told"),
    [
        ({"how": "returned", "status": 3, "detail": ""}, True, "The program under test ended by itself with status 3."),
        ({"how": "asked to end", "status": 0, "detail": ""}, False, "never opened a port of the hall."),
        ({"how": "hung", "status": 1, "detail": ""}, True, "The program under test hung; see collector.log."),
    ],
)
def test_a_program_that_failed_is_told_first(make_run: Make, collector: object, opened: bool, told: str) -> None:
    """Whatever way the program under test failed, the page says so above its figures."""
    _, page = _page(make_run(5, run={"collector": collector, "opened_a_port": opened})[0])
    assert page.text.index(told) < page.text.index("The day in figures")


def test_a_reason_of_several_lines_stands_once(make_run: Make) -> None:
    """Why records could not be read is told in the verdict, line by line, and not in full at every invariant."""
    path, _ = make_run(5)
    reason = "r.sqlite: there is no table 'ratings'\n  tables found: danh_gia"
    write_rows(path, None, no_rows=reason)
    write_verdict(path, load_run(path).judge())
    text, _ = _page(path)
    assert "r.sqlite: there is no table &#39;ratings&#39;\n  tables found: danh_gia.</p>" in text
    assert text.partition('<script type="application/json"')[0].count("danh_gia") == 1


def test_an_edited_history_still_has_a_page(make_run: Make) -> None:
    """Records that are no JSON any more are left out, and the page says that the history is not whole."""
    path, _ = make_run(10)
    history = path / "history.ndjson"
    lines = history.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b'":', b'"\xff:', 5).replace(b'"\xff:', b'":', 4)
    lines[4] = lines[4].rstrip(b"}\n") + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    history.write_bytes(b"".join(lines))
    _, page = _page(path)
    assert "The history is not whole" in page.text
