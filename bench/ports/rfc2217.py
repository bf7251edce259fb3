"""A line's port over RFC 2217: a TCP connection that carries settings, modem lines and break as well as characters.

`serial.serial_for_url("rfc2217://HOST:PORT")` opens it. The port to use where parity, seven bits, break or modem lines
matter: a pseudo-terminal hides them (docs/ports.md). The protocol itself is pyserial's own server side,
`serial.rfc2217.PortManager`, which works on any object with a serial port's attributes; here on `Virtual`.
"""

from __future__ import annotations

import struct
from functools import partial
from typing import Any, ClassVar, Final

from serial.rfc2217 import IAC, IAC_DOUBLED, PortManager

from bench.clock.wall import WallDriver
from bench.ports.tcp import Peer, TcpPort
from firmware_sim.burst import LineSettings
from firmware_sim.line import Line

LONGEST_COMMAND: Final = 256
"""A client whose command goes on for longer speaks something else."""


class Virtual:
    """What a `PortManager` takes for a serial port: settings, modem lines, break, buffers."""

    port = "the line"

    def __init__(self, owner: Rfc2217Port) -> None:
        self._owner = owner
        settings = owner.line.settings
        self._settings = settings
        self._xonxoff = False
        self._break = False
        self.rtscts = False
        self.dsrdtr = False
        self.timeout: float | None = None

    @property
    def settings(self) -> LineSettings:
        """The four of them as the line takes them; the line's own object when they are equal."""
        return self._settings

    def _change(self, **what: Any) -> None:
        self._owner.before_change()
        old = self._settings
        fields: dict[str, Any] = {
            "baud": old.baud,
            "data_bits": old.data_bits,
            "parity": old.parity,
            "stop_bits": old.stop_bits,
        } | what
        settings = LineSettings(**fields)  # ValueError: PortManager answers with what is in force
        line = self._owner.line.settings
        self._settings = line if settings == line else settings
        self._owner.settings_changed()

    @property
    def baudrate(self) -> int:
        """Bits per second."""
        return self._settings.baud

    @baudrate.setter
    def baudrate(self, value: int) -> None:
        self._change(baud=int(value))

    @property
    def bytesize(self) -> int:
        """Data bits, 5 to 8."""
        return self._settings.data_bits

    @bytesize.setter
    def bytesize(self, value: int) -> None:
        self._change(data_bits=value)

    @property
    def parity(self) -> str:
        """One of N, E, O, M, S."""
        return self._settings.parity

    @parity.setter
    def parity(self, value: str) -> None:
        self._change(parity=value)

    @property
    def stopbits(self) -> float:
        """1, 1.5 or 2."""
        return self._settings.stop_bits

    @stopbits.setter
    def stopbits(self, value: float) -> None:
        self._change(stop_bits=value)

    @property
    def xonxoff(self) -> bool:
        """XON and XOFF of the device hold the client's output."""
        return self._xonxoff

    @xonxoff.setter
    def xonxoff(self, value: bool) -> None:
        self._owner.before_change()
        self._xonxoff = bool(value)
        self._owner.flow_control_changed()

    @property
    def break_condition(self) -> bool:
        """The client holds its output at break."""
        return self._break

    @break_condition.setter
    def break_condition(self, value: bool) -> None:
        self._owner.before_change()
        self._break = bool(value)
        self._owner.break_changed(self._break)

    @property
    def rts(self) -> bool:
        """Request to send, as the client drives it."""
        return self._owner.line.rts

    @rts.setter
    def rts(self, value: bool) -> None:
        self._owner.drive(rts=bool(value), dtr=self.dtr)

    @property
    def dtr(self) -> bool:
        """Data terminal ready, as the client drives it."""
        return self._owner.line.dtr

    @dtr.setter
    def dtr(self, value: bool) -> None:
        self._owner.drive(rts=self.rts, dtr=bool(value))

    @property
    def cts(self) -> bool:
        """Clear to send, as the device drives it."""
        return self._owner.line.cts

    @property
    def dsr(self) -> bool:
        """Data set ready, as the device drives it."""
        return self._owner.line.dsr

    @property
    def ri(self) -> bool:
        """Ring indicator: never."""
        return False

    @property
    def cd(self) -> bool:
        """Carrier detect: the device is there."""
        return True

    def reset_input_buffer(self) -> None:
        """The client forgets what has arrived."""
        self._owner.forget_input()

    def reset_output_buffer(self) -> None:
        """The client forgets what has not been sent."""
        self._owner.forget_output()


