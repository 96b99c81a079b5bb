"""Cross-entropy weighted by inverse class frequency."""

from typing import Any

import keras

from keras_ccar.adjustments import Adjustment
from keras_ccar.frequencies import ClassCounts
from keras_ccar.label_smoothing import LabelAwareSmoothing
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy
from keras_ccar.weightings import InverseFrequency
from keras_ccar.weightings.base import Normalize


@keras.saving.register_keras_serializable(package="keras_ccar")
class InverseFrequencyLoss(LongTailedCrossentropy):
    """Cross-entropy weighted by `1 / (K f_c)`: all classes have the same total weight.

    Known elsewhere as `class_weight="balanced"`. The mean weight over the training data
    is 1. A class without examples gets the weight of a class with a single one.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)` or a
            dict `{class: count}`.
        name: name of the loss.
        adjustment: as in `LongTailedCrossentropy`.
        normalize: as in `LongTailedCrossentropy`.
        differentiate_weight: as in `LongTailedCrossentropy`.
        from_logits: as in `LongTailedCrossentropy`.
        label_smoothing: as in `LongTailedCrossentropy`.
        ignore_class: as in `LongTailedCrossentropy`.
        axis: as in `LongTailedCrossentropy`.
        reduction: as in `LongTailedCrossentropy`.
        dtype: as in `LongTailedCrossentropy`.

    Raises:
        ValueError: as `LongTailedCrossentropy`.

    Reference:
        King and Zeng 2001, "Logistic Regression in Rare Events Data", Eq. 8.

    Example:
    ```python
    import keras_ccar

    loss = keras_ccar.InverseFrequencyLoss([500, 100, 20], from_logits=True)
    value = loss([0, 2], [[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
    ```
    """

    sibling = "BinaryInverseFrequencyLoss"
    _fixed_parts = ("weighting",)

    def __init__(
        self,
        class_counts: ClassCounts,
        name: str = "inverse_frequency",
        *,
        adjustment: Adjustment | None = None,
        normalize: Normalize = False,
        differentiate_weight: bool = False,
        from_logits: bool = False,
        label_smoothing: float | LabelAwareSmoothing = 0.0,
        ignore_class: int | None = None,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            class_counts,
            weighting=InverseFrequency(),
            adjustment=adjustment,
            normalize=normalize,
            differentiate_weight=differentiate_weight,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            ignore_class=ignore_class,
            axis=axis,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )
