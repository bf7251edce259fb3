"""What happens to a printer's mechanism in time: jams, heat, the feed button, the presenter, power-off by command."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest

from firmware_sim.device import NS, Alarm, Modem, Note, Send, Stop
from firmware_sim.devices.ticket_printer import MOST_HELD, TicketPrinter
from printer_bench import MS, PrinterBench
from protocol.escpos import write
from protocol.escpos.composer import print_sheets
from protocol.escpos.profiles import KIOSK_58, KIOSK_80, TM_T88
from protocol.escpos.tokenizer import Token

QUIET = replace(TM_T88, busy_offline=False)
LINE = round(30 / 8 / 150 * NS)
TICKET = b"A001\nline 2\nline 3\n" + write.cut() + write.process_id(b"A001")


def statuses(bench: PrinterBench, at: int) -> None:
    bench.send(b"".join(write.status(n) for n in (1, 2, 3, 4)), at=at)


def test_hands_are_named():
    """`human` names methods that exist, take the instant first and return effects."""
    printer = TicketPrinter("p")
    for name in TicketPrinter.human:
        method = getattr(printer, name)
        assert next(iter(inspect.signature(method).parameters)) == "now"
        args = [100] if name == "load_paper" else []
        for effect in method(0, *args):
            assert isinstance(effect, Alarm | Send | Note | Modem | Stop)


# -- paper jam --------------------------------------------------------------------------------------------------------
def test_a_jam_in_a_ticket():
    """Off line with a recoverable error; the unfinished ticket is torn off, and the rest comes out after DLE ENQ 1."""
    bench = PrinterBench(QUIET, settings="115200 8N1")
    bench.send(TICKET)
    bench.hand("jam_paper", at=LINE + LINE // 2)
    statuses(bench, 1 * NS)
    bench.hand("clear_jam", at=2 * NS)
    bench.run(3 * NS)
    assert bench.replies.hex() == "1e521612"
    assert bench.facts("jam") == [{"error": True}]
    assert bench.facts("torn") == [{"lines": ["A001"], "mm": round((120 + 30) / 8)}]
    bench.send(write.recover(), at=4 * NS)
    bench.run()
    assert bench.lines == [["line 2", "line 3"]]
    assert bench.replies[4:] == b"\x37\x22A001\x00"
    assert bench.facts("jam") == [{"error": True}, {"error": False}]


def test_a_jam_that_is_still_there():
    """DLE ENQ before the paper is pulled out: the error comes back with the next line."""
    bench = PrinterBench(QUIET)
    bench.hand("jam_paper")
    bench.send(TICKET)
    bench.send(write.recover(), at=1 * NS)
    bench.run()
    assert bench.facts("jam") == [{"error": True}, {"error": False}, {"error": True}]
    assert bench.printer.condition.jam
    assert bench.facts("printed") == []


def test_a_jam_met_by_nobody():
    """An idle printer with jammed paper is on line: nothing tells it until it prints."""
    bench = PrinterBench(QUIET)
    bench.hand("jam_paper")
    statuses(bench, 1 * NS)
    bench.run()
    assert bench.replies.hex() == "16121212"
    assert bench.facts("jam") == []


def test_a_jam_cleared_with_the_buffers():
    """DLE ENQ 2: the ticket is gone, its process id never answered, and the next one prints."""
    bench = PrinterBench(QUIET, settings="115200 8N1")
    bench.send(TICKET)
    bench.hand("jam_paper", at=LINE // 2)
    bench.hand("clear_jam", at=1 * NS)
    bench.send(write.recover(clear=True) + b"next\n" + write.cut(), at=2 * NS)
    bench.run()
    assert bench.lines == [["next"]]
    assert bench.replies == b""


def test_a_jam_survives_the_power():
    """Switched off and on with the paper still stuck, the printer starts with the error."""
    bench = PrinterBench(QUIET)
    bench.hand("jam_paper")
    bench.hand("unplug", at=1)
    bench.hand("plug_in", at=2)
    bench.run()
    assert bench.printer.condition.recoverable
    bench.hand("clear_jam")
    bench.hand("unplug")
    bench.hand("plug_in")
    bench.run()
    assert not bench.printer.condition.offline


# -- heat -------------------------------------------------------------------------------------------------------------
def test_a_hot_head_finishes_its_line_and_waits():
    """Auto-recoverable error and off line until it has cooled; nothing is printed twice, nothing is lost."""
    bench = PrinterBench(QUIET, settings="115200 8N1")
    bench.send(write.auto_status(0x04) + TICKET)
    bench.hand("overheat", at=LINE // 2)
    statuses(bench, 1 * NS)
    bench.hand("cool_down", at=2 * NS)
    bench.run(2 * NS - 1)
    assert bench.printer.hanging == ["A001"]
    assert bench.replies.hex() == "14000000" + "1c400000" + "1e525212"
    bench.run()
    assert bench.lines == [["A001", "line 2", "line 3"]]
    assert bench.when("cut")[0] == 2 * NS + 2 * LINE + TM_T88.duration(120) + TM_T88.cut_ns
    assert bench.facts("head") == [{"hot": True}, {"hot": False}]


# -- the feed button --------------------------------------------------------------------------------------------------
def test_feeding_by_hand():
    """Held on an idle printer it feeds: off line, bits of button and feeding; the paper is used up by the time."""
    bench = PrinterBench(QUIET, paper_mm=1000, near_end_mm=100)
    bench.send(write.auto_status(0x42))
    bench.hand("hold_feed", at=1 * NS)
    statuses(bench, 1 * NS + 100 * MS)
    bench.hand("release_feed", at=1 * NS + 200 * MS)
    bench.run()
    assert bench.replies.hex() == "14000000" + "5c020000" + "5e1a1212" + "14000000"
    assert bench.facts("fed") == [{"mm": 30}]
    assert bench.printer.left_mm == 970


def test_the_button_while_printing_or_disabled():
    """Pressed while a ticket is printed, or disabled by ESC c 5, it feeds nothing."""
    for before in (b"A\n" * 40, b"\x1bc5\x01"):
        bench = PrinterBench(settings="115200 8N1")
        bench.send(before)
        bench.hand("hold_feed", at=20 * MS)
        bench.hand("release_feed", at=40 * MS)
        bench.run()
        assert bench.facts("fed") == []


def test_feeding_ends_with_the_paper():
    """A button that is held longer than the roll lasts feeds what there was."""
    bench = PrinterBench(paper_mm=10, near_end_mm=5)
    bench.hand("hold_feed")
    bench.hand("release_feed", at=10 * NS)
    bench.run()
    assert bench.facts("fed") == [{"mm": 10}]
    assert bench.facts("paper")[-1]["state"] == "out"


# -- the presenter ----------------------------------------------------------------------------------------------------
def test_presented_and_taken():
    """GS e 3 cuts what is not cut and holds it out; the sensor sees it until somebody takes it."""
    bench = PrinterBench(KIOSK_80)
    bench.send(b"\x1de\x12" + b"A001\n" + write.present(12) + write.process_id(b"A001"))
    bench.send(b"\x10\x04\x14" + b"\x1de\x06", at=3 * NS)
    bench.hand("take_paper", at=4 * NS)
    bench.send(b"\x10\x04\x14" + b"\x1de\x06", at=5 * NS)
    bench.run()
    assert bench.lines == [["A001"]]
    cut, presented = bench.when("cut")[0], bench.when("presented")[0]
    assert presented == cut + 12 * 7 * NS // 200
    assert bench.replies == b"\x37\x22A001\x00" + b"\x10\x0f\x20\x00\x00\x00\x0c" + b"\x10\x0f\x00\x00\x00\x00\x04"
    assert bench.facts("taken") == [{"tickets": 1}]


def test_not_presented_is_out_of_reach():
    """In hold mode (GS e 18) a ticket that was only cut cannot be taken; in continuous mode it can."""
    for mode, taken in ((18, []), (20, [{"tickets": 1}])):
        bench = PrinterBench(KIOSK_80)
        bench.send(bytes((0x1D, 0x65, mode)) + b"A001\n" + write.cut())
        bench.hand("take_paper", at=5 * NS)
        bench.run()
        assert bench.facts("taken") == taken


@pytest.mark.parametrize(("presenter", "kind"), [("retract", "retracted"), ("eject", "ejected")])
def test_not_taken_in_time(presenter, kind):
    """GS e 32 with a time-out: what nobody takes is drawn in or pushed out, as the printer is set."""
    bench = PrinterBench(replace(KIOSK_80, presenter=presenter))
    bench.send(b"A001\n" + write.present(12, 30))
    bench.hand("take_paper", at=60 * NS)
    bench.run()
    assert bench.facts(kind) == [{"tickets": 1}]
    assert bench.when(kind)[0] - bench.when("cut")[0] == 12 * 7 * NS // 200 + 30 * NS
    assert bench.facts("taken") == []


def test_taken_in_time():
    """Taken before the time-out, nothing is retracted."""
    bench = PrinterBench(KIOSK_80)
    bench.send(b"A001\n" + write.present(12, 30))
    bench.hand("take_paper", at=10 * NS)
    bench.run()
    assert bench.facts("taken") == [{"tickets": 1}]
    assert bench.facts("retracted") == []


def test_the_next_ticket_clears_the_mouth():
    """A ticket left in the mouth is retracted when the next one is printed: the visitor finds one ticket."""
    bench = PrinterBench(KIOSK_80)
    for name in (b"A001", b"A002"):
        bench.send(name + b"\n" + write.cut())
    bench.hand("take_paper", at=10 * NS)
    bench.run()
    assert bench.facts("retracted") == bench.facts("taken") == [{"tickets": 1}]


@pytest.mark.parametrize(("command", "kind"), [(write.retract(), "retracted"), (write.eject(), "ejected")])
def test_clearing_the_mouth_by_command(command, kind):
    """GS e 2 and 5 clear it; without a ticket they do nothing, and print nothing."""
    bench = PrinterBench(KIOSK_80)
    bench.send(command + b"A001\n" + write.cut() + command)
    bench.run()
    assert bench.facts(kind) == [{"tickets": 1}]
    assert bench.lines == [["A001"]]


def test_bits_of_a_kiosk_printer():
    """DLE EOT 17 and 20 tell motor, cover, paper, jam and cutter; a TM-T88 does not answer them."""
    bench = PrinterBench(replace(KIOSK_80, busy_offline=False), paper_mm=100, near_end_mm=99)
    bench.send(b"\n" * 12)
    bench.send(b"\x10\x04\x11", at=20 * MS)
    bench.hand("jam_paper", at=50 * MS)
    bench.hand("open_cover", at=60 * MS)
    bench.send(b"\x10\x04\x14\x10\x04\x11", at=1 * NS)
    bench.run()
    assert bench.replies.hex() == "16" + "100f04034000" + "12"
    plain = PrinterBench()
    plain.send(b"\x10\x04\x14\x10\x04\x11" + b"\x1de\x06" + b"\x1de\x05")
    plain.run()
    assert plain.replies == b""


# -- modem lines ------------------------------------------------------------------------------------------------------
def test_answers_wait_for_the_host():
    """With DTR handshake nothing is sent while the host is not ready; at most the send buffer is kept."""
    printer = TicketPrinter("p", handshake="dtr")
    assert list(printer.host_ready(0, False)) == []
    effects = list(printer.hear(3, write.status(1) * 200, 0, 3, None))
    assert not any(isinstance(e, Send) for e in effects)
    assert list(printer.host_ready(4, True)) == [Send(b"\x16" * MOST_HELD)]
    assert list(printer.hear(6, write.status(1), 5, 6, None)) == [Send(b"\x16")]


def test_a_full_buffer_is_a_level():
    """With DTR handshake the busy line goes at 128 bytes left and comes back at 256, and no XOFF is sent."""
    printer = TicketPrinter("p", replace(TM_T88, busy_offline=False), paper_mm=0, handshake="dtr")
    effects = list(printer.hear(1, b"x" * 3968, 0, 1, None))
    assert [e for e in effects if isinstance(e, Modem)] == [Modem(cts=False, dsr=False)]
    effects = list(printer.load_paper(2, 1000))
    effects += [e for _ in range(90) for e in printer.wake(3, "print")]
    assert [e for e in effects if isinstance(e, Modem)] == [Modem(cts=True, dsr=True)]
    assert not any(isinstance(e, Send) for e in effects)


# -- power-off by command ---------------------------------------------------------------------------------------------
def test_power_off_must_be_allowed():
    """DLE DC4 2 is ignored until GS ( D allows it; then the printer says 3B 30 00 and is deaf until switched on."""
    bench = PrinterBench(obeys=False)
    off = bytes.fromhex("10 14 02 01 08")
    bench.send(off + write.status(1))
    bench.send(b"\x1d(D\x03\x00\x14\x02\x01" + off + write.status(1), at=1 * NS)
    bench.send(b"lost\n" + write.status(1), at=2 * NS)
    bench.hand("unplug", at=3 * NS)
    bench.hand("plug_in", at=4 * NS)
    bench.send(b"back\n" + write.cut(), at=8 * NS)
    bench.run()
    assert bench.replies == b"\x16" + b"\x3b\x30\x00" + b"\x13" + b"\x11"
    assert bench.lines == [["back"]]
    assert len(bench.facts("standby")) == 1


def test_status_on_request_in_real_time():
    """DLE DC4 7 1 answers the automatic status at once, whatever GS a says."""
    bench = PrinterBench()
    bench.send(b"\x10\x14\x07\x01")
    bench.run()
    assert bench.replies.hex() == "14000000"


# -- what is told -----------------------------------------------------------------------------------------------------
def test_answers_about_what_it_keeps():
    """GS I 33 and the queries of GS ( L: type, memory, what is left of it, the keys in use."""
    bench = PrinterBench()
    define = b"\x1d(L\x13\x00\x30\x43\x30G1\x01\x08\x00\x08\x00\x31" + bytes(8)
    bench.send(b"\x1dI\x21" + define + b"".join(b"\x1d(L\x02\x00\x30" + bytes([n]) for n in (48, 51, 52)))
    bench.send(b"\x1d(L\x04\x00\x30\x40KC" + b"\x1d(L\x04\x00\x30\x50KC")
    bench.run()
    assert bench.replies == b"".join(
        (
            b"\x3d\x21\x42\x40\x00",
            b"\x37\x30262144\x00",
            b"\x37\x31262136\x00",
            b"\x37\x3212288\x00",
            b"\x37\x72\x40G1\x00",
            b"\x37\x73\x40\x00",
        )
    )


def test_what_is_not_printed_is_told_once():
    """A command the printer does not know leaves a note, the first time."""
    bench = PrinterBench()
    bench.send(b"\x1b~A\n\x1b~B\n" + b"\x1dw\x09" + write.cut())
    bench.run()
    assert [facts["why"] for facts in bench.facts("not_printed")] == [
        "unknown command 1B 7E was passed over",
        "barcode module width is 2 to 6 dots, not 9; the one in force stays",
    ]


def test_a_logo_lives_on():
    """A logo defined once is on every later ticket, after a power cut too, and in the bytes told of each."""
    bench = PrinterBench()
    bench.send(b"\x1cq\x01\x01\x00\x01\x00" + b"\xff" * 8)
    bench.hand("unplug", at=1 * NS)
    bench.hand("plug_in", at=2 * NS)
    for _ in range(2):
        bench.send(b"\x1cp\x01\x00" + b"A001\n" + write.cut(), at=6 * NS)
    bench.run()
    for facts in bench.facts("printed"):
        sheet = print_sheets(bytes.fromhex(facts["data"]))[-1]
        assert sheet.lines == ["A001"]
        assert len(sheet.pieces) == 2


def test_a_page_is_confirmed_when_it_is_printed():
    """A process id behind data in page mode waits for FF; leaving page mode without printing means never."""
    page = b"\x1bL" + write.area(0, 0, 576, 240) + b"A001" + write.process_id(b"A001")
    bench = PrinterBench()
    bench.send(page)
    bench.run()
    assert bench.replies == b""
    bench.send(b"\x0c", at=1 * NS)
    bench.run()
    assert bench.replies == b"\x37\x22A001\x00"
    assert bench.when("confirm")[0] == 1 * NS + bench.line.settings.duration(1) + TM_T88.duration(240)
    for end in (b"\x1bS", b"\x18", b"\x1b@", write.clear()):
        bench = PrinterBench()
        bench.send(page + end + b"other\n")
        bench.run()
        assert b"A001" not in bench.replies


def test_a_page_jammed_is_printed_again_whole():
    """A page is one movement: interrupted, it begins again."""
    bench = PrinterBench(QUIET, settings="115200 8N1")
    bench.send(write.page(write.area(0, 0, 576, 400), b"A001\n") + write.cut())
    bench.hand("jam_paper", at=100 * MS)
    bench.hand("clear_jam", at=1 * NS)
    bench.send(write.recover(), at=2 * NS)
    bench.run()
    assert bench.lines == [["A001"]]
    assert bench.when("cut")[0] >= 2 * NS + TM_T88.duration(400)


def test_the_qr_of_cheap_mechanisms():
    """ESC Z prints on the 58 mm profile and is passed over by the others."""
    job = b"\x1bZ\x00M\x04\x04\x00A001" + write.cut()
    assert print_sheets(job, KIOSK_58)[0].symbols == [b"A001"]
    assert print_sheets(job)[0].symbols == []


def test_tokens_that_only_answer():
    """A question puts nothing on paper."""
    printer = TicketPrinter("p")
    out: list = []
    printer._execute(Token("GS I", b"\x1dI\x01", b"\x01"), out)
    assert out == [Send(b"\x20")]
    assert printer.hanging == []
