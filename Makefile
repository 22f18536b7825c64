# demo | test | check | bench: all that anyone needs to know; each sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help demo test check bench picture lock clean tools

help:
	@echo "make demo   a whole orchestration of the package in examples/"
	@echo "make test   every test"
	@echo "make check  format, lint, types, import rules, schemas, unit tests"
	@echo "make bench  ratios measured in one run"
	@echo "make picture  draw docs/images/run.svg from a run of the demo"
	@echo "make lock   pin what pyproject.toml asks for in requirements.lock"
	@echo "make clean  remove .venv, caches and built files"

demo: $(INSTALLED)
	@$(BIN)/orchestrate demo

test: $(INSTALLED)
	@$(PYTEST) -n logical --dist worksteal

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/orchestrate schemas --check docs/schemas
	$(PYTEST) -q tests/unit

bench: $(INSTALLED)
	@$(BIN)/python -m bench

picture: $(INSTALLED)
	@$(BIN)/python docs/images/make_picture.py

# pip-compile knows no dependency groups, so it reads ours from standard input.
lock: $(INSTALLED)
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")' \
	| env -u PIP_FIND_LINKS CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet \
	  --generate-hashes --allow-unsafe --strip-extras --no-emit-options \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --output-file requirements.lock pyproject.toml -

clean:
	rm -rf .venv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .coverage*

$(INSTALLED): requirements.lock pyproject.toml | tools
	@echo "Setting up .venv from requirements.lock"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

tools:
	@command -v git >/dev/null || { echo "git is missing: install git 2.38 or newer." >&2; exit 1; }
	@command -v $(PYTHON) >/dev/null \
	|| { echo "$(PYTHON) is missing: install Python 3.11 or newer, or name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "$(PYTHON) is older than Python 3.11: name a newer one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	|| { echo "$(PYTHON) cannot make virtual environments: install its venv package (Debian: python3-venv)." >&2; exit 1; }
