"""The OSDP keypad as a control panel meets it: polls, repeats, refusals, lamp, buzzer, text, COMSET."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.burst import LineSettings
from firmware_sim.devices.osdp_keypad import DEPTH, OsdpKeypad
from firmware_sim.line import Line
from protocol.osdp import Answer, Command, Nak, Packet, Reader, lamp
from timers import Loop, PortStub

MS = 1_000_000
NS = 1_000_000_000


class Panel:
    """A line with keypads, and a panel that keeps the sequence as the standard has it."""

    def __init__(self, *addresses: int, **kept: Any) -> None:
        self.loop = Loop()
        self.line = Line("bus", self.loop, LineSettings())
        self.port = PortStub(self.line.settings)
        self.line.attach_port(self.port)
        self.notes: list[tuple[str, str, dict[str, Any]]] = []
        self.line.on_note(lambda name, _t, note: self.notes.append((name, note.kind, dict(note.facts))))
        self.keypads = {a: OsdpKeypad(f"keypad-{a}", address=a, **kept) for a in addresses or (5,)}
        for keypad in self.keypads.values():
            self.line.attach(keypad)
            self.line.apply(keypad, keypad.power_on(0))
        self.sequence = dict.fromkeys(self.keypads, 0)
        self.read = 0

    def raw(self, data: bytes, wait: int = 100 * MS) -> bytes:
        self.read = len(self.port.bursts)
        self.line.transmit(self.line.master, data)
        self.loop.run(self.loop.now + wait)
        return b"".join(burst.data for burst in self.port.bursts[self.read :])

    def ask(self, code: int, data: bytes = b"", *, to: int = 5, crc: bool = True, **kept: Any) -> Packet:
        """The next command; the sequence goes on."""
        packet = Packet(to, False, self.sequence[to], crc, code, data, **kept)
        self.sequence[to] = self.sequence[to] % 3 + 1
        (answer,) = Reader().feed(self.raw(packet.wire(mark=True)))
        assert isinstance(answer, Packet)
        assert (answer.reply, answer.address, answer.sequence, answer.crc) == (True, to, packet.sequence, crc)
        return answer

    def do(self, action: str, *arguments: Any, at: int = 5) -> None:
        keypad = self.keypads[at]
        self.line.apply(keypad, getattr(keypad, action)(self.loop.now, *arguments))

    def facts(self, kind: str) -> list[dict[str, Any]]:
        return [facts for _, told, facts in self.notes if told == kind]


def test_the_captured_conversation() -> None:
    """Poll, key, lamp: the very bytes that two independent programs exchanged."""
    panel = Panel()
    assert panel.raw(bytes.fromhex("FF5305080004 60BC89")) == bytes.fromhex("53850800 04400E8F")
    panel.raw(Packet(5, False, 1, True, Command.POLL).wire())
    panel.do("press", 1)
    assert panel.raw(bytes.fromhex("FF53050800 0660DEEF")) == bytes.fromhex("53850B0006530001315D3D")
    led = bytes.fromhex("FF530516000769000002020202003200 0000000000A5A2")
    assert panel.raw(led) == bytes.fromhex("5385080007405DDA")
    assert panel.facts("lamp") == [{"colour": "green", "ms": 5000}]


def test_the_form_with_a_sum() -> None:
    """A command with a sum is answered with a sum."""
    panel = Panel(0x65)
    assert panel.raw(bytes.fromhex("53650700 0060E1")) == Packet(0x65, True, 0, False, Answer.ACK).wire()


def test_a_lost_reply_is_repeated_bit_for_bit() -> None:
    """The same sequence number: the same reply, and the key is told once."""
    panel = Panel()
    panel.ask(Command.POLL)
    panel.do("press", 4)
    poll = Packet(5, False, 1, True, Command.POLL).wire()
    first = panel.raw(poll)
    assert [panel.raw(poll) for _ in range(3)] == [first] * 3
    assert panel.facts("ack") == []
    panel.sequence[5] = 2
    assert panel.ask(Command.POLL).code == Answer.ACK
    assert panel.facts("ack") == [{"epoch": 1, "seq": 0, "freed": 1}]


def test_beginning_anew_loses_nothing() -> None:
    """Sequence 0 after a key whose reply may be lost: the key is told once more."""
    panel = Panel()
    panel.ask(Command.POLL)
    panel.do("press", 2)
    assert panel.ask(Command.POLL).code == Answer.KEYPAD
    panel.sequence[5] = 0
    assert panel.ask(Command.POLL).data == b"\x00\x012"
    assert panel.ask(Command.POLL).code == Answer.ACK
    assert len(panel.facts("ack")) == 1


@pytest.mark.parametrize("sequence", [2, 3])
def test_an_unexpected_sequence_is_refused(sequence: int) -> None:
    """NAK 4, also for anything but 0 after power-up; the expected one still works."""
    panel = Panel()
    (answer,) = Reader().feed(panel.raw(Packet(5, False, sequence, True, Command.POLL).wire()))
    assert (answer.code, answer.data) == (Answer.NAK, bytes((Nak.SEQUENCE,)))  # type: ignore[union-attr]
    panel.ask(Command.POLL)
    (answer,) = Reader().feed(panel.raw(Packet(5, False, sequence, True, Command.POLL).wire()))
    assert answer.code == Answer.NAK  # type: ignore[union-attr]
    assert panel.ask(Command.POLL).code == Answer.ACK


@pytest.mark.parametrize(
    ("code", "data", "security", "nak"),
    [
        (0x68, b"", b"", Nak.UNKNOWN),
        (0x00, b"", b"", Nak.UNKNOWN),
        (Command.LED, b"\x00" * 13, b"", Nak.LENGTH),
        (Command.BUZ, b"\x00\x02", b"", Nak.LENGTH),
        (Command.TEXT, b"\x00\x01\x00\x01\x01\x05abc", b"", Nak.LENGTH),
        (Command.COMSET, b"\x01", b"", Nak.LENGTH),
        (Command.LED, lamp(9), b"", Nak.CANNOT),
        (Command.TEXT, b"\x00\x09\x00\x01\x01\x01a", b"", Nak.CANNOT),
        (Command.KEYSET, b"\x01\x10" + bytes(16), b"", Nak.SECURE_UNSUPPORTED),
        (Command.CHLNG, bytes(8), b"\x03\x11\x00", Nak.SECURE_UNSUPPORTED),
        (Command.POLL, b"", b"\x02\x15", Nak.SECURE_UNSUPPORTED),
    ],
)
def test_refusals(code: int, data: bytes, security: bytes, nak: Nak) -> None:
    """Each reason of refusal has its number, and the next poll is answered."""
    panel = Panel()
    panel.ask(Command.POLL)
    answer = panel.ask(code, data, security=security)
    assert (answer.code, answer.data) == (Answer.NAK, bytes((nak,)))
    assert panel.ask(Command.POLL).code == Answer.ACK


def test_a_bad_check_is_refused_and_changes_nothing() -> None:
    """NAK 1; the command may come again under its number."""
    panel = Panel()
    panel.ask(Command.POLL)
    wire = bytearray(Packet(5, False, 1, True, Command.POLL).wire())
    wire[-1] ^= 0x40
    (answer,) = Reader().feed(panel.raw(bytes(wire)))
    assert (answer.code, answer.data) == (Answer.NAK, bytes((Nak.CHECK,)))  # type: ignore[union-attr]
    assert panel.ask(Command.POLL).code == Answer.ACK


def test_what_is_not_for_it() -> None:
    """Another address, a reply of another device (bit 7), noise: silence."""
    panel = Panel()
    assert panel.raw(Packet(6, False, 0, True, Command.POLL).wire()) == b""
    assert panel.raw(Packet(5, True, 0, True, Answer.ACK).wire()) == b""
    assert panel.raw(b"\x53\x05\xff\xff\xff" * 20) == b""
    assert panel.ask(Command.POLL).code == Answer.ACK


def test_broadcast_is_answered_with_its_own_address() -> None:
    """Address 7F reaches whoever is there (for a panel that looks for a single device)."""
    panel = Panel()
    (answer,) = Reader().feed(panel.raw(Packet(0x7F, False, 0, True, Command.ID).wire()))
    assert (answer.address, answer.code, len(answer.data)) == (5, Answer.PDID, 12)  # type: ignore[union-attr]


def test_identity_capabilities_and_status() -> None:
    """ID, CAP, LSTAT, RSTAT."""
    panel = Panel()
    panel.ask(Command.POLL)
    assert len(panel.ask(Command.ID, b"\x00").data) == 12
    capabilities = panel.ask(Command.CAP, b"\x00").data
    assert {capabilities[i] for i in range(0, len(capabilities), 3)} >= {4, 5, 6, 8, 9}
    assert panel.ask(Command.LSTAT).data == b"\x00\x00"
    assert panel.ask(Command.RSTAT).data == b"\x00"


def test_tamper_and_supply_are_told_by_the_next_poll() -> None:
    """A change comes once, before the keys that wait."""
    panel = Panel()
    panel.ask(Command.POLL)
    panel.do("press", 5)
    panel.do("tamper", True)
    assert (panel.ask(Command.POLL).code, panel.ask(Command.POLL).code) == (Answer.LSTATR, Answer.KEYPAD)
    panel.do("supply", True)
    assert panel.ask(Command.POLL).data == b"\x01\x01"
    assert panel.ask(Command.POLL).code == Answer.ACK


def test_text_and_buzzer() -> None:
    """A text for good and one for two seconds; a beep."""
    panel = Panel()
    panel.ask(Command.POLL)
    panel.ask(Command.TEXT, b"\x00\x01\x00\x01\x03\x05Hello")
    assert panel.keypads[5].text == "  Hello"
    panel.ask(Command.TEXT, b"\x00\x03\x02\x01\x01\x03Bye")
    panel.loop.run(panel.loop.now + 3 * NS)
    assert [facts["text"] for facts in panel.facts("text")] == ["  Hello", "Bye", ""]
    panel.ask(Command.BUZ, bytes((0, 2, 3, 1, 2)))
    assert panel.facts("buzzer") == [{"tone": 2, "ms": 300, "count": 2}]


def test_the_lamp_goes_back() -> None:
    """A temporary colour ends by itself, or when it is ended."""
    panel = Panel()
    panel.ask(Command.POLL)
    panel.ask(Command.LED, lamp(1))
    panel.ask(Command.LED, lamp(2, lasts_ms=1000))
    keypad = panel.keypads[5]
    assert keypad.lamp_at(panel.loop.now) == "green"
    assert keypad.lamp_at(panel.loop.now + NS) == "red"


def test_comset_takes_effect_after_the_reply() -> None:
    """The reply comes from the old address; the panel begins anew at the new one. A wrong speed changes nothing."""
    panel = Panel()
    panel.ask(Command.POLL)
    answer = panel.ask(Command.COMSET, bytes((9,)) + (9600).to_bytes(4, "little"))
    assert (answer.code, answer.data[0]) == (Answer.COM, 9)
    assert panel.raw(Packet(5, False, 0, True, Command.POLL).wire()) == b""
    panel.sequence[9] = 0
    assert panel.ask(Command.POLL, to=9).code == Answer.ACK
    assert panel.ask(Command.COMSET, bytes((9,)) + (12345).to_bytes(4, "little"), to=9).data[1:] == (9600).to_bytes(
        4, "little"
    )
    panel.ask(Command.COMSET, bytes((9,)) + (19200).to_bytes(4, "little"), to=9)
    assert panel.raw(Packet(9, False, 0, True, Command.POLL).wire()) == b""
    assert panel.facts("settings")[-1] == {"unit": 9, "baud": 19200}


def test_two_keypads_on_a_bus() -> None:
    """Each answers its own polls, and hears the other's replies without a word."""
    panel = Panel(1, 2)
    panel.do("press", 1, at=1)
    panel.do("press", 5, at=2)
    for address, key in ((1, b"1"), (2, b"5")):
        assert panel.ask(Command.POLL, to=address).data == b"\x00\x01" + key
    assert panel.line.collisions == 0


