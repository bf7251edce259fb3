"""What every port in wall time has in common: the way between a line that keeps true time and a peer that does not.

Towards the collector, characters are handed over when they are complete on the line, never before: a short burst whole,
at its last character, a long one in pieces. From the collector they go to the line's transmitter at the instant they
are read; when that has its fill, the port stops reading, and the collector's writes wait as on a UART.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Final

from bench.clock.wall import WallDriver
from firmware_sim.burst import Burst, LineSettings
from firmware_sim.device import BREAK, FRAMING, NS
from firmware_sim.line import XOFF, XON, Line, Transmitter

PIECE_CHARACTERS: Final = 62
PIECE_NS: Final = 60_000_000
"""A burst longer than 62 characters (what a common USB adapter hands over at once) or 60 ms goes in pieces."""

OUTPUT_BUFFER: Final = 4096
"""Characters that wait for the line before the port stops reading: the transmit buffer of a Linux serial port."""
ROOM: Final = 256
"""... and it reads again when so many have left (WAKEUP_CHARS of the Linux serial core)."""

CLOSING_WAIT: Final = 30 * NS
"""How long what was written before a close may wait for XON (closing_wait of a Linux serial port)."""


class PortUnavailable(Exception):
    """A port cannot be offered; the message says where, why, and what to do."""


class WallPort(ABC):
    """The collector's end of a line in wall time (a `firmware_sim.line.PortEnd`).

    Args:
        line: whose end this is.
        driver: the clock.
        piece: characters handed over at once; 0 hands over whole bursts however long, None is as above.

    Attributes:
        path: of a device file, or None.
        url: for `serial.serial_for_url` and the like, or None.
        is_open: a collector has it open.
        opened: how often one opened it.
        refused: peers turned away because another had the port.
        overruns: characters lost because the collector did not read them.
        received: characters taken from the collector.
        delivered: characters handed to it.
        settings: of the collector's end, as far as the port can know them.
        xonxoff_in_force: XON and XOFF of the device hold the collector's output.
        on_change: called with this port when a collector opens or closes it, or its settings change.
    """

    kind: ClassVar[str]

    def __init__(self, line: Line, driver: WallDriver, *, piece: int | None = None) -> None:
        self.line = line
        self.driver = driver
        self.clockwork = driver.clockwork
        self.path: Path | None = None
        self.url: str | None = None
        self.is_open = False
        self.opened = 0
        self.refused = 0
        self.overruns = 0
        self.received = 0
        self.delivered = 0
        self.on_change: Callable[[WallPort], Any] = lambda _port: None
        self._piece = piece
        self._transmitter: Transmitter | None = None
        self._pending: deque[list[Any]] = deque()  # [burst, characters handed over]
        self._waits_for_room = False
        self._break_since: int | None = None
        self._openings = 0

    # -- what each kind does ----------------------------------------------------------------------------------------
    @abstractmethod
    async def _start(self) -> None:
        """Make the port reachable."""

    @abstractmethod
    async def _end(self) -> None:
        """Take it away; nothing is read or handed over any more."""

    @abstractmethod
    def _hand_over(self, data: bytes) -> int:
        """Give characters to the collector at once; returns how many it (or the kernel for it) took."""

    @abstractmethod
    def _hold_reading(self, hold: bool) -> None:
        """Stop taking characters from the collector, or take them again."""

    @property
    def settings(self) -> LineSettings:
        """Settings of the collector's end: the line's, where a port knows no others."""
        return self.line.settings

    @property
    def xonxoff_in_force(self) -> bool:
        """Whether the collector's end obeys XON and XOFF."""
        return False

    # -- life -------------------------------------------------------------------------------------------------------
    async def open(self) -> None:
        """Offer the port, and take the collector's end of the line.

        Raises:
            PortUnavailable: the path, address or URL cannot be had.
        """
        await self._start()
        self._take_line()

    async def close(self) -> None:
        """Take the port away: a collector that has it open sees it vanish."""
        await self._end()
        self._collector_left(at_once=True)
        self._leave_line()

    async def unplug(self) -> None:
        """Pull the plug: the same as `close`, and `replug` undoes it."""
        await self.close()

    async def replug(self) -> None:
        """Put the port back under the same name."""
        await self.open()

    def _take_line(self) -> None:
        self._transmitter = self._safely(self.line.attach_port, self)

    def _leave_line(self) -> None:
        if self._transmitter is not None and self.line.master is self._transmitter:
            self._safely(self.line.attach_port, None)
        self._transmitter = None

    def _safely(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Do something to the line at the present instant; an error there is the bench's, not the event loop's."""
        try:
            return self.driver.stimulus(fn, *args)
        except Exception as exc:  # a model failed: the clock stops and whoever waits on it is told
            self.driver.fail(exc)
            return None

    # -- the collector's side ---------------------------------------------------------------------------------------
    def _collector_came(self) -> None:
        self.is_open = True
        self.opened += 1
        self._openings += 1
        self._forget_unread()
        self.on_change(self)

    def _collector_left(self, *, at_once: bool = False) -> None:
        """A collector closed the port: what it did not read is gone, what it wrote goes out first."""
        if not self.is_open:
            return
        self.is_open = False
        self._forget_unread()
        self._set_break(False)
        transmitter = self._transmitter
        if transmitter is not None and transmitter.held and not at_once:
            self._safely(self._close_held_output_later, self._openings)
        self.on_change(self)

    def _forget_unread(self) -> None:
        """What is on its way to a collector that left is for nobody, nor for the next one."""
        self._pending.clear()

    def _close_held_output_later(self, openings: int) -> None:
        self.clockwork.call_at(self.clockwork.now + CLOSING_WAIT, self._give_up_held_output, openings)

    def _give_up_held_output(self, openings: int) -> None:
        if self._openings == openings and self._transmitter is not None and self.line.master is self._transmitter:
            self.line.drop_output()
            self.line.release()

    def _from_collector(self, data: bytes, *, again: bool = False) -> None:
        """Characters were read from the collector; `again`: not by the first reading since the loop woke."""
        self.received += len(data)
        try:
            if again:
                self.driver.stimulus(self._send, data)
            else:
                self.driver.arrival(self._send, data)
        except Exception as exc:  # as in `_safely`
            self.driver.fail(exc)

    def _send(self, data: bytes) -> None:
        transmitter, line = self._transmitter, self.line
        if transmitter is None or line.master is not transmitter:
            return
        line.transmit(transmitter, data)
        if self._waits_for_room or not (transmitter.queue or len(data) >= OUTPUT_BUFFER):
            return
        if line.unsent() >= OUTPUT_BUFFER:
            self._waits_for_room = True
            self._hold_reading(True)

    def _flow_control_changed(self) -> None:
        """The collector gave up XON/XOFF: nothing may hold its output any more."""
        transmitter = self._transmitter
        if transmitter is not None and transmitter.held and not self.xonxoff_in_force:
            self._safely(self.line.release)

    def _forget_input(self) -> None:
        """The collector emptied its receive buffer: what is complete on the line by now is forgotten too."""
        now = self.driver.now_ns()
        for entry in self._pending:
            entry[1] = max(entry[1], entry[0].arrived(now))

    def _set_break(self, on: bool) -> None:
        """The collector holds its output at break, or lets go: then the devices hear how long it was."""
        self._safely(self._change_break, on)

    def _change_break(self, on: bool) -> None:
        now = self.clockwork.now
        if on:
            self._break_since = now if self._break_since is None else self._break_since
            return
        since, self._break_since = self._break_since, None
        if since is not None and now > since:
            for device in self.line.devices:
                self.line.apply(device, device.hear(now, b"\x00", since, now, {0: BREAK | FRAMING}))

    # -- called by the line -----------------------------------------------------------------------------------------
    def incoming(self, burst: Burst) -> None:
        """A burst towards the collector has begun."""
        if self.is_open:
            self._expect(burst)

    def _expect(self, burst: Burst) -> None:
        """Hand over a burst as its characters become complete."""
        entry = [burst, 0]
        self._pending.append(entry)
        self._next_piece(entry)

    def transmitted(self) -> None:
        """Characters left the transmitter."""
        if self._waits_for_room and self.line.unsent() <= OUTPUT_BUFFER - ROOM:
            self._waits_for_room = False
            self._hold_reading(False)

    def _next_piece(self, entry: list[Any]) -> None:
        burst, clockwork = entry[0], self.clockwork
        now, at, length = clockwork.now, burst.end, len(burst.data)
        piece = self._piece
        if piece is None:
            piece = PIECE_CHARACTERS
            if at - now > PIECE_NS:
                piece = max(1, min(piece, PIECE_NS * burst.settings.char_den // burst.settings.char_num))
        if 0 < piece < length:
            upto = burst.arrived(now) + piece
            if upto < length:
                at = burst.when(upto)
        if at < now:
            at = now
        self.driver.frame_due(at)
        clockwork.call_at(at, self._piece_complete, entry)

    def _piece_complete(self, entry: list[Any]) -> None:
        """Hand over what has arrived, first what belongs to earlier bursts (one that was cut ends early)."""
        now = self.clockwork.now
        self.driver.frame_came(now)
        pending = self._pending
        if len(pending) == 1 and entry[1] == 0 and entry[0].end == now and pending[0] is entry:
            pending.clear()  # nearly every burst: a whole reply at its end
            self._give(entry[0], entry[0].data, now)
            return
        while pending:
            burst, done = pending[0]
            arrived = burst.arrived(now)
            if arrived > done:
                self._give(burst, bytes(burst.data[done:arrived]), burst.when(arrived))
                pending[0][1] = arrived
            if burst.end > now:
                break
            pending.popleft()
        if entry[0].end > now:
            self._next_piece(entry)

    def _give(self, burst: Burst, data: bytes, due: int) -> None:
        if self._strips_flow_control and (XON in data or XOFF in data) and self.xonxoff_in_force:
            data = data.translate(None, bytes((XON, XOFF)))
        if not data:
            return
        self.driver.until_due()
        taken = self._hand_over(data)
        self.driver.frame_left(due)
        self.delivered += taken
        self.overruns += len(data) - taken

    _strips_flow_control: ClassVar[bool] = True
    """The port itself keeps XON and XOFF from the collector (a tty's line discipline does it on its own)."""

    # -- telling ----------------------------------------------------------------------------------------------------
    def describe(self) -> dict[str, Any]:
        """What there is to say of the port now, as JSON takes it."""
        return {
            "line": self.line.name,
            "kind": self.kind,
            "path": None if self.path is None else str(self.path),
            "url": self.url,
            "settings": str(self.line.settings),
            "port_settings": str(self.settings),
            "open": self.is_open,
            "opened": self.opened,
            "refused": self.refused,
            "received": self.received,
            "delivered": self.delivered,
            "overruns": self.overruns,
        }
