"""Every page of the family: sound structure, nothing from outside, contrast in light, dark and print, same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.compliance import page as compliance_page
from bench.reports import day_report, hunt_report, page, plan_report, province_report

Make = Callable[..., Any]
NS = 1_000_000_000
MIN = 60 * NS
OPENS = 450 * MIN

STORY = (
    "08:20:07.420 keypad-2: key 4 pressed (clerk C02; epoch 1, seq 0)\n"
    "  08:20:07.734 port: 02 10 00 00 00 02 04 00 01 00 00 AD 2B <- this press\n"
    "08:20:07.751 LOST: no row tells it"
)


def lively(made: Any) -> None:
    """Boards, faults and a program that fetches, added to a made day."""
    for n in range(1, 30):
        t = OPENS + n * 2 * MIN
        made.add(t, "dev", "shown", {"device": "board-1", "row": 1, "text": f"A{n:03} -> 2"})
        made.add(t + 2 * NS, "dev", "shown", {"device": "display-1", "text": f"A{n:03}"})
        made.add(t, "fault", "fault", {"id": "N01", "name": "bit_flip", "line": "keypads", "told": "bit 1 flipped"})
    made.add(OPENS + 70 * MIN, "fault", "heal", {"id": "N01", "name": "bit_flip", "n": 29})
    made.add(OPENS + 71 * MIN, "fault", "fault_unused", {"id": "N38", "name": "kill", "why": "nobody to kill"})


def _day(make_run: Make, **given: Any) -> Path:
    path: Path = make_run(30, spoil=lively, **given)[0]
    verdict = json.loads((path / "verdict.json").read_text())
    verdict["invariants"]["loss"] |= {"verdict": "VIOLATED", "violations": 9, "stories": [STORY] * 5}
    verdict["invariants"]["order"] |= {"verdict": "NOT EXERCISED", "reason": "nothing came out of order"}
    (path / "verdict.json").write_text(json.dumps(verdict))
    return path


def hunt() -> dict[str, Any]:
    """What `hunt --json` prints of a violation."""
    rows = [
        {"kind": "fault", "name": "kill", "count": 0, "remark": "nobody to kill"},
        {"kind": "fault", "name": "bit_flip", "count": 7, "remark": ""},
        {"kind": "branch", "name": "retry taken", "count": 0, "remark": "a request sent again"},
    ]
    failure = {
        "invariant": "loss",
        "found_in_run": 12,
        "first": {"faults": 3, "presses": 10, "label": "bit_flip in a reply"},
        "faults": [{"name": "bit_flip", "line": "keypads"}],
        "devices": ["keypad-1"],
        "presses": 1,
        "seconds": 40,
        "shrinking_runs": 9,
        "story": [STORY],
        "path": "failures/tan_hoi-loss-1",
        "replay": "hallbench replay failures/tan_hoi-loss-1",
    }
    return {
        "scenario": "tan_hoi",
        "seed": 1,
        "clock": "virtual",
        "command": ["python", "my collector.py", "{records}"],
        "runs": 12,
        "presses": 120,
        "verdict": "VIOLATED",
        "judged": {"loss": 12},
        "undecided": {"manners": 2},
        "excused": {},
        "sometimes": rows,
        "not_played": [],
        "failure": failure,
    }


def test_a_day_is_sound(make_run: Make, outline: Any) -> None:
    """Headings in order, ids once, every picture and table header named, no address, no script that runs."""
    text = day_report.write(_day(make_run)).read_text("utf-8")
    found = outline(text)
    found.must_be_sound(text)
    assert [name for level, name in found.headings if level == 2] == [
        "The day in figures",
        "What went wrong",
        "The day from hour to hour",
        "What was checked",
        "Faults",
        "The hall",
        "Ratings of each clerk, against the truth",
        "Lines",
        "Boards and displays, as people saw them",
        "Tickets, as the printer put them on paper",
        "How to repeat this",
    ]


def test_a_hunt_is_sound(tmp_path: Path, outline: Any) -> None:
    """The page of a hunt obeys the same laws."""
    text = hunt_report.write(tmp_path, hunt()).read_text("utf-8")
    outline(text).must_be_sound(text)


def test_pages_share_their_style(make_run: Make, tmp_path: Path) -> None:
    """All pages begin with one and the same head and style: only the title differs."""
    texts = [
        day_report.write(_day(make_run)).read_text("utf-8"),
        hunt_report.write(tmp_path, hunt()).read_text("utf-8"),
    ]
    heads = {re.sub(r"<title>.*?</title>", "", text[: text.index("</head>")]) for text in texts}
    assert len(heads) == 1
    assert (page.TEMPLATES / "plan.html").read_text().startswith('{% extends "base.html" %}')
    assert plan_report.page is page


@pytest.mark.parametrize(
    ("maker", "template"),
    [
        (day_report, "day.html"),
        (hunt_report, "hunt.html"),
        (plan_report, "plan.html"),
        (province_report, "province.html"),
        (compliance_page, "compliance.html"),
    ],
)
def test_every_page_of_the_family_has_its_contents(maker: Any, template: str) -> None:
    """Each section has an id, each id a place in the bar, in one order, and each has a name of its own."""
    text = (page.TEMPLATES / template).read_text("utf-8")
    sections = re.findall(r'<section(?: id="([^"]*)")?', text)
    listed = maker._CONTENTS
    assert [ident for ident, _, _ in listed] == sections
    assert len({name for _, name, _ in listed}) == len(listed) > 2


def test_the_contents_list_what_is_there() -> None:
    """A section that a page lacks is not in its bar: nothing found, or no part of a chart by that name."""
    table = (("a", "Always", None), ("b", "Rows", "rows"), ("c", "Chart", "charts.waits"), ("d", "None", "charts.no"))
    for rows, shown in (([], ["a", "c"]), ([1], ["a", "b", "c"])):
        found = page.contents({"rows": rows, "charts": {"waits": "<svg>"}}, table)
        assert [ident for ident, _ in found] == shown


def test_a_table_keeps_room_for_its_sentences() -> None:
    """On a narrow page a column of sentences is scrolled to, not crushed to a letter a line."""
    style = "".join((page.TEMPLATES / name).read_text("utf-8") for name in ("style.css", "compliance.css"))
    for column in (r"\.says", r"td\.told"):
        assert re.search(column + r" \{ min-width: 1\drem;", style)


def test_the_same_run_gives_the_same_bytes(make_run: Make) -> None:
    """With boards, faults and stories too."""
    path = _day(make_run)
    assert day_report.write(path).read_bytes() == day_report.write(path).read_bytes()


def test_what_was_not_exercised_is_folded(make_run: Make, outline: Any) -> None:
    """It stands with its reason, inside <details>, and not among what was checked."""
    text = day_report.write(_day(make_run)).read_text("utf-8")
    table, _, folded = text[text.index('id="checked"') : text.index('id="faults"')].partition("<details>")
    assert "nothing came out of order" in folded
    assert "NOT EXERCISED" not in table
    assert "1 more, which nothing in this run could have broken" in outline(text).text


def test_the_first_stories_are_open(make_run: Make) -> None:
    """Three stories stand open, the others folded, and those that are not shown are counted."""
    text = day_report.write(_day(make_run)).read_text("utf-8")
    part = text[text.index('id="wrong"') : text.index('id="timeline"')]
    before, _, folded = part.partition("<details>")
    assert before.count('class="story"') == 3
    assert folded.count('class="story"') == 2
    assert "4 more in <code>verdict.json</code>" in folded
    assert "<em>keypad-2: write acknowledge = 1, 0</em>" in before


# -- colours ----------------------------------------------------------------------------------------------------------
def _palettes() -> dict[str, dict[str, str]]:
    """The colours of the light page, the dark page and paper, by variable."""
    style = (page.TEMPLATES / "style.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    names = ("light", "dark", "print")
    assert len(blocks) == 3
    found = {
        name: dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", block)) for name, block in zip(names, blocks, strict=True)
    }
    return {name: {**found["light"], **own} for name, own in found.items()}


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(char * 2 for char in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("medium", ["light", "dark", "print"])
def test_text_has_contrast(medium: str) -> None:
    """All text reaches 4.5 to 1 on what it stands on, all curves 3 to 1 (WCAG 2.2, 1.4.3 and 1.4.11)."""
    colours = _palettes()[medium]
    for text, grounds in {
        "ink": ("page", "card", "soft", "good-soft", "bad-soft", "warn-soft"),
        "muted": ("page", "card", "soft", "warn-soft"),
        "good": ("card", "good-soft"),
        "bad": ("card", "bad-soft", "soft"),
        "warn": ("card", "warn-soft", "soft"),
        "accent": ("card", "page"),
    }.items():
        for ground in grounds:
            assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for curve in ("accent", "second"):
        assert _contrast(colours[curve], colours["card"]) >= 3, curve
    assert _contrast(colours["warn-soft"], colours["card"]) >= 1.1, "the shading of a fault cannot be seen"
