"""A fuzz target for the ticket printer: any bytes in any pieces, on a printer that works and one that is poked at.

`must_survive_and_print` takes bytes and raises AssertionError when a law is broken;
`python tests/support/escpos_fuzz.py SECONDS SEED` feeds it mutated vectors for so long. A fuzzer of another kind can
call it as it is.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator

from escpos_streams import FORMS, complete
from firmware_sim.device import Alarm, Note, Send
from firmware_sim.devices.ticket_printer import TicketPrinter
from protocol.escpos import write
from protocol.escpos.commands import ROWS
from protocol.escpos.composer import Composer
from protocol.escpos.profiles import KIOSK_58, KIOSK_80, TM_T88
from protocol.escpos.tokenizer import WHOLE, Tokenizer

TICKET = write.init() + write.line("A001", "cp437") + write.qr("A001") + write.cut()
"""What must come out right after anything."""

VECTORS = [
    *(bytes.fromhex(form) for form, _ in FORMS),
    *(complete(row) for row in ROWS),
    write.barcode("CODE39", "A001"),
    write.barcode("ITF", "12345670"),
    write.barcode("CODE128", "A001"),
    write.page(write.area(0, 0, 300, 300, "up"), b"A001\n", write.qr("A001", 3)),
    write.raster(8, [b"\x55" * 8] * 40),
    write.present(3, 5),
    b"\x1d8L" + (10 + 72 * 20).to_bytes(4, "little") + b"\x30\x70\x30\x01\x01\x31\x40\x02\x14\x00" + b"\xaa" * 1440,
    b"\x1cq\x01\x02\x00\x02\x00" + b"\xf0" * 32 + b"\x1cp\x01\x00",
    TICKET,
]
EVIL = (b"\x1dv0\x00\xff\xff\xff\xff", b"\x1d8L\xff\xff\xff\xff", b"\x1b*\x21\xff\xff", b"\x1dk\x49\xff", b"\x1b$\0\0A")
HANDS = tuple(name for name in TicketPrinter.human if name not in ("load_paper", "unplug", "plug_in"))
PROFILES = (TM_T88, KIOSK_58, KIOSK_80)


def stream(seed: int, size: int) -> bytes:
    """Mutated vectors, text and noise: about `size` bytes, the same for the same seed."""
    draw = random.Random(seed)
    out = bytearray()
    while len(out) < size:
        kind = draw.random()
        if kind < 0.15:
            out += draw.randbytes(draw.randrange(1, 40))
        elif kind < 0.25:
            out += bytes(draw.randrange(0x20, 0x100) for _ in range(draw.randrange(1, 300))) + b"\n"
        elif kind < 0.27:
            out += draw.choice(EVIL)
        elif kind < 0.31:
            out += write.clear()  # or all that follows a huge header would be its data
        else:
            vector = bytearray(draw.choice(VECTORS))
            if draw.random() < 0.5 and vector:
                at = draw.randrange(len(vector))
                change = draw.randrange(4)
                if change == 0:
                    vector[at] ^= 1 << draw.randrange(8)
                elif change == 1:
                    del vector[at:]
                elif change == 2:
                    vector[at:at] = vector[at:] or b"\x00"
                else:
                    vector[at] = draw.choice((0x00, 0xFF, 0x1B, 0x1D, 0x10))
            out += vector
    return bytes(out)


def pieces(data: bytes, seed: int) -> Iterator[bytes]:
    """The bytes, divided anyhow."""
    draw = random.Random(seed)
    at = 0
    while at < len(data):
        size = draw.choice((1, 2, 3, 7, 64, 300, 5000))
        yield data[at : at + size]
        at += size


def must_be_understood(data: bytes, seed: int) -> None:
    """Tokens add up to the stream, wait for little, and are executed without an exception."""
    tokenizer, composer = Tokenizer(), Composer(PROFILES[seed % 3])
    seen = 0
    for part in pieces(data, seed):
        for token in tokenizer.feed(part):
            assert data.startswith(token.raw, seen)
            assert len(token.raw) <= WHOLE + 64
            seen += len(token.raw)
            for action in composer.apply(token):
                assert action
        assert tokenizer.pending <= WHOLE + 64
    assert seen + tokenizer.pending == len(data)
    tokenizer.reset()
    composer.reset()
    actions = [a for token in tokenizer.feed(b"A001\n") for a in composer.apply(token)]
    assert actions[0].row.text == "A001"


def must_survive_and_print(data: bytes, seed: int = 0) -> None:
    """Everything a printer can be put through with some bytes; afterwards the next good ticket comes out."""
    must_be_understood(data, seed)
    draw = random.Random(seed)
    printer = TicketPrinter("p", PROFILES[seed % 3], paper_mm=10**8)
    now = 0
    alarms: dict[str, int | None] = {}
    notes: list[Note] = []

    def carry(effects) -> None:
        for effect in effects:
            if isinstance(effect, Alarm):
                alarms[effect.tag] = effect.at
            elif isinstance(effect, Note):
                notes.append(effect)
            else:
                assert not isinstance(effect, Send) or effect.data

    def work(most: int) -> None:
        nonlocal now
        for _ in range(most):
            due = min(((at, tag) for tag, at in alarms.items() if at is not None), default=None)
            if due is None:
                return
            now = max(now, due[0])
            del alarms[due[1]]
            carry(printer.wake(now, due[1]))

    for part in pieces(data, seed):
        now += 1000
        carry(printer.hear(now, part, now - 1000, now, None))
        assert 0 <= printer.room <= printer.profile.buffer_size
        work(draw.randrange(4))
        if draw.random() < 0.05:
            carry(getattr(printer, draw.choice(HANDS))(now))
        del notes[:]
    for repair in ("close_cover", "clear_jam", "free_cutter", "cool_down", "release_feed", "unplug", "plug_in"):
        carry(getattr(printer, repair)(now))
    work(10)
    notes.clear()
    carry(printer.hear(now + 1, TICKET, now, now + 1, None))
    work(1000)
    (printed,) = (note for note in notes if note.kind == "printed")
    assert printed.facts["lines"][-1] == "A001"


def main() -> None:
    """Fuzz for some seconds, from a seed."""
    seconds, seed = float(sys.argv[1]), int(sys.argv[2])
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            must_survive_and_print(stream(seed, 5000), seed)
        except Exception:
            print(f"seed {seed} breaks it")
            raise
        seed += 1
    print(f"{seed - int(sys.argv[2])} streams, nothing broken")


if __name__ == "__main__":
    main()
