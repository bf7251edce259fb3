"""A line's port as a pseudo-terminal under a stable name: any program in any language opens it as a serial device.

What a pseudo-terminal shows of a serial port and what it cannot is in docs/ports.md. In short: baud rate, stop bits
and odd parity of the collector are seen and a mismatch is garbled; even parity and 7 bits are not seen; modem lines,
RS-485 modes and break do not exist.

The master side alone is kept open: with no collector a read of it says so (EIO), and settings can be read and changed
through it. The C library refuses to set parity or 7 bits on a pseudo-terminal when the call changes nothing else
(EINVAL), which is what a restarted collector does. So on the settings that a collector left, IGNBRK is set, which
means nothing here (no break ever comes) and which every program clears: its next call changes something.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import select
import struct
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Final, TypeAlias

from bench.clock.wall import WallDriver
from bench.ports.claim import Claim
from bench.ports.openings import IN_OPEN, Openings
from bench.ports.wall_port import PortUnavailable, WallPort
from firmware_sim.burst import LineSettings
from firmware_sim.line import Line

Fields: TypeAlias = tuple[int, int, int, int, int, bytes, int, int]
_TERMIOS2: Final = struct.Struct("4IB19s2I")
"""struct termios2 of Linux: iflag, oflag, cflag, lflag, line, cc, ispeed, ospeed; speeds are plain numbers in it."""
TCGETS2: Final = 0x802C542A
TCSETS2: Final = 0x402C542B
TCSETSF2: Final = 0x402C542D
_UNREAD: Final = bytes(_TERMIOS2.size)
CBAUD: Final = 0o10017
BOTHER: Final = 0o10000
CBAUD_IN: Final = CBAUD << 16

READ_SIZE: Final = 4097
"""One byte of packet mode in front of at most a buffer of characters."""
READS_AT_ONCE: Final = 8

PLAIN_BITS: Final = 8
MARK_EVERY_S: Final = 0.005
"""How often the settings of an open port are looked at on lines where the C library's refusal can come."""


