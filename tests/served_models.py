"""Models to export, and the answers of what was exported."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_ccar.serving.jax_programs import tensorflow_reads_jax

EXPORTS = keras.backend.backend() == "tensorflow" or (
    keras.backend.backend() == "jax" and tensorflow_reads_jax()
)
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


def softmax_head():
    return head(3, activation="softmax")


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


def warm_up_inputs(folder):
    """The inputs of the warm-up requests, each of which the served model answers."""
    import tensorflow as tf
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    file = folder / "assets.extra" / "tf_serving_warmup_requests"
    records = tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
    logs = [PredictionLog.FromString(r).predict_log.request for r in records]
    sent = [
        {name: tf.make_ndarray(value) for name, value in log.inputs.items()}
        for log in logs
    ]
    for inputs, size in zip(sent, (1, 8), strict=True):
        assert len(served(folder, **inputs)["probabilities"]) == size
    return sent


def pixels():
    """A model that fails on images smaller than its kernel of 40 pixels."""
    return keras.Sequential(
        [
            keras.Input((None, None, 3), name="image"),
            keras.layers.Conv2D(4, 40),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


@keras.saving.register_keras_serializable("tests")
class Decode(keras.layers.Layer):
    def call(self, contents):
        import tensorflow as tf

        def one(string):
            image = tf.io.decode_jpeg(string, channels=3)
            return tf.image.resize(image, (8, 8)) / 255

        return tf.map_fn(
            one, contents, fn_output_signature=tf.TensorSpec((8, 8, 3), "float32")
        )

    def compute_output_spec(self, contents):
        return keras.KerasTensor((contents.shape[0], 8, 8, 3), "float32")


def decoding():
    contents = keras.Input((), dtype="string", name="image_bytes")
    flat = keras.layers.Flatten()(Decode()(contents))
    return keras.Model(contents, keras.layers.Dense(3, activation="softmax")(flat))


def jpeg(seed=0):
    import tensorflow as tf

    image = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), "uint8")
    # Decoders ignore what follows the image; arrays of bytes would drop it.
    return tf.io.encode_jpeg(image).numpy() + b"\x00\x00"
