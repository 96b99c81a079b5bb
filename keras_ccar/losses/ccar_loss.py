"""CCAR: class-confidence-aware reweighting."""

from collections.abc import Callable
from typing import Any

import keras

from keras_ccar.adjustments import Adjustment
from keras_ccar.frequencies import ClassCounts
from keras_ccar.label_smoothing import LabelAwareSmoothing
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy
from keras_ccar.weightings import CCARWeighting
from keras_ccar.weightings.base import Normalize


@keras.saving.register_keras_serializable(package="keras_ccar")
class CCARLoss(LongTailedCrossentropy):
    """Class-confidence-aware reweighting: `L = Ω(p_t, f_c) * -log p_t`.

    Hard examples, with a confidence below `pivot`, weigh more the rarer their class;
    easy ones weigh less the more frequent their class. On top of cross-entropy, whose
    fused result already contains the confidence, the weight costs one gather by label.

    Without `normalize`, CCAR also acts like a larger learning rate early in training:
    the mean weight is up to `exp(strength * pivot)`, about 2.1. To compare it with
    another loss, normalise, or tune the learning rates of both.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)` or a
            dict `{class: count}`.
        pivot: ω in (0, 1]: the confidence at which the weight is 1.
        strength: s >= 0; 0 is cross-entropy.
        form: "exponential", "power", "information", "inverse" or a callable
            `(p_t, f_c) -> weight`; see `keras_ccar.weightings.ccar_weight`. Register a
            function of your own, so that saved models can be loaded in other processes.
        adjustment: a logit adjustment to combine with, for example
            `keras_ccar.adjustments.LogitAdjustment(tau=1.0)`.
        normalize: whether to divide weights by their mean over the batch; "batch" is
            the same.
        differentiate_weight: whether gradients also flow through the weight.
        from_logits: whether predictions are logits rather than probabilities.
        label_smoothing: as in `LongTailedCrossentropy`.
        ignore_class: as in `LongTailedCrossentropy`.
        axis: as in `LongTailedCrossentropy`.
        reduction: as in `LongTailedCrossentropy`.
        name: name of the loss.
        dtype: as in `LongTailedCrossentropy`.
        frequency_scale: "total" for frequencies as shares of all examples, or "largest"
            for frequencies relative to the most frequent class; see `CCARWeighting`.

    Raises:
        ValueError: as `LongTailedCrossentropy` and `ccar_weight`.

    Warns:
        UserWarning: if another process could not load the form or the adjustment with a
            saved model.

    Reference:
        Jagati et al. 2026, "Class Confidence Aware Reweighting for Long Tailed
        Learning", arXiv 2601.15924. The paper's exact capacity is not public; see
        `ccar_weight` for forms that agree with everything that is.

    Example:
    ```python
    import keras
    import numpy as np
    import keras_ccar

    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    model.compile(
        optimizer="sgd",
        loss=keras_ccar.CCARLoss(class_counts=[500, 100, 20], from_logits=True),
    )
    model.fit(np.ones((6, 8)), np.array([0, 0, 0, 1, 1, 2]), verbose=0)
    ```
    """

    weighting: CCARWeighting
    sibling = "BinaryCCARLoss"
    _fixed_parts = ("weighting",)

    def __init__(
        self,
        class_counts: ClassCounts,
        pivot: float = 0.75,
        strength: float = 1.0,
        form: str | Callable[..., Any] = "exponential",
        adjustment: Adjustment | None = None,
        normalize: Normalize = False,
        differentiate_weight: bool = False,
        from_logits: bool = False,
        label_smoothing: float | LabelAwareSmoothing = 0.0,
        ignore_class: int | None = None,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "ccar",
        dtype: Any = None,
        frequency_scale: str = "total",
    ) -> None:
        super().__init__(
            class_counts,
            weighting=CCARWeighting(pivot, strength, form, frequency_scale),
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

    @property
    def pivot(self) -> float:
        """The pivot ω."""
        return self.weighting.pivot

    @property
    def strength(self) -> float:
        """The strength s."""
        return self.weighting.strength

    @property
    def form(self) -> str | Callable[..., Any]:
        """The form of Ω."""
        return self.weighting.form

    @property
    def frequency_scale(self) -> str:
        """What class frequencies are relative to."""
        return self.weighting.frequency_scale
