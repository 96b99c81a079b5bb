"""Checks what `estimate_prior` is given, and what it found."""

import warnings
from typing import Any

import numpy as np

from keras_ccar.arguments import argument_error, show
from keras_ccar.frequencies import format_class_list
from keras_ccar.layers.model_output import output_tensor
from keras_ccar.layers.prior_shift import PriorShift
from keras_ccar.layers.temperature_scaling import TemperatureScaling
from keras_ccar.output_counts import OutputCounts
from keras_ccar.posthoc.applied import applied_by
from keras_ccar.posthoc.calibration.scaling_fit import seen_columns
from keras_ccar.posthoc.data.given_arguments import code_of
from keras_ccar.posthoc.data.predictions import Predictions
from keras_ccar.posthoc.prior.corrected_prior import (
    is_same_prior,
    last_correction,
    trained_prior_behind,
)
from keras_ccar.posthoc.prior.expectation_maximisation import SMALLEST_PRIOR

# A class that the estimate gives fewer of the examples has run to 0.
_FEWEST_EXAMPLES = 1e-3
# Logarithms of priors that differ by more than this are not the same up to chance.
_FAR = np.log(1.5)


def check_corrected_prior(model: Any, trained_prior: Any, counts: OutputCounts) -> None:
    """Compares what a model is corrected to with the prior that it is said to have.

    Args:
        model: the `keras.Model`, or an array of predictions, which passes.
        trained_prior: the argument; None for the prior of the counts.
        counts: the training examples.

    Raises:
        ValueError: without `trained_prior`, for a model that is corrected to another
            prior than that of the counts.

    Warns:
        UserWarning: for a `trained_prior` that is far from the one that the model is
            corrected to.
    """
    layer = last_correction(applied_by(model))
    tensor = output_tensor(model) if layer is not None else None
    if layer is None or tensor is None or not layer.fits(tensor.shape[-1]):
        return
    columns = tensor.shape[-1]
    are_labels = layer.corrects_labels(columns)
    there, expected = trained_prior_behind(layer, counts, columns), None
    if counts.fit(columns) and counts.mean_labels(columns) == are_labels:
        expected = PriorShift(counts, trained_prior, None).taken_out(columns)
    found = layer.prior_shift.put_in(columns)
    if trained_prior is None:
        if (
            there
            and expected is not None
            and is_same_prior(found, expected, are_labels)
        ):
            return
        told = "Pass `validation`, or the model that the correction was added to"
        if there:
            told += (
                ", or as `trained_prior` the prior that it is corrected to: "
                f"`trained_prior={there}`"
            )
        raise ValueError(
            "`model` must return what it learned, or have the prior of `class_counts`, "
            "unless `validation` or `trained_prior` tells the prior of its "
            "predictions. Received: a model whose output is corrected to another prior "
            f"already. {told}."
        )
    is_far = expected is not None and not is_same_prior(
        found, expected, are_labels, _FAR
    )
    if there and is_far:
        warnings.warn(
            "`trained_prior` is not the prior that `model` is corrected to. Received: "
            f"trained_prior={show(trained_prior)} for a model that ends in a "
            f"LogitCorrection. Pass `trained_prior={there}`, or `validation`, which "
            "measures it.",
            stacklevel=3,
        )


def warn_of_temperature(model: Any, trained_prior: Any) -> None:
    """Warns if a temperature has moved what is taken for the prior of `class_counts`.

    Args:
        model: the `keras.Model`, or an array of predictions.
        trained_prior: the argument.
    """
    if trained_prior is not None:
        return
    if any(isinstance(layer, TemperatureScaling) for layer in applied_by(model)):
        warnings.warn(
            "`model` ends in a TemperatureScaling, which moves the mean of the "
            "predictions for rare classes, and the estimate takes this mean, on data "
            "like those of training, for the prior of `class_counts`. Pass "
            "`validation=`, which measures it.",
            stacklevel=3,
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


def warn_of_end(
    estimate: np.ndarray,
    num_examples: int,
    are_labels: bool,
    is_calibrated: bool,
    trained_prior: Any,
    num_examples_of_labels: Any,
) -> None:
    """Warns if an estimate has run to 0, or of labels to 1.

    Args:
        estimate: the prior that was found.
        num_examples: the examples that it was estimated from.
        are_labels: whether it is the shares of yes.
        is_calibrated: whether the predictions were calibrated on `validation`.
        trained_prior: the argument.
        num_examples_of_labels: the argument `num_examples`.
    """
    smallest = np.minimum(estimate, 1 - estimate) if are_labels else estimate
    has_run = smallest * num_examples < _FEWEST_EXAMPLES
    has_run |= smallest <= SMALLEST_PRIOR
    if not has_run.any():
        return
    where = f"0 for {format_class_list(has_run)}"
    if are_labels:
        where = "a share of yes of 0 or 1 for "
        where += format_class_list(has_run, "label", "labels")
    warnings.warn(
        f"The estimate has run to {where}: less than a thousandth of one example among "
        f"the {num_examples}. If that is not so, "
        + _advice_at_the_end(is_calibrated, trained_prior, num_examples_of_labels),
        stacklevel=3,
    )


def _advice_at_the_end(
    is_calibrated: bool, trained_prior: Any, num_examples: Any
) -> str:
    if is_calibrated:
        also = code_of(num_examples=num_examples)
        return (
            "the model hardly tells it from the others, or its examples look otherwise "
            "than in `validation`. State what you know of the prior instead, by "
            f"`keras_ccar.LogitCorrection(class_counts, target_prior=...{also})`, or "
            "train a model that finds it."
        )
    surer = "the predictions are surer than they are right, or have another prior than "
    if trained_prior is not None:
        return (
            f"{surer}`trained_prior`. Pass `validation=` in its place, which measures "
            "both. Also check that `class_counts` has the order of the columns."
        )
    return (
        f"{surer}`class_counts`. Pass `validation=`, which measures both; or, for a "
        "model that was rebalanced in training, as by `class_weight`, "
        '`trained_prior="balanced"`. Also check that `class_counts` has the order of '
        "the columns."
    )
