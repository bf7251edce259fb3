"""An Alpha board: files, priority, STRING in TEXT, special functions, errors, power."""

from __future__ import annotations

import random

import pytest

from board_bench import MS, NS, Bench
from firmware_sim.device import Flaws
from firmware_sim.devices.alpha_board import BETABRITE, AlphaBoard
from protocol.alpha import write
from protocol.alpha.memory import string_file, text_file
from protocol.alpha.packet import packet

READ = ord("F")
WRITE = ord("E")


def bench(**how) -> Bench:
    return Bench(AlphaBoard("board", **how))


def ready(rows: int = 2, **how) -> Bench:
    """A board with TEXT A that calls STRING a in its first row and b in its second."""
    made = bench(rows=rows, **how)
    made.say(write.memory(), seconds=6)
    made.say(write.memory([text_file("A", 200), text_file("B", 100), string_file("a", 20), string_file("b", 20)]))
    made.say(write.text("A", write.call("a") + b"\r" + write.call("b")))
    made.say(write.sequence("A"))
    return made


def status(made: Bench) -> int:
    return made.ask(write.read_errors())[1]


def shows(made: Bench, *texts: str) -> bool:
    return made.board.texts == tuple(texts) + ("",) * (made.board.rows - len(texts))


# -- text and strings -------------------------------------------------------------------------------------------------
def test_the_published_text_is_shown() -> None:
    """protocols.md 2.2: TEXT A "A001" for all signs is shown without any configuration: file A always exists."""
    made = bench(rows=1)
    made.send(bytes.fromhex("00 00 00 00 00 01 5A 30 30 02 41 41 1B 26 61 41 30 30 31 03 30 31 46 42 04"), 3)
    assert shows(made, "A001")
    assert made.facts("shown") == [{"text": "A001", "row": 1}]


def test_a_string_changes_without_a_blank() -> None:
    """A STRING file shown by a TEXT file: the new text replaces the old one, and nothing else is noted."""
    made = ready()
    made.say(write.string("a", b"A001"))
    made.say(write.string("b", b"B007"))
    assert shows(made, "A001", "B007")
    made.say(write.string("a", b"A002"))
    assert made.facts("shown")[-1] == {"text": "A002", "row": 1}
    assert {"text": "", "row": 2} not in made.facts("shown")


def test_a_text_write_blanks_the_display() -> None:
    """A TEXT file that is shown and written again: dark for a moment, then the new text."""
    made = ready(rows=1)
    made.say(write.text("A", b"ONE"))
    made.say(write.text("A", b"TWO"))
    assert [fact["text"] for fact in made.facts("shown")] == ["ONE", "", "TWO"]


def test_a_string_that_is_too_long_empties_its_file() -> None:
    """Measured on a real sign [C]: neither cut nor refused."""
    made = ready()
    made.say(write.string("a", b"A001"))
    made.say(write.string("a", b"X" * 21))
    assert made.ask(write.read_string("a")) == b"a"
    assert shows(made, "")


def test_a_string_of_a_file_that_is_not_there_draws_nothing() -> None:
    """A call to nothing is not even a space [C, measured]."""
    made = ready(rows=1)
    made.say(write.text("A", b"<" + write.call("z") + b">"))
    assert shows(made, "<>")


def test_a_string_in_a_string_draws_its_label() -> None:
    """Measured on a real sign: XbX [C]."""
    made = ready(rows=1)
    made.say(write.string("b", b"B"))
    made.say(write.string("a", b"X\x10bX"))
    made.say(write.text("A", write.call("a")))
    assert shows(made, "XbX")


def test_read_back_is_what_was_written() -> None:
    """TEXT with its mode field, STRING, with the write command's code; a file that was never written has no data."""
    made = ready()
    made.say(write.string("a", b"\x1c2A001"))
    assert made.ask(write.read_string("a")) == b"a\x1c2A001"
    assert made.ask(write.read_text("A")) == b"A\x1b0b\x10a\r\x10b"
    assert made.ask(write.read_text("B")) == b"B"
    assert made.ask(write.read_string("z")) == b"z"
    raw = made.say(write.read_string("a"))
    assert raw.startswith(bytes(20) + b"\x01000\x02Ga")


def test_a_text_that_is_too_long_is_cut() -> None:
    """To the size of its file."""
    made = ready()
    made.say(write.text("B", b"X" * 200))
    assert len(made.ask(write.read_text("B"))) == 101


