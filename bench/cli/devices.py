"""`hallbench devices`: what is emulated, how far, and after which documents.

What a device is and does comes from its own module, class and register map; only where those are, and what is left out
on purpose, stands here.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import click

from bench.cli import declared_kinds
from bench.cli.console import Failure, emit_json, out, table
from bench.cli.exit_codes import ExitCode
from bench.reports.wording import printable

BUS: Final = "RS-485 bus, half duplex"
LINK: Final = "RS-232 link, full duplex"


class Kind(NamedTuple):
    """Where a kind of device is found, and what it leaves out.

    Args:
        target: module and class of the device.
        protocol: what it speaks, as scenarios and `hallbench decode` call it.
        line: the line it is on.
        described: module and name of its register map or table of commands.
        not_emulated: what a reader could expect and does not get.
    """

    target: str
    protocol: str
    line: str
    described: str
    not_emulated: tuple[str, ...]


_NO_VENDOR: Final = "it is this project's reference profile: no vendor's keypad is known to speak it"

KIND: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "rating_keypad": Kind(
            "firmware_sim.devices.rating_keypad:RatingKeypad",
            "modbus_rtu",
            BUS,
            "protocol.modbus.maps.reference_keypad:REFERENCE_KEYPAD",
            (_NO_VENDOR, "a text display", "the card at log-in: only the clerk code it gives"),
        ),
        "clerk_console": Kind(
            "firmware_sim.devices.clerk_console:ClerkConsole",
            "modbus_rtu",
            BUS,
            "protocol.modbus.maps.reference_keypad:CLERK_CONSOLE",
            (_NO_VENDOR, "a display of its own"),
        ),
        "kiosk_button": Kind(
            "firmware_sim.devices.kiosk_button:KioskButton",
            "modbus_rtu",
            BUS,
            "protocol.modbus.maps.reference_keypad:KIOSK_BUTTON",
            (_NO_VENDOR, "a touch screen: a kiosk is its keys and its printer"),
        ),
        "counter_display": Kind(
            "firmware_sim.devices.counter_display:CounterDisplay",
            "modbus_rtu",
            BUS,
            "protocol.modbus.maps.led485:LED485",
            ("brightness", "worn or dead segments", "the other maps a scenario can name here: docs/devices/boards.md"),
        ),
        "main_board": Kind(
            "firmware_sim.devices.main_board:MainBoard",
            "modbus_rtu",
            BUS,
            "protocol.modbus.maps.embeddedart:EMBEDDEDART",
            ("moving or blinking text", "graphics", "letters outside ASCII: the card has none"),
        ),
        "alpha_board": Kind(
            "firmware_sim.devices.alpha_board:AlphaBoard",
            "alpha",
            BUS,
            "protocol.alpha.codes:COMMANDS",
            (
                "RGB and LARGE DOTS pictures, bulletins, counters, temperature, dimming, animations",
                "the 2-byte and 3-byte printable packet formats",
                "finding the baud rate: the board runs at its line's settings",
                "the pictures of special modes, and the letters and seconds of a real board: docs/devices/boards.md",
            ),
        ),
        "ticket_printer": Kind(
            "firmware_sim.devices.ticket_printer:TicketPrinter",
            "escpos",
            LINK,
            "protocol.escpos.commands:ROWS",
            (
                "colour, macros, Kanji, user-defined characters",
                "two-dimensional codes other than QR",
                "a head that heats by what it prints: it is hot when a fault says so",
                "the printer's own typeface: pictures are set in IBM Plex Mono",
            ),
        ),
        "osdp_keypad": Kind(
            "firmware_sim.devices.osdp_keypad:OsdpKeypad",
            "osdp",
            BUS,
            "protocol.osdp:Command",
            (
                "the secure channel: asked for, it is refused (NAK 5)",
                "several lamps and readers, inputs, outputs, cards, fingerprints, file transfer",
                "blinking: a lamp that blinks is told as on",
                "finding a speed after COMSET: it is then deaf on a line of another speed",
            ),
        ),
        "voice_caller": Kind(
            "firmware_sim.devices.voice_caller:VoiceCaller",
            "dfplayer",
            LINK,
            "firmware_sim.devices.loudspeaker:CLIPS",
            ("sound: what is said is kept as text with its instants", "loudness", "loops, folders and random order"),
        ),
        "declared": Kind(
            "firmware_sim.devices.declared_device:DeclaredDevice",
            "declared",
            "as the declaration says",
            "protocol.declared.model:EFFECTS",
            ("whatever its declaration does not say: docs/devices/declared.md",),
        ),
    }
)
"""Every kind that a scenario can place."""

_PROFILE_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "escpos": ("name", "dots", "dpi", "mm/s", "buffer"),
    "alpha": ("name", "version", "type codes"),
}
_DECLARED_COLUMNS: Final = ("name", "title")

GRADE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "S": "official specification or vendor manual",
        "C": "source code of a program that drives the real hardware",
        "R": "third-party page or reverse engineering",
        "K": "well-known published standard",
        "M": "measured",
        "": "reference profile of this project",
    }
)
"""What a source is worth, by the letter it is marked with."""


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(name: str | None, as_json: bool) -> None:
    """Show the kinds of devices that are emulated, or NAME in detail.

    In detail: protocol and line, register map or commands, what people can do to it, the source it follows and how good
    that source is, and what is not emulated.
    """
    if name is None:
        rows = [describe(kind) for kind in KIND]
        if as_json:
            emit_json({"devices": rows, "declared": declared_kinds.rows()})
        else:
            for line in table(
                [(row["kind"], row["protocol"], row["line"], row["title"].split(":")[0]) for row in rows],
                headers=("kind", "protocol", "line", "emulates"),
            ):
                out(line)
            out('\nBy declaration (kind = "declared", protocol = NAME or a path):\n')
            known = declared_kinds.rows()
            columns = [(row["name"], row["role"], row["source"]["grade"], row["title"]) for row in known]
            for line in table(columns, headers=("protocol", "role", "grade", "emulates")):
                out(line)
            out("\nMore on one of them: hallbench devices KIND (or PROTOCOL, or a path)")
        return
    if name not in KIND and declared_kinds.is_declared(name):
        device = declared_kinds.describe(name)
        if as_json:
            emit_json(device)
        else:
            _print(device)
        return
    if name not in KIND:
        raise Failure(
            f"there is no kind of device {name!r}",
            ExitCode.USAGE,
            f"kinds: {', '.join(KIND)}",
        )
    device = describe(name)
    if as_json:
        emit_json(device)
    else:
        _print(device)


def describe(kind: str) -> dict[str, Any]:
    """Everything that is known of a kind, from its own module.

    Args:
        kind: a key of `KIND`.

    Returns:
        A JSON-able object.
    """
    entry = KIND[kind]
    module_name, _, class_name = entry.target.partition(":")
    module = importlib.import_module(module_name)
    device: type[Any] = getattr(module, class_name)
    text = inspect.getdoc(module) or ""
    title, _, rest = text.partition("\n\n")
    described = _attribute(entry.described)
    facts: dict[str, Any] = {
        "kind": kind,
        "title": " ".join(title.split()).rstrip("."),
        "protocol": entry.protocol,
        "line": entry.line,
        "emulates": [" ".join(paragraph.split()) for paragraph in rest.split("\n\n") if paragraph.strip()],
        "human_side": [{"name": name, "does": _first_sentence(getattr(device, name))} for name in _hands(device)],
        "not_emulated": list(entry.not_emulated),
    }
    if entry.protocol == "alpha":
        return facts | _alpha(described)
    if kind in _OWN_FACTS:
        return facts | _OWN_FACTS[kind](described)
    facts |= _modbus(device, described) if entry.protocol == "modbus_rtu" else _escpos(described, text)
    return facts


def _attribute(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def _hands(device: type[Any]) -> list[str]:
    """Methods that are a person's: the class's own list, else those that take the time and are no callbacks."""
    human = getattr(device, "human", None)
    if human is not None:
        return list(human)
    return [
        name
        for name, method in vars(device).items()
        if inspect.isfunction(method)
        and not name.startswith("_")
        and name not in ("hear", "wake")
        and list(inspect.signature(method).parameters)[1:2] == ["now"]
    ]


def _first_sentence(method: Any) -> str:
    text = " ".join((inspect.getdoc(method) or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.;:])\s", text)[0].rstrip(".;:")


def _modbus(device: type[Any], described: Any) -> dict[str, Any]:
    from protocol.modbus.maps.reference_keypad import EVENT_LAYOUT, EVENT_RULES
    from protocol.modbus.pdu import NAMES

    events: dict[str, Any] = {}
    if any(row.name == "events" for row in described):  # a map of profile RK-1
        layout = [{"register": i, "name": name, "meaning": meaning} for i, (name, meaning) in enumerate(EVENT_LAYOUT)]
        events = {"event": {"registers": layout, "rules": EVENT_RULES}}
    return {
        "source": _source(described.source),
        "functions": [{"code": f"0x{code:02X}", "name": NAMES.get(code, "")} for code in sorted(device.functions)],
        "map": described.title,
        "registers": [
            {
                "name": row.name,
                "table": row.table.value,
                "address": f"0x{row.address:04X}",
                "words": row.words,
                "access": row.access,
                "meaning": row.meaning,
            }
            for row in described
        ],
        **events,
    }


def _escpos(rows: Any, text: str) -> dict[str, Any]:
    from protocol.escpos.profiles import PROFILES

    named = re.search(r"\(([^()]*protocols\.md[^()]*)\)", text)
    return {
        "source": _source(f"{named.group(1) if named else 'protocols.md 4'} [S]"),
        "profiles": [
            {
                "name": profile.name,
                "dots": profile.width_dots,
                "dpi": profile.dpi,
                "speed_mm_s": profile.speed_mm_s,
                "buffer": profile.buffer_size,
            }
            for profile in PROFILES.values()
        ],
        "commands": [{"name": row.name, "begins": row.prefix.hex(" ").upper(), "meaning": row.meaning} for row in rows],
    }


def _alpha(commands: Mapping[int, str]) -> dict[str, Any]:
    from firmware_sim.devices.alpha_board import MODELS
    from protocol.alpha.codes import FUNCTIONS

    rows = [(name, chr(code), "command") for code, name in commands.items()]
    rows += [(name, f"E {code:02X}", "special function") for code, name in FUNCTIONS.items()]
    return {
        "source": _source("protocols.md 2.2: form 9708-8061 rev. F, as programs quote it [C]"),
        "profiles": [
            {"name": model.name, "version": model.version, "types": "".join(map(chr, sorted(model.types)))}
            for model in MODELS.values()
        ],
        "commands": [{"name": name, "begins": begins, "meaning": meaning} for name, begins, meaning in rows],
    }


def _osdp(commands: Any) -> dict[str, Any]:
    rows = [{"name": code.name, "begins": f"{code.value:02X}", "meaning": "command"} for code in commands]
    source = _source("IEC 60839-11-5 as libosdp has it; protocols.md 3.2 [C]")
    return {"source": source, "profiles": [], "commands": rows}


def _voice(clips: Any) -> dict[str, Any]:
    chips = [row for row in declared_kinds.rows() if row["role"] == "voice"]
    profiles = [{"name": row["name"], "title": row["title"]} for row in chips]
    profiles += [profile for row in chips for profile in row["profiles"]]
    rows = [{"name": str(number), "begins": f"{clip.ms} ms", "meaning": clip.text} for number, clip in clips.items()]
    return {"source": _source("protocols.md 5 [S]"), "profiles": profiles, "commands": rows}


def _declared(effects: Any) -> dict[str, Any]:
    rows = [{"name": kind, "begins": "effect", "meaning": ", ".join(keys)} for kind, keys in effects.items()]
    return {"source": _source("the declaration's own; protocols.md 7.2 []"), "profiles": [], "commands": rows}


_OWN_FACTS: Final[Mapping[str, Callable[[Any], dict[str, Any]]]] = {
    "osdp_keypad": _osdp,
    "voice_caller": _voice,
    "declared": _declared,
}
"""Kinds that are described in their own way."""


def _source(text: str) -> dict[str, str]:
    letter = re.search(r"\[([A-Z])\]", text)
    grade = letter.group(1) if letter else ""
    return {"document": re.sub(r"\s*\[[A-Z]\]", "", text), "grade": grade, "meaning": GRADE.get(grade, "")}


def _in_print(told: Any) -> Any:
    """A structure with all its texts made printable: a declaration may come from anywhere."""
    if isinstance(told, str):
        return printable(told)
    if isinstance(told, Mapping):
        return {key: _in_print(value) for key, value in told.items()}
    return [_in_print(value) for value in told] if isinstance(told, (list, tuple)) else told


def _print(device: Mapping[str, Any]) -> None:
    import textwrap

    device = _in_print(device)
    source = device["source"]
    out(f"{device['kind']}: {device['title']}")
    out()
    facts = [
        ("protocol", device["protocol"]),
        ("line", device["line"]),
        ("source", f"{source['document']}: {source['meaning']}"),
        ("not emulated", "; ".join(device["not_emulated"])),
    ]
    if "functions" in device:
        facts.insert(2, ("functions", ", ".join(f"{row['code']} {row['name']}" for row in device["functions"])))
    for name, value in facts:
        out(textwrap.fill(value, 100, initial_indent=f"  {name:<14}", subsequent_indent=" " * 16))
    for paragraph in device["emulates"]:
        out()
        out(textwrap.fill(paragraph, 100, initial_indent="  ", subsequent_indent="  "))
    _section("What people do to it", [(hand["name"], hand["does"]) for hand in device["human_side"]])
    if "registers" in device:
        columns = ("table", "address", "words", "access", "name", "meaning")
        rows = [tuple(row[name] for name in columns) for row in device["registers"]]
        _section(f"Registers: {device['map']}", rows, columns, right=(2,))
        _event(device)
    else:
        profiles = [tuple(row.values()) for row in device["profiles"]]
        named = _PROFILE_COLUMNS.get(device["protocol"], _DECLARED_COLUMNS)
        if profiles:
            right = () if named is _DECLARED_COLUMNS else tuple(range(1, len(named)))
            _section("Profiles", profiles, named, right=right)
        _section("Commands", [tuple(row.values()) for row in device["commands"]], ("name", "begins", "meaning"))


def _event(device: Mapping[str, Any]) -> None:
    """The block of an event, and what becomes of one that is read, for devices that have events."""
    import textwrap

    if "event" not in device:
        return
    columns = ("register", "name", "meaning")
    _section(
        "An event: its eight registers",
        [tuple(row[name] for name in columns) for row in device["event"]["registers"]],
        columns,
        right=(0,),
    )
    out()
    out(textwrap.fill(device["event"]["rules"], 100, initial_indent="  ", subsequent_indent="  "))


def _section(
    title: str, rows: list[tuple[Any, ...]], headers: tuple[str, ...] = (), right: tuple[int, ...] = ()
) -> None:
    out(f"\n{title}\n")
    for line in table(rows, headers=headers, right=right):
        out(f"  {line}")
