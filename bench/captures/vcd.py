"""Writes a line at bit level as a value change dump (IEEE 1364, section 18 [K]), for PulseView, GTKWave and sigrok.

Each line has two wires of one bit, 1 at rest: `LINE_tx` is driven by the collector's end, `LINE_rx` by the devices (a
decoder that gets both directions on one wire takes requests for replies). A character is a start bit, its data bits
from the lowest, parity, stop bits, at the instants that the line's settings give; where the length of a burst shows
that its sender ran at another standard speed, at that speed.

What the history does not have is not drawn: a character damaged by a fault stands with a good parity and stop bit, as
the value that was heard; of a character that was broken off nothing is drawn. Two senders on one wire are a wired AND.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from heapq import heappop, heappush
from typing import Final, TextIO

from bench.captures.frames import CaptureFailed, Frame, LineFacts
from bench.reports.wording import printable
from firmware_sim.burst import LineSettings
from firmware_sim.device import NS

__all__ = ["lows", "write_vcd"]

LEAD: Final = 10_000_000
"""Rest before the first start bit, ns: a decoder must see the line idle."""

_SPEEDS: Final = (300, 600, 1200, 2400, 4800, 9600, 14400, 19200, 38400, 57600, 115200, 230400)
_OTHER: Final = re.compile(r"[^A-Za-z0-9_]")


def lows(data: bytes, settings: LineSettings) -> Iterable[tuple[int, int]]:
    """The stretches in which a burst pulls its wire low, as half bits from its start: (first, end).

    Args:
        data: the characters.
        settings: the sender's.
    """
    per_character = settings.half_bits
    for place, char in enumerate(data):
        levels = [0, *(char >> bit & 1 for bit in range(settings.data_bits))]
        if settings.parity != "N":
            levels.append(_parity(settings.parity, sum(levels)))
        start = place * per_character
        began: int | None = None
        for bit, level in enumerate((*levels, 1)):
            if not level and began is None:
                began = bit
            elif level and began is not None:
                yield start + 2 * began, start + 2 * bit
                began = None


def _parity(parity: str, ones: int) -> int:
    return {"E": ones & 1, "O": ~ones & 1, "M": 1, "S": 0}[parity]


def speed_of(frame: Frame, settings: LineSettings) -> LineSettings:
    """The settings at which a frame went: the line's, unless its length is that of another standard speed."""
    length = frame.end - frame.at
    if not frame.data or abs(length - settings.duration(len(frame.data))) * 50 <= length:
        return settings
    bits = len(frame.data) * settings.half_bits / 2
    for baud in _SPEEDS:
        if abs(bits * NS / baud - length) * 200 <= length:
            return LineSettings(baud, settings.data_bits, settings.parity, settings.stop_bits)
    return settings


def write_vcd(
    out: TextIO,
    frames: Iterable[Frame],
    lines: Mapping[str, LineFacts],
    *,
    comment: str = "",
    settings: LineSettings | None = None,
) -> int:
    """Write the wires of some lines. Time 0 is 10 ms before the first frame; the unit is 1 ns.

    Args:
        out: text file to write.
        frames: bursts, by their first edge (not joined: the gaps inside a frame are real).
        lines: those that get wires; frames of others are left out.
        comment: what the capture is of.
        settings: for lines whose own are not known.

    Returns:
        How many bursts were drawn.

    Raises:
        CaptureFailed: the settings of a line are not known.
    """
    known: dict[str, LineSettings] = {}
    wires: dict[tuple[str, bool], str] = {}
    for facts in lines.values():
        own = facts.settings or settings
        if own is None:
            raise CaptureFailed(
                f"the settings of line {printable(facts.name)} are not known, so its bits cannot be drawn: name them "
                'with --settings "9600 8N1"'
            )
        known[facts.name] = own
        for inbound in (False, True):
            wires[facts.name, inbound] = _code(len(wires))
    out.write(f"$comment {printable(comment).replace('$', '(dollar)')} $end\n$timescale 1 ns $end\n")
    out.write("$scope module hallbench $end\n")
    taken: set[str] = set()
    for (name, inbound), code in wires.items():
        out.write(f"$var wire 1 {code} {_name(name, taken, inbound)} $end\n")
    out.write("$upscope $end\n$enddefinitions $end\n$dumpvars\n")
    out.writelines(f"1{code}\n" for code in wires.values())
    out.write("$end\n")
    return _draw(out, frames, known, wires)


def _draw(
    out: TextIO, frames: Iterable[Frame], known: Mapping[str, LineSettings], wires: Mapping[tuple[str, bool], str]
) -> int:
    edges: list[tuple[int, int, str]] = []  # instant, one driver more (1) or less (-1) that pulls low, wire
    pulled = dict.fromkeys(wires.values(), 0)
    shown = dict.fromkeys(wires.values(), 1)
    origin: int | None = None
    written = -1
    count = 0

    def upto(limit: int | None) -> None:
        nonlocal written
        while edges and (limit is None or edges[0][0] < limit):
            at = edges[0][0]
            touched = {}
            while edges and edges[0][0] == at:
                _, change, code = heappop(edges)
                pulled[code] += change
                touched[code] = True
            changed = [code for code in touched if shown[code] != (pulled[code] == 0)]
            if changed:
                stamp = max(written, at - (origin or 0))
                if stamp != written:
                    out.write(f"#{stamp}\n")
                    written = stamp
                for code in changed:
                    shown[code] = int(pulled[code] == 0)
                    out.write(f"{shown[code]}{code}\n")

    last = 0
    for frame in frames:
        code = wires.get((frame.line, frame.inbound))
        if code is None:
            continue
        if origin is None:
            origin = frame.at - LEAD
        upto(frame.at)
        settings = speed_of(frame, known[frame.line])
        half = 2 * settings.baud
        for begin, end in lows(frame.data, settings):
            heappush(edges, (frame.at + begin * NS // half, 1, code))
            heappush(edges, (frame.at + end * NS // half, -1, code))
        count += 1
        last = max(last, frame.end)
    upto(None)
    if origin is not None:
        out.write(f"#{max(written, last + LEAD - origin)}\n")
    return count


def _code(number: int) -> str:
    """The identifier of a wire: printable characters, shortest first."""
    text = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 94)
        text += chr(33 + digit)
    return text


def _name(line: str, taken: set[str], inbound: bool) -> str:
    base = (_OTHER.sub("_", line)[:60] or "line") + ("_rx" if inbound else "_tx")
    name, number = base, 2
    while name in taken:
        name, number = f"{base}{number}", number + 1
    taken.add(name)
    return name
