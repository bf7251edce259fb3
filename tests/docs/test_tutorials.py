"""The tutorials and recipes do what they say: their commands are run, in an empty folder with examples/ in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shown_commands import ROOT, blocks, must_run

PAGES = ["tutorials/driver.md", "tutorials/vendor.md", "tutorials/planner.md", "recipes/languages.md"]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_quick_commands_do_what_is_shown(name: str, tmp_path: Path) -> None:
    """Each command ends with the code that is said, and prints what is shown."""
    assert must_run(page(name), tmp_path, gate=False) > 0


@pytest.mark.gate
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", PAGES)
def test_all_commands_do_what_is_shown(name: str, tmp_path: Path) -> None:
    """The same with those that take long."""
    commands = sum(len(block.commands()) for block in blocks(page(name)) if block.language == "console")
    assert must_run(page(name), tmp_path, gate=True) == commands


def test_a_wrong_page_is_found(tmp_path: Path) -> None:
    """The runner can fail: on a wrong code, on a line that is not printed, on a comment that it does not know."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with pytest.raises(AssertionError, match="ended with 2, 0 expected"):
        must_run("```console\n$ hallbench no-such-command\n```\n", tmp_path / "a", gate=False)
    with pytest.raises(AssertionError, match="did not print 'N14'"):
        must_run("```console\n$ hallbench explain N13\nN14  ...\n```\n", tmp_path / "b", gate=False)
    with pytest.raises(ValueError, match="not known"):
        blocks("<!-- slow -->\n```console\n$ hallbench doctor\n```\n")


def test_what_the_ci_files_run_exists_in_this_version() -> None:
    """Both CI files run a day and a hunt on the user's collector and keep the report, also of a red build."""
    for name, kept in (("github-actions.yml", "if: always()"), ("gitlab-ci.yml", "when: always")):
        text = (ROOT / "examples/ci" / name).read_text(encoding="utf-8")
        assert "hallbench day" in text
        assert "hallbench hunt" in text
        assert kept in text
