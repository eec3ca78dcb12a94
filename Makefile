# make run       the dashboard and the API on http://localhost:8000, over the built-in data
# make test      lint, types and every test, the browser ones included
# make coverage  every test once more, with the lines and branches of recsys that they reach
# make lint      only ruff, mypy and the import contracts
# make docs      anew what programs make of docs/: reference, architecture, pictures of every page (half an hour)
# make lock      both requirements files anew after a change of pyproject.toml; ARGS=--upgrade for newer versions
# make clean     remove what was installed (not your data)
#
# PORT=8080, HOST=0.0.0.0 and INSIDER_HOME=/folder change where it runs; PYTHON=python3.12 what it runs with.

PORT ?= 8000
HOST := 127.0.0.1
ARGS :=
LOCKED := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --quiet \
	--custom-compile-command "make lock"

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.DEFAULT_GOAL := help
.PHONY: help run test coverage lint docs lock clean

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

run: $(INSTALLED)
	@$(BIN)/python -m recsys serve --host $(HOST) --port $(PORT)

test: lint
	@.ci/prepare chromium
	@.ci/prepare postgresql
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Processes that tests start are measured too; it takes about twice as long as the tests alone.
coverage: $(INSTALLED)
	@.ci/prepare chromium
	@.ci/prepare postgresql
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report --skip-covered --sort=cover

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(INSTALLED)
	@.ci/prepare chromium
	$(BIN)/python -m docs.reference
	$(BIN)/python -m docs.architecture
	$(BIN)/python -m docs.pictures

# A stamp: made after a complete installation, older than requirements.txt when that has changed.
$(INSTALLED): requirements.txt
	@.ci/prepare venv $(VENV) "$(PYTHON)"
	@echo "Installing the pinned packages into $(VENV) (once; a minute or two)..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

lock: $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile pyproject.toml --extra dashboard --extra postgres --extra s3 --extra test $(LOCKED) \
		--output-file requirements.txt $(ARGS)
	$(BIN)/uv pip compile pyproject.toml --extra dashboard --extra postgres --extra s3 $(LOCKED) \
		--constraints requirements.txt --output-file requirements-server.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
