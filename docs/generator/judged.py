"""Faults and invariants, with the very text that `hallbench explain` prints."""

from __future__ import annotations

from bench.faults import explain as faulty
from bench.faults.catalogue import CATALOGUE
from bench.judge import explain as judging
from bench.judge.invariants import INVARIANTS

from .text import code, fenced, flat, heading, table

__all__ = ["faults", "invariants"]


def faults() -> str:
    """The catalogue of faults."""
    page = "# Faults\n\n`hallbench explain ID` prints what stands here; [how faults are asked for](../../faults.md)."
    page += " The last column names the [invariants](invariants.md) that a fault puts to the test.\n"
    page += table(
        ("id", "name", "what it does", "for"),
        [
            (row.id, f"[{code(row.name)}](#fault-{row.id.lower()})", flat(row.does), " ".join(row.stresses))
            for row in CATALOGUE.values()
        ],
    )
    for row in CATALOGUE.values():
        page += heading(2, f"{row.id} {code(row.name)}", f"fault-{row.id.lower()}") + fenced(faulty.explained(row))
    return page


def invariants() -> str:
    """What the judge holds a program to."""
    page = "# Invariants\n\n`hallbench explain ID` prints what stands here; [how the judge decides](../../judge.md).\n"
    page += table(
        ("letter", "name", "what holds"),
        [(row.letter or "-", f"[{code(row.name)}](#invariant-{row.name})", flat(row.claim)) for row in INVARIANTS],
    )
    for row in INVARIANTS:
        page += heading(2, f"{row.letter} {code(row.name)}".strip(), f"invariant-{row.name}")
        page += fenced(judging.explained(row))
    return page
