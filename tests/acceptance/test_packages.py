"""What is installed is what works: wheel and sdist, in a clean environment, outside the checkout."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUFFIXES = {".toml", ".json", ".csv", ".lua", ".tcss", ".ttf", ".woff2", ".html", ".css", ".js", ".jinja"}
"""Data files that the product reads while it runs."""
OURS = ("protocol", "firmware_sim", "bench", "scenarios")


def run(*words: object, cwd: Path) -> str:
    done = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """The files under version control, and nothing else: what a fresh clone has."""
    folder = tmp_path_factory.mktemp("source")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in listed.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


def built(source: Path, what: str) -> Path:
    """The wheel or the sdist, as the build backend makes it."""
    out = source / "built"
    out.mkdir(exist_ok=True)
    code = f"from setuptools import build_meta; build_meta.build_{what}({str(out)!r})"
    run(sys.executable, "-c", code, cwd=source)
    return max(out.glob("*.whl" if what == "wheel" else "*.tar.gz"))


def needed(source: Path) -> set[str]:
    """Modules and data of the four packages."""
    files = (path for package in OURS for path in (source / package).rglob("*"))
    return {str(path.relative_to(source)) for path in files if path.suffix in SUFFIXES | {".py"}}


def test_the_wheel_has_every_module_and_every_data_file(source):
    """Nothing that the product reads is left behind, and neither tests nor benchmarks come along."""
    with zipfile.ZipFile(built(source, "wheel")) as wheel:
        names = set(wheel.namelist())
    assert needed(source) - names == set()
    assert "hallbench_pytest.py" in names
    assert [name for name in names if name.startswith(("tests/", "benchmarks/", "docs/", "built/"))] == []
    assert {Path(name).name for name in names if ".dist-info/" in name} >= {"LICENSE", "NOTICE", "entry_points.txt"}


def test_the_sdist_builds_the_same_wheel(source, tmp_path):
    """From the source distribution comes a wheel with the same files."""
    with tarfile.open(built(source, "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    with zipfile.ZipFile(built(source, "wheel")) as direct, zipfile.ZipFile(built(unpacked, "wheel")) as again:
        assert set(again.namelist()) == set(direct.namelist())


def test_version_is_told_once():
    """The version of the package, of the program and of the newest entry in the changelog are one."""
    from bench import __version__

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    newest = re.search(r"^## (?:\[)?([0-9][^\s\],]*)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert project["version"] == __version__ == newest[1]


@pytest.mark.gate
def test_a_day_from_the_wheel(source, tmp_path):
    """In a clean environment without extras `hallbench day` holds, with none of the checkout in sight."""
    wheel = built(source, "wheel")
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    pip = [tmp_path / "venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {re.split(r"[>=]", need)[0] for need in project["dependencies"]}
    pinned = re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE)
    constraints = tmp_path / "constraints.txt"
    once = {name: version for name, version in pinned if sum(name == other for other, _ in pinned) == 1}
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in once.items()), encoding="ascii")
    run(*pip, "--constraint", constraints, *sorted(wanted), cwd=tmp_path)
    run(*pip, "--no-deps", wheel, cwd=tmp_path)
    told = run(tmp_path / "venv/bin/hallbench", "day", "--out", tmp_path / "run", cwd=tmp_path)
    assert told.startswith("HOLDS")
    assert (tmp_path / "run/report.html").stat().st_size > 10_000
