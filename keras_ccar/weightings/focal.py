"""The weight of focal loss."""

from typing import Any

import keras
from keras import ops

from keras_ccar.arguments import check_number
from keras_ccar.ops.numerics import clip_min
from keras_ccar.weightings.base import Weighting

# 1 - p_t of the most confident prediction that float32 distinguishes from 1.
SMALLEST_DOUBT = 2.0**-24


@keras.saving.register_keras_serializable(package="keras_ccar")
class Focal(Weighting):
    """Weights samples by `(1 - p_t)^γ`, so that easy ones count less.

    Args:
        gamma: γ >= 0; 0 is cross-entropy.

    Raises:
        ValueError: for a negative or non-finite gamma.

    Reference:
        Lin et al. 2017, arXiv 1708.02002, Eq. 4. To let gradients flow through the
        weight, as in the paper, set `differentiate_weight=True` in the loss.

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

    def __init__(self, gamma: float = 2.0) -> None:
        self.gamma = check_number("gamma", gamma, 0, meaning="0 is cross-entropy")

    def __call__(self, p_t: Any, f_c: Any, prior: Any) -> Any:
        """See `Weighting`."""
        if self.gamma == 0:
            return ops.ones_like(p_t)
        # Rounding can lift p_t above 1, and a power of 0 may have no finite gradient.
        return clip_min(1.0 - p_t, SMALLEST_DOUBT) ** self.gamma

    def get_config(self) -> dict[str, Any]:
        """See `Weighting`."""
        return {"gamma": self.gamma}
