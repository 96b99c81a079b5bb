"""Refuses losses of the wrong kind, and warns of those that expect other outputs."""

import warnings
from collections.abc import Sequence
from typing import Any

import keras

from keras_ccar.benchmark.own_data.planning.columns import BINARY
from keras_ccar.benchmark.own_data.planning.loss_choice import TrainedMethod
from keras_ccar.benchmark.own_data.planning.problem import Problem
from keras_ccar.layers.model_output import output_activation
from keras_ccar.layers.output_fit import Mismatch, find_mismatch, loss_of_other_kind


def check_losses_fit(
    model: keras.Model, problem: Problem, methods: Sequence[Any]
) -> None:
    """Refuses losses that train nothing, and warns of others that do not fit.

    Args:
        model: what `build_model` returned.
        problem: what it is trained for.
        methods: those of the comparison, of which the trained ones have a loss.

    Raises:
        ValueError: for a loss of classes that exclude each other on one column.

    Warns:
        UserWarning: for other losses that do not fit the output of the model.
    """
    activation, _ = output_activation(model)
    # Logits of labels may lie in [0, 1] too; other outputs show what they are.
    is_known = problem.from_logits or not problem.are_labels
    is_logits = problem.from_logits if is_known else None
    for method in methods:
        if not isinstance(method, TrainedMethod):
            continue
        loss = method.make_loss(problem.class_counts)
        sibling = loss_of_other_kind(loss, True) if problem.are_labels else ""
        if sibling and problem.kind == BINARY:
            raise ValueError(
                "`losses` must suit the one column of the model, a yes-or-no label. "
                f"Received: {method.name!r}, a loss of classes that exclude each "
                "other, which has nothing to learn from one column. Use "
                f"`{sibling}`, or end the model with a column for each of the two "
                'classes, `Dense(2, activation="softmax")`.'
            )
        found = find_mismatch(activation, loss, is_logits)
        if sibling:
            found = Mismatch(
                "The model's output is yes-or-no labels", f"use `{sibling}`"
            )
        if found is not None:
            warnings.warn(
                f"{found.output}, which the loss {method.name!r} in `losses` does not "
                f"expect: {found.advice}. Its figures are wrong until then.",
                stacklevel=6,  # the call of `compare`
            )
