"""OSDP devices in clear mode: packets, sequence numbers, commands, keys, coming back into step (protocols.md 3.2)."""

from __future__ import annotations

from typing import Any, Final

from bench.compliance.case import Case, Failed, Lost, frames_text
from bench.compliance.osdp_bench import OsdpBench, packets
from bench.compliance.steps import Ask, Heard, Play, Wait
from firmware_sim.device import MS
from protocol import osdp
from protocol.checks import crc16_osdp, lrc8
from protocol.osdp import Answer, Command, Nak, Packet

__all__ = ["CASES"]

_QUIET: Final = 30 * MS


def spoken(heard: Heard, what: str) -> bytes:
    """The characters of a reply from its SOM on, looked at without taking anything for granted.

    Raises:
        Lost: there is none.
    """
    data = heard.data
    at = data.find(osdp.SOM)
    if at < 0 or len(data) - at < 7:
        raise Lost(f"{what} drew nothing that begins a packet: {frames_text(heard.frames)}", heard)
    return data[at:]


# -- packets ----------------------------------------------------------------------------------------------------------
def reply_address(b: OsdpBench) -> Play:
    """Byte 1 of a reply."""
    heard = yield from b.raw(b.packet(Command.POLL).wire())
    found = spoken(heard, "a poll")[1]
    if found != b.unit | osdp.REPLY:
        raise Failed(f"the reply's address is {found:02X}, {b.unit | osdp.REPLY:02X} expected", heard, (1, 2))
    b.saw(heard)


def reply_length(b: OsdpBench) -> Play:
    """Bytes 2 and 3 of replies of several lengths."""
    for code in (Command.POLL, Command.ID):
        heard = yield from b.raw(b.packet(code).wire())
        data = spoken(heard, "a command")
        b.next = b.next % 3 + 1
        told = data[2] | data[3] << 8
        if told != len(data):
            raise Failed(f"the reply has {len(data)} bytes from SOM, and tells {told}", heard, (2, 4))
        b.saw(heard)


def reply_check(crc: bool) -> Any:
    """A case: the check of replies, calculated here."""

    def run(b: OsdpBench) -> Play:
        for code in (Command.POLL, Command.ID, Command.CAP):
            heard = yield from b.raw(b.packet(code, crc=crc).wire())
            data = spoken(heard, "a command")
            b.next = b.next % 3 + 1
            if bool(data[4] & 4) != crc:
                raise Lost("the reply has another kind of check", heard)
            if crc:
                good = crc16_osdp(data[:-2]).to_bytes(2, "little") == data[-2:]
            else:
                good = lrc8(data[:-1]) == data[-1]
            if not good:
                raise Failed(f"the check of a reply does not fit: {frames_text(heard.frames)}", heard)
            b.saw(heard)

    return run


def reply_kind(b: OsdpBench) -> Play:
    """CRC draws CRC, a sum draws a sum."""
    for crc in b.checks():
        heard = yield from b.raw(b.packet(Command.POLL, crc=crc).wire())
        control = spoken(heard, "a poll")[4]
        if bool(control & 4) != crc:
            raise Failed(f"a command with {'CRC' if crc else 'a sum'} drew a reply with the other check", heard, (4, 5))
        b.saw(heard)
        b.next = b.next % 3 + 1


def reply_control(b: OsdpBench) -> Play:
    """No other bits in the control byte."""
    for _ in range(3):
        heard = yield from b.raw(b.packet(Command.POLL).wire())
        control = spoken(heard, "a poll")[4]
        if control & ~0x07:
            raise Failed(f"the control byte of a reply is {control:02X}: bits beyond sequence and check", heard, (4, 5))
        b.saw(heard)
        b.next = b.next % 3 + 1


def bad_check(b: OsdpBench) -> Play:
    """One bit turned in the check, in the data; the sequence does not go on."""
    yield from b.begin()
    for crc in b.checks():
        for at in (-1, 5):
            wire = bytearray(b.packet(Command.LSTAT, crc=crc).wire())
            wire[at] ^= 1 << b.rng.randrange(8)
            heard = yield from b.raw(bytes(wire), "bad check")
            said = [item for item in packets(heard.data) if isinstance(item, Packet)]
            refused = [item for item in said if item.code == Answer.NAK and item.data[:1] == bytes((Nak.CHECK,))]
            if said and not refused:
                raise Failed(f"a packet with a bad check drew {frames_text(heard.frames)}", heard)
            yield from b.good(Command.LSTAT, crc=crc)


