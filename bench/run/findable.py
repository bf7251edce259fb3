"""Whether a module that is to be run with `-m` can be found, without importing anything of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path


def why_not_runnable(name: str, first: Path) -> str:
    """Why `python -m NAME` would find nothing to run; empty if it would.

    Only the finders are asked, as `runpy` asks them, but no package is imported on the way: its own code must not run
    before the day begins.

    Args:
        name: dotted name of the module.
        first: the folder that is searched before all others: the working directory.
    """
    parts = name.split(".")
    with suppress(KeyError):  # a namespace package within another looks for its parent among what is imported
        return _why_not(name, parts, first)
    return ""


def _why_not(name: str, parts: Sequence[str], first: Path) -> str:
    if not all(part.isidentifier() for part in parts):
        return f"{name!r} is no name of a module (with -m, no path and no .py)"
    spec: ModuleSpec | None = None
    places: Sequence[str] | None = None
    for n in range(len(parts)):
        whole = ".".join(parts[: n + 1])
        spec = _find(whole, places, first)
        if spec is None:
            return _no_module(whole, name, first)
        places = spec.submodule_search_locations
        if places is None and n < len(parts) - 1:
            advice = f"; name it without .py: -m {whole}" if name == f"{whole}.py" else ""
            return f"{whole} is a module, not a package: there is no {name} in it{advice}"
    if places is not None and _find(f"{name}.__main__", places, first) is None:
        return f"{name} is a package and cannot be run: it has no {name}.__main__"
    return ""


def _find(name: str, places: Iterable[str] | None, first: Path) -> ModuleSpec | None:
    search = [str(first), *sys.path[1:]] if places is None else list(places)
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        path = None if places is None and finder is not PathFinder else search
        found: ModuleSpec | None = find_spec(name, path) if find_spec is not None else None
        if found is not None:
            return found
    return None


def _no_module(missing: str, name: str, first: Path) -> str:
    part = f" for {name}" if missing != name else ""
    return f"there is no module {missing}{part} in {first} nor among what is installed beside hallbench ({sys.prefix})"
