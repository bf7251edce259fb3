"""Markdown from words that were not written as Markdown: everything is escaped but what stands in backticks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["code", "fenced", "flat", "heading", "items", "table"]

_CODE = re.compile(r"(`+[^`]+`+)")
_SPECIAL = re.compile(r"([\\*_<>\[\]$#|{}~])")


def flat(text: str) -> str:
    """Words of a docstring or a table as one line of Markdown."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part.replace("|", r"\|") if n % 2 else _SPECIAL.sub(r"\\\1", part) for n, part in enumerate(parts))


def code(text: object) -> str:
    """Something as code, in a line or a cell."""
    told = str(text).replace("\n", " ").replace("|", r"\|")
    return f"`` {told} ``" if "`" in told else f"`{told}`"


def heading(level: int, text: str, anchor: str = "") -> str:
    """A heading; with an anchor it can be linked to from any page."""
    target = f"({anchor})=\n" if anchor else ""
    return f"\n{target}{'#' * level} {text}\n"


def fenced(text: str, language: str = "text") -> str:
    """A block of code."""
    ticks = "````" if "```" in text else "```"
    return f"\n{ticks}{language}\n{text.rstrip()}\n{ticks}\n"


def items(lines: Iterable[str]) -> str:
    """A list; the lines are Markdown already."""
    return "\n" + "".join(f"- {line}\n" for line in lines)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the cells are Markdown already."""
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n" + "\n".join(lines) + "\n"
