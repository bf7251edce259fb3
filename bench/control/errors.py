"""What the control API refuses, and how it says so: a stable code, what happened, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

__all__ = ["CODES", "Code", "ControlUnavailable", "Refusal"]


class Code(NamedTuple):
    """One kind of refusal: its HTTP status, and what it is about in one line."""

    status: int
    meaning: str


CODES: Final[Mapping[str, Code]] = MappingProxyType(
    {
        "bad_request": Code(400, "the request is no HTTP that this API speaks"),
        "bad_json": Code(400, "the body is no JSON object that this API takes"),
        "bad_host": Code(421, "the Host header is missing or names somebody else (DNS rebinding)"),
        "no_token": Code(401, "the token is missing or wrong"),
        "bad_origin": Code(403, "a page of another origin asks"),
        "not_found": Code(404, "there is no such resource"),
        "no_such_device": Code(404, "no device has that name"),
        "no_such_line": Code(404, "no line has that name"),
        "no_such_fault": Code(404, "no fault of this bench has that id"),
        "no_such_action": Code(404, "nobody can do that to this device"),
        "method_not_allowed": Code(405, "the resource has no such method"),
        "clock_refused": Code(409, "this clock cannot do that"),
        "over": Code(409, "the bench is ending"),
        "bad_since": Code(409, "events after an event that has not happened: that was another bench"),
        "too_large": Code(413, "the body is longer than this API takes"),
        "bad_field": Code(422, "a field is missing, unknown, or outside its range"),
        "bad_argument": Code(422, "the device cannot take that argument"),
        "bad_fault": Code(422, "that fault cannot be in this hall"),
        "too_many_faults": Code(429, "as many faults as a bench keeps are there already"),
        "too_many_requests": Code(429, "more in a second than the API takes"),
        "bench_failed": Code(500, "the bench itself failed"),
        "too_many_connections": Code(503, "as many connections as the API serves are open"),
    }
)
"""Every code there is; a code is never given another meaning."""


class ControlUnavailable(Exception):
    """The API cannot be offered; the message says where and why."""


class Refusal(Exception):
    """A request that is not granted.

    Args:
        code: one of `CODES`.
        message: what happened, where, and what was expected.
        fix: what to do next.
        headers: of the HTTP response.
    """

    def __init__(self, code: str, message: str, fix: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fix = fix
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status."""
        return CODES[self.code].status

    def body(self) -> dict[str, Any]:
        """The JSON object of every refusal."""
        return {"error": {"code": self.code, "message": self.message, "fix": self.fix}}
