"""Numbers of manuals and standards, written down again: what a printer or a host of somebody else's goes by."""

from __future__ import annotations

import pytest
import segno.consts

from protocol.escpos import barcodes, codepages, images, page, profiles, qr, status, stored_images, write
from protocol.escpos.commands import LEADS, NUL_ENDED, ROWS, TABLE
from protocol.escpos.paper import Bits, Panel, Run, Style
from protocol.escpos.profiles import KIOSK_58, KIOSK_80, TM_T88
from protocol.escpos.settings import DEFAULT_TABS, Settings, power_on
from protocol.escpos.tokenizer import tokenize

HEADS = {
    # parameter bytes -> commands that have so many, whatever they are
    0: "NUL HT LF FF CR CAN ESC@ ESC2 ESCv ESCi ESCm ESCL ESCS ESCFF ESC< ESCRS GS: GSc GSFF FS& FS. ESCD",
    1: (
        "ESC! ESC- ESCE ESCG ESCM ESCa ESCV ESC{ ESCSP ESC3 ESCJ ESCK ESCd ESCe ESCR ESCt ESCr ESC= ESCu ESCT ESCU "
        "ESC% ESC? GS! GSB GSb GSf GSh GSw GSx GSH GST GSa GSj GSr GSI GS/ GSE FS! FS- FSC FSW DLEENQ"
    ),
    2: "ESC$ ESC\\ ESCB GSL GSW GSP GS$ GS\\ FSp FSS FS? GS* FS2",
    3: "ESCp GS^",
    8: "ESCW",
}


@pytest.mark.parametrize(("head", "name"), [(n, name) for n, names in HEADS.items() for name in names.split()])
def test_commands_with_a_fixed_number_of_parameters(head, name):
    """Lists of the TM-T88III and of the programming guide: so many bytes follow, and the next letter is text."""
    row = next(row for row in ROWS if row.name.replace(" ", "") == name)
    assert (row.head, row.grow, row.family) == (head, None, False)
    if row.size is None and row.records is None:
        tokens = tokenize(row.prefix + bytes(head) + b"A")
        assert [(token.name, token.head) for token in tokens] == [(row.name, bytes(head)), ("text", b"")]


LENGTHS = {
    # what is sent -> bytes of the command
    "10 04 01": 3,
    "10 04 07 01": 4,
    "10 04 08 01": 4,
    "10 04 12 01": 4,
    "10 04 06": 3,
    "10 14 01 00 01": 5,
    "10 14 02 01 08": 5,
    "10 14 03 01 02 03 04 05": 8,
    "10 14 07 01": 4,
    "10 14 08 01 03 14 01 06 02 08": 10,
    "10 14 09": 3,
    "1D 65 03 0C": 4,
    "1D 65 20 0C 1E": 5,
    "1D 65 05": 3,
    "1D 56 00": 3,
    "1D 56 31": 3,
    "1D 56 41 00": 4,
    "1D 56 42 00": 4,
    "1D 56 61 00": 4,
    "1D 56 62 00": 4,
    "1D 56 67 00": 4,
    "1D 56 68 00": 4,
    "1D 56 43": 3,
    "1B 2A 00 02 00 FF FF": 7,
    "1B 2A 01 02 00 FF FF": 7,
    "1B 2A 20 01 00 FF FF FF": 8,
    "1B 2A 21 01 00 FF FF FF": 8,
    "1B 2A 00 00 01": 5 + 256,
    "1B 2A 02": 3,
    "1D 2A 01 02": 4 + 16,
    "1D 76 30 00 02 00 03 00": 8 + 6,
    "1D 76 30 00 00 01 01 00": 8 + 256,
    "1D 76 30 00 01 00 00 01": 8 + 256,
    "1D 28 4B 02 00 30 31": 7,
    "1D 28 4C 00 01": 5 + 256,
    "1B 28 41 02 00 30 31": 7,
    "1C 28 41 02 00 30 31": 7,
    "1D 38 4C 02 01 00 00": 7 + 258,
    "1B 5A 00 4C 06 02 00 41 42": 9,
    "1B 63 33 01": 4,
    "1D 67 30 00 14 00": 6,
    "1D 67 32 00 14 00": 6,
    "1D 67 31": 3,
    "1D 43 30 01 02": 5,
    "1D 43 31 01 00 02 00 01 01": 9,
    "1D 43 32 01 00": 5,
    "1D 43 33": 3,
    "1D 7A 30 01 02": 5,
    "1D 7A 31": 3,
    "1C 67 31 00 01 00 00 00 02 00 41 42": 12,
    "1C 67 32 00 01 00 00 00 02 00": 10,
    "1C 67 33": 3,
    "1C 71 01 01 00 01 00": 7 + 8,
    "1C 71 01 00 01 01 00": 7 + 2048,
    "1C 71 01 01 00 00 01": 7 + 2048,
    "1B 26 03 41 42 01 00 00 00 01 00 00 00": 13,
    "1C 32 21 21": 4 + 72,
    "1B 44 08 10 00": 5,
    "1D 6B 04 41 00": 5,
    "1D 6B 06 41 00": 5,
    "1D 6B 41 02 31 32": 6,
    "1D 6B 4F 02 31 32": 6,
    "1D 6B 07": 3,
}


