"""OSDP (IEC 60839-11-5) in clear mode: packets, codes, and the data of the commands a keypad has.

Sources: protocols.md 3.2, which has them from libosdp (Apache-2.0) [C], captured between two programs [M]; what is from
the standard without its text having been open is marked [K] there. No secure channel: packets with a security block are
read, so that they can be refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from struct import Struct
from types import MappingProxyType
from typing import Final, NamedTuple

from protocol.checks import crc16_osdp, lrc8

SOM: Final = 0x53
BROADCAST: Final = 0x7F
REPLY: Final = 0x80
"""Set in the address of whatever a device says."""

MOST_BYTES: Final = 1440
"""Longest packet that is taken for one (the standard's limit for the receive buffer, [K])."""

_CRC, _SECURITY = 0x04, 0x08
_HEAD: Final = 5
_LED: Final = Struct("<BBBBBBBHBBBBB")


class Command(IntEnum):
    """What a control panel says."""

    POLL = 0x60
    ID = 0x61
    CAP = 0x62
    LSTAT = 0x64
    ISTAT = 0x65
    OSTAT = 0x66
    RSTAT = 0x67
    OUT = 0x68
    LED = 0x69
    BUZ = 0x6A
    TEXT = 0x6B
    COMSET = 0x6E
    KEYSET = 0x75
    CHLNG = 0x76
    SCRYPT = 0x77
    ACURXSIZE = 0x7B
    ABORT = 0xA2
    KEEPACTIVE = 0xA7


class Answer(IntEnum):
    """What a device says."""

    ACK = 0x40
    NAK = 0x41
    PDID = 0x45
    PDCAP = 0x46
    LSTATR = 0x48
    RSTATR = 0x4B
    KEYPAD = 0x53
    COM = 0x54
    BUSY = 0x79


class Nak(IntEnum):
    """Why a command is refused."""

    CHECK = 1
    LENGTH = 2
    UNKNOWN = 3
    SEQUENCE = 4
    SECURE_UNSUPPORTED = 5
    SECURITY = 6
    CANNOT = 9


COLOURS: Final = ("off", "red", "green", "amber", "blue")
"""Colours of a lamp by their number."""

BAUDS: Final = (9600, 19200, 38400, 57600, 115200, 230400)
"""Speeds that COMSET can choose."""

KEYS: Final[Mapping[str, int]] = MappingProxyType({**{str(n): 0x30 + n for n in range(10)}, "*": 0x7F, "#": 0x0D})
"""Key -> its byte in a KEYPAD reply ([K])."""


class Packet(NamedTuple):
    """One packet.

    Args:
        address: 0..126, 127 for everybody.
        reply: it comes from a device.
        sequence: 0 begins anew, then 1, 2, 3, 1 ...
        crc: its check is the CRC, not the sum.
        code: command or reply.
        data: what follows the code.
        security: the security block; empty in clear mode.
    """

    address: int
    reply: bool
    sequence: int
    crc: bool
    code: int
    data: bytes = b""
    security: bytes = b""

    def wire(self, *, mark: bool = False) -> bytes:
        """The packet as it goes on the line.

        Args:
            mark: a byte FF before it, which some receivers want to wake up.
        """
        size = _HEAD + len(self.security) + 1 + len(self.data) + (2 if self.crc else 1)
        control = self.sequence | (_CRC if self.crc else 0) | (_SECURITY if self.security else 0)
        head = bytes((SOM, self.address | (REPLY if self.reply else 0), size & 0xFF, size >> 8, control))
        body = head + self.security + bytes((self.code,)) + self.data
        check = crc16_osdp(body).to_bytes(2, "little") if self.crc else bytes((lrc8(body),))
        return (b"\xff" if mark else b"") + body + check


class Bad(NamedTuple):
    """A packet whose check does not fit; its head is what it says, if it is not that which is damaged."""

    address: int
    reply: bool
    sequence: int
    crc: bool


class Reader:
    """Cuts a line into packets.

    Bytes that begin none are passed over; a packet with a bad check is told and looked through for another begin; an
    incomplete one waits until `gap`. Memory is bounded by the longest packet, and nothing raises.
    """

    __slots__ = ("_buf",)

    def __init__(self) -> None:
        self._buf = b""

    @property
    def pending(self) -> bool:
        """Whether an incomplete packet waits."""
        return bool(self._buf)

    def gap(self) -> list[Packet | Bad]:
        """The line was silent: what waits will not be completed, but a whole packet may stand inside it."""
        found: list[Packet | Bad] = []
        while self._buf:
            rest, self._buf = self._buf[1:], b""
            found += self.feed(rest)
        return found

    def feed(self, data: bytes) -> list[Packet | Bad]:
        """Take characters; give the packets that are complete now."""
        buf = self._buf + data if self._buf else data
        found: list[Packet | Bad] = []
        at, end = 0, len(buf)
        while True:
            at = buf.find(SOM, at)
            if at < 0 or end - at < _HEAD:
                break
            size = buf[at + 2] | buf[at + 3] << 8
            control = buf[at + 4]
            crc = bool(control & _CRC)
            least = _HEAD + 1 + (2 if crc else 1)
            if not least <= size <= MOST_BYTES or control & 0xF0:
                at += 1
                continue
            if end - at < size:
                break
            item = _parsed(buf[at : at + size], crc)
            if item is None:
                at += 1
                continue
            found.append(item)
            at += 1 if isinstance(item, Bad) else size
        self._buf = b"" if at < 0 else buf[at:]
        return found


def _parsed(raw: bytes, crc: bool) -> Packet | Bad | None:
    address, sequence = raw[1] & 0x7F, raw[4] & 0x03
    reply = bool(raw[1] & REPLY)
    if crc:
        sound = crc16_osdp(raw[:-2]) == raw[-2] | raw[-1] << 8
    else:
        sound = sum(raw) & 0xFF == 0
    if not sound:
        return Bad(address, reply, sequence, crc)
    at = _HEAD
    security = b""
    if raw[4] & _SECURITY:
        size = raw[_HEAD]
        if size < 2 or _HEAD + size >= len(raw) - (2 if crc else 1):
            return None
        security = raw[_HEAD : _HEAD + size]
        at += size
    return Packet(address, reply, sequence, crc, raw[at], raw[at + 1 : -2 if crc else -1], security)


class Lamp(NamedTuple):
    """What an LED command says of one lamp; times in ms, colours as in `COLOURS`.

    Args:
        reader, led: which one.
        temporary: 0 leave, 1 end it, 2 set it.
        temp_on, temp_off: blink times of the temporary state.
        temp_colours: colour while on, and while off.
        lasts: of the temporary state.
        permanent: 0 leave, 1 set it.
        on, off: blink times of the permanent state.
        colours: colour while on, and while off.
    """

    reader: int
    led: int
    temporary: int
    temp_on: int
    temp_off: int
    temp_colours: tuple[int, int]
    lasts: int
    permanent: int
    on: int
    off: int
    colours: tuple[int, int]


def parse_lamps(data: bytes) -> list[Lamp] | None:
    """The lamps of an LED command, 14 bytes each; None when the length is wrong."""
    if not data or len(data) % _LED.size:
        return None
    made = []
    for reader, led, temp, on, off, c1, c2, timer, perm, p_on, p_off, p1, p2 in _LED.iter_unpack(data):
        temporary = (temp, 100 * on, 100 * off, (c1, c2), 100 * timer)
        made.append(Lamp(reader, led, *temporary, perm, 100 * p_on, 100 * p_off, (p1, p2)))
    return made


def lamp(colour: int, *, led: int = 0, lasts_ms: int | None = None) -> bytes:
    """The data of an LED command that sets one lamp steadily, for a time or for good."""
    if lasts_ms is None:
        return _LED.pack(0, led, 0, 0, 0, 0, 0, 0, 1, 1, 0, colour, colour)
    return _LED.pack(0, led, 2, 2, 2, colour, 0, lasts_ms // 100, 0, 0, 0, 0, 0)
