"""The ASCII protocol of LED-485 displays: `$001,A001#` shows a text, `$001,02&` asks for the model.

Sources: protocols.md 1.4 [C]: a production test of the vendor, and clients that show texts with it. A unit is three
digits. A text ends with "#" and nobody answers; a query of two digits ends with "&": 02 answers the model, 03 the
firmware version, each as bare characters without an end [C: the test compares the whole answer]; after 01 the display
shows "YES" [C: one client's comment]. There is no check value. Assumed: a frame is at most `MOST_TEXT` characters
between comma and end; "$" always begins a new frame.
"""

from __future__ import annotations

from typing import Final, NamedTuple

START, COMMA, TEXT_END, QUERY_END = b"$", b",", b"#", b"&"
MOST_TEXT: Final = 32
MODEL, VERSION, HELLO = "02", "03", "01"

_DIGITS: Final = frozenset(b"0123456789")
_UNIT: Final = 3


class Frame(NamedTuple):
    """One frame: `text` is what is to be shown, or the code of a query; `flawed` when a character was damaged."""

    unit: int
    text: str
    query: bool
    flawed: bool = False


def show(unit: int, text: str) -> bytes:
    """Show a text.

    Raises:
        ValueError: the unit is not 0..999, or the text holds what ends a frame, or more than fits.
    """
    if not 0 <= unit <= 999 or len(text) > MOST_TEXT or set(text) & set("$#&") or not text.isascii():
        raise ValueError(f"unit {unit}, text {text!r}: units are 0..999, texts {MOST_TEXT} ASCII characters, no $ # &")
    return f"${unit:03d},{text}#".encode("ascii")


def query(unit: int, code: str) -> bytes:
    """Ask a unit for its model or its version."""
    return f"${unit:03d},{code}&".encode("ascii")


class Receiver:
    """Cuts frames out of characters, however they are split; whatever is no frame is passed over."""

    __slots__ = ("_data", "_flawed")

    def __init__(self) -> None:
        self._data: bytearray | None = None
        self._flawed = False

    @property
    def inside(self) -> bool:
        """In the middle of a frame."""
        return self._data is not None

    def expire(self) -> None:
        """Forget what was begun."""
        self._data = None

    def feed(self, data: bytes, flaws: object = None) -> list[Frame]:
        """Take characters.

        Args:
            data: the characters.
            flaws: places in `data` that are damaged, as anything that supports `in`.
        """
        found: list[Frame] = []
        for place, char in enumerate(data):
            if char == START[0]:
                self._data, self._flawed = bytearray(), False
            elif self._data is None:
                continue
            elif char in (TEXT_END[0], QUERY_END[0]):
                self._end(char, found)
            elif len(self._data) > _UNIT + MOST_TEXT:
                self._data = None
            else:
                self._data.append(char)
            if flaws and place in flaws:  # type: ignore[operator]
                self._flawed = True
        return found

    def _end(self, char: int, found: list[Frame]) -> None:
        data, self._data = bytes(self._data or b""), None
        head, text = data[:_UNIT], data[_UNIT + 1 :]
        if len(data) <= _UNIT or data[_UNIT] != COMMA[0] or not _DIGITS.issuperset(head) or not text.isascii():
            return
        found.append(Frame(int(head), text.decode("ascii"), char == QUERY_END[0], self._flawed))
