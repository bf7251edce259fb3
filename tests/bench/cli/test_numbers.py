"""Floats on the command line."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from bench.cli.main import cli
from bench.cli.numbers import Number


@pytest.mark.parametrize("text", ["nan", "NaN", "-nan", "0.4", "three"])
def test_what_is_no_number_of_the_range_is_refused(text: str) -> None:
    """NaN compares with nothing, so a range alone would let it through."""
    with pytest.raises(click.BadParameter):
        Number(0.5, 2).convert(text, None, None)


def test_a_number_of_the_range_is_taken() -> None:
    """As `click.FloatRange` takes it, and without an upper end infinity too."""
    assert Number(0.5, 2).convert("1.5", None, None) == 1.5
    assert Number(0.5).convert("inf", None, None) == float("inf")


@pytest.mark.parametrize(
    "words", [["plan", "--precision"], ["plan", "--within"], ["budget", "--reach"], ["press", "x", "1", "--held"]]
)
def test_commands_refuse_nan(words: list[str]) -> None:
    """No command begins with a bound that nothing reaches."""
    told = CliRunner().invoke(cli, [*words, "nan"])
    assert told.exit_code == 2
    assert "'nan' is not a number" in told.output
