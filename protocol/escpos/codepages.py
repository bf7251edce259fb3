"""Character tables of ticket printers: `ESC t` numbers point here through a profile (protocols.md 4.5).

A table has a name: a Python codec ("cp437", "cp1258") or one of our own ("tcvn3-lower", "tcvn3-upper", "viscii",
"katakana").
Known tables without a source we trust have a name too, and are told apart as `UNSUPPORTED`: their upper half reads as
U+FFFD, never as a guess.

CP1258 and the Vietnamese tone marks: the code page has no precomposed tone letters except a few; a letter is followed
by a combining mark (CC grave, D2 hook, DE tilde, EC acute, F2 dot below). `encode` takes any Vietnamese text apart the
right way; whoever reads must put it together again (NFC), as `composer` does.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""What an undefined place of a table reads as."""

UNSUPPORTED = frozenset({"cp851", "cp853", "cp1098", "hiragana", "kanji", "thai", "user-defined"})
"""Tables a printer may have that are not known here well enough to read."""

_TONES = frozenset("\u0300\u0309\u0303\u0301\u0323")

# TCVN 5712:1993 VN3 (ABC). Lower case: equal to the standard's own table (glibc's TCVN5712-1). Capitals: character page
# 31 as Epson prints it, where the capitals take the places of the small letters except A-breve, A-circumflex, D-stroke.
_TCVN3_TONED = {
    0xB5: "àảãáạ",
    0xBB: "ằẳẵắ",
    0xC6: "ặầẩẫấậè",
    0xCE: "ẻẽéẹềểễếệìỉ",
    0xDC: "ĩíịò",
    0xE1: "ỏõóọồổỗốộờởỡớợù",
}
_TCVN3_TONED |= {0xF1: "ủũúụừửữứựỳỷỹýỵ"}
_TCVN3_OWN = {
    "tcvn3-lower": {0xA8: "ăâêôơưđ"},
    "tcvn3-upper": {0xA1: "ĂÂ", 0xA7: "Đ", 0xAA: "ÊÔƠƯ"},
}

# VISCII 1.1, RFC 1456 [K; equal to glibc's VISCII]. Six capitals of it lie in the control characters and cannot be in a
# printer's table.
_VISCII = (
    "ẠẮẰẶẤẦẨẬẼẸẾỀỂỄỆỐỒỔỖỘỢỚỜỞỊỎỌỈỦŨỤỲÕắằặấầẩậẽẹếềểễệốồổỗỠƠộờởịỰỨỪỬơớƯ"
    "ÀÁÂÃẢĂẳẵÈÉÊẺÌÍĨỳĐứÒÓÔạỷừửÙÚỹỵÝỡưàáâãảăữẫèéêẻìíĩỉđựòóôõỏọụùúũủýợỮ"
)

INTERNATIONAL_PLACES = "#$@[\\]^`{|}~"
"""The ASCII characters that `ESC R n` exchanges."""

INTERNATIONAL: tuple[str, ...] = (
    "#$@[\\]^`{|}~",  # 0 U.S.A.
    "#$à°ç§^`éùè¨",  # 1 France
    "#$§ÄÖÜ^`äöüß",  # 2 Germany
    "£$@[\\]^`{|}~",  # 3 U.K.
    "#$@ÆØÅ^`æøå~",  # 4 Denmark I
    "#¤ÉÄÖÅÜéäöåü",  # 5 Sweden
    "#$@°\\é^ùàòèì",  # 6 Italy
    "₧$@¡Ñ¿^`¨ñ}~",  # 7 Spain I
    "#$@[¥]^`{|}~",  # 8 Japan
    "#¤ÉÆØÅÜéæøåü",  # 9 Norway
    "#$ÉÆØÅÜéæøåü",  # 10 Denmark II
    "#$á¡Ñ¿é`íñóú",  # 11 Spain II
    "#$á¡Ñ¿éüíñóú",  # 12 Latin America
    "#$@[₩]^`{|}~",  # 13 Korea
    "#$ŽŠĐĆČžšđćč",  # 14 Slovenia, Croatia
    "#¥@[\\]^`{|}~",  # 15 China
    "#₫@[\\]^`{|}~",  # 16 Vietnam
)
"""Rows of `ESC R n`, each in the order of `INTERNATIONAL_PLACES` [K]."""


