"""Status bytes of ESC/POS printers, from both sides (protocols.md 4.3).

A printer's side: `Condition` -> `real_time`, `automatic`, `sensor`. A host's side: `parse_replies` splits what comes
back by pattern: automatic status `0xx1xx00` + 3 bytes, DLE EOT `0xx1xx10`, XON 11, XOFF 13, GS r / GS I `0xx0xxxx`,
blocks that start with 37 / 3B / 3D / 5F and end with 00. XON and XOFF may stand inside the longer ones.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

XON, XOFF = 0x11, 0x13


class Condition(NamedTuple):
    """How a printer is, as far as its status bytes tell.

    Attributes:
        drawer_high: level of the drawer line (high on a printer without a drawer).
        offline: does not print.
        waiting: waits to be put on line again.
        feed_button: the button is held.
        feeding: paper is being fed by the button.
        cover_open: the cover is open.
        stopped: printing has stopped because the paper is out.
        recoverable: a mechanical error that a command can clear, other than the cutter's.
        cutter_error: the cutter did not come back.
        unrecoverable: a defect.
        auto_recoverable: an error that goes by itself (head hot, cover opened while printing).
        near_end: the roll is nearly used up.
        paper_end: there is no paper.
        head_hot: the head is too hot to print.
        jam: paper is jammed.
        ticket_out: a ticket waits in the mouth of a presenter.
        motor_on: the paper motor runs.
    """

    drawer_high: bool = True
    offline: bool = False
    waiting: bool = False
    feed_button: bool = False
    feeding: bool = False
    cover_open: bool = False
    stopped: bool = False
    recoverable: bool = False
    cutter_error: bool = False
    unrecoverable: bool = False
    auto_recoverable: bool = False
    near_end: bool = False
    paper_end: bool = False
    head_hot: bool = False
    jam: bool = False
    ticket_out: bool = False
    motor_on: bool = False

    @property
    def error(self) -> bool:
        """Any error at all."""
        return self.recoverable or self.cutter_error or self.unrecoverable or self.auto_recoverable


REAL_TIME: dict[int, tuple[tuple[str, int], ...]] = {
    1: (("drawer_high", 0x04), ("offline", 0x08), ("waiting", 0x20), ("feed_button", 0x40)),
    2: (("cover_open", 0x04), ("feeding", 0x08), ("stopped", 0x20), ("error", 0x40)),
    3: (("recoverable", 0x04), ("cutter_error", 0x08), ("unrecoverable", 0x20), ("auto_recoverable", 0x40)),
    4: (("near_end", 0x0C), ("paper_end", 0x60)),
}
"""DLE EOT n: the bits of the one byte, on top of `12` (bits 1 and 4 are always set)."""

AUTOMATIC: tuple[tuple[tuple[str, int], ...], ...] = (
    (("drawer_high", 0x04), ("offline", 0x08), ("cover_open", 0x20), ("feeding", 0x40)),
    (
        ("waiting", 0x01),
        ("feed_button", 0x02),
        ("recoverable", 0x04),
        ("cutter_error", 0x08),
        ("unrecoverable", 0x20),
        ("auto_recoverable", 0x40),
    ),
    (("near_end", 0x03), ("paper_end", 0x0C)),
    (),
)
"""GS a: the bits of the four bytes; bit 4 of the first is always set."""

CLASSES: dict[int, tuple[str, ...]] = {
    0x01: ("drawer_high",),
    0x02: ("offline", "cover_open", "waiting"),
    0x04: ("recoverable", "cutter_error", "unrecoverable", "auto_recoverable"),
    0x08: ("near_end", "paper_end"),
    0x40: ("feed_button", "feeding"),
}
"""GS a: which changes each bit of the mask reports."""

KIOSK_PRINT_STATUS = (("motor_on", 0x04), ("stopped", 0x20))
"""DLE EOT 17 of a kiosk printer (Pyramid Reliance, "Real Time Status", n = 17) [S]."""

KIOSK_FULL: tuple[tuple[tuple[str, int], ...], ...] = (
    (("paper_end", 0x01), ("near_end", 0x04), ("ticket_out", 0x20)),
    (("cover_open", 0x03), ("motor_on", 0x08), ("feed_button", 0x20)),
    (("head_hot", 0x01), ("jam", 0x40)),
    (("cutter_error", 0x01),),
)
"""DLE EOT 20 of a kiosk printer: the four bytes after `10 0F` (Pyramid Reliance, n = 20; Custom KPM150H) [S]."""

EJECTOR = (
    ("near_end", 0x01),
    ("ticket_out", 0x08),
    ("motor_on", 0x10),
    ("error", 0x40),
    ("jam", 0x80),
)
"""GS e 6: the ejector's byte (Pyramid Reliance, "Ejector", state byte table) [S]; bit 2 is paper at the entry."""

SENSOR: tuple[tuple[str, int], ...] = (("near_end", 0x03), ("paper_end", 0x0C))
"""GS r 1 and ESC v."""


def _byte(base: int, bits: tuple[tuple[str, int], ...], condition: Condition) -> int:
    for name, bit in bits:
        if getattr(condition, name):
            base |= bit
    return base


def real_time(n: int, condition: Condition) -> bytes:
    """The answer to DLE EOT n; empty for an n other than 1 to 4."""
    bits = REAL_TIME.get(n)
    return b"" if bits is None else bytes([_byte(0x12, bits, condition)])


def kiosk_real_time(n: int, condition: Condition) -> bytes:
    """The answer of a kiosk printer with a presenter to DLE EOT n: 17 and 20 besides 1 to 4."""
    if n == 17:
        return bytes([_byte(0x12, KIOSK_PRINT_STATUS, condition)])
    if n == 20:
        return b"\x10\x0f" + bytes(_byte(0, bits, condition) for bits in KIOSK_FULL)
    return real_time(n, condition)


