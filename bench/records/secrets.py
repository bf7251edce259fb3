"""Passwords in URLs: filled in from the environment, and never shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

__all__ = ["Unset", "cover", "expand", "hide"]

# bounded, so that a long hostile line is not searched to its end again from each place
_IN_URL: Final = re.compile(r"(?P<before>://[^\s/:@'\"]{0,256}:)(?P<secret>[^\s'\"]{0,2048})@")
_NAMED: Final = re.compile(r"(?P<before>\b(?:password|passwd|pwd|sslpassword)=)(?P<secret>[^\s&;'\"]+)", re.IGNORECASE)
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")


class Unset(ValueError):
    """A URL asks for a variable of the environment that is not there."""


def hide(text: str) -> str:
    """A text with the passwords of its URLs as ***; one that contains @ takes all up to the last @ with it."""
    return _NAMED.sub(r"\g<before>***", _IN_URL.sub(r"\g<before>***@", text))


def cover(text: str) -> str:
    """The same with a star for each character, so that the places of all others stay."""

    def stars(found: re.Match[str]) -> str:
        return found["before"] + "*" * len(found["secret"]) + found[0][len(found["before"]) + len(found["secret"]) :]

    return _NAMED.sub(stars, _IN_URL.sub(stars, text))


def expand(url: str, environ: Mapping[str, str] | None = None) -> str:
    """Fill in `${NAME}` from the environment, so that a scenario file holds no password.

    Raises:
        Unset: a variable is not set.
    """
    values = os.environ if environ is None else environ

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in values:
            raise Unset(f"{hide(url)}: the variable {name} of the environment is not set; set it, then run again")
        return values[name]

    return _VARIABLE.sub(value, url)
