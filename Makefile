# `make` lists the commands. Everything is made inside .venv and node_modules; system packages are asked of apt-get.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Where an environment forbids it, every command and every test process would compile all of it again.
export PYTHONDONTWRITEBYTECODE :=
CORES := $(shell nproc 2>/dev/null || echo 2)
WORKERS ?= $(CORES)
# Half of what the campaign, the players and the scenarios take is waiting: more of them than cores run abreast.
ABREAST ?= $(shell echo $$((2 * $(CORES))))
# What knows no database, or brings its own, is not run again on PostgreSQL; every other room is.
NO_DATABASE := tests/ground tests/telemetry tests/player tests/campaign tests/house
ROOMS := $(filter-out $(NO_DATABASE) tests/__pycache__,$(patsubst %/,%,$(wildcard tests/*/)))
PURE := $(wildcard tests/recoveries/test_policy_*.py) $(patsubst %,tests/recoveries/test_%.py,cases columns deciding packs sparksql) \
	$(patsubst %,tests/connectors/%,billing carrier chat labels phone smtp stripe tickets open311/test_connector.py test_replies.py test_wires.py test_how_to.py) \
	tests/worker/test_town_howto.py
ROUNDS ?= 20
KILLS ?= 45
SEED ?= 1000
DATABASE ?= both

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# Requirements are whole as they are compiled: pip need not look for what they need (--no-deps).
$(VENV)/.base: requirements/base.txt requirements/build.txt pyproject.toml
	@echo "== setting up amends in $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --no-deps --require-hashes -r requirements/build.txt -r requirements/base.txt
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.tests: requirements/test.txt requirements/check.txt $(VENV)/.base
	@echo "== setting up what the tests and checks need"
	@$(BIN)/python -m pip install -q --no-deps --require-hashes -r requirements/test.txt -r requirements/check.txt
	@touch $@

setup: $(VENV)/.base ## set up what amends needs to run

system: # what the browser, player and campaign tests need from the system
	@missing=""; command -v chromium >/dev/null || missing="$$missing chromium"; \
	command -v ffmpeg >/dev/null || missing="$$missing ffmpeg"; \
	command -v npm >/dev/null || missing="$$missing npm"; \
	command -v strace >/dev/null || missing="$$missing strace"; \
	if [ -n "$$missing" ]; then echo "== installing$$missing with apt-get"; \
	SUDO=$$([ $$(id -u) -eq 0 ] || echo sudo); $$SUDO apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive $$SUDO apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi

tests/player/node_modules/.done: tests/player/package-lock.json
	@echo "== fetching the players that the end-to-end test drives"
	@cd tests/player && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

demo: setup ## run the first story end to end (buffering-evening)
	@$(BIN)/amends demo buffering-evening $(DEMO)

serve: setup ## make a working example in ./var/example and serve it
	@$(BIN)/amends init var/example && $(BIN)/amends serve --dir var/example

check: $(VENV)/.tests ## import contracts, ruff, strict mypy, docs build
	$(BIN)/lint-imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

test: $(VENV)/.tests system tests/player/node_modules/.done ## every test: PostgreSQL, fault campaign, SQLite, browser, players
	@echo "== every room on PostgreSQL (AMENDS_TEST_POSTGRES=postgresql://… uses yours)"
	AMENDS_TEST_POSTGRES=$${AMENDS_TEST_POSTGRES:-1} $(BIN)/python -m pytest -m "not slow and not browser" \
	-n $(WORKERS) --dist loadgroup $(addprefix --ignore=,$(PURE)) $(ROOMS)
	@echo "== everything on SQLite, and beside it the fault campaign on both databases"
	env -u AMENDS_TEST_POSTGRES $(BIN)/python -m pytest -n $(ABREAST) --dist loadgroup

campaign: $(VENV)/.tests ## kill everything at random for longer: ROUNDS=20 KILLS=45 SEED=1000 DATABASE=both
	$(BIN)/python -m tests.campaign --rounds $(ROUNDS) --kills $(KILLS) --seed $(SEED) --database $(DATABASE)

bench: $(VENV)/.tests ## the measurements behind docs/explanation/performance.md
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/bench.txt
	$(BIN)/python -m benchmarks

pins: ## compile the pinned requirements (needs uv)
	for name in build base test check bench spark; do uv pip compile -q --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --no-header requirements/$$name.in -o requirements/$$name.txt; done

clean: ## remove everything that was made
	rm -rf $(VENV) tests/player/node_modules site build var

.PHONY: help setup system demo serve check test campaign bench pins clean
