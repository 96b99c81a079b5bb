"""Logit-adjusted cross-entropy."""

from collections.abc import Callable
from typing import Any

import keras

from keras_ccar.adjustments import LogitAdjustment
from keras_ccar.frequencies import ClassCounts
from keras_ccar.label_smoothing import LabelAwareSmoothing
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy
from keras_ccar.weightings.base import Normalize, Weighting


@keras.saving.register_keras_serializable(package="keras_ccar")
class LogitAdjustedLoss(LongTailedCrossentropy):
    """Logit-adjusted cross-entropy: cross-entropy of `z + τ log f`.

    After training, the plain logits `z` fit a balanced class distribution: predict with
    them, without a correction.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)` or a
            dict `{class: count}`.
        tau: τ >= 0, how much of the prior to take out; 1 is Balanced Softmax.
        smoothing: added to every class count before the logarithm, for data in which
            some classes have no examples yet.
        name: name of the loss.
        weighting: as in `LongTailedCrossentropy`.
        normalize: as in `LongTailedCrossentropy`.
        differentiate_weight: as in `LongTailedCrossentropy`.
        from_logits: as in `LongTailedCrossentropy`.
        label_smoothing: as in `LongTailedCrossentropy`.
        ignore_class: as in `LongTailedCrossentropy`.
        axis: as in `LongTailedCrossentropy`.
        reduction: as in `LongTailedCrossentropy`.
        dtype: as in `LongTailedCrossentropy`.

    Raises:
        ValueError: as `LongTailedCrossentropy`, and for classes without examples if
            `tau > 0` and `smoothing == 0`.

    Reference:
        Menon et al. 2021, arXiv 2007.07314, Eq. 10.

    Example:
    ```python
    import keras_ccar

    loss = keras_ccar.LogitAdjustedLoss([500, 100, 20], tau=1.5, from_logits=True)
    value = loss([0, 2], [[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
    ```
    """

    sibling = "BinaryLogitAdjustedLoss"
    _fixed_parts = ("adjustment",)

    def __init__(
        self,
        class_counts: ClassCounts,
        tau: float = 1.0,
        smoothing: float = 0.0,
        name: str = "logit_adjusted",
        *,
        weighting: Weighting | Callable[..., Any] | None = None,
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
            weighting=weighting,
            adjustment=LogitAdjustment(tau, smoothing),
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
