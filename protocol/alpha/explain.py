"""An Alpha packet in words: to whom it goes, each command with what it says, and whether the checksum is right."""

from __future__ import annotations

from typing import Final, NamedTuple

from protocol.alpha import codes
from protocol.alpha.memory import DOTS, STRING, BadTableError, entries
from protocol.alpha.packet import Answer, Broken, Command, Ended, Receiver, Started, checksum
from protocol.alpha.text import Part, Piece, parts, pieces_of

_KINDS: Final = {STRING: "STRING", DOTS: "DOTS PICTURE"}
_TEXT_SHOWN: Final = 60


class Explained(NamedTuple):
    """A stream in words; `problem` says what of it is not good, or is empty."""

    lines: list[str]
    problem: str


def explain(data: bytes) -> Explained:
    """Explain what went over an Alpha line, in either direction."""
    lines: list[str] = []
    problems: list[str] = []
    receiver = Receiver(host=True)
    for event in receiver.feed(data):
        match event:
            case Started(targets, wake_up):
                lines.append(f"{wake_up} characters of wake-up, SOH, to {_to(targets)}")
                if not targets:
                    problems.append("the header is none: type code and two characters of address")
            case Command():
                lines += _command(event)
                if event.check == "bad":
                    right = checksum(bytes([codes.STX, event.code]) + event.data + bytes([codes.ETX]))
                    problems.append(f"the checksum is wrong: the sum is {right:04X}")
                if event.code not in codes.COMMANDS:
                    problems.append(f"command 0x{event.code:02X} is not known")
            case Ended():
                lines.append("EOT")
            case Broken(why):
                problems.append(f"a packet without EOT: {why}")
            case Answer(good, status):
                lines.append(f"{'ACK' if good else 'NAK'}, error status {status:02X}: {status_words(status)}")
    if receiver.inside:
        problems.append("the packet is not complete: EOT is missing")
    if not lines and not problems:
        problems.append("there is no packet in it: SOH (01) is missing")
    return Explained(lines, "; ".join(problems))


def status_words(status: int) -> str:
    """The serial error status in words."""
    found = [name for bit, name in codes.STATUS_BITS.items() if status & bit]
    return ", ".join(found) or "no error"


def _to(targets: tuple[tuple[int, bytes], ...]) -> str:
    parts_of = []
    for kind, address in targets:
        name = codes.TYPES.get(kind, f"type 0x{kind:02X}")
        shown = address.decode("latin-1")
        parts_of.append(f"{name}, address {'all' if address == codes.BROADCAST else shown}")
    return "; ".join(parts_of) or "nobody"


def _command(command: Command) -> list[str]:
    name = codes.COMMANDS.get(command.code, f"command 0x{command.code:02X}")
    check = {"none": "no checksum", "good": "checksum right", "bad": "checksum WRONG"}[command.check]
    label = f" {chr(command.data[0])!r}" if command.data else ""
    data = command.data[1:]
    lines = [f"STX {name}{label} ({check})"]
    if command.code == codes.WRITE_TEXT:
        lines += [f"  {_mode(part)}: {_said(part.pieces)}" for part in parts(data)]
        if not data and command.data[:1] == b"0":
            lines.append("  nothing: the priority file is released")
    elif command.code == codes.WRITE_STRING:
        lines.append(f"  {_said(pieces_of(data))}")
    elif command.code in (codes.WRITE_SPECIAL, codes.READ_SPECIAL) and command.data:
        lines += _special(command.data[0], data)
    elif data:
        lines.append(f"  {len(data)} characters")
    return lines


def _special(label: int, data: bytes) -> list[str]:
    lines = [f"  {codes.FUNCTIONS.get(label, 'a special function that is not known')}"]
    if label == codes.MEMORY and data:
        try:
            table = entries(data)
        except BadTableError as why:
            return [*lines, f"  {why}"]
        return [
            *lines,
            *(f"  {_KINDS.get(entry.kind, 'TEXT')} {chr(entry.label)!r}, {entry.room} bytes" for entry in table),
        ]
    if label == codes.ERROR_STATUS and data:
        return [*lines, f"  {data[0]:02X}: {status_words(data[0])}"]
    return [*lines, f"  {data.decode('latin-1')!r}"] if data else lines


def _mode(part: Part) -> str:
    mode = codes.MODES.get(part.mode, f"mode 0x{part.mode:02X}")
    if part.mode == codes.SPECIAL_MODE:
        mode = codes.SPECIAL_MODES.get(part.special, "special")
    return f"{mode}, position {codes.POSITIONS.get(part.position, f'0x{part.position:02X}')}"


def _said(pieces: tuple[Piece, ...]) -> str:
    """Characters, with control codes in angle brackets."""
    out = ""
    for piece in pieces:
        if not piece.code:
            out += piece.text
            continue
        control = codes.CONTROLS.get(piece.code)
        name = control.name if control else f"0x{piece.code:02X}"
        parameter = f" {piece.data.decode('latin-1')}" if piece.data else ""
        out += f"<{name}{parameter}>"
        if len(out) > _TEXT_SHOWN * 8:
            return f"{out} .."
    return out or "nothing"
