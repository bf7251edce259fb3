"""Register maps as a collector's author gets them in `{devices}`: names, addresses, meanings, by kind of device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from protocol.modbus.maps import RegisterMap
from protocol.modbus.maps.embeddedart import board_map
from protocol.modbus.maps.led485 import LED485
from protocol.modbus.maps.reference_keypad import CLERK_CONSOLE, KIOSK_BUTTON, REFERENCE_KEYPAD
from protocol.modbus.pdu import Table

MAPS: Mapping[str, RegisterMap] = {
    "rating_keypad": REFERENCE_KEYPAD,
    "clerk_console": CLERK_CONSOLE,
    "kiosk_button": KIOSK_BUTTON,
    "counter_display": LED485,
    "main_board": board_map(2),
}
"""Kind of device -> its register map."""

_READ_WITH = {Table.HOLDING: 0x03, Table.INPUTS: 0x04}


def register_map(devices: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The maps of the kinds among `devices`: kind -> register name -> table, address, words, access, meaning."""
    spoken = [device for device in devices if device.get("protocol", "modbus_rtu") == "modbus_rtu"]
    kinds = dict.fromkeys(device["kind"] for device in spoken)
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
