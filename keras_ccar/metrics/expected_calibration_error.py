"""Expected calibration error."""

from typing import Any

import keras
from keras import ops

from keras_ccar.arguments import check_whole_number
from keras_ccar.inputs.class_scores import class_probabilities
from keras_ccar.metrics.class_metric import ClassMetric
from keras_ccar.metrics.exact_sum import ExactSum
from keras_ccar.ops.exact_row_sums import sum_rows

# More would fill the memory.
MOST_BINS = 10_000_000


@keras.saving.register_keras_serializable(package="keras_ccar")
class ExpectedCalibrationError(ClassMetric):
    """Difference of confidence and accuracy (Guo et al. 2017, arXiv 1706.04599, Eq. 3).

    Samples are binned by confidence, the largest predicted probability, into bins of
    equal width. The error is the mean of |accuracy - mean confidence| over the bins,
    weighted by their samples. It lies in [0, 1]; a calibrated model has 0.

    Labels and predictions are as in `BalancedAccuracy`. Probabilities that do not sum
    to 1 are normalised, as in Keras. Predictions outside of [0, 1] although
    `from_logits=False` are an error or, in a compiled step, make the result NaN. Before
    the first sample the result is NaN.

    One sigmoid column is read as two classes, as if it were `[1 - p, p]`. With
    `multi_label=True` the samples of all labels are binned by the probability of *yes*,
    and the error is the mean of |share of yes - mean probability|. This holds for a
    single column as well, if it is told to be one label by `multi_label=True`: of a
    rare yes it says more than the confidence, which is mostly that of no.

    Args:
        bins: number of bins; bin `b` holds confidences in `(b / bins, (b + 1) / bins]`.
        from_logits: whether predictions are logits rather than probabilities.
        ignore_class: as in `BalancedAccuracy`.
        axis: as in `BalancedAccuracy`.
        multi_label: whether labels are independent of each other.
        ignore_value: as in `BalancedAccuracy`.
        threshold: as in `BalancedAccuracy`; it decides which answer the confidence of
            one column is of. With `multi_label=True` it has no part.
        name: name of the metric.
        dtype: dtype of the result. Sums are pairs of float32 with any dtype.

    Raises:
        ValueError: if `bins` is below 1, if predictions are not probabilities although
            `from_logits=False`, and as `BalancedAccuracy`.

    Example:
    ```python
    import numpy as np
    from keras_ccar.metrics import ExpectedCalibrationError

    metric = ExpectedCalibrationError()
    y_pred = np.array([[0.75, 0.25]] * 4)  # three of four are right: calibrated
    metric.update_state(np.array([0, 0, 0, 1]), y_pred)
    assert float(metric.result()) == 0.0
    ```
    """

    _needs_probabilities = True

    def __init__(
        self,
        bins: int = 15,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
        multi_label: bool = False,
        ignore_value: float | None = None,
        threshold: float = 0.5,
        name: str = "expected_calibration_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            None,
            ignore_class,
            axis,
            multi_label,
            ignore_value,
            threshold,
            from_logits,
            name,
            dtype,
        )
        self._direction = "down"
        self.bins = check_whole_number("bins", bins, 1, MOST_BINS)
        self._excess_hits = ExactSum(self, (self.bins,), "excess_hits")
        self._samples = ExactSum(self, (), "samples")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch; see `PerClassMetric.update_state`."""
        rows = self.read(y_true, y_pred, sample_weight)
        probabilities, weights = class_probabilities(rows, self.from_logits)
        if self.multi_label:
            confidence, hits = probabilities, rows.labels
        else:
            # Not `max`, which an empty batch does not have.
            said = rows.predicted[:, None]
            confidence = ops.take_along_axis(probabilities, said, axis=-1)
            hits = rows.predicted == rows.labels
        confidence, weights, hits = (
            ops.reshape(part, (-1,)) for part in (confidence, weights, hits)
        )
        # |accuracy - mean confidence| of a bin, times its samples, is the absolute
        # value of its sum of hit - confidence, so a bin only needs this sum.
        excess = weights * (ops.cast(hits, "float32") - confidence)
        # NaN belongs to no bin, but has to reach the result: put it into the first.
        where_from = ops.where(ops.isnan(confidence), 0.0, confidence)
        bin_of = ops.clip(ops.ceil(where_from * self.bins) - 1, 0, self.bins - 1)
        bin_of = ops.cast(bin_of, "int32")
        self._excess_hits.add(*sum_rows(excess, bin_of, self.bins))
        self._samples.add(*sum_rows(weights))

    def result(self) -> Any:
        """Returns the scalar error, in [0, 1]."""
        samples = self._samples.value()
        gap = ops.sum(ops.abs(self._excess_hits.value()))
        error = ops.minimum(gap / ops.where(samples == 0, 1.0, samples), 1.0)
        return ops.cast(ops.where(samples == 0, float("nan"), error), self.dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {**super().get_config(), "bins": self.bins}
