"""Recall of each class."""

from typing import Any

import keras
from keras import ops

from keras_ccar.keras_internals import show_vectors_in_progress_bars
from keras_ccar.metrics.per_class import PerClassMetric

show_vectors_in_progress_bars()


@keras.saving.register_keras_serializable(package="keras_ccar")
class PerClassRecall(PerClassMetric):
    """Recall of each class, as a vector of shape `(K,)`.

    With `compile(metrics=[...])` the history holds an array for each epoch, `CSVLogger`
    writes a list, and the progress bar shows the mean. Only the `TensorBoard` callback
    needs scalars: give it `BalancedAccuracy` or `ShotAccuracy`.

    Labels and predictions are as in `BalancedAccuracy`. One sigmoid column gives
    `[specificity, recall]`, the recalls of no and of yes; with `multi_label=True` the
    result is the recall of (the yes of) each label. The recall of a class without
    samples is NaN.

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
    from keras_ccar.metrics import PerClassRecall

    metric = PerClassRecall(num_classes=2)
    y_pred = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    metric.update_state(np.array([0, 0, 1]), y_pred)
    assert np.asarray(metric.result()).tolist() == [0.5, 1.0]

    tags = PerClassRecall(num_classes=2, multi_label=True)
    tags.update_state([[1, 1], [0, 1]], [[0.9, 0.8], [0.6, 0.3]])
    assert np.asarray(tags.result()).tolist() == [1.0, 0.5]
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
        name: str = "per_class_recall",
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
        """Returns the `(K,)` recalls."""
        recall = self.recall()
        return ops.cast(recall[1] if self.multi_label else recall, self.dtype)
