"""Class-balanced cross-entropy."""

import keras

from keras_ccar.frequencies import ClassCounts
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy
from keras_ccar.weightings import EffectiveNumber


@keras.saving.register_keras_serializable(package="keras_ccar")
class ClassBalancedLoss(LongTailedCrossentropy):
    """Cross-entropy weighted by the effective number of examples.

    Class weights are `(1 - β) / (1 - β^{n_c})`, scaled to sum to K, as published. Over
    long-tailed data their mean is far below 1 (0.20 on CIFAR-100-LT with imbalance
    factor 100), which trains like a smaller learning rate: prefer `normalize=True`,
    which scales them to a mean of 1 over the training data.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)` or a
            dict `{class: count}`.
        beta: β in [0, 1): 0 weighs all classes alike.
        name: name of the loss.
        **arguments: further arguments of `LongTailedCrossentropy`, such as
            `from_logits`, `normalize` or `adjustment`.

    Raises:
        ValueError: as `LongTailedCrossentropy`, and for a beta outside [0, 1).

    Reference:
        Cui et al. 2019, arXiv 1901.05555, Eq. 2.

    Example:
    ```python
    import keras_ccar

    loss = keras_ccar.ClassBalancedLoss(
        [500, 100, 20], normalize=True, from_logits=True
    )
    value = loss([0, 2], [[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
    ```
    """

    def __init__(
        self,
        class_counts: ClassCounts,
        beta: float = 0.9999,
        name: str = "class_balanced",
        **arguments,
    ) -> None:
        super().__init__(
            class_counts, weighting=EffectiveNumber(beta), name=name, **arguments
        )

    def get_config(self):
        """Returns the constructor arguments as plain JSON."""
        config = super().get_config()
        del config["weighting"]
        return {**config, **self.weighting.get_config()}
