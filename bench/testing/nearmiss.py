"""What came nearest to going right, for a test that failed: found in the latest traffic and the fate of the presses.

Each rule looks at one way in which collectors go wrong and says what it saw in a sentence; the most telling sentences
come first. Nothing here decides a verdict: that is the judge's, from the whole history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from bench.daytime import clock_text
from bench.testing.decode import Decoder
from bench.testing.expect import fields_of
from bench.testing.traffic import Exchange, Frame, Press, Tape, exchanges
from protocol.modbus.pdu import FC, NAMES, ExceptionCode
from protocol.modbus.rtu import BROADCAST, is_sound, seal

__all__ = ["MOST", "near_misses"]

MOST: Final = 3
"""Sentences that are told."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the rules look at.

    Attributes:
        tape: frames, notes and presses.
        decoder: who is who.
        mine: exchanges of the program under test, oldest first.
        lines: device -> its line.
        units: device -> its unit.
    """

    tape: Tape
    decoder: Decoder
    mine: list[Exchange]
    lines: dict[str, str]
    units: dict[str, int]

    def about(self, press: Press) -> list[Exchange]:
        """The program's exchanges with the device of a press, since the press."""
        return [
            exchange
            for exchange in self.mine
            if exchange.request.at >= press.at - 1
            and exchange.request.line == self.lines.get(press.device)
            and exchange.request.data[:1] == bytes([self.units.get(press.device, 0)])
        ]


def near_misses(tape: Tape, decoder: Decoder, *, program_lines: frozenset[str]) -> list[str]:
    """What came nearest, at most `MOST` sentences, the most telling first.

    Args:
        tape: what was seen.
        decoder: names of units and registers.
        program_lines: lines that the program under test is to run.
    """
    mine = [exchange for exchange in exchanges(tape.frames()) if exchange.request.from_program]
    lines = {station.name: line for line, units in decoder.units.items() for station in units.values()}
    units = {station.name: unit for stations in decoder.units.values() for unit, station in stations.items()}
    scene = _Scene(tape, decoder, mine, {n: line for n, line in lines.items() if line in program_lines}, units)
    told: list[str] = []
    presses: set[str] = set()
    for rule in RULES:
        for sentence in rule(scene):
            about = sentence.partition("), ")[0] if "(epoch " in sentence else ""
            if about not in presses and sentence not in told:  # one sentence for each press
                told.append(sentence)
                presses.update([about] if about else [])
            if len(told) == MOST:
                return told
    return told


def _at(at: int) -> str:
    return clock_text(at, millis=True)


def _who(press: Press) -> str:
    return f"{press.device}: key {press.value}, pressed at {_at(press.at)} (epoch {press.epoch}, seq {press.seq}),"


def _mark(press: Press) -> bytes:
    return press.epoch.to_bytes(2, "big") + press.seq.to_bytes(2, "big")


def _offers(reply: Frame | None, press: Press) -> bool:
    return reply is not None and len(reply.data) > 8 and _mark(press) in reply.data


def _is_ack(exchange: Exchange) -> bool:
    fields = fields_of(exchange.request)
    return fields.get("function") == FC.WRITE_REGISTERS and fields.get("address") == 0


def _overflowed(scene: _Scene) -> Iterator[str]:
    for press in scene.tape.presses:
        if press.dropped is not None and press.device in scene.lines:
            yield f"{_who(press)} was dropped by the keypad's full queue at {_at(press.dropped)}: read it more often"


def _wrong_ack(scene: _Scene) -> Iterator[str]:
    """An acknowledgement that names no waiting event, or was refused or damaged."""
    for press in scene.tape.waiting():
        for exchange in reversed(scene.about(press)):
            if not _is_ack(exchange):
                continue
            named = fields_of(exchange.request).get("values") or ()
            if exchange.reply is not None and is_sound(exchange.reply.data) and exchange.reply.data[1] & 0x80:
                yield (
                    f"{_who(press)} waits: the acknowledgement at {_at(exchange.request.at)} named "
                    f"(epoch, seq) {named}, and was refused"
                )
            elif named and tuple(named) != (press.epoch, press.seq):
                yield f"{_who(press)} waits: the acknowledgement at {_at(exchange.request.at)} named {named}"
            break


def _read_not_acknowledged(scene: _Scene) -> Iterator[str]:
    for press in scene.tape.waiting():
        offered = [exchange for exchange in scene.about(press) if _offers(exchange.reply, press)]
        intact = [
            exchange
            for exchange in offered
            if exchange.reply and is_sound(exchange.reply.data) and not exchange.reply.flaws
        ]
        if intact and intact[-1].reply is not None:
            yield (
                f"{_who(press)} was read at {_at(intact[-1].reply.at)}"
                f"{f' and {len(intact) - 1} times before' if len(intact) > 1 else ''}, "
                "the reply was intact, and it was not acknowledged"
            )
        elif offered and offered[-1].reply is not None:
            yield f"{_who(press)} was in the reply at {_at(offered[-1].reply.at)}, which was damaged on its way"


