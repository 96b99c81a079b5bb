"""Small networks for images, tables and features, which end in logits.

Several yes-or-no labels end in a sigmoid, as logits of them look like those of classes.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_ccar.posthoc.composition import chain
from keras_ccar.requirements import require
from keras_ccar.serving.decision_layers import split_decision

_FILTERS = (32, 64, 128)
_UNITS = (64, 64)
_MEASURED = 5000
_LEAST_VARIANCE = 1e-6
# Its root makes zeros of all that may stand in a column.
_VARIANCE_OF_CONSTANTS = 1e30


def convnet_maker(
    images: np.ndarray, num_outputs: int, are_labels: bool
) -> Callable[[], keras.Model]:
    """Returns a function that builds a small convolutional network.

    Args:
        images: training images `(N, height, width, channels)` or `(N, height, width)`.
        num_outputs: columns of the output.
        are_labels: whether they are several yes-or-no labels.
    """
    # Unlike a nested function, a partial one can be sent to another process.
    return functools.partial(
        _build_convnet,
        shape=images.shape[1:],
        dtype=str(images.dtype),
        scaling=_scaling(images, tuple(range(3))),
        last=(num_outputs, are_labels),
    )


def dense_maker(
    features: np.ndarray, num_outputs: int, are_labels: bool
) -> Callable[[], keras.Model]:
    """Returns a function that builds two hidden layers on features `(N, D)`."""
    return _on_features(features, (num_outputs, are_labels), _UNITS)


def head_maker(
    features: np.ndarray, num_outputs: int, are_labels: bool
) -> Callable[[], keras.Model]:
    """Returns a function that builds a last layer on features `(N, D)`."""
    return _on_features(features, (num_outputs, are_labels), ())


def behind_resizing(network: keras.Model, side: int) -> keras.Model:
    """Puts the resizing of images of any size in front of a network."""
    images = keras.Input((None, None, 3), dtype="uint8", name="image")
    x = keras.layers.Resizing(side, side, antialias=True, dtype="float32")(images)
    # As the images that it was trained on.
    x = keras.ops.cast(keras.ops.clip(keras.ops.round(x), 0, 255), "uint8")
    return behind(network, images, x)


def resize(image: np.ndarray, side: int) -> np.ndarray:
    """Returns a uint8 image as `behind_resizing` resizes it."""
    if image.shape[:2] == (side, side):
        return image
    tf = require("tensorflow", "TensorFlow", "benchmark")
    pixels = tf.image.resize(image, (side, side), antialias=True).numpy()
    return np.clip(np.round(pixels), 0, 255).astype("uint8")


def behind(network: keras.Model, inputs: Any, prepared: Any) -> keras.Model:
    """Returns a network that takes other inputs, with the decision that it ends in.

    Args:
        network: a Functional model.
        inputs: Keras inputs of the whole.
        prepared: what the network takes, made of the inputs.
    """
    undecided, decision = split_decision(network)
    whole = keras.Model(inputs, undecided(prepared))
    return whole if decision is None else chain(whole, decision)


def _on_features(
    features: np.ndarray, last: tuple[int, bool], units: tuple[int, ...]
) -> Callable[[], keras.Model]:
    return functools.partial(
        _build_dense,
        num_features=features.shape[1],
        scaling=_scaling(features, (0,)),
        units=units,
        last=last,
    )


def _build_convnet(
    *,
    shape: tuple[int, ...],
    dtype: str,
    scaling: dict[str, Any],
    last: tuple[int, bool],
) -> keras.Model:
    inputs = keras.Input(shape, dtype=dtype, name="image")
    x = inputs
    if len(shape) == 2:
        x = keras.layers.Reshape((*shape, 1))(x)
    x = keras.layers.Normalization(**scaling, dtype="float32")(x)
    for number, filters in enumerate(_FILTERS):
        strides = 1 if not number and min(shape[:2]) <= 32 else 2
        x = keras.layers.Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)
        # With Keras's momentum of 0.99, the statistics lag in short runs.
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, last_layer(*last)(x), name="convnet")


def _build_dense(
    *,
    num_features: int,
    scaling: dict[str, Any],
    units: tuple[int, ...],
    last: tuple[int, bool],
) -> keras.Model:
    inputs = keras.Input((num_features,), name="features")
    x = keras.layers.Normalization(**scaling, dtype="float32")(inputs)
    for size in units:
        x = keras.layers.Dense(size, activation="relu")(x)
    return keras.Model(inputs, last_layer(*last)(x), name="dense")


def _scaling(values: np.ndarray, axes: tuple[int, ...]) -> dict[str, Any]:
    """Returns what scales values to mean 0 and deviation 1, over some axes.

    What is always the same, such as a category that training rows lack, becomes 0
    whatever it is: it teaches nothing, so that new examples that differ in it would be
    at the mercy of the first weights.
    """
    if values.ndim > 2:
        # Of many images a part, as they would not fit into memory as floats.
        values = values[:: max(1, len(values) // _MEASURED)]
    mean = np.atleast_1d(values.mean(axes, dtype="float64"))
    variance = np.atleast_1d(values.var(axes, dtype="float64"))
    variance = np.maximum(variance, _LEAST_VARIANCE)
    variance[np.atleast_1d(np.ptp(values, axes)) == 0] = _VARIANCE_OF_CONSTANTS
    return {"mean": mean.tolist(), "variance": variance.tolist()}


def last_layer(num_outputs: int, are_labels: bool) -> keras.layers.Layer:
    """Returns the layer of logits, or of the probabilities of several labels."""
    activation = "sigmoid" if are_labels else None
    return keras.layers.Dense(num_outputs, activation=activation, dtype="float32")
