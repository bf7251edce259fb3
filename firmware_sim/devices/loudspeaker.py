"""What a voice caller says: clips and spoken text with their durations, as text with instants.

A clip that is played or a text that is spoken takes its time; another one that comes meanwhile cuts it off. What was
really heard is told to the history as `spoken` {text, start, end, whole}: clips that follow each other within a second
are one utterance, a text is one. Clip texts of one letter or digit are written together ("A", "0", "0", "1" -> A001),
so that an utterance reads as the call it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from firmware_sim.device import MS, NS, Alarm, Effect, Note

__all__ = ["CLIPS", "Clip", "Loudspeaker", "joined"]

PAUSE: Final = NS
"""Silence that ends an utterance of clips."""

CUT: Final = "—"
"""Stands where an utterance was cut off."""

_PER_CHARACTER: Final = 220 * MS
"""How long a character of spoken text takes when the declaration does not say (assumed)."""

_MOST_CLIPS: Final = 64
_END, _UTTERED = "voice", "uttered"


class Clip(NamedTuple):
    """A recorded clip: what is heard, and how long it takes, ms."""

    text: str
    ms: int


def _clips() -> dict[int, Clip]:
    made = {
        1: Clip("(chuông)", 900),
        2: Clip("mời số", 800),
        3: Clip("đến quầy", 700),
        4: Clip("xin nhắc lại", 900),
    }
    made |= {100 + digit: Clip(str(digit), 420) for digit in range(10)}
    return made | {200 + index: Clip(chr(65 + index), 480) for index in range(26)}


CLIPS: Final[Mapping[int, Clip]] = MappingProxyType(_clips())
"""The clips of a hall's card when the scenario names none (numbers, words and durations assumed): 1 chime, 2 "mời số",
3 "đến quầy", 4 "xin nhắc lại", 100..109 the digits, 200..225 the letters A to Z."""


def joined(words: list[str]) -> str:
    """Clip texts as one line: single letters and digits are written together."""
    made = ""
    single = False
    for word in words:
        alone = len(word) == 1 and word.isalnum()
        made += word if not made or (alone and single) else f" {word}"
        single = alone
    return made


class Loudspeaker:
    """The sounding part of a voice caller.

    Args:
        clips: number -> clip.
        speed: how much faster (above 1) or slower than the clips and texts say it speaks.

    Attributes:
        doing: "idle", "speaking" or "paused".
        clip: number of the clip that is played, or was played last.
    """

    def __init__(self, clips: Mapping[int, Clip] | None = None, speed: float = 1.0) -> None:
        self.clips = CLIPS if clips is None else clips
        self.speed = speed
        self.doing = "idle"
        self.clip = 0
        self._text = ""
        self._begin = 0
        self._end = 0
        self._left = 0
        self._is_clip = False
        self._words: list[str] = []
        self._since = 0
        self._until = 0
        self._whole = True
        self._busy = False

    def act(self, now: int, act: str, value: Any, lasts: int | None) -> tuple[list[Effect], list[tuple[str, int]]]:
        """Carry out what the device was told.

        Args:
            now: the instant.
            act: "play" (value: number of a clip), "speak" (value: text), "stop", "pause" or "resume".
            value: see `act`.
            lasts: ns that a text takes; None for the usual time.

        Returns:
            Effects, and events: ("started" | "missing" | "cut", number of the clip).
        """
        out: list[Effect] = []
        events: list[tuple[str, int]] = []
        if act == "play":
            self._play(now, value, out, events)
        elif act == "speak":
            text = value if isinstance(value, str) else ""
            self._break_off(now, out, events)
            self._utter(out)
            self._is_clip = False
            self._start(now, text, self._scaled(len(text) * _PER_CHARACTER if lasts is None else lasts), out)
            events.append(("started", 0))
        elif act == "stop":
            self._break_off(now, out, events)
            self._utter(out)
        elif act == "pause" and self.doing == "speaking":
            self._left, self.doing = max(0, self._end - now), "paused"
            out.append(Alarm(None, _END))
            self._tell_busy(False, out)
        elif act == "resume" and self.doing == "paused":
            self.doing, self._end = "speaking", now + self._left
            out.append(Alarm(self._end, _END))
            self._tell_busy(True, out)
        return out, events

    def wake(self, now: int, tag: str) -> tuple[list[Effect], list[tuple[str, int]]]:
        """An alarm of ours fell due: a clip or text is over, or an utterance is."""
        out: list[Effect] = []
        if tag == _UTTERED:
            if self._words and self.doing == "idle" and now >= self._until + PAUSE:
                self._utter(out)
            return out, []
        if tag != _END or self.doing != "speaking" or now < self._end:
            return out, []
        self._words.append(self._text)
        self._until = now
        self.doing = "idle"
        self._tell_busy(False, out)
        if self._is_clip:
            out.append(Alarm(now + PAUSE, _UTTERED))
        else:
            self._utter(out)
        return out, [("finished", self.clip if self._is_clip else 0)]

    def saying(self, now: int) -> tuple[str, int]:
        """What is being said at an instant, and how many ns of it are left; ("", 0) in silence."""
        if self.doing == "idle":
            return "", 0
        return self._text, self._left if self.doing == "paused" else max(0, self._end - now)

    def _scaled(self, lasts: int) -> int:
        return round(lasts / self.speed)

    def _play(self, now: int, value: Any, out: list[Effect], events: list[tuple[str, int]]) -> None:
        clip = self.clips.get(value) if isinstance(value, int) else None
        if clip is None:
            events.append(("missing", value if isinstance(value, int) else 0))
            return
        self._break_off(now, out, events)
        if len(self._words) >= _MOST_CLIPS:
            self._utter(out)
        self.clip, self._is_clip = value, True
        self._start(now, clip.text, self._scaled(clip.ms * MS), out)
        events.append(("started", value))

    def _start(self, now: int, text: str, lasts: int, out: list[Effect]) -> None:
        if not self._words:
            self._since = now
        self._text, self._begin, self._end, self.doing = text, now, now + lasts, "speaking"
        out.append(Alarm(None, _UTTERED))
        out.append(Alarm(self._end, _END))
        self._tell_busy(True, out)

    def _break_off(self, now: int, out: list[Effect], events: list[tuple[str, int]]) -> None:
        """Something is still being said: it stops here."""
        if self.doing == "idle":
            return
        left = self._left if self.doing == "paused" else self._end - now
        length = self._end - self._begin
        if self._is_clip or length <= 0:
            self._words.append(CUT)
        else:
            heard = max(0, length - left) * len(self._text) // length
            self._words.append(self._text[:heard] + CUT)
        self._whole = False
        self._until = now
        self.doing = "idle"
        out.append(Alarm(None, _END))
        self._tell_busy(False, out)
        events.append(("cut", self.clip if self._is_clip else 0))

    def _utter(self, out: list[Effect]) -> None:
        """An utterance is over: the history gets it."""
        if not self._words:
            return
        facts = {"text": joined(self._words), "start": self._since, "end": self._until, "whole": self._whole}
        self._words, self._whole = [], True
        out.append(Alarm(None, _UTTERED))
        out.append(Note("spoken", facts))

    def _tell_busy(self, on: bool, out: list[Effect]) -> None:
        """The BUSY pin."""
        if on != self._busy:
            self._busy = on
            out.append(Note("busy", {"on": on}))
