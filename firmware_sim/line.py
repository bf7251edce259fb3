"""The electrical medium between a collector's port and the devices: RS-485 bus or RS-232 link.

`half` duplex is one pair of wires: every station hears every other, and two that send at once garble each other.
`full` duplex is one wire each way. The line is driven by timers it is handed (`now`, `call_at`), so it runs the same
under simulated time, wall time and in a test's own loop.

What it models: character instants, one transmitter per station that queues behind itself, collisions, local echo of
the port's own characters, settings that differ between the ends, XON/XOFF towards the port's end, modem lines.
What it does not: cable length, termination, slew rates.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from firmware_sim.burst import Burst, LineSettings, collide
from firmware_sim.device import Alarm, Device, Effect, Flaws, Modem, Note, Send, Stop, Watch
from firmware_sim.resample import resample

XON, XOFF = 0x11, 0x13


class Timers(Protocol):
    """Whatever moves time: a simulated clock, an event loop, a test."""

    @property
    def now(self) -> int:
        """The present instant, ns."""
        ...

    def call_at(self, at: int, fn: Callable[..., Any], *args: Any) -> Any:
        """Call `fn(*args)` at instant `at`; calls for one instant run in the order they were made."""
        ...


class PortEnd(Protocol):
    """The collector's end of a line, as a port implements it."""

    settings: LineSettings
    xonxoff_in_force: bool

    def incoming(self, burst: Burst) -> None:
        """A burst towards the port has begun; its characters are complete at `burst.when(n)`."""
        ...

    def transmitted(self) -> None:
        """Characters left the port's transmitter: room in its buffer, or all sent."""
        ...


class Faults(Protocol):
    """What makes things go wrong on a line on purpose."""

    def takes(self, station: Transmitter, data: bytes) -> bool:
        """A station begins to send: True when it sends something else instead, and that has been seen to."""
        ...


class Transmitter:
    """One station's UART output: what it sends now, what waits, and whether XOFF holds it.

    Its name is the device's, or "port" for the collector's end. `alarms` has the instant of each alarm by its tag,
    `due` that for which a call of `Line.ring` was made on its `timers`, which may be earlier.
    """

    __slots__ = ("alarms", "current", "device", "due", "epoch", "held", "name", "port", "queue", "timers")

    def __init__(self, device: Device | None, timers: Timers, port: PortEnd | None = None) -> None:
        self.device = device
        self.name = device.name if device is not None else "port"
        self.port = port
        self.current: Burst | None = None
        self.queue: deque[bytes] = deque()
        self.held = False
        self.epoch = 0
        self.timers = timers
        self.alarms: dict[str, int] = {}
        self.due: dict[str, int] = {}


BurstSink = Callable[[int, str, str, bytes, int, int], Any]
"""(start ns, line, src, characters as heard, number of damaged characters, end ns)."""

NoteSink = Callable[[str, int, Note], Any]
"""(device, instant ns, note)."""


