# Varsel's words. `make` alone prints them.
.DEFAULT_GOAL := menu
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VENV_STAMP := $(VENV)/.created
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev

.PHONY: menu run test check lint types imports bench compare docs lock clean

menu: ## print this menu
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /\1\t/' | expand -t 12

run: $(RUN_STAMP) ## start Varsel on http://127.0.0.1:5090 (database, API and workers)
	@exec $(BIN)/varsel serve

test: $(DEV_STAMP) ## run the tests against a real PostgreSQL
	@$(BIN)/python -m pytest -n auto --dist loadfile

check: lint types imports test ## everything CI checks

lint: $(DEV_STAMP) ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(DEV_STAMP) ## mypy --strict, tests included
	@$(BIN)/mypy

imports: $(DEV_STAMP) ## the directions between the rooms
	@$(BIN)/lint-imports

bench: $(DEV_STAMP) ## measure against baselines taken in the same run
	@$(BIN)/python -m bench

compare: $(DEV_STAMP) ## send the same requests to LEFT and RIGHT and show where the answers differ
	@$(BIN)/python -m bench.compare $(if $(LEFT),--left $(LEFT)) $(if $(RIGHT),--right $(RIGHT)) $(if $(CASES),--cases $(CASES)) $(if $(SEED),--seed $(SEED))

docs: $(DEV_STAMP) ## write the generated pages anew
	@$(BIN)/python -m varsel.docs

lock: ## resolve the dependencies anew (needs uv)
	@uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade -q -o requirements/run.txt
	@uv pip compile pyproject.toml --extra embedded --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade -q -c requirements/run.txt -o requirements/embedded.txt
	@uv pip compile pyproject.toml --extra dev --extra embedded --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade -q -o requirements/dev.txt

clean: ## remove the virtual environment and caches (data under ./var stays)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# A stamp rather than bin/python: where the venv module is incomplete (Debian without python3-venv), that file exists
# although the environment cannot be used, and a later run would stumble over it.
$(VENV_STAMP):
	@echo "setting up the virtual environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Varsel needs Python 3.11 or newer; this is %s. Name one with: make PYTHON=python3.12" % sys.version.split()[0])'
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip --version >/dev/null || { rm -rf $(VENV); \
		echo "The virtual environment could not be made. On Debian and Ubuntu install the package python3-venv; then run make again." >&2; exit 1; }
	@touch $@

$(RUN_STAMP): $(VENV_STAMP) requirements/embedded.txt requirements/build.txt pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/embedded.txt -r requirements/build.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_STAMP): $(RUN_STAMP) requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
