"""Models to export, and the answers of what was exported."""

import keras
import numpy as np
import pytest
from keras import ops

EXPORTS = keras.backend.backend() in ("tensorflow", "jax")
needs_export = pytest.mark.skipif(not EXPORTS, reason="exports on TensorFlow and JAX")
COUNTS = [500, 100, 20]
NAMES = ["cat", "dog", "Ѫ axolotl"]
X = np.random.default_rng(0).normal(size=(7, 8)).astype("float32")


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def head(units, *further, **options):
    return keras.Sequential(
        [keras.Input((8,), name="x"), keras.layers.Dense(units, **options), *further]
    )


def predicted(model, x=X):
    return ops.convert_to_numpy(model(x)).astype("float64")


def signatures(folder):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))
    # Return both: the signatures are invalid once `loaded` is deleted.
    return loaded, loaded.signatures


def served(folder, signature="serving_default", **inputs):
    import tensorflow as tf

    _loaded, functions = signatures(folder)
    inputs = {name: tf.constant(value) for name, value in inputs.items()}
    answer = functions[signature](**inputs)
    return {name: value.numpy() for name, value in answer.items()}


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)
