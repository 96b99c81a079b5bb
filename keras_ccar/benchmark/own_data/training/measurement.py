"""Measures predictions: the columns of a comparison, and the recall of each class."""

from typing import Any

import numpy as np

from keras_ccar.benchmark.own_data.planning.columns import LABELS, SOFTMAX
from keras_ccar.benchmark.own_data.planning.problem import Problem
from keras_ccar.benchmark.training.evaluation import DECIMALS
from keras_ccar.posthoc.by_class.class_evaluation import evaluate_classes
from keras_ccar.posthoc.data.predictions import Predictions

# Intervals of a single run are not shown: those of a comparison are over its seeds.
_RESAMPLES = 2
_IN_PERCENT = 100.0


def measure(
    predictions: Predictions, problem: Problem, answers: np.ndarray | None = None
) -> tuple[dict[str, float | None], list[float | None]]:
    """Measures predictions on labelled data.

    Args:
        predictions: of the data.
        problem: what they are predictions of.
        answers: what was decided for each label, booleans `(N, K)`, where it was not
            decided at one half.

    Returns:
        The columns of the kind of output, in percent but `log_loss`, and the recall of
        each class in percent; of labels that of yes. None where there is no example.
        Labels without a yes have no part in columns that depend on the decisions.
    """
    labels = predictions.labels
    totals, classes = _evaluate(predictions.logits, labels, problem.unweighted_counts)
    outputs = predictions.logits
    if answers is not None:
        outputs = np.where(answers, 1.0, -1.0)
    decided, decided_classes = _decisions(outputs, labels, problem)
    recalls = decided_classes["recall"].to_numpy(dtype="float64")
    shared = {
        "ece": _rounded(totals["calibration_error"] * _IN_PERCENT),
        "log_loss": _rounded(totals["log_loss"]),
    }
    balanced = decided["balanced_accuracy"]
    if problem.kind == SOFTMAX:
        found = {
            "top1": decided["accuracy"],
            "balanced": balanced,
            "macro_f1": decided["macro_f1"],
            **{group: decided.get(group) for group in ("many", "medium", "few")},
        }
    else:
        # Of one label the rows are no and yes.
        rows = slice(-1, None) if problem.num_columns == 1 else slice(None)

        def mean(table: Any, column: str) -> float:
            values = table[column].to_numpy(dtype="float64")[rows]
            known = values[~np.isnan(values)]
            return float(known.mean()) if known.size else float("nan")

        found = {
            "average_precision": mean(classes, "average_precision"),
            "balanced": balanced,
            "recall": mean(decided_classes, "recall"),
            "precision": mean(decided_classes, "precision"),
            "f1": mean(decided_classes, "f1"),
            "gmean": decided["geometric_mean"],
        }
    in_percent = {name: _in_percent(value) for name, value in found.items()}
    return {**in_percent, **shared}, [_in_percent(value) for value in recalls]


def _decisions(
    outputs: np.ndarray, labels: np.ndarray, problem: Problem
) -> tuple[dict[str, float], Any]:
    """Evaluates what is decided, without labels that no example has.

    Nobody knows how these would be found, and never to answer them is no success.
    """
    counts = problem.unweighted_counts
    totals, classes = _evaluate(outputs, labels, counts)
    if problem.kind == LABELS:
        has_yes = (labels == 1).any(axis=0)
        if has_yes.any() and not has_yes.all():
            classes.loc[~has_yes, ["precision", "f1"]] = np.nan
            some = [counts[row] for row in np.flatnonzero(has_yes)]
            totals, _ = _evaluate(
                outputs[:, has_yes],
                labels[:, has_yes],
                some if len(some) > 1 else some[0],
            )
    return totals, classes


def _evaluate(
    logits: np.ndarray, labels: np.ndarray, counts: list[Any]
) -> tuple[dict[str, float], Any]:
    given, ignore_value = labels, None
    if labels.ndim == 2:  # Unknown answers are NaN.
        given, ignore_value = labels.astype("float32"), float("nan")
    report = evaluate_classes(
        logits,
        given,
        counts,
        from_logits=True,
        ignore_value=ignore_value,
        resamples=_RESAMPLES,
    )
    return report.totals["value"].to_dict(), report.classes


def _in_percent(share: Any) -> float | None:
    return None if share is None else _rounded(_IN_PERCENT * share)


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), DECIMALS)