@pytest.mark.parametrize(("begin", "size"), LENGTHS.items())
def test_how_long_a_command_is(begin, size):
    """Filled up with zeros to its length, it is taken whole, and the letter behind it is text."""
    sent = bytes.fromhex(begin)
    sent += bytes(size - len(sent))
    tokens = tokenize(sent + b"A")
    assert b"".join(token.raw for token in tokens) == sent + b"A"
    assert [token.name for token in tokens].count("text") == 1
    assert (tokens[-1].name, tokens[-1].raw) == ("text", b"A")
    assert not any(token.name in {"unknown", "NUL"} for token in tokens)


def test_tabs_end_after_32():
    """ESC D takes 32 columns; without a NUL it ends there, and the next byte is text."""
    tokens = tokenize(b"\x1bD" + bytes(range(1, 33)) + b"A")
    assert [(token.name, len(token.raw)) for token in tokens] == [("ESC D", 34), ("text", 1)]
    assert TABLE[b"\x1bD"].limit == 32
    assert NUL_ENDED == -1
    assert frozenset(b"\x10\x1b\x1c\x1d") == LEADS


# -- one-dimensional codes -------------------------------------------------------------------------------------------
def test_systems_of_gs_k():
    """m of the second form; the first form has 0 to 6 for the first seven."""
    systems = (barcodes.UPC_A, barcodes.UPC_E, barcodes.EAN13, barcodes.EAN8, barcodes.CODE39, barcodes.ITF)
    assert systems == (65, 66, 67, 68, 69, 70)
    assert (barcodes.CODABAR, barcodes.CODE93, barcodes.CODE128, barcodes.CODE128_AUTO) == (71, 72, 73, 79)
    assert [barcodes.system_of(m) for m in (0, 6, 7, 65, 73, 79)] == [65, 71, 7, 65, 73, 79]
    assert [barcodes.most_used(system) for system in range(65, 74)] == [12, 12, 13, 8, 255, 255, 255, 255, 255]
    assert barcodes.WIDE == {1: 3, 2: 5, 3: 8, 4: 10, 5: 13, 6: 16}
    assert write.SYSTEMS["CODE128"] == 73


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (b"{AX{1{2{3{4Y", (103, 56, 102, 97, 96, 101, 57)),
        (b"{BX{1{2{3{4Y", (104, 56, 102, 97, 96, 100, 57)),
        (b"{C\x0a{1\x0b", (105, 10, 102, 11)),
        (b"{AX{BXx", (103, 56, 100, 56, 88)),
        (b"{BX{CX{A\x01", (104, 56, 99, 88, 101, 65)),
        (b"{AX{S\x78X", (103, 56, 98, 88, 56)),
        (b"{BX{S\x01X", (104, 56, 98, 65, 56)),
        (b"{B{{", (104, 91)),
    ],
)
def test_symbol_characters_of_code128(data, values):
    """Appendix J: FNC1 to FNC4, shift and the change of code sets, each by its number; check and stop behind them."""
    bars = barcodes.encode(barcodes.CODE128, data, 1)
    table = barcodes._CODE128
    check = (values[0] + sum(n * value for n, value in enumerate(values[1:], 1))) % 103
    expected = "".join(table[value] for value in (*values, check, 106))
    assert "".join(map(str, bars.widths)) == expected


