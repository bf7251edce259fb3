"""Declarations of devices: found in the catalogue or at a path, read, and checked, with every mistake at its place.

The only place where declaration files are opened and where their positions are known. Mistakes come as one
`ScenarioError`, each as `file:line:column` with the source line and a hint, as for scenarios (`bench.scenario.load`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import resources
from pathlib import Path

from bench.scenario.declared_say import unsayable
from bench.scenario.draft import did_you_mean
from bench.scenario.locate import Positions
from bench.scenario.problems import Problem, ScenarioError
from bench.scenario.toml_text import decoded, parsed
from protocol.declared import catalogue
from protocol.declared.build import Refused, build
from protocol.declared.codec import Codec
from protocol.declared.model import Declaration
from protocol.declared.reading import Problem as Mistake

__all__ = ["available", "codec_of", "find", "is_path", "load", "parse", "text_of"]

ENDING = ".toml"


def available() -> list[str]:
    """Names of the declarations that ship with hallbench, sorted."""
    names = (entry.name for entry in resources.files(catalogue).iterdir())
    return sorted(name.removesuffix(ENDING) for name in names if name.endswith(ENDING))


def is_path(name: str) -> bool:
    """Whether a name of a protocol is the path of a file: it has a separator, or ends in .toml."""
    return name.endswith(ENDING) or "/" in name or os.sep in name


def load(name_or_path: str | os.PathLike[str], beside: Path | None = None) -> Declaration:
    """The declaration of a catalogue name (`"dfplayer"`) or of a path (`"my_keypad.toml"`).

    Args:
        name_or_path: a plain word is a catalogue name; what has a separator or ends in .toml, or is no `str`, a path.
        beside: a relative path is looked for here first (the folder of a scenario).

    Raises:
        ScenarioError: with every mistake found.
    """
    return codec_of(name_or_path, beside).declaration


def codec_of(name_or_path: str | os.PathLike[str], beside: Path | None = None) -> Codec:
    """The same, made ready to decode and encode.

    Raises:
        ScenarioError: with every mistake found.
    """
    file, data = text_of(name_or_path, beside)
    return _codec(file, data)


@lru_cache(maxsize=64)
def _codec(file: str, data: bytes) -> Codec:
    # A hall has dozens of devices of one kind: its file is checked once.
    return Codec(parse(data, file), data.decode("utf-8", "replace"))


def text_of(name_or_path: str | os.PathLike[str], beside: Path | None = None) -> tuple[str, bytes]:
    """How the file of a declaration is called, and its content.

    Raises:
        ScenarioError: there is none.
    """
    name = os.fspath(name_or_path)
    if isinstance(name_or_path, str) and not is_path(name):
        if name in available():
            return f"{name}{ENDING}", resources.files(catalogue).joinpath(f"{name}{ENDING}").read_bytes()
        hint = did_you_mean(name, available())
        told = f'no declared protocol "{name}" ships with hallbench'
        raise ScenarioError([Problem(name or '""', 0, 0, told, hint=hint or f"there is {', '.join(available())}")])
    path = find(Path(name), beside)
    try:
        return str(path), path.read_bytes()
    except IsADirectoryError:
        told = "is a directory; a declaration is a .toml file"
    except FileNotFoundError:
        told = "there is no such file"
    except (OSError, ValueError) as error:
        told = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    raise ScenarioError([Problem(str(path), 0, 0, told, hint="a name without a path is one of the catalogue")])


def find(path: Path, beside: Path | None) -> Path:
    """The path as it is meant: a relative one beside a scenario, if it is there, else from the working directory."""
    if beside is not None and not path.is_absolute() and (beside / path).exists():
        return beside / path
    return path


def parse(data: bytes, file: str) -> Declaration:
    """The declaration in the bytes of a TOML file, its vectors included.

    Args:
        data: the file's content.
        file: how it is called in messages.

    Raises:
        ScenarioError: with every mistake found.
    """
    source = decoded(data, file)
    raw = parsed(source, file)
    try:
        declaration = build(raw)
    except Refused as refused:
        raise ScenarioError(list(_placed(refused.problems, source, file))) from refused
    if wrong := list(unsayable(declaration)):
        raise ScenarioError(list(_placed(wrong, source, file)))
    return declaration


def _placed(problems: Iterable[Mistake], source: str, file: str) -> Iterator[Problem]:
    positions, lines = Positions(source), source.split("\n")
    placed = []
    for problem in problems:
        spot = positions.find(problem.path, key=problem.at_key)
        shown = lines[spot.line - 1].rstrip("\r")
        placed.append(Problem(file, spot.line, spot.column, problem.message, shown, problem.hint))
    yield from sorted(placed, key=lambda problem: (problem.line, problem.column))
