"""Warns where a loss and the model's output do not fit."""

import warnings

import keras

from keras_ccar.layers.model_output import output_activation
from keras_ccar.losses.class_aware_loss import ClassAwareLoss


def warn_output_mismatch(
    model: keras.Model, output: str | None, loss: ClassAwareLoss
) -> None:
    """Warns if a loss is applied to an output that it does not expect.

    `output` is the name of the output, None in a model with a single one.
    """
    activation, is_corrected = output_activation(model, output)
    if activation == "linear" and not loss.from_logits:
        problem = (
            "The model's output is logits (no activation)",
            "pass `from_logits=True` to the loss",
        )
    elif activation in ("softmax", "sigmoid") and loss.from_logits:
        problem = (
            f"The model's output is probabilities ({activation})",
            "remove `from_logits=True`",
        )
    elif is_corrected and getattr(loss, "adjustment", None) is not None:
        problem = (
            "The model's output is corrected by `LogitCorrection`, and the loss "
            "adjusts logits as well: the prior is applied twice",
            "leave one of the two out",
        )
    else:
        return
    warnings.warn(
        f"{problem[0]}, but the loss {loss.name!r} has from_logits={loss.from_logits} "
        f"and adjustment={getattr(loss, 'adjustment', None)!r}: {problem[1]}.",
        stacklevel=2,
    )
