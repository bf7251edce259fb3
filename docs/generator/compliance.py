"""Requirements, cases, and the suite's own test: the kill matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.compliance.explain import explained
from bench.compliance.requirements import load, names
from bench.compliance.suites import SUITES, suite_named

from .text import code, fenced, flat, heading, table

__all__ = ["compliance", "explanations", "kill_matrix"]


def compliance() -> str:
    """Every requirement and every case, each with its links to the other."""
    suites = {name: suite_named(name) for name in SUITES}
    blamed: dict[str, list[str]] = {}
    for suite in suites.values():
        for case in suite.cases:
            blamed.setdefault(case.primary, []).append(case.id)
    page = (
        "# Compliance: requirements and cases\n\n`hallbench check --list` prints the cases. Statements are in our own"
    )
    page += " words; a `?` behind a clause number says that it was not compared with the document."
    page += " [What compliance runs are](../../compliance.md).\n"
    for name in names():
        catalogue = load(name)
        page += heading(2, f"{catalogue.spec_title}, {catalogue.edition}", f"requirements-{name.replace('_', '-')}")
        rows = []
        for requirement in catalogue.requirements.values():
            cases = ", ".join(map(code, blamed.get(requirement.id, ())))
            why = flat(requirement.because) if requirement.testable == "not-black-box" else requirement.testable
            says = flat(requirement.says) + (f" *Applies: {code(requirement.applies)}.*" if requirement.applies else "")
            cited = flat(requirement.cited)
            rows.append(
                (
                    f"[{code(requirement.id)}]({_linked(requirement.id)})",
                    cited,
                    requirement.level,
                    requirement.role,
                    says,
                    cases or why,
                )
            )
        page += table(("id", "clause", "level", "role", "says", "case, or why none"), rows)
    for name, suite in suites.items():
        page += heading(2, f"Cases of {code(name)}", f"cases-{name.replace('.', '-').replace('_', '-')}")
        page += f"\n{len(suite.cases)} cases.\n" + table(
            ("case", "rev", "blames", "what must be seen", "timing", "seen in the wild"),
            [
                (
                    f"[{code(c.id)}]({_linked(c.id)})",
                    str(c.rev),
                    code(c.primary),
                    flat(c.title),
                    c.timing_class,
                    flat("; ".join(c.wild)),
                )
                for c in suite.cases
            ],
        )
    return page


def _anchor(ident: str) -> str:
    return "explain-" + ident.casefold().replace(".", "-").replace("_", "-")


def _linked(ident: str) -> str:
    return f"explanations.md#{_anchor(ident)}"


def explanations() -> str:
    """Each requirement and each case in full, as `hallbench explain ID` prints it."""
    page = "# Requirements and cases in full\n\n`hallbench explain ID` prints what stands here;"
    page += " [the tables](compliance.md) are shorter.\n" + heading(2, "Requirements")
    for name in names():
        for requirement in load(name).requirements.values():
            page += heading(3, code(requirement.id), _anchor(requirement.id)) + fenced(explained(requirement))
    page += heading(2, "Cases")
    cases = {case.id: case for name in SUITES for case in suite_named(name).cases}  # some are in several suites
    for case in cases.values():
        page += heading(3, code(case.id), _anchor(case.id)) + fenced(explained(case))
    return page


def kill_matrix(told: Mapping[str, Any], suites: Mapping[str, str]) -> str:
    """The matrix.

    Args:
        told: what `hallbench check --self-test --json` prints, with the hashes of the suites that it ran.
        suites: those hashes, as they are now.
    """
    mutants: Sequence[Mapping[str, Any]] = told["mutants"]
    killed = sum(bool(row["killed"]) for row in mutants)
    rightly = sum(row["expected"] in row["blamed"] for row in mutants)
    page = "# Kill matrix\n\nThe compliance suite's own test (`hallbench check --self-test`):"
    page += (
        " devices with one planted defect each, which a case must fail, blaming the right requirement; devices that are"
    )
    page += " unusual and right, on which nothing may fail; things that are no device, on which nothing may pass.\n"
    if told["suites"] != suites:
        page += (
            "\n:::{warning}\nThe suites have changed since this was stored: `python docs/generator/matrix.py` runs them"
        )
        page += " again.\n:::\n"
    page += f"\n**{killed} of {len(mutants)} mutants killed, {rightly} blamed rightly;"
    page += f" {sum(not row['failed'] for row in told['variants'])} of {len(told['variants'])} variants spared;"
    page += f" {sum(not row['passed'] for row in told['null_devices'])} of {len(told['null_devices'])} null devices"
    page += f" without a pass; {len(told['idle'])} cases kill nothing.**\n"
    if told["problems"]:
        page += f"\n:::{{warning}}\nNot released: {len(told['problems'])} problems.\n:::\n"
        page += "".join(f"\n- {flat(problem)}" for problem in told["problems"]) + "\n"
    page += heading(2, "Mutants")
    page += table(
        ("mutant", "its defect", "killed by", "blames", "fail too, as they must"),
        [
            (
                row["id"] if row["killed"] else f"**{row['id']} SURVIVES**",
                flat(row["title"]) + (f" *({flat(row['wild'])})*" if row.get("wild") else ""),
                ", ".join(map(code, row["cases"])),
                code(row["expected"]),
                ", ".join(map(code, row["collateral"])),
            )
            for row in mutants
        ],
    )
    for key, title, what in (("variants", "Legal variants", "failed"), ("null_devices", "Null devices", "passed")):
        page += heading(2, title)
        page += table(
            ("id", "what it is", what),
            [(code(row["id"]), flat(row["title"]), ", ".join(map(code, row[what])) or "nothing") for row in told[key]],
        )
    if pairs := told.get("pairs"):
        page += heading(2, "Two defects at once")
        page += (
            f"\n{pairs['tried']} drawn devices with two of these defects: both are blamed in {pairs['both']}. In the"
            " others one defect takes the tester's means from the other, whose cases are INCONCLUSIVE;"
            f" {len(pairs['hidden'])} are hidden behind a PASS.\n"
        )
    if told["same_kills"]:
        page += heading(2, "Cases with the same kills")
        page += (
            "\nSeveral tables share a defect in most devices; these stay, since a real one may have it in one only.\n\n"
        )
        page += "".join(f"- {', '.join(map(code, group))}\n" for group in told["same_kills"])
    return page