def _not_read(scene: _Scene) -> Iterator[str]:
    for press in scene.tape.waiting():
        if press.device not in scene.lines:
            continue
        since = scene.about(press)
        if not since:
            before = [
                exchange.request
                for exchange in scene.mine
                if exchange.request.line == scene.lines[press.device]
                and exchange.request.data[:1] == bytes([scene.units[press.device]])
            ]
            when = f"; it was last asked at {_at(before[-1].at)}" if before else ", nor ever before"
            yield f"{_who(press)} was not read: the keypad has not been asked since{when}"
        elif not any(_offers(exchange.reply, press) for exchange in since):
            answered = sum(exchange.reply is not None for exchange in since)
            yield (
                f"{_who(press)} was not read: the keypad was asked {len(since)} times since and answered {answered} "
                "times, but nobody read its events"
            )


def _ignored(scene: _Scene) -> Iterator[str]:
    """Keys that were pressed and did not count."""
    reasons = {
        "bounce": "its contact had been up for less than 30 ms",
        "held": "it was still held down",
        "two keys": "another key went down less than 50 ms before",
        "no window": "no rating window was open",
    }
    for told in reversed(scene.tape.notes):
        if told.kind == "ignored":
            why = str(told.facts.get("why"))
            yield (
                f"{told.device}: key {told.facts.get('key')} at {_at(told.at)} did not count: {reasons.get(why, why)}"
            )


def _bad_crc(scene: _Scene) -> Iterator[str]:
    for exchange in reversed(scene.mine):
        frame = exchange.request
        if (
            scene.decoder.protocols.get(frame.line) == "modbus_rtu"
            and len(frame.data) >= 4
            and not is_sound(frame.data)
        ):
            good = seal(frame.data[:-2])[-2:].hex(" ").upper()
            yield (
                f"line {frame.line}: the request at {_at(frame.at)} [{frame.data.hex(' ').upper()}] has a bad CRC, "
                f"so no device answers; of these characters it is {good}"
            )


def _refused(scene: _Scene) -> Iterator[str]:
    for exchange in reversed(scene.mine):
        reply = exchange.reply
        if reply is not None and len(reply.data) == 5 and reply.data[1] & 0x80 and is_sound(reply.data):
            code = reply.data[2]
            words = ExceptionCode(code).name.lower().replace("_", " ") if code in set(ExceptionCode) else "?"
            yield (
                f"{scene.decoder.station(reply.line, reply.data[0]).name} refused at {_at(reply.at)} "
                f"(exception {code:02X}, {words}): {scene.decoder.meaning(exchange.request)}"
            )


def _nobody_there(scene: _Scene) -> Iterator[str]:
    for exchange in reversed(scene.mine):
        frame = exchange.request
        units = scene.decoder.units.get(frame.line)
        if units is None or exchange.reply is not None or not is_sound(frame.data):
            continue
        unit = frame.data[0]
        if unit == BROADCAST or unit in units:
            continue
        elsewhere = [name for name, others in scene.decoder.units.items() if unit in others and name != frame.line]
        there = f"; unit {unit} is on line {elsewhere[0]}" if elsewhere else ""
        yield (
            f"line {frame.line}: unit {unit} was asked at {_at(frame.at)} ({NAMES.get(frame.data[1], '?')}) and there "
            f"is none: the units are {', '.join(map(str, sorted(units)))}{there}"
        )


def _silent(scene: _Scene) -> Iterator[str]:
    """A device that exists and did not answer, last time it was asked."""
    off = {told.device: told.facts.get("on") for told in scene.tape.notes if told.kind == "power"}
    last: dict[tuple[str, int], Exchange] = {}
    for exchange in scene.mine:
        if is_sound(exchange.request.data):
            last[exchange.request.line, exchange.request.data[0]] = exchange
    for (line, unit), exchange in last.items():
        station = scene.decoder.units.get(line, {}).get(unit)
        if station is None or exchange.reply is not None:
            continue
        why = " (it is unplugged)" if off.get(station.name) is False else ""
        asked = scene.decoder.meaning(exchange.request)
        yield f"{station.name} did not answer at {_at(exchange.request.at)}{why}: {asked}"


RULES: Final[tuple[Callable[[_Scene], Iterator[str]], ...]] = (
    _overflowed,
    _wrong_ack,
    _read_not_acknowledged,
    _bad_crc,
    _refused,
    _nobody_there,
    _not_read,
    _silent,
    _ignored,
)
"""The rules, the most telling first."""
