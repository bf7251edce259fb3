"""A device that plays a declaration: frames come, messages are found, effects happen.

The engine of protocols.md 7.2 [K]: parts, lengths, checks, escapes and resynchronisation are `protocol.declared`'s;
here are addresses, guards, replies, messages that want an answer, timers, power, and the hands of people. Nothing that
comes over the line raises an exception, and what is kept is bounded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from firmware_sim.burst import LineSettings
from firmware_sim.declared_rules import Fields, Out, Rules, Run
from firmware_sim.device import MS, Alarm, Effect, Flaws, Note, Send, Stop, Watch
from firmware_sim.devices.loudspeaker import Loudspeaker
from protocol.declared.codec import Codec, MessageCodec
from protocol.declared.items import BadValue
from protocol.declared.model import Action, Const, Expect
from protocol.declared.reader import Broken, Frame

__all__ = ["DeclaredDevice"]

NEVER: Final = (1 << 63) - 1
MOST_WAITING: Final = 16
"""Messages that wait for their turn to be answered; what comes on top is dropped, and told (`overflow`)."""

MOST_ROWS: Final = 32
"""Rows of a display; a higher number is taken for the last."""

_MOST_FRAMES: Final = 256
_GAP, _ANSWER, _BOOT, _TIMER = "gap", "answer", "boot", "timer:"


class _Waiting(NamedTuple):
    """A message that wants an answer."""

    frame: bytes
    expect: Expect
    answer: bytes
    values: Mapping[str, Any]
    event: tuple[int, int] | None
    delay: int


class DeclaredDevice:
    """A device by declaration, a station of its own on a line.

    Human side: the declaration's actions by their names (`press(now, key)` ...), `unplug(now)` and `plug_in(now)`.

    Notes: those of the declaration's `note` effects, of which `shown` {text, row} says what stands on a display (told
    when it changes, and dark when the supply goes); `press` {value, clerk, ticket, epoch, seq, flags, at_ms} or `key`
    {value, clerk, epoch, seq} and what else its `event` effects name; `ack` {epoch, seq, freed} when the host answered
    a press; `overflow` {epoch, seq} when one was given up; `ignored` {key, why}; `bad` {cause}; `boot` {epoch};
    `power` {on}. A number of a press (epoch, seq) is the bench's own: it need not be on the wire.

    Args:
        name: what histories call it.
        codec: the declaration, made ready.
        unit: its address; the declaration's default when None.
        profile: one of the declaration's profiles; "" for none.
        settings: line settings, for the time that what it sends takes; the declaration's when None.
        clock_offset: ns to add to an instant to have Unix ns.
        loudspeaker: for a device that speaks.

    Raises:
        ValueError: the unit is outside the declaration's range, or there is no such profile.
    """

    watch: Watch | None = None
    human: tuple[str, ...] = ("unplug", "plug_in")
    """Names of the methods by which a person acts on it; the declaration's actions come first."""

    def __init__(
        self,
        name: str,
        codec: Codec,
        *,
        unit: int | None = None,
        profile: str = "",
        settings: LineSettings | None = None,
        clock_offset: int = 0,
        loudspeaker: Loudspeaker | None = None,
    ) -> None:
        declared = codec.declaration
        self.name = name
        self.codec = codec
        self.declaration = declared
        self.unit = self._unit(unit)
        if profile and profile not in declared.profiles:
            there = ", ".join(declared.profiles) or "none"
            raise ValueError(f"{name}: {declared.name} has no profile {profile!r}; there is {there}")
        self.profile = profile
        self._usual = {**declared.state, **declared.profiles.get(profile, {})}
        self._usual.pop("title", None)
        self._usual["unit"] = self.unit
        self.state: dict[str, Any] = dict(self._usual)
        line = declared.line
        self._settings = settings or LineSettings(line.baud, line.bytesize, line.parity, line.stopbits)
        self._gap = line.inter_byte_ms * MS
        self._turnaround = round(line.turnaround_ms * MS)
        self._offset = clock_offset
        self._reader = codec.reader("host")
        self._heard = -1
        self._deaf_until = 0
        self._quiet = False
        self._came: tuple[Frame, Mapping[str, Any]] | None = None
        self._pressed: dict[tuple[Any, ...], int] = {}
        self._due: dict[str, int] = {}
        self._outbox: deque[_Waiting] = deque()
        self._tries = 0
        self._answer_by = 0
        self._event: tuple[int, int] | None = None
        self._frames: dict[Any, bytes] = {}
        self._shown: dict[int | None, str] = {}
        self.epoch, self.seq = 1, 0
        self.loudspeaker = loudspeaker
        self._make_ready()
        self.human = (*declared.actions, "unplug", "plug_in")

    def _unit(self, unit: int | None) -> int:
        address = self.declaration.address
        if address is None:
            return 0
        unit = address.default if unit is None else unit
        if not address.low <= unit <= address.high:
            name = self.declaration.name
            raise ValueError(f"{self.name}: a unit of {name} is {address.low}..{address.high}, not {unit}")
        return unit

    def _make_ready(self) -> None:
        rules = Rules(self)
        declared = self.declaration
        self._rules: dict[str, tuple[Callable[[Fields], bool] | None, Run | None]] = {
            message.name: (rules.when(message.when), rules.run(message.effects)) for message in declared.messages
        }
        self._answers = {
            message.name: (rules.run(message.expect.answered), rules.run(message.expect.failed))
            for message in declared.messages
            if message.expect is not None
        }
        self._told = {
            message.name: {
                name: rules.read(expr) for name, expr in message.values.items() if not isinstance(expr, Const)
            }
            for message in declared.messages
        }
        self._expecting = {message.name for message in declared.messages if message.expect is not None}
        self._actions = {name: (rules.when(a.when), rules.run(a.effects)) for name, a in declared.actions.items()}
        self._timers = {name: rules.run(effects) for name, effects in declared.timers.items()}
        self._power_on = rules.run(declared.power_on)
        self._errors = {cause: rules.run(effects) for cause, effects in declared.on_error.items()}
        self._voiced = {name: rules.run(effects) for name, effects in declared.voice.items()}
        address = declared.address
        self._address = address.part if address is not None else ""
        self._own, self._everybody = self._addresses()

    def _addresses(self) -> tuple[Any, Any]:
        """Own address and everybody's as they stand in a frame."""
        address = self.declaration.address
        if address is None:
            return 0, None
        for frame in self.declaration.frames.values():
            part = frame.part(address.part)
            if part is not None and part.item.kind == "text" and isinstance(part.item.size, int):
                shown = f"{self.unit:0{part.item.size}X}"
                wide = part.item.size
                return shown, None if address.broadcast is None else f"{address.broadcast:0{wide}X}"
        return self.unit, address.broadcast

    # -- the line's side ----------------------------------------------------------------------------------------------
    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        """Characters came by; those with a parity, framing or overrun error are thrown away."""
        if now < self._deaf_until:
            return ()
        if flaws:
            data = bytes(char for index, char in enumerate(data) if index not in flaws)
        reader = self._reader
        out: Out = []
        if reader.pending and first - self._heard >= self._gap:
            self._take(now, reader.gap(), out)
        self._heard = last
        self._take(now, reader.feed(data), out)
        if reader.pending:
            out.append(Alarm(last + self._gap, _GAP))
        return out

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        """An alarm fell due: silence, an answer that did not come, a timer, the end of booting, of a clip."""
        out: Out = []
        if tag == _GAP:
            if self._reader.pending and now >= self._heard + self._gap:
                self._take(now, self._reader.gap(), out)
        elif tag == _ANSWER:
            self._unanswered(now, out)
        elif tag == _BOOT:
            if self._deaf_until <= now and self._power_on is not None:
                self._power_on(now, {}, out)
        elif tag.startswith(_TIMER):
            name = tag[len(_TIMER) :]
            run = self._timers.get(name)
            if self._due.get(name, NEVER) <= now:
                del self._due[name]
                if run is not None:
                    run(now, {}, out)
        elif self.loudspeaker is not None and now >= self._deaf_until:
            self._heed(now, self.loudspeaker.wake(now, tag), out)
        return out

    def _take(self, now: int, items: Sequence[Frame | Broken], out: Out) -> None:
        for item in items:
            if isinstance(item, Broken):
                self._error(now, item.cause, {}, out)
            else:
                self._frame(now, item, out)

    def _frame(self, now: int, frame: Frame, out: Out) -> None:
        try:
            values = frame.codec.values(frame.raw)
        except BadValue:
            self._error(now, "value", {}, out)
            return
        everybody = False
        if self._address:
            to = values.get(self._address)
            if to != self._own:
                everybody = to is not None and (to == self._everybody or self._wild(to))
                if not everybody:
                    return
        if self._outbox and self._answered(now, frame, values, out):
            return
        cause = "unknown"
        for made in self.codec.candidates("host", frame.codec.spec.name, values):
            if made.read(values):
                cause = "value"
                continue
            holds, run = self._rules[made.message.name]
            if holds is not None and not holds(values):
                cause = "refused"
                continue
            if run is not None and not (everybody and not made.message.broadcast):
                self._came = (frame, values)
                self._quiet = everybody
                run(now, values, out)
                self._quiet = False
            return
        if not everybody:
            self._error(now, cause, values, out)

    def _wild(self, to: Any) -> bool:
        address = self.declaration.address
        if address is None or not address.wildcard or not isinstance(to, str) or address.wildcard not in to:
            return False
        return len(to) == len(self._own) and all(a in (b, address.wildcard) for a, b in zip(to, self._own, strict=True))

    def _error(self, now: int, cause: str, values: Fields, out: Out) -> None:
        run = self._errors.get(cause)
        if run is not None:
            run(now, values, out)

    # -- what effects do: see declared_rules.Player ----------------------------------------------------------
    def send(self, now: int, message: str, values: Mapping[str, Any], delay: int, out: Out) -> None:
        """Send a message; one that wants an answer waits for its turn."""
        if self._quiet:
            return
        made = self.codec.messages[message]
        told = self._told[message]
        if told:
            values = {**{name: read({}) for name, read in told.items()}, **values}
        frame = self._made(made, values)
        if frame is None:
            out.append(Note("bad", {"cause": f"message {message} cannot be made of {dict(values)}"}))
            return
        if message in self._expecting:
            self._expect(now, made, values, frame, delay, out)
        else:
            out.append(Send(frame, max(delay, self._turnaround)))

    def _made(self, made: MessageCodec, values: Mapping[str, Any]) -> bytes | None:
        """The frame of a message; the same one is built once."""
        try:
            key = (made.message.name, *values.items())
            frame = self._frames.get(key)
        except TypeError:  # a list among the values
            key, frame = None, None
        if frame is None:
            given = dict(values)
            if self._address and self._address not in given and self._address not in made.defaults:
                address = self.declaration.address
                mask = address.reply_mask if address is not None else 0
                given[self._address] = self._own | mask if isinstance(self._own, int) else self._own
            try:
                frame = made.write(given)
            except BadValue:
                return None
            if key is not None:
                if len(self._frames) >= _MOST_FRAMES:
                    self._frames.clear()
                self._frames[key] = frame
        return frame

    def echo(self, now: int, changed: Mapping[str, Any], delay: int, out: Out) -> None:
        """Send back the frame that came."""
        if self._came is None or self._quiet:
            return
        frame, values = self._came
        if changed:
            try:
                data = frame.codec.build({**values, **changed})
            except BadValue:
                return
        else:
            run = frame.codec.run
            data = (bytes((run.byte,)) * run.send if run is not None else b"") + frame.raw
        out.append(Send(data, max(delay, self._turnaround)))

    def say(self, now: int, data: bytes, delay: int, out: Out) -> None:
        """Send characters."""
        if not self._quiet:
            out.append(Send(data, max(delay, self._turnaround)))

    def occur(self, now: int, kind: str, value: Any, out: Out) -> None:
        """A press: it gets a number of this boot, and the history is told who, when and for which ticket."""
        seq, self.seq = self.seq, (self.seq + 1) & 0xFFFF
        self._event = (self.epoch, seq)
        facts: dict[str, Any] = {"value": value, "clerk": self.state.get("clerk", 0)}
        if kind == "press":
            facts["ticket"] = self.state.get("ticket", 0)
        facts |= {"epoch": self.epoch, "seq": seq}
        if kind == "press":
            facts |= {"flags": 0, "at_ms": (now + self._offset) // MS}
        out.append(Note(kind, facts))

    def start(self, now: int, timer: str, after: int, out: Out) -> None:
        """Start a timer, or start it again."""
        self._due[timer] = now + after
        out.append(Alarm(now + after, _TIMER + timer))

    def stop(self, timer: str, out: Out) -> None:
        """Stop a timer."""
        self._due.pop(timer, None)
        out.append(Alarm(None, _TIMER + timer))

    def tell(self, now: int, kind: str, facts: dict[str, Any], out: Out) -> None:
        """Tell the history something; what a row shows is told when it changes, without the spaces behind it."""
        if kind == "shown":
            row, text = facts.get("row"), str(facts.get("text", "")).rstrip()
            facts["text"] = text
            if row is not None:
                row = facts["row"] = min(max(row, 1), MOST_ROWS) if isinstance(row, int) else 1
            before = self._shown.get(row, "")
            self._shown[row] = text
            if text == before:
                return
        out.append(Note(kind, facts))

    @property
    def rows(self) -> list[str]:
        """What stands on it, from the top: the last text that it told as shown in each row."""
        shown = {row or 1: text for row, text in self._shown.items()}
        return [shown.get(row, "") for row in range(1, max(shown, default=0) + 1)]

    @property
    def powered(self) -> bool:
        """Whether it has its supply."""
        return self._deaf_until != NEVER

    def voice(self, now: int, act: str, value: Any, lasts: int | None, out: Out) -> None:
        """Ask the loudspeaker for something; without one nothing is heard."""
        if self.loudspeaker is not None:
            self._heed(now, self.loudspeaker.act(now, act, value, lasts), out)

    def _heed(self, now: int, said: tuple[list[Effect], list[tuple[str, int]]], out: Out) -> None:
        """Take what the loudspeaker did into the state, and let the declaration answer it."""
        effects, events = said
        out += effects
        speaker = self.loudspeaker
        assert speaker is not None
        self.state["voice"], self.state["clip"] = speaker.doing, speaker.clip
        for name, clip in events:
            run = self._voiced.get(name)
            if run is not None:
                run(now, {"clip": clip}, out)

    def restart(self, now: int, after: int, out: Out) -> None:
        """Lose power, and be back after some time."""
        out += self._off(now)
        out += self._up(now, after)

    # -- messages that want an answer ---------------------------------------------------------------------------------
    def _expect(
        self, now: int, made: MessageCodec, values: Mapping[str, Any], frame: bytes, delay: int, out: Out
    ) -> None:
        expect = made.message.expect
        assert expect is not None
        event, self._event = self._event, None
        if len(self._outbox) >= MOST_WAITING:
            if event is not None:
                out.append(Note("overflow", {"epoch": event[0], "seq": event[1]}))
            return
        answer = b""
        if expect.echo_with is not None:
            answer = self._made(made, {**values, **expect.echo_with}) or b""
        self._outbox.append(_Waiting(frame, expect, answer, {**values, "message": made.message.name}, event, delay))
        if len(self._outbox) == 1:
            self._speak(now, out)

    def _speak(self, now: int, out: Out) -> None:
        """Send the oldest message that waits, for the first time."""
        if self._outbox:
            self._tries = 0
            self._again(now, self._outbox[0].delay, out)

    def _again(self, now: int, delay: int, out: Out) -> None:
        waiting = self._outbox[0]
        self._tries += 1
        expect = waiting.expect
        patience = (expect.within + expect.stagger * self.unit) * MS
        self._answer_by = now + delay + self._settings.duration(len(waiting.frame)) + patience
        out.append(Send(waiting.frame, delay))
        out.append(Alarm(self._answer_by, _ANSWER))

    def _answered(self, now: int, frame: Frame, values: Mapping[str, Any], out: Out) -> bool:
        waiting = self._outbox[0]
        if waiting.answer:
            run = frame.codec.run
            told = (bytes((run.byte,)) * run.send if run is not None else b"") + frame.raw == waiting.answer
        else:
            codecs = self.codec.candidates("host", frame.codec.spec.name, values)
            told = any(made.message.name == waiting.expect.message for made in codecs)
        if told:
            self._settle(now, out, lost=False)
        return told

    def _unanswered(self, now: int, out: Out) -> None:
        if not self._outbox:
            return
        if now < self._answer_by:
            out.append(Alarm(self._answer_by, _ANSWER))
        elif self._tries <= self._outbox[0].expect.retries:
            self._again(now, 0, out)
        else:
            self._settle(now, out, lost=True)

    def _settle(self, now: int, out: Out, *, lost: bool) -> None:
        waiting = self._outbox.popleft()
        out.append(Alarm(None, _ANSWER))
        if waiting.event is not None:
            epoch, seq = waiting.event
            facts: dict[str, Any] = {"epoch": epoch, "seq": seq}
            out.append(Note("overflow", facts) if lost else Note("ack", {**facts, "freed": 1}))
        answered, failed = self._answers[str(waiting.values["message"])]
        run = failed if lost else answered
        if run is not None:
            run(now, waiting.values, out)
        self._speak(now, out)

    # -- the human side -----------------------------------------------------------------------------------------------
    def __getattr__(self, name: str) -> Any:
        actions = self.__dict__.get("_actions")
        if actions is None or name not in actions:
            raise AttributeError(f"{type(self).__name__} {self.__dict__.get('name', '')} has no {name!r}")
        return partial(self.act, name)

    def act(self, action: str, now: int, *arguments: Any) -> Iterable[Effect]:
        """Do an action of the declaration.

        Raises:
            ValueError: an argument is missing, too many, or outside its range.
        """
        declared = self.declaration.actions[action]
        fields = self._arguments(declared, arguments)
        if now < self._deaf_until:
            return self._ignored(action, arguments, "no power")
        if declared.quiet:
            key = (action, *arguments)
            before = self._pressed.get(key, -NEVER)
            self._pressed = {key: now, **{k: t for k, t in self._pressed.items() if now - t < declared.quiet * MS}}
            if now - before < declared.quiet * MS:
                return self._ignored(action, arguments, "bounce")
        holds, run = self._actions[action]
        if holds is not None and not holds(fields):
            return self._ignored(action, arguments, "not now")
        out: Out = []
        self._came = None
        self._event = None
        if run is not None:
            run(now, fields, out)
        return out

    @staticmethod
    def _ignored(action: str, arguments: Sequence[Any], why: str) -> list[Effect]:
        return [Note("ignored", {"key": arguments[0] if arguments else action, "why": why})]

    def _arguments(self, action: Action, given: Sequence[Any]) -> dict[str, Any]:
        if len(given) != len(action.arguments):
            wanted = ", ".join(argument.name for argument in action.arguments) or "nothing"
            raise ValueError(f"{self.name}: {action.name} takes {wanted}; {len(given)} values were given")
        for argument, value in zip(action.arguments, given, strict=True):
            if argument.low is not None and argument.high is not None:
                inside = isinstance(value, int) and argument.low <= value <= argument.high
                if not inside:
                    bounds = f"{argument.low}..{argument.high}"
                    raise ValueError(f"{self.name}: {argument.name} of {action.name} is {bounds}, not {value!r}")
        return {argument.name: value for argument, value in zip(action.arguments, given, strict=True)}

    def power_on(self, now: int) -> Iterable[Effect]:
        """The bench gives it its supply for the first time."""
        return self._up(now, 0, first=True)

    def unplug(self, now: int) -> Iterable[Effect]:
        """Its supply is taken away."""
        if self._deaf_until == NEVER:
            return ()
        return [*self._off(now), Note("power", {"on": False})]

    def plug_in(self, now: int) -> Iterable[Effect]:
        """Its supply is back."""
        if self._deaf_until != NEVER:
            return ()
        return [Note("power", {"on": True}), *self._up(now, 0)]

    def _off(self, now: int) -> list[Effect]:
        out: Out = [Stop()]
        while self._outbox:
            waiting = self._outbox.popleft()
            if waiting.event is not None:
                out.append(Note("overflow", {"epoch": waiting.event[0], "seq": waiting.event[1]}))
        out += [Alarm(None, tag) for tag in (_GAP, _ANSWER, _BOOT, *(_TIMER + name for name in self._due))]
        self._due.clear()
        self._reader.reset()
        self._pressed.clear()
        if self.loudspeaker is not None:
            effects, _ = self.loudspeaker.act(now, "stop", None, None)
            out += effects
        for row, text in self._shown.items():
            if text:
                out.append(Note("shown", {"text": ""} if row is None else {"text": "", "row": row}))
        self._shown.clear()
        kept = {name: self.state[name] for name in (*self.declaration.keeps, "clerk") if name in self.state}
        self.state.clear()
        self.state.update({**self._usual, **kept})
        self._deaf_until = NEVER
        return out

    def _up(self, now: int, after: int, *, first: bool = False) -> list[Effect]:
        if not first:
            self.epoch, self.seq = (self.epoch + 1) & 0xFFFF, 0
        self._deaf_until = now + after + self.declaration.boot_ms * MS
        out: Out = [Note("boot", {"epoch": self.epoch})]
        if self._power_on is not None:
            out.append(Alarm(self._deaf_until, _BOOT))
        return out
