"""One-dimensional codes of GS k: which data a printer takes, and the bars it makes of them.

What each system accepts is Epson's table of GS k [S, TM-T88III specification, GS k, sheets 137-138; programming guide
10.01 p. 345-351]; element widths are those of GS w [S, sheet 144: at 2 dots a module 5 for a wide element, then 8, 10,
13, 16]. The characters' bars are their symbologies' own tables: UPC/EAN and CODE128 ISO/IEC 15420 and 15417 [K], CODE39
ISO/IEC 16388 [K], ITF ISO/IEC 16390 [K], CODABAR EN 798 [K], CODE93 AIM BC5 [K].

Not made: GS1-128 and GS1 DataBar (m 74 to 78).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate, chain
from typing import NamedTuple

UPC_A, UPC_E, EAN13, EAN8, CODE39, ITF, CODABAR, CODE93, CODE128 = range(65, 74)
CODE128_AUTO = 79

NAMES = {
    UPC_A: "UPC-A",
    UPC_E: "UPC-E",
    EAN13: "EAN13",
    EAN8: "EAN8",
    CODE39: "CODE39",
    ITF: "ITF",
    CODABAR: "CODABAR",
    CODE93: "CODE93",
    CODE128: "CODE128",
    CODE128_AUTO: "CODE128",
}
"""Systems that are drawn, by m of GS k (m 0 to 6 are 65 to 71)."""

WIDE = {1: 3, 2: 5, 3: 8, 4: 10, 5: 13, 6: 16}
"""Dots of a wide element by n of GS w; n = 1 exists on clones only [R]."""


class Bars(NamedTuple):
    """A code as it is printed.

    Attributes:
        widths: dots of bar, space, bar ... from the left.
        text: what stands above or below it (HRI).
    """

    widths: tuple[int, ...]
    text: str

    @property
    def width(self) -> int:
        """Dots across."""
        return sum(self.widths)


class Refused(ValueError):
    """A printer does not make a code of these data.

    Attributes:
        at: index of the first byte it does not take, or None when their number is wrong.
    """

    def __init__(self, why: str, at: int | None = None) -> None:
        super().__init__(why)
        self.at = at


def system_of(m: int) -> int:
    """The number of a system in the second form of GS k (65 and up), from either form's m."""
    return m + UPC_A if m <= 6 else m


def most_used(system: int) -> int:
    """Bytes after which the first form of GS k prints without waiting for NUL (TM-T88III, GS k, details 1)."""
    return {UPC_A: 12, UPC_E: 12, EAN13: 13, EAN8: 8}.get(system, 255)


def encode(system: int, data: bytes, module: int) -> Bars:
    """The bars of some data.

    Args:
        system: m of GS k, 65 to 73 or 79.
        data: what was sent, as it was sent (a check digit, start or code set characters included where the host sends
            them).
        module: n of GS w, 1 to 6.

    Raises:
        Refused: the printer prints no bars for them.
        LookupError: no such system is drawn.
    """
    maker = _MAKERS.get(system)
    if maker is None:
        raise LookupError(f"one-dimensional code {system} of GS k is not drawn; drawn are {', '.join(map(str, NAMES))}")
    return maker(data, module)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# -- UPC and EAN ------------------------------------------------------------------------------------------------------
_ODD = _words("3211 2221 2122 1411 1132 1231 1114 1312 1213 3112")
_FIRST = _words("OOOOOO OOEOEE OOEEOE OOEEEO OEOOEE OEEOOE OEEEOO OEOEOE OEOEEO OEEOEO")
_UPC_E_PARITY = _words("EEEOOO EEOEOO EEOOEO EEOOOE EOEEOO EOOEEO EOOOEE EOEOEO EOEOOE EOOEOE")


def _digits(data: bytes, *lengths: int) -> str:
    for at, value in enumerate(data):
        if not 0x30 <= value <= 0x39:
            raise Refused(f"{chr(value)!r} is no digit", at)
    if len(data) not in lengths:
        raise Refused(f"it takes {' or '.join(map(str, lengths))} digits, not {len(data)}")
    return data.decode("ascii")


def check_digit(digits: str) -> str:
    """The digit that makes a UPC or EAN number whole (the last one given counts three times)."""
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits)))
    return str(-total % 10)


def _half(digits: str, parity: str) -> str:
    return "".join(_ODD[int(d)] if p == "O" else _ODD[int(d)][::-1] for d, p in zip(digits, parity, strict=True))


