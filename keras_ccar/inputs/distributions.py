"""Reads label distributions. Every error about their rows is raised here."""

from typing import Any

import numpy as np
from keras import ops

from keras_ccar.inputs.checks import ROW_SUM_TOLERANCE, eager_value

TAGS_IN_LOSSES = (
    "For tags, of which an example may have several, use a binary loss such as "
    "`BinaryCCARLoss`."
)


def parse_distributions(
    labels: Any,
    ignore_class: int | None = None,
    counted: Any = None,
    for_tags: str = TAGS_IN_LOSSES,
) -> tuple[Any, Any, Any]:
    """Returns the values of `Labels` for distributions.

    A row must sum to 1. If there is an `ignore_class`, a row of zeros is ignored (it is
    the one-hot of a label outside of the classes), and so is a row with its whole mass
    on the `ignore_class`.

    Args:
        labels: float tensor `(..., K)`, class axis last.
        ignore_class: the label of samples to leave out, or None.
        counted: 0 for samples whose row may be anything, such as padding; or None.
        for_tags: what the error of a row with several ones advises.
    """
    if ignore_class is None and counted is None and _are_distributions(labels):
        return labels, None, None
    values = eager_value(labels)
    is_traced = values is None or (counted is not None and eager_value(counted) is None)
    given = labels
    if is_traced or ignore_class is not None:
        # Marks negative entries, for which the sum of a row is no sign.
        labels = ops.where(labels < 0, float("nan"), labels)
    # Without `ignore_class` the marks make the loss NaN anyway, and to sum the labels
    # as they came takes a third of the time.
    total = ops.sum(given if ignore_class is None else labels, axis=-1)
    is_class = ops.abs(total - 1.0) <= ROW_SUM_TOLERANCE
    is_ignored = ops.zeros_like(is_class)
    is_without_row = None
    if ignore_class is not None:
        is_ignored = total == 0
        if 0 <= ignore_class < labels.shape[-1]:
            mass = labels[..., ignore_class]
            is_ignored = is_ignored | (is_class & (mass == total))
            is_class = is_class & (mass == 0)
            is_without_row = is_ignored
    if counted is not None:
        is_left_out = counted == 0
        # Keras does not average over ignored samples, but over those of weight 0.
        is_class = is_class | (is_left_out & ops.logical_not(is_ignored))
        is_without_row = (
            is_left_out if is_without_row is None else is_left_out | is_without_row
        )
    if is_without_row is not None:
        is_without_row = ops.expand_dims(is_without_row, -1)
        labels = ops.where(is_without_row, ops.zeros_like(labels), labels)
    if not is_traced:
        is_right = eager_value(is_class | is_ignored)
        is_right = is_right & ~(eager_value(labels) < 0).any(axis=-1)
        _check_rows(values, is_right, ignore_class, for_tags)
    return labels, is_class, is_ignored


def _are_distributions(labels: Any) -> bool:
    """Tells whether the rows of a tensor are known to be distributions."""
    if 0 in labels.shape or eager_value(labels[:0]) is None:
        return False
    distance = np.abs(eager_value(ops.sum(labels, axis=-1)) - 1.0)
    # NaN is in no range.
    return bool((distance <= ROW_SUM_TOLERANCE).all() and ops.min(labels) >= 0)


def _check_rows(
    values: np.ndarray,
    is_right: np.ndarray,
    ignore_class: int | None,
    for_tags: str,
) -> None:
    if is_right.all():
        return
    rows = values[~is_right]
    # Tags have rows of zeros and of a single one as well, which tell less.
    several_ones = ((rows == 0) | (rows == 1)).all(axis=-1) & rows.any(axis=-1)
    row = rows[np.argmax(several_ones)]
    with np.errstate(invalid="ignore"):  # of infinities
        total = row.sum()
    expected = "`y_true` must hold label distributions"
    received = f"Received a row with {_describe(row)}"
    if not ((row >= 0) & np.isfinite(row)).all():
        problem = f"{expected}: finite numbers of at least 0. {received}."
    elif total == 0:
        problem = (
            f"{expected}, whose rows sum to 1. Received a row of zeros. If its sample "
            "has no label, pass `ignore_class` (such as -1: any number that is no "
            "class) or a `sample_weight` of 0 for the sample."
        )
    elif several_ones.any() and total > 1:
        problem = (
            f"{expected}, whose rows sum to 1, because the classes exclude each other. "
            f"{received}. {for_tags}"
        )
    elif abs(total - 1.0) > ROW_SUM_TOLERANCE:
        problem = (
            f"{expected}, whose rows sum to 1. {received}, which sums to {total:.4g}. "
            f"Divide every row by its sum. {for_tags}"
        )
    else:
        problem = (
            f"{expected} that have all of their mass or none on the `ignore_class` "
            f"{ignore_class}. {received}. Give the sample a `sample_weight` of 0, or "
            "divide its mass among the other classes."
        )
    raise ValueError(problem)


def _describe(row: np.ndarray) -> str:
    classes = np.flatnonzero(row)
    shown = [f"{row[c]:.4g} in class {c}" for c in classes[:5]]
    return ", ".join(shown + ["..."] * (len(classes) > 5))
