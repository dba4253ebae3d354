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
	@status=0; \
	$(BIN)/reports build --collection real || status=$$?; \
	$(BIN)/reports build --collection demo || status=$$?; \
	exit $$status

test: $(READY)  ## every test and quality gate; coverage of src/helpers with branches
	$(BIN)/python -m pytest -n 2 --dist loadscope --cov --cov-report=term:skip-covered --cov-fail-under=90

lab: $(READY)  ## JupyterLab with the repository's workspace; Russian interface
	mkdir -p $(VENV)/share/jupyter/lab/settings
	cp lab/overrides.json $(VENV)/share/jupyter/lab/settings/overrides.json
	$(BIN)/jupyter lab workspaces import lab/report.jupyterlab-workspace
	JUPYTER_PATH=src/helpers/batch/share/jupyter $(BIN)/jupyter lab --LabApp.default_url=/lab/workspaces/report

demo: $(READY)  ## three regions of the demonstration collection, from raw files to .eml, to look at
	$(BIN)/reports build --collection demo --regions RU-CHE,RU-MOW,RU-KAM --check --quiet
	$(BIN)/reports send --collection demo --recipients docs/demo_recipients.csv

sample: $(READY)  ## refresh reports/sample: one rich, one poor, one empty region and the national report
	$(BIN)/reports sample

gallery: $(READY)  ## screenshots of the sample reports; needs tools/install_system.sh
	$(BIN)/python tools/gallery.py

docs: $(READY)  ## the documentation site in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lock: pyproject.toml  ## rewrite requirements.lock from the ranges in pyproject.toml
	$(PYTHON) -m venv .lock-tool && .lock-tool/bin/pip install --quiet uv
	.lock-tool/bin/uv pip compile pyproject.toml --extra test --extra docs --generate-hashes --universal \
		--python-version 3.11 --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.lock
	.lock-tool/bin/uv pip compile tools/spark.in --generate-hashes --universal \
		--python-version 3.11 --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements-spark.lock
	rm -rf .lock-tool

benchmark: $(READY)  ## every benchmark; prints ratios measured side by side, takes long
	for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:  ## remove everything the machine made; a re-run gives the same numbers
	rm -rf data/processed/* data/raw/demo reports/real reports/demo site
