"""Numbers of form 9708-8061 as it publishes them (protocols.md 2.2), written down again: a sign of somebody else's, or
a host, goes by them."""

from __future__ import annotations

import pytest

from protocol.alpha import codes, memory, packet, text, write


def test_characters_that_frame_a_packet() -> None:
    """NUL x5, SOH, STX, ETX, EOT; ACK and NAK; ESC before a mode field; 20 NULs before a reply (6.2.2)."""
    assert (codes.NUL, codes.SOH, codes.STX, codes.ETX, codes.EOT) == (0, 1, 2, 3, 4)
    assert (codes.ACK, codes.NAK, codes.ESC) == (6, 0x15, 0x1B)
    assert (codes.WAKE_UP, codes.REPLY_WAKE_UP) == (5, 20)
    assert (codes.BROADCAST, codes.RESPONSE) == (b"00", 0x30)


def test_times_of_the_line() -> None:
    """One second of silence ends a packet; 100 ms after each STX of a nested one [S]."""
    assert (codes.GAP_NS, codes.STX_PAUSE_NS) == (10**9, 10**8)


def test_files_and_their_labels() -> None:
    """Priority file "0", default file "A", 125 bytes; labels are 0x20 to 0x7E (Appendix A)."""
    assert (chr(codes.PRIORITY), chr(codes.DEFAULT_FILE), codes.SHORT_FILE) == ("0", "A", 125)
    assert (min(codes.LABELS), max(codes.LABELS)) == (0x20, 0x7E)


def test_commands() -> None:
    """Table 6: each read is the letter after its write."""
    assert "".join(map(chr, codes.COMMANDS)) == "ABEFGHIJKLMNO"
    writes = (codes.WRITE_TEXT, codes.WRITE_SPECIAL, codes.WRITE_STRING, codes.WRITE_DOTS)
    reads = (codes.READ_TEXT, codes.READ_SPECIAL, codes.READ_STRING, codes.READ_DOTS)
    assert bytes(writes) == b"AEGI"
    assert bytes(reads) == b"BFHJ"
    kinds = ("TEXT", "SPECIAL", "STRING", "SMALL DOTS")
    for kind, written, asked in zip(kinds, writes, reads, strict=True):
        assert codes.COMMANDS[written].startswith(f"write {kind}")
        assert codes.COMMANDS[asked].startswith(f"read {kind}")
    assert [codes.COMMANDS[code].split()[:2] for code in b"KLMN"] == [
        ["write", "RGB"],
        ["read", "RGB"],
        ["write", "LARGE"],
        ["read", "LARGE"],
    ]


LABELS_OF_FUNCTIONS = {
    # Tables 15 and 16: label -> how the description of what it sets or tells begins
    0x20: "time of day",
    0x21: "speaker, 00",
    0x22: "general information",
    0x23: "size of the memory pool",
    0x24: "memory configuration; nothing",
    0x25: "memory dump",
    0x26: "day of the week",
    0x27: "time format",
    0x28: "speaker tone",
    0x29: "run time table",
    0x2A: "serial error status (read)",
    0x2B: "text at a position",
    0x2C: "soft reset",
    0x2D: "network query",
    0x2E: "run sequence",
    0x2F: "dimming register",
    0x30: "dimming times",
    0x32: "run day table",
    0x34: "clear the serial error status",
    0x35: "counters",
    0x37: "serial address",
    0x38: "LARGE DOTS memory configuration",
    0x39: "append",
    0x3A: "run file times",
    0x3B: "date",
    0x73: "ACK and NAK",
}


def test_special_functions() -> None:
    """Every label of tables 15 and 16 means what the document says, and there is no other."""
    assert set(codes.FUNCTIONS) == set(LABELS_OF_FUNCTIONS)
    for label, word in LABELS_OF_FUNCTIONS.items():
        assert codes.FUNCTIONS[label].startswith(word)


def test_names_of_special_functions_are_their_labels() -> None:
    """What a program writes by name goes out as the label that the tables give."""
    named = (codes.TIME, codes.SPEAKER, codes.INFORMATION, codes.POOL, codes.MEMORY)
    assert named == (0x20, 0x21, 0x22, 0x23, 0x24)
    assert (codes.WEEKDAY, codes.TIME_FORMAT, codes.TONE, codes.RUN_TIMES, codes.ERROR_STATUS) == (38, 39, 40, 41, 42)
    assert (codes.SOFT_RESET, codes.SEQUENCE, codes.RUN_DAYS, codes.CLEAR_ERRORS) == (0x2C, 0x2E, 0x32, 0x34)
    assert (codes.ADDRESS, codes.DATE, codes.ACKNOWLEDGE) == (0x37, 0x3B, 0x73)


def test_bits_of_the_error_status() -> None:
    """40 always, 20 illegal, 10 checksum, 08 overflow, 04 time-out, 02 framing, 01 parity."""
    assert codes.STATUS_ALWAYS == 0x40
    assert dict(codes.STATUS_BITS) == {
        0x20: "illegal command or label",
        0x10: "checksum",
        0x08: "buffer overflow",
        0x04: "time-out",
        0x02: "framing",
        0x01: "parity",
    }
    assert codes.STATUS_CHECKSUM == 0x10
    assert (codes.STATUS_ILLEGAL, codes.STATUS_OVERFLOW, codes.STATUS_TIMEOUT) == (0x20, 8, 4)
    assert (codes.STATUS_FRAMING, codes.STATUS_PARITY) == (2, 1)


