"""From `[house]` of a declaration to how a program speaks with the device (`protocol.declared.model.House`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from protocol.declared.build_rules import RuleBuilder
from protocol.declared.frames import FrameSpec, value_names
from protocol.declared.items import names_of
from protocol.declared.model import PLAIN_SCREEN, WISHES, Ask, Const, House, Message, Screen, Told
from protocol.declared.reading import Path, Reading, did_you_mean, shown

_TOLD: Final = ("rating", "key")
_ASKED: Final[Mapping[str, int]] = {
    "window": 500, "show": 30_000, "dark": 500, "poll": 500, "answer": 500, "announce": 500,
}  # fmt: skip
"""What is said -> its period by default, ms."""

_ASK: Final = ("message", "values", "every_ms", "answer", "within_ms")
_ANNOUNCE: Final = ("message", "values", "answer", "within_ms", "over", "lasts_ms")

_PATH: Final[Path] = ("house",)
_LONGEST_MS: Final = 3_600_000
_USUAL_CALL_MS: Final = 15_000
_LONGEST_CALL_MS: Final = 120_000
_END_IS_TOLD_MS: Final = 1_000
"""How much later than its time the end of an announcement may be told."""


class HouseBuilder:
    """Reads `[house]`.

    Args:
        reading: takes the mistakes.
        rules: makes expressions.
        frames: the declaration's frames.
        messages: its messages.
    """

    def __init__(
        self, reading: Reading, rules: RuleBuilder, frames: Mapping[str, FrameSpec], messages: Mapping[str, Message]
    ) -> None:
        self.reading = reading
        self.rules = rules
        self.frames = frames
        self.messages = messages

    def house(self, table: Mapping[str, Any]) -> House:
        """The table as a value."""
        reading = self.reading
        reading.known(_PATH, table, (*_TOLD, *_ASKED, "start", "screen"))
        told = {key: self._told((*_PATH, key), table[key]) for key in _TOLD if key in table}
        asks = {key: self._ask((*_PATH, key), table[key], every) for key, every in _ASKED.items() if key in table}
        if "screen" in table and "show" not in table:
            reading.wrong((*_PATH, "screen"), "[house] has a `screen`, but no `show` that writes to it", at_key=True)
        if "dark" in table and "show" not in table:
            reading.wrong((*_PATH, "dark"), "[house] says `dark`, but no `show`", at_key=True)
        return House(
            rating=told.get("rating"),
            key=told.get("key"),
            window=asks.get("window"),
            show=asks.get("show"),
            poll=asks.get("poll"),
            answer=asks.get("answer"),
            announce=asks.get("announce"),
            dark=asks.get("dark"),
            start=self._start(table),
            screen=self._screen(table),
        )

    def _start(self, table: Mapping[str, Any]) -> tuple[Ask, ...]:
        asks = [self._ask(path, row, 500) for path, row in self.reading.tables(_PATH, table, "start")]
        return tuple(ask for ask in asks if ask is not None)

    def _screen(self, table: Mapping[str, Any]) -> Screen:
        reading, path, usual = self.reading, (*_PATH, "screen"), PLAIN_SCREEN
        screen = reading.value(_PATH, table, "screen", "table", {})
        reading.known(path, screen, Screen._fields)
        return Screen(
            reading.whole(path, screen, "width", usual.width, 1, 256),
            reading.whole(path, screen, "rows", usual.rows, 1, 32),
            reading.value(path, screen, "fill", "flag", usual.fill),
        )

    def _partner(self, path: Path, table: Any, source: str, key: str = "message") -> Message | None:
        name = table.get(key) if isinstance(table, dict) else None
        there = [message.name for message in self.messages.values() if message.source == source]
        if isinstance(name, str) and name in there:
            return self.messages[name]
        told = f'must name a message of the {source}, e.g. {{{key} = "{there[0] if there else "NAME"}", ...}}'
        self.reading.wrong(path, told, did_you_mean(name, there) if isinstance(name, str) else "")
        return None

    def _names(self, message: Message) -> tuple[str, ...]:
        """Values that a message has."""
        parts = value_names(self.frames[message.frame].parts)
        return (*parts, *(name for item in message.fields for name in names_of(item)))

    def _told(self, path: Path, table: Any) -> Told | None:
        message = self._partner(path, table, "device")
        if message is None:
            return None
        self.reading.known(path, table, ("message", "value"), ("message", "value"))
        return Told(message.name, self.rules.expr((*path, "value"), table.get("value", 0), self._names(message)))

    def _ask(self, path: Path, table: Any, every: int) -> Ask | None:
        message = self._partner(path, table, "host")
        if message is None:
            return None
        reading = self.reading
        speaks = path[-1] == "announce"
        reading.known(path, table, _ANNOUNCE if speaks else _ASK)
        values = self.rules.named((*path, "values"), table.get("values", {}), WISHES)
        self._valued(path, values, self._names(message), message.name)
        answer = None
        if "answer" in table:
            answer = self._partner((*path, "answer"), table, "device", "answer")
        elif "within_ms" in table:
            reading.wrong((*path, "within_ms"), "within_ms needs an `answer` that is waited for", at_key=True)
        over = self._partner((*path, "over"), table, "device", "over") if speaks and "over" in table else None
        if speaks and not {"over", "lasts_ms"} & table.keys():
            told = "does not say when the next call may be spoken: `over` names the message that tells it is over, or"
            reading.wrong(path, f"{told} `lasts_ms` says how long one takes")
        lasts = self._lasts(path, table, message) if speaks else 0
        return Ask(
            message.name,
            values,
            reading.whole(path, table, "every_ms", every, 10, _LONGEST_MS),
            answer.name if answer is not None else "",
            reading.whole(path, table, "within_ms", 500, 1, 60_000),
            over.name if over is not None else "",
            lasts,
        )

    def _lasts(self, path: Path, table: Any, message: Message) -> int:
        """How long an announcement takes at most, ms: never less than the message itself says that it is heard."""
        said = [effect.options.get("ms") for effect in message.effects if effect.kind == "voice"]
        heard = max((ms.value for ms in said if isinstance(ms, Const) and isinstance(ms.value, int)), default=0)
        usual = min(max(_USUAL_CALL_MS, heard + _END_IS_TOLD_MS), _LONGEST_CALL_MS)
        lasts: int = self.reading.whole(path, table, "lasts_ms", usual, 100, _LONGEST_CALL_MS)
        if lasts < heard:
            told = f'message "{message.name}" is heard for {heard} ms, and is given {lasts}: the next call cuts it off'
            place = (*path, "lasts_ms") if "lasts_ms" in table else path
            self.reading.wrong(place, told, f"lasts_ms = {heard} or more, at most {_LONGEST_CALL_MS}")
        return lasts

    def _valued(self, path: Path, values: Mapping[str, Any], names: Collection[str], message: str) -> None:
        for name in values:
            if name not in names:
                told = f'message "{message}" has no value {shown(name)}'
                self.reading.wrong((*path, "values", name), told, did_you_mean(name, names), at_key=True)


__all__ = ["HouseBuilder"]
