"""Chooses a threshold for each label of which the data can tell one."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ccar.posthoc.data.enough_examples import hold_out_advice
from keras_ccar.posthoc.data.predictions import Predictions
from keras_ccar.posthoc.decisions.objectives import ThresholdObjective, UnreachableError
from keras_ccar.posthoc.decisions.threshold_curve import label_curve, thinned
from keras_ccar.posthoc.result import require_posthoc

# Of labels that are not tuned.
_UNTUNED = 0.5
_MOST_ROWS = 1000


def choose_thresholds(
    predictions: Predictions,
    goals: Sequence[ThresholdObjective],
    names: Sequence[Any],
    are_known: np.ndarray,
    stacklevel: int,
) -> tuple[Any, Any]:
    """Returns the DataFrames `chosen` and `curve` of `TunedThresholds`.

    Args:
        predictions: for labels.
        goals: the objective of each label.
        names: what the tables call each label.
        are_known: which labels have examples of both answers, at least one.
        stacklevel: that of the caller.

    Raises:
        UnreachableError: if no label reaches its objective.

    Warns:
        UserWarning: for labels that are left at 0.5, because they lack an answer or do
            not reach their objective.
    """
    pandas = require_posthoc("pandas", "pandas")
    chosen: dict[int, Any] = {}
    curves, errors = [], []
    for label in np.flatnonzero(are_known).tolist():
        answers = predictions.labels[:, label]
        known = ~np.isnan(answers)
        probabilities = predictions.probabilities[known, label]
        curve = label_curve(probabilities, answers[known], goals[label].costs)
        try:
            num_yes = int((answers == 1).sum())
            best = goals[label].choose(curve, f"label {names[label]}", num_yes)
        except UnreachableError as error:
            errors.append((label, error))
            continue
        table = pandas.DataFrame({"label": names[label], **curve})
        chosen[label] = table.iloc[[best]]
        curves.append(table.iloc[thinned(len(table), best, _MOST_ROWS)])
    if not chosen:
        raise errors[0][1]
    reasons = [str(error) for _, error in errors]
    if not are_known.all():
        lacking = ", ".join(
            str(names[label]) for label in np.flatnonzero(~are_known).tolist()
        )
        advice = hold_out_advice(predictions.labels, ~are_known)
        reasons.insert(0, f"No example of yes, or none of no: {lacking}. {advice}")
    if reasons:
        warnings.warn(
            f"The threshold of {len(goals) - len(chosen)} of {len(goals)} labels stays "
            f"{_UNTUNED}, because it cannot be chosen on `validation`. "
            + " ".join(reasons),
            stacklevel=stacklevel + 1,
        )
    rows = [
        chosen.get(
            label,
            pandas.DataFrame({"label": [name], "threshold": [_UNTUNED]}),
        )
        for label, name in enumerate(names)
    ]
    # In the order of the curve, also where the first label is not tuned.
    curve = pandas.concat(curves, ignore_index=True)
    return pandas.concat(rows, ignore_index=True)[list(curve.columns)], curve
