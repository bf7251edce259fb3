"""Pictures inside the stream: raster rows as they come, bit images turned from columns to rows.

Data arrives in chunks and may announce far more than any paper holds, so nothing is kept beyond the printable width,
and raster rows are handed on as soon as they are complete.
"""

from __future__ import annotations

from protocol.escpos.paper import Bits


class RasterRows:
    """GS v 0: rows of `stride` bytes, cut to the width of the paper.

    Args:
        stride: bytes in a row, as announced.
        keep: bytes of a row that the paper has room for.
        scale_x: dots across for each dot.
        scale_y: dots down for each dot.
    """

    __slots__ = ("_held", "keep", "scale_x", "scale_y", "stride")

    def __init__(self, stride: int, keep: int, scale_x: int, scale_y: int) -> None:
        self.stride = stride
        self.keep = min(stride, keep)
        self.scale_x = scale_x
        self.scale_y = scale_y
        self._held = bytearray()

    def take(self, data: bytes) -> Bits | None:
        """The rows that this chunk completes, at x = 0; None if it completes none."""
        held = self._held
        held += data
        rows = len(held) // self.stride
        if not rows:
            return None
        if self.keep == self.stride:
            picture = bytes(held[: rows * self.stride])
        else:
            picture = b"".join(held[i * self.stride : i * self.stride + self.keep] for i in range(rows))
        del held[: rows * self.stride]
        return Bits(0, self.keep, rows, picture, self.scale_x, self.scale_y)


class Columns:
    """ESC *: columns of 1 or 3 bytes, uppermost dot first.

    Args:
        mode: 0 and 1 are 8 dots high, 32 and 33 are 24; 0 and 32 have half the density across.
        room: dots from the print position to the right edge.
    """

    __slots__ = ("_held", "_most", "depth", "scale_x", "scale_y")

    def __init__(self, mode: int, room: int) -> None:
        self.depth = 1 if mode in (0, 1) else 3
        self.scale_x = 2 if mode in (0, 32) else 1
        self.scale_y = 3 if self.depth == 1 else 1  # 8 dots at 60 dpi cover the same 24 dots
        self._most = max(0, room // self.scale_x) * self.depth
        self._held = bytearray()

    def take(self, data: bytes) -> None:
        """Keep a chunk; what lies beyond the right edge is not printed."""
        if len(self._held) < self._most:
            self._held += data[: self._most - len(self._held)]

    def bits(self, x: int) -> tuple[Bits, int] | None:
        """The picture and its width in dots; None when it has no column."""
        columns = len(self._held) // self.depth
        if not columns:
            return None
        data = turned_columns(bytes(self._held[: columns * self.depth]), self.depth)
        stride = -(-columns // 8)
        return Bits(x, stride, self.depth * 8, data, self.scale_x, self.scale_y), columns * self.scale_x


_BIT = tuple(bytes(0x31 if value >> (7 - bit) & 1 else 0x30 for value in range(256)) for bit in range(8))


def turned_columns(data: bytes, depth: int) -> bytes:
    """Columns of `depth` bytes, uppermost dot first, as rows of dots from above, each padded to whole bytes."""
    columns = len(data) // depth
    stride = -(-columns // 8)
    pad = stride * 8 - columns
    rows: list[bytes] = []
    for part in range(depth):
        band = data[part : columns * depth : depth]
        if not any(band):
            rows.append(bytes(8 * stride))
            continue
        # Each dot becomes a digit: the row is then one binary number.
        rows += ((int(band.translate(digits), 2) << pad).to_bytes(stride, "big") for digits in _BIT)
    return b"".join(rows)


def stored_picture(function: bytes, room: int) -> Bits | None:
    """The picture of GS ( L function 112: `30 70 30 bx by c xL xH yL yH d` (x in dots), cut to `room` bytes across."""
    if len(function) < 10 or function[2] != 0x30:
        return None
    scale_x, scale_y = function[3], function[4]
    stride = -(-(function[6] | function[7] << 8) // 8)
    rows = function[8] | function[9] << 8
    data = function[10:]
    if scale_x not in (1, 2) or scale_y not in (1, 2) or not stride or not rows or len(data) < stride * rows:
        return None
    keep = min(stride, room)
    if keep < stride:
        data = b"".join(data[i * stride : i * stride + keep] for i in range(rows))
    return Bits(0, keep, rows, data[: keep * rows], scale_x, scale_y)
