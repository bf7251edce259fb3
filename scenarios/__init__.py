"""Data: the scenarios that ship with hallbench, as TOML files with their JSON Schema.

Found through `importlib.resources`, so they are the same from a checkout, an installed package or a zip file.
"""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable


def available() -> list[str]:
    """Names of the shipped scenarios, sorted."""
    return sorted(
        entry.name.removesuffix(".toml") for entry in files(__name__).iterdir() if entry.name.endswith(".toml")
    )


def folder() -> Traversable:
    """The place of the shipped files."""
    return files(__name__)


def resource(name: str) -> Traversable:
    """The TOML file of the shipped scenario `name`.

    Raises:
        FileNotFoundError: there is none of this name.
    """
    if name not in available():
        raise FileNotFoundError(f'no scenario "{name}" is shipped; there is {", ".join(available())}')
    return folder().joinpath(f"{name}.toml")
