# `make run` and `make test` do everything on a fresh machine with Python 3.11+.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test test-lessons check bench bench-peers soak clean

# pip runs only when requirements.txt or pyproject.toml is newer than the last install.
.venv/installed: requirements.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the packages of requirements.txt (a few minutes the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch .venv/installed

run: .venv/installed
	@$(BIN)/streamlit run dashboard/app.py

test: .venv/installed
	@$(BIN)/python -m pytest

test-lessons: .venv/installed
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m lessons

check: .venv/installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: .venv/installed
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks

bench-peers: .venv/installed
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.peers

soak: .venv/installed
	@$(BIN)/python -m benchmarks.soak

clean:
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
