"""The weight of focal loss."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_ccar.arguments import check_number
from keras_ccar.ops.numerics import clip_min, power
from keras_ccar.weightings.base import Weighting

# 1 - p_t of the most confident prediction that float32 distinguishes from 1.
SMALLEST_DOUBT = 2.0**-24


@keras.saving.register_keras_serializable(package="keras_ccar")
class Focal(Weighting):
    """Weights samples by `(1 - p_t)^γ`, so that easy ones count less.

    Args:
        gamma: γ >= 0; 0 is cross-entropy.
        alpha: α in (0, 1), only for yes-or-no labels: multiplies the weight of yes by α
            and that of no by `1 - α`. None for neither.

    Raises:
        ValueError: for a gamma or an alpha other than these; from a softmax loss, for
            an alpha.

    Reference:
        Lin et al. 2017, arXiv 1708.02002, Eq. 4 and 5. To let gradients flow through
        the weight, as in the paper, set `differentiate_weight=True` in the loss.

    Example:
    ```python
    import keras_ccar
    from keras_ccar.weightings import Focal

    loss = keras_ccar.LongTailedCrossentropy(
        [500, 20], weighting=Focal(gamma=1.0), differentiate_weight=True
    )
    ```
    """

    uses_frequency = False

    def __init__(self, gamma: float = 2.0, alpha: float | None = None) -> None:
        self.gamma = check_number("gamma", gamma, 0, meaning="0 is cross-entropy")
        self.alpha = None
        if alpha is not None:
            self.alpha = check_number("alpha", alpha, above=0, below=1)
        self.is_binary = alpha is not None

    def __call__(self, p_t: Any, f_c: Any, prior: Any) -> Any:
        """See `Weighting`."""
        return focal_weight(p_t, self.gamma)

    def side_weights(self, confidences: Sequence[Any], prior: Any) -> list[Any]:
        """See `Weighting`."""
        yes, no = super().side_weights(confidences, prior)
        if self.alpha is None:
            return [yes, no]
        return [self.alpha * yes, (1.0 - self.alpha) * no]

    def get_config(self) -> dict[str, Any]:
        """See `Weighting`."""
        config = {"gamma": self.gamma}
        return config if self.alpha is None else {**config, "alpha": self.alpha}


@keras.saving.register_keras_serializable(package="keras_ccar")
class AsymmetricFocal(Weighting):
    """Weights yes by `(1 - p_t)^γ+` and no by `(1 - p_t)^γ-`.

    Only losses of yes-or-no labels take it.

    Args:
        gamma_positive: γ+ >= 0, for yes.
        gamma_negative: γ- >= 0, for no.

    Raises:
        ValueError: for a negative or non-finite gamma; from a softmax loss.

    Reference:
        Ridnik et al. 2021, arXiv 2009.14119, Eq. 4.

    Example:
    ```python
    import keras_ccar
    from keras_ccar.weightings import AsymmetricFocal

    loss = keras_ccar.BinaryLongTailedCrossentropy(
        [9_900, 100], weighting=AsymmetricFocal(0.0, 2.0), from_logits=True
    )
    ```
    """

    uses_frequency = False
    is_binary = True

    def __init__(
        self, gamma_positive: float = 0.0, gamma_negative: float = 4.0
    ) -> None:
        self.gamma_positive = check_number("gamma_positive", gamma_positive, 0)
        self.gamma_negative = check_number("gamma_negative", gamma_negative, 0)

    def side_weights(self, confidences: Sequence[Any], prior: Any) -> list[Any]:
        """See `Weighting`."""
        gammas = (self.gamma_positive, self.gamma_negative)
        return [
            focal_weight(p_t, gamma)
            for p_t, gamma in zip(confidences, gammas, strict=True)
        ]

    def get_config(self) -> dict[str, Any]:
        """See `Weighting`."""
        return {
            "gamma_positive": self.gamma_positive,
            "gamma_negative": self.gamma_negative,
        }


def focal_weight(p_t: Any, gamma: float) -> Any:
    """Returns `(1 - p_t)^γ`."""
    if gamma == 0:
        return ops.ones_like(p_t)
    # Rounding can lift p_t above 1, and a power of 0 may have no finite gradient.
    return power(clip_min(1.0 - p_t, SMALLEST_DOUBT), gamma)
