"""Per-class statistics of training, as variables updated inside the compiled step."""

import contextlib
import math

import keras
import numpy as np
from keras import ops

from keras_ccar.frequencies import shot_groups
from keras_ccar.metrics.exact_sum import ExactSum

# Columns of the totals.
COUNT, CONFIDENCE, WEIGHT, BELOW_PIVOT = range(4)


class ClassStatistics(keras.metrics.Metric):
    """What a loss has seen of every class, and the class frequencies it uses.

    It is a metric only so that Keras carries its variables through the compiled step:
    a variable that a loss holds is frozen into the step on JAX. `CCARCallback` makes
    it a metric of the model; the loss adds to it.

    Args:
        num_classes: K, the number of classes to tell apart.
        name: name of the metric.
    """

    def __init__(self, num_classes, name="ccar_statistics"):
        super().__init__(name=name, dtype="float32")
        self.num_classes = num_classes
        self.groups = {}
        self._totals = ExactSum(self, (self.num_classes, 4), "totals")
        # No `add_variable`: the replicas' copies of a frequency must not be summed.
        self.frequency = keras.Variable(
            np.full(num_classes, 1.0 / num_classes, "float32"),
            trainable=False,
            dtype="float32",
            name="frequency",
        )
        # 1 where the loss weighs its samples, 0 while `DeferredReweighting` waits.
        self.weight_switch = keras.Variable(
            1.0, trainable=False, dtype="float32", name="reweighting"
        )
        self.is_recording = False

    def start(self, class_counts, frequency):
        """Begins to serve a loss.

        Args:
            class_counts: training examples of each class. They give the groups of
                classes for the whole of training.
            frequency: the frequencies to begin with, of shape `(K,)`.
        """
        self.groups = shot_groups(class_counts)
        self.frequency.assign(np.asarray(frequency, "float32"))
        self.weight_switch.assign(1.0)
        self.reset_sums()

    def save_own_variables(self, store):
        """Saves frequencies and sums with the weights, for training to go on."""
        store["frequency"] = ops.convert_to_numpy(self.frequency)
        store["totals"] = self.totals()

    def load_own_variables(self, store):
        """Loads what the weights were saved with."""
        if "frequency" in store.keys():  # noqa: SIM118 - a store is no dict
            self.frequency.assign(store["frequency"])
        if "totals" in store.keys():  # noqa: SIM118
            self.set_totals(store["totals"])

    def totals(self):
        """Returns the sums since `clear`, a float64 array of shape `(K, 4)`."""
        return self._totals.numpy()

    def set_totals(self, totals):
        """Goes on from the `totals()` of statistics of as many classes."""
        self._totals.assign(np.asarray(totals))

    @contextlib.contextmanager
    def recording(self):
        """While open, steps that are traced or run add to the statistics."""
        self.is_recording = True
        try:
            yield
        finally:
            self.is_recording = False

    def record(self, mass, confidence, weight, pivot, labels=None):
        """Adds the terms of a loss while recording, and returns the weights in force.

        Arguments are those of `batch_totals`. `DeferredReweighting` may have the
        weights off: all are 1 then.
        """
        switch = ops.cast(self.weight_switch, weight.dtype)
        weight = switch * weight + (1.0 - switch)
        if self.is_recording:
            rows = self.num_classes
            self.update_state(
                batch_totals(mass, confidence, weight, pivot, rows, labels)
            )
        return weight

    def update_state(self, batch_totals):
        """Adds a batch.

        Args:
            batch_totals: tensor of shape `(K, 4)`: per class the samples, and the
                sums of their confidences, of their weights, and of whether they are
                below the pivot.
        """
        self._totals.add(ops.cast(batch_totals, "float32"))

    def result(self):
        """Nothing: Keras would report it for validation too."""
        return {}

    def reset_state(self):
        """Nothing: Keras resets metrics before `on_epoch_end`; see `clear`."""

    def reset_sums(self):
        """Begins a new epoch."""
        self._totals.reset()

    def class_summary(self):
        """Returns the statistics since `clear`.

        Returns:
            A dict of float64 arrays of shape `(K,)`: `count`, `frequency`,
            `mean_confidence`, `mean_weight` and `below_pivot`, the share of samples
            whose confidence is below the pivot. Means of classes without a sample
            are NaN.
        """
        totals = self.totals()
        count = totals[:, COUNT]
        with np.errstate(invalid="ignore", divide="ignore"):
            means = totals / count[:, None]
        return {
            "count": count,
            "frequency": ops.convert_to_numpy(self.frequency).astype("float64"),
            "mean_confidence": means[:, CONFIDENCE],
            "mean_weight": means[:, WEIGHT],
            "below_pivot": means[:, BELOW_PIVOT],
        }

    def group_means(self):
        """Returns means over the samples of groups of classes.

        Returns:
            A dict `{group: (mean_confidence, mean_weight)}` for "all", "many", "medium"
            and "few". Groups without classes are left out; those without samples have
            NaN.
        """
        totals = self.totals()
        everything = np.ones(self.num_classes, dtype=bool)
        means = {}
        for group, members in {"all": everything, **self.groups}.items():
            if members.any():
                count, confidence, weight, _ = totals[members].sum(axis=0).tolist()
                means[group] = (
                    (confidence / count, weight / count) if count else (math.nan,) * 2
                )
        return means

    def blended_frequency(self, momentum):
        """Returns the frequencies moved towards those seen since `reset_sums`.

        Args:
            momentum: m in [0, 1] of `m f + (1 - m) seen / Σ seen`.

        Returns:
            A float32 array of shape `(K,)`. The frequencies as they are if no sample
            was seen.
        """
        frequency = ops.convert_to_numpy(self.frequency)
        seen = self.totals()[:, COUNT]
        if not seen.sum():
            return frequency
        blended = momentum * frequency.astype("float64")
        return (blended + (1 - momentum) * seen / seen.sum()).astype("float32")


def batch_totals(mass, confidence, weight, pivot, num_classes, labels=None):
    """Sums a batch by class; see `ClassStatistics.update_state`.

    Args:
        mass: float tensor: how much each term counts.
        confidence: tensor of the same shape.
        weight: tensor that broadcasts to the same shape.
        pivot: confidence that divides hard terms from easy ones.
        num_classes: K.
        labels: int32 class of each term. None where the last axes are the classes, as
            with label distributions.

    Returns:
        A tensor of shape `(K, 4)`.
    """
    mass, confidence, weight = (
        ops.stop_gradient(x) for x in (mass, confidence, weight)
    )
    columns = _columns(mass, confidence, weight, pivot)
    if labels is not None:
        rows = ops.reshape(ops.stack(columns, axis=-1), (-1, 4))
        return ops.segment_sum(rows, ops.reshape(labels, (-1,)), num_classes)
    columns = [ops.reshape(column, (-1, num_classes)) for column in columns]
    return ops.stack([ops.sum(column, axis=0) for column in columns], axis=-1)


def _columns(mass, confidence, weight, pivot):
    """In the order COUNT, CONFIDENCE, WEIGHT, BELOW_PIVOT."""
    below_pivot = ops.cast(confidence < pivot, mass.dtype)
    return mass, mass * confidence, mass * weight, mass * below_pivot
