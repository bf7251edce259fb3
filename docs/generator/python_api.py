"""The Python face, `bench.testing`: classes, methods, signatures and docstrings."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import bench.testing

from .text import code, fenced, flat, heading

__all__ = ["python_api"]

_HANDLES = ("Device", "Keypad", "Console", "Kiosk", "Display", "Board", "Printer", "Ticket", "LineHandle")
_WORKINGS = ("crashed", "struck", "kill_if_asked", "report", "open", "enter", "leave", "close", "explain", "check")
"""Methods of a hall that the fixture and its own parts call, and no test does."""

_SECTION = re.compile(r"^(Args|Returns|Raises|Attributes|Yields):\s*$")


def _docstring(thing: Any) -> str:
    """A google-style docstring as Markdown."""
    lines = (inspect.getdoc(thing) or "").splitlines()
    page, prose, section, rows = "", [], "", []

    def flush() -> str:
        nonlocal prose, rows
        made = f"\n{flat(' '.join(prose))}\n" if prose else ""
        if rows:
            made += f"\n**{section}**\n\n" + "".join(f"- {row}\n" for row in rows)
        prose, rows = [], []
        return made

    for line in lines:
        found = _SECTION.match(line)
        if found:
            page, section = page + flush(), found.group(1)
        elif section and line.startswith("    "):
            name, colon, told = line.strip().partition(": ")
            if colon and not line.startswith("     ") and re.fullmatch(r"[\w*, ]+", name):
                rows.append(f"{code(name)}: {flat(told)}")
            elif rows:
                rows[-1] += " " + flat(line)
            else:
                rows.append(flat(line))
        elif not line.strip():
            if not section:
                page += flush()
        else:
            if section:
                page, section = page + flush(), ""
            prose.append(line)
    return page + flush()


def _signature(name: str, thing: Any) -> str:
    try:
        told = str(inspect.signature(thing))
    except (TypeError, ValueError):
        return name
    told = re.sub(r"\(self(, )?", "(", told)
    told = re.sub(r"(: |-> |\[)'([^']*)'", r"\1\2", told)  # annotations that are kept as text
    if len(name) + len(told) > 90:
        inside, close, result = told[1:].rpartition(")")
        told = "(\n" + "".join(f"    {part},\n" for part in _split(inside)) + close + result
    return f"{name}{told}"


def _split(arguments: str) -> list[str]:
    """Arguments at the commas that stand in no bracket."""
    parts, depth = [""], 0
    for sign in arguments:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def _members(cls: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties, those of its own bases in hallbench included, in the order of their definition."""
    seen: set[str] = set()
    for base in cls.__mro__:
        if not base.__module__.startswith("bench.testing"):
            continue
        for name, member in vars(base).items():
            function = member.fget if isinstance(member, property) else getattr(member, "func", member)
            wanted = inspect.isfunction(function) and not name.startswith("_") and name not in seen
            if wanted and inspect.getdoc(function):
                seen.add(name)
                yield name, member


def _class(name: str, cls: type, level: int, inherited: type | None = None) -> str:
    page = heading(level, code(name), f"api-{name.casefold()}") + _docstring(cls)
    known = {member for member, _ in _members(inherited)} if inherited else set()
    for member, thing in _members(cls):
        if (member in known and member not in vars(cls)) or (name == "Hall" and member in _WORKINGS):
            continue
        if isinstance(thing, property) or hasattr(thing, "func"):
            function = thing.fget if isinstance(thing, property) else thing.func
            page += heading(level + 1, code(f"{name}.{member}"))
            page += _docstring(function)
        else:
            page += heading(level + 1, code(f"{name}.{member}()"))
            page += fenced(_signature(member, getattr(thing, "__wrapped__", thing)), "python") + _docstring(thing)
    return page


def python_api() -> str:
    """Everything that a test may use."""
    handles = importlib.import_module("bench.testing.handles")
    page = "# Python API\n\n`bench.testing` is what the pytest fixture `hall` gives; it can be used without pytest too."
    page += " [Testing a driver](../../testing.md) shows it at work.\n"
    page += heading(2, code("hall()"), "api-hall-function")
    page += fenced(_signature("hall", bench.testing.hall), "python") + _docstring(bench.testing.hall)
    page += _class("Hall", bench.testing.Hall, 2)
    for name in _HANDLES:
        page += _class(
            name, getattr(handles, name), 2, None if name in ("Device", "Ticket", "LineHandle") else handles.Device
        )
    page += _class("Fault", bench.testing.Fault, 2)
    page += _class("Started", bench.testing.Started, 2)
    page += heading(2, "Errors")
    for name in sorted(bench.testing.__all__):
        thing = getattr(bench.testing, name)
        if isinstance(thing, type) and issubclass(thing, Exception):
            page += heading(3, code(name)) + _docstring(thing)
    page += heading(2, code("FAULTS"))
    page += "\nNames that `hall.fault` takes: " + ", ".join(
        f"[{code(row)}](faults.md#fault-{_ident(row)})" for row in bench.testing.FAULTS
    )
    return page + ".\n"


def _ident(name: str) -> str:
    from bench.faults.catalogue import find

    row = find(name)
    assert row is not None
    return row.id.lower()
