"""The tutorial on declaring a device, done as it says: its file, its commands, their output."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/tutorials/declare_a_device.md").read_text(encoding="utf-8")
VOICE = (ROOT / "docs/tutorials/declare_a_voice.md").read_text(encoding="utf-8")
DISPLAY = (ROOT / "docs/tutorials/declare_a_display.md").read_text(encoding="utf-8")


def written(page: str) -> str:
    """The file that one types along a tutorial."""
    return "".join(block + "\n" for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL))


DECLARED = written(TEXT)


def commands(page: str = TEXT) -> list[tuple[str, list[str]]]:
    """Each command of the tutorial with the lines that it should print."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    for name in ("acme_hall.toml", "acme_displays.toml", "acme_voice.toml", "acme_collector.py"):
        shutil.copy(ROOT / "examples" / name, tmp_path / name)
    return tmp_path


def run(command: str, desk: Path) -> tuple[int, str]:
    words = shlex.split(command, comments=True)
    assert words[0] == "hallbench"
    ended = subprocess.run(
        [sys.executable, "-m", "bench.cli", *words[1:]],
        cwd=desk,
        env={"PATH": str(Path(sys.executable).parent), "PYTHONPATH": str(ROOT), "HOME": str(desk)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("page", "name"),
    [(TEXT, "acme_k5"), (DISPLAY, "acme_d6"), (VOICE, "acme_v1")],
    ids=["keypad", "display", "voice"],
)
def test_the_blocks_are_the_shipped_example(page: str, name: str) -> None:
    """What one types along the tutorial is the file in examples/."""
    shipped = (ROOT / f"examples/{name}.toml").read_text(encoding="utf-8")
    lines = [line for line in shipped.splitlines() if line.strip()]
    typed = [line for line in written(page).splitlines() if line.strip()]
    assert typed == (lines if page is TEXT else lines[1:])  # the other files say first what they are
    assert len(lines) <= 60


def test_every_command_does_what_the_tutorial_says(desk: Path) -> None:
    """In order, in an empty folder: the scaffold, the file, a mistake in it, the hall, the collector."""
    target = desk / "acme_k5.toml"
    for command, expected in commands():
        fails = "# fails" in command
        if fails:
            target.write_text(DECLARED.replace("over =", "oder ="), encoding="utf-8")
        code, told = run(command, desk)
        assert code == (3 if fails else 0), told
        for line in expected:
            assert line in told, (command, line, told)
        if command.startswith("hallbench new"):
            assert run(f"hallbench devices {target.name}", desk)[0] == 0  # the scaffold is valid
        target.write_text(DECLARED, encoding="utf-8")


@pytest.mark.parametrize("page", [DISPLAY, VOICE], ids=["display", "voice"])
def test_a_display_and_a_voice_in_every_command(page: str, desk: Path) -> None:
    """The second tutorial and the third, whose halls have the devices of those before too."""
    for name, text in (("acme_k5", TEXT), ("acme_d6", DISPLAY), ("acme_v1", VOICE)):
        (desk / f"{name}.toml").write_text(written(text), encoding="utf-8")
    for command, expected in commands(page):
        code, told = run(command, desk)
        assert code == 0, told
        for line in expected:
            assert line in told, (command, line, told)
