"""The history proves itself whole, survives a kill, and tells every kind of damage."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.judge.history import History, HistoryFailed, HistoryWriter, SealedWriter, read_history

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FACTS = st.dictionaries(st.text(max_size=8).filter(lambda name: name not in {"i", "t", "src", "k"}), JSON, max_size=4)
RECORDS = st.lists(
    st.tuples(st.integers(-(10**15), 10**15), st.sampled_from(["dev", "line"]), st.sampled_from(["a", "b:c"]), FACTS),
    max_size=8,
)


def write(records, header=None) -> bytes:
    file = io.BytesIO()
    with HistoryWriter(file, header or {"seed": 7}) as writer:
        for t, src, kind, facts in records:
            writer.record(t, src, kind, facts)
    return file.getvalue()


@given(RECORDS)
@settings(deadline=None)
def test_what_is_recorded_is_read_back(records) -> None:
    """Reading a history gives every record as it was told, in order, numbered from 1, and calls it complete."""
    history = History.of_bytes(write(records))
    found = list(history.records())
    assert [(r.i, r.t, r.src, r.k) for r in found] == [(i, *record[:3]) for i, record in enumerate(records, 1)]
    for record, (t, src, kind, facts) in zip(found, records, strict=True):
        assert record.facts == {"i": record.i, "t": t, "src": src, "k": kind, **facts}
    assert history.complete
    assert history.damage is None
    assert history.header == {"h": 1, "seed": 7}


@given(RECORDS)
@settings(deadline=None)
def test_footer_counts_and_hashes_all_bytes_before_it(records) -> None:
    """The last line is the footer: number of records, and SHA-256 of every byte before it."""
    data = write(records)
    before, footer = data[: data.rindex(b"{")], data[data.rindex(b"{") :]
    assert json.loads(footer) == {"end": 1, "n": len(records), "sha256": hashlib.sha256(before).hexdigest()}


def test_bytes_are_deterministic_and_in_the_order_given() -> None:
    """The same records give the same bytes: facts in the order told, no spaces, text as UTF-8."""
    data = write([(5, "hall", "arrive", {"z": 1, "a": "Tân Hội"}), (6, "run", "run_end", {})], {"b": 1, "a": 2})
    assert data.splitlines()[:3] == [
        b'{"h":1,"b":1,"a":2}',
        '{"i":1,"t":5,"src":"hall","k":"arrive","z":1,"a":"Tân Hội"}'.encode(),
        b'{"i":2,"t":6,"src":"run","k":"run_end"}',
    ]


@given(RECORDS, st.data())
@settings(deadline=None)
def test_cut_anywhere_is_never_complete(records, data) -> None:
    """A history cut at any byte is empty or truncated, and its whole lines can still be read."""
    whole = write(records)
    at = data.draw(st.integers(0, len(whole) - 1))
    history = History.of_bytes(whole[:at])
    found = list(history.records())
    assert history.state == ("empty" if at == 0 else "truncated")
    assert history.damage
    lines = whole[:at].count(b"\n")
    assert len(found) == min(max(lines - 1, 0), len(records))


@given(RECORDS.filter(len), st.data())
@settings(deadline=None)
def test_changed_anywhere_is_never_complete(records, data) -> None:
    """One byte changed anywhere makes the history damaged."""
    whole = bytearray(write(records))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    assert not History.of_bytes(bytes(whole)).complete


def test_damage_is_named() -> None:
    """A missing record, a garbled line, a changed fact, lines after the footer: each is told for what it is."""
    whole = write([(n, "dev", "press", {"value": n}) for n in range(4)])
    lines = whole.splitlines(keepends=True)

    def damage(data: bytes) -> tuple[str, str | None]:
        history = History.of_bytes(data)
        return history.state, history.damage

    assert damage(whole.replace(b'"value":2', b'"value":3')) == (
        "edited",
        "its bytes do not match the SHA-256 in its footer: it was changed after it was written",
    )
    assert damage(b"".join(lines[:2] + lines[3:])) == ("edited", "line 3 has record 3, expected 2")
    garbled = b"".join([*lines[:2], b"what?\n", *lines[3:]])
    assert damage(garbled) == ("edited", "line 3 is not a record: 'what?'")
    assert damage(whole + lines[1]) == ("edited", "there is more after its footer")
    assert damage(b"".join(lines[:-1])) == ("truncated", "it has no footer: it is cut short after 4 whole records")
    cut = b"".join(lines[:3]) + lines[3][:9]
    assert damage(cut) == (
        "truncated",
        "it has no footer: it is cut short after 2 whole records and a last line cut after 9 bytes",
    )
    assert damage(whole.replace(b'"n":4', b'"n":5')) == ("edited", "it has 4 records, its footer counts 5")


@pytest.mark.parametrize(
    ("data", "state", "told"),
    [
        (b"", "empty", "nothing was recorded"),
        (b'{"h":1', "truncated", "inside its header"),
        (b"hello\n", "foreign", "no header"),
        (b'{"device":"x"}\n', "foreign", "no header"),
        (b'{"h":2}\n', "foreign", "format is 2"),
        (b"\xff\xfe\x00\n", "foreign", "no header"),
    ],
)
def test_what_is_no_history_is_told(data: bytes, state: str, told: str) -> None:
    """An empty file, half a header and a file of another kind have no records and a reason of their own."""
    history = History.of_bytes(data)
    assert list(history.records()) == []
    assert history.state == state
    assert told in (history.damage or "")


def test_kinds_are_chosen_but_all_lines_are_checked() -> None:
    """Asking for some kinds gives only those, and still finds a gap among the others."""
    whole = write([(n, "line" if n % 2 else "dev", "tx", {}) for n in range(6)])
    history = History.of_bytes(whole)
    assert [record.i for record in history.records({("dev", "tx")})] == [1, 3, 5]
    assert history.complete
    lines = whole.splitlines(keepends=True)
    broken = History.of_bytes(b"".join(lines[:2] + lines[3:]))
    assert [record.i for record in broken.records({("dev", "tx")})] == [1, 3, 5]
    assert broken.state == "edited"


def test_an_unfinished_pass_settles_nothing() -> None:
    """Who stops reading early has not seen whether the history is whole; asking reads it to its end."""
    history = History.of_bytes(write([(n, "dev", "a", {}) for n in range(5)])[:-3])
    next(iter(history.records()))
    assert history.state == "truncated"


def test_a_file_larger_than_a_block_is_read_in_blocks(tmp_path: Path) -> None:
    """Records are found whole across the blocks in which the file is read."""
    path = tmp_path / "history.ndjson"
    text = "x" * 999
    with HistoryWriter(path, {}) as writer:
        for n in range(3000):
            writer.record(n, "dev", "note", {"text": text, "n": n})
    history = read_history(path)
    assert [record.facts["n"] for record in history.records()] == list(range(3000))
    assert history.complete
    assert history.read == 3000


@pytest.mark.parametrize(
    ("facts", "error", "told"),
    [
        ({"t": 1}, ValueError, "belong to the record"),
        ({"data": b"\x01"}, TypeError, r"\.hex\(\)"),
        ({"x": float("nan")}, ValueError, "JSON"),
        ({"x": object()}, TypeError, "object"),
    ],
)
def test_facts_that_cannot_stand_in_a_history(facts, error, told: str) -> None:
    """A fact with a reserved name or without a JSON form is refused, and the number stays free for the next record."""
    file = io.BytesIO()
    writer = HistoryWriter(file, {})
    with pytest.raises(error, match=told):
        writer.record(1, "dev", "press", facts)
    assert writer.record(1, "dev", "press", {}) == 1
    writer.close()
    assert History.of_bytes(file.getvalue()).complete


def test_words_and_instants_are_checked() -> None:
    """A source or kind that would break the line is refused, and so is an instant that is no integer."""
    writer = HistoryWriter(io.BytesIO(), {})
    with pytest.raises(ValueError, match="not a word"):
        writer.record(1, 'de"v', "press", {})
    with pytest.raises(TypeError, match=r"1\.5"):
        writer.record(1.5, "dev", "press", {})  # type: ignore[arg-type]
    writer.record(1, "dev", "press", MappingProxyType({"inner": MappingProxyType({"a": 1})}))


def test_lone_surrogates_survive() -> None:
    """Text that is no valid Unicode is escaped, not lost, and the file stays UTF-8."""
    data = write([(1, "dev", "a", {"text": "\udc80"})])
    data.decode("utf-8")
    assert next(History.of_bytes(data).records()).facts["text"] == "\udc80"


class FullDisk(io.BytesIO):
    """Takes so many bytes and then no more, as a full disk does: part of a block first."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, data) -> int:
        taken = min(self.room, len(data))
        if not taken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= taken
        return super().write(bytes(data[:taken]))


