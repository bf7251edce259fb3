"""The HTTP sink: takes rows that a collector posts as JSON, and can do nothing else.

Sans-IO: an `Intake` keeps rows, a `Conversation` turns the characters of one connection into replies. The connection
itself is one of the hall in simulated time (`bench.records.hall_http`) or a socket on this machine in wall time
(`bench.records.wall_http`).

    POST / HTTP/1.1
    Content-Type: application/json
    Content-Length: 83

    {"device": "keypad-1", "clerk": 1, "value": 5, "at": 1741573800.25, "epoch": 1, "seq": 7}

One object or a list of objects; a list is taken whole or not at all. 201 says that the rows are on the disk.
"""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from bench.records.source import RECEIVED

__all__ = ["LIMITS", "Conversation", "Intake", "Refused"]


class Limits(NamedTuple):
    """What one collector may send: characters of a head and of a body, rows in a list and in a run, fields of a row."""

    head: int = 16 << 10
    body: int = 1 << 20
    rows: int = 10_000
    fields: int = 64
    total: int = 1_000_000


LIMITS: Final = Limits()


class Refused(Exception):
    """A request that is not carried out.

    Args:
        status: of the reply.
        what: what is wrong, and what was expected.
    """

    def __init__(self, status: HTTPStatus, what: str) -> None:
        super().__init__(what)
        self.status = status


class Intake:
    """Keeps what is posted, a line of JSON for each row, in the order of coming.

    Args:
        path: the file.
        now: Unix nanoseconds by the hall's clock.
        limits: of one run.

    Attributes:
        closed_for: why nothing is taken just now (a fault); empty when rows are taken.
    """

    def __init__(self, path: Path, now: Callable[[], int], limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.taken = 0
        self.closed_for = ""
        self._now = now
        self._file: BinaryIO = path.open("wb", buffering=0)

    def lock(self, locked: bool) -> None:
        """Take nothing until it is unlocked: the fault `sink_failure`."""
        self.closed_for = "the records cannot be written just now" if locked else ""

    def take(self, body: bytes) -> int:
        """Keep the rows of one request, all or none; returns how many.

        Raises:
            Refused: they are not JSON objects, or too many.
        """
        if self.closed_for:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, self.closed_for)
        try:
            given = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Refused(HTTPStatus.BAD_REQUEST, f"the body is not JSON ({error})") from None
        rows = given if isinstance(given, list) else [given]
        limits = self.limits
        if len(rows) > limits.rows or self.taken + len(rows) > limits.total:
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"{len(rows)} rows: at most {limits.rows} in a request and {limits.total} in a run",
            )
        for place, row in enumerate(rows):
            if not isinstance(row, dict) or not 0 < len(row) <= limits.fields:
                raise Refused(
                    HTTPStatus.UNPROCESSABLE_ENTITY,
                    f"row {place} is not an object with 1 to {limits.fields} fields: expected "
                    '{"device": ..., "clerk": ..., "value": ..., "at": ...}',
                )
        received = self._now() / 1e9
        lines = b"".join(_line({**row, RECEIVED: received}) for row in rows)
        try:
            self._file.write(lines)
            os.fsync(self._file.fileno())
        except OSError as error:
            raise Refused(HTTPStatus.INSUFFICIENT_STORAGE, f"not kept: {error.strerror}") from None
        self.taken += len(rows)
        return len(rows)

    def close(self) -> None:
        """Take no more."""
        self.closed_for = "the run is over"
        self._file.close()


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, separators=(",", ":")).encode() + b"\n"


class Conversation:
    """One connection: requests come in pieces, replies go out.

    Args:
        intake: takes the rows.
        home: the path of the address that the program was given, with a stroke at its end.

    Attributes:
        over: nothing more is read; the connection is to be closed when the replies are sent.
    """

    def __init__(self, intake: Intake, home: str = "/") -> None:
        self.over = False
        self._home = home
        self._intake = intake
        self._data = bytearray()
        self._head: dict[str, str] | None = None
        self._length = 0

    def feed(self, data: bytes) -> bytes:
        """Take characters; returns the replies that are due."""
        replies = b""
        if self.over:
            return replies
        self._data += data
        try:
            while (reply := self._step()) is not None:
                replies += reply
        except Refused as refused:
            # where a request that is not understood ends is not known: the connection ends with it
            self.over = True
            replies += _reply(refused.status, {"error": str(refused)}, close=True)
        return replies

    def _step(self) -> bytes | None:
        if self._head is None:
            return self._read_head()
        if len(self._data) < self._length:
            return None
        body = bytes(self._data[: self._length])
        del self._data[: self._length]
        head, self._head = self._head, None
        self.over = head.get("connection", "").lower() == "close"
        try:
            stored = self._intake.take(body)
        except Refused as refused:
            return _reply(refused.status, {"error": str(refused)}, close=self.over)
        return _reply(HTTPStatus.CREATED, {"stored": stored}, close=self.over)

    def _read_head(self) -> bytes | None:
        if self.over:
            return None
        end = self._data.find(b"\r\n\r\n")
        if end < 0 or end > self._intake.limits.head:
            if len(self._data) > self._intake.limits.head:
                raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the head of the request is too long")
            return None
        text = bytes(self._data[:end]).decode("latin-1")
        del self._data[: end + 4]
        first, *lines = text.split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise Refused(HTTPStatus.BAD_REQUEST, f"{first[:60]!r} is not a request of HTTP/1.1")
        head: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip() or name.lower() in head:
                raise Refused(HTTPStatus.BAD_REQUEST, f"the line {line[:60]!r} of the head is not as it should be")
            head[name.lower()] = value.strip()
        self._length = self._check(words[0], words[1], head)
        if words[2] == "HTTP/1.0":
            head["connection"] = "close"
        self._head = head
        return b"HTTP/1.1 100 Continue\r\n\r\n" if head.get("expect", "").lower() == "100-continue" else b""

    def _check(self, method: str, target: str, head: dict[str, str]) -> int:
        """Refuse what is not a row being posted; returns the length of the body."""
        if method != "POST":
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{method[:20]}: rows are sent with POST; nothing can be read")
        path = target.partition("?")[0].removesuffix("/ratings").rstrip("/") + "/"
        if not hmac.compare_digest(path.encode("latin-1"), self._home.encode()):
            raise Refused(
                HTTPStatus.NOT_FOUND, f"{target[:60]!r}: rows are sent to the address that the program was given"
            )
        if head.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected Content-Type: application/json")
        length = head.get("content-length", "")
        if not (length.isascii() and length.isdigit()) or "transfer-encoding" in head:
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "expected Content-Length, and no Transfer-Encoding")
        if len(length) > 12 or int(length) > self._intake.limits.body:
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{length[:20]} characters: at most {self._intake.limits.body}"
            )
        return int(length)


def _reply(status: HTTPStatus, told: dict[str, Any], *, close: bool) -> bytes:
    body = json.dumps(told).encode() + b"\n"
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(["Allow: POST"] if status is HTTPStatus.METHOD_NOT_ALLOWED else []),
        f"Connection: {'close' if close else 'keep-alive'}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
