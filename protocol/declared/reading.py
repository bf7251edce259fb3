"""Reading plain tables with every mistake noted at its place, never at the first one only.

A `Reading` collects `Problem`s: the path in the table (`("message", 0, "match")`), what was found and what was
expected, and a hint. Whoever has the file turns paths into lines and columns (`bench.scenario.declared`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, NamedTuple, TypeAlias

Path: TypeAlias = tuple[str | int, ...]

KINDS: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "text": ((str,), "text in quotes"),
    "whole": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "flag": ((bool,), "true or false"),
    "table": ((dict,), "a table"),
    "list": ((list,), "an array [ ... ]"),
}
"""What a value can have to be: Python types of it, and how a message calls it."""


class Problem(NamedTuple):
    """A mistake.

    Args:
        path: where in the tables.
        message: what was found and what was expected.
        hint: what to do, or "".
        at_key: the key is wrong, not its value.
    """

    path: Path
    message: str
    hint: str = ""
    at_key: bool = False


def did_you_mean(word: str, choices: Collection[str]) -> str:
    """A hint with the nearest of the choices; else all of them when they are few; else nothing."""
    near = get_close_matches(word, list(choices), n=1, cutoff=0.6)
    if not near:
        lowered = {choice.lower(): choice for choice in choices}
        near = [lowered[match] for match in get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.6)]
    if near:
        return f'did you mean "{near[0]}"?'
    return "there is " + ", ".join(f'"{choice}"' for choice in choices) if 0 < len(choices) <= 12 else ""


class Reading:
    """The mistakes found so far, and ways to read a value that note one.

    Attributes:
        problems: in the order of finding.
        subject: put before each message: whom it is about.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.subject = ""

    def wrong(self, path: Path, message: str, hint: str = "", *, at_key: bool = False) -> None:
        """Note a mistake."""
        told = f"{self.subject}: {message}" if self.subject else message
        self.problems.append(Problem(path, told, hint, at_key))

    def known(
        self, path: Path, table: Mapping[str, Any], allowed: Collection[str], required: Sequence[str] = ()
    ) -> None:
        """Note keys that a table should not have, and such as it lacks."""
        for key in table:
            if key not in allowed:
                self.wrong((*path, key), f"there is no key `{key}` here", did_you_mean(key, allowed), at_key=True)
        for key in required:
            if key not in table:
                self.wrong(path, f"`{key}` is missing")

    def value(self, path: Path, table: Mapping[str, Any], key: str, kind: str, default: Any = None) -> Any:
        """`table[key]` if it is of a kind of `KINDS`; the default when it is missing or (noted) something else."""
        if key not in table:
            return default
        value = table[key]
        types, words = KINDS[kind]
        if not isinstance(value, types) or (isinstance(value, bool) and kind != "flag"):
            self.wrong((*path, key), f"{key} must be {words}, not {shown(value)}")
            return default
        return value

    def whole(
        self, path: Path, table: Mapping[str, Any], key: str, default: Any = None, low: int = 0, high: int | None = None
    ) -> Any:
        """A whole number within bounds."""
        value = self.value(path, table, key, "whole", None)
        if value is None:
            return default
        if value < low or (high is not None and value > high):
            bounds = f"{low}..{high}" if high is not None else f"at least {low}"
            self.wrong((*path, key), f"{key} {value} is not {bounds}")
            return default
        return value

    def choice(
        self, path: Path, table: Mapping[str, Any], key: str, choices: Collection[str], default: Any = None
    ) -> Any:
        """One of some words."""
        value = self.value(path, table, key, "text", None)
        if value is None:
            return default
        if value not in choices:
            listed = ", ".join(f'"{choice}"' for choice in choices)
            near = did_you_mean(value, choices)
            self.wrong((*path, key), f'{key} "{value}" is none of {listed}', near if near.startswith("did") else "")
            return default
        return value

    def hexadecimal(self, path: Path, text: Any, what: str) -> bytes:
        """Bytes written as "FF 68"; empty bytes when (noted) they are not."""
        if isinstance(text, str):
            try:
                return bytes.fromhex(text)
            except ValueError:
                pass
        self.wrong(path, f'{what} must be bytes in hexadecimal, e.g. "FF 68", not {shown(text)}')
        return b""

    def pair(self, path: Path, value: Any, what: str) -> tuple[int, int] | None:
        """Two whole numbers in order, written `[low, high]`."""
        whole = isinstance(value, list) and len(value) == 2 and all(type(n) is int for n in value)
        if not whole or value[0] > value[1]:
            self.wrong(path, f"{what} must be two whole numbers in order, e.g. [0, 3], not {shown(value)}")
            return None
        return value[0], value[1]

    def tables(self, path: Path, table: Mapping[str, Any], key: str) -> list[tuple[Path, dict[str, Any]]]:
        """The tables of an array with their paths."""
        made = []
        for index, one in enumerate(self.value(path, table, key, "list", [])):
            here = (*path, key, index)
            if isinstance(one, dict):
                made.append((here, one))
            else:
                self.wrong(here, f"{key}[{index + 1}] must be a table, not {shown(one)}")
        return made


def shown(value: object) -> str:
    """A value as a message shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an array"
    return f'"{value}"' if isinstance(value, str) else str(value)
