#!/usr/bin/env bash
# Makes build/peers/planning, a virtual environment with the simulators that benchmarks/planning.py is compared with.
# Repeatable; without it the benchmark leaves these rows out and says so.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=build/peers/planning
python=python3
[ -x .venv/bin/python ] && python=.venv/bin/python
if ! cmp -s benchmarks/peers/requirements.txt "$venv/requirements.txt"; then
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/peers/requirements.txt
  cp benchmarks/peers/requirements.txt "$venv/requirements.txt"
fi
"$venv/bin/python" -m pip freeze
