"""Characters of five by seven dots, as an LED board draws them, and their wide, bold and low forms.

The letters are drawn for this project. A real board's letters differ in detail; what is drawn is told, letter by
letter, by the text beside the dots.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple
from unicodedata import normalize

HEIGHT: Final = 7
WIDTH: Final = 5
GAP: Final = 1
"""Dark columns between two characters."""

_SPACE: Final = 3
_LOW_ROWS: Final = (0, 1, 3, 5, 6)

# Each character: seven rows from the top, two hexadecimal digits a row, bit 4 the left dot.
_ROWS: Final = """
! 04040404040004   " 0A0A0A00000000   # 0A0A1F0A1F0A0A   $ 040F140E051E04   % 18190204081303   & 0C12140815120D
' 0C040800000000   ( 02040808080402   ) 08040202020408   * 0004150E150400   + 0004041F040400   , 000000000C0408
- 0000001F000000   . 00000000000C0C   / 00010204081000   0 0E11131519110E   1 040C040404040E   2 0E11010204081F
3 1F02040201110E   4 02060A121F0202   5 1F101E0101110E   6 0608101E11110E   7 1F010204080808   8 0E11110E11110E
9 0E11110F01020C   : 000C0C000C0C00   ; 000C0C000C0408   < 02040810080402   = 00001F001F0000   > 08040201020408
? 0E110102040004   @ 0E11010D15150E   A 0E1111111F1111   B 1E11111E11111E   C 0E11101010110E   D 1C12111111121C
E 1F10101E10101F   F 1F10101E101010   G 0E11101711110F   H 1111111F111111   I 0E04040404040E   J 0702020202120C
K 11121418141211   L 1010101010101F   M 111B1515111111   N 11111915131111   O 0E11111111110E   P 1E11111E101010
Q 0E11111115120D   R 1E11111E141211   S 0F10100E01011E   T 1F040404040404   U 1111111111110E   V 11111111110A04
W 1111111515150A   X 11110A040A1111   Y 1111110A040404   Z 1F01020408101F   [ 0E08080808080E   \\ 00100804020100
] 0E02020202020E   ^ 040A1100000000   _ 0000000000001F   ` 08040200000000   a 00000E010F110F   b 1010161911111E
c 00000E1010110E   d 01010D1311110F   e 00000E111F100E   f 0609081C080808   g 000F11110F010E   h 10101619111111
i 04000C0404040E   j 0200060202120C   k 10101214181412   l 0C04040404040E   m 00001A15151111   n 00001619111111
o 00000E1111110E   p 00001E111E1010   q 00000D130F0101   r 00001619101010   s 00000E100E011E   t 08081C08080906
u 0000111111130D   v 00001111110A04   w 0000111115150A   x 0000110A040A11   y 0000110F01110E   z 00001F0204081F
{ 02040408040402   | 04040404040404   } 08040402040408   ~ 00000815020000   \u2588 1F1F1F1F1F1F1F
\u00b0 0C12120C000000   \u00a3 0609081C08091F   \u00a5 110A1F041F0404   \u00a2 040E1514150E04   \u00bf 04000408100F0E
\u00a1 04000404040404   \u0111 020F020E12120E   \u0110 1C12111D11121C   \u00f8 00000F13151E10   \u03b2 0C12141214141A
"""


def _table() -> Mapping[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    words = _ROWS.split()
    for char, rows in zip(words[::2], words[1::2], strict=True):
        found[char] = tuple(int(rows[at : at + 2], 16) for at in range(0, 2 * HEIGHT, 2))
    return MappingProxyType(found)


GLYPHS: Final = _table()
"""Character -> its rows from the top, bit 4 the left dot."""


class Style(NamedTuple):
    """How characters are drawn: twice as wide, bold, five dots high, each in a cell of the same width."""

    wide: bool = False
    bold: bool = False
    low: bool = False
    fixed: bool = False


PLAIN: Final = Style()


@lru_cache(maxsize=4096)
def columns(char: str, style: Style = PLAIN) -> tuple[int, ...]:
    """A character as columns from the left, bit 0 the top dot, with the dark column after it.

    Spacing is proportional unless the style says otherwise: dark columns at its edges are left out.
    """
    rows = _rows(char)
    if style.low:
        rows = (0, 0, *(rows[row] for row in _LOW_ROWS))
    cols = [sum(1 << y for y, row in enumerate(rows) if row >> (WIDTH - 1 - x) & 1) for x in range(WIDTH)]
    if not style.fixed:
        cols = _trimmed(cols, char)
    if style.bold:
        cols = [a | b for a, b in zip([*cols, 0], [0, *cols], strict=True)]
    if style.wide:
        cols = [col for col in cols for _ in range(2)]
    return (*cols, *[0] * GAP * (2 if style.wide else 1))


def _rows(char: str) -> tuple[int, ...]:
    """The rows of a character; a letter with a mark that is not drawn has none, anything else is a question mark."""
    if char.isspace():
        return (0,) * HEIGHT
    found = GLYPHS.get(char)
    if found is None:
        found = GLYPHS.get(normalize("NFD", char)[:1])
    return found if found is not None else GLYPHS["?"]


def _trimmed(cols: list[int], char: str) -> list[int]:
    if char.isspace():
        return [0] * (1 if char in "\u2009\u200a" else _SPACE)
    lit = [x for x, col in enumerate(cols) if col]
    return cols[lit[0] : lit[-1] + 1] if lit else cols
