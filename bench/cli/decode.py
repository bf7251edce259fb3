"""`hallbench decode`: a pasted frame or stream, explained byte by byte, without any device."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import click

from bench.cli.console import Failure, emit_json, out, say
from bench.cli.exit_codes import ExitCode
from bench.cli.hexadecimal import NotHexError, parse
from bench.reports.wording import printable


class Decoded(NamedTuple):
    """What was found: lines for people, and what is wrong (empty when nothing is)."""

    lines: list[str]
    problem: str


def _modbus_rtu(data: bytes, direction: str | None) -> Decoded:
    from protocol.checks import crc16_modbus
    from protocol.modbus.explain import explain
    from protocol.modbus.rtu import MAX_ADU, MIN_ADU

    problem = ""
    if not MIN_ADU <= len(data) <= MAX_ADU:
        problem = f"a frame has {MIN_ADU} to {MAX_ADU} bytes, this has {len(data)}"
    elif crc16_modbus(data):
        problem = "the CRC does not match: the frame is damaged, or it is not one whole frame"
    return Decoded(explain(data, direction=direction), problem)


def _with_map(name: str) -> Callable[[bytes, str | None], Decoded]:
    """The explainer of Modbus frames of a device whose registers have names."""

    def explained(data: bytes, direction: str | None) -> Decoded:
        from bench.run.frame_words import modbus_words
        from bench.run.registers import map_of
        from protocol.modbus.rtu import request_length

        found = _modbus_rtu(data, direction)
        inbound = direction == "reply" if direction else request_length(data) != len(data)
        unit = f"unit {data[0]}"
        told = modbus_words(unit, map_of({"kind": name}), data, inbound=inbound)
        return Decoded([told.words, *found.lines] if told.sound else found.lines, found.problem)

    return explained


def _escpos(data: bytes, direction: str | None) -> Decoded:
    from protocol.escpos import explain as explain_escpos

    explain = explain_escpos.from_printer if direction == "reply" else explain_escpos.to_printer
    return Decoded(*explain(data))


def _alpha(data: bytes, _direction: str | None) -> Decoded:
    from protocol.alpha.explain import explain

    return Decoded(*explain(data))


def _osdp(data: bytes, _direction: str | None) -> Decoded:
    from protocol.osdp_explain import explain

    return Decoded(*explain(data))


def _declared(name: str) -> Callable[[bytes, str | None], Decoded]:
    """The explainer of a declared protocol: one of the catalogue, or a file."""

    def explained(data: bytes, direction: str | None) -> Decoded:
        from bench.scenario.declared import codec_of
        from protocol.declared.explain import explain

        source = {"request": "host", "reply": "device"}.get(direction or "")
        return Decoded(*explain(codec_of(name), data, source))

    return explained


class Protocol(click.ParamType[str, str]):
    """A protocol by its name, or a declaration by its path."""

    name = "protocol"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name itself, if it is one."""
        from bench.scenario.declared import available, is_path

        known = [*PROTOCOL, *available()]
        if value in known or is_path(value):
            return value
        near = difflib.get_close_matches(value.lower(), known, n=1)
        hint = f"Did you mean {near[0]}?" if near else "Or give the path of a declaration (.toml)."
        raise click.BadParameter(f"{value!r} is not one of {', '.join(known)}. {hint}", ctx, param)


PROTOCOL: Final[Mapping[str, Callable[[bytes, str | None], Decoded]]] = MappingProxyType(
    {
        "modbus_rtu": _modbus_rtu,
        **{name: _with_map(name) for name in ("rk1", "led485", "dm36", "embeddedart")},
        "escpos": _escpos,
        "alpha": _alpha,
        "osdp": _osdp,
    }
)
"""Protocols that can be decoded, and maps of Modbus whose registers are named; each explainer takes the bytes and
"request", "reply" or None."""


_EXAMPLES: Final = """\b
Examples:
  hallbench decode modbus_rtu 01 04 00 00 00 08 F1 CC
  hallbench decode dm36 16 10 00 00 00 04 08 00 41 00 30 00 31 00 37 E0 6D
  hallbench decode escpos 1B401B6101 41303031 0A 1D5600
  hallbench decode escpos --as reply 14 00 00 0F
  hallbench decode ff68_evaluator FF 68 03 03 68 03 11 00 14 16
  hallbench decode my_keypad.toml 02 01 05 06
"""


@click.command(epilog=_EXAMPLES)
@click.argument("protocol", type=Protocol())
@click.argument("hexadecimal", metavar="HEX...", nargs=-1, required=True)
@click.option(
    "--as",
    "direction",
    type=click.Choice(["request", "reply"]),
    help="Which way it went (to the device, or from it). By default modbus_rtu judges by what fits; escpos: request.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(
    ctx: click.Context, protocol: str, hexadecimal: tuple[str, ...], direction: str | None, as_json: bool
) -> None:
    """Explain a pasted frame, offline.

    PROTOCOL is modbus_rtu (rk1, led485, dm36, embeddedart: the same with the registers of that map by name), escpos,
    alpha, osdp, a declared protocol (`hallbench devices` lists them), or the path of a
    declaration.

    HEX may be written as 01 04 F1 CC, 0x01,0x04, 01:04 or 0104F1CC, in one or several words; - reads it from stdin.

    Exits 1 when the bytes are damaged or not understood: a bad CRC, an unknown or unfinished command.
    """
    text = " ".join(hexadecimal)
    data = _bytes(sys.stdin.read() if text == "-" else text)
    found = (PROTOCOL.get(protocol) or _declared(protocol))(data, direction)
    if as_json:
        emit_json(
            {
                "protocol": protocol,
                "hex": data.hex(" ").upper(),
                "bytes": len(data),
                "good": not found.problem,
                "problem": found.problem or None,
                "lines": found.lines,
            }
        )
    else:
        for line in found.lines:
            out(printable(line))
        if found.problem:
            say(f"Not good: {found.problem}.")
    ctx.exit(ExitCode.BAD if found.problem else ExitCode.GOOD)


def _bytes(text: str) -> bytes:
    try:
        data = parse(text)
    except NotHexError as error:
        raise Failure(f"HEX: {error}\n{printable(error.shown(), keep=chr(10))}", ExitCode.USAGE) from error
    if not data:
        raise Failure("HEX: there is not one byte in it", ExitCode.USAGE, "write bytes such as 01 04 00 00")
    return data
