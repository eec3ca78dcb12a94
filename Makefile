# make run    the dashboard and the API on http://localhost:8000, over the built-in data
# make test   lint, types and every test, the browser ones included
# make lint   only ruff and mypy
# make lock   requirements.txt anew from pyproject.toml
# make clean  remove what was installed (not your data)

PORT ?= 8000
HOST ?= 127.0.0.1
ifdef INSIDER_HOME
export INSIDER_HOME
endif

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.DEFAULT_GOAL := help
.PHONY: help run test lint lock clean

help:
	@sed -n 's/^# //p' Makefile

run: $(INSTALLED)
	$(BIN)/python -m recsys serve --host $(HOST) --port $(PORT)

test: $(INSTALLED) lint
	@.ci/prepare chromium
	$(BIN)/python -m pytest

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(INSTALLED): requirements.txt
	@.ci/prepare venv "$(PYTHON)" $(VENV)
	@echo "Installing the pinned packages into $(VENV) (once; a minute or two)..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

lock:
	uv pip compile pyproject.toml --extra test --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
