"""The HTTP sink takes rows and nothing else, however a request comes, and survives whatever is sent to it."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.judge.records import Row, read
from bench.records.intake import Conversation, Intake, Limits

NOW = 1_741_573_800_500_000_000


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    made = Intake(tmp_path / "posted.jsonl", lambda: NOW, Limits(head=500, body=300, rows=3, fields=8, total=5))
    yield made
    made.close()


def post(body: bytes | str, *more: str, length: int | None = None) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    head = ["POST / HTTP/1.1", "Host: x", "Content-Type: application/json"]
    return (
        "\r\n".join([*head, f"Content-Length: {len(data) if length is None else length}", *more, "", ""]).encode()
        + data
    )


def statuses(replies: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"^HTTP/1\.1 (\d+) ", replies, re.MULTILINE)]


ROW = '{"device":"keypad-1","clerk":1,"value":5,"at":9}'


def test_rows_are_kept_in_the_order_of_coming(intake: Intake, tmp_path: Path) -> None:
    """One row or a list; the instant of coming is the instant of storing where the rows tell none."""
    talk = Conversation(intake)
    assert statuses(talk.feed(post(ROW) + post(f"[{ROW},{ROW}]"))) == [201, 201]
    rows = read(tmp_path / "posted.jsonl", {"kind": "http"})
    assert list(rows) == [Row(n, "keypad-1", 1, None, 5, 9, stored_at=NOW / 1e9) for n in (1, 2, 3)]


@settings(deadline=None)
@given(data=st.data())
def test_pieces_do_not_matter(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Requests one after the other give the same replies however they are cut."""
    whole = post(ROW) + post("nonsense") + post(f"[{ROW}]", "Expect: 100-continue") + post(ROW, "Connection: close")
    with closing(Intake(tmp_path_factory.mktemp("sink") / "x", lambda: NOW)) as sink:
        talk, replies, at = Conversation(sink), b"", 0
        while at < len(whole):
            size = data.draw(st.integers(1, 200))
            replies += talk.feed(whole[at : at + size])
            at += size
    assert statuses(replies) == [201, 400, 100, 201, 201]
    assert talk.over


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 405),
        (b"DELETE /ratings HTTP/1.1\r\n\r\n", 405),
        (post(ROW).replace(b"POST /", b"POST /../../etc"), 404),
        (post(ROW).replace(b"application/json", b"text/plain"), 415),
        (post(ROW, "Transfer-Encoding: chunked"), 411),
        (post(ROW, "Content-Length: 5"), 400),
        (post(ROW).replace(b"Content-Length: ", b"Content-Length: -"), 411),
        (post("x", length=301), 413),
        (post("x", length=10**30), 413),
        (post("[]"), 201),
        (post("[1]"), 422),
        (post("{}"), 422),
        (post(json.dumps({str(n): n for n in range(9)})), 422),
        (post("[{},{},{},{}]"), 413),
        (post("[" * 250), 400),
        (b"nonsense\r\n\r\n", 400),
        (b"A" * 600, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ],
)
def test_anything_else_is_refused_with_its_reason(intake: Intake, request_: bytes, status: int) -> None:
    """Nothing but rows being posted is carried out, and the reply says why."""
    replies = Conversation(intake).feed(request_)
    assert statuses(replies) == [status]
    assert intake.taken == 0
    if status != 201:
        assert json.loads(replies.rpartition(b"\r\n\r\n")[2])["error"]


def test_a_list_is_taken_whole_or_not_at_all(intake: Intake, tmp_path: Path) -> None:
    """One bad row refuses its list, the rows of a run are limited, and a closed sink says 503."""
    talk = Conversation(intake)
    assert statuses(talk.feed(post(f"[{ROW},1]"))) == [422]
    assert statuses(talk.feed(post(f"[{ROW},{ROW},{ROW}]") * 2)) == [201, 413]
    intake.lock(True)
    assert statuses(talk.feed(post(ROW))) == [503]
    intake.lock(False)
    assert statuses(talk.feed(post(ROW))) == [201]
    assert len((tmp_path / "posted.jsonl").read_bytes().splitlines()) == 4


@given(st.binary(max_size=700))
def test_no_characters_break_it(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Whatever comes is answered or waited for; never an error of the bench."""
    sink = Intake(tmp_path_factory.mktemp("sink") / "x", lambda: NOW)
    talk = Conversation(sink)
    replies = talk.feed(data) + talk.feed(b"\r\n\r\n")
    sink.close()
    assert all(status >= 100 for status in statuses(replies))


@pytest.mark.parametrize("after", [post(ROW), b"x" * 600], ids=["another request", "more than a head may have"])
def test_nothing_is_read_after_a_request_that_closes(intake: Intake, tmp_path: Path, after: bytes) -> None:
    """After `Connection: close`, or a request of HTTP/1.0, what follows is no request: no reply, no row."""
    for first in (post(ROW, "Connection: close"), post(ROW).replace(b"HTTP/1.1", b"HTTP/1.0")):
        talk = Conversation(intake)
        reply = talk.feed(first + after)
        assert statuses(reply) == [201]
        assert b"Connection: close" in reply
        assert talk.over
        assert talk.feed(post(ROW)) == b""
    assert len(read(tmp_path / "posted.jsonl")) == 2


def test_rows_that_cannot_be_kept_are_not_acknowledged(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    """201 says that a row is on the disk: on a full one the answer is 507, and the connection goes on."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    talk = Conversation(intake)
    with monkeypatch.context() as disk:
        disk.setattr("bench.records.intake.os.fsync", full)
        reply = talk.feed(post(ROW))
    assert statuses(reply) == [507]
    assert b"not kept: No space left on device" in reply
    assert intake.taken == 0
    assert statuses(talk.feed(post(ROW))) == [201]
