"""Builders: what a host sends to a ticket printer, as bytes (protocols.md 4.1).

Every function is pure and returns one complete command (or text), so a job is their sum:
`init() + code_page(52) + align("center") + size(4, 4) + line("A001") + cut() + process_id(b"A001")`.
"""

from __future__ import annotations

from collections.abc import Iterable

from protocol.escpos import barcodes, codepages

SYSTEMS = {name: system for system, name in reversed(barcodes.NAMES.items())}
"""One-dimensional codes by name, as m of GS k."""

DIRECTIONS = ("right", "up", "left", "down")
"""Where text runs in page mode, by n of ESC T."""

ALIGNMENTS = {"left": 0, "center": 1, "right": 2}
QR_LEVELS = {"L": 0x30, "M": 0x31, "Q": 0x32, "H": 0x33}
TEXT_PLACES = ("none", "above", "below", "both")
"""Where the text of a one-dimensional code stands, by n of GS H."""

QR_MAX = 7089
"""Most bytes a QR symbol's store takes."""


def _byte(name: str, value: int, low: int = 0, high: int = 255) -> bytes:
    if not low <= value <= high:
        raise ValueError(f"{name} is {low} to {high}, not {value}")
    return bytes([value])


def _word(name: str, value: int) -> bytes:
    if not 0 <= value <= 0xFFFF:
        raise ValueError(f"{name} is 0 to 65535, not {value}")
    return value.to_bytes(2, "little")


def init() -> bytes:
    """ESC @: settings of power-on, print buffer cleared (not the receive buffer)."""
    return b"\x1b@"


def code_page(n: int) -> bytes:
    """ESC t n: character table by the printer's own number; `PrinterProfile.page_of` finds it.

    Raises:
        ValueError: a number that is not 0 to 255.
    """
    return b"\x1bt" + _byte("code page number", n)


def align(where: str) -> bytes:
    """ESC a: "left", "center" or "right"; takes effect at the beginning of a line.

    Raises:
        ValueError: another word.
    """
    if where not in ALIGNMENTS:
        raise ValueError(f"alignment is one of {', '.join(ALIGNMENTS)}, not {where!r}")
    return b"\x1ba" + bytes([ALIGNMENTS[where]])


def size(width: int, height: int) -> bytes:
    """GS !: characters `width` and `height` times as large, 1 to 8 each.

    Raises:
        ValueError: a factor that is not 1 to 8.
    """
    if not (1 <= width <= 8 and 1 <= height <= 8):
        raise ValueError(f"character size is 1 to 8 each way, not {width} x {height}")
    return b"\x1d!" + bytes([(width - 1) << 4 | (height - 1)])


def font(name: str) -> bytes:
    """ESC M: font "A" (12x24 dots) or "B" (9x17).

    Raises:
        ValueError: another font.
    """
    if name not in {"A", "B"}:
        raise ValueError(f"fonts are 'A' and 'B', not {name!r}")
    return b"\x1bM" + bytes([name == "B"])


def bold(on: bool = True) -> bytes:
    """ESC E."""
    return b"\x1bE" + bytes([on])


def underline(dots: int = 1) -> bytes:
    """ESC -: 0 none, 1 or 2 dots thick.

    Raises:
        ValueError: not 0 to 2.
    """
    return b"\x1b-" + _byte("underline", dots, 0, 2)


def reverse(on: bool = True) -> bytes:
    """GS B: white on black."""
    return b"\x1dB" + bytes([on])


def text(s: str, codec: str = "cp1258", errors: str = "strict") -> bytes:
    r"""Text in a character table; the printer must have been told the same one by `code_page`.

    Args:
        s: printable characters and "\n" (a printed line ends with LF); other control characters would be commands.
        codec: the table's name (see `codepages`). Vietnamese tone letters are taken apart for "cp1258".
        errors: "strict" or "replace" (by "?").

    Raises:
        ValueError: a control character.
        UnicodeEncodeError: the table lacks a character (strict).
    """
    for char in s:
        if (char < " " and char != "\n") or char == "\x7f":
            raise ValueError(f"text {s!r} has the control character {char!r}, which a printer takes as a command")
    return codepages.encode(s, codec, errors)


def line(s: str = "", codec: str = "cp1258", errors: str = "strict") -> bytes:
    """Text and LF.

    Raises:
        ValueError: a control character.
        UnicodeEncodeError: the table lacks a character (strict).
    """
    return text(s, codec, errors) + b"\n"


