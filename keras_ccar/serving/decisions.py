"""Turns the probabilities of yes-or-no labels into decisions."""

from typing import Any

import numpy as np

from keras_ccar.layers.thresholds import EXPECTED_THRESHOLDS, read_thresholds


def check_thresholds(thresholds: Any) -> np.ndarray | None:
    """Returns thresholds as an array of shape `()` or `(K,)`, None for None."""
    return None if thresholds is None else read_thresholds(thresholds)


def fit_thresholds(
    thresholds: np.ndarray | None, num_columns: int, are_labels: bool
) -> np.ndarray | None:
    """Returns the float32 threshold of each label of an output, `(K,)`, or None."""
    if thresholds is None:
        return None
    if not are_labels:
        raise ValueError(
            "`thresholds` must be None unless the output of `model` is yes-or-no "
            "labels, because of classes that exclude each other the most probable is "
            f"the decision. Received: thresholds={thresholds.tolist()} and a softmax "
            "output. If they are labels, pass `multi_label=True`, end the model in a "
            "sigmoid, or compile it with a binary loss."
        )
    if thresholds.shape not in ((), (num_columns,)):
        labels = "label" if num_columns == 1 else "labels"
        raise ValueError(
            f"`thresholds` must be {EXPECTED_THRESHOLDS}. Received: "
            f"{thresholds.size} for {num_columns} {labels}"
        )
    return np.broadcast_to(thresholds, (num_columns,)).astype("float32")


def decide(tf: Any, probabilities: Any, thresholds: np.ndarray) -> dict[str, Any]:
    """Returns the outputs `decisions` and `thresholds`, with a column for each name.

    A label with a column for no and one for yes is decided by its yes.
    """
    decisions = probabilities[..., -len(thresholds) :] >= thresholds
    if probabilities.shape[-1] != len(thresholds):
        decisions = tf.concat([~decisions, decisions], axis=-1)
        thresholds = np.concatenate([1 - thresholds, thresholds])
    batch = tf.shape(probabilities)[0]
    repeated = tf.tile(tf.constant(thresholds[None]), [batch, 1])
    return {"decisions": decisions, "thresholds": repeated}
