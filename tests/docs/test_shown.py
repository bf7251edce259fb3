"""Pages show what there is: links lead somewhere, command lines name commands and options of this version."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from bench.cli.main import COMMAND, LazyGroup
from shown_commands import ROOT, shown

DOCS = sorted(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts and "made" not in p.parts)
PAGES = [*DOCS, *sorted(ROOT.glob("README*.md")), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
CI = sorted((ROOT / "examples/ci").glob("*.yml"))
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^(`{3,}).*?^\1$|`[^`\n]*`", re.DOTALL | re.MULTILINE)


def ident(path: Path) -> str:
    return str(path.relative_to(ROOT))


def dangling(path: Path) -> list[str]:
    """Links of a page to files that are not there; pages that `make docs` makes are known by their maker."""
    maker = (ROOT / "docs/generator/pages.py").read_text(encoding="utf-8")
    made = set(re.findall(r'^        "(\w+)": ', maker, re.MULTILINE))
    found = []
    for target in _LINK.findall(_CODE.sub("", path.read_text(encoding="utf-8"))):
        name = target.split("#")[0]
        if re.match(r"[a-z]+:", target) or not name:
            continue
        there = (path.parent / name).resolve()
        if there.parent == ROOT / "docs/reference/made":
            if there.stem not in made:
                found.append(target)
        elif not there.exists():
            found.append(target)
    return found


def wrong(words: list[str]) -> str:
    """What is wrong with a command line, "" when nothing is."""
    group: click.Group = LazyGroup("hallbench")
    context = click.Context(group, info_name="hallbench")
    name = words[0].rstrip(".,:")
    if name.startswith("-") or not re.fullmatch(r"[a-z][a-z-]*", name):
        return "" if name in ("--help", "--version", "-h") or name.isupper() or not name[:1].isalpha() else name
    if name not in COMMAND:
        return f"no command {name}"
    command = group.get_command(context, name)
    assert command is not None
    rest = [word.strip("[]().,:;") for word in words[1:]]
    if isinstance(command, click.Group):
        below = next((word for word in rest if word in command.commands), None)
        options = {opt for param in command.params for opt in param.opts}
        if below is not None:
            options |= {opt for param in command.commands[below].params for opt in param.opts}
    else:
        options = {opt for param in command.params for opt in (*param.opts, *param.secondary_opts)}
    for word in rest:
        if word == "--":
            break
        if word.startswith("--") and word.split("=")[0].split("|")[0] not in options | {"--help"}:
            return f"{name} has no option {word}"
    return ""


@pytest.mark.parametrize("path", PAGES, ids=ident)
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link of a page names a file, or a page that `make docs` makes."""
    assert dangling(path) == []


@pytest.mark.parametrize("path", [*PAGES, *CI], ids=ident)
def test_command_lines_are_those_of_this_version(path: Path) -> None:
    """Every `hallbench ...` names a command, and options that it has."""
    text = path.read_text(encoding="utf-8")
    lines = list(shown(f"```\n{text}\n```" if path.suffix == ".yml" else text))
    assert [told for words in lines if (told := wrong(words))] == []


def test_wrong_ones_are_found(tmp_path: Path) -> None:
    """The checks can fail."""
    (tmp_path / "page.md").write_text("[a](nothing.md) [b](page.md) `[c](x.md)` [d](https://example.org)")
    assert dangling(tmp_path / "page.md") == ["nothing.md"]
    assert wrong(["dya"]) == "no command dya"
    assert wrong(["day", "tan_hoi", "--sed", "1"]) == "day has no option --sed"
    assert wrong(["day", "[--seed", "N]", "--", "python", "x.py", "--port"]) == ""
    assert list(shown("```\n$ hallbench day a; hallbench up\n```\nand `hallbench\nnew device`")) == [
        ["day", "a"],
        ["up"],
        ["new", "device"],
    ]


def test_contributing_names_files_that_exist() -> None:
    """Each path in backticks in CONTRIBUTING.md is there (capitals stand for a name of one's own)."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:protocol|firmware_sim|bench|tests|docs|scenarios|benchmarks)/[\w./*-]*)`", text)
    assert len(paths) > 20
    here = [path for path in paths if not re.search(r"[A-Z]", path) and not path.startswith("docs/_build")]
    assert [path for path in here if not list(ROOT.glob(path.rstrip("/")))] == []


def test_every_page_is_in_the_index() -> None:
    """A page of docs/ that no table of contents names would not be found."""
    listed: set[Path] = set()
    for page in DOCS:
        for body in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for name in (line.strip() for line in body.splitlines()):
                if name and not name.startswith(":"):
                    listed |= {p.resolve() for p in page.parent.glob(f"{name}.md")}
    assert [ident(page) for page in DOCS if page not in listed and page.name != "index.md"] == []
