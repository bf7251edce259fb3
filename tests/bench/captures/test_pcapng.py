"""pcapng: what is written is read back, twice the same bytes, and a damaged file is told, never believed."""

from __future__ import annotations

import contextlib
import io
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bench.captures
from bench.captures.frames import CaptureFailed
from bench.captures.pcapng import LONGEST, RAW_SERIAL, UPPER_PDU, PcapngWriter, upper_pdu
from bench.captures.pcapng_reader import Packet, PcapngReader, line_bytes, split_upper_pdu
from bench.reports.wording import printable
from protocol.modbus.maps.reference_keypad import REFERENCE_KEYPAD
from protocol.modbus.pdu import Table

TEXT = st.text(max_size=40)
PACKET = st.tuples(
    st.integers(0, 2),
    st.integers(0, (1 << 62) - 1),
    st.binary(max_size=300),
    st.sampled_from([True, False, None]),
    st.text(max_size=60),
)


def written(packets, names=("a", "b", "c"), comment="") -> bytes:
    """A file with three interfaces: two with tags, one of bare bytes."""
    out = io.BytesIO()
    writer = PcapngWriter(out, tool="test", comment=comment)
    writer.add_interface(names[0], dissector="mbrtu")
    writer.add_interface(names[1], label="ESC/POS", description="19200 8N1")
    writer.add_interface(names[2], linktype=RAW_SERIAL)
    for interface, at, data, inbound, text in packets:
        writer.packet(interface, at, data, inbound=inbound, comment=text)
    return out.getvalue()


def read(data: bytes) -> tuple[PcapngReader, list[Packet]]:
    reader = PcapngReader(io.BytesIO(data), "file")
    return reader, list(reader.packets())


@settings(max_examples=60)
@given(st.lists(PACKET, max_size=8), st.tuples(TEXT, TEXT, TEXT), TEXT)
def test_the_reader_gives_what_the_writer_was_given(packets, names, comment) -> None:
    """The reader gives what the writer was given: instants to the ns, bytes, directions, texts without tricks."""
    data = written(packets, names, comment)
    assert data == written(packets, names, comment)
    assert len(data) % 4 == 0
    reader, found = read(data)
    clean = [printable(name).rstrip("\0") for name in names]
    assert [interface.name for interface in reader.interfaces] == clean
    assert reader.comment == printable(comment)
    assert [facts.linktype for facts in reader.interfaces] == [UPPER_PDU, UPPER_PDU, RAW_SERIAL]
    for packet, (interface, at, body, inbound, text) in zip(found, packets, strict=True):
        assert (packet.interface, packet.at_ns, packet.inbound) == (interface, at, inbound)
        assert line_bytes(packet, reader.interfaces[interface]) == body
        assert packet.comment == printable(text)


