"""Character tables: Vietnamese there and back, in every table that has it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.escpos import codepages
from protocol.escpos.profiles import EPSON_PAGES, KIOSK_58, POS_58_PAGES, TM_T88

LOWER = "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵđ"
ACCENTED = [c for c in LOWER + LOWER.upper() if c > "\x7f"]


def test_all_134_letters_go_through_cp1258():
    """Each accented Vietnamese letter is written in CP1258 and read back as itself, composed."""
    assert len(ACCENTED) == 134
    for letter in ACCENTED:
        assert codepages.decode(codepages.encode(letter, "cp1258"), "cp1258") == letter


@pytest.mark.parametrize(
    ("letter", "expected"),
    [
        ("ẵ", "E3 DE"), ("ệ", "EA F2"), ("ấ", "E2 EC"), ("ỏ", "6F D2"), ("ò", "6F CC"), ("à", "E0"), ("đ", "F0"),
        ("ơ", "F5"), ("ư", "FD"), ("Đ", "D0"), ("ộ", "F4 F2"), ("ợ", "F5 F2"),
    ],
)  # fmt: skip
def test_tone_marks_follow_their_letter(letter, expected):
    """CC grave, D2 hook, DE tilde, EC acute, F2 dot below, after the letter with its own mark (protocols.md 4.5)."""
    assert codepages.encode(letter, "cp1258").hex(" ").upper() == expected


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_any_normal_form_is_written_alike(form):
    """Composed and decomposed text are the same text."""
    text = "Số thứ tự, Đà Nẵng, Tân Hội"
    assert codepages.encode(unicodedata.normalize(form, text), "cp1258") == codepages.encode(text, "cp1258")


def test_tcvn3_lower_is_the_standard():
    """TCVN 5712 VN3 places, taken from the standard's table: B5 a-grave ... FE y-dot-below, AE d-stroke."""
    assert codepages.encode("ăâêôơưđ", "tcvn3-lower") == bytes(range(0xA8, 0xAF))
    assert codepages.encode("àẳặẻệĩòỏợùủỵ", "tcvn3-lower").hex() == "b5bcc6ced6dcdfe1eeeff1fe"
    for letter in LOWER:
        assert codepages.decode(codepages.encode(letter, "tcvn3-lower"), "tcvn3-lower") == letter


def test_tcvn3_upper_has_its_capitals():
    """Character page 31: every capital goes there and back; a small letter is not in it."""
    for letter in LOWER.upper():
        assert codepages.decode(codepages.encode(letter, "tcvn3-upper"), "tcvn3-upper") == letter
    with pytest.raises(UnicodeEncodeError, match="no such character"):
        codepages.encode("ế", "tcvn3-upper")


def test_a_table_that_lacks_a_letter_says_so():
    """Strict raises with the letter's place, replace writes a question mark; nothing is dropped silently."""
    with pytest.raises(UnicodeEncodeError) as caught:
        codepages.encode("Nẵng", "cp437")
    assert (caught.value.start, caught.value.object[1]) == (1, "ẵ")
    assert codepages.encode("Nẵng", "cp437", "replace") == b"N?ng"


def test_tables_that_are_not_known_are_not_guessed():
    """An unsupported table reads its upper half as U+FFFD and refuses to be written."""
    assert codepages.decode(b"A\xc0", "cp851") == "A\ufffd"
    assert not codepages.is_supported("cp851")
    assert not codepages.is_supported("no such thing")
    with pytest.raises(LookupError, match="choose another"):
        codepages.encode("A", "cp851")


@pytest.mark.parametrize("pages", [EPSON_PAGES, POS_58_PAGES])
def test_every_number_of_a_profile_has_a_table(pages):
    """Each table of each profile can be read, or is one of those that say they cannot."""
    for name in pages.values():
        assert codepages.is_supported(name) or name in codepages.UNSUPPORTED
        assert len(codepages.table(name)) == 256


def test_the_number_of_a_table_is_the_models_own():
    """CP1258 is 52 on the Epson family and 27 on the 58 mm kiosk; TCVN-3 is there on the first alone."""
    assert (TM_T88.page_of("cp1258"), KIOSK_58.page_of("cp1258")) == (52, 27)
    assert TM_T88.page_of("tcvn3-lower") == 30
    with pytest.raises(LookupError, match="'kiosk-58' has no character table 'tcvn3-lower'"):
        KIOSK_58.page_of("tcvn3-lower")


def test_national_rows_are_complete():
    """Each row of ESC R exchanges the same twelve places, and the first changes none."""
    assert codepages.INTERNATIONAL[0] == codepages.INTERNATIONAL_PLACES
    assert {len(row) for row in codepages.INTERNATIONAL} == {12}


def test_viscii():
    """RFC 1456: every small letter and all capitals but the six that lie in the control characters."""
    assert codepages.decode(b"\xa5\xd5\xf0\xd0\x80", "viscii") == "ầạđĐẠ"
    missing = {c for c in LOWER + LOWER.upper() if codepages.encode(c, "viscii", "replace") == b"?"}
    assert missing == set("ẲẴẪỶỸỴ")
    assert codepages.decode(codepages.encode(LOWER, "viscii"), "viscii") == LOWER


def test_marks_of_a_table():
    """CP1258 has five combining marks; tables with precomposed letters have none."""
    assert codepages.marks("cp1258") == bytes.fromhex("CC D2 DE EC F2")
    assert codepages.marks("tcvn3-lower") == codepages.marks("viscii") == codepages.marks("cp437") == b""


def test_vietnams_own_national_sign():
    """ESC R 16 puts the dong sign in the dollar's place."""
    assert codepages.read(b"$#", codepages.table("cp437"), 16) == "₫#"


@given(st.text(st.sampled_from(LOWER + LOWER.upper() + " 0123456789.,-"), max_size=40))
def test_vietnamese_text_survives(text):
    """Any Vietnamese text written in CP1258 is read back exactly."""
    assert codepages.decode(codepages.encode(text, "cp1258"), "cp1258") == text
