"""What the metrics of decisions share: hits and samples of each class."""

from typing import Any

from keras import ops

from keras_ccar.inputs.flattened import Rows
from keras_ccar.metrics.class_metric import ClassMetric, check_class_number
from keras_ccar.metrics.exact_sum import ExactSum
from keras_ccar.metrics.means import divide_or_nan, mean_of_known
from keras_ccar.ops.exact_row_sums import sum_rows


class PerClassMetric(ClassMetric):
    """Counts the hits and the samples of each class.

    Independent labels are as many questions with two classes each, no and yes: counts
    have the shape `(2, K)` then, and `(K,)` otherwise. One column has two classes.
    """

    def __init__(
        self,
        num_classes: int,
        ignore_class: int | None,
        axis: int,
        multi_label: bool,
        ignore_value: float | None,
        threshold: float,
        from_logits: bool,
        name: str,
        dtype: Any,
    ) -> None:
        num_classes = check_class_number(num_classes, multi_label)
        super().__init__(
            num_classes,
            ignore_class,
            axis,
            multi_label,
            ignore_value,
            threshold,
            from_logits,
            name,
            dtype,
        )
        self._direction = "up"
        self.num_classes = num_classes
        self._hits = self.make_counts("hits")
        self._samples = self.make_counts("samples")

    def make_counts(self, name: str) -> ExactSum:
        """Returns sums over the samples of each class."""
        shape = (2, self.num_classes) if self.multi_label else (self.num_classes,)
        return ExactSum(self, shape, name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Args:
            y_true: labels `(...)` or `(..., 1)` in any dtype, or distributions
                `(..., K)`, whose rows sum to 1; targets `(..., K)` in [0, 1] with
                `multi_label=True`.
            y_pred: probabilities or logits `(..., K)`; of yes or no also one column
                `(..., 1)`, or `(N,)`.
            sample_weight: weights or mask that broadcast to `(...)`, with
                `multi_label=True` to `(..., K)`, or None.
        """
        self.count(self.read(y_true, y_pred, sample_weight))

    def count(self, rows: Rows) -> None:
        """Adds the rows of a batch."""
        hits = ops.where(rows.predicted == rows.labels, rows.weights, 0.0)
        self._hits.add(*self.sum_by_class(hits, rows.labels))
        self._samples.add(*self.sum_by_class(rows.weights, rows.labels))

    def sum_by_class(self, values: Any, classes: Any) -> tuple[Any, ...]:
        """Returns parts of the sums of values over the samples of each class."""
        if not self.multi_label:
            return sum_rows(values, classes, self.num_classes)
        # NaN, the mark of an invalid target, has to reach what is shown of either side.
        is_nan = ops.isnan(values)
        sides = [ops.where((classes == side) | is_nan, values, 0.0) for side in (0, 1)]
        return sum_rows(ops.stack(sides, axis=1))

    def recall(self) -> Any:
        """Returns the float32 recall of each class, NaN without samples."""
        return divide_or_nan(self._hits.value(), self._samples.value())

    def has_samples(self) -> Any:
        """Returns whether each class has samples."""
        # Not `> 0`, which would drop NaN, the mark of an invalid label.
        return self._samples.value() != 0

    def mean_recall(self, mask: Any = None) -> Any:
        """Returns the mean recall of the classes in a boolean mask, or of all.

        Classes without samples are left out; the mean of none is NaN. Of independent
        labels it is the mean over labels of the mean recall of their no and yes.
        """
        recall, known = self.recall(), self.has_samples()
        if self.multi_label:
            recall, known = mean_of_known(recall, known, 0), ops.any(known, axis=0)
        if mask is not None:
            known = ops.logical_and(known, mask)
        return ops.cast(mean_of_known(recall, known), self.dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {**super().get_config(), "num_classes": self.num_classes}
