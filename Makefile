# make help lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
RESULTS ?= results
PORT ?= 5000

# The first Python from 3.11 to 3.13 on this machine; PYTHON=... overrides it.
SUITS := -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p $(SUITS) 2>/dev/null && { echo $$p; break; }; done)

.PHONY: help
help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort | \
		awk -F '\t' '{ printf "  make %-12s %s\n", $$1, $$2 }'

$(VENV)/installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: expected Python 3.11, 3.12 or 3.13, found none;" \
		"install one or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "make: $(PYTHON) cannot make a virtual environment;" \
		"on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "installing the locked packages into $(VENV) (PyTorch is large: some minutes)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --editable .
	@touch $@

.PHONY: install
install: $(VENV)/installed  ## Install everything into .venv, exact versions

.PHONY: demo
demo: install  ## Run a sweep with the built-in data and model, offline
	@$(BIN)/python -m clip_har experiment=demo

# DATA=folder of UCF-101, SPLITS=all, ACCEPT_LICENCE=yes, YES=1, OVERRIDES="precision=bf16 limit=500".
.PHONY: paper
paper: install  ## UCF-101, weights, a plan, then the paper's programme and its report (DATA=folder)
	@test -n "$(DATA)" || { echo "make: expected DATA=<folder of UCF-101>, which is fetched if it is" \
		"not there, such as make paper DATA=/data/ucf101" >&2; exit 1; }
	@$(BIN)/python -m clip_har.cli.paper --data "$(DATA)" --splits "$(or $(SPLITS),1)" \
		$(if $(filter yes y 1 true,$(ACCEPT_LICENCE)),--accept-licence) \
		$(if $(filter yes y 1 true,$(YES)),--yes) results_dir="$(RESULTS)" $(OVERRIDES)

# Two processes with one thread each; each process takes whole files.
TESTED = OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: test
test: install  ## Run all tests except the slow ones (PYTEST="..." adds arguments)
	@$(TESTED) -m "not slow" $(PYTEST)

.PHONY: test-all
test-all: install  ## Run all tests, including the slow ones (PYTEST="-m slow": only those)
	@$(TESTED) $(PYTEST)

SCHEMA = $(BIN)/check-jsonschema --quiet --builtin-schema vendor.github

.PHONY: lint
lint: install  ## Check style, types, imports, the Dockerfile and the files of .github
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/hadolint docker/Dockerfile
	@$(SCHEMA)-workflows .github/workflows/*.yml
	@$(SCHEMA)-issue-config .github/ISSUE_TEMPLATE/config.yml
	@$(SCHEMA)-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	@if command -v actionlint >/dev/null; then actionlint; fi

.PHONY: audit
audit: install  ## Look for known vulnerabilities of the locked packages (needs a network)
	@$(BIN)/pip-audit --requirement requirements.lock --no-deps --disable-pip --strict

.PHONY: format
format: install  ## Rewrite the code in the project's style
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

.PHONY: ui
ui: install  ## Open the saved view of RESULTS (results) in the MLflow UI at PORT (5000)
	@$(BIN)/python -m clip_har.cli.ui $(RESULTS) --port $(PORT)

.PHONY: bench
bench: install  ## Compare speed and memory with what people use today (about half an hour)
	@$(BIN)/python -m benchmarks $(BENCH)

.PHONY: docs
docs: install  ## Build the documentation site into build/site (strict: a broken link is an error)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

.PHONY: wheel
wheel: install  ## Build the wheel into dist/
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

LOCKED := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate

.PHONY: lock
lock: install  ## Update the lock files from pyproject.toml, keeping versions that still fit
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile $(LOCKED) \
		--all-extras --group dev --output-file requirements.lock pyproject.toml
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile $(LOCKED) \
		--extra postgres --group build --constraint requirements.lock \
		--output-file docker/requirements.lock pyproject.toml

# Docker: DEVICE=cpu|cuda, DATA=folder with data sets, RESULTS, PORT as above. The bench runs as the
# user who called make, who then owns the results. For root it runs as the image's own user.
DEVICE ?= cpu
ENGINE ?= docker
RUN_AS ?= $(shell id -u | sed 's/^0$$/10001/'):$(shell id -g | sed 's/^0$$/10001/')
COMPOSE = DEVICE=$(DEVICE) DATA=$(if $(DATA),$(abspath $(DATA))) RESULTS=$(abspath $(RESULTS)) \
	PORT=$(PORT) RUN_AS=$(RUN_AS) TORCH_INDEX=$(TORCH_INDEX) \
	GIT_COMMIT=$$(git rev-parse HEAD 2>/dev/null) \
	$(ENGINE) compose --file docker/compose.yaml \
	$(if $(filter cuda,$(DEVICE)),--file docker/compose.cuda.yaml)

docker/.env:
	@umask 077; printf 'POSTGRES_PASSWORD=%s\n' \
		"$$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" > $@

.PHONY: docker-build
docker-build: docker/.env  ## Build the images (DEVICE=cpu or cuda)
	@$(COMPOSE) --profile bench build

.PHONY: docker-demo
docker-demo: docker-build  ## Run the demo in a container; results go to RESULTS and its MLflow
	@mkdir -p $(RESULTS) && { test "$$(id -u)" != 0 || chown $(RUN_AS) $(RESULTS); }
	@$(COMPOSE) run --rm bench experiment=demo

.PHONY: docker-test
docker-test: docker/.env  ## Run all tests except the slow ones in a container
	@$(COMPOSE) --profile test build test
	@$(COMPOSE) run --rm test -m "not slow" $(PYTEST)

.PHONY: docker-ui
docker-ui: docker-build  ## Start the container's MLflow at PORT (5000)
	@$(COMPOSE) up --detach --wait mlflow
	@echo "MLflow: http://127.0.0.1:$(PORT)"

.PHONY: docker-check
docker-check: install  ## Compare the numbers of an image with those of this machine (CHECK="--services")
	@PYTHONPATH=. $(BIN)/python docker/check.py $(CHECK)

.PHONY: clean
clean:  ## Remove built files (not results, not the environment)
	@rm -rf dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
