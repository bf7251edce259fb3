"""Hostile requests: each comes back as a refusal of its own kind, and the bench answers the next one."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.control import api, guard
from bench.control.guard import BODY_BYTES, CONNECTIONS, Bucket, _host_of
from bench.ports.listener import is_loopback
from tests.bench.control.conftest import Bench


def code_of(answer: tuple[int, dict[str, dict[str, str]]]) -> str:
    return answer[1]["error"]["code"]


def test_without_the_token_nothing_is_told(bench: Bench):
    """No token, a wrong one, one of the right beginning, another scheme: 401, and not a word of the hall."""
    assert code_of(bench.request(token=None)) == "no_token"
    for wrong in ("x", bench.token[:-1], bench.token + "x", "ế"):
        status, told = bench.request(token=wrong)
        assert (status, code_of((status, told))) == (401, "no_token")
    assert code_of(bench.request(token=None, Authorization=f"Basic {bench.token}")) == "no_token"
    assert bench.request()[0] == 200


@pytest.mark.parametrize("path", ["/v1/openapi.json", "/v1/events", "/", "/v1/../../etc/passwd", "/nothing"])
def test_the_token_is_asked_for_everywhere(bench: Bench, path: str):
    """There is no resource, and no hint of one, without the token."""
    assert code_of(bench.request(path=path, token=None)) == "no_token"


@pytest.mark.parametrize(
    "host",
    [None, "evil.example", "evil.example:PORT", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:PORT", "[::1", ":"],
)
def test_a_rebound_name_is_refused(bench: Bench, host: str | None):
    """DNS rebinding: a page whose name points at loopback sends its own name as Host; it gets nothing, token or not."""
    given_host = host if host is None else host.replace("PORT", str(bench.port))
    status, told = bench.request(host=given_host)
    assert status in (400, 421)
    if told:
        assert code_of((status, told)) in ("bad_host", "bad_request")


def test_names_of_loopback_are_ours(bench: Bench):
    """127.0.0.1, localhost and ::1 with our port are the same bench."""
    for host in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"):
        assert bench.request(host=f"{host}:{bench.port}")[0] == 200


def test_pages_of_other_origins_are_refused(bench: Bench):
    """A browser tells the origin of the page that asks; another page than ours is refused, for WebSockets too."""
    assert code_of(bench.request(Origin="https://evil.example")) == "bad_origin"
    assert code_of(bench.request(Origin="null")) == "bad_origin"
    assert code_of(bench.request(path="/v1/events", Origin="http://evil.example", Upgrade="websocket")) == "bad_origin"
    assert bench.request(Origin=f"http://127.0.0.1:{bench.port}")[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"\xff\xfe",
        b'{"key": NaN}',
        b'{"key": Infinity}',
        b'{"held_s": 1e999}',
        b'{"key": "\\u0000"}',
        b'{"key": "\\ud800"}',
        b'{"key": "\x1b[2J"}',
        b'{"k\\u0007y": 1}',
        b"[" * 100_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'{"key": ' + b"9" * 10_000 + b"}",
    ],
)
def test_bodies_that_are_no_json_of_ours(bench: Bench, body: bytes):
    """Broken, nested, not finite, with control characters or lone surrogates: 400 bad_json, and nothing happens."""
    status, told = bench.request("POST", "/v1/devices/keypad-1/press", body=body)
    assert (status, code_of((status, told))) == (400, "bad_json")


def test_huge_bodies_are_not_read(bench: Bench):
    """A body above the limit is refused before it is kept; one that only claims to be huge costs nothing."""
    status, told = bench.request("POST", "/v1/acts", body=b'{"acts": "' + b"x" * BODY_BYTES + b'"}')
    assert (status, code_of((status, told))) == (413, "too_large")
    head = f"POST /v1/acts HTTP/1.1\r\nHost: 127.0.0.1:{bench.port}\r\nAuthorization: Bearer {bench.token}\r\n"
    status, told = bench.raw(f"{head}Content-Length: 99999999999\r\n\r\n" + "x" * (BODY_BYTES + 70_000))
    assert (status, code_of((status, told))) == (413, "too_large")


def test_unknown_paths_and_methods(bench: Bench):
    """404 and 405 are JSON like every refusal; 405 says what is allowed."""
    assert code_of(bench.request(path="/v2/hall")) == "not_found"
    status, told = bench.request("DELETE", "/v1/hall")
    assert (status, code_of((status, told))) == (405, "method_not_allowed")
    assert "GET" in told["error"]["fix"]
    assert code_of(bench.request(path="/v1/hall?debug=1")) == "bad_field"


def test_what_is_not_http_is_hung_up_on(bench: Bench):
    """Bytes that are no HTTP end their own connection and no other."""
    for junk in (b"\x00" * 100 + b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\r\n\r\n"):
        assert bench.raw(junk)[0] in (0, 400)
    assert bench.request()[0] == 200


@pytest.mark.parametrize(
    "more",
    [
        "Host: evil.example\r\n\r\n",
        "Content-Length: -5\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nxxxx",
        "Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
        "Expect: a-miracle\r\nContent-Length: 2\r\n\r\n{}",
        "X-Escape: \x1b[2J" + "a" * 9000 + "\r\n\r\n",
        "no header\r\n\r\n",
    ],
)
def test_broken_http_is_refused_in_json_too(bench: Bench, capfd: pytest.CaptureFixture[str], more: str):
    """What aiohttp itself refuses has code, message and fix like the rest, and says nothing on the bench's terminal."""
    head = f"POST /v1/acts HTTP/1.1\r\nHost: 127.0.0.1:{bench.port}\r\nAuthorization: Bearer {bench.token}\r\n"
    status, told = bench.raw(head + more)
    assert (status, code_of((status, told))) == (400, "bad_request")
    assert told["error"]["message"].isprintable()
    assert told["error"]["fix"]
    assert bench.request()[0] == 200
    assert capfd.readouterr() == ("", "")


