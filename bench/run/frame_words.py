"""Frames of OSDP, of Alpha and of declared protocols in a few words: what `frames.Decoder` tells of them.

The explainers of `protocol` take a packet apart, line by line; here is what of it fits into one row of a wire log. What
belongs to no packet, or to a damaged one, is told as that and never raises: the line is hostile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from protocol.alpha.explain import explain as alpha_lines
from protocol.declared.codec import Codec
from protocol.declared.reader import Broken
from protocol.osdp import COLOURS, Bad, Command, Packet, Reader, parse_lamps
from protocol.osdp_explain import explain as osdp_lines

__all__ = ["alpha_words", "declared_words", "osdp_words"]

_MOST_VALUES: Final = 6
_LEFT_OUT: Final = ("data ", "EOT")


def osdp_words(data: bytes, name_of: Callable[[int], str]) -> str:
    """Packets of OSDP: "osdp-1: LED, lamp green".

    Args:
        data: what was sent.
        name_of: name of the device that has an address.

    Returns:
        "" when nothing of it is a packet.
    """
    reader = Reader()
    return "; ".join(_osdp(item, name_of) for item in (*reader.feed(data), *reader.gap()))


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


def alpha_words(data: bytes) -> str:
    """Packets of an Alpha board: "write STRING 'a': A017 -> 3"; "" when there is none."""
    lines, problem = alpha_lines(data)
    told: list[str] = []
    for line in lines:
        if line.startswith("STX "):
            told.append(line[4:].removesuffix(" (checksum right)").removesuffix(" (no checksum)"))
        elif line.startswith("  ") and told:
            said = line.strip()
            told[-1] += f"{', ' if ': ' in told[-1] else ': '}{said}"
        elif not line.startswith(_LEFT_OUT) and "wake-up" not in line:
            told.append(line)
    if problem:
        told.append(f"({problem})")
    return "; ".join(told) if lines else ""


def declared_words(codec: Codec, source: str, data: bytes) -> str:
    """Frames of a declared protocol: "write unit=1 text='A017'"; "" when nothing of it is a frame.

    Args:
        codec: the declaration, made ready.
        source: "host" or "device", whoever sent it.
        data: what was sent.
    """
    reader = codec.reader(source)
    told = []
    for item in (*reader.feed(data), *reader.gap()):
        if isinstance(item, Broken):
            told.append(f"broken frame ({item.cause})")
            continue
        decoded = codec.read(source, item)
        if decoded.message is None:
            told.append(f"no known message{': ' + decoded.why if decoded.why else ''}")
            continue
        address = [part.name for part in item.codec.plain.parts if part.address and source == "host"]
        said = [field.name for field in decoded.message.fields] or [n for n in decoded.values if n not in address]
        names = [name for name in (*address, *said) if name in decoded.values]
        values = (f"{name}={decoded.values[name]!r}" for name in names[:_MOST_VALUES])
        told.append(" ".join((decoded.message.name, *values)))
    return "; ".join(told)
