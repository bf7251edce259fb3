r"""Characters that a reader cannot see and a terminal may obey: which they are, and how JSON and TOML spell them out.

JSON escapes the controls below U+0020 by itself. It lets DEL, the C1 controls and the marks of direction stand in a
string as they are, so a file of evidence with a device's text would play them on the terminal of whoever looks into it.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from functools import cache
from typing import Final

__all__ = ["UNSEEN", "printable_json", "printable_toml"]

UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories: controls, invisible and bidirectional marks, lone surrogates, separators of lines and paragraphs."""


def printable_json(text: str) -> str:
    r"""A JSON text that says the same, with every unseen character in the escapes of JSON (`\u202e`).

    Args:
        text: JSON, or lines of it; the line ends between them stay.
    """
    return text if _is_seen(text) else _pattern().sub(_json, text)


def printable_toml(text: str) -> str:
    r"""The same for TOML, whose escapes reach farther (`\U000e0001`).

    Args:
        text: a basic string of TOML, or lines of TOML; line ends stay.
    """
    return text if _is_seen(text) else _pattern().sub(_toml, text)


def _is_seen(text: str) -> bool:
    return (text.isascii() and "\x7f" not in text) or text.replace("\n", "").isprintable()


@cache
def _pattern() -> re.Pattern[str]:
    """One unseen character; a line end stands between values and is none."""
    found = (char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(char) in UNSEEN)
    return re.compile(f"[{re.escape(''.join(char for char in found if char != chr(10)))}]")


def _json(found: re.Match[str]) -> str:
    char = found[0]
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else json.dumps(char)[1:-1]


def _toml(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