def test_a_full_disk_is_told_and_what_was_written_stays() -> None:
    """When the file system refuses, recording fails with advice, fails again, and the prefix reads as truncated."""
    file = FullDisk(40_000)
    writer = HistoryWriter(file, {}, buffered=4096)

    def record_all() -> None:
        for n in range(10_000):
            writer.record(n, "dev", "press", {"value": 5})

    with pytest.raises(HistoryFailed, match=r"No space left on device.*free space or choose another run directory"):
        record_all()
    with pytest.raises(HistoryFailed):
        writer.record(1, "dev", "press", {})
    writer.close()
    history = History.of_bytes(file.getvalue())
    assert len(list(history.records())) > 500
    assert history.state == "truncated"


def test_a_writer_that_was_closed_takes_no_more() -> None:
    """Recording after close is a mistake of the caller and told at once; closing again is none."""
    file = io.BytesIO()
    writer = HistoryWriter(file, {})
    digest = writer.close()
    assert writer.close() == digest
    with pytest.raises(ValueError, match="closed"):
        writer.record(1, "dev", "press", {})
    assert History.of_bytes(file.getvalue()).complete


def test_an_exception_leaves_no_footer() -> None:
    """A run that fails inside the writer's block leaves a truncated history, never one that looks complete."""
    file = io.BytesIO()

    def fail() -> None:
        with HistoryWriter(file, {}) as writer:
            writer.record(1, "dev", "press", {})
            raise RuntimeError("collector")

    with pytest.raises(RuntimeError, match="collector"):
        fail()
    history = History.of_bytes(file.getvalue())
    assert len(list(history.records())) == 1
    assert history.state == "truncated"


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    """A missing folder to write to and a missing history to read are told with what was expected."""
    with pytest.raises(HistoryFailed, match=r"cannot be created.*make it, or choose another run directory"):
        HistoryWriter(tmp_path / "no" / "history.ndjson", {})
    with pytest.raises(HistoryFailed, match=r"expected the history of a run, history\.ndjson"):
        read_history(tmp_path / "history.ndjson")


