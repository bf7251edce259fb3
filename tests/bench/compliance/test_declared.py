"""Cases made from protocol declarations: the shipped ones conform, changed ones are found out."""

from __future__ import annotations

import pytest

from bench.compliance.declaration import InvalidDeclaration, load_declaration, parse
from bench.compliance.mutants import declared_device
from bench.compliance.targets import target_named
from tests.bench.compliance.bus_laws import (
    must_be_reproducible,
    must_die_rightly_blamed,
    must_not_fail,
    must_not_pass,
)


@pytest.mark.parametrize("mutant", declared_device.MUTANTS, ids=lambda mutant: mutant.id)
def test_a_changed_declaration_is_found_out(mutant: object) -> None:
    """Law: a check, a span, a constant, a count, an answer or a repetition that was changed is told, rightly blamed."""
    must_die_rightly_blamed(mutant)  # type: ignore[arg-type]


@pytest.mark.parametrize("subject", declared_device.DEVICES, ids=lambda subject: subject.id)
def test_shipped_declarations_conform_to_themselves(subject: object) -> None:
    """Law: nothing fails on a device that plays its own declaration."""
    must_not_fail(subject)  # type: ignore[arg-type]


@pytest.mark.parametrize("subject", declared_device.NULL_DEVICES, ids=lambda subject: subject.id)
def test_null_devices_do_not_pass(subject: object) -> None:
    """Law: silence, echoes, random characters and one constant reply pass nothing."""
    must_not_pass(subject)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["ff68_evaluator", "onbon"])
def test_a_run_is_reproducible_and_can_be_judged_again(name: str) -> None:
    """Law: same seed, same bytes; the frames alone give the same verdicts."""
    must_be_reproducible(target_named(name))


def test_an_unknown_protocol_declaration_is_told() -> None:
    """Law: `spec` names a shipped protocol declaration, never a path; the error says which there are."""
    text = load_declaration("onbon").text.replace('spec = "onbon"', 'spec = "../onbon"')
    with pytest.raises(InvalidDeclaration, match="ff68_evaluator"):
        parse(text, "mine.toml")
