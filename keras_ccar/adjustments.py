"""Logit adjustments: functions of logits, labels and the class prior."""

import keras
import numpy as np
from keras import ops

from keras_ccar.frequencies import format_class_list, require_class_counts
from keras_ccar.inputs.checks import check_number
from keras_ccar.ops.numerics import clip_min

__all__ = ["Adjustment", "LDAMMargin", "LogitAdjustment"]


class Adjustment:
    """Base class of logit adjustments that a `LongTailedCrossentropy` can take.

    A subclass implements `__call__(logits, labels, prior)` with `keras.ops` and
    `get_config()`.
    """

    def check(self, prior):
        """Raises a `ValueError` for a prior that cannot be adjusted for.

        Args:
            prior: the `keras_ccar.frequencies.ClassPrior`, as numpy, or None if the
                loss has no class counts.
        """
        require_class_counts(prior, type(self).__name__)

    def __call__(self, logits, labels, prior):
        """Returns the adjusted logits.

        Args:
            logits: tensor of shape `(..., K)`.
            labels: int32 labels of shape `(...)`, or distributions `(..., K)`.
            prior: the `keras_ccar.frequencies.ClassPrior` of the training data.

        Returns:
            A tensor of shape `(..., K)`.
        """
        raise NotImplementedError

    def get_config(self):
        """Returns the constructor arguments as plain JSON."""
        return {}

    @classmethod
    def from_config(cls, config):
        """Makes the adjustment again from `get_config()`."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_ccar")
class LogitAdjustment(Adjustment):
    """Adds the log-prior to the logits: `z + τ log f`.

    Trained so, the plain logits `z` are those of a balanced class distribution.
    With τ = 1 this is Balanced Softmax.

    Args:
        tau: τ, how much of the prior is taken out. 0 leaves the logits alone.
        smoothing: added to every class count before the logarithm, for data in
            which some class has no example yet.

    Raises:
        ValueError: for a negative or non-finite argument. The loss that takes the
            adjustment raises one for classes without examples if `tau > 0` and
            `smoothing == 0`.

    Reference:
        Menon et al. 2021, arXiv 2007.07314, Eq. 10; Ren et al. 2020,
        arXiv 2007.10740, Eq. 4.

    Example:
    ```python
    import keras_ccar
    from keras_ccar.adjustments import LogitAdjustment

    loss = keras_ccar.CCARLoss([500, 20], adjustment=LogitAdjustment(tau=1.0))
    ```
    """

    def __init__(self, tau: float = 1.0, smoothing: float = 0.0) -> None:
        self.tau = check_number("tau", tau, 0)
        self.smoothing = check_number("smoothing", smoothing, 0)

    def check(self, prior):
        """See `Adjustment`."""
        super().check(prior)
        empty = np.asarray(prior.frequency) == 0
        if self.tau and not self.smoothing and empty.any():
            raise ValueError(
                "`class_counts` must be above 0 where the logarithm of the class "
                f"frequency is taken: {format_class_list(empty)} have no examples. "
                "Give `LogitAdjustment(smoothing=1)` to count one example more of "
                "every class, or leave the empty classes out."
            )

    def __call__(self, logits, labels, prior):
        """See `Adjustment`."""
        # A frequency that training has updated may have sunk to 0.
        frequency = clip_min(prior.frequency, prior.floor)
        if self.smoothing:
            share = self.smoothing / prior.num_examples
            frequency = (prior.frequency + share) / (1.0 + share * prior.num_classes)
        return logits + ops.cast(self.tau * ops.log(frequency), logits.dtype)

    def get_config(self):
        """See `Adjustment`."""
        return {"tau": self.tau, "smoothing": self.smoothing}


@keras.saving.register_keras_serializable(package="keras_ccar")
class LDAMMargin(Adjustment):
    """Asks rare classes to win by a margin: `S * (z - m_y e_y)`.

    The margins are `m_c = M * (n_c / min n)^(-1/4)`. Logits must be cosines, as of
    `keras_ccar.layers.CosineHead`, or the margin means nothing. For label
    distributions the margin of a class counts for its share: `z - m * y`.

    Args:
        max_margin: M, the margin of the rarest class.
        scale: S, the inverse temperature.

    Raises:
        ValueError: for a negative margin or scale.

    Reference:
        Cao et al. 2019, arXiv 1906.07413, Eq. 13 and its published code for S.

    Example:
    ```python
    import keras_ccar
    from keras_ccar.adjustments import LDAMMargin

    loss = keras_ccar.CCARLoss(
        [500, 20], adjustment=LDAMMargin(), from_logits=True
    )
    ```
    """

    def __init__(self, max_margin: float = 0.5, scale: float = 30.0) -> None:
        self.max_margin = check_number("max_margin", max_margin, 0)
        self.scale = check_number("scale", scale, 0)

    def __call__(self, logits, labels, prior):
        """See `Adjustment`."""
        frequency = prior.frequency
        # Classes without examples have no margin of their own: take the greatest.
        rarest = ops.min(ops.where(frequency > 0, frequency, 1.0))
        margins = self.max_margin * (rarest / ops.maximum(frequency, rarest)) ** 0.25
        margins = ops.cast(self.scale * margins, logits.dtype)
        if len(labels.shape) < len(logits.shape):
            # A choice and not a product: XLA need not build the one-hot labels.
            is_true = ops.expand_dims(labels, -1) == ops.arange(prior.num_classes)
            margins = ops.expand_dims(ops.take(margins, labels), -1)
            margins = ops.where(is_true, margins, ops.zeros_like(margins))
        else:
            margins = margins * labels
        return self.scale * logits - margins

    def get_config(self):
        """See `Adjustment`."""
        return {"max_margin": self.max_margin, "scale": self.scale}


def get(adjustment):
    """Returns an `Adjustment` or None, or raises a `TypeError` for anything else."""
    if adjustment is None or isinstance(adjustment, Adjustment):
        return adjustment
    raise TypeError(
        "`adjustment` must be a `keras_ccar.adjustments.Adjustment` such as "
        f"`LogitAdjustment(tau=1.0)`, or None. Received: adjustment={adjustment!r}"
    )
