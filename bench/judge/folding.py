r"""What went over the lines, in the history: everything that differs in full, what only repeats as a count and a hash.

A hall is polled all day, and nearly every poll asks what the last one asked and gets what the last one got. `WireLog`
pairs each request of a line with its reply; a pair that equals the last one with the same request is folded: counted,
hashed, not written. Everything else (new contents, damaged characters, bursts without a partner) is written as it
came. Nothing is taken out of the account: every burst of a line goes into one running SHA-256, in the order in which
the bursts came, so a folded log and a full log of the same traffic prove each other.

Records written, all with src "line":

- `tx`   {line, by, hex, end, [flaws]}: one burst; t and end are the instants of its first and last edge, `by` is "port"
  or the name of a device, `flaws` the number of damaged characters when there are any;
- `fold` {line, from, to, n, chars, busy, sha256}: n bursts between `from` and `to` that repeated, with all their
  characters and the ns they took; the hash stands after the last;
- `wire` {line, n, written, folded, sha256}: at the end, the account of the whole line; n = written + folded.

The hash is taken over `b"<t> <end> <by> <flaws> <length>:<data>\n"` for each burst.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, Protocol

__all__ = ["EVIDENCE", "WireLog"]

EVIDENCE: Final = ("folded", "full", "hash")
"""How much of the traffic is kept: repeats folded (the default), every burst, or the account alone."""

SPAN: Final = 600_000_000_000
"""Longest stretch that one fold covers, ns: a run that is killed loses the account of ten minutes at most."""

SILENT: Final = 10_000_000_000
"""After a request that used to be answered and is not, the line is kept in full for so long, ns."""

REMEMBERED: Final = 2048
"""Requests of a line whose last reply is remembered; the oldest goes first."""

LONGEST: Final = 512
"""Requests longer than this many bytes are never folded: they are contents, not polls."""


class Recorder(Protocol):
    """The part of a `HistoryWriter` that is needed here."""

    def record(self, t: int, src: str, kind: str, facts: dict[str, Any], /) -> int:
        """Append a record."""
        ...


class _Burst(NamedTuple):
    t: int
    by: str
    data: bytes
    flaws: int
    end: int


class _Wire:
    """One line's account."""

    __slots__ = ("busy", "chars", "first", "folded", "hash", "held", "last", "latest", "name", "pending", "written")

    def __init__(self, name: str) -> None:
        self.name = name
        self.hash = hashlib.sha256()
        self.pending: _Burst | None = None  # a request whose reply has not come
        self.last: dict[bytes, tuple[str, bytes] | None] = {}  # request -> (who replied, with what); None: nobody
        self.held = 0  # bursts in the open fold
        self.first = 0  # instants between which they lie
        self.latest = 0
        self.chars = 0
        self.busy = 0
        self.written = 0
        self.folded = 0

    def add(self, burst: _Burst) -> None:
        t, by, data, flaws, end = burst
        self.hash.update(b"%d %d %b %d %d:%b\n" % (t, end, by.encode(), flaws, len(data), data))


