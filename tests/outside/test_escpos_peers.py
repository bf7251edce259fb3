"""Three independent ESC/POS programs write, this printer prints: the text, the codes, the pictures, the answers.

python-escpos 3.1 (also live, on a pseudo-terminal, asking for status), @point-of-sale/receipt-printer-encoder 4.0.1 and
receiptline 4.0.4 share no code with each other or with hallbench. What they print is read from the paper model and, for
codes, by a scanner from the picture. `tests/outside/setup.d/escpos.sh` installs them.
"""

from __future__ import annotations

import heapq
import os
import pty
import select
import shutil
import subprocess
import textwrap
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp

from bench.reports.pictures import ticket
from firmware_sim.device import Alarm, Note, Send
from firmware_sim.devices.ticket_printer import TicketPrinter
from protocol.escpos.composer import compose, print_sheets
from protocol.escpos.profiles import KIOSK_58, TM_T88, PrinterProfile
from protocol.escpos.tokenizer import tokenize

PEERS = Path(__file__).parents[2] / "build" / "peers"


def missing(what: str) -> None:
    """Skip, or fail where the peers are required."""
    said = f"{what} is not installed: run tests/outside/setup.d/escpos.sh"
    if os.environ.get("HALLBENCH_PEERS") == "required":
        pytest.fail(said)
    pytest.skip(said)


