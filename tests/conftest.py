"""What holds for all tests: a module leaves the process as it found it."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

gc.disable()

# An example that took long says that the machine was busy, and nothing of what is tested. A profile that was chosen
# already has it so too: that of tests/mutation, and Hypothesis' own one for build servers.
settings.register_profile(
    "any machine", settings.get_profile("default"), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
if settings.get_current_profile_name() == "default":
    settings.load_profile("any machine")

# A shell that starts a command in the background lets it ignore Ctrl-C, and all that it starts inherits that: programs
# that tests interrupt would not notice.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
