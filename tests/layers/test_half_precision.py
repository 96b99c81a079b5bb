"""Layers behind a head keep float32 under a policy of half precision."""

import keras
import numpy as np
import pytest

from keras_ccar.layers import (
    CosineHead,
    CostSensitiveDecision,
    LogitCorrection,
    TemperatureScaling,
    Thresholds,
)
from keras_ccar.layers.prediction_set import PredictionSet
from keras_ccar.posthoc import chain

LAYERS = {
    "LogitCorrection": lambda **options: LogitCorrection([990, 10], **options),
    "TemperatureScaling": lambda **options: TemperatureScaling(1.3, **options),
    "CostSensitiveDecision": lambda **options: CostSensitiveDecision(
        [[0, 1], [5, 0]], **options
    ),
    "PredictionSet": lambda **options: PredictionSet([0.5, 0.9], **options),
    "Thresholds": lambda **options: Thresholds(0.2, **options),
}


@pytest.fixture
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize(
    "policy", ["mixed_float16", "mixed_bfloat16", "float16"], indirect=True
)
@pytest.mark.parametrize("name", LAYERS)
def test_float32_unless_a_dtype_is_given(name, policy):
    layer = LAYERS[name]()
    assert layer.compute_dtype == layer.variable_dtype == "float32"
    assert type(layer).from_config(layer.get_config()).compute_dtype == "float32"
    given = LAYERS[name](dtype=policy)
    assert given.dtype_policy.name == policy
    # What was saved in half precision stays so.
    copy = type(given).from_config(given.get_config())
    assert copy.dtype_policy.name == policy
    assert CosineHead(2).dtype_policy.name == policy


@pytest.mark.parametrize("policy", ["float64"], indirect=True)
@pytest.mark.parametrize("name", LAYERS)
def test_float64_stays(name, policy):
    assert LAYERS[name]().compute_dtype == "float64"


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"], indirect=True)
@pytest.mark.parametrize("activation", ["sigmoid", None])
def test_probabilities_keep_their_digits(policy, activation):
    x = np.random.default_rng(0).normal(size=(5000, 1)).astype("float32")
    inputs = keras.Input((1,), dtype="float32")
    head = keras.layers.Dense(1, activation, dtype="float32", kernel_initializer="ones")
    loss = keras.losses.BinaryCrossentropy(from_logits=activation is None)
    model = keras.Model(inputs, head(inputs))
    model.compile("sgd", loss)
    whole = chain(model, TemperatureScaling(1.3), LogitCorrection([990, 10]))
    found = whole.predict(x, verbose=0)
    assert found.dtype == "float32"
    assert len(np.unique(found)) > 4000
    logits = (x.astype("float64") / 1.3) + np.log(99)
    expected = 1 / (1 + np.exp(-logits)) if activation else logits
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
