"""Checks what the second stage of training is given."""

from typing import Any

import keras
import numpy as np

from keras_ccar.arguments import argument_error, check_function
from keras_ccar.label_smoothing import LabelAwareSmoothing
from keras_ccar.layers.cosine_head import CosineHead
from keras_ccar.layers.kind_of_input import check_kind
from keras_ccar.layers.model_output import (
    KeepsActivation,
    gives_logits,
    output_activation,
)
from keras_ccar.losses.find_losses import agreed_from_logits, only_loss
from keras_ccar.output_counts import OutputCounts
from keras_ccar.posthoc.retraining.classifier_head import ClassifierHead

METHODS = ("crt", "lws", "tau-norm")
_LINEAR = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
)


def new_optimizer(optimizer: Any) -> keras.optimizers.Optimizer | None:
    """Returns a new optimizer, so that the given one learns nothing of the head."""
    if optimizer is None:
        return None
    try:
        found = keras.optimizers.get(optimizer)
        return type(found).from_config(found.get_config())
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        expected = "a Keras optimizer, the name of one, or None"
        raise argument_error("optimizer", optimizer, expected) from error


def check_loss(loss: Any, smoothing: float | LabelAwareSmoothing) -> None:
    """Refuses a loss of probabilities, and a smoothing that it would not get."""
    if loss is None:
        return
    expected = "a Keras loss or function of integer labels and logits, or None"
    if not isinstance(loss, keras.losses.Loss):
        check_function("loss", loss, expected)
    if agreed_from_logits(loss) is False:
        advice = (
            "The head is trained on its logits: pass a loss with `from_logits=True`."
        )
        raise argument_error("loss", loss, expected, advice)
    if smoothing:
        raise argument_error(
            "label_smoothing",
            smoothing,
            "0 where `loss` is given",
            "Pass it to the loss instead.",
        )


def check_kind_of_head(
    model: keras.Model, found: ClassifierHead, counts: OutputCounts
) -> bool:
    """Returns whether the output is one yes-or-no label rather than classes."""
    num_columns = model.outputs[0].shape[-1]
    if num_columns != found.num_columns:
        raise ValueError(
            "`model` must have its classes on the last axis, as its head has. "
            f"Received: {num_columns} columns for {found.num_columns} of the head "
            f"{found.layer.name!r}."
        )
    are_labels = counts.mean_labels(num_columns)
    activation, _ = output_activation(model)
    check_kind(activation, only_loss(model), num_columns, are_labels)
    if not counts.fit(num_columns):
        raise ValueError(
            "`class_counts` must have one entry for each column of the output. "
            f"Received: {counts.num_columns} for {num_columns} columns. A class that "
            "the model does not have yet needs a column of its own: give the model a "
            "wider last layer first."
        )
    if are_labels and num_columns > 1:
        raise ValueError(
            "`class_counts` must be of classes that exclude each other, or of one "
            f"yes-or-no label. Received: counts of {num_columns} labels, which no draw "
            "has equally often, since labels come together. Correct the logits by "
            "`LogitCorrection`, or choose thresholds by `tune_thresholds`."
        )
    return are_labels


def check_method(method: str, found: ClassifierHead, are_labels: bool) -> None:
    """Refuses a head that a method does not fit."""
    layer = found.layer
    corrections = [
        operation.name
        for operation in found.after
        if issubclass(type(operation), KeepsActivation)
    ]
    if corrections:
        raise ValueError(
            "`model` must end without a correction, which was made for the head as it "
            f"is. Received: the layers {corrections} after the head {layer.name!r}. "
            "Pass the model that they were added to."
        )
    names = [
        getattr(getattr(operation, "activation", None), "__name__", "linear")
        for operation in (layer, *found.after)
    ]
    wrong = [name for name in names if gives_logits(name) is None]
    if wrong:
        raise ValueError(
            "`model` must return logits or probabilities. Received: the activation "
            f"{wrong[0]} in or after the head {layer.name!r}."
        )
    if method == "crt":
        return
    if are_labels:
        raise argument_error(
            "method",
            method,
            "'crt' for one yes-or-no label",
            "A factor moves no logit to the other side of 0.",
        )
    if isinstance(layer, CosineHead):
        raise argument_error(
            "method",
            method,
            "'crt' for a CosineHead",
            "Its logits do not depend on the length of the weights.",
        )
    if not isinstance(layer, _LINEAR) or layer.kernel.shape[-1] != found.num_columns:
        raise argument_error(
            "method",
            method,
            "'crt' for a head whose kernel has no class axis at its end, such as "
            f"{type(layer).__name__}",
        )


def require_classes(labels: np.ndarray, counts: OutputCounts) -> None:
    """Refuses data without a class that the model has learned, and would unlearn."""
    found = np.bincount(labels, minlength=counts.num_columns)
    missing = np.flatnonzero((counts.examples.ravel() > 0) & (found == 0))
    if missing.size:
        raise ValueError(
            "`data` must hold examples of every class that `class_counts` counts. "
            f"Received: none of the classes {missing[:5].tolist()}. Pass all of the "
            "training data."
        )
