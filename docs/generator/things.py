"""Devices and declared protocols: what `hallbench devices` knows, and the known frames of each declaration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.cli import declared_kinds
from bench.cli.devices import KIND, describe
from bench.scenario import declared as declarations

from .text import code, fenced, flat, heading, items, table

__all__ = ["declared", "devices", "not_emulated_rows"]


def _device(row: Mapping[str, Any], level: int, anchor: str) -> str:
    name = row.get("name") or row["kind"]
    page = heading(level, code(name), anchor)
    page += f"\n{flat(row['title'])}.\n" + "".join(f"\n{flat(told)}\n" for told in row["emulates"])
    source = row["source"]
    facts = [f"speaks {code(row['protocol'])} on: {flat(row['line'])}"]
    facts.append(f"after: {flat(source['document'])} ({flat(source['meaning'])})")
    page += items(facts)
    if row.get("human_side"):
        page += "\n**Hands.** " + "; ".join(f"{code(hand['name'])} {flat(hand['does'])}" for hand in row["human_side"])
        page += ".\n"
    page += "\n**Not emulated.**\n" + items(flat(told) for told in row["not_emulated"])
    if row.get("profiles"):
        heads = tuple(row["profiles"][0])
        heads = tuple(dict.fromkeys(key for profile in row["profiles"] for key in profile)) or heads
        page += "\n**Profiles.**\n" + table(
            heads, [tuple(flat(str(profile.get(key, ""))) for key in heads) for profile in row["profiles"]]
        )
    if row.get("functions"):
        page += (
            "\n**Functions.** " + ", ".join(f"{code(f['code'])} {flat(f['name'])}" for f in row["functions"]) + ".\n"
        )
    if row.get("registers"):
        page += f"\n**Registers** ({flat(row['map'])}).\n" + table(
            ("address", "table", "words", "access", "name", "meaning"),
            [
                (
                    code(r["address"]),
                    flat(r["table"]),
                    str(r["words"]),
                    flat(r["access"]),
                    code(r["name"]),
                    flat(r["meaning"]),
                )
                for r in row["registers"]
            ],
        )
    if row.get("event"):
        page += "\n**An event: its eight registers.**\n" + table(
            ("register", "name", "meaning"),
            [(str(r["register"]), flat(r["name"]), flat(r["meaning"])) for r in row["event"]["registers"]],
        )
        page += f"\n{flat(row['event']['rules'])}\n"
    if row.get("commands"):
        page += "\n**Commands and messages.**\n" + table(
            ("name", "begins", "meaning"),
            [(code(c["name"]), code(c["begins"]), flat(c["meaning"])) for c in row["commands"]],
        )
    return page


def devices() -> str:
    """Every kind that a scenario can place."""
    rows = {kind: describe(kind) for kind in KIND}
    page = "# Devices\n\n`hallbench devices NAME` prints the same. Devices by declaration have"
    page += " [a page of their own](declared.md).\n"
    page += table(
        ("kind", "protocol", "emulates"),
        [(f"[{code(kind)}](#device-{kind})", code(row["protocol"]), flat(row["title"])) for kind, row in rows.items()],
    )
    return page + "".join(_device(row, 2, f"device-{kind}") for kind, row in rows.items())


def declared() -> str:
    """Every declaration of the catalogue, with its vectors."""
    page = "# Declared protocols\n\nThe declarations that ship (`hallbench devices NAME`), each with its known frames:"
    page += " they are decoded, built again byte for byte, cut and spoilt whenever a declaration is read."
    page += " [How to write one](../../tutorials/declare_a_device.md).\n"
    for row in declared_kinds.rows():
        page += _device(row, 2, f"declared-{row['name']}")
        known = declarations.load(row["name"]).vectors
        page += "\n**Known frames.**\n" + table(
            ("message", "frame", "grade", "source"),
            [(code(v.of), code(v.data.hex(" ").upper()), v.grade, flat(v.source_text)) for v in known],
        )
        page += fenced(f"$ hallbench decode {row['name']} {known[0].data.hex(' ').upper()}", "console")
    return page


def not_emulated_rows() -> list[tuple[str, list[str]]]:
    """Kind or declaration, and what its table says is left out; for docs/reference/made/left_out.md."""
    rows = [(kind, list(describe(kind)["not_emulated"])) for kind in KIND]
    return rows + [(row["name"], list(row["not_emulated"])) for row in declared_kinds.rows()]