def test_files_that_are_not_configured_are_refused() -> None:
    """Before a configuration only A and the priority file exist; then only what it names, each by its own kind."""
    made = bench()
    made.say(write.text("B", b"X"))
    made.say(write.string("a", b"X"))
    assert [fact["status"] for fact in made.facts("rejected")] == ["60", "60"]
    made = ready()
    for wrong in (write.text("C", b"X"), write.text("a", b"X"), write.string("A", b"X"), (ord("I"), b"A0101\x310")):
        made.say(wrong)
    assert len(made.facts("rejected")) == 4


def test_a_small_picture_is_kept_and_shown() -> None:
    """SMALL DOTS: three by two dots, called in a text; read back; a wrong size is refused."""
    made = bench(rows=1)
    made.say(write.memory(), seconds=6)
    made.say((WRITE, b"$PDU02034000AAU0100FFFF"))
    made.say((ord("I"), b"P0203120\r003\r"))
    made.say(write.text("A", b"\x14P"))
    assert made.ask((ord("J"), b"P")) == b"P0203120\r003\r"
    dots = made.board.shown(made.now).dots
    row = next(y for y, line in enumerate(dots) if any(line))
    assert bytes(dots[row]).strip(b"\0") == b"\x01\x02"
    assert bytes(dots[row + 1]).strip(b"\0") == b"\x03"
    made.say((ord("I"), b"P0304120\r003\r111\r"))
    assert made.facts("rejected")


# -- priority ---------------------------------------------------------------------------------------------------------
def test_the_priority_file_takes_the_display_and_gives_it_back() -> None:
    """125 bytes, shown alone; a bare write releases it and what ran before runs again (section 6.1.3 [S])."""
    made = ready(rows=1)
    made.say(write.text("A", b"QUEUE"))
    made.say(write.text("0", b"FIRE"))
    assert shows(made, "FIRE")
    made.say(write.text("A", b"OTHER"))
    assert shows(made, "FIRE")
    made.say(write.release())
    assert shows(made, "OTHER")


def test_an_empty_priority_text_with_a_mode_blanks() -> None:
    """Measured on a real sign [C]: it is a message that shows nothing, not a release."""
    made = ready(rows=1)
    made.say(write.text("A", b"QUEUE"))
    made.say(write.text("0", b""))
    assert shows(made, "")
    assert made.board.files.priority == b"\x1b0b"


@pytest.mark.parametrize("command", [(WRITE, b")AFFFF"), (WRITE, b"2A00")])
def test_run_tables_release_the_priority_file(command: tuple[int, bytes]) -> None:
    """A write of the run time or run day table is on the document's list; a run sequence is not."""
    made = ready(rows=1)
    made.say(write.text("A", b"QUEUE"))
    made.say(write.text("0", b"FIRE"))
    made.say(write.sequence("A"))
    assert shows(made, "FIRE")
    made.say(command)
    assert shows(made, "QUEUE")


def test_a_priority_text_calls_strings() -> None:
    """And they change in it."""
    made = ready(rows=1)
    made.say(write.string("a", b"1"))
    made.say(write.text("0", b"N" + write.call("a")))
    made.say(write.string("a", b"2"))
    assert shows(made, "N2")


# -- run sequence and time --------------------------------------------------------------------------------------------
def test_files_follow_each_other() -> None:
    """A run sequence of two files: each stands its time, in order; a label that is not there is passed over."""
    made = ready(rows=1)
    made.say(write.text("A", b"ONE"))
    made.say(write.text("B", b"TWO"))
    made.say(write.sequence("AZB"), seconds=20)
    texts = [fact["text"] for fact in made.facts("shown") if fact["text"]]
    assert texts[:4] == ["ONE", "TWO", "ONE", "TWO"]
    gaps = [b - a for a, b in zip(made.when("shown", text="ONE")[1:], made.when("shown", text="TWO")[1:], strict=False)]
    assert set(gaps) == {3 * NS}


def test_an_empty_sequence_leaves_what_is_shown() -> None:
    """Measured on a real sign [C]: the display freezes, and the kind reads T again."""
    made = ready(rows=1)
    made.say(write.text("A", b"ONE"))
    made.say((WRITE, b".SU"), seconds=30)
    assert shows(made, "ONE")
    assert made.ask((READ, b".")) == b".TU"


