"""One row for each class: how often it was found, and how surely."""

from typing import Any

import numpy as np

from keras_ccar.posthoc.by_class.groups import names_of_groups
from keras_ccar.posthoc.by_class.scores import decide
from keras_ccar.posthoc.by_class.shares import effective_size, share_bounds
from keras_ccar.posthoc.data.predictions import Predictions
from keras_ccar.posthoc.result import require_posthoc

_SCORES = (
    "precision",
    "precision_low",
    "precision_high",
    "recall",
    "recall_low",
    "recall_high",
    "f1",
    "average_precision",
    "mean_confidence",
    "calibration_gap",
)
COLUMNS = (
    "training_examples",
    "shot_group",
    "support",
    *_SCORES,
    "most_frequent_wrong_answer",
)


def class_table(
    predictions: Predictions,
    training_examples: np.ndarray | None,
    groups: dict[str, np.ndarray],
    class_names: list[str],
    units: np.ndarray,
) -> Any:
    """Returns a DataFrame with a row for each class, or label, and `COLUMNS`.

    Without training examples, `training_examples` and `shot_group` are left out.

    Args:
        predictions: of classes that exclude each other, or of labels.
        training_examples: of each class, or positives of each label; None if they are
            not known.
        groups: which classes belong to each shot group.
        class_names: a name for each row.
        units: the unit of each row of the predictions; see `effective_size`.
    """
    pandas = require_posthoc("pandas", "pandas")
    answers = decide(predictions.logits, predictions.are_labels)
    probabilities = predictions.probabilities
    rows = []
    for k in range(len(class_names)):
        column = probabilities[:, k]
        if predictions.are_labels:
            known = ~np.isnan(predictions.labels[:, k])
            is_class = predictions.labels[known, k] == 1
            answered = answers[known, k] == 1
            rows.append(_row(is_class, answered, column[known], units[known]))
        else:
            rows.append(_row(predictions.labels == k, answers == k, column, units))
    table = pandas.DataFrame(rows, index=pandas.Index(class_names, name="class"))
    for score in ("precision", "recall"):
        sizes = table.pop(f"{score}_size")
        low, high = share_bounds(table[score], sizes)
        table[f"{score}_low"], table[f"{score}_high"] = low, high
    if training_examples is not None:
        table["training_examples"] = training_examples
        table["shot_group"] = names_of_groups(groups, len(class_names))
    table["most_frequent_wrong_answer"] = _wrong_answers(
        predictions, answers, class_names
    )
    return table[[column for column in COLUMNS if column in table]]


def _row(
    is_class: np.ndarray,
    answered: np.ndarray,
    probability: np.ndarray,
    units: np.ndarray,
) -> dict[str, float]:
    """Returns the scores of one class against the rest.

    Args:
        is_class: whether each example is of the class.
        answered: whether the class was answered.
        probability: that of the class.
        units: the unit of each example.
    """
    metrics = require_posthoc("sklearn.metrics", "scikit-learn")
    if not len(is_class):  # a label that no example has an answer for
        nothing = dict.fromkeys(_SCORES, np.nan)
        return {"support": 0, "precision_size": 0, "recall_size": 0, **nothing}
    support, num_answers = int(is_class.sum()), int(answered.sum())
    # As in scikit-learn, a class that is never answered has a precision of 0.
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        is_class, answered, average="binary", zero_division=0
    )
    row = {
        "support": support,
        "precision": precision,
        "precision_size": effective_size(is_class[answered], units[answered]),
        "recall": np.nan,
        "recall_size": effective_size(answered[is_class], units[is_class]),
        "f1": f1 if support or num_answers else np.nan,
        "average_precision": np.nan,
        "mean_confidence": np.nan,
        "calibration_gap": np.nan,
    }
    if 0 < support < len(is_class):  # Without others it would be 1 of any model.
        row["average_precision"] = metrics.average_precision_score(
            is_class, probability
        )
    if support:
        row["recall"] = recall
        row["mean_confidence"] = probability[is_class].mean()
    if num_answers:
        row["calibration_gap"] = probability[answered].mean() - precision
    return row


def _wrong_answers(
    predictions: Predictions, answers: np.ndarray, class_names: list[str]
) -> list[str]:
    """Returns what examples of each class are most often taken for, "" for nothing.

    Of a label it is the error that is more frequent: "no" or "yes".
    """
    if predictions.are_labels:
        labels = predictions.labels
        missed = ((labels == 1) & (answers == 0)).sum(axis=0)
        false_alarms = ((labels == 0) & (answers == 1)).sum(axis=0)
        pairs = zip(missed, false_alarms, strict=True)
        return [
            "" if not miss + alarm else "no" if miss >= alarm else "yes"
            for miss, alarm in pairs
        ]
    names = []
    for k in range(len(class_names)):
        given = answers[(predictions.labels == k) & (answers != k)]
        names.append(class_names[np.bincount(given).argmax()] if given.size else "")
    return names
