"""Pictures on paper: raster, bit images, graphics, logos and downloaded images (protocols.md 4.1).

Sources: TM-T88III specification, GS v 0, ESC *, GS *, GS /, FS p, FS q [S]; Epson's reference of GS ( L and GS 8 L [K].
FS p, FS q and GS v 0 are not available in page mode (same specification, ESC L). The real printer restarts after FS q;
this one does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from protocol.escpos import stored_images
from protocol.escpos.images import Columns, RasterRows
from protocol.escpos.paper import Action, Bits
from protocol.escpos.stored_images import Picture
from protocol.escpos.tokenizer import Token

if TYPE_CHECKING:
    from protocol.escpos.composer import Composer

STREAMED = frozenset(("GS v 0", "ESC *"))
"""Commands whose data is printed as it comes."""


def _raster(composer: Composer, token: Token) -> list[Action]:
    """GS v 0 m xL xH yL yH d...: x in bytes."""
    mode = token.head[0] & 0x0F
    stride = int.from_bytes(token.head[1:3], "little")
    if composer.page_mode:
        composer.warn("GS v 0 is not available in page mode; it was passed over")
        return []
    if not stride or mode > 3 or not composer.at_line_start("GS v 0 (raster image)"):
        return []
    scale_x, scale_y = 2 if mode & 1 else 1, 2 if mode & 2 else 1
    rows = RasterRows(stride, -(-composer.width // (8 * scale_x)), scale_x, scale_y)

    def take(part: Token) -> list[Action]:
        bits = rows.take(part.data)
        return composer.block(bits) if bits is not None else []

    if token.follows:
        composer.sink = take
        return []
    return take(token)


def _bit_image(composer: Composer, token: Token) -> list[Action]:
    """ESC * m nL nH d...: columns, among the characters of the line."""
    if len(token.head) < 3:
        composer.warn(f"ESC * has no mode {token.head[0]}")
        return []
    columns = Columns(token.head[0], composer.width - composer.x)

    def take(part: Token) -> list[Action]:
        columns.take(part.data)
        if not part.follows and (found := columns.bits(composer.x)) is not None:
            composer.append(*found)
        return []

    if token.follows:
        composer.sink = take
        return []
    return take(token)


def _scale(mode: int) -> tuple[int, int] | None:
    mode = mode - 0x30 if mode >= 0x30 else mode
    return (2 if mode & 1 else 1, 2 if mode & 2 else 1) if mode <= 3 else None


def _print(composer: Composer, bits: Bits) -> list[Action]:
    """A picture that was kept; the bytes that say so have it inside."""
    x = min(0xFFFF, bits.stride * 8)
    head = bytes((0x30, 112, 0x30, bits.scale_x, bits.scale_y, 0x31))
    body = head + x.to_bytes(2, "little") + bits.rows.to_bytes(2, "little") + bits.data
    composer.told = b"\x1d8L" + len(body).to_bytes(4, "little") + body + b"\x1d(L\x02\x00\x30\x32"
    return composer.block(bits)


def _print_kept(composer: Composer, picture: Picture | None, scale: tuple[int, int] | None, what: str) -> list[Action]:
    composer.told = b""
    if picture is None or scale is None:
        composer.warn(f"{what}: no such picture is stored; nothing is printed for it")
        return []
    if not composer.at_line_start(what):
        return []
    return _print(composer, picture.bits(*scale, room=composer.width))


def _keep(composer: Composer, memory: stored_images.Memory, key: stored_images.Key, picture: Picture | None) -> None:
    composer.told = b""
    if picture is None:
        composer.warn("a picture of another kind, or shorter than announced, is not stored")
    elif not memory.put(key, picture):
        composer.warn(f"the printer's picture memory ({memory.size} bytes) is full; the picture is not stored")


def _define_logos(composer: Composer, _: Token) -> list[Action]:
    """FS q n: all numbered logos are defined anew; they follow."""
    composer.told = b""
    if not composer.page_mode:
        composer.images.nv.clear(int)
    return []


def _define_logo(composer: Composer, token: Token) -> list[Action]:
    nv = composer.images.nv
    number = 1
    while nv.get(number) is not None:
        number += 1
    _keep(composer, nv, number, None if composer.page_mode else stored_images.numbered_logo(token.head, token.data))
    return []


def _print_logo(composer: Composer, token: Token) -> list[Action]:
    """FS p n m."""
    if composer.page_mode:
        composer.warn("FS p is not available in page mode; it was passed over")
        return []
    picture = composer.images.nv.get(token.head[0])
    return _print_kept(composer, picture, _scale(token.head[1]), f"FS p (logo {token.head[0]})")


def _download(composer: Composer, token: Token) -> list[Action]:
    """GS * x y d..."""
    _keep(composer, composer.images.download, 0, stored_images.downloaded_image(token.head, token.data))
    return []


def _print_download(composer: Composer, token: Token) -> list[Action]:
    """GS / m."""
    picture = composer.images.download.get(0)
    return _print_kept(composer, picture, _scale(token.head[0]), "GS / (downloaded image)")


def _graphics(composer: Composer, token: Token) -> list[Action]:
    """GS ( L and GS 8 L, by function number."""
    data, images = token.data, composer.images
    if len(data) < 2 or data[0] != 0x30:
        return []
    function = data[1]
    if function in stored_images.WAIT:
        composer.told = b""
        images.waiting = stored_images.waiting_picture(data, -(-composer.width // 8))
        if images.waiting is None:
            composer.warn("GS ( L (graphics): a picture of another kind, or shorter than announced; not stored")
    elif function in stored_images.PRINT_WAITING and images.waiting is not None:
        if composer.at_line_start("GS ( L (graphics)"):
            waiting, images.waiting = images.waiting, None
            return _print(composer, waiting)
    elif function in stored_images.DEFINE:
        key, picture = stored_images.defined_picture(data) or (b"", None)
        _keep(composer, images.memory(function), key, picture)
    elif function in stored_images.PRINT and len(data) >= 6:
        scale = (data[4], data[5]) if data[4] in (1, 2) and data[5] in (1, 2) else None
        what = f"GS ( L (picture {data[2:4].decode('latin-1')!r})"
        return _print_kept(composer, images.memory(function).get(data[2:4]), scale, what)
    elif function in stored_images.DELETE:
        composer.told = b""
        images.memory(function).delete(data[2:4])
    elif function in stored_images.DELETE_ALL and data[2:5] == b"CLR":
        composer.told = b""
        images.memory(function).clear()
    return []


COMMANDS: dict[str, Callable[[Composer, Token], list[Action]]] = {
    "GS v 0": _raster,
    "ESC *": _bit_image,
    "GS ( L": _graphics,
    "GS 8 L": _graphics,
    "FS q": _define_logos,
    "FS q image": _define_logo,
    "FS p": _print_logo,
    "GS *": _download,
    "GS /": _print_download,
}