def test_files_run_by_the_clock() -> None:
    """Kind T: a file from 8:00 to 9:00; at 9:00 the other one runs alone."""
    made = bench(rows=1)
    made.say(write.memory(), seconds=6)
    made.say(write.memory([text_file("A", 50, 0x30, 0x36), text_file("B", 50, 0x36, 0x8F)]))
    made.say((WRITE, b" 0858"))
    made.say(write.text("A", b"EIGHT"))
    made.say(write.text("B", b"NINE"), seconds=60)
    assert shows(made, "EIGHT")
    made.run(60)
    assert shows(made, "NINE")
    assert made.ask((READ, b" ")) == b" 0900"


def test_kind_d_deletes_what_is_over() -> None:
    """D is T, and a file is deleted at its stop time (Table 15)."""
    made = bench(rows=1)
    made.say(write.memory(), seconds=6)
    made.say(write.memory([text_file("A", 50, 0x30, 0x36)]))
    made.say((WRITE, b" 0859"))
    made.say(write.sequence("A", kind="D"))
    made.say(write.text("A", b"EIGHT"), seconds=120)
    assert made.ask(write.read_text("A")) == b"A"


def test_the_time_in_a_text_goes_on() -> None:
    """Control code 13 shows the time, in the format that was set, minute by minute."""
    made = ready(rows=1)
    made.say((WRITE, b" 1359"))
    made.say((WRITE, b"'M"))
    made.say(write.text("A", b"\x13"), seconds=1)
    assert shows(made, "13:59")
    made.run(60)
    assert shows(made, "14:00")
    made.say((WRITE, b"'S"), seconds=61)
    assert shows(made, "2:01 PM")


@pytest.mark.parametrize(
    ("sets", "reads", "told"),
    [
        (b" 0730", b" ", b" 0730"),
        (b"!00", b"!", b"!00"),
        (b"&3", b"&", b"&3"),
        (b"'M", b"'", b"'M"),
        (b";031025", b";", b";031025"),
        (b".SUBA", b".", b".SUBA"),
        (b")A3036", b")", b")0FEFEA3036BFFFF"),
        (b"28", b"#", b"#7800,7680"),
    ],
)
def test_registers_read_back(sets: bytes, reads: bytes, told: bytes) -> None:
    """Special functions that can be read answer what was written (Tables 15 and 16)."""
    made = ready()
    made.say((WRITE, sets))
    assert made.ask((READ, reads)) == told


def test_general_information() -> None:
    """28 or 29 characters: firmware, its month, clock, format, speaker, memory (Table 16)."""
    made = ready()
    made.say((WRITE, b" 0730"))
    told = made.ask((READ, b'"'))
    assert len(told) == 1 + 29
    assert told.endswith(b"0730SFF7800,7680")


def test_the_memory_reads_back() -> None:
    """As it was configured; before that, file A with all of it."""
    assert bench().ask((READ, b"$")) == b"$AAU77F5FFFF"
    assert ready().ask((READ, b"$")) == b"$AAU00C8FFFFBAU0064FFFFaBL00140000bBL00140000"


def test_a_configuration_erases_everything() -> None:
    """Whatever was in the memory is gone, also when the same configuration comes again; the display is dark."""
    made = ready(rows=1)
    made.say(write.text("A", b"ONE"))
    made.say(write.memory([text_file("A", 200)]))
    assert made.ask(write.read_text("A")) == b"A"
    assert shows(made, "")


@pytest.mark.parametrize("bad", [b"$AAU0100", b"$AAU7F00FFFF", b"$aBL00FF0000", b"$0AU0010FFFF"])
def test_a_bad_configuration_changes_nothing(bad: bytes) -> None:
    """Neither too large a one, nor one that cannot be read."""
    made = ready()
    made.say((WRITE, bad))
    assert made.facts("rejected")
    assert made.ask((READ, b"$")) == b"$AAU00C8FFFFBAU0064FFFFaBL00140000bBL00140000"


# -- who is meant -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("type_code", "address", "heard"),
    [
        ("Z", b"00", True),
        ("Z", b"05", True),
        ("Z", b"?5", True),
        ("Z", b"06", False),
        ("1", b"05", True),
        ("^", b"05", False),
    ],
)
def test_addresses_and_types(type_code: str, address: bytes, heard: bool) -> None:
    """All signs, its own type, its address, any digit; another's packet does nothing, and is not answered."""
    made = bench(rows=1, address=5)
    made.say(write.text("A", b"ME"), type_code=ord(type_code), address=address)
    assert shows(made, "ME" if heard else "")
    assert bool(made.ask(write.read_text("A"), type_code=ord(type_code), address=address)) is heard


