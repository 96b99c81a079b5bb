"""Refuses models whose classes are not on the last axis of their output."""

from typing import Any

import keras

from keras_ccar.inputs.predictions import class_axis
from keras_ccar.layers.kind_of_input import SOFTMAX_LOSSES
from keras_ccar.layers.model_output import output_tensor, softmax_axis
from keras_ccar.losses.find_losses import find_losses, only_loss


def check_classes_last(model: keras.Model, shape: tuple[int | None, ...]) -> None:
    """Raises a `ValueError` if a model tells that another axis has its classes.

    Its last layer tells, or the loss that it was compiled with: without either, any
    axis may be taken for the classes.

    Args:
        model: a `keras.Model` with one output.
        shape: that of its output.
    """
    output = output_tensor(model)
    told: list[tuple[str, Any]] = [
        (f"the loss {loss.name!r}", getattr(loss, "axis", None))
        for loss in find_losses(only_loss(model), SOFTMAX_LOSSES)
    ]
    if output is not None:
        told.append(("a softmax at the end", softmax_axis(output)))
    last = len(shape) - 1
    for name, given in told:
        axis = last if given is None else class_axis(given, shape, "model.output")
        if axis != last:
            order = (*(place for place in range(1, last + 1) if place != axis), axis)
            raise ValueError(
                "`model` must have its classes on the last axis. Received: "
                f"{model.name!r} with an output of shape {tuple(shape)}, and {name} "
                f"with axis={given}. Pass `keras_ccar.posthoc.chain(model, "
                f"keras.layers.Permute({order}))`."
            )
