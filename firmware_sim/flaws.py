"""What a fault does to a burst: pure functions from the characters a sender starts to what goes on the line instead.

Each function takes a `Cast` (what is about to be sent), its options and a random source, and gives a `Struck`: the
pieces that go on the line, with their silences and damaged characters, and what was hit, for the record. None means
that this burst cannot be hit in that way (too short, no Modbus frame), which is no hit. Nothing here knows a line or a
clock; `firmware_sim.disturbed` carries the pieces out. The faults are those of conformance.md 4.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from firmware_sim.burst import LineSettings
from firmware_sim.device import FRAMING, MS, OVERRUN, PARITY
from protocol.modbus.rtu import is_sound, seal

__all__ = ["FLAWS", "Cast", "Piece", "Random", "Struck", "foreign_exchange", "strike"]


class Random(Protocol):
    """The part of a random source that is used (`random.Random` has it)."""

    def random(self) -> float:
        """A number 0 <= x < 1."""
        ...

    def randrange(self, start: int, stop: int, /) -> int:
        """A whole number start <= n < stop."""
        ...


@dataclass(frozen=True, slots=True)
class Cast:
    """What a sender is about to put on the line.

    Attributes:
        data: its characters.
        start: the present instant, ns.
        settings: the sender's.
        asked: end of the latest burst of the collector's end, ns.
    """

    data: bytes
    start: int
    settings: LineSettings
    asked: int = 0


class Piece(NamedTuple):
    """Characters back to back.

    Args:
        data: the characters, as they are heard.
        after: silence before them, ns.
        flaws: (index, flaw bits) of damaged characters.
        heard: False: the time passes, and nobody hears anything.
        settings: speed at which they are really sent; None for the sender's settings.
    """

    data: bytes
    after: int = 0
    flaws: tuple[tuple[int, int], ...] = ()
    heard: bool = True
    settings: LineSettings | None = None


class Struck(NamedTuple):
    """What becomes of a burst.

    Args:
        pieces: what goes on the line.
        hit: what was changed, as the history tells it.
        told: the same for people.
    """

    pieces: tuple[Piece, ...]
    hit: Mapping[str, Any]
    told: str


Options: TypeAlias = Mapping[str, Any]
Flaw: TypeAlias = Callable[[Cast, Options, Random], Struck | None]


def strike(flaw: Flaw, cast: Cast, pieces: Sequence[Piece] | None, options: Options, rng: Random) -> Struck | None:
    """Let a flaw act on a burst that other faults may have cut into `pieces` already: it hits the first one heard."""
    if pieces is None:
        return flaw(cast, options, rng)
    for at, piece in enumerate(pieces):
        if piece.heard and piece.data:
            struck = flaw(replace(cast, data=piece.data, settings=piece.settings or cast.settings), options, rng)
            if struck is None:
                return None
            first, *others = struck.pieces
            first = first._replace(after=first.after + piece.after, flaws=(*first.flaws, *_kept(piece, first)))
            return struck._replace(pieces=(*pieces[:at], first, *others, *pieces[at + 1 :]))
    return None


def _kept(piece: Piece, now: Piece) -> tuple[tuple[int, int], ...]:
    """Flaws of a piece that stay with it when its beginning is still its beginning."""
    return tuple(flaw for flaw in piece.flaws if flaw[0] < len(now.data))


def _index(cast: Cast, options: Options, rng: Random, length: int | None = None) -> int:
    """The character that is meant: `byte` (negative from the end), or a drawn one."""
    length = len(cast.data) if length is None else length
    byte = options.get("byte")
    return rng.randrange(0, length) if byte is None else byte % length


def _changed(cast: Cast, index: int, value: int, bits: int, told: str, **more: Any) -> Struck:
    data = bytearray(cast.data)
    before, data[index] = data[index], value
    flaws = ((index, bits),) if bits else ()
    return Struck((Piece(bytes(data), 0, flaws),), {"byte": index, "from": before, "to": value, **more}, told)


# -- characters -----------------------------------------------------------------------------------------------------
def bit_flip(cast: Cast, options: Options, rng: Random) -> Struck | None:
    """N01, N02: one bit of one character is wrong. Options: byte, bit (drawn if None)."""
    index = _index(cast, options, rng)
    bit = options.get("bit")
    bit = rng.randrange(0, 8) if bit is None else bit
    return _changed(cast, index, cast.data[index] ^ 1 << bit, 0, f"bit {bit} of character {index} flipped", bit=bit)


def drop_byte(cast: Cast, options: Options, rng: Random) -> Struck | None:
    """N03: one character is not there; the time it takes passes. Option: byte."""
    index = _index(cast, options, rng)
    head, gone, tail = cast.data[:index], cast.data[index : index + 1], cast.data[index + 1 :]
    pieces = [Piece(head)] if head else []
    pieces.append(Piece(gone, heard=False))
    if tail:
        pieces.append(Piece(tail))
    return Struck(tuple(pieces), {"byte": index, "from": gone[0]}, f"character {index} is missing")


def duplicate_byte(cast: Cast, options: Options, rng: Random) -> Struck | None:
    """N04: one character comes twice. Option: byte."""
    index = _index(cast, options, rng)
    data = cast.data[: index + 1] + cast.data[index:]
    return Struck((Piece(data),), {"byte": index, "value": cast.data[index]}, f"character {index} comes twice")


def spurious_byte(cast: Cast, options: Options, rng: Random) -> Struck | None:
    """N05: a driver-enable glitch, one character too many. Options: side (before, after), value (00 or FF if None)."""
    value = options.get("value")
    value = (0x00, 0xFF)[rng.randrange(0, 2)] if value is None else value
    before = options["side"] == "before"
    glitch = bytes([value])
    data = glitch + cast.data if before else cast.data + glitch
    index = 0 if before else len(cast.data)
    return Struck((Piece(data),), {"byte": index, "value": value}, f"a character {value:02X} {options['side']} it")


def truncate(cast: Cast, options: Options, _rng: Random) -> Struck | None:
    """N06: only the first `keep` characters come (None: half of them), then silence."""
    keep = options.get("keep")
    keep = len(cast.data) // 2 if keep is None else keep
    if keep >= len(cast.data):
        return None
    lost = len(cast.data) - keep
    pieces = (Piece(cast.data[:keep]), Piece(cast.data[keep:], heard=False))
    return Struck(pieces if keep else pieces[1:], {"keep": keep, "lost": lost}, f"its last {lost} characters lost")


def garble(cast: Cast, options: Options, rng: Random) -> Struck | None:
    """X02: so many `characters`, drawn, are wrong."""
    order = list(range(len(cast.data)))
    for i in range(len(order) - 1, 0, -1):
        j = rng.randrange(0, i + 1)
        order[i], order[j] = order[j], order[i]
    struck = sorted(order[: options["characters"]])
    data = bytearray(cast.data)
    for index in struck:
        data[index] ^= rng.randrange(1, 256)
    return Struck((Piece(bytes(data)),), {"bytes": struck}, f"characters {', '.join(map(str, struck))} garbled")


def lose(cast: Cast, _options: Options, _rng: Random) -> Struck | None:
    """N15: nobody hears any of it; the line is busy all the same."""
    return Struck((Piece(cast.data, heard=False),), {"lost": len(cast.data)}, "lost whole")


def parity_error(cast: Cast, options: Options, rng: Random) -> Struck | None:
    """N19: one bit wrong, and the parity bit tells it where the line has one. Option: byte."""
    index = _index(cast, options, rng)
    bit = rng.randrange(0, cast.settings.data_bits)
    flaw = PARITY if cast.settings.parity != "N" else 0
    told = f"bit {bit} of character {index} wrong, {'parity error' if flaw else 'no parity to tell it'}"
    return _changed(cast, index, cast.data[index] ^ 1 << bit, flaw, told, bit=bit, flaw="parity" if flaw else "")


def framing_error(cast: Cast, options: Options, rng: Random) -> Struck | None:
    """N20: `what` = framing: a stop bit at the wrong level; = overrun: a character lost. Option: byte."""
    if options["what"] == "framing":
        index = _index(cast, options, rng)
        value = cast.data[index] & rng.randrange(0, 255)
        return _changed(cast, index, value, FRAMING, f"framing error in character {index}", flaw="framing")
    if len(cast.data) < 2:
        return None
    index = _index(cast, options, rng, len(cast.data) - 1)
    data = cast.data[:index] + cast.data[index + 1 :]
    hit = {"byte": index, "from": cast.data[index], "flaw": "overrun"}
    return Struck((Piece(data, 0, ((index, OVERRUN),)),), hit, f"character {index} lost by overrun")


def emi_burst(cast: Cast, options: Options, rng: Random) -> Struck | None:
    """N21: a Gilbert-Elliott channel.

    Bad stretches begin with probability `start` and end with `stop` at each character; in one, each bit is wrong with
    probability `ber`.
    """
    data = bytearray(cast.data)
    struck: dict[int, int] = {}
    bad = True  # the interference has begun
    for index in range(len(data)):
        if bad:
            wrong = sum(1 << bit for bit in range(8) if rng.random() < options["ber"])
            if wrong:
                data[index] ^= wrong
                struck[index] = FRAMING if rng.random() < 0.1 else 0
        bad = rng.random() >= options["stop"] if bad else rng.random() < options["start"]
    if not struck:
        return None
    flaws = tuple((index, bits) for index, bits in struck.items() if bits)
    return Struck((Piece(bytes(data), 0, flaws),), {"bytes": list(struck)}, f"{len(struck)} characters disturbed")


# -- frames -----------------------------------------------------------------------------------------------------------
_GENERATOR: Final = (0, 1, 14, 16)
"""Terms of x^16 + x^15 + x^2 + 1 from the highest, as distances in bits: what can be added to a frame anywhere without
its CRC-16 telling (MODBUS over Serial Line V1.02, 6.2.2 [K]: characters go least significant bit first)."""


def crc_collision(cast: Cast, options: Options, rng: Random) -> Struck | None:
    """N07: four bits in a stretch of 17 are wrong so that the CRC still fits. Option: bit (position; drawn if None).

    Unit and function stay as they are, so that the reply is taken for what it is not.
    """
    first, last = 16, 8 * len(cast.data) - 17
    if last < first or not is_sound(cast.data):
        return None
    bit = options.get("bit")
    at = rng.randrange(first, last + 1) if bit is None else bit
    if not first <= at <= last:
        return None
    data = bytearray(cast.data)
    bits = [at + term for term in _GENERATOR]
    for position in bits:
        data[position // 8] ^= 1 << position % 8
    return Struck((Piece(bytes(data)),), {"bits": bits}, f"bits {', '.join(map(str, bits))} flipped; the CRC fits")


def hole(cast: Cast, options: Options, rng: Random) -> Struck | None:
    """N08: a silence of `ms` before one character (not the first) inside it. Options: byte, ms."""
    if len(cast.data) < 2:
        return None
    byte = options.get("byte")
    index = rng.randrange(1, len(cast.data)) if byte is None else 1 + (byte - 1) % (len(cast.data) - 1)
    pause = round(options["ms"] * MS)
    pieces = (Piece(cast.data[:index]), Piece(cast.data[index:], pause))
    return Struck(pieces, {"byte": index, "ns": pause}, f"a hole of {options['ms']:g} ms before character {index}")


def glue(cast: Cast, options: Options, _rng: Random) -> Struck | None:
    """N09: other characters follow without a gap. Option: data (hex; the same frame again if None)."""
    data = options.get("data")
    more = cast.data if data is None else bytes.fromhex(data)
    hit = {"at": len(cast.data), "hex": more.hex()}
    return Struck((Piece(cast.data + more),), hit, f"{len(more)} characters glued to it")


def chunking(cast: Cast, options: Options, _rng: Random) -> Struck | None:
    """N10: a USB adapter hands over `packet` characters at a time, at instants of a grid of `ms`."""
    packet, grid = options["packet"], round(options["ms"] * MS)
    pieces: list[Piece] = []
    free = cast.start
    for lo in range(0, len(cast.data), packet):
        part = cast.data[lo : lo + packet]
        length = cast.settings.duration(len(part))
        there = cast.start + cast.settings.duration(lo + len(part))  # when the adapter has it
        given = max(-(-there // grid) * grid, free + length)  # when the host has it
        pieces.append(Piece(part, given - length - free))
        free = given
    hit = {"packets": len(pieces), "late": free - cast.start - cast.settings.duration(len(cast.data))}
    return Struck(tuple(pieces), hit, f"handed over in {len(pieces)} packets on a grid of {options['ms']:g} ms")


def _sealed(cast: Cast, body: bytearray, hit: Mapping[str, Any], told: str) -> Struck:
    return Struck((Piece(seal(bytes(body))),), hit, told)


def wrong_unit(cast: Cast, options: Options, rng: Random) -> Struck | None:
    """N11: another unit's number, with a CRC that fits. Option: to (drawn if None)."""
    if not is_sound(cast.data):
        return None
    body = bytearray(cast.data[:-2])
    to = options.get("to")
    before = body[0]
    body[0] = 1 + (before + rng.randrange(0, 246)) % 247 if to is None else to
    return _sealed(cast, body, {"from": before, "to": body[0]}, f"unit {before} became {body[0]}, CRC right")