def test_type_codes() -> None:
    """Table 5: who is meant by a header's first character; four codes mean every sign."""
    assert frozenset(b"Z?z!") == codes.ALL_TYPES
    assert all(codes.TYPES[code].startswith("all signs") for code in codes.ALL_TYPES)
    by_name = {name: chr(code) for code, name in codes.TYPES.items()}
    assert len(by_name) == len(codes.TYPES) == 23
    ours = {"BetaBrite": "^", "one-line signs": "1", "two-line signs": "2", "response": "0", "serial clock": '"'}
    assert {name: by_name[name] for name in ours} == ours
    listed = ("4120C", "4160C", "4200C", "4240C", "215", "215C", "4120R", "4160R", "4200R", "4240R")
    assert "".join(by_name[name] for name in listed) == "abcdefghij"
    assert "".join(by_name[name] for name in ("300 series", "7000 series", "4080C", "210C and 220C")) == "kltu"


def test_positions() -> None:
    """Table 12: it is the byte that counts, since clients disagree on the names."""
    assert dict(codes.POSITIONS) == {
        0x20: "middle",
        0x22: "top",
        0x26: "bottom",
        0x30: "fill",
        0x31: "left",
        0x32: "right",
    }


def test_modes() -> None:
    """Table 65, and the specifiers of the special mode (tables 66 and 67)."""
    assert "".join(map(chr, codes.MODES)) == "abcdefghijklmnopqrstuv"
    assert [codes.MODES[mode] for mode in b"abcmno"] == ["rotate", "hold", "flash", "scroll", "special", "auto"]
    assert [codes.MODES[mode] for mode in b"efgh"] == ["roll up", "roll down", "roll left", "roll right"]
    assert ord("n") == codes.SPECIAL_MODE
    assert "".join(map(chr, codes.SPECIAL_MODES)) == "0123456789ABCSUVWXYZ"
    assert [codes.SPECIAL_MODES[mode] for mode in b"08SVZ"] == [
        "twinkle",
        "welcome",
        "thank you",
        "don't drink and drive",
        "cherry bomb",
    ]


#: Appendix G: control code -> characters that follow it
PARAMETERS = {
    **dict.fromkeys((0x05, 0x06, 0x07, 0x08, 0x0B, 0x0F, 0x10, 0x14, 0x1A, 0x1C, 0x1E), 1),
    **dict.fromkeys((0x09, 0x0A, 0x0C, 0x0D, 0x0E, 0x11, 0x12, 0x13, 0x15, 0x16, 0x17, 0x18, 0x19), 0),
    0x1D: 2,
    0x1F: 14,
}


@pytest.mark.parametrize(("code", "count"), sorted(PARAMETERS.items()))
def test_a_control_code_takes_its_characters_and_no_more(code: int, count: int) -> None:
    """Appendix G: what follows the parameters is text again."""
    said = text.pieces_of(bytes([code]) + b"1" * count + b"X")
    if code == 0x08:  # an extended character: it is drawn
        assert said == (text.Piece(0, codes.EXTENDED[0x11]), text.Piece(0, "X"))
    else:
        assert said == (text.Piece(code, data=b"1" * count), text.Piece(0, "X"))


def test_control_codes() -> None:
    """Appendix G has no other control codes, and names them so."""
    assert {code: control.parameters for code, control in codes.CONTROLS.items()} == PARAMETERS
    names = {code: codes.CONTROLS[code].name for code in (0x10, 0x13, 0x0C, 0x0D, 0x1A, 0x1C, 0x14)}
    assert names == {
        0x10: "STRING",
        0x13: "time",
        0x0C: "new page",
        0x0D: "new line",
        0x1A: "character set",
        0x1C: "colour",
        0x14: "DOTS PICTURE",
    }
    assert [codes.CONTROLS[code].name for code in range(0x15, 0x1A)] == [f"speed {n}" for n in range(1, 6)]
    assert codes.COLOURS == b"123456789ABC"


def test_entries_and_time_codes_of_the_memory() -> None:
    """Eleven characters an entry and eleven bytes a file (Table 15); FD all day, FE never, FF always (Appendix B)."""
    assert (memory.ENTRY, memory.OVERHEAD) == (11, 11)
    assert (memory.ALL_DAY, memory.NEVER, memory.ALWAYS) == (0xFD, 0xFE, 0xFF)
    assert bytes((memory.TEXT, memory.STRING, memory.DOTS)) == b"ABD"


def test_what_a_host_writes() -> None:
    """Command letter and data of each thing that a host says (sections 6.1 to 6.3)."""
    entry = memory.text_file("A", 0x100)
    said = {
        write.text("A", b"X"): (b"A", b"A\x1b0bX"),
        write.text("A", b"X", position=codes.TOP, mode=ord("c")): (b"A", b'A\x1b"cX'),
        write.release(): (b"A", b"0"),
        write.string("B", b"12"): (b"G", b"B12"),
        write.memory([entry]): (b"E", b"$AAU0100FFFF"),
        write.memory(): (b"E", b"$"),
        write.sequence("AB"): (b"E", b".SUAB"),
        write.sequence("AB", kind="T"): (b"E", b".TUAB"),
        write.acknowledge(on=True): (b"E", b"s1"),
        write.acknowledge(on=False): (b"E", b"s0"),
        write.clear_errors(): (b"E", b"4"),
        write.read_errors(): (b"F", b"*"),
        write.read_memory(): (b"F", b"$"),
        write.read_text("A"): (b"B", b"A"),
        write.read_string("B"): (b"H", b"B"),
    }
    for (code, data), (letter, written) in said.items():
        assert (bytes([code]), data) == (letter, written)
    assert write.call("B") == b"\x10B"


def test_what_a_receiver_keeps() -> None:
    """Bounds are ours: 64 characters of header, 32768 of one command."""
    assert (packet.MOST_HEADER, packet.MOST_DATA) == (64, 32768)
