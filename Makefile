# Everything sets itself up: Python 3.11 or newer and make are all that is needed.
.DEFAULT_GOAL := help
.PHONY: help venv demo test check generate faults dist site bench lock clean

PYTHON ?= python3
SEED ?= 1
TRIALS ?= 20000
BIN := .venv/bin
STAMP := .venv/stamp
# Tests write their folders to memory where there is enough of it: ledgers wait for the disk at every commit.
MEMORY = $$(df -Pk /dev/shm 2> /dev/null | awk 'NR == 2 && $$4 > 2000000 {print "/dev/shm"}')
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

help:  ## show this
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

venv: $(STAMP)  ## make .venv from the locked requirements

$(STAMP): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(PIP) install --require-hashes -r requirements-dev.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)  ## plan and apply the example stack in the sandbox, change a price, end with an empty plan
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo.sh

test: $(STAMP)  ## run all tests; a third worker fills what two cores wait for
	PYTEST_DEBUG_TEMPROOT=$(MEMORY) $(BIN)/python -m pytest -n 3 --dist loadfile

check: $(STAMP)  ## lint, types, layers, generated files
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -q tests/test_layers.py tests/test_generated.py

generate: $(STAMP)  ## write what is generated from the kinds: schemas, their pages, help and completion
	$(BIN)/reconciler schema --write schemas
	$(BIN)/reconciler docs --write docs/kinds --cases tests/cases
	$(BIN)/python -m reconciler.cli.ready
	$(BIN)/python -m reconciler.cli.reference docs/flags.md

faults: $(STAMP)  ## all faults and attacks in depth; SEED=n replays, TRIALS=n shortens
	SEED=$(SEED) DEPTH=$(TRIALS) TRIALS=$$((($(TRIALS) + 3) / 4)) \
	    $(BIN)/python -m pytest -n 2 tests/faults tests/threats tests/output/test_plan_file.py tests/engine/test_engine_properties.py \
	    tests/engine/test_engine_exhaustive.py tests/manifest/test_fuzz.py tests/ledger
	CONFORMANCE=whole SEED=$(SEED) TWINS=$$((($(TRIALS) + 199) / 200)) $(BIN)/python -m pytest -n 2 \
	    tests/test_conformance.py tests/vault/test_vault_conformance.py tests/vault/test_vault_twin.py \
	    tests/stripe/test_stripe_kills.py tests/posthog/test_posthog_kills.py

dist: $(STAMP)  ## build the wheel, the source distribution and their bill of materials into dist/
	rm -rf dist
	$(BIN)/hatchling build -d dist
	$(BIN)/cyclonedx-py requirements --output-reproducible --pyproject pyproject.toml --of JSON -o dist/sbom.cdx.json \
	    action/requirements.txt

site: $(STAMP)  ## build the documentation as a site into build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(STAMP)  ## print speed as ratios
	$(BIN)/python bench/run.py

lock:  ## write requirements-dev.txt again; needs uv
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet --upgrade \
	    requirements-dev.in --output-file requirements-dev.txt
	$(BIN)/python action/lock.py
	{ echo "# What audits the lock in CI; kept apart, because it brings a pip of its own."; echo "pip-audit>=2.9,<3" | \
	    uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet - ; } > .github/audit.txt

clean:  ## remove what was made here, ledgers excepted
	rm -rf .venv build dist bench/out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
