"""What the reader typed, as the bench understands it: faults with settings, times of day; and the screen as SVG."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from textual.app import App

__all__ = ["fault_body", "instant", "picture"]

_TEXT_SETTINGS: Final = frozenset({"line", "device", "where", "phase", "at", "after", "before"})
_SETTINGS: Final = _TEXT_SETTINGS | {"unit", "function", "address", "nth", "count", "rate", "for_s", "optional"}


def fault_body(row: Mapping[str, Any], settings: str, device: str, line: str) -> dict[str, Any]:
    """What to post for a fault of the catalogue, aimed at a device, or at its line where the fault is of the line.

    Args:
        row: of the catalogue.
        settings: "nth=3 rate=0.1", as for `hallbench fault add`.
        device: the chosen one.
        line: on which it is.

    Raises:
        ValueError: a setting is no NAME=VALUE.
    """
    body: dict[str, Any] = {"type": row["type"]}
    attrs: dict[str, Any] = {}
    for setting in settings.split():
        name, equals, text = setting.partition("=")
        if not equals or not name:
            raise ValueError(setting)
        (body if name in _SETTINGS else attrs)[name] = text if name in _TEXT_SETTINGS else _value(text)
    if attrs:
        body["attrs"] = attrs
    if "device" not in body and "line" not in body:
        at_device = row.get("layer") == "device" or (row.get("layer") == "line" and row.get("where"))
        body.update({"device": device} if at_device else {"line": line})
    return body


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return text
    return value if abs(value) < float("inf") else text


def instant(text: str) -> int | None:
    """A time of day, "9:42", "09:42:17" or "09:42:17.031", as ns since midnight; None when it is none."""
    found = re.fullmatch(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,3}))?)?", text.strip())
    if found is None:
        return None
    seconds = int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0)
    return seconds * 10**9 + int((found[4] or "0").ljust(3, "0")) * 10**6


def picture(app: App[Any], title: str = "hallbench view") -> str:
    """The screen as SVG that loads nothing from elsewhere: its fonts are the reader's own."""
    svg = app.export_screenshot(title=title)
    return re.sub(r"@font-face\s*\{[^}]*\}", "", svg)
