"""What stands before every resource: who asks, from where, how much, how often, in what words.

The order is that of suspicion: Host (a page that was rebound to loopback names its own host), Origin (a page of
another site), token, rate, size, JSON. Whatever goes wrong comes back as one JSON object with a stable code.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import math
import unicodedata
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, Final, NoReturn, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bench.control.errors import Refusal
from bench.control.events import plain
from bench.ports.listener import is_loopback

__all__ = [
    "BODY_BYTES",
    "BODY_S",
    "BURST",
    "CONNECTIONS",
    "RATE",
    "Bucket",
    "Guard",
    "answer",
    "expects",
    "read_body",
    "refuse_with",
]

BODY_BYTES: Final = 512 * 1024
"""Longest body."""

RATE: Final = 4000
"""Requests and acts a second, together: a request counts one, each act of a batch one."""

BURST: Final = 8000
"""How many may come at once after a rest."""

CONNECTIONS: Final = 200
"""Open connections; the ports' event loop may be `select`, which takes no descriptor above 1023."""

BODY_S: Final = 10.0
"""How long a body may take to come."""

STRANGER_S: Final = 10.0
"""How long a connection may stay without having shown the token."""

DEEPEST: Final = 16
"""Levels of a JSON body."""

_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_MODEL = TypeVar("_MODEL", bound=BaseModel)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_SPOKEN: Final = "GET /v1/openapi.json tells what is spoken here"
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Bucket:
    """A token bucket.

    Args:
        rate: filled with so many a second.
        burst: holds at most so many.
        now: seconds, for tests.
    """

    def __init__(self, rate: float = RATE, burst: float = BURST, now: Callable[[], float] = monotonic) -> None:
        self.rate = rate
        self.burst = burst
        self._now = now
        self._level = burst
        self._at = now()

    def take(self, n: float = 1) -> float:
        """Take n out; returns 0, or the seconds after which they would be there (and takes none)."""
        now = self._now()
        self._level = min(self.burst, self._level + (now - self._at) * self.rate)
        self._at = now
        if n <= self._level:
            self._level -= n
            return 0.0
        return (n - self._level) / self.rate


def answer(told: Any, status: int = 200) -> web.Response:
    """A JSON response."""
    text = json.dumps(told, default=plain, allow_nan=False, separators=(",", ":"))
    return web.Response(text=text, status=status, content_type="application/json", headers=_HEADERS)


def refuse_with(refusal: Refusal) -> web.Response:
    """The response of a refusal."""
    response = answer(refusal.body(), refusal.status)
    response.headers.update(refusal.headers)
    return response


