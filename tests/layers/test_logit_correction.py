import keras
import numpy as np
import pytest
from keras import ops

import keras_ccar
from keras_ccar.layers import LogitCorrection

COUNTS = [500, 100, 20]
F = np.array(COUNTS) / 620
LOGITS = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")


@pytest.mark.parametrize("tau", [0.0, 1.0, 1.5])
@pytest.mark.parametrize("target", [None, [0.2, 0.2, 0.6]])
def test_takes_the_prior_out_and_the_target_in(tau, target):
    g = np.full(3, 1 / 3) if target is None else np.array(target)
    corrected = ops.convert_to_numpy(LogitCorrection(COUNTS, tau, target)(LOGITS))
    expected = LOGITS - tau * np.log(F) + tau * np.log(g)
    difference = corrected - expected  # logits are known up to a constant
    np.testing.assert_allclose(difference, difference[..., :1] + 0 * LOGITS, atol=1e-5)
    exponentials = np.exp(LOGITS)
    p = exponentials / exponentials.sum(-1, keepdims=True)
    layer = LogitCorrection(COUNTS, tau, target, from_logits=False)
    weighted = p * (g / F) ** tau
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(p)),
        weighted / weighted.sum(-1, keepdims=True),
        rtol=1e-5,
    )


def model_with(loss):
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    model.compile("sgd", loss)
    return model


@pytest.mark.parametrize(
    "loss",
    [
        keras_ccar.BalancedSoftmaxLoss(COUNTS, from_logits=True),
        keras_ccar.LogitAdjustedLoss(COUNTS, from_logits=True),
    ],
)
def test_warns_of_a_second_correction(loss):
    with pytest.warns(UserWarning, match="would apply the prior twice"):
        keras.Sequential([model_with(loss), LogitCorrection(COUNTS)])


def test_no_warning_after_plain_training():
    for loss in (keras_ccar.CCARLoss(COUNTS, from_logits=True), "mse"):
        keras.Sequential([model_with(loss), LogitCorrection(COUNTS)])


def test_saved_and_loaded(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(3),
            LogitCorrection(COUNTS, 0.5, [0.2, 0.2, 0.6]),
        ]
    )
    model.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(4, 8))
    np.testing.assert_allclose(
        copy.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"class_counts": [3, 0]}, "`class_counts` must be above 0 .*class 1"),
        ({"target_prior": [1, 0, 1]}, "`target_prior` must be above 0 .*class 1"),
        ({"target_prior": [0.5, 0.5]}, "`target_prior` must have one entry"),
        ({"tau": -1}, "`tau`"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        LogitCorrection(**{"class_counts": COUNTS, **arguments})


def test_arguments_of_every_keras_layer():
    arguments = {
        "name": "mine",
        "trainable": False,
        "dtype": "mixed_bfloat16",
        "autocast": False,
        "activity_regularizer": keras.regularizers.L2(0.5),
    }
    layer = LogitCorrection(COUNTS, **arguments)
    assert (layer.name, layer.trainable, layer.autocast) == ("mine", False, False)
    assert layer.compute_dtype == "bfloat16"
    assert layer.activity_regularizer is arguments["activity_regularizer"]
    copy = type(layer).from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
