"""Finds out what the output of a model to serve is."""

from typing import Any

import keras

from keras_ccar.layers.decision_inputs import origin_of
from keras_ccar.layers.kind_of_input import outputs_are_labels
from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.layers.model_output import (
    gives_logits,
    is_corrected_by_label,
    output_activation,
    output_tensor,
)
from keras_ccar.losses.search import agreed_from_logits, only_loss
from keras_ccar.serving.decision_layers import DecisionLayer


def find_kind(
    model: Any,
    num_columns: int,
    correction: LogitCorrection | None,
    decision: DecisionLayer | None,
) -> tuple[bool, bool]:
    """Returns whether the output is yes-or-no labels, and whether it is logits.

    The layers tell, or the loss where they do not, as in subclassed models: that of the
    model or, if it corrects another one, of that.

    Args:
        model: the model, without the layer that decides.
        num_columns: the columns of its output.
        correction: the correction of its output, or None.
        decision: the layer that decides on its output, or None.

    Raises:
        ValueError: if nothing tells whether the output is logits.
    """
    activation, _ = output_activation(model)
    loss = _loss_of(model)
    if decision is not None and decision.from_logits is not None:
        # It was checked when the layer was applied to the model.
        return decision.decides_labels(num_columns), decision.from_logits
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
    if are_labels is None:
        is_told = correction is not None and correction.are_labels
        are_labels = num_columns == 1 or is_told or is_corrected_by_label(model)
    return are_labels, are_logits


def _loss_of(model: Any) -> Any:
    loss = only_loss(model)
    output = output_tensor(model)
    if loss is None and output is not None:
        _, loss, _ = origin_of(output)
    return keras.losses.get(loss)
