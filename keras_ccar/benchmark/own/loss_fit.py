"""Warns of losses that expect another output than the model has."""

import warnings
from collections.abc import Sequence
from typing import Any

import keras

from keras_ccar.benchmark.own.loss_choice import TrainedMethod
from keras_ccar.benchmark.own.problem import Problem
from keras_ccar.layers.model_output import output_activation
from keras_ccar.layers.output_fit import find_mismatch


def warn_loss_mismatch(
    model: keras.Model, problem: Problem, methods: Sequence[Any]
) -> None:
    """Warns of each loss that does not fit the output of the model.

    Args:
        model: what `build_model` returned.
        problem: what it is trained for.
        methods: those of the comparison, of which the trained ones have a loss.
    """
    activation, _ = output_activation(model)
    # Logits of labels may lie in [0, 1] too; other outputs show what they are.
    is_known = problem.from_logits or not problem.are_labels
    is_logits = problem.from_logits if is_known else None
    for method in methods:
        if not isinstance(method, TrainedMethod):
            continue
        loss = method.make_loss(problem.class_counts)
        found = find_mismatch(activation, loss, is_logits)
        if found is not None:
            warnings.warn(
                f"{found.output}, which the loss {method.name!r} in `losses` does not "
                f"expect: {found.advice}. Its figures are wrong until then.",
                stacklevel=6,  # the call of `compare`
            )
