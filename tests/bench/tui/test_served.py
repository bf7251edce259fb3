"""A view in a browser ends with its server."""

from __future__ import annotations

import os
import subprocess
import sys
import time

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


def test_a_view_that_is_busy_for_ever_ends_with_its_server():
    """A process that never looks is ended all the same, a moment after its pipe was closed, and not before."""
    busy = """
from bench.tui.served import end_with_server
end_with_server(grace=0.2)
print("busy", flush=True)
while True:
    pass
"""
    view = subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert view.stdout.readline() == b"busy\n"
        view.stdin.write(b"a key")
        view.stdin.flush()
        time.sleep(0.3)
        assert view.poll() is None
        view.stdin.close()
        assert view.wait(60) == 0
    finally:
        view.kill()
        view.wait()
        view.stdout.close()
