"""What holds for all tests: a module leaves the process as it found it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

gc.disable()


def pytest_collection_finish() -> None:
    """What is there when the tests are collected stays to the end: the collector of garbage need not look at it again
    and again (a tenth of the tests' time), nor while they are collected."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.fixture(autouse=True, scope="module")
def real_clocks_afterwards() -> Iterator[None]:
    """A hall of `bench.testing` keeps the stand-ins for the clocks in place for the next one; not beyond its module."""
    yield
    build = sys.modules.get("bench.testing.build")
    if build is not None:
        build.release_stand_ins()