def qr(data: bytes | str, module: int = 6, level: str = "M") -> bytes:
    """GS ( k: model 2, module size in dots, error correction, store, print (functions 41 43 45 50 51 in hex).

    Args:
        data: what the symbol holds; a str is written as UTF-8.
        module: edge of one module, 1 to 16 dots.
        level: error correction L, M, Q or H.

    Raises:
        ValueError: nothing or more than `QR_MAX` bytes, a module that is not 1 to 16, another level.
    """
    payload = data.encode() if isinstance(data, str) else data
    if not 1 <= len(payload) <= QR_MAX:
        raise ValueError(f"a QR symbol holds 1 to {QR_MAX} bytes, not {len(payload)}")
    if level not in QR_LEVELS:
        raise ValueError(f"QR error correction is one of {', '.join(QR_LEVELS)}, not {level!r}")
    functions = (
        b"\x31\x41\x32\x00",
        b"\x31\x43" + _byte("QR module size", module, 1, 16),
        b"\x31\x45" + bytes([QR_LEVELS[level]]),
        b"\x31\x50\x30" + payload,
        b"\x31\x51\x30",
    )
    return b"".join(b"\x1d(k" + _word("length", len(function)) + function for function in functions)


def barcode(
    system: str, data: bytes | str, *, height: int = 64, module: int = 2, text: str = "below", font: str = "B"
) -> bytes:
    """GS h, GS w, GS H, GS f and GS k in its second form.

    Args:
        system: "CODE128", "CODE39", "EAN13" ...; see `SYSTEMS`.
        data: what it holds; a str is ASCII. For CODE128 code set B is chosen unless the data begin with "{".
        height: of the bars, dots.
        module: width of the narrowest bar, dots.
        text: where its text stands: "none", "above", "below" or "both".
        font: of that text.

    Raises:
        ValueError: no such system or place of the text, a height that is not 1 to 255, a module that is not 1 to 6, or
            data that no printer makes bars of (`barcodes.Refused`).
    """
    if system not in SYSTEMS:
        raise ValueError(f"one-dimensional codes are {', '.join(SYSTEMS)}, not {system!r}")
    payload = data.encode("ascii") if isinstance(data, str) else data
    if system == "CODE128" and not payload.startswith(b"{"):
        payload = b"{B" + payload
    if len(payload) > 255:
        raise ValueError(f"a one-dimensional code has at most 255 bytes, not {len(payload)}")
    if text not in TEXT_PLACES:
        raise ValueError(f"the text of a code is one of {', '.join(TEXT_PLACES)}, not {text!r}")
    settings = b"\x1dh" + _byte("barcode height", height, 1) + b"\x1dw" + _byte("barcode module", module, 1, 6)
    settings += b"\x1dH" + bytes([TEXT_PLACES.index(text)]) + b"\x1df" + bytes([font == "B"])
    barcodes.encode(SYSTEMS[system], payload, module)
    return settings + b"\x1dk" + bytes((SYSTEMS[system], len(payload))) + payload


def page(*parts: bytes) -> bytes:
    """ESC L, what goes on the page (`area`, text, codes), FF: the page is printed in one go."""
    return b"\x1bL" + b"".join(parts) + b"\x0c"


def area(x: int, y: int, width: int, height: int, runs: str = "right") -> bytes:
    """ESC W and ESC T: an area of the page, in dots, and where its text runs: "right", "up", "left" or "down".

    Raises:
        ValueError: a number that is not 0 to 65535, another direction.
    """
    if runs not in DIRECTIONS:
        raise ValueError(f"text runs {', '.join(DIRECTIONS)}, not {runs!r}")
    words = (_word(name, n) for name, n in (("x", x), ("y", y), ("width", width), ("height", height)))
    return b"\x1bW" + b"".join(words) + b"\x1bT" + bytes([DIRECTIONS.index(runs)])


def present(steps: int = 12, seconds: int = 0) -> bytes:
    """GS e 3 or 32: a printer with a presenter cuts the ticket and holds it out, for so many seconds (0: for ever).

    Raises:
        ValueError: steps or seconds that are not 0 to 255.
    """
    if not seconds:
        return b"\x1de\x03" + _byte("steps", steps)
    return b"\x1de\x20" + _byte("steps", steps) + _byte("seconds", seconds)


