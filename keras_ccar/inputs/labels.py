"""Parses labels. Every error about integer labels and their shapes is raised here."""

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_ccar.inputs.checks import eager_value, numbering_hint
from keras_ccar.inputs.distributions import TAGS_IN_LOSSES, parse_distributions


class Labels(NamedTuple):
    """Labels in the form that losses and metrics compute with.

    Attributes:
        values: int32 class indices `(...)`, 0 where the label is not a class; or
            distributions `(..., K)`, class axis last, 0 where a sample is left out.
        is_class: whether each label, or row, is one that counts, or is left out by a
            mask or weight. None if all are known to count.
        is_ignored: whether each label, or row, stands for `ignore_class`; None as well.
        is_sparse: whether labels are integers.
    """

    values: Any
    is_class: Any
    is_ignored: Any
    is_sparse: bool

    def distributions(self, num_classes: int, dtype: str) -> Any:
        """Returns the labels as distributions `(..., K)`."""
        if not self.is_sparse:
            return self.values
        return ops.one_hot(self.values, num_classes, dtype=dtype)

    def counted_samples(self, counted: Any, dtype: str) -> Any:
        """Returns `counted` without the samples whose label is no class.

        None for distributions, whose rows are zeros where they do not count, and where
        all samples count.
        """
        if not self.is_sparse:
            return None
        if self.is_class is None:
            return counted
        is_class = ops.cast(self.is_class, dtype)
        return is_class if counted is None else counted * is_class

    def mask_losses(self, losses: Any) -> Any:
        """Sets the loss of ignored samples to 0, and of invalid labels to NaN.

        A compiled step cannot raise an error for an invalid label, so NaN must show it.
        """
        if self.is_class is None:
            return losses
        others = ops.cast(ops.where(self.is_ignored, 0.0, float("nan")), losses.dtype)
        return ops.where(self.is_class, losses, others)


def parse_labels(
    y_true: Any,
    y_pred: Any,
    axis: int = -1,
    ignore_class: int | None = None,
    counted: Any = None,
    for_tags: str = TAGS_IN_LOSSES,
) -> Labels:
    """Tells integer labels from distributions by their shape, and checks their values.

    Args:
        y_true: labels; see `standardize_labels`.
        y_pred: predictions, class axis last.
        axis: the class axis of the predictions before it was moved.
        ignore_class: the label of samples to leave out.
        counted: 0 for samples whose label may be anything, such as padding; or None.
        for_tags: what the error of a row with several ones advises.
    """
    y_true = ops.convert_to_tensor(y_true)
    labels, is_sparse = standardize_labels(y_true, y_pred.shape, axis)
    if is_sparse:
        parsed = to_class_indices(labels, y_pred.shape[-1], ignore_class, counted)
    else:
        labels = ops.cast(labels, y_pred.dtype)
        parsed = parse_distributions(labels, ignore_class, counted, for_tags)
    return Labels(*parsed, is_sparse=is_sparse)


