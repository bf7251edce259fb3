"""The frames of a run, in the order of their instants, with what happened to each: the source of every export.

They are read from the history (`tx`, `fold` and `fault` records of bench.judge.folding and bench.faults), one record at
a time, so an export costs the run itself nothing and needs the memory of `WINDOW` records, however long the day was.

The history has a request when its reply has come; here the frames stand by their first edge. A request that waited
longer than `WINDOW` records for its reply (a quiet line in a busy hall) stands later than it should.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from heapq import heappop, heappush
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.daytime import clock_text
from bench.judge.history import History, read_history
from bench.run.speech import Speech, speeches_of
from firmware_sim.burst import LineSettings
from firmware_sim.device import NS
from protocol.modbus.rtu import is_sound, t35

__all__ = ["Capture", "CaptureFailed", "Frame", "LineFacts", "joined"]

WINDOW: Final = 20_000
"""Records that are kept back to put frames in order."""

MASTERS: Final = ("port", "house")
"""Names under which the collector's end of a line sends, or beginnings of such names (bench.judge.folding)."""

STRUCK: Final = 50_000_000
"""A fault is told of the frame of its sender that begins within so many ns, else of the frame before it."""

SETTLED: Final = 2 * NS
"""So long after its end a frame gets no further comment."""

_MOST_READ: Final = 1 << 24
_KINDS: Final = (("line", "tx"), ("line", "fold"), ("fault", "fault"), ("line", "wire"))


class CaptureFailed(Exception):
    """A capture cannot be read or written; the message says what, where, and what to do."""


class Frame(NamedTuple):
    """Characters that one sender put on a line back to back.

    Args:
        at: instant of the first edge, ns since local midnight (of a recorded line: since 1970 UTC).
        end: instant at which the last character is complete, ns.
        line: name of the line.
        by: who sent: "port", "house/LINE", or a device.
        data: the characters as they were heard.
        inbound: towards the collector.
        flaws: number of damaged characters.
        comment: faults that struck it, and repeats before it that were not kept.
    """

    at: int
    end: int
    line: str
    by: str
    data: bytes
    inbound: bool
    flaws: int = 0
    comment: str = ""


class LineFacts(NamedTuple):
    """What is known of a line.

    Args:
        name: of the line.
        settings: its own; None when nothing tells.
        protocols: what its devices speak, in the order of the devices.
        speech: how its frames are put into words.
    """

    name: str
    settings: LineSettings | None
    protocols: tuple[str, ...] = ()
    speech: Speech = Speech()

    @property
    def is_modbus(self) -> bool:
        """Whether its frames are Modbus RTU (some of its devices may speak something else on top)."""
        return "modbus_rtu" in self.protocols


class Capture:
    """The traffic of one run directory.

    Args:
        directory: it holds `history.ndjson`; the lines' settings come from `run.json` when that is there.

    Attributes:
        lines: name -> what is known of it, in the order of the scenario.
        epoch_ns: from 1970 UTC to the local midnight from which instants count.
        title: what was run, for the header of a file.
        folded: repeats were counted and not kept.

    Raises:
        CaptureFailed: there is no run, or its history keeps no frames.
        HistoryFailed: the history cannot be read.
    """

    def __init__(self, directory: Path) -> None:
        if not (directory / "history.ndjson").is_file():
            raise CaptureFailed(
                f"{directory}: is no run directory: expected history.ndjson in it; name the directory of a day "
                "(runs/NAME), or a port to record"
            )
        self.history: History = read_history(directory / "history.ndjson")
        header = self.history.header
        if not header:
            raise CaptureFailed(f"{self.history.name}: {self.history.damage}")
        self.evidence = str(header.get("evidence", "folded"))
        if self.evidence == "hash":
            raise CaptureFailed(
                f"{directory}: this run kept hashes of its traffic and no frames; run it with --evidence folded or full"
            )
        self.folded = self.evidence == "folded"
        self.epoch_ns = _int(header.get("epoch_ns"))
        self.title = (
            f"hallbench run: scenario {header.get('scenario')}, seed {header.get('seed')}, {header.get('date')}, "
            f"clock {header.get('clock')}, evidence {self.evidence}"
        )
        run = _run(directory / "run.json")
        self.lines = _lines(header, _settings(run), speeches_of(header, run))

    def frames(self, line: str | None = None, first: int | None = None, last: int | None = None) -> Iterator[Frame]:
        """Go through the frames.

        Args:
            line: only this line.
            first: only what begins at or after this instant, ns.
            last: only what begins before this instant, ns.
        """
        teller = _Teller()
        for frame in _in_order(self.history, teller):
            if (line is None or frame.line == line) and (first is None or frame.at >= first):
                if last is not None and frame.at >= last:
                    continue
                yield frame

    def facts_of(self, line: str) -> LineFacts:
        """What is known of a line; a line that the header does not name has neither settings nor protocol."""
        return self.lines.get(line) or LineFacts(line, None)


