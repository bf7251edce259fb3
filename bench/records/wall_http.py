"""The HTTP sink in wall time: a socket on this machine, open to nobody outside it and to nobody who has not its path.

The path is a secret of the run: other users of this machine, and pages in a browser of it, find the port but not that.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator

from bench.records.intake import Conversation, Intake

__all__ = ["listening"]

_CHUNK = 1 << 16


@contextlib.asynccontextmanager
async def listening(intake: Intake) -> AsyncIterator[str]:
    """Listen on a free port of 127.0.0.1 for the length of a block; gives the URL.

    Raises:
        OSError: there is no port to be had.
    """
    home = f"/{secrets.token_urlsafe(18)}/"
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = Conversation(intake, home)
        writers.add(writer)
        try:
            while not conversation.over and (data := await reader.read(_CHUNK)):
                writer.write(conversation.feed(data))
                await writer.drain()
        except OSError:
            pass  # the collector is gone
        finally:
            writers.discard(writer)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}{home}"
    finally:
        server.close()
        for writer in list(writers):
            writer.close()
        intake.close()
