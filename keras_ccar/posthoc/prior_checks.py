"""Checks what `estimate_prior` is given, and what it found."""

import warnings
from typing import Any

import keras
import numpy as np

from keras_ccar.arguments import argument_error
from keras_ccar.frequencies import format_class_list
from keras_ccar.layers.model_output import output_activation, output_tensor
from keras_ccar.posthoc.predictions import Predictions
from keras_ccar.posthoc.scaling_fit import seen_columns

# A class that the estimate gives fewer of the examples has run to 0.
_FEWEST_EXAMPLES = 1e-3


def require_uncorrected(model: Any) -> None:
    """Refuses a model whose predictions have another prior than the counts."""
    if not isinstance(model, keras.Model) or output_tensor(model) is None:
        return
    if output_activation(model)[1]:
        raise ValueError(
            "`model` must return what it learned, unless `validation` or "
            "`trained_prior` tells the prior of its predictions. Received: a model "
            "whose output is corrected already. Pass the model that the correction was "
            "added to, or `validation`, or as `trained_prior` the prior that it is "
            'corrected to: "balanced" without a `target_prior`.'
        )


def pair_of(validation: Any) -> tuple[Any, Any]:
    """Returns the predictions and labels that come with an array of predictions."""
    if not isinstance(validation, tuple) or len(validation) != 2:
        expected = "a pair (predictions, labels) where `model` is an array"
        raise argument_error("validation", validation, expected)
    return validation


def require_all_seen(predictions: Predictions) -> None:
    """Refuses validation data without an example of a class, or of an answer."""
    is_empty = ~seen_columns(predictions)
    if not is_empty.any():
        return
    kinds, lack = ("class", "classes"), "examples"
    if predictions.are_labels:
        kinds, lack = ("label", "labels"), "examples of both yes and no"
    raise ValueError(
        f"`validation` must have {lack} of every {kinds[0]}, whose bias they tell. "
        f"Received: none for {format_class_list(is_empty, *kinds)}. Leave `validation` "
        "out, or hold out more of the training data."
    )


def warn_of_end(prior: np.ndarray, num_examples: int, are_labels: bool) -> None:
    """Warns if an estimate without calibration has run to 0, or of labels to 1.

    Args:
        prior: the estimate.
        num_examples: the examples that it was estimated from.
        are_labels: whether it is the shares of yes.
    """
    smallest = np.minimum(prior, 1 - prior) if are_labels else prior
    has_run = smallest * num_examples < _FEWEST_EXAMPLES
    if not has_run.any():
        return
    where = f"0 for {format_class_list(has_run)}"
    if are_labels:
        where = "a share of yes of 0 or 1 for "
        where += format_class_list(has_run, "label", "labels")
    warnings.warn(
        f"The estimate has run to {where}: less than {_FEWEST_EXAMPLES} of the "
        f"{num_examples} examples. If that is not so, the predictions are surer than "
        "they are right, or have another prior than `class_counts`. Pass "
        "`validation=`, which measures both; or, for a model that was rebalanced in "
        'training, as by `class_weight`, `trained_prior="balanced"`. Also check that '
        "`class_counts` has the order of the columns.",
        stacklevel=3,
    )
