"""The text and the tables of a TOML file that people wrote; a mistake in either is told at its place."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from bench.scenario.problems import Problem, ScenarioError

__all__ = ["decoded", "parsed"]

_TOML_PLACE = re.compile(
    r"(?P<what>.*?) \((?:at line (?P<line>\d+), column (?P<column>\d+)|at end of document)\)", re.DOTALL
)

_ENDLESS = re.compile(r"\d{4300,}")
"""More digits than Python takes for a number; it refuses them without a place."""


def decoded(data: bytes, file: str) -> str:
    """The text of a file.

    Raises:
        ScenarioError: it is not UTF-8, or begins with a byte order mark.
    """
    try:
        source = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        tail = before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")
        line = before.count(b"\n") + 1
        shown = data.split(b"\n")[line - 1].decode("utf-8", "replace").rstrip("\r")
        told = f"byte 0x{data[error.start]:02X} is not UTF-8; save the file as UTF-8"
        raise ScenarioError([Problem(file, line, len(tail) + 1, told, shown)]) from error
    if source.startswith("\ufeff"):
        told = "the file begins with a byte order mark; save it as UTF-8 without one"
        raise ScenarioError([Problem(file, 1, 1, told, source.split("\n")[0][1:])])
    return source


def parsed(source: str, file: str) -> dict[str, Any]:
    """The raw data; a syntax error becomes a problem at its place.

    Raises:
        ScenarioError: it is not TOML.
    """
    try:
        return tomllib.loads(source)
    except RecursionError as error:
        raise ScenarioError([Problem(file, 1, 1, "is nested too deeply", source.split("\n")[0])]) from error
    except ValueError as error:  # TOMLDecodeError, and what int() says to a number of thousands of digits
        match, lines = _TOML_PLACE.fullmatch(str(error)), source.split("\n")
        line, column, what = len(lines), len(lines[-1]) + 1, str(error)
        if digits := _ENDLESS.search(source):
            line, column = (
                source.count("\n", 0, digits.start()) + 1,
                digits.start() - source.rfind("\n", 0, digits.start()),
            )
        if match:
            what = match["what"]
            if match["line"]:
                line, column = int(match["line"]), int(match["column"])
        told = f"not TOML: {what[:1].lower()}{what[1:]}"
        raise ScenarioError([Problem(file, line, column, told, lines[line - 1].rstrip("\r"))]) from error
