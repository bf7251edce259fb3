"""The control panel of an OSDP line, sans-IO: polls each keypad in turn, takes each key once (protocols.md 3.2 [C]).

A reply that does not come is asked for again under the same sequence number, so that a key is neither lost nor told
twice; after three misses the keypad is down and is begun anew with sequence 0. A key is stored before the next command
confirms it: while the store fails the same poll is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from bench.controller.conversation import Tell
from bench.controller.rows import StoreFailed
from firmware_sim.burst import LineSettings
from firmware_sim.device import MS, NS, Alarm, Effect, Flaws, Send, Watch
from protocol import osdp
from protocol.osdp import Answer, Command, Packet, Reader

GO: Final = "go"
LATE: Final = "late"
DOWN_AFTER: Final = 3

_PATIENCE: Final = 200 * MS
"""A device answers within 200 ms (protocols.md 3.2)."""

_PAUSE: Final = 20 * MS
_BACK_OFF: Final = 4 * NS
_LONGEST_REPLY: Final = 64

Effects = Sequence[Effect]


class _Panel:
    """What is known of one keypad."""

    __slots__ = ("address", "down", "due", "failures", "name", "sequence", "wishes")

    def __init__(self, name: str, address: int) -> None:
        self.name = name
        self.address = address
        self.sequence = 0
        self.failures = 0
        self.down = False
        self.due = 0
        self.wishes: list[tuple[int, bytes]] = []


class OsdpMaster:
    """The house's end of an OSDP bus.

    Args:
        name: what histories call it.
        settings: of the line.
        units: (name, address) of the keypads.
        rated: called with (now, device, value) for each key 1..9; raises StoreFailed when it is not safe.
        tell: where notes go: `down`, `up` {device, why}, `refused` {device, nak}, `tamper`, `supply_low` {device, on},
            `store_failed` {device, why}.
        poll: ns between two polls of one keypad.
    """

    watch: Watch | None = None

    def __init__(
        self,
        name: str,
        settings: LineSettings,
        units: Sequence[tuple[str, int]],
        rated: Callable[[int, str, int], None],
        tell: Tell,
        *,
        poll: int = NS // 2,
    ) -> None:
        self.name = name
        self._settings = settings
        self._rated = rated
        self._tell = tell
        self._period = poll
        self._panels = [_Panel(unit, address) for unit, address in units]
        self._reader = Reader()
        self._asked: _Panel | None = None
        self._command = 0
        self._deadline = 0
        self._free_at = 0
        self._tampered: dict[str, tuple[int, int]] = {}

    # -- driven from outside ------------------------------------------------------------------------------------------
    def start(self, now: int) -> Effects:
        """Begin with the first poll of each."""
        for place, panel in enumerate(self._panels):
            panel.due = now + place * _PAUSE
        return self._rest(now)

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Effects:
        """A keypad answers; what is damaged is no answer."""
        if flaws:
            data = bytes(char for index, char in enumerate(data) if index not in flaws)
        self._free_at = last + _PAUSE
        for item in self._reader.feed(data):
            panel = self._asked
            if isinstance(item, Packet) and item.reply and panel is not None and item.address == panel.address:
                return self._answered(now, panel, item)
        return ()

    def wake(self, now: int, tag: str) -> Effects:
        """A poll is due, or an answer is late."""
        if tag == LATE:
            if self._asked is None or now < self._deadline:
                return ()
            return self._missed(now, self._asked, "no answer")
        if self._asked is not None:
            return ()
        panel = min(self._panels, key=lambda one: one.due, default=None)
        if panel is None or panel.due > now or now < self._free_at:
            return self._rest(now)
        return self._ask(now, panel)

    # -- one exchange -------------------------------------------------------------------------------------------------
    def _ask(self, now: int, panel: _Panel) -> Effects:
        code, data = panel.wishes[0] if panel.wishes and panel.sequence else (Command.POLL, b"")
        frame = Packet(panel.address, False, panel.sequence, True, code, data).wire(mark=True)
        self._asked, self._command = panel, code
        self._reader = Reader()
        self._deadline = now + self._settings.duration(len(frame) + _LONGEST_REPLY) + _PATIENCE
        return (Send(frame), Alarm(self._deadline, LATE))

    def _missed(self, now: int, panel: _Panel, why: str) -> Effects:
        self._asked = None
        panel.failures += 1
        panel.due = now + _PAUSE
        if panel.failures >= DOWN_AFTER:
            panel.sequence = 0
            panel.due = now + _BACK_OFF
            if not panel.down:
                panel.down = True
                self._tell(now, "down", {"device": panel.name, "why": why})
        return self._rest(now)

    def _answered(self, now: int, panel: _Panel, packet: Packet) -> Effects:
        if packet.code == Answer.NAK:
            why = packet.data[0] if packet.data else 0
            self._tell(now, "refused", {"device": panel.name, "nak": why})
            if why == osdp.Nak.SEQUENCE:
                panel.sequence = 0
                return self._done(now, panel, advance=False)
            return self._done(now, panel) if why != osdp.Nak.CHECK else self._missed(now, panel, "its check failed")
        if packet.sequence != panel.sequence:
            return ()
        self._is_there(now, panel)
        if packet.code == Answer.KEYPAD:
            try:
                self._keys(now, panel, packet.data)
            except StoreFailed as failure:
                self._tell(now, "store_failed", {"device": panel.name, "why": str(failure)})
                self._asked = None
                panel.due = now + NS
                return self._rest(now)
        elif packet.code == Answer.LSTATR and len(packet.data) == 2:
            self._status(now, panel, packet.data)
        return self._done(now, panel)

    def _keys(self, now: int, panel: _Panel, data: bytes) -> None:
        for char in data[2 : 2 + (data[1] if len(data) > 1 else 0)]:
            if 0x31 <= char <= 0x39:
                self._rated(now, panel.name, char - 0x30)

    def _status(self, now: int, panel: _Panel, data: bytes) -> None:
        before = self._tampered.get(panel.name, (0, 0))
        for kind, was, now_is in zip(("tamper", "supply_low"), before, data, strict=True):
            if was != now_is:
                self._tell(now, kind, {"device": panel.name, "on": bool(now_is)})
        self._tampered[panel.name] = (data[0], data[1])

    def _is_there(self, now: int, panel: _Panel) -> None:
        panel.failures = 0
        if panel.down:
            panel.down = False
            self._tell(now, "up", {"device": panel.name})

    def _done(self, now: int, panel: _Panel, *, advance: bool = True) -> Effects:
        self._asked = None
        self._is_there(now, panel)
        if advance:
            panel.sequence = panel.sequence % 3 + 1
            if panel.wishes and self._command == panel.wishes[0][0]:
                panel.wishes.pop(0)
        panel.due = max(panel.due + self._period, now)
        return self._rest(now)

    def _rest(self, now: int) -> Effects:
        due = min((panel.due for panel in self._panels), default=None)
        return () if due is None else (Alarm(max(now, self._free_at, due), GO),)
