# Everything here works in one .venv; a second call of any target does only what is left to do.

PYTHON := $(shell for name in python3.11 python3 python; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $$name && break; done)
PIP := .venv/bin/python -m pip --disable-pip-version-check install --quiet --no-deps
LOCK := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
ARGS :=

.PHONY: help setup demo paddle test check up down secrets schemas lock clean

help:  ## say what the targets do
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.worker  ## install a worker into .venv

demo: setup  ## fetch the models and read sample documents, all in one process
	.venv/bin/pagestream models fetch
	.venv/bin/pagestream demo --out out/demo

paddle: .venv/.test  ## add PaddleOCR, which `pagestream bench` compares with, and all else that tests need

test: .venv/.test  ## run all tests, with a real Kafka, store and Jaeger where Java, Maven and Go are there
	.venv/bin/pagestream models fetch small tiny
	.venv/bin/python -m infra.services run -- .venv/bin/python -m pytest $(ARGS)

check: .venv/.test  ## check format, lint, types, import directions and that committed schemas are current
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/pagestream schemas export out/schemas
	diff -r out/schemas schemas/json

up: setup  ## start Kafka, a store and Jaeger on this machine, without containers
	.venv/bin/python -m infra.services up

secrets:  ## make the keys of the store that docker-compose.yml mounts
	@test -n "$(PYTHON)" && $(PYTHON) -m infra.services secrets

down:  ## stop what `make up` started; its data stays
	$(PYTHON) -m infra.services down

schemas: setup  ## write the JSON Schemas of all messages to schemas/json
	.venv/bin/pagestream schemas export schemas/json

lock: .venv/.test  ## choose versions of all dependencies anew, within pyproject.toml
	$(LOCK) --upgrade pyproject.toml requirements/build.in requirements/test.in -o requirements/test.txt
	$(LOCK) --upgrade pyproject.toml requirements/build.in -c requirements/test.txt -o requirements/worker.txt
	$(LOCK) --upgrade pyproject.toml requirements/build.in requirements/gpu.in -c requirements/test.txt \
		--override requirements/gpu.override -o requirements/gpu.txt

clean: down  ## remove what was made here: .venv, services' data, caches, output
	rm -rf .venv .services out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/.worker: requirements/worker.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 to 3.14 is needed; none is on the PATH."; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) --require-hashes -r requirements/worker.txt
	$(PIP) --no-build-isolation --editable .
	@touch $@

.venv/.test: .venv/.worker requirements/test.txt
	$(PIP) --require-hashes -r requirements/test.txt
	@touch $@
