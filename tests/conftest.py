"""What holds for all tests: a module leaves the process as it found it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def real_clocks_afterwards() -> Iterator[None]:
    """A hall of `bench.testing` keeps the stand-ins for the clocks in place for the next one; not beyond its module."""
    yield
    build = sys.modules.get("bench.testing.build")
    if build is not None:
        build.release_stand_ins()
