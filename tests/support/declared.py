"""The catalogue's declarations for tests, and raw tables to break."""

from __future__ import annotations

import copy
import tomllib
from functools import lru_cache
from importlib import resources
from typing import Any

from bench.scenario.declared import available
from protocol.declared import catalogue
from protocol.declared.build import build
from protocol.declared.codec import Codec

NAMES = available()


@lru_cache(maxsize=32)
def codec(name: str) -> Codec:
    """A declaration of the catalogue, made ready."""
    return Codec(build(_raw(name)))


@lru_cache(maxsize=32)
def _raw(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(catalogue).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def raw(name: str) -> dict[str, Any]:
    """The tables of a declaration, to be changed."""
    return copy.deepcopy(_raw(name))


MINIMAL = """
[device]
name = "lamp"
title = "a lamp"
source = "made up"
grade = "A"

[frame]
max_bytes = 16
part = [
  { name = "start", const = "02" },
  { name = "len", uint = 1, counts = "data..data" },
  { name = "data", bytes = "rest" },
  { name = "sum", check = "xor8", over = "start..data" },
]

[state]
on = false

[[message]]
name = "switch"
from = "host"
match = { data_len = 1 }
fields = [{ name = "level", uint = 1, range = [0, 100] }]
effects = [{ set = "on", to = true }]

[[vector]]
of = "switch"
hex = "02 01 05 06"
values = { level = 5 }
source = "made up"
grade = "A"
"""
"""The smallest declaration that does something."""
