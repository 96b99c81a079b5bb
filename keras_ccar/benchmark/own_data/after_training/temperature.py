"""Fits the temperature of a run, and finds where no temperature helps."""

from typing import Any

from keras_ccar.benchmark.own_data.planning.columns import BINARY
from keras_ccar.benchmark.own_data.planning.problem import Problem
from keras_ccar.benchmark.own_data.training.muted_warnings import quiet
from keras_ccar.posthoc.calibration.temperatures import calibrate
from keras_ccar.posthoc.data.predictions import Predictions
from keras_ccar.posthoc.prior.prior_gap import find_prior_gap

# Temperatures beyond these come from data that are separated without an error.
_TEMPERATURES = (0.05, 20.0)


def calibration_of(predicted: Predictions, problem: Problem) -> dict[str, Any]:
    """Returns the temperature that fits the validation data, if there is one.

    If the probabilities then still have another prior than the data, it also returns
    of which class or label, with its mean probability and its share.

    Args:
        predicted: the predictions for the validation data.
        problem: what the model was trained for.
    """
    with quiet():
        temperature = calibrate(
            predicted.logits,
            predicted.labels,
            problem.class_counts,
            from_logits=True,
            ignore_value=float("nan") if problem.are_labels else None,
        ).temperature
    lowest, highest = _TEMPERATURES
    found: dict[str, Any] = {}
    if lowest <= temperature <= highest:
        found["temperature"] = float(temperature)
    gap = find_prior_gap(predicted, predicted.logits / found.get("temperature", 1.0))
    if gap is not None:
        place = 1 if problem.kind == BINARY else gap.column
        found["prior_gap"] = [place, gap.mean, gap.share]
    return found
