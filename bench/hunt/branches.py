"""Which branches of the protocol a run has taken: what a campaign never saw, it has not tried.

A `Watcher` listens to the program's lines and to the devices and counts. It reads Modbus RTU and profile RK-1; of other
protocols it counts what needs no reading of frames (characters that were damaged, ports opened again, reboots).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from bench.ports.mounts import MOUNTS
from firmware_sim.device import Note
from protocol.modbus.maps.reference_keypad import EVENT_WORDS, FLAG_OVERFLOWED, REFERENCE_KEYPAD
from protocol.modbus.pdu import FC
from protocol.modbus.rtu import is_sound, request_length

__all__ = ["BRANCHES", "UNSEEN_ON_PORTS", "Watcher"]

BRANCHES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "no reply": "a request that nobody answered before the next one",
        "damaged reply": "a reply with damaged characters or a checksum that does not fit",
        "retry taken": "a request sent again because its reply did not come, or came damaged",
        "late reply": "a reply that came after the next request had been sent",
        "foreign reply": "a sound reply of a unit that was not asked",
        "exception answered": "an exception reply",
        "stale bytes": "characters unread in the port's buffer when the next request was sent",
        "event offered again": "an event that had been read before",
        "acknowledgement repeated": "an acknowledgement sent a second time",
        "overflow flag seen": "an event read that carries the overflow flag, or a count of lost events",
        "losses acknowledged": "the count of lost events, acknowledged",
        "queue overflowed": "a press that pushed an unread one out",
        "sequence wrapped": "a sequence number that began again at 0 in its epoch",
        "reboot": "a keypad that started anew while the program ran",
        "reboot noticed": "an event, or the epoch register, read with a new boot epoch",
        "clerk changed": "another clerk at a keypad while the program ran",
        "port opened again": "a port that the program opened more than once",
        "three or more at once": "three events or more in one reply",
    }
)
"""Branch -> what it is."""

UNSEEN_ON_PORTS: Final = frozenset({"stale bytes"})
"""Branches that nobody outside a program on a real port can see: its buffer is the kernel's."""

_EVENTS: Final = REFERENCE_KEYPAD["events"].address
_ACK: Final = REFERENCE_KEYPAD["acknowledge"].address
_EPOCH: Final = REFERENCE_KEYPAD["epoch"].address
_LOST: Final = REFERENCE_KEYPAD["lost"].address
_PROGRAM: Final = "port"
_BLOCK: Final = 2 * EVENT_WORDS
_WRAP_FROM: Final = 0xF000


@dataclass(slots=True)
class _Line:
    """What was said last on one line."""

    request: bytes = b""
    answered: bool = True
    good: bool = True
    before: bytes = b""
    ack: bytes = b""
    damaged: bool = False


