"""The base class of weightings."""

from collections.abc import Sequence
from typing import Any, Literal, Self

from keras import ops

from keras_ccar.arguments import argument_error, check_boolean
from keras_ccar.frequencies import ClassPrior, require_class_counts
from keras_ccar.serialization import from_nested_config

# Weights stay below this, so that losses and their gradients fit into float32.
LARGEST_WEIGHT = 1e13
# The argument `normalize` of losses.
Normalize = bool | Literal["batch"]


class Weighting:
    """Base class of the weightings of the losses.

    A subclass implements `__call__(p_t, f_c, prior)` with `keras.ops` and
    `get_config()`. With yes-or-no labels the same weighting is asked for the two sides
    of each label, whose frequencies in the prior have the shape `(2, K)`, yes first.

    Attributes:
        uses_confidence: whether the weight depends on `p_t`. If so, `normalize=True`
            divides by the mean over the batch, otherwise by the mean over the training
            distribution. `normalize="batch"` divides by the mean over the batch always.
        uses_frequency: whether the weight depends on `f_c`, so that the loss needs
            class counts.
        is_binary: whether the weighting only makes sense for yes-or-no labels.
    """

    uses_confidence = True
    uses_frequency = True
    is_binary = False

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

    def side_weights(self, confidences: Sequence[Any], prior: Any) -> list[Any]:
        """Returns the weights of the two sides of yes-or-no labels.

        Only called for weightings that use the confidence.

        Args:
            confidences: the probabilities of yes and of no, of shape `(..., K)` each.
            prior: the prior of all labels, frequencies `(2, K)`; None without counts.
        """
        frequencies = [None, None]
        if prior is not None:
            frequencies = ops.unstack(prior.frequency, num=2)
        sides = zip(confidences, frequencies, strict=True)
        return [self(p_t, f_c, prior) for p_t, f_c in sides]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes the weighting from `get_config()`."""
        return from_nested_config(cls, config)


def check_normalize(value: Any) -> Normalize:
    """Returns the argument `normalize` of a loss, which must be a `Normalize`."""
    if isinstance(value, str) and value == "batch":
        return "batch"
    try:
        return check_boolean("normalize", value)
    except ValueError:
        raise argument_error("normalize", value, "True, False or 'batch'") from None
