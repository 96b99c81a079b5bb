"""Weights that only depend on the class."""

import math
from typing import Any

import keras
from keras import ops

from keras_ccar.arguments import check_number
from keras_ccar.frequencies import ClassPrior, require_numbers_of_examples
from keras_ccar.weightings.base import Weighting


@keras.saving.register_keras_serializable(package="keras_ccar")
class InverseFrequency(Weighting):
    """Weights classes by `1 / (K f_c)`, so that all have the same total weight.

    K counts the classes with examples, so that an empty class changes no other weight.
    Its own is about that of a class with a single example.

    Example:
    ```python
    import keras_ccar
    from keras_ccar.weightings import InverseFrequency

    loss = keras_ccar.LongTailedCrossentropy([75, 25], weighting=InverseFrequency())
    ```
    """

    uses_confidence = False

    def __call__(self, p_t: Any, f_c: Any, prior: ClassPrior) -> Any:
        """See `Weighting`."""
        return 1.0 / (prior.num_present_classes * prior.replace_zero(f_c))


@keras.saving.register_keras_serializable(package="keras_ccar")
class EffectiveNumber(Weighting):
    """Weights classes by `(1 - β) / (1 - β^{n_c})`, scaled to sum to K.

    Sum and K are those of the classes with examples, so that an empty class changes no
    other weight. Its own is about that of a class with a single example.

    `(1 - β^n) / (1 - β)` is the effective number of `n` examples that overlap. Over
    long-tailed training data the mean weight is far below 1 (0.20 on CIFAR-100-LT with
    imbalance factor 100), which acts like a smaller learning rate. Use the loss with
    `normalize=True`.

    Args:
        beta: β in [0, 1). 0 weights all classes equally; the limit 1 is
            `InverseFrequency`.

    Raises:
        ValueError: for a beta outside [0, 1); from the loss, for shares of the classes
            instead of numbers of examples.

    Reference:
        Cui et al. 2019, arXiv 1901.05555, Eq. 2 and Sec. 4.

    Example:
    ```python
    import keras_ccar
    from keras_ccar.weightings import EffectiveNumber

    loss = keras_ccar.LongTailedCrossentropy(
        [500, 20], weighting=EffectiveNumber(beta=0.999), normalize=True
    )
    ```
    """

    uses_confidence = False

    def __init__(self, beta: float = 0.9999) -> None:
        meaning = "its limit 1 is `InverseFrequency`"
        self.beta = check_number("beta", beta, 0, meaning=meaning, below=1)

    def check(self, prior: ClassPrior | None) -> None:
        """See `Weighting`."""
        super().check(prior)
        if self.beta and prior is not None:
            require_numbers_of_examples(prior.examples, "the effective number")

    def __call__(self, p_t: Any, f_c: Any, prior: ClassPrior) -> Any:
        """See `Weighting`."""
        frequency = prior.frequency
        weights = ops.where(frequency > 0, self._unscaled(frequency, prior), 0.0)
        scale = prior.num_present_classes / ops.sum(weights, axis=0)
        return self._unscaled(f_c, prior) * scale

    def _unscaled(self, frequency: Any, prior: ClassPrior) -> Any:
        if self.beta == 0:
            return ops.ones_like(frequency)
        counts = prior.replace_zero(frequency) * prior.num_examples
        # `expm1` computes 1 - β^n without cancellation where β is near 1.
        return -(1.0 - self.beta) / ops.expm1(counts * math.log(self.beta))

    def get_config(self) -> dict[str, Any]:
        """See `Weighting`."""
        return {"beta": self.beta}
