"""{port:LINE}, {records} and {devices} in the arguments of a collector (cli.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence


class UnknownPlaceholder(ValueError):
    """An argument of the collector names a line, or a thing, that is not there."""


_PLACEHOLDER = re.compile(r"\{(port:[^{}]*|records|devices)\}")


def fill_placeholders(words: Sequence[str], ports: Mapping[str, str], records: str, devices: str) -> list[str]:
    """Replace {port:LINE}, {records} and {devices} in a command's arguments.

    Raises:
        UnknownPlaceholder: {port:LINE} names a line that the program under test does not have.
    """

    def value(match: re.Match[str]) -> str:
        key = match.group(1)
        if key in {"records", "devices"}:
            return {"records": records, "devices": devices}[key]
        line = key.removeprefix("port:")
        if line not in ports:
            raise UnknownPlaceholder(
                f"{{{key}}}: the program under test has no line {line!r}; it has: {', '.join(ports) or 'none'}"
            )
        return ports[line]

    return [_PLACEHOLDER.sub(value, word) for word in words]