class Pair:
    """A request and its reply that come again and again, for whoever knows beforehand that they will.

    Made by `WireLog.pair`. `free` tells whether the pair can be taken into the account without a record being
    written, which makes it the same at which of many equal instants that is done; `add` does it.
    """

    __slots__ = ("_answer", "_asked", "_chars", "_folding", "_head", "_log", "_tail", "_until", "_wire")

    def __init__(
        self, log: WireLog, wire: _Wire, until: dict[str, int], asked: tuple[str, bytes], answer: tuple[str, bytes]
    ) -> None:
        self._log = log
        self._wire = wire
        self._until = until
        self._folding = log.folding
        self._asked = asked[1]
        self._answer = answer
        self._chars = len(asked[1]) + len(answer[1])
        self._head = b" %b 0 %d:%b\n" % (asked[0].encode(), len(asked[1]), asked[1])
        self._tail = b" %b 0 %d:%b\n" % (answer[0].encode(), len(answer[1]), answer[1])

    def free(self, t: int) -> bool:
        """Whether the pair, begun at `t`, would be counted and hashed and nothing else."""
        if not self._folding:
            return True
        wire = self._wire
        if wire.pending is not None or (wire.held and t - wire.first > SPAN):
            return False
        if self._until and t < self._until.get(wire.name, 0):
            return False
        return wire.last.get(self._asked) == self._answer

    def add(self, t: int, heard: int, begun: int, end: int) -> None:
        """Take the pair into the account, as two calls of `WireLog.burst` would; `free` has said yes.

        Args:
            t: start of the request, ns.
            heard: its end.
            begun: start of the reply.
            end: its end.
        """
        wire, log = self._wire, self._log
        wire.hash.update(b"%d %d%b%d %d%b" % (t, heard, self._head, begun, end, self._tail))
        if self._folding:
            if not wire.held:
                wire.first, wire.chars, wire.busy = t, 0, 0
            wire.chars += self._chars
            wire.busy += heard - t + end - begun
            wire.latest = end
            wire.held += 2
        else:
            wire.folded += 2
        if end > log.latest:
            log.latest = end


