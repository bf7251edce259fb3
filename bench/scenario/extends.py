"""`extends = "ca_mau"`: a scenario that is another one with some parts changed.

Tables are merged key by key; everything else that the scenario gives (numbers, texts, whole lists such as the counters
or the lines) replaces what the other one has. The other scenario is a shipped name, or a file beside this one, and may
extend a third.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import scenarios
from bench.scenario.draft import Finding
from bench.scenario.problems import ScenarioError
from bench.scenario.toml_text import decoded, parsed

__all__ = ["KEY", "Wrong", "deep_merge", "lists_of", "whole"]

KEY: Final = "extends"
DEEPEST: Final = 5
"""How long a chain of scenarios may be; a circle is found by it."""

ReadBeside = Callable[[str], bytes]


class Wrong(Exception):
    """What `extends` names cannot be had; args[0] is a `Finding` at that key."""


def deep_merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over`: tables are merged, all else is replaced.

    A file's `title` and `name` are its own.
    """
    merged = dict(base)
    for key, value in over.items():
        before = merged.get(key)
        merged[key] = deep_merge(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def lists_of(own: Mapping[str, Any]) -> list[Finding]:
    """The lists of tables that a file gives, which is what mostly is wrong when the scenario it extends has mistakes.

    Args:
        own: the data of the file that extends another, before both are one.
    """
    return [
        Finding(
            (key,),
            f'these take the place of every [[{key}]] of "{own[KEY]}": nothing is added to a list',
            "repeat here those that are to stay",
            at_key=True,
        )
        for key, value in own.items()
        if isinstance(value, list) and value and isinstance(value[0], dict)
    ]


def whole(raw: dict[str, Any], read_beside: ReadBeside, depth: int = 0) -> tuple[dict[str, Any], ReadBeside]:
    """The data of a scenario with what it extends.

    Args:
        raw: what stands in its file.
        read_beside: gives the content of a file named in it; raises OSError.
        depth: how many scenarios led here.

    Returns:
        The data without the key `extends`, and how files are read that either of them names.

    Raises:
        Wrong: there is no such scenario, it cannot be read, or they extend each other in a circle.
    """
    name = raw.get(KEY)
    if name is None:
        return raw, read_beside
    if not isinstance(name, str) or not name:
        raise Wrong(Finding((KEY,), "names the scenario that this one changes: a shipped name or a file beside it"))
    if depth >= DEEPEST:
        raise Wrong(Finding((KEY,), f'"{name}": more than {DEEPEST} scenarios extend each other; is it a circle?'))
    data, beside = _read(name, read_beside)
    try:
        base = parsed(decoded(data, name), name)
    except ScenarioError as error:
        first = error.problems[0]
        raise Wrong(Finding((KEY,), f'"{name}", line {first.line}: {first.message}')) from error
    base, beside = whole(base, beside, depth + 1)
    own = {key: value for key, value in raw.items() if key != KEY}
    base.pop("name", None)
    return deep_merge(base, own), _either(read_beside, beside)


def _read(name: str, read_beside: ReadBeside) -> tuple[bytes, ReadBeside]:
    if not name.endswith(".toml") and name in scenarios.available():
        return scenarios.resource(name).read_bytes(), _shipped
    try:
        return read_beside(name), read_beside
    except (OSError, ValueError) as error:
        known = ", ".join(scenarios.available())
        told = f'there is no scenario "{name}", neither shipped ({known}) nor as a file beside this one'
        raise Wrong(Finding((KEY,), told)) from error


def _shipped(name: str) -> bytes:
    return scenarios.folder().joinpath(name).read_bytes()


def _either(first: ReadBeside, second: ReadBeside) -> ReadBeside:
    """A file that a merged scenario names stands beside it, or beside the one it extends."""

    def read(name: str) -> bytes:
        try:
            return first(name)
        except FileNotFoundError:
            return second(name)

    return read
