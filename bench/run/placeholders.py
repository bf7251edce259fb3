"""{port:LINE}, {records} and {devices} in the arguments of a collector (cli.md)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Final


class UnknownPlaceholder(ValueError):
    """An argument of the collector names a line, or a thing, that is not there."""


NAMES: Final = ("port", "records", "devices")
"""What may stand in the braces, `port` with a line behind a colon."""

_BRACES = re.compile(r"(?P<doubled>\{(?=\{))?\{(?P<name>[A-Za-z][\w-]*)(?::(?P<of>[^{}\"]*))?\}(?(doubled)\})")
_ALIKE: Final = 0.85  # "record" and "ports" are; "report" and "portal" are words of their own


def fill_placeholders(words: Sequence[str], ports: Mapping[str, str], records: str, devices: str) -> list[str]:
    """Replace {port:LINE}, {records} and {devices} in a command's arguments.

    Other braces are the collector's own and stay as they are, unless they look like a placeholder that was mistyped.
    One that is meant as it stands is written with its braces doubled: {{records}} gives {records}.

    Args:
        words: the arguments.
        ports: line -> what takes its place.
        records: what takes the place of {records}.
        devices: what takes the place of {devices}.

    Raises:
        UnknownPlaceholder: {port:LINE} names a line that the program under test does not have, or something looks like
            a placeholder and is none.
    """
    values: dict[tuple[str, str | None], str] = {("records", None): records, ("devices", None): devices}
    values.update({("port", line): port for line, port in ports.items()})

    def value(match: re.Match[str]) -> str:
        name, of = match["name"], match["of"]
        meant = "" if (name, of) in values else _meant(name, of, ports)
        if match["doubled"]:
            return match[0][1:-1] if (name, of) in values or meant else match[0]
        if not meant:
            return values.get((name, of), match[0])
        raise UnknownPlaceholder(
            f"{match[0]} stands for nothing: did you mean {meant}? There are {{records}}, {{devices}} and, for the "
            f"lines of the program under test ({', '.join(ports) or 'none'}), {{port:LINE}}; write {{{match[0]}}} to "
            f"pass {match[0]} on as it is"
        )

    return [_BRACES.sub(value, word) for word in words]


def _meant(name: str, of: str | None, lines: Mapping[str, str]) -> str:
    """The placeholder that was meant, or "" if none was: the name is one of ours or nearly, or a line is named."""
    folded = name.casefold()
    ours = next((known for known in NAMES if _alike(folded, known)), "")
    if ours == "port" or (of is not None and of.casefold() in lines):
        near = difflib.get_close_matches((of or "").casefold(), lines, n=1) or list(lines)
        return f"{{port:{near[0] if near else 'LINE'}}}"
    if ours:
        return f"{{{ours}}}"
    return f"{{port:{folded}}}" if of is None and folded in lines else ""


def _alike(word: str, known: str) -> bool:
    return sorted(word) == sorted(known) or difflib.SequenceMatcher(None, word, known).ratio() >= _ALIKE
