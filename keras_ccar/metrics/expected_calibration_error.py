"""Expected calibration error."""

from typing import Any

import keras
from keras import ops

from keras_ccar.arguments import check_boolean, check_whole_number
from keras_ccar.inputs.predictions import are_probabilities, check_probabilities
from keras_ccar.metrics.class_metric import ClassMetric
from keras_ccar.metrics.exact_sum import ExactSum
from keras_ccar.ops.row_sums import sum_rows

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

    Args:
        bins: number of bins; bin `b` holds confidences in `(b / bins, (b + 1) / bins]`.
        from_logits: whether predictions are logits rather than probabilities.
        ignore_class: as in `BalancedAccuracy`.
        axis: as in `BalancedAccuracy`.
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

    def __init__(
        self,
        bins: int = 15,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
        name: str = "expected_calibration_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(ignore_class, axis, name, dtype)
        self._direction = "down"
        self.bins = check_whole_number("bins", bins, 1, MOST_BINS)
        self.from_logits = check_boolean("from_logits", from_logits)
        self._excess_hits = ExactSum(self, (self.bins,), "excess_hits")
        self._samples = ExactSum(self, (), "samples")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch; see `PerClassMetric.update_state`."""
        labels, y_pred, weights = self.flatten(y_true, y_pred, sample_weight)
        # The prediction of a sample of weight 0 may be anything, also NaN.
        y_pred = ops.where(ops.expand_dims(weights == 0, -1), 1.0, y_pred)
        if self.from_logits:
            y_pred = ops.softmax(y_pred, axis=-1)
        else:
            check_probabilities(y_pred)
            # A compiled step cannot raise an error.
            weights = ops.where(are_probabilities(y_pred), weights, float("nan"))
            y_pred = y_pred / ops.sum(y_pred, axis=-1, keepdims=True)
        predicted = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
        # Not `max`, which an empty batch does not have.
        confidence = ops.take_along_axis(y_pred, predicted[:, None], axis=-1)[:, 0]
        hits = predicted == labels
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
        return {
            **super().get_config(),
            "bins": self.bins,
            "from_logits": self.from_logits,
        }