def python_escpos(script: str, *args: str) -> bytes:
    """What python-escpos writes: the script has `p`, a Dummy printer of the profile TM-T88V."""
    python = PEERS / "python-escpos" / "bin" / "python"
    if not (PEERS / "python-escpos" / ".installed").exists():
        missing("python-escpos")
    head = "import sys\nfrom escpos.printer import Dummy\np = Dummy(profile=sys.argv[1])\n"
    tail = "\nsys.stdout.write('HEX' + p.output.hex())\n"
    done = subprocess.run(
        [str(python), "-c", head + textwrap.dedent(script) + tail, *(args or ("TM-T88V",))],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return bytes.fromhex(done.stdout.rpartition("HEX")[2])


def node(script: str) -> bytes:
    """What an npm encoder writes: the script has `require` of the peers' folder and returns bytes."""
    folder = PEERS / "escpos-node"
    if not (folder / "installed.json").exists() or shutil.which("node") is None:
        missing("the npm encoders")
    body = f"""
        const peers = require('module').createRequire({str(folder / "x.cjs")!r});
        const out = (() => {{ {script} }})();
        process.stdout.write(Buffer.from(out, 'binary').toString('hex'));
    """
    done = subprocess.run(
        [shutil.which("node") or "node", "-e", body], capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stderr
    return bytes.fromhex(done.stdout)


def lines(job: bytes, profile: PrinterProfile = TM_T88) -> list[str]:
    return [line for sheet in print_sheets(job, profile) for line in sheet.lines]


def scanned(job: bytes, profile: PrinterProfile = TM_T88) -> set[str]:
    return {found.text for found in zxingcpp.read_barcodes(ticket.draw(job, profile).convert("L"))}


def unknown(job: bytes) -> list[str]:
    return [t.raw.hex() for t in tokenize(job) if t.name in ("unknown", "incomplete") and len(t.raw) > 1]


# -- python-escpos ----------------------------------------------------------------------------------------------------
def test_python_escpos_prints_a_ticket():
    """Vietnamese through its own choice of tables, sizes, a native QR symbol, CODE128, the cut: all as meant."""
    job = python_escpos(
        """
        p.set(align="center", bold=True)
        p.text("ỦY BAN NHÂN DÂN XÃ TÂN HỘI\\n")
        p.set(align="center", bold=False, custom_size=True, width=4, height=4)
        p.text("A027\\n")
        p.set(align="center", normal_textsize=True)
        p.text("Số thứ tự, Đà Nẵng, Hộ tịch\\n")
        p.qr("tan_hoi|A027", native=True, size=6)
        p.barcode("{BA027", "CODE128", height=80, width=2)
        p.cut()
        """
    )
    assert unknown(job) == []
    (sheet,) = print_sheets(job)
    assert sheet.cut == "full"
    assert sheet.lines == ["ỦY BAN NHÂN DÂN XÃ TÂN HỘI", "A027", "Số thứ tự, Đà Nẵng, Hộ tịch", "A027"]
    assert sheet.symbols == [b"tan_hoi|A027"]
    assert scanned(job) == {"tan_hoi|A027", "A027"}


@pytest.mark.parametrize(
    ("system", "data", "read"),
    [
        ("EAN13", "893123456789", "8931234567897"),
        ("EAN8", "9638507", "96385074"),
        ("UPC-A", "03600029145", "0036000291452"),
        ("CODE39", "A001", "A001"),
        ("ITF", "20250310", "20250310"),
        ("NW7", "A2025B", "A2025B"),
        ("CODE93", "A001", "A001"),
        ("CODE128", "{BA001", "A001"),
    ],
)
@pytest.mark.parametrize("form", ["A", "B"])
def test_python_escpos_barcodes(system, data, read, form):
    """Each system in both forms of GS k, read from the picture by a scanner."""
    if form == "A" and system in ("CODE93", "CODE128"):
        form = "B"  # the first form does not have them
    job = python_escpos(f"p.barcode({data!r}, {system!r}, height=80, width=2, function_type={form!r}); p.cut()")
    assert unknown(job) == []
    assert scanned(job) == {read}


@pytest.mark.parametrize("impl", ["bitImageRaster", "graphics", "bitImageColumn"])
@pytest.mark.parametrize(("name", "profile"), [("TM-T88V", TM_T88), ("POS-5890", KIOSK_58)])
def test_python_escpos_pictures(impl, name, profile):
    """A QR symbol sent as a picture in each of its three ways is read from both widths of paper."""
    job = python_escpos(
        f"""
        import qrcode
        symbol = qrcode.QRCode(box_size=6, border=4)
        symbol.add_data("https://hall.example/A027")
        p.image(symbol.make_image().get_image().convert("1"), impl={impl!r})
        p.text("A027\\n")
        p.cut()
        """,
        name,
    )
    assert unknown(job) == []
    assert scanned(job, profile) == {"https://hall.example/A027"}
    assert lines(job, profile) == ["A027"]


def test_python_escpos_on_58_mm():
    """With the profile of a cheap 58 mm printer its choice of tables still prints as meant there."""
    job = python_escpos('p.text("Café, Zürich\\n"); p.cut()', "POS-5890")
    assert lines(job, KIOSK_58) == ["Café, Zürich"]


class Terminal:
    """A printer behind a pseudo-terminal in wall time."""

    def __init__(self, printer: TicketPrinter) -> None:
        self.printer = printer
        self.notes: list[Note] = []
        self._due: list[tuple[int, int, Any]] = []
        self._count = 0
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        self._slave = slave
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def hand(self, name: str, *args: Any) -> None:
        now = time.monotonic_ns()
        with self._lock:
            self._carry_out(now, getattr(self.printer, name)(now, *args))

    def close(self) -> None:
        self._stop.set()
        self._thread.join(60)
        os.close(self._master)
        os.close(self._slave)

    def _serve(self) -> None:
        while not self._stop.is_set():
            ready, _, _ = select.select([self._master], [], [], 0.005)
            with self._lock:
                now = time.monotonic_ns()
                while self._due and self._due[0][0] <= now:
                    _, _, tag = heapq.heappop(self._due)
                    self._carry_out(now, self.printer.wake(now, tag))
                if ready:
                    data = os.read(self._master, 4096)
                    self._carry_out(now, self.printer.hear(now, data, now, now, None))

    def _carry_out(self, now: int, effects: Any) -> None:
        for effect in effects:
            self._count += 1
            if isinstance(effect, Send):
                os.write(self._master, effect.data)
            elif isinstance(effect, Alarm) and effect.at is not None:
                heapq.heappush(self._due, (effect.at, self._count, effect.tag))
            elif isinstance(effect, Note):
                self.notes.append(effect)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    opened = Terminal(TicketPrinter("printer-1", paper_mm=10_000, near_end_mm=1_000))
    yield opened
    opened.close()


STATUS = """
    from escpos.printer import Serial
    s = Serial(devfile=sys.argv[2], baudrate=9600, timeout=60, dsrdtr=False, profile="TM-T88V")
    read = s.device.read
    s.device.read = lambda most: read(1)  # it asks for 16 characters and waits its whole time-out for 15 of them
    p._raw(bytes([bool(s.is_online()), s.paper_status()]))
"""


def test_python_escpos_asks_for_status(terminal):
    """On line with paper, near its end, out of it, cover open: its own reading of our answers is right each time."""
    assert python_escpos(STATUS, "TM-T88V", terminal.path) == bytes([1, 2])
    terminal.hand("load_paper", 500)
    assert python_escpos(STATUS, "TM-T88V", terminal.path) == bytes([1, 1])
    terminal.hand("open_cover")
    assert python_escpos(STATUS, "TM-T88V", terminal.path)[0] == 0


def test_python_escpos_prints_on_the_terminal(terminal):
    """Through pyserial onto the emulated printer: the ticket comes out with its lines."""
    python_escpos(
        """
        from escpos.printer import Serial
        s = Serial(devfile=sys.argv[2], baudrate=9600, timeout=60, dsrdtr=False, profile="TM-T88V")
        s.text("Số thứ tự A027\\n")
        s.cut()
        s.close()
        """,
        "TM-T88V",
        terminal.path,
    )
    end = time.monotonic() + 100
    while time.monotonic() < end and not any(note.kind == "printed" for note in terminal.notes):
        time.sleep(0.02)
    (printed,) = (note for note in terminal.notes if note.kind == "printed")
    assert printed.facts["lines"] == ["Số thứ tự A027"]


# -- npm: @point-of-sale/receipt-printer-encoder ----------------------------------------------------------------------
ENCODER = """
    const Module = peers('@point-of-sale/receipt-printer-encoder');
    const Encoder = Module.default || Module;
    const encoder = new Encoder({language: 'esc-pos', columns: 48, printerModel: 'epson-tm-t88v'});
"""


def test_receipt_printer_encoder_prints_a_ticket():
    """Its automatic choice of tables (TCVN-3 capitals among them), sizes, QR, CODE128, partial cut."""
    job = node(
        ENCODER
        + """
        return encoder.initialize().codepage('auto').align('center')
            .bold(true).line('ỦY BAN NHÂN DÂN XÃ TÂN HỘI').bold(false)
            .size(4).line('A027').size(1).line('Số thứ tự, Đà Nẵng')
            .qrcode('tan_hoi|A027', {model: 2, size: 6, errorlevel: 'm'}).newline()
            .barcode('A027', 'code128', {height: 60, width: 2, text: true}).cut('partial').encode();
        """
    )
    assert unknown(job) == []
    assert [line.strip() for line in lines(job)] == [
        *("ỦY BAN NHÂN DÂN XÃ TÂN HỘI", "A027", "Số thứ tự, Đà Nẵng", "A027")
    ]
    assert scanned(job) == {"tan_hoi|A027", "A027"}


@pytest.mark.parametrize(
    ("system", "data", "read"),
    [
        ("ean13", "4006381333931", "4006381333931"),
        ("ean8", "96385074", "96385074"),
        ("upca", "036000291452", "0036000291452"),
        ("code39", "A001", "A001"),
        ("code93", "A001", "A001"),
        ("itf", "20250310", "20250310"),
        ("codabar", "A2025B", "A2025B"),
    ],
)
def test_receipt_printer_encoder_barcodes(system, data, read):
    """Each system it knows, read from the picture by a scanner."""
    script = f"return encoder.initialize().align('center').barcode({data!r}, {system!r}, 80).newline().cut().encode();"
    job = node(ENCODER + script)
    assert scanned(job) == {read}


@pytest.mark.parametrize("table", ["windows1258", "tcvn3"])
def test_receipt_printer_encoder_tables(table):
    """Letters without tone marks in each Vietnamese table that it writes for this printer read as they were written."""
    job = node(ENCODER + f"return encoder.initialize().codepage({table!r}).line('sân ga, đơn, tăng').encode();")
    assert lines(job) == ["sân ga, đơn, tăng"]


# -- npm: receiptline -------------------------------------------------------------------------------------------------
def test_receiptline_prints_a_ticket():
    """Positions by ESC $ and ESC backslash, its own settings at each line: text where it should be, codes read."""
    job = node(
        """
        const receiptline = peers('receiptline');
        return receiptline.transform(
            '^^^A027\\nSo thu tu\\n{code:A027-QR; option:qrcode,6,m}\\n{code:A027; option:code128,2,60,hri}\\nend\\n=',
            {command: 'escpos', cpl: 48, encoding: 'cp437', cutting: true});
        """
    )
    assert unknown(job) == []
    assert lines(job) == ["A027", "So thu tu", "A027", "end"]
    assert scanned(job) == {"A027-QR", "A027"}
    number = print_sheets(job)[0].rows[0].row.pieces[0]
    assert abs(2 * number.x + number.width - 576) <= 24


def test_receiptline_as_pictures():
    """Its generic dialect sends codes as raster: read from the picture too."""
    job = node(
        """
        const receiptline = peers('receiptline');
        return receiptline.transform('A027\\n{code:A027; option:qrcode,6,m}\\n=',
            {command: 'generic', cpl: 48, encoding: 'cp437', cutting: true});
        """
    )
    assert unknown(job) == []
    assert scanned(job) == {"A027"}
    assert not [w for w in compose(tokenize(job))[1] if "passed over" in w]
