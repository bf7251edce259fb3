"""A mistake in a file people write, and how it is printed: place, message, source line, caret, hint."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from bench.records.secrets import cover

WIDEST = 110
"""Characters of a source line that are shown; of a longer one, the part around the mistake."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake.

    Attributes:
        file: the file as the user named it.
        line: from 1; 0 when the problem is the file itself.
        column: of characters, from 1; 0 when there is no place.
        message: what was found and what was expected.
        source_line: the line of the file, without its end.
        hint: what to do ("did you mean ..."), or "".
    """

    file: str
    line: int
    column: int
    message: str
    source_line: str = ""
    hint: str = ""

    def __str__(self) -> str:
        message = _one_line(self.message)
        hint = f"\n    {_one_line(self.hint)}" if self.hint else ""
        if not self.line:
            return f"{self.file}: {message}{hint}"
        shown, before = _window(cover(self.source_line), self.column)
        return (
            f"{self.file}:{self.line}:{self.column}: {message}\n    {shown}\n    {''.join(map(_blank, before))}^{hint}"
        )


class ScenarioError(Exception):
    """A scenario file cannot be used; `problems` has every mistake that was found, in the file's order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(str(self))

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


def _one_line(text: str) -> str:
    """A name that has line breaks in it must not look like a mistake of its own."""
    return "".join(char if char.splitlines() == [char] else repr(char)[1:-1] for char in text)


def _window(line: str, column: int) -> tuple[str, str]:
    """The shown part of a line, and the stretch of it that stands before the column."""
    start = max(0, min(column - 1 - WIDEST * 2 // 3, len(line) - WIDEST)) if len(line) > WIDEST else 0
    end = start + WIDEST
    lead = "…" if start else ""
    return f"{lead}{line[start:end]}{'…' if end < len(line) else ''}", lead + line[start : column - 1]


def _blank(char: str) -> str:
    """White space as wide as the character on a terminal."""
    if char == "\t":
        return char
    if unicodedata.combining(char):
        return ""
    return "  " if unicodedata.east_asian_width(char) in "WF" else " "
