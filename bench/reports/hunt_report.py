"""report.html of a hunt: what was tried, what broke, the story of it, what was never seen; and hunt.json beside it.

Made from the object that `hallbench hunt --json` prints and from the failures that stand in the same folder, so that it
can be made again from there (`write(folder)`). The same folder gives the same bytes.
"""

from __future__ import annotations

import json
import platform
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench import __version__
from bench.faults.catalogue import find
from bench.judge.history import HistoryFailed, read_history
from bench.judge.invariants import INVARIANTS
from bench.reports import page
from bench.reports.frame_words import Spoken, spoken_in
from bench.reports.frame_words import told as story_lines
from bench.reports.wording import count
from bench.unseen import printable_json

FILE: Final = "report.html"
CAMPAIGN: Final = "hunt.json"

_FAILURE: Final = "failure.json"
_MOST_FAILURES: Final = 20
_MOST_STORIES: Final = 3
_MOST_ACTS: Final = 12
_MOST_READ: Final = 1 << 24


class NotAHuntError(Exception):
    """The folder holds no hunt that could be read; the message says what is missing."""


def write(folder: Path, told: Mapping[str, Any] | None = None) -> Path:
    """Make `report.html` of a hunt.

    Args:
        folder: where its failures are; it is made if it is not there.
        told: what the hunt found (`hunt --json`), kept as `hunt.json`; None reads it from there.

    Returns:
        Path of the page.

    Raises:
        NotAHuntError: `told` is None and there is no hunt.json that could be read.
        OSError: a file cannot be written.
    """
    if told is None:
        told = _read(folder / CAMPAIGN)
        if not told:
            raise NotAHuntError(
                f"{folder}: no {CAMPAIGN} in it that could be read; `hallbench hunt SCENARIO --out DIR` writes one"
            )
    else:
        folder.mkdir(parents=True, exist_ok=True)
        text = printable_json(json.dumps({"schema_version": 1, **told}, ensure_ascii=False, indent=1)) + "\n"
        page.store(folder / CAMPAIGN, text)
    return page.store(folder / FILE, render(told, stored(folder)))


def stored(folder: Path) -> list[tuple[str, Mapping[str, Any]]]:
    """The failures in a folder: name of the directory and failure.json, by name. Unreadable ones are left out.

    What is spoken in the evidence of each stands beside its facts, under `spoken`.
    """
    found = ((path.parent, _read(path)) for path in sorted(folder.glob(f"*/{_FAILURE}")))
    return [(path.name, {**facts, "spoken": _spoken(path / "run", facts)}) for path, facts in found if facts]


def _spoken(run: Path, facts: Mapping[str, Any]) -> Spoken:
    """What is spoken in the run of a failure; nothing when its evidence is not there."""
    try:
        history = read_history(run / "history.ndjson")
        return spoken_in(history.header, _read(run / "run.json"), history, map(str, facts.get("story") or ()))
    except (HistoryFailed, OSError):
        return Spoken()