def test_more_presses_than_it_keeps() -> None:
    """The oldest is lost, and told."""
    panel = Panel()
    for n in range(DEPTH + 2):
        panel.do("press", n % 10)
        panel.loop.run(panel.loop.now + 50 * MS)
    assert panel.facts("overflow") == [{"epoch": 1, "seq": 0}, {"epoch": 1, "seq": 1}]


def test_power() -> None:
    """Without supply it is silent, and forgets; presses are ignored; a new epoch begins."""
    panel = Panel()
    panel.ask(Command.POLL)
    panel.do("press", 3)
    panel.do("unplug")
    panel.do("press", 3)
    assert panel.raw(Packet(5, False, 1, True, Command.POLL).wire()) == b""
    panel.do("plug_in")
    panel.sequence[5] = 0
    assert panel.ask(Command.POLL).code == Answer.ACK
    assert panel.facts("overflow") == [{"epoch": 1, "seq": 0}]
    assert panel.facts("ignored")[0]["why"] == "no power"
    assert panel.facts("boot")[-1] == {"epoch": 2}


def test_a_panel_that_goes_away() -> None:
    """After eight seconds without a command it is off line, and on line again at the next."""
    panel = Panel()
    panel.ask(Command.POLL)
    panel.loop.run(panel.loop.now + 9 * NS)
    panel.ask(Command.POLL)
    assert [facts["on"] for facts in panel.facts("online")] == [True, False, True]


