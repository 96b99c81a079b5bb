"""Binary cross-entropy weighted by inverse frequency."""

from typing import Any

import keras

from keras_ccar.adjustments import Adjustment
from keras_ccar.binary_counts import NumExamples
from keras_ccar.frequencies import ClassCounts
from keras_ccar.losses.binary_long_tailed_crossentropy import (
    BinaryLongTailedCrossentropy,
)
from keras_ccar.weightings import InverseFrequency
from keras_ccar.weightings.base import Normalize


@keras.saving.register_keras_serializable(package="keras_ccar")
class BinaryInverseFrequencyLoss(BinaryLongTailedCrossentropy):
    """Binary cross-entropy in which yes and no have the same total weight.

    Yes has the weight `1 / (2 f)` and no `1 / (2 (1 - f))`, known elsewhere as
    `class_weight="balanced"`. The mean weight over the training data is 1.
    Probabilities are those of balanced data; `LogitCorrection` with
    `trained_prior="balanced"` makes them those of the training data again.

    Args:
        class_counts: as in `BinaryLongTailedCrossentropy`.
        num_examples: as in `BinaryLongTailedCrossentropy`.
        from_logits: as in `BinaryLongTailedCrossentropy`.
        name: name of the loss.
        adjustment: as in `BinaryLongTailedCrossentropy`.
        ignore_value: as in `BinaryLongTailedCrossentropy`.
        normalize: as in `BinaryLongTailedCrossentropy`.
        differentiate_weight: as in `BinaryLongTailedCrossentropy`.
        label_smoothing: as in `BinaryLongTailedCrossentropy`.
        reduction: as in `BinaryLongTailedCrossentropy`.
        dtype: as in `BinaryLongTailedCrossentropy`.

    Raises:
        ValueError: as `BinaryLongTailedCrossentropy`.

    Reference:
        King and Zeng 2001, "Logistic Regression in Rare Events Data", Eq. 8.

    Example:
    ```python
    import keras_ccar

    loss = keras_ccar.BinaryInverseFrequencyLoss([9_900, 100], from_logits=True)
    value = loss([0, 1], [[-2.0], [0.5]])
    ```
    """

    sibling = "InverseFrequencyLoss"
    _fixed_parts = ("weighting",)

    def __init__(
        self,
        class_counts: ClassCounts,
        num_examples: NumExamples = None,
        from_logits: bool = False,
        name: str = "binary_inverse_frequency",
        *,
        adjustment: Adjustment | None = None,
        ignore_value: float | None = None,
        normalize: Normalize = False,
        differentiate_weight: bool = False,
        label_smoothing: float = 0.0,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            class_counts,
            num_examples,
            weighting=InverseFrequency(),
            adjustment=adjustment,
            ignore_value=ignore_value,
            normalize=normalize,
            differentiate_weight=differentiate_weight,
            label_smoothing=label_smoothing,
            reduction=reduction,
            dtype=dtype,
            from_logits=from_logits,
            name=name,
        )
