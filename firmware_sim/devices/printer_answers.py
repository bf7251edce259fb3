"""What a ticket printer answers in turn: a table of commands, each with the bytes that it sends back.

An answer is a pure function of the token, the printer's condition and its composer; it is given when printing has come
to the command, and not while the printer is off line (protocols.md 4.3). Sources: GS r, GS I and ESC v of the TM-T88III
specification and of Epson's programming guide 10.01 p. 459 [S]; the queries of GS ( L of the same guide p. 230-231 [S];
GS ( k function 82 of Epson's reference [K]; GS e 6 of the Pyramid Reliance's command manual [S].
"""

from __future__ import annotations

from collections.abc import Callable

from protocol.escpos import status
from protocol.escpos.composer import Composer
from protocol.escpos.profiles import PrinterProfile
from protocol.escpos.tokenizer import Token

MOST_KEYS = 40
"""Key codes that one block of GS ( L function 64 or 80 tells."""


def answer(token: Token, condition: status.Condition, composer: Composer) -> bytes:
    """What the printer sends back for a token; nothing for most.

    Args:
        token: the command.
        condition: how the printer is.
        composer: its interpreter, with its profile and the pictures it keeps, before the token is applied.
    """
    found = ANSWERS.get(token.name)
    return found(token, condition, composer) if found is not None else b""


def _sensor(token: Token, condition: status.Condition, _: Composer) -> bytes:
    return status.sensor(token.head[0] if token.head else 1, condition)


def _drawer(token: Token, condition: status.Condition, _: Composer) -> bytes:
    """ESC u 0: level of the drawer line (old)."""
    return bytes([condition.drawer_high]) if token.head[0] in (0, 0x30) else b""


def _identity(token: Token, _: status.Condition, composer: Composer) -> bytes:
    n = token.head[0]
    profile: PrinterProfile = composer.profile
    one_byte = profile.ids.get(n - 0x30 if 0x30 < n < 0x34 else n)
    if one_byte is not None:
        return bytes([one_byte])
    if n in profile.information:
        return bytes((0x3D, n)) + profile.information[n] + b"\x00"
    if profile.names.get(n):
        return b"\x5f" + profile.names[n].encode("ascii") + b"\x00"
    return b""


def _symbol_size(token: Token, _: status.Condition, composer: Composer) -> bytes:
    if token.data[:2] != b"\x31\x52":
        return b""
    size = composer.symbol_size
    text = str(size).encode()
    fits = b"\x30" if 0 < size <= composer.profile.width_dots else b"\x31"
    return b"\x37\x36" + text + b"\x1f" + text + b"\x1f\x31\x1f" + fits + b"\x00"


def _picture_memory(token: Token, _: status.Condition, composer: Composer) -> bytes:
    """GS ( L: sizes and rooms of the picture memories (48, 51, 52) and the keys in them (64, 80)."""
    if len(token.data) < 2 or token.data[0] != 0x30:
        return b""
    function, images = token.data[1], composer.images
    told = {0: (0x30, images.nv.size), 3: (0x31, images.nv.room), 4: (0x32, images.download.room)}.get(function % 48)
    if told is not None and function <= 52:
        return bytes((0x37, told[0])) + str(told[1]).encode() + b"\x00"
    if function in (64, 80) and token.data[2:4] == b"KC":
        keys = images.memory(function).keys[:MOST_KEYS]
        return b"\x37" + (b"\x72" if function == 64 else b"\x73") + b"\x40" + b"".join(keys) + b"\x00"
    return b""


def _ejector(token: Token, condition: status.Condition, composer: Composer) -> bytes:
    return status.ejector(condition) if composer.profile.presenter and token.head[0] == 6 else b""


ANSWERS: dict[str, Callable[[Token, status.Condition, Composer], bytes]] = {
    "GS r": _sensor,
    "ESC v": _sensor,
    "ESC u": _drawer,
    "GS I": _identity,
    "GS ( k": _symbol_size,
    "GS ( L": _picture_memory,
    "GS e": _ejector,
}
"""Commands that are answered in turn."""
