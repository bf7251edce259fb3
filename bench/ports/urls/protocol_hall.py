"""`hall://NAME`: the collector's end of a line as a pyserial port, in simulated time.

`serial.serial_for_url("hall://keypads")` opens it; `serial.Serial("/dev/ttyUSB0")` does too when the path is mapped
to a line. It behaves as pyserial documents its POSIX ports: `timeout`, `inter_byte_timeout`, `write_timeout`,
`in_waiting`, `flush`, buffer resets, settings changes, iteration. pyserial finds this module by its name.

Every thread of a collector may use it, and `select`, `selectors` and asyncio wait for its `fileno()`, which is a handle
(of the null device): what is read from that directly is nothing. What it cannot do: RTS/CTS hand-shaking of output.
"""

from __future__ import annotations

import errno
import weakref
from typing import Any

import serial
from serial.serialutil import PortNotOpenError, SerialException, SerialTimeoutException, to_bytes

from bench.clock.actors import NEVER, Actor
from bench.clock.descriptors import drop_handle, new_handle
from bench.clock.kernel import current
from bench.ports import mounts
from bench.ports.uart import Uart
from firmware_sim.burst import LineSettings
from firmware_sim.device import BREAK, FRAMING, NS
from firmware_sim.line import XOFF, XON, Line, Transmitter

OUTPUT_BUFFER = 4096
"""Characters a write can leave behind before it waits: the transmit buffer of a Linux serial port (one page)."""

WAKEUP = 256
"""Room that a waiting write waits for (WAKEUP_CHARS of the Linux serial core): not one character at a time."""

CLOSING_WAIT = 30 * NS
"""How long close lets go out what was written (closing_wait of a Linux serial port)."""


class _Ends:
    """What a wait for a port's handle looks at (a `descriptors.Pollable`): not the port, or a handle kept it alive."""

    __slots__ = ("_line", "_transmitter", "_uart", "readable_at")

    def __init__(self, uart: Uart, line: Line, transmitter: Transmitter) -> None:
        self._uart = uart
        self._line = line
        self._transmitter = transmitter
        self.readable_at = uart.readable_at

    def writable_at(self, now: int) -> int:
        """As `Pollable`."""
        transmitter = self._transmitter
        if transmitter.current is None and not transmitter.queue:
            return now
        return now if self._line.unsent() < OUTPUT_BUFFER else NEVER

    def watch(self, actor: Actor) -> None:
        """As `Pollable`."""
        self._uart.readers[actor] = 0
        if self._transmitter.queue:
            self._uart.draining[actor] = None

    def unwatch(self, actor: Actor) -> None:
        """As `Pollable`."""
        self._uart.readers.pop(actor, None)
        self._uart.draining.pop(actor, None)