class PtyPort(WallPort):
    """The collector's end of a line as a pseudo-terminal.

    Args:
        line: whose end this is.
        driver: the clock.
        link: the stable name; a symbolic link to the terminal of the day.
        piece: see `WallPort`.
    """

    kind: ClassVar[str] = "pty"
    _strips_flow_control: ClassVar[bool] = False

    def __init__(self, line: Line, driver: WallDriver, link: Path, *, piece: int | None = None) -> None:
        super().__init__(line, driver, piece=piece)
        self.path = link
        self._claim: Claim | None = None
        self._master = -1
        self._unwatch: Callable[[], None] = lambda: None
        self._reads = False
        self._news_due = False
        self._raw = b""
        self._seen: LineSettings | None = None
        self._just_looked = False  # while characters are taken in, their settings are known
        self._unsaid = False  # settings were seen to have changed, and nothing has followed from that yet
        self._ixon = False
        self._timer: asyncio.TimerHandle | None = None

    # -- life -------------------------------------------------------------------------------------------------------
    async def _start(self) -> None:
        if sys.platform != "linux":
            raise PortUnavailable(
                f"port {self.path}: pseudo-terminals are offered on Linux only; use a TCP or RFC 2217 port instead"
            )
        assert self.path is not None
        if self._claim is None:
            self._claim = Claim(self.path, f"line {self.line.name}")
        try:
            self._make_terminal()
        except BaseException:
            self._drop_terminal()
            self._claim.release()
            self._claim = None
            raise

    def _make_terminal(self) -> None:
        assert self._claim is not None
        try:
            self._master, slave = os.openpty()
        except OSError as exc:
            raise PortUnavailable(f"port {self.path}: the system has no pseudo-terminal left: {exc.strerror}") from exc
        name = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self._master, False)
        fcntl.ioctl(self._master, termios.TIOCPKT, struct.pack("i", 1))
        self._set_up()
        try:
            self._unwatch = Openings.watch(self.driver.loop, name, self._opened_or_closed)
        except OSError as exc:
            raise PortUnavailable(f"port {self.path}: openings cannot be watched: {exc.strerror}") from exc
        self._claim.point(name)

    def _set_up(self) -> None:
        """What a collector finds that sets nothing: raw, at the line's settings."""
        iflag, _oflag, cflag, _lflag, discipline, cc, _ispeed, _ospeed = self._get()
        settings = self.line.settings
        cflag &= ~(termios.CSIZE | termios.PARENB | termios.PARODD | termios.CSTOPB | CBAUD | CBAUD_IN)
        cflag |= termios.CS8 | termios.CREAD | termios.CLOCAL | BOTHER
        if settings.parity in "OM":
            cflag |= termios.PARODD
        if settings.stop_bits > 1:
            cflag |= termios.CSTOPB
        iflag = termios.IGNBRK
        self._put(TCSETSF2, (iflag, 0, cflag, 0, discipline, cc, settings.baud, settings.baud))

    async def _end(self) -> None:
        self._drop_terminal()
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def _drop_terminal(self) -> None:
        self._unwatch()
        self._unwatch = lambda: None
        self._stop_timer()
        self._read_on(False)
        if self._claim is not None:
            self._claim.withdraw()
        if self._master >= 0:
            os.close(self._master)
            self._master = -1
        self._raw = b""
        self._seen = None
        self._unsaid = False
        self._ixon = False

    async def unplug(self) -> None:
        """Pull the adapter out: the name vanishes, and a collector's next read or write of it fails."""
        self._drop_terminal()
        self._collector_left(at_once=True)
        self._leave_line()

    # -- who has it open --------------------------------------------------------------------------------------------
    def _opened_or_closed(self, mask: int) -> None:
        if self._master < 0:
            return
        if mask & IN_OPEN:
            if self._news_due:
                self._news_due = False
            elif self.is_open:
                self.opened += 1  # a second program, or a second descriptor of the first
            else:
                self._collector_came()
                self._watch_settings()
        if not self._waits_for_room:
            self._read_on(True)  # after a close, it finds out whether anybody is left
        elif not mask & IN_OPEN and self._transmitter is not None and self._transmitter.held:
            self._safely(self._close_held_output_later, self._openings)

    def _nobody_left(self) -> None:
        """Reading said that nobody has the slave open any more: forget what was not read, let stopped output go."""
        self._read_on(False)
        self._stop_timer()
        self._news_due = False
        self._look()
        self._collector_left()
        left = self._get()
        # Without IXON what XOFF stopped is let go: the next collector starts unstopped.
        iflag = (left[0] | termios.IGNBRK) & ~termios.IXON
        # Still: the settings of one that has come meanwhile are not touched. One that opens and sets between this look
        # and the next line is overwritten: no ioctl sets on a condition, and the one that keeps others out meanwhile
        # (TIOCSPTLCK) fails their open with EIO, which is worse.
        if self._is_closed():
            self._put(TCSETSF2, (iflag, *left[1:]))

    def _is_closed(self) -> bool:
        """Whether nobody has the slave open at this moment."""
        poller = select.poll()
        poller.register(self._master, 0)
        return any(events & select.POLLHUP for _, events in poller.poll(0))

    def _watch_settings(self) -> None:
        """Keep IGNBRK set while a port is open, on lines whose collectors need it (see the module's text)."""
        if self._needs_mark and self._timer is None:
            self._timer = self.driver.loop.call_later(MARK_EVERY_S, self._mark, self._raw)

    def _mark(self, before: bytes) -> None:
        self._timer = None
        if not self.is_open or self._master < 0:
            return
        self._look()
        # Only settings that have stood still for a while: a program may be in the middle of setting them.
        if self._raw == before:
            self._set_mark()
        self._watch_settings()

    def _set_mark(self) -> None:
        fields: Fields = _TERMIOS2.unpack(self._raw)
        if not fields[0] & termios.IGNBRK:
            self._put(TCSETS2, (fields[0] | termios.IGNBRK, *fields[1:]))

    @property
    def _needs_mark(self) -> bool:
        settings = self.line.settings
        return settings.parity != "N" or settings.data_bits != PLAIN_BITS

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- settings ---------------------------------------------------------------------------------------------------
    def _get(self) -> Fields:
        return _TERMIOS2.unpack(fcntl.ioctl(self._master, TCGETS2, _UNREAD))

    def _put(self, request: int, fields: Fields) -> None:
        fcntl.ioctl(self._master, request, _TERMIOS2.pack(*fields))

    def _look(self) -> None:
        """Read the collector's settings off the master side, and note when they have changed.

        Whoever looks first sees a change (the line asks at any time, and a close looks once more, when the next
        collector may be there already): it is kept for `_readable`.
        """
        if self._master < 0:
            return
        raw = fcntl.ioctl(self._master, TCGETS2, _UNREAD)
        if raw == self._raw:
            return
        self._raw = raw
        before = self._seen, self._ixon
        iflag, _oflag, cflag, _lflag, _discipline, _cc, _ispeed, baud = _TERMIOS2.unpack(raw)
        self._ixon = bool(iflag & termios.IXON)
        line = self.line.settings
        odd_here = line.parity in "OM"
        parity = line.parity if bool(cflag & termios.PARODD) == odd_here else "N" if odd_here else "O"
        stop: float = 1
        if cflag & termios.CSTOPB:
            stop = line.stop_bits if line.stop_bits > 1 else 2
        settings = LineSettings(baud or line.baud, line.data_bits, parity, stop)
        # One object for equal settings: the line compares identities first, once for each burst.
        self._seen = line if settings == line else settings
        self._unsaid |= before != (self._seen, self._ixon)

    @property
    def settings(self) -> LineSettings:
        """Baud rate, stop bits and odd parity as the collector set them; the line's where a pty hides them."""
        if not self.is_open:
            return self.line.settings
        if not self._just_looked:
            self._look()
        return self._seen or self.line.settings

    @property
    def xonxoff_in_force(self) -> bool:
        """The collector set IXON: the kernel holds its writes at XOFF, and the line what it had taken of them."""
        self._look()
        return self._ixon

    # -- characters -------------------------------------------------------------------------------------------------
    def _hold_reading(self, hold: bool) -> None:
        self._read_on(not hold)

    def _read_on(self, on: bool) -> None:
        if on != self._reads and self._master >= 0:
            self._reads = on
            if on:
                self.driver.loop.add_reader(self._master, self._readable)
            else:
                self.driver.loop.remove_reader(self._master)

    def _readable(self) -> None:
        for n in range(READS_AT_ONCE):
            if not self._reads:
                return
            try:
                packet = os.read(self._master, READ_SIZE)
            except BlockingIOError:
                return
            except OSError:  # EIO: the last descriptor of the slave was closed
                self._nobody_left()
                return
            if not self.is_open:
                if packet[0] != termios.TIOCPKT_DATA:
                    continue  # an echo of our own change of settings
                self._collector_came()  # its characters came before the news of its opening
                self._news_due = True
                self._watch_settings()
            self._look()
            if self._unsaid:
                self._unsaid = False
                self._flow_control_changed()
                self.on_change(self)
            if packet[0] == termios.TIOCPKT_DATA:
                self._just_looked = True
                self._from_collector(packet[1:], again=n > 0)
                self._just_looked = False
                if self._needs_mark:
                    self._set_mark()  # it waits for an answer now, and sets nothing
                if len(packet) < READ_SIZE:
                    return
            else:
                self._told(packet[0])

    def _told(self, status: int) -> None:
        """What packet mode says besides characters."""
        if status & termios.TIOCPKT_FLUSHREAD:
            self._forget_input()
        if status & termios.TIOCPKT_FLUSHWRITE and self._transmitter is self.line.master:
            self._safely(self.line.drop_output)

    def _hand_over(self, data: bytes) -> int:
        try:
            return os.write(self._master, data)
        except BlockingIOError:
            return 0
        except OSError:
            return 0  # EIO: nobody has it open any more; the reader is about to find that out
