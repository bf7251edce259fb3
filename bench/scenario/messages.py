"""pydantic's errors in the words of the scenario file, each with its path in the raw data.

pydantic gives a location, a type and the offending input; the table `WORDS` turns the type into a sentence that says
what was found and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import available_timezones

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bench.scenario import devices, model, people
from bench.scenario.draft import Finding, did_you_mean
from bench.scenario.fill import default_names
from bench.scenario.locate import Path

DEVICE_MODELS: Mapping[str, type[BaseModel]] = {
    "rating_keypad": devices.RatingKeypadSpec,
    "clerk_console": devices.ClerkConsoleSpec,
    "counter_display": devices.CounterDisplaySpec,
    "main_board": devices.MainBoardSpec,
    "alpha_board": devices.AlphaBoardSpec,
    "kiosk_button": devices.KioskButtonSpec,
    "ticket_printer": devices.TicketPrinterSpec,
    "voice_caller": devices.VoiceCallerSpec,
    "osdp_keypad": devices.OsdpKeypadSpec,
    "declared": devices.DeclaredSpec,
}

MODELS: Mapping[tuple[str, ...], type[BaseModel]] = {
    (): model.Scenario,
    ("hours",): model.Hours,
    ("arrivals",): model.Arrivals,
    ("pace",): model.Pace,
    ("rating_delay_s",): people.Lognormal,
    ("errand", "*"): model.Errand,
    ("errand", "*", "minutes"): people.Lognormal,
    ("errand", "*", "then"): people.Then,
    ("errand", "*", "then", "minutes"): people.Lognormal,
    ("visitor_class", "*"): people.VisitorClass,
    ("greeter",): people.Greeter,
    ("patience",): people.Patience,
    ("patience", "minutes"): people.Lognormal,
    ("patience", "queue"): people.Lognormal,
    ("counter", "*"): model.Counter,
    ("line", "*"): model.LineSpec,
    ("fault", "*"): model.FaultSpec,
    ("records",): model.Records,
    ("records", "columns"): model.Columns,
}
"""The model behind each table of the file, by its path with `*` for an index (devices: by their kind)."""

PATTERNS = {
    "letter": "one or two capital letters, e.g. A",
    "clerk": "letters and one to five digits, e.g. C01",
    "settings": 'baud rate and character format, e.g. "9600 8N1"',
    "name": "a name of lower-case letters, digits, - and _, beginning with a letter",
    "printer": "the name of a ticket printer, e.g. printer-1",
}
"""What a text that does not match its pattern should have been, by field."""

RANGES = {
    "unit": "is not a bus address (1..247)",
    "counter": "is not a counter number (1..999)",
    "address": "is not the address of an Alpha board (1..255)",
}
"""What a number outside its range is not, by field."""

TYPES = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "tuple_type": "an array [ ... ]",
    "list_type": "an array [ ... ]",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "date_type": "a date, e.g. 2025-03-10",
    "date_parsing": "a date, e.g. 2025-03-10",
    "date_from_datetime_parsing": "a date, e.g. 2025-03-10",
    "date_from_datetime_inexact": "a date without a time of day, e.g. 2025-03-10",
}
"""What was expected, by pydantic's error type."""


def explain(error: ValidationError, data: Mapping[str, Any]) -> list[Finding]:
    """The findings for all that pydantic found in the raw `data`, without echoes of one mistake."""
    return [finding(details, data) for details in error.errors() if not _echo(details)]


def _echo(error: ErrorDetails) -> bool:
    """Whether an array is called too short only because pydantic left out its wrong entries."""
    return error["type"] == "too_short" and bool(error["input"])


def finding(error: ErrorDetails, data: Mapping[str, Any]) -> Finding:
    """The finding for one of pydantic's errors on the raw `data`."""
    path, at_key = raw_path(error["loc"], data)
    kind, ctx = error["type"], error.get("ctx", {})
    field = next((str(part) for part in reversed(path) if isinstance(part, str)), "the file")
    hint = ""
    if kind == "missing":
        described = _description(path[:-1], field, data)
        told = f"`{field}` is missing" + (f": {described}" if described else "")
        path = path[:-1]
    elif kind == "extra_forbidden":
        told, at_key = f"there is no key `{field}` here", True
        hint = did_you_mean(field, _known_keys(path[:-1], data))
    elif kind in ("literal_error", "union_tag_invalid", "union_tag_not_found"):
        told, hint, path = _choice(error, path, field)
    elif kind in TYPES:
        told = f"{_place(path)} must be {TYPES[kind]}, not {shown(error['input'])}"
    elif kind in WORDS:
        told = WORDS[kind](_place(path), error["input"], ctx)
    elif kind == "string_pattern_mismatch":
        told = f"{field} {shown(error['input'])} is not {PATTERNS.get(field, 'written as it should be')}"
    elif kind == "value_error":
        told = str(ctx.get("error", error["msg"]))
        if field == "timezone":
            hint = did_you_mean(str(error["input"]), sorted(available_timezones()))
    else:
        told = f"{_place(path)} {shown(error['input'])}: {error['msg']}"
    who = subject(path, data)
    return Finding(path, f"{who}: {told}" if who else told, hint, at_key)


