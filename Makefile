# Thin front door. `make reports` and `make test` do everything; both set up .venv on first use.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: reports test lab demo sample gallery docs lock clean benchmark
.DEFAULT_GOAL := reports

$(READY): requirements.lock pyproject.toml tools/git_setup.sh
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11, 3.12 or 3.13 is needed; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12") if not (3, 11) <= sys.version_info[:2] <= (3, 13) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@sh tools/git_setup.sh $(BIN)
	@touch $@

reports: $(READY)  ## clean → claims → ratings → effects → all reports → HTML → index, both collections
	$(BIN)/reports build --collection real
	$(BIN)/reports build --collection demo

test: $(READY)  ## every test and quality gate
	$(BIN)/python -m pytest -n 2 --dist loadscope

lock: pyproject.toml  ## rewrite requirements.lock from the ranges in pyproject.toml
	$(PYTHON) -m venv .lock-tool && .lock-tool/bin/pip install --quiet uv
	.lock-tool/bin/uv pip compile pyproject.toml --extra test --extra docs --generate-hashes --universal \
		--python-version 3.11 --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.lock
	rm -rf .lock-tool

clean:  ## remove everything the machine made; a re-run gives the same numbers
	rm -rf data/processed/* reports/real reports/demo
