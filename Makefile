# `make help` lists the targets. Debian with Python 3.11 and make is enough for `run` and `test`.
PORT ?= 8000
DATA ?= data
PYTHON ?= python3
VENV := .venv

SHELL := /bin/bash
BIN := $(abspath $(VENV))/bin
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
KUBEBUILDER_ASSETS ?= /usr/local/kubebuilder/bin
export KUBEBUILDER_ASSETS
PYTEST := $(BIN)/pytest
# The suites that start servers of their own run one test at a time each; everything else on both
# cores, by three that also wait for disks and for each other.
QUICK := -n 3 --dist loadscope --ignore=tests/e2e --ignore=tests/browser
# What checks ask of the settings touches no real data.
CHECK_ENV := AGGPORTAL_DATA=$(abspath $(VENV))/check-data
PRODUCTION_ENV := $(CHECK_ENV) AGGPORTAL_ALLOWED_HOSTS=portal.example.org AGGPORTAL_HTTPS=true \
	AGGPORTAL_SECOND_FACTOR=required-for-power \
	AGGPORTAL_LEDGER_ANCHORS=syslog://logs.example.org:514,https://witness.example.org/
RUN_ENV := PATH="$(BIN):$$PATH" AGGPORTAL_DATA="$(abspath $(DATA))" AGGPORTAL_HTTPS=false PYTHONUNBUFFERED=1

.DEFAULT_GOAL := help
.PHONY: help run test test-postgres test-corpus test-e2e test-browser test-all check format requirements \
	control-plane browser vendor messages bench bars-security screenshot

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(RUN_STAMP) ## Serve the portal on http://127.0.0.1:8000 (PORT=…, DATA=… move it); Ctrl-C stops it
	@mkdir -p -m 0700 "$(DATA)"
	@$(RUN_ENV) python manage.py collectstatic --verbosity 0 --no-input
	@$(RUN_ENV) deploy/prepare
	@echo "AggPortal: http://127.0.0.1:$(PORT)/ (data in $(DATA); Ctrl-C stops it)"
	@$(RUN_ENV) exec honcho start --app-root . --procfile deploy/Procfile --port $(PORT) --no-prefix

test: $(DEV_STAMP) ## Unit, view and interop tests on SQLite
	$(PYTEST) $(QUICK)

test-postgres: $(DEV_STAMP) ## What of these asks the database, on a PostgreSQL that is started for them
	.ci/with-postgres $(PYTEST) $(QUICK)

test-corpus: $(DEV_STAMP) ## Every file of cryptography-vectors through the reader and the page (minutes)
	AGGPORTAL_CORPUS=all $(PYTEST) -n 2 tests/corpus

test-e2e: $(DEV_STAMP) control-plane ## Tests against a real kube-apiserver and real processes
	$(PYTEST) tests/e2e

test-browser: $(DEV_STAMP) browser ## Journeys in a real browser; pictures land in artefacts/
	$(PYTEST) tests/browser

test-all: $(DEV_STAMP) control-plane browser ## Everything: PostgreSQL, then cluster and browser, then the bars and the rest on SQLite
	.ci/with-postgres $(PYTEST) $(QUICK)
	.ci/side-by-side "$(PYTEST) tests/e2e" "$(PYTEST) tests/browser"
	.ci/side-by-side "$(PYTEST) $(QUICK)" ".ci/with-postgres $(BIN)/python -m bench.bars_security"

check: $(DEV_STAMP) ## Format, lint, types, templates, settings, migrations, architecture, vendored files, messages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(CHECK_ENV) $(BIN)/mypy
	$(BIN)/djlint --check --quiet templates
	$(BIN)/djlint --lint --quiet templates
	$(CHECK_ENV) $(BIN)/python manage.py check
	$(PRODUCTION_ENV) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(CHECK_ENV) $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python .ci/vendor.py check
	$(CHECK_ENV) PATH="$(BIN):$$PATH" .ci/messages check
	$(PYTEST) -q tests/test_architecture.py tests/test_templates.py

format: $(DEV_STAMP) ## Put code and templates into the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint --reformat --quiet templates

requirements: $(DEV_STAMP) ## Compile requirements*.in into requirements*.txt with hashes
	$(foreach name,requirements requirements-dev,$(BIN)/uv pip compile --quiet --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links --python-version 3.11 $(name).in -o $(name).txt &&) true

control-plane: ## Install etcd, kube-apiserver and an extension API server for test-e2e
	.ci/control-plane

browser: ## Install Debian's chromium and fonts for test-browser
	.ci/packages chromium fonts-dejavu-core fonts-noto-core

vendor: $(DEV_STAMP) ## Fetch the browser files that static/vendor/vendor.json names
	$(BIN)/python .ci/vendor.py update

messages: $(DEV_STAMP) ## Gather the translatable text into aggportal/locale
	$(CHECK_ENV) PATH="$(BIN):$$PATH" .ci/messages update

bench: $(DEV_STAMP) ## Print the figures of bench/
	for file in bench/bench_*.py; do echo "== $$file"; $(BIN)/python -m bench.$$(basename $$file .py) || exit 1; done

bars-security: $(DEV_STAMP) ## The bars of security, B1 to B30 (LONG=1 the long form, hours; ONLY="B16 B18" some)
	.ci/with-postgres $(BIN)/python -m bench.bars_security $(if $(LONG),--long) $(ONLY)

screenshot: $(DEV_STAMP) browser ## Make the README's picture anew
	AGGPORTAL_SCREENSHOT=docs/screenshot.png $(PYTEST) -q tests/browser -k screenshot

$(RUN_STAMP): requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(DEV_STAMP): requirements-dev.txt requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(RUN_STAMP)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
