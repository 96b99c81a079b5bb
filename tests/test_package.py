"""The public names, and what importing them costs."""

import os
import subprocess
import sys

import pytest

import keras_ccar


def test_public_names():
    assert keras_ccar.__all__ == [
        "BalancedAccuracy",
        "BalancedSoftmaxLoss",
        "BinaryCCARLoss",
        "CCARCallback",
        "CCARLoss",
        "ClassBalancedLoss",
        "DeferredReweighting",
        "ExpectedCalibrationError",
        "FocalLoss",
        "InverseFrequencyLoss",
        "LDAMLoss",
        "LogitAdjustedLoss",
        "LogitCorrection",
        "LongTailedCrossentropy",
        "PerClassRecall",
        "ShotAccuracy",
        "adjustments",
        "datasets",
        "layers",
        "weightings",
    ]
    for name in keras_ccar.__all__:
        assert getattr(keras_ccar, name) is not None


def test_unknown_name():
    with pytest.raises(AttributeError, match="has no attribute 'CCARLos'"):
        keras_ccar.CCARLos  # noqa: B018


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_core_needs_neither_tensorflow_nor_the_extras(backend):
    code = """
import sys
import keras
before = set(sys.modules)
import keras_ccar
added = {name for name in set(sys.modules) - before if name.split(".")[0] != "keras"}
assert all(name.startswith("keras_ccar") for name in added), added
assert not any(name.startswith("keras_ccar.datasets") for name in added), added
assert "tensorflow" not in sys.modules
"""
    subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KERAS_BACKEND": backend},
        check=True,
    )
