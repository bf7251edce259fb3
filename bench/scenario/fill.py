"""Defaults that depend on the place of a thing in the file: device names, and the errands of a kiosk.

These work on the raw data before validation, so that a validated scenario has no blanks and the same names are used by
the checks, the history and the reports. Whatever has an unexpected type is left alone: the model reports it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

BY_COUNTER = {
    "rating_keypad": "keypad",
    "osdp_keypad": "keypad",
    "clerk_console": "console",
    "counter_display": "display",
}
"""Kinds that stand at a counter: named after its number."""

BY_ORDER = {
    "main_board": "board",
    "alpha_board": "sign",
    "kiosk_button": "kiosk",
    "ticket_printer": "printer",
    "voice_caller": "voice",
    "declared": "device",
}
"""Kinds that stand in the hall: numbered in the file's order."""

BY_ROLE = {
    "rating-keypad": "rating_keypad",
    "clerk-console": "clerk_console",
    "display": "counter_display",
    "voice": "voice_caller",
}
"""Role of a device by declaration -> the kind after which it is named."""

MAX_KEYS = 15
"""Keys of a kiosk (reference-keypad.md: the value of a kiosk event is 1..15)."""


def tables(data: object, key: str) -> list[tuple[int, dict[str, Any]]]:
    """The tables of the array `key` with their index, leaving out whatever is not a table."""
    found = data.get(key) if isinstance(data, Mapping) else None
    return [(i, t) for i, t in enumerate(found) if isinstance(t, dict)] if isinstance(found, list) else []


def default_names(data: object) -> Iterator[tuple[int, int, dict[str, Any], str]]:
    """Each device of the raw data: index of its line, its index there, the table, and its name ("" when unknown).

    The number of a board, kiosk or printer counts all of its kind, named or not, so that naming one device does not
    rename the others.
    """
    seen = dict.fromkeys(BY_ORDER, 0)
    for at, line in tables(data, "line"):
        for index, device in tables(line, "devices"):
            kind, counter, name = device.get("kind"), device.get("counter"), ""
            role = str(device.get("role"))
            if kind == "declared" and (type(counter) is int or role == "voice"):
                kind = BY_ROLE.get(role, kind)
            if isinstance(kind, str) and kind in BY_ORDER:
                seen[kind] += 1
                name = f"{BY_ORDER[kind]}-{seen[kind]}"
            elif isinstance(kind, str) and kind in BY_COUNTER and type(counter) is int and 1 <= counter <= 999:
                name = f"{BY_COUNTER[kind]}-{counter}"
            given = device.get("name", name)
            yield at, index, device, given if isinstance(given, str) else name


def fill_in(data: object) -> object:
    """A copy of the raw data in which every device has its name and every kiosk its list of errands."""
    if not isinstance(data, Mapping):
        return data
    names = [name for _, e in tables(data, "errand") if isinstance(name := e.get("name"), str) and name]
    whole = {"errands": names} if len(names) <= MAX_KEYS else {}
    filled: dict[tuple[int, int], dict[str, Any]] = {}
    for at, index, device, name in default_names(data):
        extra = whole if device.get("kind") == "kiosk_button" else {}
        filled[at, index] = {**({"name": name} if name else {}), **extra, **device}
    lines = data.get("line")
    if not isinstance(lines, list):
        return dict(data)
    return {**data, "line": [_with_devices(line, at, filled) for at, line in enumerate(lines)]}


def _with_devices(line: Any, at: int, filled: Mapping[tuple[int, int], dict[str, Any]]) -> Any:
    if not isinstance(line, dict) or not isinstance(line.get("devices"), list):
        return line
    return {**line, "devices": [filled.get((at, i), device) for i, device in enumerate(line["devices"])]}
