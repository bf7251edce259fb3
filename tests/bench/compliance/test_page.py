"""report.html and the acceptance sheet: complete, well formed, offline, safe, and never a seal of approval."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings

import compliance_runs as made
from bench.compliance import acceptance_sheet, compare, page
from bench.compliance.junit import junit
from bench.compliance.requirements import Requirement
from bench.compliance.results import VERDICTS, Run
from bench.compliance.sarif import sarif
from bench.compliance.suites import suite_named
from bench.compliance.tally import NO_CASE, book_of, declared_line, matrix, rule_of, score, shipped_book, statement

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
VOID = {"meta", "br", "link", "hr", "img", "input"}
RK1 = 'name = "rating_keypad"\ntitle = "Reference rating keypad RK-1"\n'
KILLS = {
    "mutants": [
        {"id": "MB-01", "killed": True, "blamed": ["MBS-2.5-R1"], "expected": "MBS-2.5-R1", "title": "CRC high first"},
        {
            "id": "MB-02",
            "killed": True,
            "blamed": ["MBS-2.5-R9"],
            "expected": "MBS-2.5-R1",
            "collateral": ["rtu.dev.x"],
        },
        {"id": "MB-03", "killed": True, "blamed": ["A"], "expected": "A", "unexpected": ["rtu.dev.y"]},
    ],
    "variants": [{"id": "LV-1", "failed": {}}, {"id": "LV-2", "failed": {"rtu.dev.x": "no"}}],
    "null_devices": [{"id": "ND-1", "passed": []}],
}


class Page(HTMLParser):
    """What a browser would find; balanced tags are asserted on the way."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def _page(run: Run, **given: object) -> Page:
    return Page(page.render(run, book_of(run), **given))


def must_be_alone(found: Page) -> None:
    """Nothing is fetched and nothing runs; each head of a column or row says which it is, for who has it read aloud."""
    assert all("scope" in attrs for tag, attrs in found.tags if tag == "th")
    for tag, attrs in found.tags:
        assert tag not in {"script", "link", "iframe", "object", "img", "image", "use"}
        for name, value in attrs.items():
            assert not name.startswith("on")
            if name in ("href", "src", "xlink:href"):
                assert (value or "").startswith("#")


def _all_texts(run: Run) -> list[str]:
    book = book_of(run)
    texts = [
        page.render(run, book, KILLS),
        junit(run, book),
        sarif(run, book, everything=True),
        statement(run, book, matrix(run, book)),
    ]
    texts.append(compare.render(compare.compare(run, replace(run, seed=9))))
    return texts + ([acceptance_sheet.render(run, book)] if acceptance_sheet.applies(run) else [])


@pytest.mark.parametrize("verdict", VERDICTS)
def test_no_text_reads_like_a_seal(verdict: str) -> None:
    """Whatever the verdict, no report says certified, certificate or approved; it says what was observed."""
    for run in (made.run(made.case(verdict), declaration=RK1), made.mixed(declaration=RK1)):
        for text in _all_texts(run):
            assert not re.search(r"certif|chứng nhận|\bapproved\b", text, re.IGNORECASE)
        assert "observed conformant to" in page.render(run, book_of(run))


def test_the_page_is_alone_and_the_same_each_time() -> None:
    """No address is fetched, no script runs, links stay on the page and have a place; the same run, the same bytes."""
    found = _page(made.mixed(), kill_matrix=KILLS)
    places = [attrs["id"] for _, attrs in found.tags if "id" in attrs]

    must_be_alone(found)
    assert len(set(places)) == len(places)
    linked = [(attrs["href"] or "")[1:] for tag, attrs in found.tags if tag == "a"]
    assert set(linked) <= set(places)
    sections = [attrs["id"] for tag, attrs in found.tags if tag == "section" and "id" in attrs]
    assert linked[: len(sections)] == sections
    assert page.render(made.mixed(), book_of(made.mixed())) == page.render(made.mixed(), book_of(made.mixed()))
    assert "prefers-color-scheme: dark" in page.render(made.mixed(), book_of(made.mixed()))


def test_the_banner_has_the_rule() -> None:
    """The verdict stands first, with the rule that made it."""
    text = _page(made.mixed()).text

    assert text.index("ERROR The tester itself failed in a case") < text.index("Clause by clause")
    assert all(rule_of(word) != rule_of("PASS") for word in ("FAIL", "ERROR", "INCONCLUSIVE", "NON-STRICT"))


def test_every_case_is_on_the_page_with_its_reason() -> None:
    """Nothing is left out: each id, each reason, each reproduce line, each reason not to run."""
    text = _page(made.mixed()).text

    for case in made.mixed().cases:
        assert case.id in text
        assert " ".join(case.reason.split()) in text
    assert text.count("hallbench check rk1 --emulated") == 6
    assert "broadcast = false" in text


def test_the_contradiction_is_boxed() -> None:
    """The characters that contradict are named, and marked in the ladder of that case alone."""
    rendered = page.render(made.mixed(), book_of(made.mixed()))

    assert rendered.count('<rect class="hit"') == 1
    assert "<code>04</code> in frame 1" in rendered


