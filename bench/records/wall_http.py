"""The HTTP sink in wall time: a socket on this machine, open to nobody outside it."""

from __future__ import annotations

import asyncio
import contextlib
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
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = Conversation(intake)
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
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.close()
        for writer in list(writers):
            writer.close()
        intake.close()
