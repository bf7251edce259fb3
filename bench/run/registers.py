"""Register maps as a collector's author gets them in `{devices}`: names, addresses, meanings, by kind of device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from protocol.modbus.maps import RegisterMap
from protocol.modbus.maps.dm36 import DM36
from protocol.modbus.maps.embeddedart import MOST_ROWS, board_map
from protocol.modbus.maps.led485 import LED485
from protocol.modbus.maps.reference_keypad import CLERK_CONSOLE, KIOSK_BUTTON, REFERENCE_KEYPAD
from protocol.modbus.pdu import Table

MAPS: Mapping[str, RegisterMap] = {
    "rating_keypad": REFERENCE_KEYPAD,
    "clerk_console": CLERK_CONSOLE,
    "kiosk_button": KIOSK_BUTTON,
    "counter_display": LED485,
    "main_board": board_map(2),
    "rk1": REFERENCE_KEYPAD,
    "led485": LED485,
    "dm36": DM36,
    "embeddedart": board_map(1),
}
"""Kind of device, or name of a map that only some of its kind have -> registers."""

_LARGEST = {name: board_map(MOST_ROWS) for name in ("main_board", "embeddedart")}


def map_of(device: Mapping[str, Any]) -> RegisterMap | None:
    """The registers of a device as frames name them: a board's with all rows that one can have; None when it has none.

    Args:
        device: its row of the inventory.
    """
    name = str(device.get("map") or device.get("kind"))
    if device.get("protocol", "modbus_rtu") not in _WITH_REGISTERS:
        return None
    return _LARGEST.get(name) or MAPS.get(name)


_WITH_REGISTERS = frozenset({"modbus_rtu", "led485_ascii"})

_READ_WITH = {Table.HOLDING: 0x03, Table.INPUTS: 0x04}


def register_map(devices: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The maps among `devices`: kind (or `map` of a row) -> register name -> table, address, words, access, meaning."""
    spoken = [device for device in devices if device.get("protocol", "modbus_rtu") == "modbus_rtu"]
    kinds = dict.fromkeys(device.get("map") or device["kind"] for device in spoken)
    return {
        kind: {
            row.name: {
                "table": row.table.value,
                "read_with": _READ_WITH.get(row.table),
                "address": row.address,
                "words": row.words,
                "access": row.access,
                "meaning": row.meaning,
            }
            for row in MAPS[kind]
        }
        for kind in kinds
        if kind in MAPS
    }
