"""Runs of a compliance suite made by hand and by hypothesis, for the tests of what is reported about them."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

from hypothesis import strategies as st

from bench.compliance.results import VERDICTS, CaseResult, Frame, Measure, Run, suite_verdict
from protocol.checks import crc16_modbus

MS = 1_000_000
HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">\x00\x1b[2J\u202e\u2028]]> & "q" \ufffe'
DECLARATION = (
    '[device]\nname = "rating keypad KP-200"\nunit = 5\n\n[capabilities]\nbroadcast = false  # no clock to set\n'
)


def rtu(text: str) -> bytes:
    """A Modbus RTU frame with its CRC."""
    data = bytes.fromhex(text)
    return data + crc16_modbus(data).to_bytes(2, "little")


def frame(at_ms: float, way: str, data: bytes, note: str = "") -> Frame:
    """A frame at 9600 8N1."""
    at = int(at_ms * MS)
    return Frame(at, at + len(data) * 1_041_667, way, data, note)


def case(verdict: str = "PASS", **given: Any) -> CaseResult:
    """A case that read two registers at 10 ms and got 12 34 and 00 00."""
    frames = (frame(10, "out", rtu("05 03 00 00 00 02")), frame(25, "in", rtu("05 03 04 12 34 00 00")))
    fields: dict[str, Any] = {
        "id": "rtu.dev.read-two",
        "rev": 1,
        "title": "Two registers are read back as they were written",
        "verdict": verdict,
        "requirement": "MBA-6.3-R1",
        "also": (),
        "level": "MUST",
        "reason": "" if verdict == "PASS" else "The byte count is 04 where 02 was due.",
        "witness": "05 03 04 12 34 00 00 in frame 1" if verdict == "PASS" else "",
        "recovery": "answers",
        "applies": "broadcast = false" if verdict == "NOT APPLICABLE" else "",
        "contradiction": (1, 2, 3) if verdict == "FAIL" else None,
        "frames": frames,
        "measures": (),
        "attempts": ("FAIL",) * 3 if verdict == "FAIL" else (),
        "seconds": 0.25,
        "reproduce": "hallbench check rk1 --emulated rating_keypad --seed 7 --case rtu.dev.read-two",
    }
    if verdict in ("NOT APPLICABLE", "NOT RUN"):
        fields |= {"frames": (), "recovery": "not asked"}
    return CaseResult(**{**fields, **given})


def run(*cases: CaseResult, **given: Any) -> Run:
    """A run in simulated time; verdict and hashes are right unless they are given."""
    declaration = str(given.get("declaration", DECLARATION))
    fields: dict[str, Any] = {
        "schema_version": 1,
        "tool": "hallbench 0.1.0",
        "suite": "modbus_rtu.device",
        "catalogue_sha256": "c" * 64,
        "declaration_sha256": sha256(declaration.encode("utf-8", "surrogatepass")).hexdigest(),
        "declaration": declaration,
        "seed": 7,
        "clock": "virtual",
        "target": "emulated rating_keypad",
        "line": "9600 8N1",
        "uncertainty_ms": None,
        "started": "",
        "verdict": suite_verdict(cases),
        "cases": cases,
        "notes": (),
    }
    return Run(**{**fields, **given})


def mixed(**given: Any) -> Run:
    """A run in which every verdict occurs once or more."""
    gap = Measure("t3.5 before the reply", 4.4, "ms", ">= 4.01", 0.2, True)
    near = Measure("t3.5 before the reply", 3.95, "ms", ">= 4.01", 0.2, None)
    second = tuple(replace(f, at=f.at + 200 * MS, end=f.end + 200 * MS) for f in case().frames)
    cases = (
        case(measures=(gap,)),
        case("FAIL", id="rtu.dev.byte-count", rev=3, requirement="MBA-6.3-R2", frames=second, title="Byte count"),
        case(
            "INCONCLUSIVE",
            id="rtu.dev.gap",
            requirement="MBS-2.5-R3",
            level="SHOULD",
            measures=(near,),
            reason="3.95 ms against 4.01 ms is within the uncertainty of 0.2 ms.",
        ),
        case(
            "NON-STRICT",
            id="rtu.dev.hole",
            requirement="MBS-2.5-R4",
            level="SHOULD",
            reason="A frame with a hole was answered.",
        ),
        case(
            "INFO",
            id="rtu.dev.reply-time",
            requirement="MBS-2.4-R9",
            level="FIELD",
            measures=(Measure("reply time", 14.2, "ms"),),
            reason="",
        ),
        case("NOT APPLICABLE", id="rtu.dev.broadcast", requirement="MBS-2.1-R4", reason=""),
        case("NOT RUN", id="rtu.dev.parity", requirement="MBS-2.5-R6", reason="not selected"),
        case("ERROR", id="rtu.dev.crash", requirement="MBS-2.5-R7", reason="the port went away: OSError 5"),
    )
    return run(*cases, **given)


class Catalogue:
    """What `bench.compliance.requirements.load` gives, as far as reports read it."""

    spec_title = "MODBUS Application Protocol"
    edition = "V1.1b3"

    def __init__(self, *requirements: Any) -> None:
        self.requirements = {known.id: known for known in requirements}


texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from([HOSTILE, "", "\ud800", "\x85\x0b\x1c", "a\nb\tc", "<b>&amp;</b>", "{{ 7 * 7 }}", "]]>", "--"]),
)
figures = st.floats(-1e6, 1e6, allow_nan=False)
_times = st.integers(0, 10**12)


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    at = draw(_times)
    return Frame(
        at,
        at + draw(st.integers(0, 10**9)),
        draw(st.sampled_from(["out", "in"])),
        draw(st.binary(max_size=40)),
        draw(texts),
    )


@st.composite
def cases(draw: st.DrawFn) -> CaseResult:
    sent = tuple(draw(st.lists(frames(), max_size=4)))
    spot = None
    if sent and draw(st.booleans()):
        index = draw(st.integers(0, len(sent) - 1))
        first = draw(st.integers(0, len(sent[index].data)))
        spot = (index, first, draw(st.integers(first, len(sent[index].data))))
    measure = st.builds(
        Measure,
        texts,
        figures,
        texts,
        st.one_of(texts, st.just(">= 4.01"), st.just("<= 1.5")),
        st.floats(0, 10),
        st.sampled_from([None, True, False]),
    )
    return CaseResult(
        id=draw(texts),
        rev=draw(st.integers(1, 9)),
        title=draw(texts),
        verdict=draw(st.sampled_from(VERDICTS)),
        requirement=draw(texts),
        also=tuple(draw(st.lists(texts, max_size=2))),
        level=draw(st.sampled_from(["MUST", "SHOULD"])),
        reason=draw(texts),
        witness=draw(texts),
        recovery=draw(texts),
        applies=draw(texts),
        contradiction=spot,
        frames=sent,
        measures=tuple(draw(st.lists(measure, max_size=2))),
        attempts=tuple(draw(st.lists(st.sampled_from(VERDICTS), max_size=3))),
        seconds=draw(st.floats(0, 1e4)),
        reproduce=draw(texts),
    )


@st.composite
def hostile_runs(draw: st.DrawFn) -> Run:
    found = draw(st.lists(cases(), max_size=3))
    return run(
        *found,
        declaration=draw(texts),
        target=draw(texts),
        line=draw(texts),
        notes=tuple(draw(st.lists(texts, max_size=2))),
        suite=draw(texts),
        started=draw(st.sampled_from(["", "2026-11-22T09:00:00+07:00"])),
    )
