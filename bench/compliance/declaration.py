"""What a vendor declares of a device: capabilities and extra information (PICS and PIXIT), and its static review.

A case is NOT APPLICABLE only because a declaration says so, never because of how a device behaves (conformance.md 2.2).
Function codes are written in hexadecimal: `fc10` is FC 0x10.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from bench.compliance.protocols import OVER_MODBUS, PROTOCOLS
from firmware_sim.burst import LineSettings
from protocol.modbus.pdu import BROADCASTABLE, FC, Table

__all__ = ["Declaration", "InvalidDeclaration", "available", "load_declaration", "parse", "review"]

_FOLDER: Final = "bench.compliance.declarations"
_TABLES: Final = tuple(table.value for table in Table)
_CAPABILITIES: Final = {"functions", "broadcast", "atomic_writes", "max_read_registers", "reply_ms", "timeout_ms"}
_EXTRA: Final = {
    "unit",
    "scratch",
    "constant",
    "picky",
    "event",
    "fifo",
    "coil_scratch",
    "broadcast_scratch",
    "scratch_by",
}
_WORDS: Final = {"scratch": 2, "constant": 3, "picky": 3, "coil_scratch": 2}

LETTERS: Final = 1 << 16
LINE_LETTERS: Final = 2_000
"""The parser of TOML takes quadratic time for a dotted key: a line of a stranger's evidence may not stop the reader."""


class InvalidDeclaration(ValueError):
    """A declaration cannot be read; the message says where and what is expected."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """A device type as its vendor declares it.

    Args:
        name, title, protocol: what it is.
        settings: line settings it is delivered with.
        functions: function codes it supports.
        broadcast: function codes it carries out by broadcast; empty: none.
        map: table -> ranges (start, count) that can be read.
        capabilities, extra: the rest, as written.
        text: the file.
    """

    name: str
    title: str
    protocol: str
    settings: LineSettings
    functions: frozenset[int]
    broadcast: frozenset[int]
    map: Mapping[str, tuple[tuple[int, int], ...]]
    capabilities: Mapping[str, Any]
    extra: Mapping[str, Any]
    text: str

    @property
    def sha256(self) -> str:
        """Of the file's text."""
        return sha256(self.text.encode()).hexdigest()

    @property
    def unit(self) -> int:
        """Address of the device under test, unless told otherwise."""
        return int(self.extra.get("unit", 1))

    @property
    def timeout(self) -> int:
        """How long a reply may take, ns."""
        return round(float(self.capabilities.get("timeout_ms", 1000)) * 1_000_000)

    @property
    def scratch(self) -> tuple[int, int]:
        """First address and count of holding registers that may be written freely; count 0: none."""
        start, count = self.extra.get("scratch", (0, 0))
        return start, count

    @property
    def coil_scratch(self) -> tuple[int, int]:
        """First address and count of coils that may be written freely; count 0: none."""
        start, count = self.extra.get("coil_scratch", (0, 0))
        return start, count

    def facts(self) -> dict[str, int]:
        """What capability expressions speak of: name -> number; missing names are 0."""
        if self.protocol not in OVER_MODBUS:
            told = {name: int(value) for name, value in self.capabilities.items() if isinstance(value, int)}
            return told | dict.fromkeys(self.extra, 1)
        facts = {f"fc{code:02x}": 1 for code in self.functions}
        facts |= {f"bc{code:02x}": 1 for code in self.broadcast}
        facts |= {name: sum(count for _, count in ranges) for name, ranges in self.map.items()}
        facts |= {f"{name}_run": max((n for _, n in ranges), default=0) for name, ranges in self.map.items()}
        facts |= {"broadcast": len(self.broadcast), "scratch": self.scratch[1], "coil_scratch": self.coil_scratch[1]}
        facts |= {name: 1 for name in ("constant", "picky", "event", "fifo") if name in self.extra}
        by = frozenset(self.extra.get("scratch_by", self.functions)) & self.functions
        facts |= {f"sw{code:02x}": 1 for code in by if self.scratch[1]}
        facts |= {name: int(value) for name, value in self.capabilities.items() if isinstance(value, int)}
        facts["card"] = int("card" in self.extra)
        return facts

    def allows(self, expression: str) -> bool:
        """Whether a capability expression ("fc06 and scratch >= 2") holds; "" always does."""
        return not expression or bool(_value(ast.parse(expression, mode="eval").body, self.facts()))

    def because(self, expression: str) -> str:
        """Why an expression does not hold: each name of it with what the declaration says."""
        facts = self.facts()
        used = sorted({n.id for n in ast.walk(ast.parse(expression)) if isinstance(n, ast.Name)})
        said = ", ".join(f"{name} = {facts.get(name, 0)}" for name in used)
        return f"the case applies if `{expression}`; declaration {self.name}: {said}"

    def absent(self, table: str) -> int | None:
        """An address right after a declared range of the table, where nothing is; None when there is no range."""
        ranges = self.map.get(table, ())
        if not ranges:
            return None
        starts = {start for start, _ in ranges}
        ends = sorted(start + count for start, count in ranges)
        return next((end for end in ends if end not in starts and end < 0xFFF0), None)


