# "make run" and "make test" are all there is to know; "make help" lists the rest.
# ARGS= adds arguments to pytest, as in: make test ARGS="-k sessions"; PORT= moves "make run".
SHELL := /bin/sh
BIN := .venv/bin
# Whatever of our own is not inside the package and still is type-checked, as a host's code would be.
TYPED := tools bench hatch_build.py tests/architecture/host_code.py
# Each run has an order of its own, which finds tests that lean on others; where a change is judged, it is always the same.
ORDER := $(if $(CI),--randomly-seed=1)
# A check that fails does not hide what the others would say.
MAKEFLAGS += --keep-going --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup run test check bench docs pictures image release provision lint templates types contracts

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Create .venv and fetch browser code; cheap when nothing changed
	@sh tools/setup.sh

run: setup ## Run the application for development, at one address
	@GATEHOUSE_ENV=development exec $(BIN)/gatehouse run

# One waits for a network while the other computes.
test: setup ## Everything: lint, types, contracts, unit, both databases, a browser
	@$(MAKE) -j2 provision check
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder $(ORDER) $(ARGS)

provision: setup
	@$(BIN)/python tools/provision.py

check: lint templates types contracts ## Lint, types and import contracts; seconds

lint: setup
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet

templates: setup
	@$(BIN)/djlint --quiet --lint src

types: setup
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/mypy --no-error-summary $(TYPED)

contracts: setup
	@out="$$($(BIN)/lint-imports --no-logo)" || { echo "$$out"; exit 1; }

bench: setup ## One file per question, each prints a table; minutes, and more for large sizes, which each takes as arguments
	@missed=0; for file in bench/[!_]*.py; do echo; echo "== $$file"; $(BIN)/python "$$file" || missed=1; done; exit $$missed

docs: setup ## Build the documentation
	@$(BIN)/sphinx-build -q -W --keep-going -d docs/_build/doctrees docs docs/_build/html && echo "docs/_build/html/index.html"

pictures: setup ## Take the screenshots in docs/images anew
	@PICTURES=take $(BIN)/pytest -q -p no:randomly tests/docs/test_pictures.py

image: ## Build the container's image and try it as it will run; BASE=debian where no registry is reached
	@BASE="$(BASE)" $${PYTHON:-python3} tools/image.py

release: setup ## Build the wheel into dist/ and check it where nothing else is installed
	@$(BIN)/python tools/release.py "$(TAG)"
