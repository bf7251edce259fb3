"""What differs from protocol to protocol: its suite, its bench, and the words of its declarations.

A protocol is a row here, with a file of requirements, modules of cases, a module of mutants and a line in `suites.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

__all__ = ["OVER_MODBUS", "PROTOCOLS", "Protocol", "UnknownProtocol", "bench_class", "protocol_of"]


class UnknownProtocol(LookupError):
    """A declaration names a protocol for which there is no suite; the message says which there are."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """One protocol.

    Args:
        suite: name of its device suite.
        bench: module and class of its bench.
        capabilities, extra: words that its declarations may have, besides those that all may.
    """

    suite: str
    bench: tuple[str, str]
    capabilities: frozenset[str] = frozenset()
    extra: frozenset[str] = frozenset()


_MODBUS: Final = "functions broadcast atomic_writes max_read_registers reply_ms timeout_ms"
_MODBUS_EXTRA: Final = "unit scratch constant picky event fifo coil_scratch broadcast_scratch scratch_by"
_OSDP: Final = "crc checksum lamp buzzer text comset keypad secure timeout_ms"
_DECLARED: Final = (
    "questions presses statements address check exact keys timeout_ms escape_heard escape_told release_ms"
)
_ESCPOS: Final = """real_time real_time_in_data asb asb_at_power_on gs_r gs_i names process_id clear_buffer cutter
    near_end raster barcode qr_size xonxoff busy_offline buffer margin speed_mm_s dots_per_mm timeout_ms"""
_ALPHA: Final = """checks reconfigure strings priority acknowledge status_register special wildcard nested gap
    persistent timeout_ms busy_ms"""

OVER_MODBUS: Final = frozenset({"modbus_rtu", "rk1"})
"""Protocols whose declarations have function codes and registers."""

PROTOCOLS: Final[Mapping[str, Protocol]] = MappingProxyType(
    {
        "modbus_rtu": Protocol("modbus_rtu.device", ("modbus_bench", "ModbusBench")),
        "rk1": Protocol(
            "rk1.device",
            ("rk1_bench", "Rk1Bench"),
            frozenset((*_MODBUS.split(), "depth", "keys", "clock_battery", "boot_ms")),
            frozenset((*_MODBUS_EXTRA.split(), "card")),
        ),
        "declared": Protocol(
            "declared.device",
            ("declared_bench", "DeclaredBench"),
            frozenset(_DECLARED.split()),
            frozenset({"unit", "spec", "ask", "tell", "text"}),
        ),
        "osdp": Protocol(
            "osdp.device",
            ("osdp_bench", "OsdpBench"),
            frozenset(_OSDP.split()),
            frozenset({"unit"}),
        ),
        "escpos": Protocol(
            "escpos.device",
            ("escpos_bench", "EscposBench"),
            frozenset(_ESCPOS.split()),
            frozenset({"model", "default_page", "other_page"}),
        ),
        "alpha": Protocol(
            "alpha.device",
            ("alpha_bench", "AlphaBench"),
            frozenset(_ALPHA.split()),
            frozenset({"unit", "type", "other_type"}),
        ),
    }
)
"""Name in a declaration -> what it is."""


def protocol_of(name: str) -> Protocol:
    """A protocol by its name.

    Raises:
        UnknownProtocol: there is none.
    """
    if name not in PROTOCOLS:
        raise UnknownProtocol(f"there is no suite for the protocol {name!r}; there are {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def bench_class(name: str) -> Any:
    """The bench of a protocol's cases."""
    module, kind = protocol_of(name).bench
    return getattr(import_module(f"bench.compliance.{module}"), kind)
