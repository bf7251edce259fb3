"""Numbers on the command line that are numbers: `nan` lies in every range that only compares."""

from __future__ import annotations

import math
from typing import Any

import click


class Number(click.FloatRange):
    """A float within a range, as `click.FloatRange` takes it, that is not NaN."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number.

        Raises:
            click.BadParameter: it is none, or outside the range.
        """
        found = float(super().convert(value, param, ctx))
        if math.isnan(found):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return found
