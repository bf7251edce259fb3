"""Reads pcapng, as far as captures of serial lines need it: our own files, and those that others made of serial lines.

Both byte orders, several sections, any time resolution; blocks that are not needed are skipped by their length, which
is checked first. Whatever is wrong is told with the place in the file; nothing of a file is believed before it is
checked, and no more than `LONGEST_BLOCK` bytes of it are in memory at once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from bench.captures.frames import CaptureFailed
from bench.captures.pcapng import INTERFACE, MAGIC, PACKET, SECTION, TAG_DISSECTOR, TAG_LABEL, UPPER_PDU

__all__ = ["Interface", "Packet", "PcapngReader", "split_upper_pdu"]

LONGEST_BLOCK: Final = 1 << 24
"""A block longer than 16 MiB is refused: no frame of a serial line is so long."""

_SIMPLE: Final = 3
_OBSOLETE: Final = 2
_OLDER: Final = tuple(bytes.fromhex(magic) for magic in ("d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d"))


class Interface(NamedTuple):
    """An interface of a file: a line.

    Args:
        name: "" when the file gives none.
        description: of it.
        linktype: LINKTYPE number.
        ticks: of a second (1,000,000 unless the file says otherwise).
        offset: seconds that are added to every time.
    """

    name: str
    description: str
    linktype: int
    ticks: int
    offset: int = 0


class Packet(NamedTuple):
    """One packet.

    Args:
        number: as Wireshark counts, from 1.
        interface: its interface, counted over all sections.
        at_ns: ns since 1970 UTC, or since what its writer counted from.
        data: as it was captured.
        inbound: which way it went; None when the file does not tell.
        comment: comments, joined by "; ".
    """

    number: int
    interface: int
    at_ns: int
    data: bytes
    inbound: bool | None
    comment: str = ""


class PcapngReader:
    """Reads one file from its start; `interfaces` grows as they are met.

    Args:
        file: binary file.
        name: what to call it in messages.

    Raises:
        CaptureFailed: it is no pcapng.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.interfaces: list[Interface] = []
        self.comment = ""
        """Comment of the first section."""
        self._file = file
        self._name = name
        self._order = "<"
        self._at = 0
        self._base = 0  # first interface of the section
        self._sections = 0
        head = file.read(12)
        if len(head) < 12 or struct.unpack("<I", head[:4])[0] != SECTION:
            hint = ""
            if head[:4] in _OLDER:
                hint = "; it is the older pcap format: convert it with `editcap -F pcapng`"
            raise CaptureFailed(f"{name}: is no pcapng file: it begins with {head[:4].hex(' ') or 'nothing'}{hint}")
        self._head = head
        self._section(head)

    def packets(self) -> Iterator[Packet]:
        """Go through the packets, once.

        Raises:
            CaptureFailed: the file is cut short or damaged from some place on; what came before was given out.
        """
        number = 0
        for kind, body in self._blocks():
            if kind == INTERFACE:
                self._interface(body)
            elif kind == PACKET:
                number += 1
                yield self._packet(number, body)
            elif kind in (_SIMPLE, _OBSOLETE):
                raise self._wrong(
                    f"it has packets of the block type {kind}, which keep no {'time' if kind == _SIMPLE else 'order'}; "
                    "write it anew with `editcap -F pcapng`"
                )

    # -- blocks -----------------------------------------------------------------------------------------------------
    def _blocks(self) -> Iterator[tuple[int, bytes]]:
        head = self._head
        while True:
            if len(head) < 12:
                if head:
                    raise self._wrong(f"it is cut short: a block begins and only {len(head)} bytes of it are there")
                return
            kind, length = struct.unpack(self._order + "II", head[:8])
            if kind == SECTION:
                length = self._section(head)
            if length < 12 or length % 4 or length > LONGEST_BLOCK:
                raise self._wrong(f"a block says that it is {length} bytes long; expected 12 to {LONGEST_BLOCK}, by 4")
            rest = self._file.read(length - 12)
            if len(rest) < length - 12:
                raise self._wrong(f"it is cut short: a block of {length} bytes has only {12 + len(rest)}")
            whole = head + rest
            if struct.unpack(self._order + "I", whole[-4:])[0] != length:
                raise self._wrong(f"the length at the end of a block is not the {length} at its start")
            body = whole[8:-4]
            if kind == SECTION:
                self._options_of_section(body)
            yield kind, body
            self._at += length
            head = self._file.read(12)

    def _section(self, head: bytes) -> int:
        magic = head[8:12]
        if magic == struct.pack("<I", MAGIC):
            self._order = "<"
        elif magic == struct.pack(">I", MAGIC):
            self._order = ">"
        else:
            raise self._wrong(f"a section's byte-order magic is {magic.hex(' ')}; expected 1a 2b 3c 4d or its reverse")
        self._base = len(self.interfaces)
        length: int = struct.unpack(self._order + "I", head[4:8])[0]
        return length

    def _options_of_section(self, body: bytes) -> None:
        if len(body) < 16:
            raise self._wrong("a section's header is shorter than it can be")
        major, _minor = struct.unpack(self._order + "HH", body[4:8])
        if major != 1:
            raise self._wrong(f"its version is {major}; this reader knows version 1")
        if not self._sections:
            self.comment = "; ".join(_text(value) for code, value in self._options(body, 16) if code == 1)
        self._sections += 1

    def _interface(self, body: bytes) -> None:
        if len(body) < 8:
            raise self._wrong("an interface's block is shorter than it can be")
        linktype, _, _snap = struct.unpack(self._order + "HHI", body[:8])
        name = description = ""
        ticks, offset = 1_000_000, 0
        for code, value in self._options(body, 8):
            if code == 2:
                name = _text(value)
            elif code == 3:
                description = _text(value)
            elif code == 9 and value:
                power = value[0] & 0x7F
                if power > (63 if value[0] & 0x80 else 18):
                    raise self._wrong(f"interface {len(self.interfaces)} has a time resolution {value[0]:#04x}")
                ticks = 2**power if value[0] & 0x80 else 10**power
            elif code == 14 and len(value) == 8:
                offset = struct.unpack(self._order + "q", value)[0]
        if len(self.interfaces) >= 65536:
            raise self._wrong("it has more than 65,536 interfaces")
        self.interfaces.append(Interface(name, description, linktype, ticks, offset))

    def _packet(self, number: int, body: bytes) -> Packet:
        if len(body) < 20:
            raise self._wrong(f"the block of packet {number} is shorter than it can be")
        local, high, low, captured, _original = struct.unpack(self._order + "IIIII", body[:20])
        interface = self._base + local
        if interface >= len(self.interfaces):
            raise self._wrong(
                f"packet {number} is of interface {local}, but its section has {len(self.interfaces) - self._base}"
            )
        if captured > len(body) - 20:
            raise self._wrong(f"packet {number} says that it has {captured} bytes; its block has {len(body) - 20}")
        facts = self.interfaces[interface]
        at = (high << 32 | low) * 1_000_000_000 // facts.ticks + facts.offset * 1_000_000_000
        inbound: bool | None = None
        comments = []
        for code, value in self._options(body, 20 + captured + -captured % 4):
            if code == 1:
                comments.append(_text(value))
            elif code == 2 and len(value) == 4:
                inbound = {1: True, 2: False}.get(struct.unpack(self._order + "I", value)[0] & 3)
        return Packet(number, interface, at, body[20 : 20 + captured], inbound, "; ".join(comments))

    def _options(self, body: bytes, at: int) -> Iterator[tuple[int, bytes]]:
        while at + 4 <= len(body):
            code, length = struct.unpack(self._order + "HH", body[at : at + 4])
            if code == 0:
                return
            if at + 4 + length > len(body):
                raise self._wrong(f"an option says that it has {length} bytes; its block has {len(body) - at - 4}")
            yield code, body[at + 4 : at + 4 + length]
            at += 4 + length + -length % 4

    def _wrong(self, what: str) -> CaptureFailed:
        return CaptureFailed(f"{self._name}: {what} (at byte {self._at})")


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace")


def split_upper_pdu(data: bytes) -> tuple[str, str, bytes]:
    """A packet of link type 252 as its dissector's name, its label, and the bytes of the line.

    Raises:
        ValueError: its tags do not end.
    """
    names = {TAG_DISSECTOR: "", TAG_LABEL: ""}
    at = 0
    while at + 4 <= len(data):
        tag, length = struct.unpack(">HH", data[at : at + 4])
        at += 4
        if tag == 0:
            return names[TAG_DISSECTOR], names[TAG_LABEL], data[at + length :]
        if tag in names:
            names[tag] = _text(data[at : at + length])
        at += length
    raise ValueError("the tags of an exported PDU do not end")


def line_bytes(packet: Packet, interface: Interface) -> bytes:
    """The characters that a packet has of its line, whatever stands before them.

    Raises:
        ValueError: the tags of link type 252 do not end.
    """
    return split_upper_pdu(packet.data)[2] if interface.linktype == UPPER_PDU else packet.data
