# Tousu: every command a reader of the README meets. Needs make and Python 3.11, nothing else.
#   make demo | up | test | check | rules | mutants | docs | golden | lock | clean

PYTHON ?= python3
VENV ?= .venv
DATA ?= .data
ARGS ?=

PY := $(VENV)/bin/python
READY := $(VENV)/.locked

export TOUSU_DATA := $(DATA)

.DEFAULT_GOAL := help
.NOTPARALLEL: # the linters end before the tests begin
.PHONY: help venv demo up test check lint rules mutants docs golden lock clean

help: ## Show what there is to make.
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(READY) ## Create the environment from the lock, with hashes checked.

$(READY): requirements-dev.txt
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements-dev.txt
	touch $@

demo: $(READY) ## Play every example case from filing to closing on the embedded stack.
	$(PY) -m stack demo $(ARGS)

up: $(READY) ## Start the embedded stack and leave it running until Ctrl-C.
	$(PY) -m stack up $(ARGS)

test: $(READY) ## Run every test.
	$(PY) -m pytest $(ARGS)

lint: $(READY) ## Run the linters and the type checker.
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy .

check: lint test ## Run the linters, then every test.

rules: $(READY) ## List the rule ids with their tests and states.
	$(PY) -m tests.traceability $(ARGS)

mutants: $(READY) ## Plant changes in the policy packs and have the tests catch each.
	$(PY) -m tests.mutants $(ARGS)

docs: $(READY) ## Generate the diagrams in the docs from the state machines.
	$(PY) -m stack docs $(ARGS)

golden: $(READY) ## Record the golden histories anew.
	$(PY) -m tests.replay.record

# The lock comes from the public registry alone: one machine's pip settings (extra indexes, local wheels)
# must not decide what another machine installs. The lock's own tool stays out of the lock.
PIP_COMPILE = env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND="make lock" \
	$(VENV)/lock/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

lock: ## Lock the dependencies anew, with the hashes of every file of each release.
	test -x $(VENV)/lock/bin/pip-compile || { $(PYTHON) -m venv $(VENV)/lock && \
		$(VENV)/lock/bin/python -m pip install --disable-pip-version-check --quiet 'pip-tools>=7.4,<8'; }
	$(PIP_COMPILE) --output-file requirements.txt pyproject.toml
	$(PIP_COMPILE) --extra embedded --extra dev --constraint requirements.txt \
		--output-file requirements-dev.txt pyproject.toml

clean: ## Remove the environment, the embedded servers' data and the caches.
	rm -rf $(VENV) $(DATA) build .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
