"""What exposes each mistake: faults and doings of people in a small hall, and the invariants that it breaks.

The table `CASES` is read by the test and by people; a row says what happens to a collector, and the reference collector
has to live through the same.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.judge.verdict import Verdict
from bench.testing import hall
from firmware_sim.event_queue import EventQueue

__all__ = ["CASES", "SURVIVED", "UNSURVIVABLE", "Case", "run"]

HALL: Final = Path(__file__).with_name("hall.toml")
PORT: Final = "/dev/ttyUSB0"
BEGIN: Final = "08:10"
KEYPADS: Final = (1, 2, 3)
MINUTE: Final = 60 * 10**9


class Case(NamedTuple):
    """One mistake and what exposes it.

    Args:
        expected: the invariant that it breaks.
        arrange: lets things go wrong in a hall that has just begun, at 08:10.
        collateral: further invariants that may be broken.
        minutes: how long the hall runs.
        heal: minutes after which all faults end, and five more are given for all to be well; 0 for no such end.
    """

    expected: str
    arrange: Callable[[Any], None]
    collateral: frozenset[str] = frozenset()
    minutes: float = 4
    heal: float = 0


def run(collector: Any, database: Path, case: Case, *, faults: bool = True) -> Verdict:
    """Run a collector in the small hall and judge it.

    Three keypads are pressed every half a minute each, with other values in turn; then, if `faults`, comes what the
    case arranges. A collector that a fault kills is started again after a second.
    """
    with hall(HALL, house=False, start=BEGIN, records=database) as h:
        begin = h.now_ns
        end = begin + round(case.minutes * MINUTE)

        def start() -> Any:
            return h.start(lambda: collector(PORT, str(database), KEYPADS).run())

        program = start()
        for unit in KEYPADS:
            h.keypad(unit).log_in(unit)
            _presses(h, unit, begin, end)
        if faults:
            case.arrange(h)
        if case.heal:
            h.at(begin + round(case.heal * MINUTE), h.heal)
            end = max(end, begin + round((case.heal + 5.2) * MINUTE))
        while h.now_ns < end:
            h.run_for(1)
            if program.exit is not None:
                program = start()
        return h.verdict(settle=10)


def _presses(h: Any, unit: int, begin: int, end: int) -> None:
    at, n = begin + (3 + unit) * 10**9, 0
    while at < end - 20 * 10**9:
        h.at(at, h.keypad(unit).press, 1 + (n * n + unit) % 5)
        at, n = at + (23 + 4 * unit) * 10**9, n + 1


def _after(h: Any, seconds: float) -> int:
    return int(h.now_ns + seconds * 10**9)


def _fault(
    name: str, *more: tuple[str, dict[str, Any]], at: float | None = None, **asked: Any
) -> Callable[[Any], None]:
    """Asks for a fault, at so many seconds after the beginning; and for further ones."""

    def arrange(h: Any) -> None:
        if at is None:
            h.fault(name, **asked)
        else:
            h.fault(name, at=_after(h, at), **asked)
        for other, given in more:
            h.fault(other, **given)

    return arrange


def _late_block(h: Any) -> None:
    """A rating comes so late that the next unit, which is dead, has been asked (unit 1 is pressed at 31 s and 58 s)."""
    h.fault("unplug", device="keypad-2", at=_after(h, 30), for_s=40)
    h.fault("slow_device", unit=1, function=4, address=0x100, after=_after(h, 31), count=3, ms=1000)


def _another_unit(h: Any) -> None:
    """A reply names another unit; and one unit is dead for a while, so that it shows how long is waited."""
    h.fault("unplug", device="keypad-3", at=_after(h, 40), for_s=6)
    h.fault("wrong_unit", unit=1, to=2, after=_after(h, 60), count=3)


def _twice_within_a_second(h: Any) -> None:
    """Two people, one after the other, press the same key."""
    for seconds in (50.0, 50.6):
        h.at(_after(h, seconds), h.keypad(2).press, 4)


def _clerks_change(h: Any) -> None:
    """A clerk takes the card away just after a press, and a colleague comes."""
    for n in range(4):
        begin = 45 + 11 * n
        h.at(_after(h, begin), h.keypad(1).press, 5)
        h.at(_after(h, begin + 0.01), h.keypad(1).log_in, 2)
        h.at(_after(h, begin + 4), h.keypad(1).log_in, 1)


def _near_the_wrap_of_signed(h: Any) -> None:
    """A keypad that has served for long: its numbers pass 32767."""
    h.device("keypad-1").model.queue = EventQueue(64, 1, 32765)


def _overflow_unseen(h: Any) -> None:
    """Somebody plays with a keypad while its port is gone."""
    h.fault("port_vanish", line="keypads", at=_after(h, 50), for_s=9)
    h.fault("queue_overflow", device="keypad-1", presses=80, every_ms=60, at=_after(h, 52))


CASES: Final[dict[str, Case]] = {
    "MC-01": Case("phantom", _fault("bit_flip", unit=1, address=0x100, byte=6, bit=4, count=2)),
    "MC-02": Case(
        "late_reply",
        _late_block,
        # whatever comes next is taken for an answer: also an old block for a new one; and a boot is never noticed
        frozenset({"phantom", "duplication", "manners", "reconfiguration", "unexpected_unit"}),
    ),
    "MC-03": Case("loss", _fault("pause", unit=1, phase="request.byte[1]", after="08:11", count=0, for_s=0.15)),
    # what was acknowledged and then not stored is lost as well
    "MC-04": Case("acknowledge", _fault("kill", unit=1, phase="ack", nth=2, count=1), frozenset({"loss"})),
    "MC-05": Case(
        "duplication", _fault("bit_flip_request", unit=1, function=0x10, address=0, count=3, after="08:10:20")
    ),
    # what is dropped for its number is lost as well
    "MC-06": Case("ghosts", _fault("reboot", device="keypad-1", at=100), frozenset({"loss"})),
    "MC-07": Case("loss", _twice_within_a_second),
    "MC-08": Case("unexpected_unit", _another_unit, frozenset({"attribution"})),
    "MC-09": Case("unexpected_unit", _another_unit),
    "MC-10": Case("attribution", _clerks_change),
    "MC-11": Case("time", _fault("port_vanish", line="keypads", at=28, for_s=20)),
    "MC-12": Case("fairness", _fault("unplug", device="keypad-2", at=40, for_s=120)),
    # what is never fetched any more is lost as well
    "MC-13": Case(
        "convergence", _fault("port_vanish", line="keypads", at=60, for_s=5), frozenset({"loss"}), heal=1.5, minutes=2
    ),
    # a frame that is out of step has no CRC that fits: the units seem dead, and nothing is credited to anybody else
    "MC-14": Case(
        "convergence",
        _fault("port_vanish", line="keypads", unit=1, phase="reply.byte[10]", after="08:11", for_s=5),
        frozenset({"loss", "fairness", "late_reply"}),
        heal=1.5,
        minutes=2,
    ),
    "MC-15": Case("silent_loss", _overflow_unseen, minutes=8),
    "MC-16": Case("loss", _near_the_wrap_of_signed, frozenset({"ghosts"})),
    "MC-17": Case("phantom", _fault("no_reply", unit=2, count=4)),
    "MC-18": Case("manners", _fault("unplug", device="keypad-2", at=40, for_s=60), frozenset({"fairness"})),
    "MC-19": Case("loss", _fault("busy", device="keypad-1", at=45, for_s=3)),
    # every unit seems to be dead
    "MC-20": Case("loss", _fault("echo", unit=1, count=1, after="08:11"), frozenset({"health", "fairness"})),
    # what it acknowledges as it goes is not yet committed
    "MC-21": Case("loss", _fault("sink_failure", at=30.5, for_s=8), frozenset({"acknowledge"})),
    "MC-22": Case("health", _fault("unplug", device="keypad-3", at=40, for_s=90)),
}
"""Id of conformance.md 4.5 -> what exposes it."""


def _each(unit: int = 1, **asked: Any) -> Callable[[Any, str], None]:
    """A fault that hits frames of one unit, from the second minute on."""
    return lambda h, name: h.fault(name, **{"unit": unit, "after": _after(h, 50), "count": 4, **asked})


def _line(**asked: Any) -> Callable[[Any, str], None]:
    """A fault of the whole line, in the second minute."""
    return lambda h, name: h.fault(name, **{"line": "keypads", "at": _after(h, 56), "for_s": 12, **asked})


def _keypad(**asked: Any) -> Callable[[Any, str], None]:
    """Something happens to a keypad, in the second minute."""
    return lambda h, name: h.fault(name, **{"device": "keypad-1", "at": _after(h, 58.2), **asked})


def _host(**asked: Any) -> Callable[[Any, str], None]:
    """Something happens to the program, in the second minute."""
    return lambda h, name: h.fault(name, **{"at": _after(h, 58.2), **asked})


def _with_a_silence(strike: Callable[[Any, str], None]) -> Callable[[Any, str], None]:
    """Before it a unit is dead for a moment, which shows how long the program waits for a reply."""

    def arrange(h: Any, name: str) -> None:
        h.fault("unplug", device="keypad-3", at=_after(h, 40), for_s=6)
        strike(h, name)

    return arrange


SURVIVED: Final[dict[str, Callable[[Any, str], None]]] = {
    "bit_flip": _each(),
    "bit_flip_request": _each(),
    "drop_byte": _each(),
    "duplicate_byte": _each(),
    "spurious_byte": _each(),
    "truncate": _each(),
    "hole": _each(),
    "glue": _each(),
    "chunking": _each(count=0),
    "wrong_unit": _with_a_silence(_each(to=2)),
    "wrong_function": _each(),
    "late_reply": _each(),
    "edge_reply": _each(timeout_ms=230),
    "no_reply": _each(),
    "stuck_low": _line(),
    "cut_wire": _line(beyond=1, for_s=60),
    "baud_drift": _each(),
    "parity_error": _each(),
    "framing_error": _each(),
    "emi_burst": _line(),
    "echo": _each(),
    "collision": _each(),
    "babble": _with_a_silence(_line()),
    "reboot": _keypad(),
    "buffer_lost": _keypad(),
    "buffer_restored": _keypad(),
    "sequence_reset": _keypad(),
    "device_clock": _keypad(),
    "queue_overflow": _keypad(),
    "slow_device": _each(),
    "busy": _keypad(),
    "port_vanish": _line(),
    "output_held": _line(),
    "kill": _each(phase="ack"),
    "sink_failure": _host(for_s=8),
    "pause": _host(),
    "lose": _each(),
    "garble": _each(),
    "unplug": _keypad(for_s=50),
    "clock_jump": _host(seconds=-5000),
}
"""Fault -> how it is asked for: the reference collector lives through all of them."""

UNSURVIVABLE: Final = {
    "crc_collision": "a CRC that fits tells nothing, and RK-1 has no second one",
    "address_conflict": "two keypads of one address cannot be told apart",
    "ports_swapped": "nothing on the line tells which line it is",
    "paper_out": "of printers",
    "open_cover": "of printers",
    "jam_cutter": "of printers",
}
"""Fault -> why no collector of rating keypads is asked to live through it."""
