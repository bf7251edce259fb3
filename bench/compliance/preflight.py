"""Before the first case: is there one device, at these settings, on a line that is quiet?

Each way in which there is not has its own sentence; a suite on such a line would say ninety times that it could not
tell (conformance.md 2.3: none of these ends is a pass).
"""

from __future__ import annotations

from collections.abc import Generator
from random import Random
from typing import Any, Final

from bench.compliance.case import Lost, frames_text
from bench.compliance.engine import Judge
from bench.compliance.modbus_bench import ModbusBench
from bench.compliance.protocols import OVER_MODBUS, bench_class
from bench.compliance.steps import Heard, Player, PortLost, Step, Wait
from firmware_sim.burst import LineSettings
from firmware_sim.device import MS
from protocol.modbus.rtu import is_sound

__all__ = ["preflight"]

_OTHERS: Final = ("9600 8N1", "19200 8E1", "9600 8E1", "19200 8N1", "115200 8N1", "38400 8N1", "4800 8N1", "57600 8N1")
_LISTEN: Final = 300 * MS


def _drive(play: Generator[Step, Heard, Any], player: Player) -> Any:
    try:
        step = next(play)
        while True:
            step = play.send(player.play(step))
    except StopIteration as end:
        return end.value


def preflight(judge: Judge, player: Player) -> str:
    """Why the suite should not be run here; "" when it may."""
    player.begin(0)
    if judge.declaration.protocol not in OVER_MODBUS:
        return _stream_preflight(judge, player)
    heard = player.play(Wait(_LISTEN, "is anybody speaking?"))
    if heard.frames:
        return (
            f"the line babbles: {sum(len(frame.data) for frame in heard.frames)} characters came in "
            f"{_LISTEN // MS} ms without a request ({frames_text(heard.frames)}); take other masters, and devices "
            "that send unasked, off the line"
        )
    answers = [_ask(judge, player, judge.settings, attempt) for attempt in range(3)]
    sent = [frame.data for frame in player.frames if frame.direction == "out" and frame.data]
    if any(answer.data.startswith(request) for answer, request in zip(answers, sent, strict=False)):
        return "the port hears its own characters (a two-wire adapter with its receiver on): add --echo"
    if any(_is_reply(answer) for answer in answers):
        return ""
    others = [answer for answer in answers if answer.data]
    found = _elsewhere(judge, player)
    if found:
        return (
            f"wrong settings: nothing sound came at {judge.settings}, and the device answers at {found}; "
            "use --baud and --parity"
        )
    if not others:
        return (
            f"no device: unit {judge.unit} did not answer one of three requests at {judge.settings}; check power, "
            "wiring (A and B exchanged?), --unit, --baud and --parity"
        )
    wrong = next((answer.data[0] for answer in others if is_sound(answer.data)), None)
    if wrong is not None and wrong != judge.unit:
        return ""  # a sound reply with another address is a case's business
    return (
        f"damaged replies: something answers unit {judge.unit} at {judge.settings}, and no reply is sound "
        f"({frames_text(others[0].frames)}); two devices on one address, a wrong parity, or noise"
    )


def _stream_preflight(judge: Judge, player: Player) -> str:
    """The same for a device that may speak unasked: its own bench brings it into step and probes it."""
    bench = bench_class(judge.declaration.protocol)(
        judge.declaration,
        judge.unit,
        Random(f"{judge.seed}/preflight"),
        player.uncertainty,
        player.clock == "virtual",
        settings=judge.settings,
        neighbours=judge.neighbours,
    )
    try:
        _drive(bench.quiet_line(), player)
        _drive(bench.probe(), player)
    except Lost as lost:
        came = [frame for frame in player.frames if frame.direction == "in"]
        sent = [frame.data for frame in player.frames if frame.direction == "out" and frame.data]
        if any(frame.data in sent for frame in came):
            return "the port hears its own characters (an adapter with its receiver on): add --echo"
        if not came:
            return (
                f"no device: nothing came back at {judge.settings}; check power, cable (crossed or straight?), "
                "--baud and --parity"
            )
        return f"what answers at {judge.settings} is not ready for the suite: {lost.reason}"
    return ""


def _is_reply(heard: Heard) -> bool:
    return is_sound(heard.data) or (len(heard.data) > 5 and is_sound(heard.data[1:]))


def _ask(judge: Judge, player: Player, settings: LineSettings, attempt: int) -> Heard:
    """One drawn read."""
    from bench.compliance.cases.modbus_line import a_read

    bench = ModbusBench(
        judge.declaration,
        judge.unit,
        Random(f"{judge.seed}/preflight/{attempt}"),
        player.uncertainty,
        player.clock == "virtual",
        settings=settings,
    )
    try:
        pdu, _ = a_read(bench)
    except (StopIteration, Lost):
        pdu = b"\x03\x00\x00\x00\x01"  # nothing can be read: an exception will do
    heard: Heard = _drive(bench.say(pdu), player)
    return heard


def _elsewhere(judge: Judge, player: Player) -> str:
    """Settings at which the device answers soundly; "" for none, or where they cannot be changed."""
    retune = getattr(player, "retune", None)
    if retune is None:
        return ""
    try:
        for text in _OTHERS:
            settings = LineSettings.parse(text)
            if settings == judge.settings:
                continue
            try:
                retune(settings)
            except PortLost:
                continue  # this port does not have them
            if is_sound(_ask(judge, player, settings, 9).data):
                return text
    finally:
        retune(judge.settings)
    return ""