def _value(node: ast.expr, facts: Mapping[str, int]) -> int:
    if isinstance(node, ast.Name):
        return facts.get(node.id, 0)
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return int(not _value(node.operand, facts))
    if isinstance(node, ast.BoolOp):
        values = [_value(part, facts) for part in node.values]
        return int(all(values) if isinstance(node.op, ast.And) else any(values))
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.GtE, ast.Lt)):
        left, right = _value(node.left, facts), _value(node.comparators[0], facts)
        return int(left >= right if isinstance(node.ops[0], ast.GtE) else left < right)
    raise InvalidDeclaration(f"a capability expression has names, numbers, and, or, not, >= and <: {ast.unparse(node)}")


def available() -> list[str]:
    """Names of the shipped declarations."""
    entries = files(_FOLDER).iterdir()
    return sorted(entry.name.removesuffix(".toml") for entry in entries if entry.name.endswith(".toml"))


def load_declaration(name: str) -> Declaration:
    """A shipped declaration by its name, or one by its path (it ends in .toml).

    Raises:
        InvalidDeclaration: there is none, or it is not as it must be.
    """
    if name.endswith(".toml"):
        try:
            text = _whole(Path(name).read_text(encoding="utf-8"), name)
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidDeclaration(f"{name}: cannot be read: {error}") from error
        long = too_long(text)
        if long:
            raise InvalidDeclaration(f"{name}: {long}: nobody could verify its evidence; shorten it, or break lines")
        return parse(text, name)
    if name not in available():
        raise InvalidDeclaration(f"there is no declaration {name!r}; there are {', '.join(available())}")
    return parse((files(_FOLDER) / f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml")


def too_long(text: str) -> str:
    """In which way a declaration is longer than `verify` takes one from a stranger, or ""."""
    if len(text) <= LETTERS and all(len(line) <= LINE_LETTERS for line in text.splitlines()):
        return ""
    return f"the declaration has more than {LETTERS:,} letters, or more than {LINE_LETTERS:,} in a line"


def _whole(text: str, name: str) -> str:
    """A declaration as it is; of a protocol's, what it declares a device to do."""
    from bench.compliance.vendor import CannotBeTested, derived, is_protocol

    try:
        return derived(text, name) if is_protocol(text) else text
    except CannotBeTested as error:
        raise InvalidDeclaration(str(error)) from error


def parse(text: str, where: str) -> Declaration:
    """Read a declaration.

    Raises:
        InvalidDeclaration: with file, key and what is expected.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidDeclaration(f"{where}: not TOML: {error}") from error
    try:
        capabilities, extra = dict(document["capabilities"]), dict(document.get("extra", {}))
        known = PROTOCOLS.get(str(document["protocol"]))
        if known is None:
            raise InvalidDeclaration(f"{where}: the protocols are {', '.join(PROTOCOLS)}, not {document['protocol']!r}")
        unknown = sorted(
            (capabilities.keys() - (known.capabilities or _CAPABILITIES)) | (extra.keys() - (known.extra or _EXTRA))
        )
        if unknown:
            raise InvalidDeclaration(f"{where}: nobody knows {', '.join(unknown)}; see docs/compliance.md")
        if document["protocol"] == "declared" and "text" not in extra and extra.get("spec") not in _specs():
            there = ", ".join(_specs())
            raise InvalidDeclaration(f"{where}: extra.spec is one of {there}, not {extra.get('spec')!r}")
        ranges = {table: _ranges(where, table, rows) for table, rows in document.get("map", {}).items()}
        for key, size in _WORDS.items():
            if key in extra and (not isinstance(extra[key], list) or len(extra[key]) != size):
                raise InvalidDeclaration(f"{where}: extra.{key} is a list of {size}, not {extra[key]!r}")
        return Declaration(
            str(document["name"]),
            str(document["title"]),
            str(document["protocol"]),
            LineSettings.parse(str(document["line"]["settings"])),
            _codes(where, "functions", capabilities.get("functions", [])),
            _codes(where, "broadcast", capabilities.get("broadcast", [])),
            ranges,
            capabilities,
            extra,
            text,
        )
    except KeyError as error:
        raise InvalidDeclaration(f"{where}: {error} is missing; see docs/compliance.md") from error
    except (TypeError, AttributeError) as error:
        raise InvalidDeclaration(f"{where}: a value is of the wrong kind: {error}") from error
    except ValueError as error:
        raise error if isinstance(error, InvalidDeclaration) else InvalidDeclaration(f"{where}: {error}") from error


def _specs() -> list[str]:
    """The shipped protocol declarations."""
    folders = (files("protocol.declared.catalogue"), files("bench.compliance.specs"))
    entries = [entry for folder in folders for entry in folder.iterdir()]
    return sorted(entry.name.removesuffix(".toml") for entry in entries if entry.name.endswith(".toml"))


def _codes(where: str, key: str, value: Any) -> frozenset[int]:
    if not isinstance(value, list) or not all(isinstance(code, int) and 1 <= code <= 127 for code in value):
        raise InvalidDeclaration(f"{where}: capabilities.{key} is a list of function codes 0x01..0x7F, not {value!r}")
    return frozenset(value)


def _ranges(where: str, table: str, rows: Any) -> tuple[tuple[int, int], ...]:
    if table not in _TABLES:
        raise InvalidDeclaration(f"{where}: map.{table}: the tables are {', '.join(_TABLES)}")
    good = isinstance(rows, list) and all(
        isinstance(row, list) and len(row) == 2 and all(isinstance(n, int) for n in row) for row in rows
    )
    if not good or not all(0 <= start < start + count <= 0x10000 for start, count in rows):
        raise InvalidDeclaration(f"{where}: map.{table} is a list of [start, count] within 0..0xFFFF, not {rows!r}")
    return tuple((start, count) for start, count in rows)


_NEEDS: Final[Sequence[tuple[int, str]]] = (
    (FC.READ_COILS, "coils"),
    (FC.READ_DISCRETES, "discretes"),
    (FC.READ_HOLDING, "holding"),
    (FC.READ_INPUTS, "inputs"),
)


def review(declaration: Declaration) -> list[str]:
    """The static review: contradictions and missing items, each as a sentence; nothing is sent."""
    if declaration.protocol not in OVER_MODBUS:
        return _review_words(declaration)
    findings = []
    facts = declaration.facts()
    for code, table in _NEEDS:
        if code in declaration.functions and not declaration.map.get(table):
            findings.append(f"functions has 0x{code:02X}, and map.{table} names nothing that it could read")
        if code not in declaration.functions and declaration.map.get(table):
            findings.append(f"map.{table} can be read, and functions lacks 0x{code:02X}")
    lacking = sorted(declaration.broadcast - declaration.functions)
    findings += [f"broadcast has 0x{code:02X}, and functions lacks it" for code in lacking]
    replying = sorted(declaration.broadcast - BROADCASTABLE)
    findings += [f"broadcast has 0x{code:02X}, which needs a reply" for code in replying]
    if not 1 <= declaration.unit <= 247:
        findings.append(f"extra.unit is {declaration.unit}; units are 1..247")
    if facts["scratch"] and not declaration.functions & {FC.WRITE_REGISTER, FC.WRITE_REGISTERS}:
        findings.append("extra.scratch may be written, and functions lacks both 0x06 and 0x10")
    if not facts["scratch"]:
        findings.append("extra.scratch is missing: no register may be written freely, so many cases do not apply")
    if "constant" not in declaration.extra:
        findings.append("extra.constant is missing: byte order cannot be told without a register of known content")
    if not declaration.functions:
        findings.append("functions is empty: nothing can be asked of such a device")
    return findings


def _review_words(declaration: Declaration) -> list[str]:
    """What contradicts itself in the declaration of a device without registers."""
    facts = declaration.facts()
    findings = [
        f"{name} needs {needs}, which is not declared"
        for name, needs in _GROUNDS
        if facts.get(name) and not facts.get(needs)
    ]
    if declaration.protocol == "escpos" and not facts.get("gs_r") and not facts.get("gs_i"):
        findings.append("neither gs_r nor gs_i: whether the printer is in step cannot be asked")
    if declaration.protocol == "alpha" and not 1 <= declaration.unit <= 255:
        findings.append(f"extra.unit is {declaration.unit}; addresses are 1..255")
    return findings


_GROUNDS: Final = (
    ("real_time_in_data", "real_time"),
    ("asb_at_power_on", "asb"),
    ("names", "gs_i"),
    ("busy_offline", "xonxoff"),
    ("acknowledge", "status_register"),
    ("strings", "reconfigure"),
)
"""A capability, and the one without which it cannot be."""
