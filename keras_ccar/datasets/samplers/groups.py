"""Puts each example into the group that is drawn equally often: mostly its class."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ccar.binary_counts import binary_counts
from keras_ccar.datasets.elements import LabelOf
from keras_ccar.frequencies import (
    ClassCounts,
    class_counts_array,
    require_numbers_of_examples,
)
from keras_ccar.inputs.checks import ROW_SUM_TOLERANCE


class Groups:
    """The groups of examples that `class_counts` says to balance.

    With counts of shape `(K,)` a group is a class. With `(K, 2)`, no and yes of K
    labels, group k holds the examples whose rarest label is k, and group K those
    without any.

    Attributes:
        num_labels: `K`.
        is_multi_label: whether the counts are those of K yes-or-no labels.
        counts: int64 array, examples of each class; None for yes-or-no labels.
        positives: int64 array, examples with each label; None for classes.
    """

    counts: np.ndarray | None = None
    positives: np.ndarray | None = None

    def __init__(self, class_counts: ClassCounts) -> None:
        is_mapping = hasattr(class_counts, "items")
        self.is_multi_label = not is_mapping and _rank(class_counts) == 2
        if self.is_multi_label:
            (positives, _), _ = binary_counts(class_counts)
            self.positives = np.round(positives).astype("int64")
        else:
            counts = class_counts_array(class_counts)
            require_numbers_of_examples(counts, "how often an example is drawn")
            self.counts = np.round(counts).astype("int64")

    @property
    def num_labels(self) -> int:
        """`K`."""
        return len(self._given)

    @property
    def _given(self) -> np.ndarray:
        given = self.positives if self.counts is None else self.counts
        assert given is not None
        return given

    @property
    def rarity(self) -> np.ndarray:
        """The rank of each label, 0 for the one with the fewest examples."""
        order = np.argsort(self._given, kind="stable")
        return np.argsort(order, kind="stable")

    def check_shape(self, shape: Sequence[int | None]) -> None:
        """Raises a `ValueError` unless this is the shape of one example's label."""
        num_labels, shape = self.num_labels, tuple(shape)
        is_single = shape in ((), (1,))
        if shape == (num_labels,):
            return
        if is_single and (num_labels == 1 or not self.is_multi_label):
            return
        expected = (
            f"`class_counts` of shape ({num_labels}, 2) needs zeros and ones of shape "
            f"({num_labels},) as labels"
            if self.is_multi_label
            else f"Labels must be integers, or one-hot of shape ({num_labels},)"
        )
        raise ValueError(
            f"{expected}, one for each example. Received labels of shape {shape}: "
            f"{_way_out(shape)}."
        )

    def of_labels(self, labels: np.ndarray) -> np.ndarray:
        """Returns the group of each example, given labels of shape `(N, ...)`."""
        self.check_shape(labels.shape[1:])
        labels = labels[:, 0] if labels.shape[1:] == (1,) else labels
        if labels.dtype.kind not in "biuf":
            raise ValueError(
                f"Labels must be numbers. Received {labels.ravel()[:3].tolist()}: "
                "number the classes from 0 on."
            )
        if self.is_multi_label:
            return self._rarest(labels.reshape(len(labels), -1))
        return self._class_of(labels)

    def count(self, group_of: np.ndarray) -> np.ndarray:
        """Returns the examples of each group, given the group of each example."""
        return np.bincount(group_of, minlength=self.num_labels + self.is_multi_label)

    def check_counts(self, found: np.ndarray, way: str) -> None:
        """Raises a `ValueError` unless the data holds what `class_counts` says."""
        for c in np.flatnonzero(found != self._given)[:1]:
            more = "more" if found[c] > self._given[c] else "fewer"
            what = "label" if self.is_multi_label else "class"
            raise ValueError(
                f"The data holds {more} examples of {what} {c} than `class_counts` "
                f"says. Received {self._given[c]}, but found {found[c]}: count it with "
                f"`{way}`."
            )

    def check_not_more(self, found: np.ndarray, way: str) -> None:
        """Raises a `ValueError` if there is more already than `class_counts` says."""
        if (found > self._given).any():
            self.check_counts(np.maximum(found, self._given), way)

    def _class_of(self, labels: np.ndarray) -> np.ndarray:
        if labels.ndim == 2:
            sums = labels.sum(1, dtype="float64")
            wrong = (labels < 0).any(1) | ~(np.abs(sums - 1) <= ROW_SUM_TOLERANCE)
            if wrong.any():
                raise ValueError(
                    not_one_hot(self.num_labels, labels[wrong][0].tolist())
                )
            return labels.argmax(1)
        whole = (labels == np.round(labels)) if labels.dtype.kind == "f" else True
        wrong = ~(whole & (labels >= 0) & (labels < self.num_labels))
        if wrong.any():
            raise ValueError(out_of_range(self.num_labels, labels[wrong][:5].tolist()))
        return labels.astype("int64")

    def _rarest(self, labels: np.ndarray) -> np.ndarray:
        wrong = (labels != 0) & (labels != 1)
        if wrong.any():
            raise ValueError(not_binary(labels[wrong][:5].tolist()))
        has_label = labels == 1
        rank = np.where(has_label, self.rarity, self.num_labels)
        return np.where(has_label.any(1), rank.argmin(1), self.num_labels)


def _rank(class_counts: Any) -> int:
    try:
        return np.ndim(class_counts)
    except (RuntimeError, TypeError, ValueError):  # `class_counts_array` says so
        return 1


def way_to_count(groups: Groups, label_of: LabelOf) -> str:
    """Returns the call that counts the classes or labels of the data."""
    multi_label = ", multi_label=True" if groups.is_multi_label else ""
    picked = "" if label_of is None else ", label_of=label_of"
    return f"count_classes(dataset{multi_label}{picked})"


# A traced function cannot name the label; TensorFlow prints it after the message.
_OTHERS = "others, see the end"


def not_binary(labels: Any = _OTHERS) -> str:
    """Returns what to say about yes-or-no labels that are neither."""
    return (
        f"Labels of several columns must be 0 or 1. Received {labels}: make unknown "
        "targets 0 in what `label_of` returns, such as `label_of=lambda x, y: y == 1`."
    )


def not_one_hot(num_labels: int, label: Any = _OTHERS) -> str:
    """Returns what to say about a label of K numbers that do not sum to 1."""
    return (
        f"A label of shape ({num_labels},) must be one-hot. Received {label}: for "
        "examples with several labels pass counts of shape (K, 2), `class_counts="
        "count_classes(dataset, multi_label=True)`; leave out examples without a class."
    )


def out_of_range(num_labels: int, labels: Any = _OTHERS) -> str:
    """Returns what to say about integer labels that are not classes."""
    return (
        f"Labels must be whole numbers in [0, {num_labels}), the classes that "
        f"`class_counts` counts. Received {labels}: count the data with "
        "`count_classes(dataset)`, and leave out examples without a class."
    )


def _way_out(shape: tuple[int | None, ...]) -> str:
    label_of = (
        "pass `label_of=`, a function that returns one label of the example, such as "
        "`label_of=lambda x, y: tf.reduce_any(y == 1)` for label maps that may hold "
        "class 1"
    )
    if len(shape) == 1:
        return f"sample before `batch()`, or {label_of}"
    if shape and shape[0] is None:
        return f"if they are batches, sample before `batch()`; otherwise {label_of}"
    return label_of