@given(st.text(max_size=400), st.text(max_size=400))
def test_tags_are_whole_words_and_end(dissector: str, label: str) -> None:
    """Tags of an exported PDU are of whole words, and end; what is behind them is untouched, whatever the names."""
    tags = upper_pdu(dissector, label)
    assert len(tags) % 4 == 0
    assert split_upper_pdu(tags + b"\x01\x03")[2] == b"\x01\x03"
    assert upper_pdu("mbrtu").hex() == "000c00086d6272747500000000000000"


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_file_gives_packets_or_is_refused(data: st.DataObject) -> None:
    """Any byte changed and any place cut gives packets or a CaptureFailed: no other error, no endless loop."""
    whole = written([(0, 10, b"abc", True, "x"), (1, 20, b"", False, ""), (2, 30, b"q" * 50, True, "y")])
    cut = data.draw(st.integers(0, len(whole)))
    broken = bytearray(whole[:cut])
    for _ in range(data.draw(st.integers(0, 3))):
        if broken:
            broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(CaptureFailed):
        _, found = read(bytes(broken))
        assert len(found) <= 3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: b"", "begins with nothing"),
        (lambda data: b"PK\x03\x04" + bytes(40), "is no pcapng file"),
        (lambda data: bytes.fromhex("d4c3b2a1") + bytes(40), "editcap -F pcapng"),
        (lambda data: data[:8] + b"\0\0\0\0" + data[12:], "byte-order magic"),
        (lambda data: data[:4] + struct.pack("<I", 0xFFFFFFF0) + data[8:], "a block says that it is 4294967280 bytes"),
        (lambda data: data[:-3], "cut short"),
        (lambda data: data[:-4] + bytes(4), "the length at the end of a block"),
        (
            lambda data: data + struct.pack("<IIIIIIII", 6, 36, 9, 0, 0, 0, 0, 0) + struct.pack("<I", 36),
            "of interface 9",
        ),
        (
            lambda data: data + struct.pack("<IIIIIIII", 6, 36, 0, 0, 0, 99, 99, 0) + struct.pack("<I", 36),
            "has 99 bytes",
        ),
        (lambda data: data + struct.pack("<IIII", 3, 16, 0, 16), "keep no time"),
    ],
)
def test_what_is_wrong_is_told(change, told: str) -> None:
    """Each way to be no good capture has its own words, with the place."""
    whole = written([(0, 10, b"abc", True, "")])
    with pytest.raises(CaptureFailed, match=told):
        read(change(whole))


def test_big_endian_microseconds_and_offset() -> None:
    """Files of others: big-endian, microseconds by default, times with an offset in seconds."""
    option = struct.pack(">HHqHH", 14, 8, 5, 0, 0)
    shb = struct.pack(">IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    idb = struct.pack(">IIHHI", 1, 20 + len(option), 147, 0, 0) + option + struct.pack(">I", 20 + len(option))
    epb = struct.pack(">IIIIIII", 6, 36, 0, 0, 1_500_000, 2, 2) + b"hi\0\0" + struct.pack(">I", 36)
    reader, (packet,) = read(shb + idb + epb)
    assert packet == Packet(1, 0, 6_500_000_000, b"hi", None)
    assert reader.interfaces[0].offset == 5


def test_what_cannot_be_written() -> None:
    """An interface that was not added, a time before 1970 and a packet that Wireshark refuses are mistakes."""
    writer = PcapngWriter(io.BytesIO(), tool="test")
    for interface, at, data in ((0, 0, b""), (1, -1, b""), (1, 0, bytes(LONGEST + 1))):
        if interface and not writer.packets:
            writer.add_interface("a")
            writer.add_interface("b")
        with pytest.raises(ValueError, match=r"interface|instant|too long"):
            writer.packet(interface, at, data, inbound=True)
    assert writer.packets == 0


def test_instants_count_from_the_epoch_given() -> None:
    """Instants count from the epoch that was given: local midnight as Unix time."""
    out = io.BytesIO()
    writer = PcapngWriter(out, tool="test", epoch_ns=1_700_000_000 * 10**9)
    writer.packet(writer.add_interface("a"), 1, b"", inbound=True, comment="ä" * 70000)
    (packet,) = read(out.getvalue())[1]
    assert packet.at_ns == 1_700_000_000 * 10**9 + 1
    assert packet.comment.endswith("...")


def test_lua_dissector_has_the_registers_of_the_profile() -> None:
    """The tables in rk1.lua are the register map of the reference keypad: no row missing, none made up."""
    source = (Path(bench.captures.__file__).parent / "dissectors" / "rk1.lua").read_text()
    for name, table in (("inputs", Table.INPUTS), ("holdings", Table.HOLDING)):
        body = source.partition(f"local {name} = {{")[2].partition("\n}")[0]
        rows = {
            (int(address, 16), int(words), called)
            for address, words, called in re.findall(r'\[(0x[0-9A-F]+)\] = \{(\d+), "(\w+)"\}', body)
        }
        assert rows == {(row.address, row.words, row.name) for row in REFERENCE_KEYPAD.rows if row.table is table}