def is_supported(name: str) -> bool:
    """Whether the table of that name can be read and written here."""
    if name in UNSUPPORTED:
        return False
    try:
        table(name)
    except LookupError:
        return False
    return True


@lru_cache(maxsize=64)
def table(name: str) -> tuple[str, ...]:
    """The 256 characters of a table; `UNKNOWN` where it has none.

    Args:
        name: a Python codec, one of our own names, or a name in `UNSUPPORTED` (then the upper half is unknown).

    Raises:
        LookupError: nothing is known by that name.
    """
    ascii_half = tuple(chr(i) for i in range(0x80))
    if name in UNSUPPORTED:
        return ascii_half + (UNKNOWN,) * 0x80
    if name in _TCVN3_OWN:
        upper = [UNKNOWN] * 0x80
        toned = _TCVN3_TONED.items()
        capitals = name == "tcvn3-upper"
        for start, letters in (*((s, t.upper() if capitals else t) for s, t in toned), *_TCVN3_OWN[name].items()):
            upper[start - 0x80 : start - 0x80 + len(letters)] = letters
        return ascii_half + tuple(upper)
    if name == "viscii":
        return ascii_half + tuple(_VISCII)
    codec = "cp932" if name == "katakana" else name
    return ascii_half + tuple(_one(bytes([i]), codec) for i in range(0x80, 0x100))


def _one(char: bytes, codec: str) -> str:
    try:
        return char.decode(codec)
    except UnicodeDecodeError:
        return UNKNOWN


_NATIONAL = tuple(
    {ord(place): char for place, char in zip(INTERNATIONAL_PLACES, row, strict=True)} for row in INTERNATIONAL
)


def read(data: bytes, characters: tuple[str, ...], international: int = 0) -> str:
    """Bytes as the characters of a table, one each, with the national ones of `ESC R`."""
    text = "".join(map(characters.__getitem__, data))
    return text.translate(_NATIONAL[international]) if international else text


@lru_cache(maxsize=64)
def marks(name: str) -> bytes:
    """The bytes of a table that are combining marks: they take no room and go on the letter before them."""
    return bytes(i for i, char in enumerate(table(name)) if unicodedata.combining(char))


@lru_cache(maxsize=64)
def _places(name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for i, char in enumerate(table(name)):
        if char != UNKNOWN:
            found.setdefault(char, i)
    return found


def encode(text: str, name: str = "cp1258", errors: str = "strict") -> bytes:
    """Text as the bytes of a table, tone letters taken apart where the table wants it.

    Args:
        text: any normal form; it is composed first.
        name: a table's name.
        errors: "strict" raises, "replace" writes "?" for a character that the table does not have.

    Raises:
        UnicodeEncodeError: the table has no such character (strict).
        LookupError: no such table, or it is not supported.
    """
    if name in UNSUPPORTED:
        raise LookupError(f"character table {name!r} is not known well enough to write; choose another")
    places = _places(name)
    out = bytearray()
    composed = unicodedata.normalize("NFC", text)
    for at, char in enumerate(composed):
        here = places.get(char)
        if here is not None:
            out.append(here)
            continue
        parts = _apart(char, places)
        if parts is not None:
            out += parts
        elif errors == "replace":
            out += b"?"
        else:
            raise UnicodeEncodeError(name, composed, at, at + 1, "the printer's character table has no such character")
    return bytes(out)


def _apart(char: str, places: dict[str, int]) -> bytes | None:
    """A letter and its tone marks, the other marks staying on the letter; None when the table lacks a part."""
    parts = unicodedata.normalize("NFD", char)
    base, marks = parts[0], parts[1:]
    letter = unicodedata.normalize("NFC", base + "".join(m for m in marks if m not in _TONES))
    found = [places.get(part) for part in (letter, *(m for m in marks if m in _TONES))]
    if not marks or None in found:
        return None
    return bytes(place for place in found if place is not None)


def decode(data: bytes, name: str) -> str:
    """Bytes of a table as text in NFC; undefined places read as `UNKNOWN`."""
    characters = table(name)
    return unicodedata.normalize("NFC", "".join(characters[i] for i in data))
