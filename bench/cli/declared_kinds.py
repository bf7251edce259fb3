"""What `hallbench devices` tells of devices by declaration: the catalogue's, and the kinds that are played by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bench.scenario import declared
from protocol.declared.model import Declaration

MEANINGS: Final[Mapping[str, str]] = {
    "M": "measured",
    "S": "official specification or vendor manual",
    "C": "source code of a program that drives the real hardware",
    "R": "third-party page or reverse engineering",
    "K": "well-known published standard",
    "A": "assumed, or made up here",
}
"""What a source is worth, by the letter that a declaration gives."""


def is_declared(name: str) -> bool:
    """Whether a name is a declaration of the catalogue, or the path of one."""
    return declared.is_path(name) or name in declared.available()


def rows() -> list[dict[str, Any]]:
    """Every declaration of the catalogue, in detail."""
    return [describe(name) for name in declared.available()]


def describe(name: str) -> dict[str, Any]:
    """Everything that a declaration says of its device, JSON-able.

    Raises:
        ScenarioError: it cannot be read.
    """
    made = declared.load(name)
    line = made.line
    return {
        "kind": "declared",
        "name": made.name,
        "title": made.title,
        "role": made.role,
        "protocol": name,
        "line": f"{'RS-485 bus, half' if line.duplex == 'half' else 'RS-232 link, full'} duplex, "
        f"{line.baud} {line.bytesize}{line.parity}{line.stopbits:g}",
        "emulates": list(made.notes),
        "human_side": [
            {"name": _signature(action.name, made), "does": action.meaning or "see its effects in the declaration"}
            for action in made.actions.values()
        ]
        + [{"name": "unplug, plug_in", "does": "take its supply away, and give it back"}],
        "not_emulated": list(made.not_emulated),
        "source": {"document": made.source_text, "grade": made.grade, "meaning": MEANINGS[made.grade]},
        "profiles": [
            {"name": profile, "title": str(facts.get("title", ""))} for profile, facts in made.profiles.items()
        ],
        "commands": [
            {"name": message.name, "begins": f"from {message.source}", "meaning": message.meaning or _matched(message)}
            for message in made.messages
        ],
        "vectors": len(made.vectors),
    }


def _signature(name: str, made: Declaration) -> str:
    arguments = made.actions[name].arguments
    told = ", ".join(f"{a.name} {a.low}..{a.high}" if a.low is not None else a.name for a in arguments)
    return f"{name}({told})" if told else name


def _short(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex(" ").upper()
    return f"{value:02X}" if isinstance(value, int) else str(value)


def _matched(message: Any) -> str:
    """What makes a frame this message, in a few characters."""
    told = []
    for name, value in message.match.items():
        choices = value if isinstance(value, tuple) else (value,)
        shown = [_short(one) for one in choices]
        told.append(f"{name} {', '.join(shown[:6])}{' ...' if len(shown) > 6 else ''}")
    return "; ".join(told)
