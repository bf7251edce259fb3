"""`hallbench new`: files to start from, which are valid as they are written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import click

from bench.cli.console import Failure, out
from bench.cli.exit_codes import ExitCode

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")

ROLES: Final = ("rating-keypad", "clerk-console", "display", "board", "voice", "other")
"""Roles that a scaffold can be made for."""

_HEAD: Final = """\
# {name}: a device by declaration. Every mistake is told with its line and column:  hallbench devices {file}
# The language is described in docs/devices/declared.md; a walk through it: docs/tutorials/declare_a_device.md.

[device]
name = "{name}"
title = "say what it is in a line"
role = "{role}"
source = "document, page or capture that the frames come from"
grade = "A"                            # S manual, C client code, R third party, K standard, M measured, A assumed
not_emulated = ["say what it leaves out"]

[line]
baud = 9600
bytesize = 8
parity = "N"
stopbits = 1
duplex = "half"                        # "full" for an RS-232 link
inter_byte_ms = 20                     # a pause that breaks a frame

[frame]
max_bytes = 32
part = [
  {{ name = "start", const = "02" }},
  {{ name = "unit", uint = 1, role = "address" }},
  {{ name = "len", uint = 1, counts = "cmd..data" }},
  {{ name = "cmd", uint = 1 }},
  {{ name = "data", bytes = "rest" }},
  {{ name = "sum", check = "xor8", over = "unit..data" }},
]

[address]
range = [1, 99]
"""

_KEYPAD: Final = """
[[message]]
name = "pressed"
from = "device"
match = {{ cmd = 0x50 }}
fields = [{{ name = "key", uint = 1, range = [1, 5] }}]
expect = {{ message = "thanks", within_ms = 400, retries = 3, stagger_ms = 20 }}

[[message]]
name = "thanks"
from = "host"
match = {{ cmd = 0x06, data_len = 0 }}

[[action]]
name = "press"
args = [{{ name = "key", range = [1, {keys}] }}]
effects = [{{ event = "{event}", value = "@key" }}, {{ send = "pressed", values = {{ key = "@key" }} }}]

# How a program speaks with it: with this the house controller can run it in a hall.
[house]
{house} = {{ message = "pressed", value = "@key" }}
"""

_DISPLAY: Final = """
[state]
text = ""

[[message]]
name = "show"
from = "host"
match = {{ cmd = 0x53 }}
fields = [{fields}{{ name = "text", text = "rest" }}]
reply = "done"
effects = [{{ set = "text", to = "@text" }}, {{ note = "shown", values = {{ {row}text = "@text" }} }}]

[[message]]
name = "done"
from = "device"
match = {{ cmd = 0x06, data_len = 0 }}

# How a program speaks with it: with this the house controller shows the calls of a hall on it.
[house]
show = {{ message = "show", values = {{ {row_told}text = "@text" }}, answer = "done", within_ms = 300 }}
screen = {{ width = {width}, rows = {rows} }}
"""

_VOICE: Final = """
[[message]]
name = "say"
from = "host"
match = {{ cmd = 0x53 }}
fields = [{{ name = "text", text = "rest" }}]
effects = [{{ send = "taken" }}, {{ voice = "speak", value = "@text", ms = 5000 }}]

[[message]]
name = "taken"
from = "device"
match = {{ cmd = 0x06, data_len = 0 }}

[[message]]
name = "over"
from = "device"
match = {{ cmd = 0x45, data_len = 0 }}

[voice]
finished = {{ send = "over" }}

# How a program speaks with it: with this the house controller speaks the calls of a hall on it.
[house]
announce = {{ message = "say", values = {{ text = {text} }}, answer = "taken", over = "over" }}
"""

_VECTOR: Final = """
[[vector]]
of = "{of}"
hex = "{data}"
values = {{ {values} }}
source = "made up"
grade = "A"
"""


def _vectors(*known: tuple[str, str, str]) -> str:
    """Known frames: (message, its characters, what they say besides the unit, which is 7)."""
    return "".join(
        _VECTOR.format(of=of, data=data, values=f"unit = 7, {values}" if values else "unit = 7")
        for of, data, values in known
    )


def scaffold(name: str, role: str, file: str) -> str:
    """The text of a declaration to start from.

    Args:
        name: of the device.
        role: one of `ROLES`.
        file: how the file will be called, for its own comments.
    """
    head = _HEAD.format(name=name, role=role, file=file)
    if role in ("rating-keypad", "clerk-console"):
        is_console = role == "clerk-console"
        keypad = _KEYPAD.replace("range = [1, 5]", "range = [1, 7]") if is_console else _KEYPAD
        event, house, keys = ("key", "key", 7) if is_console else ("press", "rating", 5)
        known = _vectors(("pressed", "02 07 02 50 03 56", "key = 3"), ("thanks", "02 07 01 06 00", ""))
        return head + keypad.format(event=event, house=house, keys=keys) + known
    if role == "voice":
        said = _vectors(
            ("say", "02 07 05 53 41 30 30 31 21", 'text = "A001"'),
            ("taken", "02 07 01 06 00", ""),
            ("over", "02 07 01 45 43", ""),
        )
        return head + _VOICE.format(text='{ join = ["@label", " ", "@counter"] }') + said
    is_board = role == "board"
    field = '{ name = "row", uint = 1, range = [1, 4] }, ' if is_board else ""
    row, (width, rows) = ('row = "@row", ', (16, 4)) if is_board else ("", (6, 1))
    data = "02 07 06 53 02 41 30 30 31 20" if is_board else "02 07 05 53 41 30 30 31 21"
    shown = _vectors(("show", data, 'text = "A001"'), ("done", "02 07 01 06 00", ""))
    return head + _DISPLAY.format(fields=field, row=row, row_told=row, width=width, rows=rows) + shown


@click.group()
def command() -> None:
    """Write a file to start from: it is valid as it stands, and is to be changed."""


@command.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="rating-keypad", show_default=True, help="What it is.")
@click.option(
    "--out", "target", type=click.Path(path_type=Path, dir_okay=False), help="File to write [default: NAME.toml]."
)
def device(name: str, role: str, target: Path | None) -> None:
    """Write the declaration of a device with its own protocol.

    It has a frame with address, length and check, two messages and their vectors. Change it towards the real device;
    `hallbench devices FILE` checks it, `hallbench decode FILE HEX` explains a frame.
    """
    if not _NAME.fullmatch(name):
        raise Failure(f"{name!r} is not a name of lower-case letters, digits, - and _", ExitCode.USAGE, "e.g. acme_k4")
    path = target or Path(f"{name}.toml")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(scaffold(name, role, str(path)))
    except FileExistsError as error:
        raise Failure(f"{path} is there already", ExitCode.USAGE, "choose another name, or --out FILE") from error
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror or error}", ExitCode.INVALID_FILE) from error
    out(f"written: {path}")
    out(f"  hallbench devices {_shown(path)}            checks it and shows it")
    out(f'  hallbench decode {_shown(path)} "02 07 01 06 00"   explains a frame')
    place = "" if role in ("board", "voice", "other") else ", counter = 1"
    placed = f'{{ kind = "declared", protocol = "{_shown(path)}", unit = 7{place} }}'
    out(f"  {placed}   puts it on a line of a scenario")


def _shown(path: Path) -> str:
    """A path that is taken for one: a bare name without ending would be a name of the catalogue."""
    text = str(path)
    return text if text.endswith(".toml") or "/" in text else f"./{text}"
