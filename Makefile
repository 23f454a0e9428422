# Two commands for everybody: `make demo` and `make test`. VENV and PYTHON can be overridden.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
DIST ?= dist
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint types bench fuzz docs notebook dist clean

demo: $(VENV)/.installed
	$(BIN)/fuzzyseg demo -o out/demo

# Each process takes half of the tests in a row, as neighbours share fixtures and compiled code, and
# then steals of what the other has left.
test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.installed-dev
	$(BIN)/mypy

fuzz: $(VENV)/.installed-test
	$(BIN)/python -W error tests/fuzz/harness.py --count 20000

bench: $(VENV)/.installed-test
	$(BIN)/python benchmarks/run.py

# The site in out/site. A warning fails, one about a docstring too (griffe's, which --strict lets
# pass), and so does a page that would load anything from elsewhere.
docs: $(VENV)/.installed-docs
	$(BIN)/python docs/reference.py
	mkdir -p out
	$(BIN)/zensical build --clean --strict >out/docs.log 2>&1; code=$$?; cat out/docs.log; exit $$code
	! grep -q '^griffe:' out/docs.log
	! grep -rlE '<(script|link|img|iframe)[^>]* (src|href)="(https?:)?//' --include='*.html' out/site

# The tutorial as a notebook, without outputs; tests hold it to the page, and run it.
notebook: $(VENV)/.installed-docs
	$(BIN)/jupytext --quiet --to ipynb --update --set-kernel python3 docs/tutorial.md

# An sdist, and a wheel that is built from it.
dist: | $(BIN)/python
	$(PIP_INSTALL) build
	$(BIN)/python -m build --outdir $(DIST)

clean:
	rm -rf $(VENV) out dist docs/reference .cache

# Installed again only when what is to be installed has changed.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) -e '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) -e '.[docs]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) -e '.[dev,test]'
	@touch $@ $(VENV)/.installed $(VENV)/.installed-test
