"""`new`, `decode` and `devices` for declared protocols."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.cli.new_cmd import ROLES, scaffold
from bench.scenario.declared import available, codec_of, parse
from declared import MINIMAL, NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_vector_is_explained(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each known frame is good, and is called what it is."""
    for vector in codec_of(name).declaration.vectors:
        source = codec_of(name).messages[vector.of].message.source
        way = {"host": "request", "device": "reply"}[source]
        assert main(["decode", name, "--as", way, vector.data.hex(" ")]) == 0
        told = capsys.readouterr().out
        assert vector.of in told
        assert f"from the {source}" in told


def test_check_lists_the_cases_of_what_was_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a declaration --list shows its suite alone; without one those of all."""
    listed = []
    for named in ([], ["rating_keypad"], ["ff68_evaluator.toml"]):
        if named and named[0].endswith(".toml"):
            named = [str(tmp_path / named[0])]
            Path(named[0]).write_text(codec_of("ff68_evaluator").text, encoding="utf-8")
        assert main(["check", *named, "--list", "--json"]) == 0
        listed.append({row["suite"] for row in json.loads(capsys.readouterr().out)["cases"]})
    every, keypad, declared = listed
    assert len(keypad) == len(declared) == 1
    assert keypad != declared
    assert keypad | declared < every


def test_mistakes_of_a_declaration_stand_on_lines_of_their_own_in_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`check` tells what is wrong with a declaration as `devices` does: place, line, caret, below each other."""
    file = tmp_path / "wrong.toml"
    file.write_text(MINIMAL.replace("[frame]", "[frame]\noder = 3", 1), encoding="utf-8")
    assert main(["check", str(file), "--emulated", str(file)]) == 3
    told = capsys.readouterr().err
    assert "there is no key `oder` here" in told
    assert "\\n" not in told
    assert "    oder = 3" in told.splitlines()


def test_the_direction_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --as both are tried."""
    assert main(["decode", "ff68_evaluator", "FF 68 03 03 68 03 11 00 14 16"]) == 0
    assert "from the device, rate" in capsys.readouterr().out
    assert main(["decode", "syn6288", "FD 00 02 21 DE"]) == 0
    assert "from the host, status" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("protocol", "data", "told"),
    [
        ("ff68_evaluator", "FF 68 03 03 68 03 11 00 15 16", "its check does not fit"),
        ("ff68_evaluator", "FF 68 03 03 68 03 77 00 7A 16", "no message"),
        ("ff68_evaluator", "01 02 03", "belong to no frame"),
        ("osdp", "53 05 08 00 04 60 BC 88", "does not fit"),
    ],
)
def test_what_is_not_good(protocol: str, data: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, and why."""
    assert main(["decode", protocol, data]) == 1
    found = capsys.readouterr()
    assert told in found.out + found.err


def test_a_declaration_by_its_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file is a protocol like any other; a mistake in it is exit 3, an unknown name exit 2."""
    file = tmp_path / "lamp.toml"
    file.write_text(MINIMAL, encoding="utf-8")
    assert main(["decode", str(file), "02 01 05 06"]) == 0
    assert "level = 5" in capsys.readouterr().out
    file.write_text(MINIMAL.replace("xor8", "xor9"), encoding="utf-8")
    assert main(["decode", str(file), "02 01 05 06"]) == 3
    assert "lamp.toml:14:27" in capsys.readouterr().err
    assert main(["decode", "dfplaye", "02"]) == 2
    assert "dfplayer" in capsys.readouterr().err


@pytest.mark.parametrize("name", available())
def test_every_declaration_is_shown(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Title, source with its grade, what people do, messages, what is left out."""
    assert main(["devices", name, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    declaration = codec_of(name).declaration
    assert told["title"] == declaration.title
    assert told["source"]["meaning"]
    assert told["not_emulated"]
    assert len(told["commands"]) == len(declaration.messages)
    assert main(["devices", name]) == 0
    assert declaration.title in capsys.readouterr().out


def test_they_are_in_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    """`hallbench devices` names every declaration."""
    assert main(["devices"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in available())


@pytest.mark.parametrize("role", ROLES)
def test_a_scaffold_is_valid_as_it_is_written(role: str) -> None:
    """What `new device` writes passes its own vectors."""
    made = parse(scaffold("acme", role, "acme.toml").encode(), "acme.toml")
    assert (made.name, made.role) == ("acme", role)


def test_a_new_device_never_overwrites_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It writes a file, never over one that is there, and under a name that can be one."""
    monkeypatch.chdir(tmp_path)
    assert main(["new", "device", "acme_k4"]) == 0
    assert "acme_k4.toml" in capsys.readouterr().out
    assert main(["devices", "acme_k4.toml"]) == 0
    assert main(["new", "device", "acme_k4"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["new", "device", "Acme K4"]) == 2
    assert main(["new", "device", "x", "--out", str(tmp_path / "no" / "x.toml")]) == 3


def test_a_declaration_from_elsewhere_is_told_in_print(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Escapes and direction marks in its texts are spelled out on the terminal, wherever they stand."""
    text = (Path(__file__).parents[3] / "examples" / "acme_k5.toml").read_text(encoding="utf-8")
    keys = r'\b(title|source|not_emulated|meaning|does|note) = "'
    hostile, times = re.subn(keys, r"\g<0>\\u001b]0;pwn\\u0007\\u202e", text)
    assert times
    path = tmp_path / "k5.toml"
    path.write_text(hostile, encoding="utf-8")
    assert main(["devices", str(path)]) == 0
    told = "".join(capfd.readouterr())
    assert "\\x1b]0;pwn\\x07\\u202e" in told
    assert all(char.isprintable() or char == "\n" for char in told)
