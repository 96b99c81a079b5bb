"""LDAM: label-distribution-aware margins."""

import keras

from keras_ccar.adjustments import LDAMMargin
from keras_ccar.frequencies import ClassCounts
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy


@keras.saving.register_keras_serializable(package="keras_ccar")
class LDAMLoss(LongTailedCrossentropy):
    """Label-distribution-aware margin loss: cross-entropy of `S (z - m_y e_y)`.

    The margins are `m_c = M (n_c / min n)^(-1/4)`. Use it with the cosine head
    `keras_ccar.layers.CosineHead`. For LDAM-DRW add
    `weighting=keras_ccar.weightings.EffectiveNumber()` and the callback
    `keras_ccar.DeferredReweighting(start_epoch)`.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)` or a
            dict `{class: count}`.
        max_margin: M, the margin of the rarest class.
        scale: S, the inverse temperature.
        from_logits: True, unlike in other losses: margins are on cosines. With False
            they are on log-probabilities.
        name: name of the loss.
        **arguments: further arguments of `LongTailedCrossentropy`, such as
            `weighting` or `label_smoothing`.

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

    def __init__(
        self,
        class_counts: ClassCounts,
        max_margin: float = 0.5,
        scale: float = 30.0,
        from_logits: bool = True,
        name: str = "ldam",
        **arguments,
    ) -> None:
        super().__init__(
            class_counts,
            adjustment=LDAMMargin(max_margin, scale),
            from_logits=from_logits,
            name=name,
            **arguments,
        )

    def get_config(self):
        """Returns the constructor arguments as plain JSON."""
        config = super().get_config()
        del config["adjustment"]
        return {**config, **self.adjustment.get_config()}
