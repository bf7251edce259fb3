"""What is said on a line, in words: the one table that the wire log, captures, reports and `hallbench decode` read.

A line's `Speech` is made from rows as `bench.run.rig.inventory` lists them, which the header of a history holds too:
who has which unit, what it speaks, and, for what a declaration describes, its codec. `words` then reads a frame. A line
may be spoken on in several protocols; a frame is told in the one that it fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from bench.run.frame_words import Told, alpha_words, declared_words, escpos_words, modbus_words, osdp_words
from bench.run.registers import map_of
from bench.scenario.declared import available, codec_of, is_path, parse
from bench.scenario.model import Scenario
from bench.scenario.problems import ScenarioError
from protocol.declared.codec import Codec
from protocol.modbus.maps import RegisterMap
from protocol.modbus.rtu import BROADCAST

__all__ = ["DIRECT", "Heard", "Speech", "Station", "declarations", "raw_words", "speeches", "speeches_of", "words"]

DECLARED_AS: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {("ff68", "rating_keypad"): "ff68_evaluator", ("ff68", "clerk_console"): "ff68_console"}
)
"""(protocol, kind) -> its declaration in the catalogue, where the scenario has another name for it."""


class Station(NamedTuple):
    """What a unit number means on one line.

    Args:
        name: of the device, "unit N" for an address that no device has.
        registers: its map, if it has one.
    """

    name: str
    registers: RegisterMap | None = None


class Heard(NamedTuple):
    """A frame, as far as its words depend on it.

    Args:
        by: who sent it.
        data: its characters.
        inbound: towards the collector.
        request: what it answers, when that is known.
    """

    by: str
    data: bytes
    inbound: bool
    request: bytes | None = None


class Speech(NamedTuple):
    """What is spoken on one line.

    Args:
        protocols: in the order of the devices, each once.
        units: unit number -> who has it.
        codecs: (device, its codec) of the devices that a declaration describes.
        printer: profile of the ticket printer, if one stands there.
    """

    protocols: tuple[str, ...] = ()
    units: Mapping[int, Station] = MappingProxyType({})
    codecs: tuple[tuple[str, Codec], ...] = ()
    printer: str = ""

    def station(self, unit: int) -> Station:
        """Who has a unit number; a station without registers when nobody has, the common map for a broadcast."""
        if unit == BROADCAST:
            maps = {id(one.registers): one.registers for one in self.units.values()}
            return Station("everybody", next(iter(maps.values())) if len(maps) == 1 else None)
        return self.units.get(unit) or Station(f"unit {unit}")


def speeches(
    rows: Iterable[Mapping[str, Any]], codec: Callable[[str], Codec | None], own: Mapping[str, Any] | None = None
) -> dict[str, Speech]:
    """What is spoken on each line.

    Args:
        rows: of the devices: name, kind, protocol, line, unit; hostile when they come from a file.
        codec: the codec of a declared protocol by its name, None when its declaration is not here.
        own: name -> the device itself, whose registers and codec come first; None for a hall that does not run.
    """
    protocols: dict[str, dict[str, None]] = {}
    units: dict[str, dict[int, Station]] = {}
    codecs: dict[str, list[tuple[str, Codec]]] = {}
    printers: dict[str, str] = {}
    for row in rows:
        line, protocol, kind = (str(row.get(key)) for key in ("line", "protocol", "kind"))
        thing = own.get(str(row.get("name"))) if own else None
        spoken = protocols.setdefault(line, {})
        spoken[protocol] = None
        if protocol == "escpos":
            printers[line] = str(row.get("profile", ""))
        if protocol not in DIRECT:
            known = getattr(thing, "codec", None)
            found = known if isinstance(known, Codec) else codec(DECLARED_AS.get((protocol, kind), protocol))
            if found is not None:
                codecs.setdefault(line, []).append((str(row.get("name")), found))
        if isinstance(row.get("unit"), int):
            registers = getattr(thing, "registers", None)
            known_map = registers if isinstance(registers, RegisterMap) else map_of(row)
            units.setdefault(line, {})[row["unit"]] = Station(str(row.get("name")), known_map)
            if known_map is not None:
                spoken["modbus_rtu"] = None  # an LED-485 hears its ASCII protocol and Modbus
    return {
        line: Speech(tuple(spoken), units.get(line, {}), tuple(codecs.get(line, ())), printers.get(line, ""))
        for line, spoken in protocols.items()
    }


def declarations(scenario: Scenario) -> dict[str, str]:
    """The declarations of a scenario that are files beside it, as `run.json` keeps them: name -> text."""
    names = {str(getattr(spec, "protocol", "")) for _, spec in scenario.placed}
    return {name: scenario.codec(name).text for name in sorted(names) if is_path(name)}


def speeches_of(header: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Speech]:
    """What is spoken on each line of a run, from its evidence alone.

    Args:
        header: of its history.
        run: its `run.json`; both are hostile.
    """
    kept = run.get("declarations")
    texts = kept if isinstance(kept, Mapping) else {}
    shipped = frozenset(available())

    def codec(name: str) -> Codec | None:
        with suppress(ScenarioError, ValueError, LookupError, TypeError, RecursionError):
            if isinstance(texts.get(name), str):
                return Codec(parse(texts[name].encode(), name))
            if name in shipped:
                return codec_of(name)
        return None

    rows = header.get("devices")
    known: dict[str, Codec | None] = {}

    def once(name: str) -> Codec | None:
        if name not in known:
            known[name] = codec(name)
        return known[name]

    return speeches((row for row in rows if isinstance(row, Mapping)) if isinstance(rows, list) else (), once)


def words(speech: Speech, heard: Heard) -> str:
    """What a frame says, in one line; "" when nothing of it can be told.

    Args:
        speech: of its line.
        heard: the frame.
    """
    if not heard.data:
        return "nothing of it was heard"
    best = Told("", sound=False)
    for protocol in speech.protocols:
        told = DIRECT.get(protocol, _declared)(speech, heard)
        if told.sound:
            return told.words
        if told.words and not best.words:
            best = told
    return best.words


def raw_words(heard: Heard) -> str:
    """A frame that says nothing known: its characters."""
    text = "".join(chr(char) if 0x20 <= char < 0x7F else "." for char in heard.data)
    return f"{heard.by}: {text}"


# -- a reader for each protocol ----------------------------------------------------------------------------------------


def _modbus(speech: Speech, heard: Heard) -> Told:
    unit = heard.data[0]
    station = speech.station(unit)
    return modbus_words(station.name, station.registers, heard.data, inbound=heard.inbound, request=heard.request)


def _escpos(speech: Speech, heard: Heard) -> Told:
    told = escpos_words(heard.data, inbound=heard.inbound, profile=speech.printer)
    return told._replace(words=f"{heard.by}: {told.words}") if heard.inbound and told.words else told


def _osdp(speech: Speech, heard: Heard) -> Told:
    return osdp_words(heard.data, lambda unit: speech.station(unit).name)


def _alpha(_speech: Speech, heard: Heard) -> Told:
    return _by(heard, alpha_words(heard.data))


def _declared(speech: Speech, heard: Heard) -> Told:
    """The sender's own declaration first; of a request that of whoever it is a message for, or what it repeats."""
    mine = [codec for name, codec in speech.codecs if name == heard.by]
    best = Told("", sound=False)
    codecs = list(dict.fromkeys((*mine, *(codec for _, codec in speech.codecs))))
    mouths = ("device", "host") if heard.inbound else ("host", "device")
    for source in mouths:
        for codec in codecs:
            told = declared_words(codec, source, heard.data)
            if told.sound:
                return _by(heard, told if source == mouths[0] else told._replace(words=f"repeats {told.words}"))
            if told.words and not best.words:
                best = told
    return _by(heard, best)


def _by(heard: Heard, told: Told) -> Told:
    return told._replace(words=f"{heard.by}: {told.words}") if told.words else told


DIRECT: Final[Mapping[str, Callable[[Speech, Heard], Told]]] = MappingProxyType(
    {"modbus_rtu": _modbus, "escpos": _escpos, "osdp": _osdp, "alpha": _alpha}
)
"""Protocol -> its reader; every other protocol is a declaration's."""
