"""From tables to frames and fields: the part of a declaration that says how bytes are laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from protocol.declared.checks import CHECKS, ENCODINGS, Crc16, Named, crc16
from protocol.declared.frames import CheckPart, FrameSpec, Part, Run
from protocol.declared.items import CODECS, KINDS, REST, Item
from protocol.declared.reader import RESYNC
from protocol.declared.reading import Path, Reading, did_you_mean, shown

_ITEM_KEYS: Final = (
    "name", "endian", "range", "values", "bits", "encoding", "encoding_by", "encodings", "blank", "pad",
    "group", "times", *KINDS,
)  # fmt: skip
_PART_KEYS: Final = (
    *_ITEM_KEYS, "preamble", "check", "over", "optional", "counts", "plus", "repeat", "role",
    "poly", "init", "refin", "refout", "xorout",
)  # fmt: skip
_FRAME_KEYS: Final = ("name", "from", "max_bytes", "resync", "escape", "escape_over", "part")
_MOST_BYTES: Final = 65536


class FrameBuilder:
    """Builds frames and fields, noting mistakes in a `Reading`."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    # -- fields -------------------------------------------------------------------------------------------------------
    def items(self, path: Path, rows: Sequence[tuple[Path, Mapping[str, Any]]], known: set[str]) -> tuple[Item, ...]:
        """The fields of a message; `known` are values that stand before them and may tell a size."""
        made = []
        names = set(known)
        for number, (here, row) in enumerate(rows):
            self.reading.known(here, row, _ITEM_KEYS)
            item = self.item(here, row, names)
            if item is None:
                continue
            if item.size == REST and number != len(rows) - 1 and item.kind != "const":
                self.reading.wrong(here, f'field "{item.name}" takes all that is left, so nothing can stand behind it')
            if item.name in names and item.kind != "const":
                self.reading.wrong((*here, "name"), f'there are two values "{item.name}"')
            names |= {item.name, *item.bits}
            made.append(item)
        return tuple(made)

    def item(self, path: Path, row: Mapping[str, Any], known: set[str]) -> Item | None:
        """One field or the value of one part; None when it cannot be understood."""
        reading = self.reading
        kinds = [kind for kind in KINDS if kind in row]
        name = reading.value(path, row, "name", "text", "")
        if len(kinds) != 1:
            told = f"has {' and '.join(kinds)}" if kinds else "does not say what it is"
            reading.wrong(path, f'field "{name}" {told}: give it one of {", ".join(KINDS)}')
            return None
        kind = kinds[0]
        if not name and kind != "const":
            reading.wrong(path, f"this {kind} has no `name`")
            return None
        if kind == "const":
            const = reading.hexadecimal((*path, "const"), row["const"], "const")
            if not const:
                if isinstance(row["const"], str) and not row["const"].strip():
                    reading.wrong((*path, "const"), "a const has one byte at least")
                return None
            return Item(name, "const", len(const), const=const)
        if kind == "group":
            inner = self.items(path, reading.tables(path, row, "group"), set())
            if not inner:
                reading.wrong((*path, "group"), f'group "{name}" has no fields')
                return None
            return Item(name, "group", self._size(path, row, "times", known, REST), items=inner)
        size = self._size(path, row, kind, known, None)
        if size is None:
            return None
        if "bits" in row and kind != "uint":
            reading.wrong((*path, "bits"), f"only a uint has bits, not a {kind}", at_key=True)
            return None
        if kind in ("uint", "digits", "bcd") and not isinstance(size, int):
            reading.wrong((*path, kind), f"{kind} needs a number of bytes, not {shown(row[kind])}")
            return None
        if kind == "uint" and size not in range(1, 9):
            reading.wrong((*path, kind), f"uint has 1 to 8 bytes, not {size}")
            return None
        low, high = (
            reading.pair((*path, "range"), row["range"], "range") or (None, None) if "range" in row else (None, None)
        )
        return Item(
            name,
            kind,
            size,
            endian=reading.choice(path, row, "endian", ("big", "little"), "big"),
            low=low,
            high=high,
            names=self._names(path, row),
            encoding=reading.choice(path, row, "encoding", CODECS, "ascii") if kind == "text" else "ascii",
            encoding_by=self._encoding_by(path, row, known),
            encodings=self._encodings(path, row),
            blank=reading.whole(path, row, "blank", None, 0, 255),
            pad=reading.value(path, row, "pad", "text", ""),
            bits=self._bits(path, row, size),
        )

    def _size(self, path: Path, row: Mapping[str, Any], key: str, known: set[str], default: Any) -> Any:
        if key not in row:
            return default
        size = row[key]
        if type(size) is int and 0 < size <= _MOST_BYTES:
            return size
        if size == REST or (isinstance(size, str) and size in known):
            return size
        hint = did_you_mean(size, [REST, *sorted(known)]) if isinstance(size, str) else ""
        told = f'{key} must be a number of bytes, "rest", or the name of a value before it, not {shown(size)}'
        self.reading.wrong((*path, key), told, hint)
        return None

    def _names(self, path: Path, row: Mapping[str, Any]) -> Mapping[str, int]:
        table = self.reading.value(path, row, "values", "table", {})
        good = {}
        for name, number in table.items():
            if type(number) is int:
                good[name] = number
            else:
                self.reading.wrong(
                    (*path, "values", name), f'"{name}" must stand for a whole number, not {shown(number)}'
                )
        return MappingProxyType(good)

    def _encoding_by(self, path: Path, row: Mapping[str, Any], known: set[str]) -> str:
        by = str(self.reading.value(path, row, "encoding_by", "text", ""))
        if by and by not in known:
            self.reading.wrong(
                (*path, "encoding_by"), f'no value "{by}" stands before this one', did_you_mean(by, known)
            )
            return ""
        if by and "encodings" not in row:
            self.reading.wrong(path, "`encoding_by` needs `encodings`: which value stands for which character set")
        return by

    def _encodings(self, path: Path, row: Mapping[str, Any]) -> Mapping[int, str]:
        table = self.reading.value(path, row, "encodings", "table", {})
        good = {}
        for key, name in table.items():
            here = (*path, "encodings", key)
            if not key.isdecimal():
                self.reading.wrong(here, f'"{key}" is not a number', at_key=True)
            elif name not in CODECS:
                self.reading.wrong(here, f"{shown(name)} is no character set", did_you_mean(str(name), CODECS))
            else:
                good[int(key)] = name
        return MappingProxyType(good)

    def _bits(self, path: Path, row: Mapping[str, Any], size: Any) -> Mapping[str, tuple[int, int]]:
        good = {}
        for name, value in self.reading.value(path, row, "bits", "table", {}).items():
            here = (*path, "bits", name)
            pair = self.reading.pair(here, [value, value] if type(value) is int else value, "bits")
            if pair is not None and (pair[0] < 0 or pair[1] >= 8 * size):
                self.reading.wrong(here, f"bits {pair[0]}..{pair[1]} are outside its {8 * size} bits")
            elif pair is not None:
                good[name] = pair
        return MappingProxyType(good)

    # -- frames -------------------------------------------------------------------------------------------------------
    def frames(self, raw: Mapping[str, Any]) -> tuple[dict[str, FrameSpec], str]:
        """All frames by name, and what is done after a broken one."""
        reading = self.reading
        given = raw.get("frame")
        if isinstance(given, dict):
            rows: list[tuple[Path, dict[str, Any]]] = [(("frame",), given)]
        elif isinstance(given, list):
            rows = reading.tables((), raw, "frame")
        else:
            reading.wrong((), "`[frame]` is missing: how the bytes of a message are framed")
            return {}, RESYNC[0]
        made: dict[str, FrameSpec] = {}
        resync = RESYNC[0]
        for path, row in rows:
            name = reading.value(path, row, "name", "text", "frame")
            reading.subject = f'frame "{name}"' if len(rows) > 1 else "[frame]"
            reading.known(path, row, _FRAME_KEYS, ("part",))
            if name in made:
                reading.wrong((*path, "name"), f'there are two frames "{name}"')
            resync = reading.choice(path, row, "resync", RESYNC, resync)
            spec = self._frame(path, row, name)
            if spec is not None:
                made[name] = spec
        reading.subject = ""
        return made, resync

    def _frame(self, path: Path, row: Mapping[str, Any], name: str) -> FrameSpec | None:
        reading = self.reading
        before = len(reading.problems)
        parts: list[Part] = []
        names: set[str] = set()
        rows = reading.tables(path, row, "part")
        for here, one in rows:
            reading.known(here, one, _PART_KEYS)
            part = self._part(here, one, names)
            if part is None:
                continue
            if part.name in names:
                reading.wrong((*here, "name"), f'there are two parts "{part.name}"')
            names.add(part.name)
            parts.append(part)
        if not rows:
            reading.wrong((*path, "part"), "there are no parts")
        if len(reading.problems) > before:
            return None
        order = [part.name for part in parts]
        for part, (here, _) in zip(parts, rows, strict=True):
            for key, span in (("counts", part.counts), ("over", part.check.over if part.check else None)):
                self._span((*here, key), span, order)
        variable = [part for part in parts if part.fixed is None]
        if len(variable) > 1:
            told = " and ".join(f'"{part.name}"' for part in variable)
            reading.wrong(path, f"{told} both have no fixed length: where one ends cannot be known")
        elif variable and len(reading.problems) == before:
            self._ends(path, parts, variable[0], order)
        most = reading.whole(path, row, "max_bytes", 256, 1, _MOST_BYTES)
        escape, over = self._escape(path, row, parts, order)
        if len(reading.problems) > before:
            return None
        source = reading.choice(path, row, "from", ("host", "device", "both"), "both")
        return FrameSpec(name, source, tuple(parts), most, escape, over)

    def _ends(self, path: Path, parts: list[Part], variable: Part, order: list[str]) -> None:
        """How the end of the variable part is known: by a length that counts it, a constant behind it, or silence."""
        at = order.index(variable.name)
        counted = [p for p in parts if p.counts is not None]
        inside = [p for p in counted if order.index(p.counts[0]) <= at <= order.index(p.counts[1])] if counted else []  # type: ignore[index]
        if counted and not inside:
            told = (
                f'length "{counted[0].name}" counts parts that all have a fixed length, "{variable.name}" is not in it'
            )
            self.reading.wrong(path, told)
        if inside and order.index(inside[0].name) > at:
            self.reading.wrong(
                path, f'length "{inside[0].name}" stands behind "{variable.name}", whose end it should tell'
            )

    def _span(self, path: Path, span: tuple[str, str] | None, order: list[str]) -> None:
        if span is None:
            return
        for name in span:
            if name not in order:
                self.reading.wrong(path, f'there is no part "{name}"', did_you_mean(name, order))
                return
        if order.index(span[0]) > order.index(span[1]):
            self.reading.wrong(path, f'"{span[0]}" stands behind "{span[1]}"')

    def _part(self, path: Path, row: Mapping[str, Any], names: set[str]) -> Part | None:
        reading = self.reading
        name = reading.value(path, row, "name", "text", "")
        if not name:
            reading.wrong(path, "a part needs a `name`")
            return None
        if "preamble" in row:
            return self._preamble(path, row, name, first=not names)
        if "check" in row:
            return self._check(path, row, name)
        item = self.item(path, row, names)
        if item is None:
            return None
        if item.kind == "group":
            reading.wrong(path, "a group belongs into the fields of a message, not into a frame")
            return None
        if isinstance(item.size, str) and item.size != REST:
            told = f'the length of part "{name}" is told by a length part with `counts`; write {item.kind} = "rest"'
            reading.wrong(path, told)
            return None
        counts = self._range(path, row, "counts")
        if counts is not None and item.kind != "uint":
            reading.wrong((*path, "counts"), "only a uint can be a length")
        return Part(
            item,
            counts=counts,
            plus=reading.whole(path, row, "plus", 0, -_MOST_BYTES),
            repeat=reading.whole(path, row, "repeat", 1, 1, 8),
            address=reading.choice(path, row, "role", ("address",)) is not None,
        )

    def _range(self, path: Path, row: Mapping[str, Any], key: str) -> tuple[str, str] | None:
        text = self.reading.value(path, row, key, "text", None)
        if text is None:
            return None
        first, dots, last = text.partition("..")
        if not dots or not first or not last:
            self.reading.wrong((*path, key), f'{key} names two parts, e.g. "addr..data", not "{text}"')
            return None
        return first, last

    def _preamble(self, path: Path, row: Mapping[str, Any], name: str, *, first: bool) -> Part | None:
        reading = self.reading
        table = reading.value(path, row, "preamble", "table", None)
        if table is None:
            return None
        here = (*path, "preamble")
        reading.known(here, table, ("byte", "min", "max", "send"), ("byte",))
        if not first:
            reading.wrong(here, "a preamble is the first part of a frame")
        byte = reading.whole(here, table, "byte", 0, 0, 255)
        least = reading.whole(here, table, "min", 1, 1, 255)
        most = reading.whole(here, table, "max", max(least, 16), least, 255)
        send = reading.whole(here, table, "send", least, least, most)
        return Part(Item(name, "const", 0, const=b""), run=Run(byte, least, most, send))

    def _check(self, path: Path, row: Mapping[str, Any], name: str) -> Part | None:
        reading = self.reading
        title = reading.value(path, row, "check", "text", "")
        over = self._range(path, row, "over")
        if over is None and "over" not in row:
            reading.wrong(path, f'check "{name}" does not say which parts it is `over`')
        found: Named | None = CHECKS.get(title)
        if title == "crc16":
            numbers = {key: reading.whole(path, row, key, 0, 0, 0xFFFF) for key in ("poly", "init", "xorout")}
            flags = {key: reading.value(path, row, key, "flag", False) for key in ("refin", "refout")}
            if "poly" not in row:
                reading.wrong(path, "crc16 needs its `poly`, e.g. 0x8005 (and init, refin, refout, xorout)")
                return None
            found = Named(crc16(Crc16(**numbers, **flags)), 2)
        if found is None or over is None:
            if found is None:
                reading.wrong((*path, "check"), f'there is no check "{title}"', did_you_mean(title, [*CHECKS, "crc16"]))
            return None
        check = CheckPart(
            found.compute,
            found.size,
            over,
            reading.choice(path, row, "endian", ("big", "little"), "little"),
            reading.choice(path, row, "encoding", ENCODINGS, "bin"),
            reading.value(path, row, "optional", "flag", False),
            title,
        )
        return Part(Item(name, "bytes", check.wire), check=check)

    def _escape(
        self, path: Path, row: Mapping[str, Any], parts: list[Part], order: list[str]
    ) -> tuple[Mapping[int, bytes], tuple[str, str] | None]:
        reading = self.reading
        table = reading.value(path, row, "escape", "table", {})
        made: dict[int, bytes] = {}
        for key, value in table.items():
            here = (*path, "escape", key)
            char = reading.hexadecimal(here, key, "the escaped byte")
            stands = reading.hexadecimal(here, value, "what stands for it")
            if len(char) != 1 or len(stands) != 2:
                if char and stands:
                    reading.wrong(here, f'one byte is escaped by two, e.g. A5 = "A6 02", not {key} = {shown(value)}')
            else:
                made[char[0]] = stands
        if not made:
            return MappingProxyType({}), None
        over = self._range(path, row, "escape_over")
        if over is None:
            reading.wrong(path, '`escape` needs `escape_over`: the parts in which bytes are escaped, e.g. "addr..crc"')
            return MappingProxyType({}), None
        before = len(reading.problems)
        self._span((*path, "escape_over"), over, order)
        if len(reading.problems) > before:
            return MappingProxyType({}), None
        outside = [p for p in parts if not order.index(over[0]) <= order.index(p.name) <= order.index(over[1])]
        for part in outside:
            if part.item.kind != "const":
                reading.wrong(path, f'part "{part.name}" is outside `escape_over`: only constants may be')
        behind = [p for p in parts if order.index(p.name) > order.index(over[1])]
        if not behind:
            reading.wrong(path, "an escaped span must be followed by a constant that tells its end")
        elif behind[0].item.const[:1] and behind[0].item.const[0] not in made:
            told = f"{behind[0].item.const[0]:02X} ends the frame but is not escaped within it"
            reading.wrong((*path, "escape"), told)
        return MappingProxyType(made), over
