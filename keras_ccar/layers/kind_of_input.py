"""Finds out whether a layer is given logits or probabilities."""

from typing import Any

import keras
import numpy as np

from keras_ccar.inputs.checks import eager_value
from keras_ccar.inputs.predictions import LARGEST_PROBABILITY, class_axis
from keras_ccar.layers.model_output import (
    gives_logits,
    origin_of,
    softmax_axis,
    tensor_activation,
)
from keras_ccar.losses.binary_long_tailed_crossentropy import (
    BinaryLongTailedCrossentropy,
)
from keras_ccar.losses.find_losses import agreed_from_logits, find_losses
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy

ONE_COLUMN = "For one sigmoid output pass `class_counts=[no, yes]`."
HOW_TO_COUNT_LABELS = (
    "Pass the counts of no and yes of each label, of shape (K, 2), as "
    "`count_classes(..., multi_label=True)` returns them, or the positives of each and "
    "`num_examples`."
)
HOW_TO_COUNT_CLASSES = (
    "Pass the examples of each class, of shape (K,), without `num_examples`."
)
# Losses of yes-or-no labels.
BINARY_LOSSES = (
    BinaryLongTailedCrossentropy,
    keras.losses.BinaryCrossentropy,
    keras.losses.BinaryFocalCrossentropy,
)
# Losses of classes that exclude each other.
SOFTMAX_LOSSES = (
    LongTailedCrossentropy,
    keras.losses.CategoricalCrossentropy,
    keras.losses.CategoricalFocalCrossentropy,
    keras.losses.SparseCategoricalCrossentropy,
)


def find_from_logits(
    inputs: Any, from_logits: bool | None, axis: int, are_labels: bool
) -> bool:
    """Returns whether a symbolic tensor holds logits rather than probabilities.

    The layer that it comes from tells, or else the loss that its model was compiled
    with, or else the corrections that it went through.

    Args:
        inputs: a symbolic tensor.
        from_logits: what the user says, or None.
        axis: the class axis.
        are_labels: whether the counts are of yes-or-no labels rather than of classes
            that exclude each other.

    Raises:
        ValueError: if the inputs are of the other kind, or have their classes on
            another axis; if the user says otherwise; if neither the user nor anything
            else tells.
    """
    origin, loss, told = origin_of(inputs)
    activation, _ = tensor_activation(inputs)
    check_kind(activation, loss, inputs.shape[axis], are_labels)
    normalised = softmax_axis(inputs)
    shape = tuple(inputs.shape)
    if normalised is not None and class_axis(normalised, shape) != class_axis(
        axis, shape
    ):
        raise ValueError(
            f"`axis` must be the class axis of `inputs`. Received: axis={axis} for "
            f"the output of a softmax over axis {normalised}. Pass `axis={normalised}`."
        )
    if from_logits is None:
        from_logits = told
    return agree_on_logits("inputs", origin, activation, loss, from_logits)


def find_multi_label(inputs: Any, multi_label: bool | None) -> bool | None:
    """Returns whether a symbolic tensor is of labels, None if nothing tells.

    The layer that it comes from tells, or else the loss of its model, or else the user.

    Raises:
        ValueError: if the user says otherwise.
    """
    _, loss, _ = origin_of(inputs)
    activation, _ = tensor_activation(inputs)
    found = outputs_are_labels(activation, loss)
    if found is not None and multi_label not in (None, found):
        kind = "yes-or-no labels" if found else "classes that exclude each other"
        raise ValueError(
            f"`multi_label` must fit `inputs`, which are of {kind}. Received: "
            f"multi_label={multi_label}. Leave it out, or pass `multi_label={found}`."
        )
    return multi_label if found is None else found


