"""A rating keypad that speaks OSDP: keys, a lamp, a buzzer, a text line, tamper and supply; clear mode only.

The standard alternative for a keypad on RS-485 (IEC 60839-11-5; protocols.md 3.2 [C, K]). A control panel polls; a
press waits until a poll fetches it, and until the next command shows that its reply arrived. A repeated sequence number
gets the previous reply again, bit for bit; sequence 0 begins anew, and what was not confirmed is then told once more.
There is no secure channel: whoever asks for one is refused with NAK 5.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from firmware_sim.device import MS, NS, Alarm, Effect, Flaws, Note, Send, Stop, Watch
from protocol import osdp
from protocol.osdp import Answer, Bad, Command, Nak, Packet

__all__ = ["OsdpKeypad"]

NEVER: Final = (1 << 63) - 1
DEPTH: Final = 32
"""Presses that wait to be fetched; of more the oldest is lost, and told (`overflow`)."""

_SILENCE: Final = 20 * MS
"""A pause inside a packet that breaks it ([K])."""

_OFFLINE: Final = 8 * NS
"""A panel that says nothing for so long is not there (libosdp, protocols.md 3.2 [C])."""

_BOUNCE: Final = 30 * MS
_GAP, _SHOWN, _GONE = "gap", "shown", "gone"
_TEXT_COLUMNS: Final = 16

_IDENTITY: Final = bytes((0x48, 0x42, 0x31, 1, 1, 1, 0, 0, 0, 1, 0, 0))
"""PDID: vendor "HB1" (none that is registered), model 1, version 1, serial number 1, firmware 1.0.0."""

_CAPABILITIES: Final = bytes(
    value
    for function, compliance, number in (
        (4, 4, 1),  # one lamp of several colours, on, off and timed
        (5, 2, 1),  # buzzer
        (6, 3, 1),  # one line of text
        (8, 1, 0),  # CRC and sum
        (9, 0, 0),  # no secure channel
        (10, osdp.MOST_BYTES & 0xFF, osdp.MOST_BYTES >> 8),  # receive buffer
        (13, 0, 1),  # one reader
    )
    for value in (function, compliance, number)
)
"""PDCAP: function, compliance, number ([K])."""

_SECURE: Final = frozenset({Command.KEYSET, Command.CHLNG, Command.SCRYPT})


class _Press(NamedTuple):
    """A press that waits, with the number that the bench gives it."""

    char: int
    epoch: int
    seq: int


class OsdpKeypad:
    """A keypad on an OSDP bus, a station of its own on its line.

    Human side: `press(now, key)` for 0..9, "*" and "#", `log_in(now, clerk)`, `log_out(now)`, `tamper(now, on)`,
    `supply(now, low)`, `unplug(now)`, `plug_in(now)`.

    Notes: `press` {value, clerk, ticket, epoch, seq, flags, at_ms}, `ack` {epoch, seq, freed} when the panel has it,
    `overflow` {epoch, seq}, `ignored` {key, why}, `lamp` {colour, ms}, `buzzer` {tone, ms, count}, `text` {text},
    `tamper` {on}, `supply` {low}, `online` {on}, `settings` {unit, baud}, `login` {clerk}, `power` {on}, `boot`
    {epoch}. Numbers of presses (epoch, seq) are the bench's own: OSDP carries none.

    Args:
        name: what histories call it.
        address: 0..126.
        clock_offset: ns to add to an instant to have Unix ns.
        turnaround: ns from hearing a command to answering it.
        baud: speed of its line; after COMSET to another one it hears nothing until COMSET is undone by hand.
        mark: send FF before each reply.
    """

    watch: Watch | None = None
    human = ("press", "log_in", "log_out", "tamper", "supply", "unplug", "plug_in")

    def __init__(
        self,
        name: str,
        *,
        address: int = 0,
        clock_offset: int = 0,
        turnaround: int = 2 * MS,
        baud: int = 9600,
        mark: bool = False,
    ) -> None:
        if not 0 <= address < osdp.BROADCAST:
            raise ValueError(f"{name}: an OSDP address is 0..126, not {address}")
        self.name = name
        self.address = address
        self.baud = self._line_baud = baud
        self.epoch, self.seq = 1, 0
        self._offset = clock_offset
        self._turnaround = turnaround
        self._mark = mark
        self._reader = osdp.Reader()
        self._heard = -NEVER
        self._deaf_until = 0
        self._clerk = 0
        self._tampered = self._low = False
        self._pressed: dict[int, int] = {}
        self._waiting: deque[_Press] = deque()
        self._fetched: _Press | None = None  # told, and not confirmed
        self._status_told = True
        self._last: int | None = None  # sequence of the last command; None after power-up
        self._last_command = b""
        self._reply = b""
        self._settings: tuple[int, int] | None = None  # address and baud that a COMSET asked for
        self._online = False
        self._spoken_at = 0
        self._gone_set = False
        self.colour = 0
        self._temporary: tuple[int, int] | None = None
        self.text = ""
        self._text_until = NEVER
        self._acks = {
            (sequence, crc): Packet(address, True, sequence, crc, Answer.ACK).wire(mark=mark)
            for sequence in range(4)
            for crc in (False, True)
        }
        self._polls = self._known_polls()

    def _known_polls(self) -> dict[bytes, tuple[int, bool]]:
        """The polls that are for this address, as they come: hearing one of these is a look-up, nothing to parse."""
        known = {}
        for sequence in range(4):
            for crc in (False, True):
                packet = Packet(self.address, False, sequence, crc, Command.POLL)
                for mark in (False, True):
                    known[packet.wire(mark=mark)] = (sequence, crc)
        return known

    # -- the line's side ----------------------------------------------------------------------------------------------
    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        """Characters came by; damaged ones are thrown away."""
        if now < self._deaf_until or self.baud != self._line_baud:
            return ()
        reader = self._reader
        if flaws is None and not reader.pending:
            poll = self._polls.get(data)
            if poll is not None:
                self._heard = last
                return self._polled(now, data, *poll)
        if flaws:
            data = bytes(char for index, char in enumerate(data) if index not in flaws)
        out: list[Effect] = []
        if reader.pending and first - self._heard >= _SILENCE:
            self._take(now, reader.gap(), out)
        self._heard = last
        self._take(now, reader.feed(data), out)
        if reader.pending:
            out.append(Alarm(last + _SILENCE, _GAP))
        return out

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        """Silence inside a packet, the end of a shown text or lamp, a panel that is gone."""
        out: list[Effect] = []
        if tag == _GAP and self._reader.pending and now >= self._heard + _SILENCE:
            self._take(now, self._reader.gap(), out)
        elif tag == _GONE:
            self._gone_set = False
            if self._online and now < self._spoken_at + _OFFLINE:
                self._gone_set = True
                out.append(Alarm(self._spoken_at + _OFFLINE, _GONE))
            elif self._online:
                self._online = False
                out.append(Note("online", {"on": False}))
        elif tag == _SHOWN and self.text and now >= self._text_until:
            self.text, self._text_until = "", NEVER
            out.append(Note("text", {"text": ""}))
        return out

    @property
    def case_open(self) -> bool:
        """Whether somebody has opened its case."""
        return self._tampered

    @property
    def supply_low(self) -> bool:
        """Whether its supply is low."""
        return self._low

    @property
    def clerk(self) -> int:
        """Code of the clerk whose presses these are; 0 for nobody."""
        return self._clerk

    def lamp_at(self, now: int) -> str:
        """The colour of the lamp at an instant; blinking counts as on."""
        if self._temporary is not None and now < self._temporary[1]:
            return osdp.COLOURS[self._temporary[0]]
        return osdp.COLOURS[self.colour]

    def _take(self, now: int, items: Iterable[Packet | Bad], out: list[Effect]) -> None:
        for item in items:
            if item.reply or item.address not in (self.address, osdp.BROADCAST):
                continue
            if isinstance(item, Bad):
                out += self._say(Packet(self.address, True, item.sequence, item.crc, Answer.NAK, bytes((Nak.CHECK,))))
            else:
                out += self._command(now, item)

    def _polled(self, now: int, data: bytes, sequence: int, crc: bool) -> list[Effect]:
        """A poll for this address, sound and whole."""
        out: list[Effect] = []
        if sequence and sequence != self._expected():
            if sequence == self._last and data[-8:] == self._last_command[-8:]:
                return [Send(self._reply, self._turnaround)]
            return self._say(self._nak(sequence, crc, Nak.SEQUENCE))
        self._accept(now, sequence, out)
        self._last_command = data
        if self._waiting or not self._status_told:
            out += self._say(self._news(sequence, crc))
        else:
            self._reply = self._acks[sequence, crc]
            out.append(Send(self._reply, self._turnaround))
        return out

    def _expected(self) -> int:
        """The sequence number that a command that is not a repetition has; -1 when it can only be 0."""
        return -1 if self._last is None else self._last % 3 + 1

    def _accept(self, now: int, sequence: int, out: list[Effect]) -> None:
        """A command that is new: it confirms the reply before, or begins anew."""
        self._last = sequence
        self._spoken_at = now
        if not self._online:
            self._online = True
            out.append(Note("online", {"on": True}))
        if not self._gone_set:
            self._gone_set = True
            out.append(Alarm(now + _OFFLINE, _GONE))
        fetched = self._fetched
        if fetched is not None:
            self._fetched = None
            if sequence:
                out.append(Note("ack", {"epoch": fetched.epoch, "seq": fetched.seq, "freed": 1}))
            else:
                self._waiting.appendleft(fetched)
        if self._settings is not None:
            self._settings = None

    def _news(self, sequence: int, crc: bool) -> Packet:
        """What a poll fetches: a change of tamper or supply, else the oldest press."""
        if not self._status_told:
            self._status_told = True
            return Packet(self.address, True, sequence, crc, Answer.LSTATR, self._status())
        press = self._fetched = self._waiting.popleft()
        return Packet(self.address, True, sequence, crc, Answer.KEYPAD, bytes((0, 1, press.char)))

    def _status(self) -> bytes:
        return bytes((self._tampered, self._low))

    def _nak(self, sequence: int, crc: bool, why: Nak) -> Packet:
        return Packet(self.address, True, sequence, crc, Answer.NAK, bytes((why,)))

    def _say(self, packet: Packet) -> list[Effect]:
        frame = packet.wire(mark=self._mark)
        if packet.code != Answer.NAK or packet.data[0] not in (Nak.CHECK, Nak.SEQUENCE):
            self._reply = frame  # those two are no answer to a new command
        return [Send(frame, self._turnaround)]

    # -- commands -----------------------------------------------------------------------------------------------------
    def _command(self, now: int, packet: Packet) -> list[Effect]:
        raw = packet.wire()
        sequence, crc = packet.sequence, packet.crc
        if sequence and sequence != self._expected():
            if sequence == self._last and raw == self._last_command[-len(raw) :]:
                return [Send(self._reply, self._turnaround)]
            return self._say(self._nak(sequence, crc, Nak.SEQUENCE))
        out: list[Effect] = []
        self._accept(now, sequence, out)
        self._last_command = raw
        if packet.security or packet.code in _SECURE:
            return [*out, *self._say(self._nak(sequence, crc, Nak.SECURE_UNSUPPORTED))]
        if packet.code == Command.POLL:
            more = bool(self._waiting) or not self._status_told
            answer = self._news(sequence, crc) if more else Packet(self.address, True, sequence, crc, Answer.ACK)
            return [*out, *self._say(answer)]
        handler = _HANDLERS.get(packet.code)
        if handler is None:
            return [*out, *self._say(self._nak(sequence, crc, Nak.UNKNOWN))]
        told = getattr(self, handler)(now, packet.data, out)
        if isinstance(told, Nak):
            return [*out, *self._say(self._nak(sequence, crc, told))]
        code, data = told
        out += self._say(Packet(self.address, True, sequence, crc, code, data))
        if self._settings is not None and code == Answer.COM:
            self._change(out)
        return out

    def _identify(self, now: int, data: bytes, out: list[Effect]) -> tuple[int, bytes] | Nak:
        return (Answer.PDID, _IDENTITY) if len(data) <= 1 else Nak.LENGTH

    def _capable(self, now: int, data: bytes, out: list[Effect]) -> tuple[int, bytes] | Nak:
        return (Answer.PDCAP, _CAPABILITIES) if len(data) <= 1 else Nak.LENGTH

    def _local(self, now: int, data: bytes, out: list[Effect]) -> tuple[int, bytes] | Nak:
        return (Answer.LSTATR, self._status()) if not data else Nak.LENGTH

    def _reader_status(self, now: int, data: bytes, out: list[Effect]) -> tuple[int, bytes] | Nak:
        return (Answer.RSTATR, b"\x00") if not data else Nak.LENGTH

    def _fine(self, now: int, data: bytes, out: list[Effect]) -> tuple[int, bytes] | Nak:
        return Answer.ACK, b""

    def _lamps(self, now: int, data: bytes, out: list[Effect]) -> tuple[int, bytes] | Nak:
        lamps = osdp.parse_lamps(data)
        if lamps is None:
            return Nak.LENGTH
        for lamp in lamps:
            if lamp.reader or lamp.led or max(*lamp.colours, *lamp.temp_colours) >= len(osdp.COLOURS):
                return Nak.CANNOT
        for lamp in lamps:
            if lamp.permanent:
                self.colour = lamp.colours[0]
                out.append(Note("lamp", {"colour": osdp.COLOURS[self.colour], "ms": None}))
            if lamp.temporary == 1:
                self._temporary = None
            elif lamp.temporary == 2:
                self._temporary = (lamp.temp_colours[0], now + lamp.lasts * MS)
                out.append(Note("lamp", {"colour": osdp.COLOURS[lamp.temp_colours[0]], "ms": lamp.lasts}))
        return Answer.ACK, b""

    def _buzz(self, now: int, data: bytes, out: list[Effect]) -> tuple[int, bytes] | Nak:
        if len(data) != 5:
            return Nak.LENGTH
        reader, tone, on, _off, count = data
        if reader:
            return Nak.CANNOT
        out.append(Note("buzzer", {"tone": tone, "ms": 100 * on, "count": count}))
        return Answer.ACK, b""

    def _show(self, now: int, data: bytes, out: list[Effect]) -> tuple[int, bytes] | Nak:
        """Reader, control (1, 2 for good; 3, 4 for a time), seconds, row, column, length, characters."""
        if len(data) < 6 or len(data) != 6 + data[5]:
            return Nak.LENGTH
        reader, control, lasts, row, column, _size = data[:6]
        if reader or not 1 <= control <= 4 or row != 1 or not 1 <= column <= _TEXT_COLUMNS:
            return Nak.CANNOT
        shown = data[6:].decode("ascii", "replace")
        self.text = (" " * (column - 1) + shown)[:_TEXT_COLUMNS]
        self._text_until = now + lasts * NS if control > 2 else NEVER
        out.append(Alarm(self._text_until if control > 2 else None, _SHOWN))
        out.append(Note("text", {"text": self.text}))
        return Answer.ACK, b""

    def _set_communication(self, now: int, data: bytes, out: list[Effect]) -> tuple[int, bytes] | Nak:
        """Address and speed, which take effect after the reply; what cannot be is answered with what stands."""
        if len(data) != 5:
            return Nak.LENGTH
        address, baud = data[0], int.from_bytes(data[1:], "little")
        if address < osdp.BROADCAST and baud in osdp.BAUDS:
            self._settings = (address, baud)
        else:
            address, baud = self.address, self.baud
        return Answer.COM, bytes((address,)) + baud.to_bytes(4, "little")

    def _change(self, out: list[Effect]) -> None:
        assert self._settings is not None
        self.address, self.baud = self._settings
        self._settings = None
        self._last = None  # the panel begins anew under the new settings
        self._acks = {
            key: Packet(self.address, True, key[0], key[1], Answer.ACK).wire(mark=self._mark) for key in self._acks
        }
        self._polls = self._known_polls()
        out.append(Note("settings", {"unit": self.address, "baud": self.baud}))

    # -- the human side -----------------------------------------------------------------------------------------------
    def press(self, now: int, key: int | str) -> Iterable[Effect]:
        """A key goes down.

        Raises:
            ValueError: there is no such key.
        """
        char = osdp.KEYS.get(str(key))
        if char is None:
            raise ValueError(f"{self.name}: the keys are 0..9, * and #, not {key!r}")
        if now < self._deaf_until:
            return [Note("ignored", {"key": key, "why": "no power"})]
        before = self._pressed.get(char, -NEVER)
        self._pressed[char] = now
        if now - before < _BOUNCE:
            return [Note("ignored", {"key": key, "why": "bounce"})]
        out: list[Effect] = []
        seq, self.seq = self.seq, (self.seq + 1) & 0xFFFF
        facts: dict[str, Any] = {"value": key, "clerk": self._clerk, "ticket": 0, "epoch": self.epoch, "seq": seq}
        out.append(Note("press", {**facts, "flags": 0, "at_ms": (now + self._offset) // MS}))
        if len(self._waiting) >= DEPTH:
            lost = self._waiting.popleft()
            out.append(Note("overflow", {"epoch": lost.epoch, "seq": lost.seq}))
        self._waiting.append(_Press(char, self.epoch, seq))
        return out

    def log_in(self, now: int, clerk: int) -> Iterable[Effect]:
        """A clerk comes: presses are this clerk's from now on (nothing goes over the line)."""
        self._clerk = clerk
        return [Note("login", {"clerk": clerk})]

    def log_out(self, now: int) -> Iterable[Effect]:
        """The clerk leaves."""
        return self.log_in(now, 0)

    def tamper(self, now: int, on: bool) -> Iterable[Effect]:
        """The case is opened or closed."""
        self._tampered = bool(on)
        self._status_told = False
        return [Note("tamper", {"on": bool(on)})]

    def supply(self, now: int, low: bool) -> Iterable[Effect]:
        """The supply becomes low, or good again."""
        self._low = bool(low)
        self._status_told = False
        return [Note("supply", {"low": bool(low)})]

    def power_on(self, now: int) -> Iterable[Effect]:
        """The bench gives it its supply for the first time."""
        return [Note("boot", {"epoch": self.epoch})]

    def unplug(self, now: int) -> Iterable[Effect]:
        """Its supply is taken away: what waits is lost."""
        if self._deaf_until == NEVER:
            return ()
        self._deaf_until = NEVER
        lost = [*([self._fetched] if self._fetched is not None else []), *self._waiting]
        self._fetched = None
        self._waiting.clear()
        self._pressed.clear()
        self._reader = osdp.Reader()
        self._last, self._online = None, False
        self.text, self._temporary, self.colour = "", None, 0
        dropped = [Note("overflow", {"epoch": press.epoch, "seq": press.seq}) for press in lost]
        return [Stop(), Alarm(None, _GAP), Alarm(None, _SHOWN), *dropped, Note("power", {"on": False})]

    def plug_in(self, now: int) -> Iterable[Effect]:
        """Its supply is back."""
        if self._deaf_until != NEVER:
            return ()
        self._deaf_until = 0
        self.epoch, self.seq = (self.epoch + 1) & 0xFFFF, 0
        return [Note("power", {"on": True}), Note("boot", {"epoch": self.epoch})]


_HANDLERS: Final[Mapping[int, str]] = {
    Command.ID: "_identify",
    Command.CAP: "_capable",
    Command.LSTAT: "_local",
    Command.RSTAT: "_reader_status",
    Command.LED: "_lamps",
    Command.BUZ: "_buzz",
    Command.TEXT: "_show",
    Command.COMSET: "_set_communication",
    Command.ACURXSIZE: "_fine",
    Command.ABORT: "_fine",
    Command.KEEPACTIVE: "_fine",
}
"""Command -> the method that carries it out; what is not here is NAK 3."""