def _not_json(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _not_json(text)


def _check(value: Any, depth: int = 0) -> None:
    """No level too deep, no control character or lone surrogate in any text."""
    if depth > DEEPEST:
        raise ValueError(f"it is more than {DEEPEST} levels deep")
    if isinstance(value, str):
        for char in value:
            if unicodedata.category(char) in ("Cc", "Cs"):
                raise ValueError(f"it holds the control character U+{ord(char):04X}")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check(name, depth)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


async def expects(request: web.Request) -> web.StreamResponse | None:
    """Answer the header Expect: 100-continue goes on, anything else is refused."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        return refuse_with(Refusal("bad_request", "nothing but 100-continue can be expected", "leave Expect out"))
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0
    return None


async def read_body(request: web.Request, model: type[_MODEL]) -> _MODEL:
    """The body of a request as one of `bench.control.models`.

    Raises:
        Refusal: bad_request, bad_json, too_large or bad_field.
    """
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise Refusal("bad_request", "bodies are taken as they are, not compressed", "leave Content-Encoding out")
    try:
        async with asyncio.timeout(BODY_S):
            raw = await request.read()
    except TimeoutError as exc:  # a slow sender, or chunks that are none, which aiohttp would wait on for ever
        raise Refusal("bad_request", f"the body has not come within {BODY_S:g} s", _SPOKEN) from exc
    if not raw.strip():
        raw = b"{}"
    fix = "send one JSON object in UTF-8, for example {}"
    try:
        given = json.loads(raw.decode("utf-8"), parse_constant=_not_json, parse_float=_finite)
        _check(given)
    except UnicodeDecodeError as exc:
        raise Refusal("bad_json", f"the body is not UTF-8: byte {exc.start} cannot be read", fix) from exc
    except RecursionError as exc:
        raise Refusal("bad_json", "the body is nested too deep", fix) from exc
    except ValueError as exc:
        raise Refusal("bad_json", f"the body is not JSON: {exc}", fix) from exc
    if not isinstance(given, dict):
        raise Refusal("bad_json", f"the body is a {type(given).__name__}, not an object", fix)
    try:
        return model.model_validate(given)
    except ValidationError as exc:
        wrong = [f"{'.'.join(map(str, row['loc'])) or 'the body'}: {row['msg']}" for row in exc.errors()[:5]]
        raise Refusal("bad_field", "; ".join(wrong), "GET /v1/openapi.json lists the fields and their ranges") from exc


def _host_of(authority: str) -> tuple[str, int | None]:
    """Host and port of a Host header or an origin; ("", None) for nonsense."""
    host, port = authority.strip(), ""
    if host.startswith("["):
        host, bracket, port = host[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            return "", None
        port = port.removeprefix(":")
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    if port and not (port.isascii() and port.isdigit() and len(port) < 6):
        return "", None
    return host.lower(), int(port) if port else None


class Guard:
    """The middleware.

    Args:
        token: what opens the API.
        listen: the address it listens on.
        ended: whether the bench is ending.
        bucket: how much a second.

    Attributes:
        port: the TCP port, once it is known.
        strangers: connections that have not shown the token yet, by the identity of their protocol.
    """

    def __init__(self, token: str, listen: str, bucket: Bucket | None = None) -> None:
        self._token = f"Bearer {token}".encode()
        self._protocol = f"bearer.{token}".encode()
        self._names = _LOOPBACK_NAMES | {listen.lower()}
        self._anywhere = not is_loopback(listen)
        self.port = 0
        self.bucket = bucket or Bucket()
        self.strangers: dict[int, asyncio.BaseProtocol] = {}

    def must_be_known(self, request: web.Request) -> None:
        """Check host, origin and token, in this order.

        Raises:
            Refusal: bad_host, bad_origin or no_token.
        """
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            raise Refusal(
                "bad_host",
                "the request names no host, or one that is not this bench",
                "ask under the address of `hallbench up`, http://127.0.0.1:PORT",
            )
        origin = request.headers.get("Origin")
        if origin is not None:
            scheme, separator, authority = origin.partition("://")
            if not separator or scheme not in ("http", "https") or not self._is_ours(authority):
                raise Refusal("bad_origin", "a page of another origin may not use this API", "use a program instead")
        if not self._has_token(request):
            raise Refusal(
                "no_token",
                "the token is missing or wrong",
                'send "Authorization: Bearer TOKEN" with the contents of the token file of `hallbench up --json`',
                {"WWW-Authenticate": "Bearer"},
            )
        self.strangers.pop(id(request.protocol), None)

    def _is_ours(self, authority: str) -> bool:
        host, port = _host_of(authority)
        if port != self.port:
            return False
        return host in self._names or (self._anywhere and _is_address(host))

    def _has_token(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if hmac.compare_digest(given, self._token):
            return True
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        words = [word.strip().encode("utf-8", "surrogateescape") for word in offered.split(",")]
        return sum(hmac.compare_digest(word, self._protocol) for word in words) > 0  # all compared: no shortcut

    def spend(self, n: int = 1) -> None:
        """Count requests or acts.

        Raises:
            Refusal: too_many_requests.
        """
        wait = self.bucket.take(n)
        if wait:
            raise Refusal(
                "too_many_requests",
                f"more than {self.bucket.rate:g} requests and acts a second",
                f"wait {wait:.3f} s, or send several acts in one POST /v1/acts",
                {"Retry-After": str(max(1, math.ceil(wait)))},
            )

    @web.middleware
    async def middleware(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Let a request through, or refuse it."""
        try:
            self.must_be_known(request)
            self.spend()
            return await handler(request)
        except Refusal as refusal:
            return refuse_with(refusal)
        except web.HTTPRequestEntityTooLarge:
            return refuse_with(
                Refusal("too_large", f"the body is longer than {BODY_BYTES} bytes", "send fewer acts at once")
            )
        except web.HTTPNotFound:
            return refuse_with(Refusal("not_found", "there is no such resource", "GET /v1/openapi.json lists them all"))
        except web.HTTPMethodNotAllowed as exc:
            allowed = ", ".join(sorted(exc.allowed_methods))
            return refuse_with(
                Refusal("method_not_allowed", f"{exc.method} is not for this", f"use {allowed}", {"Allow": allowed})
            )
        except web.RequestPayloadError:
            return refuse_with(Refusal("bad_request", "the body cannot be read as HTTP sends it", _SPOKEN))
        except web.HTTPException as exc:
            return refuse_with(Refusal("bad_request", exc.reason, _SPOKEN))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
