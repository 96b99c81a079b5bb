"""What all losses share: whole labels, weights, statistics, configuration."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ccar import weightings
from keras_ccar.inputs.checks import (
    check_boolean,
    check_float_policy,
    check_number,
    check_reduction,
)
from keras_ccar.inputs.predictions import class_axis
from keras_ccar.inputs.samples import pack_labels
from keras_ccar.serialization import deserialize_nested
from keras_ccar.weightings.term_weights import compute_term_weights


class ClassAwareLoss(keras.losses.Loss):
    """Base class of losses that weigh samples by confidence and class frequency.

    Arguments are those of `LongTailedCrossentropy`.

    Attributes:
        statistics: the `ClassStatistics` that callbacks of this package hang in. None
            without one: the loss is then a pure function.
        class_counts: training examples of each class, as a list, or None.
        statistics_counts: the same for the classes that statistics tell apart.
    """

    def __init__(
        self,
        weighting=None,
        normalize=False,
        differentiate_weight=False,
        from_logits=False,
        label_smoothing=0.0,
        reduction="sum_over_batch_size",
        name=None,
        dtype=None,
    ):
        policy = check_float_policy("dtype", dtype)
        precision = "float64" if policy.compute_dtype == "float64" else "float32"
        super().__init__(name, check_reduction(reduction), precision)
        self._dtype_argument = dtype if dtype is None else policy.name
        self.weighting = weightings.get(weighting)
        self.normalize = check_boolean("normalize", normalize)
        self.differentiate_weight = check_boolean(
            "differentiate_weight", differentiate_weight
        )
        self.from_logits = check_boolean("from_logits", from_logits)
        self.label_smoothing = check_number("label_smoothing", label_smoothing, 0, 1)
        self.statistics: Any = None  # a ClassStatistics, with a callback
        self._prior: Any = None  # a ClassPrior, where there are class counts
        self._has_updated_frequency = False

    def __call__(self, y_true, y_pred, sample_weight=None):
        """See `keras.losses.Loss`."""
        inputs = pack_labels(y_true, y_pred, sample_weight, self.loss_shape, self.dtype)
        return super().__call__(*inputs)

    def loss_shape(self, shape):
        """Returns the shape of what `call` returns, for predictions of a shape."""
        axis = class_axis(self.axis, shape)
        return (*shape[:axis], *shape[axis + 1 :])

    def current_prior(self):
        """Returns the prior to compute with, at the frequencies of the compiled step.

        None without class counts.
        """
        if self._prior is None:
            return None
        frequency = self._prior.frequency
        if self.statistics is not None:
            frequency = self.statistics.frequency
        frequency = ops.cast(ops.convert_to_tensor(frequency), self.dtype)
        return self._prior._replace(frequency=frequency)

    def compute_weights(self, confidence, prior, mass, labels=None):
        """Returns the weights of terms, and adds them to the statistics.

        Arguments are those of `keras_ccar.weightings.term_weights.weigh_terms`.
        """
        weight = compute_term_weights(
            self.weighting, confidence, prior, mass, labels, self.normalize
        )
        weight = ops.cast(weight, self.dtype)
        if self.statistics is not None:
            pivot = getattr(self.weighting, "pivot", 0.75)
            weight = self.statistics.record(mass, confidence, weight, pivot, labels)
        return weight if self.differentiate_weight else ops.stop_gradient(weight)

    @property
    def num_classes(self):
        """K, the number of classes, or None without class counts."""
        return None if self.class_counts is None else len(self.class_counts)

    @property
    def frequency(self):
        """The frequencies that the loss is now at; statistics tell as many classes."""
        return None if self._prior is None else self._prior.frequency

    def set_class_frequency(self, frequency):
        """Sets the class frequencies, as training has updated them.

        Nothing else writes them: neither those that the loss is saved with, and uses
        without a callback, nor those of the compiled step.

        Args:
            frequency: array of the shape of `frequency`.
        """
        self._prior = self._prior._replace(frequency=np.asarray(frequency, "float64"))
        self._has_updated_frequency = True
        if self.statistics is not None:
            self.statistics.frequency.assign(np.asarray(frequency, "float32"))

    def class_summary(self):
        """Returns what the statistics hold; see `CCARCallback.statistics`."""
        return self.statistics.class_summary()

    def get_config(self):
        """Returns the constructor arguments as plain JSON."""
        updated = (
            {"frequency": self.frequency.tolist()}
            if self._has_updated_frequency
            else {}
        )
        return {
            **updated,
            "weighting": keras.saving.serialize_keras_object(self.weighting),
            "normalize": self.normalize,
            "differentiate_weight": self.differentiate_weight,
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "dtype": self._dtype_argument,
            **super().get_config(),
        }

    @classmethod
    def from_config(cls, config):
        """Makes the loss again from `get_config()`."""
        config = deserialize_nested(config)
        frequency = config.pop("frequency", None)
        loss = cls(**config)
        if frequency is not None:
            loss.set_class_frequency(frequency)
        return loss
