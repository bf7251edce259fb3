r"""junit.xml of a compliance run: for build servers, which know only passed, failed, errored and skipped.

FAIL is a `failure`; ERROR is an `error`; INCONCLUSIVE is an `error` with type "inconclusive" (or `skipped`, on request:
some build servers stop on errors); NOT APPLICABLE and NOT RUN are `skipped` with their reason; NON-STRICT and INFO pass
and say so in a property (conformance.md section 5). Everything that XML cannot hold, or that moves a cursor, is spelled
out (`\x00`), so that no device can break the file.

Element and attribute names are those that Jenkins, GitLab and Ant's JUnitReport read; `properties` below a `testcase`
is the later custom of pytest and GitLab, which older readers skip.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from bench.compliance.results import CaseResult, Run
from bench.compliance.tally import Book
from bench.reports.wording import printable

__all__ = ["junit", "xml_text"]

_LONGEST: Final = 20_000
"""Characters of wire that one failure carries; the rest stands in wire.txt."""

_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (fifth edition, 2.2 [A]) does not allow even as a reference."""

_KIND: Final[Mapping[str, str]] = {
    "FAIL": "failure",
    "ERROR": "error",
    "INCONCLUSIVE": "error",
    "NOT APPLICABLE": "skipped",
    "NOT RUN": "skipped",
}


def xml_text(text: str, *, keep: str = "\n\t") -> str:
    r"""Text that XML can hold: what it cannot, and what moves a cursor, is spelled out (`\x00`, `\ufffe`)."""
    return _FORBIDDEN.sub(lambda char: ascii(char.group())[1:-1], printable(text, keep=keep))


def junit(run: Run, book: Book, *, inconclusive: str = "error") -> str:
    """The run as JUnit XML.

    Args:
        run: what was found.
        book: its requirements, for the clauses.
        inconclusive: "error" or "skipped": what an undecided case is for the build server.

    Raises:
        ValueError: any other word for `inconclusive`.
    """
    if inconclusive not in ("error", "skipped"):
        raise ValueError(f"an inconclusive case can be 'error' or 'skipped' in junit.xml, not {inconclusive!r}")
    kinds = {**_KIND, "INCONCLUSIVE": inconclusive}
    tally = dict.fromkeys(("failure", "error", "skipped"), 0)
    for case in run.cases:
        if case.verdict in kinds:
            tally[kinds[case.verdict]] += 1
    counted = {
        "tests": str(len(run.cases)),
        "failures": str(tally["failure"]),
        "errors": str(tally["error"]),
        "skipped": str(tally["skipped"]),
        "time": _seconds(sum(case.seconds for case in run.cases)),
    }
    stamp = {"timestamp": run.started[:19]} if run.started else {}
    properties = {
        "tool": run.tool,
        "verdict": run.verdict,
        "target": run.target,
        "line": run.line,
        "clock": run.clock,
        "seed": str(run.seed),
        "catalogue": run.catalogue_sha256,
        "declaration": run.declaration_sha256,
    }
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', _open("testsuites", {"name": "hallbench", **counted})]
    lines.append("  " + _open("testsuite", {"name": run.suite or "-", **counted, **stamp}))
    lines += _properties(properties.items(), "    ")
    for case in run.cases:
        lines += _case(case, run, book, kinds)
    lines += ["  </testsuite>", "</testsuites>", ""]
    return "\n".join(lines)


def _case(case: CaseResult, run: Run, book: Book, kinds: Mapping[str, str]) -> Iterator[str]:
    yield "    " + _open(
        "testcase", {"classname": run.suite or "-", "name": case.id or "-", "time": _seconds(case.seconds)}
    )
    known = book.requirements.get(case.requirement)
    properties = {
        "verdict": case.verdict,
        "rev": str(case.rev),
        "requirement": case.requirement,
        "clause": known.clause if known else "",
        "level": case.level,
        "seed": str(run.seed),
        "recovery": case.recovery,
        "reproduce": case.reproduce,
    }
    if case.verdict in ("NON-STRICT", "INFO") and case.reason:
        properties["reason"] = case.reason
    yield from _properties(((name, value) for name, value in properties.items() if value), "      ")
    kind = kinds.get(case.verdict)
    if kind == "skipped":
        yield f"      {_open('skipped', {'message': _reason(case)}, closed=True)}"
    elif kind:
        text = xml_text("\n".join((case.title, "", *_wire(case), "", case.reproduce)))
        head = _open(kind, {"type": _type(case), "message": _reason(case)})
        yield f"      {head}{escape(text)}</{kind}>"
    yield "    </testcase>"


def _reason(case: CaseResult) -> str:
    """Why the case did not pass, in words that are never empty."""
    if case.verdict == "NOT APPLICABLE":
        return f"not applicable by the declaration: {case.applies or case.reason or 'no line is named'}"
    if case.verdict == "NOT RUN":
        return f"not run: {case.reason or 'not selected'}"
    return case.reason or f"{case.verdict}, with no reason given"


def _type(case: CaseResult) -> str:
    return "inconclusive" if case.verdict == "INCONCLUSIVE" else case.requirement or case.verdict.lower()


def _wire(case: CaseResult) -> Iterator[str]:
    room = _LONGEST
    for number, frame in enumerate(case.frames):
        line = f"{number:3} {frame.at / 1e6:12.3f} ms {frame.direction:3} {frame.data.hex(' ')}"
        line += f"  ({frame.note})" if frame.note else ""
        room -= len(line)
        if room < 0:
            yield f"... {len(case.frames) - number} more in wire.txt"
            return
        yield line


def _properties(pairs: Iterable[tuple[str, str]], indent: str) -> Iterator[str]:
    yield f"{indent}<properties>"
    for name, value in pairs:
        yield f"{indent}  {_open('property', {'name': name, 'value': value}, closed=True)}"
    yield f"{indent}</properties>"


def _open(tag: str, attributes: Mapping[str, str], *, closed: bool = False) -> str:
    # keep="": a reader folds line ends inside an attribute to spaces, so they are spelled out
    pairs = "".join(f" {name}={quoteattr(xml_text(value, keep=''))}" for name, value in attributes.items())
    return f"<{tag}{pairs}{'/' if closed else ''}>"


def _seconds(value: float) -> str:
    return f"{value:.6f}"