@pytest.mark.parametrize(
    ("system", "data", "at"),
    [
        (barcodes.CODE128, b"{BA{", 3),
        (barcodes.CODE128, b"{BA{S{A", 5),
        (barcodes.CODE128, b"{B\x7f{5", 3),
        (barcodes.CODE128, b"{DA", 0),
        (barcodes.CODE128, b"{A\x60", 2),
        (barcodes.CODE128, b"{B\x80", 2),
        (barcodes.CODE128_AUTO, b"A\x80", 1),
        (barcodes.UPC_E, b"1234567", 0),
        (barcodes.UPC_E, b"12345678", 0),
        (barcodes.UPC_E, b"123456789012", 0),
        (barcodes.UPC_E, b"123456789", None),
        (barcodes.UPC_A, b"1234567890", None),
        (barcodes.EAN8, b"123456", None),
        (barcodes.EAN8, b"123456789", None),
        (barcodes.CODE39, b"", None),
        (barcodes.CODE93, b"", None),
        (barcodes.CODABAR, b"A", None),
        (barcodes.CODABAR, b"A12", None),
        (barcodes.CODABAR, b"12A", None),
        (barcodes.CODABAR, b"A1*A", 2),
        (barcodes.ITF, b"12A4", 2),
    ],
)
def test_what_is_no_data_of_a_code(system, data, at):
    """Refused with the place of the first wrong byte, or none when their number or ends are wrong."""
    with pytest.raises(barcodes.Refused) as refused:
        barcodes.encode(system, data, 2)
    assert refused.value.at == at


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (b"425261", "04252614"),
        (b"0425261", "04252614"),
        (b"04252614", "04252614"),
        (b"04252619", "04252614"),
        (b"04210000526", "04252614"),
        (b"042100005264", "04252614"),
        (b"01230000045", "01234531"),
        (b"01234000005", "01234543"),
        (b"01234500009", "01234596"),
        (b"01200000345", "01234505"),
        (b"01210000345", "01234514"),
    ],
)
def test_upc_e_from_every_form(given, text):
    """Six digits, seven or eight with the leading 0, eleven or twelve of the UPC-A number: the same code."""
    assert barcodes.encode(barcodes.UPC_E, given, 2).text == text


def test_refused_upc_e_numbers():
    """An eleven-digit number is squeezed only where the zeros stand that the form leaves out."""
    for digits in (b"01234500004", b"01234050006", b"01230010045", b"01230000345", b"04210010526", b"01234000015"):
        with pytest.raises(barcodes.Refused, match="has no UPC-E form"):
            barcodes.encode(barcodes.UPC_E, digits, 2)


def test_itf_pairs_and_edges():
    """Start 0000, stop 100; a digit's bars and the next one's spaces in turn: 12 is 1:10001 and 2:01001."""
    bars = barcodes.encode(barcodes.ITF, b"12", 2).widths
    assert bars == tuple(5 if wide == "1" else 2 for wide in "0000" + "1001000011" + "100")
    assert barcodes.edges((2, 5, 2)) == [(0, 2), (7, 9)]
    assert barcodes.Bars((2, 5, 2), "").width == 9


# -- QR symbols -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("level", "LMQH")
def test_data_codewords_of_every_version(level):
    """ISO/IEC 18004 table 7, as another encoder has it."""
    of_level = getattr(segno.consts, f"ERROR_LEVEL_{level}")
    known = [segno.consts.SYMBOL_CAPACITY[version][of_level] for version in range(1, 41)]
    assert [8 * n for n in qr.CODEWORDS[level]] == known


