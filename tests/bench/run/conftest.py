"""What tests of programs under test share."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture
def begun(monkeypatch):
    """Filled by a program that is about to hang; until then it is only slow (`late_watch.Lively`)."""
    filled = []
    monkeypatch.setattr(sys, "begun_for_test", filled, raising=False)
    return filled
