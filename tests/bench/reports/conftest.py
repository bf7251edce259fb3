"""A run directory made by hand: a small hall in a few lines of plain Python, recorded as a run records it."""

from __future__ import annotations

import heapq
import itertools
import json
import random
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bench.judge.history import HistoryWriter, SealedWriter
from protocol.escpos import write

NS = 1_000_000_000
MIN = 60 * NS
OPENS = 450 * MIN
CLERKS = {"C01": 1, "C02": 2, "C03": 3}


def _devices() -> list[dict[str, Any]]:
    common = {"protocol": "modbus_rtu", "line": "keypads", "owner": "collector"}
    keypads = [{"name": f"keypad-{n}", "kind": "rating_keypad", "unit": n, "counter": n, **common} for n in (1, 2, 3)]
    printer = {"name": "printer-1", "kind": "ticket_printer", "protocol": "escpos", "line": "ticket", "owner": "house"}
    return [*keypads, printer]


def ticket_bytes(ticket: str) -> bytes:
    """What the house sends for one ticket."""
    return b"".join(
        (
            write.init(),
            write.align("center"),
            write.line("UBND"),
            write.size(4, 4),
            write.line(ticket),
            write.size(1, 1),
            write.line("2025-03-10 07:41"),
            write.feed(2),
            write.cut(),
        )
    )


class Made:
    """The day that was made up: what the records say, for tests to compare the figures with."""

    def __init__(self, visitors: int, seed: int = 7) -> None:
        draw = random.Random(seed)
        self.events: list[tuple[int, int, str, str, dict[str, Any]]] = []
        self.visitors: list[dict[str, Any]] = []
        self.rows: list[dict[str, Any]] = []
        self.waits: list[int] = []
        self.presses = 0
        free = [(OPENS, n) for n in (1, 2, 3)]
        heapq.heapify(free)
        for n in range(1, 4):
            self.add(OPENS, "hall", "clerk_comes", {"clerk": f"C{n:02}", "counter": n})
        t = OPENS
        for number in range(1, visitors + 1):
            t += round(draw.expovariate(1 / 110) * NS)
            self._visit(draw, number, t, free)

    def add(self, t: int, src: str, kind: str, facts: dict[str, Any]) -> None:
        self.events.append((t, len(self.events), src, kind, facts))

    def _visit(self, draw: random.Random, number: int, arrives: int, free: list[tuple[int, int]]) -> None:
        ticket = f"A{number:03}"
        taken = arrives + 21 * NS
        self.add(arrives, "hall", "arrive", {"visitor": number, "errand": 0})
        self.add(
            taken - 3 * NS, "house", "ticket_issued", {"ticket": ticket, "kiosk": "kiosk-1", "printer": "printer-1"}
        )
        data = ticket_bytes(ticket)
        self.add(
            taken - NS,
            "dev",
            "printed",
            {"device": "printer-1", "lines": ["UBND", ticket], "data": data.hex(), "mm": 60},
        )
        self.add(taken, "hall", "ticket_taken", {"visitor": number, "ticket": ticket})
        at, counter = heapq.heappop(free)
        call = max(at, taken + NS)
        goes = call + 2 * NS
        self.waits.append(goes - taken)
        at_counter = {"visitor": number, "ticket": ticket, "counter": counter}
        self.add(call, "house", "call", {"ticket": ticket, "counter": counter, "clerk": counter})
        self.add(goes, "hall", "goes", at_counter)
        start = goes + 8 * NS
        end = start + round(draw.lognormvariate(5.6, 0.5) * NS)
        self.add(start, "hall", "start", at_counter)
        self.add(end, "hall", "end", at_counter)
        if number % 3 == 0:
            self._rate(draw.choice((5, 5, 5, 4, 1)), counter, end + 4 * NS, number)
        self.add(end + 5 * NS, "hall", "leaves", {"visitor": number, "why": "served"})
        heapq.heappush(free, (end + 7 * NS, counter))
        recorded = call + round(draw.uniform(-150, 150) * NS)
        self.visitors.append({"number": number, "arrives": arrives, "recorded_call": recorded})

    def _rate(self, value: int, counter: int, t: int, number: int) -> None:
        facts = {"device": f"keypad-{counter}", "value": value, "clerk": counter, "epoch": 1, "seq": self.presses}
        self.add(t, "dev", "press", facts)
        self.rows.append({**facts, "clerk": f"C{counter:02}", "ticket": number, "at": "2025-03-10T08:00:00Z"})
        self.presses += 1

    def wire(self) -> None:
        """One burst written in full, and one fold of polls over exactly ten minutes, one tenth of it busy."""
        self.add(OPENS, "line", "tx", {"line": "keypads", "by": "port", "hex": "0104", "end": OPENS + 2 * NS})
        self.add(
            OPENS + 20 * MIN,
            "line",
            "fold",
            {"line": "keypads", "from": OPENS + 10 * MIN, "to": OPENS + 20 * MIN, "n": 8, "chars": 9, "busy": MIN}
            | {"sha256": "00"},
        )


