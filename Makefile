# climcube. `make demo` and `make test` need nothing but a Python >= 3.12 and a package index.
#
#   make PYTHON=/path/to/python3.12 VENV=.venv-3.12 test     another interpreter, another environment
#   make test PYTEST_ARGS="-k trend -x"                      options for pytest

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
PYTHON ?=
PYTEST_ARGS ?=
JOBS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); [ $$n -gt 4 ] && n=4; echo $$n)

BIN := $(VENV)/bin
PYTEST = $(BIN)/python -m pytest
export PIP_DISABLE_PIP_VERSION_CHECK := 1

##@ Use it
demo: $(VENV)/.installed-all ## the whole road on a synthetic ocean, offline; results in demo/
	$(BIN)/climcube demo $(DEMO_ARGS)

##@ Check it
test: $(VENV)/.installed-test ## the whole test suite, and the examples of the docstrings
	$(PYTEST) -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

test-nojit: $(VENV)/.installed-test ## the kernels as plain Python: what is tested is what is written
	NUMBA_DISABLE_JIT=1 $(PYTEST) -n $(JOBS) tests/kernels $(PYTEST_ARGS)

test-s3: $(VENV)/.installed-test ## tests of object storage against a real server (Ceph); installs its packages
	tools/install-ceph
	CLIMCUBE_S3_SERVER=ceph $(PYTEST) -n 2 --dist worksteal -m "s3 and not slow and not own_server" tests $(PYTEST_ARGS)

test-browser: $(VENV)/.installed-test $(VENV)/.installed-browser ## the explorer in Chromium; installs its package
	tools/install-chromium
	CLIMCUBE_REQUIRE_BROWSER=1 $(PYTEST) -m "browser and not slow" tests/explorer $(PYTEST_ARGS)

coverage: $(VENV)/.installed-test ## lines reached by the tests (kernels are seen by test-nojit only)
	$(PYTEST) -n $(JOBS) --cov --cov-report=term-missing:skip-covered $(PYTEST_ARGS)

lint: $(VENV)/.installed-lint ## style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-types ## mypy, strict
	$(BIN)/mypy

imports: $(VENV)/.installed-lint ## the direction of imports (docs/explanation/architecture.md)
	$(BIN)/lint-imports --no-logo --no-cache

tables: $(VENV)/.installed-test ## tables of the documentation that climcube itself makes
	$(BIN)/python docs/make_tables.py

docs: $(VENV)/.installed-docs ## build the documentation, warnings are errors; docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

links: ## print the links of the documentation that lead elsewhere; nothing here asks them
	@grep -rhoE 'https?://[^] )>`"]+' README.md CONTRIBUTING.md docs --include='*.md' --exclude-dir=_build | sort -u

notebook: $(VENV)/.installed-test ## run the notebooks from top to bottom
	$(PYTEST) tests/test_notebooks.py -m "slow or not slow" $(PYTEST_ARGS)

wheel: $(VENV)/.installed-build ## build wheel and sdist, install the wheel elsewhere and use it there
	rm -rf dist
	$(BIN)/python -m build $(if $(wildcard $(BIN)/uv),--installer uv) --outdir dist . >/dev/null
	tools/check-wheel $(BIN)/python dist

ci: ## all that continuous integration runs
	.ci/run

nightly: $(VENV)/.installed-test $(VENV)/.installed-browser ## what takes minutes: tests marked slow
	tools/install-chromium
	$(PYTEST) -n $(JOBS) -m slow $(PYTEST_ARGS); code=$$?; [ $$code -eq 5 ] || exit $$code

##@ Housekeeping
format: $(VENV)/.installed-lint ## rewrite files as lint wants them
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format --quiet .

dev: $(VENV)/.installed-dev ## everything needed to work on climcube, in one environment

benchmarks: $(VENV)/.installed-benchmarks ## an environment for benchmarks/, with peers; better not .venv: VENV=.venv-bench

clean: ## remove what was built; environments stay
	rm -rf build dist demo docs/_build docs/reference/generated .coverage htmlcov .pytest_cache docs/tutorials/notebooks .mypy_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

# An environment is made once; an extra is installed again only when pyproject.toml changed.
$(BIN)/python:
	@python="$(PYTHON)"; [ -n "$$python" ] || python=$$(tools/find-python) || exit 1; \
	echo "$$python -m venv $(VENV)"; "$$python" -m venv "$(VENV)"
	@$(BIN)/python -m pip install --quiet --root-user-action=ignore uv || echo "no uv: installing with pip"

$(VENV)/.installed-types: $(VENV)/.installed-all $(VENV)/.installed-lint
	@touch $@

$(VENV)/.installed-%: pyproject.toml tools/install | $(BIN)/python
	tools/install "$(BIN)" "$*"
	@touch $@

.PHONY: demo test test-s3 test-browser test-nojit coverage lint types imports tables docs links notebook wheel ci nightly format dev benchmarks clean help
