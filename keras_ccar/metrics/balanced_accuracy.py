"""Balanced accuracy."""

from typing import Any

import keras

from keras_ccar.metrics.per_class import PerClassMetric


@keras.saving.register_keras_serializable(package="keras_ccar")
class BalancedAccuracy(PerClassMetric):
    """Mean of the recalls of all classes, whatever their sizes.

    On a balanced test set this is the accuracy. On a long-tailed one it is the
    accuracy as if all classes were equally frequent (Brodersen et al. 2010, "The
    balanced accuracy and its posterior distribution"). It equals
    `sklearn.metrics.balanced_accuracy_score`.

    Labels are `(...)` or `(..., 1)` in any dtype, or distributions `(..., K)`, which
    are reduced to their most probable class. Predictions are `(..., K)`, probabilities
    or logits. Classes without samples are left out; before the first sample the result
    is NaN. A label outside `[0, K)`, or a row that does not sum to 1, is an error
    unless it is masked or ignored. In a compiled step, which cannot raise one, it makes
    the result NaN. So does a prediction that is NaN.

    Args:
        num_classes: K, the number of classes.
        ignore_class: the label of samples to leave out, or None. As a distribution,
            such a sample has its whole mass on this class, or a row of zeros.
        axis: the class axis of predictions and of distributions.
        name: name of the metric.
        dtype: dtype of the result. Counts are exact with any dtype.

    Raises:
        ValueError: for arguments other than these, also if `num_classes` is below 2,
            or if labels, predictions and weights do not fit it or each other. One
            column of yes-or-no predictions is an error that says how to make two of it.

    Example:
    ```python
    import numpy as np
    from keras_ccar.metrics import BalancedAccuracy

    metric = BalancedAccuracy(num_classes=2)
    y_pred = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    metric.update_state(np.array([0, 0, 0, 1]), y_pred)
    assert float(metric.result()) == 0.5  # plain accuracy: 0.75
    ```
    """

    def __init__(
        self,
        num_classes: int,
        ignore_class: int | None = None,
        axis: int = -1,
        name: str = "balanced_accuracy",
        dtype: Any = None,
    ) -> None:
        super().__init__(num_classes, ignore_class, axis, name, dtype)

    def result(self) -> Any:
        """Returns the scalar balanced accuracy."""
        return self.mean_recall()