def retract() -> bytes:
    """GS e 2: the ticket in the mouth is drawn in."""
    return b"\x1de\x02"


def eject() -> bytes:
    """GS e 5: the ticket in the mouth is pushed out."""
    return b"\x1de\x05"


def raster(width_bytes: int, rows: Iterable[bytes], mode: int = 0) -> bytes:
    """GS v 0: a picture, row by row, most significant bit left, 1 = black.

    Args:
        width_bytes: bytes in a row (8 dots each).
        rows: one `bytes` of that length per row of dots.
        mode: 0 normal, 1 double width, 2 double height, 3 both.

    Raises:
        ValueError: a row of another length, more than 65535 rows or bytes in one, or another mode.
    """
    picture = list(rows)
    for i, row in enumerate(picture):
        if len(row) != width_bytes:
            raise ValueError(f"row {i} of the picture has {len(row)} bytes, not {width_bytes}")
    head = b"\x1dv0" + _byte("raster mode", mode, 0, 3)
    return head + _word("width in bytes", width_bytes) + _word("rows", len(picture)) + b"".join(picture)


def feed(lines: int = 1) -> bytes:
    """ESC d n: print what is in the line and feed n lines.

    Raises:
        ValueError: not 0 to 255.
    """
    return b"\x1bd" + _byte("lines", lines)


def feed_dots(dots: int) -> bytes:
    """ESC J n: print what is in the line and feed n dots.

    Raises:
        ValueError: not 0 to 255.
    """
    return b"\x1bJ" + _byte("dots", dots)


def line_spacing(dots: int | None = None) -> bytes:
    """ESC 3 n dots a line, or ESC 2 the default (None).

    Raises:
        ValueError: not 0 to 255.
    """
    return b"\x1b2" if dots is None else b"\x1b3" + _byte("line spacing", dots)


def cut(*, partial: bool = True, feed: int = 0) -> bytes:
    """GS V 65/66 n: feed what is printed past the knife, n dots more, and cut.

    The plain forms (`cut_here`) cut where the paper is: about 15 mm of what was printed last stays inside.

    Raises:
        ValueError: a feed that is not 0 to 255.
    """
    return b"\x1dV" + (b"\x42" if partial else b"\x41") + _byte("feed before the cut", feed)


def cut_here(*, partial: bool = False) -> bytes:
    """GS V 0/1: cut without feeding."""
    return b"\x1dV" + (b"\x01" if partial else b"\x00")


def process_id(four_ascii: bytes) -> bytes:
    """GS ( H function 48: have the printer answer `37 22 d1 d2 d3 d4 00` when all before this is on paper.

    Raises:
        ValueError: not four printable ASCII characters.
    """
    if len(four_ascii) != 4 or not all(0x20 <= c <= 0x7E for c in four_ascii):
        raise ValueError(f"a process id is four printable ASCII characters, not {four_ascii!r}")
    return b"\x1d(H\x06\x00\x30\x30" + four_ascii


def auto_status(mask: int) -> bytes:
    """GS a n: send 4 status bytes now and on every change; 0x02 online, 0x04 error, 0x08 paper; 0 is off.

    Raises:
        ValueError: not 0 to 255.
    """
    return b"\x1da" + _byte("automatic status mask", mask)


def status(n: int) -> bytes:
    """DLE EOT n: one status byte at once (1 printer, 2 off-line cause, 3 error cause, 4 paper)."""
    return b"\x10\x04" + _byte("status number", n, 1, 4)


def sensor_status(n: int = 1) -> bytes:
    """GS r n: one status byte in turn (1 paper, 2 drawer)."""
    return b"\x1dr" + _byte("sensor", n)


def identity(n: int) -> bytes:
    """GS I n: 1 model, 2 type, 3 version (one byte); 65 firmware, 66 maker, 67 model, 68 serial (blocks)."""
    return b"\x1dI" + _byte("identity number", n)


def recover(*, clear: bool = False) -> bytes:
    """DLE ENQ 1 (go on after an error at the line it stopped at) or 2 (after clearing the buffers)."""
    return b"\x10\x05" + (b"\x02" if clear else b"\x01")


def clear() -> bytes:
    """DLE DC4 function 8: clear the receive and print buffers at once; the printer answers `37 25 00`."""
    return b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"
