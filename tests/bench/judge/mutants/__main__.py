"""Run a mutant as a program: python -m tests.bench.judge.mutants MC-07 PORT DATABASE [--units 1-4]."""

from __future__ import annotations

import sys

from tests.bench.judge.mutants.planted import MUTANTS
from tests.bench.judge.mutants.reference import careful

if len(sys.argv) < 2 or sys.argv[1] not in MUTANTS:
    sys.exit(f"which one? {', '.join(MUTANTS)}")
careful.main(MUTANTS[sys.argv.pop(1)])
