"""Scores the corrections of a grid of τ on the same predictions."""

from functools import partial
from typing import Any

import numpy as np

from keras_ccar.arguments import argument_error, check_numbers, show
from keras_ccar.layers.prior_shift import PriorShift
from keras_ccar.output_counts import OutputCounts
from keras_ccar.posthoc.by_class.scores import (
    Decisions,
    decide,
    group_alike,
    resampled_weights,
)
from keras_ccar.posthoc.data.predictions import Predictions, to_probabilities
from keras_ccar.posthoc.result import require_posthoc

_EXPECTED = "a function that returns a finite number"


def check_taus(taus: Any, adjusted: bool) -> np.ndarray:
    """Returns the grid, in which 0 always is; below 0 only for adjusted models."""
    if taus is None:
        # Steps without rounding errors, so that 1.25 is 1.25.
        steps = np.arange(-30, 31) if adjusted else np.arange(61)
        return np.round(steps * 0.05, 2)
    lowest = "numbers" if adjusted else "numbers >= 0"
    expected = f"a sequence of finite {lowest}"
    grid = check_numbers("taus", taus, expected)
    is_right = grid.ndim == 1 and grid.size and np.isfinite(grid).all()
    if not is_right or (not adjusted and grid.min() < 0):
        raise argument_error("taus", taus, expected)
    # What the choice is held against.
    return np.union1d(grid, [0.0])


def score_taus(
    predictions: Predictions,
    counts: OutputCounts,
    grid: np.ndarray,
    objective: Any,
    resamples: int,
    seed: int,
    units: np.ndarray | None = None,
) -> Any:
    """Returns a DataFrame: each τ, its score, its standard error against the best.

    Args:
        predictions: of the validation data.
        counts: the counts of the training data.
        grid: what `check_taus` returned.
        objective: what `check_objective` returned.
        resamples: bootstrap resamples for the standard error.
        seed: of the resamples.
        units: the unit of each row; see `resampled_weights`.
    """
    num_columns = predictions.num_columns
    shift = PriorShift(counts, None, None).of_columns(num_columns)
    labels, are_labels = predictions.labels, predictions.are_labels
    corrected = (predictions.logits + tau * shift for tau in grid)
    resampled = resampled_weights(labels, resamples, seed, units)
    scorers: list[Any] = []
    everyone = None
    if isinstance(objective, str):
        small = np.min_scalar_type(num_columns)  # the answers of all τ are kept
        answers = [decide(logits, are_labels).astype(small) for logits in corrected]
        first, group_of = group_alike(labels, *answers)
        everyone = np.bincount(group_of).astype("float64")
        for given in answers:
            decisions = Decisions(labels[first], given[first], num_columns, everyone)
            scorers.append(partial(decisions.score, objective))
        resampled = (np.bincount(group_of, weights) for weights in resampled)
    else:
        for logits in corrected:
            probabilities = to_probabilities(logits, are_labels)
            scorers.append(partial(_apply, objective, labels, probabilities))
    scores = np.array([scorer(everyone) for scorer in scorers])
    if not np.isfinite(scores).all():
        raise argument_error("objective", objective, _EXPECTED)
    best = int(scores.argmax())
    drawn = np.array([[scorer(weights) for scorer in scorers] for weights in resampled])
    errors = np.std(drawn - drawn[:, [best]], axis=0, ddof=1)
    table = {"tau": grid, "score": scores, "standard_error": errors}
    return require_posthoc("pandas", "pandas").DataFrame(table)


def choose_tau(curve: Any) -> float:
    """Returns the smallest τ whose score is within one standard error of the best.

    Args:
        curve: what `score_taus` returned.
    """
    scores, errors = curve["score"].to_numpy(), curve["standard_error"].to_numpy()
    is_near = scores >= scores.max() - errors
    return float(min(curve["tau"].to_numpy()[is_near], key=abs))


def _apply(
    objective: Any,
    labels: np.ndarray,
    probabilities: np.ndarray,
    weights: np.ndarray | None,
) -> float:
    """Returns what a function of the user says of examples, drawn so often."""
    if weights is not None:
        drawn = np.repeat(np.arange(len(labels)), weights.astype(int))
        labels, probabilities = labels[drawn], probabilities[drawn]
    score = objective(labels, probabilities)
    try:
        return float(score)
    except (TypeError, ValueError) as error:
        advice = f"It returned {show(score)}."
        raise argument_error("objective", objective, _EXPECTED, advice) from error
