"""The public names, and what importing them costs."""

import inspect
import os
import pathlib
import subprocess
import sys

import pytest

import keras_ccar
from keras_ccar import (
    adjustments,
    initializers,
    layers,
    metrics,
    posthoc,
    weightings,
)

MODULES = (keras_ccar, adjustments, initializers, layers, metrics, posthoc, weightings)


def test_public_names():
    assert keras_ccar.__all__ == [
        "AsymmetricLoss",
        "AveragePrecision",
        "BackupAndResume",
        "BalancedAccuracy",
        "BalancedSoftmaxLoss",
        "BinaryCCARLoss",
        "BinaryClassBalancedLoss",
        "BinaryFocalLoss",
        "BinaryInverseFrequencyLoss",
        "BinaryLogitAdjustedLoss",
        "BinaryLongTailedCrossentropy",
        "CCARCallback",
        "CCARLoss",
        "ClassBalancedLoss",
        "DeferredReweighting",
        "DistributionBalancedLoss",
        "ExpectedCalibrationError",
        "FocalLoss",
        "GeometricMean",
        "InverseFrequencyLoss",
        "LDAMLoss",
        "LogitAdjustedLoss",
        "LogitCorrection",
        "LongTailedCrossentropy",
        "MacroF1",
        "PerClassRecall",
        "ShotAccuracy",
        "WeightedSum",
        "adjustments",
        "benchmark",
        "compare",
        "datasets",
        "initializers",
        "layers",
        "posthoc",
        "serving",
        "weightings",
    ]
    for name in keras_ccar.__all__:
        assert getattr(keras_ccar, name) is not None


def test_unknown_name():
    with pytest.raises(AttributeError, match="has no attribute 'CCARLos'"):
        keras_ccar.CCARLos  # noqa: B018


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_missing_backend_is_named(backend):
    code = f"import sys; sys.modules[{backend!r}] = None; import keras_ccar"
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 1
    message = f"ModuleNotFoundError: Keras is set to the backend '{backend}', which"
    assert message in answer.stderr
    assert f"pip install 'keras_ccar[{backend}]'" in answer.stderr


@pytest.mark.slow
def test_import_takes_less_than_a_second_more_than_keras():
    code = """
import time
import keras
start = time.process_time()  # whatever else the machine does
import keras_ccar
print(time.process_time() - start)
"""
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert float(answer.stdout) < 1


def test_what_is_typed_says_so():
    package = pathlib.Path(keras_ccar.__file__).parent
    assert (package / "py.typed").exists()
    constructors = {
        name: inspect.signature(getattr(keras_ccar, name)).parameters.values()
        for name in keras_ccar.__all__
        if inspect.isclass(getattr(keras_ccar, name))
    }
    missing = [
        f"{name}({parameter.name})"
        for name, parameters in constructors.items()
        for parameter in parameters
        if parameter.annotation is parameter.empty
    ]
    assert not missing


def test_every_argument_has_a_name():
    classes = [
        member
        for module in MODULES
        for name, member in vars(module).items()
        if name in module.__all__ and inspect.isclass(member)
    ]
    assert len(classes) > 20
    for exported in classes:
        for parameter in inspect.signature(exported).parameters.values():
            variable = (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            assert parameter.kind not in variable, f"{exported.__name__}({parameter})"


@pytest.mark.slow
def test_comparisons_are_loaded_on_first_use():
    code = """
import sys
import keras
before = set(sys.modules)  # Keras loads pandas and others where they are installed.
import keras_ccar.benchmark
added = {name.split(".")[0] for name in set(sys.modules) - before}
assert not added & {"pandas", "matplotlib", "rich", "scipy"}, added
assert not [name for name in sys.modules if name.startswith("keras_ccar.benchmark.")]
assert keras_ccar.benchmark.__all__ == ["Comparison", "TuningObjective", "compare"]
from keras_ccar.benchmark import Comparison
assert "keras_ccar.benchmark.python_api" not in sys.modules
from keras_ccar.benchmark import compare
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_core_needs_neither_tensorflow_nor_the_extras(backend):
    code = """
import sys
import keras
before = set(sys.modules)
import keras_ccar
added = {name for name in set(sys.modules) - before if name.split(".")[0] != "keras"}
assert all(name.startswith("keras_ccar") for name in added), added
on_demand = tuple(
    f"keras_ccar.{room}" for room in ("benchmark", "datasets", "posthoc", "serving")
)
assert not any(name.startswith(on_demand) for name in added), added
assert "tensorflow" not in sys.modules
"""
    subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KERAS_BACKEND": backend},
        check=True,
    )


@pytest.mark.slow
def test_the_rooms_are_there_without_an_import_of_their_own():
    code = """
import keras_ccar
for room in ("benchmark", "datasets", "posthoc", "serving"):
    assert room in keras_ccar.__all__
    getattr(keras_ccar, room)
keras_ccar.benchmark.Comparison
"""
    subprocess.run([sys.executable, "-c", code], check=True)
