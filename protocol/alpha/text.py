"""What a TEXT or STRING file says: mode fields, characters and control codes, as tokens.

A TEXT file is parts, each begun by a mode field, `ESC position mode [specifier]` (Table 12); what stands before the
first has none. Characters 0x20 to 0x7F are ASCII, but for 0x7E (half a space) and 0x7F (a block) [C]; 0x80 to 0xC1 are
the extended set.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from protocol.alpha.codes import CONTROLS, ESC, EXTENDED, FILL, SPECIAL_MODE

HALF_SPACE, BLOCK = "\u2009", "\u2588"
UNKNOWN: Final = "?"
"""What a sign draws for a character it does not have [C, measured]."""

_EXTENDED_BYTE: Final = 0x80
_EXTENDED_OFFSET: Final = 0x20
_RGB: Final = 6
_COLOUR, _EXTENDED_CODE = 0x1C, 0x08


class Piece(NamedTuple):
    """A character, or a control code with its parameters.

    Args:
        code: the control code; 0 for a character.
        text: the character.
        data: parameters of the control code.
    """

    code: int
    text: str = ""
    data: bytes = b""


class Part(NamedTuple):
    """A stretch of a TEXT file with one mode field.

    Args:
        position: the byte; "fill" when there is no mode field (assumed).
        mode: the byte; "auto" when there is no mode field [C].
        special: specifier of a special mode, else 0.
        pieces: what it says.
    """

    position: int
    mode: int
    special: int
    pieces: tuple[Piece, ...]


def character(code: int) -> str:
    """The character that a sign draws for a byte 0x20 to 0xFF."""
    if code < 0x7E:  # plain ASCII
        return chr(code)
    if code < _EXTENDED_BYTE:
        return HALF_SPACE if code == 0x7E else BLOCK
    place = code - _EXTENDED_BYTE
    return EXTENDED[place] if place < len(EXTENDED) else UNKNOWN


def parts(data: bytes) -> tuple[Part, ...]:
    """A TEXT file taken apart; nothing is ever wrong with it: a code that ends too soon says nothing."""
    found: list[Part] = []
    position, mode, special = FILL, ord("o"), 0
    pieces: list[Piece] = []
    begun = False
    at = 0
    while at < len(data):
        if data[at] != ESC:
            piece, at = _piece(data, at)
            if piece is not None:
                pieces.append(piece)
            continue
        field = data[at + 1 : at + 4]
        size = 4 if len(field) > 1 and field[1] == SPECIAL_MODE else 3
        if begun or pieces:
            found.append(Part(position, mode, special, tuple(pieces)))
        at += size
        pieces = []
        begun = True
        if len(field) > 1:
            position, mode = field[0], field[1]
            special = field[2] if size == 4 and len(field) > 2 else 0
    if begun or pieces:
        found.append(Part(position, mode, special, tuple(pieces)))
    return tuple(found)


def pieces_of(data: bytes) -> tuple[Piece, ...]:
    """A STRING file taken apart."""
    found: list[Piece] = []
    at = 0
    while at < len(data):
        piece, at = _piece(data, at)
        if piece is not None:
            found.append(piece)
    return tuple(found)


def plain(data: bytes) -> str:
    """The characters alone, without control codes and mode fields; a new line or page is a line feed."""
    out: list[str] = []
    for part in parts(data):
        out += ["\n" if piece.code in (0x0C, 0x0D) else piece.text for piece in part.pieces]
    return "".join(out)


def _piece(data: bytes, at: int) -> tuple[Piece | None, int]:
    """The piece at an offset, and where the next one begins."""
    char = data[at]
    if char >= 0x20:  # the first printable character
        return Piece(0, character(char)), at + 1
    control = CONTROLS.get(char)
    if control is None:
        return None, at + 1
    count = control.parameters
    parameters = data[at + 1 : at + 1 + count]
    if char == _COLOUR and parameters in (b"Y", b"Z"):
        count += _RGB  # Alpha 3.0: a colour of its own as six hexadecimal digits
        parameters = data[at + 1 : at + 1 + count]
    end = at + 1 + count
    if len(parameters) < count:
        return None, len(data)
    if char == _EXTENDED_CODE:
        place = parameters[0] - _EXTENDED_OFFSET
        if 0 <= place < len(EXTENDED):
            return Piece(0, EXTENDED[place]), end
    return Piece(char, data=parameters), end