@pytest.mark.parametrize("level", "LMQH")
@pytest.mark.parametrize("version", [1, 2, 9, 10, 26, 27, 40])
def test_the_last_byte_that_a_version_holds(level, version):
    """Count indicators have 8, then 16 bits for bytes; 9, 11, 13 for letters; 10, 12, 14 for digits."""
    bits = qr.CODEWORDS[level][version - 1] * 8
    large = (version >= 10) + (version >= 27)
    most = {
        b"\xff": (bits - 4 - (8, 16, 16)[large]) // 8,
        b"A": (bits - 4 - (9, 11, 13)[large]) // 11 * 2 + ((bits - 4 - (9, 11, 13)[large]) % 11 >= 6),
    }
    free = bits - 4 - (10, 12, 14)[large]
    most[b"1"] = free // 10 * 3 + (2 if free % 10 >= 7 else 1 if free % 10 >= 4 else 0)
    for char, n in most.items():
        fit, next_ = qr.fit(char * n, level), qr.fit(char * (n + 1), level)
        assert fit is not None
        assert (fit.version, fit.modules) == (version, 17 + 4 * version)
        assert next_ is None if version == 40 else next_ is not None and next_.version == version + 1


# -- printers ---------------------------------------------------------------------------------------------------------
def test_the_printers():
    """Paper, fonts, buffer and speed (protocols.md 4.4); what is not said of a kiosk is the TM-T88's."""
    assert (TM_T88.width_dots, TM_T88.dots_per_mm, TM_T88.dpi, TM_T88.line_spacing) == (576, 8, 203, 30)
    assert dict(TM_T88.fonts) == {"A": (12, 24), "B": (9, 17)}
    assert (TM_T88.speed_mm_s, TM_T88.cut_ns, TM_T88.cutter_dots, TM_T88.page_dots) == (150, 400_000_000, 120, 1662)
    assert (TM_T88.buffer_size, TM_T88.xoff_left, TM_T88.xon_left, TM_T88.boot_ns) == (4096, 128, 256, 2_000_000_000)
    assert (TM_T88.least_module, TM_T88.clone_qr, TM_T88.presenter) == (2, False, "")
    assert (TM_T88.present_mm_s, TM_T88.step_mm, TM_T88.power_on_mask, TM_T88.flawed_char) == (200, 7, 0, b"?")
    assert TM_T88.busy_offline
    assert TM_T88.drawer_high
    assert dict(TM_T88.ids) == {1: 0x20, 2: 0x02, 3: 0x01}
    assert dict(TM_T88.information) == {33: b"\x42\x40"}
    assert dict(TM_T88.names) == {65: "1.00 hallbench", 66: "EPSON", 67: "TM-T88V", 68: "HB00000001", 69: ""}
    assert (KIOSK_58.width_dots, KIOSK_58.speed_mm_s, KIOSK_58.least_module, KIOSK_58.clone_qr) == (384, 80, 1, True)
    assert (KIOSK_80.speed_mm_s, KIOSK_80.cutter_dots, KIOSK_80.presenter) == (200, 160, "retract")
    assert set(profiles.PROFILES) == {"tm-t88", "kiosk-58", "kiosk-80"}


def test_how_long_the_paper_takes():
    """150 mm/s at 8 dots a millimetre, rounded up to the nanosecond."""
    assert TM_T88.duration(1200) == 1_000_000_000
    assert TM_T88.duration(1) == 833_334
    assert TM_T88.duration(0) == 0
    assert KIOSK_58.duration(640) == 1_000_000_000


def test_numbers_of_character_tables():
    """ESC t, as the models' own lists have them (protocols.md 4.5)."""
    epson = {0: "cp437", 2: "cp850", 16: "cp1252", 30: "tcvn3-lower", 31: "tcvn3-upper", 45: "cp1250", 52: "cp1258"}
    assert {number: TM_T88.code_pages[number] for number in epson} == epson
    assert len(TM_T88.code_pages) == 38
    assert max(TM_T88.code_pages) == 255
    assert {n for n, name in KIOSK_58.code_pages.items() if name == "cp1258"} == {27, 94}
    assert KIOSK_58.page_of("cp1258") == 27
    for name in ("cp1258x", "user-defined"):
        with pytest.raises(LookupError, match="has no character table"):
            TM_T88.page_of(name)


def test_settings_of_power_on():
    """TM-T88III specification, the defaults of each command."""
    made = power_on(TM_T88)
    assert made == Settings()
    assert (made.spacing, made.other, made.left, made.area) == (30, (30, 0), 0, 0xFFFF)
    assert (made.qr_module, made.qr_level) == (3, "L")
    assert (made.bar_height, made.bar_module, made.bar_text, made.bar_font) == (162, 3, 0, "A")
    assert tuple(range(8, 249, 8)) == made.tabs == DEFAULT_TABS
    assert (made.unit_x, made.unit_y, made.turn, made.page_area, made.align) == (0, 0, 0, None, 0)


