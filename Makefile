# Every target works on a bare Debian 12 with Python 3.11, make, git and root or sudo.

PYTHON ?= python3
BIN    := .venv/bin
READY  := .venv/.ready
SUDO   := $(if $(filter 0,$(shell id -u)),,sudo)
APT    := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300

.DEFAULT_GOAL := help
.PHONY: help setup demo run test services services-down bench faults month mutants lint format lock env clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## create .venv with the locked dependencies and the bridge itself

# The stamp is as new as the locks: with nothing changed, this costs nothing.
$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { $(APT) update -q && $(APT) install -q -y --no-install-recommends python3-venv; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

demo: setup ## the whole mission on the embedded default, with the three sandboxes, in under two minutes
	$(BIN)/bridge demo

run: setup ## the bridge with sandboxes and light traffic, until Ctrl-C
	$(BIN)/bridge run --sandboxes

# The fault trials measure nothing, but they kill and starve: they get the machine to themselves.
test: services ## every test, on real RabbitMQ and PostgreSQL
	$(BIN)/python -m pytest tests --ignore=tests/faults --numprocesses=2 --dist=loadfile
	$(BIN)/python -m pytest tests/faults

services: setup ## find or start RabbitMQ and PostgreSQL for the tests
	$(BIN)/python -m tests.services up

services-down: setup ## stop what `make services` started
	$(BIN)/python -m tests.services down

bench: setup ## how fast it is on this machine
	$(BIN)/python -m tests.bench

faults: services ## kill, wipe and starve real processes; the law must hold
	BRIDGE_FAULTS=full $(BIN)/python -m pytest tests/faults -q

month: setup ## a simulated month of 20,000 petitions, reckoned twice
	BRIDGE_MONTH=20000 $(BIN)/python -m pytest tests/month -q --timeout=0

mutants: services ## seeded bugs, each of which must turn a test red
	$(BIN)/python -m pytest tests/mutants -q

lint: setup ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## let ruff mend and format what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# --no-config and the unset variables keep this machine's own package sources out of the files.
LOCK := env -u UV_INDEX -u UV_FIND_LINKS $(BIN)/uv pip compile --no-config --quiet --upgrade --universal \
	--python-version 3.11 --generate-hashes --custom-compile-command "make lock"

lock: setup ## write the lock files anew, with the newest versions that fit
	$(LOCK) pyproject.toml --output-file requirements.txt
	$(LOCK) pyproject.toml --group dev --constraint requirements.txt --output-file requirements-dev.txt
	$(LOCK) --group build --constraint requirements-dev.txt --output-file requirements-build.txt

env: ## write .env with random secrets for docker compose (never over an existing one)
	@$(PYTHON) scripts/make_env.py

clean: ## remove everything that can be made again; data/ and .env stay
	-@[ ! -x $(BIN)/python ] || $(BIN)/python -m tests.services down
	rm -rf .venv .services build dist bench-output .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
