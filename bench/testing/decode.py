"""Frames in words, for tests: `bench.run.frames` under the name that the tests' face has for it."""

from __future__ import annotations

from bench.run.frames import Decoder, Station

__all__ = ["Decoder", "Station"]
