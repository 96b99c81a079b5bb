"""What all losses share: whole labels, weights, statistics, configuration."""

import keras
from keras import ops

# Masks travel beside tensors in a registry that Keras does not export.
from keras.src.backend import get_keras_mask, set_keras_mask

from keras_ccar import weightings
from keras_ccar.checks import check_number
from keras_ccar.numerics import at_least
from keras_ccar.serialization import deserialize_parts


class ClassAwareLoss(keras.losses.Loss):
    """Base class of losses that weigh samples by confidence and class frequency.

    Arguments are those of `LongTailedCrossentropy`.

    Attributes:
        statistics: the `ClassStatistics` that callbacks of this package hang in. None
            without one: the loss is then a pure function.
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
        policy = keras.dtype_policies.get(dtype or "float32")
        precision = "float64" if policy.compute_dtype == "float64" else "float32"
        super().__init__(name=name, reduction=reduction, dtype=precision)
        self._dtype_argument = dtype if dtype is None else policy.name
        self.weighting = weightings.get(weighting)
        self.normalize = normalize
        self.differentiate_weight = differentiate_weight
        self.from_logits = from_logits
        self.label_smoothing = check_number("label_smoothing", label_smoothing, 0, 1)
        self.statistics = None

    def __call__(self, y_true, y_pred, sample_weight=None):
        """See `keras.losses.Loss`."""
        # Keras passes `call` neither masks nor sample weights. Both decide which
        # samples are counted, so they travel with the labels.
        inputs = {"labels": ops.convert_to_tensor(y_true)}
        mask = get_keras_mask(y_pred)
        y_pred = ops.convert_to_tensor(y_pred)
        counted = None if mask is None else self._per_sample(mask, y_pred)
        if sample_weight is not None:
            sample_weight = self._per_sample(sample_weight, y_pred)
            has_weight = ops.cast(sample_weight != 0, self.dtype)
            counted = has_weight if counted is None else counted * has_weight
        if counted is not None:
            inputs["counted"] = counted
        if mask is not None:
            # A copy: other losses may read the mask of the same output.
            y_pred = ops.copy(y_pred)
            set_keras_mask(y_pred, self._per_sample(mask, y_pred))
        return super().__call__(inputs, y_pred, sample_weight)

    def loss_rank(self, y_pred):
        """Returns the rank of what `call` returns for predictions."""
        return len(y_pred.shape) - 1

    def _per_sample(self, values, y_pred):
        """Gives values trailing axes, so that they broadcast over the losses."""
        values = ops.convert_to_tensor(values, dtype=self.dtype)
        missing = self.loss_rank(y_pred) - len(values.shape)
        return ops.expand_dims(values, [-1] * missing) if missing > 0 else values

    def current_frequency(self, frequency):
        """Returns frequencies to compute with: those of training, if it has others."""
        if self.statistics is not None:
            frequency = self.statistics.frequency
        return ops.cast(ops.convert_to_tensor(frequency), self.dtype)

    def finish_weight(self, weight, mass=None):
        """Normalises a weight over the batch if `mass` is given, and detaches it.

        Args:
            weight: weights of terms.
            mass: how much each term counts, to normalise over the batch.
        """
        weight = ops.cast(weight, self.dtype)
        if mass is not None:
            mean = ops.sum(mass * weight) / at_least(ops.sum(mass), 1e-37)
            weight = weight / ops.where(mean > 0, mean, 1.0)
        if self.statistics is not None:  # `DeferredReweighting` may have it off
            switch = ops.cast(self.statistics.reweighting, self.dtype)
            weight = switch * weight + (1.0 - switch)
        return weight if self.differentiate_weight else ops.stop_gradient(weight)

    @property
    def is_recording(self):
        """Whether this call is part of a training step that is to be recorded."""
        return self.statistics is not None and self.statistics.is_recording

    @property
    def pivot(self):
        """The confidence that divides hard samples from easy ones in statistics."""
        return getattr(self.weighting, "pivot", 0.75)

    @property
    def num_classes(self):
        """K, the number of classes, or None without class counts."""
        return None if self.class_counts is None else len(self.class_counts)

    @property
    def statistics_counts(self):
        """Counts of the classes that statistics tell apart, None if unknown."""
        return self.class_counts

    def adopt_frequency(self, frequency):
        """Makes frequencies that training has updated the loss's own.

        It is saved with them, and uses them without a callback.

        Args:
            frequency: float64 array, one for each of `statistics_counts`.
        """
        self.class_counts = frequency * sum(self.class_counts)

    def summarize(self):
        """Returns what the statistics hold; see `CCARCallback.statistics`."""
        return self.statistics.summarize()

    def get_config(self):
        """Returns the constructor arguments as plain JSON."""
        return {
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
        return cls(**deserialize_parts(config))
