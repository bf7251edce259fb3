"""What a device of a protocol is asked before the first case, and whether what it says has that protocol's form.

A device that answers, but wrongly, is there: its check, its sequence, its end character are what the cases are for. So
what came is not asked to be right, only to be told from noise and from two devices that speak at once: a reply has the
form of its protocol, or differs from the right one in a few characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from bench.compliance.alpha_bench import AlphaBench
from bench.compliance.case import frames_text
from bench.compliance.declared_bench import DeclaredBench
from bench.compliance.escpos_bench import EOT, EscposBench, confirm, split
from bench.compliance.modbus_bench import ModbusBench, crc_from_zero, words
from bench.compliance.osdp_bench import OsdpBench, packets
from bench.compliance.steps import Heard, Operator, Step, Wait
from firmware_sim.device import MS
from firmware_sim.devices.declared_device import DeclaredDevice
from protocol import osdp
from protocol.alpha import write
from protocol.escpos.status import Confirmed, Plain, RealTime
from protocol.modbus.rtu import is_sound, reply_length, seal
from protocol.osdp import Answer, Command, Packet

__all__ = ["GREETINGS", "Greeting", "modbus_form", "repeated"]

Talk: TypeAlias = Generator[Step, Heard, Heard]


class Greeting(NamedTuple):
    """One thing a device is asked.

    Args:
        talk: asks it.
        known: takes what came, and tells whether all that came so far has the protocol's form.
    """

    talk: Callable[[], Talk]
    known: Callable[[Heard], bool]


def _any(fits: Callable[[Heard], bool]) -> Callable[[Heard], bool]:
    """One that fits is enough."""
    seen: list[bool] = []

    def known(heard: Heard) -> bool:
        seen.append(fits(heard))
        return any(seen)

    return known


_REPLIES: Final = {
    Command.POLL: frozenset({Answer.ACK, Answer.KEYPAD, Answer.LSTATR, Answer.NAK, Answer.BUSY}),
    Command.ID: frozenset({Answer.PDID, Answer.NAK, Answer.BUSY}),
}


def _osdp(b: OsdpBench) -> Iterator[Greeting]:
    """Polls, whose reply is the same from every device, and questions for the identity, which differs.

    Where polls are answered soundly and identities are not, with no kind of check, two devices answer at one instant.
    """
    formed: list[bool] = []
    sound: dict[Command, list[bool]] = {Command.POLL: [], Command.ID: []}

    def known(code: Command, heard: Heard) -> bool:
        formed.append(_is_packet(heard.data, code))
        sound[code].append(any(isinstance(item, Packet) for item in packets(heard.data)))
        clash = any(sound[Command.POLL]) and bool(sound[Command.ID]) and not any(sound[Command.ID])
        return any(formed) and not clash

    for crc in b.checks():
        for code in _REPLIES:
            yield Greeting(partial(_first, b, code, crc), partial(known, code))


def _first(b: OsdpBench, code: int, crc: bool) -> Talk:
    b.next = 0
    heard = yield from b.raw(b.packet(code, crc=crc).wire(), "is it there?")
    return heard


def _is_packet(data: bytes, code: Command) -> bool:
    """SOM, the reply bit, a code that may answer, and a length near that of what came; the rest may be wrong."""
    data = data.lstrip(b"\xff")
    near = len(data) >= 7 and abs(int.from_bytes(data[2:4], "little") - len(data)) <= 4
    return near and data[0] == osdp.SOM and bool(data[1] & osdp.REPLY) and data[5] in _REPLIES[code]


_RESPONSE: Final = re.compile(rb"\x00*\x01[!-~][0-9A-F?]{2}\x02[ -~][^\x01\x04]*\x04", re.DOTALL)


def _alpha(b: AlphaBench) -> Iterator[Greeting]:
    known = _any(_is_response)
    for check in (False, True):
        packet = b.packet(write.read_text("A"), check=check)
        yield Greeting(partial(b.talk, (0, packet), note="is it there?"), known)


def _is_response(heard: Heard) -> bool:
    """One whole packet from SOH to EOT, of whatever type, address and command."""
    return _RESPONSE.fullmatch(heard.data) is not None


def _escpos(b: EscposBench) -> Iterator[Greeting]:
    kinds: list[tuple[bytes, type[Any]]] = [(b.query(), Plain)]
    if b.declaration.allows("real_time"):
        kinds = [(EOT + b"\x01", RealTime), (EOT + b"\x02", RealTime), *kinds]
    if b.declaration.allows("process_id"):
        kinds.append((confirm(b.nonce()), Confirmed))
    fits: set[type[Any]] = set()
    wanted = len({kind for _, kind in kinds})

    def known(kind: type[Any], heard: Heard) -> bool:
        reply = split(heard)
        if len(reply.asked) == 1 and isinstance(reply.asked[0], kind) and not reply.rest:
            fits.add(kind)
        return len(fits) >= wanted  # one character fits a pattern by chance, or always when it is constant

    for data, kind in kinds:
        yield Greeting(partial(b.talk, (0, data), note="is it there?"), partial(known, kind))


def _declared(b: DeclaredBench) -> Iterator[Greeting]:
    if not b.asks:
        key = b.rng.randint(1, min(4, int(b.declaration.capabilities.get("keys", 4))))
        device = DeclaredDevice("oracle", b.codec, unit=b.unit)
        right = b"".join(effect.data for effect in device.press(0, key) if hasattr(effect, "data"))
        yield Greeting(partial(_pressed, b, key), partial(_like, b, right))
        return
    seen: list[bool] = []

    def known(right: bytes, heard: Heard) -> bool:
        seen.append(_like(b, right, heard))
        return any(seen)

    for _, frame in sorted(b.questions().items()):
        yield Greeting(partial(b.say, (0, frame), note="is it there?"), partial(known, b.answer_to(frame)))


def _pressed(b: DeclaredBench, key: int) -> Talk:
    yield Operator("press", (key,), f"press key {key} once")
    heard = yield Wait(200 * MS, "what does it tell?")
    yield from b.settle()
    return heard


def _like(b: DeclaredBench, right: bytes, heard: Heard) -> bool:
    """A message of the declaration; or, for what has more than two characters, most of them at their places."""
    if heard.data and "?" not in b.names(heard.data):
        return True
    data = heard.data[: len(right)]
    return len(data) == len(right) > 2 and 2 * sum(map(int.__eq__, data, right)) > len(right)


GREETINGS: Final[Mapping[str, Callable[[Any], Iterator[Greeting]]]] = MappingProxyType(
    {"osdp": _osdp, "alpha": _alpha, "escpos": _escpos, "declared": _declared}
)
"""Protocol -> what its devices are asked. Modbus asks drawn reads of its own (`preflight`)."""


# -- Modbus -----------------------------------------------------------------------------------------------------------
def repeated(data: bytes) -> tuple[bytes, bytes]:
    """A sound Modbus reply at the beginning of what came, and what follows it; empty when it begins with none."""
    size = reply_length(data)
    if size is None or not is_sound(data[:size]):
        return b"", data
    return data[:size], data[size:]


def modbus_form(b: ModbusBench) -> Generator[Step, Heard, str]:
    """How a device with a wrong check says it; "" when it cannot be told from noise.

    A device that takes no right check for one is asked with the two that are got wrong most.
    """
    heard = yield from b.wrong_check()
    if heard is not None:
        return f"its replies are whole, and their check is wrong ({frames_text(heard.frames)})"
    body = bytes((b.unit, 3)) + words(0, 1)
    for wrong, name in (
        (crc_from_zero(body), "begins at 0000"),
        (seal(body)[:-2] + seal(body)[:-3:-1], "is sent high byte first"),
    ):
        heard = yield from b.raw(wrong, f"the check {name}")
        if heard.data[:1] == body[:1] and len(heard.data) >= 5:
            return f"it answers only requests whose check {name}"
    return ""
