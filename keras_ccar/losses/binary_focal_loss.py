"""Focal loss of yes-or-no labels."""

from typing import Any

import keras

from keras_ccar.adjustments import Adjustment
from keras_ccar.binary_counts import NumExamples
from keras_ccar.frequencies import ClassCounts
from keras_ccar.losses.binary_long_tailed_crossentropy import (
    BinaryLongTailedCrossentropy,
)
from keras_ccar.weightings import Focal
from keras_ccar.weightings.base import Normalize


@keras.saving.register_keras_serializable(package="keras_ccar")
class BinaryFocalLoss(BinaryLongTailedCrossentropy):
    """Focal loss of sigmoid outputs: binary cross-entropy weighted by `(1 - p_t)^γ`.

    With an `alpha` it equals Keras's `BinaryFocalCrossentropy` with
    `apply_class_balancing=True`, without one that with False, for targets of 0 and 1
    without smoothing. Of other targets `t`, here yes and no are two terms, weighted by
    their shares `t` and `1 - t`; Keras has one weight, of `t p + (1 - t) (1 - p)`.

    Args:
        gamma: γ >= 0; 0 is binary cross-entropy.
        alpha: α in (0, 1): multiplies yes by α and no by `1 - α`. None for neither.
        class_counts: as in `BinaryLongTailedCrossentropy`. Only needed with an
            `adjustment` and for the statistics of `CCARCallback`.
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
        ValueError: as `BinaryLongTailedCrossentropy`, and for a gamma or an alpha other
            than these.

    Reference:
        Lin et al. 2017, arXiv 1708.02002, Eq. 4 and 5.

    Example:
    ```python
    import keras_ccar

    loss = keras_ccar.BinaryFocalLoss(gamma=2.0, alpha=0.25, from_logits=True)
    value = loss([0, 1], [[-2.0], [0.5]])
    ```
    """

    sibling = "FocalLoss"
    _fixed_parts = ("weighting",)

    def __init__(
        self,
        gamma: float = 2.0,
        alpha: float | None = None,
        class_counts: ClassCounts | None = None,
        num_examples: NumExamples = None,
        from_logits: bool = False,
        name: str = "binary_focal",
        *,
        adjustment: Adjustment | None = None,
        ignore_value: float | None = None,
        normalize: Normalize = False,
        differentiate_weight: bool = True,
        label_smoothing: float = 0.0,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            class_counts,
            num_examples,
            weighting=Focal(gamma, alpha),
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

    def _own_config(self) -> dict[str, Any]:
        # Not in the configuration of a `Focal` without it.
        return {**super()._own_config(), "alpha": None}