class WireLog:
    """Keeps the traffic of all lines in a history.

    `burst` has the arguments of a line's burst sink: `line.on_burst(wirelog.burst)`.

    Args:
        writer: where records go.
        evidence: how much is kept, one of `EVIDENCE`.
        masters: names under which the collector's end of a line sends, or beginnings of such names.

    Attributes:
        folding: repeats are folded.
        latest: end of the last burst, ns.

    Raises:
        ValueError: an unknown kind of evidence.
    """

    def __init__(
        self, writer: Recorder, evidence: str = "folded", *, masters: Iterable[str] = ("port", "house")
    ) -> None:
        if evidence not in EVIDENCE:
            raise ValueError(f"evidence {evidence!r} is not one of {', '.join(EVIDENCE)}")
        self._writer = writer
        self.folding = evidence == "folded"
        self._hash_only = evidence == "hash"
        self._masters = tuple(masters)
        self._asks: dict[str, bool] = {}
        self._wires: dict[str, _Wire] = {}
        self._until: dict[str, int] = {}
        self.latest = 0

    def burst(self, t: int, line: str, src: str, data: bytes, flaws_count: int, end: int) -> None:
        """Take one burst into the account, bursts of a line in the order in which they end.

        Args:
            t: start of the first character, ns.
            line: name of the line.
            src: "port" or the name of the device that sent.
            data: the characters as they were heard.
            flaws_count: number of damaged characters.
            end: end of the last character, ns.

        Raises:
            HistoryFailed: the history cannot be written.
        """
        wire = self._wires.get(line)
        if wire is None:
            wire = self._wires[line] = _Wire(line)
        burst = _Burst(t, src, data, flaws_count, end)
        if end > self.latest:
            self.latest = end
        if not self.folding:
            self._write(wire, burst)
            return
        request = wire.pending
        asks = self._asks.get(src)
        if asks is None:
            asks = self._asks[src] = src.startswith(self._masters)
        if asks:
            if request is not None:
                self._unanswered(wire, request)
            wire.pending = burst
            return
        if request is None:
            self._write(wire, burst)
            return
        wire.pending = None
        asked = request.data
        clean = not flaws_count and not request.flaws
        answer = (src, data)
        if clean and wire.last.get(asked) == answer and not self._expanded(line, t):
            self._hold(wire, request, burst)
            return
        self._write(wire, request)
        self._write(wire, burst)
        self._remember(wire, asked, answer if clean else None, clean)

    def pair(self, line: str, asker: str, asked: bytes, answerer: str, answer: bytes) -> Pair | None:
        """A clean request and its reply as something to count without looking at it again.

        None when every burst is written, or a burst of the line has not been seen yet, or `asker` does not ask.
        """
        wire = self._wires.get(line)
        if wire is None or not (self.folding or self._hash_only) or not asker.startswith(self._masters):
            return None
        if answerer.startswith(self._masters):
            return None
        return Pair(self, wire, self._until, (asker, asked), (answerer, answer))

    def expand(self, line: str, until: int) -> None:
        """Write everything on a line in full for a while, around a fault for instance.

        Args:
            line: name of the line.
            until: bursts that start before this instant are not folded, ns.
        """
        self._until[line] = max(until, self._until.get(line, 0))

    def flush(self) -> None:
        """Write the open folds, so that the history is up to date (a request whose reply may still come stays back)."""
        for wire in self._wires.values():
            self._unfold(wire)

    def close(self, t: int | None = None) -> None:
        """Write what is open and, for each line, its account.

        Args:
            t: instant of the account's records; None takes the end of the last burst.

        Raises:
            HistoryFailed: the history cannot be written.
        """
        at = self.latest if t is None else t
        for wire in self._wires.values():
            if wire.pending is not None:
                request, wire.pending = wire.pending, None
                self._unanswered(wire, request)
            self._unfold(wire)
            self._writer.record(
                at,
                "line",
                "wire",
                {
                    "line": wire.name,
                    "n": wire.written + wire.folded,
                    "written": wire.written,
                    "folded": wire.folded,
                    "sha256": wire.hash.hexdigest(),
                },
            )

    def _expanded(self, line: str, t: int) -> bool:
        return bool(self._until) and t < self._until.get(line, 0)

    def _unanswered(self, wire: _Wire, request: _Burst) -> None:
        """Settle a request that got no reply: a broadcast, or a device that is silent."""
        asked = request.data
        before = wire.last.get(asked, ())
        known = before is None
        if before:
            self.expand(wire.name, request.t + SILENT)  # what the others get while one is silent is looked at (J13)
        if known and not request.flaws and not self._expanded(wire.name, request.t):
            self._hold(wire, request)
            return
        self._write(wire, request)
        self._remember(wire, asked, None, not request.flaws)

    def _hold(self, wire: _Wire, *bursts: _Burst) -> None:
        first = bursts[0]
        if wire.held and first.t - wire.first > SPAN:
            self._unfold(wire)
        if not wire.held:
            wire.first, wire.chars, wire.busy = first.t, 0, 0
        for burst in bursts:
            wire.add(burst)
            wire.chars += len(burst.data)
            wire.busy += burst.end - burst.t
        wire.latest = bursts[-1].end
        wire.held += len(bursts)

    def _unfold(self, wire: _Wire) -> None:
        """Write the open fold of a line."""
        if not wire.held:
            return
        held, wire.held = wire.held, 0
        wire.folded += held
        self._writer.record(
            wire.latest,
            "line",
            "fold",
            {
                "line": wire.name,
                "from": wire.first,
                "to": wire.latest,
                "n": held,
                "chars": wire.chars,
                "busy": wire.busy,
                "sha256": wire.hash.hexdigest(),
            },
        )

    def _write(self, wire: _Wire, burst: _Burst) -> None:
        if self._hash_only:
            wire.folded += 1
            wire.add(burst)
            return
        self._unfold(wire)
        wire.add(burst)
        wire.written += 1
        facts: dict[str, Any] = {"line": wire.name, "by": burst.by, "hex": burst.data.hex(), "end": burst.end}
        if burst.flaws:
            facts["flaws"] = burst.flaws
        self._writer.record(burst.t, "line", "tx", facts)

    @staticmethod
    def _remember(wire: _Wire, asked: bytes, answer: tuple[str, bytes] | None, clean: bool) -> None:
        last = wire.last
        last.pop(asked, None)
        if not clean or len(asked) > LONGEST:
            return  # what follows something damaged is written in full once more
        if len(last) >= REMEMBERED:
            del last[next(iter(last))]
        last[asked] = answer
