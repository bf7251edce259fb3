"""The history: the append-only record of everything that happened in a run, as NDJSON that proves itself whole.

Three kinds of lines (conformance.md 4.2): a header `{"h":1,...}`, records
`{"i":1,"t":...,"src":"...","k":"...",...facts}` numbered without gaps from 1, and a footer
`{"end":1,"n":<records>,"sha256":"<of all bytes before the footer>"}`. A run that is killed leaves a file without its
footer: everything up to the last whole line can be read, and the reader calls it truncated. A file that was changed
does not match its hash, and the reader calls it edited. Only a complete history can be the ground of a good verdict.

`SealedWriter` and `SealedFile` are that envelope (header, lines, footer), also used for the rows that were judged;
`HistoryWriter` and `History` put numbered records into it. Characters that a terminal would obey stand as JSON's
escapes: a reader gets them back as they were, and whoever prints the file sees them. The bytes depend on nothing but
what is recorded.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Literal, NamedTuple, Self

from bench.unseen import printable_json

__all__ = [
    "History",
    "HistoryFailed",
    "HistoryWriter",
    "Record",
    "SealedFile",
    "SealedWriter",
    "State",
    "read_history",
]

FORMAT: Final = 1
"""Version of the envelope: the value of "h" in a header and of "end" in a footer."""

RESERVED: Final = frozenset({"i", "t", "src", "k"})
"""Names that a record's own fields have; no fact may be called so."""

State = Literal["complete", "truncated", "edited", "empty", "foreign"]
"""What a reader found: whole; cut short; not what was written; nothing at all; no history in the first place."""

_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_RECORD = re.compile(rb'\{"i":(\d+),"t":(-?\d+),"src":"([^"\\]*","k":"[^"\\]*)"[,}]')
_FOOTER = b'{"end":'
_UNSEEN: Final = ("", "")  # known by identity
_BLOCK = 1 << 20
_LONGEST = 1 << 26  # a line of 64 MiB is not ours: stop before an unbroken file fills the memory


class HistoryFailed(Exception):
    """The history cannot be written or opened; the message says what stayed and what to do."""


def _plain(value: Any) -> Any:
    """What the JSON encoder does not know: any mapping is an object, anything else is the caller's mistake."""
    if isinstance(value, Mapping):
        return dict(value)
    advice = "; write bytes as .hex()" if isinstance(value, bytes | bytearray | memoryview) else ""
    raise TypeError(f"a fact of type {type(value).__name__} cannot stand in a history{advice}")


_decode = json.JSONDecoder().decode
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain).encode


_OPEN: Final[weakref.WeakSet[SealedWriter]] = weakref.WeakSet()
"""Writers of this process, which are not those of its forked children."""


def _disown_all() -> None:
    for writer in list(_OPEN):
        writer.disown()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)


