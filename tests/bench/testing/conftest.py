"""A small hall for tests of the Python face: two keypads on the program's line, the house runs the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bench.testing.face import Hall
from bench.testing.face import hall as open_hall

SMALL = Path(__file__).parents[2] / "support" / "small.toml"
OTHERS = ("schemathesis", "hypothesispytest", "anyio", "timeout", "xdist.looponfail")
"""Plugins of this environment that a project of somebody else's need not have: half of what its session takes."""


@pytest.fixture
def with_few_plugins(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sessions of pytest that a test starts find ours by its entry point as ever, and few others beside it."""

    def only(*, asyncio: bool = False) -> None:
        others = OTHERS if asyncio else (*OTHERS, "asyncio")
        scope = " -o asyncio_default_fixture_loop_scope=function" if asyncio else ""
        monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(f"-p no:{name}" for name in others) + scope)

    only()
    return only


@pytest.fixture
def small() -> Iterator[Callable[..., Hall]]:
    """Opens the small hall at 08:10 (arguments as for `hall`); it is closed, and checked, at the end of the test."""
    with ExitStack() as stack:

        def make(**asked: Any) -> Hall:
            return stack.enter_context(open_hall(SMALL, **{"start": "08:10", **asked}))

        yield make
