"""Descriptors of the bench outlive a program that closes everything."""

from __future__ import annotations

import os

import pytest

from bench.run.descriptors import descriptors_kept


@pytest.mark.skipif(os.name != "posix", reason="descriptors are listed on POSIX only")
def test_what_was_open_stays_open(tmp_path):
    """`os.close` and `os.closerange` close what the program opened and nothing of ours; then all is as before."""
    real = os.close, os.closerange
    with (tmp_path / "ours").open("w") as ours, descriptors_kept():
        theirs = [os.open(tmp_path / name, os.O_CREAT | os.O_WRONLY) for name in "abc"]
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.close(ours.fileno())
        os.close(theirs[0])
        os.closerange(3, 4096)
        for number in theirs:
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(number)
        ours.write("still there")
        ours.flush()
    assert (tmp_path / "ours").read_text() == "still there"
    assert (os.close, os.closerange) == real


@pytest.mark.skipif(os.name != "posix", reason="descriptors are listed on POSIX only")
def test_streams_are_put_back(tmp_path):
    """A program that leads stdout and stderr elsewhere, or closes them, leaves them as they were."""
    before = [os.fstat(number).st_ino for number in (1, 2)]
    with descriptors_kept():
        elsewhere = os.open(tmp_path / "elsewhere", os.O_CREAT | os.O_WRONLY)
        os.dup2(elsewhere, 1)
        os.close(2)
    assert [os.fstat(number).st_ino for number in (1, 2)] == before
