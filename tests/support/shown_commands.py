"""What Markdown shows: files to write, commands to run with what they print, and command lines in passing.

A page is run block by block, in its order. A comment before a block says what is special of it:

    <!-- file: NAME -->   the block is written to that file
    <!-- exit: N -->      its commands end with that code (0 otherwise)
    <!-- gate -->         it takes long: run by the gate test only
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"((?:^<!--[^\n]*-->\n)*)^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FENCE = re.compile(r"^(`{3,})[^\n]*\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`+([^`]+)`+")


@dataclass
class Command:
    """One line after "$", and the lines that must be printed."""

    text: str
    printed: list[str] = field(default_factory=list)


@dataclass
class Block:
    """A fenced block with what the comments before it say."""

    language: str
    text: str
    file: str = ""
    exit: int = 0
    gate: bool = False

    def commands(self) -> list[Command]:
        """Of a console block; a backslash at the end joins lines."""
        found: list[Command] = []
        for line in self.text.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:]))
            elif line.strip():
                found[-1].printed.append(line)
        return found


def blocks(page: str) -> list[Block]:
    """Every block of a page."""
    found = []
    for comments, language, text in _BLOCK.findall(page):
        block = Block(language, text)
        for comment in re.findall(r"<!--\s*(.*?)\s*-->", comments):
            key, _, value = comment.partition(": ")
            match key:
                case "file":
                    block.file = value
                case "exit":
                    block.exit = int(value)
                case "gate":
                    block.gate = True
                case _:
                    raise ValueError(f"<!-- {comment} --> is not known: file, exit or gate")
        found.append(block)
    return found


def must_run(page: str, desk: Path, *, gate: bool) -> int:
    """Write its files and run its commands in a folder; returns how many were run.

    Args:
        page: Markdown.
        desk: an empty folder; examples/ is put into it.
        gate: also blocks that take long.
    """
    (desk / "examples").symlink_to(ROOT / "examples")
    count = 0
    for block in blocks(page):
        if block.file:
            (desk / block.file).write_text(block.text, encoding="utf-8")
        if block.language != "console" or (block.gate and not gate):
            continue
        for command in block.commands():
            code, told = _run(command.text, desk)
            assert code == block.exit, f"$ {command.text}\nended with {code}, {block.exit} expected\n{told}"
            for line in command.printed:
                start = line.removesuffix("...").rstrip()
                assert start in told, f"$ {command.text}\ndid not print {start!r}, but\n{told}"
            count += 1
    return count


def _run(command: str, desk: Path) -> tuple[int, str]:
    words = shlex.split(command, comments=True)
    programs = {"hallbench": ["-m", "bench.cli"], "pytest": ["-m", "pytest", "-p", "no:cacheprovider"], "python": []}
    assert words[0] in programs, f"{words[0]} is not run here: hallbench, pytest, python"
    ended = subprocess.run(
        [sys.executable, *programs[words[0]], *words[1:]],
        cwd=desk,
        env={
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "HOME": str(desk),
            "COLUMNS": "200",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def shown(page: str) -> Iterator[list[str]]:
    """The words of each `hallbench ...` that a page shows, in blocks and in passing, after the name itself."""
    fenced = "\n".join(text for _, text in _FENCE.findall(page)).replace("\\\n", " ")
    lines = [line.strip().removeprefix("- ").removeprefix("run: ").removeprefix("$ ") for line in fenced.splitlines()]
    lines += [" ".join(text.split()) for text in _INLINE.findall(_FENCE.sub("", page))]
    for line in lines:
        for part in re.split(r";\s+| && | \| ", line):
            words = part.split("  #")[0].split()
            if words[:1] == ["hallbench"] and len(words) > 1:
                yield words[1:]
