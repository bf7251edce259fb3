"""Compliance of a device by its own protocol declaration: what can be tested is found by playing it in memory.

`hallbench check acme.toml --port ...` needs no second file: which messages are questions, which draw nothing, whether
keys can be pressed and what protects a frame all stand in the declaration that describes the device.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.compliance.mutants.base import Subject
from bench.compliance.mutants.declared_device import on_line
from bench.scenario.declared import parse
from bench.scenario.load import ScenarioError
from bench.scenario.toml_out import quoted
from firmware_sim.device import MS, Send
from firmware_sim.devices.declared_device import DeclaredDevice
from protocol.declared.codec import Codec
from protocol.declared.items import BadValue
from protocol.declared.model import Message
from protocol.declared.reader import Broken

__all__ = ["CannotBeTested", "derived", "is_protocol", "subject_of"]

_CHANGES = frozenset({"restart", "voice", "start"})
"""Effects after which a device is not what it was: no question of the suite."""


class CannotBeTested(ValueError):
    """A declaration is wrong, or says nothing that could be seen on the line; the message says what."""


def is_protocol(text: str) -> bool:
    """Whether a TOML text is the declaration of a protocol (it has frames), not what a device is declared to do."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return "protocol" not in document and ("frame" in document or isinstance(document.get("device"), dict))


def derived(text: str, where: str) -> str:
    """The compliance declaration of a protocol declaration, which has the whole of that inside.

    Args:
        text: the protocol declaration.
        where: how it is called in messages.

    Raises:
        CannotBeTested: it is wrong, or nothing of it could be seen.
    """
    codec = _codec(text, where)
    unit = _unit(codec)
    asked = dict(_asked(codec, unit))
    ask = sorted(name for name, answers in asked.items() if answers and "?" not in answers)
    tell = sorted(name for name, answers in asked.items() if not answers)
    keys = _keys(codec)
    if not ask and not keys:
        told = "no known frame of the host's is answered, and no `press` wants an answer: nothing of it can be seen"
        raise CannotBeTested(f"{where}: {told}")
    spec = codec.declaration
    line = spec.line
    capabilities = {
        "questions": bool(ask),
        "presses": not ask and keys > 0,
        "statements": bool(tell),
        "address": spec.address is not None,
        "check": any(part.check is not None for form in codec.forms("host") for part in form.plain.spec.parts),
        "keys": keys,
        "timeout_ms": line.reply_within_ms or 300,
    }
    rows = [f"{key} = {json.dumps(value)}" for key, value in capabilities.items() if value]
    stop = f"{line.stopbits:g}"
    return "\n".join(
        [
            "schema_version = 1",
            f"name = {quoted(spec.name)}",
            f"title = {quoted(spec.title)}",
            'protocol = "declared"',
            "",
            "[line]",
            f'settings = "{line.baud} {line.bytesize}{line.parity}{stop}"',
            "",
            "[capabilities]",
            *rows,
            "",
            "[extra]",
            f"unit = {unit}",
            f"ask = {json.dumps(ask)}",
            f"tell = {json.dumps(tell)}",
            f"text = {_in_lines(text)}",
            "",
        ]
    )


def _in_lines(text: str) -> str:
    """A text as a string of TOML with lines of its own: `verify` takes no declaration with a line of thousands."""
    return '"""\n' + "\n".join(quoted(line)[1:-1] for line in text.split("\n")) + '"""'


def subject_of(path: str) -> Subject:
    """The device that a protocol declaration describes, emulated.

    Raises:
        CannotBeTested: the file cannot be read, or the declaration is wrong.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotBeTested(f"{path}: cannot be read: {error}") from error
    codec = _codec(text, path)
    unit = _unit(codec)
    build = on_line(lambda: DeclaredDevice("device", codec, unit=unit if codec.declaration.address else None))
    return Subject(path, codec.declaration.title, build, path, unit=unit)


def _codec(text: str, where: str) -> Codec:
    try:
        return Codec(parse(text.encode("utf-8"), where))
    except ScenarioError as error:
        raise CannotBeTested("\n".join(map(str, error.problems))) from error


def _unit(codec: Codec) -> int:
    """The address under test: one that is not the first, where there is more than one."""
    address = codec.declaration.address
    return 1 if address is None else min(17, address.high) if address.low <= 17 else address.low


def _asked(codec: Codec, unit: int) -> Iterator[tuple[str, list[str]]]:
    """Each message of the host's with a known frame, and what it draws."""
    spec = codec.declaration
    for vector in spec.vectors:
        made = codec.messages[vector.of]
        if made.message.source != "host" or not _plain(made.message):
            continue
        found = [item for item in codec.decode("host", vector.data) if not isinstance(item, Broken)]
        try:
            values: Mapping[str, Any] = found[0].values if found else vector.values
            to = {} if spec.address is None else {spec.address.part: unit}
            frame = codec.write(vector.of, {**values, **to})
        except BadValue:
            continue
        device = DeclaredDevice("oracle", codec, unit=unit if spec.address is not None else None)
        effects = [*device.hear(0, frame, 0, 0, None), *device.wake(spec.line.inter_byte_ms * MS + 1, "gap")]
        said = b"".join(effect.data for effect in effects if isinstance(effect, Send))
        decoded = codec.decode("device", said) if said else []
        names = ["?" if isinstance(one, Broken) or one.message is None else one.message.name for one in decoded]
        yield vector.of, names or (["?"] if said else [])


def _plain(message: Message) -> bool:
    """Whether a message does the same at any time."""
    return not message.when and not any(effect.kind in _CHANGES for effect in message.effects)


def _keys(codec: Codec) -> int:
    """Keys that can be pressed and whose message wants an answer; 0: none."""
    action = codec.declaration.actions.get("press")
    if action is None or len(action.arguments) != 1:
        return 0
    high = action.arguments[0].high
    sent = [effect.target for effect in action.effects if effect.kind == "send"]
    wanted = any(codec.messages[name].message.expect is not None for name in sent)
    return (high or 4) if wanted else 0
