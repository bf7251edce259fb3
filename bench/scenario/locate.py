"""Where each key and value of a TOML document stands: the positions that `tomllib` does not give.

The scanner walks a document that `tomllib` has already accepted, so it only has to find where things begin, never
whether they are right. It follows tables, arrays of tables, dotted and quoted keys, inline tables and arrays (over one
line or several), all four kinds of strings, and comments (TOML 1.0; line breaks inside inline tables, which TOML 1.1
allows, are followed too).
"""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from typing import NamedTuple, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Way from the root to a key or an element: `("line", 0, "devices", 2, "unit")`."""

_SPACE = " \t"
_BLANK = " \t\r\n"
_BARE_KEY_END = " \t=.]"
_BARE_VALUE_END = ",]}#\r\n"


class Spot(NamedTuple):
    """A place in a text: line and column of characters, both counted from 1."""

    line: int
    column: int


class Positions:
    """The places of all keys and values of one TOML document.

    Args:
        text: the document; it must be one that `tomllib.loads` accepts.

    Attributes:
        keys: where the key of a path begins. An element of an array of tables has the place of its header's key; the
            elements of other arrays have none.
        values: where the value of a path begins. A table with a header begins at the header's bracket.
    """

    def __init__(self, text: str) -> None:
        self.keys: dict[Path, Spot] = {}
        self.values: dict[Path, Spot] = {}
        self._text = text
        self._at = 0
        self._starts = [0, *(i + 1 for i, char in enumerate(text) if char == "\n")]
        self._tables: dict[Path, int] = {}
        self._scan()

    def find(self, path: Path, *, key: bool = False) -> Spot:
        """Place of the value of `path` (or of its key); of its nearest ancestor when the document does not have it."""
        for length in range(len(path), 0, -1):
            part = path[:length]
            first, second = (self.keys, self.values) if key else (self.values, self.keys)
            spot = first.get(part) or second.get(part)
            if spot is not None:
                return spot
        return Spot(1, 1)

    def __contains__(self, path: object) -> bool:
        return path in self.keys or path in self.values

    def _spot(self, at: int) -> Spot:
        line = bisect_right(self._starts, at)
        return Spot(line, at - self._starts[line - 1] + 1)

    def _scan(self) -> None:
        text, here = self._text, Path()
        while self._skip(_BLANK):
            if text[self._at] == "[":
                here = self._header()
            else:
                self._pair(here)

    def _skip(self, blank: str) -> bool:
        """Go past blanks and comments; False at the end of the text."""
        text, size = self._text, len(self._text)
        while self._at < size:
            char = text[self._at]
            if char == "#":
                end = text.find("\n", self._at)
                self._at = size if end < 0 else end
            elif char in blank:
                self._at += 1
            else:
                return True
        return False

    def _header(self) -> Path:
        opened = self._spot(self._at)
        array = self._text.startswith("[[", self._at)
        self._at += 2 if array else 1
        parts = self._key()
        self._at = self._text.index("]", self._at) + (2 if array else 1)
        here = Path()
        for name, spot in parts[:-1]:
            here = (*here, name)
            self._remember(here, spot, opened)
            if here in self._tables:
                here = (*here, self._tables[here] - 1)
        name, spot = parts[-1]
        here = (*here, name)
        self._remember(here, spot, opened)
        if array:
            number = self._tables.get(here, 0)
            self._tables[here] = number + 1
            here = (*here, number)
        self.keys[here], self.values[here] = spot, opened
        return here

    def _remember(self, path: Path, key: Spot, value: Spot) -> None:
        self.keys.setdefault(path, key)
        self.values.setdefault(path, value)

    def _key(self) -> list[tuple[str, Spot]]:
        """The parts of a (dotted) key with their places; stops behind the last part."""
        text, parts = self._text, []
        while True:
            self._skip(_SPACE)
            start = self._at
            if text[start] in "\"'":
                self._string()
                name = str(tomllib.loads(f"k = {text[start : self._at]}")["k"])
            else:
                while text[self._at] not in _BARE_KEY_END:
                    self._at += 1
                name = text[start : self._at]
            parts.append((name, self._spot(start)))
            self._skip(_SPACE)
            if text[self._at] != ".":
                return parts
            self._at += 1

    def _pair(self, here: Path) -> None:
        parts = self._key()
        start = parts[0][1]
        self._at = self._text.index("=", self._at) + 1
        for name, spot in parts[:-1]:
            here = (*here, name)
            self._remember(here, spot, start)
        name, spot = parts[-1]
        here = (*here, name)
        self.keys[here] = spot
        self._skip(_SPACE)
        self._value(here)

    def _value(self, here: Path) -> None:
        text = self._text
        self.values[here] = self._spot(self._at)
        char = text[self._at]
        if char in "\"'":
            self._string()
        elif char == "[":
            self._array(here)
        elif char == "{":
            self._inline(here)
        else:
            while self._at < len(text) and text[self._at] not in _BARE_VALUE_END:
                self._at += 1

    def _array(self, here: Path) -> None:
        self._at += 1
        number = 0
        while self._skip(_BLANK + ","):
            if self._text[self._at] == "]":
                self._at += 1
                return
            self._value((*here, number))
            number += 1

    def _inline(self, here: Path) -> None:
        self._at += 1
        while self._skip(_BLANK + ","):
            if self._text[self._at] == "}":
                self._at += 1
                return
            self._pair(here)

    def _string(self) -> None:
        text, quote = self._text, self._text[self._at]
        if text.startswith(quote * 3, self._at):
            self._at += 3
            self._to_close(quote * 3)
            extra = 0  # a multi-line string may end in one or two quotes of its own
            while extra < 2 and text.startswith(quote, self._at):
                self._at += 1
                extra += 1
        else:
            self._at += 1
            self._to_close(quote)

    def _to_close(self, close: str) -> None:
        text, escapes = self._text, close[0] == '"'
        while self._at < len(text) and not text.startswith(close, self._at):
            self._at += 2 if escapes and text[self._at] == "\\" else 1
        self._at += len(close)
