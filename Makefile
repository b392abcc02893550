# Everything a developer types. Each target sets up what it needs.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.set-up

.PHONY: setup agent demo test check bench torture docs format clean

setup: $(STAMP) build/agent.pyz

$(STAMP): pyproject.toml constraints.txt scripts/setup
	PYTHON="$(PYTHON)" scripts/setup
	@touch $@

agent: build/agent.pyz  ## the machines' agent: same input, same bytes

build/agent.pyz: $(STAMP) scripts/build_agent.py $(wildcard agent/*.py agent/boot/*)
	@$(BIN)/python scripts/build_agent.py

demo: setup  ## bring the sandbox up, launch an array of 8, look at it, end it
	@scripts/demo

check: setup  ## format, lint, types, imports, unit tests: under a minute
	@$(BIN)/python scripts/suites.py check

test: setup  ## everything that must hold: under 15 minutes on 2 cores
	@$(BIN)/python scripts/suites.py test

torture: setup  ## the fault tests at full counts, as a table
	@$(BIN)/python scripts/suites.py torture

bench: setup  ## launch times, calls and rates, as a table and as JSON
	@$(BIN)/python -m tests.bench

docs: setup  ## write the generated pages anew
	@$(BIN)/python scripts/generate_docs.py
	@$(BIN)/python scripts/generate_dashboards.py

format: setup
	@$(BIN)/ruff check --fix-only --quiet . ; $(BIN)/ruff format .

clean:
	rm -rf .venv build dist .coverage* .hypothesis .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
