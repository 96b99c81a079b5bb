"""Cross-entropy weighted by inverse class frequency."""

import keras

from keras_ccar.frequencies import ClassCounts
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy
from keras_ccar.weightings import InverseFrequency


@keras.saving.register_keras_serializable(package="keras_ccar")
class InverseFrequencyLoss(LongTailedCrossentropy):
    """Cross-entropy weighted by `1 / (K f_c)`: every class weighs the same in total.

    What `class_weight="balanced"` is elsewhere. The mean weight over the training data
    is 1. A class without examples weighs as one with a single example would.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)` or a
            dict `{class: count}`.
        name: name of the loss.
        **arguments: further arguments of `LongTailedCrossentropy`, such as
            `from_logits` or `adjustment`.

    Raises:
        ValueError: as `LongTailedCrossentropy`.

    Reference:
        King and Zeng 2001, "Logistic Regression in Rare Events Data", Eq. 8.

    Example:
    ```python
    import keras_ccar

    loss = keras_ccar.InverseFrequencyLoss([500, 100, 20], from_logits=True)
    value = loss([0, 2], [[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
    ```
    """

    def __init__(
        self, class_counts: ClassCounts, name: str = "inverse_frequency", **arguments
    ) -> None:
        super().__init__(
            class_counts, weighting=InverseFrequency(), name=name, **arguments
        )

    def get_config(self):
        """Returns the constructor arguments as plain JSON."""
        config = super().get_config()
        del config["weighting"]
        return config
