"""Per-class statistics of training, as variables updated inside the compiled step."""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ccar.callbacks.batch_totals import (
    BELOW_PIVOT,
    CONFIDENCE,
    COUNT,
    WEIGHT,
    batch_totals,
)
from keras_ccar.callbacks.step_values import StepValues
from keras_ccar.frequencies import ClassPrior
from keras_ccar.metrics.exact_sum import ExactSum


class ClassStatistics(keras.metrics.Metric):
    """Sums over the samples of each class, and the class frequencies that a loss reads.

    It is a metric only so that Keras carries its variables through the compiled step:
    on JAX, a variable that the loss itself held would be a constant of the step. The
    loss adds to the sums and owns the frequencies; see `ClassAwareLoss`. To a
    `train_step` that updates all metrics of a model it is a metric without a result.

    Args:
        num_classes: K, the number of classes to tell apart.
        name: name of the metric.
    """

    def __init__(self, num_classes: int, name: str = "ccar_statistics") -> None:
        super().__init__(name=name, dtype="float32")
        self.num_classes = num_classes
        self.groups: dict[str, np.ndarray] = {}
        self._totals = ExactSum(self, (num_classes, 4), "totals")
        # Not `add_variable`: these must not be summed over replicas.
        equal = np.full(num_classes, 1.0 / num_classes)
        self.frequency: Any = _constant(equal, "frequency")
        self.num_examples: Any = _constant(num_classes, "num_examples")
        # 1 where the loss weights its samples, 0 while `DeferredReweighting` waits.
        self.weight_switch: Any = _constant(1.0, "reweighting")
        self.step_values = StepValues(name, self.variables)
        self.is_recording = False
        self._loss: Any = None
        # What the variables hold, in float64, and whether training has changed it.
        self.loss_prior = ClassPrior(equal, float(num_classes))
        self.is_updated = False

    def start(self, loss: Any) -> None:
        """Begins to serve a `ClassAwareLoss`, which writes its prior into `prior`.

        The class counts of the loss decide the groups for the whole training.
        """
        if self._loss is not None:
            self._loss.detach_statistics(self)
        self.groups = loss.statistics_groups()
        self._loss = loss
        self.weight_switch.assign(1.0)
        self.reset_sums()

    def serves(self, loss: Any) -> bool:
        """Tells whether `start` was last called with this loss."""
        return self._loss is loss

    @property
    def prior(self) -> ClassPrior:
        """The class distribution as float32 tensors of the compiled step."""
        with self.step_values.in_force():
            return ClassPrior(*map(ops.convert_to_tensor, self._prior_variables))

    @property
    def _prior_variables(self) -> tuple[Any, Any]:
        return (self.frequency, self.num_examples)

    def write_prior(self, prior: ClassPrior, is_updated: bool) -> None:
        """Writes a prior of float64 into the variables of the compiled step."""
        self.loss_prior, self.is_updated = prior, is_updated
        for variable, value in zip(self._prior_variables, prior, strict=True):
            variable.assign(np.asarray(value, "float32"))

    def save_own_variables(self, store: Any) -> None:
        """Saves the loss's prior and the sums with the model's weights."""
        for name, value in self.loss_prior._asdict().items():
            store[name] = np.asarray(value, "float64")
        store["totals"] = self.totals()

    def load_own_variables(self, store: Any) -> None:
        """Loads the sums, and hands the prior to the loss."""
        stored = {name: np.asarray(store[name]) for name in store.keys()}  # noqa: SIM118
        frequency = stored.get("frequency")
        if frequency is not None:
            # Files of version 0.1.0 have frequencies of float32. Equal ones leave the
            # loss its own, which are not rounded.
            own = ops.convert_to_numpy(self.frequency)
            is_equal = np.array_equal(frequency.astype("float32"), own)
            if frequency.dtype == "float64" or not is_equal:
                with self._loss.using_statistics(self):
                    self._loss.set_class_frequency(
                        frequency, stored.get("num_examples")
                    )
        if "totals" in stored:
            self.set_totals(stored["totals"])

    def totals(self) -> np.ndarray:
        """Returns the sums since `reset_sums`, a float64 array of shape `(K, 4)`."""
        return self._totals.numpy()

    def set_totals(self, totals: Any) -> None:
        """Continues from the `totals()` of statistics of as many classes."""
        self._totals.assign(np.asarray(totals))

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """While open, steps that are traced or run add to the statistics."""
        self.is_recording = True
        try:
            yield
        finally:
            self.is_recording = False

    def weight_in_force(self, weight: Any) -> Any:
        """Returns weights: 1 while `DeferredReweighting` has them switched off."""
        with self.step_values.in_force():
            switch = ops.cast(self.weight_switch, weight.dtype)
        return switch * weight + (1.0 - switch)

    def record(
        self, mass: Any, confidence: Any, weight: Any, pivot: float, labels: Any = None
    ) -> None:
        """Adds the terms of a loss; arguments are those of `batch_totals`."""
        terms = (mass, confidence, weight, pivot)
        self.add_totals(*batch_totals(*terms, self.num_classes, labels))

    def record_sides(
        self, masses: Any, confidences: Any, weights: Any, pivot: float
    ) -> None:
        """Adds the terms of yes and of no of K labels, as 2K classes.

        Args:
            masses: a pair of tensors `(..., K)`, as are the confidences.
            confidences: the probabilities of yes and of no.
            weights: a pair of tensors that broadcast to `(..., K)`.
            pivot: as in `record`.
        """
        full = [
            weight + ops.zeros_like(mass)
            for weight, mass in zip(weights, masses, strict=True)
        ]
        mass, confidence, weight = (
            ops.stack(pair, axis=-2) for pair in (masses, confidences, full)
        )
        self.record(mass, confidence, weight, pivot)

    def add_totals(self, *parts: Any) -> None:
        """Adds what `batch_totals` returned for a batch."""
        with self.step_values.in_force(changes=True):
            self._totals.add(*parts)

    def update_state(
        self, y_true: Any = None, y_pred: Any = None, sample_weight: Any = None
    ) -> None:
        """Does nothing: the loss has counted the batch when it was computed."""

    def result(self) -> dict[str, Any]:
        """Returns nothing, which Keras would report for validation too."""
        return {}

    def reset_state(self) -> None:
        """Does nothing: Keras resets metrics before `on_epoch_end` can read them.

        `CCARCallback` calls `reset_sums` instead.
        """

    def reset_sums(self) -> None:
        """Begins the sums of a new epoch."""
        self._totals.reset()

    def class_summary(self) -> dict[str, np.ndarray]:
        """Returns the statistics since `reset_sums`; see `CCARCallback.statistics`."""
        totals = self.totals()
        count = totals[:, COUNT]
        with np.errstate(invalid="ignore", divide="ignore"):
            means = totals / count[:, None]
        return {
            "count": count,
            "frequency": self.loss_prior.frequency,
            "class_counts": self.loss_prior.frequency * self.loss_prior.num_examples,
            "mean_confidence": means[:, CONFIDENCE],
            "mean_weight": means[:, WEIGHT],
            "below_pivot": means[:, BELOW_PIVOT],
        }

    def group_means(self) -> dict[str, tuple[float, float]]:
        """Returns means over samples, as `{group: (mean_confidence, mean_weight)}`.

        The groups are those of `statistics_groups` of the loss. Those without classes
        are left out, and those without samples have NaN.
        """
        totals = self.totals()
        means = {}
        for group, members in self.groups.items():
            if members.any():
                count, confidence, weight, _ = totals[members].sum(axis=0).tolist()
                if not count:
                    confidence, weight, count = math.nan, math.nan, 1
                means[group] = (confidence / count, weight / count)
        return means

    def seen(self) -> np.ndarray:
        """Returns the samples of each class since `reset_sums`, as float64."""
        return self.totals()[:, COUNT]


def _constant(value: Any, name: str) -> keras.Variable:
    """Returns a variable that training does not change."""
    return keras.Variable(
        np.asarray(value, "float32"), trainable=False, dtype="float32", name=name
    )
