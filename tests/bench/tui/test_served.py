"""A view in a browser ends with its server."""

from __future__ import annotations

import os

import pytest

from bench.tui.served import nobody_listens

pytest.importorskip("termios", reason="pipes tell their end by poll on POSIX systems alone")


def test_the_end_of_the_server_is_seen():
    """While the writing end is open somebody listens, also with nothing to read; once it is closed nobody does."""
    reading, writing = os.pipe()
    try:
        assert not nobody_listens(reading)
        os.write(writing, b"a key")
        assert not nobody_listens(reading)
        os.close(writing)
        assert nobody_listens(reading)
    finally:
        os.close(reading)