def _scaled(widths: str, module: int) -> tuple[int, ...]:
    return tuple(int(w) * module for w in widths)


def _ean(digits: str, module: int) -> tuple[int, ...]:
    """EAN8 and EAN13 (UPC-A is EAN13 with 0 before it): left half, middle guard, right half."""
    left, right = (digits[:4], digits[4:]) if len(digits) == 8 else (digits[1:7], digits[7:])
    parity = "OOOO" if len(digits) == 8 else _FIRST[int(digits[0])]
    return _scaled("111" + _half(left, parity) + "11111" + "".join(_ODD[int(d)] for d in right) + "111", module)


def _upc_a(data: bytes, module: int) -> Bars:
    digits = _digits(data, 11, 12)[:11]
    whole = digits + check_digit(digits)
    return Bars(_ean("0" + whole, module), whole)


def _ean13(data: bytes, module: int) -> Bars:
    digits = _digits(data, 12, 13)[:12]
    whole = digits + check_digit(digits)
    return Bars(_ean(whole, module), whole)


def _ean8(data: bytes, module: int) -> Bars:
    digits = _digits(data, 7, 8)[:7]
    whole = digits + check_digit(digits)
    return Bars(_ean(whole, module), whole)


def _squeezed(digits: str) -> str:
    """The six digits of a UPC-E number from the eleven of its UPC-A number.

    Raises:
        Refused: it has too few zeros to be squeezed.
    """
    maker, item = digits[1:6], digits[6:]
    if maker[2] in "012" and maker[3:] == "00" and item[:2] == "00":
        return maker[:2] + item[2:] + maker[2]
    if maker[3:] == "00" and item[:3] == "000":
        return maker[:3] + item[3:] + "3"
    if maker[4] == "0" and item[:4] == "0000":
        return maker[:4] + item[4] + "4"
    if item[:4] == "0000" and item[4] in "56789":
        return maker + item[4]
    raise Refused(f"{digits} has no UPC-E form")


def _stretched(six: str) -> str:
    """The eleven digits of the UPC-A number that a UPC-E number stands for."""
    last = six[5]
    if last in "012":
        return "0" + six[:2] + last + "0000" + six[2:5]
    if last == "3":
        return "0" + six[:3] + "00000" + six[3:5]
    if last == "4":
        return "0" + six[:4] + "00000" + six[4]
    return "0" + six[:5] + "0000" + last


def _upc_e(data: bytes, module: int) -> Bars:
    digits = _digits(data, 6, 7, 8, 11, 12)
    if len(digits) != 6 and digits[0] != "0":
        raise Refused("a UPC-E number begins with 0", 0)
    six = _squeezed(digits[:11]) if len(digits) > 8 else digits if len(digits) == 6 else digits[1:7]
    whole = _stretched(six)
    check = check_digit(whole)
    widths = "111" + _half(six, _UPC_E_PARITY[int(check)]) + "111111"
    return Bars(_scaled(widths, module), "0" + six + check)


# -- two widths: CODE39, ITF, CODABAR ---------------------------------------------------------------------------------
_CODE39 = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%*",
        _words("""
        000110100 100100001 001100001 101100000 000110001 100110000 001110000 000100101 100100100 001100100
        100001001 001001001 101001000 000011001 100011000 001011000 000001101 100001100 001001100 000011100
        100000011 001000011 101000010 000010011 100010010 001010010 000000111 100000110 001000110 000010110
        110000001 011000001 111000000 010010001 110010000 011010000
        010000101 110000100 011000100 010101000 010100010 010001010 000101010 010010100
        """),
        strict=True,
    )
)
_ITF = _words("00110 10001 01001 11000 00101 10100 01100 00011 10010 01010")
_CODABAR = dict(
    zip(
        "0123456789-$:/.+ABCD",
        _words("""
        0000011 0000110 0001001 1100000 0010010 1000010 0100001 0100100 0110000 1001000
        0001100 0011000 1000101 1010001 1010100 0010101 0011010 0101001 0001011 0001110
        """),
        strict=True,
    )
)


def _two_widths(elements: str, module: int) -> tuple[int, ...]:
    narrow, wide = module, WIDE[module]
    return tuple(wide if element == "1" else narrow for element in elements)


def _characters(data: bytes, known: dict[str, str]) -> str:
    if not data:
        raise Refused("it takes at least one character")
    for at, value in enumerate(data):
        if chr(value) not in known:
            raise Refused(f"{chr(value)!r} is not among its characters", at)
    return data.decode("ascii")