def test_memory_for_pictures():
    """256 KB for logos, 12 KB for downloads (TM-T88III specification 1.8); the functions of GS ( L by number."""
    assert (stored_images.NV_SIZE, stored_images.DOWNLOAD_SIZE) == (262_144, 12_288)
    assert set(stored_images.DEFINE) == {67, 68, 83, 84}
    assert set(stored_images.WAIT) == {112, 113}
    assert ({69, 85}, {66, 82}) == (stored_images.PRINT, stored_images.DELETE)
    assert ({65, 81}, {2, 50}) == (stored_images.DELETE_ALL, stored_images.PRINT_WAITING)
    images = stored_images.StoredImages()
    assert [images.memory(n) is images.nv for n in (65, 69, 79, 80, 85)] == [True, True, True, False, False]


# -- status -----------------------------------------------------------------------------------------------------------
KIOSK_BYTES = {
    # what is true: DLE EOT 17, the four bytes of DLE EOT 20, GS e 6
    "": ("12", "00 00 00 00", "04"),
    "motor_on": ("16", "00 08 00 00", "14"),
    "stopped": ("32", "00 00 00 00", "04"),
    "paper_end": ("12", "01 00 00 00", "00"),
    "near_end": ("12", "04 00 00 00", "05"),
    "ticket_out": ("12", "20 00 00 00", "0C"),
    "cover_open": ("12", "00 03 00 00", "04"),
    "feed_button": ("12", "00 20 00 00", "04"),
    "head_hot": ("12", "00 00 01 00", "04"),
    "jam": ("12", "00 00 40 00", "84"),
    "cutter_error": ("12", "00 00 00 01", "44"),
    "recoverable": ("12", "00 00 00 00", "44"),
    "unrecoverable": ("12", "00 00 00 00", "44"),
    "auto_recoverable": ("12", "00 00 00 00", "44"),
}


@pytest.mark.parametrize(("name", "told"), KIOSK_BYTES.items())
def test_status_of_a_kiosk_printer(name, told):
    """Pyramid Reliance, status tables: each cause at its place, and nowhere else."""
    condition = status.Condition(**{name: True} if name else {})
    bytes_ = (status.kiosk_real_time(17, condition), status.kiosk_real_time(20, condition), status.ejector(condition))
    assert tuple(raw.hex(" ").upper() for raw in bytes_) == (told[0], f"10 0F {told[1]}", told[2])
    for n in (1, 2, 3, 4, 5, 18, 19, 21):
        assert status.kiosk_real_time(n, condition) == status.real_time(n, condition)


@pytest.mark.parametrize("name", status.Condition._fields)
def test_which_changes_a_mask_reports(name):
    """GS a: 01 drawer, 02 off line, 04 errors, 08 paper, 40 the button; what the four bytes lack is never reported."""
    before = status.Condition()
    after = before._replace(**{name: not getattr(before, name)})
    classes = {
        0x01: {"drawer_high"},
        0x02: {"offline", "cover_open", "waiting"},
        0x04: {"recoverable", "cutter_error", "unrecoverable", "auto_recoverable"},
        0x08: {"near_end", "paper_end"},
        0x40: {"feed_button", "feeding"},
    }
    for bit in (1, 2, 4, 8, 16, 32, 64, 128):
        assert status.changed(bit, before, after) == (name in classes.get(bit, ()))


def test_a_block_is_no_longer_than_a_send_buffer():
    """95 bytes between header and NUL are a block, more are none (protocols.md 4.3)."""
    assert status.BLOCK_LIMIT == 96
    assert status.parse_replies(b"\x5f" + b"A" * 95 + b"\0")[0] == [status.Block(0x5F, b"A" * 95)]
    assert status.parse_replies(b"\x5f" + b"A" * 97 + b"\0")[0][0] == status.Stray(0x5F)
    assert (status.XON, status.XOFF) == (0x11, 0x13)


