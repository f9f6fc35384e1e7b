# "make run" and "make test" are all there is to know; "make help" lists the rest.
# ARGS= adds arguments to pytest, as in: make test ARGS="-k sessions"; PORT= moves "make run".
SHELL := /bin/sh
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup run test check bench docs provision

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Create .venv and fetch browser code; cheap when nothing changed
	@sh tools/setup.sh

run: setup ## Run the application for development, at one address
	@GATEHOUSE_ENV=development $(BIN)/gatehouse run

test: setup provision check ## Everything: lint, types, contracts, unit, both databases, a browser
	@$(BIN)/pytest -n auto $(ARGS)

provision:
	@$(BIN)/python tools/provision.py

check: setup ## Lint, types and import contracts; seconds
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/djlint --quiet --lint src examples
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/mypy --no-error-summary --config-file pyproject.toml tools hatch_build.py tests/architecture/host_code.py
	@$(BIN)/lint-imports --no-logo

bench: setup ## One file per question, each prints a table
	@if [ -d bench ]; then for file in bench/[!_]*.py; do $(BIN)/python "$$file" || exit 1; done; \
	else echo "There are no benchmarks yet."; fi

docs: setup ## Build the documentation
	@if [ -f docs/conf.py ]; then $(BIN)/sphinx-build -q -W docs build/docs && echo "build/docs/index.html"; \
	else echo "There is no documentation to build yet: docs/ has no conf.py."; fi