def mark(b: OsdpBench) -> Play:
    """With FF before it, without, and without again."""
    yield from b.begin()
    for has in (True, False, True, False):
        heard = yield from b.raw(b.packet(Command.LSTAT).wire(mark=has))
        if not heard.data:
            raise Failed(f"a command {'with' if has else 'without'} the mark FF before it is not answered")
        b.reply(heard, b.packet(Command.LSTAT))
        b.saw(heard)
        b.next = b.next % 3 + 1


# -- sequence ---------------------------------------------------------------------------------------------------------
def reply_sequence(b: OsdpBench) -> Play:
    """0, 1, 2, 3 come back as such."""
    b.next = 0
    for _ in range(4):
        heard = yield from b.raw(b.packet(Command.LSTAT).wire())
        found = spoken(heard, "a command")[4] & 3
        if found != b.next:
            raise Failed(f"a command with sequence {b.next} drew a reply with {found}", heard, (4, 5))
        b.saw(heard)
        b.next = b.next % 3 + 1


def retry_same(b: OsdpBench) -> Play:
    """Each question twice with the same sequence."""
    yield from b.begin()
    for code in (Command.ID, Command.LSTAT, Command.CAP, Command.POLL):
        packet = b.packet(code)
        yield from b.say(packet)
        first = b.heard.data
        for _ in range(2):
            again = yield from b.raw(packet.wire(), "the same again")
            if again.data != first:
                raise Failed(
                    f"command {code:02X} repeated with its sequence drew {frames_text(again.frames)}, not what it drew "
                    "before",
                    again,
                )
            b.saw(again)


def retry_once(b: OsdpBench) -> Play:
    """Two keys wait; a repeated poll tells the first again, the next poll the second."""
    yield from b.begin()
    one, other = "1", "2"
    yield from b.press(one)
    yield from b.press(other)
    poll = b.packet(Command.POLL)
    first = yield from b.say(poll)
    if first.code != Answer.KEYPAD:
        raise Lost("a key was pressed, and the poll does not tell it", b.heard)
    again = yield from b.raw(poll.wire(), "the same poll again")
    reply = b.reply(again, poll)
    rest = yield from b.keys()
    told = first.data[2:] + rest
    if reply.data != first.data:
        raise Failed(f"the poll told {first.data.hex(' ')}, repeated {reply.data.hex(' ')}", again)
    if told != bytes((osdp.KEYS[one], osdp.KEYS[other])):
        raise Failed(f"keys 1 and 2 were pressed and one poll repeated; told were {told.hex(' ')}", again)


def zero_anew(b: OsdpBench) -> Play:
    """In the middle of a dialogue 0, twice; then 1."""
    yield from b.begin()
    yield from b.good(Command.LSTAT)
    for code in (Command.ID, Command.CAP):
        b.next = 0
        packet = b.packet(code)
        heard = yield from b.raw(packet.wire(), "sequence 0")
        found = [item for item in packets(heard.data) if isinstance(item, Packet)]
        wanted = {Command.ID: Answer.PDID, Command.CAP: Answer.PDCAP}[code]
        if not found or found[0].code != wanted or found[0].sequence:
            raise Failed(f"command {code:02X} with sequence 0 drew {frames_text(heard.frames)}", heard)
        b.saw(heard)
    b.next = 1
    yield from b.good(Command.LSTAT)


def wrong_sequence(b: OsdpBench) -> Play:
    """One too far."""
    yield from b.begin()
    for _ in range(3):
        yield from b.good(Command.LSTAT)
        beyond = b.next % 3 + 1
        packet = Packet(b.unit, False, beyond, True, Command.LSTAT)
        yield from b.refused(packet, Nak.SEQUENCE, what=f"sequence {beyond} where {b.next} is next")


