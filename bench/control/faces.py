"""What can be seen of a device, as plain data: digits, rows, paper, lamps, queue, voice, registers.

A device is looked at, never asked over its line: reading here removes nothing and is heard by nobody. Each class of
devices has its own functions in `_LOOKS`; a device that is of several gets all their sections.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from firmware_sim.devices.alpha_board import AlphaBoard
from firmware_sim.devices.counter_display import CounterDisplay
from firmware_sim.devices.declared_device import DeclaredDevice
from firmware_sim.devices.dm36_display import DM36Display
from firmware_sim.devices.event_device import EventDevice
from firmware_sim.devices.main_board import MainBoard
from firmware_sim.devices.osdp_keypad import OsdpKeypad
from firmware_sim.devices.printer_body import PrinterBody
from firmware_sim.devices.segments import Digit
from firmware_sim.devices.ticket_printer import TicketPrinter
from firmware_sim.register_slave import RegisterSlave
from protocol.modbus.pdu import ModbusException, Table

__all__ = ["look", "registers", "seven_segments"]

_TABLES: Final = {Table.HOLDING: "holding", Table.INPUTS: "input"}
_MOST_EVENTS: Final = 32
_MOST_KEYS: Final = 32
_OSDP_KEYS: Final = (*"1234567890", "*", "#")


def seven_segments(digits: Iterable[Digit]) -> list[str]:
    """Digits as three lines of text, four columns each: bars, and the point behind."""
    top, middle, bottom = "", "", ""
    for mask, point in digits:
        a, b, c, d, e, f, g = (mask >> bit & 1 for bit in range(7))
        top += f" {'_' if a else ' '}  "
        middle += f"{'|' if f else ' '}{'_' if g else ' '}{'|' if b else ' '} "
        bottom += f"{'|' if e else ' '}{'_' if d else ' '}{'|' if c else ' '}{'.' if point else ' '}"
    return [top, middle, bottom]


def _digits(text: str, digits: Iterable[Digit]) -> dict[str, Any]:
    shown = list(digits)
    return {
        "shows": {
            "text": text,
            "rows": [text],
            "segments": [[mask, point] for mask, point in shown],
            "art": seven_segments(shown),
        }
    }


def _events(thing: EventDevice, now: int) -> dict[str, Any]:
    epoch, waiting, oldest, newest, lost = thing.queue.summary
    lit = thing.lamps_lit(now)
    return {
        "keys": thing.keys,
        "lamps": [bool(lit >> key & 1) for key in range(thing.keys)],
        "sounding": bool(thing.sounding(now)),
        "up": bool(thing.is_up(now)),
        "case_open": thing.case_open,
        "supply_low": thing.supply_low,
        "clerk": thing.clerk,
        "queue": {
            "epoch": epoch,
            "waiting": waiting,
            "oldest_seq": oldest if waiting else None,
            "newest_seq": newest if waiting else None,
            "lost": lost,
            "depth": thing.queue.depth,
            "events": [
                {
                    "seq": event.sequence,
                    "epoch": event.epoch,
                    "value": event.value,
                    "clerk": event.clerk,
                    "ticket": event.ticket,
                    "flags": event.flags,
                }
                for event in thing.queue.waiting[:_MOST_EVENTS]
            ],
        },
    }


def _osdp(thing: OsdpKeypad, now: int) -> dict[str, Any]:
    return {
        "shows": {"text": thing.text, "rows": [thing.text]},
        "key_names": list(_OSDP_KEYS),
        "lamp_colour": thing.lamp_at(now),
        "case_open": thing.case_open,
        "supply_low": thing.supply_low,
        "clerk": thing.clerk,
        "epoch": thing.epoch,
        "next_seq": thing.seq,
    }


def _display(thing: CounterDisplay, _now: int) -> dict[str, Any]:
    return _digits(thing.text, thing.lit)


def _dm36(thing: DM36Display, now: int) -> dict[str, Any]:
    return _digits(thing.text, thing.lit_at(now))


def _board(thing: MainBoard, _now: int) -> dict[str, Any]:
    return {"shows": {"text": "\n".join(thing.texts).rstrip(), "rows": list(thing.texts)}}


def _alpha(thing: AlphaBoard, now: int) -> dict[str, Any]:
    shown = thing.shown(now)
    return {
        "shows": {
            "text": "\n".join(shown.texts).rstrip(),
            "rows": list(shown.texts),
            "pixels": ["".join("0123456789abcdef"[min(dot, 15)] for dot in row) for row in shown.dots],
        }
    }


def _printer(thing: PrinterBody, _now: int) -> dict[str, Any]:
    condition = thing.condition
    return {
        "paper": {
            "left_mm": thing.left_mm,
            "near_end": condition.near_end,
            "end": condition.paper_end,
            "jam": condition.jam,
            "hanging": list(thing.hanging),
        },
        "cover_open": condition.cover_open,
        "offline": condition.offline,
        "cutter_error": condition.cutter_error,
        "head_hot": condition.head_hot,
        "ticket_out": condition.ticket_out,
        "feed_held": condition.feed_button,
        "printing": condition.motor_on,
    }


def _buffer(thing: TicketPrinter, _now: int) -> dict[str, Any]:
    return {"buffer": {"room": thing.room}, "warnings": list(thing.warnings)}


def _declared(thing: DeclaredDevice, now: int) -> dict[str, Any]:
    state = {name: value for name, value in thing.state.items() if isinstance(value, (bool, int, float, str))}
    told: dict[str, Any] = {"state": state}
    press = thing.declaration.actions.get("press")
    if press is not None and len(press.arguments) == 1:
        low, high = press.arguments[0].low, press.arguments[0].high
        if low is not None and high is not None and high - low < _MOST_KEYS:
            told["key_names"] = [str(key) for key in range(low, high + 1)]
    if thing.declaration.role in ("display", "board"):
        told["shows"] = {"text": "\n".join(thing.rows).rstrip(), "rows": thing.rows or [""]}
    if thing.loudspeaker is not None:
        text, left = thing.loudspeaker.saying(now)
        told["voice"] = {
            "doing": thing.loudspeaker.doing,
            "clip": thing.loudspeaker.clip,
            "text": text,
            "left_s": round(left / 1_000_000_000, 3),
        }
    return told


_LOOKS: Final[tuple[tuple[type[Any], Callable[[Any, int], dict[str, Any]]], ...]] = (
    (EventDevice, _events),
    (OsdpKeypad, _osdp),
    (CounterDisplay, _display),
    (DM36Display, _dm36),
    (MainBoard, _board),
    (AlphaBoard, _alpha),
    (PrinterBody, _printer),
    (TicketPrinter, _buffer),
    (DeclaredDevice, _declared),
)
"""Class of devices -> what is seen of them."""


def look(thing: Any, now: int) -> dict[str, Any]:
    """All that can be seen of a device at an instant.

    Args:
        thing: the device.
        now: ns since local midnight.
    """
    told: dict[str, Any] = {
        "powered": bool(getattr(thing, "powered", True)),
        "actions": list(getattr(thing, "human", ())),
    }
    for kind, see in _LOOKS:
        if isinstance(thing, kind):
            told.update(see(thing, now))
    return told


def registers(thing: Any, now: int) -> list[dict[str, Any]]:
    """The registers of a Modbus slave by name; rows that can only be written have value None."""
    if not isinstance(thing, RegisterSlave):
        return []
    rows: list[Mapping[str, Any]] = []
    for row in thing.registers.rows:
        value: list[int] | None = None
        if row.table in _TABLES and "r" in row.access and row.words <= 64:
            try:
                value = [int(word) for word in thing.read(now, row.table, row.address, row.words)]
            except (ModbusException, LookupError, ValueError):
                value = None
        rows.append(
            {
                "name": row.name,
                "table": _TABLES.get(row.table, str(row.table)),
                "address": row.address,
                "words": row.words,
                "access": str(row.access),
                "value": value,
                "meaning": row.meaning,
            }
        )
    return [dict(row) for row in rows]
