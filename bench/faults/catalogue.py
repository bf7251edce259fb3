"""Every fault that there is, as data: what it does, its parameters, what a port shows of it (conformance.md 4.6 [R]).

A row names the mechanism that carries it out: "burst:NAME" is a function of `firmware_sim.flaws` (what becomes of the
characters), "line:NAME" one of `bench.faults.line_acts`, "device:NAME" and "host:NAME" of `bench.faults.acts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

__all__ = ["CATALOGUE", "Param", "Row", "find", "nearest"]


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a fault.

    Attributes:
        name: as it is given.
        kind: "int", "float", "hex", "choice", "device" or "line".
        default: its value when it is not given; None: drawn, or as `told` says.
        low, high: the range of a number, both included.
        choices: of a choice.
        told: what it means, with its unit.
        needed: there is no default.
    """

    name: str
    kind: str
    default: Any
    told: str
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()
    needed: bool = False

    @property
    def allowed(self) -> str:
        """What may be given, for people."""
        if self.kind == "choice":
            return " or ".join(f'"{choice}"' for choice in self.choices)
        words = {
            "hex": 'characters in hex, e.g. "01 03"',
            "device": "the name of a device",
            "line": "the name of a line",
        }
        return words.get(self.kind) or f"{'a whole number' if self.kind == 'int' else 'a number'} {self.range}"

    @property
    def range(self) -> str:
        """The range of a number, "" for anything else."""
        return f"{self.low:g}..{self.high:g}" if self.kind in ("int", "float") else ""


@dataclass(frozen=True, slots=True)
class Row:
    """One fault.

    Attributes:
        id: "N01" .. "N40" of the nemesis catalogue, "X01" .. of hallbench's own.
        name: what scenarios and tests call it.
        layer: "line", "device" or "host": where it happens.
        does: what it does, a sentence.
        port: what a program on a real port (a pty) sees of it, or what cannot be shown there.
        stresses: the invariants of conformance.md 4.4 that it is for.
        how: the mechanism.
        params: its own parameters.
        where: which frames it hits by default: "reply", "request" or "any"; "" when it waits for none.
        for_s: how long it lasts by default, seconds; 0: it is over at once, or stays until it is healed.
        kinds: of devices that it can happen to; () for all.
        modbus: it needs Modbus frames.
        half: it needs an RS-485 bus.
    """

    id: str
    name: str
    layer: str
    does: str
    port: str
    stresses: tuple[str, ...]
    how: str
    params: tuple[Param, ...] = ()
    where: str = ""
    for_s: float = 0.0
    kinds: tuple[str, ...] = ()
    modbus: bool = False
    half: bool = False

    @property
    def defaults(self) -> dict[str, Any]:
        """Parameter -> default."""
        return {param.name: param.default for param in self.params}


_BYTE: Final = Param(
    "byte", "int", None, "which character, from 0 (negative: from the end); drawn if not given", -256, 255
)
_QUEUES: Final = ("rating_keypad", "clerk_console", "kiosk_button")
_SAME: Final = "the same characters, at instants that the operating system makes uncertain"
_ALTERED: Final = "the altered characters, as a driver hands them over"


def _ms(default: float, told: str, high: float = 60_000, low: float = 0) -> Param:
    return Param("ms", "float", default, told, low, high)