def wrong_function(cast: Cast, options: Options, _rng: Random) -> Struck | None:
    """N12: another function, or a wrong byte count, with a CRC that fits. Option: field (function, count)."""
    if not is_sound(cast.data):
        return None
    at = 1 if options["field"] == "function" else 2
    body = bytearray(cast.data[:-2])
    if at >= len(body):
        return None
    before = body[at]
    body[at] = before ^ 0x07 if at == 1 else (before + 2) & 0xFF
    hit = {"byte": at, "from": before, "to": body[at]}
    return _sealed(cast, body, hit, f"{options['field']} {before:02X} became {body[at]:02X}, CRC right")


# -- time -------------------------------------------------------------------------------------------------------------
def slow(cast: Cast, options: Options, _rng: Random) -> Struck | None:
    """N32: the reply comes `ms` later (and `step_ms` later with every further hit, up to `most_ms`)."""
    wanted = options["ms"] + options["step_ms"] * options.get("hits", 0)
    delay = min(wanted, options["most_ms"]) if options["step_ms"] else wanted
    ns = round(delay * MS)
    return Struck((Piece(cast.data, ns),), {"ns": ns}, f"{delay:g} ms late")


def edge(cast: Cast, options: Options, _rng: Random) -> Struck | None:
    """N14: the last character is complete `timeout_ms` + `offset_ms` after the end of the request."""
    end = cast.asked + round((options["timeout_ms"] + options["offset_ms"]) * MS)
    delay = end - cast.settings.duration(len(cast.data)) - cast.start
    if delay < 0:
        return None
    told = f"complete {options['timeout_ms']:g}{options['offset_ms']:+g} ms after the request"
    return Struck((Piece(cast.data, delay),), {"ns": delay, "end": end}, told)