def test_blocks_of_other_lengths_are_no_confirmation():
    """37 22 has four characters; 37 25 none."""
    assert status.parse_replies(b"\x37\x22A01\0")[0] == [status.Block(0x37, b"\x22A01")]
    assert status.parse_replies(b"\x37\x25A\0")[0] == [status.Block(0x37, b"\x25A")]
    stopped = status.parse_replies(status.automatic(status.Condition(offline=True, paper_end=True)))[0][0]
    assert stopped.condition.stopped
    only = status.parse_replies(status.automatic(status.Condition(paper_end=True)))[0][0]
    assert not only.condition.stopped


# -- what a host sends ------------------------------------------------------------------------------------------------
LIMITS = [
    # builder of a number, the lowest and the highest it takes
    (write.code_page, 0, 255),
    (lambda n: write.size(n, 1), 1, 8),
    (lambda n: write.size(1, n), 1, 8),
    (write.underline, 0, 2),
    (lambda n: write.qr(b"A", module=n), 1, 16),
    (lambda n: write.qr(b"A" * n), 1, 7089),
    (lambda n: write.barcode("CODE39", "A", height=n), 1, 255),
    (lambda n: write.barcode("CODE39", "A", module=n), 1, 6),
    (lambda n: write.barcode("CODE39", "A" * n), 1, 255),
    (lambda n: write.area(n, 0, 1, 1), 0, 65535),
    (lambda n: write.area(0, n, 1, 1), 0, 65535),
    (lambda n: write.area(0, 0, n, 1), 0, 65535),
    (lambda n: write.area(0, 0, 1, n), 0, 65535),
    (write.present, 0, 255),
    (lambda n: write.present(0, n), 0, 255),
    (lambda n: write.raster(1, [], n), 0, 3),
    (write.feed, 0, 255),
    (write.feed_dots, 0, 255),
    (write.line_spacing, 0, 255),
    (lambda n: write.cut(feed=n), 0, 255),
    (write.auto_status, 0, 255),
    (write.status, 1, 4),
    (write.sensor_status, 0, 255),
    (write.identity, 0, 255),
]


@pytest.mark.parametrize(("build", "low", "high"), LIMITS)
def test_numbers_that_a_builder_takes(build, low, high):
    """From the lowest to the highest; beyond them it is the caller's mistake."""
    assert build(low)
    assert build(high)
    for n in (low - 1, high + 1):
        with pytest.raises(ValueError, match=r"\S"):
            build(n)


def test_a_picture_has_as_many_rows_as_a_word_counts():
    """65535, and not one more."""
    assert len(write.raster(1, [b"\0"] * 65535)) == 8 + 65535
    with pytest.raises(ValueError, match="rows is 0 to 65535, not 65536"):
        write.raster(1, [b"\0"] * 65536)


def test_what_a_builder_means_without_being_told():
    """Defaults: QR level M of 6 dots, CODE128 in set B with its text below in font B, twelve steps held for ever."""
    assert write.qr("A") == write.qr(b"A", 6, "M")
    assert write.barcode("CODE128", "A1") == write.barcode(
        "CODE128", b"{BA1", height=64, module=2, text="below", font="B"
    )
    assert write.barcode("CODE128", "{AA1").endswith(b"\x1dkI\x04{AA1")
    assert write.barcode("CODE39", "A", text="above", font="A")[:12] == b"\x1dh\x40\x1dw\x02\x1dH\x01\x1df\x00"
    assert write.present() == write.present(12, 0) == b"\x1de\x03\x0c"
    assert write.bold() == b"\x1bE\x01"
    assert write.underline() == b"\x1b-\x01"
    assert write.cut_here(partial=True) == b"\x1dV\x01"
    assert write.recover() == b"\x10\x05\x01"
    assert write.sensor_status() == b"\x1dr\x01"
    assert write.process_id(b" ~09") == b"\x1d(H\x06\x00\x30\x30 ~09"
    assert write.line() == b"\n"
    assert write.text("Ẳ", "cp437", "replace") == b"?"
    for id_ in (b"\x1fA01", b"A01\x7f", b"A0123"):
        with pytest.raises(ValueError, match="four printable"):
            write.process_id(id_)
    for char in "\x00\x1f\x7f":
        with pytest.raises(ValueError, match="control character"):
            write.text(char)
    assert write.text(" ~\n") == b" ~\n"