_ROWS: Final = (
    # -- line: characters and frames -------------------------------------------------------------------------------
    Row("N01", "bit_flip", "line", "one bit of a reply is wrong", _ALTERED, ("J5", "J3"), "burst:bit_flip",
        (_BYTE, Param("bit", "int", None, "which bit, 0 = the first on the wire; drawn if not given", 0, 7)), "reply"),
    Row("N02", "bit_flip_request", "line", "one bit of a request is wrong", "the device's silence", ("J1", "J15"),
        "burst:bit_flip", (_BYTE, Param("bit", "int", None, "which bit, drawn if not given", 0, 7)), "request"),
    Row("N03", "drop_byte", "line", "one character is not there, its time passes", _ALTERED, ("J1", "J11"),
        "burst:drop_byte", (_BYTE,), "reply"),
    Row("N04", "duplicate_byte", "line", "one character comes twice", _ALTERED, ("J11",), "burst:duplicate_byte",
        (_BYTE,), "reply"),
    Row("N05", "spurious_byte", "line", "a glitch of the driver-enable: a character too many", _ALTERED, ("J1",),
        "burst:spurious_byte",
        (Param("side", "choice", "before", "on which side of the frame", choices=("before", "after")),
         Param("value", "int", None, "the character; 00 or FF, drawn, if not given", 0, 255)), "reply"),
    Row("N06", "truncate", "line", "only the first characters come, then silence", _ALTERED, ("J1", "J11"),
        "burst:truncate", (Param("keep", "int", 3, "how many characters come", 0, 255),), "reply"),
    Row("N07", "crc_collision", "line", "four bits are wrong and the CRC fits all the same (a shifted generator)",
        _ALTERED, ("J5",), "burst:crc_collision",
        (Param("bit", "int", None, "position of the first bit, 16 or more; drawn if not given", 16, 2031),), "reply",
        modbus=True),
    Row("N08", "hole", "line", "a silence inside a frame", "two writes with a pause: not shorter than the system's own "
        "delays", ("J1",), "burst:hole", (_BYTE, _ms(20, "length of the silence, milliseconds", 5000)), "reply"),
    Row("N09", "glue", "line", "more characters follow without a gap", _ALTERED, ("J11",), "burst:glue",
        (Param("data", "hex", None, "the characters; the frame once more if not given"),), "reply"),
    Row("N10", "chunking", "line", "a USB adapter hands replies over in packets on a grid of time", _SAME,
        ("J7", "J11"), "burst:chunking",
        (_ms(16, "the grid, milliseconds", 1000, 1), Param("packet", "int", 62, "characters in a packet", 1, 4096)),
        "reply"),
    Row("N11", "wrong_unit", "line", "another unit's number in a reply, with a CRC that fits", _ALTERED, ("J12", "J4"),
        "burst:wrong_unit", (Param("to", "int", None, "the number; drawn if not given", 0, 255),), "reply",
        modbus=True),
    Row("N12", "wrong_function", "line", "another function or byte count in a reply, with a CRC that fits", _ALTERED,
        ("J5",), "burst:wrong_function",
        (Param("field", "choice", "function", "what is wrong", choices=("function", "count")),), "reply", modbus=True),
    Row("N13", "late_reply", "line", "a reply comes only after the next request", _SAME, ("J11",), "line:late_reply",
        (_ms(1, "after the end of the next request, milliseconds", 1000),), "reply"),
    Row("N14", "edge_reply", "line", "a reply is complete just at the end of the collector's patience",
        "only as exactly as the system's clock allows: look at the measured instant", ("J11", "J3"), "burst:edge",
        (Param("timeout_ms", "float", 100, "the collector's time-out, milliseconds", 1, 60_000),
         Param("offset_ms", "float", 0, "so much later, milliseconds; negative is earlier", -1000, 1000)), "reply"),
    Row("N15", "no_reply", "line", "nobody hears the reply", "silence", ("J13", "J10"), "burst:lose", (), "reply"),
    Row("N16", "stuck_low", "line", "the line is held low: a break, then nothing gets through either way",
        "one character 00, then silence; a pty carries no break", ("J10", "J16"), "line:stuck_low", (), "", 2.0),
    Row("N17", "cut_wire", "line", "the wire is cut behind a unit: those beyond it hear and say nothing",
        "their silence",
        ("J10", "J13"), "line:cut_wire",
        (Param("beyond", "int", 0, "the last unit that is still connected; 0 cuts off all", 0, 247),), "", 10.0),
    Row("N18", "baud_drift", "line", "a sender's clock is off: its bits are read at the wrong places", _ALTERED,
        ("J5", "J10"), "burst:baud_drift",
        (Param("ppm", "float", 60_000, "how much faster, parts in a million", -900_000, 9_000_000),), "reply"),
    Row("N19", "parity_error", "line", "one bit is wrong, and parity tells it where the line has one",
        "a wrong character: a pty has no parity, and marks cannot be made", ("J5",), "burst:parity_error", (_BYTE,),
        "reply"),
    Row("N20", "framing_error", "line", "a stop bit at the wrong level, or a character lost by overrun",
        "a wrong or a missing character, without its mark", ("J1",), "burst:framing_error",
        (_BYTE, Param("what", "choice", "framing", "which of them", choices=("framing", "overrun"))), "reply"),
    Row("N21", "emi_burst", "line", "interference for a while: errors in clusters, in all directions",
        _ALTERED, ("J5", "J16"), "burst:emi_burst",
        (Param("ber", "float", 0.3, "share of wrong bits while it is bad", 0, 1),
         Param("stop", "float", 0.2, "probability for each character that a bad stretch ends", 0, 1),
         Param("start", "float", 0.1, "and that a good one ends", 0, 1)), "any", 0.2),
    Row("N22", "echo", "line", "the collector hears its own request before the reply, whole or its end",
        "the same characters", ("J1", "J11"), "line:echo",
        (Param("skip", "int", 0, "characters that it does not hear at the beginning", 0, 255),), "request"),
    Row("N23", "collision", "line", "somebody else sends while a reply is sent: the wired AND of both", _ALTERED,
        ("J5", "J12"), "line:collision",
        (Param("byte", "int", 1, "the character at which it begins", 0, 255),
         Param("data", "hex", None, "what the other sends; a drawn reply if not given")), "reply", half=True),
    Row("N24", "address_conflict", "device", "two devices answer to one address", _ALTERED, ("J4", "J5"),
        "device:address_conflict", (Param("other", "device", None, "the device whose address it takes", needed=True),),
        "", 10.0, modbus=True),
    Row("N25", "babble", "line", "a second master talks with a device of its own, without looking who else does",
        "foreign requests and replies", ("J12", "J4"), "line:babble",
        (Param("foreign", "int", 200, "unit it talks to", 1, 247),
         Param("every_ms", "float", 130, "from one exchange to the next, milliseconds", 20, 60_000)), "", 2.0),
    # -- device -----------------------------------------------------------------------------------------------------
    Row("N26", "reboot", "device", "a device starts anew in the middle of whatever it does", _SAME, ("J8", "J3", "J17"),
        "device:reboot", (Param("off_s", "float", 1.0, "without its own reset: time without supply, seconds", 0,
        3600),)),
    Row("N27", "buffer_lost", "device", "after a reboot the memory of the events is empty", _SAME, ("J2", "J8"),
        "device:buffer_lost", (), kinds=_QUEUES),
    Row("N28", "buffer_restored", "device", "after a reboot the memory holds what it held a while ago: ghosts", _SAME,
        ("J8", "J3"), "device:buffer_restored",
        (Param("age_s", "float", 60.0, "how old the memory is, seconds (at most since it was injected)", 0, 86_400),),
        kinds=_QUEUES),
    Row("N29", "sequence_reset", "device", "the sequence starts at 0 without a new boot epoch", _SAME, ("J8",),
        "device:sequence_reset", (), kinds=_QUEUES),
    Row("N30", "device_clock", "device", "the device's clock is reset, jumps or drifts", _SAME, ("J9", "J6"),
        "device:device_clock",
        (Param("mode", "choice", "jump", "what it does", choices=("jump", "reset", "drift")),
         Param("seconds", "float", 3600.0, "how far it jumps", -10_000_000, 10_000_000),
         Param("ppm", "float", 200.0, "how fast it drifts, parts in a million", -100_000, 100_000)), kinds=_QUEUES),
    Row("N31", "queue_overflow", "device", "more presses than the queue holds before it is polled", _SAME, ("J2", "J7"),
        "device:queue_overflow",
        (Param("presses", "int", 80, "how many", 1, 5000), Param("key", "int", 5, "which key", 1, 15),
         Param("every_ms", "float", 100, "from one to the next, milliseconds", 40, 60_000)), kinds=_QUEUES),
    Row("N32", "slow_device", "device", "replies come later, and later still", _SAME, ("J13", "J7"), "burst:slow",
        (_ms(50, "how much later, milliseconds"), Param("step_ms", "float", 0, "more with each reply", 0, 60_000),
         Param("most_ms", "float", 60_000, "at most so much later", 0, 60_000)), "reply"),
    Row("N33", "busy", "device", "a device answers with an exception and does nothing", "the same characters", ("J1",),
        "device:busy", (Param("code", "int", 6, "exception code: 5 acknowledge, 6 busy, 4 failure", 1, 11),), "", 2.0,
        modbus=True),
    # -- host -------------------------------------------------------------------------------------------------------
    Row("N34", "port_vanish", "host", "the port disappears (a USB adapter is pulled) and returns",
        "reads and writes fail, the name is gone, later there again", ("J16", "J14"), "host:port_vanish", (), "", 3.0),
    Row("N35", "ports_swapped", "host", "two ports disappear and return under each other's names",
        "the names lead to each other's lines", ("J4",), "host:ports_swapped",
        (Param("with_line", "line", None, "the other line", needed=True),), "", 10.0),
    Row("N36", "output_held", "host", "XOFF holds what the collector sends, or nobody takes it",
        "writes block once the buffers are full", ("J13", "J16"), "host:output_held", (), "", 2.0),
    Row("N37", "paper_out", "device", "a printer's paper ends, in the middle of a ticket if a phase says so",
        "automatic status and XOFF", ("J3",), "device:paper_out",
        (Param("left_mm", "float", 1, "millimetres that are left", 0, 100_000),), kinds=("ticket_printer",)),
    Row("N38", "kill", "host", "the collector is killed at this point: nothing of it runs any more",
        "SIGKILL at the next read of the bench: not exact to a character", ("J14", "J3"), "host:kill", (), "request"),
    Row("N39", "sink_failure", "host", "the place where records are stored fails for a while",
        "the same; `csv` and `jsonl`: EISDIR where the program opens the file", ("J14", "J1"),
        "host:sink_failure", (), "", 5.0),
    Row("N40", "pause", "host", "the collector does not run for a while (a suspended machine, a long collection)",
        "SIGSTOP and SIGCONT", ("J11", "J13"), "host:pause", (), "", 2.0),
    # -- hallbench's own --------------------------------------------------------------------------------------------
    Row("X01", "lose", "line", "a whole frame is not heard by anybody", "silence", ("J1",), "burst:lose", (), "reply"),
    Row("X02", "garble", "line", "some characters of a frame are wrong", _ALTERED, ("J5",), "burst:garble",
        (Param("characters", "int", 3, "how many", 1, 255),), "reply"),
    Row("X03", "unplug", "device", "a device loses its supply, for a while or for good", "silence", ("J10", "J8"),
        "device:unplug"),
    Row("X04", "open_cover", "device", "a printer's cover is opened", "automatic status", ("J3",), "device:open_cover",
        kinds=("ticket_printer",)),
    Row("X05", "jam_cutter", "device", "a printer's cutter jams", "automatic status", ("J3",), "device:jam_cutter",
        kinds=("ticket_printer",)),
    Row("X06", "clock_jump", "host", "the collector's calendar clock jumps",
        "cannot be shown: the clock is the machine's",
        ("J9", "J6"), "host:clock_jump",
        (Param("seconds", "float", None, "how far", -10_000_000, 10_000_000, needed=True),)),
)  # fmt: skip

CATALOGUE: Final[Mapping[str, Row]] = MappingProxyType({row.name: row for row in _ROWS})
"""Name -> fault, in the order of the catalogue."""

_BY_ID: Final = {row.id: row for row in _ROWS}


def find(name: str) -> Row | None:
    """The fault of a name, or of an id in any case; None when there is none."""
    return CATALOGUE.get(name) or _BY_ID.get(name.upper())


def nearest(name: str) -> str:
    """The name of a fault that may have been meant, "" when none is near."""
    near = get_close_matches(name.lower(), CATALOGUE, n=1, cutoff=0.5)
    return near[0] if near else ""
