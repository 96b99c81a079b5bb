"""The labels of data that a trained model is measured on."""

from typing import Any

import numpy as np

from keras_ccar.arguments import show
from keras_ccar.datasets.elements import as_numpy
from keras_ccar.inputs.checks import SEVERAL_UNKNOWN, advise_numbers, numbering_hint


def read_labels(
    labels: Any,
    shape: tuple[int, ...],
    are_labels: bool,
    name: str,
    ignore_class: int | None,
    ignore_value: float | None,
) -> np.ndarray:
    """Returns labels, one row for each row of predictions.

    Args:
        labels: classes, integers `(N, ...)` or one-hot `(N, ..., K)`; or zeros and ones
            `(N, ..., K)` of yes-or-no labels, without the last axis of one.
        shape: that of the predictions, `(N, ..., K)`.
        are_labels: whether the columns are yes-or-no labels.
        name: the name of the argument, for messages.
        ignore_class: the class of examples to leave out, or None.
        ignore_value: what stands for a missing answer, or None.

    Returns:
        int64 classes, of shape `(M,)`; or float64 answers of shape `(M, K)`, 0, 1 and
        NaN where one is missing.

    Raises:
        ValueError: for labels of another shape, and labels out of range.
    """
    try:
        values = as_numpy(labels)
    except ValueError:  # ragged
        values = np.array(None)
    if values.dtype.kind not in "biuf":
        raise ValueError(
            f"`{name}` must have labels that are numbers. Received: {show(labels)}. "
            f"{advise_numbers(labels, shape[-1] == 1)}."
        )
    if are_labels:
        return _read_answers(values, shape, name, ignore_value)
    return _read_classes(values, shape, name, ignore_class)


def are_ignored(labels: Any, shape: tuple[int, ...], ignore_class: int) -> np.ndarray:
    """Returns which rows have the label of examples to leave out.

    Args:
        labels: classes `(N, ...)`, or one-hot, where rows of zeros are left out too.
        shape: that of the predictions, `(N, ..., K)`.
        ignore_class: the label.
    """
    values = np.asarray(as_numpy(labels))
    if values.shape in (shape[:-1], (*shape[:-1], 1)):
        return values.reshape(-1) == ignore_class
    if values.shape == shape:
        rows = values.reshape(-1, shape[-1])
        is_class = 0 <= ignore_class < shape[-1]
        return ~rows.any(axis=-1) | (
            is_class & (rows[:, ignore_class % shape[-1]] == 1)
        )
    return np.zeros(int(np.prod(shape[:-1])), bool)


def are_answers(
    labels: Any, shape: tuple[int, ...], ignore_class: int | None = None
) -> bool:
    """Whether labels have a number for each column, other than one-hot rows.

    With an `ignore_class`, rows of zeros are of examples to leave out.
    """
    try:
        values = None if labels is None else as_numpy(labels)
    except ValueError:  # ragged, as `read_labels` says
        return False
    if values is None or values.shape != shape or values.dtype.kind not in "biuf":
        return False
    sums = values.sum(axis=-1)
    is_row = sums == 1
    if ignore_class is not None:
        is_row |= sums == 0
    return not is_row.all()


def _read_classes(
    values: np.ndarray,
    shape: tuple[int, ...],
    name: str,
    ignore_class: int | None,
) -> np.ndarray:
    num_classes = shape[-1]
    if values.shape == shape and len(shape) > 1:
        rows = values.reshape(-1, num_classes).astype("float64")
        is_one_hot = ((rows == 0) | (rows == 1)).all(axis=1) & (rows.sum(axis=1) == 1)
        is_zero = ~rows.any(axis=1)
        is_ignored = is_zero if ignore_class is not None else np.zeros_like(is_zero)
        wrong_rows = rows[~(is_one_hot | is_ignored)]
        if len(wrong_rows):
            advice = "Yes-or-no labels need the counts of no and yes, of shape (K, 2)."
            if not wrong_rows.any():
                advice = (
                    "Rows of zeros are left out with an `ignore_class`, such as -1. "
                    + advice
                )
            raise ValueError(
                f"`{name}` must have one class for each example, an integer or a "
                f"one-hot row. Received: the row {wrong_rows[0].tolist()}. {advice}"
            )
        return np.where(is_ignored, ignore_class or 0, rows.argmax(axis=1))
    if values.shape not in (shape[:-1], (*shape[:-1], 1)):
        raise _shape_error(name, values.shape, shape)
    flat = values.reshape(-1)
    numbers = flat.astype("float64")
    # Infinity has no remainder.
    is_class = (numbers >= 0) & (numbers < num_classes) & (numbers == np.rint(numbers))
    if ignore_class is not None:
        is_class |= numbers == ignore_class
    wrong = flat[~is_class]
    if wrong.size:
        advice = (
            "Number the classes from 0, and give the model an output for each. Labels "
            "that stand for no class are left out by `ignore_class`."
        )
        raise ValueError(
            f"`{name}` must have labels from 0 to {num_classes - 1}, the classes of "
            f"the predictions. Received: {wrong[:5].tolist()}."
            f"{numbering_hint(flat, wrong, num_classes)} {advice}"
        )
    return flat.astype("int64")


def _read_answers(
    values: np.ndarray,
    shape: tuple[int, ...],
    name: str,
    ignore_value: float | None,
) -> np.ndarray:
    if values.shape != shape and not (shape[-1] == 1 and values.shape == shape[:-1]):
        raise _shape_error(name, values.shape, shape)
    answers = values.reshape(-1, shape[-1]).astype("float64")
    if ignore_value is not None:
        is_missing = answers == ignore_value
        if ignore_value != ignore_value:
            is_missing = np.isnan(answers)
        answers = np.where(is_missing, np.nan, answers)
        given = answers[~is_missing]
    else:
        given = answers.reshape(-1)
    wrong = given[~((given == 0) | (given == 1))]
    if wrong.size:
        advice = "What stands for a missing answer is left out by `ignore_value`."
        if ignore_value is not None:
            advice += SEVERAL_UNKNOWN.format("ignore_value")
        raise ValueError(
            f"`{name}` must have the answers 0, no, and 1, yes. Received: "
            f"{wrong[:5].tolist()}. {advice}"
        )
    return answers


def _shape_error(
    name: str, received: tuple[int, ...], shape: tuple[int, ...]
) -> ValueError:
    return ValueError(
        f"`{name}` must have one label for each prediction, of shape {shape[:-1]} or "
        f"{shape}. Received: labels of shape {received} for predictions of shape "
        f"{shape}{_axis_hint(received, shape)}"
    )


def _axis_hint(received: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """Says how to move the classes to the last axis, if labels fit then."""
    moved = (shape[0], *shape[2:], *shape[1:2])
    if len(shape) < 3 or received not in (moved[:-1], (*moved[:-1], 1), moved):
        return ""
    order = (*range(2, len(shape)), 1)
    return (
        ". If the classes are on axis 1, move them to the end: pass "
        f"`keras_ccar.posthoc.chain(model, keras.layers.Permute({order}))` as `model` "
        "or, for an array, `numpy.moveaxis(predictions, 1, -1)`"
    )
