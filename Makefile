# Upstream's commands. They need Python 3.11 or later and make; everything else is installed in .venv.

PYTHON ?= python3
SERVE ?= 1
PLACE ?= anytown
# More arguments for the command of a target: `make run SERVE=0 ARGS="--people 3000"`, `make test ARGS="-k place"`.
ARGS ?=
# Processes that run tests side by side; a file's tests stay in one of them.
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run dashboard browser test lint format types layers docs check bench calibrate clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-10s %s\n", $$1, $$2 }'

setup: $(VENV)/dev-ready ## make .venv with everything that is needed to run and test
	@echo "Ready: $(BIN)/upstream --help"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Upstream needs Python 3.11 or later; '$(PYTHON)' is not. Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); echo "Could not make $(VENV). On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

# Two stamps: running needs no test tools. Each stamp is updated when a requirement changes.
$(VENV)/run-ready: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what Upstream runs on into $(VENV) (once; a minute or two) ..."
	@$(PIP) -e .
	@touch $@

$(VENV)/dev-ready: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what Upstream runs on and is tested with into $(VENV) (once; a minute or two) ..."
	@$(PIP) -e ".[dev]"
	@touch $(VENV)/run-ready $@

run: $(VENV)/run-ready ## run the main comparison, then start the dashboard (SERVE=0: no dashboard)
	$(BIN)/upstream compare baseline salami-slice more-acute prevention-shift --out out/compare $(ARGS)
	@if [ "$(SERVE)" != 0 ]; then $(BIN)/upstream dashboard; fi

dashboard: $(VENV)/run-ready ## start the dashboard only
	$(BIN)/upstream dashboard $(ARGS)

browser: $(VENV)/dev-ready ## install Chromium for the dashboard's tests, if there is none
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && grep -qs '^ID=debian' /etc/os-release; then \
	  echo "Installing Debian's Chromium for the page's tests (once) ..."; \
	  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
	    apt-get -qq install -y --no-install-recommends chromium; } >$(VENV)/chromium.log 2>&1 \
	    || { tail -n 20 $(VENV)/chromium.log >&2; exit 1; }; \
	else \
	  echo "Fetching Playwright's Chromium for the page's tests, if it is not here yet ..."; \
	  $(BIN)/playwright install chromium; fi

test: $(VENV)/dev-ready browser ## run all tests, quick tests first and browser tests last
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/dev-ready ## check format and lint, without changes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(VENV)/dev-ready ## format, and apply ruff's automatic fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(VENV)/dev-ready ## run mypy, strict on sim/
	$(BIN)/mypy --strict sim

layers: $(VENV)/dev-ready ## check the import layers only (make test runs this too)
	$(BIN)/lint-imports --no-cache

$(VENV)/docs-ready: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what the documentation is built with into $(VENV) (once; a minute or two) ..."
	@$(PIP) -e ".[docs]"
	@touch $@

# Sphinx, with warnings as errors. The tutorials are executed; the first time they compile the model.
docs: $(VENV)/docs-ready ## build the documentation site in docs/_build/html
	$(BIN)/sphinx-build -j $(WORKERS) -W --keep-going -d docs/_build/doctrees docs docs/_build/html

check: lint types test docs ## run everything that CI runs

bench: $(VENV)/dev-ready ## run the benchmarks, with other software for comparison
	$(BIN)/python -m benchmarks $(ARGS)

calibrate: $(VENV)/run-ready ## solve the hazards of a place again (PLACE=anytown)
	$(BIN)/upstream calibrate $(PLACE) $(ARGS)

clean: ## delete results and caches, keep .venv
	rm -rf docs/_build docs/model/decisions docs/reference/generated
	rm -rf out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
