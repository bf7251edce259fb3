"""OSDP packets in words."""

from __future__ import annotations

from typing import Final

from protocol.osdp import Answer, Bad, Command, Nak, Packet, Reader, parse_lamps

_REFUSALS: Final = {
    Nak.CHECK: "the check of the command did not fit",
    Nak.LENGTH: "the length of the command is wrong",
    Nak.UNKNOWN: "the command is not known",
    Nak.SEQUENCE: "the sequence number was not expected",
    Nak.SECURE_UNSUPPORTED: "there is no secure channel",
    Nak.SECURITY: "it needs a secure channel",
    Nak.CANNOT: "it cannot be done",
}


def explain(data: bytes) -> tuple[list[str], str]:
    """Explain a piece of a line, both directions mixed.

    Returns:
        Lines for people, and what is wrong; "" when nothing is.
    """
    reader = Reader()
    found = [*reader.feed(data), *reader.gap()]
    lines = []
    problems = []
    at = rest = 0
    for item in found:
        if isinstance(item, Bad):
            problems.append(f"the check of a packet {_who(item)} does not fit")
            lines.append(f"a packet {_who(item)}, sequence {item.sequence}: its check does not fit")
            continue
        wire = item.wire()
        begin = max(data.find(wire, at), at)
        rest += begin - at - (data[at:begin][-1:] == b"\xff")  # the mark before a packet belongs to it
        at = begin + len(wire)
        lines += _packet(item)
    if not found:
        problems.append("no packet is complete in it")
    rest += len(data) - at
    if rest and not problems:
        problems.append(f"{rest} bytes belong to no packet")
    return lines, "; ".join(problems)


def _who(item: Packet | Bad) -> str:
    way = "from" if item.reply else "to"
    return f"{way} {'everybody' if item.address == 0x7F else f'device {item.address}'}"


def _name(packet: Packet) -> str:
    kinds: type[Command | Answer] = Answer if packet.reply else Command
    try:
        return kinds(packet.code).name
    except ValueError:
        return f"unknown code {packet.code:02X}"


def _packet(packet: Packet) -> list[str]:
    check = "CRC" if packet.crc else "sum"
    begins = " (begins anew)" if packet.sequence == 0 and not packet.reply else ""
    lines = [f"{_name(packet)} {_who(packet)}, sequence {packet.sequence}{begins}, {check} good"]
    if packet.security:
        lines.append(f"  security block {packet.security.hex(' ').upper()}: not understood, only clear mode is")
    if packet.data:
        lines.append(f"  data {packet.data.hex(' ').upper()}")
    lines += [f"  {line}" for line in _meaning(packet)]
    return lines


def _meaning(packet: Packet) -> list[str]:
    data = packet.data
    if packet.reply and packet.code == Answer.KEYPAD and len(data) > 2:
        keys = "".join(
            chr(char) if 0x30 <= char <= 0x39 else {0x7F: "*", 0x0D: "#"}.get(char, "?") for char in data[2:]
        )
        return [f"keys {keys} of reader {data[0]}"]
    if packet.reply and packet.code == Answer.NAK and data:
        return [f"refused: {_REFUSALS.get(Nak(data[0]), '') if data[0] in list(Nak) else f'code {data[0]}'}"]
    if packet.reply and packet.code == Answer.LSTATR and len(data) == 2:
        return [f"tamper {'on' if data[0] else 'off'}, supply {'low' if data[1] else 'good'}"]
    if not packet.reply and packet.code == Command.LED:
        return [f"lamp {lamp.led}: {lamp}" for lamp in parse_lamps(data) or ()]
    if not packet.reply and packet.code == Command.TEXT and len(data) > 6:
        return [f"text {data[6:].decode('ascii', 'replace')!r}"]
    if packet.code in (Command.COMSET, Answer.COM) and len(data) == 5:
        return [f"address {data[0]}, {int.from_bytes(data[1:], 'little')} bit/s"]
    return []
