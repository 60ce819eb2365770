# Everything sets itself up: a virtual environment in .venv, the package with what the target needs in it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: help demo lab test lint bench clean

help:
	@echo "make demo    run the main job on real climate data: demo/warming.png, demo/warming.nc"
	@echo "make lab     open JupyterLab with the same data and jobs"
	@echo "make test    run the tests"
	@echo "make lint    run ruff, mypy and import-linter"
	@echo "make bench   measure, side by side with peers"
	@echo "make clean   remove what the other targets made"

demo: $(VENV)/.demo
	$(BIN)/geojobs demo --output demo

lab: $(VENV)/.lab
	$(BIN)/geojobs lab

# Most of the time is waiting for servers and browsers: more tests at once than processors. Files go in their order:
# those with browsers and faults, which last longest and have few tests each, come first.
test: $(VENV)/.test
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) demo build dist

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# One stamp for each extra; installed again when the package's description changes.
$(VENV)/.%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@
