"""ESC/POS printers: settings, data that is no command, commands that are not known, and broken-off ones (4.1)."""

from __future__ import annotations

from typing import Final

from bench.compliance.case import Case, Failed, Lost
from bench.compliance.escpos_bench import EOT, ID, INIT, EscposBench, confirm, feed, raster
from bench.compliance.steps import Play
from firmware_sim.device import MS
from protocol.escpos.codepages import decode
from protocol.escpos.status import Block, Confirmed, Plain

__all__ = ["CASES"]

_WORDS: Final = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def _word(b: EscposBench, length: int = 7) -> bytes:
    return bytes(b.rng.choice(_WORDS) for _ in range(length))


def _printed(b: EscposBench, data: bytes, note: str) -> Play:
    """Send lines, and wait until they are on paper."""
    yield from b.in_turn(data + b"\x1bd\x03", note)
    yield from b.hear(1_500 * MS, "printing")


def _reads(b: EscposBench, text: str, what: str) -> Play:
    yield from b.sees(
        "reads",
        text,
        good=f"look at the paper: is there a line that reads exactly {text!r}?",
        bad=f"confirm that no line reads exactly {text!r}",
        what=f"{what}: no line reads {text!r}",
    )


def _gone(b: EscposBench, text: str, what: str) -> Play:
    yield from b.sees(
        "lacks",
        text,
        good=f"look at the paper: is {text!r} absent?",
        bad=f"confirm that {text!r} stands on the paper",
        what=f"{what}: {text!r} stands on the paper",
    )


# -- settings ---------------------------------------------------------------------------------------------------------
def init_keeps_waiting(b: EscposBench) -> Play:
    """ESC @ leaves alone what was received after it."""
    id_ = b.nonce()
    data = feed(720) + INIT + b.query() + confirm(id_)
    reply = yield from b.until(data, lambda got: bool(got.all(Confirmed)), "ESC @ among commands", 5_000 * MS)
    b.must(
        len(reply.all(Plain)) == 1 and Confirmed(id_) in reply.events,
        reply,
        "what follows ESC @ in the receive buffer is to be executed",
    )


def init_clears_line(b: EscposBench) -> Play:
    """ESC @ forgets a line that was not printed."""
    lost, kept = _word(b).decode(), _word(b).decode()
    yield from _printed(b, lost.encode() + INIT + kept.encode() + b"\n", "a line, ESC @, a line")
    yield from _gone(b, lost, "ESC @ clears the print buffer")
    yield from _reads(b, kept, "after ESC @")


def _letter(b: EscposBench) -> tuple[int, str, str]:
    number, other = b.declaration.extra["other_page"]
    default = str(b.declaration.extra.get("default_page", "cp437"))
    for code in b.rng.sample(range(0xA0, 0xFF), 0x5F):
        one, two = decode(bytes((code,)), default), decode(bytes((code,)), other)
        if one.isalpha() and two.isalpha() and one.isprintable() and one != two and "\ufffd" not in one + two:
            return code, one, two
    raise Lost(f"tables {default} and {other} of table {number} do not differ in a letter")


def page_chosen(b: EscposBench) -> Play:
    """ESC t chooses the character table."""
    number = b.declaration.extra["other_page"][0]
    word = _word(b)
    code, _, letter = _letter(b)
    data = b"\x1bt" + bytes((number,)) + word + bytes((code,)) + b"\n"
    yield from _printed(b, data, f"a letter of character table {number}")
    yield from _reads(b, word.decode() + letter, f"character {code:02X} of table {number}")


def page_restored(b: EscposBench) -> Play:
    """ESC @ goes back to the default character table."""
    number = b.declaration.extra["other_page"][0]
    word = _word(b)
    code, letter, _ = _letter(b)
    data = b"\x1bt" + bytes((number,)) + INIT + word + bytes((code,)) + b"\n"
    yield from _printed(b, data, "another character table, ESC @, a letter")
    yield from _reads(b, word.decode() + letter, f"character {code:02X} after ESC @")


def _qr_edge(b: EscposBench, before: bytes) -> Play:
    body = b"\x31\x50\x30" + b"A001"
    ask = b"\x1d(k\x03\x00\x31\x52\x30"
    data = before + b"\x1d(k" + len(body).to_bytes(2, "little") + body + ask
    reply = yield from b.until(data, lambda got: bool(got.all(Block)), "size of a QR symbol", 1_000 * MS)
    (block,) = b.just(reply, Block, 1, "the size of the QR symbol")
    b.value = int(block.data[1:].split(b"\x1f")[0] or b"0")


