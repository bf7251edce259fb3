"""How large a QR symbol is: what a printer must know to feed past it (ISO/IEC 18004 [K], table 7).

Drawing the modules is not done here; `fit` gives the version, mode and size that whoever draws must use.
"""

from __future__ import annotations

from typing import NamedTuple

_ALPHANUMERIC = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")

CODEWORDS: dict[str, tuple[int, ...]] = {
    level: tuple(int(n) for n in numbers.split())
    for level, numbers in {
        "L": """19 34 55 80 108 136 156 194 232 274 324 370 428 461 523 589 647 721 795 861
             932 1006 1094 1174 1276 1370 1468 1531 1631 1735 1843 1955 2071 2191 2306 2434 2566 2702 2812 2956""",
        "M": """16 28 44 64 86 108 124 154 182 216 254 290 334 365 415 453 507 563 627 669
             714 782 860 914 1000 1062 1128 1193 1267 1373 1455 1541 1631 1725 1812 1914 1992 2102 2216 2334""",
        "Q": """13 22 34 48 62 76 88 110 132 154 180 206 244 261 295 325 367 397 445 485
             512 568 614 664 718 754 808 871 911 985 1033 1115 1171 1231 1286 1354 1426 1502 1582 1666""",
        "H": """9 16 26 36 46 60 66 86 100 122 140 158 180 197 223 253 283 313 341 385
             406 442 464 514 538 596 628 661 701 745 793 845 901 961 986 1054 1096 1142 1222 1276""",
    }.items()
}
"""Data codewords by error correction level, for versions 1 to 40."""


class Fit(NamedTuple):
    """The symbol that holds some data.

    Attributes:
        version: 1 to 40.
        mode: "numeric", "alphanumeric" or "byte", one for the whole symbol.
        modules: edge of the symbol in modules, without the quiet zone (which the host must provide).
    """

    version: int
    mode: str
    modules: int


def fit(data: bytes, level: str) -> Fit | None:
    """The smallest symbol for the data, or None when it fits none.

    Args:
        data: what it holds.
        level: error correction L, M, Q or H.
    """
    n = len(data)
    if not n:
        return None
    if data.isdigit():
        mode, bits, counts = "numeric", n // 3 * 10 + (0, 4, 7)[n % 3], (10, 12, 14)
    elif all(c in _ALPHANUMERIC for c in data):
        mode, bits, counts = "alphanumeric", n // 2 * 11 + n % 2 * 6, (9, 11, 13)
    else:
        mode, bits, counts = "byte", n * 8, (8, 16, 16)
    for version, codewords in enumerate(CODEWORDS[level], start=1):
        count = counts[0] if version < 10 else counts[1] if version < 27 else counts[2]
        if 4 + count + bits <= codewords * 8:
            return Fit(version, mode, 17 + 4 * version)
    return None
