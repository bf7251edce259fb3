"""What a collector may expect of any port that shows it: settings, flow control, modem lines, break."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import serial

from firmware_sim.device import BREAK, FRAMING, Modem, Send
from firmware_sim.devices.ticket_printer import TicketPrinter
from port_benches import FEATURES, HIDES, KINDS, PATIENCE_S, over
from protocol.escpos import write

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning"),
]

TEXT = b"The quick brown fox"


def exchange(bench, **options):
    """What the device hears of a text, and what the collector hears of one, with the collector's own settings."""
    with bench.open(timeout=0.5, **options) as port:
        port.write(TEXT)
        heard = bench.wait(lambda: (bench.line.unsent(), bench.ear.bytes), lambda seen: seen[0] == 0 and seen[1])[1]
        seen = bench.seen_settings
        bench.says(TEXT)
        bench.there(port)
        return heard, port.read(len(TEXT)), seen


@over("characters")
@pytest.mark.parametrize("settings", ["9600 8N1", "19200 8E1", "38400 8O1", "9600 7E1", "19200 8N2"])
def test_equal_settings_carry_the_text(make_bench, settings):
    """At the line's settings, whatever they are, every port carries a text of 7-bit characters both ways."""
    bench = make_bench(settings)
    heard, read, seen = exchange(bench)
    assert heard == TEXT
    assert read == TEXT
    assert seen == bench.line.settings


@over("baud")
def test_a_wrong_baud_rate_garbles_both_ways(make_bench):
    """A collector at another baud rate is not understood, and does not understand; the port says what it set."""
    bench = make_bench("9600 8N1")
    heard, read, seen = exchange(bench, baudrate=19200)
    assert heard != TEXT
    assert read != TEXT
    assert seen.baud == 19200


@over("baud")
def test_an_odd_baud_rate_is_seen(make_bench):
    """A baud rate that no table lists is seen as it is."""
    bench = make_bench("12345 8N1")
    heard, read, seen = exchange(bench)
    assert heard == read == TEXT
    assert seen.baud == 12345


@over("baud")
def test_a_baud_rate_changed_while_open(make_bench):
    """The next characters go at the new rate."""
    bench = make_bench("9600 8N1")
    with bench.open(baudrate=4800) as port:
        port.baudrate = 9600
        port.write(TEXT)
        assert bench.heard(len(TEXT)) == TEXT
        bench.says(TEXT)
        assert port.read(len(TEXT)) == TEXT


@over("stop bits")
def test_stop_bits_are_seen_and_cost_time(make_bench):
    """Two stop bits at the collector: a receiver checks only the first, so the text passes, and is longer."""
    bench = make_bench("9600 8N1")
    heard, _, seen = exchange(bench, stopbits=2)
    assert heard == TEXT
    assert seen.stop_bits == 2


@over("odd parity")
def test_odd_parity_against_none_garbles(make_bench):
    """A collector at 8O1 on a line at 8N1 is not understood."""
    bench = make_bench("9600 8N1")
    heard, read, seen = exchange(bench, parity="O")
    assert (heard, read) != (TEXT, TEXT)
    assert seen.parity == "O"


@over("odd parity")
def test_none_against_odd_parity_garbles(make_bench):
    """A collector at 8N1 on a line at 8O1 is not understood."""
    bench = make_bench("9600 8O1")
    heard, read, seen = exchange(bench, parity="N")
    assert (heard, read) != (TEXT, TEXT)
    assert seen.parity == "N"


@over("parity")
@pytest.mark.parametrize("parity, bits", [("E", 8), ("N", 7), ("E", 7), ("M", 8)])
def test_every_other_format_garbles(make_bench, parity, bits):
    """Any format but the line's is seen, and at least one direction suffers from it."""
    bench = make_bench("9600 8N1")
    heard, read, seen = exchange(bench, parity=parity, bytesize=bits)
    assert (heard, read) != (TEXT, TEXT)
    assert (seen.parity, seen.data_bits) == (parity, bits)


@over("break")
def test_a_break_reaches_the_device(make_bench):
    """A break is heard as a 0 character with the break flaw, as long as it was held."""
    bench = make_bench("9600 8N1")
    with bench.open() as port:
        port.send_break(0.25)
        found = bench.wait(lambda: [*bench.ear.heard], bool)
        now, data, first, last, flaws = found[0]
        assert (data, flaws) == (b"\x00", {0: BREAK | FRAMING})
        assert last - first >= 200_000_000
        assert now == last


