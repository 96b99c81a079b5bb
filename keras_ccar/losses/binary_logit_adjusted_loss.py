"""Logit-adjusted binary cross-entropy."""

from collections.abc import Callable
from typing import Any

import keras

from keras_ccar.adjustments import LogitAdjustment
from keras_ccar.binary_counts import NumExamples
from keras_ccar.frequencies import ClassCounts
from keras_ccar.losses.binary_long_tailed_crossentropy import (
    BinaryLongTailedCrossentropy,
)
from keras_ccar.weightings.base import Normalize, Weighting


@keras.saving.register_keras_serializable(package="keras_ccar")
class BinaryLogitAdjustedLoss(BinaryLongTailedCrossentropy):
    """Logit-adjusted binary cross-entropy: that of `z + τ log(f / (1 - f))`.

    After training, the plain logits `z` fit data in which half of the examples carry
    each label: with τ = 1, predict yes where `z > 0`.

    Args:
        class_counts: as in `BinaryLongTailedCrossentropy`.
        num_examples: as in `BinaryLongTailedCrossentropy`.
        tau: τ >= 0, how much of the prior to take out.
        smoothing: added to the counts of yes and of no before the logarithm, for labels
            that no example, or every example, carries.
        from_logits: as in `BinaryLongTailedCrossentropy`.
        name: name of the loss.
        weighting: as in `BinaryLongTailedCrossentropy`.
        ignore_value: as in `BinaryLongTailedCrossentropy`.
        normalize: as in `BinaryLongTailedCrossentropy`.
        differentiate_weight: as in `BinaryLongTailedCrossentropy`.
        label_smoothing: as in `BinaryLongTailedCrossentropy`.
        reduction: as in `BinaryLongTailedCrossentropy`.
        dtype: as in `BinaryLongTailedCrossentropy`.

    Raises:
        ValueError: as `BinaryLongTailedCrossentropy`, and for labels without an example
            of yes or of no if `tau > 0` and `smoothing == 0`.

    Reference:
        Menon et al. 2021, arXiv 2007.07314, Eq. 10, with two classes for each label.

    Example:
    ```python
    import keras_ccar

    loss = keras_ccar.BinaryLogitAdjustedLoss([9_900, 100], from_logits=True)
    value = loss([0, 1], [[-2.0], [0.5]])
    ```
    """

    sibling = "LogitAdjustedLoss"
    _fixed_parts = ("adjustment",)

    def __init__(
        self,
        class_counts: ClassCounts,
        num_examples: NumExamples = None,
        tau: float = 1.0,
        smoothing: float = 0.0,
        from_logits: bool = False,
        name: str = "binary_logit_adjusted",
        *,
        weighting: Weighting | Callable[..., Any] | None = None,
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
            weighting=weighting,
            adjustment=LogitAdjustment(tau, smoothing),
            ignore_value=ignore_value,
            normalize=normalize,
            differentiate_weight=differentiate_weight,
            label_smoothing=label_smoothing,
            reduction=reduction,
            dtype=dtype,
            from_logits=from_logits,
            name=name,
        )
