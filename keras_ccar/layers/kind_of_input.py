"""Finds out whether a layer is given logits or probabilities."""

from typing import Any

import keras
import numpy as np

from keras_ccar.inputs.checks import eager_value
from keras_ccar.inputs.predictions import LARGEST_PROBABILITY, class_axis
from keras_ccar.keras_internals import source_of
from keras_ccar.layers.model_output import (
    gives_logits,
    softmax_axis,
    tensor_activation,
)
from keras_ccar.losses.binary_ccar_loss import BinaryCCARLoss
from keras_ccar.losses.search import agreed_from_logits, find_losses

ONE_COLUMN = (
    "Give yes and no a column each, no first, and the counts of both: of one logit "
    "`z`, `LogitCorrection([no, yes], from_logits=True)(keras.ops.concatenate("
    "[0 * z, z], axis=-1))`; of one probability `p`, `LogitCorrection([no, yes], "
    "from_logits=False)(keras.ops.concatenate([1 - p, p], axis=-1))`."
)
# Losses of yes-or-no labels.
BINARY_LOSSES = (
    BinaryCCARLoss,
    keras.losses.BinaryCrossentropy,
    keras.losses.BinaryFocalCrossentropy,
)


def find_from_logits(inputs: Any, from_logits: bool | None, axis: int) -> bool:
    """Returns whether a symbolic tensor holds logits rather than probabilities.

    The layer that it comes from tells, or else the loss that its model was compiled
    with.

    Args:
        inputs: a symbolic tensor.
        from_logits: what the user says, or None.
        axis: the class axis.

    Raises:
        ValueError: if the classes do not exclude each other, or are on another axis; if
            the user says otherwise; if neither the user nor anything else tells.
    """
    model = (source_of(inputs) or (None,))[0]
    losses = keras.tree.flatten(getattr(model, "loss", None))
    loss = losses[0] if len(losses) == 1 else None
    activation, _ = tensor_activation(inputs)
    is_binary = _is_binary(loss)
    if is_binary or "sigmoid" in (activation or ""):
        what = (
            f"was trained with {loss!r}" if is_binary else f"goes through {activation}"
        )
        raise ValueError(
            "`inputs` must be logits or probabilities of classes that exclude each "
            f"other. Received an output that {what}, where every label is a question "
            "of yes or no with a prior of its own. Take it out of each logit by "
            "itself, `z - keras.ops.log(yes / no)` with the counts of yes and no; of a "
            "probability `p`, `z` is `keras.ops.log(p / (1 - p))`."
        )
    normalised = softmax_axis(inputs)
    shape = tuple(inputs.shape)
    if normalised is not None and class_axis(normalised, shape) != class_axis(
        axis, shape
    ):
        raise ValueError(
            f"`axis` must be the class axis of `inputs`. Received: axis={axis} for "
            f"the output of a softmax over axis {normalised}. Pass `axis={normalised}`."
        )
    found = gives_logits(activation)
    if found is None:
        found = agreed_from_logits(loss)
    if found is None and from_logits is None:
        raise ValueError(
            "`from_logits` must be given where nothing tells whether `inputs` are "
            f"logits. Received: from_logits=None, and inputs from {model!r}, which has "
            "neither a softmax nor a linear output, nor was compiled with a loss that "
            "has `from_logits`. Pass `from_logits=True` for logits, "
            "`from_logits=False` for probabilities."
        )
    if found is not None and from_logits not in (None, found):
        kind = "logits" if found else "probabilities"
        raise ValueError(
            f"`from_logits` must fit `inputs`, which are {kind}. Received: "
            f"from_logits={from_logits}. Leave it out, or pass `from_logits={found}`."
        )
    return bool(from_logits if found is None else found)


def _is_binary(loss: Any) -> bool:
    """Whether a loss, a function, or the name of either is of yes-or-no labels."""
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", "")
    is_binary = bool(find_losses(loss, BINARY_LOSSES))
    return is_binary or name.lower().startswith("binary")


def check_not_probabilities(inputs: Any) -> None:
    """Raises a `ValueError` unless a tensor of unknown origin is clearly logits."""
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
        "`from_logits` must be given where nothing tells whether `inputs` are logits. "
        f"Received: from_logits=None, and {received}. Pass `from_logits=True` for "
        "logits, `from_logits=False` for probabilities."
    )
