# hallbench: `make day` shows it, `make test` proves it. Both set everything up on a machine with Python 3.11+ and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# One more than the two cores that are reckoned with: a quarter of the tests' time is waiting for real ports.
WORKERS ?= 3

# Compiled modules are kept whatever the environment says: the tests start hundreds of programs, and rewrite themselves.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help day test fast lint collected docs speed gates soak mutation coverage peers lock clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hallbench needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

day: $(READY)  ## one day of a commune hall, with its verdict
	$(BIN)/hallbench day

test: $(READY)  ## format, lint, types, layers, tests
	$(MAKE) --no-print-directory -j 2 lint collected
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

fast: $(READY)  ## tests only, stop at the first failure
	$(BIN)/python -m pytest -x -n $(WORKERS) --dist worksteal

# Beside the lint, on the other core: compiles and rewrites the tests once, where each worker would for itself.
collected: $(READY)
	@$(BIN)/python -m pytest --collect-only -qq > $(VENV)/collected 2>&1 || { cat $(VENV)/collected; exit 1; }

lint: $(READY)  ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

speed: $(READY)  ## the benchmarks: writes benchmarks/results.json
	$(BIN)/python benchmarks/everything.py

gates: $(READY)  ## the long checks, under an hour
	HALLBENCH_TRUE_STARTS=1 $(BIN)/python -m pytest -m gate -n 2

soak: $(READY)  ## a simulated week, and ten minutes on real ports with hostile clients: flat memory and descriptors
	$(BIN)/python benchmarks/soak_week.py
	$(BIN)/python benchmarks/soak.py

docs: $(READY)  ## the documentation, as pages without network: docs/_build/html/index.html
	$(BIN)/python -m sphinx -b html -W --keep-going -q docs docs/_build/html

mutation: $(READY)  ## which small changes to protocol/ and bench/judge no test notices: a drawn sample, an hour
	test -x build/mutation/venv/bin/python || $(PYTHON) -m venv build/mutation/venv
	build/mutation/venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/mutation/requirements.txt
	nice -n 10 build/mutation/venv/bin/python tests/mutation/run.py --page

coverage: $(READY)  ## branch coverage, package by package: writes docs/background/coverage.md; an hour
	$(BIN)/python tests/coverage/measure.py

peers:  ## programs of other people for tests/outside (mbpoll, libmodbus, Node ...), as far as they can be had
	bash tests/outside/setup.sh

lock:  ## pin requirements.in again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header requirements.in -o requirements.txt

clean:  ## remove what make made
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
