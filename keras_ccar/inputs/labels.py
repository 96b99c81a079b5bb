"""Parses labels. Every error about labels is raised here."""

import math
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_ccar.inputs.checks import eager_value


class Labels(NamedTuple):
    """Labels in the form that losses compute with.

    Attributes:
        values: int32 class indices `(...)`, 0 where the label is not a class; or
            distributions `(..., K)`, class axis last.
        is_class: whether each integer label is a class that counts; None for
            distributions.
        is_ignored: whether each integer label is `ignore_class`; None for
            distributions.
    """

    values: Any
    is_class: Any = None
    is_ignored: Any = None

    @property
    def is_sparse(self) -> bool:
        """Whether labels are integers."""
        return self.is_class is not None

    def distributions(self, num_classes: int, dtype: str) -> Any:
        """Returns the labels as distributions `(..., K)`."""
        if not self.is_sparse:
            return self.values
        return ops.one_hot(self.values, num_classes, dtype=dtype)

    def counted_samples(self, counted: Any, dtype: str) -> Any:
        """Returns `counted`, or None, without the samples whose label is no class."""
        if not self.is_sparse:
            return counted
        is_class = ops.cast(self.is_class, dtype)
        return is_class if counted is None else counted * is_class

    def mask_losses(self, losses: Any) -> Any:
        """Sets the loss of ignored samples to 0, and of invalid labels to NaN.

        A compiled step cannot raise an error for an invalid label, so NaN must show it.
        """
        if not self.is_sparse:
            return losses
        others = ops.cast(ops.where(self.is_ignored, 0.0, float("nan")), losses.dtype)
        return ops.where(self.is_class, losses, others)


def parse_labels(
    y_true: Any,
    y_pred: Any,
    axis: int = -1,
    ignore_class: int | None = None,
    counted: Any = None,
) -> Labels:
    """Tells integer labels from distributions by their shape, and checks their values.

    Args:
        y_true: labels; see `standardize_labels`.
        y_pred: predictions, class axis last.
        axis: the class axis of the predictions before it was moved.
        ignore_class: the label of samples to leave out.
        counted: 0 for samples whose label may be anything, such as padding; or None.
    """
    y_true = ops.convert_to_tensor(y_true)
    labels, is_sparse = standardize_labels(y_true, y_pred.shape, axis)
    if not is_sparse:
        check_distributions(labels, ignore_class)
        return Labels(ops.cast(labels, y_pred.dtype))
    if counted is not None:
        is_kept = counted != 0
        if ignore_class is not None:  # Keras does not average over ignored samples.
            is_kept = is_kept | (ops.cast(labels, "int32") == ignore_class)
        labels = ops.where(is_kept, labels, ops.zeros_like(labels))
    return Labels(*to_class_indices(labels, y_pred.shape[-1], ignore_class))


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
    if _compatible(shape, pred_shape[:-1]):
        return y_true, True
    if len(shape) == len(pred_shape):
        if axis not in (-1, len(shape) - 1):
            y_true = ops.moveaxis(y_true, axis, -1)
        is_column = y_true.shape[-1] == 1
        if is_column and _compatible(tuple(y_true.shape)[:-1], pred_shape[:-1]):
            return ops.squeeze(y_true, axis=-1), True
        if _compatible(tuple(y_true.shape), pred_shape):
            return y_true, False
    raise ValueError(
        "`y_true` must be integer labels of the shape of `y_pred` without its class "
        "axis (or with a class axis of size 1), or distributions of the shape of "
        f"`y_pred`. Received: y_true.shape={shape}, y_pred.shape={pred_shape} (class "
        "axis last)"
    )


def to_class_indices(
    labels: Any, num_classes: int, ignore_class: int | None = None
) -> tuple[Any, Any, Any]:
    """Returns the values of `Labels` for integer labels of any dtype."""
    _check_class_values(labels, num_classes, ignore_class)
    classes = ops.cast(labels, "int32")
    is_class = (classes >= 0) & (classes < num_classes)
    is_class = is_class & (ops.cast(classes, labels.dtype) == labels)
    is_ignored = ops.zeros_like(is_class)
    if ignore_class is not None:
        is_ignored = classes == ignore_class
        is_class = is_class & ops.logical_not(is_ignored)
    return ops.where(is_class, classes, 0), is_class, is_ignored


def check_distributions(
    labels: Any, ignore_class: int | None = None, high: float = math.inf
) -> None:
    """Raises a `ValueError` unless distributions or targets are in `[0, high]`."""
    if ignore_class is not None:
        raise ValueError(
            "`ignore_class` applies to integer labels. Received: "
            f"ignore_class={ignore_class} and label distributions of shape "
            f"{tuple(labels.shape)}. Leave samples out with a sample weight of 0."
        )
    values = eager_value(labels)
    if values is None:
        return
    wrong = ~((values >= 0) & (values <= high) & np.isfinite(values))
    if wrong.any():
        expected = "label distributions: finite numbers of at least 0"
        if high != math.inf:
            expected = f"targets in [0, {high:g}]"
        raise ValueError(
            f"`y_true` must hold {expected}. Received: {values[wrong][:5].tolist()}"
        )


def standardize_binary_targets(
    labels: Any, y_pred: Any, num_classes: int, counted: Any = None
) -> Any:
    """Brings binary targets to the shape and dtype of predictions `(..., K)`.

    Args:
        labels: tensor of the shape of `y_pred`; without its last axis if K is 1.
        y_pred: predictions.
        num_classes: K, the number of labels.
        counted: 0 where the target may be anything, such as padding; or None.
    """
    labels = ops.cast(ops.convert_to_tensor(labels), y_pred.dtype)
    shape = tuple(y_pred.shape)
    if len(shape) < 2 or shape[-1] != num_classes:
        raise ValueError(
            "`class_counts` must have one entry for each label on the last axis of "
            f"`y_pred`, which has a rank of at least 2. Received {num_classes} counts "
            f"and y_pred.shape={shape}."
        )
    if num_classes == 1 and _compatible(tuple(labels.shape), shape[:-1]):
        labels = ops.expand_dims(labels, -1)
    if not _compatible(tuple(labels.shape), shape):
        raise ValueError(
            "`y_true` must have the shape of `y_pred`: one target in [0, 1] for each "
            f"label. Received: y_true.shape={tuple(labels.shape)}, "
            f"y_pred.shape={shape}"
        )
    if counted is not None:
        labels = ops.where(counted != 0, labels, ops.zeros_like(labels))
    check_distributions(labels, high=1.0)
    return labels


def _check_class_values(
    labels: Any, num_classes: int, ignore_class: int | None
) -> None:
    values = eager_value(labels)
    if values is None:
        return
    values = values.astype("float64")
    wrong = (values != np.floor(values)) | (values < 0) | (values >= num_classes)
    if ignore_class is not None:
        wrong &= values != ignore_class
    if wrong.any():
        raise ValueError(
            f"`y_true` must hold integer labels in [0, {num_classes}). Received: "
            f"{values[wrong][:5].tolist()}. To leave a label out, pass it as "
            "`ignore_class`."
        )


def _compatible(
    shape: tuple[int | None, ...], expected: tuple[int | None, ...]
) -> bool:
    return len(shape) == len(expected) and all(
        a is None or b is None or a == b for a, b in zip(shape, expected, strict=True)
    )
