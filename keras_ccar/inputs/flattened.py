"""Flattens the arguments of metrics to rows: the one place that reads all their forms.

Labels either exclude each other (one class for each sample) or are independent (yes
or no for each of K labels). One column of yes or no is two classes of the first kind.
"""

import math
from typing import Any, NamedTuple

from keras import ops

from keras_ccar.arguments import argument_error
from keras_ccar.inputs.binary_targets import parse_binary_targets
from keras_ccar.inputs.checks import check_finite, to_numeric_tensor
from keras_ccar.inputs.labels import parse_labels, shapes_fit
from keras_ccar.inputs.predictions import (
    check_num_classes,
    class_axis,
    move_class_axis_last,
    probabilities_or_nan,
)
from keras_ccar.inputs.samples import align_weights
from keras_ccar.keras_internals import get_keras_mask

_TAGS = (
    "This metric is for such classes, unless you say otherwise. For tags, of which an "
    "example may have several, pass `multi_label=True` to it, and `from_logits=True` "
    "if the model outputs logits."
)
_ONE_COLUMN = (
    "One sigmoid column of yes or no has two classes: pass `num_classes=2`, or "
    "`class_counts=[no, yes]`."
)


class Reading(NamedTuple):
    """How a metric reads its arguments.

    Attributes:
        num_classes: K, or None for the size of the class axis.
        argument: the argument of the metric that gives K.
        ignore_class: the label of samples to leave out, or None.
        axis: the class axis of predictions, and of labels that have one.
        multi_label: whether labels are independent.
        ignore_value: the value of unknown yes-or-no targets, or None.
        threshold: the probability of yes above which the answer is yes.
        from_logits: whether predictions are logits rather than probabilities.
    """

    num_classes: int | None = None
    argument: str = "num_classes"
    ignore_class: int | None = None
    axis: int = -1
    multi_label: bool = False
    ignore_value: float | None = None
    threshold: float = 0.5
    from_logits: bool = False

    @property
    def cut(self) -> float:
        """The prediction above which the answer is yes."""
        if not self.from_logits:
            return self.threshold
        if self.threshold in (0, 1):
            return math.inf if self.threshold else -math.inf
        return math.log(self.threshold) - math.log1p(-self.threshold)


class Rows(NamedTuple):
    """One row for each sample.

    Attributes:
        labels: int32 classes `(N,)`, or `(N, K)` of 0 and 1 if labels are independent.
        predicted: int32 classes, or 0 and 1, that the predictions amount to.
        weights: float32 of the same shape: 0 for what is left out. What is invalid is
            an error, or has weight NaN in a compiled step, which cannot raise one. So
            has what counts and whose prediction is NaN.
        y_pred: float32 predictions `(N, K)`, anything where the weight is 0. One column
            has become two: probabilities, or logits of which the first is 0.
    """

    labels: Any
    predicted: Any
    weights: Any
    y_pred: Any

    @property
    def is_independent(self) -> bool:
        """Whether labels are independent of each other."""
        return len(self.labels.shape) == 2


def flatten_samples(
    y_true: Any, y_pred: Any, sample_weight: Any, reading: Reading
) -> Rows:
    """Flattens labels, predictions and weights to one row for each sample.

    Args:
        y_true: labels `(...)` or `(..., 1)` in any dtype, or distributions
            `(..., K)`, which are reduced to their most probable class; or targets in
            [0, 1] of the shape of the predictions, if labels are independent.
        y_pred: predictions `(..., K)`, or of yes or no `(..., 1)`, or `(N,)` for labels
            `(N,)`. A mask that Keras attached to them is applied.
        sample_weight: weights or mask that broadcast to `(...)`, or to `(..., K)` if
            labels are independent; or None.
        reading: how the metric reads them.
    """
    mask = get_keras_mask(y_pred)
    y_true = to_numeric_tensor("y_true", y_true)
    y_pred = to_numeric_tensor("y_pred", y_pred)
    y_pred = _with_class_axis(y_true, y_pred, reading)
    is_column = _is_one_column(tuple(y_pred.shape), reading)
    if not is_column:
        check_num_classes(
            y_pred.shape,
            reading.num_classes,
            reading.axis,
            reading.argument,
            one_column=_ONE_COLUMN,
            smallest=1 if reading.multi_label else 2,
        )
    axis = class_axis(reading.axis, tuple(y_pred.shape))
    y_pred = move_class_axis_last(y_pred, axis, "float32")
    shape = tuple(y_pred.shape) if reading.multi_label else tuple(y_pred.shape)[:-1]
    counted = None
    for name, factor in (("sample_weight", sample_weight), ("mask", mask)):
        if factor is not None:
            factor = to_numeric_tensor(name, factor, "float32")
            check_finite(name, factor)
            if reading.multi_label and len(factor.shape) == len(shape):
                factor = move_class_axis_last(factor, axis, "float32")
            factor = align_weights(factor, shape, name)
            counted = factor if counted is None else counted * factor
    if reading.multi_label:
        return _rows(*_read_answers(y_true, y_pred, counted, axis, reading))
    if is_column:
        counted = None if counted is None else ops.expand_dims(counted, -1)
        *answers, yes = _read_answers(y_true, y_pred, counted, axis, reading)
        no = ops.zeros_like(yes) if reading.from_logits else 1.0 - yes
        both = ops.concatenate([no, yes], axis=-1)
        labels, said, weights = (ops.squeeze(part, axis=-1) for part in answers)
        return _rows(labels, said, weights, both)
    _check_no_answers(y_pred.shape[-1], reading)
    return _rows(*_read_classes(y_true, y_pred, counted, reading))


