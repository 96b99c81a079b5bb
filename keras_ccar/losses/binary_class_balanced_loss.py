"""Class-balanced binary cross-entropy."""

from typing import Any

import keras

from keras_ccar.adjustments import Adjustment
from keras_ccar.binary_counts import NumExamples
from keras_ccar.frequencies import ClassCounts
from keras_ccar.losses.binary_long_tailed_crossentropy import (
    BinaryLongTailedCrossentropy,
)
from keras_ccar.weightings import EffectiveNumber
from keras_ccar.weightings.base import Normalize


@keras.saving.register_keras_serializable(package="keras_ccar")
class BinaryClassBalancedLoss(BinaryLongTailedCrossentropy):
    """Binary cross-entropy weighted by the effective number of yes and of no.

    The weights `(1 - β) / (1 - β^n)` of a label are scaled to sum to 2.

    Args:
        class_counts: as in `BinaryLongTailedCrossentropy`.
        num_examples: as in `BinaryLongTailedCrossentropy`.
        beta: β in [0, 1). 0 is weight 1; the limit 1 is `BinaryInverseFrequencyLoss`.
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
        ValueError: as `BinaryLongTailedCrossentropy`, for a beta outside [0, 1), and
            for shares instead of numbers of examples.

    Reference:
        Cui et al. 2019, arXiv 1901.05555, Eq. 2 and Sec. 4, with two classes a label.

    Example:
    ```python
    import keras_ccar

    loss = keras_ccar.BinaryClassBalancedLoss(
        [9_900, 100], beta=0.999, from_logits=True
    )
    value = loss([0, 1], [[-2.0], [0.5]])
    ```
    """

    sibling = "ClassBalancedLoss"
    _fixed_parts = ("weighting",)

    def __init__(
        self,
        class_counts: ClassCounts,
        num_examples: NumExamples = None,
        beta: float = 0.9999,
        from_logits: bool = False,
        name: str = "binary_class_balanced",
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
            weighting=EffectiveNumber(beta),
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
