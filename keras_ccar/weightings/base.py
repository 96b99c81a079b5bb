"""The base class of weightings."""

from typing import Any, Self

from keras_ccar.frequencies import ClassPrior, require_class_counts
from keras_ccar.serialization import from_nested_config

# Weights stay below this, so that losses and their gradients fit into float32.
LARGEST_WEIGHT = 1e13


class Weighting:
    """Base class of the weightings of `LongTailedCrossentropy`.

    A subclass implements `__call__(p_t, f_c, prior)` with `keras.ops` and
    `get_config()`.

    Attributes:
        uses_confidence: whether the weight depends on `p_t`. If so, `normalize=True`
            divides by the mean over the batch, otherwise by the mean over the training
            distribution.
        uses_frequency: whether the weight depends on `f_c`, so that the loss needs
            class counts.
    """

    uses_confidence = True
    uses_frequency = True

    def check(self, prior: ClassPrior | None) -> None:
        """Raises a `ValueError` for a prior that the weighting cannot work with.

        Args:
            prior: the `keras_ccar.frequencies.ClassPrior` of the training data, or None
                without class counts.
        """
        if self.uses_frequency:
            require_class_counts(prior, type(self).__name__)

    def __call__(self, p_t: Any, f_c: Any, prior: Any) -> Any:
        """Returns the weights of samples.

        Args:
            p_t: confidence in the true class, any shape.
            f_c: frequency of the true class, broadcasts against `p_t`; None without
                class counts.
            prior: the `keras_ccar.frequencies.ClassPrior` of the training data; None
                without class counts.

        Returns:
            A tensor that broadcasts against `p_t`.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes the weighting from `get_config()`."""
        return from_nested_config(cls, config)
