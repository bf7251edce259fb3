"""`check` takes the declaration of a vendor's protocol as it is: what can be tested is found by playing it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.compliance.declaration import InvalidDeclaration, load_declaration
from bench.compliance.vendor import CannotBeTested, derived, is_protocol, subject_of
from declared import MINIMAL

EXAMPLES = Path(__file__).parents[3] / "examples"
CATALOGUE = Path(__file__).parents[3] / "protocol/declared/catalogue"


def test_what_is_derived_of_a_keypad_and_a_display() -> None:
    """A keypad is pressed, a display is asked; addresses and checks are those of the declaration."""
    keypad = load_declaration(str(EXAMPLES / "acme_k5.toml"))
    assert keypad.capabilities == {"presses": True, "statements": True, "address": True, "check": True, "keys": 5,
                                   "timeout_ms": 300}  # fmt: skip
    assert (keypad.unit, keypad.extra["tell"]) == (17, ["thanks"])
    display = load_declaration(str(EXAMPLES / "acme_d6.toml"))
    assert (display.capabilities["questions"], display.extra["ask"]) == (True, ["write"])
    assert str(display.settings) == "19200 8N1"
    assert tomllib.loads(display.text)["extra"]["text"] == (EXAMPLES / "acme_d6.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["acme_k5", "acme_d6"])
def test_the_device_that_it_describes_passes_and_another_does_not(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The suite holds for the declared device; one whose check is another is found out, and never passes for sound."""
    file = EXAMPLES / f"{name}.toml"
    assert main(["check", str(file), "--emulated", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sum(case["verdict"] == "PASS" for case in told["cases"]) >= 14
    other = tmp_path / "other.toml"
    text = file.read_text(encoding="utf-8")
    start = text.index("[[vector]]")
    text = text[:start].replace('check = "sum8"', 'check = "xor8"') + text[start:]
    for old, new in (("37 50 33 2A 45 41", "37 50 33 2A 36 34"), ("37 41 2A 41 38", "37 41 2A 34 36"),
                     ("37 20 20 2A 44 34", "37 20 20 2A 32 34"), ("34 4B 2A 41 46", "34 4B 2A 34 46")):  # fmt: skip
        text = text.replace(old, new)
    other.write_text(text, encoding="utf-8")
    assert main(["check", str(file), "--emulated", str(other), "--json"]) in (1, 5)
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] in ("FAIL", "INCONCLUSIVE")
    assert not any(case["verdict"] == "PASS" and case["id"] == "declared.dev.sound" for case in told["cases"])


def test_evidence_is_judged_again_without_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The bundle has the whole declaration inside."""
    file = tmp_path / "acme_d6.toml"
    file.write_text((EXAMPLES / "acme_d6.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert main(["check", str(file), "--emulated", str(file), "--out", str(tmp_path / "out")]) == 0
    file.unlink()
    assert main(["verify", str(tmp_path / "out/evidence.zip")]) == 0
    assert "CONFIRMED PASS" in capsys.readouterr().out


def test_evidence_of_a_long_declaration_is_judged_again_too(tmp_path: Path) -> None:
    """Thousands of letters, with quotes, backslashes and tabs among them, make a bundle that `verify` takes."""
    text = (EXAMPLES / "acme_k5.toml").read_text(encoding="utf-8") + "".join(
        f'# {n}: "a\\b" \t """ số\\\n' for n in range(200)
    )
    written = derived(text, "long.toml")
    assert tomllib.loads(written)["extra"]["text"] == text
    assert max(map(len, written.splitlines())) < 200
    (tmp_path / "long.toml").write_text(text, encoding="utf-8")
    long = str(tmp_path / "long.toml")
    assert main(["check", long, "--emulated", long, "--out", str(tmp_path / "out")]) == 0
    assert main(["verify", str(tmp_path / "out" / "evidence.zip")]) == 0


@pytest.mark.parametrize("long", ["# " + "x" * 2_100, "# x\n" * 20_000])
def test_a_declaration_that_verify_would_not_take_is_refused_before_the_run(tmp_path: Path, long: str) -> None:
    """Nobody tests a device for an hour and finds then that the evidence is too long to be verified."""
    path = tmp_path / "long.toml"
    path.write_text((EXAMPLES / "acme_k5.toml").read_text(encoding="utf-8") + long, encoding="utf-8")
    with pytest.raises(InvalidDeclaration, match=r"more than 65,536 letters, or more than 2,000 in a line"):
        load_declaration(str(path))


def test_what_cannot_be_tested_is_said(tmp_path: Path) -> None:
    """A mistake has its place; a declaration of which nothing can be seen is refused."""
    text = (EXAMPLES / "acme_d6.toml").read_text(encoding="utf-8")
    with pytest.raises(CannotBeTested, match=r"x\.toml:\d+:\d+: .*xor9"):
        derived(text.replace('"sum8"', '"xor9"'), "x.toml")
    with pytest.raises(CannotBeTested, match="nothing of it can be seen"):
        derived(MINIMAL, "lamp.toml")
    with pytest.raises(CannotBeTested, match="cannot be read"):
        subject_of(str(tmp_path / "nothing.toml"))
    lamp = tmp_path / "lamp.toml"
    lamp.write_text(MINIMAL, encoding="utf-8")
    with pytest.raises(InvalidDeclaration, match="nothing of it can be seen"):
        load_declaration(str(lamp))


def test_which_file_is_which() -> None:
    """The suite's own declarations are told from those of a protocol."""
    assert is_protocol((CATALOGUE / "onbon.toml").read_text(encoding="utf-8"))
    assert not is_protocol(load_declaration("onbon").text)
    assert not is_protocol("[device")