def goes_on(b: OsdpBench) -> Play:
    """After a wrong number: the expected one, and 0."""
    yield from b.begin()
    for anew in (False, True):
        yield from b.raw(Packet(b.unit, False, b.next % 3 + 1, True, Command.LSTAT).wire(), "a wrong sequence")
        b.next = 0 if anew else b.next
        packet = b.packet(Command.LSTAT)
        heard = yield from b.raw(packet.wire(), "0" if anew else "the expected one")
        found = [item for item in packets(heard.data) if isinstance(item, Packet)]
        if not found or found[0].code != Answer.LSTATR:
            word = "0" if anew else "the expected number"
            raise Failed(f"after a wrong sequence {word} draws {frames_text(heard.frames)}", heard)
        b.saw(heard)
        b.next = packet.sequence % 3 + 1


def after_three(b: OsdpBench) -> Play:
    """Two rounds of 1, 2, 3."""
    b.next = 0
    for turn in range(8):
        packet = b.packet(Command.LSTAT)
        heard = yield from b.raw(packet.wire())
        found = [item for item in packets(heard.data) if isinstance(item, Packet)]
        if not found or found[0].code != Answer.LSTATR:
            raise Failed(f"command {turn + 1} of a row, sequence {b.next}, drew {frames_text(heard.frames)}", heard)
        b.saw(heard)
        b.next = b.next % 3 + 1


def told_again(b: OsdpBench) -> Play:
    """A poll tells a key, and 0 follows."""
    yield from b.begin()
    yield from b.press("3")
    reply = yield from b.good(Command.POLL)
    if reply.code != Answer.KEYPAD:
        raise Lost("a key was pressed, and the poll does not tell it", b.heard)
    b.next = 0
    told = yield from b.keys()
    if len(told) != 1:
        raise Failed(f"a press was told and not confirmed; after sequence 0 polls tell {told.hex(' ') or 'nothing'}")


# -- address and timing -----------------------------------------------------------------------------------------------
def other_address(b: OsdpBench) -> Play:
    """Two strangers are called."""
    for _ in range(2):
        packet = Packet(b.stranger(), False, 0, True, Command.POLL)
        heard = yield from b.raw(packet.wire(), "another address", reply=False)
        b.must_be_silent(heard, f"a poll for address {packet.address}")


def reply_ignored(b: OsdpBench) -> Play:
    """What looks like its own reply, and another's."""
    for address, code in ((b.unit, Command.POLL), (b.unit, Answer.ACK), (b.stranger(), Answer.ACK)):
        packet = Packet(address, True, 0, True, code)
        heard = yield from b.raw(packet.wire(), "a reply, not a command", reply=False)
        b.must_be_silent(heard, "a packet with the reply bit")


def in_time(b: OsdpBench) -> Play:
    """Several commands, each replied to within the time."""
    yield from b.begin()
    for code in (Command.POLL, Command.ID, Command.LSTAT):
        packet = b.packet(code)
        heard = yield Ask(((0, packet.wire()),), 5 * b.timeout, None, "how long does it take?", _QUIET)
        b.heard = heard
        if not heard.frames:
            raise Lost(f"no reply to {code:02X} at all", heard)
        b.at_most("silence before reply", heard.frames[0].at - heard.sent_end, b.timeout, heard, "the reply is late")
        b.saw(heard)
        b.next = b.next % 3 + 1


def unasked(b: OsdpBench) -> Play:
    """A key is pressed, nobody polls."""
    yield from b.begin()
    yield from b.press(b.key())
    b.must_be_silent(b.heard, "a key that was pressed, without a poll,")
    heard = yield Wait(500 * MS, "nobody polls")
    b.must_be_silent(heard, "a key that was pressed, without a poll,")


# -- commands ---------------------------------------------------------------------------------------------------------
def shaped(code: int, answer: int, what: str, fits: Any) -> Any:
    """A case: a question, the kind of its reply and the shape of the data."""

    def run(b: OsdpBench) -> Play:
        yield from b.begin()
        reply = yield from b.ask(code, b"\x00" if code in (Command.ID, Command.CAP) else b"")
        if reply.code != answer:
            raise Failed(f"command {code:02X} draws {reply.code:02X}, {answer:02X} expected", b.heard)
        if not fits(reply.data):
            raise Failed(f"command {code:02X} draws {len(reply.data)} bytes, {what} expected", b.heard)
        b.saw(b.heard)

    return run


