"""The clerk console of profile RK-1 ("CC"): keys at the counter, waiting in the same acknowledged queue as ratings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from firmware_sim.device import Effect
from firmware_sim.devices.event_device import EventDevice
from protocol.modbus.maps import reference_keypad as rk

__all__ = ["ClerkConsole"]

LOG_IN = 8


class ClerkConsole(EventDevice):
    """A clerk's console on a Modbus line. Arguments as for `EventDevice`, 8 keys.

    Keys: 1 next, 2 recall, 3 no-show, 4 transfer, 5 pause, 6 resume, 7 done, 8 log in.

    Human side, each returning effects: `press(now, key)` for keys 1 to 7, `log_in(now, clerk_code)`,
    `tamper(now, on)`, `supply(now, low)`, `unplug(now)`, `plug_in(now)`.

    Notes: `key` {value, clerk, epoch, seq}, `login` {clerk}, and as the rating keypad `ignored`, `overflow`, `ack`,
    `ack_lost`, `boot`, `power`, `tamper`, `supply`, `settings`.
    """

    registers = rk.CLERK_CONSOLE
    human = (*EventDevice.human, "log_in")
    mark = rk.MARK_CONSOLE
    most_keys = usual_keys = len(rk.CONSOLE_KEYS)
    identity: Mapping[int, bytes] = MappingProxyType({0: b"hallbench", 1: b"RK-1 CC", 2: b"1.0"})

    def press(self, now: int, key: int, held: int = 0) -> Iterable[Effect]:
        """A key goes down.

        Raises:
            ValueError: no such key, or key 8, which comes with a clerk code: use `log_in`.
        """
        if key == LOG_IN:
            raise ValueError(f"{self.name}: key 8 logs a clerk in; use log_in(now, clerk_code)")
        return super().press(now, key, held)

    def log_in(self, now: int, clerk_code: int) -> Iterable[Effect]:
        """A clerk keys in the code and key 8: the clerk register has it, and the event of key 8 carries it.

        Raises:
            ValueError: not a clerk code, 1..65535.
        """
        if not 1 <= clerk_code <= 0xFFFF:
            raise ValueError(f"{self.name}: a clerk code is 1..65535, not {clerk_code}")
        why = self.contact(now, LOG_IN)
        if why:
            return [self.ignored(LOG_IN, why)]
        return [*self.sign(now, clerk_code), *self.take(now, LOG_IN)]
