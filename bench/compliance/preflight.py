"""Before the first case: is there one device, at these settings, on a line that is quiet?

Each way in which there is not has its own sentence; a suite on such a line would say ninety times that it could not
tell (conformance.md 2.3: none of these ends is a pass). A device that answers, but wrongly, is there: the suite is run
on it, and fails what it does wrong. `Look.note` then says with which misgivings.
"""

from __future__ import annotations

from collections.abc import Generator
from random import Random
from typing import Any, Final, NamedTuple

from bench.compliance.case import Lost, frames_text
from bench.compliance.engine import Judge
from bench.compliance.escpos_bench import split
from bench.compliance.greeting import GREETINGS, modbus_form, repeated
from bench.compliance.modbus_bench import ModbusBench
from bench.compliance.protocols import OVER_MODBUS, bench_class
from bench.compliance.steps import Heard, Player, PortLost, Step, Wait
from firmware_sim.burst import LineSettings
from firmware_sim.device import MS
from protocol.escpos.status import RealTime, ReplyEvent
from protocol.modbus.rtu import is_sound

__all__ = ["Look", "has_address", "preflight"]

_OTHERS: Final = ("9600 8N1", "19200 8E1", "9600 8E1", "19200 8N1", "115200 8N1", "38400 8N1", "4800 8N1", "57600 8N1")
_LISTEN: Final = 300 * MS
_LATE: Final = 1_000 * MS
"""How long it is waited for an answer that is much too late."""
_ADDRESSED: Final = OVER_MODBUS | {"osdp", "alpha"}


class Look(NamedTuple):
    """What was seen of the line.

    Args:
        ending: why the suite should not be run here; "" when it may.
        note: what is odd about what answers; "" for nothing.
    """

    ending: str = ""
    note: str = ""


def preflight(judge: Judge, player: Player) -> Look:
    """Look at the line."""
    player.begin(0)
    if judge.declaration.protocol not in OVER_MODBUS:
        return _stream_look(judge, player)
    return _modbus_look(judge, player)


def _drive(play: Generator[Step, Heard, Any], player: Player) -> Any:
    try:
        step = next(play)
        while True:
            step = play.send(player.play(step))
    except StopIteration as end:
        return end.value


def _bench(judge: Judge, player: Player, settings: LineSettings, salt: str = "") -> Any:
    return bench_class(judge.declaration.protocol)(
        judge.declaration,
        judge.unit,
        Random(f"{judge.seed}/preflight{salt}"),
        player.uncertainty,
        player.clock == "virtual",
        settings=settings,
        neighbours=judge.neighbours,
    )


def _babbles(heard: Heard, ms: int) -> str:
    return (
        f"the line babbles: {len(heard.data)} characters came in {ms} ms without a request "
        f"({frames_text(heard.frames)}); take other masters, and devices that send unasked, off the line"
    )


