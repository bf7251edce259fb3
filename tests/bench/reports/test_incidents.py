"""Faults: hits counted, stretches from hit to heal, those that never struck kept and told."""

from __future__ import annotations

import itertools
from typing import Any

from bench.daytime import clock_text
from bench.reports.incidents import ALL, JOIN, Incidents, Stretch, rows, sentence
from bench.reports.timeline import merged, packed

NS = 1_000_000_000


def _of(*records: dict[str, Any]) -> Incidents:
    found = Incidents()
    for record in records:
        found.see({"src": "fault", **record})
    return found


def _hit(t: int, ident: str = "N01", **more: Any) -> dict[str, Any]:
    return {"k": "fault", "t": t, "id": ident, "name": "bit_flip", "line": "keypads", **more}


def test_hits_near_each_other_are_one_stretch() -> None:
    """Hits no more than a minute apart are one stretch, and a heal ends the last one."""
    found = _of(
        _hit(0),
        _hit(JOIN),
        _hit(3 * JOIN),
        {"k": "heal", "t": 5 * JOIN, "id": "N01"},
        {"k": "heal", "t": 9 * JOIN, "id": "N01"},
    )
    assert found.stretches() == [Stretch(0, JOIN, "N01"), Stretch(3 * JOIN, 5 * JOIN, "N01")]
    (one,) = found.all()
    assert (one.hits, one.first, one.last, one.where) == (3, 0, 3 * JOIN, ["keypads"])


def test_a_heal_of_all_is_no_fault_and_ends_what_lasts() -> None:
    """Healing everything ends a cut wire; a reboot was over at once and is not made longer."""
    found = _of(_hit(0, "N17"), _hit(NS, "N26"), {"k": "heal", "t": 9 * JOIN, "id": ALL})
    assert found.stretches() == [Stretch(0, 9 * JOIN, "N17"), Stretch(NS, NS, "N26")]


def test_what_never_struck_comes_first_and_says_why() -> None:
    """Zeros are at the top of the table, with the reason instead of what the fault did."""
    found = _of(_hit(0, told="bit 1"), {"k": "fault_unused", "t": 1, "id": "N38", "name": "kill", "why": "nobody"})
    first, second = rows(found.all(), clock_text)
    assert (first["id"], first["hits"], first["struck"], first["told"]) == ("N38", "0", False, "nobody")
    assert (second["hits"], second["told"]) == ("1", "bit 1")
    assert sentence(found.all()).startswith("1 of 2 faults struck, 1 hit in all. 1 did not")


def test_many_stretches_stay_bounded() -> None:
    """A fault that strikes every two minutes for a week has a bounded number of stretches, and all its hits."""
    found = _of(*(_hit(n * 2 * JOIN) for n in range(5000)))
    assert found.all()[0].hits == 5000
    spans = found.stretches()
    assert len(spans) <= 60
    assert (spans[0].begin, spans[-1].end) == (0, 4999 * 2 * JOIN)


def test_lanes_hold_every_stretch_once_and_side_by_side() -> None:
    """No two stretches of a lane overlap, and none is lost."""
    day = 600 * 60 * NS
    stretches = [Stretch(n * 10 * 60 * NS, (n * 10 + 25) * 60 * NS, f"N{n:02}") for n in range(1, 30)]
    lanes = packed(stretches, 0, day)
    assert sorted(stretch for lane in lanes for stretch in lane) == stretches
    for lane in lanes:
        assert all(a.end <= b.begin for a, b in itertools.pairwise(lane))
    assert merged(stretches) == [(stretches[0].begin, stretches[-1].end)]


def test_records_without_an_id_are_ignored() -> None:
    """An edited history costs nothing but its own rows."""
    assert _of({"k": "fault", "t": 1}, {"k": "heal", "t": 2, "id": 7}).all() == []
