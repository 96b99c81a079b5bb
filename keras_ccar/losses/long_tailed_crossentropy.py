"""The one engine of every loss here: adjust, cross-entropy, weight."""

import keras
from keras import ops

# Masks travel beside tensors in a registry that Keras does not export.
from keras.src.backend import get_keras_mask, set_keras_mask

from keras_ccar import adjustments, weightings
from keras_ccar.checks import check_number
from keras_ccar.frequencies import ClassPrior, class_prior
from keras_ccar.labels import (
    check_distribution_values,
    check_probabilities,
    check_sparse_values,
    standardize_labels,
)
from keras_ccar.serialization import deserialize_parts
from keras_ccar.statistics import dense_totals, sparse_totals

# The smallest probability whose logarithm has a finite float32 gradient. Keras stops
# at 1e-7, from where a confident mistake no longer learns.
SMALLEST_PROBABILITY = 1e-37


@keras.saving.register_keras_serializable(package="keras_ccar")
class LongTailedCrossentropy(keras.losses.Loss):
    """Cross-entropy of adjusted logits, weighted by confidence and class frequency.

    `L = w(p_t, f_c) * -log p_t`, with `p_t` the softmax probability of the true class
    after the adjustment. Every named loss of this package is one choice of the two
    parts; with neither it is cross-entropy. For label distributions `y` every class
    term has a weight of its own: `L = Σ_k y_k w(p_k, f_k) * -log p_k`.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)` or a
            dict `{class: count}`. None where neither part needs them, as in
            `FocalLoss`.
        weighting: a `keras_ccar.weightings.Weighting`, a callable
            `(p_t, f_c) -> weight`, or None for weight 1.
        adjustment: a `keras_ccar.adjustments.Adjustment`, or None.
        normalize: whether weights are scaled to a mean of 1: over the training
            distribution if they depend on the class alone, else over the batch.
        differentiate_weight: whether gradients flow through the weight as well.
        from_logits: whether predictions are logits rather than probabilities. Rows of
            probabilities that do not sum to 1 are normalised.
        label_smoothing: α in [0, 1]: labels become `(1 - α) y + α / K`.
        ignore_class: an integer label, e.g. 255, whose samples have loss 0 and are
            not counted. For integer labels only.
        axis: the class axis of predictions.
        reduction: as in every Keras loss: "sum_over_batch_size", "sum", "mean",
            "mean_with_sample_weight" or None.
        name: name of the loss.
        dtype: "float64" to compute in double precision. Everything else, half
            precision included, is computed in float32.

    Call arguments:
        y_true: integer labels `(...)` or `(..., 1)`, of integer or float dtype, or
            distributions `(..., K)`.
        y_pred: predictions `(..., K)`, of any rank of at least 2.
        sample_weight: optional, of the rank of the labels or lower.

    Raises:
        ValueError: for arguments outside the above; when called, for labels or
            predictions whose shapes do not fit and, outside a compiled step, for
            values that are not labels or probabilities. Inside a compiled step a
            label that is no class makes the loss NaN.
        TypeError: if the weighting or the adjustment is not such.

    Example:
    ```python
    import keras_ccar
    from keras_ccar.adjustments import LogitAdjustment

    loss = keras_ccar.LongTailedCrossentropy(
        class_counts=[500, 100, 20],
        weighting=lambda p_t, f_c: (1 - p_t) * (1 - f_c),
        adjustment=LogitAdjustment(tau=1.0),
        from_logits=True,
    )
    value = loss([0, 2], [[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
    ```
    """

    def __init__(
        self,
        class_counts,
        weighting=None,
        adjustment=None,
        normalize=False,
        differentiate_weight=False,
        from_logits=False,
        label_smoothing=0.0,
        ignore_class=None,
        axis=-1,
        reduction="sum_over_batch_size",
        name="long_tailed_crossentropy",
        dtype=None,
    ):
        policy = keras.dtype_policies.get(dtype or "float32")
        precision = "float64" if policy.compute_dtype == "float64" else "float32"
        super().__init__(name=name, reduction=reduction, dtype=precision)
        self._dtype_argument = dtype if dtype is None else policy.name
        self.class_counts = class_counts
        self.weighting = weightings.get(weighting)
        self.adjustment = adjustments.get(adjustment)
        if self.weighting is not None and self.weighting.uses_frequency:
            self._require_class_counts("the weighting")
        self.normalize = normalize
        self.differentiate_weight = differentiate_weight
        self.from_logits = from_logits
        self.label_smoothing = check_number("label_smoothing", label_smoothing, 0, 1)
        self.ignore_class = ignore_class
        self.axis = axis
        # Set by `CCARCallback`; without it the loss is a pure function.
        self.statistics = None
        if self.adjustment is not None:
            self._require_class_counts("the adjustment")
            self.adjustment.check(self._prior)

    @property
    def class_counts(self):
        """The class counts, as a list. Where a callback updates frequencies, `N f`."""
        return self._class_counts

    @class_counts.setter
    def class_counts(self, class_counts):
        if class_counts is None:
            self._prior = self._class_counts = None
            return
        self._prior = class_prior(class_counts)
        counts = self._prior.frequency * self._prior.num_examples
        self._class_counts = [
            round(count) if abs(count - round(count)) < 1e-6 else count
            for count in counts.tolist()
        ]

    @property
    def num_classes(self):
        """K, the number of classes, or None without class counts."""
        return None if self._prior is None else self._prior.num_classes

    def __call__(self, y_true, y_pred, sample_weight=None):
        """See `keras.losses.Loss`."""
        # Keras passes `call` neither masks nor sample weights. Both decide which
        # samples are counted, so they travel with the labels.
        inputs = {"labels": ops.convert_to_tensor(y_true)}
        mask = get_keras_mask(y_pred)
        y_pred = ops.convert_to_tensor(y_pred)
        counted = None if mask is None else ops.cast(mask, self.dtype)
        if sample_weight is not None:
            sample_weight = _expand(sample_weight, len(y_pred.shape) - 1, self.dtype)
            has_weight = ops.cast(sample_weight != 0, self.dtype)
            counted = has_weight if counted is None else counted * has_weight
        if counted is not None:
            inputs["counted"] = counted
        if mask is not None:
            set_keras_mask(y_pred, mask)
        return super().__call__(inputs, y_pred, sample_weight)

    def call(self, y_true, y_pred):
        """Returns one loss per sample, of the shape of the labels.

        Args:
            y_true: labels or distributions; see the class.
            y_pred: predictions; see the class.
        """
        inputs = y_true if isinstance(y_true, dict) else {"labels": y_true}
        labels = ops.convert_to_tensor(inputs["labels"])
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        if self.axis not in (-1, len(y_pred.shape) - 1):
            y_pred = ops.moveaxis(y_pred, self.axis, -1)
        num_classes = self._check_num_classes(y_pred)
        labels, is_sparse = standardize_labels(labels, y_pred.shape, self.axis)
        logits = y_pred if self.from_logits else _log_probabilities(y_pred)
        counted = inputs.get("counted")
        if not is_sparse:
            self._check_distributions(labels)
            return self._losses(ops.cast(labels, self.dtype), logits, counted)
        labels, is_class, is_ignored = self._classes(labels, num_classes)
        is_counted = ops.cast(is_class, self.dtype)
        counted = is_counted if counted is None else counted * is_counted
        losses = self._losses(labels, logits, counted, is_sparse=True)
        # A label that is no class must not pass for a loss of 0.
        others = ops.where(is_ignored, 0.0, float("nan"))
        losses = ops.where(is_class, losses, ops.cast(others, self.dtype))
        if self.ignore_class is not None:
            set_keras_mask(losses, ops.logical_not(is_ignored))
        return losses

    def _losses(self, labels, logits, counted, is_sparse=False):
        """Adjust, cross-entropy, weight."""
        prior = self._current_prior()
        if self.adjustment is not None:
            logits = self.adjustment(logits, labels, prior)
        if is_sparse and self.label_smoothing:
            labels = ops.one_hot(labels, logits.shape[-1], dtype=self.dtype)
            is_sparse = False
        # A term is a sample; with distributions, a class of a sample.
        if is_sparse:
            terms = ops.sparse_categorical_crossentropy(
                labels, logits, from_logits=True
            )
            # How much a term counts in means and statistics.
            mass = ops.ones_like(terms) if counted is None else counted
        else:
            terms = -ops.log_softmax(logits, axis=-1)
            mass = labels if counted is None else labels * counted[..., None]
        # The fused cross-entropy already holds the confidence.
        confidence = ops.exp(-terms)
        weight = self._weight(confidence, labels if is_sparse else None, mass, prior)
        if self.statistics is not None and self.statistics.is_recording:
            self._record(labels if is_sparse else None, mass, confidence, weight)
        terms = terms * weight
        if is_sparse:
            return terms
        smoothing = self.label_smoothing
        labels = (1.0 - smoothing) * labels + smoothing / logits.shape[-1]
        return ops.sum(labels * terms, axis=-1)

    def _weight(self, confidence, labels, mass, prior):
        def of_terms(class_vector):
            if labels is None or class_vector is None:
                return class_vector
            return ops.take(class_vector, labels)

        if self.weighting is None:
            return ops.ones_like(confidence)
        frequency = prior.frequency if prior else None
        if self.weighting.uses_confidence:
            weight = self.weighting(confidence, of_terms(frequency), prior)
            if self.normalize:
                mean = ops.sum(mass * weight) / ops.maximum(ops.sum(mass), 1e-37)
                weight = weight / ops.where(mean > 0, mean, 1.0)
        else:
            class_weight = self.weighting(None, frequency, prior)
            if self.normalize:
                class_weight = class_weight / ops.sum(frequency * class_weight)
            weight = of_terms(class_weight)
        weight = ops.cast(weight, self.dtype)
        if self.statistics is not None:  # `DeferredReweighting` may have it off
            switch = ops.cast(self.statistics.reweighting, self.dtype)
            weight = switch * weight + (1.0 - switch)
        return weight if self.differentiate_weight else ops.stop_gradient(weight)

    def _record(self, labels, mass, confidence, weight):
        pivot = getattr(self.weighting, "pivot", 0.75)
        terms = [ops.stop_gradient(term) for term in (mass, confidence, weight)]
        if labels is None:
            totals = dense_totals(*terms, pivot)
        else:
            totals = sparse_totals(labels, *terms, pivot, self.num_classes)
        self.statistics.update_state(totals)

    def _current_prior(self):
        if self._prior is None:
            return None
        frequency = self._prior.frequency
        if self.statistics is not None:
            frequency = self.statistics.frequency
        frequency = ops.cast(ops.convert_to_tensor(frequency), self.dtype)
        return ClassPrior(frequency, self._prior.num_examples)

    def _classes(self, labels, num_classes):
        """Returns int32 labels in [0, K), which labels are classes, which ignored."""
        check_sparse_values(labels, num_classes, self.ignore_class)
        classes = ops.cast(labels, "int32")
        is_class = (classes >= 0) & (classes < num_classes)
        is_class = is_class & (ops.cast(classes, labels.dtype) == labels)
        is_ignored = ops.zeros_like(is_class)
        if self.ignore_class is not None:
            is_ignored = classes == self.ignore_class
            is_class = is_class & ops.logical_not(is_ignored)
        return ops.where(is_class, classes, 0), is_class, is_ignored

    def _check_num_classes(self, y_pred):
        num_classes = y_pred.shape[-1]
        if len(y_pred.shape) < 2 or num_classes != (self.num_classes or num_classes):
            raise ValueError(
                "`class_counts` must have one entry for each class on the class axis "
                f"of `y_pred`, which has a rank of at least 2. Received "
                f"{self.num_classes} counts and y_pred.shape={tuple(y_pred.shape)} "
                "(class axis last)."
            )
        return num_classes

    def _require_class_counts(self, what):
        if self._prior is None:
            raise ValueError(
                f"`class_counts` must be given: {what} of the loss {self.name!r} "
                "needs the number of training examples of each class. "
                "Received: class_counts=None"
            )

    def _check_distributions(self, labels):
        if self.ignore_class is not None:
            raise ValueError(
                "`ignore_class` applies to integer labels. Received "
                f"ignore_class={self.ignore_class} and label distributions of shape "
                f"{tuple(labels.shape)}: leave samples out with a sample weight of 0."
            )
        check_distribution_values(labels)

    def get_config(self):
        """Returns the constructor arguments as plain JSON."""
        return {
            "class_counts": self.class_counts,
            "weighting": keras.saving.serialize_keras_object(self.weighting),
            "adjustment": keras.saving.serialize_keras_object(self.adjustment),
            "normalize": self.normalize,
            "differentiate_weight": self.differentiate_weight,
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "ignore_class": self.ignore_class,
            "axis": self.axis,
            "dtype": self._dtype_argument,
            **super().get_config(),
        }

    @classmethod
    def from_config(cls, config):
        """Makes the loss again from `get_config()`."""
        return cls(**deserialize_parts(config))


def _log_probabilities(y_pred):
    check_probabilities(y_pred)
    return ops.log(ops.maximum(y_pred, SMALLEST_PROBABILITY))


def _expand(sample_weight, rank, dtype):
    """Gives sample weights trailing axes, so that they broadcast over the samples."""
    sample_weight = ops.convert_to_tensor(sample_weight, dtype=dtype)
    while len(sample_weight.shape) < rank:
        sample_weight = ops.expand_dims(sample_weight, -1)
    return sample_weight
