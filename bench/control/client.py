"""Clients of a running bench: synchronous for commands and tests, asynchronous for whoever watches.

    bench = find()                                  # the one bench that runs, or say which: find("tan_hoi")
    with Client(bench) as client:
        client.post("/v1/devices/keypad-1/press", {"key": 5})
        print(client.get("/v1/figures")["visitors"]["waiting"])

    async with Watcher(bench) as watcher:
        async for batch in watcher.events(since="now"):
            ...

Nothing of the bench but `bench.control.registry` is imported here, and aiohttp only by `Watcher`.
"""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self
from urllib.parse import quote, urlencode, urlsplit

from bench.control.registry import Entry, NoRuntimeDirectory, read_token, running

if TYPE_CHECKING:
    import aiohttp

__all__ = ["Batch", "Client", "ControlError", "Entry", "NoBench", "Watcher", "device_path", "find", "running"]

TIMEOUT_S: Final = 10.0


class NoBench(LookupError):
    """No bench runs, or several do and none was named; the message says which there are."""


class ControlError(Exception):
    """What the API refused, or why it could not be asked.

    Args:
        code: stable, docs/control.md; "unreachable" when there was no answer.
        message: what happened.
        fix: what to do next.
        status: of HTTP; 0 when there was no answer.
    """

    def __init__(self, code: str, message: str, fix: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fix = fix
        self.status = status


def find(which: str = "") -> Entry:
    """The bench that is meant.

    Args:
        which: name or process number (`Entry.key`); "" when only one runs.

    Raises:
        NoBench: with what runs.
    """
    try:
        found = running()
    except NoRuntimeDirectory as exc:
        raise NoBench(f"running benches cannot be looked up: {exc}") from exc
    chosen = [entry for entry in found if not which or which in (entry.name, entry.key)]
    if len(chosen) == 1:
        return chosen[0]
    there = ", ".join(f"{entry.name} (process {entry.key})" for entry in found)
    if not found:
        raise NoBench("no bench runs; start one with: hallbench up")
    if not chosen:
        raise NoBench(f"there is no bench {which!r}; there are: {there}")
    raise NoBench(f"several benches run: name one with --bench NAME or its process number: {there}")


def device_path(name: str, *more: str) -> str:
    """The path of a device, whatever characters its name has."""
    return "/".join(("/v1/devices", *(quote(part, safe="") for part in (name, *more))))


def _told(status: int, raw: bytes) -> Any:
    """The JSON of an answer; an error of the API as `ControlError`."""
    try:
        told = json.loads(raw) if raw else {}
    except ValueError as exc:
        raise ControlError("unreachable", f"the answer (HTTP {status}) is not JSON", "is it a bench?", status) from exc
    if status < 400:
        return told
    error = told.get("error") if isinstance(told, dict) else None
    if not isinstance(error, dict):
        raise ControlError("unreachable", f"the answer is HTTP {status} without a reason", "is it a bench?", status)
    raise ControlError(str(error.get("code", "")), str(error.get("message", "")), str(error.get("fix", "")), status)


class Client:
    """One connection to a bench, kept for several requests.

    Args:
        bench: which.
        timeout: seconds.

    Raises:
        ControlError: its token cannot be read.
    """

    def __init__(self, bench: Entry, timeout: float = TIMEOUT_S) -> None:
        self.bench = bench
        parts = urlsplit(bench.control)
        self._http = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
        self._headers = {"Authorization": f"Bearer {_token(bench)}", "Content-Type": "application/json"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def get(self, path: str, **query: str | int) -> Any:
        """GET a resource."""
        return self.ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """POST to a resource."""
        return self.ask("POST", path, {} if body is None else body)

    def delete(self, path: str) -> Any:
        """DELETE a resource."""
        return self.ask("DELETE", path)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One request.

        Raises:
            ControlError: refused, or not to be reached.
        """
        raw = None if body is None else json.dumps(body, allow_nan=False).encode()
        for again in (True, False):
            fresh = self._http.sock is None
            try:
                self._http.request(method, path, raw, self._headers)
                response = self._http.getresponse()
                return _told(response.status, response.read())
            except (OSError, http.client.HTTPException) as exc:
                self._http.close()
                # A kept connection may have been closed by the bench meanwhile; only what is safe is asked twice.
                if again and not fresh and method == "GET":
                    continue
                raise ControlError(
                    "unreachable",
                    f"bench {self.bench.name} at {self.bench.control} does not answer: {exc or type(exc).__name__}",
                    "does it still run? hallbench show lists what runs",
                ) from exc
        raise AssertionError("unreachable")  # pragma: no cover


def _token(bench: Entry) -> str:
    try:
        return read_token(bench.token_file)
    except (OSError, ValueError) as exc:
        raise ControlError(
            "no_token", f"the token of bench {bench.name} cannot be read: {exc}", "only who started it may steer it"
        ) from exc


class Batch(NamedTuple):
    """Some events.

    Args:
        events: oldest first; docs/control.md has their shapes.
        lost: how many before them are lost for good.
        last: number of the last event that is known now.
    """

    events: list[dict[str, Any]]
    lost: int
    last: int


class Watcher:
    """An asynchronous client: requests, and events as they come. Use with `async with`.

    Args:
        bench: which.
        timeout: of a request, seconds.

    Attributes:
        last: number of the last event that was seen; a stream that broke goes on from here.
    """

    def __init__(self, bench: Entry, timeout: float = TIMEOUT_S) -> None:
        self.bench = bench
        self.last = 0
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        import aiohttp

        headers = {"Authorization": f"Bearer {_token(self.bench)}"}
        self._session = aiohttp.ClientSession(
            headers=headers, timeout=aiohttp.ClientTimeout(total=self._timeout), trust_env=False
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One request.

        Raises:
            ControlError: refused, or not to be reached.
        """
        import aiohttp
        from yarl import URL

        assert self._session is not None
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        url = URL(self.bench.control + path, encoded=True)
        try:
            async with self._session.request(method, url, data=data) as response:
                return _told(response.status, await response.read())
        except (aiohttp.ClientError, OSError, TimeoutError) as exc:
            raise ControlError("unreachable", f"bench {self.bench.name} does not answer: {exc}") from exc

    async def get(self, path: str) -> Any:
        """GET a resource."""
        return await self.ask("GET", path)

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """POST to a resource."""
        return await self.ask("POST", path, {} if body is None else body)

    async def delete(self, path: str) -> Any:
        """DELETE a resource."""
        return await self.ask("DELETE", path)

    async def events(
        self, since: int | str = "now", kinds: str = "", who: str = "", *, again_s: float = 0.5
    ) -> AsyncIterator[Batch]:
        """What happens, as it comes; a connection that breaks is made again, and goes on where it was.

        The iteration ends when the bench does.

        Args:
            since: number of the last event that is known, or "now".
            kinds: only these, with commas between; "" is all.
            who: only of this device or line.
            again_s: seconds before a broken connection is made again.

        Raises:
            ControlError: the bench refuses the stream.
        """
        import aiohttp

        assert self._session is not None
        position: int | str = since
        while True:
            query = {"since": str(position), **({"kinds": kinds} if kinds else {}), **({"who": who} if who else {})}
            try:
                async with self._session.ws_connect(
                    f"{self.bench.control}/v1/events?{urlencode(query)}", heartbeat=20, max_msg_size=16 << 20
                ) as socket:
                    async for message in socket:
                        if message.type is not aiohttp.WSMsgType.TEXT:
                            continue
                        told = json.loads(message.data)
                        self.last = position = int(told["last"])
                        yield Batch(told["events"], int(told["lost"]), self.last)
                    if socket.close_code == 1001:  # the bench has ended
                        return
            except aiohttp.WSServerHandshakeError as exc:
                await self._explain(query, exc.status)
            except (aiohttp.ClientError, OSError, TimeoutError):
                if self.bench not in running():
                    return
            await asyncio.sleep(again_s)

    async def _explain(self, query: Mapping[str, str], status: int) -> None:
        """Ask the same without a WebSocket: that answer says what is wrong. A bench that is busy is asked again."""
        if status in (429, 503):
            return
        await self.get(f"/v1/events?{urlencode({**query, 'limit': '1'})}")
        raise ControlError("unreachable", f"the stream was refused with HTTP {status}", status=status)
