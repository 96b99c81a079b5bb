"""Reads the targets of sigmoid outputs. Every error about them is raised here."""

import math
from typing import Any, NamedTuple

from keras import ops

from keras_ccar.arguments import check_number, show
from keras_ccar.inputs.checks import SEVERAL_UNKNOWN, eager_value, is_nan
from keras_ccar.inputs.labels import shapes_fit


class BinaryTargets(NamedTuple):
    """Targets of yes-or-no labels.

    Attributes:
        values: targets `(..., K)` in [0, 1], of the dtype of the predictions; 0 where
            the target does not count, NaN where it is none.
        counted: 0 for targets that do not count, broadcasts to `(..., K)`; None if
            all count.
        is_known: whether each target is something else than `ignore_value`; None
            without an `ignore_value`.
    """

    values: Any
    counted: Any = None
    is_known: Any = None

    def mass(self, shares: tuple[Any, Any]) -> tuple[Any, Any]:
        """Returns how much yes and no count, from their shares of each target."""
        if self.counted is None:
            return shares
        return shares[0] * self.counted, shares[1] * self.counted


def check_ignore_value(value: Any) -> float | None:
    """Returns the value of unknown targets, which may be NaN, or None."""
    if value is None:
        return None
    if is_nan(value):
        return math.nan
    if isinstance(value, list | tuple | set):
        raise ValueError(
            f"`ignore_value` must be a number. Received: ignore_value={show(value)}."
            f"{SEVERAL_UNKNOWN.format('ignore_value')}"
        )
    value = check_number("ignore_value", value)
    if 0 <= value <= 1:
        raise ValueError(
            "`ignore_value` must not be a target, which is in [0, 1]: mark unknown "
            f"targets with -1 or NaN. Received: ignore_value={value:g}"
        )
    return value


def parse_binary_targets(
    labels: Any,
    y_pred: Any,
    num_labels: int | None,
    ignore_value: float | None = None,
    counted: Any = None,
    softmax_loss: str = "CCARLoss",
) -> BinaryTargets:
    """Brings targets to the shape and dtype of predictions `(..., K)`.

    Args:
        labels: tensor of the shape of `y_pred`; without its last axis if K is 1.
        y_pred: predictions.
        num_labels: K, the number of labels; None for that of `y_pred`.
        ignore_value: the value of unknown targets, which do not count, or None.
        counted: 0 where the target may be anything, such as padding; or None.
        softmax_loss: the loss to name where the predictions may be of a softmax.
    """
    labels = ops.cast(ops.convert_to_tensor(labels), y_pred.dtype)
    shape = tuple(y_pred.shape)
    labels = _with_shape_of_predictions(labels, shape, num_labels, softmax_loss)
    is_known = None
    if ignore_value is not None:
        is_nan = math.isnan(ignore_value)
        is_known = ~ops.isnan(labels) if is_nan else labels != ignore_value
        known = ops.cast(is_known, y_pred.dtype)
        counted = known if counted is None else counted * known
    if counted is not None:
        labels = ops.where(counted != 0, labels, ops.zeros_like(labels))
    _check_targets(labels, is_told=ignore_value is not None)
    # A compiled step cannot raise an error for an invalid target: NaN shows it.
    is_target = (labels >= 0) & (labels <= 1)
    return BinaryTargets(ops.where(is_target, labels, float("nan")), counted, is_known)


def _with_shape_of_predictions(
    labels: Any,
    shape: tuple[int | None, ...],
    num_labels: int | None,
    softmax_loss: str,
) -> Any:
    if num_labels is None and len(shape) > 1:
        num_labels = shape[-1]
    if len(shape) < 2 or shape[-1] != num_labels:
        hint = ""
        if num_labels == 2 and shape[-1:] == (1,):
            hint = (
                " If these are the counts of no and yes of one label, leave out "
                "`num_examples`."
            )
        elif num_labels == 1 and len(shape) > 1 and shape[-1] != 1:
            hint = (
                " Counts [no, yes] without `num_examples` are those of one label, with "
                "one column of predictions. If the columns are classes that exclude "
                f"each other, the outputs of a softmax, use `{softmax_loss}`. If they "
                "are labels of their own, give the counts of no and yes of each, in "
                "the shape (K, 2), or the examples that carry each label and "
                "`num_examples`."
            )
        raise ValueError(
            "`class_counts` must have one entry for each label on the last axis of "
            f"`y_pred`, which has a rank of at least 2. Received {num_labels} counts "
            f"and y_pred.shape={shape}.{hint}{_of_labels_first(shape, num_labels)}"
        )
    if num_labels == 1 and shapes_fit(tuple(labels.shape), shape[:-1]):
        labels = ops.expand_dims(labels, -1)
    if not shapes_fit(tuple(labels.shape), shape):
        hint = ""
        if num_labels == 1 and shapes_fit(tuple(labels.shape), (*shape[:-1], 2)):
            hint = (
                ". If these are no and yes, one-hot, pass `y_true[..., 1:]`. Where you "
                "cannot, as in `keras.wrappers.SKLearnClassifier`, end the model in "
                "two columns and a softmax, with a loss of classes, such as "
                f"`{softmax_loss}`."
            )
        raise ValueError(
            "`y_true` must have the shape of `y_pred`: one target in [0, 1] for each "
            f"label. Received: y_true.shape={tuple(labels.shape)}, "
            f"y_pred.shape={shape}{hint}"
        )
    return labels


def _of_labels_first(shape: tuple[int | None, ...], num_labels: int | None) -> str:
    if len(shape) < 3 or shape[1] != num_labels:
        return ""
    order = (*range(2, len(shape)), 1)
    return (
        " If the labels are on axis 1, move them to the last: put "
        f"`keras.layers.Permute({order})` behind the model, and pass "
        "`np.moveaxis(y_true, 1, -1)`."
    )


def _check_targets(labels: Any, is_told: bool) -> None:
    values = eager_value(labels)
    if values is None:
        return
    wrong = ~((values >= 0) & (values <= 1))
    if wrong.any():
        raise ValueError(
            "`y_true` must hold targets in [0, 1]. Received: "
            f"{values[wrong][:5].tolist()}. Leave unknown targets out by passing "
            "their value as `ignore_value`, or by a `sample_weight` of 0 of the shape "
            "of `y_pred`."
            f"{SEVERAL_UNKNOWN.format('ignore_value') if is_told else ''}"
        )