def unknown(b: OsdpBench) -> Play:
    """Codes that no command has."""
    yield from b.begin()
    for code in (0x5F, 0xEE):
        yield from b.refused(b.packet(code), Nak.UNKNOWN, what=f"command {code:02X}, which is none")
        b.next = b.next % 3 + 1


def wrong_length(b: OsdpBench) -> Play:
    """Data too short for their command."""
    yield from b.begin()
    facts = b.declaration.facts()
    for code, data, name in ((Command.LED, bytes(13), "lamp"), (Command.BUZ, bytes(4), "buzzer"),
                             (Command.TEXT, b"\x00\x01\x00\x01\x01\x09A", "text")):  # fmt: skip
        if facts.get(name):
            yield from b.refused(b.packet(code, data), Nak.LENGTH, what=f"command {code:02X} with {len(data)} bytes")
            b.next = b.next % 3 + 1


def outputs(b: OsdpBench) -> Play:
    """Lamp, buzzer, text."""
    yield from b.begin()
    facts = b.declaration.facts()
    text = f"{b.rng.randrange(1000, 9999)}".encode()
    said = (
        ("lamp", Command.LED, osdp.lamp(2)),
        ("lamp", Command.LED, osdp.lamp(1, lasts_ms=500)),
        ("buzzer", Command.BUZ, b"\x00\x02\x01\x01\x01"),
        ("text", Command.TEXT, b"\x00\x03\x01\x01\x01" + bytes((len(text),)) + text),
    )
    for name, code, data in said:
        if facts.get(name):
            reply = yield from b.ask(code, data)
            if reply.code != Answer.ACK:
                raise Failed(f"the declared {name} command draws {frames_text(b.heard.frames)}", b.heard)
            b.saw(b.heard)


def comset(b: OsdpBench) -> Play:
    """To another address and back."""
    old, new = b.unit, b.stranger()
    speed = b.settings.baud.to_bytes(4, "little")
    yield from b.begin()
    packet = b.packet(Command.COMSET, bytes((new,)) + speed)
    heard = yield from b.raw(packet.wire(), f"take address {new}")
    found = [item for item in packets(heard.data) if isinstance(item, Packet)]
    back = Packet(new, False, 0, True, Command.COMSET, bytes((old,)) + speed)
    returned = yield from b.raw(back.wire(), "back again")
    wanted = [item for item in packets(returned.data) if isinstance(item, Packet)]
    if not found or found[0].code != Answer.COM or found[0].data[:1] != bytes((new,)):
        raise Lost(f"the new address is not taken: {frames_text(heard.frames)}", heard)
    if found[0].address != old:
        raise Failed("the reply to a new address comes from it already", heard, (1, 2))
    if not wanted or wanted[0].address != new:
        raise Failed(f"after COM address {new} counts; it says {frames_text(returned.frames)}", returned)
    b.saw(heard)


def no_secure(b: OsdpBench) -> Play:
    """A challenge."""
    yield from b.begin()
    packet = b.packet(Command.CHLNG, bytes(b.rng.randrange(256) for _ in range(8)))
    yield from b.refused(packet, Nak.SECURE_UNSUPPORTED, what="beginning a secure channel")


def busy_ends(b: OsdpBench) -> Play:
    """ABORT, and commands for two seconds."""
    yield from b.begin()
    yield from b.ask(Command.ABORT)
    reply = None
    for _ in range(5):
        yield Wait(400 * MS, "time to end it")
        b.next = 0
        heard = yield from b.raw(b.packet(Command.LSTAT).wire())
        reply = next((item for item in packets(heard.data) if isinstance(item, Packet)), None)
        if reply is not None and reply.code != Answer.BUSY:
            b.saw(heard)
            return
    if reply is None:
        raise Lost("after ABORT nothing is answered")
    raise Failed("after ABORT it says BUSY for two seconds and more", b.heard)


# -- keys -------------------------------------------------------------------------------------------------------------
def key_codes(b: OsdpBench) -> Play:
    """A digit, * and #, told one by one."""
    yield from b.begin()
    for key in (b.key(), "*", "#"):
        yield from b.press(key)
        reply = yield from b.good(Command.POLL)
        wanted = bytes((0, 1, osdp.KEYS[key]))
        if reply.code != Answer.KEYPAD:
            raise Lost(f"key {key} was pressed, and the poll tells {reply.code:02X}", b.heard)
        if reply.data != wanted:
            raise Failed(f"key {key} is told as {reply.data.hex(' ')}, {wanted.hex(' ')} expected", b.heard)