def sizes_restored(b: EscposBench) -> Play:
    """ESC @ goes back to the default module of QR symbols."""
    sizes, restored = [], []
    for module in (8, 5):
        yield from _qr_edge(b, b"\x1d(k\x03\x00\x31\x43" + bytes((module,)))
        sizes.append(b.value)
        yield from _qr_edge(b, INIT)
        restored.append(b.value)
    if sizes[0] == sizes[1]:
        raise Lost(f"the module size changes nothing: {sizes[0]} dots")
    if restored[0] != restored[1]:
        raise Failed(
            f"a QR symbol is {restored[0]} dots wide after ESC @, and {restored[1]} after another size and ESC @"
        )


def text_as_sent(b: EscposBench) -> Play:
    """A line is printed as it was sent, with status asked in its midst."""
    word = _word(b, 12)
    yield from b.say(word[:5] + EOT + b"\x04" + word[5:] + b"\n\x1bd\x03", "a line with DLE EOT 4 in its midst")
    yield from b.hear(1_500 * MS, "printing")
    yield from _reads(b, word.decode(), "a line with DLE EOT 4 in its midst")


# -- data that is no command ------------------------------------------------------------------------------------------
def raster_width(b: EscposBench) -> Play:
    """The width's low byte comes first."""
    yield from b.in_turn(raster(bytes(b.rng.randrange(256) & 0xEF for _ in range(24)), 3), "a picture 3 bytes wide")


def raster_height(b: EscposBench) -> Play:
    """The height's low byte comes first."""
    yield from b.in_turn(raster(ID * 86, 1), "a picture 258 dots high")


def raster_opaque(b: EscposBench) -> Play:
    """What stands in a picture is no command."""
    payload = (ID + confirm(b.nonce()) + b"\n\x1d\x1b" + INIT + ID)[:30]
    yield from b.in_turn(raster(payload + bytes(-len(payload) % 2), 2), "a picture with commands in it")


def raster_dle(b: EscposBench) -> Play:
    """A picture keeps the characters of real-time commands that stand in it."""
    payload = bytes(3) + EOT + b"\x01" + bytes(4)
    reply = yield from b.until(
        raster(payload, 2) + b.query() + b.query(),
        lambda got: len(got.all(Plain)) > 1,
        "10 04 01 in a picture",
        1_500 * MS,
    )
    if not reply.all(Plain):
        yield from b.alive()
    b.must(
        len(reply.all(Plain)) == 2,
        reply,
        "a picture with 10 04 01 in it ends where its size says; two queries after it are to be answered",
    )


def function_skipped(b: EscposBench) -> Play:
    """A function of GS ( that is not known is skipped by its length."""
    body = ID * 3 + b"\n\x1b"
    yield from b.in_turn(b"\x1d(z" + len(body).to_bytes(2, "little") + body, "an unknown function of GS (")


def function_long(b: EscposBench) -> Play:
    """Its length has two bytes."""
    body = ID * 100
    yield from b.in_turn(b"\x1d(z" + len(body).to_bytes(2, "little") + body, "an unknown function of 300 bytes")


def code_opaque(b: EscposBench) -> Play:
    """The counted data of a barcode are no commands."""
    body = b"{A" + ID + b"\x00" + ID
    yield from b.in_turn(b"\x1dkI" + bytes((len(body),)) + body, "a barcode with commands in it")


def tabs_ended(b: EscposBench) -> Play:
    """Tabs end with NUL."""
    yield from b.in_turn(b"\x1bD\x08\x10\x18\x00", "tab positions")


def unknown(b: EscposBench) -> Play:
    """Commands that nobody knows are passed over."""
    for command in (b"\x1b\x7e", b"\x1d\x7e", b"\x1c\x7e"):
        yield from b.in_turn(command, f"{command.hex(' ').upper()}, which is no command", 1_000 * MS)


# -- pieces -----------------------------------------------------------------------------------------------------------
def divided(b: EscposBench) -> Play:
    """However a stream is divided in time, it says the same."""
    id_ = b.nonce()
    parts = [(25 * MS if at else 0, bytes((char,))) for at, char in enumerate(confirm(id_) + b.query())]
    reply = yield from b.parts(*parts, note="with 25 ms between characters")
    if len(reply.all(Plain)) != 1 or reply.all(Confirmed) != [Confirmed(id_)]:
        yield from b.alive()
        raise Failed(f"commands with silences inside are to be executed all the same; {reply.text} came", reply.heard)
    b.saw(reply.heard)


