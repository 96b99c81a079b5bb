"""What the output of a model has gone through: corrections and decisions."""

import json
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_ccar.keras_internals import input_of_call, is_cast, source_of
from keras_ccar.layers.decides import Decides
from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.layers.model_output import (
    PASSES_THROUGH,
    KeepsActivation,
    output_tensor,
)
from keras_ccar.layers.temperature_scaling import TemperatureScaling

# Layers and operations that may stand between corrections too.
_ACTIVATIONS = ("Activation", "Sigmoid", "Softmax")
# Settings that a layer has found out from the model, or that change no prediction.
_WITHOUT_EFFECT = frozenset(
    (
        *("activity_regularizer", "autocast", "dtype", "from_logits"),
        *("multi_label", "name", "trainable"),
    )
)


class Correction(NamedTuple):
    """A layer that has changed the predictions of a model.

    Attributes:
        name: the class of the layer.
        settings: what it was made with, as JSON, numbers to six digits: priors are
            divided by their sum again when a model is loaded.
    """

    name: str
    settings: str


def applied_before(tensor: Any) -> tuple[list[Any], list[Any]]:
    """Returns the corrections and decisions that an output went through, and models.

    The corrections come in the order in which they were applied, the models, each
    within the one before it, in the order in which they are met.
    """
    applied: list[Any] = []
    models: list[Any] = []
    while True:
        operation, call, index = source_of(tensor) or (None, 0, 0)
        if isinstance(operation, keras.Model):
            models.append(operation)
            if output_tensor(operation) is None:
                return applied[::-1], models
            tensor = keras.tree.flatten(operation.outputs)[index]
            continue
        if isinstance(operation, KeepsActivation | Decides):
            applied.append(operation)
        elif not _keeps_what_was_applied(operation):
            return applied[::-1], models
        tensor = input_of_call(operation, call)


def applied_by(model: Any) -> list[Any]:
    """Returns the corrections and decisions that a model ends in, in their order."""
    tensor = output_tensor(model) if isinstance(model, keras.Model) else None
    return [] if tensor is None else applied_before(tensor)[0]


def describe_corrections(applied: list[Any]) -> tuple[Correction, ...]:
    """Returns what corrections do, which is the same when a model is made anew.

    Those that change nothing are left out.
    """
    return tuple(
        Correction(type(layer).__name__, _settings(layer))
        for layer in applied
        if isinstance(layer, KeepsActivation) and not _changes_nothing(layer)
    )


def name_corrections(corrections: tuple[Correction, ...]) -> str:
    """Names the output after corrections, for a message."""
    names = ", then ".join(correction.name for correction in corrections)
    return f"the output after {names}" if names else "the output without a correction"


def _keeps_what_was_applied(operation: Any) -> bool:
    is_activation = type(operation).__name__ in _ACTIVATIONS
    return isinstance(operation, PASSES_THROUGH) or is_activation or is_cast(operation)


def _changes_nothing(layer: Any) -> bool:
    if isinstance(layer, LogitCorrection):
        return layer.tau == 0
    if isinstance(layer, TemperatureScaling):
        return bool(np.all(np.equal(layer.temperature, 1)) and not np.any(layer.bias))
    return False


def _settings(layer: Any) -> str:
    config = layer.get_config()
    kept = {name: config[name] for name in config if name not in _WITHOUT_EFFECT}
    return json.dumps(keras.tree.map_structure(_rounded, kept), sort_keys=True)


def _rounded(value: Any) -> Any:
    is_number = isinstance(value, int | float)
    return float(f"{value:.6g}") if is_number else value
