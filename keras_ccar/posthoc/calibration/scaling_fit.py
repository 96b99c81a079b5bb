"""Fits temperatures and biases to predictions, by maximum likelihood in float64."""

import warnings
from typing import Any

import numpy as np

from keras_ccar.frequencies import format_class_list
from keras_ccar.posthoc.data.predictions import Predictions, to_probabilities
from keras_ccar.posthoc.result import require_posthoc

# No network's logits are off by more; without an end, those of a validation set
# without a mistake have no best temperature.
LOWEST, HIGHEST = 1e-3, 1e3
_BOUNDS = (np.log(LOWEST), np.log(HIGHEST))
_OPTIONS = {"maxiter": 2000, "maxfun": 20_000, "ftol": 1e-15, "gtol": 1e-10}


def log_losses(logits: np.ndarray, labels: np.ndarray, are_labels: bool) -> np.ndarray:
    """Returns negative log likelihoods.

    Args:
        logits: float64 of shape `(N, K)`.
        labels: as in `Predictions`.
        are_labels: whether the columns are yes-or-no labels.

    Returns:
        Of shape `(N,)`; of labels `(N, K)`, NaN where an answer is missing.
    """
    if are_labels:
        return np.logaddexp(0, logits) - labels * logits
    largest = logits.max(axis=1)
    total = np.log(np.exp(logits - largest[:, None]).sum(axis=1)) + largest
    return total - logits[np.arange(len(logits)), labels]


def seen_columns(predictions: Predictions) -> np.ndarray:
    """Tells which classes have examples, and which labels have both answers."""
    labels = predictions.labels
    if predictions.are_labels:
        return (labels == 0).any(axis=0) & (labels == 1).any(axis=0)
    return np.bincount(labels, minlength=predictions.num_columns) > 0


def fit_temperature(predictions: Predictions) -> float:
    """Returns the temperature of all columns with the smallest log loss.

    Warns:
        UserWarning: if there is none between `LOWEST` and `HIGHEST`.
    """
    optimize = require_posthoc("scipy.optimize", "SciPy")

    def loss(log_temperature: float) -> float:
        scaled = predictions.logits * np.exp(-log_temperature)
        losses = log_losses(scaled, predictions.labels, predictions.are_labels)
        return float(np.nanmean(losses))

    # The loss is convex in 1 / T, so it has one valley in log T too.
    found = optimize.minimize_scalar(
        loss, bounds=_BOUNDS, method="bounded", options={"xatol": 1e-9}
    ).x
    lowest, best, highest = (loss(part) for part in (_BOUNDS[0], found, _BOUNDS[1]))
    if np.isclose(lowest, highest, 1e-12) and np.isclose(lowest, best, 1e-12):
        return 1.0  # All columns of every row are the same.
    # Where the valley has a flat end, the search stops anywhere in it.
    if lowest <= best:
        found = _BOUNDS[0]
    elif highest <= best:
        found = _BOUNDS[1]
    _warn_of_bounds(np.array([found]))
    return float(np.exp(found))


def parts_to_fit(scopes: dict[Any, np.ndarray], predictions: Predictions) -> np.ndarray:
    """Returns the part that each column belongs to, -1 without validation examples.

    Args:
        scopes: boolean arrays of shape `(K,)` by name.
        predictions: those for the validation data.

    Warns:
        UserWarning: if there are parts without.
    """
    is_seen = seen_columns(predictions)
    parts = np.full(predictions.num_columns, -1)
    empty = np.zeros(predictions.num_columns, bool)
    number = 0
    for columns in scopes.values():
        if (is_seen & columns).any():
            parts[columns] = number
            number += 1
        else:
            empty |= columns
    if empty.any():
        lack, kinds = "examples", ("class", "classes")
        if predictions.are_labels:
            lack, kinds = "examples of both yes and no", ("label", "labels")
        warnings.warn(
            f"`validation` lacks {lack} of {format_class_list(empty, *kinds)}, which "
            "take the common temperature.",
            stacklevel=3,
        )
    return parts