def key_order(b: OsdpBench) -> Play:
    """Four keys before the first poll."""
    yield from b.begin()
    keys = "1257"
    for key in keys:
        yield from b.press(key)
    told = yield from b.keys()
    wanted = bytes(osdp.KEYS[key] for key in keys)
    if len(told) == len(wanted) and not all(0x30 <= char < 0x3A for char in told):
        raise Lost(f"keys are told in codes of their own: {told.hex(' ')}")
    if told != wanted:
        raise Failed(f"keys {keys} were pressed, polls told {told.hex(' ') or 'nothing'}")


def key_waits(b: OsdpBench) -> Play:
    """ID, LSTAT and CAP between the press and the poll."""
    yield from b.begin()
    yield from b.press("4")
    for code in (Command.ID, Command.LSTAT, Command.CAP):
        yield from b.good(code)
    told = yield from b.keys()
    if len(told) != 1:
        raise Failed(f"a key was pressed and other commands came first; polls then told {told.hex(' ') or 'nothing'}")


def tamper(b: OsdpBench) -> Play:
    """The case is opened and closed."""
    yield from b.begin()
    for is_open, text in ((1, "open the case of the keypad"), (0, "close the case of the keypad")):
        yield from b.operator("tamper", bool(is_open), text=text)
        reply = yield from b.good(Command.POLL)
        if reply.code != Answer.LSTATR or reply.data[:1] != bytes((is_open,)):
            raise Failed(f"the operator was asked to {text}, the next poll tells {reply.code:02X}", b.heard)
        asked = yield from b.good(Command.LSTAT)
        if asked.data[:1] != bytes((is_open,)):
            raise Failed(f"the operator was asked to {text}, LSTAT says {asked.data.hex(' ')}", b.heard)


# -- coming back into step --------------------------------------------------------------------------------------------
def answered_after(b: OsdpBench, rubbish: bytes, what: str, pause: int = 0) -> Play:
    """Rubbish, a pause, a good command."""
    yield from b.begin()
    packet = b.packet(Command.LSTAT)
    parts = ((0, rubbish), (pause, packet.wire())) if pause else ((0, rubbish + packet.wire()),)
    heard = yield Ask(parts, 2 * b.timeout, None, what, _QUIET)
    b.heard = heard
    found = [item for item in packets(heard.data) if isinstance(item, Packet)]
    if not any(item.code == Answer.LSTATR and item.sequence == packet.sequence for item in found):
        raise Failed(f"a good command after {what} drew {frames_text(heard.frames)}", heard)
    b.saw(heard)


def endless(b: OsdpBench) -> Play:
    """A length of 0xFFF0."""
    head = bytes((osdp.SOM, b.unit, 0xF0, 0xFF, 0x04, Command.POLL))
    yield from answered_after(b, head, "a head that tells 65520 bytes", 60 * MS)