def test_figures_are_summed_up() -> None:
    """Measures of one name stand in one row with n, min, p50, p99, max."""
    text = _page(made.mixed()).text

    assert "t3.5 before the reply ms 2 3.95 3.95 4.4 4.4 >= 4.01" in text
    assert "reply time ms 1 14.2 14.2 14.2 14.2" in text


def test_the_kill_matrix_counts_right_blame_only() -> None:
    """A defect that was found and blamed on something else, or with others beside it, does not count as found."""
    told = page.self_test(KILLS)

    assert [line["good"] for line in told["mutants"]] == [True, False, False]
    assert told["sentence"].startswith("1 of 3 planted defects found")
    assert "1 of 2 legal variants failed; 0 of 1 null device passed" in told["sentence"]
    assert "The suite's own test was not run" in _page(made.mixed()).text
    assert page.self_test({}) == page.self_test({"mutants": "nonsense", "variants": 7})


# -- counting ---------------------------------------------------------------------------------------------------------
def _known(id_: str, level: str = "MUST", **given: str) -> Requirement:
    return Requirement(id_, "MBA", "6.3", True, level, **{"role": "device", "says": f"{id_} says", **given})


def test_the_sentence_counts_testable_musts() -> None:
    """N of M: kept of testable; excluded, contradicted and open ones are told apart and stay in M."""
    catalogue = made.Catalogue(
        _known("MBA-6.3-R1"),
        _known("MBA-6.3-R2"),
        _known("MBS-2.1-R4"),
        _known("MBA-6.3-R7"),
        _known("MBA-6.3-R8", testable="not-black-box", because="it is inside"),
        _known("MBA-6.3-R9", level="SHOULD"),
        _known("MBA-6.3-R10", role="master"),
    )
    kept = [case for case in made.mixed().cases if case.requirement in catalogue.requirements]
    run = made.run(*kept)
    book = book_of(run, [catalogue])
    rows = matrix(run, book)

    assert score(rows) == (1, 4, 1, 1, 1)
    assert "MBA-6.3-R10" not in book.requirements
    assert {row.known.id: row.verdict for row in rows}["MBA-6.3-R7"] == NO_CASE
    assert statement(run, book, rows) == (
        "observed conformant to 1 of 4 testable MUST requirements of MODBUS Application Protocol, V1.1b3, "
        f"declaration {run.declaration_sha256[:12]}, in simulated time, emulated rating_keypad, 9600 8N1 "
        "(1 contradicted, 1 not applicable by the declaration, 1 not observed or not decided)"
    )


@pytest.mark.parametrize(
    ("verdicts", "row"),
    [
        (("PASS", "FAIL"), "FAIL"),
        (("PASS", "NOT RUN"), "NOT RUN"),
        (("PASS", "NOT APPLICABLE"), "PASS"),
        (("PASS", "NON-STRICT"), "NON-STRICT"),
        (("NOT APPLICABLE", "NOT APPLICABLE"), "NOT APPLICABLE"),
        (("INCONCLUSIVE", "FAIL", "ERROR"), "ERROR"),
    ],
)
def test_a_requirement_has_the_worst_of_its_cases(verdicts: tuple[str, ...], row: str) -> None:
    """A case that was not run could have found the mistake, so it outweighs one that passed."""
    run = made.run(*(made.case(verdict, id=f"case-{n}") for n, verdict in enumerate(verdicts)))

    assert [one.verdict for one in matrix(run, book_of(run))] == [row]


def test_a_case_that_only_touches_a_requirement_never_blames_it() -> None:
    """`also` can support a requirement; a failure there leaves it undecided."""
    for verdict, row in (("PASS", "PASS"), ("FAIL", "INCONCLUSIVE"), ("NOT APPLICABLE", "NOT APPLICABLE")):
        run = made.run(made.case(verdict, also=("MBA-6.3-R2",)))
        rows = matrix(run, book_of(run, [made.Catalogue(_known("MBA-6.3-R1"), _known("MBA-6.3-R2"))]))
        assert {one.known.id: one.verdict for one in rows}["MBA-6.3-R2"] == row


def test_the_line_of_the_declaration_is_found() -> None:
    """What excludes a case is looked up in the declaration: by the fact's own name, or the list that sets it."""
    declaration = "[capabilities]\nfunctions = [0x03]\nbroadcast = []\n[map]\nholding = [[0, 3]]\n"
    run = made.run(declaration=declaration)
    for applies, line in (
        ("the case applies if `fc10`; declaration x: fc10 = 0", (2, "functions = [0x03]")),
        ("the case applies if `bc06`; declaration x: bc06 = 0", (3, "broadcast = []")),
        ("the case applies if `holding_run >= 9`; declaration x: holding_run = 3", (5, "holding = [[0, 3]]")),
        ("the case applies if `event`; declaration x: event = 0", None),
    ):
        assert declared_line(run, made.case("NOT APPLICABLE", applies=applies)) == line


