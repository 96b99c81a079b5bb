"""Refuses losses that train on the wrong labels, and warns of those that do not fit."""

import warnings
from collections.abc import Sequence
from typing import Any

import keras

from keras_ccar.benchmark.own.columns import BINARY
from keras_ccar.benchmark.own.loss_choice import TrainedMethod
from keras_ccar.benchmark.own.problem import Problem
from keras_ccar.layers.model_output import output_activation
from keras_ccar.layers.output_fit import Mismatch, find_mismatch, loss_of_other_kind
from keras_ccar.losses.search import find_losses


def check_losses_fit(
    model: keras.Model, problem: Problem, methods: Sequence[Any]
) -> None:
    """Refuses losses that train nothing, and warns of others that do not fit.

    Args:
        model: what `build_model` returned.
        problem: what it is trained for.
        methods: those of the comparison, of which the trained ones have a loss.

    Raises:
        ValueError: for a loss of classes that exclude each other on one column, and for
            one that learns from unknown labels.

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
        _require_told(method.name, loss, problem)
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


def _require_told(name: str, loss: Any, problem: Problem) -> None:
    """Refuses a loss of this package or of Keras that was not told of unknown labels.

    What functions and losses of the user's own do with them is theirs.
    """
    module = getattr(loss, "__module__", "") or ""
    is_of_keras = module.partition(".")[0] == "keras"
    for argument, value in problem.ignoring.items():
        asked = [*find_losses(loss), *([loss] if is_of_keras else [])]
        if all(_is_same(getattr(each, argument, None), value) for each in asked):
            continue
        code = problem.unknown.as_code(problem.are_labels)
        advice = f"Pass `{code}` to it."
        if not all(hasattr(each, argument) for each in asked):
            kind = "Binary" if problem.are_labels else ""
            advice = (
                f"Use `keras_ccar.{kind}LongTailedCrossentropy(None, {code}, "
                f"from_logits={problem.from_logits})`, which is cross-entropy without "
                "them."
            )
        raise ValueError(
            f"`losses` must leave out unknown labels, as `{code}` says. Received: "
            f"{name!r}, which would learn from them. {advice}"
        )


def _is_same(some: Any, other: Any) -> bool:
    """Whether two values are equal; NaN is equal to NaN."""
    return some == other or (some != some and other != other)
