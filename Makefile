# Upstream's commands. A bare machine needs Python 3.11 or later, and make; everything else lands in .venv.

PYTHON ?= python3
SERVE ?= 1
PLACE ?= anytown
# More for the command in question: `make run SERVE=0 ARGS="--people 3000"`, `make test ARGS="-k place"`.
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run dashboard browser test lint format types layers check bench calibrate clean

help: ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-10s %s\n", $$1, $$2 }'

setup: $(VENV)/dev-ready ## make .venv with everything that running and testing need
	@echo "Ready: $(BIN)/upstream --help"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Upstream needs Python 3.11 or later; '$(PYTHON)' is not. Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); echo "Could not make $(VENV). On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

# Two stamps: running needs no test tools. Either is renewed when a requirement changes.
$(VENV)/run-ready: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what Upstream runs on into $(VENV) (once; a minute or two) ..."
	@$(PIP) -e .
	@touch $@

$(VENV)/dev-ready: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what Upstream runs on and is tested with into $(VENV) (once; a minute or two) ..."
	@$(PIP) -e ".[dev]"
	@touch $(VENV)/run-ready $@

run: $(VENV)/run-ready ## the main comparison, then the page (SERVE=0: no page)
	$(BIN)/upstream compare baseline salami-slice more-acute prevention-shift --out out/compare $(ARGS)
	@if [ "$(SERVE)" != 0 ]; then $(BIN)/upstream dashboard; fi

dashboard: $(VENV)/run-ready ## the page alone
	$(BIN)/upstream dashboard $(ARGS)

browser: $(VENV)/dev-ready ## see to it that there is a Chromium for the page's tests
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && grep -qs '^ID=debian' /etc/os-release; then \
	  echo "Installing Debian's Chromium for the page's tests (once) ..."; \
	  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
	    apt-get -qq install -y --no-install-recommends chromium; } >$(VENV)/chromium.log 2>&1 \
	    || { tail -n 20 $(VENV)/chromium.log >&2; exit 1; }; \
	else \
	  echo "Fetching Playwright's Chromium for the page's tests, if it is not here yet ..."; \
	  $(BIN)/playwright install chromium; fi

test: $(VENV)/dev-ready browser ## every test, quick ones first and the browser's last
	$(BIN)/pytest $(ARGS)

lint: $(VENV)/dev-ready ## format and lint, changing nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(VENV)/dev-ready ## format, and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(VENV)/dev-ready ## mypy, strict on sim/
	$(BIN)/mypy --strict sim

layers: $(VENV)/dev-ready ## the import ladder alone (make test runs it too)
	$(BIN)/lint-imports --no-cache

check: lint types test ## what CI runs

bench: $(VENV)/dev-ready ## the benchmarks, side by side with peers
	$(BIN)/python -m benchmarks $(ARGS)

calibrate: $(VENV)/run-ready ## solve the hazards of a place again (PLACE=anytown) and show the fit
	$(BIN)/upstream calibrate $(PLACE) $(ARGS)

clean: ## drop results and caches, keep .venv
	rm -rf out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
