"""Finds out what the output of a model to serve is."""

import warnings
from typing import Any

import keras

from keras_ccar.arguments import argument_error
from keras_ccar.layers.kind_of_input import outputs_are_labels
from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.layers.model_output import (
    gives_logits,
    is_corrected_by_label,
    origin_of,
    output_activation,
    output_tensor,
)
from keras_ccar.losses.find_losses import agreed_from_logits, only_loss
from keras_ccar.serving.decision_layers import DecisionLayer


def find_kind(
    model: Any,
    num_columns: int,
    correction: LogitCorrection | None,
    decision: DecisionLayer | None,
    multi_label: bool | None = None,
) -> tuple[bool, bool]:
    """Returns whether the output is yes-or-no labels, and whether it is logits.

    The layers tell, or the loss where they do not, as in subclassed models: that of the
    model or, if it corrects another one, of that.

    Args:
        model: the model, without the layer that decides.
        num_columns: the columns of its output.
        correction: the correction of its output, or None.
        decision: the layer that decides on its output, or None.
        multi_label: what the user says of several columns, or None.

    Raises:
        ValueError: if nothing tells whether the output is logits, or if the user says
            otherwise than the model.
    """
    activation, _ = output_activation(model)
    loss = _loss_of(model)
    if decision is not None and decision.from_logits is not None:
        # It was checked when the layer was applied to the model.
        are_labels = decision.decides_labels(num_columns)
        _check_agreed(multi_label, are_labels, num_columns)
        return are_labels, decision.from_logits
    are_logits = gives_logits(activation)
    if are_logits is None:
        are_logits = agreed_from_logits(loss)
    if are_logits is None:
        raise ValueError(
            f"Whether the output of `model` {model.name!r} is logits or probabilities "
            "is told neither by its last layer nor by its loss: compile it with a loss "
            "that has `from_logits`, or end it with a layer that has an activation."
        )
    are_labels = outputs_are_labels(activation, None if num_columns == 1 else loss)
    if are_labels is None and correction is not None:
        are_labels = correction.corrects_labels(num_columns)
    if are_labels is None:
        are_labels = True if num_columns == 1 else is_corrected_by_label(model)
    if are_labels is not None:
        _check_agreed(multi_label, are_labels, num_columns)
        return are_labels, are_logits
    if multi_label is None and are_logits:
        warnings.warn(
            f"Nothing tells whether the {num_columns} logits of `model` "
            f"{model.name!r} are of classes that exclude each other or of yes-or-no "
            "labels, because it is not compiled with a loss that tells. They are "
            "answered by softmax. Pass `multi_label=False` if that is right, "
            "`multi_label=True` for labels, which are answered by sigmoid.",
            stacklevel=4,
        )
    return bool(multi_label), are_logits


def _check_agreed(multi_label: bool | None, are_labels: bool, num_columns: int) -> None:
    # Of one column both are said.
    if num_columns > 1 and multi_label not in (None, are_labels):
        kind = "yes-or-no labels" if are_labels else "classes that exclude each other"
        raise argument_error(
            "multi_label",
            multi_label,
            f"None or {are_labels} for a model whose output is {kind}, as its last "
            "layer, its loss or the correction tells",
        )


def _loss_of(model: Any) -> Any:
    loss = only_loss(model)
    output = output_tensor(model)
    if loss is None and output is not None:
        _, loss, _ = origin_of(output)
    return keras.losses.get(loss)
