"""LDAM: label-distribution-aware margins."""

from collections.abc import Callable
from typing import Any

import keras

from keras_ccar.adjustments import LDAMMargin
from keras_ccar.frequencies import ClassCounts
from keras_ccar.label_smoothing import LabelAwareSmoothing
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy
from keras_ccar.weightings.base import Normalize, Weighting


@keras.saving.register_keras_serializable(package="keras_ccar")
class LDAMLoss(LongTailedCrossentropy):
    """Label-distribution-aware margin loss: cross-entropy of `S (z - m_y e_y)`.

    The margins are `m_c = M (n_c / min n)^(-1/4)`. Use it with
    `keras_ccar.layers.CosineHead`. For LDAM-DRW, add
    `weighting=keras_ccar.weightings.EffectiveNumber()` and the callback
    `keras_ccar.DeferredReweighting(start_epoch)`.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)` or a
            dict `{class: count}`.
        max_margin: M, the margin of the rarest class.
        scale: S, the inverse temperature.
        from_logits: as in `LongTailedCrossentropy`, but True by default: the margins
            are meant for cosines. With False they apply to log-probabilities.
        name: name of the loss.
        weighting: as in `LongTailedCrossentropy`.
        normalize: as in `LongTailedCrossentropy`.
        differentiate_weight: as in `LongTailedCrossentropy`.
        label_smoothing: as in `LongTailedCrossentropy`.
        ignore_class: as in `LongTailedCrossentropy`.
        axis: as in `LongTailedCrossentropy`.
        reduction: as in `LongTailedCrossentropy`.
        dtype: as in `LongTailedCrossentropy`.

    Raises:
        ValueError: as `LongTailedCrossentropy`, and for a negative margin or scale.

    Reference:
        Cao et al. 2019, arXiv 1906.07413, Eq. 13.

    Example:
    ```python
    import keras_ccar

    loss = keras_ccar.LDAMLoss([500, 100, 20])
    value = loss([0, 2], [[0.9, 0.5, -0.2], [0.1, 0.2, 0.3]])
    ```
    """

    _fixed_parts = ("adjustment",)

    def __init__(
        self,
        class_counts: ClassCounts,
        max_margin: float = 0.5,
        scale: float = 30.0,
        from_logits: bool = True,
        name: str = "ldam",
        *,
        weighting: Weighting | Callable[..., Any] | None = None,
        normalize: Normalize = False,
        differentiate_weight: bool = False,
        label_smoothing: float | LabelAwareSmoothing = 0.0,
        ignore_class: int | None = None,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            class_counts,
            weighting=weighting,
            adjustment=LDAMMargin(max_margin, scale),
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