def _code39(data: bytes, module: int) -> Bars:
    text = _characters(data, _CODE39)
    # Start and stop are set by the printer unless the host did.
    whole = text if len(text) > 1 and text[0] == text[-1] == "*" else f"*{text}*"
    return Bars(_two_widths("0".join(_CODE39[char] for char in whole), module), whole)


def _itf(data: bytes, module: int) -> Bars:
    even = data[: len(data) // 2 * 2]  # "when an odd number of data is input, the printer ignores the last"
    if not even:
        raise Refused("it takes at least two digits")
    digits = _digits(even, len(even))
    pairs = zip(digits[::2], digits[1::2], strict=True)
    middle = "".join(b + s for bar, space in pairs for b, s in zip(_ITF[int(bar)], _ITF[int(space)], strict=True))
    return Bars(_two_widths(f"0000{middle}100", module), digits)


def _codabar(data: bytes, module: int) -> Bars:
    text = _characters(data.upper(), _CODABAR)
    if len(text) < 2 or text[0] not in "ABCD" or text[-1] not in "ABCD":
        raise Refused("it begins and ends with A, B, C or D")
    return Bars(_two_widths("0".join(_CODABAR[char] for char in text), module), text)


# -- CODE93 -----------------------------------------------------------------------------------------------------------
_CODE93_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%"
_CODE93 = tuple(
    int(pattern, 16)
    for pattern in _words("""
    114 148 144 142 128 124 122 150 112 10A 1A8 1A4 1A2 194 192 18A 168 164 162 134 11A 158 14C 146 12C 116
    1B4 1B2 1AC 1A6 196 19A 16C 166 136 13A 12E 1D4 1D2 1CA 16E 176 1AE 126 1DA 1D6 132 15E
    """)
)
_SHIFT_DOLLAR, _SHIFT_PERCENT, _SHIFT_SLASH, _SHIFT_PLUS, _CODE93_EDGE = range(43, 48)
_CODE93_SHIFTED = (
    # first byte, last byte, shift, letter of the first
    (0, 0, _SHIFT_PERCENT, "U"),
    (1, 26, _SHIFT_DOLLAR, "A"),
    (27, 31, _SHIFT_PERCENT, "A"),
    (33, 44, _SHIFT_SLASH, "A"),
    (58, 58, _SHIFT_SLASH, "Z"),
    (59, 63, _SHIFT_PERCENT, "F"),
    (64, 64, _SHIFT_PERCENT, "V"),
    (91, 95, _SHIFT_PERCENT, "K"),
    (96, 96, _SHIFT_PERCENT, "W"),
    (97, 122, _SHIFT_PLUS, "A"),
    (123, 127, _SHIFT_PERCENT, "P"),
)


def _code93_values(data: bytes) -> list[int]:
    values: list[int] = []
    for at, value in enumerate(data):
        place = _CODE93_SIGNS.find(chr(value))
        if place >= 0:
            values.append(place)
            continue
        for first, last, shift, letter in _CODE93_SHIFTED:
            if first <= value <= last:
                values += [shift, _CODE93_SIGNS.index(chr(ord(letter) + value - first))]
                break
        else:
            raise Refused(f"byte {value:02X} is not among its characters (00 to 7F)", at)
    return values


def _code93(data: bytes, module: int) -> Bars:
    values = _code93_values(data)
    if not values:
        raise Refused("it takes at least one character")
    for most in (20, 15):
        weights = (i % most + 1 for i in range(len(values)))
        values.append(sum(w * v for w, v in zip(weights, reversed(values), strict=True)) % 47)
    patterns = [_CODE93[v] for v in (_CODE93_EDGE, *values, _CODE93_EDGE)]
    bits = "".join(format(pattern, "09b") for pattern in patterns) + "1"
    # The start and stop characters are printed as squares (GS k, details, m = 72).
    return Bars(_runs(bits, module), "□" + _shown(data) + "□")


def _runs(bits: str, module: int) -> tuple[int, ...]:
    """Widths of equal modules in a row, in dots; `bits` begins with a bar."""
    widths: list[int] = []
    last = ""
    for bit in bits:
        if bit == last:
            widths[-1] += module
        else:
            widths.append(module)
        last = bit
    return tuple(widths)


def _shown(data: bytes) -> str:
    return "".join(chr(c) if 0x20 <= c < 0x7F else " " for c in data)


# -- CODE128 -----------------------------------------------------------------------------------------------------------
_CODE128 = _words("""
212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 123122
123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 232121 111323
131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131
213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422 121124 121421 141122
141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212 124112
124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141
411131 211412 211214 211232 2331112
""")
_STARTS = {"A": 103, "B": 104, "C": 105}
_SPECIAL = {
    "A": {"S": 98, "B": 100, "C": 99, "1": 102, "2": 97, "3": 96, "4": 101},
    "B": {"S": 98, "A": 101, "C": 99, "1": 102, "2": 97, "3": 96, "4": 100, "{": ord("{") - 32},
    "C": {"A": 101, "B": 100, "1": 102},
}
"""What `{` and a character mean in each code set (TM-T88III specification, appendix J) [S]."""


def _in_set(code_set: str, value: int) -> int | None:
    """The symbol character of one byte of data; None when the code set has none."""
    if code_set == "C":
        return value if value < 100 else None
    if code_set == "A":
        return (value + 64 if value < 0x20 else value - 32) if value < 0x60 else None
    return value - 32 if 0x20 <= value < 0x80 else None


def _code128(data: bytes, module: int) -> Bars:
    if len(data) < 3 or data[0] != 0x7B or chr(data[1]) not in _STARTS:
        raise Refused("it begins with { and the code set A, B or C, and goes on", 0)
    code_set = chr(data[1])
    values = [_STARTS[code_set]]
    text: list[str] = []
    shifted = ""
    at = 2
    while at < len(data):
        value = data[at]
        now = shifted or code_set
        shifted = ""
        if value == 0x7B:
            special = chr(data[at + 1]) if at + 1 < len(data) else ""
            found = _SPECIAL[now].get(special)
            if found is None:
                raise Refused(f"{{{special} means nothing in code set {now}", at)
            values.append(found)
            if special in _STARTS:
                code_set = special
            elif special == "S":
                shifted = "A" if now == "B" else "B"
            elif special == "{":
                text.append("{")
            at += 2
            continue
        found = _in_set(now, value)
        if found is None:
            raise Refused(f"byte {value:02X} is not in code set {now}", at)
        values.append(found)
        text.append(format(value, "02") if now == "C" else _shown(bytes([value])))
        at += 1
    return _code128_bars(values, "".join(text), module)


def _code128_auto(data: bytes, module: int) -> Bars:
    """Number 79: the printer chooses the code sets; four digits or more are packed in pairs."""
    values: list[int] = []
    code_set = ""

    def switch(to: str) -> None:
        nonlocal code_set
        if to != code_set:
            values.append(_SPECIAL[code_set][to] if code_set else _STARTS[to])
            code_set = to

    at = 0
    while at < len(data):
        if data[at] > 0x7F:
            raise Refused(f"byte {data[at]:02X} is not among its characters (00 to 7F)", at)
        digits = 0
        while at + digits < len(data) and 0x30 <= data[at + digits] <= 0x39:
            digits += 1
        if digits >= 4 or (code_set == "C" and digits >= 2):
            switch("C")
            values.append(int(data[at : at + 2]))
            at += 2
            continue
        if _in_set(code_set, data[at]) is None or code_set in ("", "C"):
            switch("A" if data[at] < 0x20 else "B")
        found = _in_set(code_set, data[at])
        assert found is not None
        values.append(found)
        at += 1
    if not values:
        raise Refused("it takes at least one character")
    return _code128_bars(values, _shown(data), module)


def _code128_bars(values: list[int], text: str, module: int) -> Bars:
    check = (values[0] + sum(place * value for place, value in enumerate(values[1:], start=1))) % 103
    widths = chain.from_iterable(_CODE128[value] for value in (*values, check, 106))
    return Bars(tuple(int(w) * module for w in widths), text)


_MAKERS: dict[int, Callable[[bytes, int], Bars]] = {
    UPC_A: _upc_a,
    UPC_E: _upc_e,
    EAN13: _ean13,
    EAN8: _ean8,
    CODE39: _code39,
    ITF: _itf,
    CODABAR: _codabar,
    CODE93: _code93,
    CODE128: _code128,
    CODE128_AUTO: _code128_auto,
}


def edges(bars: tuple[int, ...]) -> list[tuple[int, int]]:
    """First dot and dot after the last of each bar."""
    ends = list(accumulate(bars))
    return [(end - width, end) for width, end in zip(bars[::2], ends[::2], strict=True)]
