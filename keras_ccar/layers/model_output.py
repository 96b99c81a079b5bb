"""Finds the activation of a model's output."""

from typing import Any

import keras

from keras_ccar.keras_internals import input_of_call, source_of
from keras_ccar.layers.logit_correction import LogitCorrection

# Layers that do not change the range of their input.
_PASS_THROUGH = (
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.Identity,
    keras.layers.Permute,
    keras.layers.Reshape,
)


def output_activation(
    model: keras.Model, output: str | None = None
) -> tuple[str | None, bool]:
    """Finds the activation of a model's output.

    Args:
        model: a `keras.Model`.
        output: the name of the output, or None if the model has a single one.

    Returns:
        A pair: "softmax", "sigmoid", "linear" or the name of another activation, None
        if the layers do not tell, as in subclassed models; and whether the output
        passes through a `LogitCorrection`.
    """
    tensors = keras.tree.flatten(getattr(model, "outputs", None) or [])
    names = getattr(model, "output_names", None) or []
    if output in names:
        tensors = [tensors[names.index(output)]]
    return _describe(tensors[0]) if len(tensors) == 1 else (None, False)


def _describe(tensor: Any) -> tuple[str | None, bool]:
    operation, call, index = source_of(tensor) or (None, 0, 0)
    if isinstance(operation, keras.Model) and getattr(operation, "outputs", None):
        return _describe(keras.tree.flatten(operation.outputs)[index])
    if isinstance(operation, LogitCorrection):
        return _describe(input_of_call(operation, call))[0], True
    is_linear = getattr(operation, "activation", None) is keras.activations.linear
    if isinstance(operation, _PASS_THROUGH) or (
        isinstance(operation, keras.layers.Activation) and is_linear
    ):
        return _describe(input_of_call(operation, call))
    if isinstance(operation, keras.layers.TimeDistributed):
        operation = operation.layer
    if type(operation).__name__ in ("Softmax", "Sigmoid"):  # layers and operations
        return type(operation).__name__.lower(), False
    activation = getattr(operation, "activation", None)
    return getattr(activation, "__name__", None), False
