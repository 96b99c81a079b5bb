# Everything runs in .venv, which the first target that needs it creates.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
# What is the same on every backend, or trains whole comparisons: on torch, which trains
# small models several times as fast, because it compiles nothing.
ONE_BACKEND := tests/benchmark/ tests/benchmarks/ tests/command/ $(wildcard tests/test_docs_*.py) tests/test_contributing.py tests/test_docstrings.py tests/test_every_argument.py tests/test_files.py tests/test_hostile.py tests/test_import_rule.py tests/test_package.py tests/test_readme.py tests/test_requirements.py tests/test_wheel.py
# What is TensorFlow's: streams of tf.data, and the examples, which run once.
OF_TENSORFLOW := tests/datasets/ tests/examples/
# What depends on the backend.
CORE := $(filter-out $(ONE_BACKEND) $(OF_TENSORFLOW) tests/saved_files/ tests/pages/,$(wildcard tests/[a-z]*/ tests/test_*.py))
# JAX compiles every operation for every shape, so `make test` leaves out there what is
# computed by the same operations as elsewhere: definitions of metrics, and `posthoc`.
CORE_OF_JAX := $(filter-out tests/metrics/ tests/posthoc/,$(CORE)) $(wildcard tests/metrics/test_every_*.py)

# Where the environments of several versions lie; and what is asked of them, such as
# `make test-matrix MATRIX_OPTIONS="--python 3.13"`.
MATRIX ?= .matrix
MATRIX_OPTIONS ?= --output benchmarks/results/versions/test_matrix.json
# And of `make test-oldest`, such as "--leave-out tests/posthoc".
OLDEST_OPTIONS ?=

# `make test` runs the tests that take seconds, with each value of their parameters in one
# case at least. `make test-all` runs all tests in all combinations.
QUICK := not slow and not failures and not long and not browser
ONCE ?= --each-value-once
PYTEST := $(BIN)/pytest -n auto --dist loadgroup

# JAX compiles each operation for each shape, so keep what it compiled for the next test.
JAX_CACHE := JAX_COMPILATION_CACHE_DIR=$(abspath $(VENV))/.jax_cache JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1

# Where trials say what they tried; docs/what-was-tried.md is made from it.
TRIED := benchmarks/results/tried

.PHONY: demo test test-all test-matrix test-oldest core-tests test-pages test-long quick fuzz damage kills hostile table failures evidence evidence-smoke first-model lint types format bench results dist notebooks transcripts architecture screenshots docs serve-docs clean

demo: $(VENV)/.demo  ## the main job: compare losses on long-tailed digits
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/keras-ccar compare digits-lt --output runs/digits-lt

test: lint types  ## lint, types, and the tests that take seconds: the core on TensorFlow, JAX and torch, the rest once
	KERAS_BACKEND=tensorflow $(PYTEST) -m "$(QUICK)" $(ONCE) $(CORE) $(OF_TENSORFLOW) tests/benchmark/training/
	KERAS_BACKEND=jax $(JAX_CACHE) $(PYTEST) -m "$(QUICK)" $(ONCE) $(CORE_OF_JAX)
	KERAS_BACKEND=torch OMP_NUM_THREADS=1 $(PYTEST) -m "$(QUICK)" $(ONCE) $(CORE) $(ONE_BACKEND)

test-all: lint types  ## lint, types, and all tests in all combinations, slow ones too: takes hours
	KERAS_BACKEND=tensorflow $(PYTEST)
	KERAS_BACKEND=jax $(JAX_CACHE) $(PYTEST) $(CORE)
	KERAS_BACKEND=torch OMP_NUM_THREADS=1 $(PYTEST) $(CORE) $(ONE_BACKEND)

test-pages: $(VENV)/.pages docs  ## opens every page of the site, and the reports, in Chromium
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/pytest -n 2 -m browser tests/pages

test-matrix: $(VENV)/.demo  ## the core tests on old and new Keras and Python; makes five environments, takes hours
	$(BIN)/python benchmarks/test_matrix.py --folder $(MATRIX) $(MATRIX_OPTIONS)

test-oldest: $(VENV)/.demo  ## the core tests on the oldest Keras and TensorFlow, each value of a parameter once
	$(BIN)/python benchmarks/test_matrix.py --folder $(MATRIX) --wanted oldest --backend tensorflow $(ONCE) $(OLDEST_OPTIONS)

core-tests:
	@echo $(CORE)

failures: $(VENV)/.test  ## kills and restarts 20 runs on each backend: about half an hour
	KERAS_BACKEND=tensorflow $(BIN)/pytest -m failures tests/distribution
	KERAS_BACKEND=jax $(BIN)/pytest -m failures tests/distribution

test-long: $(VENV)/.test  ## real CIFAR-100-LT, killed again and again; TFDS_DATA_DIR
	KERAS_BACKEND=tensorflow $(BIN)/pytest -m long

quick: $(VENV)/.test  ## the tests that take seconds, all of them on TensorFlow
	KERAS_BACKEND=tensorflow $(PYTEST) -m "$(QUICK)"

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test  ## how fast this kind of processor is, into benchmarks/results/speed
	$(BIN)/python benchmarks/loss_speed.py
	$(BIN)/python benchmarks/loss_speed.py --binary
	$(BIN)/python benchmarks/step_speed.py
	$(BIN)/python benchmarks/training_speed.py
	$(BIN)/python benchmarks/network_speed.py
	$(BIN)/python benchmarks/convolution_speed.py
	$(BIN)/python benchmarks/head_speed.py

