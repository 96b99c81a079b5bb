"""What layers that decide are given: probabilities, of labels or of classes."""

from typing import Any

from keras import ops

from keras_ccar.inputs.predictions import (
    are_probabilities,
    check_probabilities,
    class_axis,
    probabilities_or_nan,
)
from keras_ccar.layers.kind_of_input import (
    agree_on_logits,
    check_not_probabilities,
    outputs_are_labels,
)
from keras_ccar.layers.model_output import origin_of, softmax_axis, tensor_activation
from keras_ccar.ops.numerics import softmax

_KINDS = (
    "classes that exclude each other, from a softmax",
    "yes-or-no labels, from a sigmoid",
)


def find_input_kind(
    inputs: Any, from_logits: bool | None, are_labels: bool, layer: str, advice: str
) -> bool:
    """Returns whether a symbolic tensor to decide on holds logits.

    Args:
        inputs: the symbolic tensor, with the class axis last.
        from_logits: what the user says, or None.
        are_labels: whether the layer decides on labels rather than on classes.
        layer: its name, for messages.
        advice: what to use for the other kind.

    Raises:
        ValueError: for inputs of the other kind, and as `agree_on_logits`.
    """
    operation, loss, told = origin_of(inputs)
    activation, _ = tensor_activation(inputs)
    if outputs_are_labels(activation, loss) is (not are_labels):
        raise ValueError(
            f"`inputs` of `{layer}` must be {_KINDS[are_labels]}. Received: the output "
            f"of {operation!r}, which is {_KINDS[not are_labels]} or the loss that "
            f"goes with it. {advice}"
        )
    if activation == "log_sigmoid":
        raise ValueError(
            f"`inputs` of `{layer}` must be logits or probabilities. Received: the "
            "logarithms of probabilities, after log_sigmoid. Leave it out."
        )
    axis, shape = softmax_axis(inputs), tuple(inputs.shape)
    if axis is not None and class_axis(axis, shape) != len(shape) - 1:
        raise ValueError(
            f"`inputs` of `{layer}` must have the classes on the last axis. Received: "
            f"the output of a softmax over axis {axis}. Move it with "
            "`keras.layers.Permute` before the softmax."
        )
    if from_logits is None:
        from_logits = told
    return agree_on_logits("inputs", operation, activation, loss, from_logits)


def probabilities_of_labels(inputs: Any, from_logits: bool | None) -> Any:
    """Returns the probability of yes in float32, NaN where inputs are none."""
    inputs = ops.cast(inputs, "float32")
    if from_logits is None:
        check_not_probabilities(inputs)
    if from_logits is not False:
        return ops.sigmoid(inputs)
    return probabilities_or_nan(inputs, "inputs")


def probabilities_of_classes(inputs: Any, from_logits: bool | None) -> Any:
    """Returns the probability of each class in float32, NaN where inputs are none."""
    inputs = ops.cast(inputs, "float32")
    if from_logits is None:
        check_not_probabilities(inputs)
    if from_logits is not False:
        return softmax(inputs)
    check_probabilities(inputs, "inputs")
    # A compiled step cannot raise an error.
    is_right = ops.expand_dims(are_probabilities(inputs), -1)
    return ops.where(is_right, inputs, float("nan"))


def mark_unknown(decisions: Any, probabilities: Any) -> Any:
    """Returns decisions with NaN where there is no probability to decide on."""
    return ops.where(ops.isnan(probabilities), float("nan"), decisions)