def render(told: Mapping[str, Any], failures: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """The page as text.

    Args:
        told: what the hunt found.
        failures: as `stored` gives them.
    """
    found = told.get("failure") or {}
    word = str(told.get("verdict") or "UNKNOWN")
    rows = [row for row in told.get("sometimes") or () if isinstance(row, Mapping)]
    shown = _failures(told, failures)
    context = {
        "title": f"Hunt: {told.get('scenario', 'a hall')}",
        "word": "NOTHING FOUND" if word == "HOLDS" else word,
        "tone": page.TONE.get(word, "open"),
        "sentence": _sentence(told),
        "meta": [
            count(int(told.get("runs") or 0), "run"),
            f"seed {told.get('seed')}",
            f"{told.get('clock', 'virtual')} time",
        ],
        "remarks": _remarks(told),
        "tiles": _tiles(told, rows, found),
        "failures": shown[:_MOST_FAILURES],
        "failures_sentence": _failures_sentence(len(shown)),
        **_sometimes(rows),
        "ended_early": bool(found),
        "invariants": _invariants(told),
        "command": _command(told),
        "facts": [("hallbench", __version__), ("Python", platform.python_version())],
    }
    return page.render("hunt.html", {**context, "contents": page.contents(context, _CONTENTS)}, told)


_CONTENTS: Final = (
    ("figures", "Figures", None),
    ("failures", "Failures", "failures"),
    ("sometimes", "Seen and never seen", "sometimes"),
    ("invariants", "Invariants", "invariants"),
    ("repeat", "Repeat", None),
)
"""Sections of the page: id, name, and what has to be there for it."""


def _sentence(told: Mapping[str, Any]) -> str:
    runs, presses = int(told.get("runs") or 0), int(told.get("presses") or 0)
    found = told.get("failure")
    if found:
        faults, small = len(found.get("faults") or ()), int(found.get("presses") or 0)
        need = f"{count(faults, 'fault') if faults else 'no fault'} and {count(small, 'press', 'presses')}"
        return f"{found.get('invariant')} breaks in run {found.get('found_in_run')}; it takes {need}."
    if told.get("verdict") == "HOLDS":
        return f"In {count(runs, 'run')} with {count(presses, 'press', 'presses')} nothing broke."
    return f"In {count(runs, 'run')} with {count(presses, 'press', 'presses')} no fault struck: nothing was tried."


def _remarks(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    unplayed = [str(text) for text in told.get("not_played") or ()]
    if not unplayed:
        return []
    return [(f"{count(len(unplayed), 'run')} could not be played by the bench itself; the first:", unplayed[0])]


def _tiles(
    told: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], found: Mapping[str, Any]
) -> list[tuple[str, str, bool]]:
    tiles = [
        ("runs", f"{int(told.get('runs') or 0):,}", False),
        ("presses", f"{int(told.get('presses') or 0):,}", False),
    ]
    for kind, name in (("fault", "faults that struck"), ("branch", "branches taken")):
        mine = [row for row in rows if row.get("kind") == kind]
        if mine:
            seen = sum(1 for row in mine if row.get("count"))
            tiles.append((name, f"{seen} of {len(mine)}", not found and seen < len(mine)))
    if found:
        tiles.append(("runs to shrink it", str(found.get("shrinking_runs", "-")), False))
    return tiles


def _failures(told: Mapping[str, Any], failures: Sequence[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """What this hunt found first, then what stood in the folder already."""
    found = told.get("failure") or {}
    mine = Path(str(found.get("path", ""))).name
    rows = [
        _failure(
            facts if name != mine else {**facts, **found},
            here=bool(found) and name == mine,
            replay=str(found.get("replay")) if name == mine else f"hallbench replay {shlex.quote(name)}",
        )
        for name, facts in failures
    ]
    if found and mine not in {name for name, _ in failures}:
        rows.append(_failure(found, here=True, replay=str(found.get("replay", ""))))
    return sorted(rows, key=lambda row: not row["here"])


def _failure(facts: Mapping[str, Any], *, here: bool, replay: str) -> dict[str, Any]:
    given = facts.get("trial")
    trial: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    faults = facts.get("faults") or trial.get("faults") or ()
    stories = [str(text) for text in facts.get("story") or ()]
    first = facts.get("first") or {}
    name = str(facts.get("invariant", "?"))
    shrunk = ""
    if here and isinstance(first.get("presses"), int):
        before = f"{count(int(first.get('faults') or 0), 'fault')} and {count(first['presses'], 'press', 'presses')}"
        places = count(len(facts.get("devices") or ()), "keypad")
        shrunk = (
            f"Shrunk from {before} to {len(faults)} and {facts.get('presses')}, on {places}, within "
            f"{facts.get('seconds')} s. First seen as: {first.get('label', '')}."
        )
    return {
        "here": here,
        "run": facts.get("found_in_run", "?"),
        "invariant": name,
        "claim": next((row.claim for row in INVARIANTS if row.name == name), ""),
        "shrunk": shrunk,
        "faults": [(str(fault.get("name", "?")), _asked(fault)) for fault in faults if isinstance(fault, Mapping)],
        "acts": _acts(trial),
        "stories": [story_lines(text, facts.get("spoken")) for text in stories[:_MOST_STORIES]],
        "more": max(len(stories) - _MOST_STORIES, 0),
        "replay": replay,
    }


def _asked(fault: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in fault.items() if key != "name") or "anywhere"


def _acts(trial: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What people do in the small trial, the first of it."""
    acts = trial.get("acts") or ()
    rows = []
    for act in acts[:_MOST_ACTS]:
        if isinstance(act, Mapping):
            act = [act.get(name) for name in ("at_ms", "device", "action", "value")]
        if not isinstance(act, Sequence) or len(act) != 4 or not isinstance(act[0], int):
            continue
        what = f"key {act[3]}" if act[2] == "press" else f"clerk {act[3]} logs in"
        rows.append((f"{act[0] / 1000:.2f} s", f"{act[1]}: {what}"))
    if len(acts) > _MOST_ACTS:
        rows.append(("", f"{len(acts) - _MOST_ACTS} more"))
    return rows


def _failures_sentence(number: int) -> str:
    if number > _MOST_FAILURES:
        return f"{_MOST_FAILURES} of {number} that stand in this folder."
    return "The smallest run that still breaks it." if number == 1 else f"All {number} that stand in this folder."


def _sometimes(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The table of what was seen how often, zeros apart and first."""
    most = max((int(row.get("count") or 0) for row in rows), default=0)
    told = [
        {
            "name": str(row.get("name", "?")).replace("_", " "),
            "kind": str(row.get("kind", "")),
            "count": f"{int(row.get('count') or 0):,}",
            "zero": not row.get("count"),
            "part": int(row.get("count") or 0) / max(most, 1),
            "remark": str(row.get("remark") or _does(row)),
        }
        for row in rows
    ]
    never = [row for row in told if row["zero"]]
    seen = [row for row in told if not row["zero"]]
    sentence = f"{len(seen)} of {len(told)} faults and branches of the protocol were seen."
    if never:
        sentence += f" {len(never)} {'was' if len(never) == 1 else 'were'} not: of them this hunt says nothing."
    return {"sometimes": told, "never": never, "seen": seen, "sometimes_sentence": sentence}


def _does(row: Mapping[str, Any]) -> str:
    """What a fault does, as the catalogue says."""
    fault = find(str(row.get("name"))) if row.get("kind") == "fault" else None
    return fault.does if fault else ""


def _invariants(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each invariant with the runs in which it was judged; those of which the hunt tells nothing stand with zero."""

    def of(name: str, key: str) -> str:
        return f"{int((told.get(key) or {}).get(name) or 0):,}"

    known = {row.name: row for row in INVARIANTS}
    others: Iterable[str] = sorted({*(told.get("judged") or {}), *(told.get("undecided") or {})} - known.keys())
    return [
        {
            "name": name,
            "letter": known[name].letter if name in known else "",
            "claim": known[name].claim if name in known else "",
            "judged": of(name, "judged"),
            "undecided": of(name, "undecided"),
            "excused": of(name, "excused"),
        }
        for name in (*known, *others)
    ]


def _command(told: Mapping[str, Any]) -> str:
    words = ["hallbench", "hunt", str(told.get("scenario", "")), "--seed", str(told.get("seed", 1))]
    words += ["--runs", str(told.get("runs") or 1)]
    if told.get("clock") == "wall":
        words += ["--clock", "wall"]
    for name in told.get("ignored") or ():
        words += ["--ignore", str(name)]
    return shlex.join([*words, "--", *map(str, told.get("command") or ())])


def _read(path: Path) -> Mapping[str, Any]:
    """A JSON object; empty when there is none that can be read."""
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(_MOST_READ))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
