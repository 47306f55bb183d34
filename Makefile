# `make run` and `make test` do everything on a fresh machine with Python 3.11+.
PYTHON ?= python3
BIN := .venv/bin

# What checks and tests the JavaScript; nothing of it is needed to run the product.
JS := tests/javascript
JS_TOOLS := $(JS)/node_modules/.package-lock.json
HAS_NPM := $(shell command -v npm 2>/dev/null)

.PHONY: run class test test-ray test-extras test-lessons test-doctor check check-javascript test-javascript bench bench-peers soak mutants clean

# pip runs only when what is to be installed has changed since the last time; an interrupted install is made good.
.venv/installed: requirements.txt requirements.lock pyproject.toml .ci/install
	@echo "Installing the packages (a few minutes the first time) ..."
	@bash .ci/install $(PYTHON)

run: .venv/installed
	@$(BIN)/streamlit run dashboard/app.py

# For everybody on this network: prints the address that students type, and its QR code.
class: .venv/installed
	@$(BIN)/python -m dashboard.for_a_class

test: .venv/installed test-javascript
	@$(BIN)/python -m pytest

# In an environment of its own, which has ray.
test-ray: .venv/installed
	@bash .ci/ray

# In an environment of its own, which has Jupyter's kernel, PyTorch Lightning and transformers.
test-extras: .venv/installed
	@bash .ci/extras

test-lessons: .venv/installed
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m lessons

test-doctor: .venv/installed
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m doctor

check: .venv/installed check-javascript
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

ifneq ($(HAS_NPM),)
$(JS_TOOLS): $(JS)/package.json $(JS)/package-lock.json
	@npm --prefix $(JS) ci --loglevel=error >/dev/null

check-javascript: $(JS_TOOLS)
	@npm --prefix $(JS) run --silent check

test-javascript:
	@cd $(JS) && node --test --test-reporter=spec
else
check-javascript test-javascript:
	@echo "npm is not here: $@ was left out (Debian has it in the packages nodejs and npm)."
	@test -z "$$CI"
endif

bench: .venv/installed
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks

bench-peers: .venv/installed
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.peers

soak: .venv/installed
	@$(BIN)/python -m benchmarks.soak

# The tool is installed on demand: nothing else needs it.
.venv/mutmut: .venv/installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check mutmut==3.8.1
	@touch $@

mutants: .venv/mutmut
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.mutants

clean:
	rm -rf .venv .venv-ray .venv-extras build mutants *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache $(JS)/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
