"""Logit adjustments: functions of logits, labels and the class prior."""

from typing import Any, Self

import keras
import numpy as np
from keras import ops

from keras_ccar.arguments import check_number, show
from keras_ccar.binary_counts import format_empty_sides
from keras_ccar.frequencies import (
    ClassPrior,
    format_class_list,
    require_class_counts,
    require_numbers_of_examples,
)
from keras_ccar.label_smoothing import LabelAwareSmoothing
from keras_ccar.ops.class_logits import subtract_from_class
from keras_ccar.serialization import warn_if_not_reloadable

__all__ = ["Adjustment", "LDAMMargin", "LabelAwareSmoothing", "LogitAdjustment"]


class Adjustment:
    """Base class of the logit adjustments of the losses.

    A subclass implements `__call__(logits, labels, prior)` with `keras.ops` and
    `get_config()`. With yes-or-no labels it is called with a class axis before the
    last: logits and labels are `(..., 2, K)`, yes first, and the frequencies of the
    prior `(2, K)`. So write it for frequencies that broadcast against the logits.

    Attributes:
        moves_prior: whether it takes the prior, or a part of it, out of what a model
            learns, so that a correction after training would do so again.
    """

    moves_prior: bool = True

    def check(self, prior: ClassPrior | None) -> None:
        """Raises a `ValueError` for a prior that the adjustment cannot work with.

        Args:
            prior: the `keras_ccar.frequencies.ClassPrior` of the training data, as
                numpy, or None without class counts.
        """
        require_class_counts(prior, type(self).__name__)

    def __call__(self, logits: Any, labels: Any, prior: ClassPrior) -> Any:
        """Returns the adjusted logits.

        Args:
            logits: tensor of shape `(..., K)`.
            labels: int32 labels of shape `(...)`, or distributions `(..., K)`.
            prior: the `keras_ccar.frequencies.ClassPrior` of the training data.

        Returns:
            A tensor of shape `(..., K)`.
        """
        raise NotImplementedError

    def adjust_sigmoid(self, logits: Any, targets: Any, prior: ClassPrior) -> Any:
        """Returns the adjusted logits of yes-or-no labels.

        A label is a problem of two classes, with the logits `z` of yes and 0 of no.

        Args:
            logits: tensor of shape `(..., K)`.
            targets: targets in [0, 1], of the same shape.
            prior: the prior of all labels, frequencies `(2, K)`.
        """
        sides = ops.stack([logits, ops.zeros_like(logits)], axis=-2)
        labels = ops.stack([targets, 1.0 - targets], axis=-2)
        yes, no = ops.unstack(self(sides, labels, prior), num=2, axis=-2)
        return yes - no

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes the adjustment from `get_config()`."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_ccar")
class LogitAdjustment(Adjustment):
    """Adds the log-prior to the logits: `z + τ log f`.

    After training, the plain logits `z` fit a balanced class distribution. With τ = 1
    this is Balanced Softmax.

    Args:
        tau: τ >= 0, how much of the prior to take out; 0 leaves the logits unchanged.
        smoothing: added to every class count before the logarithm, for data in which
            some classes have no examples yet.

    Raises:
        ValueError: for a negative or non-finite argument; from the loss, for classes
            without examples if `tau > 0` and `smoothing == 0`, and for shares of the
            classes instead of numbers of examples if `smoothing > 0`.

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
        self.moves_prior = self.tau > 0

    def check(self, prior: ClassPrior | None) -> None:
        """See `Adjustment`."""
        prior = require_class_counts(prior, type(self).__name__)
        if not self.tau:
            return
        if self.smoothing:
            require_numbers_of_examples(prior.examples, "`smoothing`")
        empty = np.asarray(prior.frequency) == 0
        if empty.any() and not self.smoothing:
            named = "`BalancedSoftmaxLoss` or `LogitAdjustedLoss`"
            received = f"{format_class_list(empty)} without examples"
            if empty.ndim > 1:
                named = "`BinaryLogitAdjustedLoss`"
                received = format_empty_sides(empty)
            raise ValueError(
                "`class_counts` must be above 0 for the logarithm of the class "
                f"frequencies. Received: {received}. "
                "To add 1 to the count of every class, pass `smoothing=1` to "
                f"{named}, or "
                "`adjustment=LogitAdjustment(smoothing=1)` to any other loss."
            )

    def __call__(self, logits: Any, labels: Any, prior: ClassPrior) -> Any:
        """See `Adjustment`."""
        return logits + ops.cast(self._shift(prior), logits.dtype)

    def adjust_sigmoid(self, logits: Any, targets: Any, prior: ClassPrior) -> Any:
        """See `Adjustment`: `z + τ log (f / (1 - f))`."""
        yes, no = ops.unstack(self._shift(prior), num=2)
        return logits + ops.cast(yes - no, logits.dtype)

    def _shift(self, prior: ClassPrior) -> Any:
        if self.smoothing:
            share = self.smoothing / prior.num_examples
            frequency = (prior.frequency + share) / (1.0 + share * prior.num_classes)
        else:
            # Updates during training may have lowered a frequency to 0.
            frequency = prior.replace_zero(prior.frequency)
        return self.tau * ops.log(frequency)

    def get_config(self) -> dict[str, Any]:
        """See `Adjustment`."""
        return {"tau": self.tau, "smoothing": self.smoothing}


@keras.saving.register_keras_serializable(package="keras_ccar")
class LDAMMargin(Adjustment):
    """Gives each class a margin, the larger the rarer it is: `S * (z - m_y e_y)`.

    The margins are `m_c = M * (n_c / min n)^(-1/4)`. They only make sense for logits
    that are cosines, as those of `keras_ccar.layers.CosineHead`. With label
    distributions `y` each class has its share of the margin: `z - m * y`. Yes and no of
    a yes-or-no label have a margin each: `S * (z - m_yes y + m_no (1 - y))`.

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
        self.moves_prior = self.max_margin > 0

    def __call__(self, logits: Any, labels: Any, prior: ClassPrior) -> Any:
        """See `Adjustment`."""
        margins = ops.cast(self._margins(prior), logits.dtype)
        if len(labels.shape) < len(logits.shape):
            margins = ops.take(margins, labels)
            return subtract_from_class(self.scale * logits, labels, margins)
        return self.scale * logits - margins * labels

    def adjust_sigmoid(self, logits: Any, targets: Any, prior: ClassPrior) -> Any:
        """See `Adjustment`: the margin moves the true side."""
        yes, no = ops.unstack(ops.cast(self._margins(prior), logits.dtype), num=2)
        return self.scale * logits - targets * yes + (1.0 - targets) * no

    def _margins(self, prior: ClassPrior) -> Any:
        frequency = prior.frequency
        # Classes without examples get the largest margin.
        rarest = ops.min(ops.where(frequency > 0, frequency, 1.0), axis=0)
        ratio = rarest / ops.maximum(frequency, rarest)
        return self.scale * (self.max_margin * ratio**0.25)

    def get_config(self) -> dict[str, Any]:
        """See `Adjustment`."""
        return {"max_margin": self.max_margin, "scale": self.scale}


def get(adjustment: Any) -> Adjustment | None:
    """Returns an `Adjustment` or None; raises a `TypeError` for anything else."""
    if adjustment is None or isinstance(adjustment, Adjustment):
        warn_if_not_reloadable("adjustment", adjustment)
        return adjustment
    raise TypeError(
        "`adjustment` must be a `keras_ccar.adjustments.Adjustment` such as "
        f"`LogitAdjustment(tau=1.0)`, or None. Received: adjustment={show(adjustment)}"
    )