# -- character tables -------------------------------------------------------------------------------------------------
def test_national_characters_row_by_row():
    """ESC R 0 to 16: what stands in the places of twelve ASCII characters."""
    assert codepages.INTERNATIONAL_PLACES == "#$@[\\]^`{|}~"
    plain = codepages.INTERNATIONAL_PLACES.encode()
    for n, row in enumerate(codepages.INTERNATIONAL):
        assert codepages.read(plain, codepages.table("cp437"), n) == row
    assert len(codepages.INTERNATIONAL) == 17


def test_places_of_tcvn3():
    """TCVN 5712 VN3: where each row of letters begins, and the capitals of Epson's page 31."""
    places = {0xB5: "à", 0xBB: "ằ", 0xC6: "ặ", 0xCE: "ẻ", 0xDC: "ĩ", 0xE1: "ỏ", 0xF1: "ủ", 0xFE: "ỵ"}
    lower, upper = codepages.table("tcvn3-lower"), codepages.table("tcvn3-upper")
    for place, letter in places.items():
        assert (lower[place], upper[place]) == (letter, letter.upper())
    assert "".join(lower[0xA8:0xAF]) == "ăâêôơưđ"
    assert upper[0xA1:0xA3] == ("Ă", "Â")
    assert upper[0xA7] == "Đ"
    assert "".join(upper[0xAA:0xAE]) == "ÊÔƠƯ"
    assert lower[0x80] == upper[0xFF] == codepages.UNKNOWN


@pytest.mark.parametrize("name", ["cp1258", "tcvn3-lower", "katakana"])
def test_what_a_table_does_not_have_is_not_written(name):
    """The sign that an undefined place reads as is no character of the table, though the table has such places."""
    assert codepages.UNKNOWN in codepages.table(name)
    with pytest.raises(UnicodeEncodeError):
        codepages.encode(codepages.UNKNOWN, name)


def test_pictures_that_a_printer_does_not_know():
    """GS ( L 112: only monochrome (a = 30), enlarged once or twice, with dots, and as long as announced."""
    good = bytes((0x30, 112, 0x30, 1, 2, 0x31, 9, 0, 2, 0)) + b"\xff\x80\x01\x00"
    assert images.stored_picture(good, 72) == Bits(0, 2, 2, b"\xff\x80\x01\x00", 1, 2)
    assert images.stored_picture(good + b"more", 72) == images.stored_picture(good, 72)
    assert images.stored_picture(good, 1) == Bits(0, 1, 2, b"\xff\x01", 1, 2)
    for place, values in ((2, (0x2F, 0x31)), (3, (0, 3)), (4, (0, 3)), (6, (0,)), (8, (0, 3))):
        for value in values:
            assert images.stored_picture(good[:place] + bytes([value]) + good[place + 1 :], 72) is None
    assert images.stored_picture(good[:-1], 72) is None
    assert images.stored_picture(good[:9], 72) is None
    wide = bytes((0x30, 112, 0x30, 2, 1, 0x31, 0, 1, 0, 1)) + bytes(32 * 256)
    assert images.stored_picture(wide, 72) == Bits(0, 32, 256, bytes(32 * 256), 2, 1)


def test_what_a_page_holds():
    """Bounds are ours: 4096 pieces and 256 KB of pictures; a real page of 576 x 1662 dots has 119,664 bytes."""
    assert (page.MOST_SPOTS, page.MOST_BITS) == (4096, 262_144)
    made = page.PageBuffer(page.Area(0, 0, 576, 1662), 0, 24, 576)
    assert made.put(Bits(0, 72, 1662, bytes(119_664)), 0, 1662)
    assert made.put(Bits(0, 72, 1662, bytes(119_664)), 0, 1662)
    for _ in range(4):
        assert made.put(Run(0, "A", Style(), 12, 24), 0, 24)
    assert not made.put(Bits(0, 72, 1662, bytes(22_817)), 0, 1662)
    assert made.put(Bits(0, 72, 1662, bytes(22_816)), 0, 1662)
    for _ in range(4096 - 7):
        assert made.put(Run(0, "A", Style(), 12, 24), 0, 24)
    assert not made.put(Run(0, "A", Style(), 12, 24), 0, 24)
    made.forget_area()
    assert made.put(Bits(0, 72, 1662, bytes(262_144)), 0, 1662)
    assert not made.put(Bits(0, 1, 1, b"x"), 0, 24)
    assert made.put(Run(0, "A", Style(), 12, 24), 0, 24)


