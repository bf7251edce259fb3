"""Alpha packets in words: each command with what it says, and every way in which a stream is not right."""

from __future__ import annotations

import pytest

from protocol.alpha import codes, write
from protocol.alpha.explain import explain, status_words
from protocol.alpha.packet import packet


def told(*commands: tuple[int, bytes]) -> str:
    lines, problem = explain(packet(*commands))
    assert problem == ""
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (write.release(), "nothing: the priority file is released"),
        (write.string("1", b""), "nothing"),
        (write.string("1", b"A012"), "A012"),
        (write.clear_errors(), codes.FUNCTIONS[codes.CLEAR_ERRORS]),
        (write.read_text("A"), "'A'"),
        ((codes.WRITE_SPECIAL, b"~xy"), "a special function that is not known"),
        ((codes.WRITE_SPECIAL, bytes([codes.ERROR_STATUS]) + b"\x60"), "60: "),
        ((codes.WRITE_SPECIAL, bytes([codes.SEQUENCE]) + b"SUA"), "'SUA'"),
        ((codes.READ_TEXT, b"Amore"), "4 characters"),
    ],
)
def test_each_command_says_what_it_does(command: tuple[int, bytes], says: str) -> None:
    """The meaning stands under the command."""
    assert says in told(command)


def test_a_memory_table_that_cannot_be_is_told_with_its_mistake() -> None:
    """The function is named, and below it why its table is none."""
    lines = told((codes.WRITE_SPECIAL, bytes([codes.MEMORY]) + b"A?")).splitlines()
    assert lines[-3].strip() == codes.FUNCTIONS[codes.MEMORY]
    assert lines[-2].strip() == "entries are 11 characters each; 2 came"


def test_control_codes_stand_by_name_among_the_characters() -> None:
    """In angle brackets, with their parameters; a text of usual length is shown whole."""
    said = told(write.string("1", b"\x1c1A001\r\x10B\x15" + b"x" * 400)).splitlines()
    assert said[-2].strip() == f"<colour 1>A001<new line><STRING B><speed 1>{'x' * 400}"


def test_texts_are_shown_up_to_480_characters() -> None:
    """A control code that ends behind them ends what is shown."""
    within, beyond = (told(write.string("1", b"x" * n + b"\x11y")).splitlines()[-2].strip() for n in (470, 471))
    assert within == "x" * 470 + "<wide off>y"
    assert beyond == "x" * 471 + "<wide off> .."


def test_a_long_text_is_cut_and_says_so() -> None:
    """Control codes in their hundreds do not fill the screen."""
    lines = told(write.string("1", bytes([0x11]) * 2000)).splitlines()
    assert lines[-1].endswith(" ..") or lines[-2].endswith(" ..")
    assert max(map(len, lines)) < 1000


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "there is no packet in it: SOH (01) is missing"),
        (b"hello", "there is no packet in it: SOH (01) is missing"),
        (packet(write.release())[:-1], "the packet is not complete: EOT is missing"),
        (packet((0x7A, b"x")), "command 0x7A is not known"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, problem: str) -> None:
    """A stream that is no packet, an incomplete one, and a command that nobody knows."""
    assert problem in explain(data).problem


def test_a_status_names_its_bits() -> None:
    """Every bit has its words; none at all is no error."""
    assert status_words(0) == "no error"
    for bit, name in codes.STATUS_BITS.items():
        assert name in status_words(bit)
