"""Which labels of data count, by their sample weights and by what they are."""

from typing import Any

import numpy as np

from keras_ccar.datasets.elements import as_numpy
from keras_ccar.posthoc.data.batches import counted_rows, require_zeros_and_ones
from keras_ccar.posthoc.data.labels import are_ignored, read_labels


def read_counted(
    given: Any,
    weights: Any,
    shape: tuple[int, ...],
    are_labels: bool,
    name: str,
    ignore_class: int | None,
    ignore_value: float | None,
    needs_labels: bool = True,
) -> tuple[np.ndarray | None, np.ndarray]:
    """Returns the labels of all rows, and which rows count.

    Args:
        given: labels, as `read_labels` takes them, or None.
        weights: sample weights of 0 and 1, of each row or, of several yes-or-no labels,
            of each answer; None if all count.
        shape: that of the predictions, `(N, ..., K)`.
        are_labels: whether the columns are yes-or-no labels.
        name: the name of the argument, for messages.
        ignore_class: the class of examples to leave out, or None.
        ignore_value: what stands for a missing answer, or None.
        needs_labels: whether the labels are used, rather than tell what to ignore.

    Returns:
        What `read_labels` returns, NaN where an answer has the weight 0, or None; and
        booleans `(M,)`.

    Raises:
        ValueError: for weights of another kind, and as `read_labels`.
    """
    left_out = _answers_left_out(weights, shape, name) if are_labels else None
    if left_out is not None:
        given, weights = _without(given, left_out), None
    counted = counted_rows(weights, shape[:-1], name)
    if given is not None and ignore_class is not None and not are_labels:
        counted &= ~are_ignored(given, shape, ignore_class)
    if not needs_labels:
        return None, counted
    labels = read_labels(given, shape, are_labels, name, ignore_class, ignore_value)
    if left_out is not None:
        labels[left_out.reshape(labels.shape)] = np.nan
    return labels, counted


def _answers_left_out(
    weights: Any, shape: tuple[int, ...], name: str
) -> np.ndarray | None:
    """Returns which answers have the weight 0; None if weights are not of answers."""
    if weights is None or shape[-1] == 1:
        return None
    values = as_numpy(weights)
    if values.shape != shape:
        return None
    require_zeros_and_ones(values, name)
    return np.asarray(values == 0)


def _without(labels: Any, left_out: np.ndarray) -> Any:
    """Returns labels in which what is left out is 0: it may be no answer at all."""
    found = None if labels is None else as_numpy(labels)
    if found is None or found.shape != left_out.shape:
        return labels  # Whoever reads them says what is wrong.
    return np.where(left_out, 0, found)
