# make demo: the main job and its report. make studies: the case against segmentation.
# make test: all that CI checks. All set up .venv from the lock file first.
PYTHON ?= python3
BIN := .venv/bin
# tests side by side: a process for each core, at most 8, for each builds its associations anew; a
# file's tests stay in one process, which makes what they share once
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadscope --no-loadscope-reorder

.PHONY: demo studies test pytest check slow bench bench-peers data docs lock clean

demo: .venv/ready
	$(BIN)/python -m experiments.demo $(ARGS)

# the case against segmentation: a page for each study, and an index, in runs/studies
studies: .venv/ready
	$(BIN)/python -m experiments.study study=all name=studies $(ARGS)

# mypy takes one core as long as a tenth of the tests take two, so the checks run beside them
test: .venv/ready
	$(MAKE) --no-print-directory --jobs=2 check pytest

pytest: .venv/ready
	$(PYTEST)

check: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

slow: .venv/ready
	$(PYTEST) -m slow

# docs/benchmarks.md: how long work takes, beside peers and limits; on a quiet machine. A benchmark
# that misses its bound fails, and the page is written all the same.
bench: .venv/ready
	-$(BIN)/python -m pytest tests/benchmarks --benchmark-only -q --benchmark-json=.venv/bench.json
	$(BIN)/python -m tests.benchmarks.rows .venv/bench.json docs/benchmarks.md

# what others make, in environments of their own, for `make bench` to measure beside; Open Bandit
# Pipeline needs Python 3.11 at most
bench-peers:
	$(PYTHON) -m venv .peers
	.peers/bin/python -m pip install --disable-pip-version-check -q -r tests/benchmarks/theirs/requirements.txt
	$(PYTHON) -m venv .peers/obp
	.peers/obp/bin/python -m pip install --disable-pip-version-check -q -r tests/benchmarks/theirs/obp.txt
	.peers/obp/bin/python -m pip install --disable-pip-version-check -q --no-deps --ignore-requires-python obp==0.5.7 pyieoe

# real logs for simulator=replay, checked by SHA-256
data: .venv/ready
	$(BIN)/python -m experiments.data $(ARGS)

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Letterbandit needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	touch $@

# pages and public API as a site in build/site; ARGS=serve shows it
docs: .venv/ready
	$(BIN)/python -m mkdocs $(or $(ARGS),build)

# run after changing the dependencies in pyproject.toml;
# torch stays at the release that comes without CUDA
lock: .venv/ready
	$(BIN)/python -m pip install -q pip-tools
	echo 'torch==2.13.0' > .venv/torch.txt
	$(BIN)/pip-compile -q --extra serving --extra dev --extra research --extra sign --extra fast --extra launchers --extra ray --extra docs --strip-extras --no-emit-index-url --no-emit-find-links \
		--no-header --allow-unsafe --constraint .venv/torch.txt --output-file requirements.lock pyproject.toml
	sed -i "s/^\(torch==[0-9.]*\)+cpu/\1/" requirements.lock

clean:
	rm -rf .venv .peers runs .mypy_cache .ruff_cache .pytest_cache