class Serial(serial.Serial):  # type: ignore[misc]
    """A pyserial port on a line of the hall."""

    is_open: bool
    _lost = False  # the port disappeared while it was open, see `vanish`

    # -- opening and closing ----------------------------------------------------------------------------------------
    def open(self) -> None:
        """Open the port; SerialException says which ports there are when this one is not."""
        if self._port is None:
            raise SerialException("Port must be configured before it can be used.")
        if self.is_open:
            raise SerialException("Port is already open.")
        name = mounts.line_name(self._port)
        mount = mounts.MOUNTS.get(name or "")
        if mount is None:
            raise SerialException(f"could not open port {self._port}: no such line; there are: {mounts.known()}")
        if mount.gone:
            raise SerialException(
                errno.ENOENT, f"could not open port {self._port}: [Errno 2] No such file or directory: '{self._port}'"
            )
        if current() is not mount.kernel:
            raise SerialException(
                f"could not open port {self._port}: this thread does not wait in simulated time; "
                "open and use the port in the thread that runs the collector"
            )
        if mount.holder is not None:
            raise SerialException(
                f"could not open port {self._port}: line {name} is open already in this program "
                "(a line has one collector's end)"
            )
        self._mount = mount
        self._kernel = mount.kernel
        self._line = mount.line
        self._clockwork = mount.kernel.clockwork
        self._break_since: int | None = None
        self._handle: int | None = None
        self._uart = Uart(mount.kernel, mount.line.settings, mount.chunk)
        self._reconfigure_port(force_update=True)
        self._transmitter = self._line.attach_port(self._uart)
        mount.holder = weakref.ref(self)  # a port that a program just drops is closed by that, and can be opened again
        mount.opened += 1
        self._lost = False
        self.is_open = True
        self._line.drive(rts=self._rts_state or self._rtscts, dtr=self._dtr_state or self._dsrdtr)

    def close(self) -> None:
        """Close the port: what was not read is gone, what was written goes out first (for half a minute at most)."""
        if not self.is_open:
            return
        try:
            if current() is self._kernel and not self._kernel.stepping and not self._lost:
                self._drain(self._clockwork.now + CLOSING_WAIT)
        finally:
            self.hang_up()

    def hang_up(self) -> None:
        """Leave the line at once; nothing of the collector's runs."""
        if not self.is_open:
            return
        self.is_open = False
        if not self._lost:
            self._mount.holder = None
        self._uart.clear()
        self._uart.cancel()
        if self._handle is not None:
            drop_handle(self._handle)
            self._handle = None
        if self._kernel.stepping:  # the garbage collector found a dropped port in the middle of something
            self._clockwork.call_at(self._clockwork.now, self._leave_line)
        else:
            self._leave_line()

    def vanish(self) -> None:
        """The port disappears (a fault): it stays open, as a descriptor does, and everything done with it fails."""
        self._lost = True
        self._mount.holder = None
        self._uart.clear()
        self._uart.cancel()
        self._uart.transmitted()  # a write that waits for room finds out
        self._leave_line()

    def _leave_line(self) -> None:
        if self._line.master is self._transmitter:
            self._line.attach_port(None)
            self._line.drive(rts=False, dtr=False)

    def _reconfigure_port(self, force_update: bool = False) -> None:
        settings = LineSettings(int(self._baudrate), self._bytesize, self._parity, self._stopbits)
        # One object for equal settings: the line compares identities first, once for each burst.
        self._uart.settings = self._line.settings if settings == self._line.settings else settings
        self._uart.xonxoff_in_force = bool(self._xonxoff)
        if self.is_open and self._transmitter.held and not self._xonxoff:
            self._line.release()

    @property
    def settings(self) -> LineSettings:
        """The port's settings as the line sees them."""
        return self._uart.settings

    def fileno(self) -> int:
        """A handle that `select`, `selectors` and event loops know (`bench.clock.descriptors`)."""
        if not self.is_open or self._lost or current() is not self._kernel:
            self._check()
        if self._handle is None:
            self._handle = new_handle(_Ends(self._uart, self._line, self._transmitter))
        return self._handle

    def _park(self, deadline: int) -> None:
        me = self._kernel.actor
        draining = self._uart.draining
        draining[me] = None
        try:
            self._kernel.park(deadline, self._port)
        finally:
            draining.pop(me, None)

    def __str__(self) -> str:
        return f"port {self._port}"

    def _next_change(self) -> int:
        return self._uart.next_change(self._clockwork.now)

    # -- pyserial's API ---------------------------------------------------------------------------------------------
    @property
    def in_waiting(self) -> int:
        """Characters received and not read."""
        self._check()
        self._kernel.spin(self._next_change)
        return self._uart.have(self._clockwork.now)

    @property
    def out_waiting(self) -> int:
        """Characters written and not on the wire yet."""
        self._check()
        self._kernel.spin()
        return self._line.unsent()

    def _check(self) -> None:
        if not self.is_open:
            raise PortNotOpenError
        if self._lost:
            raise SerialException(
                "device reports readiness to read but returned no data "
                "(device disconnected or multiple access on port?)"
            )
        if current() is not self._kernel:
            raise SerialException(f"{self._port}: used from a thread that does not wait in simulated time")

    def read(self, size: int = 1) -> bytes:
        """Read up to `size` characters; fewer when the time-out comes first."""
        self._check()
        if size <= 0:
            return b""
        clockwork = self._clockwork
        timeout = self._timeout
        if timeout == 0 and not self._inter_byte_timeout:
            return self._read_at_once(size)
        deadline = NEVER if timeout is None else clockwork.now + round(timeout * NS)
        if deadline <= clockwork.now:
            self._kernel.spin(self._next_change)
        if self._inter_byte_timeout:
            return self._read_with_gaps(size, deadline)
        uart, kernel = self._uart, self._kernel
        cancelled = uart.cancelled
        while True:
            if self._lost:
                self._check()
            now = clockwork.now
            ready = uart.when(size)
            if ready <= now:
                kernel.busy()
                return uart.take(size)
            if now >= deadline or not self.is_open or cancelled != uart.cancelled:
                return uart.take(min(uart.have(now), size))
            me = kernel.actor
            readers = uart.readers
            readers[me] = size
            try:
                kernel.park(min(deadline, ready), self._port)
            finally:
                readers.pop(me, None)

    def _read_at_once(self, size: int) -> bytes:
        """Read what is here, as event loops do; it may be nothing."""
        uart, kernel = self._uart, self._kernel
        kernel.spin(self._next_change)
        if self._lost:
            self._check()
        now = self._clockwork._now  # noqa: SLF001
        whole = uart.whole(now, size)
        if len(whole) == size or (not whole and uart.when(size) <= now):
            kernel.busy()
        return whole or uart.take(min(uart.have(now), size))

    def _read_with_gaps(self, size: int, deadline: int) -> bytes:
        """Read with `inter_byte_timeout`: a longer gap after a character ends the read."""
        clockwork, uart = self._clockwork, self._uart
        gap = round(self._inter_byte_timeout * NS)
        began, cancelled = clockwork.now, uart.cancelled
        while True:
            if self._lost:
                self._check()
            now = clockwork.now
            have = uart.have(now)
            if have >= size or now >= deadline or not self.is_open or cancelled != uart.cancelled:
                return uart.take(min(have, size))
            limit = deadline
            if have:
                limit = min(deadline, max(began, uart.when(have)) + gap)
                if now >= limit:
                    return uart.take(have)
            me = self._kernel.actor
            uart.readers[me] = have + 1
            try:
                self._kernel.park(min(uart.when(have + 1), limit), self._port)
            finally:
                uart.readers.pop(me, None)

    def write(self, data: Any) -> int:
        """Write; waits only while the transmit buffer is full, and then at most `write_timeout`."""
        self._check()
        payload = data if type(data) is bytes else to_bytes(data)
        if not payload:
            return 0
        line = self._line
        transmitter = self._transmitter
        if transmitter.current is None and not transmitter.queue and len(payload) <= OUTPUT_BUFFER:
            line.transmit(transmitter, payload)
            self._kernel.busy()
            return len(payload)
        timeout = self._write_timeout
        deadline = NEVER if timeout is None else self._clockwork.now + round(timeout * NS)
        written = 0
        while written < len(payload):
            room = OUTPUT_BUFFER - line.unsent()
            if room > 0:
                line.transmit(transmitter, payload[written : written + room])
                written += min(room, len(payload) - written)
                continue
            if timeout == 0:
                return written
            if self._clockwork.now >= deadline:
                raise SerialTimeoutException("Write timeout")
            self._park(min(deadline, self._drained_by(min(WAKEUP, len(payload) - written))))
            self._check()
        return written

    def _drained_by(self, characters: int) -> int:
        """Instant at which so many more characters of the burst on the wire will have left."""
        burst = self._transmitter.current
        if burst is None:
            return NEVER
        return int(burst.when(min(burst.arrived(self._clockwork.now) + characters, len(burst.data))))

    def flush(self) -> None:
        """Wait until everything written is on the wire."""
        self._check()
        self._drain(NEVER)

    def _drain(self, deadline: int) -> None:
        transmitter = self._transmitter
        while (transmitter.current is not None or transmitter.queue) and self._clockwork.now < deadline:
            self._park(deadline)

    def reset_input_buffer(self) -> None:
        """Forget what has arrived; what is still on the wire will come."""
        self._check()
        self._uart.take(self._uart.have(self._clockwork.now))

    def reset_output_buffer(self) -> None:
        """Forget what is not on the wire yet."""
        self._check()
        self._line.drop_output()

    def cancel_read(self) -> None:
        """End a read that waits in another thread, with what has come."""
        self._uart.cancel()

    def cancel_write(self) -> None:
        """Wake a write that waits in another thread; it goes on waiting for room, as pyserial's does."""
        for actor in self._uart.draining:
            self._kernel.wake(actor)

    def send_break(self, duration: float = 0.25) -> None:
        """Hold the line at break for so many seconds."""
        self._check()
        self.break_condition = True
        self._kernel.sleep(duration)
        self.break_condition = False

    def set_output_flow_control(self, enable: bool = True) -> None:
        """Let output go (True) or hold it, as XON and XOFF from the device would."""
        self._check()
        if enable:
            self._line.release()
        else:
            self._line.hold()

    def set_input_flow_control(self, enable: bool = True) -> None:
        """Send XON (True) or XOFF to the device."""
        self.write(bytes([XON if enable else XOFF]))

    def nonblocking(self) -> None:
        """There is no descriptor to change; `timeout = 0` is what counts."""
        self._check()

    def set_low_latency_mode(self, low_latency_settings: bool) -> None:
        """Characters are readable the moment they are complete: there is no latency to lower."""
        self._check()

    def _set_special_baudrate(self, baudrate: int) -> None:
        """Any baud rate is as good as another here."""

    def _update_break_state(self) -> None:
        now = self._clockwork.now
        if self._break_state:
            self._break_since = now
        elif self._break_since is not None:
            since, self._break_since = self._break_since, None
            if now > since:
                for device in self._line.devices:
                    self._line.apply(device, device.hear(now, b"\x00", since, now, {0: BREAK | FRAMING}))

    def _update_rts_state(self) -> None:
        self._line.drive(rts=self._rts_state, dtr=self._line.dtr)

    def _update_dtr_state(self) -> None:
        self._line.drive(rts=self._line.rts, dtr=self._dtr_state)

    @property
    def cts(self) -> bool:
        """Clear to send, as the device drives it."""
        self._check()
        return self._line.cts

    @property
    def dsr(self) -> bool:
        """Data set ready, as the device drives it."""
        self._check()
        return self._line.dsr

    @property
    def ri(self) -> bool:
        """Ring indicator: never."""
        self._check()
        return False

    @property
    def cd(self) -> bool:
        """Carrier detect: the device is there."""
        self._check()
        return True

    @property
    def xonxoff_active(self) -> bool:
        """Whether a device's XOFF holds our output now."""
        return self._transmitter.held
