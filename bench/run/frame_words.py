"""Frames of each protocol in a few words: what `bench.run.speech` tells of them.

The explainers of `protocol` take a packet apart, line by line; here is what of it fits into one row of a wire log. What
belongs to no packet, or to a damaged one, is told as that and never raises: the line is hostile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from protocol.alpha.explain import explain as alpha_lines
from protocol.declared.codec import Codec
from protocol.declared.reader import Broken
from protocol.escpos.codepages import decode
from protocol.escpos.explain import from_printer, page_after
from protocol.escpos.profiles import PROFILES, TM_T88
from protocol.escpos.tokenizer import tokenize
from protocol.modbus.maps import RegisterMap
from protocol.modbus.pdu import NAMES
from protocol.modbus.rtu import MIN_ADU, is_sound, request_length, seal
from protocol.modbus.words import refusal_words, reply_words, request_words
from protocol.osdp import COLOURS, Bad, Command, Packet, Reader, parse_lamps
from protocol.osdp_explain import explain as osdp_lines

__all__ = ["Told", "alpha_words", "declared_words", "escpos_words", "modbus_words", "osdp_words"]

_MOST_VALUES: Final = 6
_LEFT_OUT: Final = ("data ", "EOT")


SOH: Final = 0x01
_HEAD: Final = bytes((0, 0, 0, 0, 0, SOH)) + b"Z00\x02"
_GOES_ON: Final = "the packet is not complete: EOT is missing"


class Told(NamedTuple):
    """What a reader made of a frame.

    Args:
        words: in one line; "" when nothing of it belongs to the protocol.
        sound: it is a whole frame of the protocol, or several, and nothing else.
    """

    words: str
    sound: bool


def modbus_words(
    name: str, registers: RegisterMap | None, data: bytes, *, inbound: bool, request: bytes | None = None
) -> Told:
    """A frame of Modbus RTU: "keypad-1: read waiting".

    Args:
        name: of the device whose unit number stands first.
        registers: its map, if it is known.
        data: what was sent.
        inbound: it is a reply.
        request: what it answers, when that is known.
    """
    if len(data) < MIN_ADU:
        return Told(f"{len(data)} characters: too short for a frame", sound=False)
    if not is_sound(data):
        good = seal(data[:-2])[-2:].hex(" ").upper()
        return Told(f"{name}? bad CRC {data[-2:].hex(' ').upper()}, of these characters it is {good}", sound=False)
    function, body = data[1], data[2:-2]
    if not inbound:
        return Told(f"{name}: {request_words(registers, function, body)}", sound=True)
    if function & 0x80:
        what = NAMES.get(function & 0x7F, "do that")
        return Told(f"{name} refuses to {what}: {refusal_words(body)}", sound=True)
    fits = request is not None and len(request) == request_length(request) and request[:2] == data[:2]
    asked = request[2:6] if request is not None and fits else None
    return Told(f"{name}: {reply_words(registers, function, body, asked)}", sound=True)


def escpos_words(data: bytes, *, inbound: bool, profile: str = "") -> Told:
    """A stream of ESC/POS: "ESC @, 'A017', LF, GS V"; of what a printer answers, what it means.

    Args:
        data: what was sent.
        inbound: the printer sent it.
        profile: of the printer, whose numbers of character tables are meant.
    """
    if inbound:
        lines, problem = from_printer(data)
        return Told("; ".join(" ".join(line.split()) for line in lines), sound=bool(lines) and not problem)
    names: list[str] = []
    pages = PROFILES.get(profile, TM_T88).code_pages
    page = pages[0]
    for token in tokenize(data):
        names.append(repr(decode(token.raw, page)) if token.name == "text" else token.name)
        page = page_after(token, page, pages)
    return Told(", ".join(dict.fromkeys(names)), sound="unknown" not in names)


def osdp_words(data: bytes, name_of: Callable[[int], str]) -> Told:
    """Packets of OSDP: "osdp-1: LED, lamp green".

    Args:
        data: what was sent.
        name_of: name of the device that has an address.
    """
    reader = Reader()
    items = (*reader.feed(data), *reader.gap())
    sound = bool(items) and not any(isinstance(item, Bad) for item in items)
    return Told("; ".join(_osdp(item, name_of) for item in items), sound)


def _osdp(item: Packet | Bad, name_of: Callable[[int], str]) -> str:
    name = "everybody" if item.address == 0x7F else name_of(item.address)
    if isinstance(item, Bad):
        return f"{name}? its check does not fit"
    lines, _ = osdp_lines(item.wire())
    first, *rest = lines
    what = first.split(" from " if item.reply else " to ")[0]
    begins = " (begins anew)" if item.sequence == 0 and not item.reply else ""
    if item.code == Command.LED and not item.reply:
        more = [f"lamp {_colours(lamp.colours, lamp.temp_colours)}" for lamp in parse_lamps(item.data) or ()]
    else:
        more = [line.strip() for line in rest if not line.strip().startswith(_LEFT_OUT)]
    return f"{name}: {', '.join((what + begins, *more))}"


def _colours(permanent: tuple[int, int], temporary: tuple[int, int]) -> str:
    """The colour while it is on: the lasting one, else that for a time."""
    number = permanent[0] or temporary[0]
    return COLOURS[number] if number < len(COLOURS) else f"colour {number}"


def alpha_words(data: bytes) -> Told:
    """Packets of an Alpha board: "write STRING 'a': A017 -> 3".

    A packet whose parts have pauses between them comes in pieces: its head alone, and commands without a head.
    """
    headless = SOH not in data
    lines, problem = alpha_lines(_HEAD + data if headless else data)
    told: list[str] = []
    to = ""
    for line in lines:
        if line.startswith("STX "):
            told.append(line[4:].removesuffix(" (checksum right)").removesuffix(" (no checksum)"))
        elif line.startswith("  ") and told:
            said = line.strip()
            told[-1] += f"{', ' if ': ' in told[-1] else ': '}{said}"
        elif "wake-up" in line:
            to = line.partition(" SOH, ")[2]
        elif not line.startswith(_LEFT_OUT):
            told.append(line)
    if headless and not told:
        return Told("", sound=False)
    problem = "" if problem == _GOES_ON else problem
    if not told and to:
        told.append(f"a packet {to}, begins")
    if problem:
        told.append(f"({problem})")
    return Told("; ".join(told) if lines else "", sound=bool(lines) and not problem)


def declared_words(codec: Codec, source: str, data: bytes) -> Told:
    """Frames of a declared protocol: "write unit=1 text='A017'".

    Args:
        codec: the declaration, made ready.
        source: "host" or "device", whoever sent it.
        data: what was sent.
    """
    reader = codec.reader(source)
    told = []
    sound = True
    for item in (*reader.feed(data), *reader.gap()):
        if isinstance(item, Broken):
            sound = False
            told.append(f"broken frame ({item.cause})")
            continue
        decoded = codec.read(source, item)
        address = [part.name for part in item.codec.plain.parts if part.address and source == "host"]
        if decoded.message is None:
            sound = False
            named = ["no known message"]
            said = [name for name in decoded.values if name not in address]
        else:
            named = [decoded.message.name]
            said = [field.name for field in decoded.message.fields] or [n for n in decoded.values if n not in address]
        said.sort(key=lambda name: not isinstance(decoded.values.get(name), str))  # what is read by people first
        shown = [name for name in (*address, *said) if decoded.values.get(name, b"") != b""]
        named += [f"{name}={_value(decoded.values[name])}" for name in shown[:_MOST_VALUES]]
        told.append(" ".join(named) + (f": {decoded.why}" if decoded.message is None and decoded.why else ""))
    return Told("; ".join(told), sound and bool(told))


def _value(value: object) -> str:
    return value.hex(" ").upper() if isinstance(value, bytes) else repr(value)
