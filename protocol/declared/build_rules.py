"""From tables to behaviour: expressions, conditions and effects, closed sets that the file can only choose from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

from protocol.declared.model import (
    EFFECTS,
    NONE,
    VOICE_ACTS,
    Const,
    Count,
    Effect,
    Expr,
    Field,
    Join,
    Made,
    State,
    Test,
    When,
)
from protocol.declared.reading import Path, Reading, did_you_mean, shown

_MADE_KEYS: Final = ("of", "plus", "map", "other", "times", "min", "max")
_TEST_KEYS: Final = ("is", "not", "min", "max")
_VALUE_KEYS: Final = ("to", "by", "value", "ms", "limit", "min", "max")


class RuleBuilder:
    """Builds expressions, conditions and effects, noting mistakes in a `Reading`.

    Args:
        reading: takes the mistakes.
        state: names of the state's variables.
        timers: names of the timers.
        voice: whether the device speaks.
    """

    def __init__(self, reading: Reading, state: Collection[str], timers: Collection[str], *, voice: bool) -> None:
        self.reading = reading
        self.state = state
        self.timers = timers
        self.voice = voice
        self.messages: Mapping[str, Collection[str]] = {}
        """Device messages that can be sent, with the names of the values they take; filled before effects are read."""

    # -- expressions --------------------------------------------------------------------------------------------------
    def expr(self, path: Path, raw: Any, fields: Collection[str]) -> Expr:
        """A value: as it stands, `"$variable"`, `"@value of the message"`, or a table that makes one from another."""
        if isinstance(raw, str) and raw[:1] in "$@" and raw:
            if raw[:2] in ("$$", "@@"):
                return Const(raw[1:])
            name = raw[1:]
            if raw[0] == "$":
                if name not in self.state:
                    self.reading.wrong(path, f'there is no state variable "{name}"', did_you_mean(name, self.state))
                return State(name)
            if name not in fields:
                told = f'no value "{name}" comes with this' if fields else f'"@{name}": nothing comes with this'
                self.reading.wrong(path, told, did_you_mean(name, fields))
            return Field(name)
        if isinstance(raw, dict) and "count" in raw:
            self.reading.known(path, raw, ("count",))
            return Count(self.expr((*path, "count"), raw["count"], fields))
        if isinstance(raw, dict) and "join" in raw:
            self.reading.known(path, raw, ("join",))
            parts = self.reading.value(path, raw, "join", "list", [])
            return Join(tuple(self.expr((*path, "join", i), part, fields) for i, part in enumerate(parts)))
        if isinstance(raw, dict):
            return self._made(path, raw, fields)
        if isinstance(raw, bool | int | float | str | list):
            return Const(raw)
        self.reading.wrong(path, f"{shown(raw)} is no value")
        return Const(0)

    def _made(self, path: Path, raw: Mapping[str, Any], fields: Collection[str]) -> Expr:
        reading = self.reading
        reading.known(path, raw, _MADE_KEYS, ("of",))
        table = reading.value(path, raw, "map", "table", None)
        return Made(
            self.expr((*path, "of"), raw.get("of", 0), fields),
            plus=reading.whole(path, raw, "plus", 0, -(1 << 31)),
            table=None if table is None else MappingProxyType(dict(table)),
            other=raw.get("other"),
            times=reading.whole(path, raw, "times", 1, -(1 << 31)),
            low=reading.whole(path, raw, "min", None, -(1 << 31)),
            high=reading.whole(path, raw, "max", None, -(1 << 31)),
        )

    def named(self, path: Path, raw: Any, fields: Collection[str]) -> Mapping[str, Expr]:
        """A table of expressions."""
        if not isinstance(raw, dict):
            self.reading.wrong(path, f"must be a table of values, not {shown(raw)}")
            return NONE
        return MappingProxyType({name: self.expr((*path, name), value, fields) for name, value in raw.items()})

    # -- conditions ---------------------------------------------------------------------------------------------------
    def when(self, path: Path, raw: Any, fields: Collection[str]) -> When:
        """Conditions that must all hold: `{volume = 3, "@ack" = 1, level = {min = 1, max = 5}, mode = ["a", "b"]}`."""
        if raw is None:
            return ()
        if not isinstance(raw, dict):
            self.reading.wrong(path, f"a condition is a table, not {shown(raw)}")
            return ()
        return tuple(self._test((*path, key), key, value, fields) for key, value in raw.items())

    def _test(self, path: Path, key: str, value: Any, fields: Collection[str]) -> Test:
        reading = self.reading
        of = self.expr(path, key if key[:1] in "$@" else f"${key}", fields)
        if not isinstance(value, dict):
            choices = value if isinstance(value, list) else [value]
            return Test(of, tuple(self.expr(path, choice, fields) for choice in choices))
        reading.known(path, value, _TEST_KEYS)
        negated = "not" in value
        given = value.get("not", value.get("is"))
        choices = [] if given is None else given if isinstance(given, list) else [given]
        return Test(
            of,
            tuple(self.expr(path, choice, fields) for choice in choices),
            reading.whole(path, value, "min", None, -(1 << 31)),
            reading.whole(path, value, "max", None, -(1 << 31)),
            negated,
        )

    # -- effects ------------------------------------------------------------------------------------------------------
    def effects(self, path: Path, raw: Any, fields: Collection[str]) -> tuple[Effect, ...]:
        """An effect, or an array of them, in order; `"silent"` and `"none"` are none."""
        if raw is None or raw in ("silent", "none"):
            return ()
        rows = raw if isinstance(raw, list) else [raw]
        made = []
        for index, row in enumerate(rows):
            here = (*path, index) if isinstance(raw, list) else path
            if not isinstance(row, dict):
                self.reading.wrong(
                    here, f'an effect is a table, e.g. {{set = "level", to = "@level"}}, not {shown(row)}'
                )
                continue
            effect = self._effect(here, row, fields)
            if effect is not None:
                made.append(effect)
        return tuple(made)

    def _effect(self, path: Path, row: Mapping[str, Any], fields: Collection[str]) -> Effect | None:
        reading = self.reading
        kinds = [kind for kind in EFFECTS if kind in row]
        if len(kinds) != 1:
            told = f"has {' and '.join(kinds)}" if kinds else "does not say what happens"
            near = did_you_mean(next(iter(row), ""), EFFECTS)
            reading.wrong(path, f"this effect {told}: give it one of {', '.join(EFFECTS)}", near)
            return None
        kind = kinds[0]
        reading.known(path, row, (kind, "when", *EFFECTS[kind]))
        target = row[kind]
        if kind in ("echo", "restart"):
            target = ""
        elif not isinstance(target, str):
            reading.wrong((*path, kind), f"{kind} needs a name, not {shown(target)}")
            return None
        self._target((*path, kind), kind, target)
        values: Mapping[str, Expr] = NONE
        for key in ("values", "with"):
            if key in row:
                values = self.named((*path, key), row[key], fields)
        if kind == "send" and target in self.messages:
            for name in values:
                if name not in self.messages[target]:
                    hint = did_you_mean(name, self.messages[target])
                    reading.wrong(
                        (*path, "values", name), f'message "{target}" has no value "{name}"', hint, at_key=True
                    )
        main = row.get("value", row.get("to", row.get("by")))
        if kind in ("set", "push", "note", "event") and main is None and kind != "note":
            reading.wrong(path, f"{kind} does not say which value: `{EFFECTS[kind][0]}` is missing")
        if kind == "note" and target == "shown" and "text" not in values:
            told = 'what is shown has a text: note = "shown", values = { text = ... }, and `row` on a board'
            reading.wrong((*path, "values") if "values" in row else path, told)
        if kind == "start" and "ms" not in row:
            reading.wrong(path, "start does not say how long: `ms` is missing")
        options = {key: self.expr((*path, key), row[key], fields) for key in _VALUE_KEYS[3:] if key in row}
        if kind == "pop" and "into" in row:
            options["into"] = Const(row["into"])
            self._variable((*path, "into"), row["into"])
        return Effect(
            kind,
            target,
            None if main is None else self.expr(path, main, fields),
            values,
            self.when((*path, "when"), row.get("when"), fields),
            self.expr((*path, "delay_ms"), row["delay_ms"], fields) if "delay_ms" in row else None,
            MappingProxyType(options),
        )

    def _target(self, path: Path, kind: str, target: str) -> None:
        reading = self.reading
        if kind in ("set", "add", "push", "pop", "clear"):
            self._variable(path, target)
        elif kind == "send" and target not in self.messages:
            reading.wrong(path, f'there is no message "{target}" from the device', did_you_mean(target, self.messages))
        elif kind in ("start", "stop") and target not in self.timers:
            hint = did_you_mean(target, self.timers) or f"say what happens then: [timer.{target}] effects = [...]"
            reading.wrong(path, f'there is no timer "{target}"', hint)
        elif kind == "raw":
            reading.hexadecimal(path, target, "raw")
        elif kind == "voice":
            if target not in VOICE_ACTS:
                reading.wrong(
                    path, f'voice can {", ".join(VOICE_ACTS)}, not "{target}"', did_you_mean(target, VOICE_ACTS)
                )
            if not self.voice:
                reading.wrong(path, 'only a device with role = "voice" has a loudspeaker')

    def _variable(self, path: Path, name: Any) -> None:
        if not isinstance(name, str) or name not in self.state:
            told = f"there is no state variable {shown(name)}"
            self.reading.wrong(path, told, did_you_mean(str(name), self.state))
