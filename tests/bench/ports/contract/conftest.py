"""Fixtures of the contract suite."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from port_benches import port_bench


@pytest.fixture
def make_bench(kind: str, tmp_path: Any) -> Iterator[Any]:
    """Benches of the kind of port that the test runs over: call it with settings and duplex."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(port_bench(kind, tmp_path / "ports", *args, **kwargs))


@pytest.fixture
def bench(make_bench: Any) -> Any:
    """A line at 115200 8N1, half duplex: quick, and nothing else."""
    return make_bench("115200 8N1")