def verdict_of(made: Made, **changes: Any) -> dict[str, Any]:
    """A verdict.json that holds, with whole keys replaced."""
    names = ("loss", "duplication", "attribution", "phantom", "order", "lateness", "tickets", "calls")
    counts = {"visitors": len(made.visitors), "tickets": len(made.visitors), "calls": len(made.visitors)}
    judged = {"presses": made.presses, "recorded": len(made.rows), "lost": 0, "duplicated": 0, "misattributed": 0}
    return {
        "schema_version": 1,
        "verdict": "HOLDS",
        "invariants": {
            name: {"verdict": "HOLDS", "violations": 0, "checked": 9, "reason": "", "stories": []} for name in names
        },
        "counts": {**counts, **judged, "phantom": 0},
        "latency_s": {"p50": 0.31, "p99": 1.2, "max": 1.4},
        **changes,
    }


Maker = Callable[..., tuple[Path, Made]]


@pytest.fixture
def make_run(tmp_path: Path) -> Maker:
    """Write a run directory: `make_run(visitors=60, replay=False, verdict=None, scenario="tan_hoi")`."""

    def make(
        visitors: int = 60,
        *,
        replay: bool = False,
        verdict: dict[str, Any] | None = None,
        scenario: str = "tan_hoi",
        run: dict[str, Any] | None = None,
        seed: int = 7,
        spoil: Callable[[Made], None] | None = None,
    ) -> tuple[Path, Made]:
        made = Made(visitors, seed)
        made.wire()
        if spoil is not None:
            spoil(made)
        path = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        path.mkdir()
        header = {"schema_version": 1, "scenario": scenario, "seed": 7, "clock": "virtual", "date": "2025-03-10"}
        header |= {"start": OPENS - 10 * MIN, "devices": _devices(), "clerks": CLERKS, "must_exercise": ["loss"]}
        with HistoryWriter(path / "history.ndjson", header) as writer:
            for t, _, src, kind, facts in sorted(made.events, key=lambda event: event[:2]):
                writer.record(t, src, kind, facts)
        with SealedWriter(path / "records.ndjson", {"schema_version": 1, "records": True}) as rows:
            for n, row in enumerate(made.rows, 1):
                rows.line(json.dumps({"n": n, **row}))
        columns = ("number", "arrives", "recorded_call")
        seen = [v if replay else {**v, "recorded_call": None} for v in made.visitors]
        day = {"scenario": scenario, "columns": columns, "visitors": [[v[name] for name in columns] for v in seen]}
        told = {
            "command": ["hallbench", "day", scenario, "--seed", "7"],
            "versions": {"hallbench": "0.1.0"},
            **(run or {}),
        }
        for name, value in (("verdict", verdict or verdict_of(made)), ("run", told), ("day", day)):
            (path / f"{name}.json").write_text(json.dumps(value), "utf-8")
        return path, made

    return make


VOID = frozenset({"meta", "img", "br", "link", "hr", "input"})


class Outline(HTMLParser):
    """A page as a reader of its structure finds it: tags in order, headings, words; unbalanced tags are an error."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[int, str]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in <{tag}>"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> without a beginning"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" in self.open:
            self.scripts.append(data)
        elif "style" not in self.open:
            self.words.append(data)
            if self.headings and any(re.fullmatch("h[1-6]", tag) for tag in self.open):
                level, text = self.headings[-1]
                self.headings[-1] = (level, text + data)

    @property
    def text(self) -> str:
        """All words in one line."""
        return " ".join(" ".join(self.words).split())

    def must_be_sound(self, text: str) -> None:
        """Structure that every page of the family has: headings in order, ids once, names for all that needs one."""
        levels = [level for level, _ in self.headings]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), levels
        assert all(name.strip() for _, name in self.headings)
        ids = [attrs["id"] for _, attrs in self.tags if "id" in attrs]
        assert len(ids) == len(set(ids)), "an id twice"
        assert [tag for tag, _ in self.tags].count("main") == 1
        assert dict(self.tags)["html"] == {"lang": "en"}
        for tag, attrs in self.tags:
            assert not [name for name in attrs if name.startswith("on")], f"<{tag}> runs something"
            for name in ("src", "href", "xlink:href", "action"):
                assert (attrs.get(name) or "data:").startswith(("data:", "#")), f"<{tag} {name}> leaves the page"
            if (attrs.get("href") or "").startswith("#"):
                assert (attrs["href"] or "")[1:] in ids, f"{attrs['href']} leads nowhere"
            assert tag != "script" or attrs["type"] == "application/json"
            assert tag != "img" or attrs.get("alt"), "a picture without words"
            assert tag != "svg" or (attrs.get("role") == "img" and attrs.get("aria-label")), "a drawing without words"
            assert tag != "th" or attrs.get("scope") in ("row", "col"), "a header of nothing"
        assert "@import" not in text
        assert not re.search(r"url\((?!#)", text)
        assert not re.search(r"https?://(?!www\.w3\.org/)", text.partition('<script type="application/json"')[0])
        assert not set(text) & set("\x00\x1b\u202e\u2066\u200b")
        json.loads(self.scripts[0])


@pytest.fixture
def outline() -> type[Outline]:
    """What reads the structure of a page."""
    return Outline
