"""Asymmetric loss of yes-or-no labels."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_ccar.adjustments import Adjustment
from keras_ccar.arguments import check_number
from keras_ccar.binary_counts import NumExamples
from keras_ccar.frequencies import ClassCounts
from keras_ccar.losses.binary_long_tailed_crossentropy import (
    BinaryLongTailedCrossentropy,
)
from keras_ccar.ops.numerics import clip_min
from keras_ccar.weightings import AsymmetricFocal
from keras_ccar.weightings.base import Normalize


@keras.saving.register_keras_serializable(package="keras_ccar")
class AsymmetricLoss(BinaryLongTailedCrossentropy):
    """Focal loss of sigmoid outputs that treats no more mildly than yes.

    `L+ = (1 - p)^γ+ * -log p` for yes, `L- = p_m^γ- * -log(1 - p_m)` for no, with
    `p_m = max(p - clip, 0)`. Easy examples of no, below the margin, have loss 0.

    Args:
        gamma_positive: γ+ >= 0, how much easy examples of yes are played down.
        gamma_negative: γ- >= 0, how much easy examples of no are played down.
        clip: m in [0, 1), the probability margin of no.
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
        ValueError: as `BinaryLongTailedCrossentropy`, for a negative gamma and for a
            clip outside of [0, 1).

    Reference:
        Ridnik et al. 2021, arXiv 2009.14119, Eq. 4 to 6.

    Example:
    ```python
    import keras_ccar

    loss = keras_ccar.AsymmetricLoss(gamma_negative=2.0, from_logits=True)
    value = loss([[0, 1, 0]], [[-2.0, 0.5, 1.0]])
    ```
    """

    sibling = "FocalLoss"
    _fixed_parts = ("weighting",)

    def __init__(
        self,
        gamma_positive: float = 0.0,
        gamma_negative: float = 4.0,
        clip: float = 0.05,
        class_counts: ClassCounts | None = None,
        num_examples: NumExamples = None,
        from_logits: bool = False,
        name: str = "asymmetric",
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
            weighting=AsymmetricFocal(gamma_positive, gamma_negative),
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
        self.clip = check_number("clip", clip, 0, below=1)

    def terms(
        self, y_pred: Any, targets: Any, prior: Any
    ) -> tuple[Any, Callable[[Any, Any], Any]]:
        """See `BinaryLongTailedCrossentropy`."""
        (yes, no), crossentropy = super().terms(y_pred, targets, prior)
        if not self.clip:
            return (yes, no), crossentropy
        shifted = 1.0 - clip_min(yes - self.clip, 0.0)

        def shifted_crossentropy(share_of_yes: Any, share_of_no: Any) -> Any:
            of_yes = crossentropy(share_of_yes, ops.zeros_like(share_of_no))
            return of_yes - share_of_no * ops.log(shifted)

        return (yes, shifted), shifted_crossentropy

    def _own_config(self) -> dict[str, Any]:
        return {**super()._own_config(), "clip": self.clip}
