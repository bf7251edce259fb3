"""Mutation score of `protocol` and `bench.judge`: how many small changes to the code do the tests notice?

    python tests/mutation/run.py [--number 20] [--seed hallbench] [--keep | --again] [MODULE ...]

Runs under an environment with requirements.txt of this folder (`make mutation` makes it); the tests themselves run
under the interpreter of `--python`. Works in copies of the tree; nothing in the checkout is touched but `--out`, which
keeps one JSON object a line for each mutant; they are counted per package at the end. `--keep` runs only mutants that
`--out` lacks, to widen a draw; `--again` only those that survived by it, after tests were added. Exit code 0 whatever
the score; 1 when the tests fail without any mutant.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from draw import Mutant, draw
from table import modules, package_of, tests_of

_ROOT = Path(__file__).resolve().parents[2]
_NOT_COPIED = ("." + "*", "build", "runs", "failures", "node_modules", "__pycache__", "_build", "*.egg-info")


class Worker:
    """A copy of the tree and the process that runs tests in it."""

    def __init__(self, python: str, folder: Path) -> None:
        self.root = folder
        shutil.copytree(_ROOT, folder, ignore=shutil.ignore_patterns(*_NOT_COPIED), symlinks=True)
        hashed = ["-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "checked-hash"]
        subprocess.run([python, *hashed, "protocol", "firmware_sim", "bench", "tests"], cwd=folder, check=False)
        self._process = subprocess.Popen(
            [python, str(Path(__file__).with_name("worker.py"))],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._warm: set[frozenset[str]] = set()

    def ask(self, **question: Any) -> dict[str, Any]:
        """One question, one answer; see worker.py."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the process that runs the tests has ended; what it said stands above")
        return json.loads(line)

    def run(self, mutant: Mutant, tests: list[str]) -> dict[str, Any]:
        """The tests against one mutant; against the unharmed code first if these tests are new here."""
        if frozenset(tests) not in self._warm:
            said = self.ask(tests=tests)
            if said["outcome"] != "passed":
                raise SystemExit(f"the tests do not pass as they are: {said['by'] or said['outcome']}; mend them first")
            self._warm.add(frozenset(tests))
        return self.ask(tests=tests, module=mutant.module, source=mutant.source)

    def end(self) -> None:
        """No more questions."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def _difference(source: str, mutant: Mutant) -> list[str]:
    """The changed lines, with - and + before them."""
    lines = list(difflib.unified_diff(source.splitlines(), mutant.source.splitlines(), lineterm="", n=0))[3:]
    return [line for line in lines if not line.startswith("@@")]


def _table(rows: list[dict[str, Any]]) -> str:
    """Counts per package, as a Markdown table. A mutant that timed out is noticed, and counted by itself too."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(package_of(row["module"]), Counter())[row["outcome"]] += 1
    lines = [
        "| package | drawn | killed | timed out | survived | score |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for package, count in sorted(counts.items()):
        drawn, survived = sum(count.values()), count["passed"]
        score = f"{100 * (drawn - survived) / drawn:.0f} %"
        lines.append(f"| `{package}` | {drawn} | {count['failed']} | {count['timed out']} | {survived} | {score} |")
    return "\n".join(lines)


def main() -> int:
    """Draws, runs, counts; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", nargs="*", help="beginnings of paths, such as protocol/modbus (default: all)")
    parser.add_argument("--number", type=int, default=20, help="sites to draw in each module (default 20)")
    parser.add_argument("--seed", default="hallbench", help="name of the draw (default hallbench)")
    parser.add_argument("--out", type=Path, default=_ROOT / "build/mutation/results.jsonl", help="where results go")
    parser.add_argument("--python", default=str(_ROOT / ".venv/bin/python"), help="interpreter for the tests")
    parser.add_argument("--at-once", type=int, default=2, help="copies of the tree at work (default 2)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--keep", action="store_true", help="only those that --out does not have")
    which.add_argument("--again", action="store_true", help="only those that survived by --out")
    asked = parser.parse_args()

    kept: dict[tuple[str, ...], dict[str, Any]] = {}
    if (asked.keep or asked.again) and asked.out.exists():
        rows = map(json.loads, asked.out.read_text(encoding="utf-8").splitlines())
        kept = {(row["module"], *row["change"]): row for row in rows}
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    writing = threading.Lock()

    def wanted(change: list[str], module: str) -> bool:
        row = kept.get((module, *change))
        return row is not None and row["outcome"] == "passed" if asked.again else row is None

    def write() -> None:
        asked.out.write_text("".join(json.dumps(row) + "\n" for row in kept.values()), encoding="utf-8")

    def work(worker: Worker, queue: list[str]) -> None:
        while True:
            with writing:
                if not queue:
                    return
                module = queue.pop(0)
            # All from the copy: the checkout may be worked on meanwhile.
            source = (worker.root / module).read_text(encoding="utf-8")
            mutants, of = draw(module, source, asked.number, asked.seed)
            changes = [(mutant, _difference(source, mutant)) for mutant in mutants]
            changes = [(mutant, change) for mutant, change in changes if wanted(change, module)]
            print(f"{module}: {len(changes)} to run, of {of} sites", flush=True)
            for mutant, change in changes:
                said = worker.run(mutant, tests_of(worker.root, module))
                row = {**mutant._asdict(), "change": change, **said}
                del row["source"]
                with writing:
                    kept[(module, *change)] = row
                    write()
                    if said["outcome"] == "passed":
                        print(f"survived: {module}:{mutant.line} {' '.join(change)}", flush=True)

    with TemporaryDirectory(prefix="mutation-") as folder:
        workers = [Worker(asked.python, Path(folder) / f"copy-{n}") for n in range(asked.at_once)]
        queue = modules(_ROOT, asked.module)
        with ThreadPoolExecutor(asked.at_once) as pool:
            done = [pool.submit(work, worker, queue) for worker in workers]
        for worker in workers:
            worker.end()
    for each in done:
        each.result()
    print(_table(list(kept.values())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