def test_the_column_form_of_a_waiting_picture():
    """GS ( L 113: the same rules, the picture turned; cut to the room there is, in bytes across."""
    good = bytes((0x30, 113, 0x30, 1, 2, 0x31, 16, 0, 8, 0)) + b"\x80" * 16
    row = b"\xff\xff" + bytes(14)
    assert stored_images.waiting_picture(good, 72) == Bits(0, 2, 8, row, 1, 2)
    assert stored_images.waiting_picture(good, 1) == Bits(0, 1, 8, row[::2], 1, 2)
    double = good[:3] + b"\x02" + good[4:]
    assert stored_images.waiting_picture(double, 2) == Bits(0, 1, 8, row[::2], 2, 2)
    for place, values in ((2, (0x2F, 0x31)), (3, (0, 3)), (4, (0, 3)), (6, (0, 17)), (8, (0, 9))):
        for value in values:
            assert stored_images.waiting_picture(good[:place] + bytes([value]) + good[place + 1 :], 72) is None
    assert stored_images.waiting_picture(good[:9], 72) is None


@pytest.mark.parametrize("function", [67, 68, 83, 84])
def test_what_defines_a_picture(function):
    """Functions 67, 68, 83, 84: monochrome, a key, one colour at least, dots both ways, data as long as announced."""
    body = bytes(range(8))
    good = bytes((0x30, function, 0x30, 65, 66, 1, 8, 0, 8, 0, 0x31)) + body
    key, picture = stored_images.defined_picture(good)
    assert (key, picture.stride, picture.rows, len(picture.data)) == (b"AB", 1, 8, 8)
    for place, values in ((2, (0x2F, 0x31)), (5, (0,)), (6, (0,)), (8, (0, 9))):
        for value in values:
            assert stored_images.defined_picture(good[:place] + bytes([value]) + good[place + 1 :]) is None
    assert stored_images.defined_picture(good[:-1]) is None
    least = bytes((0x30, function, 0x30, 65, 66, 1, 1, 0, 1, 0, 0x31, 0x80))
    assert stored_images.defined_picture(least) == (b"AB", stored_images.Picture(1, 1, b"\x80"))
    assert stored_images.defined_picture(least[:-1]) is None


@pytest.mark.parametrize(
    ("sent", "kinds"),
    [
        ("11 13", [status.Flow, status.Flow]),
        ("00", [status.Plain]),
        ("03", [status.Plain]),
        ("0F 60", [status.Plain, status.Plain]),
        ("12 7E", [status.RealTime, status.RealTime]),
        ("80 90 FF", [status.Stray, status.Stray, status.Stray]),
        ("14 00 00 00", [status.AutoStatus]),
        ("37 22 41 30 30 31 00", [status.Confirmed]),
        ("37 25 00", [status.Cleared]),
        ("3B 30 00", [status.Block]),
        ("5F 41 00", [status.Block]),
        ("14 00 16 12", [status.Stray, status.Plain, status.RealTime, status.RealTime]),
    ],
)
def test_each_reply_is_of_its_kind(sent, kinds):
    """Their values alone do not tell: a plain byte 03 and a stray one are equal as tuples."""
    events, rest = status.parse_replies(bytes.fromhex(sent))
    assert [type(event) for event in events] == kinds
    assert rest == b""


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_which_way_an_area_is_measured(turn):
    """Upright and upside down by its width and height; upwards and downwards the other way round."""
    across, down = (50, 100) if turn in {1, 3} else (100, 50)
    made = page.PageBuffer(page.Area(3, 4, 100, 50), turn, 24, 576)
    panel = Panel(3, 4, 100, 50, turn, ())
    assert (made.across, made.down) == (panel.across, panel.down) == (across, down)
    assert made.put(Run(0, "A", Style(), 12, 24), across - 1, down + 23)
    assert made.put(Run(0, "B", Style(), 12, 24), across, 24)
    assert made.put(Run(0, "C", Style(), 12, 24), 0, down + 24)
    (advance,) = made.printed()
    assert [spot.piece.text for spot in advance.row.pieces[0].panels[0].spots] == ["A"]