results: $(VENV)/.demo  ## what docs/ quotes of results, and the figures, from benchmarks/results
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/results_page.py
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/speed_page.py
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/choosing_a_loss.py
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/what_was_tried.py
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/yes_or_no_page.py
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/many_classes_page.py
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/after_training_page.py
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/pretrained_page.py
	KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/published_code_page.py
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/test_matrix_page.py

evidence: $(VENV)/.features  ## the studies on pretrained features of images and texts; hours, goes on where it was stopped; TFDS_DATA_DIR
	$(BIN)/python benchmarks/pretrained_heads.py
	$(BIN)/python benchmarks/linear_probe.py
	KERAS_BACKEND=torch OMP_NUM_THREADS=1 $(BIN)/python benchmarks/text_topics.py

evidence-smoke: $(VENV)/.features  ## a slice of it, from weights to the page, in under 5 minutes; TFDS_DATA_DIR
	rm -rf runs/evidence-smoke
	$(BIN)/python benchmarks/efficientnet_lite0.py --output runs/evidence-smoke/conversion.json
	$(BIN)/python benchmarks/pretrained_heads.py --smoke --output runs/evidence-smoke
	$(BIN)/python benchmarks/pretrained_page.py --folder runs/evidence-smoke --page runs/evidence-smoke/page.md

transcripts: $(VENV)/.test  ## tries keras-ccar compare from the wheel, for docs/compare-command.md; TFDS_DATA_DIR
	$(BIN)/python benchmarks/compare_command.py

first-model: $(VENV)/.test  ## tries the first steps of a new user, from the wheel, for docs/first-model.md
	KERAS_BACKEND=jax $(BIN)/python benchmarks/first_model.py

architecture: $(VENV)/.pages  ## the picture of the architecture in docs/, from CONTRIBUTING.md; needs npm and Chromium
	npm install --silent --no-save --prefix $(VENV)/mermaid mermaid@11
	$(BIN)/python benchmarks/architecture_picture.py $(VENV)/mermaid/node_modules/mermaid/dist/mermaid.min.js

screenshots: $(VENV)/.pages docs  ## the pictures of pages in docs/; needs Chromium
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/screenshots.py

docs: $(VENV)/.docs  ## the site, into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

serve-docs: $(VENV)/.docs  ## the site, on a port of this machine, built again at each change
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

dist: $(VENV)/.test  ## what is released, into dist/: the wheel and the source
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl

notebooks: $(VENV)/.test  ## runs every example and writes its notebook
	$(BIN)/python examples/build.py

fuzz: $(VENV)/.test  ## 100,000 random calls on each of three backends: about an hour; a part goes on with --first
	KERAS_BACKEND=tensorflow $(BIN)/python tests/fuzz_losses.py --calls 100000 --output $(TRIED)/fuzz-tensorflow.json
	KERAS_BACKEND=jax $(BIN)/python tests/fuzz_losses.py --calls 100000 --output $(TRIED)/fuzz-jax.json
	KERAS_BACKEND=torch $(BIN)/python tests/fuzz_losses.py --calls 100000 --output $(TRIED)/fuzz-torch.json

damage: $(VENV)/.test  ## damages 1,000 backups and records of runs on each backend, and counts what is believed
	KERAS_BACKEND=tensorflow $(BIN)/python tests/damage.py --files 1000 --output $(TRIED)/damage-tensorflow.json
	KERAS_BACKEND=jax $(BIN)/python tests/damage.py --files 1000 --output $(TRIED)/damage-jax.json
	KERAS_BACKEND=torch $(BIN)/python tests/damage.py --files 1000 --output $(TRIED)/damage-torch.json

kills: $(VENV)/.test  ## kills trainings 100 times on each backend, and counts what is lost
	KERAS_BACKEND=tensorflow $(BIN)/python tests/kills.py --kills 100 --output $(TRIED)/kills-tensorflow.json
	KERAS_BACKEND=jax $(BIN)/python tests/kills.py --kills 100 --epochs 40 --output $(TRIED)/kills-jax.json
	KERAS_BACKEND=torch $(BIN)/python tests/kills.py --kills 100 --output $(TRIED)/kills-torch.json

hostile: $(VENV)/.test  ## gives hostile files and names to whatever reads them, on each backend, and counts what is executed
	KERAS_BACKEND=tensorflow $(BIN)/python tests/hostile.py --output $(TRIED)/hostile-tensorflow.json
	KERAS_BACKEND=jax $(BIN)/python tests/hostile.py --output $(TRIED)/hostile-jax.json
	KERAS_BACKEND=torch $(BIN)/python tests/hostile.py --output $(TRIED)/hostile-torch.json

table: $(VENV)/.test  ## the table of unusual inputs in docs/pitfalls.md, from tests/unusual
	KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python tests/unusual_inputs.py --write

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: setup.cfg | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[benchmark]"
	touch $@

$(VENV)/.test: setup.cfg | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@

$(VENV)/.features: setup.cfg | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[features]"
	touch $@

$(VENV)/.docs: setup.cfg | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	touch $@

$(VENV)/.pages: setup.cfg | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[pages]"
	touch $@

clean:
	rm -rf $(VENV) $(MATRIX) runs site build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