def agree_on_logits(
    name: str, origin: Any, activation: str | None, loss: Any, from_logits: bool | None
) -> bool:
    """Returns whether an output is logits, from what the model and the user say.

    Args:
        name: the name of the argument that the output is, for the message.
        origin: the model.
        activation: its last activation, None if its layers do not tell.
        loss: the loss that it was compiled with.
        from_logits: what the user says, or None.

    Raises:
        ValueError: if the user says otherwise, or if nothing tells.
    """
    found = told_from_logits(activation, loss)
    if found is None and from_logits is None:
        raise ValueError(
            f"`from_logits` must be given where nothing tells whether `{name}` are "
            f"logits. Received: from_logits=None, and {name} from {origin!r}, which "
            "has neither a softmax, a sigmoid nor a linear output, nor was compiled "
            "with a loss that has `from_logits`. Pass `from_logits=True` for logits, "
            "`from_logits=False` for probabilities."
        )
    if found is not None and from_logits not in (None, found):
        kind = "logits" if found else "probabilities"
        raise ValueError(
            f"`from_logits` must fit `{name}`, which are {kind}. Received: "
            f"from_logits={from_logits}. Leave it out, or pass `from_logits={found}`."
        )
    return bool(from_logits if found is None else found)


def told_from_logits(activation: str | None, loss: Any) -> bool | None:
    """Returns whether an output is logits, None if the model does not tell.

    Args:
        activation: its last activation, None if its layers do not tell.
        loss: the loss that it was compiled with.
    """
    found = gives_logits(activation)
    return agreed_from_logits(loss) if found is None else found


def outputs_are_labels(activation: str | None, loss: Any) -> bool | None:
    """Whether an output is yes-or-no labels rather than classes, None if untold.

    Args:
        activation: the last activation of the model, which decides.
        loss: what the model was trained with, which decides otherwise.
    """
    for name, answer in (("sigmoid", True), ("softmax", False)):
        if name in (activation or ""):
            return answer
    if _is_of(loss, BINARY_LOSSES, ("binary",)):
        return True
    names = ("categorical", "sparse_categorical")
    return False if _is_of(loss, SOFTMAX_LOSSES, names) else None


def check_kind(
    activation: str | None, loss: Any, num_columns: int | None, are_labels: bool
) -> None:
    """Raises a `ValueError` if an output is not of the kind that the counts are of.

    Args:
        activation: the last activation of the model.
        loss: what the model was trained with.
        num_columns: the columns of the output.
        are_labels: whether the counts are of yes-or-no labels.
    """
    if outputs_are_labels(activation, loss) is (not are_labels):
        told = f"was trained with {loss!r}"
        if outputs_are_labels(activation, None) is not None:
            told = f"goes through {activation}"
        raise ValueError(_other_counts(told, num_columns, are_labels))
    if activation == "log_sigmoid":
        raise ValueError(
            "`inputs` must be logits or probabilities. Received the logarithms of "
            "probabilities, after log_sigmoid: apply the correction before it, to "
            "the logits."
        )


def _other_counts(told: str, num_columns: int | None, are_labels: bool) -> str:
    """Returns the message about counts of one kind for an output of the other."""
    kinds = ["classes that exclude each other", "yes-or-no labels"]
    if not are_labels:
        advice = HOW_TO_COUNT_LABELS
    elif num_columns == 1:
        advice = (
            "The softmax of one column is always 1: train it with a binary loss, and "
            'end the model with `Dense(1)` or `Dense(1, activation="sigmoid")`.'
        )
    else:
        advice = HOW_TO_COUNT_CLASSES
    return (
        f"`class_counts` must be counts of {kinds[not are_labels]} for an output that "
        f"{told}. Received: counts of {kinds[are_labels]}. {advice}"
    )


def _is_of(loss: Any, kinds: tuple[type, ...], beginnings: tuple[str, ...]) -> bool:
    """Whether a loss, a function, or the name of either is of some kind."""
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", "")
    return bool(find_losses(loss, kinds)) or name.lower().startswith(beginnings)


def check_not_probabilities(inputs: Any, name: str = "inputs") -> None:
    """Raises a `ValueError` unless a tensor of unknown origin is clearly logits.

    `name` is the name of the argument that holds it.
    """
    values = eager_value(inputs)
    if values is None:
        received = "a tensor in a compiled step"
    elif not values.size or not (
        np.fmin.reduce(values, axis=None) >= 0
        and np.fmax.reduce(values, axis=None) <= LARGEST_PROBABILITY
    ):
        return
    else:
        received = "numbers that are all in [0, 1]"
    raise ValueError(
        f"`from_logits` must be given where nothing tells whether `{name}` are logits. "
        f"Received: from_logits=None, and {received}. Pass `from_logits=True` for "
        "logits, `from_logits=False` for probabilities."
    )