def joined(frames: Iterable[Frame], lines: Mapping[str, LineFacts]) -> Iterator[Frame]:
    """Bursts of one sender with less than t3.5 between them as one frame, on Modbus lines; the order is kept.

    A collector that writes its request in pieces sends several bursts and one frame. Frames of other protocols end
    with their bursts. What is no sound frame in the end is told so in its comment.
    """
    gaps = {
        name: t35(facts.settings.baud, facts.settings.char_bits)
        for name, facts in lines.items()
        if facts.is_modbus and facts.settings is not None
    }
    held: dict[str, Frame] = {}  # line -> an unfinished frame: at most one each, and for no longer than t3.5
    ready: list[tuple[int, int, Frame]] = []
    for count, frame in enumerate(frames):
        for name in [name for name, one in held.items() if frame.at - one.end >= gaps[name]]:
            one = held.pop(name)
            heappush(ready, (one.at, -1, _unsound(one)))
        before = held.pop(frame.line, None)
        if before is not None:
            if before.by == frame.by:
                frame = _one_of(before, frame)
            else:
                heappush(ready, (before.at, -1, _unsound(before)))
        if frame.line in gaps and not is_sound(frame.data):
            held[frame.line] = frame
        elif not ready and not held:
            yield frame
        else:
            heappush(ready, (frame.at, count, frame))
        until = min((one.at for one in held.values()), default=None)
        while ready and (until is None or ready[0][0] <= until):
            yield heappop(ready)[2]
    for one in held.values():
        heappush(ready, (one.at, -1, _unsound(one)))
    while ready:
        yield heappop(ready)[2]


def _one_of(before: Frame, after: Frame) -> Frame:
    comment = "; ".join(dict.fromkeys(text for text in (before.comment, after.comment) if text))
    return before._replace(
        end=after.end, data=before.data + after.data, flaws=before.flaws + after.flaws, comment=comment
    )


def _unsound(frame: Frame) -> Frame:
    if is_sound(frame.data):
        return frame
    return _with(frame, ["no sound Modbus frame: its CRC is wrong or it is not whole"])


class _Teller:
    """Puts faults and folds into words, each on the frame that it belongs to."""

    def __init__(self) -> None:
        self._last: dict[str, Frame] = {}  # line -> the frame that may still get a comment
        self._struck: dict[str, list[dict[str, Any]]] = {}
        self._folds: dict[str, str] = {}

    def fault(self, facts: Mapping[str, Any]) -> None:
        line = facts.get("line")
        if isinstance(line, str):
            self._struck.setdefault(line, []).append(dict(facts))

    def fold(self, facts: Mapping[str, Any]) -> None:
        line = str(facts.get("line"))
        first, last = (clock_text(_int(facts.get(key)), seconds=True) for key in ("from", "to"))
        told = f"before this {facts.get('n')} bursts like earlier ones, {first} to {last}, counted and not kept"
        self._folds[line] = "; ".join(filter(None, (self._folds.get(line), told)))

    def frame(self, facts: Mapping[str, Any]) -> Iterator[Frame]:
        frame = _frame(facts)
        mine: list[str] = []
        before: list[str] = []
        for fault in self._struck.pop(frame.line, ()):
            near = fault.get("by") == frame.by and 0 <= frame.at - _int(fault.get("t")) <= STRUCK
            (mine if near else before).append(_told(fault))
        last = self._last.pop(frame.line, None)
        if last is not None:
            yield _with(last, before)
        elif before:
            mine = before + mine
        fold = self._folds.pop(frame.line, "")
        damaged = f"{frame.flaws} damaged characters" if frame.flaws else ""
        self._last[frame.line] = _with(frame, [text for text in (fold, *mine, damaged) if text])

    def settled(self, now: int) -> Iterator[Frame]:
        """Frames so long ago that nothing is told of them any more."""
        for line in [line for line, frame in self._last.items() if now - frame.end > SETTLED]:
            struck = self._struck.get(line, [])
            mine = [fault for fault in struck if _int(fault.get("t")) <= self._last[line].end + STRUCK]
            if mine:
                self._struck[line] = [fault for fault in struck if fault not in mine]
            yield _with(self._last.pop(line), [_told(fault) for fault in mine])

    def rest(self) -> Iterator[Frame]:
        for frame in sorted(self._last.values()):
            faults = [_told(fault) for fault in self._struck.pop(frame.line, ())]
            fold = self._folds.pop(frame.line, "").replace("before this", "after this")
            yield _with(frame, [*faults, *([fold] if fold else [])])
        self._last.clear()


