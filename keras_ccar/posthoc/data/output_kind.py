"""Finds out what the output of a model, or an array of predictions, is."""

from typing import Any

import keras
import numpy as np

from keras_ccar.keras_internals import source_of
from keras_ccar.layers.classes_last import check_classes_last
from keras_ccar.layers.decides import Decides
from keras_ccar.layers.kind_of_input import (
    agree_on_logits,
    check_kind,
    check_not_probabilities,
    outputs_are_labels,
)
from keras_ccar.layers.model_output import origin_of, output_tensor, tensor_activation
from keras_ccar.layers.prediction_set import PredictionSet
from keras_ccar.losses.find_losses import only_loss
from keras_ccar.output_counts import OutputCounts


def final_decision(model: Any) -> Decides | None:
    """Returns the layer in which a model decides, None if it returns predictions."""
    tensor = output_tensor(model) if isinstance(model, keras.Model) else None
    while tensor is not None:
        operation, _, index = source_of(tensor) or (None, 0, 0)
        if isinstance(operation, Decides):
            return operation
        if not isinstance(operation, keras.Model) or not operation.outputs:
            return None
        tensor = keras.tree.flatten(operation.outputs)[index]
    return None


def find_kind(
    model: Any,
    outputs: np.ndarray,
    counts: OutputCounts | None,
    from_logits: bool | None,
    has_answers: bool,
    takes_decisions: bool,
) -> tuple[bool, bool]:
    """Returns whether the columns are yes-or-no labels, and whether they are logits.

    Args:
        model: a `keras.Model`, or an array of predictions.
        outputs: what it returned, `(N, ..., K)`.
        counts: the counts of what the output stands for, or None.
        from_logits: what the user says, or None.
        has_answers: whether the labels are those of yes or no.
        takes_decisions: whether the model may end in a decision for one answer.

    Raises:
        ValueError: for a model that ends in a decision, or does not tell; for counts of
            the other kind.
    """
    num_columns = outputs.shape[-1]
    if not isinstance(model, keras.Model):
        are_labels = num_columns == 1 or has_answers
        if counts is not None:
            are_labels = counts.mean_labels(num_columns)
        if from_logits is None:
            check_not_probabilities(keras.ops.convert_to_tensor(outputs), "model")
        return are_labels, from_logits is not False
    decision = final_decision(model)
    if decision is not None:
        if not takes_decisions or isinstance(decision, PredictionSet):
            raise ValueError(
                "`model` must return predictions. Received: a model that ends in "
                f"{type(decision).__name__}, whose output of 0 and 1 holds none. Pass "
                "the model without it."
            )
        return decision.decides_labels(num_columns), False
    check_classes_last(model, outputs.shape)
    loss = only_loss(model)
    output = output_tensor(model)
    activation = None
    if output is not None:
        activation, _ = tensor_activation(output)
        _, inner_loss, told = origin_of(output)
        loss = inner_loss if loss is None else loss
        from_logits = told if from_logits is None else from_logits
    if activation == "log_sigmoid":
        raise ValueError(
            "`model` must return logits or probabilities. Received: the logarithms of "
            "probabilities, after log_sigmoid. Leave it out of the model."
        )
    told_labels = outputs_are_labels(activation, loss)
    if counts is not None:
        are_labels = counts.mean_labels(num_columns)
        check_kind(activation, loss, num_columns, are_labels)
    elif told_labels is not None:
        are_labels = told_labels
    else:
        are_labels = num_columns == 1 or has_answers
    return are_labels, agree_on_logits(
        "model.outputs", model, activation, loss, from_logits
    )
