"""The frames of a run as pcapng: one interface a line, one packet a frame, faults as comments."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from bench import __version__
from bench.captures.frames import Capture, CaptureFailed, Frame, LineFacts, joined
from bench.captures.pcapng import LONGEST, PcapngWriter
from bench.captures.textlog import Reader
from bench.judge.history import HistoryFailed
from bench.reports.wording import printable
from bench.run.directory import WIRE

__all__ = ["export_pcapng", "keep_wire", "write_pcapng", "write_wire"]

LABELS: Final[Mapping[str, str]] = {
    "escpos": "ESC/POS",
    "alpha": "Alpha sign",
    "osdp": "OSDP",
    "dfplayer": "DFPlayer",
    "led485_ascii": "LED-485",
    "ff68": "FF68",
    "syn6288": "SYN6288",
    "xfs5152": "XFS5152",
    "onbon": "Onbon",
    "ff68_evaluator": "FF68",
    "ff68_console": "FF68",
}
"""What the protocol column says of frames that Wireshark shows as bytes; other protocols get their own name."""

_FOLDED: Final = (
    "Polls that only repeat earlier ones are counted in comments and are not in this file; --evidence full keeps all."
)
_PIECE: Final = LONGEST - 4096
_MOST_COMMENT: Final = 4000
_REMEMBERED: Final = 4096


def dissector_of(facts: LineFacts) -> tuple[str, str]:
    """Wireshark's dissector of a line and the label of what it shows as bytes."""
    if facts.is_modbus:
        return "mbrtu", ""
    spoken = facts.protocols[0] if len(facts.protocols) == 1 else "/".join(facts.protocols)
    name = spoken.rsplit("/", 1)[-1].removesuffix(".toml") if spoken.endswith(".toml") else spoken
    return "data", LABELS.get(spoken, name or "serial")[:200]


def write_pcapng(
    out: BinaryIO, frames: Iterable[Frame], lines: Mapping[str, LineFacts], *, comment: str = "", epoch_ns: int = 0
) -> int:
    """Write frames as they come.

    Args:
        out: file to write, the caller's to close.
        frames: in the order in which they are to stand.
        lines: what is known of the lines; each gets its interface at the start, others when they first occur.
        comment: what the capture is of.
        epoch_ns: as `PcapngWriter`.

    Returns:
        How many packets were written (a frame longer than a packet can be is cut into several).
    """
    reader = Reader(lines)
    said: dict[tuple[str, bytes, bool], str] = {}

    def says(frame: Frame) -> str:
        """What a frame means that Wireshark shows as bytes; polls that repeat are read once."""
        facts = lines.get(frame.line)
        if facts is None or facts.is_modbus:
            return ""
        key = (frame.line, frame.data, frame.inbound)
        words = said.get(key)
        if words is None:
            if len(said) >= _REMEMBERED:
                said.clear()
            words = said[key] = reader.meaning(frame) if reader.words(frame) else ""
        return words

    writer = PcapngWriter(out, tool=f"hallbench {__version__}", comment=comment, epoch_ns=epoch_ns)
    numbers: dict[str, int] = {}

    def interface(name: str, facts: LineFacts) -> int:
        dissector, label = dissector_of(facts)
        settings = "settings unknown" if facts.settings is None else str(facts.settings)
        numbers[name] = number = writer.add_interface(name, description=settings, dissector=dissector, label=label)
        return number

    for name, facts in lines.items():
        interface(name, facts)
    for frame in frames:
        number = numbers.get(frame.line)
        if number is None:
            number = interface(frame.line, LineFacts(frame.line, None))
        text = frame.comment if len(frame.comment) <= _MOST_COMMENT else frame.comment[:_MOST_COMMENT] + "..."
        if len(frame.data) <= _PIECE:
            writer.packet(number, frame.at, frame.data, inbound=frame.inbound, comment=text, says=says(frame))
            continue
        for start in range(0, len(frame.data), _PIECE):
            piece = f"characters {start} to {min(start + _PIECE, len(frame.data))} of {len(frame.data)}; {text}"
            at = frame.at + (frame.end - frame.at) * start // len(frame.data)
            writer.packet(number, at, frame.data[start : start + _PIECE], inbound=frame.inbound, comment=piece)
    return writer.packets


def export_pcapng(
    capture: Capture, out: BinaryIO, line: str | None = None, first: int | None = None, last: int | None = None
) -> int:
    """The traffic of a run, or a part of it, as pcapng; returns the number of packets."""
    lines = {name: facts for name, facts in capture.lines.items() if line in (None, name)}
    comment = f"{capture.title}. {_FOLDED}" if capture.folded else capture.title
    frames = joined(capture.frames(line, first, last), capture.lines)
    return write_pcapng(out, frames, lines, comment=comment, epoch_ns=capture.epoch_ns)


def keep_wire(directory: Path) -> None:
    """`write_wire` at the end of a run: what prevents it is said on stderr and changes nothing of the verdict."""
    try:
        write_wire(directory)
    except (CaptureFailed, HistoryFailed, OSError) as error:
        if sys.stderr is not None:
            sys.stderr.write(f"hallbench: no {WIRE}: {printable(str(error))}\n")


def write_wire(directory: Path) -> Path | None:
    """Write `wire.pcapng` into a run directory from its history.

    A run whose history keeps no frames (`--evidence hash`) gets none. The file is there whole or not at all.

    Returns:
        Its path, or None.

    Raises:
        CaptureFailed: it cannot be written, or the history cannot be read.
    """
    try:
        capture = Capture(directory)
    except CaptureFailed:
        return None
    path, partial = directory / WIRE, directory / f".{WIRE}.partial"
    try:
        with partial.open("wb", buffering=1 << 18) as out:
            export_pcapng(capture, out)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise CaptureFailed(
            f"{path}: cannot be written ({error.strerror or error}); the run itself is complete: "
            f"`hallbench capture {directory} --to pcapng --out FILE` writes it elsewhere"
        ) from error
    return path
