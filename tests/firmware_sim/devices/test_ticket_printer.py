"""The ticket printer on its line: time, buffer, flow control, paper, status, confirmation."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escpos_streams import STREAMS
from firmware_sim.device import FRAMING, NS, PARITY, Alarm, Device, Modem, Note, Send, Stop
from firmware_sim.devices import printer_body, ticket_printer
from firmware_sim.devices.ticket_printer import TicketPrinter
from printer_bench import MS, PrinterBench
from protocol.escpos import write
from protocol.escpos.composer import print_sheets
from protocol.escpos.profiles import KIOSK_58, PROFILES, TM_T88

CHAR = NS // 960  # a character at 9600 8N1, rounded down
LINE_MS = 30 / 8 / 150 * 1000  # 30 dots at 150 mm/s: 25 ms
TICKET = (
    write.init()
    + write.code_page(52)
    + write.align("center")
    + write.line("Số thứ tự")
    + write.size(4, 4)
    + write.line("A001")
    + write.size(1, 1)
    + write.line("Đà Nẵng, Tân Hội")
    + write.qr("A001")
    + write.cut()
)
LINES = ["Số thứ tự", "A001", "Đà Nẵng, Tân Hội"]


def test_it_is_a_device():
    """The printer meets the contract of a device."""
    assert isinstance(TicketPrinter("p"), Device)


# -- printing ---------------------------------------------------------------------------------------------------------
def test_a_ticket_comes_out():
    """One job, one `cut`, one `printed` with its lines in composed Vietnamese, its bytes and its length."""
    bench = PrinterBench()
    bench.send(TICKET)
    bench.run()
    (sheet,) = print_sheets(TICKET)
    assert bench.facts("printed") == [{"lines": LINES, "data": TICKET.hex(), "mm": sheet.mm}]
    assert bench.facts("cut") == [{"partial": True}]
    assert bench.when("cut") == bench.when("printed")
    assert bench.replies == b""


def test_a_second_ticket_is_told_with_the_settings_it_inherits():
    """The bytes of each ticket give its picture on a printer just switched on, even when it relies on the first."""
    bench = PrinterBench()
    bench.send(write.code_page(52) + write.align("right") + write.line("Số 1") + write.cut())
    bench.send(write.line("Số 2") + write.cut())
    bench.run()
    assert bench.lines == [["Số 1"], ["Số 2"]]
    for facts in bench.facts("printed"):
        (sheet,) = print_sheets(bytes.fromhex(facts["data"]))
        assert sheet.lines == facts["lines"]
        assert sheet.rows[0].row.pieces[0].x == 576 - 48


def test_a_job_takes_the_time_its_paper_takes():
    """n lines of 30 dots at 150 mm/s take n times 25 ms, from when they are there; the cut its own time."""
    n = 40
    bench = PrinterBench(settings="115200 8N1")
    job = b"\n" * n + b"\x1dV\x00"
    bench.send(job)
    bench.run()
    heard = bench.line.settings.duration(1)
    assert bench.when("cut") == [heard + round(n * LINE_MS * MS) + TM_T88.cut_ns]


def test_a_slow_mechanism_is_slower():
    """The same job at 80 mm/s takes 150/80 of the time."""
    slow = PrinterBench(replace(TM_T88, speed_mm_s=80, cut_ns=0), settings="115200 8N1")
    slow.send(b"\n" * 40 + b"\x1dV\x00")
    slow.run()
    assert slow.when("cut")[0] == pytest.approx(40 * 30 / 8 / 80 * NS, abs=MS)


def test_printing_begins_before_the_burst_ends():
    """A line is printed when its LF has come, not when the host stops sending: at 9600 the line is the slower one."""
    bench = PrinterBench()
    bench.send((b"x" * 47 + b"\n") * 20)
    bench.run()
    last = bench.line.settings.duration(20 * 48)
    assert bench.printer.hanging == ["x" * 47] * 20
    assert bench.loop.now == last + round(LINE_MS * MS)


def test_events_grow_with_lines_not_with_bytes():
    """A ticket of a thousand characters in ten lines costs tens of calls, not a thousand."""
    bench = PrinterBench()
    calls = []
    hear, wake = bench.printer.hear, bench.printer.wake
    bench.printer.hear = lambda *a: calls.append("hear") or hear(*a)
    bench.printer.wake = lambda *a: calls.append("wake") or wake(*a)
    bench.send((b"x" * 47 + b"\n") * 20 + write.cut())
    bench.run()
    assert calls.count("wake") == 22
    assert calls.count("hear") <= 45


# -- the receive buffer -----------------------------------------------------------------------------------------------
def full_printer(extra: int, *, obeys: bool) -> PrinterBench:
    """A printer that cannot print (no paper) and gets its 4096 bytes and `extra` more."""
    bench = PrinterBench(replace(TM_T88, busy_offline=False), obeys=obeys, paper_mm=0)
    bench.send(b"x" * (4096 + extra))
    return bench.run()


def test_an_overrun_loses_exactly_what_has_no_room():
    """A host that ignores XOFF loses every byte beyond 4096, and the history tells how many."""
    bench = full_printer(500, obeys=False)
    assert sum(facts["lost"] for facts in bench.facts("overrun")) == 500
    assert bench.printer.room == 0
    bench.hand("load_paper", 1000)
    bench.send(b"\n")
    bench.run()
    assert "".join(bench.printer.hanging) == "x" * 4096


def test_no_overrun_in_a_buffer_just_filled():
    """4096 bytes fit: nothing is lost until one more comes."""
    assert full_printer(0, obeys=False).facts("overrun") == []
    assert full_printer(1, obeys=False).facts("overrun") == [{"lost": 1}]


def test_xoff_comes_at_128_bytes_left_and_nothing_is_lost():
    """XOFF starts at the very character that leaves 128 bytes; a host that obeys loses none."""
    bench = full_printer(500, obeys=True)
    assert bench.replied == [(bench.line.settings.duration(4096 - 128), b"\x13")]
    assert bench.facts("overrun") == []
    assert bench.printer.room == 126  # one character while XOFF crossed, one that had begun by then
    bench.hand("load_paper", 10_000)
    bench.send(b"\n")
    bench.run()
    assert "".join(bench.printer.hanging) == "x" * (4096 + 500)


def test_xon_comes_at_256_bytes_free():
    """While printing drains a full buffer, XON is sent once, when the line that frees 256 bytes is taken."""
    bench = PrinterBench(replace(TM_T88, busy_offline=False), obeys=True, paper_mm=0)
    bench.send((b"x" * 47 + b"\n") * 100)
    bench.run()
    assert bench.replies == b"\x13"
    bench.hand("load_paper", 10_000, at=10 * NS)
    bench.run()
    assert bench.replies == b"\x13\x11"
    # 127 free; one line is composed at once and one ahead, 48 bytes each: the third line makes it 256 or more.
    assert bench.replied[1][0] == 10 * NS + round(LINE_MS * MS)
    assert bench.printer.hanging == ["x" * 47] * 100


def test_a_host_faster_than_the_paper_is_held_and_nothing_is_lost():
    """At 115200 short lines come faster than they are printed: XOFF and XON alternate and every line is there."""
    bench = PrinterBench(settings="115200 8N1")
    lines = [f"{i:04d}" for i in range(3000)]
    bench.send("".join(f"{line}\n" for line in lines).encode())
    bench.run()
    assert bench.printer.hanging == lines
    assert bench.replies == b"\x13\x11" * (len(bench.replies) // 2)
    assert len(bench.replies) >= 4


def test_a_deaf_host_loses_by_the_clock():
    """What a host that ignores XOFF gets through is what printing made room for, to the byte."""
    bench = PrinterBench(settings="115200 8N1", obeys=False)
    n = 3000
    bench.send(b"abcd\n" * n)
    bench.run()
    lost = sum(facts["lost"] for facts in bench.facts("overrun"))
    took = bench.line.settings.duration(5 * n)
    begun = took / (LINE_MS * MS)
    assert 5 * n - lost == pytest.approx(4096 + 5 * begun, abs=25)


def test_the_small_buffer():
    """45 bytes (a DIP switch of the TM-T88III): XOFF at 16 left, XON at 26 free, and any job still passes through."""
    small = replace(TM_T88, buffer_size=45, xoff_left=16, xon_left=26)
    job = (
        write.line("A001 " * 20, "cp437")
        + write.qr("https://hall.example/ticket/" + "A001" * 60)
        + write.raster(72, [bytes(range(72))] * 50)
        + write.barcode("CODE39", "A" * 20, module=2)
        + b"\x1dk\x04A0010203040506\0"
        + write.cut()
    )
    bench = PrinterBench(small)
    bench.send(job)
    bench.run()
    (facts,) = bench.facts("printed")
    assert facts["data"] == job.hex()
    assert facts["lines"] == print_sheets(job)[0].lines
    assert bench.facts("overrun") == []
    assert bench.replies == b"\x13\x11" * (len(bench.replies) // 2) != b""


# -- real-time commands -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("n", "answer"), [(1, b"\x16"), (2, b"\x12"), (3, b"\x12"), (4, b"\x12")])
def test_status_at_the_very_character(n, answer):
    """DLE EOT in the middle of a burst is answered when its third character is complete."""
    bench = PrinterBench()
    bench.send(b"A" * 30 + write.status(n) + b"B" * 300)
    bench.run()
    assert bench.replied == [(bench.line.settings.duration(33), answer)]


def test_status_when_the_buffer_is_full():
    """Polls are answered by a printer that has no room for a byte, and cost nothing."""
    bench = full_printer(10, obeys=False)
    before = len(bench.replies)
    lost = sum(facts["lost"] for facts in bench.facts("overrun"))
    bench.send(write.status(4) * 100)
    bench.run()
    assert bench.replies[before:] == b"\x7e" * 100
    assert sum(facts["lost"] for facts in bench.facts("overrun")) == lost


def test_status_inside_image_data():
    """10 04 01 in a bitmap is answered, and the picture is printed whole (the trap Epson warns of)."""
    bench = PrinterBench()
    job = write.raster(3, [b"\x10\x04\x01"]) + b"A\n" + write.cut()
    bench.send(job)
    bench.run()
    assert bench.replies == b"\x16"
    assert bench.facts("printed")[0]["data"] == job.hex()
    assert bench.lines == [["A"]]


def test_the_clear_command():
    """DLE DC4 8 forgets received text and the open line at once, answers 37 25 00, and what follows is printed."""
    bench = PrinterBench(obeys=False)
    bench.hand("open_cover")
    bench.send(b"old one\nold two")
    bench.run()
    bench.send(write.clear() + b"new\n" + write.cut())
    bench.run()
    assert bench.printer.room == 4096 - 8
    bench.hand("close_cover")
    bench.run()
    assert bench.replies == b"\x13\x37\x25\x00\x11"
    assert bench.lines == [["new"]]


def test_a_cleared_line_is_not_in_the_bytes_told():
    """After a clear within a line, the told bytes still draw what is on the paper."""
    bench = PrinterBench()
    bench.send(write.code_page(52) + b"one\nhalf")
    bench.run()
    bench.send(write.clear() + write.line("Số") + write.cut())
    bench.run()
    (facts,) = bench.facts("printed")
    assert facts["lines"] == ["one", "Số"]
    assert print_sheets(bytes.fromhex(facts["data"]))[0].lines == ["one", "Số"]


# -- status in turn ---------------------------------------------------------------------------------------------------
def test_automatic_status_now_and_on_every_change():
    """GS a: four bytes at once, then four on each change of what is enabled, in the exact bits of each state."""
    bench = PrinterBench(replace(TM_T88, busy_offline=False), paper_mm=200, near_end_mm=100)
    bench.send(write.auto_status(0x0E))
    bench.hand("open_cover", at=1 * NS)
    bench.hand("close_cover", at=2 * NS)
    bench.hand("load_paper", 80, at=3 * NS)
    bench.hand("load_paper", 10_000, at=4 * NS)
    bench.run()
    assert [data.hex() for _, data in bench.replied] == ["14000000", "3c000000", "14000000", "14000300", "14000000"]
    assert [at // NS for at, _ in bench.replied] == [0, 1, 2, 3, 4]


def test_automatic_status_of_one_class():
    """A mask for paper alone is silent about the cover, and its block tells the whole condition when it comes."""
    bench = PrinterBench(replace(TM_T88, busy_offline=False))
    bench.send(write.auto_status(0x08))
    bench.hand("open_cover", at=1 * NS)
    bench.hand("load_paper", 500, at=2 * NS)
    bench.run()
    assert [data.hex() for _, data in bench.replied] == ["14000000", "3c000300"]


def test_automatic_status_off():
    """GS a 0 answers nothing and ends the reports."""
    bench = PrinterBench(replace(TM_T88, busy_offline=False))
    bench.send(write.auto_status(0x0E) + write.auto_status(0))
    bench.hand("open_cover", at=1 * NS)
    bench.run()
    assert bench.replies.hex() == "14000000"


def test_status_requests_wait_their_turn():
    """GS r is executed when printing has come to it, and not while the printer is off line."""
    bench = PrinterBench(replace(TM_T88, busy_offline=False))
    bench.send(b"\n\n\n" + write.sensor_status(1))
    bench.run()
    assert bench.replies == b"\x00"
    assert bench.replied[0][0] >= round(2 * LINE_MS * MS)
    bench.hand("open_cover")
    bench.send(write.sensor_status(1))
    bench.run()
    assert bench.replies == b"\x00"
    bench.hand("close_cover")
    bench.run()
    assert bench.replies == b"\x00\x00"


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (write.sensor_status(2), b"\x01"),
        (b"\x1bv", b"\x00"),
        (b"\x1bu\x00", b"\x01"),
        (write.identity(1), b"\x20"),
        (write.identity(0x32), b"\x02"),
        (write.identity(3), b"\x01"),
        (write.identity(66), b"\x5fEPSON\x00"),
        (write.identity(67), b"\x5fTM-T88V\x00"),
        (write.identity(99), b""),
        (write.qr("A001", module=10)[:-8] + b"\x1d(k\x03\x00\x31\x52\x30", b"\x37\x36210\x1f210\x1f1\x1f0\x00"),
        (b"\x1d(k\x03\x00\x31\x52\x30", b"\x37\x360\x1f0\x1f1\x1f1\x00"),
    ],
)
def test_answers(request_, answer):
    """Each request in turn has its answer, byte for byte (protocols.md 4.3)."""
    bench = PrinterBench()
    bench.send(request_)
    bench.run()
    assert bench.replies == answer


def test_a_deselected_printer_ignores_all_but_real_time():
    """ESC = 0 makes it deaf to what is not real-time, until ESC = 1."""
    bench = PrinterBench()
    bench.send(
        b"\x1b=\x00" + b"lost\n" + write.sensor_status(1) + write.status(1) + b"\x1b=\x01" + b"kept\n" + write.cut()
    )
    bench.run()
    assert bench.replies == b"\x16"
    assert bench.lines == [["kept"]]


# -- process ids ------------------------------------------------------------------------------------------------------
def test_confirmed_only_when_it_is_on_paper():
    """The confirmation leaves when the cut before it is done, not when the request was received."""
    bench = PrinterBench()
    bench.send(TICKET + write.process_id(b"A001"))
    bench.run()
    assert bench.replies == b"\x37\x22A001\x00"
    assert bench.when("confirm") == bench.when("printed") == [bench.replied[0][0]]
    assert bench.facts("confirm") == [{"id": "A001"}]
    assert bench.when("confirm")[0] > bench.line.settings.duration(len(TICKET) + 11)


def test_confirmed_at_once_when_nothing_is_printing():
    """A request after settings alone is answered when it is processed."""
    bench = PrinterBench()
    bench.send(write.init() + write.process_id(b"0001"))
    bench.run()
    assert bench.replied == [(bench.line.settings.duration(13), b"\x37\x220001\x00")]


def test_text_in_the_print_buffer_is_not_printed_yet():
    """Without LF the text before the request is not on paper: it is confirmed when a later LF prints the line."""
    bench = PrinterBench()
    bench.send(b"half" + write.process_id(b"0001"))
    bench.run()
    assert bench.replies == b""
    bench.send(b" line\n", at=1 * NS)
    bench.run()
    assert bench.replies == b"\x37\x220001\x00"
    assert bench.when("confirm")[0] == 1 * NS + bench.line.settings.duration(6) + round(LINE_MS * MS)


def test_only_the_newest_pending_request_is_kept():
    """Two requests while one line is printing: the older is never answered."""
    bench = PrinterBench(settings="115200 8N1")
    bench.send(b"line\n" + write.process_id(b"0001") + write.process_id(b"0002"))
    bench.run()
    assert bench.replies == b"\x37\x220002\x00"


def test_each_ticket_of_a_series_is_confirmed():
    """Three tickets sent at once: three confirmations, in order, each with its own cut."""
    bench = PrinterBench()
    for i in range(3):
        bench.send(b"ticket\n" + write.cut() + write.process_id(b"000%d" % i))
    bench.run()
    assert [facts["id"] for facts in bench.facts("confirm")] == ["0000", "0001", "0002"]
    assert bench.when("confirm") == bench.when("printed")


def test_cleared_data_is_never_confirmed():
    """What a clear, ESC @ or a power cut takes away is not told as printed."""
    waiting = b"half" + write.process_id(b"0001")
    for clearing in (write.clear(), write.init()):
        bench = PrinterBench()
        bench.send(waiting + clearing + b"other\n")
        bench.run()
        assert b"0001" not in bench.replies
        assert bench.printer.hanging == ["other"]
    bench = PrinterBench()
    bench.send(waiting)
    bench.hand("unplug", at=1 * NS)
    bench.hand("plug_in", at=2 * NS)
    bench.send(b"\n", at=10 * NS)
    bench.run()
    assert b"0001" not in bench.replies


def test_a_malformed_request_is_ignored():
    """An id that is not four printable characters, or another function, has no answer."""
    bench = PrinterBench()
    bench.send(b"\x1d(H\x06\x00\x30\x30A\x0101" + b"\x1d(H\x03\x00\x31\x30\x00" + b"\x1d(H\x02\x00\x30\x30")
    bench.run()
    assert bench.replies == b""


# -- paper ------------------------------------------------------------------------------------------------------------
def test_paper_out_in_a_ticket_holds_it_and_goes_on():
    """The roll ends in the middle: off line, XOFF, nothing confirmed; after a new roll every line is there once."""
    lines = [f"line {i}" for i in range(20)]
    bench = PrinterBench(paper_mm=40, near_end_mm=20)
    bench.send("".join(f"{line}\n" for line in lines).encode() + write.cut() + write.process_id(b"A001"))
    bench.run(5 * NS)
    assert bench.printer.condition.paper_end
    assert bench.facts("paper") == [{"state": "near_end", "left_mm": 17}, {"state": "out", "left_mm": 0}]
    assert bench.printer.hanging == lines[:10]
    assert bench.replies == b"\x13"
    bench.hand("load_paper", 80_000, at=6 * NS)
    bench.run()
    assert bench.lines == [lines]
    assert bench.replies == b"\x13\x11\x37\x22A001\x00"
    assert bench.facts("paper")[-1] == {"state": "ok", "left_mm": 80_000}
    assert bench.when("printed")[0] > 6 * NS


def test_states_of_the_paper_in_status_bytes():
    """Near end sets 0C in DLE EOT 4; out sets 60 too, off line and "printing stopped" in 1 and 2."""
    for paper_mm, expected in ((10_000, "16121212"), (4_000, "1612121e"), (0, "1e32127e")):
        bench = PrinterBench(replace(TM_T88, busy_offline=False), paper_mm=paper_mm)
        bench.send(b"".join(write.status(n) for n in (1, 2, 3, 4)))
        bench.run()
        assert bench.replies.hex() == expected


def test_paper_is_used_up_by_what_is_printed():
    """A ticket takes its millimetres from the roll: what the sheets measure is what the roll lost."""
    bench = PrinterBench(paper_mm=1000)
    bench.send((b"A\n" * 10 + write.cut()) * 3)
    bench.run()
    assert bench.printer.left_mm == (8 * 1000 - 3 * (10 * 30 + 120)) // 8


def test_a_feed_that_outlasts_the_roll_ends_with_it():
    """Feeding past the end of the paper is not repeated on the next roll; a line is."""
    bench = PrinterBench(paper_mm=10)
    bench.send(b"\x1bJ\xff" + b"A\n")
    bench.run()
    bench.hand("load_paper", 1000)
    bench.run()
    assert bench.printer.left_mm == 1000 - 4
    assert bench.printer.hanging == ["A"]


def test_the_near_end_sensor_can_stop_printing():
    """ESC c 4 with the near-end bits stops at near end as at the end; ESC @ takes it back."""
    bench = PrinterBench(paper_mm=5_000, near_end_mm=4_990)
    bench.send(b"\x1bc4\x03" + b"A\n" * 10)
    bench.run()
    assert bench.printer.hanging == ["A"] * 3
    assert bench.printer.condition.stopped
    assert not bench.printer.condition.paper_end


def test_near_end_is_told_once():
    """The state changes once on the way to the end of the roll, at the line that passes the mark."""
    bench = PrinterBench(paper_mm=100, near_end_mm=50)
    bench.send(b"A\n" * 14)
    bench.run()
    assert bench.facts("paper") == [{"state": "near_end", "left_mm": 47}]


# -- cover, cutter, hands ---------------------------------------------------------------------------------------------
def test_the_cover_stops_printing_within_the_line():
    """Opened in the second line: XOFF, bits of cover and auto-recoverable error; closed: that line is printed again."""
    bench = PrinterBench(settings="115200 8N1")
    bench.send(b"one\ntwo\nthree\n" + write.cut())
    bench.hand("open_cover", at=30 * MS)
    bench.send(b"".join(write.status(n) for n in (1, 2, 3, 4)), at=1 * NS)
    bench.hand("close_cover", at=2 * NS)
    bench.run(1 * NS + 100 * MS)
    assert bench.replies == b"\x13"  # the host is held: it cannot even ask
    bench.run()
    assert bench.lines == [["one", "two", "three"]]
    assert bench.facts("cover") == [{"open": True}, {"open": False}]
    assert bench.when("cut")[0] == 2 * NS + round(2 * LINE_MS * MS) + TM_T88.duration(120) + TM_T88.cut_ns


def test_status_bits_of_an_open_cover():
    """Cover open while printing: off line, cover, error, auto-recoverable; open while idle: no error."""
    for job, expected in ((b"one\n" * 40, "1e565212"), (b"", "1e161212")):
        bench = PrinterBench(replace(TM_T88, busy_offline=False))
        bench.send(job)
        bench.hand("open_cover", at=200 * MS)
        bench.send(b"".join(write.status(n) for n in (1, 2, 3, 4)), at=1 * NS)
        bench.run()
        assert bench.replies.hex() == expected


def test_doing_it_twice_changes_nothing():
    """Opening an open cover, closing a closed one, taking no paper: no effect at all."""
    printer = TicketPrinter("p")
    assert printer.close_cover(0) == ()
    assert printer.take_paper(0) == ()
    assert list(printer.open_cover(0))
    assert printer.open_cover(0) == ()
    assert printer.plug_in(0) == ()
    assert list(printer.unplug(0))
    assert printer.unplug(0) == ()


def test_a_jammed_cutter():
    """The cut fails: cutter error, off line; DLE ENQ 1 repeats the cut once the scrap is out."""
    bench = PrinterBench(replace(TM_T88, busy_offline=False))
    bench.hand("jam_cutter")
    bench.send(b"A001\n" + write.cut() + write.process_id(b"A001"))
    bench.send(write.status(3), at=2 * NS)
    bench.send(write.recover(), at=3 * NS)
    bench.run(5 * NS)
    assert bench.replies == b"\x1a"
    assert bench.facts("cutter") == [{"error": True}, {"error": False}, {"error": True}]
    bench.hand("free_cutter", at=6 * NS)
    bench.send(write.recover(), at=7 * NS)
    bench.run()
    assert bench.lines == [["A001"]]
    assert bench.replies == b"\x1a\x37\x22A001\x00"


def test_recovering_with_cleared_buffers():
    """DLE ENQ 2 after a jam forgets the cut and what waited; without an error it does nothing."""
    bench = PrinterBench(replace(TM_T88, busy_offline=False))
    bench.hand("jam_cutter")
    bench.send(b"A001\n" + write.cut() + b"A002\n")
    bench.hand("free_cutter", at=2 * NS)
    bench.send(write.recover(clear=True), at=3 * NS)
    bench.run()
    assert bench.printer.hanging == ["A001"]
    assert not bench.printer.condition.offline
    bench.send(b"open" + write.recover(clear=True) + b" line\n")
    bench.run()
    assert bench.printer.hanging == ["A001", "open line"]


def test_tickets_are_taken():
    """`taken` counts the tickets that lay there."""
    bench = PrinterBench()
    bench.send((b"A\n" + write.cut()) * 2)
    bench.run()
    bench.hand("take_paper")
    bench.hand("take_paper")
    bench.run()
    assert bench.facts("taken") == [{"tickets": 2}]


# -- power ------------------------------------------------------------------------------------------------------------
def test_unplugged_in_a_ticket():
    """What was received is lost, what is on the paper comes out with the next ticket; XON when it is back."""
    bench = PrinterBench()
    bench.send(b"one\n" + b"x" * 30 + b"\n" + write.cut())
    bench.hand("unplug", at=bench.line.settings.duration(4) + 26 * MS)
    bench.hand("plug_in", at=1 * NS)
    bench.send(write.status(1), at=2 * NS)  # still starting: not heard
    bench.send(b"two\n" + write.cut(), at=4 * NS)
    bench.run()
    assert bench.lines == [["one", "two"]]
    assert bench.replied == [(3 * NS, b"\x11")]
    assert bench.facts("power") == [{"on": False}, {"on": True}]


def test_a_power_cut_stops_what_it_sends():
    """Unplugging returns Stop, drops its alarms and its modem lines; nothing is heard without power."""
    printer = TicketPrinter("p")
    effects = list(printer.unplug(5))
    assert effects[0] == Stop()
    assert {e.tag for e in effects if isinstance(e, Alarm) and e.at is None} == {"print", "boot"}
    assert Modem(cts=False, dsr=False) in effects
    assert printer.hear(6, write.status(1), 0, 6, None) == ()


def test_switched_on_in_the_middle_of_a_burst():
    """Characters that were complete before it listened are not heard, the others are."""
    bench = PrinterBench()
    bench.hand("unplug")
    bench.hand("plug_in", at=1)
    ready = 1 + TM_T88.boot_ns
    bench.send(b"x" * 10 + b"y" * 10 + b"\n", at=ready - bench.line.settings.duration(10))
    bench.run()
    assert bench.printer.hanging == ["y" * 10]


def test_settings_are_those_of_power_on_again():
    """Code page and automatic status do not survive a power cut."""
    bench = PrinterBench()
    bench.send(write.code_page(52) + write.auto_status(0x0E))
    bench.hand("unplug", at=1 * NS)
    bench.hand("plug_in", at=2 * NS)
    bench.send(b"\x82\n" + write.cut(), at=5 * NS)
    bench.hand("open_cover", at=7 * NS)
    bench.run()
    assert bench.lines == [["é"]]
    assert bench.replies.hex() == "14000000" + "11" + "13"


def test_handshake_by_modem_lines():
    """With DTR handshake busy is a level, and no XOFF is sent."""
    printer = TicketPrinter("p", handshake="dtr")
    assert [e for e in printer.open_cover(0) if not isinstance(e, Note)] == [Modem(cts=False, dsr=False)]
    assert [e for e in printer.close_cover(1) if not isinstance(e, Note)] == [Modem(cts=True, dsr=True)]


# -- flawed characters ------------------------------------------------------------------------------------------------
def test_flawed_characters():
    """Parity and framing errors are stored as question marks, or ignored by a printer set so."""
    for profile, line in ((TM_T88, "A?C?"), (replace(TM_T88, flawed_char=b""), "AC")):
        printer = TicketPrinter("p", profile)
        printer.hear(100, b"ABCD\n", 0, 100, {1: PARITY, 3: FRAMING})
        printer.wake(200, "print")
        assert printer.hanging == [line]


def test_a_flawed_command_is_no_command():
    """A damaged ESC is a question mark: the rest of the command is printed, as on the real paper."""
    printer = TicketPrinter("p")
    printer.hear(100, b"\x1bt4A\n", 0, 100, {0: PARITY})
    printer.wake(200, "print")
    assert printer.hanging == ["?t4A"]


# -- whatever comes ---------------------------------------------------------------------------------------------------
def test_nonsense_is_refused_at_the_door():
    """A printer that could not exist is not made."""
    for kwargs, says in (({"handshake": "rts"}, "'xonxoff' or 'dtr'"), ({"paper_mm": -1}, "not negative")):
        with pytest.raises(ValueError, match=says):
            TicketPrinter("p", **kwargs)
    with pytest.raises(ValueError, match="more than 0 mm"):
        TicketPrinter("p").load_paper(0, 0)


def test_profiles():
    """The profiles a scenario can name, by their names."""
    assert set(PROFILES) == {"tm-t88", "kiosk-58", "kiosk-80"}
    assert PROFILES["kiosk-58"] is KIOSK_58


@given(STREAMS, st.data())
@settings(max_examples=100, deadline=None)
def test_any_stream_in_any_split_on_a_driven_printer(stream, data):
    """No exception, bounded memory, and the paper is what the stream says if nothing was lost or cleared."""
    printer = TicketPrinter("p", replace(TM_T88, power_on_mask=0x0E), paper_mm=10_000_000)
    now, alarms = 0, {}
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        effects = list(printer.hear(now + end - start, stream[start:end], now, now + end - start, None))
        now += end - start + data.draw(st.integers(0, 10**9))
        for effect in effects:
            if isinstance(effect, Alarm):
                alarms[effect.tag] = effect.at
            assert isinstance(effect, Alarm | Send | Note | Modem)
        assert 0 <= printer.room <= 4096
        while alarms.get("print") is not None and data.draw(st.booleans()):
            now = max(now, alarms.pop("print"))
            for effect in printer.wake(now, "print"):
                if isinstance(effect, Alarm):
                    alarms[effect.tag] = effect.at


@pytest.mark.parametrize(("head", "body"), [(b"", b"x" * 46 + b"\n"), (b"\x1dv0\x00\x48\x00\xff\xff", b"\xaa" * 47)])
def test_a_day_without_a_cut_costs_no_memory(monkeypatch, head, body):
    """A host that never cuts, one whose picture never ends: beyond the limits of one sheet nothing more is kept."""
    monkeypatch.setattr(ticket_printer, "MOST_RECORDED", 5_000)
    monkeypatch.setattr(printer_body, "MOST_PIECES", 100)
    printer = TicketPrinter("p", paper_mm=10**9)
    printer.hear(0, head, 0, 0, None)

    def feed(times: int) -> None:
        for _ in range(times):
            effects = printer.hear(0, body, 0, 0, None)
            while any(isinstance(effect, Alarm) for effect in effects):
                effects = printer.wake(0, "print")

    feed(300)
    tracemalloc.start()
    feed(1000)
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 40_000
    assert printer.left_mm < 10**9


@given(STREAMS)
@settings(max_examples=50, deadline=None)
def test_the_paper_is_what_the_stream_says(stream):
    """A host that obeys XOFF gets on paper, cut by cut, exactly what the pure function of its bytes gives."""
    quiet = stream.replace(b"\x10", b"").replace(b"\x1b=", b"").replace(b"\x1bc", b"")
    bench = PrinterBench(settings="115200 8N1", paper_mm=1_000_000_000)
    bench.send(quiet)
    bench.run()
    expected = [sheet.lines for sheet in print_sheets(quiet) if sheet.cut]
    assert bench.lines == expected
    assert bench.facts("overrun") == []
