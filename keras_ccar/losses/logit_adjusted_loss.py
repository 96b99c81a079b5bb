"""Logit-adjusted cross-entropy."""

import keras

from keras_ccar.adjustments import LogitAdjustment
from keras_ccar.frequencies import ClassCounts
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy


@keras.saving.register_keras_serializable(package="keras_ccar")
class LogitAdjustedLoss(LongTailedCrossentropy):
    """Logit-adjusted cross-entropy, of `z + τ log f`.

    Trained so, the plain logits `z` are those of a balanced class distribution: predict
    with them, uncorrected.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)` or a
            dict `{class: count}`.
        tau: τ >= 0, how much of the prior is taken out; 1 is Balanced Softmax.
        smoothing: added to every class count before the logarithm, for data in which
            some class has no example yet.
        name: name of the loss.
        **arguments: further arguments of `LongTailedCrossentropy`, such as
            `from_logits`, `weighting` or `label_smoothing`.

    Raises:
        ValueError: as `LongTailedCrossentropy`, and for classes without examples where
            `tau > 0` and `smoothing == 0`.

    Reference:
        Menon et al. 2021, arXiv 2007.07314, Eq. 10.

    Example:
    ```python
    import keras_ccar

    loss = keras_ccar.LogitAdjustedLoss([500, 100, 20], tau=1.5, from_logits=True)
    value = loss([0, 2], [[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
    ```
    """

    def __init__(
        self,
        class_counts: ClassCounts,
        tau: float = 1.0,
        smoothing: float = 0.0,
        name: str = "logit_adjusted",
        **arguments,
    ) -> None:
        super().__init__(
            class_counts,
            adjustment=LogitAdjustment(tau, smoothing),
            name=name,
            **arguments,
        )

    def get_config(self):
        """Returns the constructor arguments as plain JSON."""
        config = super().get_config()
        del config["adjustment"]
        return {**config, **self.adjustment.get_config()}
