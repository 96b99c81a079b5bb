"""Distribution-balanced loss of labels that occur together."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_ccar.adjustments import LogitAdjustment
from keras_ccar.arguments import check_number
from keras_ccar.binary_counts import NumExamples
from keras_ccar.frequencies import ClassCounts
from keras_ccar.losses.binary_long_tailed_crossentropy import (
    BinaryLongTailedCrossentropy,
)
from keras_ccar.ops.crossentropy import sigmoid_terms
from keras_ccar.weightings.base import Normalize, Weighting
from keras_ccar.weightings.normalized_weights import (
    compute_side_weights,
    divide_by_batch_mean,
)


@keras.saving.register_keras_serializable(package="keras_ccar")
class DistributionBalancedLoss(BinaryLongTailedCrossentropy):
    """Binary cross-entropy rebalanced by the labels that occur together.

    `L = r̂ * (y * log(1 + e^-u) + (1 - y) / λ * log(1 + e^(λ u)))`, where
    `u = z + κ log(f / (1 - f))`. The weight `r̂ = α + 1 / (1 + e^(-β (r - μ)))` of a
    label grows with `r = (1 / n_i) / Σ_j (y_j / n_j)`: a frequent label counts less
    where a rarer one made the example likely. The scale λ lets the logits of no be
    (negative-tolerant regularisation).

    Args:
        class_counts: as in `BinaryLongTailedCrossentropy`.
        num_examples: as in `BinaryLongTailedCrossentropy`.
        alpha: α >= 0, lifts the weights.
        beta: β > 0, how steeply the weight rises with r.
        mu: μ, where the weight is `α + 1/2`.
        kappa: κ >= 0, how much of the prior enters the logits.
        negative_scale: λ > 0; 1 is no regularisation.
        from_logits: as in `BinaryLongTailedCrossentropy`.
        name: name of the loss.
        weighting: as in `BinaryLongTailedCrossentropy`.
        ignore_value: as in `BinaryLongTailedCrossentropy`.
        normalize: whether to divide weights by their mean over the batch; "batch" is
            the same.
        differentiate_weight: as in `BinaryLongTailedCrossentropy`.
        label_smoothing: as in `BinaryLongTailedCrossentropy`.
        reduction: as in `BinaryLongTailedCrossentropy`.
        dtype: as in `BinaryLongTailedCrossentropy`.

    Raises:
        ValueError: as `BinaryLongTailedCrossentropy`, for other numbers than these, and
            for labels without an example of yes or of no.

    Reference:
        Wu et al. 2020, arXiv 2007.09654, Eq. 3 to 9.

    Example:
    ```python
    import keras_ccar

    loss = keras_ccar.DistributionBalancedLoss(
        [500, 20, 5], num_examples=1_000, from_logits=True
    )
    value = loss([[1, 0, 1]], [[2.0, 0.5, -1.0]])
    ```
    """

    _fixed_parts = ()

    def __init__(
        self,
        class_counts: ClassCounts,
        num_examples: NumExamples = None,
        alpha: float = 0.1,
        beta: float = 10.0,
        mu: float = 0.2,
        kappa: float = 0.05,
        negative_scale: float = 2.0,
        from_logits: bool = False,
        name: str = "distribution_balanced",
        *,
        weighting: Weighting | Callable[..., Any] | None = None,
        ignore_value: float | None = None,
        normalize: Normalize = False,
        differentiate_weight: bool = False,
        label_smoothing: float = 0.0,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        kappa = check_number("kappa", kappa, 0)
        super().__init__(
            class_counts,
            num_examples,
            weighting=weighting,
            adjustment=LogitAdjustment(kappa),
            ignore_value=ignore_value,
            normalize=normalize,
            differentiate_weight=differentiate_weight,
            label_smoothing=label_smoothing,
            reduction=reduction,
            dtype=dtype,
            from_logits=from_logits,
            name=name,
        )
        self.alpha = check_number("alpha", alpha, 0)
        self.beta = check_number("beta", beta, above=0)
        self.mu = check_number("mu", mu)
        self.kappa = kappa
        self.negative_scale = check_number("negative_scale", negative_scale, above=0)

    def terms(
        self, y_pred: Any, targets: Any, prior: Any
    ) -> tuple[Any, Callable[[Any, Any], Any]]:
        """See `BinaryLongTailedCrossentropy`."""
        scale = self.negative_scale
        logits = self.logits(y_pred, targets, prior)
        (yes, no), crossentropy = sigmoid_terms(logits)
        if scale == 1:
            return (yes, no), crossentropy
        (_, no), scaled_crossentropy = sigmoid_terms(scale * logits)

        def sides(share_of_yes: Any, share_of_no: Any) -> Any:
            zero = ops.zeros_like(logits)
            of_no = scaled_crossentropy(zero, share_of_no) / scale
            return crossentropy(share_of_yes, zero) + of_no

        return (yes, no), sides

    def side_weights(
        self, confidences: Any, prior: Any, masses: Any, shares: Any
    ) -> list[Any]:
        """See `BinaryLongTailedCrossentropy`."""
        inverse = 1.0 / (prior.replace_zero(prior.frequency)[0] * prior.num_examples)
        carried = ops.sum(masses[0] * inverse, axis=-1, keepdims=True)
        # An example without a label counts as if each were by far the rarest.
        ratio = inverse / ops.where(carried > 0, carried, 1.0)
        weight = ops.where(carried > 0, ops.sigmoid(self.beta * (ratio - self.mu)), 1.0)
        weights = [
            (self.alpha + weight) * side
            for side in compute_side_weights(
                self.weighting, confidences, prior, masses, shares
            )
        ]
        return divide_by_batch_mean(weights, shares) if self.normalize else weights

    def _own_config(self) -> dict[str, Any]:
        config = super()._own_config()
        del config["adjustment"]
        names = ("alpha", "beta", "mu", "kappa", "negative_scale")
        return {**config, **{name: getattr(self, name) for name in names}}