def test_a_new_address() -> None:
    """Set by 37; from then on it is the one."""
    made = bench(rows=1, address=5)
    made.say((WRITE, b"7A7"), address=b"05")
    assert made.ask((READ, b"7"), address=b"A7") == b"7A7"
    assert made.ask((READ, b"7"), address=b"05") == b""
    made.say((WRITE, b"7XY"))
    assert made.facts("rejected")


def test_two_boards_on_a_bus() -> None:
    """Half duplex, each hears its own; the other's reply is no command."""
    made = Bench(AlphaBoard("one", rows=1, address=1), duplex="half")
    other = AlphaBoard("two", rows=1, address=2)
    made.line.attach(other)
    made.say(write.text("A", b"ONE"), address=b"01")
    made.say(write.text("A", b"TWO"), address=b"02")
    assert (made.board.texts, other.texts) == (("ONE",), ("TWO",))
    assert made.ask(write.read_text("A"), address=b"02") == b"A\x1b0bTWO"
    assert not made.facts("rejected")


# -- errors, ACK and NAK ----------------------------------------------------------------------------------------------
def test_a_wrong_checksum_is_dropped_silently() -> None:
    """Without ACK and NAK nothing comes back; the status tells, until it is cleared (protocols.md 2.2)."""
    made = bench(rows=1)
    bad = packet(write.text("A", b"HELLO")).replace(b"HELLO", b"HELLP")
    assert made.send(bad) == b""
    assert shows(made, "")
    assert (status(made), status(made)) == (0x50, 0x50)
    made.say(write.clear_errors())
    assert status(made) == 0x40


def test_the_published_status_reply() -> None:
    """protocols.md 2.2: 0x41 after a parity error."""
    made = bench()
    made.board.hear(0, b"\0\0\0\0\0\x01Z00\x02", 0, 0, None)
    made.board.hear(0, b"AAX\x04", 0, 0, {2: 1})
    made.run(1)
    assert made.say(write.read_errors()) == bytes(20) + bytes.fromhex("01 30 30 30 02 45 2A 41 03 30 30 42 35 04")


@pytest.mark.parametrize(
    ("wrong", "bit"),
    [
        (packet((ord("Q"), b"AB")), 0x20),
        (packet((WRITE, b"T00")), 0x20),
        (packet((READ, b"%")), 0x20),
        (packet(write.text("A", b"X")).replace(b"AX", b"AY"), 0x00),
        (packet(write.text("A", b"X")).replace(b"\x1b0b", b"\x1b0c"), 0x10),
    ],
)
def test_ack_and_nak(wrong: bytes, bit: int) -> None:
    """Switched on by 73: 06 and the status, or 15 and the status."""
    made = bench()
    assert made.say(write.acknowledge(on=True)) == b"\x06\x40"
    assert made.say(write.text("A", b"X")) == b"\x06\x40"
    expected = bytes([0x15, 0x40 | bit]) if bit else b"\x06\x40"
    assert made.send(wrong) == expected
    made.say(write.acknowledge(on=False))
    assert made.say(write.text("A", b"X")) == b""


def test_a_betabrite_knows_no_ack() -> None:
    """It is of Alpha 1.0: the command is illegal there [C]."""
    made = bench(model=BETABRITE)
    assert made.say(write.acknowledge(on=True)) == b""
    assert status(made) == 0x60


def test_a_packet_that_stops_is_timed_out() -> None:
    """A second of silence ends it; NAK with bit 04; the next packet is understood (protocols.md 2.2)."""
    made = bench(rows=1)
    made.say(write.acknowledge(on=True))
    assert made.send(packet(write.text("A", b"HELLO"))[:-8], 2.0) == b"\x15\x44"
    assert made.say(write.text("A", b"NEXT")) == b"\x06\x44"
    assert shows(made, "NEXT")


def test_a_pause_below_a_second_is_none() -> None:
    """A packet in two halves, 0.9 s apart."""
    made = bench(rows=1)
    data = packet(write.text("A", b"HELLO"))
    made.send(data[:15], 0.9)
    made.send(data[15:])
    assert shows(made, "HELLO")


