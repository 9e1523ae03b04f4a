# `make` lists what there is. `make demo` and `make test` each work on a fresh clone.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null \
	&& { echo $$p; break; }; done)
PYTEST := $(BIN)/python -m pytest
# Each part in a process of its own: some start servers, browsers and Django with their environment.
# Those that mostly wait run three at once, the longest first; the last two need the whole machine.
PARTS := tests/fuzz tests/site tests/apps tests/sim tests/record tests/edge tests/access \
	tests/core+tests/stories+tests/wire+tests/roads tests/never $(wildcard tests/test_*.py)
WHOLE := tests/browser tests/faults
LONG ?= $(shell grep -rl --include='test_*.py' '^@pytest.mark.long' tests)
# Parts at once: each prints when it has ended, with its seconds; 255 makes xargs begin no other.
part = said=$$($(PYTEST) -q -m "not long" $${0//+/ } 2>&1); code=$$?; \
	printf "== %s\n%s\n-- %s: %s s\n" "$$0" "$$said" "$$0" $$SECONDS; exit $$((code ? 255 : 0))
at_once = printf "%s\n" $(2) | xargs -P $(1) -I PART bash -c '$(part)' PART
# Parts one after another, up to the first that fails.
in_turn = for part in $(1); do echo "== $$part"; start=$$SECONDS; \
	$(PYTEST) -q -m "$(2)" $$part || exit 1; echo "-- $$part: $$((SECONDS - start)) s"; done
SEED ?= 7
SPEED ?= 1
OPTIONS ?=

# Never two recipes at once, also under -j: what is tested is there before it is tested.
.NOTPARALLEL:
.PHONY: help setup demo check test test-long bench fix clean packages console

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: $(VENV)/.installed console ## Install everything, pinned by hash, into .venv and build the console

$(VENV)/.installed: requirements.lock requirements-setup.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Tocsin needs Python 3.11 to 3.14; none was found on PATH." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
		echo "This Python has no venv module (on Debian: apt install python3-venv)." >&2; exit 1; }
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements-setup.lock
	$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

console: $(VENV)/.installed
	@$(BIN)/python web/build.py

demo: setup ## Start a synthetic city on real sockets; prints the address and the logins
	@exec $(BIN)/tocsin demo --seed $(SEED) --speed $(SPEED) $(OPTIONS)

check: setup ## Format, lint, types, arrows and the console's own checks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python web/dev/openapi.py --check
	$(BIN)/python web/build.py check

packages: $(VENV)/.installed
	@$(BIN)/python tests/install.py

test: packages check ## Everything that decides whether a change may land
	@$(call at_once,3,$(PARTS))
	@$(call in_turn,$(WHOLE),not long)

test-long: packages check ## The full figures; LONG=FILE runs one part again
	@$(call in_turn,$(LONG),long)

bench: setup ## Every performance claim against its peer or limit, in this run, on this machine
	@code=0; for script in bench/*.py; do echo "== $$script"; $(BIN)/python $$script || \
		{ code=1; echo "MISSED: $$script"; }; done; exit $$code

fix: $(VENV)/.installed ## Format, and repair what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove what setup and builds made
	rm -rf $(VENV) web/node_modules web/dist src/tocsin/site/console
