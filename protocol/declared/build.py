"""From the tables of a declaration to a checked `Declaration`, or to every mistake in it.

What one table can say about itself is checked where it is read; what tables say about each other (a message of a frame
that is not there, a size told by a value that comes later, an effect on a variable that nobody declared) is checked
here too, so that a declaration that was accepted can be played without surprises. Its vectors are the last check.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from protocol.declared.build_frames import FrameBuilder
from protocol.declared.build_house import HouseBuilder
from protocol.declared.build_rules import RuleBuilder
from protocol.declared.frames import FrameSpec, value_names
from protocol.declared.items import Item, names_of
from protocol.declared.model import (
    ERRORS,
    GRADES,
    NONE,
    ROLES,
    Action,
    Address,
    Argument,
    Const,
    Declaration,
    Effect,
    Expect,
    Field,
    House,
    LineFacts,
    Message,
    Vector,
)
from protocol.declared.reading import Path, Problem, Reading, did_you_mean, shown
from protocol.declared.vectors import check_all

_TABLES: Final = (
    "device", "line", "frame", "address", "state", "profile", "message", "action", "timer", "power_on", "on_error",
    "voice", "house", "vector",
)  # fmt: skip
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_MESSAGE_KEYS: Final = (
    "name", "from", "frame", "match", "fields", "body", "values", "when", "reply", "effects", "broadcast", "expect",
    "meaning", "delay_ms",
)  # fmt: skip
_EXPECT_KEYS: Final = ("echo_with", "message", "within_ms", "retries", "stagger_ms", "answered", "failed")
_LONGEST_MS: Final = 3_600_000
_LONGEST_TURNAROUND_MS: Final = 60_000

BUILT_IN: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "rating-keypad": MappingProxyType({"clerk": 0, "ticket": 0}),
        "clerk-console": MappingProxyType({"clerk": 0}),
        "voice": MappingProxyType({"voice": "idle", "clip": 0}),
    }
)
"""State that a role brings along: who is logged in, which ticket is rated, what the loudspeaker does."""

_LOG_IN: Final = Action(
    "log_in",
    (Argument("clerk", 1, 65535),),
    (
        Effect("set", "clerk", Field("clerk")),
        Effect("note", "login", values=MappingProxyType({"clerk": Field("clerk")})),
    ),
    meaning="a clerk comes: presses are this clerk's from now on (nothing goes over the line)",
)
_LOG_OUT: Final = Action(
    "log_out",
    (),
    (Effect("set", "clerk", Const(0)), Effect("note", "login", values=MappingProxyType({"clerk": Const(0)}))),
    meaning="the clerk leaves",
)


class Refused(ValueError):
    """A declaration cannot be used; `problems` has every mistake found."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(problem.message for problem in problems))


def build(raw: Mapping[str, Any], *, vectors: bool = True) -> Declaration:
    """The declaration in the tables of a file.

    Args:
        raw: as TOML gives them.
        vectors: check the vectors too (the last and longest check, made only when all else is right).

    Raises:
        Refused: with every mistake.
    """
    reading = Reading()
    declaration = _Builder(reading, raw).declaration()
    if not reading.problems and declaration is not None and vectors:
        for number, told in check_all(declaration):
            vector = declaration.vectors[number]
            reading.wrong(("vector", number, "hex"), f'vector of "{vector.of}": {told}')
    if reading.problems or declaration is None:
        raise Refused(reading.problems)
    return declaration