def test_keys_that_are_not_there() -> None:
    """0..9, * and #."""
    panel = Panel()
    with pytest.raises(ValueError, match=r"0\.\.9"):
        panel.do("press", 11)
    with pytest.raises(ValueError, match=r"0\.\.126"):
        OsdpKeypad("x", address=127)
    panel.ask(Command.POLL)
    panel.do("press", "*")
    assert panel.ask(Command.POLL).data == b"\x00\x01\x7f"


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.builds(
                Packet,
                st.sampled_from((5, 6, 127)),
                st.booleans(),
                st.integers(0, 3),
                st.booleans(),
                st.integers(0, 255),
                st.binary(max_size=20),
            ).map(Packet.wire),
        ),
        max_size=10,
    )
)
@settings(max_examples=150, deadline=None)
def test_nothing_that_comes_is_an_exception(pieces: list[bytes]) -> None:
    """Any bytes and any packets; afterwards a panel that begins anew is answered."""
    keypad = OsdpKeypad("x", address=5)
    now = NS
    for piece in pieces:
        now += 30 * MS
        list(keypad.hear(now, piece, now - 1, now, None))
    now += NS
    list(keypad.wake(now, "gap"))
    address = keypad.address
    if keypad.baud == 9600:
        effects = list(keypad.hear(now, Packet(address, False, 0, True, Command.POLL).wire(), now, now, None))
        assert any(getattr(effect, "data", b"")[:2] == bytes((0x53, address | 0x80)) for effect in effects)
