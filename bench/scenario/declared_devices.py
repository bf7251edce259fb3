"""The declarations that a scenario names: read beside it, checked, and what they say put into its raw data.

A device by declaration (`kind = "declared"`) has its role from its declaration unless the scenario says otherwise, so
that the checks between the parts of a hall, the people in it and the judge know what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.scenario.declared import codec_of, is_path
from bench.scenario.declared import parse as parse_declaration
from bench.scenario.draft import Finding
from bench.scenario.fill import default_names
from bench.scenario.problems import Problem, ScenarioError
from protocol.declared.codec import Codec
from protocol.declared.model import Screen

__all__ = ["resolve"]


class Declared(dict[str, Codec]):
    """Name or path of a protocol, as it stands in the scenario -> its declaration.

    Attributes:
        data: the bytes of all declarations that came from files.
        findings: protocols that cannot be found or used, at their place in the scenario.
        problems: mistakes in the declarations themselves, at their place there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.data = b""
        self.findings: list[Finding] = []
        self.problems: list[Problem] = []

    @property
    def screens(self) -> dict[str, Screen]:
        """Protocol -> its display, of those on which the house can show a ticket."""
        houses = ((protocol, codec.declaration.house) for protocol, codec in self.items())
        return {protocol: house.screen for protocol, house in houses if house is not None and house.shows_tickets}


def resolve(raw: Mapping[str, Any], file: str, read_beside: Callable[[str], bytes]) -> Declared:
    """Find the declarations of all declared devices in the raw data, and give each device its `role`.

    Args:
        raw: of a scenario; devices get their role.
        file: the scenario's own name, for messages.
        read_beside: gives the content of a file named in the scenario, relative to it; raises OSError.
    """
    found = Declared()
    bad: set[str] = set()
    for line, index, device, name in default_names(raw):
        if device.get("kind") != "declared" or not isinstance(device.get("protocol"), str):
            continue
        protocol = device["protocol"]
        path = ("line", line, "devices", index, "protocol")
        if protocol not in found and protocol not in bad:
            codec = _codec(protocol, name, path, file, read_beside, found)
            if codec is None:
                bad.add(protocol)
                continue
            found[protocol] = codec
        if protocol in found and not device.get("role"):
            device["role"] = found[protocol].declaration.role
        if protocol in found:
            found.findings += _fits(device, name, path[:-1], found[protocol])
            found.findings += _speaks(raw["line"][line], device, name, path, found[protocol])
    return found


def _codec(
    protocol: str,
    name: str,
    path: tuple[str | int, ...],
    file: str,
    read_beside: Callable[[str], bytes],
    found: Declared,
) -> Codec | None:
    try:
        if not is_path(protocol):
            return codec_of(protocol)
        data = read_beside(protocol)
        found.data += data
        declaration = parse_declaration(data, str(Path(file).parent / protocol))
        return Codec(declaration, data.decode("utf-8", "replace"))
    except ScenarioError as error:
        in_the_catalogue = [problem for problem in error.problems if not problem.line]
        for problem in in_the_catalogue:
            found.findings.append(Finding(path, f'device "{name}": {problem.message}', problem.hint))
        found.problems += [problem for problem in error.problems if problem.line]
    except (OSError, ValueError) as error:
        why = "there is no such file" if isinstance(error, FileNotFoundError) else str(error)
        found.findings.append(Finding(path, f'device "{name}": the declaration "{protocol}": {why}'))
    return None


def _speaks(
    line: Mapping[str, Any], device: Mapping[str, Any], name: str, path: tuple[str | int, ...], codec: Codec
) -> list[Finding]:
    """A voice caller to which nobody would speak, though every call is to be heard."""
    house = codec.declaration.house
    if device["role"] != "voice" or line.get("owner") == "collector" or (house is not None and house.announce):
        return []
    told = f'device "{name}": {codec.declaration.name} has no [house] `announce`: nobody would speak the calls on it'
    if not is_path(device["protocol"]):
        return [
            Finding(
                path,
                told,
                f'the shipped ones have a kind: {{ kind = "voice_caller", protocol = "{codec.declaration.name}" }}',
            )
        ]
    return [
        Finding(
            path, told, 'say there which message speaks a call, or give the line to the program: owner = "collector"'
        )
    ]


def _fits(device: Mapping[str, Any], name: str, path: tuple[str | int, ...], codec: Codec) -> list[Finding]:
    """What a device asks of its declaration that this has not."""
    declared, made = codec.declaration, []
    profile, unit = device.get("profile", ""), device.get("unit")
    if "within_s" in device and device.get("role") != "voice":
        told = f'device "{name}": within_s is for a voice caller, and {declared.name} is none (role "{device["role"]}")'
        made.append(Finding((*path, "within_s"), told, at_key=True))
    if isinstance(profile, str) and profile and profile not in declared.profiles:
        there = ", ".join(f'"{known}"' for known in declared.profiles) or "none"
        made.append(
            Finding(
                (*path, "profile"), f'device "{name}": {declared.name} has no profile "{profile}"; there is {there}'
            )
        )
    address = declared.address
    if type(unit) is int and address is not None and not address.low <= unit <= address.high:
        told = f'device "{name}": a unit of {declared.name} is {address.low}..{address.high}, not {unit}'
        made.append(Finding((*path, "unit"), told))
    if type(unit) is int and address is None:
        made.append(
            Finding(
                (*path, "unit"), f'device "{name}": {declared.name} has no addresses, so it has no unit', at_key=True
            )
        )
    return made
