"""Focal loss."""

from typing import Any

import keras

from keras_ccar.adjustments import Adjustment
from keras_ccar.frequencies import ClassCounts
from keras_ccar.label_smoothing import LabelAwareSmoothing
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy
from keras_ccar.weightings import Focal
from keras_ccar.weightings.base import Normalize


@keras.saving.register_keras_serializable(package="keras_ccar")
class FocalLoss(LongTailedCrossentropy):
    """Focal loss of the softmax confidence: `(1 - p_t)^γ * -log p_t`.

    Gradients flow through the weight, as published.

    Args:
        gamma: γ >= 0; 0 is cross-entropy.
        class_counts: training examples of each class. Only needed with an `adjustment`
            and for the statistics of `CCARCallback`.
        differentiate_weight: whether gradients also flow through the weight.
        name: name of the loss.
        adjustment: as in `LongTailedCrossentropy`.
        normalize: as in `LongTailedCrossentropy`.
        from_logits: as in `LongTailedCrossentropy`.
        label_smoothing: as in `LongTailedCrossentropy`.
        ignore_class: as in `LongTailedCrossentropy`.
        axis: as in `LongTailedCrossentropy`.
        reduction: as in `LongTailedCrossentropy`.
        dtype: as in `LongTailedCrossentropy`.

    Raises:
        ValueError: as `LongTailedCrossentropy`, and for a negative gamma.

    Reference:
        Lin et al. 2017, arXiv 1708.02002, Eq. 4.

    Example:
    ```python
    import keras_ccar

    loss = keras_ccar.FocalLoss(gamma=2.0, from_logits=True)
    value = loss([0, 2], [[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
    ```
    """

    sibling = "BinaryFocalLoss"
    _fixed_parts = ("weighting",)

    def __init__(
        self,
        gamma: float = 2.0,
        class_counts: ClassCounts | None = None,
        differentiate_weight: bool = True,
        name: str = "focal",
        *,
        adjustment: Adjustment | None = None,
        normalize: Normalize = False,
        from_logits: bool = False,
        label_smoothing: float | LabelAwareSmoothing = 0.0,
        ignore_class: int | None = None,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            class_counts,
            weighting=Focal(gamma),
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
