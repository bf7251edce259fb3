"""What differs from printer to printer: paper, fonts, code page numbers, buffer, speed (protocols.md 4.4, 4.5).

`TM_T88` is the Epson family as a ticket kiosk has it. Its behaviour is the TM-T88's (4 KB receive buffer, XOFF at 128
bytes left and XON at 256, cutter 15 mm above the head [S, TM-T88III specification 1.7 and table 3.3.3]; code pages and
process ids of the TM-T88V). Its head is the 203 dpi, 576 dot one of the TM-T20/T82 and of most kiosk mechanisms; the
real T88 head has 180 dpi and 512 dots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from protocol.escpos.codepages import UNSUPPORTED


def _pages(text: str) -> Mapping[int, str]:
    """Read "0 cp437, 1 katakana" as a mapping."""
    pairs = (entry.split() for entry in text.split(","))
    return MappingProxyType({int(number): name for number, name in pairs})


EPSON_PAGES = _pages(
    """
    0 cp437, 1 katakana, 2 cp850, 3 cp860, 4 cp863, 5 cp865, 11 cp851, 12 cp853, 13 cp857, 14 cp737, 15 iso8859_7,
    16 cp1252, 17 cp866, 18 cp852, 19 cp858, 30 tcvn3-lower, 31 tcvn3-upper, 32 cp720, 33 cp775, 34 cp855, 35 cp861,
    36 cp862, 37 cp864, 38 cp869, 39 iso8859_2, 40 iso8859_15, 41 cp1098, 44 cp1125, 45 cp1250, 46 cp1251, 47 cp1253,
    48 cp1254, 49 cp1255, 50 cp1256, 51 cp1257, 52 cp1258, 53 kz1048, 255 user-defined
    """
)
"""TM-T88V, TM-T20II [receipt-print-hq/escpos-printer-db]."""

POS_58_PAGES = _pages(
    """
    0 cp437, 1 katakana, 2 cp850, 3 cp860, 4 cp863, 5 cp865, 16 cp1252, 17 cp866, 18 cp852, 19 cp858, 25 cp1257,
    27 cp1258, 28 cp864, 32 cp1255, 94 cp1258
    """
)
"""POS-5890, NT-5890K: CP1258 is 27 and 94 there (protocols.md 4.5)."""

_FONTS: Mapping[str, tuple[int, int]] = MappingProxyType({"A": (12, 24), "B": (9, 17)})
_IDS: Mapping[int, int] = MappingProxyType({1: 0x20, 2: 0x02, 3: 0x01})

_INFORMATION: Mapping[int, bytes] = MappingProxyType({33: b"\x42\x40"})


def _names(maker: str, model: str, serial: str) -> Mapping[int, str]:
    return MappingProxyType({65: "1.00 hallbench", 66: maker, 67: model, 68: serial, 69: ""})


@dataclass(frozen=True, slots=True)
class PrinterProfile:
    """One kind of ticket printer.

    Args:
        name: as a scenario calls it.
        width_dots: printable dots across the paper.
        dots_per_mm: 8 at 203 dpi.
        dpi: dots per inch, what the motion units of GS P divide.
        fonts: name -> cell (width, height) in dots.
        line_spacing: dots a line feed moves the paper, by default.
        code_pages: `ESC t` number -> table name (see `codepages`).
        speed_mm_s: paper speed while printing and feeding.
        cut_ns: what one cut takes, ns (assumed: no data sheet read gives it).
        cutter_dots: from the head's row of dots to the knife.
        page_dots: most dots down the paper of a page (page mode).
        least_module: narrowest barcode module that GS w sets, dots.
        clone_qr: knows the QR command of cheap mechanisms, `ESC Z m n k dL dH d...` [R].
        presenter: what becomes of a ticket that is still in the mouth when the next one comes: "eject" or "retract";
            "" for a printer without a presenter.
        present_mm_s: speed of the presenter's rollers.
        step_mm: one step of GS e.
        buffer_size: bytes of the receive buffer.
        xoff_left: busy is told when no more than this many bytes are free.
        xon_left: ready is told when this many are free again.
        busy_offline: busy is also told when the printer goes off line (switch 2-1 OFF, the default).
        power_on_mask: automatic status at power-on (GS a): 0x02 with switch 2-1 ON, else 0.
        boot_ns: from power on to the first character heard, ns (assumed).
        drawer_high: level of the drawer line (high without a drawer, so DLE EOT 1 answers 16).
        flawed_char: what is stored for a character with a parity or framing error: b"?" (switch 1-1 OFF, the default)
            or b"" (ignored).
        ids: `GS I n` one-byte answers by n.
        names: `GS I n` blocks with header 5F by n.
        information: `GS I n` blocks with header 3D by n (33: cutter, no two-byte characters [S, programming guide
            10.01 p. 459]).
    """

    name: str
    width_dots: int = 576
    dots_per_mm: int = 8
    dpi: int = 203
    fonts: Mapping[str, tuple[int, int]] = field(default_factory=lambda: _FONTS)
    line_spacing: int = 30
    code_pages: Mapping[int, str] = field(default_factory=lambda: EPSON_PAGES)
    speed_mm_s: int = 150
    cut_ns: int = 400_000_000
    cutter_dots: int = 120
    page_dots: int = 1662
    least_module: int = 2
    clone_qr: bool = False
    presenter: str = ""
    present_mm_s: int = 200
    step_mm: int = 7
    buffer_size: int = 4096
    xoff_left: int = 128
    xon_left: int = 256
    busy_offline: bool = True
    power_on_mask: int = 0
    boot_ns: int = 2_000_000_000
    drawer_high: bool = True
    flawed_char: bytes = b"?"
    ids: Mapping[int, int] = field(default_factory=lambda: _IDS)
    information: Mapping[int, bytes] = field(default_factory=lambda: _INFORMATION)
    names: Mapping[int, str] = field(default_factory=lambda: _names("EPSON", "TM-T88V", "HB00000001"))

    def page_of(self, table: str) -> int:
        """The `ESC t` number of a character table on this printer.

        Raises:
            LookupError: it has none, or the table cannot be written.
        """
        for number, name in self.code_pages.items():
            if name == table and name not in UNSUPPORTED:
                return number
        raise LookupError(f"printer profile {self.name!r} has no character table {table!r}")

    def duration(self, dots: int) -> int:
        """Nanoseconds the paper takes to move that far."""
        return -(-dots * 1_000_000_000 // (self.dots_per_mm * self.speed_mm_s))


TM_T88 = PrinterProfile("tm-t88")
"""80 mm paper, 72 mm printable, 48 columns, 150 mm/s."""

KIOSK_58 = PrinterProfile(
    "kiosk-58",
    width_dots=384,
    code_pages=POS_58_PAGES,
    speed_mm_s=80,
    least_module=1,
    clone_qr=True,
    names=_names("hallbench", "KIOSK-58", "HB00000002"),
)
"""58 mm paper, 48 mm printable, 32 columns, 80 mm/s: a small kiosk mechanism with the code pages of the POS-5890."""

KIOSK_80 = PrinterProfile(
    "kiosk-80",
    speed_mm_s=200,
    cutter_dots=160,
    presenter="retract",
    names=_names("hallbench", "KIOSK-80", "HB00000003"),
)
"""80 mm paper, a presenter that holds the ticket until it is taken, ejects or retracts it (GS e, DLE EOT 17 and 20).

Commands and status of the presenter are the Pyramid Reliance's [S, its published command manual]; code pages are the
TM-T88's; speed and the way from head to knife are assumed.
"""

PROFILES: Mapping[str, PrinterProfile] = MappingProxyType({p.name: p for p in (TM_T88, KIOSK_58, KIOSK_80)})
"""The profiles a scenario can name."""
