"""The reference rating keypad RK-1: one to five keys, a rating window, a clerk at the counter.

Every press is one event with the clerk, the ticket and the device's time of its own instant; what happens to the clerk
or the window afterwards does not change it (reference-keypad.md, guarantees 4 and 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from firmware_sim.device import NS, Alarm, Effect, Note
from firmware_sim.devices.event_device import EventDevice
from firmware_sim.event_queue import Queued
from firmware_sim.register_slave import Cells, Group, between, refuse, whole
from protocol.modbus.maps import reference_keypad as rk

__all__ = ["RatingKeypad"]

_WINDOW = "window"


class RatingKeypad(EventDevice):
    """A rating keypad on a Modbus line; key n is rating value n. Arguments as for `EventDevice`, 1 to 5 keys.

    Human side, each returning effects: `press(now, key)`, `log_in(now, clerk_code)`, `log_out(now)`,
    `tamper(now, on)`, `supply(now, low)`, `unplug(now)`, `plug_in(now)`.

    Notes: `press` {value, clerk, ticket, epoch, seq, flags, at_ms}, `ignored` {key, why}, `overflow` {epoch, seq},
    `ack` {epoch, seq, freed}, `ack_lost` {count}, `login` {clerk}, `window` {ticket, seconds}, `boot` {epoch},
    `power` {on}, `tamper` {on}, `supply` {low}, `settings` {unit, baud, parity}.
    """

    registers = rk.REFERENCE_KEYPAD
    mark = rk.MARK_RATING
    human = (*EventDevice.human, "log_in", "log_out")
    note_kind = "press"
    most_keys = usual_keys = 5
    identity: Mapping[int, bytes] = MappingProxyType({0: b"hallbench", 1: b"RK-1", 2: b"1.0"})

    _policy: int
    _ticket: int
    _closes_at: int
    _rated: bool

    def groups(self) -> Iterable[Group]:
        """The common registers, the rating window and the policy."""
        yield from super().groups()
        row = self.registers
        yield Group(row["window"], self._read_window, self._check_window, self._set_window, broadcast=True)
        check = between(0, rk.POLICY_UNSOLICITED, "the policy")
        yield Group(row["policy"], lambda _now: (self._policy,), check, self._set_policy)

    # The human side

    def log_in(self, now: int, clerk_code: int) -> Iterable[Effect]:
        """A clerk holds a card to the keypad: presses from now on are this clerk's.

        Raises:
            ValueError: not a clerk code, 1..65535.
        """
        if not 1 <= clerk_code <= 0xFFFF:
            raise ValueError(f"{self.name}: a clerk code is 1..65535, not {clerk_code}")
        return self.sign(now, clerk_code)

    def log_out(self, now: int) -> Iterable[Effect]:
        """The clerk takes the card away: presses carry clerk 0."""
        return self.sign(now, 0)

    # What it does with a press

    def take(self, now: int, key: int) -> Iterable[Effect]:
        """Queue the press with the window's ticket; outside a window by policy."""
        if not self._is_open(now):
            if not self._policy & rk.POLICY_UNSOLICITED:
                return [self.ignored(key, "no window")]
            return self.enqueue(now, key, rk.FLAG_UNSOLICITED)
        flags = rk.FLAG_REPEAT if self._rated else 0
        self._rated = True
        return self.enqueue(now, key, flags, self._ticket)

    def facts(self, queued: Queued) -> Mapping[str, object]:
        """All of the event: it is what a stored rating is judged by."""
        event = queued.event
        return {
            "value": event.value,
            "clerk": event.clerk,
            "ticket": event.ticket,
            "epoch": event.epoch,
            "seq": event.sequence,
            "flags": event.flags,
            "at_ms": event.at_ms,
        }

    def status(self, now: int) -> int:
        """The common bits, and bit 4 while a rating window is open."""
        return super().status(now) | (rk.STATUS_WINDOW_OPEN if self._is_open(now) else 0)

    # The rating window

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        """The window's time is over; that it is closed follows from the time alone, this tells the history."""
        if tag != _WINDOW or not self._ticket or self._is_open(now):
            return []
        return self._close()

    def alarms_off(self) -> Iterable[Alarm]:
        """The window's alarm."""
        return [Alarm(None, _WINDOW)]

    def forget(self) -> None:
        """Without supply there is no window, and the policy is the default."""
        super().forget()
        self._policy = rk.POLICY_UNSOLICITED
        self._ticket = 0
        self._closes_at = 0
        self._rated = False

    def _is_open(self, now: int) -> bool:
        return self._ticket != 0 and now < self._closes_at

    def _read_window(self, now: int) -> Sequence[int]:
        if not self._is_open(now):
            return (0, 0)
        return (self._ticket, -(-(self._closes_at - now) // NS))

    def _check_window(self, now: int, cells: Cells, function: int) -> None:
        if cells == (0, None):
            return
        ticket, seconds = whole(cells, "ticket and seconds of the window")
        if ticket and not seconds:
            raise refuse(f"a window for ticket {ticket} needs 1..65535 seconds; ticket 0 closes it")

    def _set_window(self, now: int, cells: Cells) -> Iterable[Effect]:
        ticket, seconds = cells[0] or 0, cells[1] or 0
        if not ticket:
            return [Alarm(None, _WINDOW), *self._close()] if self._ticket else []
        if ticket != self._ticket or not self._is_open(now):
            self._rated = False
        self._ticket = ticket
        self._closes_at = now + seconds * NS
        return [Alarm(self._closes_at, _WINDOW), Note("window", {"ticket": ticket, "seconds": seconds})]

    def _close(self) -> list[Effect]:
        self._ticket = 0
        return [Note("window", {"ticket": 0, "seconds": 0})]

    def _set_policy(self, now: int, cells: Cells) -> Iterable[Effect]:
        (self._policy,) = whole(cells, "the policy")
        return ()
