"""Flattens the arguments of metrics to one row for each sample."""

from typing import Any

from keras import ops

from keras_ccar.inputs.checks import check_finite, to_numeric_tensor
from keras_ccar.inputs.labels import parse_labels
from keras_ccar.inputs.predictions import check_num_classes, move_class_axis_last
from keras_ccar.inputs.samples import align_weights
from keras_ccar.keras_internals import get_keras_mask

_TAGS = (
    "This metric is for such classes. For tags, of which an example may have several, "
    "use a metric of each tag, such as `keras.metrics.AUC(multi_label=True)`."
)
_ONE_COLUMN = (
    "Give yes and no a column each, no first: of one column of probabilities `p`, "
    "`keras.ops.concatenate([1 - p, p], axis=-1)`; of logits `z`, "
    "`keras.ops.concatenate([0 * z, z], axis=-1)`. In `fit`, where the model has one "
    "output, use a metric of one column, such as `keras.metrics.AUC(curve='PR')`, with "
    "`from_logits=True` if it outputs logits."
)


def flatten_samples(
    y_true: Any,
    y_pred: Any,
    sample_weight: Any = None,
    num_classes: int | None = None,
    ignore_class: int | None = None,
    axis: int = -1,
    argument: str = "num_classes",
) -> tuple[Any, Any, Any]:
    """Flattens labels, predictions and weights to one row for each sample.

    Args:
        y_true: labels `(...)` or `(..., 1)` in any dtype, or distributions
            `(..., K)`, which are reduced to their most probable class.
        y_pred: predictions `(..., K)`. A mask that Keras attached to them is applied.
        sample_weight: weights or mask that broadcast to `(...)`, or None.
        num_classes: K, checked against `y_pred` if given.
        ignore_class: the label of samples to leave out, or None.
        axis: the class axis of predictions, and of distributions.
        argument: the argument of the metric that gives K.

    Returns:
        A triple of int32 labels `(N,)`, float32 predictions `(N, K)` and float32
        weights `(N,)`. Samples that are left out have weight 0. A label that is not a
        class is an error, or has weight NaN in a compiled step, which cannot raise one.
        A sample that counts and whose prediction is NaN has weight NaN.
    """
    mask = get_keras_mask(y_pred)
    y_true = to_numeric_tensor("y_true", y_true)
    y_pred = to_numeric_tensor("y_pred", y_pred)
    check_num_classes(y_pred.shape, num_classes, axis, argument, one_column=_ONE_COLUMN)
    y_pred = move_class_axis_last(y_pred, axis, "float32")

    counted = None
    for name, factor in (("sample_weight", sample_weight), ("mask", mask)):
        if factor is not None:
            factor = to_numeric_tensor(name, factor, "float32")
            check_finite(name, factor)
            factor = align_weights(factor, tuple(y_pred.shape)[:-1], name)
            counted = factor if counted is None else counted * factor
    labels = parse_labels(y_true, y_pred, axis, ignore_class, counted, _TAGS)
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
    return (
        ops.reshape(values, (-1,)),
        ops.reshape(y_pred, (-1, y_pred.shape[-1])),
        ops.reshape(weights, (-1,)),
    )