@pytest.mark.parametrize(("flaw", "bit"), [(1, 0x01), (2, 0x02), (4, 0x08)])
def test_a_damaged_character_drops_its_command(flaw: int, bit: int) -> None:
    """Parity, framing, overrun: the status says which, the text is not taken."""
    made = bench(rows=1)
    data = packet(write.text("A", b"HELLO"), check=False)
    flaws: Flaws = {16: flaw}
    made.board.hear(0, data, 0, 20 * MS, flaws)
    made.run(1)
    assert shows(made, "")
    assert status(made) == 0x40 | bit


def test_several_commands_in_one_packet() -> None:
    """Each is carried out; without the pause after a STX it is noted that the host hurried."""
    made = ready()
    made.say(write.string("a", b"A001"), write.string("b", b"B001"))
    assert shows(made, "A001", "B001")
    assert not made.facts("hurried")
    made.send(packet(write.string("a", b"A002"), write.string("b", b"B002")))
    assert shows(made, "A002", "B002")
    assert made.facts("hurried") == [{"pause_ms": 0}]


def test_one_bad_command_among_good_ones() -> None:
    """The good ones are carried out; the packet as a whole is refused."""
    made = ready()
    made.say(write.acknowledge(on=True))
    assert made.say(write.string("a", b"A001"), write.string("z", b"X")) == b"\x15\x60"
    assert shows(made, "A001")


# -- power, reset, baud rate ------------------------------------------------------------------------------------------
def test_power_comes_and_goes() -> None:
    """Dark and silent without supply; afterwards diagnostics, and the memory shows what it held (protocols.md 2.2)."""
    made = ready(rows=1)
    made.say(write.text("A", b"N" + write.call("a")))
    made.say(write.string("a", b"42"))
    made.say(write.acknowledge(on=True))
    made.human("unplug")
    assert shows(made, "")
    assert made.ask(write.read_text("A")) == b""
    made.human("plug_in")
    assert made.ask(write.read_text("A")) == b""
    made.run(5)
    assert shows(made, "N42")
    assert made.ask(write.read_string("a")) == b"a42"
    assert made.say(write.text("A", b"X")) == b"", "ACK is off after power-up"
    assert not any(any(row) for row in made.board.shown(made.now).dots) or shows(made, "X")


def test_power_goes_in_the_middle_of_a_packet() -> None:
    """What was begun is forgotten: its rest does nothing after power-up."""
    made = bench(rows=1)
    data = packet(write.text("A", b"HELLO"))
    made.send(data[:14], 0.5)
    made.human("unplug")
    made.human("plug_in")
    made.run(5.1)
    made.send(data[14:])
    assert shows(made, "")
    assert made.say(write.text("A", b"NEXT")) == b""
    assert shows(made, "NEXT")


def test_the_baud_rate_must_be_found_after_power_up() -> None:
    """Five characters before the first SOH; afterwards fewer will do (protocols.md 2.2 [R])."""
    made = bench(rows=1)
    made.say(write.text("A", b"ONE"), wake_up=2)
    assert shows(made, "")
    made.say(write.text("A", b"ONE"), wake_up=5)
    made.say(write.text("A", b"TWO"), wake_up=0)
    assert shows(made, "TWO")


def test_clearing_the_memory_takes_five_seconds() -> None:
    """Reads are not answered in that time; a write is taken at its end [C, measured]."""
    made = ready(rows=1)
    made.say(write.memory(), seconds=0.5)
    made.say(write.memory([text_file("A", 100)]), seconds=0.2)
    assert made.ask(write.read_memory()) == b""
    made.run(5)
    assert made.ask(write.read_memory()) == b"$AAU0064FFFF"


def test_a_soft_reset_keeps_the_memory_and_is_deaf() -> None:
    """2C: power-up diagnostics, memory untouched; what is sent meanwhile is lost [C, measured]."""
    made = ready(rows=1)
    made.say(write.text("A", b"ONE"))
    made.say((WRITE, b","), seconds=0.5)
    assert shows(made, "")
    made.say(write.text("A", b"LOST"))
    made.run(5)
    assert shows(made, "ONE")


