# Everything a person types. `make synth` and `make test` build what they need from the lock files.
.DEFAULT_GOAL := synth
.PHONY: synth test loop review mutate rehearse docs definitions bench lint lock clean

# Bytecode is most of what importing aws_cdk costs: it is compiled once, at install.
unexport PYTHONDONTWRITEBYTECODE
export JSII_RUNTIME_PACKAGE_CACHE := enabled
export PATH := $(CURDIR)/.venv/bin:$(PATH)
PYTHON ?= python3
INSTALL := .venv/bin/uv pip install --quiet --python .venv/bin/python
UV := $(INSTALL) --compile-bytecode

.venv/.bootstrap: requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Set one: make PYTHON=python3.12")'
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/.base: requirements/base.txt pyproject.toml labkit/bytecode.py labkit/engine.py labkit/engine.js .venv/.bootstrap
	@echo "Installing what synthesis needs (once)"
	@$(INSTALL) --require-hashes -r $<
	@.venv/bin/python -m labkit.bytecode
	@.venv/bin/python -m labkit.engine
	@$(UV) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.test: requirements/test.txt .venv/.base
	@echo "Installing what tests and rehearsals need (once)"
	@$(UV) --require-hashes -r $<
	@touch $@

node_modules/.package-lock.json: package-lock.json .venv/.base
	@npm ci --silent --no-audit --no-fund

synth: .venv/.base ## every template into cdk.out/, one line per lab
	@labs synth

test: .venv/.test node_modules/.package-lock.json ## all tests, offline
	@pytest -n 2 --dist loadfile --no-loadscope-reorder

review: .venv/.test ## the evidence pack of every lab
	@labs review

loop: .venv/.test ## the closed loop of several labs on emulated AWS, with its tests
	@pytest -m loop tests/labs/test_loop.py

mutate: .venv/.test ## every template made worse on purpose: do rules and provers say so?
	@labs synth
	@python -m labkit.review.mutation

rehearse: .venv/.test ## every lab on emulated AWS
	@labs rehearse --all

docs: .venv/.test ## the generated parts of the documents
	@labs docs

definitions: .venv/.bootstrap ## the SageMaker SDK still gives the committed pipeline definitions; installs it apart, once
	@.venv/bin/uv run --quiet --no-project --isolated --with-requirements requirements/sagemaker.txt python labs/d3_retraining_cicd/src/definition/generate.py --check

lint: .venv/.test
	@ruff check . && ruff format --check . && mypy

# pandas stands apart: where it is installed, xgboost imports it.
.venv/bench: requirements/bench.txt .venv/.test
	@$(UV) --require-hashes --target $@ -r $<
	@touch $@

bench: .venv/bench node_modules/.package-lock.json
	@python -m bench

COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --no-annotate
lock: .venv/.bootstrap ## new lock files from pyproject.toml
	@$(COMPILE) requirements/bootstrap.in -o requirements/bootstrap.txt
	@$(COMPILE) pyproject.toml --group test -o requirements/test.txt
	@$(COMPILE) pyproject.toml -c requirements/test.txt -o requirements/base.txt
	@$(COMPILE) --group bench -c requirements/test.txt -o requirements/bench.txt
	@$(COMPILE) pyproject.toml --group sagemaker -o requirements/sagemaker.txt

clean:
	rm -rf .venv node_modules cdk.out review rehearsal