def test_a_body_that_never_ends_is_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """Chunks that are none after the first, or a body that stops in the middle: a refusal, not a wait for ever."""
    monkeypatch.setattr(guard, "BODY_S", 0.3)
    head = f"POST /v1/acts HTTP/1.1\r\nHost: 127.0.0.1:{bench.port}\r\nAuthorization: Bearer {bench.token}\r\n"
    for body in ("Content-Length: 900\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"):
        status, told = bench.raw(head + body)
        assert (status, code_of((status, told))) == (400, "bad_request")


CROWD = """
import socket, sys, time
peers = []
for n in range(1000):
    if n % 50 == 0:
        time.sleep(0.02)  # what the kernel queues is not more than it takes: a dropped SYN costs a second
    peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=60)
    peers.append(peer)
print("there", flush=True)
head = b""
while not head.endswith(b"}}"):
    more = peers[-1].recv(4096)
    if not more:
        break
    head += more
print(head.decode().replace("\\r\\n", "|"), flush=True)
input()
"""


def test_a_thousand_connections(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """Above the limit a connection is told so and closed; the bench goes on, and serves again when they are gone."""
    monkeypatch.setattr(api, "STRANGER_S", 600)  # nobody is sent away while the crowd gathers, however slowly
    with subprocess.Popen(
        [sys.executable, "-c", CROWD, str(bench.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as crowd:
        assert crowd.stdout is not None
        assert crowd.stdout.readline() == "there\n"
        told = crowd.stdout.readline()
        assert " 503 " in told.split("|")[0]
        assert json.loads(told.rpartition("|")[2])["error"]["code"] == "too_many_connections"
        assert bench.do(lambda: len(bench.control._runner.server.connections)) <= CONNECTIONS
        crowd.communicate("\n")
    deadline = time.monotonic() + 60
    while bench.request()[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 50)), max_size=40))
def test_a_bucket_gives_no_more_than_its_rate(asks):
    """Over any stretch, what was given is at most the burst and the rate times the time."""
    now = [0.0]
    bucket = Bucket(rate=10, burst=30, now=lambda: now[0])
    taken = 0
    for wait, n in asks:
        now[0] += wait
        if bucket.take(n) == 0:
            taken += n
        assert taken <= 30 + 10 * now[0] + 1e-6


@given(st.text(max_size=60))
def test_any_host_header_is_taken_apart(text):
    """No Host header raises; the port is a number of a port or None."""
    host, port = _host_of(text)
    assert port is None or 0 <= port <= 99_999
    assert host == host.lower() or not host.isascii()


def test_who_listens_elsewhere():
    """Loopback is loopback in every form; anything else is elsewhere."""
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "192.168.1.5", "::", "example.org", "")))
