"""Null devices, which nothing may pass, and legal variants, which nothing may fail (conformance.md 3.5 and 3.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, Final, TypeAlias

from bench.clock.clockwork import Clockwork
from bench.compliance.mutants.base import UNIT, Build, Hand, Station, Subject, on_station
from bench.compliance.reference import ReferenceSlave
from bench.compliance.virtual import View
from firmware_sim.device import MS, Effect, Flaws, Send, Watch
from firmware_sim.devices.rating_keypad import RatingKeypad
from firmware_sim.line import Line
from firmware_sim.modbus_line import ModbusLine
from firmware_sim.modbus_slave import Table
from protocol.modbus.pdu import FC
from protocol.modbus.rtu import seal

__all__ = ["NULL_DEVICES", "VARIANTS", "Parrot", "Rule", "parrot", "random_rule"]

Rule: TypeAlias = Callable[[int, bytes], bytes]
"""(how many bursts it heard before, what it heard) -> what it says."""


class Parrot:
    """Answers every burst by a rule of its own.

    Args:
        rule: what it says.
    """

    name = "null"
    watch: Watch | None = None

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._count = 0

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        """Say what the rule says, 6 ms later."""
        said = self._rule(self._count, data)
        self._count += 1
        return (Send(said, 6 * MS),) if said else ()

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        """It has no alarms."""
        return ()


def parrot(rule: Rule, hands: Sequence[str] = ("press",)) -> Build:
    """A build of something that answers every burst by a rule; whatever a person is asked to do is done.

    Args:
        rule: as of `Parrot`.
        hands: names of what a person may be asked to do.
    """

    def build(line: Line, clockwork: Clockwork) -> Mapping[str, Hand]:
        line.attach(Parrot(rule))
        return {name: lambda *args: None for name in hands}

    return build


def _nobody(line: Line, clockwork: Clockwork) -> Mapping[str, Hand]:
    return {}


def random_rule(seed: int) -> Rule:
    """The rule of something that says 1 to 20 drawn characters to whatever it hears."""
    rng = Random(seed)
    return lambda count, data: rng.randbytes(rng.randint(1, 20))


_GOLDEN: Final = tuple(
    seal(bytes((UNIT,)) + pdu)
    for pdu in (
        b"\x06\x00\x10\x1b\xe0",
        b"\x03\x02\x1b\xe0",
        b"\x03\x04\x12\x34\x00\x05",
        b"\x83\x02",
        b"\xc2\x01",
        b"\x05\x00\x03\xff\x00",
    )
)
"""Replies of a reference device, recorded once."""


def _dies(count: int) -> type[Station]:
    class Dies(Station):
        heard = 0

        def cut(self, frame: bytes) -> bytes:
            self.heard += 1
            return b"" if self.heard > count else frame

    return Dies


def _twins(line: Line, clockwork: Clockwork) -> Mapping[str, Hand]:
    hands = on_station(slave=lambda: RatingKeypad("one"))(line, clockwork)
    second = ModbusLine("others", line.settings, turnaround=7 * MS)
    line.attach(second)
    slave = ReferenceSlave()
    slave.tables[Table.HOLDING][:] = range(128)
    second.attach(slave, UNIT)
    return hands


def _babbled(line: Line, clockwork: Clockwork) -> Mapping[str, Hand]:
    hands = on_station()(line, clockwork)
    master = Parrot(lambda count, data: b"")
    line.attach(master)
    request = seal(bytes((3, 3, 0, 0, 0, 2)))

    def again() -> None:
        line.apply(master, [Send(request)])
        clockwork.call_at(clockwork.now + 25 * MS, again)

    clockwork.call_at(5 * MS, again)
    return hands


NULL_DEVICES: Final = (
    Subject("ND-1", "no station on the line", _nobody),
    Subject("ND-2", "an open port, silence", parrot(lambda count, data: b"")),
    Subject("ND-3", "echoes everything", parrot(lambda count, data: data)),
    Subject("ND-4", "random characters", parrot(random_rule(4))),
    Subject(
        "ND-5",
        "exception 04 to everything",
        parrot(lambda count, data: seal(bytes((UNIT, data[1] | 0x80 if len(data) > 1 else 0x83, 4)))),
    ),
    Subject("ND-6", "replays recorded replies", parrot(lambda count, data: _GOLDEN[count % len(_GOLDEN)])),
    Subject("ND-7", "one constant good reply", parrot(lambda count, data: _GOLDEN[1])),
    Subject("ND-8", "answers one frame, then dies", on_station(_dies(1))),
    Subject("ND-9", "two devices on one address", _twins),
    Subject("ND-10", "another master babbling", _babbled),
)


# -- legal variants ---------------------------------------------------------------------------------------------------
class Glitches(Station):
    """LV-6."""

    def sealed(self, frame: bytes) -> bytes:
        return b"\x00" + frame


class EitherException(Station):
    """LV-7: where both the quantity and the range are wrong, 02 comes first."""

    def said(self, request: bytes, reply: bytes) -> bytes:
        if request[0] in (3, 4) and len(request) == 5 and reply[0] & 0x80:
            quantity = int.from_bytes(request[3:5], "big")
            if quantity > 300:
                return reply[:1] + b"\x02"
        return reply


class Busy(Station):
    """LV-11: writes to flash in the background and replies 400 ms late, within what is declared."""

    count = 0

    def sends(self, data: bytes, after: int) -> Iterable[Effect]:
        self.count += 1
        return (Send(data, after + (400 * MS if self.count % 3 == 0 else 0)),)


class ReadsOnly(ReferenceSlave):
    """LV-4."""

    functions = frozenset({FC.READ_HOLDING})


class Holes(ReferenceSlave):
    """LV-5: a large map with holes."""

    def holds(self, table: Table, start: int, count: int) -> bool:
        return super().holds(table, start, count) or (
            table is Table.HOLDING and start >= 0x4000 and start + count <= 0x4010
        )

    def read(self, now: int, table: Table, start: int, count: int) -> Any:
        return [7] * count if start >= 0x4000 else super().read(now, table, start, count)


class NoBroadcast(Station):
    """LV-9."""

    def _execute_all(self, now: int, pdu: bytes) -> Iterable[Effect]:
        return ()


class SlowStart(ReferenceSlave):
    """LV-20: silent while it starts."""

    def __init__(self) -> None:
        super().__init__()
        self.silent_until = 2_000 * MS


def _warm(line: Line, clockwork: Clockwork) -> Mapping[str, Hand]:
    """A device that needs 2 s to start, which the operator waited for as declared."""
    hands = on_station(slave=SlowStart)(line, clockwork)
    clockwork.advance_to(2_100 * MS)
    return hands


_ALL: Final = "functions = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x08, 0x0B, 0x0F, 0x10, 0x11, 0x16, 0x17, 0x18, 0x2B]"
_ONLY_03: Final = (
    (_ALL, "functions = [0x03]"),
    ("broadcast = [0x05, 0x06, 0x0F, 0x10]", "broadcast = []"),
    ("coils = [[0, 40]]\n", ""),
    ("discretes = [[0, 24]]\n", ""),
    ("inputs = [[0, 126], [200, 1]]\n", ""),
    ("scratch = [1, 123]", "# none: "),
    ("coil_# none: ", "# none: "),
    ("coil_scratch = [0, 40]\n", ""),
    ("picky", "# picky"),
    ("fifo", "# fifo"),
    ("event", "# event"),
)
_SLOW: Final = (("timeout_ms = 500", "timeout_ms = 1000"), ("reply_ms = 200", "reply_ms = 950"))
_BROADCAST: Final = (("broadcast = [0x05, 0x06, 0x0F, 0x10]", "broadcast = []"),)

VARIANTS: Final = (
    Subject("reference", "the reference slave on the shipped station", on_station(ModbusLine)),
    Subject(
        "rating_keypad",
        "the shipped rating keypad",
        on_station(ModbusLine, lambda: RatingKeypad("keypad")),
        "rating_keypad",
    ),
    Subject("LV-1a", "replies after 5 ms", on_station(turnaround=5 * MS)),
    Subject("LV-1b", "replies after 900 ms, declared", on_station(turnaround=900 * MS), changes=_SLOW),
    Subject("LV-2a", "seen through packets of 1 character", on_station(), view=View(1, 1 * MS)),
    Subject("LV-2b", "seen through packets of 16 characters", on_station(), view=View(16, 1 * MS)),
    Subject("LV-2c", "seen through packets of 62 characters", on_station(), view=View(62, 1 * MS)),
    Subject("LV-3", "seen through an adapter that hands over every 16 ms", on_station(), view=View(0, 16 * MS)),
    Subject("LV-4", "supports FC 0x03 only", on_station(slave=ReadsOnly), changes=_ONLY_03),
    Subject(
        "LV-5",
        "a large map with holes",
        on_station(slave=Holes),
        changes=(("holding = [[0, 128]]", "holding = [[0, 128], [0x4000, 16]]"),),
    ),
    Subject("LV-6", "a glitch before each reply", on_station(Glitches)),
    Subject("LV-7", "exception 02 or 03 where both are right", on_station(EitherException)),
    Subject("LV-8", "address 247", on_station(unit=247), unit=247),
    Subject("LV-9", "no broadcast, declared", on_station(NoBroadcast), changes=_BROADCAST),
    Subject("LV-10a", "odd parity", on_station(), settings="19200 8O1"),
    Subject("LV-10b", "two stop bits, 115200 bit/s", on_station(), settings="115200 8N2"),
    Subject("LV-11", "late while it writes to flash, declared", on_station(Busy), changes=_SLOW),
    Subject("LV-20", "takes 2 s to start", _warm),
)
