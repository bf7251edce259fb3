"""Bytes as people paste them: from a log, a terminal, a manual, a program's source."""

from __future__ import annotations

from typing import Final

_BETWEEN: Final = frozenset(" \t\r\n:;,-_|[](){}'\"")
"""Characters between bytes that say nothing."""

_PREFIXES: Final = ("0x", "0X", "\\x", "\\X")


class NotHexError(ValueError):
    """The text is not hexadecimal.

    Args:
        why: what was found and what was expected.
        position: of the character, from 1.
        text: the whole text.
    """

    def __init__(self, why: str, position: int, text: str) -> None:
        super().__init__(f"character {position}: {why}")
        self.position = position
        self.text = text

    def shown(self, most: int = 76) -> str:
        """The text around the place, with a caret under it."""
        start = max(0, min(self.position - most // 2, len(self.text) - most))
        part = self.text[start : start + most].translate({ord(char): " " for char in "\t\r\n"})
        return f"  {part}\n  {' ' * (self.position - 1 - start)}^"


def parse(text: str) -> bytes:
    r"""Read bytes from text like "01 04 F1", "0x01,0x04", "01:04:f1", "0104F1", "\x01\x04".

    Two digits make a byte. A digit that stands alone between separators is a byte too ("0x1, 4"); any other odd number
    of digits in a row leaves half a byte and is refused, because it cannot be told which digit is missing.

    Raises:
        NotHexError: with the place of the first character that does not fit.
    """
    out = bytearray()
    at = 0
    while at < len(text):
        if text[at] in _BETWEEN:
            at += 1
            continue
        if text.startswith(_PREFIXES, at):
            at += 2
        start = at
        while at < len(text) and text[at] in "0123456789abcdefABCDEF" and not _prefix_here(text, start, at):
            at += 1
        digits = text[start:at]
        if not digits:
            found = repr(text[at]) if at < len(text) else "the end of the text"
            raise NotHexError(f"{found} is not a hexadecimal digit", min(at + 1, len(text)), text)
        if len(digits) % 2 and len(digits) > 1:
            raise NotHexError(f"{len(digits)} digits in a row leave half a byte; one is missing or too many", at, text)
        out += bytes.fromhex(digits if len(digits) > 1 else f"0{digits}")
    return bytes(out)


def _prefix_here(text: str, start: int, at: int) -> bool:
    """Whether another "0x" begins here, glued to the byte before it ("0x010x04")."""
    return at > start and (at - start) % 2 == 0 and text.startswith(_PREFIXES, at)
