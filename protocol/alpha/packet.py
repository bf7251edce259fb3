"""Alpha packets: cut out of a stream however it is split, and put together.

::

    NUL x5  SOH  type address(2) [, type address(2)]  STX command data [ETX checksum(4)]  [STX ...]  EOT

The checksum is the 16-bit sum of all from STX to ETX, both included, as four hexadecimal digits; it may be left out.
ETX announces it (protocols.md 2.2 [S], checked on the document's own example, sum 01FB [M]). Between two commands of
one packet ETX also stands without a checksum, as a published client writes it [C].

The receiver holds no time: who feeds it tells it of silences (`expire`) and of the pause before a stretch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from protocol.alpha.codes import (
    ACK,
    ALL_TYPES,
    BROADCAST,
    EOT,
    ETX,
    NAK,
    NUL,
    REPLY_WAKE_UP,
    RESPONSE,
    SOH,
    STX,
    WAKE_UP,
)

MOST_HEADER: Final = 64
"""Characters between SOH and STX that are kept; more is no header."""

MOST_DATA: Final = 32_768
"""Characters of one command that a receiver keeps unless told otherwise; a longer one is marked as overflown."""

_HEX: Final = frozenset(b"0123456789ABCDEFabcdef")
_CHECK_DIGITS: Final = 4
_TARGET: Final = 3

Check: TypeAlias = Literal["none", "good", "bad"]


class Target(NamedTuple):
    """To whom a packet goes: type code, and address as two characters."""

    type: int
    address: bytes


class Started(NamedTuple):
    """A packet's header is complete.

    Args:
        targets: to whom it goes; empty when the header cannot be read.
        wake_up: characters that went by before SOH since the last packet.
    """

    targets: tuple[Target, ...]
    wake_up: int


class Command(NamedTuple):
    """One command of a packet.

    Args:
        code: the command code; 0 when there is none.
        data: what follows it.
        check: whether it has a checksum, and a right one.
        pause: silence between its STX and its first character, ns.
        flaws: bits of what was wrong with its characters, as the feeder gave them.
        overflow: it was longer than the receiver keeps; `data` is its beginning.
    """

    code: int
    data: bytes
    check: Check = "none"
    pause: int = 0
    flaws: int = 0
    overflow: bool = False


class Ended(NamedTuple):
    """A packet is complete: EOT came."""

    commands: int


class Broken(NamedTuple):
    """A packet ended without EOT: another began, or nothing more came."""

    why: str


class Answer(NamedTuple):
    """ACK or NAK with the serial error status, as a host receives it."""

    good: bool
    status: int


Event: TypeAlias = Started | Command | Ended | Broken | Answer


def checksum(data: bytes) -> int:
    """Sum of the characters, modulo 65536; from STX to ETX, both included."""
    return sum(data) & 0xFFFF


def targets_of(header: bytes) -> tuple[Target, ...]:
    """The header between SOH and STX, taken apart; empty when it is none. Several are separated by commas [K]."""
    parts = header.split(b",")
    if any(len(part) != _TARGET for part in parts):
        return ()
    return tuple(Target(part[0], part[1:]) for part in parts)


def is_for(targets: Iterable[Target], types: frozenset[int], address: int) -> bool:
    """Whether a sign with these type codes and this address is meant.

    "00" is every address; "?" is any digit (protocols.md 2.2).
    """
    mine = b"%02X" % address
    for target in targets:
        if target.type not in ALL_TYPES and target.type not in types:
            continue
        given = target.address.upper()
        if given == BROADCAST or all(c in (ord("?"), m) for c, m in zip(given, mine, strict=True)):
            return True
    return False


class Receiver:
    """Cuts packets out of characters.

    Args:
        limit: characters of one command that are kept.
        host: also take ACK and NAK between packets, as a host does.

    Attributes:
        inside: in the middle of a packet.
        after_stx: the last character was a STX: a pause may follow.
    """

    __slots__ = (
        "_check",
        "_commands",
        "_data",
        "_flaws",
        "_host",
        "_limit",
        "_overflow",
        "_pause",
        "_state",
        "_sum",
        "_wake_up",
    )

    def __init__(self, limit: int = MOST_DATA, *, host: bool = False) -> None:
        self._limit = limit
        self._host = host
        self._state = "idle"
        self._wake_up = 0
        self._data = bytearray()
        self._check = b""
        self._begin()

    def _begin(self) -> None:
        self._data.clear()
        self._check = b""
        self._commands = 0
        self._sum = 0
        self._flaws = 0
        self._pause = 0
        self._overflow = False

    @property
    def inside(self) -> bool:
        """In the middle of a packet."""
        return self._state not in ("idle", "answer")

    @property
    def after_stx(self) -> bool:
        """The last character was a STX: a pause may follow."""
        return self._state == "stx"

    def expire(self) -> list[Event]:
        """Nothing came for too long: what was begun is dropped."""
        inside, self._state = self.inside, "idle"
        self._wake_up = 0
        self._begin()
        return [Broken("nothing more came")] if inside else []

    def feed(self, data: bytes, flaws: Mapping[int, int] | None = None, pause: int = 0) -> list[Event]:
        """Take characters.

        Args:
            data: the characters, eight bits each.
            flaws: index in `data` -> bits of what was wrong with it.
            pause: silence before the first of them, ns.

        Returns:
            What they complete, in order.
        """
        events: list[Event] = []
        for index, char in enumerate(data):
            if flaws and index in flaws:
                self._flaws |= flaws[index]
            self._take(char, events, pause if index == 0 else 0)
        return events

    def _take(self, char: int, events: list[Event], pause: int) -> None:
        state = self._state
        if state == "answer":
            events.append(Answer(self._check == bytes([ACK]), char))
            self._state = "idle"
        elif char == SOH:
            if state != "idle":
                events.append(Broken("another packet began in it"))
            self._begin()
            self._state = "header"
        elif state == "idle":
            self._between(char)
        elif char == EOT:
            self._close(events)
            events.append(Ended(self._commands))
            self._state, self._wake_up = "idle", 0
            self._begin()
        elif state == "header":
            self._header(char, events)
        elif char == STX:
            self._close(events)
            self._open()
        elif state == "check":
            self._digit(char, events)
        elif state != "after":  # after a complete command only STX, EOT and SOH mean something
            self._data_char(char, pause)

    def _between(self, char: int) -> None:
        self._flaws = 0
        if self._host and char in (ACK, NAK):
            self._state, self._check = "answer", bytes([char])
        else:
            self._wake_up += 1

    def _header(self, char: int, events: list[Event]) -> None:
        if char == STX:
            events.append(Started(targets_of(bytes(self._data)), self._wake_up))
            self._open()
        elif len(self._data) < MOST_HEADER:
            self._data.append(char)

    def _data_char(self, char: int, pause: int) -> None:
        if self._state == "stx":
            self._pause, self._state = pause, "data"
        self._sum += char
        if char == ETX:
            self._state = "check"
        elif char == NUL:
            pass  # fills time, says nothing
        elif len(self._data) < self._limit:
            self._data.append(char)
        else:
            self._overflow = True

    def _digit(self, char: int, events: list[Event]) -> None:
        self._check += bytes([char])
        if char not in _HEX:
            self._check = b"?"
        if char not in _HEX or len(self._check) == _CHECK_DIGITS:
            self._close(events)

    def _open(self) -> None:
        self._state = "stx"
        self._sum = STX
        self._data.clear()
        self._check = b""
        self._overflow = False
        self._pause = 0

    def _close(self, events: list[Event]) -> None:
        """A command is complete, if one was open."""
        state = self._state
        if state not in ("stx", "data", "check"):
            return
        self._state = "after"
        check: Check = "none"
        if self._check:
            right = len(self._check) == _CHECK_DIGITS and int(self._check, 16) == self._sum & 0xFFFF
            check = "good" if right else "bad"
        code = self._data[0] if self._data else 0
        events.append(Command(code, bytes(self._data[1:]), check, self._pause, self._flaws, self._overflow))
        self._flaws = 0
        self._commands += 1


def command(code: int, data: bytes, *, check: bool = True) -> bytes:
    """One command from STX on, with its checksum unless that is left out (then without ETX)."""
    body = bytes([STX, code]) + data
    if not check:
        return body
    body += bytes([ETX])
    return body + b"%04X" % checksum(body)


def packet(
    *commands: tuple[int, bytes],
    type_code: int = ord("Z"),
    address: bytes = BROADCAST,
    check: bool = True,
    wake_up: int = WAKE_UP,
) -> bytes:
    """A packet as a host sends it.

    Args:
        commands: (command code, data) of each.
        type_code: signs that are meant.
        address: two hexadecimal digits, "?" for any.
        check: with checksums. Several commands without are separated by ETX.
        wake_up: NULs before it.
    """
    joint = b"" if check else bytes([ETX])
    body = joint.join(command(code, data, check=check) for code, data in commands)
    return bytes(wake_up) + bytes([SOH, type_code]) + address + body + bytes([EOT])


def reply(code: int, data: bytes) -> bytes:
    """What a sign answers to a read: the code of the *write* command, and its checksum (section 6.2.2)."""
    return packet((code, data), type_code=RESPONSE, address=BROADCAST, wake_up=REPLY_WAKE_UP)


def pieces(data: bytes) -> list[bytes]:
    """A packet cut behind each STX: between two pieces a host that sends several commands pauses 100 ms [S]."""
    if data.count(STX) < 2:  # one command needs no pause
        return [data]
    cut: list[bytes] = []
    start = 0
    for index, char in enumerate(data):
        if char == STX:
            cut.append(data[start : index + 1])
            start = index + 1
    return [*cut, data[start:]]