def unfinished(b: EscposBench) -> Play:
    """A command waits for its rest; then the next is understood."""
    payload = ID * 8
    command = raster(payload, 2)
    begun = yield from b.say(command[:14], "the beginning of a picture", 1_500 * MS)
    if begun.asked:
        raise Failed(f"the beginning of a picture was answered: {begun.text}", begun.heard)
    yield from b.in_turn(command[14:], "the rest of the picture")


def real_time_in_between(b: EscposBench) -> Play:
    """While a command is unfinished, status is told."""
    command = raster(bytes(40), 2)
    yield from b.say(command[:20], "the beginning of a picture", 50 * MS)
    reply = yield from b.say(EOT + b"\x01", "meanwhile")
    told = bool(reply.heard.data)
    yield from b.say(command[23:], "the rest of the picture", 200 * MS)
    if not told:
        raise Failed("DLE EOT 1 stays unanswered while a picture is unfinished")
    b.saw(reply.heard)


CASES: Final = (
    Case(
        "esc.dev.init-keeps-buffer",
        1,
        "EPS-ESC_@-R1",
        "ESC @ leaves the receive buffer alone",
        init_keeps_waiting,
        applies="process_id",
    ),
    Case(
        "esc.dev.init-clears-line",
        1,
        "EPS-ESC_@-R2",
        "ESC @ forgets the unprinted line",
        init_clears_line,
        needs="operator",
    ),
    Case(
        "esc.dev.init-page",
        1,
        "EPS-ESC_@-R3",
        "ESC @ restores the character table",
        page_restored,
        applies="other_page",
        needs="operator",
    ),
    Case("esc.dev.init-sizes", 1, "EPS-ESC_@-R4", "ESC @ restores the QR module", sizes_restored, applies="qr_size"),
    Case(
        "esc.dev.page",
        1,
        "EPS-ESC_t-R1",
        "ESC t chooses the character table",
        page_chosen,
        applies="other_page",
        needs="operator",
    ),
    Case(
        "esc.dev.text",
        1,
        "EPS-DLE_EOT-R11",
        "a line with DLE EOT inside is printed as sent",
        text_as_sent,
        applies="real_time",
        needs="operator",
    ),
    Case("esc.dev.raster-width", 1, "EPS-GS_v_0-R1", "GS v 0: xL before xH", raster_width, applies="raster"),
    Case("esc.dev.raster-height", 1, "EPS-GS_v_0-R2", "GS v 0: yL before yH", raster_height, applies="raster"),
    Case("esc.dev.raster-opaque", 1, "EPS-GS_v_0-R3", "GS v 0: payload is no command", raster_opaque, applies="raster"),
    Case(
        "esc.dev.raster-dle",
        1,
        "EPS-GS_v_0-R4",
        "GS v 0: payload with 10 04 01 keeps its length",
        raster_dle,
        applies="raster",
    ),
    Case("esc.dev.function-skipped", 1, "EPS-GS_(-R1", "an unknown GS ( is skipped by its length", function_skipped),
    Case("esc.dev.function-long", 1, "EPS-GS_(-R2", "the length of GS ( has two bytes", function_long),
    Case(
        "esc.dev.barcode-opaque", 1, "EPS-GS_k-R1", "counted barcode data is no command", code_opaque, applies="barcode"
    ),
    Case("esc.dev.tabs-ended", 1, "EPS-ESC_D-R1", "ESC D ends with NUL", tabs_ended),
    Case(
        "esc.dev.unknown-command",
        1,
        "EPS-stream-R1",
        "unknown commands are passed over",
        unknown,
        wild=("protocols.md 4.1",),
    ),
    Case(
        "esc.dev.divided", 1, "EPS-stream-R2", "silences inside a command change nothing", divided, applies="process_id"
    ),
    Case(
        "esc.dev.unfinished",
        1,
        "EPS-stream-R3",
        "an unfinished command waits for its rest",
        unfinished,
        applies="raster",
    ),
    Case(
        "esc.dev.unfinished-status",
        1,
        "EPS-DLE_EOT-R12",
        "status is told while a picture is unfinished",
        real_time_in_between,
        applies="raster and real_time_in_data",
    ),
)
