"""The base class of sample weights."""

from keras_ccar.frequencies import require_class_counts
from keras_ccar.serialization import deserialize_nested

LARGEST_WEIGHT = 1e13


class Weighting:
    """Base class of sample weights that a `LongTailedCrossentropy` can take.

    A subclass implements `__call__(p_t, f_c, prior)` with `keras.ops` and
    `get_config()`.

    Attributes:
        uses_confidence: whether the weight depends on `p_t`. One that does not is
            normalised over the training distribution, one that does over the batch.
        uses_frequency: whether the weight depends on `f_c`, so that the loss needs
            class counts.
    """

    uses_confidence = True
    uses_frequency = True

    def check(self, prior):
        """Raises a `ValueError` for a prior that the weight cannot be had from.

        Args:
            prior: the `keras_ccar.frequencies.ClassPrior`, or None if the loss has no
                class counts.
        """
        if self.uses_frequency:
            require_class_counts(prior, type(self).__name__)

    def __call__(self, p_t, f_c, prior):
        """Returns the weights of samples.

        Args:
            p_t: confidence in the true class, any shape.
            f_c: frequency of the true class, broadcasts against `p_t`.
            prior: the `keras_ccar.frequencies.ClassPrior` of the training data.
                Like `f_c`, None in a loss without class counts.

        Returns:
            A tensor that broadcasts against `p_t`.
        """
        raise NotImplementedError

    def get_config(self):
        """Returns the constructor arguments as plain JSON."""
        return {}

    @classmethod
    def from_config(cls, config):
        """Makes the weighting again from `get_config()`."""
        return cls(**deserialize_nested(config))
