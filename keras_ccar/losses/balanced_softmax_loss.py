"""Balanced Softmax."""

import keras

from keras_ccar.adjustments import LogitAdjustment
from keras_ccar.frequencies import ClassCounts
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy


@keras.saving.register_keras_serializable(package="keras_ccar")
class BalancedSoftmaxLoss(LongTailedCrossentropy):
    """Balanced Softmax: cross-entropy of `z + log f`.

    What `LogitAdjustedLoss` is with `tau=1`. Trained so, the plain logits `z` are those
    of a balanced class distribution: predict with them, uncorrected.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)` or a
            dict `{class: count}`.
        name: name of the loss.
        **arguments: further arguments of `LongTailedCrossentropy`, such as
            `from_logits`, `weighting` or `label_smoothing`.

    Raises:
        ValueError: as `LongTailedCrossentropy`, and for classes without examples.

    Reference:
        Ren et al. 2020, arXiv 2007.10740, Eq. 4.

    Example:
    ```python
    import keras_ccar

    loss = keras_ccar.BalancedSoftmaxLoss([500, 100, 20], from_logits=True)
    value = loss([0, 2], [[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
    ```
    """

    def __init__(
        self, class_counts: ClassCounts, name: str = "balanced_softmax", **arguments
    ) -> None:
        super().__init__(
            class_counts, adjustment=LogitAdjustment(), name=name, **arguments
        )

    def get_config(self):
        """Returns the constructor arguments as plain JSON."""
        config = super().get_config()
        del config["adjustment"]
        return config