# -- Modbus -----------------------------------------------------------------------------------------------------------
def _modbus_look(judge: Judge, player: Player) -> Look:
    heard = player.play(Wait(_LISTEN, "is anybody speaking?"))
    if heard.frames:
        return Look(_babbles(heard, _LISTEN // MS))
    answers = [_ask(judge, player, judge.settings, attempt) for attempt in range(3)]
    sent = [frame.data for frame in player.frames if frame.direction == "out" and frame.data]
    if any(answer.data.startswith(request) for answer, request in zip(answers, sent, strict=False)):
        return Look("the port hears its own characters (a two-wire adapter with its receiver on): add --echo")
    if any(_is_reply(answer) for answer in answers):
        return Look()
    others = [answer for answer in answers if answer.data]
    for answer in others:
        first, rest = repeated(answer.data)
        again, _ = repeated(rest)
        if first and again and again != first:
            return Look(
                f"two devices: unit {judge.unit} answers one request twice, and not the same "
                f"({frames_text(answer.frames)}); two devices have one address: take one off the line"
            )
        if first:
            return Look(
                note=f"something follows each reply ({frames_text(answer.frames)}): one device that says too much, or "
                "two with one address and the same registers; when in doubt take one off the line"
            )
    found = _elsewhere(judge, player)
    if found:
        return Look(
            f"wrong settings: nothing sound came at {judge.settings}, and the device answers at {found}; "
            "use --baud and --parity"
        )
    wrong = next((answer.data[0] for answer in others if is_sound(answer.data)), None)
    if wrong is not None and wrong != judge.unit:
        return Look()  # a sound reply with another address is a case's business
    form: str = _drive(modbus_form(_modbus_bench(judge, player, judge.settings, "form")), player)
    if form:
        return Look(note=f"something answers at unit {judge.unit}, and no reply is sound: {form}")
    if not others:
        return Look(
            f"no device: unit {judge.unit} did not answer one of three requests at {judge.settings}; check power, "
            "wiring (A and B exchanged?), --unit, --baud and --parity"
        )
    return Look(
        f"damaged replies: something answers unit {judge.unit} at {judge.settings}, and no reply is sound "
        f"({frames_text(others[0].frames)}); two devices on one address, a wrong parity, or noise"
    )


def _is_reply(heard: Heard) -> bool:
    return is_sound(heard.data) or (len(heard.data) > 5 and is_sound(heard.data[1:]))


def _modbus_bench(judge: Judge, player: Player, settings: LineSettings, salt: object) -> ModbusBench:
    return ModbusBench(
        judge.declaration,
        judge.unit,
        Random(f"{judge.seed}/preflight/{salt}"),
        player.uncertainty,
        player.clock == "virtual",
        settings=settings,
    )


def _ask(judge: Judge, player: Player, settings: LineSettings, attempt: int) -> Heard:
    """One drawn read."""
    from bench.compliance.cases.modbus_line import a_read

    bench = _modbus_bench(judge, player, settings, attempt)
    try:
        pdu, _ = a_read(bench)
    except (StopIteration, Lost):
        pdu = b"\x03\x00\x00\x00\x01"  # nothing can be read: an exception will do
    heard: Heard = _drive(bench.say(pdu), player)
    return heard


# -- the others -------------------------------------------------------------------------------------------------------
def _stream_look(judge: Judge, player: Player) -> Look:
    """A device that may speak unasked: its own bench brings it into step and probes it, then it is greeted."""
    bench = _bench(judge, player, judge.settings)
    for left in (2, 1, 0):
        try:
            _drive(bench.quiet_line(), player)
            break
        except Lost:
            if not left:
                return Look(_babbles(_came(player), round(player.now / MS)))
    try:
        _drive(bench.probe(), player)
        return Look()
    except Lost as lost:
        reason = lost.reason
    if _nobody_pressed(player):
        return Look(
            "this device speaks only when a key is pressed, and nobody was there to press one: run it on a terminal, "
            "where it is asked for"
        )
    known, offline = _greeted(judge, player, judge.settings)
    came = _came(player)
    if not came.data:
        came = player.play(Wait(_LATE, "is it late?"))
    sent = {frame.data for frame in player.frames if frame.direction == "out" and frame.data}
    if came.frames and all(frame.data in sent for frame in came.frames):
        return Look("the port hears its own characters (an adapter with its receiver on): add --echo")
    if offline:
        return Look(
            f"off line: the printer answers, and says that it does not print ({offline}); close its cover, put paper "
            "in, and put it on line"
        )
    if known:
        return Look(note=f"something answers, and not as declared: {reason}")
    found = _elsewhere(judge, player)
    if found:
        return Look(
            f"wrong settings: at {judge.settings} {'what comes is no reply' if came.data else 'nothing comes'}, and "
            f"the device answers at {found}; use --baud and --parity"
        )
    if came.data:
        return Look(
            f"damaged replies: what comes at {judge.settings} is no reply in form ({frames_text(came.frames)}); "
            "two devices on one address, a wrong parity or another protocol, or noise"
        )
    who = f"unit {judge.unit} did not answer" if has_address(judge) else "nothing came back"
    return Look(
        f"no device: {who} at {judge.settings}; check power, cable (crossed or straight?), "
        f"{'--unit, ' if has_address(judge) else ''}--baud and --parity"
    )


def has_address(judge: Judge) -> bool:
    """Whether its protocol gives the device an address."""
    return judge.declaration.protocol in _ADDRESSED or bool(judge.declaration.capabilities.get("address"))


def _came(player: Player) -> Heard:
    return Heard(tuple(frame for frame in player.frames if frame.direction == "in"))


def _nobody_pressed(player: Player) -> bool:
    return any(frame.note.startswith("operator: press") and frame.note.endswith("not done") for frame in player.frames)


def _greeted(judge: Judge, player: Player, settings: LineSettings, most: int = 9) -> tuple[bool, str]:
    """Whether anything of the protocol's form came; and of a printer that is off line, what it says of that."""
    bench = _bench(judge, player, settings, "/greeting")
    known, status = False, []
    for _, greeting in zip(range(most), GREETINGS[judge.declaration.protocol](bench), strict=False):
        heard = _drive(greeting.talk(), player)
        known = greeting.known(heard)
        if judge.declaration.protocol == "escpos":
            status.append(split(heard).asked)
    return known, _offline(status)


def _offline(status: list[list[ReplyEvent]]) -> str:
    """What DLE EOT 1 and 2 say, the first two greetings of a printer that has them; "" when it is on line."""
    one, two = (*status, [], [])[:2]
    if len(one) != 1 or len(two) != 1 or not isinstance(one[0], RealTime) or not isinstance(two[0], RealTime):
        return ""
    if "offline" not in one[0].of(1):
        return ""
    causes = {"cover_open": "cover open", "stopped": "paper end", "feeding": "paper is fed", "error": "error"}
    return ", ".join(sorted(causes.get(name, name) for name in two[0].of(2))) or "no reason given"


# -- other settings ---------------------------------------------------------------------------------------------------
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
            if _sounds(judge, player, settings):
                return text
    finally:
        retune(judge.settings)
    return ""


def _sounds(judge: Judge, player: Player, settings: LineSettings) -> bool:
    if judge.declaration.protocol in OVER_MODBUS:
        return is_sound(_ask(judge, player, settings, 9).data)
    return _greeted(judge, player, settings, most=2)[0]
