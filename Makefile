# `make demo` and `make test` set up what they need in .venv; nothing else is to be installed first than Python.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# The versions that the tests were last seen to pass with; they were resolved for Python 3.11.
CONSTRAINTS := $(shell $(PYTHON) -c 'import sys; print("--constraint constraints.txt" * (sys.version_info[:2] == (3, 11)))')

.PHONY: help install demo test test-all lint lint-imports types locks wheel clean

help:
	@echo "make demo       evaluate three sample answer sets and a tiny model, without internet, key or GPU, and print the table"
	@echo "make test       the tests, without the slow ones"
	@echo "make test-all   all tests"
	@echo "make lint       ruff, mypy, import rules"

install: $(STAMP)

# uv because it installs a PyTorch environment in half a minute when its cache is warm; pip would do.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python $(CONSTRAINTS) --editable ".[dev]"
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/python -m lmms_eval_ja.demo demo_results

# Beside each other, but a file's tests stay together, for what they share; each process starts lmms-eval itself.
BESIDE := --numprocesses auto --maxprocesses 4 --dist loadfile

test: $(STAMP)
	$(BIN)/python -m pytest -m "not slow" $(BESIDE)

test-all: test
	$(BIN)/python -m pytest -m "slow and not alone" $(BESIDE)
	$(BIN)/python -m pytest -m "slow and alone"

lint: $(STAMP) types lint-imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

# import-linter walks folders, and the rooms only come together in an installed tree.
lint-imports: $(STAMP)
	rm -rf build/linted
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --target build/linted .
	PYTHONPATH=build/linted $(BIN)/lint-imports

# The environments of model families; after a change of pyproject.toml or of a requirements.in. What is locked stays as it
# is where it fits; `make locks LOCK=--upgrade` takes the newest.
locks: $(STAMP)
	set -e; for folder in models/envs/*/; do \
		$(BIN)/uv pip compile --quiet --no-emit-index-url --no-header --no-annotate --python-version 3.11 $(LOCK) \
			$$folder/requirements.in pyproject.toml $$(find $$folder -name overrides.txt -exec echo --override {} \;) \
			--output-file $$folder/requirements.lock; \
	done

wheel: $(STAMP)
	$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) build dist demo_results *.egg-info src/*.egg-info
