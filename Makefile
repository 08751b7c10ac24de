# Qingyuan 清源: `make help` lists what there is to do.
VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?= python3

.DEFAULT_GOAL := help
# What setup.py compiles.
COMPILED := $(shell sed -n 's|^    "\(tasks/.*\.py\)",$$|\1|p' pyproject.toml)

.PHONY: help install compile run test check serve bench soak lock docs clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(VENV)/.compiled ## the environment alone: .venv with pinned packages, hot modules compiled

compile: $(VENV)/.compiled ## the hot modules, as extension modules beside their source (after editing one)

run: $(VENV)/.compiled ## the main job over samples/: captures in, a published snapshot out
	@$(BIN)/qingyuan run

serve: $(VENV)/.compiled ## server, dashboard and schedules on this machine
	@$(BIN)/qingyuan serve

test: check $(VENV)/.compiled ## the whole test suite, with style, types and import arrows
	$(BIN)/python -m pytest -n 3 --dist loadgroup

check: $(VENV)/.installed-dev ## ruff, strict types, import arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev $(VENV)/.compiled ## benchmarks, side by side with peers where they exist
	$(BIN)/python -m tests.bench

soak: $(VENV)/.installed-dev $(VENV)/.compiled ## the long fault campaign: kills, full disks, broken files
	$(BIN)/python -m tests.soak
	$(BIN)/python -m pytest -m soak --timeout 3600
	$(BIN)/python -m pytest -n 2 --hypothesis-profile soak --timeout 3600 tests/clean tests/collect tests/convert tests/dedupe

docs: $(VENV)/.installed-dev ## regenerate docs/tables.md and docs/configuration.md
	$(BIN)/qingyuan docs

lock: $(VENV)/.installed-dev ## resolve the pins anew (needs the package index)
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header --quiet -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header --quiet -o requirements-dev.lock

clean: ## remove the environment and everything generated (the store in data/ stays)
	find tasks -name '*.so' -delete
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# The locks are complete, so nothing is resolved at install time: --no-deps, every hash checked.
define environment
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name one with: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "no virtual environment could be made; on Debian and Ubuntu: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }
	@echo "installing the pinned packages into $(VENV) (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(1)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
endef

$(VENV)/.installed: requirements.lock pyproject.toml
	$(call environment,requirements.lock)

$(VENV)/.installed-dev: requirements-dev.lock requirements.lock pyproject.toml
	$(call environment,requirements-dev.lock)
	@touch $(VENV)/.installed

# After the environment in use, whichever that is; a run refuses modules that are older than their source.
$(VENV)/.compiled: setup.py pyproject.toml $(COMPILED) | $(VENV)/.installed
	@find tasks -name '*.so' -delete; mkdir -p build
	@echo "compiling the hot modules (a minute and a half)"
	@$(BIN)/python setup.py -q build_ext --inplace >build/compile.log 2>&1 && find tasks -name '*.so' -exec touch {} + || { find tasks -name '*.so' -delete; echo "not compiled (build/compile.log says why): cleaning runs as plain Python, slower; on Debian and Ubuntu: apt-get install gcc python3-dev"; test -z "$$CI"; }
	@touch $@
