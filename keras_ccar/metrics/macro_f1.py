"""Macro F1."""

from typing import Any

import keras
from keras import ops

from keras_ccar.inputs.flattened import Rows
from keras_ccar.metrics.means import divide_or_nan, mean_of_known
from keras_ccar.metrics.per_class import PerClassMetric


@keras.saving.register_keras_serializable(package="keras_ccar")
class MacroF1(PerClassMetric):
    """Mean over classes of F1, the harmonic mean of precision and recall.

    It equals `sklearn.metrics.f1_score(average="macro")`, also of one sigmoid column,
    where it is the mean of the F1 of no and of yes. With `multi_label=True` it is the
    mean over labels of the F1 of yes.

    Labels and predictions are as in `BalancedAccuracy`. Classes that neither occur nor
    are predicted are left out; before the first sample the result is NaN.

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
    from keras_ccar.metrics import MacroF1

    metric = MacroF1(num_classes=2, multi_label=True)
    targets = np.array([[1, 1], [0, 1], [0, 0]])
    metric.update_state(targets, [[0.9, 0.8], [0.6, 0.7], [0.1, 0.2]])
    assert round(float(metric.result()), 4) == 0.8333  # 2/3 and 1
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
        name: str = "macro_f1",
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
        self._predicted = self.make_counts("predicted")

    def count(self, rows: Rows) -> None:
        """Adds the rows of a batch."""
        super().count(rows)
        self._predicted.add(*self.sum_by_class(rows.weights, rows.predicted))

    def result(self) -> Any:
        """Returns the scalar macro F1, in [0, 1]."""
        hits, both = self._hits.value(), self._samples.value() + self._predicted.value()
        if self.multi_label:
            hits, both = hits[1], both[1]
        f1 = divide_or_nan(2.0 * hits, both)
        return ops.cast(mean_of_known(f1, both != 0), self.dtype)
