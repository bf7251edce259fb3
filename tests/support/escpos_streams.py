"""ESC/POS streams for property tests: every form of every command, mixed with text and garbage."""

from __future__ import annotations

from hypothesis import strategies as st

from protocol.escpos.commands import NUL_ENDED, ROWS

# protocols.md 4.1, one line per row (or per form of a row): bytes and the token's name.
FORMS = [
    ("0A", "LF"), ("0D", "CR"), ("0C", "FF"), ("09", "HT"),
    ("10 04 01", "DLE EOT"), ("10 04 07 01", "DLE EOT"), ("10 04 08 01", "DLE EOT"),
    ("10 05 01", "DLE ENQ"), ("10 14 01 00 05", "DLE DC4"), ("10 14 02 01 08", "DLE DC4"),
    ("10 14 08 01 03 14 01 06 02 08", "DLE DC4"),
    ("1B 40", "ESC @"), ("1B 21 00", "ESC !"), ("1B 2D 01", "ESC -"), ("1B 45 01", "ESC E"), ("1B 47 01", "ESC G"),
    ("1B 4D 01", "ESC M"), ("1B 61 01", "ESC a"), ("1B 56 01", "ESC V"), ("1B 7B 01", "ESC {"), ("1B 20 04", "ESC SP"),
    ("1B 33 1E", "ESC 3"), ("1B 4A 10", "ESC J"), ("1B 64 03", "ESC d"), ("1B 52 00", "ESC R"), ("1B 74 34", "ESC t"),
    ("1B 72 00", "ESC r"), ("1B 32", "ESC 2"), ("1B 24 10 00", "ESC $"), ("1B 5C 10 00", "ESC \\"),
    ("1B 2A 00 02 00 FF FF", "ESC *"), ("1B 2A 21 02 00 01 02 03 04 05 06", "ESC *"), ("1B 44 08 10 18 00", "ESC D"),
    ("1B 70 00 19 19", "ESC p"), ("1B 63 33 01", "ESC c 3"), ("1B 63 34 01", "ESC c 4"), ("1B 63 35 01", "ESC c 5"),
    ("1B 3D 01", "ESC ="), ("1B 76", "ESC v"), ("1B 69", "ESC i"), ("1B 6D", "ESC m"),
    ("1D 21 11", "GS !"), ("1D 42 01", "GS B"), ("1D 62 01", "GS b"), ("1D 66 00", "GS f"), ("1D 68 40", "GS h"),
    ("1D 77 02", "GS w"), ("1D 48 02", "GS H"), ("1D 4C 00 00", "GS L"), ("1D 57 40 02", "GS W"),
    ("1D 50 00 00", "GS P"), ("1D 56 00", "GS V"), ("1D 56 31", "GS V"), ("1D 56 41 10", "GS V"),
    ("1D 56 42 00", "GS V"), ("1D 56 61 01", "GS V"), ("1D 56 68 01", "GS V"),
    ("1D 6B 04 41 30 30 31 00", "GS k"), ("1D 6B 49 06 7B 42 41 30 30 31", "GS k"),
    ("1D 76 30 00 01 00 02 00 AA 55", "GS v 0"), ("1D 28 41 02 00 00 02", "GS ( A"),
    ("1D 38 4C 03 00 00 00 30 70 30", "GS 8 L"), ("1D 28 6B 03 00 31 43 06", "GS ( k"),
    ("1D 28 48 06 00 30 30 41 30 30 31", "GS ( H"), ("1D 61 0E", "GS a"), ("1D 72 01", "GS r"), ("1D 49 43", "GS I"),
    ("1C 70 01 00", "FS p"), ("1C 2E", "FS ."), ("1C 26", "FS &"), ("1C 21 00", "FS !"),
]  # fmt: skip


def complete(row):
    """Bytes of a command of that row: small parameters, grown and with data as its rules want."""
    head = b"L\x05\0\0\0" if row.name == "GS 8" else (b"\x01\x00" * row.head)[: row.head]
    if row.grow is not None:
        head = (head + b"\x00\x01" * 8)[: row.grow(head)]
    size = row.size(head) if row.size is not None else 0
    body = b"AB\0" if size == NUL_ENDED else b"D" * size
    if row.records is not None:
        count, record = row.records(head)
        body += b"".join(complete(record) for _ in range(count))
    return row.prefix + head + body


STREAMS = st.lists(
    st.one_of(
        st.sampled_from([complete(row) for row in ROWS]),
        st.sampled_from([bytes.fromhex(form) for form, _ in FORMS]),
        st.binary(max_size=12),
        st.binary(min_size=300, max_size=700).map(lambda b: bytes(0x20 + c % 0xE0 for c in b)),
        st.integers(1025, 3000).map(lambda n: b"\x1d(~" + n.to_bytes(2, "little") + b"\x1b" * n),
    ),
    max_size=12,
).map(b"".join)
