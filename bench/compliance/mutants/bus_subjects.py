"""The subjects of the keypads' suites and of declared protocols, gathered for the self-test."""

from __future__ import annotations

from itertools import chain
from typing import Final

from bench.compliance.mutants import declared_device, line_level, osdp_device, rk1_device, rk1_others, rk1_queue

__all__ = ["DEVICES", "MUTANTS", "NULL_DEVICES", "VARIANTS"]

_PLANTED: Final = (rk1_queue, rk1_device, rk1_others, osdp_device, declared_device, line_level)
_BESIDE: Final = (rk1_others, osdp_device, declared_device)

MUTANTS: Final = tuple(chain.from_iterable(module.MUTANTS for module in _PLANTED))
DEVICES: Final = tuple(chain.from_iterable(module.DEVICES for module in _BESIDE))
VARIANTS: Final = tuple(chain.from_iterable(module.VARIANTS for module in _BESIDE))
NULL_DEVICES: Final = tuple(chain.from_iterable(module.NULL_DEVICES for module in _BESIDE))
