"""Geometric mean of the recalls."""

from typing import Any

import keras
from keras import ops

from keras_ccar.metrics.means import mean_of_known
from keras_ccar.metrics.per_class import PerClassMetric


@keras.saving.register_keras_serializable(package="keras_ccar")
class GeometricMean(PerClassMetric):
    """Geometric mean of the recalls of all classes, the G-mean.

    It is 0 as soon as one class is never found (Kubat and Matwin 1997, "Addressing the
    curse of imbalanced training sets"). It equals
    `imblearn.metrics.geometric_mean_score(correction=0)`.

    Labels and predictions are as in `BalancedAccuracy`. Classes without samples are
    left out; before the first sample the result is NaN. For one sigmoid column it is
    sqrt(recall * specificity), and with `multi_label=True` the mean over labels of
    that. A label of which only one side has samples counts with that side alone.

    Args:
        num_classes: K, the number of classes, or of independent labels.
        ignore_class: as in `BalancedAccuracy`.
        axis: as in `BalancedAccuracy`.
        multi_label: whether labels are independent of each other.
        ignore_value: as in `BalancedAccuracy`.
        threshold: as in `BalancedAccuracy`.
        from_logits: as in `BalancedAccuracy`.
        name: name of the metric.
        dtype: dtype of the result. Counts are exact with any dtype.

    Raises:
        ValueError: as `BalancedAccuracy`.

    Example:
    ```python
    import numpy as np
    from keras_ccar.metrics import GeometricMean

    metric = GeometricMean(num_classes=2)
    sigmoid = np.array([[0.1], [0.2], [0.3], [0.7], [0.9]])
    metric.update_state(np.array([0, 0, 0, 0, 1]), sigmoid)
    assert round(float(metric.result()) ** 2, 6) == 0.75  # recall 1, specificity 3/4
    ```
    """

    def __init__(
        self,
        num_classes: int,
        ignore_class: int | None = None,
        axis: int = -1,
        multi_label: bool = False,
        ignore_value: float | None = None,
        threshold: float = 0.5,
        from_logits: bool = False,
        name: str = "geometric_mean",
        dtype: Any = None,
    ) -> None:
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

    def result(self) -> Any:
        """Returns the scalar geometric mean, in [0, 1]."""
        known = self.has_samples()
        # The logarithm of 0 is -inf, which makes the mean 0.
        logs = ops.log(self.recall())
        means = ops.exp(mean_of_known(logs, known, 0 if self.multi_label else None))
        if self.multi_label:
            means = mean_of_known(means, ops.any(known, axis=0))
        return ops.cast(means, self.dtype)