def test_a_killed_writer_leaves_a_readable_prefix(tmp_path: Path) -> None:
    """SIGKILL in the middle: everything up to the last block is there, whole, numbered, and called truncated."""
    path = tmp_path / "history.ndjson"
    program = textwrap.dedent(
        """
        import sys
        from bench.judge.history import HistoryWriter
        writer = HistoryWriter(sys.argv[1], {"seed": 1})
        n = 0
        while True:
            n += 1
            writer.record(n, "dev", "press", {"device": "keypad-1", "value": n % 5})
        """
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    child = subprocess.Popen([sys.executable, "-c", program, str(path)], env=env)
    try:
        deadline = time.monotonic() + 100
        while not (path.exists() and path.stat().st_size > 200_000):
            assert time.monotonic() < deadline, "the child wrote nothing"
            time.sleep(0.01)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    history = read_history(path)
    numbers = [record.i for record in history.records()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 1000
    assert history.state == "truncated"


def test_memory_of_a_writer_is_bounded() -> None:
    """However much is recorded without a flush, only a block is kept back."""
    file = io.BytesIO()
    writer = SealedWriter(file, {}, buffered=1000)
    for _ in range(100):
        writer.line('{"text":"' + "x" * 300 + '"}')
    assert len(file.getvalue()) > 100 * 300 - 1500


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_copy_writes_nothing(tmp_path: Path) -> None:
    """A forked child can record nothing and seal nothing: the history stays as its own process writes it."""
    path = tmp_path / "history.ndjson"
    writer = HistoryWriter(path, {"scenario": "x"})
    writer.record(1, "dev", "press", {"value": 5})
    child = os.fork()
    if not child:
        code = 1
        try:
            writer.record(2, "dev", "press", {"value": 1})
        except HistoryFailed as refused:
            code = 0 if "forked copy" in str(refused) else 2
        try:
            writer.close()
            writer.abandon()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    writer.record(3, "dev", "press", {"value": 4})
    writer.close()
    history = read_history(path)
    assert [record.facts["value"] for record in history.records()] == [5, 4]
    assert history.complete
