# Two commands on a fresh machine that has Python 3.11 or newer and make:
#   make run    set up and serve the demo    (BIND=host:port STATE=folder)
#   make test   set up, check and test everything
SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.PHONY: run test format lock demo-model clean

PYTHON ?= python3
VENV   ?= .venv
BIND   ?= 127.0.0.1:8000
STATE  ?= state
# The builds of torch differ by platform (CPU, CUDA), so its version is pinned here and its hash is left out of the lock
# files, as are the GPU libraries that torch itself pins.
TORCH  ?= torch==2.13.0
GPU_STACK := torch triton cuda-bindings cuda-pathfinder cuda-toolkit $(addprefix nvidia-,cublas cuda-cupti cuda-nvrtc \
	cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse cusparselt-cu13 nccl-cu13 nvjitlink nvshmem-cu13 nvtx)

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install

run: $(VENV)/.installed
	$(BIN)/hangu serve --demo --bind $(BIND) --state $(STATE)

test: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	tests/services/install
	$(BIN)/python -m pytest $(PYTEST)

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

demo-model: $(VENV)/.installed
	$(BIN)/python -m model_runtime.demo.train --out model_runtime/demo/weights

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Hangu needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock setup.cfg | $(VENV)/bin/python
	@echo 'Setting up $(VENV): 1 of 3, packages of the lock file'
	$(PIP) --quiet --require-hashes --no-deps -r requirements.lock
	@echo 'Setting up $(VENV): 2 of 3, $(TORCH)'
	$(PIP) $(TORCH)  # the one large download: pip shows its progress
	@echo 'Setting up $(VENV): 3 of 3, Hangu itself'
	$(PIP) --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo 'Setting up $(VENV): packages for development'
	$(PIP) --quiet --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

# Newer versions within the bounds of setup.cfg. Review the difference before you commit it.
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command 'make lock' $(addprefix --no-emit-package ,$(GPU_STACK)) setup.cfg
lock: $(VENV)/bin/python
	$(PIP) --quiet uv
	echo '$(TORCH)' | $(COMPILE) --extra runtime --extra redis --extra sdk --extra review -c - -o requirements.lock
	echo '$(TORCH)' | cat - requirements.lock | $(COMPILE) --all-extras -c - -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