@dataclass(slots=True)
class Watcher:
    """Counts branches of one run.

    Args:
        lines: the program's.

    Attributes:
        counts: branch -> how often.
        exchanges: (function, address) -> [replies, longest reply, longest request, longest reply with events].
        presses: that counted.
    """

    lines: frozenset[str]
    counts: Counter[str] = field(default_factory=Counter)
    exchanges: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    presses: int = 0
    _state: dict[str, _Line] = field(default_factory=dict)
    _seen: set[tuple[int, int, int]] = field(default_factory=set)
    _fresh: set[int] = field(default_factory=set)
    _last: dict[str, tuple[int, int]] = field(default_factory=dict)
    _clerks: set[str] = field(default_factory=set)

    # -- the line ---------------------------------------------------------------------------------------------------
    def burst(self, start: int, line: str, src: str, data: bytes, flaws: int, end: int) -> None:
        """A burst has ended (a `firmware_sim.line.BurstSink`)."""
        if line not in self.lines or not data:
            return
        state = self._state.setdefault(line, _Line())
        if src == _PROGRAM:
            self._request(line, state, data, start, flaws)
        elif src != "noise":
            self._reply(state, data, flaws)

    def _request(self, line: str, state: _Line, data: bytes, start: int, flaws: int) -> None:
        mount = MOUNTS.get(line)
        port = mount.holder() if mount is not None and mount.holder is not None else None
        if mount is not None and mount.opened > 1:
            self.counts["port opened again"] = max(self.counts["port opened again"], mount.opened - 1)
        uart = getattr(port, "_uart", None)
        if uart is not None:
            self.counts["stale bytes"] += uart.have(start) > 0
        if state.request and not state.answered and state.request[:1] != b"\0":
            self.counts["no reply"] += 1
        same = state.request == data or (state.damaged and len(state.request) == len(data))
        if same and not (state.answered and state.good):
            self.counts["retry taken"] += 1
        state.damaged = flaws > 0
        if is_sound(data) and len(data) >= 8 and data[1] == FC.WRITE_REGISTERS and data[2:4] == _ACK.to_bytes(2, "big"):
            self.counts["acknowledgement repeated"] += state.ack == data
            state.ack = data
        state.before, state.request = state.request, data
        state.answered, state.good = False, True

    def _reply(self, state: _Line, data: bytes, flaws: int) -> None:
        request = state.request
        if not request:
            return
        if state.answered:
            self.counts["late reply"] += not (is_sound(data) and request_length(data) == len(data))
        if flaws or not is_sound(data):
            self.counts["damaged reply"] += 1
            state.answered, state.good = True, False
            return
        if data[0] != request[0]:
            late = state.before[:2] == data[:2]
            self.counts["late reply" if late else "foreign reply"] += 1
            return
        state.answered = state.good = True
        if data[1] & 0x80:
            self.counts["exception answered"] += 1
            state.good = False
            return
        if is_sound(request) and len(request) >= 8:
            self._exchange(request, data)

    def _exchange(self, request: bytes, reply: bytes) -> None:
        function, address = request[1], int.from_bytes(request[2:4], "big")
        row = self.exchanges.setdefault((function, address), [0, 0, 0, 0])
        row[0] += 1
        row[1], row[2] = max(row[1], len(reply)), max(row[2], len(request))
        if function != FC.READ_INPUTS or len(reply) < 5:
            return
        words = reply[3:-2]
        if address == _EVENTS:
            row[3] = max(row[3], self._events(reply[0], words))
            return
        count = len(words) // 2
        if address <= _LOST < address + count and int.from_bytes(words[2 * (_LOST - address) :][:2], "big"):
            self.counts["overflow flag seen"] += 1
        if address <= _EPOCH < address + count and reply[0] in self._fresh:
            self._fresh.discard(reply[0])
            self.counts["reboot noticed"] += 1

    def _events(self, unit: int, words: bytes) -> int:
        """Look at the events in a reply; returns the number of characters they take."""
        found = 0
        for at in range(0, len(words) - _BLOCK + 1, _BLOCK):
            block = words[at : at + _BLOCK]
            if block == b"\xff" * _BLOCK:
                break
            found += 1
            epoch, sequence = int.from_bytes(block[:2], "big"), int.from_bytes(block[2:4], "big")
            key = unit, epoch, sequence
            self.counts["event offered again"] += key in self._seen
            self._seen.add(key)
            self.counts["overflow flag seen"] += bool(block[4] & FLAG_OVERFLOWED)
            if unit in self._fresh and epoch > 1:
                self._fresh.discard(unit)
                self.counts["reboot noticed"] += 1
        self.counts["three or more at once"] += found >= 3
        return found * _BLOCK

    # -- the devices ------------------------------------------------------------------------------------------------
    def note(self, units: Mapping[str, int], device: str, note: Note) -> None:
        """A device told something; `units` are the addresses of the keypads."""
        if device not in units:
            return
        facts: Mapping[str, Any] = note.facts
        if note.kind == "press":
            self.presses += 1
            epoch, sequence = int(facts["epoch"]), int(facts["seq"])
            before = self._last.get(device)
            if before is not None and before[0] == epoch and before[1] >= _WRAP_FROM > sequence:
                self.counts["sequence wrapped"] += 1
            self._last[device] = epoch, sequence
        elif note.kind == "boot":
            self.counts["reboot"] += 1
            self._fresh.add(units[device])
        elif note.kind == "overflow":
            self.counts["queue overflowed"] += 1
        elif note.kind == "ack_lost":
            self.counts["losses acknowledged"] += 1
        elif note.kind == "login":
            self.counts["clerk changed"] += device in self._clerks
            self._clerks.add(device)
