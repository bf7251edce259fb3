"""Figures as rows of benchmarks/results.json."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

Target = tuple[str, str, float | None]
"""Unit, "<=" or ">=", and the bound; None where a figure is only stated."""


def rows_of(found: Mapping[str, float], targets: Mapping[str, Target], *packages: str) -> list[dict[str, Any]]:
    """One row a figure, with whether it holds.

    Args:
        found: figure -> value.
        targets: figure -> what it is measured against.
        packages: distributions whose versions stand beside Python's.
    """
    versions = {"python": platform.python_version(), **{name: version(name) for name in packages}}
    made = []
    for key, value in found.items():
        unit, sign, bound = targets[key]
        holds = None if bound is None else value <= bound if sign == "<=" else value >= bound
        target = "" if bound is None else f"{sign} {bound:g}"
        made.append(
            {
                "id": key,
                "value": value,
                "unit": unit,
                "target": target,
                "holds": holds,
                "against": "",
                "versions": versions,
            }
        )
    return made
