# Everything runs in .venv, which the first target that needs it creates.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
# What depends on the backend.
CORE := $(filter-out tests/benchmark/ tests/datasets/,$(wildcard tests/[a-z]*/ tests/test_*.py))

.PHONY: demo test quick lint format bench clean

demo: $(VENV)/.demo  ## the main job: compare losses on long-tailed digits
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/keras-ccar compare digits-lt --output runs/digits-lt

test: lint  ## lint, the whole suite on TensorFlow, the core suite on JAX and torch
	KERAS_BACKEND=tensorflow $(BIN)/pytest -n auto
	KERAS_BACKEND=jax $(BIN)/pytest -n auto $(CORE)
	KERAS_BACKEND=torch $(BIN)/pytest -n auto $(CORE)

quick: $(VENV)/.test  ## the tests that take seconds
	KERAS_BACKEND=tensorflow $(BIN)/pytest -n auto -m "not slow"

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test  ## time of the losses against Keras's own cross-entropy
	$(BIN)/python benchmarks/loss_speed.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: setup.cfg | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[benchmark]"
	touch $@

$(VENV)/.test: setup.cfg | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@

clean:
	rm -rf $(VENV) runs build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
