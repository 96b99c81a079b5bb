"""What all losses share: weights, statistics, class frequencies and configuration."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import keras
import numpy as np
from keras import ops

from keras_ccar import weightings
from keras_ccar.arguments import (
    check_boolean,
    check_choice,
    check_float_policy,
    check_number,
    check_text,
    optional,
)
from keras_ccar.frequencies import ClassPrior, reported_groups
from keras_ccar.inputs.predictions import class_axis
from keras_ccar.inputs.samples import Shape, prepare_samples
from keras_ccar.keras_internals import reduce_as_keras
from keras_ccar.losses.call_state import calling
from keras_ccar.losses.copying import CopiesAttributes
from keras_ccar.losses.has_statistics import HasStatistics
from keras_ccar.losses.reduction import reduce_over_replicas
from keras_ccar.losses.rounded_prior import RoundedPrior
from keras_ccar.losses.saved_prior import read_saved_prior
from keras_ccar.replicas import replica_count
from keras_ccar.serialization import from_nested_config
from keras_ccar.weightings.base import Normalize, Weighting, check_normalize
from keras_ccar.weightings.normalized_weights import compute_term_weights

# The reductions of Keras's losses.
_REDUCTIONS = (
    "sum_over_batch_size",
    "sum",
    "mean",
    "mean_with_sample_weight",
    "none",
    None,
)


class ClassAwareLoss(HasStatistics, CopiesAttributes, keras.losses.Loss):
    """Base class of losses that weight samples by confidence and class frequency.

    The arguments are those of `LongTailedCrossentropy`. A subclass sets `_prior`,
    `class_counts` and `statistics_counts`. `copy.copy`, `copy.deepcopy` and
    `from_config(get_config())` make losses that begin with the present class
    frequencies and belong to no model.

    A subclass may override `call`, which Keras gives the labels and predictions as
    floats. What it adds to `super().call(y_true, y_pred)` is weighted, masked and
    averaged like the losses themselves.

    Attributes:
        class_counts: training examples of each class, or None.
        statistics_counts: training examples of each class of the statistics.
    """

    # The loss of the other kind of output, softmax or sigmoid, to name in messages.
    sibling = ""
    # The parts that the constructor builds from arguments of its own. They are saved as
    # these arguments.
    _fixed_parts: tuple[str, ...] = ()
    _not_copied: ClassVar[dict[str, Any]] = {"statistics": None, "_given_prior": None}

    def __init__(
        self,
        weighting: Weighting | Callable[..., Any] | None,
        normalize: Normalize,
        differentiate_weight: bool,
        from_logits: bool,
        label_smoothing: Any,
        reduction: str | None,
        name: str,
        dtype: Any,
    ) -> None:
        policy = check_float_policy("dtype", dtype)
        precision = "float64" if policy.compute_dtype == "float64" else "float32"
        check_choice("reduction", reduction, _REDUCTIONS)
        super().__init__(optional(check_text, "name", name), reduction, precision)
        self._dtype_argument = dtype if dtype is None else policy.name
        self.weighting: weightings.Weighting | None = weightings.get(weighting)
        self.normalize = check_normalize(normalize)
        self.differentiate_weight: bool = check_boolean(
            "differentiate_weight", differentiate_weight
        )
        self.from_logits: bool = check_boolean("from_logits", from_logits)
        self.label_smoothing: Any = self._read_smoothing(label_smoothing)
        self.class_counts: list[float] | None = None
        self.statistics_counts: list[float] | None = None
        self.statistics: Any = None
        self._prior = None
        self._has_updated_frequency = False
        self._given_prior = None
        self._rounded_prior = RoundedPrior(precision)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """See `keras.losses.Loss`."""
        labels, y_pred, sample_weight, counted = prepare_samples(
            y_true, y_pred, sample_weight, self.loss_shape, self.dtype
        )
        y_true = ops.convert_to_tensor(labels, dtype=self.dtype)
        with keras.name_scope(self.name), calling(self, y_true, labels, counted) as run:
            losses = self.call(y_true, ops.convert_to_tensor(y_pred, dtype=self.dtype))
            run.restore_mask(losses)
            if replica_count() == 1 or self.reduction in (None, "none"):
                return reduce_as_keras(
                    losses, y_pred, sample_weight, self.reduction, self.dtype
                )
            return reduce_over_replicas(losses, y_pred, sample_weight, self.reduction)

    def loss_shape(self, shape: Shape) -> Shape:
        """Returns the shape of the losses, without the reduction, for predictions."""
        axis = class_axis(self.axis, shape)
        return (*shape[:axis], *shape[axis + 1 :])

    def current_prior(self) -> Any:
        """Returns the `ClassPrior` to compute with, or None without class counts.

        Its numbers are those of the compiled step if there are statistics.
        """
        if self._prior is None:
            return None
        if self.statistics is None:
            return self._rounded_prior.of(self._prior)
        return ClassPrior(*(ops.cast(x, self.dtype) for x in self.statistics.prior))

    def compute_weights(
        self, confidence: Any, prior: Any, mass: Any, share: Any, labels: Any = None
    ) -> Any:
        """Returns the weights of terms, and adds them to the statistics.

        The arguments are those of `compute_term_weights`.
        """
        weight = compute_term_weights(
            self.weighting, confidence, prior, mass, share, labels, self.normalize
        )
        weight = ops.cast(weight, self.dtype)
        statistics = self.statistics
        if statistics is not None:
            weight = statistics.weight_in_force(weight)
            if statistics.is_recording:
                statistics.record(mass, confidence, weight, self.pivot, labels)
        return weight if self.differentiate_weight else ops.stop_gradient(weight)

    @property
    def pivot(self) -> float:
        """The confidence below which the statistics call a term hard."""
        return getattr(self.weighting, "pivot", 0.75)

    @property
    def num_classes(self) -> int | None:
        """K, the number of classes, or None without class counts."""
        return None if self.class_counts is None else len(self.class_counts)

    @property
    def frequency(self) -> Any:
        """The current class frequencies, one for each class of the statistics."""
        return None if self._prior is None else self._prior.frequency

    @property
    def prior(self) -> ClassPrior | None:
        """The current class frequencies and number of examples, in float64."""
        return self._prior

    def statistics_groups(self) -> dict[str, np.ndarray]:
        """Returns the groups of classes that logs show, as boolean vectors."""
        return reported_groups(self.statistics_counts or ())

    def set_class_frequency(
        self, frequency: Any, num_examples: float | None = None
    ) -> None:
        """Sets the prior, as training has updated it.

        Only this method does: both the prior that the loss is saved with, and uses
        without a callback, and that of the compiled step.

        Args:
            frequency: the class frequencies, shape `(K,)`.
            num_examples: N; None leaves it as it is.
        """
        if num_examples is None:
            num_examples = self._prior.num_examples
        frequency = np.asarray(frequency, "float64")
        self._prior = ClassPrior(frequency, float(num_examples))
        self._has_updated_frequency = True
        self._write_compiled_prior()

    def blend_prior(self, seen: np.ndarray, momentum: float) -> None:
        """Moves the prior towards the samples of each class that an epoch has seen.

        Frequencies become `m f + (1 - m) seen / Σ seen`, and the number of examples
        `m N + (1 - m) Σ seen`. An epoch without samples changes nothing.

        Args:
            seen: samples of each class, float64 of shape `(K,)`.
            momentum: m in [0, 1].
        """
        total = seen.sum()
        if total:
            # In float64: a momentum near 1 moves by less than float32 resolves.
            own, new = momentum, 1.0 - momentum
            frequency = own * self._prior.frequency + new * seen / total
            self.set_class_frequency(
                frequency, own * self._prior.num_examples + new * total
            )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        config: dict[str, Any] = {}
        if self._has_updated_frequency:
            config["prior"] = [self.frequency.tolist(), self._prior.num_examples]
        config |= {
            "weighting": keras.saving.serialize_keras_object(self.weighting),
            "normalize": self.normalize,
            "differentiate_weight": self.differentiate_weight,
            "from_logits": self.from_logits,
            "label_smoothing": keras.saving.serialize_keras_object(
                self.label_smoothing
            ),
            "dtype": self._dtype_argument,
            **super().get_config(),
            **self._own_config(),
        }
        for part in self._fixed_parts:
            del config[part]
            config |= getattr(self, part).get_config()
        return config

    def _read_smoothing(self, value: Any) -> Any:
        """Returns the argument `label_smoothing`, checked."""
        return check_number("label_smoothing", value, 0, 1)

    def _own_config(self) -> dict[str, Any]:
        """Returns the arguments that only some losses have."""
        return {"class_counts": self.class_counts}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes the loss from `get_config()`."""
        config = dict(config)
        saved = {key: config.pop(key, None) for key in ("prior", "frequency")}
        loss = from_nested_config(cls, config)
        prior = read_saved_prior(**saved, given=loss.prior)
        if prior is not None:
            loss.set_class_frequency(*prior)
        return loss