class Line:
    """One line with its stations.

    Args:
        name: as the scenario calls it.
        timers: what the line schedules on.
        settings: what the devices on it are set to.
        duplex: "half" or "full".
        echo: the port hears its own characters (a half-duplex adapter whose receiver stays on).
    """

    def __init__(
        self,
        name: str,
        timers: Timers,
        settings: LineSettings | None = None,
        duplex: str = "half",
        *,
        echo: bool = False,
    ) -> None:
        if duplex not in {"half", "full"}:
            raise ValueError(f"line {name}: duplex is 'half' or 'full', not {duplex!r}")
        self.name = name
        self.timers = timers
        self.settings = settings or LineSettings()
        self.half = duplex == "half"
        self.echo = echo
        self.cts = self.dsr = True
        self.rts = self.dtr = True  # as the collector's end drives them, see `drive`
        self.faults: Faults | None = None  # acts on each burst as it begins, see `firmware_sim.disturbed`
        self.master: Transmitter = Transmitter(None, timers)
        self.master_xonxoff = False
        self._stations: tuple[Transmitter, ...] = ()
        self._by_device: dict[int, Transmitter] = {}
        self._active: list[Burst] = []
        self._burst_sinks: tuple[BurstSink, ...] = ()
        self._note_sinks: tuple[NoteSink, ...] = ()
        self._modem_sinks: tuple[Callable[[], Any], ...] = ()
        self.busy_ns = 0
        self.bursts = 0
        self.collisions = 0

    # -- who is on the line -----------------------------------------------------------------------------------------
    def attach(self, device: Device) -> Device:
        """Put a device on the line."""
        station = Transmitter(device, self.timers)
        self._stations = (*self._stations, station)
        self._by_device[id(device)] = station
        return device

    def attach_master(self, device: Device, *, xonxoff: bool = False) -> Device:
        """Put a sans-IO master (the house controller's) at the collector's end; its `attached(line)` is called."""
        self.master = Transmitter(device, self.timers)
        self.master_xonxoff = xonxoff
        self._by_device[id(device)] = self.master
        attached = getattr(device, "attached", None)
        if attached is not None:  # a master that wants to know its line, see `Line.plain`
            attached(self)
        return device

    def attach_port(self, port: PortEnd | None) -> Transmitter:
        """Put a collector's port at the collector's end, or take it off (None): what waited to be sent is dropped."""
        old = self.master
        old.epoch += 1
        old.queue.clear()
        old.alarms.clear()  # a master that was here does not go on polling
        old.due.clear()
        if old.current is not None:
            self._cut(old, finish=False)
        self.master = Transmitter(None, self.timers, port)
        return self.master

    @property
    def devices(self) -> list[Device]:
        """The devices on the line, in the order they were attached."""
        return [station.device for station in self._stations if station.device is not None]

    def on_burst(self, sink: BurstSink) -> None:
        """Call `sink` for each burst when it has ended."""
        self._burst_sinks = (*self._burst_sinks, sink)

    def on_note(self, sink: NoteSink) -> None:
        """Call `sink` for each note of a device on this line."""
        self._note_sinks = (*self._note_sinks, sink)

    def drive(self, *, rts: bool, dtr: bool) -> None:
        """Let the collector's end drive RTS and DTR; a device with `host_ready(now, ready)` is told of a new DTR."""
        self.rts = rts
        if dtr == self.dtr:
            return
        self.dtr = dtr
        for station in self._stations:
            told = getattr(station.device, "host_ready", None)
            if told is not None:
                self._apply(station, told(self.timers.now, dtr))

    def on_modem(self, sink: Callable[[], Any]) -> None:
        """Call `sink` when a device has changed `cts` or `dsr`."""
        self._modem_sinks = (*self._modem_sinks, sink)

    # -- effects ----------------------------------------------------------------------------------------------------
    def apply(self, device: Device, effects: Iterable[Effect]) -> None:
        """Carry out what a device (or the master) wants to happen."""
        self._apply(self._by_device[id(device)], effects)

    def _apply(self, station: Transmitter, effects: Iterable[Effect]) -> None:
        timers = self.timers
        for effect in effects:
            if isinstance(effect, Alarm):
                at, tag = effect
                if at is None:
                    station.alarms.pop(tag, None)
                    continue
                station.alarms[tag] = at
                due = station.due.get(tag)
                if due is None or at < due:
                    self._set(station, tag, at)
            elif isinstance(effect, Send):
                data, after = effect
                if after > 0:
                    timers.call_at(timers.now + after, self._send_later, station, station.epoch, data)
                else:
                    self.transmit(station, data)
            elif isinstance(effect, Note):
                name = effect.facts.get("device") or station.name
                for sink in self._note_sinks:
                    sink(name, timers.now, effect)
            elif isinstance(effect, Stop):
                self._stop(station)
            elif isinstance(effect, Modem):
                self.cts = self.cts if effect.cts is None else effect.cts
                self.dsr = self.dsr if effect.dsr is None else effect.dsr
                for tell in self._modem_sinks:
                    tell()
            else:
                raise TypeError(f"line {self.name}: {station.name} returned {effect!r}, which is no effect")

    def _send_later(self, station: Transmitter, epoch: int, data: bytes) -> None:
        if station.epoch == epoch:
            self.transmit(station, data)

    def _set(self, station: Transmitter, tag: str, at: int) -> None:
        timers = station.timers
        now = timers.now
        if at < now:  # max() costs three times as much, a million times a day
            at = now
        station.due[tag] = at
        timers.call_at(at, self.ring, station, tag, at)

    def ring(self, station: Transmitter, tag: str, at: int) -> None:
        """The call that was made for a station's alarm `tag`, for instant `at`, has come."""
        # A call cannot be taken back. An alarm that was put off (a time-out, at each request) keeps the call it has and
        # makes a new one when that falls due; one that was put forward makes a new call and forgets the later one.
        if station.due.get(tag) != at:
            return
        del station.due[tag]
        wanted = station.alarms.get(tag)
        if wanted is None:
            return
        if wanted > at:
            self._set(station, tag, wanted)
            return
        del station.alarms[tag]
        effects = station.device.wake(at, tag)  # type: ignore[union-attr]
        if effects:
            self._apply(station, effects)

    # -- sending ----------------------------------------------------------------------------------------------------
    def transmit(self, station: Transmitter, data: bytes) -> None:
        """Send characters from a station, behind what it already sends."""
        if not data:
            return
        if station.current is not None or station.held or station.queue:
            station.queue.append(data)
        else:
            self._begin(station, data)

    def put(self, station: Transmitter, burst: Burst) -> None:
        """Let a burst that was made elsewhere begin now; the station does not send anything else."""
        self._begin(station, burst.sent, burst)

    def _begin(self, station: Transmitter, data: bytes, ready: Burst | None = None) -> None:
        if self.faults is not None and ready is None and self.faults.takes(station, data):
            return
        timers = self.timers
        now = timers.now
        port = station.port
        burst = ready or Burst(station, data, now, port.settings if port is not None else self.settings)
        station.current = burst
        if self.half:
            active = self._active
            if active:
                for other in active:
                    if other.end > now and other.src is not station:
                        collide(other, burst)
                        self.collisions += 1
            active.append(burst)
        master = self.master
        if station is not master:
            self._towards_master(burst)
        elif self.echo and port is not None:
            port.incoming(burst)
        timers.call_at(burst.end, self._ended, burst, burst.end)
        for listener in self._stations:
            if listener.device.watch is not None and listener is not station:  # type: ignore[union-attr]
                self._watch(burst, listener, 0)
        if master.device is not None and master is not station and master.device.watch is not None:
            self._watch(burst, master, 0)

    def _towards_master(self, burst: Burst) -> None:
        port = self.master.port
        if port is not None:
            if port.settings is burst.settings or port.settings == burst.settings:
                port.incoming(burst)
            else:
                burst.late = True
        data = burst.data
        if (XON in data or XOFF in data) and not burst.late and self._flow_controlled:
            for i, char in enumerate(data):
                if char in (XON, XOFF):
                    self.timers.call_at(burst.when(i + 1), self._flow, burst, i, char)

    def _garbled_to_port(self, burst: Burst, end: int) -> None:
        """Let a port at other settings hear a burst that has ended: only now is it known what came of it."""
        port = self.master.port
        if port is None:
            return
        data, flaws = resample(burst.data, burst.settings, port.settings)
        view = Burst(burst.src, data, end - port.settings.duration(len(data)), port.settings)
        view.flaws = flaws or None
        port.incoming(view)

    def _ended(self, burst: Burst, end: int) -> None:
        if burst.end != end or burst.src.current is not burst:
            return  # it was cut: its new end has an event of its own
        station = burst.src
        station.current = None
        if self.half:
            self._active.remove(burst)
        self.busy_ns += end - burst.start
        self.bursts += 1
        flaws = len(burst.flaws) if burst.flaws else 0
        for sink in self._burst_sinks:
            sink(burst.start, self.name, station.name, burst.data, flaws, end)
        if burst.data:
            if burst.late:
                self._garbled_to_port(burst, end)
            stations = self._stations
            if len(stations) != 1 or stations[0] is not station or self.master.device is not None:
                self._heard_by_all(burst, station, end)  # else nobody is there but the port, which knows the burst
        if station.queue and station.current is None and not station.held:
            self._begin(station, station.queue.popleft())
        if station.port is not None:
            station.port.transmitted()

    def _heard_by_all(self, burst: Burst, station: Transmitter, end: int) -> None:
        master = self.master
        from_master = station is master
        data: bytes = burst.data
        flaws: Flaws | None = burst.flaws
        garbled = burst.settings is not self.settings and burst.settings != self.settings
        if garbled:
            data, flaws = resample(data, burst.settings, self.settings)
            if not data:
                return
        listeners = self._stations if from_master or self.half else ()
        if master.device is not None and (not from_master or self.echo):
            listeners = (*listeners, master)
        early = burst.heard is not None and not garbled
        for listener in listeners:
            if listener is station and not (from_master and self.echo):
                continue
            if early:
                self._hear_upto(burst, listener, len(data), end)
            else:
                effects = listener.device.hear(end, data, burst.start, end, flaws)  # type: ignore[union-attr]
                if effects:
                    self._apply(listener, effects)

    # -- hearing early ----------------------------------------------------------------------------------------------
    def _watch(self, burst: Burst, listener: Transmitter, position: int) -> None:
        """Arrange that a watching device hears when its character comes, or after its count."""
        if not self.half and (burst.src is self.master) == (listener is self.master):
            return
        if burst.settings != self.settings:
            return  # garbled characters have no instants of their own: heard at the end
        watch: Watch | None = listener.device.watch  # type: ignore[union-attr]
        if burst.heard is None:
            burst.heard = {}
        burst.heard.setdefault(listener, 0)
        if watch is None:
            return
        index = len(burst.data)
        for char in watch.chars:
            found = burst.data.find(char, position, index)
            if found >= 0:
                index = found + 1
        if watch.after > 0:
            index = min(index, position + watch.after)
        if index < len(burst.data):
            self.timers.call_at(burst.when(index), self._early, burst, listener, index)

    def _early(self, burst: Burst, listener: Transmitter, index: int) -> None:
        if burst.heard is None or burst.heard.get(listener, 0) >= index or index > len(burst.data):
            return
        self._hear_upto(burst, listener, index, burst.when(index))
        if burst.src.current is burst:
            self._watch(burst, listener, index)

    def _hear_upto(self, burst: Burst, listener: Transmitter, index: int, now: int) -> None:
        assert burst.heard is not None
        position = burst.heard.get(listener, 0)
        if position < index:
            burst.heard[listener] = index
            effects = listener.device.hear(  # type: ignore[union-attr]
                now,
                burst.data[position:index],
                burst.when(position),
                burst.when(index),
                burst.flaws_from(position, index),
            )
            self._apply(listener, effects)

    # -- foreseeing -------------------------------------------------------------------------------------------------
    @property
    def plain(self) -> bool:
        """Whether one master and one station are alone here, and at rest, and hear each other as they speak.

        Then what the master sends next, and what the station replies, have instants and an outcome that can be
        reckoned beforehand. Whatever else comes to act on a line's bursts must make this False.
        """
        master = self.master
        if len(self._stations) != 1 or not self.half or self.echo or self.master_xonxoff or master.port is not None:
            return False
        if self.faults is not None:
            return False
        (station,) = self._stations
        return not (
            self._active
            or master.current is not None
            or master.queue
            or master.held
            or master.device is None
            or master.device.watch is not None
            or station.current is not None
            or station.queue
            or station.device.watch is not None  # type: ignore[union-attr]
        )

    @property
    def burst_sinks(self) -> tuple[BurstSink, ...]:
        """Who is told of each burst."""
        return self._burst_sinks

    @property
    def stations(self) -> tuple[Transmitter, ...]:
        """The transmitters of the devices, in the order in which they were attached."""
        return self._stations

    # -- stopping ---------------------------------------------------------------------------------------------------
    def _cut(self, station: Transmitter, *, finish: bool) -> bytes:
        burst = station.current
        if burst is None:
            return b""
        now = self.timers.now
        rest = burst.cut(now, finish=finish)
        if self.half and len(self._active) > 1:
            self._spare_the_others(burst)
        if burst.end <= now:
            burst.end = now
            self._ended(burst, now)
        else:
            self.timers.call_at(burst.end, self._ended, burst, burst.end)
        return rest

    def _spare_the_others(self, cut: Burst) -> None:
        """Let who collided with a burst that was cut go on unharmed, from the next character, as a new burst."""
        now = self.timers.now
        for other in (*self._active,):
            if other is not cut and other.end > now:
                rest = other.cut(now, finish=True)
                if rest:
                    other.src.queue.appendleft(rest)
                    self.timers.call_at(other.end, self._ended, other, other.end)

    def _stop(self, station: Transmitter) -> None:
        station.epoch += 1
        station.queue.clear()
        self._cut(station, finish=False)

    def _flow(self, burst: Burst, index: int, char: int) -> None:
        if index >= len(burst.data) or burst.data[index] != char or not self._flow_controlled:
            return  # the burst was cut before this character, or the port has given up flow control
        if char == XOFF:
            self.hold()
        elif self.master.held:
            self.release()

    @property
    def _flow_controlled(self) -> bool:
        port = self.master.port
        return self.master_xonxoff if port is None else port.xonxoff_in_force

    def hold(self) -> None:
        """Let the port's end send no more than the character in progress, until `release`."""
        master = self.master
        if not master.held:
            master.held = True
            rest = self._cut(master, finish=True)
            if rest:
                master.queue.appendleft(rest)

    def release(self) -> None:
        """Let the port's end send again (XON came, or the port gave up flow control)."""
        master = self.master
        master.held = False
        if master.queue and master.current is None:
            self._begin(master, master.queue.popleft())
        if master.port is not None:
            master.port.transmitted()

    def drop_output(self) -> None:
        """Forget what the port's end has not sent; the character on the wire ends."""
        self.master.queue.clear()
        self._cut(self.master, finish=True)

    def unsent(self) -> int:
        """Characters of the port's end that are not complete on the wire yet."""
        master = self.master
        n = sum(map(len, master.queue))
        if master.current is not None:
            n += len(master.current.data) - master.current.arrived(self.timers.now)
        return n
