"""How times, amounts and verdicts read: the same words in the report, on the terminal and in a pull request.

No plotting and no templates here: a command that prints a line of figures imports nothing heavy.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from bench.unseen import UNSEEN


def printable(text: str, keep: str = "") -> str:
    r"""The text in composed letters, with everything spelled out (`\x1b`) that moves a cursor or reorders a line.

    Text from a device, a scenario or a database passes through here before it reaches a terminal or a page.

    Args:
        text: anything, lone surrogates included.
        keep: control characters that may stay, e.g. line ends.
    """
    composed = unicodedata.normalize("NFC", text)
    if composed.isprintable():
        return composed
    # Cc controls, Cf invisible and bidirectional marks, Cs lone surrogates, Zl/Zp line and paragraph separators
    return "".join(
        ascii(char)[1:-1] if char not in keep and unicodedata.category(char) in UNSEEN else char for char in composed
    )


def duration(seconds: float | None) -> str:
    """A duration for people: "12 ms", "0.42 s", "38 s", "4 min 05 s", "2 h 03 min"; "-" when there is none."""
    if seconds is None:
        return "-"
    if 0 < abs(seconds) < 0.1:
        return f"{seconds * 1000:.3g} ms"
    if abs(seconds) < 9.995:
        return f"{seconds:.2f} s"
    sign, whole = ("-" if seconds < 0 else ""), round(abs(seconds))
    if whole < 60:
        return f"{sign}{whole} s"
    if whole < 3600:
        return f"{sign}{whole // 60} min {whole % 60:02} s"
    return f"{sign}{whole // 3600} h {whole % 3600 // 60:02} min"


def minutes(seconds: float | None, *, signed: bool = False) -> str:
    """A wait in minutes with one decimal, "4.2"; "-" when there is none."""
    if seconds is None:
        return "-"
    value = round(seconds / 60, 1) or 0.0  # never "-0.0"
    return f"{value:+.1f}" if signed else f"{value:.1f}"


def share(part: float | None) -> str:
    """A share as a percentage: 0.123 -> "12 %", 0.0123 -> "1.2 %"; "-" when there is none."""
    if part is None:
        return "-"
    percent = part * 100
    return f"{percent:.0f} %" if percent >= 9.95 or percent == 0 else f"{percent:.1f} %"


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 ticket", "1,778 tickets"; `many` for plurals that are not `one` + s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def wrapped(text: str, indent: str = "  ", width: int = 100) -> list[str]:
    """A text in lines of at most `width` characters, `indent` included; a longer word has a line of its own."""
    lines = [indent]
    for word in text.split():
        if lines[-1] != indent and len(lines[-1]) + len(word) >= width:  # with the space between them
            lines.append(indent)
        lines[-1] += ("" if lines[-1] == indent else " ") + word
    return lines


def verdict_sentence(verdict: Mapping[str, Any]) -> str:
    """The verdict in one sentence, without its word.

    The judge's own sentence when there is one; else what its results say.

    Args:
        verdict: the object of verdict.json (cli.md).
    """
    word = str(verdict.get("verdict"))
    told = str(verdict.get("sentence") or "").removeprefix(f"{word}:").strip()
    if told:
        return f"{told.rstrip('.')}."
    reason = str(verdict.get("reason") or "").strip().rstrip(".")
    if reason:
        return f"{reason}."
    names = [name for name, result in (verdict.get("invariants") or {}).items() if result.get("verdict") == word]
    is_plural = len(names) != 1
    ends = {"HOLDS": ("holds", "hold"), "VIOLATED": ("is violated", "are violated")}.get(
        word, ("is not decided", "are not decided")
    )
    return f"{_listed(names)} {ends[is_plural]}." if names else "nothing was judged."


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