class SealedWriter:
    """Writes an NDJSON file with a header and a footer that proves it whole.

    Lines are gathered and written in blocks of at most `buffered` characters or 256 lines, so a killed process loses
    no more than that, and memory stays bounded.

    Args:
        target: path to create (an older file there is replaced), or a binary file that is open for writing and
            stays the caller's to close.
        header: facts of the header, in the order in which they are to stand; "h" is put first.
        buffered: most characters kept back.

    Raises:
        HistoryFailed: the file cannot be made.
    """

    def __init__(self, target: str | Path | BinaryIO, header: Mapping[str, Any], *, buffered: int = 64 * 1024) -> None:
        self.count = 0
        """Records written so far, the last record's number."""
        self._hash = hashlib.sha256()
        self._lines: list[str] = []
        self._room = buffered
        self._buffered = buffered
        self._failure: HistoryFailed | None = None
        self._refusal: Exception | None = None  # raised by whatever is recorded from now on
        self._closed = False
        self._owned = isinstance(target, str | Path)
        _OPEN.add(self)
        if isinstance(target, str | Path):
            self.name = str(target)
            try:
                # unbuffered: what was handed to the system is what a reader finds after a kill
                self._file: Any = open(target, "wb", buffering=0)  # noqa: SIM115, PTH123 - closed by close()
            except OSError as error:
                raise HistoryFailed(
                    f"{self.name}: cannot be created ({_why(error)}); expected a folder that exists and may be "
                    "written to: make it, or choose another run directory"
                ) from error
        else:
            self.name = str(getattr(target, "name", "history"))
            self._file = target
        self._put(_encode({"h": FORMAT, **{key: value for key, value in header.items() if key != "h"}}) + "\n")

    def line(self, text: str) -> None:
        """Append one record line.

        Args:
            text: JSON of one object, without its line end.

        Raises:
            HistoryFailed: the file system refused; what was written before stays readable as a truncated file.
        """
        if self._refusal is not None:
            raise self._refusal
        self.count += 1
        self._put(text + "\n")

    def flush(self) -> None:
        """Hand everything recorded so far to the system.

        Raises:
            HistoryFailed: as `line`.
        """
        if self._failure is not None:
            raise self._failure
        if not self._lines:
            return
        # a lone surrogate cannot be UTF-8; its escape is valid JSON and reads back as the same character
        data = printable_json("".join(self._lines)).encode("utf-8", "backslashreplace")
        self._lines.clear()
        self._room = self._buffered
        self._hash.update(data)
        self._write(data)

    def close(self) -> str:
        """Write the footer and close. Closing twice is harmless; a writer that failed gets no footer.

        Returns:
            SHA-256 over all bytes before the footer, hexadecimal.

        Raises:
            HistoryFailed: the last block or the footer cannot be written.
        """
        if self._closed:
            return self._hash.hexdigest()
        self._closed = True
        _OPEN.discard(self)
        try:
            if self._failure is None:
                self.flush()
                footer = {"end": FORMAT, "n": self.count, "sha256": self._hash.hexdigest()}
                self._write(_encode(footer).encode() + b"\n")
        finally:
            self._release()
        return self._hash.hexdigest()

    def abandon(self) -> None:
        """Close without a footer: the run did not come to its end, and the file must not look as if it had."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._failure is None:
                self.flush()
        finally:
            self._release()

    def disown(self) -> None:
        """Write nothing any more, neither what is gathered nor a footer: the file is another process's to write."""
        self._closed = True
        self._lines.clear()
        self._failure = self._refusal = HistoryFailed(
            f"{self.name}: this process is a forked copy of the one that writes it; a program under test may start "
            "other programs, but a copy of itself has no part in the day"
        )
        if self._owned:
            with suppress(OSError):
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def _put(self, line: str) -> None:
        lines = self._lines
        lines.append(line)
        self._room -= len(line)
        if self._room < 0 or len(lines) >= 256:
            self.flush()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:  # an unbuffered file may take less than it was given
                view = view[self._file.write(view) or 0 :]
        except OSError as error:
            self._failure = self._refusal = HistoryFailed(
                f"{self.name}: could not be written any further ({_why(error)}) in the block that ends with record "
                f"{self.count}. What was written before it stays and can be read as a truncated history, which never "
                "gives a good verdict: free space or choose another run directory, then run again"
            )
            raise self._failure from error

    def _release(self) -> None:
        self._lines.clear()
        self._refusal = self._refusal or ValueError(f"{self.name} is closed")
        if self._owned:
            try:
                self._file.close()
            except OSError as error:
                if self._failure is None:
                    raise HistoryFailed(f"{self.name}: closing it failed ({_why(error)}); run again") from error
        elif hasattr(self._file, "flush"):
            self._file.flush()


class HistoryWriter(SealedWriter):
    """Writes a history.

    Args:
        target: as `SealedWriter`.
        header: facts of the run (scenario, seed, clock, devices ...), in the order in which they are to stand.
        buffered: as `SealedWriter`.

    Raises:
        HistoryFailed: the file cannot be made.
    """

    def __init__(self, target: str | Path | BinaryIO, header: Mapping[str, Any], *, buffered: int = 64 * 1024) -> None:
        super().__init__(target, header, buffered=buffered)
        self._known: set[tuple[str, str]] = set()

    def record(self, t: int, src: str, kind: str, facts: Mapping[str, Any]) -> int:
        """Append a record.

        Args:
            t: instant, ns since local midnight of the scenario's date.
            src: who tells it: dev, line, house, hall, collector, run.
            kind: what happened, a short word ("press", "tx").
            facts: JSON-able facts, written in the order given; none is called i, t, src or k.

        Returns:
            The record's number.

        Raises:
            HistoryFailed: the file system refused, now or before.
            ValueError: a fact has a reserved name, a number is not finite, or a word has characters no word has.
            TypeError: a fact cannot be written as JSON, or `t` is not an integer.
        """
        if self._refusal is not None:
            raise self._refusal
        if (src, kind) not in self._known:
            self._learn(src, kind)
        if t.__class__ is not int:
            raise TypeError(f"instant {t!r} of record {src}/{kind} is not an int of nanoseconds")
        if not RESERVED.isdisjoint(facts):
            clash = ", ".join(sorted(RESERVED.intersection(facts)))
            raise ValueError(f"record {src}/{kind}: the names {RESERVED} belong to the record, not to a fact: {clash}")
        body = _encode(facts)
        self.count = number = self.count + 1
        tail = f",{body[1:]}\n" if len(body) > 2 else "}\n"
        self._put(f'{{"i":{number},"t":{t},"src":"{src}","k":"{kind}"{tail}')
        return number

    def _learn(self, src: str, kind: str) -> None:
        for word in (src, kind):
            if not isinstance(word, str) or not _WORD.fullmatch(word):
                raise ValueError(f"{word!r} is not a word for a record: up to 64 letters, digits or _.:-")
        self._known.add((src, kind))