def standardize_labels(
    y_true: Any, pred_shape: tuple[int | None, ...], axis: int
) -> tuple[Any, bool]:
    """Brings labels to the shape of the loss of each sample, or of the logits.

    Args:
        y_true: tensor of integer labels `(...)` or `(..., 1)`, in any dtype, or of
            distributions `(..., K)`; its class axis is that of the predictions.
        pred_shape: shape of the predictions, class axis last.
        axis: the class axis of the predictions before it was moved.

    Returns:
        A pair `(labels, is_sparse)`: labels `(...)` if sparse, otherwise distributions
        `(..., K)`, class axis last.
    """
    try:
        shape = tuple(y_true.shape)
    except ValueError as error:  # a TensorFlow tensor of unknown rank
        raise ValueError(
            "`y_true` must have a known rank, which tells integer labels from "
            "distributions. Received a tensor of unknown rank. Give it a static shape, "
            "for example with `tf.ensure_shape`."
        ) from error
    pred_shape = tuple(pred_shape)
    if shapes_fit(shape, pred_shape[:-1]):
        return y_true, True
    if len(shape) == len(pred_shape):
        if axis not in (-1, len(shape) - 1):
            y_true = ops.moveaxis(y_true, axis, -1)
        is_column = y_true.shape[-1] == 1
        if is_column and shapes_fit(tuple(y_true.shape)[:-1], pred_shape[:-1]):
            return ops.squeeze(y_true, axis=-1), True
        if shapes_fit(tuple(y_true.shape), pred_shape):
            if y_true.shape[-1] is None:  # A column of integers would broadcast.
                sizes = (*ops.shape(y_true)[:-1], pred_shape[-1])
                y_true = ops.reshape(y_true, sizes)
            return y_true, False
    pred_shape = with_class_axis(pred_shape, axis)
    raise ValueError(
        "`y_true` must be integer labels of the shape of `y_pred` without its class "
        "axis (or with a class axis of size 1), or distributions of the shape of "
        f"`y_pred`. Received: y_true.shape={shape}, y_pred.shape={pred_shape}, "
        f"axis={axis}.{_axis_hint(shape, pred_shape)}"
    )


def _axis_hint(
    shape: tuple[int | None, ...], pred_shape: tuple[int | None, ...]
) -> str:
    """Says which class axis would make integer labels fit, if one would."""
    for axis in range(1, len(pred_shape)):
        if shapes_fit(shape, pred_shape[:axis] + pred_shape[axis + 1 :]):
            return f" If the classes are on axis {axis}, pass `axis={axis}`."
    return ""


def to_class_indices(
    labels: Any,
    num_classes: int,
    ignore_class: int | None = None,
    counted: Any = None,
) -> tuple[Any, Any, Any]:
    """Returns the values of `Labels` for integer labels of any dtype."""
    classes = ops.cast(labels, "int32")
    if ignore_class is None and counted is None:
        known = eager_value(labels)
        if known is not None and _are_classes(known, num_classes):
            return classes, None, None
    is_whole = ops.cast(classes, labels.dtype) == labels
    is_class = is_whole & (classes >= 0) & (classes < num_classes)
    is_ignored = ops.zeros_like(is_class)
    if ignore_class is not None:
        is_ignored = is_whole & (classes == ignore_class)
        is_class = is_class & ops.logical_not(is_ignored)
    is_valid = is_class
    if counted is not None:
        is_left_out = (counted == 0) & ops.logical_not(is_ignored)
        is_class = is_class | is_left_out
        is_valid = is_class & ops.logical_not(is_left_out)
    _check_class_values(labels, is_class | is_ignored, num_classes)
    return ops.where(is_valid, classes, 0), is_class, is_ignored


def _are_classes(labels: np.ndarray, num_classes: int) -> bool:
    if not labels.size:
        return True
    is_whole = labels.dtype.kind in "iu" or bool((labels == np.rint(labels)).all())
    return is_whole and bool(labels.min() >= 0 and labels.max() < num_classes)


def _check_class_values(labels: Any, is_right: Any, num_classes: int) -> None:
    right = eager_value(is_right)
    if right is None or right.all():
        return
    known = np.asarray(eager_value(labels))
    wrong = known[~right]
    raise ValueError(
        f"`y_true` must hold integer labels in [0, {num_classes}). Received: "
        f"{wrong[:5].tolist()}.{numbering_hint(known, wrong, num_classes)} To leave "
        "samples out, pass their label as `ignore_class`, or a `sample_weight` of 0."
    )


def with_class_axis(shape: tuple[int | None, ...], axis: int) -> tuple[int | None, ...]:
    """Returns a static shape whose class axis is the last with that axis moved back."""
    *others, num_classes = shape
    others.insert(axis % len(shape), num_classes)
    return tuple(others)


def shapes_fit(shape: tuple[int | None, ...], expected: tuple[int | None, ...]) -> bool:
    """Tells whether two static shapes agree, as far as they are known."""
    return len(shape) == len(expected) and all(
        a is None or b is None or a == b for a, b in zip(shape, expected, strict=True)
    )
