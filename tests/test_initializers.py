"""Where the bias of the last layer begins."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from keras_ccar.initializers import PriorBias

NO_YES = [[990, 10], [5, 5], [1, 2]]
LABELS = np.log([10 / 990, 1, 2])
X = np.zeros((2, 8), "float32")
KINDS = {
    "one question": (PriorBias([990, 10]), "sigmoid", [0.01]),
    "two columns": (PriorBias([990, 10]), "softmax", [0.99, 0.01]),
    "classes": (PriorBias([6, 3, 1]), "softmax", [0.6, 0.3, 0.1]),
    "labels": (PriorBias(NO_YES), "sigmoid", [0.01, 0.5, 2 / 3]),
    "positives": (PriorBias([10, 5, 2], [1000, 10, 3]), "sigmoid", [0.01, 0.5, 2 / 3]),
}


def head(bias, units, activation="linear"):
    last = keras.layers.Dense(units, activation=activation, bias_initializer=bias)
    return keras.Sequential([keras.Input((8,)), last])


@pytest.mark.parametrize("kind", KINDS)
def test_first_predictions_are_the_frequencies(kind, tmp_path):
    bias, activation, expected = KINDS[kind]
    model = head(bias, len(expected), activation)
    answer = model.predict(X, verbose=0)
    np.testing.assert_allclose(answer, [expected] * 2, rtol=1e-5)
    model.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    config = copy.layers[-1].bias_initializer.get_config()
    assert config == bias.get_config() == json.loads(json.dumps(config))
    again = PriorBias.from_config(config)((len(expected),))
    np.testing.assert_array_equal(ops.convert_to_numpy(again), model.layers[-1].bias)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", None])
def test_dtypes(dtype):
    values = PriorBias(NO_YES)((3,), dtype)
    assert keras.backend.standardize_dtype(values.dtype) == (dtype or "float32")
    values = ops.convert_to_numpy(ops.cast(values, "float32"))
    np.testing.assert_allclose(values, LABELS, rtol=5e-3)


def test_mixed_precision():
    last = keras.layers.Dense(
        1, bias_initializer=PriorBias([990, 10]), dtype="mixed_bfloat16"
    )
    last.build((None, 8))
    np.testing.assert_allclose(ops.convert_to_numpy(last.bias), LABELS[:1], rtol=1e-5)


def test_other_heads():
    bias = PriorBias(NO_YES)
    images, texts = np.zeros((1, 4, 4, 2)), np.zeros((1, 5, 2))
    pixels = keras.layers.Conv2D(3, 1, bias_initializer=bias)
    words = keras.layers.TimeDistributed(keras.layers.Dense(3, bias_initializer=bias))
    for layer, inputs in ((pixels, images), (words, texts)):
        answer = ops.convert_to_numpy(layer(inputs))
        np.testing.assert_allclose(answer - LABELS, 0 * answer, atol=1e-5)


def test_smoothing():
    for class_counts, smooth in (
        ([5, 0], [6, 1]),
        ([[5, 0], [0, 3]], [[6, 1], [1, 4]]),
    ):
        with pytest.raises(ValueError, match=r"`class_counts` .*`smoothing=1`"):
            PriorBias(class_counts)
        columns = len(class_counts) if np.ndim(class_counts) == 2 else 1
        given = PriorBias(class_counts, smoothing=1)((columns,))
        expected = PriorBias(smooth)((columns,))
        np.testing.assert_allclose(
            ops.convert_to_numpy(given), ops.convert_to_numpy(expected)
        )
    with pytest.raises(ValueError, match="`class_counts` must be numbers of examples"):
        PriorBias([0.5], 1, smoothing=1)


@pytest.mark.parametrize(
    ("class_counts", "units", "message"),
    [
        ([6, 3, 1], 1, r"be \(3,\).* pass `class_counts=\[no, yes\]`"),
        ([990, 10], 3, r"be \(1,\) or \(2,\).*of all 3 outputs.*\(3, 2\)"),
        (NO_YES, 2, r"be \(3,\).*3 labels.*of all 2 outputs"),
    ],
)
def test_a_bias_of_another_shape(class_counts, units, message):
    with pytest.raises(ValueError, match=f"`shape` must {message}"):
        head(PriorBias(class_counts), units)
    # As the messages say.
    right = [9, 1] if units == 1 else np.full((units, 2), 5)
    assert head(PriorBias(right), units).output_shape == (None, units)


def test_not_for_a_kernel():
    with pytest.raises(ValueError, match="Pass it as `bias_initializer`"):
        keras.layers.Dense(3, kernel_initializer=PriorBias([6, 3, 1])).build((1, 3))


@pytest.mark.slow
def test_loads_in_a_new_process(tmp_path):
    head(PriorBias([990, 10]), 1).save(tmp_path / "model.keras")
    code = (
        "import sys, keras, keras_ccar\n"
        "print(keras.models.load_model(sys.argv[1]).layers[-1].bias_initializer"
        ".class_counts)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model.keras")],
        env={**os.environ, "KERAS_BACKEND": keras.backend.backend()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == "[990, 10]"
