import keras
import numpy as np
import pytest
from keras import ops

from keras_ccar.layers import CosineHead


def test_logits_are_scaled_cosines():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 6, 8)).astype("float32")
    head = CosineHead(3, scale=5.0)
    logits = ops.convert_to_numpy(head(features))
    kernel = ops.convert_to_numpy(head.kernel).astype("float64")
    for index in np.ndindex(2, 6):
        for c in range(3):
            x, w = features[index].astype("float64"), kernel[:, c]
            cosine = x @ w / np.linalg.norm(x) / np.linalg.norm(w)
            np.testing.assert_allclose(logits[(*index, c)], 5 * cosine, rtol=1e-4)


def test_zero_features_have_finite_gradients():
    model = keras.Sequential([keras.Input((8,)), CosineHead(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(np.zeros((4, 8)), np.array([0, 1, 2, 0]), verbose=0)
    assert np.isfinite(ops.convert_to_numpy(model.layers[-1].kernel)).all()


def test_saved_and_loaded(tmp_path):
    model = keras.Sequential([keras.Input((8,)), CosineHead(3, scale=2.0)])
    model.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(4, 8))
    np.testing.assert_array_equal(
        copy.predict(x, verbose=0), model.predict(x, verbose=0)
    )
    assert copy.output_shape == (None, 3)


def test_bad_units():
    with pytest.raises(ValueError, match="`units` must be a whole number"):
        CosineHead(0)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("size", [1e-4, 1.0, 1e3])
def test_any_length_of_features_in_half_precision(policy, size):
    features = size * np.random.default_rng(0).normal(size=(4, 512))
    head = CosineHead(3, dtype=policy)
    logits = ops.convert_to_numpy(ops.cast(head(features), "float32"))
    kernel = ops.convert_to_numpy(head.kernel).astype("float64")
    cosines = (features / np.linalg.norm(features, axis=-1, keepdims=True)) @ (
        kernel / np.linalg.norm(kernel, axis=0)
    )
    np.testing.assert_allclose(
        logits, cosines, atol=1e-5 if policy == "float32" else 5e-3
    )


def test_keeps_the_mask():
    masked = keras.Sequential(
        [keras.Input((None, 8)), keras.layers.Masking(), CosineHead(3)]
    )
    x = np.ones((1, 2, 8), "float32")
    x[0, 1] = 0
    mask = masked.layers[-1].compute_mask(x, masked.layers[0].compute_mask(x))
    assert ops.convert_to_numpy(mask).tolist() == [[True, False]]


def test_zero_features_leave_the_layers_below_finite():
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(6), CosineHead(3, scale=30.0)]
    )
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = model.get_weights()
    model.fit(np.zeros((6, 4)), np.array([0, 1, 2, 0, 1, 2]), verbose=0)
    for actual, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_arguments_of_every_keras_layer():
    arguments = {
        "name": "mine",
        "trainable": False,
        "dtype": "mixed_bfloat16",
        "autocast": False,
        "activity_regularizer": keras.regularizers.L2(0.5),
    }
    layer = CosineHead(3, **arguments)
    assert (layer.name, layer.trainable, layer.autocast) == ("mine", False, False)
    assert layer.compute_dtype == "bfloat16"
    assert layer.activity_regularizer is arguments["activity_regularizer"]
    copy = type(layer).from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
