"""Builders: the exact bytes, and errors instead of bytes a printer would take for something else."""

from __future__ import annotations

import pytest

from protocol.escpos import write


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (write.init(), "1B 40"),
        (write.code_page(0) + write.text("A001\n"), "1B 74 00 41 30 30 31 0A"),
        (write.feed(6) + write.cut_here(), "1B 64 06 1D 56 00"),
        (
            write.qr("A001", module=6, level="L"),
            (
                "1D 28 6B 04 00 31 41 32 00 1D 28 6B 03 00 31 43 06 1D 28 6B 03 00 31 45 30 "
                "1D 28 6B 07 00 31 50 30 41 30 30 31 1D 28 6B 03 00 31 51 30"
            ),
        ),
        (write.raster(2, [b"\xff\xff", b"\xff\xff"]), "1D 76 30 00 02 00 02 00 FF FF FF FF"),
        (write.process_id(b"A001"), "1D 28 48 06 00 30 30 41 30 30 31"),
        (write.cut(), "1D 56 42 00"),
        (write.cut(partial=False, feed=16), "1D 56 41 10"),
        (write.size(2, 3), "1D 21 12"),
        (write.align("center"), "1B 61 01"),
        (write.bold(False), "1B 45 00"),
        (write.line("Số", "cp1258"), "53 F4 EC 0A"),
        (write.auto_status(0x0E), "1D 61 0E"),
        (write.status(4), "10 04 04"),
        (write.clear(), "10 14 08 01 03 14 01 06 02 08"),
        (write.recover(clear=True), "10 05 02"),
        (write.underline(2) + write.reverse() + write.font("B"), "1B 2D 02 1D 42 01 1B 4D 01"),
        (
            write.barcode("CODE128", "A001", module=2),
            "1D 68 40 1D 77 02 1D 48 02 1D 66 01 1D 6B 49 06 7B 42 41 30 30 31",
        ),
        (write.page(write.area(0, 16, 576, 300, "up"), b"A"), "1B 4C 1B 57 00 00 10 00 40 02 2C 01 1B 54 01 41 0C"),
        (write.present(12) + write.present(12, 30), "1D 65 03 0C 1D 65 20 0C 1E"),
        (write.retract() + write.eject(), "1D 65 02 1D 65 05"),
        (write.line_spacing() + write.line_spacing(24) + write.feed_dots(8), "1B 32 1B 33 18 1B 4A 08"),
    ],
)
def test_exact_bytes(built, expected):
    """The bytes are those measured from common clients (protocols.md 4.2) or those of the manual."""
    assert built.hex(" ").upper() == expected


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: write.text("A\x1b@"), "control character"),
        (lambda: write.text("\x7f"), "control character"),
        (lambda: write.code_page(256), "code page number is 0 to 255, not 256"),
        (lambda: write.align("centre"), "left, center, right"),
        (lambda: write.size(9, 1), "1 to 8 each way"),
        (lambda: write.font("C"), "'A' and 'B'"),
        (lambda: write.qr(b""), "1 to 7089 bytes, not 0"),
        (lambda: write.qr(b"A", level="X"), "L, M, Q, H"),
        (lambda: write.qr(b"A", module=17), "1 to 16"),
        (lambda: write.raster(2, [b"\0\0", b"\0"]), "row 1 of the picture has 1 bytes, not 2"),
        (lambda: write.process_id(b"A01"), "four printable"),
        (lambda: write.process_id(b"A\n01"), "four printable"),
        (lambda: write.status(5), "1 to 4"),
        (lambda: write.area(0, 0, 1, 1, "sideways"), "text runs right, up, left, down"),
        (lambda: write.area(0, 0, 70_000, 1), "width is 0 to 65535"),
        (lambda: write.present(256), "steps is 0 to 255"),
        (lambda: write.text("Nẵng", "cp437"), "no such character"),
    ],
)
def test_what_no_printer_would_take_is_refused(call, says):
    """A builder raises ValueError (UnicodeEncodeError is one) that says what was expected."""
    with pytest.raises(ValueError, match=says):
        call()
