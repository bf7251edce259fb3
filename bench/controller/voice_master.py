"""The master of one voice caller, sans-IO: each call is spoken whole, one after the other.

A clip player gets a call as a row of clips, each started when the one before has ended; a speech chip gets it as a
text. Both say when they are done (DFPlayer: 3C, 3D; SYN6288, XFS5152: 4F; protocols.md 5 [S, C]), but clones say it
twice or not at all: an end is believed when it names the clip that is played and that clip can have ended, and where
none comes the time that the clip is known to take is waited for. What is not waited for is cut off: these devices have
no queue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from bench.controller.conversation import Tell
from firmware_sim.burst import LineSettings
from firmware_sim.device import MS, NS, Alarm, Effect, Flaws, Send, Watch
from protocol.declared.codec import Codec, Decoded
from protocol.declared.items import BadValue
from protocol.declared.reader import Frame

NEXT: Final = "next"

MOST_WAITING: Final = 20
"""Calls that wait to be spoken; of more the oldest are given up."""

BETWEEN: Final = 40 * MS
"""Pause between two commands: modules want 20 to 100 ms (protocols.md 5.1)."""

_BETWEEN_CALLS: Final = 1_200 * MS
_FIRST: Final = 2 * NS
"""A module is silent for up to so long after its supply came."""

_GRACE: Final = 400 * MS
"""A clip whose end is not told is over so long after its time: less than the pause that ends an utterance."""

_PER_CHARACTER: Final = 400 * MS
_CHIME, _CALL, _TO, _AGAIN = "(chuông)", "mời số", "đến quầy", "xin nhắc lại"

Effects = Sequence[Effect]


class Calling(NamedTuple):
    """A call to be spoken."""

    ticket: str
    counter: int
    again: bool = False


def sentence(call: Calling) -> str:
    """The call as a Chinese speech chip is told it."""
    return f"请{call.ticket}号到{call.counter}号窗口"


def words(call: Calling) -> list[str]:
    """The call as the words of clips: letters and digits are spelt."""
    begin = _AGAIN if call.again else _CHIME
    return [begin, _CALL, *call.ticket, _TO, *str(call.counter)]


class VoiceMaster:
    """The house's end of a voice caller's line.

    Args:
        name: what histories call it.
        voice: name of the device.
        codec: its declaration.
        settings: of the line.
        clips: text -> (number of its clip, ms); empty for a chip that speaks text.
        tell: where notes go: `spoke` {device, ticket, counter}, `silent` {device}, `unspoken` {device, ticket, why}.
    """

    watch: Watch | None = None

    def __init__(
        self,
        name: str,
        voice: str,
        codec: Codec,
        settings: LineSettings,
        clips: Mapping[str, tuple[int, int]],
        tell: Tell,
    ) -> None:
        self.name = name
        self.voice = voice
        self._codec = codec
        self._settings = settings
        self._clips = clips
        self._tell = tell
        self._reader = codec.reader("device")
        self._speaks_text = "speak" in codec.messages
        self._calls: deque[Calling] = deque()
        self._call: Calling | None = None
        self._left: deque[tuple[int, int]] = deque()  # clips of the call that are still to be played
        self._clip = 0
        self._began = 0
        self._due = 0
        self._quiet = 0  # ends in a row that were not told

    @property
    def waiting(self) -> int:
        """Calls that are not spoken yet."""
        return len(self._calls) + (self._call is not None)

    # -- driven from outside ------------------------------------------------------------------------------------------
    def start(self, now: int) -> Effects:
        """Give the module its time to come up."""
        self._due = now + _FIRST
        return (Alarm(self._due, NEXT),)

    def announce(self, now: int, ticket: str, counter: int, *, again: bool = False) -> Effects:
        """Speak a call, after those that wait."""
        if len(self._calls) >= MOST_WAITING:
            given_up = self._calls.popleft()
            facts = {"device": self.voice, "ticket": given_up.ticket, "why": f"{MOST_WAITING} calls wait"}
            self._tell(now, "unspoken", facts)
        self._calls.append(Calling(ticket, counter, again))
        if self._call is None and now >= self._due:
            return self._next(now)
        return ()

    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Effects:
        """The module says something; whatever is damaged is not understood."""
        if flaws:
            data = bytes(char for index, char in enumerate(data) if index not in flaws)
        effects: list[Effect] = []
        for item in self._reader.feed(data):
            decoded = self._codec.read("device", item) if isinstance(item, Frame) else None
            if decoded is not None and decoded.message is not None:
                effects += self._heard(now, decoded)
        return effects

    def wake(self, now: int, tag: str) -> Effects:
        """The next thing is due: a clip, a call, or an end that was not told."""
        if now < self._due:
            return ()
        if self._call is not None and self._began:
            self._quiet += 1
            if self._quiet == 1:
                self._tell(now, "silent", {"device": self.voice})
            return self._over(now)
        return self._next(now)

    # -- what it says -------------------------------------------------------------------------------------------------
    def _heard(self, now: int, decoded: Decoded) -> Effects:
        assert decoded.message is not None
        name, values = decoded.message.name, decoded.values
        if not self._began:
            return ()
        if name in ("finished", "finished_usb") and values.get("clip") == self._clip and self._can_be_over(now):
            self._quiet = 0
            return self._over(now)
        if name == "say" and values.get("code") == 0x4F and self._can_be_over(now):
            self._quiet = 0
            return self._over(now)
        if name == "error" and values.get("code") in (5, 6):
            return self._over(now)  # no such clip: the rest of the call is better than nothing
        return ()

    def _can_be_over(self, now: int) -> bool:
        """An end that is told within the pause after the start is the second one of the clip before."""
        return now - self._began >= 2 * BETWEEN

    # -- what it is told ----------------------------------------------------------------------------------------------
    def _next(self, now: int) -> Effects:
        if self._call is None:
            if not self._calls:
                return ()
            self._call = self._calls.popleft()
            if self._speaks_text:
                return self._speak(now, self._call)
            self._spell(now, self._call)
        if not self._left:
            return self._done(now)
        self._clip, lasts = self._left.popleft()
        frame = self._codec.write("play", {"cmd": 0x03, "ack": 0, "clip": self._clip})
        return self._begin(now, frame, lasts * MS + _GRACE)

    def _spell(self, now: int, call: Calling) -> None:
        """The clips of a call; a letter or digit that the card lacks is told."""
        said = words(call)
        self._left = deque(self._clips[word] for word in said if word in self._clips)
        lost = [word for word in said if word not in self._clips and len(word) == 1]
        if lost:
            facts = {"device": self.voice, "ticket": call.ticket, "why": f"there is no clip for {', '.join(lost)}"}
            self._tell(now, "unspoken", facts)

    def _speak(self, now: int, call: Calling) -> Effects:
        text = sentence(call)
        try:
            frame = self._codec.write("speak", {"charset": 1, "music": 0, "text": text})
        except BadValue as error:
            return self._not_spoken(now, call, str(error))
        return self._begin(now, frame, len(text) * _PER_CHARACTER)

    def _begin(self, now: int, frame: bytes, longest: int) -> Effects:
        self._began = now + self._settings.duration(len(frame))
        self._due = self._began + longest
        return (Send(frame), Alarm(self._due, NEXT))

    def _over(self, now: int) -> Effects:
        """What was said is over."""
        self._began = 0
        if self._left:
            self._due = now + BETWEEN
            return (Alarm(self._due, NEXT),)
        return self._done(now)

    def _done(self, now: int) -> Effects:
        call = self._call
        assert call is not None
        self._tell(now, "spoke", {"device": self.voice, "ticket": call.ticket, "counter": call.counter})
        return self._rest(now)

    def _not_spoken(self, now: int, call: Calling, why: str) -> Effects:
        """The call is given up: the next one has its turn."""
        self._tell(now, "unspoken", {"device": self.voice, "ticket": call.ticket, "why": why})
        return self._rest(now)

    def _rest(self, now: int) -> Effects:
        """Nothing is being said, and nothing will be for a while."""
        self._call, self._began = None, 0
        self._due = now + _BETWEEN_CALLS
        return (Alarm(self._due, NEXT),)
