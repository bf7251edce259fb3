"""The master of a voice caller by declaration: a call is the message that `[house] announce` says, sans-IO.

Calls are spoken one after the other, as with the voice callers that ship. A message with an `answer` is repeated when
none comes, and given up after three times; that the call has been spoken is told by the message `over`, or known by the
time that `lasts_ms` gives it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from bench.controller.conversation import Tell
from bench.controller.voice_master import BETWEEN, NEXT, Calling, Effects, VoiceMaster
from firmware_sim.burst import LineSettings
from firmware_sim.declared_host import NOTHING, HostSide, spoken
from firmware_sim.device import MS, Alarm, Flaws, Send
from protocol.declared.codec import Codec
from protocol.declared.items import BadValue
from protocol.declared.model import Ask

_MOST_TRIES: Final = 3
_MOST_HEARD: Final = 4096


class DeclaredVoice(VoiceMaster):
    """The house's end of the line of a voice caller by declaration.

    Args:
        name: what histories call it.
        voice: name of the device.
        unit: its address.
        codec: its declaration.
        settings: of the line.
        tell: where notes go, as for `VoiceMaster`.

    Raises:
        ValueError: the declaration does not say how a call is spoken.
    """

    def __init__(self, name: str, voice: str, unit: int, codec: Codec, settings: LineSettings, tell: Tell) -> None:
        house = codec.declaration.house
        if house is None or house.announce is None:
            raise ValueError(f"{voice}: {codec.declaration.name} has no [house] announce: it does not say how to speak")
        super().__init__(name, voice, codec, settings, {}, tell)
        self._announce: Ask = house.announce
        self._start = house.start
        self._host = HostSide(codec, unit)
        self._opening = deque(house.start)
        self._frame = b""
        self._tries = 0  # of a message whose answer is waited for; 0 when none is
        self._heard_of_it = b""

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Effects:
        """The device answers, or says that it has spoken; whatever is damaged is not understood."""
        if flaws:
            data = bytes(char for index, char in enumerate(data) if index not in flaws)
        self._heard_of_it = (self._heard_of_it + data)[-_MOST_HEARD:]
        said = self._host.answers(self._heard_of_it)
        if not self._began or not said:
            return ()
        if self._tries and self._announce.answer in said:
            self._tries = 0
            self._due = now + self._announce.lasts_ms * MS
        if self._announce.over and self._announce.over in said:
            self._quiet = 0
            return self._over(now)
        return (Alarm(self._due, NEXT),)

    def wake(self, now: int, tag: str) -> Effects:
        """The next thing is due: a call, one that was not answered, or an end that was not told."""
        if now < self._due:
            return ()
        if self._call is None or not self._began:
            return self._next(now)
        if not self._tries:
            if self._announce.over and not self._quiet:
                self._tell(now, "silent", {"device": self.voice})
            self._quiet += bool(self._announce.over)
            return self._over(now)
        if self._tries < _MOST_TRIES:
            return self._send(now, self._tries + 1)
        self._opening = deque(self._start)  # it may have lost its supply
        return self._not_spoken(now, self._call, f"it does not answer, asked {_MOST_TRIES} times")

    # -- what it is told ----------------------------------------------------------------------------------------------
    def _next(self, now: int) -> Effects:
        while self._opening:
            try:
                frame = self._host.frame(self._opening.popleft(), NOTHING)
            except BadValue:
                continue
            self._due = now + self._settings.duration(len(frame)) + BETWEEN
            return (Send(frame), Alarm(self._due, NEXT))
        if self._call is None:
            if not self._calls:
                return ()
            self._call = self._calls.popleft()
        return self._speak(now, self._call)

    def _speak(self, now: int, call: Calling) -> Effects:
        try:
            self._frame = self._host.frame(self._announce, spoken(call.ticket, call.counter, again=call.again))
        except BadValue as error:
            return self._not_spoken(now, call, str(error))
        return self._send(now, 1 if self._announce.answer else 0)

    def _send(self, now: int, tries: int) -> Effects:
        self._tries, self._heard_of_it = tries, b""
        ask = self._announce
        if not tries:
            return self._begin(now, self._frame, ask.lasts_ms * MS)
        answer = self._settings.duration(self._host.longest(ask.answer))
        return self._begin(now, self._frame, ask.within_ms * MS + answer)


__all__ = ["DeclaredVoice"]