def fit_columns(
    predictions: Predictions,
    part_of_column: np.ndarray,
    common: float,
    shrinkage: float,
) -> np.ndarray:
    """Fits a temperature to each part of the columns, all at once.

    Args:
        predictions: logits and labels.
        part_of_column: ints of shape `(K,)`: the part that a column belongs to, -1 for
            columns that keep the common temperature.
        common: the temperature that the others are drawn to.
        shrinkage: the strength of `shrinkage / 2 * sum((log T - log common) ** 2)`,
            which is added to the sum of the log losses.

    Returns:
        The temperatures of the columns, of shape `(K,)`.
    """
    is_free = part_of_column >= 0
    center = float(np.log(common))
    num_parts = int(part_of_column.max(initial=-1)) + 1
    if not num_parts:
        return np.full(len(part_of_column), common)

    def spread(parts: np.ndarray) -> np.ndarray:
        return np.where(is_free, parts[part_of_column], center)

    def objective(parts: np.ndarray) -> tuple[float, np.ndarray]:
        scaled = predictions.logits * np.exp(-spread(parts))
        value, slope = _value_and_slope(predictions, scaled)
        # The derivative of z / T by log T is -z / T.
        by_column = -(slope * scaled).sum(axis=0)
        gradient = np.bincount(
            part_of_column[is_free], by_column[is_free], minlength=num_parts
        )
        away = parts - center
        size = len(predictions.logits)
        value += shrinkage / 2 * float(away @ away)
        return value / size, (gradient + shrinkage * away) / size

    found = _minimize(objective, np.full(num_parts, center), [_BOUNDS] * num_parts)
    _warn_of_bounds(found)
    return np.exp(spread(found))


def fit_scale_and_bias(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Fits bias-corrected temperature scaling: `z / T + b`.

    Returns:
        T and b: of classes one T, of shape `()`, and b of shape `(K,)`, the mean of
        which is 0; of labels, each of which is fitted by itself, both of shape `(K,)`.
    """
    are_labels, num_columns = predictions.are_labels, predictions.num_columns
    num_scales = num_columns if are_labels else 1

    def objective(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        parts, bias = parameters[:num_scales], parameters[num_scales:]
        scaled = predictions.logits * np.exp(-parts)
        value, slope = _value_and_slope(predictions, scaled + bias)
        by_column = -(slope * scaled).sum(axis=0)
        by_scale = by_column if are_labels else by_column.sum(keepdims=True)
        size = len(predictions.logits)
        return value / size, np.concatenate([by_scale, slope.sum(axis=0)]) / size

    found = _minimize(
        objective,
        np.zeros(num_scales + num_columns),
        [_BOUNDS] * num_scales + [(None, None)] * num_columns,
    )
    parts, bias = found[:num_scales], found[num_scales:]
    _warn_of_bounds(parts)
    temperature = np.exp(parts)
    return (temperature, bias) if are_labels else (temperature[0], bias - bias.mean())


def _value_and_slope(
    predictions: Predictions, logits: np.ndarray
) -> tuple[float, np.ndarray]:
    """Returns the sum of the log losses, and its derivative by the logits."""
    labels, are_labels = predictions.labels, predictions.are_labels
    value = float(np.nansum(log_losses(logits, labels, are_labels)))
    slope = to_probabilities(logits, are_labels)
    if are_labels:
        slope = np.nan_to_num(slope - labels)
    else:
        slope[np.arange(len(labels)), labels] -= 1
    return value, slope


def _minimize(objective: Any, start: np.ndarray, bounds: list[Any]) -> np.ndarray:
    optimize = require_posthoc("scipy.optimize", "SciPy")
    return optimize.minimize(
        objective, start, jac=True, bounds=bounds, method="L-BFGS-B", options=_OPTIONS
    ).x


def _warn_of_bounds(log_temperatures: np.ndarray) -> None:
    at_bound = np.isclose(np.abs(log_temperatures), _BOUNDS[1])
    if not at_bound.any():
        return
    found = np.exp(log_temperatures[at_bound][0])
    where = format_class_list(at_bound, "part", "parts")
    where = f" for {where} of {at_bound.size}" if at_bound.size > 1 else ""
    warnings.warn(
        f"The best temperature is {found:g}{where}, the end of what is tried, which "
        "says little about other data. A validation set on which the model makes no "
        "mistake has no best temperature: use more examples, which the model has not "
        "been trained on.",
        stacklevel=4,
    )