def test_a_tone_makes_it_deaf() -> None:
    """The serial port is off while a tone sounds, about two seconds [S]; three are enough."""
    made = ready(rows=1)
    made.say((WRITE, b"(1"), seconds=0.2)
    made.say(write.text("A", b"LOST"))
    made.run(2)
    made.say(write.text("A", b"HEARD"))
    assert shows(made, "HEARD")


def test_a_betabrite_shows_only_after_a_clear() -> None:
    """A configuration without a clear before it is stored and not shown [C, measured]."""
    made = bench(rows=1, model=BETABRITE)
    table = [text_file("A", 100)]
    made.say(write.memory([text_file("A", 50)]))
    made.say(write.memory(table))
    made.say(write.text("A", b"ONE"))
    made.say(write.sequence("A"))
    assert made.ask(write.read_memory()) == b"$AAU0064FFFF"
    assert shows(made, "")
    made.say(write.memory(), seconds=6)
    made.say(write.memory(table))
    made.say(write.text("A", b"ONE"))
    assert shows(made, "ONE")


def test_wrong_settings_are_garbage() -> None:
    """A host at 8N1 before a board at 7E1 is not understood, or understood with errors: nothing false is shown."""
    made = bench(rows=1)
    made.port.settings = type(made.line.settings).parse("4800 7E1")
    made.send(packet(write.text("A", b"HELLO")), 3)
    assert shows(made, "")


@pytest.mark.parametrize("how", [{"address": 256}, {"rows": 0}, {"width": 5}])
def test_boards_that_there_are_not(how: dict[str, int]) -> None:
    """Addresses, rows and widths have limits."""
    with pytest.raises(ValueError, match="addresses are"):
        AlphaBoard("board", **how)


# -- robustness -------------------------------------------------------------------------------------------------------
def must_survive(size: int, seed: int) -> None:
    """Random packets, mutated packets, noise with flaws: no exception, and the next good packet is answered."""
    chance = random.Random(seed)
    board = AlphaBoard("board", rows=chance.randrange(1, 5), pool=2000)
    made = Bench(board)
    vectors = [
        packet(write.memory([text_file("A", 200), string_file("a", 20)])),
        packet(write.text("A", write.call("a") + b"\x13\r\x1c9X\x0cY\x1a1Z", mode=ord("m"))),
        packet(write.string("a", b"\x1cZFF8000A001")),
        packet(write.read_memory()),
        packet((WRITE, b".SUAB0")),
        packet((WRITE, b")A3036")),
        packet(write.text("0", b"\x0b8\x0b9")),
        packet((ord("I"), b"A0101\x310\r")),
        packet((WRITE, b" 2359")),
    ]
    left = size
    while left > 0:
        data = bytearray(chance.choice(vectors) if chance.random() < 0.6 else chance.randbytes(200))
        for _ in range(chance.randrange(4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        left -= len(data)
        start = made.now
        made.run(len(data) * 0.001)
        flaws = {chance.randrange(len(data)): 1 << chance.randrange(3)} if chance.random() < 0.1 else None
        made.line.apply(board, board.hear(made.now, bytes(data), start, made.now, flaws))
        if chance.random() < 0.05:
            made.run(chance.random() * 4)
            board.shown(made.now)
        if chance.random() < 0.01:
            made.human("unplug")
            made.human("plug_in")
        assert len(board._deferred) <= 64
        assert len(board.texts) == board.rows
    made.run(8)
    made.send(bytes(5) + b"\x01Z00\x02E" + b"7010\x03zz\x04")
    assert made.ask(write.read_errors())[:1] == b"*"
    board.shown(made.now)


@pytest.mark.parametrize("seed", range(3))
def test_garbage_is_survived(seed: int) -> None:
    """A hundred thousand characters: no exception, bounded memory; then it answers."""
    must_survive(100_000, seed)


@pytest.mark.gate
@pytest.mark.timeout(3000)
def test_much_garbage_is_survived() -> None:
    """Ten million characters."""
    must_survive(10_000_000, 7)


def test_the_same_characters_give_the_same_board() -> None:
    """Determinism: same input, same notes at the same instants, same dots."""

    def once() -> tuple[object, ...]:
        made = ready(rows=3)
        made.say(write.text("A", b"A LONG TEXT THAT NEEDS MORE THAN ONE PAGE OF THE BOARD", mode=ord("o")))
        made.run(9.3)
        return tuple(made.notes), made.board.shown(made.now)

    assert once() == once()