class Rfc2217Port(TcpPort):
    """The collector's end of a line over RFC 2217; arguments as `TcpPort`, without `xonxoff`: the client sets it.

    Attributes:
        virtual: the serial port that the connected client sees; None without a client.
        protocol_errors: clients dropped because what they sent is not RFC 2217.
    """

    kind: ClassVar[str] = "rfc2217"
    scheme: ClassVar[str] = "rfc2217"

    def __init__(
        self,
        line: Line,
        driver: WallDriver,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        listen: bool = False,
        piece: int | None = None,
    ) -> None:
        super().__init__(line, driver, host, port, listen=listen, piece=piece)
        self.virtual: Virtual | None = None
        self.protocol_errors = 0
        self._manager: Any = None
        self._gathered = bytearray()
        line.on_modem(self._modem_changed)

    @property
    def settings(self) -> LineSettings:
        """As the client set them; the line's without a client."""
        return self.line.settings if self.virtual is None else self.virtual.settings

    @property
    def xonxoff_in_force(self) -> bool:
        """As the client set it."""
        return self.virtual is not None and self.virtual.xonxoff

    # -- the peer ---------------------------------------------------------------------------------------------------
    def peer_came(self, peer: Peer) -> None:
        """A client connected: offer it the options, unless another has the line."""
        super().peer_came(peer)
        if peer is self._peer:
            self.virtual = Virtual(self)
            self._manager = PortManager(self.virtual, _Connection(self))
            self.drive(rts=True, dtr=True)  # as the driver of a serial port does when it is opened

    def peer_sent(self, peer: Peer, data: bytes) -> None:
        """Commands are taken out and obeyed; the rest are characters for the line."""
        if peer is not self._peer:
            return
        try:
            for character in self._manager.filter(data):
                self._gathered += character
            broken = len(self._manager.suboption or b"") > LONGEST_COMMAND
        except (ValueError, KeyError, TypeError, IndexError, struct.error):  # PortManager trusts its client
            broken = True
        self._flush_gathered()
        if broken:
            self.protocol_errors += 1
            peer.drop()

    def _flush_gathered(self) -> None:
        """Send what came before a command, so that the command meets the line as its client meant."""
        characters = bytes(self._gathered)
        self._gathered.clear()
        if characters:
            self._from_collector(characters)

    def _take_line(self) -> None:
        super()._take_line()
        self.drive(rts=False, dtr=False)

    def _collector_left(self, *, at_once: bool = False) -> None:
        if self.is_open:
            self.drive(rts=False, dtr=False)
        super()._collector_left(at_once=at_once)
        self._manager = None
        self.virtual = None
        self._gathered.clear()

    def _hand_over(self, data: bytes) -> int:
        return len(data) if self._write(data.replace(IAC, IAC_DOUBLED)) else 0

    def answer(self, data: bytes) -> None:
        """Send a command's answer to the client."""
        self._write(data)

    # -- what the client sets ---------------------------------------------------------------------------------------
    def before_change(self) -> None:
        """A command is about to take effect: what the client sent before it goes to the line first."""
        self._flush_gathered()

    def settings_changed(self) -> None:
        """The client changed baud rate or character format."""
        self.on_change(self)

    def flow_control_changed(self) -> None:
        """The client turned XON/XOFF on or off."""
        self._flow_control_changed()

    def break_changed(self, on: bool) -> None:
        """The client holds its output at break, or lets go."""
        self._set_break(on)

    def drive(self, *, rts: bool, dtr: bool) -> None:
        """The client drives RTS and DTR: what it sent before goes to the line first."""
        self.before_change()
        self._safely(partial(self.line.drive, rts=rts, dtr=dtr))

    def forget_input(self) -> None:
        """The client emptied its receive buffer."""
        self._forget_input()

    def forget_output(self) -> None:
        """The client emptied its transmit buffer."""
        self._gathered.clear()
        if self._transmitter is not None and self._transmitter is self.line.master:
            self._safely(self.line.drop_output)

    def _modem_changed(self) -> None:
        if self._manager is not None:
            self._manager.check_modem_lines()


class _Connection:
    """What a `PortManager` writes its answers to."""

    def __init__(self, port: Rfc2217Port) -> None:
        self._port = port

    def write(self, data: bytes) -> None:
        self._port.answer(data)
