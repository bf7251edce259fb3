"""All Modbus RTU slaves of one line as one station: each frame is cut once, checked once, and given to its slave.

Frames are told apart by silence, and silence is arithmetic on the instants at which characters began and ended
(MODBUS over Serial Line V1.02, 2.5.1.1 [K]; protocols.md 1.1): t3.5 without a character ends a frame, a hole of more
than t1.5 inside one spoils it. Nothing is ever guessed from the bytes, so what other stations say to each other, noise,
halves of frames and unknown functions leave no trace in the next frame.

The station takes a frame at the instant t3.5 has passed. What begins in the last character time before that instant
cannot be known yet, a UART reports a character when it is complete: the frame is taken then as it is, and the late
character spoils what follows it. The slaves' own replies are not heard, and no silence is demanded after them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, reduce
from operator import and_
from typing import NamedTuple

from firmware_sim.burst import LineSettings
from firmware_sim.device import OVERRUN, Alarm, Effect, Flaws, Note, Send, Stop, Watch
from firmware_sim.modbus_server import Heard, Server
from firmware_sim.modbus_slave import Slave
from protocol.modbus.pdu import BROADCASTABLE, FC, REQUESTS, Read, Table, unpack_registers
from protocol.modbus.rtu import BROADCAST, MAX_ADU, MIN_ADU, is_sound, seal, t15, t35

_AFTER_REPLY = "after:"

# A line is polled all day with the same requests and mostly gives the same replies: each CRC is reckoned once.
_is_sound = lru_cache(maxsize=4096)(is_sound)
_seal = lru_cache(maxsize=4096)(seal)
_WRITES = BROADCASTABLE | {FC.READ_WRITE}
_REGISTER_READS = frozenset({FC.READ_HOLDING, FC.READ_INPUTS})
_NEXT_CHARACTER = Watch(after=1)
_MOST_KNOWN = 4096
_LONG_AGO = -(1 << 62)


class Repeat(NamedTuple):
    """A read of registers with the reply it got before, for a station to tell whether it would reply so again.

    Args:
        server: who replies.
        alone: the servers at that address; a reply is foreseen only while there is just this one.
        table, start, quantity: what is read.
        words: what the reply says.
        heard: from the start of the request to its end, ns.
        taken: to the instant at which it is carried out.
        begun: to the start of the reply.
        ended: to the end of the reply.
        busy: how long somebody speaks.
    """

    server: Server
    alone: list[Server]
    table: Table
    start: int
    quantity: int
    words: tuple[int, ...]
    heard: int
    taken: int
    begun: int
    ended: int
    busy: int


class Known(NamedTuple):
    """A read of registers by a slave that can glance, and the reply it got the last time.

    Args:
        server: who replied, alone at its address.
        function, table, start, quantity: what was read.
        words: what the reply said.
        after: ns from the instant at which the request was carried out to the reply.
        effects: the reply, as it was sent.
    """

    server: Server
    function: int
    table: Table
    start: int
    quantity: int
    words: tuple[int, ...]
    after: int
    effects: tuple[Send]


class ModbusLine:
    """The station of every Modbus slave on a line; a `Device`.

    Args:
        name: the station's name on the line; notes are attributed to the slaves.
        settings: the line's.
        turnaround: from the end of a request's last character to the start of the reply, ns; at least t3.5 is kept.

    Attributes:
        watch: while a frame may go on, the station must hear its next character at once, else its t3.5 would seem to
            have passed; between frames it hears a burst when it ends.
    """

    def __init__(self, name: str, settings: LineSettings, turnaround: int = 2_000_000) -> None:
        self.name = name
        self.settings = settings
        self.watch: Watch | None = None
        self.t15 = t15(settings.baud, settings.char_bits)
        self.t35 = t35(settings.baud, settings.char_bits)
        self.turnaround = max(turnaround, self.t35)
        self._heard = Heard()
        self._servers: list[Server] = []
        self._by_slave: dict[int, Server] = {}
        self._by_unit: dict[int, list[Server]] = {}
        self._booting: list[Server] = []
        self._talker: Server | None = None
        self._known: dict[bytes, Known] = {}  # by frame: what nearly every poll of a day asks and gets again
        self._frame = b""
        self._spoilt = self._overrun = False
        self._first = self._last = _LONG_AGO

    # -- slaves -------------------------------------------------------------------------------------------------------
    def attach(self, slave: Slave, unit: int) -> Slave:
        """Put a slave on the line under an address 1..255 (the document reserves 248..255, some devices take them).

        Two slaves under one address are an address conflict: both act on each request, and their replies overlap.

        Raises:
            ValueError: a slave of that name is there already.
        """
        if any(server.slave.name == slave.name for server in self._servers):
            raise ValueError(f"line {self.name}: there is a slave named {slave.name!r} already")
        slave.unit = unit
        server = Server(slave, len(self._servers), self._heard)
        self._file(server)
        self._servers.append(server)
        self._by_slave[id(slave)] = server
        self._follow(server)
        return slave

    @property
    def slaves(self) -> tuple[Slave, ...]:
        """The slaves in the order they were attached."""
        return tuple(server.slave for server in self._servers)

    def relabel(self, slave: Slave, effects: Iterable[Effect]) -> list[Effect]:
        """What a slave's human side returned, as effects of the station: apply these to the line.

        Raises:
            TypeError: the slave wants to send; a Modbus slave never does unasked.
        """
        return self._relabel(self._by_slave[id(slave)], effects)

    def refuse(self, slave: Slave, code: int) -> None:
        """Let a slave answer everything with this exception and do nothing, until code 0 (a fault: it is busy)."""
        self._by_slave[id(slave)].refuses = code

    def move(self, slave: Slave, unit: int) -> None:
        """Let a slave answer to another address, also to one that is taken (a fault: an address conflict)."""
        slave.unit = unit
        self._follow(self._by_slave[id(slave)])

    def _file(self, server: Server) -> None:
        if not 1 <= server.slave.unit <= 0xFF:
            raise ValueError(f"line {self.name}: {server.slave.name} cannot have the address {server.slave.unit}")
        self._by_unit.setdefault(server.slave.unit, []).append(server)
        server.unit = server.slave.unit

    def _follow(self, server: Server) -> None:
        """Notice what the slave changed of itself: its address, or that it boots."""
        slave = server.slave
        if slave.unit != server.unit:
            self._by_unit[server.unit].remove(server)
            self._file(server)
        if slave.silent_until != server.boots:
            server.boots = slave.silent_until
            if server not in self._booting:
                self._booting.append(server)

    def _relabel(self, server: Server, effects: Iterable[Effect]) -> list[Effect]:
        name, place = server.slave.name, server.place
        out: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Note):
                out.append(Note(effect.kind, {"device": name, **effect.facts}))
            elif isinstance(effect, Alarm):
                out.append(Alarm(effect.at, f"{place}:{effect.tag}"))
            elif isinstance(effect, Stop):
                if self._talker is server:  # the station may be sending another slave's reply: that goes on
                    out.append(effect)
                out.append(Alarm(None, f"{_AFTER_REPLY}{place}"))
            elif isinstance(effect, Send):
                raise TypeError(f"{name} wants to send {effect.data.hex(' ')} unasked: a Modbus slave only replies")
            else:
                out.append(effect)
        self._follow(server)
        return out

    # -- cutting ------------------------------------------------------------------------------------------------------
    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        """Characters went by: put them to the frame they belong to, and wake when t3.5 has passed after them."""
        effects: Iterable[Effect] = ()
        silence = first - self._last
        if silence >= self.t35:
            if self._frame:  # its alarm is still to come: the driver of this station is late
                effects = self.wake(now, "")
            self._frame, self._first = data, first
            self._spoilt = self._overrun = False
        else:
            # Without a frame to go on with, they come too soon after the last one, which was taken already.
            if silence > self.t15 or not self._frame:
                self._spoilt = True
            if len(self._frame) <= MAX_ADU:
                self._frame += data
        if flaws:
            self._spoilt = True
            self._overrun = self._overrun or any(bits & OVERRUN for bits in flaws.values())
        self._last = last
        self.watch = _NEXT_CHARACTER
        alarm = Alarm(last + self.t35)
        return (*effects, alarm) if effects else (alarm,)

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        """T3.5 has passed and the frame is complete, or (with a tag) an alarm of a slave is due."""
        if tag:
            return self._wake_slave(now, tag)
        frame = self._frame
        self._frame = b""
        self.watch = None
        if self._booting:
            self._power_up()
        if self._spoilt or not MIN_ADU <= len(frame) <= MAX_ADU or not _is_sound(frame):
            self._discard(frame)
            return ()
        self._heard.messages += 1
        unit = frame[0]
        if unit == BROADCAST:
            return self._execute_all(now, frame[1:-2])
        servers = self._by_unit.get(unit)
        if servers is None:
            return ()
        return self._execute(now, servers, frame)

    def _discard(self, frame: bytes) -> None:
        self._heard.errors += 1
        if self._overrun and frame:
            for server in self._servers:
                if frame[0] in (BROADCAST, server.unit):
                    server.overruns += 1

    def _power_up(self) -> None:
        """Begin the counts of slaves that came up before this frame began."""
        for server in [*self._booting]:
            if self._first >= server.slave.silent_until:
                self._booting.remove(server)
                server.power_up()

    # -- foreseeing ---------------------------------------------------------------------------------------------------
    def repeat(self, request: bytes, reply: bytes) -> Repeat | None:
        """A read of registers and the good reply it got, as something that may come again; None when it may not.

        Args:
            request: the sealed frame.
            reply: the sealed frame that answered it.
        """
        servers = self._by_unit.get(request[0])
        function = request[1]
        if servers is None or len(servers) != 1 or function not in _REGISTER_READS:
            return None
        read = REQUESTS[function](request[1:-2])
        if not isinstance(read, Read) or reply[:2] != request[:2] or len(reply) != 5 + 2 * read.quantity:
            return None
        server = servers[0]
        if not server.glances:
            return None
        heard = self.settings.duration(len(request))
        begun = heard + self.turnaround
        replying = self.settings.duration(len(reply))
        words = unpack_registers(reply[3:-2])
        times = (heard, heard + self.t35, begun, begun + replying, heard + replying)
        return Repeat(server, servers, *read, words, *times)

    def would_repeat(self, repeat: Repeat, first: int) -> bool:
        """Whether a request that begins at `first` would get the reply it got before, byte for byte.

        True holds for as long as nothing happens to the slave and nothing else is said on the line.
        """
        server = repeat.server
        slave = server.slave
        return (
            not self._frame
            and not self._booting
            and first - self._last >= self.t35
            and len(repeat.alone) == 1
            and repeat.alone[0] is server
            and slave.silent_until == server.boots
            and slave.silent_until <= first
            and (slave.settings is None or slave.settings == self.settings)
            and not server.listen_only
            and not server.refuses
            and slave.glance(first + repeat.taken, repeat.table, repeat.start, repeat.quantity) == repeat.words
        )

    def repeated(self, repeat: Repeat, first: int) -> None:
        """Be as after hearing that request and replying to it; `would_repeat` has said yes."""
        server = repeat.server
        server.addressed += 1
        server.events += 1
        server.replies += 1
        self._heard.messages += 2
        self._talker = server
        self._first = first
        self._last = first + repeat.heard
        self._spoilt = self._overrun = False

    # -- replying -----------------------------------------------------------------------------------------------------
    def _hears(self, server: Server) -> bool:
        """Whether the frame just cut reached this slave: it is up, and runs at the line's settings."""
        slave = server.slave
        if slave.silent_until != server.boots:
            self._follow(server)
        if self._first < slave.silent_until:
            return False
        return slave.settings is None or slave.settings == self.settings

    def _execute(self, now: int, servers: list[Server], frame: bytes) -> Iterable[Effect]:
        known = self._known.get(frame)
        if known is not None and len(servers) == 1 and servers[0] is known.server and self._again(now, known):
            return known.effects
        pdu = frame[1:-2]
        if len(servers) == 1 and pdu[0] not in _WRITES:  # nearly every frame: one slave is read
            server = servers[0]
            if not self._hears(server):
                return ()
            reply, wanted = server.answer(now, pdu, False)
            if reply and not wanted:
                self._talker = server
                self._heard.messages += 1
                effects = (Send(_seal(frame[:1] + reply), max(self._last + self.turnaround - now, 0)),)
                self._remember(server, frame, effects)
                return effects
            return self._reply(now, frame, [(server, reply, wanted)])
        answers = [(server, *server.answer(now, pdu, False)) for server in servers if self._hears(server)]
        return self._reply(now, frame, answers)

    def _again(self, now: int, known: Known) -> bool:
        """Whether a read gets the reply it got before; then that has been counted, as if the slave had been asked."""
        server, function, table, start, quantity, words, after, _ = known
        slave = server.slave
        if (
            server.listen_only
            or server.refuses
            or slave.silent_until != server.boots
            or self._first < slave.silent_until
            or (slave.settings is not None and slave.settings != self.settings)
            or self._last + self.turnaround - now != after
            or function not in slave.functions
            or slave.glance(now, table, start, quantity) != words
        ):
            return False
        server.addressed += 1
        server.events += 1
        server.replies += 1
        self._talker = server
        self._heard.messages += 1
        return True

    def _remember(self, server: Server, frame: bytes, effects: tuple[Send]) -> None:
        """Keep a good reply to a read of registers, if the slave can tell without being read whether it is still so."""
        function, (sent, after) = frame[1], effects[0]
        if function in _REGISTER_READS and sent[1] == function and server.glances:
            read = REQUESTS[function](frame[1:-2])
            if isinstance(read, Read):
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[frame] = Known(server, function, *read, unpack_registers(sent[3:-2]), after, effects)

    def _reply(self, now: int, frame: bytes, answers: list[tuple[Server, bytes, Iterable[Effect]]]) -> list[Effect]:
        effects: list[Effect] = []
        replies: list[bytes] = []
        late: list[Server] = []
        for server, reply, wanted in answers:
            if wanted:
                effects += self._relabel(server, wanted)
            if reply:
                replies.append(_seal(frame[:1] + reply))
                self._talker = server
                if server.waits_for_reply and reply[0] in _WRITES:
                    late.append(server)
        if not replies:
            return effects
        sent = replies[0] if len(replies) == 1 else _overlap(replies)
        self._heard.messages += 1  # the other slaves hear it; who sent it subtracts it again
        after = max(self._last + self.turnaround - now, 0)
        effects.append(Send(sent, after))
        if late:
            end = now + after + self.settings.duration(len(sent))
            effects += [Alarm(end, f"{_AFTER_REPLY}{server.place}") for server in late]
        return effects

    def _execute_all(self, now: int, pdu: bytes) -> Iterable[Effect]:
        effects: list[Effect] = []
        for server in self._servers:
            if self._hears(server):
                effects += self._relabel(server, server.answer(now, pdu, True)[1])
                if server.waits_for_reply and pdu[0] in _WRITES:
                    effects += self._relabel(server, server.slave.after_reply(now))
        return effects

    def _wake_slave(self, now: int, tag: str) -> Iterable[Effect]:
        if tag.startswith(_AFTER_REPLY):
            server = self._servers[int(tag.removeprefix(_AFTER_REPLY))]
            return self._relabel(server, server.slave.after_reply(now))
        place, _, own = tag.partition(":")
        server = self._servers[int(place)]
        return self._relabel(server, server.slave.wake(now, own))


def _overlap(replies: list[bytes]) -> bytes:
    """What a line carries when several slaves reply at once: the wired AND, so equal replies come through as one."""
    longest = max(map(len, replies))
    level = [reply.ljust(longest, b"\xff") for reply in replies]
    return bytes(reduce(and_, column) for column in zip(*level, strict=True))
