"""Branch coverage of the three packages, by running their tests room by room: `make coverage`.

    python tests/coverage/measure.py [ROOM ...]     # tests/coverage/measure.py protocol bench/judge

coverage.py lives in an environment of its own (build/coverage/venv, pinned by requirements.txt beside this file), which
sees everything that hallbench's has. Programs that a test starts are measured too; those that it kills are not, since
what they saw dies with them. With no ROOM all are run, one after the other; with some, those are, and the others count
as they were measured before, but for files that have changed since. docs/background/coverage.md is written anew either
way. Branches that were not taken and have no reason in left.toml are told. A test that fails under measurement is told
and does not stop it: whether tests pass is said by `make test`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from shares import PACKAGES, PAGE, ROOT, counted, package_of, reasons_table, sorted_out, table, untaken, with_part

HERE: Final = Path(__file__).parent
WORK: Final = ROOT / "build/coverage"
REPORT: Final = WORK / "coverage.json"
_CONFIG: Final = """[run]
branch = True
parallel = True
data_file = {data}
source_pkgs = {packages}
patch = subprocess, fork, _exit
sigterm = True
"""
"""Forked copies and programs that end by os._exit write down what they ran as well."""


GATES: Final[Mapping[str, tuple[str, ...]]] = {
    # What a case says of a defect is said to the mutants alone.
    "bench/compliance": ("tests/bench/compliance/test_selftest.py::test_every_gate_holds",),
}
"""Room -> long checks that are measured with it."""

LONGEST_S: Final = 5400
"""What still runs after so many seconds is ended; what it saw is lost."""


def rooms() -> list[str]:
    """Folders of tests that are run one after the other, as named on the command line."""
    inner = sorted(p.name for p in (ROOT / "tests/bench").iterdir() if p.is_dir() and any(p.glob("test_*.py")))
    return ["protocol", "firmware_sim", *(f"bench/{name}" for name in inner), "acceptance"]


def folder_of(room: str) -> Path:
    """Where a room's measurement is kept."""
    return WORK / "rooms" / room.replace("/", "-")


def sources() -> dict[str, str]:
    """Path below the repository -> SHA-256 of each module that is measured."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(found)}


def environment() -> Path:
    """The interpreter that has coverage.py beside all that this one has; made when it is not there."""
    home = WORK / "venv"
    python = home / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
        wanted = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps"]
        pip = [sys.executable, "-m", "pip", "--python", python, "install", *wanted]
        subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
    sites = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    ours = sysconfig.get_path("purelib")
    shutil.copy(HERE / "raw_threads.py", sites)
    lines = f"import site; site.addsitedir({ours!r})\nimport raw_threads\n"
    (sites / "zz_hallbench.pth").write_text(lines, encoding="utf-8")
    return python


def measure(room: str) -> str:
    """Run the tests of a room and keep what they ran; returns what they ended with, as a line."""
    python, folder = environment(), folder_of(room)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = folder / "coveragerc"
    config.write_text(_CONFIG.format(data=folder / "data", packages=",".join(PACKAGES)), encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    before = sources()
    words = [python, "-m", "coverage", "run", f"--rcfile={config}", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    words += ["--timeout", "1800"]
    runs = [[f"tests/{room}"]]
    if room in GATES:
        runs.append([*GATES[room], "-m", "gate"])
    told, ended = folder / "pytest.txt", []
    with told.open("w", encoding="utf-8") as out:
        options: Any = {"cwd": ROOT, "env": env, "stdout": out, "stderr": subprocess.STDOUT}
        for run in runs:
            ended.append("a time-out")
            with contextlib.suppress(subprocess.TimeoutExpired):
                ended[-1] = str(subprocess.run([*words, *run], timeout=LONGEST_S, check=False, **options).returncode)
    combine = [python, "-m", "coverage", "combine", "--quiet", f"--rcfile={config}"]
    if set(ended) - {"0", "1"} or subprocess.run(combine, cwd=ROOT, env=env, check=False).returncode:
        return f"{room}: not measured, pytest ended with {' and '.join(ended)}: see {told}"
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", told.read_text(encoding="utf-8"), re.MULTILINE)
    after = sources()
    kept = {path: digest for path, digest in before.items() if after.get(path) == digest}
    (folder / "told.json").write_text(json.dumps({"sources": kept, "failed": failed}, indent=1), encoding="utf-8")
    return f"{room}: {'; '.join(failed) or 'all passed'}"


def not_known(packages: Iterable[str], measured: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Packages without shares: their own tests were not run, or not on each of their modules as it is now.

    Args:
        packages: names of rows.
        measured: room -> what its told.json holds.
    """
    now = sources()
    out = set()
    for package in packages:
        room = package if package in rooms() else re.split("[/ ]", package)[0]
        own = measured.get(room if room in rooms() else "acceptance", {"sources": {}})["sources"]
        if any(own.get(path) != digest for path, digest in now.items() if package_of(path) == package):
            out.add(package)
    return out


def write_page() -> tuple[str, list[str]]:
    """Write docs/background/coverage.md of what has been measured.

    Returns:
        The table; lines about branches without a reason, and about reasons without a branch.
    """
    done = {room: folder_of(room) for room in rooms() if (folder_of(room) / "told.json").exists()}
    subprocess.run([environment(), HERE / "combine.py", REPORT, *done.values()], cwd=ROOT, check=True)
    files = json.loads(REPORT.read_text(encoding="utf-8"))["files"]
    lines_of = {path: (ROOT / path).read_text(encoding="utf-8").splitlines() for path in files}
    left = tomllib.loads((HERE / "left.toml").read_text(encoding="utf-8"))["left"]
    reasons, explained, unexplained = sorted_out(untaken(files, lines_of), left)
    rows = counted(files, explained)
    measured = {room: json.loads((folder / "told.json").read_bytes()) for room, folder in done.items()}
    unknown = not_known((row.package for row in rows if not row.package.startswith("all of")), measured)
    told = table(rows, unknown)
    page = with_part(PAGE.read_text(encoding="utf-8"), "measured", told)
    PAGE.write_text(with_part(page, "left", reasons_table(reasons)), encoding="utf-8")
    said = [f"no reason: {branch.file} {branch.function}: {branch.text}" for branch in unexplained]
    said += [f"taken: {place}" for reason in reasons for place, number in reason.where.items() if not number]
    return told, said


def main(chosen: Sequence[str]) -> int:
    """Measure, write the page, and print its table."""
    unknown = [room for room in chosen if room not in rooms()]
    if unknown:
        print(f"no such room: {', '.join(unknown)}; there are {', '.join(rooms())}", file=sys.stderr)
        return 2
    for room in chosen or rooms():
        print(measure(room), file=sys.stderr, flush=True)
    told, said = write_page()
    print(told, end="")
    (WORK / "left.txt").write_text("".join(f"{line}\n" for line in said), encoding="utf-8")
    print(f"{len(said)} lines about branches without a reason, or reasons without a branch: {WORK / 'left.txt'}")
    return 0


if __name__ == "__main__":
    os.nice(10)
    sys.exit(main(sys.argv[1:]))