def baud_drift(cast: Cast, options: Options, _rng: Random) -> Struck | None:
    """N18: the sender's clock is off by `ppm`; bits are read at the wrong places."""
    baud = max(1, round(cast.settings.baud * (1 + options["ppm"] / 1e6)))
    settings = replace(cast.settings, baud=baud)
    return Struck((Piece(cast.data, settings=settings),), {"baud": baud}, f"sent at {baud} bit/s")


FLAWS: Final[Mapping[str, Flaw]] = {
    "bit_flip": bit_flip,
    "drop_byte": drop_byte,
    "duplicate_byte": duplicate_byte,
    "spurious_byte": spurious_byte,
    "truncate": truncate,
    "crc_collision": crc_collision,
    "hole": hole,
    "glue": glue,
    "chunking": chunking,
    "wrong_unit": wrong_unit,
    "wrong_function": wrong_function,
    "edge": edge,
    "lose": lose,
    "baud_drift": baud_drift,
    "parity_error": parity_error,
    "framing_error": framing_error,
    "emi_burst": emi_burst,
    "slow": slow,
    "garble": garble,
}
"""Name -> what it does to a burst."""


def foreign_exchange(rng: Random, unit: int) -> tuple[bytes, bytes]:
    """A request and a reply of somebody who does not belong here (N25), both sound Modbus frames."""
    register, value = rng.randrange(0, 64), rng.randrange(0, 0x10000)
    ask = seal(bytes((unit, 0x03, 0x00, register, 0x00, 0x01)))
    return ask, seal(bytes((unit, 0x03, 0x02)) + value.to_bytes(2, "big"))
