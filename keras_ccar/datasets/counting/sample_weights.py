"""Leaves out of the counting what has a sample weight of 0, as losses do."""

from typing import Any

import numpy as np

from keras_ccar.datasets.counting.forms import Form
from keras_ccar.datasets.elements import is_sequence
from keras_ccar.datasets.label_values import LabelValues


def weight_of(element: Any) -> Any:
    """Returns the sample weights of `(x, y, weight)`, None for other elements."""
    is_weighted = is_sequence(element) and len(element) == 3
    return element[2] if is_weighted else None


def without_weight_0(
    labels: LabelValues, form: Form, weight: Any
) -> tuple[LabelValues, Form]:
    """Returns labels without those of weight 0, and their form.

    Args:
        labels: the labels of an element.
        form: what their shape says, with all of them.
        weight: their sample weights, or None for none.

    Raises:
        ValueError: for weights of 0 that are not those of whole labels.
    """
    if weight is None or isinstance(weight, dict | list | tuple):
        return labels, form
    counts = np.asarray(weight) != 0
    if counts.all():
        return labels, form
    values = labels.values
    if counts.ndim == values.ndim + 1 and counts.shape[-1] == 1:
        counts = counts[..., 0]
    is_of_rows = counts.ndim < values.ndim or form is not Form.ROWS
    if (
        labels.is_ragged
        or not is_of_rows
        or counts.shape != values.shape[: counts.ndim]
    ):
        raise ValueError(
            "Sample weights of 0 must be those of whole labels to leave them out of "
            f"the counts. Received weights of shape {counts.shape} and labels of shape "
            f"{values.shape}. Pass `label_of=lambda x, y, w: ...`, which marks what "
            "does not count by the `ignore_class`, such as `np.where(w == 0, -1, y)`."
        )
    kept = values[counts]
    if not counts.ndim:  # A single label, which is left out or not.
        kept = values[:0] if values.ndim else np.zeros(0, values.dtype)
    return labels._replace(values=kept), form
