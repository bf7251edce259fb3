"""Mutation score of `protocol` and `bench.judge`: how many small changes to the code do the tests notice?

    python tests/mutation/run.py [--number 20] [--seed hallbench] [--keep] [--again] [--page] [MODULE ...]

Runs under an environment with requirements.txt of this folder (`make mutation` makes it); the tests themselves run
under the interpreter of `--python`. Works in copies of the tree; nothing in the checkout is touched but `--out`, which
keeps one JSON object a line for each mutant, and with `--page` the rows of the measured modules in
docs/background/mutation.md. `--keep` runs only mutants that `--out` lacks, to widen a draw or after a module changed;
`--again` those that survived by it, after tests were added; together, both. What `--out` tells of the same mutant from
before counts as "first"; what it tells of mutants that are no longer drawn is dropped. Exit code 0 whatever the score;
1 when the tests fail without any mutant.
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
from page import PAGE, rows_of, table, with_table
from table import modules, number_of, tests_of

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


def _known(path: Path) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The results in a file, by module, change, and how many of the same change stand before it."""
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines()) if path.exists() else ()
    return {(row["module"], row.get("same", 0), *row["change"]): row for row in rows}


class Measurement:
    """What is known of the mutants, and what is measured now; several workers write into it."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._asked = asked
        self._known = _known(asked.out)
        self.measured: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._writing = threading.Lock()
        self._queue = modules(_ROOT, asked.module)

    def _wanted(self, row: dict[str, Any] | None) -> bool:
        """Whether a mutant is to run, by what is known of it."""
        if not (self._asked.keep or self._asked.again):
            return True
        return self._asked.keep if row is None else self._asked.again and row["outcome"] == "passed"

    def _keep(self, key: tuple[Any, ...], row: dict[str, Any]) -> None:
        with self._writing:
            self.measured[key] = row
            rows = {**self._known, **self.measured}.values()
            self._asked.out.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")

    def work(self, worker: Worker | None) -> None:
        """Module after module, until there is none; without a worker nothing is run."""
        while True:
            with self._writing:
                if not self._queue:
                    return
                module = self._queue.pop(0)
            self._module(worker, module)

    def _module(self, worker: Worker | None, module: str) -> None:
        # All from the copy: the checkout may be worked on meanwhile.
        root = _ROOT if worker is None else worker.root
        source = (root / module).read_text(encoding="utf-8")
        mutants, of = draw(module, source, self._asked.number or number_of(module), self._asked.seed)
        drawn: dict[tuple[Any, ...], tuple[Mutant, list[str]]] = {}
        same: Counter[tuple[str, ...]] = Counter()
        for mutant in mutants:
            change = _difference(source, mutant)
            drawn[(module, same[tuple(change)], *change)] = mutant, change
            same[tuple(change)] += 1
        with self._writing:
            older = {key: self._known.get(key) for key in drawn}
            for key in [key for key in self._known if key[0] == module and key not in drawn]:
                del self._known[key]
        if worker is not None:
            print(f"{module}: {sum(map(self._wanted, older.values()))} to run, of {of} sites", flush=True)
        for key, (mutant, change) in drawn.items():
            row = older[key]
            if worker is not None and self._wanted(row):
                said = worker.run(mutant, tests_of(root, module))
                if said["outcome"] == "passed":
                    print(f"survived: {module}:{mutant.line} {' '.join(change)}", flush=True)
            elif row is not None:
                said = {name: row[name] for name in ("outcome", "cpu_s", "by")}
            else:
                continue
            first = (row or said).get("first", (row or said)["outcome"])
            place = {"module": module, "operator": mutant.operator, "line": mutant.line, "same": key[1]}
            drawing = {"seed": self._asked.seed, "of": of}
            self._keep(key, {**place, "change": change, **drawing, **said, "first": first})


def main() -> int:
    """Draws, runs, counts; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", nargs="*", help="beginnings of paths, such as protocol/modbus (default: all)")
    parser.add_argument("--number", type=int, help="sites to draw in each module (default: those of table.py)")
    parser.add_argument("--seed", default="hallbench", help="name of the draw (default hallbench)")
    parser.add_argument("--out", type=Path, default=_ROOT / "build/mutation/results.jsonl", help="where results go")
    parser.add_argument("--python", default=str(_ROOT / ".venv/bin/python"), help="interpreter for the tests")
    parser.add_argument("--at-once", type=int, default=2, help="copies of the tree at work (default 2)")
    parser.add_argument("--keep", action="store_true", help="only those that --out does not have")
    parser.add_argument("--again", action="store_true", help="only those that survived by --out")
    parser.add_argument("--count", action="store_true", help="run nothing: count what --out has")
    parser.add_argument("--page", action="store_true", help=f"write the rows into {PAGE.relative_to(_ROOT)}")
    asked = parser.parse_args()

    asked.out.parent.mkdir(parents=True, exist_ok=True)
    measurement = Measurement(asked)
    if asked.count:
        measurement.work(None)
    else:
        with TemporaryDirectory(prefix="mutation-") as folder:
            workers = [Worker(asked.python, Path(folder) / f"copy-{n}") for n in range(asked.at_once)]
            with ThreadPoolExecutor(asked.at_once) as pool:
                done = [pool.submit(measurement.work, worker) for worker in workers]
            for worker in workers:
                worker.end()
        for each in done:
            each.result()
    rows = rows_of(measurement.measured.values())
    print(table(rows), end="")
    if asked.page:
        PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