class SealedFile:
    """Reads an NDJSON file with header and footer, in blocks of 1 MiB, and finds out whether it is whole.

    Args:
        opener: opens the file anew, for reading bytes, at every pass.
        name: what to call it in messages.
    """

    def __init__(self, opener: Callable[[], BinaryIO], name: str) -> None:
        self.name = name
        self._opener = opener
        self._state: State | None = None
        self._damage: str | None = None
        self.read = 0
        """Whole record lines found by the last pass."""
        self.expected: str | None = None
        """SHA-256 that the run itself told of this file, where it did; another one is another run's file."""
        self.header: Mapping[str, Any] = self._read_header()

    @property
    def state(self) -> State:
        """What the file is; reads it to its end unless that was done already."""
        if self._state is None:
            for _ in self._lines():
                pass
        assert self._state is not None
        return self._state

    @property
    def complete(self) -> bool:
        """True if header, every record and a matching footer are there."""
        return self.state == "complete"

    @property
    def damage(self) -> str | None:
        """Why it is not complete, as a sentence; None for a complete file."""
        return None if self.state == "complete" else self._damage

    def lines(self) -> Iterator[bytes]:
        """Go through the record lines, without their line ends; the state is known at the end."""
        for block in self._lines():
            yield from block

    def _read_header(self) -> Mapping[str, Any]:
        with self._opener() as file:
            line = file.readline(_LONGEST)
        if not line:
            self._settle("empty", "it is empty: nothing was recorded")
            return {}
        if not line.endswith(b"\n"):
            self._settle("truncated", f"it is cut short inside its header, after {len(line)} bytes")
            return {}
        header = object_of(line)
        if header is None or "h" not in header:
            self._settle("foreign", 'it is not a history: its first line is no header {"h":1,...}')
            return {}
        if header["h"] != FORMAT:
            self._settle("foreign", f"its format is {header['h']!r}, this reader knows {FORMAT}: use the newer program")
            return {}
        return header

    def _settle(self, state: State, damage: str | None) -> None:
        self._state, self._damage = state, damage

    def _lines(self) -> Iterator[list[bytes]]:
        """Yield the whole record lines in lists (without line ends); settle the state once all are read."""
        if self._state in ("empty", "foreign") or (self._state == "truncated" and not self.header):
            return
        seal = hashlib.sha256()
        self.read = 0
        footer: bytes | None = None
        extra = skipped = False
        rest = b""
        with self._opener() as file:
            while footer is None and (block := file.read(_BLOCK)):
                block = rest + block
                cut = block.rfind(b"\n") + 1
                if not cut and len(block) > _LONGEST:
                    break
                block, rest = block[:cut], block[cut:]
                # inside a JSON text a quotation mark is escaped, so these bytes only ever begin a footer
                at = 0 if block.startswith(_FOOTER) else block.find(b"\n" + _FOOTER) + 1 or cut
                if at < cut:
                    footer, _, after = block[at:].partition(b"\n")
                    block, extra = block[:at], bool(after or rest or file.read(1))
                seal.update(block)
                lines = block.split(b"\n")
                lines.pop()
                if not skipped and lines:
                    skipped = True
                    del lines[0]
                self.read += len(lines)
                yield lines
        self._settle(*self._judge_end(footer, rest, seal.hexdigest(), extra))

    def _judge_end(self, footer: bytes | None, rest: bytes, digest: str, extra: bool) -> tuple[State, str | None]:
        if footer is None:
            part = f" and a last line cut after {len(rest)} bytes" if rest else ""
            return "truncated", f"it has no footer: it is cut short after {self.read:,} whole records{part}"
        seal = object_of(footer)
        if seal is None or seal.get("end") != FORMAT:
            return "edited", "its footer cannot be read"
        if extra:
            return "edited", "there is more after its footer"
        if seal.get("n") != self.read:
            return "edited", f"it has {self.read:,} records, its footer counts {seal.get('n')!r}"
        if seal.get("sha256") != digest:
            return "edited", "its bytes do not match the SHA-256 in its footer: it was changed after it was written"
        if self.expected is not None and self.expected != digest:
            return "edited", "it is not the file that this run wrote: run.json names another SHA-256"
        return "complete", None