@over("modem lines")
def test_modem_lines_reach_the_collector(make_bench):
    """CTS and DSR are as the device drives them, and change while the port is open."""
    bench = make_bench("9600 8N1", duplex="full")
    with bench.open() as port:
        assert port.cts
        assert port.dsr
        bench.apply([Modem(cts=False)])
        assert bench.wait(lambda: port.cts, lambda cts: not cts) is False
        assert port.dsr
        bench.apply([Modem(cts=True, dsr=False)])
        assert bench.wait(lambda: port.dsr, lambda dsr: not dsr) is False
        assert port.cts


@over("characters")
def test_rts_and_dtr_can_be_set(make_bench):
    """A collector that drives RTS and DTR is not disturbed by it, where the port has them."""
    bench = make_bench("9600 8N1")
    with bench.open() as port:
        try:
            port.rts = False
            port.dtr = False
        except OSError:
            assert getattr(bench, "port", None) is not None
            assert bench.port.kind == "pty"
        port.write(TEXT)
        assert bench.heard(len(TEXT)) == TEXT


@over("modem lines")
def test_dtr_reaches_a_printer_that_waits_for_it(make_bench):
    """A printer with DTR handshake answers while the collector's DTR is on, and keeps its answer while it is off."""
    bench = make_bench("9600 8N1", duplex="full")
    printer = TicketPrinter("printer", handshake="dtr")
    bench.do(bench.line.attach, printer)
    with bench.open() as port:
        port.write(write.status(1))
        answer = port.read(1)
        assert answer
        port.timeout = 0.2
        port.dtr = False
        port.write(write.status(1))
        bench.heard(2 * len(write.status(1)))
        assert port.read(1) == b""
        port.timeout = PATIENCE_S
        port.dtr = True
        assert port.read(1) == answer
    assert bench.wait(lambda: bench.line.dtr, lambda dtr: not dtr) is False, "a port that is closed lets go of DTR"


@over("XON/XOFF")
def test_xoff_of_the_device_holds_the_collector(make_bench):
    """Between XOFF and XON nothing more than the character in progress goes out; neither is data."""
    bench = make_bench("1200 8N1", duplex="full")
    much = TEXT * 190  # 30 s
    with bench.open(xonxoff=True, timeout=0.3) as port:
        port.write(much)
        assert bench.wait(lambda: bench.line.unsent(), bool)
        bench.apply([Send(b"\x13")])
        assert bench.wait(lambda: bench.line.master.held, bool)
        bench.wait(lambda: bench.line.master.current, lambda burst: burst is None)
        before = len(bench.ear.bytes)
        assert port.read(1) == b""
        assert len(bench.ear.bytes) == before < len(much)
        bench.apply([Send(b"\x11")])
        bench.hurry()
        assert bench.heard(len(much)) == much
        assert port.read(1) == b""


@over("characters")
def test_without_flow_control_xon_and_xoff_are_data(make_bench):
    """A collector that did not ask for flow control reads 0x11 and 0x13, and is not held."""
    bench = make_bench("9600 8N1", duplex="full")
    with bench.open() as port:
        bench.says(b"\x13a\x11\x13")
        assert port.read(4) == b"\x13a\x11\x13"
        port.write(TEXT)
        assert bench.heard(len(TEXT)) == TEXT


@over("XON/XOFF")
def test_a_held_port_starts_free_for_the_next_collector(make_bench):
    """A collector that asks for no flow control is not held by the XOFF that its predecessor got."""
    bench = make_bench("9600 8N1", duplex="full")
    with bench.open(xonxoff=True) as port:
        bench.says(b"\x13")
        assert bench.wait(lambda: bench.line.master.held, bool)
        port.reset_output_buffer()
    with bench.open(xonxoff=False) as port:
        port.write(TEXT)
        assert bench.heard(len(TEXT)) == TEXT


def test_the_documentation_tells_the_same():
    """docs/ports.md has a row for each feature, with yes or no for each kind as the tables here have it."""
    text = (Path(__file__).parents[4] / "docs" / "ports.md").read_text(encoding="utf-8")
    header = next(line for line in text.splitlines() if line.startswith("| shows"))
    columns = [cell.strip() for cell in header.strip("|").split("|")][1:]
    assert sorted(re.sub("`", "", name) for name in columns) == sorted(KINDS)
    for feature, meaning in FEATURES.items():
        row = next((line for line in text.splitlines() if line.startswith(f"| {meaning}")), None)
        assert row is not None, f"docs/ports.md has no row for {meaning!r}"
        cells = [cell.strip() for cell in row.strip("|").split("|")][1:]
        for kind, cell in zip((name.strip("`") for name in columns), cells, strict=True):
            assert cell == ("no" if feature in HIDES[kind] else "yes"), f"{meaning}: {kind}"


def test_serial_is_the_real_one():
    """The suite patches nothing: outside the hall pyserial is as installed."""
    assert serial.Serial.__module__.startswith("serial.serial")
