"""Parses and checks labels; every error about labels is raised here."""

import math
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_ccar.inputs.checks import eager_value


class Labels(NamedTuple):
    """Labels in the form that the engine computes with.

    Attributes:
        values: int32 classes `(...)`, 0 for labels that are no class; or distributions
            `(..., K)`, class axis last.
        is_class: of integer labels, which are classes that count; else None.
        is_ignored: of integer labels, which are ignored; else None.
    """

    values: Any
    is_class: Any = None
    is_ignored: Any = None

    @property
    def is_sparse(self):
        """Whether labels are integers."""
        return self.is_class is not None

    def distributions(self, num_classes, dtype):
        """Returns the labels as distributions `(..., K)`."""
        if not self.is_sparse:
            return self.values
        return ops.one_hot(self.values, num_classes, dtype=dtype)

    def counted_samples(self, counted, dtype):
        """Returns which samples count: of those counted, the ones with a class."""
        if not self.is_sparse:
            return counted
        is_class = ops.cast(self.is_class, dtype)
        return is_class if counted is None else counted * is_class

    def mask_losses(self, losses):
        """Gives ignored samples a loss of 0, and labels that are no class one of NaN.

        In a compiled step, where labels cannot be checked, a wrong one must not pass
        for a loss of 0.
        """
        if not self.is_sparse:
            return losses
        others = ops.cast(ops.where(self.is_ignored, 0.0, float("nan")), losses.dtype)
        return ops.where(self.is_class, losses, others)


def parse_labels(y_true, y_pred, axis=-1, ignore_class=None, counted=None):
    """Tells integer labels from distributions by their shape, and checks them.

    Args:
        y_true: labels, as for `standardize_labels`.
        y_pred: predictions, class axis last.
        axis: the class axis of the predictions, as the user gave it.
        ignore_class: label of samples to leave out.
        counted: 0 for samples whose label may be anything, as in padding; or None.

    Returns:
        `Labels`.

    Raises:
        ValueError: if the shape fits neither form or, outside a compiled step, for
            values that are no classes or distributions.
    """
    y_true = ops.convert_to_tensor(y_true)
    labels, is_sparse = standardize_labels(y_true, y_pred.shape, axis)
    if not is_sparse:
        check_distributions(labels, ignore_class)
        return Labels(ops.cast(labels, y_pred.dtype))
    if counted is not None:
        is_kept = counted != 0
        if ignore_class is not None:  # Ignored all the same: Keras leaves them out.
            is_kept = is_kept | (ops.cast(labels, "int32") == ignore_class)
        labels = ops.where(is_kept, labels, ops.zeros_like(labels))
    return Labels(*to_class_indices(labels, y_pred.shape[-1], ignore_class))


def standardize_labels(y_true, pred_shape, axis):
    """Brings labels to the shape of the per-sample loss, or of the logits.

    Args:
        y_true: tensor of integer labels `(...)` or `(..., 1)`, in any dtype, or of
            distributions `(..., K)`; the class axis stands where it does in the
            predictions.
        pred_shape: shape of the predictions, class axis last.
        axis: the class axis of the predictions, as the user gave it.

    Returns:
        A pair `(labels, is_sparse)`: labels `(...)` if sparse, distributions
        `(..., K)` with the class axis last if not.

    Raises:
        ValueError: if the shape fits neither form.
    """
    try:
        shape = tuple(y_true.shape)
    except ValueError as error:  # a TensorFlow tensor of unknown rank
        raise ValueError(
            "`y_true` must have a known rank, for integer labels to be told from "
            "distributions. Received a tensor of unknown rank: give it a static shape, "
            "e.g. with `tf.ensure_shape`."
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


def to_class_indices(labels, num_classes, ignore_class=None):
    """Returns integer labels that can be used as indices, and which of them count.

    Args:
        labels: tensor of integer labels of any dtype.
        num_classes: K.
        ignore_class: label of samples to leave out.

    Returns:
        A tuple of tensors of the labels' shape: int32 labels in [0, K), 0 where the
        label is no class; whether it is a class that counts; whether it is ignored.

    Raises:
        ValueError: for labels that are no classes, outside a compiled step.
    """
    _check_class_values(labels, num_classes, ignore_class)
    classes = ops.cast(labels, "int32")
    is_class = (classes >= 0) & (classes < num_classes)
    is_class = is_class & (ops.cast(classes, labels.dtype) == labels)
    is_ignored = ops.zeros_like(is_class)
    if ignore_class is not None:
        is_ignored = classes == ignore_class
        is_class = is_class & ops.logical_not(is_ignored)
    return ops.where(is_class, classes, 0), is_class, is_ignored


def check_distributions(labels, ignore_class=None, low=0.0, high=math.inf):
    """Raises a `ValueError` for label distributions that cannot be used."""
    if ignore_class is not None:
        raise ValueError(
            "`ignore_class` applies to integer labels. Received "
            f"ignore_class={ignore_class} and label distributions of shape "
            f"{tuple(labels.shape)}: leave samples out with a sample weight of 0."
        )
    values = eager_value(labels)
    if values is None:
        return
    wrong = ~((values >= low) & (values <= high) & np.isfinite(values))
    if wrong.any():
        expected = "label distributions: finite numbers of at least 0"
        if high != math.inf:
            expected = f"targets in [{low:g}, {high:g}]"
        raise ValueError(
            f"`y_true` must hold {expected}. Received {values[wrong][:5].tolist()}"
        )


def standardize_binary_targets(labels, y_pred, num_classes, counted=None):
    """Brings targets to the shape and dtype of predictions of independent labels.

    Args:
        labels: tensor of the shape of `y_pred`, or without its last axis for one label.
        y_pred: predictions `(..., K)`.
        num_classes: K.
        counted: 0 where the target may be anything, as in padding; or None.

    Raises:
        ValueError: if shapes do not fit, or, outside a compiled step, for targets
            outside [0, 1].
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


def _check_class_values(labels, num_classes, ignore_class):
    values = eager_value(labels)
    if values is None:
        return
    values = values.astype("float64")
    wrong = (values != np.floor(values)) | (values < 0) | (values >= num_classes)
    if ignore_class is not None:
        wrong &= values != ignore_class
    if wrong.any():
        raise ValueError(
            f"`y_true` must hold integer labels in [0, {num_classes}). Received "
            f"{values[wrong][:5].tolist()}. Labels to leave out can be given as "
            "`ignore_class`."
        )


def _compatible(shape, expected):
    return len(shape) == len(expected) and all(
        a is None or b is None or a == b for a, b in zip(shape, expected, strict=True)
    )
