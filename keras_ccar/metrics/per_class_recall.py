"""Recall of each class."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_ccar.keras_internals import show_vectors_in_progress_bars
from keras_ccar.metrics.class_results import by_name, read_result_names
from keras_ccar.metrics.per_class import PerClassMetric

show_vectors_in_progress_bars()

_NAME = "per_class_recall"


@keras.saving.register_keras_serializable(package="keras_ccar")
class PerClassRecall(PerClassMetric):
    """Recall of each class, as a vector or under the names of the classes.

    With `class_names` the result is a dict of scalars, which Keras logs one by one:
    "recall_crack" and "val_recall_crack" for a class "crack". `EarlyStopping`,
    `ModelCheckpoint`, `CSVLogger` and `TensorBoard` take them as any other number. The
    name of the output does not stand before them. If you set the `name`, it becomes
    their prefix ("head_crack"). In a model with several outputs, give each metric one,
    or the numbers of classes of the same name overwrite each other; `CCARCallback`
    warns of this.

    Without `class_names` the result is a vector of shape `(K,)`. The history holds an
    array for each epoch, `CSVLogger` writes a list, and the progress bar shows the
    mean. The `TensorBoard` callback needs scalars, and ends the training with an error.

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
        class_names: a name for each class or label, in the order of their numbers, for
            a dict of scalars; None for a vector. One sigmoid column has two, that of no
            first.

    Raises:
        ValueError: if `class_names` are not one for each class, each another text or
            number, and as `BalancedAccuracy`.

    Example:
    ```python
    import numpy as np
    from keras_ccar.metrics import PerClassRecall

    metric = PerClassRecall(num_classes=2)
    y_pred = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    metric.update_state(np.array([0, 0, 1]), y_pred)
    assert np.asarray(metric.result()).tolist() == [0.5, 1.0]

    named = PerClassRecall(num_classes=2, class_names=["intact", "crack"])
    named.update_state(np.array([0, 0, 1]), y_pred)
    assert float(named.result()["recall_crack"]) == 1.0

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
        name: str = _NAME,
        dtype: Any = None,
        class_names: Sequence[str] | None = None,
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
        names = read_result_names(class_names, self.num_classes, self.multi_label)
        self.class_names = tuple(names) or None
        self.name_results(names, _NAME, "recall_")

    def result(self) -> Any:
        """Returns the `(K,)` recalls, or a dict of them by name."""
        recall = self.recall()
        recall = ops.cast(recall[1] if self.multi_label else recall, self.dtype)
        return by_name(recall, self.log_names)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {
            **super().get_config(),
            "class_names": list(self.class_names) if self.class_names else None,
        }