def broken_off(b: OsdpBench) -> Play:
    """Half a TEXT command."""
    wire = b.packet(Command.TEXT, b"\x00\x01\x00\x01\x01\x08" + b"ABCDEFGH").wire()
    yield from answered_after(b, wire[: len(wire) // 2], "half a packet and a pause", 60 * MS)


def behind_bad(b: OsdpBench) -> Play:
    """A packet for another address whose length is right and whose check is not, and one for it at once."""
    bad = bytearray(Packet(b.stranger(), False, 1, True, Command.LSTAT).wire())
    bad[-1] ^= 0x40
    yield from answered_after(b, bytes(bad), "a packet with a bad check")


def noise(b: OsdpBench) -> Play:
    """Drawn characters, then a stray SOM."""
    dirt = bytes(b.rng.choice([n for n in range(256) if n != osdp.SOM]) for _ in range(6))
    yield from answered_after(b, dirt, "six characters of noise")
    yield from answered_after(b, bytes((osdp.SOM,)), "a stray SOM", 60 * MS)


def _case(slug: str, primary: str, title: str, run: Any, applies: str = "", **more: Any) -> Case:
    return Case(f"osdp.dev.{slug}", 1, f"OSDP-{primary}", title, run, applies=applies, cost=(8, 1), **more)


_BARE: Final[dict[str, Any]] = {"bare": True}
_HAND: Final[dict[str, Any]] = {"needs": "operator"}

CASES: Final = (
    _case("reply-address", "packet-R1", "A reply has the device's address", reply_address, **_BARE),
    _case("reply-length", "packet-R2", "A reply tells its length", reply_length, **_BARE),
    _case("reply-crc", "packet-R3", "The CRC of a reply fits", reply_check(True), "crc", **_BARE),
    _case("reply-sum", "packet-R4", "The checksum of a reply fits", reply_check(False), "checksum", **_BARE),
    _case("reply-kind", "packet-R5", "The check is of the command's kind", reply_kind, "crc and checksum", **_BARE),
    _case("reply-control", "packet-R8", "No bits beyond sequence and check", reply_control, **_BARE),
    _case("reply-sequence", "sequence-R1", "A reply has its command's sequence", reply_sequence, **_BARE),
    _case("bad-check", "packet-R6", "A bad check is not carried out", bad_check),
    _case("mark", "packet-R7", "With and without the mark", mark),
    _case("retry-same", "sequence-R2", "A repetition draws the same reply", retry_same),
    _case("retry-once", "sequence-R3", "A repeated poll tells the same press", retry_once, "keypad", **_HAND),
    _case("zero-anew", "sequence-R4", "Sequence 0 begins anew", zero_anew),
    _case("wrong-sequence", "sequence-R5", "A wrong sequence draws NAK 4", wrong_sequence),
    _case("goes-on", "sequence-R6", "After a wrong sequence it goes on", goes_on),
    _case("after-three", "sequence-R7", "After 3 comes 1", after_three),
    _case("told-again", "sequence-R8", "What was not confirmed is told again", told_again, "keypad", **_HAND),
    _case("other-address", "address-R1", "Another address is not answered", other_address),
    _case("reply-ignored", "address-R2", "Replies and echoes are ignored", reply_ignored),
    _case("in-time", "timing-R1", "Replies begin in time", in_time, timing_class="coarse"),
    _case("unasked", "timing-R2", "A press is not told unasked", unasked, "keypad", **_HAND),
    _case("id", "command-R1", "ID draws 12 bytes", shaped(Command.ID, Answer.PDID, "12", lambda d: len(d) == 12)),
    _case("cap", "command-R2", "CAP draws triples",
          shaped(Command.CAP, Answer.PDCAP, "a multiple of 3", lambda d: d and len(d) % 3 == 0)),
    _case("lstat", "command-R3", "LSTAT draws two bytes",
          shaped(Command.LSTAT, Answer.LSTATR, "2", lambda d: len(d) == 2)),
    _case("unknown", "command-R4", "An unknown command draws NAK 3", unknown),
    _case("wrong-length", "command-R5", "A wrong length draws NAK 2", wrong_length, "lamp or buzzer or text"),
    _case("comset", "command-R6", "A new address counts after the reply", comset, "comset"),
    _case("outputs", "command-R7", "Declared outputs are acknowledged", outputs, "lamp or buzzer or text"),
    _case("no-secure", "command-R8", "No secure channel draws NAK 5", no_secure, "not secure"),
    _case("busy-ends", "command-R9", "Busy ends after ABORT", busy_ends),
    _case("key-codes", "key-R1", "Keys are told as characters", key_codes, "keypad", **_HAND),
    _case("key-order", "key-R2", "Keys are told in order", key_order, "keypad", **_HAND),
    _case("key-waits", "key-R3", "A press waits for a poll", key_waits, "keypad", **_HAND),
    _case("tamper", "key-R4", "An opened case is told", tamper, **_HAND),
    _case("endless", "recovery-R1", "A length beyond bounds", endless),
    _case("broken-off", "recovery-R2", "A packet that breaks off", broken_off),
    _case("behind-bad", "recovery-R3", "Right behind a bad check", behind_bad),
    _case("noise", "recovery-R4", "Noise before a packet", noise),
)  # fmt: skip