class _Builder:
    def __init__(self, reading: Reading, raw: Mapping[str, Any]) -> None:
        self.reading = reading
        self.raw = raw
        self.device = reading.value((), raw, "device", "table", {})
        self.role = reading.choice(("device",), self.device, "role", ROLES, "other")
        self.state = self._state()
        self.frames: dict[str, FrameSpec] = {}
        timers = reading.value((), raw, "timer", "table", {})
        self.rules = RuleBuilder(reading, self.state, timers, voice=self.role == "voice")
        self.builder = FrameBuilder(reading)
        self.state.setdefault("unit", 0)

    def declaration(self) -> Declaration | None:
        reading, raw = self.reading, self.raw
        reading.known((), raw, _TABLES, ("device", "frame", "message", "vector"))
        facts = self._device()
        line = self._line()
        self.frames, resync = self.builder.frames(raw)
        address = self._address()
        rows = reading.tables((), raw, "message")
        layouts = [self._layout(path, row) for path, row in rows]
        self._announce(rows, layouts)
        messages = tuple(
            message
            for (path, row), (frame, fields, body) in zip(rows, layouts, strict=True)
            if (message := self._message(path, row, frame, fields, body)) is not None
        )
        reading.subject = ""
        if reading.problems and not self.frames:
            return None
        return Declaration(
            **facts,
            line=line,
            frames=MappingProxyType(self.frames),
            resync=resync,
            address=address,
            messages=messages,
            actions=self._actions(),
            state=MappingProxyType(self.state),
            keeps=self._keeps(),
            profiles=self._profiles(),
            timers=MappingProxyType(self._effect_tables("timer")),
            power_on=self._effects_of("power_on"),
            on_error=MappingProxyType(self._on_error()),
            voice=MappingProxyType(self._voice()),
            boot_ms=reading.whole(("device",), self.device, "boot_ms", 0, 0, _LONGEST_MS),
            house=self._house({message.name: message for message in messages}),
            vectors=self._vectors(messages),
        )

    # -- what it is ---------------------------------------------------------------------------------------------------
    def _device(self) -> dict[str, Any]:
        reading, table, path = self.reading, self.device, ("device",)
        keys = ("name", "title", "role", "source", "grade", "notes", "not_emulated", "boot_ms", "keeps")
        if table:
            reading.known(path, table, keys, ("name", "title", "source", "grade"))
        name = reading.value(path, table, "name", "text", "")
        if name and not _NAME.fullmatch(name):
            reading.wrong((*path, "name"), f'"{name}" is not a name of lower-case letters, digits, - and _')
        return {
            "name": name,
            "title": reading.value(path, table, "title", "text", ""),
            "role": self.role,
            "source_text": reading.value(path, table, "source", "text", ""),
            "grade": reading.choice(path, table, "grade", GRADES, "A"),
            "notes": self._texts(path, table, "notes"),
            "not_emulated": self._texts(path, table, "not_emulated"),
        }

    def _texts(self, path: Path, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        made = []
        for index, text in enumerate(self.reading.value(path, table, key, "list", [])):
            if isinstance(text, str):
                made.append(text)
            else:
                self.reading.wrong((*path, key, index), f"{key}[{index + 1}] must be text in quotes, not {shown(text)}")
        return tuple(made)

    def _line(self) -> LineFacts:
        reading, path = self.reading, ("line",)
        table = reading.value((), self.raw, "line", "table", {})
        keys = (
            "baud", "bytesize", "parity", "stopbits", "duplex", "inter_byte_ms", "reply_within_ms", "turnaround_ms",
        )  # fmt: skip
        reading.known(path, table, keys)
        stop = reading.value(path, table, "stopbits", "number", 1)
        if stop not in (1, 1.5, 2):
            reading.wrong((*path, "stopbits"), f"stop bits are 1, 1.5 or 2, not {stop}")
            stop = 1
        turnaround = reading.value(path, table, "turnaround_ms", "number", 0)
        if not 0 <= turnaround <= _LONGEST_TURNAROUND_MS:
            told = f"turnaround_ms {turnaround} is not 0..{_LONGEST_TURNAROUND_MS}"
            reading.wrong((*path, "turnaround_ms"), told)
            turnaround = 0
        return LineFacts(
            baud=reading.whole(path, table, "baud", 9600, 50, 4_000_000),
            bytesize=reading.whole(path, table, "bytesize", 8, 5, 8),
            parity=reading.choice(path, table, "parity", ("N", "E", "O", "M", "S"), "N"),
            stopbits=stop,
            duplex=reading.choice(path, table, "duplex", ("half", "full"), "half"),
            inter_byte_ms=reading.whole(path, table, "inter_byte_ms", 20, 1, 60_000),
            reply_within_ms=reading.whole(path, table, "reply_within_ms", None, 1, 600_000),
            turnaround_ms=turnaround,
        )

    def _address(self) -> Address | None:
        reading, path = self.reading, ("address",)
        marked = {part.name for frame in self.frames.values() for part in frame.parts if part.address}
        table = reading.value((), self.raw, "address", "table", None)
        if not marked:
            if table is not None and self.frames:
                reading.wrong(path, '[address] says something of units, but no part has role = "address"')
            return None
        if len(marked) > 1:
            reading.wrong(path, f"the address has several names: {', '.join(sorted(marked))}; give its part one name")
        table = table or {}
        reading.known(path, table, ("broadcast", "reply_mask", "default", "range", "wildcard"))
        low, high = reading.pair((*path, "range"), table.get("range", [0, 255]), "range") or (0, 255)
        return Address(
            min(marked),
            reading.whole(path, table, "broadcast", None, 0, 1 << 32),
            reading.whole(path, table, "reply_mask", 0, 0, 1 << 32),
            reading.whole(path, table, "default", max(low, 1), low, high),
            low,
            high,
            reading.value(path, table, "wildcard", "text", ""),
        )

    # -- state --------------------------------------------------------------------------------------------------------
    def _state(self) -> dict[str, Any]:
        made: dict[str, Any] = dict(BUILT_IN.get(self.role, NONE))
        for name, value in self.reading.value((), self.raw, "state", "table", {}).items():
            if isinstance(value, bool | int | str | list):
                made[name] = value
            else:
                told = f'"{name}" must start as a whole number, true or false, text, or an array, not {shown(value)}'
                self.reading.wrong(("state", name), told)
        return made

    def _keeps(self) -> frozenset[str]:
        names = self._texts(("device",), self.device, "keeps")
        for index, name in enumerate(names):
            if name not in self.state:
                hint = did_you_mean(name, self.state)
                self.reading.wrong(("device", "keeps", index), f'there is no state variable "{name}"', hint)
        return frozenset(names)

    def _profiles(self) -> Mapping[str, Mapping[str, Any]]:
        made = {}
        for name, table in self.reading.value((), self.raw, "profile", "table", {}).items():
            path = ("profile", name)
            if not isinstance(table, dict):
                self.reading.wrong(path, f"a profile is a table, not {shown(table)}")
                continue
            self.reading.known(path, table, ("title", *self.state))
            for key, value in table.items():
                if key in self.state and type(value) is not type(self.state[key]):
                    self.reading.wrong(
                        (*path, key), f"{key} is {shown(self.state[key])} otherwise, here {shown(value)}"
                    )
            made[name] = MappingProxyType(dict(table))
        return MappingProxyType(made)

    # -- messages -----------------------------------------------------------------------------------------------------
    def _layout(self, path: Path, row: Mapping[str, Any]) -> tuple[FrameSpec | None, tuple[Item, ...], str]:
        """Frame, fields and body of a message: what others may refer to."""
        reading = self.reading
        reading.subject = self._subject(row)
        reading.known(path, row, _MESSAGE_KEYS, ("name", "from"))
        if not self.frames:
            return None, (), ""
        only = next(iter(self.frames)) if len(self.frames) == 1 else None
        name = reading.value(path, row, "frame", "text", only)
        frame = self.frames.get(name or "")
        if frame is None:
            told = f'there is no frame "{name}"' if name else "`frame` is missing: there are several"
            reading.wrong((*path, "frame") if name else path, told, did_you_mean(name or "", self.frames))
            return None, (), ""
        body = reading.value(path, row, "body", "text", frame.body)
        part = frame.part(body)
        rows = reading.tables(path, row, "fields")
        if rows and (part is None or part.item.kind != "bytes"):
            told = f'fields describe a part of kind bytes, which frame "{frame.name}" has not'
            reading.wrong((*path, "fields"), told)
            return frame, (), body
        known = {name for name in value_names(frame.parts) if name != body}
        return frame, self.builder.items(path, rows, known), body

    @staticmethod
    def _subject(row: Mapping[str, Any]) -> str:
        name = row.get("name")
        return f'message "{name}"' if isinstance(name, str) else "this message"

    def _announce(
        self, rows: list[tuple[Path, dict[str, Any]]], layouts: list[tuple[FrameSpec | None, tuple[Item, ...], str]]
    ) -> None:
        """Tell the rules which messages can be sent."""
        known: dict[str, tuple[str, ...]] = {}
        seen: set[str] = set()
        for (path, row), (frame, fields, _) in zip(rows, layouts, strict=True):
            name = row.get("name")
            if not isinstance(name, str) or frame is None:
                continue
            if name in seen:
                self.reading.subject = ""
                self.reading.wrong((*path, "name"), f'there are two messages "{name}"')
            seen.add(name)
            if row.get("from") == "device":
                known[name] = self._names(frame, fields)
        self.rules.messages = known

    @staticmethod
    def _names(frame: FrameSpec, fields: tuple[Item, ...]) -> tuple[str, ...]:
        return (*value_names(frame.parts), *(name for item in fields for name in names_of(item)))

    def _message(
        self, path: Path, row: Mapping[str, Any], frame: FrameSpec | None, fields: tuple[Item, ...], body: str
    ) -> Message | None:
        reading = self.reading
        reading.subject = self._subject(row)
        source = reading.choice(path, row, "from", ("host", "device"))
        if frame is None or source is None:
            return None
        if frame.source not in (source, "both"):
            reading.wrong((*path, "from"), f'frame "{frame.name}" is sent by the {frame.source} only')
        names = self._names(frame, fields)
        match, lengths = self._match(path, row, frame)
        values = self.rules.named((*path, "values"), row.get("values", {}), ())
        for name in values:
            if name not in names:
                reading.wrong(
                    (*path, "values", name), f'there is no value "{name}"', did_you_mean(name, names), at_key=True
                )
        if source == "device":
            for key in ("reply", "when", "effects"):
                if key in row:
                    told = f"`{key}` is for what the host sends; what the device sends is sent by an effect"
                    reading.wrong((*path, key), told, at_key=True)
        effects = self._reply(path, row, names) + self.rules.effects((*path, "effects"), row.get("effects"), names)
        return Message(
            name=reading.value(path, row, "name", "text", ""),
            source=source,
            frame=frame.name,
            match=MappingProxyType(match),
            lengths=MappingProxyType(lengths),
            fields=fields,
            body=body,
            values=values,
            when=self.rules.when((*path, "when"), row.get("when"), names),
            effects=effects if source == "host" else (),
            broadcast=reading.value(path, row, "broadcast", "flag", True),
            expect=self._expect(path, row, names) if "expect" in row else None,
            meaning=reading.value(path, row, "meaning", "text", ""),
        )

    def _match(self, path: Path, row: Mapping[str, Any], frame: FrameSpec) -> tuple[dict[str, Any], dict[str, int]]:
        reading = self.reading
        match: dict[str, Any] = {}
        lengths: dict[str, int] = {}
        parts = {name: part for part in frame.parts if part.valued for name in names_of(part.item)}
        for key, value in reading.value(path, row, "match", "table", {}).items():
            here = (*path, "match", key)
            if key.endswith("_len") and key[:-4] in parts:
                if type(value) is int:
                    lengths[key[:-4]] = value
                else:
                    reading.wrong(here, f"{key} must be a number of bytes, not {shown(value)}")
                continue
            part = parts.get(key)
            if part is None:
                hint = did_you_mean(key, [*parts, *(f"{name}_len" for name in parts)])
                reading.wrong(here, f'frame "{frame.name}" has no value "{key}"', hint, at_key=True)
                continue
            choices = [
                self._matched(here, part.item, key, one) for one in (value if isinstance(value, list) else [value])
            ]
            match[key] = choices[0] if len(choices) == 1 else tuple(choices)
        return match, lengths

    def _matched(self, path: Path, item: Item, key: str, value: Any) -> Any:
        """A value of `match` as decoding gives it."""
        if item.kind == "bytes":
            return self.reading.hexadecimal(path, value, key)
        if isinstance(value, str) and item.kind == "uint":
            if value in item.names:
                return item.names[value]
            self.reading.wrong(path, f'{key} has no value called "{value}"', did_you_mean(value, item.names))
            return 0
        if item.kind in ("uint", "hex", "decimal") and type(value) is not int:
            self.reading.wrong(path, f"{key} is a number, not {shown(value)}")
            return 0
        if item.kind in ("text", "digits", "bcd") and not isinstance(value, str):
            self.reading.wrong(path, f"{key} is text in quotes, not {shown(value)}")
            return ""
        return value

    def _reply(self, path: Path, row: Mapping[str, Any], names: tuple[str, ...]) -> tuple[Effect, ...]:
        """`reply = "none" | "echo" | "MESSAGE"`, or one or more effects that speak."""
        reply = row.get("reply")
        here = (*path, "reply")
        delay = {"delay_ms": row["delay_ms"]} if "delay_ms" in row else {}
        if reply is None or reply == "none":
            return ()
        if reply == "echo":
            return self.rules.effects(here, {"echo": True, **delay}, names)
        if isinstance(reply, str):
            return self.rules.effects(here, {"send": reply, **delay}, names)
        rows = reply if isinstance(reply, list) else [reply]
        spoken = [{**delay, **one} if isinstance(one, dict) else one for one in rows]
        return self.rules.effects(here, spoken if isinstance(reply, list) else spoken[0], names)

    def _expect(self, path: Path, row: Mapping[str, Any], names: tuple[str, ...]) -> Expect | None:
        reading, here = self.reading, (*path, "expect")
        table = reading.value(path, row, "expect", "table", None)
        if table is None:
            return None
        reading.known(here, table, _EXPECT_KEYS)
        if row.get("from") != "device":
            reading.wrong(here, "`expect` is for what the device sends: the host's answer to it", at_key=True)
        echo = reading.value(here, table, "echo_with", "table", None)
        message = reading.value(here, table, "message", "text", "")
        if (echo is None) == (not message):
            reading.wrong(here, "say which answer: `echo_with = {...}` (the same frame) or `message = NAME`")
        for name in echo or ():
            if name not in names:
                reading.wrong(
                    (*here, "echo_with", name), f'there is no value "{name}"', did_you_mean(name, names), at_key=True
                )
        hosts = [r.get("name") for _, r in reading.tables((), self.raw, "message") if r.get("from") == "host"]
        if message and message not in hosts:
            told = f'there is no message "{message}" from the host'
            reading.wrong((*here, "message"), told, did_you_mean(message, [str(host) for host in hosts]))
        return Expect(
            None if echo is None else MappingProxyType(dict(echo)),
            message,
            reading.whole(here, table, "within_ms", 500, 1, 600_000),
            reading.whole(here, table, "retries", 0, 0, 100),
            reading.whole(here, table, "stagger_ms", 0, 0, 10_000),
            self.rules.effects((*here, "answered"), table.get("answered"), names),
            self.rules.effects((*here, "failed"), table.get("failed"), names),
        )

    # -- what happens -------------------------------------------------------------------------------------------------
    def _effects_of(self, key: str) -> tuple[Effect, ...]:
        table = self.reading.value((), self.raw, key, "table", {})
        self.reading.known((key,), table, ("effects",))
        return self.rules.effects((key, "effects"), table.get("effects"), ())

    def _effect_tables(self, key: str) -> dict[str, tuple[Effect, ...]]:
        made = {}
        for name, table in self.reading.value((), self.raw, key, "table", {}).items():
            if not isinstance(table, dict):
                self.reading.wrong((key, name), f"[{key}.{name}] is a table with `effects`, not {shown(table)}")
                continue
            self.reading.known((key, name), table, ("effects",), ("effects",))
            made[name] = self.rules.effects((key, name, "effects"), table.get("effects"), ())
        return made

    def _on_error(self) -> dict[str, tuple[Effect, ...]]:
        table = self.reading.value((), self.raw, "on_error", "table", {})
        self.reading.known(("on_error",), table, ERRORS)
        return {cause: self.rules.effects(("on_error", cause), table[cause], ()) for cause in ERRORS if cause in table}

    def _voice(self) -> dict[str, tuple[Effect, ...]]:
        table = self.reading.value((), self.raw, "voice", "table", {})
        if table and self.role != "voice":
            self.reading.wrong(("voice",), 'only a device with role = "voice" has a loudspeaker')
        names = ("started", "finished", "missing", "cut")
        self.reading.known(("voice",), table, names)
        return {name: self.rules.effects(("voice", name), table[name], ("clip",)) for name in names if name in table}

    def _actions(self) -> Mapping[str, Action]:
        reading = self.reading
        made: dict[str, Action] = {}
        if self.role in ("rating-keypad", "clerk-console"):
            made |= {"log_in": _LOG_IN, "log_out": _LOG_OUT}
        declared: set[str] = set()
        for path, row in reading.tables((), self.raw, "action"):
            name = reading.value(path, row, "name", "text", "")
            reading.subject = f'action "{name}"'
            reading.known(path, row, ("name", "args", "when", "quiet_ms", "effects", "meaning"), ("name", "effects"))
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in ("hear", "wake", "unplug", "plug_in"):
                reading.wrong(
                    (*path, "name"), f'"{name}" cannot be the name of an action (lower-case letters, digits, _)'
                )
            if name in declared:
                reading.wrong((*path, "name"), f'there are two actions "{name}"')
            declared.add(name)
            arguments = self._arguments(path, row)
            names = tuple(argument.name for argument in arguments)
            made[name] = Action(
                name,
                arguments,
                self.rules.effects((*path, "effects"), row.get("effects"), names),
                self.rules.when((*path, "when"), row.get("when"), names),
                reading.whole(path, row, "quiet_ms", 0, 0, _LONGEST_MS),
                reading.value(path, row, "meaning", "text", ""),
            )
        reading.subject = ""
        return MappingProxyType(made)

    def _arguments(self, path: Path, row: Mapping[str, Any]) -> tuple[Argument, ...]:
        made = []
        for here, one in self.reading.tables(path, row, "args"):
            self.reading.known(here, one, ("name", "range"), ("name",))
            low, high = None, None
            if "range" in one:
                low, high = self.reading.pair((*here, "range"), one["range"], "range") or (None, None)
            made.append(Argument(self.reading.value(here, one, "name", "text", ""), low, high))
        return tuple(made)

    def _house(self, messages: Mapping[str, Message]) -> House | None:
        table = self.reading.value((), self.raw, "house", "table", None)
        return None if table is None else HouseBuilder(self.reading, self.rules, self.frames, messages).house(table)

    # -- vectors ------------------------------------------------------------------------------------------------------
    def _vectors(self, messages: tuple[Message, ...]) -> tuple[Vector, ...]:
        reading = self.reading
        made = []
        by_name = {message.name: message for message in messages}
        for path, row in reading.tables((), self.raw, "vector"):
            reading.known(path, row, ("of", "hex", "values", "source", "grade"), ("of", "hex", "source", "grade"))
            of = reading.value(path, row, "of", "text", "")
            if of and of not in by_name and not reading.problems:
                reading.wrong((*path, "of"), f'there is no message "{of}"', did_you_mean(of, by_name))
            data = reading.hexadecimal((*path, "hex"), row.get("hex", ""), "hex")
            if not data and isinstance(row.get("hex"), str) and not row["hex"].strip():
                reading.wrong((*path, "hex"), "a vector has one byte at least")
            made.append(
                Vector(
                    of,
                    data,
                    MappingProxyType(dict(reading.value(path, row, "values", "table", {}))),
                    reading.value(path, row, "source", "text", ""),
                    reading.choice(path, row, "grade", GRADES, "A"),
                )
            )
        shown_ends = {by_name[vector.of].source for vector in made if vector.of in by_name}
        for source in sorted({message.source for message in messages} - shown_ends):
            if made:
                told = f"no vector shows what the {source} sends: one frame at least is needed for each direction"
                reading.wrong(("vector",), told)
        return tuple(made)


__all__ = ["BUILT_IN", "Refused", "build"]
