"""Focal loss."""

import keras

from keras_ccar.frequencies import ClassCounts
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy
from keras_ccar.weightings import Focal


@keras.saving.register_keras_serializable(package="keras_ccar")
class FocalLoss(LongTailedCrossentropy):
    """Focal loss: `(1 - p_t)^γ * -log p_t`, of the softmax confidence.

    Gradients flow through the weight, as published.

    Args:
        gamma: γ >= 0; 0 is cross-entropy.
        class_counts: training examples of each class. Needed only with an `adjustment`
            and for the statistics of `CCARCallback`.
        differentiate_weight: whether gradients flow through the weight as well.
        name: name of the loss.
        **arguments: further arguments of `LongTailedCrossentropy`, such as
            `from_logits`, `normalize` or `adjustment`.

    Raises:
        ValueError: as `LongTailedCrossentropy`, and for a negative gamma.

    Reference:
        Lin et al. 2017, arXiv 1708.02002, Eq. 4.

    Example:
    ```python
    import keras_ccar

    loss = keras_ccar.FocalLoss(gamma=2.0, from_logits=True)
    value = loss([0, 2], [[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
    ```
    """

    def __init__(
        self,
        gamma: float = 2.0,
        class_counts: ClassCounts | None = None,
        differentiate_weight: bool = True,
        name: str = "focal",
        **arguments,
    ) -> None:
        super().__init__(
            class_counts,
            weighting=Focal(gamma),
            differentiate_weight=differentiate_weight,
            name=name,
            **arguments,
        )

    def get_config(self):
        """Returns the constructor arguments as plain JSON."""
        config = super().get_config()
        del config["weighting"]
        return {**config, **self.weighting.get_config()}