class Record(NamedTuple):
    """One record of a history.

    Args:
        i: number, 1 for the first.
        t: instant, ns since local midnight of the scenario's date.
        src: who tells it.
        k: kind.
        raw: the whole line as it stands in the file.
    """

    i: int
    t: int
    src: str
    k: str
    raw: bytes

    @property
    def facts(self) -> dict[str, Any]:
        """The whole record as a dict (i, t, src and k included), parsed at each call.

        Raises:
            ValueError: it was changed after it was written, and is no JSON that could be read.
        """
        try:
            result: dict[str, Any] = _decode(self.raw.decode())
        except RecursionError as error:
            raise ValueError("JSON nested too deeply") from error
        return result


class History(SealedFile):
    """A history to be read, as often as needed, in bounded memory.

    `header` is there at once; `state`, `complete` and `damage` are known after a full pass, and make one if need be.
    """

    @classmethod
    def of_bytes(cls, data: bytes, name: str = "history") -> History:
        """A history that is held in memory."""
        return cls(lambda: io.BytesIO(data), name)

    def records(self, kinds: Collection[tuple[str, str]] | None = None) -> Iterator[Record]:
        """Go through the records in the order in which they were written.

        Every line is checked (numbered without a gap, a record at all) whether it is wanted or not; lines that fail
        are left out and make the history "edited".

        Args:
            kinds: wanted (src, kind) pairs; None for all. What is not wanted is not parsed.
        """
        fault: str | None = None
        words: dict[bytes, tuple[str, str] | None] = {}
        wanted = None if kinds is None else set(kinds)
        expected = 0
        match, new = _RECORD.match, Record._make
        for lines in self._lines():
            for line in lines:
                expected += 1
                found = match(line)
                if found is None or line[-1:] != b"}":
                    fault = fault or f"line {expected + 1} is not a record: {_excerpt(line)}"
                    continue
                number, t, key = found.groups()
                if int(number) != expected:
                    fault = fault or f"line {expected + 1} has record {int(number)}, expected {expected}"
                    expected = int(number)
                pair = words.get(key, _UNSEEN)
                if pair is _UNSEEN:
                    pair = words[key] = _words(key, wanted)
                if pair is not None:
                    yield new((expected, int(t), pair[0], pair[1], line))
        if fault is not None:
            self._settle("edited", fault)

    @property
    def state(self) -> State:
        """What the file is; reads it to its end unless that was done already."""
        if self._state is None:
            for _ in self.records(()):
                pass
        return super().state


def read_history(path: str | Path) -> History:
    """Open a history for reading.

    Args:
        path: the NDJSON file.

    Raises:
        HistoryFailed: there is no such file or it may not be read. A damaged file is no error: `damage` tells.
    """
    path = Path(path)
    try:
        return History(lambda: path.open("rb"), str(path))
    except OSError as error:
        raise HistoryFailed(
            f"{path}: cannot be read ({_why(error)}); expected the history of a run, "
            "history.ndjson in its run directory"
        ) from error


def _words(key: bytes, wanted: Iterable[tuple[str, str]] | None) -> tuple[str, str] | None:
    src, _, kind = key.decode("utf-8", "replace").partition('","k":"')
    return (src, kind) if wanted is None or (src, kind) in wanted else None


def object_of(line: bytes | str) -> dict[str, Any] | None:
    """The JSON object that a line holds; None when it holds none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _excerpt(line: bytes) -> str:
    return ascii(line[:60].decode("utf-8", "replace")) + ("..." if len(line) > 60 else "")


def _why(error: OSError) -> str:
    return error.strerror or str(error)
