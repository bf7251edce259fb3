"""The house controller under every fault of the catalogue: what a correct collector can keep is kept.

One short day each, with the fault striking a twentieth of the frames (or happening once) in the middle of it, and
healed well before the end. What no collector could keep is listed, with the reason.
"""

from __future__ import annotations

from typing import Any

import pytest

from bench.faults.catalogue import CATALOGUE, Row
from tests.support.faulty_hall import run

EXCEPTIONS = {
    "crc_collision": ("attribution", "a frame with a CRC that fits cannot be told from a true one"),
    "sequence_reset": ("loss", "an event with an old one's epoch and number cannot be told from it"),
}
"""Fault -> invariant that falls with it in this day, and why no collector can help it."""

NO_PROGRAM = {"kill", "pause", "clock_jump", "ports_swapped"}
"""Faults that happen to a program under test; here is none."""


def asked(row: Row) -> dict[str, Any]:
    """How a fault is asked for in this test."""
    given: dict[str, Any] = {"name": row.name}
    if row.where and row.name != "kill":
        given |= {"line": "keypads", "after": "08:05", "before": "08:40", "rate": 0.05, "count": 0}
        if row.for_s:
            given = {"name": row.name, "line": "keypads", "after": "08:10", "for_s": 30}
    elif row.layer == "device":
        given |= {"device": "printer-1" if "ticket_printer" in row.kinds else "keypad-1", "at": "08:15"}
    else:
        given["at"] = "08:15"
        if row.layer == "line" or row.name in ("port_vanish", "output_held", "ports_swapped"):
            given["line"] = "keypads"
    more = {
        "address_conflict": {"other": "keypad-2"},
        "clock_jump": {"seconds": 60},
        "cut_wire": {"beyond": 1},
        "device_clock": {"mode": "drift", "for_s": 60},
        "ports_swapped": {"with_line": "hall"},
        "queue_overflow": {"presses": 40},
    }
    lasting = {"unplug", "paper_out", "open_cover", "jam_cutter"}
    return {**given, **more.get(row.name, {}), **({"for_s": 20} if row.name in lasting else {})}


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=list(CATALOGUE))
def test_the_house_keeps_what_can_be_kept(row, tmp_path):
    """It strikes, leaves its record, is over in time; and nothing is lost or kept twice but for a known reason."""
    ran = run(tmp_path / "day", asked(row))
    hits, unused = ran.of("fault", "fault"), ran.of("fault", "fault_unused")
    if row.name in NO_PROGRAM:
        assert not hits
        assert "no program under test" in unused[0]["why"]
        return
    assert hits
    assert not unused
    assert all((hit["id"], hit["name"]) == (row.id, row.name) and hit["hit"] for hit in hits)
    told = ran.verdict.to_json()["invariants"]
    fallen = {name for name, finding in told.items() if finding["verdict"] == "VIOLATED"}
    allowed = {EXCEPTIONS[row.name][0]} if row.name in EXCEPTIONS else set()
    assert fallen <= allowed, ran.verdict.sentence()
