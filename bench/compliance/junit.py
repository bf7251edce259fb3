r"""junit.xml of a compliance run: for build servers, which know only passed, failed, errored and skipped.

FAIL is a `failure`; ERROR is an `error`; INCONCLUSIVE is an `error` with type "inconclusive" (or `skipped`, on request:
some build servers stop on errors); NOT APPLICABLE and NOT RUN are `skipped` with their reason; NON-STRICT and INFO pass
and say so in words (conformance.md section 5). Everything that XML cannot hold, or that moves a cursor, is spelled
out (`\x00`), so that no device can break the file.

The file is valid against junit-10.xsd of the Jenkins xUnit plugin, which has no `properties` below a `testcase`, no
`skipped` on `testsuites`, and, as first published, three decimals at most in the time of a suite. What a case says
beyond pass and fail is therefore in its `system-out`, one `name: value` a line, which build servers show beside the
case. Order, `id`, `package`, `hostname`, and `system-out` and `system-err` of the suite are as Ant's schema (Windy
Road) has them; docs/evidence.md says what is left of that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from bench.compliance.results import CaseResult, Run, undecided
from bench.compliance.tally import Book
from bench.reports.wording import printable

__all__ = ["THE_RUN", "junit", "xml_text"]

THE_RUN: Final = "the-run-itself"
"""Name of the case that stands for a run in which nothing was decided."""

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
    nothing = undecided(run)
    tally[inconclusive] += bool(nothing)
    head = {
        "name": run.suite or "-",
        "package": "hallbench",
        "id": "0",
        "hostname": "localhost",  # the schema's word for a host that is not told: no trace of the machine
        "tests": str(len(run.cases) + bool(nothing)),
        "failures": str(tally["failure"]),
        "errors": str(tally["error"]),
        "skipped": str(tally["skipped"]),
        "time": _seconds(sum(case.seconds for case in run.cases)),
    }
    if run.started:  # in simulated time there is no instant that could be told
        head["timestamp"] = run.started[:19]
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
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", "  " + _open("testsuite", head)]
    lines.append("    <properties>")
    for name, value in properties.items():
        lines.append(f"      {_open('property', {'name': name, 'value': value}, closed=True)}")
    lines.append("    </properties>")
    if nothing:
        lines += _the_run(run, nothing, inconclusive)
    for case in run.cases:
        lines += _case(case, run, book, kinds)
    lines.append(f"    <system-out>{_told(('note', note) for note in run.notes)}</system-out>")
    lines += ["    <system-err></system-err>", "  </testsuite>", "</testsuites>", ""]
    return "\n".join(lines)


def _case(case: CaseResult, run: Run, book: Book, kinds: Mapping[str, str]) -> Iterator[str]:
    yield "    " + _open(
        "testcase", {"classname": run.suite or "-", "name": case.id or "-", "time": _seconds(case.seconds)}
    )
    kind = kinds.get(case.verdict)
    if kind == "skipped":
        yield f"      {_open('skipped', {'message': _reason(case)}, closed=True)}"
    elif kind:
        text = xml_text("\n".join((case.title, "", *_wire(case), "", case.reproduce)))
        head = _open(kind, {"type": _type(case), "message": _reason(case)})
        yield f"      {head}{escape(text)}</{kind}>"
    yield f"      <system-out>{_told(_said(case, run, book))}</system-out>"
    yield "    </testcase>"


def _the_run(run: Run, nothing: str, kind: str) -> Iterator[str]:
    """A case for the run itself: skipped cases alone would be a green build, with no device on the port."""
    told = {"type": "inconclusive", "message": nothing}
    yield "    " + _open("testcase", {"classname": run.suite or "-", "name": THE_RUN, "time": _seconds(0)})
    yield f"      {_open(kind, told if kind == 'error' else {'message': nothing}, closed=True)}"
    yield f"      <system-out>{_told([('verdict', run.verdict)])}</system-out>"
    yield "    </testcase>"


def _said(case: CaseResult, run: Run, book: Book) -> Iterator[tuple[str, str]]:
    """What a case says beyond pass and fail, by name; what is empty is left out."""
    known = book.requirements.get(case.requirement)
    said = {
        "verdict": case.verdict,
        "rev": str(case.rev),
        "requirement": case.requirement,
        "clause": known.clause if known else "",
        "level": case.level,
        "seed": str(run.seed),
        "recovery": case.recovery,
        "reason": case.reason if case.verdict in ("PASS", "NON-STRICT", "INFO") else "",
        "reproduce": case.reproduce,
    }
    return ((name, value) for name, value in said.items() if value)


def _told(pairs: Iterable[tuple[str, str]]) -> str:
    """One `name: value` a line; a line end inside a value is spelled out, so that no value can begin another."""
    return escape("\n".join(f"{name}: {xml_text(value, keep='')}" for name, value in pairs))


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


def _open(tag: str, attributes: Mapping[str, str], *, closed: bool = False) -> str:
    # keep="": a reader folds line ends inside an attribute to spaces, so they are spelled out
    pairs = "".join(f" {name}={quoteattr(xml_text(value, keep=''))}" for name, value in attributes.items())
    return f"<{tag}{pairs}{'/' if closed else ''}>"


def _seconds(value: float) -> str:
    return f"{abs(value):.3f}"  # abs: the schema has no sign, and a record may say -0.0
