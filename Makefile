# demo | test | check | bench: all that anyone needs to know; each sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
PYTEST := $(BIN)/python -m pytest
ACT_VERSION := 0.2.87
ACT := .tools/bin/act-$(ACT_VERSION)

.DEFAULT_GOAL := help
.PHONY: help demo test test-engines lint check bench picture lock peers engines clean tools no-node no-go

help:
	@echo "make demo   a whole orchestration of the package in examples/"
	@echo "make test   every test but the longest of the agent programs"
	@echo "make test-engines  every agent program against every fault of a provider (an hour)"
	@echo "make lint   format, lint, types, import rules, schemas"
	@echo "make check  the same, and unit tests"
	@echo "make bench  ratios measured in one run"
	@echo "make picture  draw docs/images/run.svg from a run of the demo"
	@echo "make lock   pin what pyproject.toml asks for in requirements.lock, and what the bot alone needs"
	@echo "make peers  get GitHub's own workflow parser (with Node) and act (with Go) for tests"
	@echo "make engines  get the agent programs for tests that start them (with npm, 2 GB)"
	@echo "make clean  remove .venv, .tools, caches and built files"

demo: $(INSTALLED)
	@$(BIN)/orchestrate demo

test: $(INSTALLED) peers
	@$(PYTEST) -n auto --dist worksteal

test-engines: engines
	@$(PYTEST) -m "" -n auto --dist worksteal tests/engines tests/contract/test_engines.py

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/orchestrate schemas --check docs/schemas

check: lint peers
	$(PYTEST) -q tests/unit

bench: $(INSTALLED)
	@$(BIN)/python -m bench

picture: $(INSTALLED)
	@$(BIN)/python docs/images/make_picture.py

PIP_COMPILE := env -u PIP_FIND_LINKS CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet \
  --generate-hashes --allow-unsafe --strip-extras --no-emit-options \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
PROJECT := $(BIN)/python -c 'import sys, tomllib; p = tomllib.load(open("pyproject.toml", "rb")); print(*p[sys.argv[1]][sys.argv[2]], sep="\n")'

# pip-compile knows no dependency groups and no build systems, so it reads ours from standard input.
lock: $(INSTALLED)
	$(PROJECT) dependency-groups dev | $(PIP_COMPILE) --output-file requirements.lock pyproject.toml -
	$(PROJECT) build-system requires \
	| $(PIP_COMPILE) --output-file .github/orchestrate/requirements.lock pyproject.toml -

# Judges of the workflows that are not Python. Without them their tests are skipped, and say so.
peers: $(if $(shell command -v npm),.tools/node_modules/.installed,no-node) $(if $(shell command -v go),$(ACT),no-go)

.tools/node_modules/.installed: tests/support/node/package.json
	@mkdir -p .tools
	@cp $< .tools/package.json
	@npm install --prefix .tools --no-package-lock --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(ACT):
	@echo "Building act $(ACT_VERSION), which runs the workflows in tests"
	@mkdir -p $(@D)
	@GOBIN="$(CURDIR)/$(@D)" go install -tags WITHOUT_DOCKER github.com/nektos/act@v$(ACT_VERSION) \
	2>$(@D)/act.log && mv $(@D)/act $@ \
	|| ! tail -n 3 $(@D)/act.log >&2 || echo "act could not be built: it needs Go 1.25 or newer; tests that run the workflows are skipped." >&2

# Each test that needs one which could not be had is skipped, and says so.
engines: $(INSTALLED)
	@ORCHESTRATE_ENGINES="$(CURDIR)/.tools/engines" $(BIN)/orchestrate engines install --all \
	|| echo "Tests that start the others are skipped." >&2

no-node:
	@echo "Node is missing: tests that need GitHub's own parser and API description are skipped." >&2

no-go:
	@echo "Go is missing: tests that run the workflows are skipped." >&2

clean:
	rm -rf .venv .tools build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .coverage*

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
