"""Recall of each class."""

from typing import Any

import keras
from keras import ops

from keras_ccar.metrics.per_class import PerClassMetric


@keras.saving.register_keras_serializable(package="keras_ccar")
class PerClassRecall(PerClassMetric):
    """Recall of each class, as a vector of shape `(K,)`.

    In `compile(metrics=[...])` the vector goes through Keras as it is: the history
    holds an array an epoch, `CSVLogger` writes it as a list, and the progress bar
    shows its mean. The `TensorBoard` callback alone accepts scalars only; give it
    `BalancedAccuracy` or `ShotAccuracy`.

    Labels and predictions are as for `BalancedAccuracy`. A class without a sample
    has no recall: its entry is NaN.

    Args:
        num_classes: number of classes, `K`.
        ignore_class: label of samples to leave out, or None.
        name: name of the metric.
        dtype: dtype of the result; counts are exact whatever it is.

    Raises:
        ValueError: as `BalancedAccuracy`.

    Example:
    ```python
    import numpy as np
    from keras_ccar.metrics import PerClassRecall

    metric = PerClassRecall(num_classes=2)
    y_pred = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    metric.update_state(np.array([0, 0, 1]), y_pred)
    assert np.asarray(metric.result()).tolist() == [0.5, 1.0]
    ```
    """

    def __init__(
        self,
        num_classes: int,
        ignore_class: int | None = None,
        name: str = "per_class_recall",
        dtype: Any = None,
    ) -> None:
        super().__init__(num_classes, ignore_class, name, dtype)

    def result(self):
        """Returns the `(K,)` recalls."""
        return ops.cast(self.recall(), self.dtype)
