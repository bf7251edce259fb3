"""The kiosk button of profile RK-1 ("KB"): a visitor chooses an errand class and is to get a ticket."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from firmware_sim.devices.event_device import EventDevice
from protocol.modbus.maps import reference_keypad as rk

__all__ = ["KioskButton"]


class KioskButton(EventDevice):
    """A kiosk's buttons on a Modbus line; key n is errand class n. Arguments as for `EventDevice`, 1 to 15 keys.

    Human side, each returning effects: `press(now, key)`, `tamper(now, on)`, `supply(now, low)`, `unplug(now)`,
    `plug_in(now)`.

    Notes: `key` {value, clerk: 0, epoch, seq}, and as the rating keypad `ignored`, `overflow`, `ack`, `ack_lost`,
    `boot`, `power`, `tamper`, `supply`, `settings`.
    """

    registers = rk.KIOSK_BUTTON
    mark = rk.MARK_KIOSK
    most_keys = usual_keys = rk.KIOSK_KEYS
    identity: Mapping[int, bytes] = MappingProxyType({0: b"hallbench", 1: b"RK-1 KB", 2: b"1.0"})
