"""Every MUST is covered by a case or excused in writing, and every case blames a requirement that exists."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pytest

from bench.compliance.requirements import InvalidCatalogue, Requirement, _read, load, names
from bench.compliance.suites import SUITES, suite_named


def everything() -> list[Requirement]:
    """The requirements of every shipped catalogue."""
    return [row for name in names() for row in load(name).requirements.values()]


def uncovered(requirements: Iterable[Requirement], covered: Collection[str]) -> list[str]:
    """Ids of the MUST statements that no case covers and nothing excuses."""
    return [r.id for r in requirements if r.level == "MUST" and not r.because and r.id not in covered]


def test_every_must_is_covered_or_excused() -> None:
    """Law: no MUST of a shipped catalogue stands without a case or a reason."""
    covered = {id_ for name in SUITES for case in suite_named(name).cases for id_ in (case.primary, *case.also)}
    assert uncovered(everything(), covered) == []


def test_an_uncovered_must_is_found() -> None:
    """Law: without its cases a catalogue is reported, requirement by requirement, but for what is excused."""
    requirements = load("modbus_serial").requirements
    musts = [r.id for r in requirements.values() if r.level == "MUST" and not r.because]
    assert uncovered(requirements.values(), []) == musts
    assert len(musts) > 15


@pytest.mark.parametrize("name", SUITES)
def test_every_case_blames_what_exists(name: str) -> None:
    """Law: primary and also of a case are requirements of its suite, of its role."""
    suite = suite_named(name)
    requirements = suite.requirements()
    role = name.rpartition(".")[2]
    for case in suite.cases:
        assert {case.primary, *case.also} <= requirements.keys(), case.id
        assert requirements[case.primary].role in (role, "both"), case.id


def test_clause_numbers_that_nobody_checked_are_marked() -> None:
    """Law: a citation shows by its mark that the clause was not compared with the document."""
    for requirement in everything():
        assert requirement.cited.endswith("?") != requirement.checked


def test_an_unknown_catalogue_is_named() -> None:
    """Law: the error says which catalogues there are."""
    with pytest.raises(InvalidCatalogue, match="modbus_serial"):
        load("nothing")


ROW = {
    "id": "X-1.2-R1", "clause": "1.2", "checked": True, "level": "MUST", "role": "device", "says": "It answers.",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"level": "OUGHT"}, "level, testable or role is none of the words known"),
        ({"role": "server"}, "level, testable or role is none of the words known"),
        ({"id": "X-1.3-R1"}, "is not made of X, clause 1.2 and R-number"),
        ({"testable": "not-black-box"}, "`because` excuses what is not-black-box, and only that"),
        ({"because": "it is inside"}, "`because` excuses what is not-black-box, and only that"),
    ],
)
def test_a_wrong_statement_is_refused(change: dict[str, str], told: str) -> None:
    """Law: a word that nobody knows, an id of another clause, an excuse without need: each is told with the id."""
    assert _read("X", ROW, {}).cited == "X 1.2"
    with pytest.raises(InvalidCatalogue, match=told) as caught:
        _read("X", {**ROW, **change}, {})
    assert str(caught.value).startswith(change.get("id", ROW["id"]))


def test_an_id_is_used_once() -> None:
    """Law: two statements with one id are refused."""
    first = _read("X", ROW, {})
    with pytest.raises(InvalidCatalogue, match=r"X-1\.2-R1 stands there twice"):
        _read("X", ROW, {first.id: first})
