"""What the accuracies share: hits and samples of each class."""

from typing import Any

from keras import ops

from keras_ccar.arguments import MOST_CLASSES, check_whole_number
from keras_ccar.metrics.class_metric import ClassMetric
from keras_ccar.metrics.exact_sum import ExactSum
from keras_ccar.ops.row_sums import sum_rows


class PerClassMetric(ClassMetric):
    """Counts the hits and the samples of each class."""

    # The argument that gives the number of classes.
    _classes_argument = "num_classes"

    def __init__(
        self,
        num_classes: int,
        ignore_class: int | None,
        axis: int,
        name: str,
        dtype: Any,
    ) -> None:
        super().__init__(ignore_class, axis, name, dtype)
        self._direction = "up"
        self.num_classes = check_whole_number(
            "num_classes",
            num_classes,
            low=2,
            high=MOST_CLASSES,
            meaning="classes that exclude each other: 2 for yes or no, with one "
            "column of predictions each",
        )
        self._hits = ExactSum(self, (self.num_classes,), "hits")
        self._samples = ExactSum(self, (self.num_classes,), "samples")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Args:
            y_true: labels `(...)` or `(..., 1)` in any dtype, or distributions
                `(..., K)`, whose rows sum to 1.
            y_pred: probabilities or logits `(..., K)`.
            sample_weight: weights or mask that broadcast to `(...)`, or None.
        """
        labels, y_pred, weights = self.flatten(
            y_true, y_pred, sample_weight, self.num_classes, self._classes_argument
        )
        hits = ops.cast(ops.argmax(y_pred, axis=-1), "int32") == labels
        weights_of_hits = ops.where(hits, weights, 0.0)
        self._hits.add(*sum_rows(weights_of_hits, labels, self.num_classes))
        self._samples.add(*sum_rows(weights, labels, self.num_classes))

    def mean_recall(self, mask: Any = None) -> Any:
        """Returns the mean recall of the classes in a boolean mask, or of all.

        Classes without samples are left out; the mean of none is NaN.
        """
        # Not `> 0`, which would drop NaN, the mark of an invalid label.
        counted = self._samples.value() != 0
        if mask is not None:
            counted = ops.logical_and(counted, mask)
        total = ops.sum(ops.where(counted, self.recall(), 0.0))
        number = ops.sum(ops.cast(counted, "float32"))
        return ops.cast(_divide_or_nan(total, number), self.dtype)

    def recall(self) -> Any:
        """Returns the float32 recall of each class, NaN without samples."""
        return _divide_or_nan(self._hits.value(), self._samples.value())

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {**super().get_config(), "num_classes": self.num_classes}


def _divide_or_nan(numerator: Any, denominator: Any) -> Any:
    empty = denominator == 0
    return ops.where(
        empty, float("nan"), numerator / ops.where(empty, 1.0, denominator)
    )