def raw_path(loc: Sequence[int | str], data: object) -> tuple[Path, bool]:
    """The path in the raw data for pydantic's location, and whether it means the key.

    pydantic puts the tag of a tagged union into the location (`"rating_keypad"`) and `"[key]"` behind a key that is
    wrong; neither is in the file.
    """
    path: list[str | int] = []
    here: Any = data
    for part in loc[:-1] if loc and loc[-1] == "[key]" else loc:
        if isinstance(here, Mapping) and part not in here and part == here.get("kind"):
            continue
        path.append(part)
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            here = None
    return tuple(path), bool(loc) and loc[-1] == "[key]"


def subject(path: Path, data: Mapping[str, Any]) -> str:
    """Whom a path is about, as messages name it: `device "keypad-1"`, `errand "copy"`, `counter 3`, `[hours]`."""
    match path:
        case ("line", int(at), "devices", int(index), *_):
            for line, place, device, name in default_names(data):
                if (line, place) == (at, index):
                    return f'device "{name}"' if name else str(device.get("kind", "device"))
            return "device"
        case ("line" | "errand" | "counter" | "fault" as key, int(index), *_):
            key_of = {"line": "name", "errand": "name", "counter": "number", "fault": "name"}[key]
            tables = data.get(key)
            table = tables[index] if isinstance(tables, list) else None
            called = table.get(key_of) if isinstance(table, Mapping) else None
            return f'{key} "{called}"' if isinstance(called, str) else f"{key} {called or f'number {index + 1}'}"
        case ("hours" | "arrivals" | "pace" | "records" as key, _, *_):
            return f"[{key}]"
    return ""


LONGEST = 60
"""Characters of a value that a message shows; the source line stands below it."""


def shown(value: object) -> str:
    """A value as it stands in a message, the beginning of a long one."""
    kinds: list[tuple[type | tuple[type, ...], str]] = [(list, "an array"), (dict, "a table")]
    for kind, words in kinds:
        if isinstance(value, kind):
            return words
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]} ..."


def _place(path: Path) -> str:
    """The field of a path, with the place in its array: `shape`, `errands[2]`."""
    text = ""
    for part in reversed(path):
        if isinstance(part, str):
            return part + text
        text = f"[{part + 1}]{text}"
    return "the file"


def _beyond(bound: str, words: str) -> Callable[[str, Any, Mapping[str, Any]], str]:
    def told(field: str, value: Any, ctx: Mapping[str, Any]) -> str:
        limit = ctx.get(bound)
        limit = int(limit) if isinstance(limit, float) and limit.is_integer() else limit
        return f"{field} {shown(value)} {RANGES.get(field, f'is not {words} {limit}')}"

    return told


WORDS: Mapping[str, Callable[[str, Any, Mapping[str, Any]], str]] = {
    "greater_than": _beyond("gt", "greater than"),
    "greater_than_equal": _beyond("ge", "at least"),
    "less_than": _beyond("lt", "less than"),
    "less_than_equal": _beyond("le", "at most"),
    "too_short": lambda field, _value, _ctx: f"{field} is empty: it needs one entry at least",
    "too_long": lambda field, _value, ctx: f"{field} has {ctx['actual_length']} entries, at most {ctx['max_length']}",
    "string_too_short": lambda field, _value, _ctx: f"{field} is empty",
    "string_too_long": lambda field, _value, ctx: f"{field} is longer than {ctx['max_length']} characters",
}
"""Sentences by pydantic's error type; each gets the field, the input and pydantic's context."""


def _model_at(path: Path, data: Mapping[str, Any]) -> type[BaseModel] | None:
    key = tuple("*" if isinstance(part, int) else part for part in path)
    if key == ("line", "*", "devices", "*"):
        here: Any = data
        for part in path:
            here = here[part]
        return DEVICE_MODELS.get(str(here.get("kind")))
    return MODELS.get(key)


def _known_keys(path: Path, data: Mapping[str, Any]) -> list[str]:
    found = _model_at(path, data)
    return [field.alias or name for name, field in found.model_fields.items()] if found else []


def _description(path: Path, key: str, data: Mapping[str, Any]) -> str:
    found = _model_at(path, data)
    for name, field in found.model_fields.items() if found else ():
        if key in (name, field.alias):
            return field.description or ""
    return ""


def _choice(error: ErrorDetails, path: Path, field: str) -> tuple[str, str, Path]:
    """Message, hint and path for a value that is none of the allowed ones."""
    if error["type"] == "literal_error":
        choices, value = re.findall(r"'([^']*)'", error["ctx"]["expected"]), error["input"]
    else:
        choices, field = list(DEVICE_MODELS), "kind"
        if error["type"] == "union_tag_not_found":
            return f"`kind` is missing: one of {', '.join(choices)}", "", path
        path, value = (*path, "kind"), error["ctx"]["tag"]
    listed = ", ".join(f'"{choice}"' for choice in choices)
    hint = did_you_mean(value, choices) if isinstance(value, str) else ""
    return f"{field} {shown(value)} is none of {listed}", hint if hint.startswith("did") else "", path
