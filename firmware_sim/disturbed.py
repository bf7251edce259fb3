"""A line on which things go wrong: carries out what faults make of the bursts of its stations.

A `Disturber` is put on a line with the first fault and taken off with the last. Each burst that begins is shown to its
watchers; what they make of it (pieces with silences, damaged characters, nothing at all) goes on the line in its place.
It also has a transmitter of its own, "noise", for what no station sends: a second master, interference, a line that is
held low. Sans-IO: it uses the timers of its line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from firmware_sim.burst import Burst
from firmware_sim.device import BREAK, FRAMING
from firmware_sim.flaws import Cast, Piece
from firmware_sim.line import Line, Transmitter

__all__ = ["Disturber", "Watcher"]

Watcher = Callable[[Transmitter, Cast, "Sequence[Piece] | None"], "Sequence[Piece] | None"]
"""(who sends, what, pieces that earlier watchers made of it) -> pieces, or None to let it pass as it is."""

_BREAK_CHARACTER: Final = b"\x00"


class Disturber:
    """Acts on every burst of one line (a `firmware_sim.line.Faults`).

    Attributes:
        line: the line.
        watchers: asked in this order.
        noise: transmitter of what no station sends.
        asked: end of the latest burst of the collector's end, ns.
    """

    def __init__(self, line: Line) -> None:
        self.line = line
        self.watchers: list[Watcher] = []
        self.noise = Transmitter(None, line.timers)
        self.noise.name = "noise"
        self.asked = 0
        self._holding: set[int] = set()
        line.faults = self

    def takes(self, station: Transmitter, data: bytes) -> bool:
        """As `Faults`."""
        line = self.line
        now = line.timers.now
        settings = station.port.settings if station.port is not None else line.settings
        cast = Cast(data, now, settings, self.asked)
        pieces: Sequence[Piece] | None = None
        for watcher in (*self.watchers,):
            made = watcher(station, cast, pieces)
            pieces = pieces if made is None else made
        if station is line.master:
            self.asked = now + settings.duration(len(data))
        if pieces is None:
            return False
        self._play(station, station.epoch, [piece for piece in pieces if piece.data])
        return True

    def leave(self) -> None:
        """Take it off the line; bursts that begin from now on pass as they are."""
        if self.line.faults is self and not self.watchers:
            self.line.faults = None

    # -- what a station sends instead -------------------------------------------------------------------------------
    def _play(self, station: Transmitter, epoch: int, pieces: Sequence[Piece]) -> None:
        """Put the pieces on the line, one after the other; what else the station has to send waits for them."""
        if station.epoch != epoch or not pieces:
            self._let_go(station)
            return
        piece, *rest = pieces
        timers = self.line.timers
        if piece.after > 0:
            self._hold(station)
            pieces = (piece._replace(after=0), *rest)
            timers.call_at(timers.now + piece.after, self._play, station, epoch, pieces)
            return
        if rest:
            self._hold(station)
        elif id(station) in self._holding:
            self._holding.discard(id(station))
            station.held = False
        burst = self._put(station, piece)
        if rest:
            timers.call_at(burst.end, self._play, station, epoch, rest)

    def _hold(self, station: Transmitter) -> None:
        if not station.held:
            self._holding.add(id(station))
            station.held = True

    def _let_go(self, station: Transmitter) -> None:
        """Let a station that held back what it has to send go on."""
        if id(station) in self._holding:
            self._holding.discard(id(station))
            station.held = False
        if station.queue and station.current is None and not station.held:
            data = station.queue.popleft()
            self.line.transmit(station, data)

    def _put(self, station: Transmitter, piece: Piece) -> Burst:
        line = self.line
        settings = station.port.settings if station.port is not None else line.settings
        burst = Burst(station, piece.data, line.timers.now, piece.settings or settings)
        if piece.flaws:
            burst.flaws = dict(piece.flaws)
        if not piece.heard:
            burst.swallow(len(burst.data))
        line.put(station, burst)
        return burst

    # -- what no station sends --------------------------------------------------------------------------------------
    def speak(self, data: bytes, flaws: dict[int, int] | None = None) -> int:
        """Put characters on the line that no station sends, at once; returns the instant at which they end."""
        line = self.line
        now = line.timers.now
        if self.noise.current is not None:
            return self.noise.current.end
        burst = Burst(self.noise, data, now, line.settings)
        burst.flaws = flaws
        line.put(self.noise, burst)
        return burst.end

    def break_character(self) -> int:
        """The line is held low for longer than a character: heard as one 00 with a framing error."""
        return self.speak(_BREAK_CHARACTER, {0: BREAK | FRAMING})

    def echo(self, station: Transmitter, data: bytes, skip: int) -> None:
        """Let the collector's end hear its own characters, the first `skip` of them excepted (N22).

        Args:
            station: the collector's end, which begins to send.
            data: what it sends.
            skip: how many characters its receiver is still off for.
        """
        line = self.line
        settings = station.port.settings if station.port is not None else line.settings
        burst = Burst(station, data, line.timers.now, settings)
        burst.swallow(skip)
        if station.port is not None:
            station.port.incoming(burst)
        elif station.device is not None:
            line.timers.call_at(burst.end, self._hears_itself, station, burst)

    def _hears_itself(self, station: Transmitter, burst: Burst) -> None:
        if station.device is not None and burst.data:
            effects = station.device.hear(burst.end, burst.data, burst.start, burst.end, None)
            self.line.apply(station.device, effects)
