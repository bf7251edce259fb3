"""Writes pcapng: serial lines as interfaces, frames as packets that Wireshark dissects without any settings.

The block format is that of draft-ietf-opsawg-pcapng (sections 4.1 to 4.3) [A], always little-endian, one section. A
serial frame has no link layer of its own, so by default an interface has link type 252 (Wireshark Upper PDU): every
packet begins with a few tags that name the dissector, then come the bytes of the line, check sum included
(ecosystem.md section 6, checked with tshark 4.0).

The same calls give the same bytes: nothing of the machine, the user or the present time goes into a file.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

from bench.reports.wording import printable

__all__ = ["RAW_SERIAL", "UPPER_PDU", "PcapngWriter", "upper_pdu"]

UPPER_PDU: Final = 252
"""Link type LINKTYPE_WIRESHARK_UPPER_PDU."""

RAW_SERIAL: Final = 147
"""Link type LINKTYPE_USER0: bare bytes, which Wireshark shows once it is told what they are."""

MAGIC: Final = 0x1A2B3C4D
SECTION: Final = 0x0A0D0D0A
INTERFACE: Final = 1
PACKET: Final = 6

LONGEST: Final = 1 << 18
"""Longest packet, bytes: Wireshark refuses more (WTAP_MAX_PACKET_SIZE_STANDARD)."""

TAG_DISSECTOR: Final = 12
TAG_LABEL: Final = 33

_COMMENT = 1  # an option of every block
_USED_BY = 4  # of a section: the program
_NAME = 2  # of an interface
_DESCRIPTION = 3
_RESOLUTION = 9
_FLAGS = 2  # of a packet
_TEXT_MAX = 0xFFFC  # an option's length is 16 bits, and it is padded to four

_PACKET = struct.Struct("<IIIIIII")
_FLAG = {True: struct.pack("<HHI", _FLAGS, 4, 1), False: struct.pack("<HHI", _FLAGS, 4, 2), None: b""}
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")
_END = bytes(4)


def upper_pdu(dissector: str, label: str = "") -> bytes:
    """The tags that stand before the bytes of a line in a packet of link type 252.

    Args:
        dissector: Wireshark's name for it: "mbrtu", "data", or the name that a Lua dissector registers.
        label: text for the protocol column, for what is shown as raw bytes.

    Returns:
        Big-endian tags of type, length and value padded to four bytes, with the end tag.
    """
    tags = [(TAG_DISSECTOR, dissector)] + ([(TAG_LABEL, label)] if label else [])
    parts = []
    for tag, text in tags:
        value = printable(text).encode("utf-8", "replace")[:0xFF]
        value += bytes(4 - len(value) % 4)  # always a zero at the end: these are C strings
        parts.append(struct.pack(">HH", tag, len(value)) + value)
    return b"".join(parts) + _END


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + _PADDING[len(value) % 4]


def _text(code: int, text: str) -> bytes:
    if not text:
        return b""
    data = printable(text).encode("utf-8", "replace")
    if len(data) > _TEXT_MAX:
        data = data[: _TEXT_MAX - 3].decode("utf-8", "ignore").encode() + b"..."
    return _option(code, data)


def _block(kind: int, body: bytes) -> bytes:
    length = 12 + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


class PcapngWriter:
    """Writes one capture, packet by packet; it keeps nothing in memory.

    Args:
        out: binary file, the caller's to close and to buffer.
        tool: name and version of the program, for the section's header.
        comment: what the capture is of.
        epoch_ns: ns from 1970-01-01 UTC to the instant from which packets count, for example the local midnight of
            the hall's date; 0 leaves times as they are given.
    """

    def __init__(self, out: BinaryIO, *, tool: str, comment: str = "", epoch_ns: int = 0) -> None:
        self.packets = 0
        """Packets written so far."""
        self._out = out
        self._epoch = epoch_ns
        self._headers: list[bytes] = []
        options = _text(_COMMENT, comment) + _text(_USED_BY, tool) + _END
        self._out.write(_block(SECTION, struct.pack("<IHHq", MAGIC, 1, 0, -1) + options))

    def add_interface(
        self,
        name: str,
        *,
        linktype: int = UPPER_PDU,
        description: str = "",
        dissector: str = "data",
        label: str = "",
    ) -> int:
        """Declare an interface (a line); packets may follow at once.

        Args:
            name: shown by Wireshark: "keypads".
            linktype: a LINKTYPE number. With `UPPER_PDU` the writer puts the tags before the bytes of every packet.
            description: more about it, for example the line's settings.
            dissector: for `UPPER_PDU`: who is to explain the bytes, as `upper_pdu`.
            label: for `UPPER_PDU`: text of the protocol column, as `upper_pdu`.

        Returns:
            Its number, from 0.
        """
        options = _text(_NAME, name) + _text(_DESCRIPTION, description) + _option(_RESOLUTION, b"\x09") + _END
        self._out.write(_block(INTERFACE, struct.pack("<HHI", linktype, 0, 0) + options))
        self._headers.append(upper_pdu(dissector, label) if linktype == UPPER_PDU else b"")
        return len(self._headers) - 1

    def packet(
        self, interface: int, at_ns: int, data: bytes, *, inbound: bool | None, comment: str = "", says: str = ""
    ) -> None:
        """Write one frame.

        Args:
            interface: what `add_interface` returned.
            at_ns: instant of its first edge, ns since `epoch_ns`.
            data: bytes of the line, as heard, check sum included.
            inbound: True: it went towards the collector (a device sent it); False: the collector sent it; None: not
                known.
            comment: a fault, what is wrong with it.
            says: what the bytes mean, for what Wireshark does not dissect: a comment of its own, behind the other.

        Raises:
            ValueError: no such interface, a time before 1970 or after 2554, or more than `LONGEST` bytes.
        """
        if not 0 <= interface < len(self._headers):
            raise ValueError(f"there is no interface {interface}; {len(self._headers)} were added")
        at = at_ns + self._epoch
        if not 0 <= at < 1 << 64:
            raise ValueError(f"instant {at_ns} ns with epoch {self._epoch} is outside what pcapng can hold")
        body = self._headers[interface] + data
        length = len(body)
        if length > LONGEST:
            raise ValueError(f"a packet of {length} bytes is too long; Wireshark reads up to {LONGEST}")
        padding = _PADDING[length % 4]
        options = _FLAG[inbound] + _text(_COMMENT, comment) + (_text(_COMMENT, f"says: {says}") if says else b"") + _END
        total = 32 + length + len(padding) + len(options)
        head = _PACKET.pack(PACKET, total, interface, at >> 32, at & 0xFFFFFFFF, length, length)
        self._out.write(b"".join((head, body, padding, options, struct.pack("<I", total))))
        self.packets += 1
