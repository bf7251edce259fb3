"""The suites: which cases belong together, and which requirements they cite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import import_module
from types import MappingProxyType
from typing import Final

from bench.compliance.case import Case
from bench.compliance.requirements import Requirement, load

__all__ = ["SUITES", "Suite", "suite_named"]


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases of one protocol and role.

    Args:
        name: "modbus_rtu.device".
        catalogues: names of the requirement files.
        cases: in the order in which they run.
        stops_when_dead: whether a device that stops answering ends the run.
    """

    name: str
    catalogues: tuple[str, ...]
    cases: tuple[Case, ...]
    stops_when_dead: bool = True

    def requirements(self) -> dict[str, Requirement]:
        """Every requirement that the cases may cite."""
        found: dict[str, Requirement] = {}
        for name in self.catalogues:
            found |= load(name).requirements
        return found

    def sha256(self) -> str:
        """Of the catalogues and of the cases' ids and revisions."""
        parts = [load(name).sha256 for name in self.catalogues]
        parts += [f"{case.id}:{case.rev}:{case.primary}" for case in self.cases]
        return sha256("\n".join(parts).encode()).hexdigest()


SUITES: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = MappingProxyType(
    {
        "modbus_rtu.device": (
            ("modbus_serial", "modbus_app"),
            (
                "cases.modbus_line",
                "cases.modbus_silences",
                "cases.modbus_registers",
                "cases.modbus_bits",
                "cases.modbus_services",
            ),
        ),
        "escpos.device": (
            ("escpos",),
            (
                "cases.escpos_status",
                "cases.escpos_answers",
                "cases.escpos_streams",
                "cases.escpos_flow",
                "cases.escpos_automatic",
            ),
        ),
        "rk1.device": (
            ("modbus_serial", "modbus_app", "reference_keypad", "line"),
            (
                "cases.modbus_line",
                "cases.modbus_silences",
                "cases.modbus_registers",
                "cases.modbus_bits",
                "cases.modbus_services",
                "cases.rk1_queue",
                "cases.rk1_events",
                "cases.rk1_registers",
                "cases.line_level",
            ),
        ),
        "alpha.device": (("alpha",), ("cases.alpha_packets", "cases.alpha_memory")),
        "declared.device": (("declared", "line"), ("cases.declared_device", "cases.line_level")),
        "osdp.device": (("osdp", "line"), ("cases.osdp_device", "cases.line_level")),
        "modbus_rtu.master": (("modbus_serial", "modbus_app"), ("master.judging",)),
    }
)
"""Suite -> (requirement files, modules of `bench.compliance`, each with a tuple CASES). A protocol is added here,
with a file of requirements, a module of cases and a module of mutants."""


@cache
def suite_named(name: str) -> Suite:
    """A suite by its name.

    Raises:
        KeyError: there is none of that name.
        ValueError: two of its cases share an id.
    """
    catalogues, modules = SUITES[name]
    cases: list[Case] = []
    for module in modules:
        cases += import_module(f"bench.compliance.{module}").CASES
    ids = [case.id for case in cases]
    if len(set(ids)) != len(ids):
        raise ValueError(f"suite {name}: two cases share an id")
    return Suite(name, catalogues, tuple(cases))


Select = Callable[[Case], bool]
