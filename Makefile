# One place for every command of the project. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run install install-dev servers test journeys faults check format lint types imports corpora docs migrate lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: .venv/run ## start everything on this machine with a demo network: web, mail servers, workers
	$(BIN)/folkmoot up --demo

install: .venv/run ## the environment to run in, from the lock with hashes

install-dev: .venv/dev ## the environment to develop and test in

.venv/run: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.venv/dev: requirements-dev.lock .venv/run
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	touch $@

servers: ## the real servers that the tests run (installs them when root on Debian)
	@./tests/servers/install

test: .venv/dev servers ## everything: units, properties, journeys through real servers
	$(BIN)/python -m pytest

journeys: .venv/dev servers ## only the journeys
	$(BIN)/python -m pytest tests/journeys

faults: .venv/dev servers ## the fault suite at length: 200 kills, 250 and 10,000 recipients
	FAULT_KILLS=50 FAULT_COPIES=250,10000 $(BIN)/python -m pytest tests/faults

corpora: .venv/dev ## only the scores: over external mail (MAIL_CORPORA), and over what we wrote ourselves
	$(BIN)/python -m pytest tests/corpora tests/written -s

check: .venv/dev servers ## all that must hold before a commit: format, lint, types, imports, tests
	$(BIN)/ruff format --check .
	$(MAKE) lint types imports
	$(BIN)/python -m pytest

format: .venv/dev ## put the code in shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: .venv/dev ## what ruff says
	$(BIN)/ruff check .

types: .venv/dev ## what mypy --strict says
	$(BIN)/mypy

imports: .venv/dev ## whether imports go downhill only
	$(BIN)/lint-imports

migrate: .venv/run ## bring the database to the newest schema
	$(BIN)/folkmoot migrate

docs: .venv/dev ## write docs/events.md anew from the code
	$(BIN)/python -m tests.events_page > docs/events.md

lock: ## write the locks anew: versions and hashes, nothing younger than seven days
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --exclude-newer "7 days" --extra build pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --exclude-newer "7 days" --extra build --extra dev pyproject.toml -o requirements-dev.lock

clean: ## remove what was made
	rm -rf .venv artefacts .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