def _in_order(history: History, teller: _Teller) -> Iterator[Frame]:
    """Frames by their first edge; each is given out when the next of its line is known, and what struck between."""
    waiting: list[tuple[int, int, str, bytes]] = []
    ready: list[tuple[int, int, Frame]] = []
    count = 0
    looked = 0

    def one() -> None:
        nonlocal count, looked
        at, _, kind, raw = heappop(waiting)
        facts = _parsed(raw, history.name)
        if kind != "tx":
            (teller.fault if kind == "fault" else teller.fold)(facts)
            return
        frames = list(teller.frame(facts))
        if at - looked > NS:
            looked = at
            frames += teller.settled(at)
        for frame in frames:
            count += 1
            heappush(ready, (frame.at, count, frame))

    for record in history.records(_KINDS):
        if record.k == "wire":
            continue
        heappush(waiting, (record.t, record.i, record.k, record.raw))
        if len(waiting) > WINDOW:
            one()
        while len(ready) > WINDOW:
            yield heappop(ready)[2]
    while waiting:
        one()
    for frame in teller.rest():
        count += 1
        heappush(ready, (frame.at, count, frame))
    while ready:
        yield heappop(ready)[2]


def _parsed(raw: bytes, name: str) -> dict[str, Any]:
    try:
        facts = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise CaptureFailed(f"{name}: a record cannot be read: {raw[:80].decode('utf-8', 'replace')!a}") from error
    return facts if isinstance(facts, dict) else {}


def _frame(facts: Mapping[str, Any]) -> Frame:
    by, at = str(facts.get("by", "?")), _int(facts.get("t"))
    try:
        data = bytes.fromhex(facts["hex"])
    except (KeyError, TypeError, ValueError) as error:
        raise CaptureFailed(
            f"record {facts.get('i')} of the history is no frame: expected characters in hexadecimal under 'hex'"
        ) from error
    return Frame(
        at,
        max(at, _int(facts.get("end"))),
        str(facts.get("line", "?")),
        by,
        data,
        not by.startswith(MASTERS),
        _int(facts.get("flaws", 0)),
    )


def _with(frame: Frame, texts: list[str]) -> Frame:
    if not texts:
        return frame
    return frame._replace(comment="; ".join(filter(None, (frame.comment, *texts))))


def _told(fault: Mapping[str, Any]) -> str:
    return f"fault {fault.get('id')} {fault.get('name')} on {fault.get('by')}: {fault.get('told')}"


def _int(value: Any) -> int:
    return value if isinstance(value, int) and abs(value) < 1 << 62 else 0


def _run(path: Path) -> Mapping[str, Any]:
    """What `run.json` tells; a run that was killed has none."""
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(_MOST_READ))
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _settings(run: Mapping[str, Any]) -> dict[str, LineSettings]:
    """Settings of the lines as far as they are told; an export that needs others asks for them."""
    found: dict[str, LineSettings] = {}
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        for row in run.get("lines", []):
            found[row["line"]] = LineSettings.parse(row["settings"])
    return found


def _lines(
    header: Mapping[str, Any], settings: Mapping[str, LineSettings], spoken: Mapping[str, Speech]
) -> dict[str, LineFacts]:
    protocols: dict[str, dict[str, None]] = {name: {} for name in settings}
    devices = header.get("devices")
    for device in devices if isinstance(devices, list) else []:
        if isinstance(device, dict) and isinstance(device.get("line"), str):
            protocols.setdefault(device["line"], {})[str(device.get("protocol"))] = None
    return {
        name: LineFacts(name, settings.get(name), tuple(told), spoken.get(name, Speech()))
        for name, told in protocols.items()
    }


def instant(text: str) -> int:
    """A time of day ("10:30", "10:30:15", "10:30:15.25") as ns since local midnight.

    Raises:
        ValueError: it is no time of day.
    """
    parts = text.split(":")
    whole, _, fraction = parts[-1].partition(".") if len(parts) == 3 else ("0", "", "")
    numbers = [*parts[:2], whole]
    plain = all(part.isascii() and part.isdigit() and len(part) <= 2 for part in numbers)
    if len(parts) not in (2, 3) or not plain or (fraction and not (fraction.isascii() and fraction.isdigit())):
        raise ValueError(f"a time of day reads like 10:30, 10:30:15 or 10:30:15.250, not {text!r}")
    hours, minutes, seconds = map(int, numbers)
    if minutes > 59 or seconds > 59:
        raise ValueError(f"a time of day has up to 59 minutes and seconds, not {text!r}")
    return (hours * 3600 + minutes * 60 + seconds) * NS + int((fraction + "0" * 9)[:9])