def _with_class_axis(y_true: Any, y_pred: Any, reading: Reading) -> Any:
    """Returns predictions of yes or no `(N,)` as a column, if labels have their shape.

    With more axes, the last could be that of the classes.
    """
    is_yes_or_no = reading.num_classes in (None, 1 if reading.multi_label else 2)
    if len(y_pred.shape) != 1 or reading.axis != -1 or not is_yes_or_no:
        return y_pred
    is_same = shapes_fit(tuple(y_true.shape), tuple(y_pred.shape))
    return ops.expand_dims(y_pred, -1) if is_same else y_pred


def _is_one_column(shape: tuple[int | None, ...], reading: Reading) -> bool:
    is_yes_or_no = not reading.multi_label and reading.num_classes in (None, 2)
    return (
        is_yes_or_no and len(shape) > 1 and shape[class_axis(reading.axis, shape)] == 1
    )


def _check_no_answers(num_classes: int, reading: Reading) -> None:
    """Raises a `ValueError` for arguments that only answers of yes or no have."""
    expected = f"for predictions of {num_classes} classes that exclude each other"
    if reading.ignore_value is not None:
        raise argument_error(
            "ignore_value",
            reading.ignore_value,
            f"None {expected}",
            "Pass the label of samples to leave out as `ignore_class`, or "
            "`multi_label=True` for independent labels.",
        )
    if reading.threshold != 0.5:
        raise argument_error(
            "threshold",
            reading.threshold,
            f"0.5, as it is by default, {expected}: the largest prediction decides",
            "Pass `multi_label=True` for independent labels.",
        )


def _read_classes(
    y_true: Any, y_pred: Any, counted: Any, reading: Reading
) -> tuple[Any, Any, Any, Any]:
    """Returns classes, predicted ones and weights `(...)`, and predictions."""
    labels = parse_labels(
        y_true, y_pred, reading.axis, reading.ignore_class, counted, _TAGS
    )
    weights = ops.ones(ops.shape(y_pred)[:-1], "float32")
    weights = weights if counted is None else weights * counted
    weights = labels.mask_losses(weights)
    # The argmax of NaN would be a class.
    is_nan = ops.any(ops.isnan(y_pred), axis=-1)
    values = labels.values
    if not labels.is_sparse:
        is_nan = is_nan | ops.any(ops.isnan(values), axis=-1)
        values = ops.cast(ops.argmax(values, axis=-1), "int32")
    weights = ops.where(is_nan & (weights != 0), float("nan"), weights)
    return values, ops.cast(ops.argmax(y_pred, axis=-1), "int32"), weights, y_pred


def _read_answers(
    y_true: Any, y_pred: Any, counted: Any, axis: int, reading: Reading
) -> tuple[Any, Any, Any, Any]:
    """Returns yes-or-no labels, answers, weights and predictions, all `(..., K)`."""
    num_labels = y_pred.shape[-1]
    if len(y_true.shape) == len(y_pred.shape):
        y_true = move_class_axis_last(y_true, axis, None)
    elif num_labels == 1 and len(y_true.shape) == len(y_pred.shape) - 1:
        y_true = ops.expand_dims(y_true, -1)
    if reading.ignore_class is not None and shapes_fit(
        tuple(y_true.shape), tuple(y_pred.shape)
    ):
        others = ops.cast(y_true != reading.ignore_class, "float32")
        counted = others if counted is None else counted * others
    targets = parse_binary_targets(
        y_true, y_pred, num_labels, reading.ignore_value, counted
    )
    weights = ops.ones_like(y_pred)
    if targets.counted is not None:
        weights = weights * targets.counted
    if not reading.from_logits:
        y_pred = probabilities_or_nan(ops.where(weights == 0, 0.0, y_pred))
        # Half precision rounds to just above 1.
        y_pred = ops.where(y_pred > 1.0, 1.0, y_pred)
    is_nan = ops.isnan(y_pred) | ops.isnan(targets.values)
    weights = ops.where(is_nan & (weights != 0), float("nan"), weights)
    # A soft target is reduced to the more probable answer, as distributions are.
    labels = ops.cast(targets.values > 0.5, "int32")
    return labels, ops.cast(y_pred > reading.cut, "int32"), weights, y_pred


def _rows(labels: Any, predicted: Any, weights: Any, y_pred: Any) -> Rows:
    num_labels = y_pred.shape[-1]
    is_independent = len(labels.shape) == len(y_pred.shape)
    shape = (-1, num_labels) if is_independent else (-1,)
    return Rows(
        ops.reshape(labels, shape),
        ops.reshape(predicted, shape),
        ops.reshape(weights, shape),
        ops.reshape(y_pred, (-1, num_labels)),
    )