def test_clauses_that_were_not_checked_are_marked() -> None:
    """A clause number from memory carries a question mark, one that was compared with the document does not."""
    run = made.run(made.case())
    checked = book_of(run, [made.Catalogue(_known("MBA-6.3-R1"))])
    memory = book_of(run, [made.Catalogue(replace(_known("MBA-6.3-R1"), checked=False))])

    assert 'class="unchecked"' not in page.render(run, checked)
    assert '6.3<span class="unchecked"' in page.render(run, memory)
    assert "6.3, MUST" not in Page(page.render(run, memory)).text
    assert shipped_book(run).requirements["MBA-6.3-R1"].id == "MBA-6.3-R1"


# -- the sheet and hostile text ---------------------------------------------------------------------------------------
def test_the_sheet_is_in_two_languages_and_points_at_the_evidence() -> None:
    """English and Vietnamese headings, the sentence, what must be explained, the hashes, three signatures."""
    run = made.mixed(declaration=RK1)
    found = Page(acceptance_sheet.render(run, book_of(run)))

    must_be_alone(found)
    for part in (
        "Acceptance sheet",
        "Phiếu kiểm tra nghiệm thu",
        "Nhà cung cấp",
        "Người kiểm tra",
        "Bên mua",
        run.declaration_sha256,
        "hallbench verify",
        "the port went away",
        "Reference rating keypad RK-1",
    ):
        assert part in found.text


def test_the_sheet_tells_what_was_left_out() -> None:
    """A few chosen cases that pass make no clean sheet: how many were not run is to be explained, and why."""
    whole = made.run(made.case(), declaration=RK1, suite="rk1.device")
    part = made.run(
        made.case(), made.case("NOT RUN", id="b", reason="not selected"), declaration=RK1, suite="rk1.device"
    )
    clean, told = (Page(acceptance_sheet.render(run, book_of(run))).text for run in (whole, part))

    assert "Nothing. / Không có." in clean
    assert "Nothing." not in told
    assert "1 of 2: not selected" in told
    assert "in a part of the suite" in told
    assert 'class="verdict open"' in acceptance_sheet.render(part, book_of(part))


def test_the_sheet_tells_that_only_modbus_was_tested() -> None:
    """The Modbus suite knows nothing of lost presses: its sheet says so, and how the profile itself is tested."""
    modbus, profile = (
        made.run(made.case(), declaration=RK1, suite=name) for name in ("modbus_rtu.device", "rk1.device")
    )

    assert "hallbench check rk1" in Page(acceptance_sheet.render(modbus, book_of(modbus))).text
    assert "hallbench check rk1" not in Page(acceptance_sheet.render(profile, book_of(profile))).text


def _crowded() -> Run:
    """A run of the profile's whole suite in which much failed, much was left out, and every text is long."""
    cases = []
    for number, known in enumerate(suite_named("rk1.device").cases):
        verdict = ("FAIL", "NOT RUN", "PASS")[number % 3]
        reason = "" if verdict == "PASS" else "so many words that nobody reads them all " * 9
        cases.append(made.case(verdict, id=known.id, title=known.title, requirement=known.primary, reason=reason))
    port = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0 9600 8N1 unit 2"
    declaration = RK1.replace("Reference", "Reference " + "W" * 900)
    return made.run(*cases, declaration=declaration, target=port, suite="modbus_rtu.device")


def test_long_words_are_cut_on_the_sheet() -> None:
    """A title of a thousand letters does not make the sheet longer; the declaration in the bundle has it whole."""
    run = _crowded()

    assert acceptance_sheet.applies(run)
    assert "W" * 120 not in acceptance_sheet.render(run, shipped_book(run))


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_the_sheet_is_one_page(tmp_path: Path) -> None:
    """A browser prints the fullest sheet there can be on one page of A4."""
    run = _crowded()
    sheet, printed = tmp_path / "sheet.html", tmp_path / "sheet.pdf"
    sheet.write_text(acceptance_sheet.render(run, shipped_book(run)), "utf-8")
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'user'}"]
    command += [f"--print-to-pdf={printed}", str(sheet)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)

    assert len(re.findall(rb"/Type /Page\b", printed.read_bytes())) == 1


@settings(max_examples=15, deadline=None)
@given(run=made.hostile_runs())
def test_no_device_can_reach_into_the_page(run: Run) -> None:
    """Hostile text stays text: no tag, no script, no control, bidirectional or surrogate character comes through."""
    for kills in (None, {"mutants": [{"id": made.HOSTILE, "title": made.HOSTILE, "killed": True}]}):
        rendered = page.render(run, book_of(run), kills)
        must_be_alone(Page(rendered))
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", rendered)
    sheet = replace(run, declaration=RK1, suite="modbus_rtu.device")
    must_be_alone(Page(acceptance_sheet.render(sheet, book_of(sheet))))
    must_be_alone(Page(compare.render(compare.compare(run, sheet))))
