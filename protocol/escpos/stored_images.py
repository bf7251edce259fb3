"""Pictures that a printer keeps: logos in non-volatile memory, downloaded images, and the one in the print buffer.

FS q / FS p numbers logos, GS * / GS / keeps one image, GS ( L (GS 8 L) has keys of two characters in either memory and
a picture waiting in the print buffer [S: TM-T88III specification, FS p, FS q, GS *, GS /; programming guide 10.01,
GS ( L]. Logos survive the loss of power and ESC @; downloaded images do not.
"""

from __future__ import annotations

from typing import NamedTuple

from protocol.escpos.images import stored_picture, turned_columns
from protocol.escpos.paper import Bits

NV_SIZE = 256 * 1024
"""Bytes for logos (TM-T88III specification, section 1.8) [S]."""

DOWNLOAD_SIZE = 12 * 1024
"""Bytes for downloaded images and characters (same place) [S]."""

Key = bytes | int
"""Two characters of a key code, or the number of a logo."""


class Picture(NamedTuple):
    """One stored picture, unscaled."""

    stride: int
    rows: int
    data: bytes

    def bits(self, scale_x: int, scale_y: int, room: int) -> Bits:
        """The picture at x = 0, cut to `room` dots across."""
        keep = min(self.stride, max(1, -(-room // (8 * scale_x))))
        data = self.data
        if keep < self.stride:
            data = b"".join(data[i * self.stride : i * self.stride + keep] for i in range(self.rows))
        return Bits(0, keep, self.rows, data, scale_x, scale_y)

    @classmethod
    def of(cls, bits: Bits) -> Picture:
        """The picture of some bits, without their scale and place."""
        return cls(bits.stride, bits.rows, bits.data)


class Memory:
    """One of the printer's picture memories.

    Args:
        size: bytes it holds.
    """

    __slots__ = ("_pictures", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._pictures: dict[Key, Picture] = {}

    @property
    def room(self) -> int:
        """Free bytes."""
        return self.size - sum(len(picture.data) for picture in self._pictures.values())

    @property
    def keys(self) -> list[bytes]:
        """Key codes in use, in the order they were defined."""
        return [key for key in self._pictures if isinstance(key, bytes)]

    def get(self, key: Key) -> Picture | None:
        """The picture of a key, or None."""
        return self._pictures.get(key)

    def put(self, key: Key, picture: Picture) -> bool:
        """Define a picture, in place of the one of that key; False when there is no room."""
        old = self._pictures.pop(key, None)
        if len(picture.data) > self.room:
            if old is not None:
                self._pictures[key] = old
            return False
        self._pictures[key] = picture
        return True

    def delete(self, key: Key) -> None:
        """Forget one picture."""
        self._pictures.pop(key, None)

    def clear(self, kind: type | None = None) -> None:
        """Forget all pictures, or those whose keys are of one kind (`int`: numbered logos)."""
        self._pictures = {k: v for k, v in self._pictures.items() if kind is not None and not isinstance(k, kind)}


class StoredImages:
    """Everything a printer keeps; `waiting` is the picture in the print buffer, already scaled."""

    __slots__ = ("download", "nv", "waiting")

    def __init__(self) -> None:
        self.nv = Memory(NV_SIZE)
        self.download = Memory(DOWNLOAD_SIZE)
        self.waiting: Bits | None = None

    def forget_volatile(self) -> None:
        """ESC @ or loss of power."""
        self.download.clear()
        self.waiting = None

    def memory(self, function: int) -> Memory:
        """The memory that a function of GS ( L is about: 64 to 69 the logos, 80 to 85 the downloads."""
        return self.nv if function < 80 else self.download


DEFINE = {67: "raster", 68: "column", 83: "raster", 84: "column"}
PRINT = frozenset((69, 85))
DELETE = frozenset((66, 82))
DELETE_ALL = frozenset((65, 81))
WAIT = {112: "raster", 113: "column"}
PRINT_WAITING = frozenset((2, 50))
"""Functions of GS ( L by number."""


def defined_picture(data: bytes) -> tuple[bytes, Picture] | None:
    """What `m fn a kc1 kc2 b xL xH yL yH c d...` defines (functions 67, 68, 83, 84); None when malformed."""
    if len(data) < 12 or data[2] != 0x30 or not data[5]:
        return None
    key = data[3:5]
    x, y = data[6] | data[7] << 8, data[8] | data[9] << 8
    picture = _of_kind(DEFINE[data[1]], x, y, data[11:])
    return None if picture is None else (key, picture)


def _of_kind(kind: str, x: int, y: int, data: bytes) -> Picture | None:
    if not x or not y:
        return None
    if kind == "raster":
        stride = -(-x // 8)
        return Picture(stride, y, data[: stride * y]) if len(data) >= stride * y else None
    depth = -(-y // 8)
    if len(data) < depth * x:
        return None
    stride = -(-x // 8)
    return Picture(stride, y, turned_columns(data[: depth * x], depth)[: stride * y])


def numbered_logo(head: bytes, data: bytes) -> Picture | None:
    """One logo of FS q: `xL xH yL yH`, both in bytes, and columns of y bytes."""
    x, y = head[0] | head[1] << 8, head[2] | head[3] << 8
    return _of_kind("column", 8 * x, 8 * y, data)


def downloaded_image(head: bytes, data: bytes) -> Picture | None:
    """The image of GS *: `x y`, both in bytes, and columns of y bytes."""
    return _of_kind("column", 8 * head[0], 8 * head[1], data)


def waiting_picture(data: bytes, room: int) -> Bits | None:
    """What functions 112 and 113 put into the print buffer: `m fn a bx by c xL xH yL yH d...`, cut to `room` bytes."""
    if WAIT.get(data[1]) == "raster":
        return stored_picture(data, room)
    if len(data) < 10 or data[2] != 0x30 or data[3] not in (1, 2) or data[4] not in (1, 2):
        return None
    picture = _of_kind("column", data[6] | data[7] << 8, data[8] | data[9] << 8, data[10:])
    return None if picture is None else picture.bits(data[3], data[4], room * 8)
