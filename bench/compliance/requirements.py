"""The normative statements, as data: `protocol/requirements/*.toml`, and whether each is covered by a case.

Every requirement says at which level it stands, whether its clause number was checked against the document, and
whether it can be tested on the wire at all (conformance.md 2.1). A MUST is covered by a case or excused in writing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

__all__ = ["LEVELS", "TESTABLE", "Catalogue", "InvalidCatalogue", "Requirement", "load", "names"]

LEVELS: Final = ("MUST", "SHOULD", "MAY", "IMPLIED", "VENDOR", "FIELD")
TESTABLE: Final = ("wire", "wire+operator", "virtual-time-only", "not-black-box")
ROLES: Final = ("device", "master", "both")
_FOLDER: Final = "protocol.requirements"


class InvalidCatalogue(ValueError):
    """A file of requirements is not as it must be; the message says where."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One normative statement.

    Args:
        id: "MBS-2.1-R4": specification, clause, number; never used again for something else.
        spec: key of the specification, "MBS".
        clause: its number there.
        checked: the clause number was checked against the document.
        level: one of `LEVELS`.
        role: "device", "master" or "both".
        says: the statement, in our words.
        testable: one of `TESTABLE`.
        because: for "not-black-box", why it cannot be seen on the wire.
        applies: capability expression, "" for always.
    """

    id: str
    spec: str
    clause: str
    checked: bool
    level: str
    role: str
    says: str
    testable: str = "wire"
    because: str = ""
    applies: str = ""

    @property
    def cited(self) -> str:
        """Specification and clause as shown; "?" marks a clause number that was not checked."""
        return f"{self.spec} {self.clause}{'' if self.checked else '?'}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The requirements of one specification."""

    name: str
    spec_title: str
    edition: str
    requirements: Mapping[str, Requirement]
    sha256: str


def names() -> list[str]:
    """Names of the catalogues that exist."""
    return sorted(
        entry.name.removesuffix(".toml") for entry in files(_FOLDER).iterdir() if entry.name.endswith(".toml")
    )


@cache
def load(name: str) -> Catalogue:
    """Read one catalogue.

    Raises:
        InvalidCatalogue: it does not exist, or is not as it must be.
    """
    path = files(_FOLDER) / f"{name}.toml"
    if not path.is_file():
        raise InvalidCatalogue(f"there is no catalogue of requirements {name!r}; there are {', '.join(names())}")
    text = path.read_text(encoding="utf-8")
    try:
        document = tomllib.loads(text)
        found: dict[str, Requirement] = {}
        for row in document["requirement"]:
            requirement = _read(document["spec"], row, found)
            found[requirement.id] = requirement
        return Catalogue(name, document["title"], document["edition"], found, sha256(text.encode()).hexdigest())
    except (tomllib.TOMLDecodeError, KeyError, TypeError, InvalidCatalogue) as error:
        raise InvalidCatalogue(f"protocol/requirements/{name}.toml: {error}") from error


def _read(spec: str, row: Mapping[str, Any], before: Mapping[str, Requirement]) -> Requirement:
    requirement = Requirement(spec=spec, **row)
    if requirement.id in before:
        raise InvalidCatalogue(f"{requirement.id} stands there twice")
    if requirement.level not in LEVELS or requirement.testable not in TESTABLE or requirement.role not in ROLES:
        raise InvalidCatalogue(f"{requirement.id}: level, testable or role is none of the words known")
    if not requirement.id.startswith(f"{spec}-{requirement.clause}-R"):
        raise InvalidCatalogue(f"{requirement.id} is not made of {spec}, clause {requirement.clause} and R-number")
    if (requirement.testable == "not-black-box") != bool(requirement.because):
        raise InvalidCatalogue(f"{requirement.id}: `because` excuses what is not-black-box, and only that")
    return requirement