def ejector(condition: Condition) -> bytes:
    """The answer to GS e 6."""
    return bytes([_byte(0x00 if condition.paper_end else 0x04, EJECTOR, condition)])


def automatic(condition: Condition) -> bytes:
    """The four bytes of the automatic status."""
    return bytes(_byte(0x10 if i == 0 else 0, bits, condition) for i, bits in enumerate(AUTOMATIC))


def sensor(n: int, condition: Condition) -> bytes:
    """The answer to GS r n: 1 paper, 2 drawer (also as the digits 31 and 32); empty for another n."""
    if n in (1, 0x31):
        return bytes([_byte(0, SENSOR, condition)])
    if n in (2, 0x32):
        return bytes([condition.drawer_high])
    return b""


def changed(mask: int, before: Condition, after: Condition) -> bool:
    """Whether something changed that a GS a mask reports."""
    return before != after and any(  # a printer asks at its every step, and nearly always nothing did
        mask & bit and any(getattr(before, name) != getattr(after, name) for name in names)
        for bit, names in CLASSES.items()
    )


# -- the host's side ------------------------------------------------------------------------------------------------
class Flow(NamedTuple):
    """XON (ready) or XOFF (busy)."""

    ready: bool


class AutoStatus(NamedTuple):
    """Four bytes of automatic status, and what they say."""

    raw: bytes
    condition: Condition


class RealTime(NamedTuple):
    """The answer to a DLE EOT; `of(n)` reads it, n being the one that was asked."""

    value: int

    def of(self, n: int) -> frozenset[str]:
        """Names of the conditions that hold, as `Condition` calls them.

        Raises:
            ValueError: n is not 1 to 4.
        """
        if n not in REAL_TIME:
            raise ValueError(f"DLE EOT n has n 1 to 4, not {n}")
        return frozenset(name for name, bit in REAL_TIME[n] if self.value & bit == bit)


class Plain(NamedTuple):
    """One byte `0xx0xxxx`: the answer to GS r or GS I 1/2/3."""

    value: int


class Confirmed(NamedTuple):
    """`37 22 id 00`: everything before that process id is on paper."""

    id: bytes


class Cleared(NamedTuple):
    """`37 25 00`: the buffers are empty."""


class Block(NamedTuple):
    """Any other block: header (37, 3B, 3D or 5F) and what stands before the closing 00; 3B 30 00 is power-off."""

    header: int
    data: bytes


class Stray(NamedTuple):
    """A byte that fits no reply."""

    value: int


ReplyEvent: TypeAlias = Flow | AutoStatus | RealTime | Plain | Confirmed | Cleared | Block | Stray

BLOCK_LIMIT = 96
"""A block longer than a printer's send buffer (99 bytes) is no block: its header is a stray byte."""

_HEADERS = frozenset(b"\x37\x3b\x3d\x5f")
_FLOW = frozenset((XON, XOFF))


def parse_replies(buf: bytes) -> tuple[list[ReplyEvent], bytes]:
    """Split host-bound bytes into replies.

    Args:
        buf: what was left over last time, followed by what came since.

    Returns:
        The replies in order, and the bytes of one that is not complete yet (never more than `BLOCK_LIMIT`). XON and
        XOFF are told at once, also from inside a reply, which is then left over without them.
    """
    events: list[ReplyEvent] = []
    i = 0
    while i < len(buf):
        value = buf[i]
        if value in _FLOW:
            events.append(Flow(value == XON))
            i += 1
        elif value in _HEADERS:
            done, i, rest = _take(buf, i, events, block=True)
            if not done:
                return events, rest
        elif value & 0x93 == 0x10:
            done, i, rest = _take(buf, i, events, block=False)
            if not done:
                return events, rest
        elif value & 0x93 == 0x12:
            events.append(RealTime(value))
            i += 1
        elif value & 0x90 == 0x00:
            events.append(Plain(value))
            i += 1
        else:
            events.append(Stray(value))
            i += 1
    return events, b""


def _take(buf: bytes, start: int, events: list[ReplyEvent], *, block: bool) -> tuple[bool, int, bytes]:
    """One reply of several bytes from `start`: (whether it is settled, where to go on, what is left over if not)."""
    body = bytearray(buf[start : start + 1])
    flow: list[ReplyEvent] = []
    for i in range(start + 1, len(buf)):
        value = buf[i]
        if value in _FLOW:
            flow.append(Flow(value == XON))
            continue
        body.append(value)
        if block and value == 0:
            events += [*flow, _block(bytes(body))]
            return True, i + 1, b""
        if len(body) > BLOCK_LIMIT or (not block and value & 0x90):
            break  # what began here was no such reply
        if not block and len(body) == 4:
            events += [*flow, AutoStatus(bytes(body), _condition(body))]
            return True, i + 1, b""
    else:
        events += flow
        return False, len(buf), bytes(body)
    events.append(Stray(buf[start]))
    return True, start + 1, b""


def _block(body: bytes) -> ReplyEvent:
    if body[:2] == b"\x37\x22" and len(body) == 7:
        return Confirmed(body[2:6])
    if body == b"\x37\x25\x00":
        return Cleared()
    return Block(body[0], body[1:-1])


def _condition(four: bytes | bytearray) -> Condition:
    found: dict[str, bool] = {}
    for value, bits in zip(four, AUTOMATIC, strict=True):
        for name, bit in bits:
            found[name] = value & bit == bit
    return Condition(**found, stopped=found["paper_end"] and found["offline"])
