"""What all losses share: weights, statistics, class frequencies and configuration."""

from collections.abc import Callable
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from keras_ccar import weightings
from keras_ccar.inputs.checks import (
    check_boolean,
    check_choice,
    check_float_policy,
    check_number,
)
from keras_ccar.inputs.predictions import class_axis
from keras_ccar.inputs.samples import Shape, pack_labels
from keras_ccar.serialization import deserialize_nested
from keras_ccar.weightings import Weighting
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


class ClassAwareLoss(keras.losses.Loss):
    """Base class of losses that weight samples by confidence and class frequency.

    The arguments are those of `LongTailedCrossentropy`. A subclass sets `_prior`,
    `class_counts` and `statistics_counts`.

    Attributes:
        statistics: the `ClassStatistics` that a callback has attached, or None. Without
            them the loss is a pure function.
        class_counts: training examples of each class, or None.
        statistics_counts: training examples of each class of the statistics.
    """

    # The parts that the constructor builds from arguments of its own. They are saved as
    # these arguments.
    _fixed_parts: tuple[str, ...] = ()

    def __init__(
        self,
        weighting: Weighting | Callable[..., Any] | None,
        normalize: bool,
        differentiate_weight: bool,
        from_logits: bool,
        label_smoothing: float,
        reduction: str | None,
        name: str,
        dtype: Any,
    ) -> None:
        policy = check_float_policy("dtype", dtype)
        precision = "float64" if policy.compute_dtype == "float64" else "float32"
        check_choice("reduction", reduction, _REDUCTIONS)
        super().__init__(name, reduction, precision)
        self._dtype_argument = dtype if dtype is None else policy.name
        self.weighting = weightings.get(weighting)
        self.normalize = check_boolean("normalize", normalize)
        self.differentiate_weight = check_boolean(
            "differentiate_weight", differentiate_weight
        )
        self.from_logits = check_boolean("from_logits", from_logits)
        self.label_smoothing = check_number("label_smoothing", label_smoothing, 0, 1)
        self.class_counts: list[float] | None = None
        self.statistics_counts: list[float] | None = None
        self.statistics: Any = None
        self._prior: Any = None  # a `ClassPrior` if there are class counts
        self._has_updated_frequency = False

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """See `keras.losses.Loss`."""
        inputs = pack_labels(y_true, y_pred, sample_weight, self.loss_shape, self.dtype)
        return super().__call__(*inputs)

    def loss_shape(self, shape: Shape) -> Shape:
        """Returns the shape of the losses, without the reduction, for predictions."""
        axis = class_axis(self.axis, shape)
        return (*shape[:axis], *shape[axis + 1 :])

    def current_prior(self) -> Any:
        """Returns the `ClassPrior` to compute with, or None without class counts.

        Its frequencies are those of the compiled step if there are statistics.
        """
        if self._prior is None:
            return None
        frequency = self._prior.frequency
        if self.statistics is not None:
            frequency = self.statistics.frequency
        frequency = ops.cast(ops.convert_to_tensor(frequency), self.dtype)
        return self._prior._replace(frequency=frequency)

    def compute_weights(
        self, confidence: Any, prior: Any, mass: Any, labels: Any = None
    ) -> Any:
        """Returns the weights of terms, and adds them to the statistics.

        The arguments are those of `compute_term_weights`.
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
    def num_classes(self) -> int | None:
        """K, the number of classes, or None without class counts."""
        return None if self.class_counts is None else len(self.class_counts)

    @property
    def frequency(self) -> Any:
        """The current class frequencies, one for each class of the statistics."""
        return None if self._prior is None else self._prior.frequency

    def set_class_frequency(self, frequency: Any) -> None:
        """Sets the class frequencies, as training has updated them.

        Only this method does: both those that the loss is saved with, and uses without
        a callback, and those of the compiled step.
        """
        self._prior = self._prior._replace(frequency=np.asarray(frequency, "float64"))
        self._has_updated_frequency = True
        self._write_compiled_frequency()

    def attach_statistics(self, statistics: Any) -> None:
        """Records in `statistics` from now on, and reads the frequencies in them.

        Args:
            statistics: `ClassStatistics` of as many classes as `frequency` has.
        """
        statistics.start(self.statistics_counts, self.set_class_frequency)
        self.statistics = statistics
        self._write_compiled_frequency()

    def _write_compiled_frequency(self) -> None:
        if self.statistics is not None:
            self.statistics.frequency.assign(np.asarray(self.frequency, "float32"))

    def class_summary(self) -> dict[str, np.ndarray]:
        """Returns what the statistics hold; see `CCARCallback.statistics`."""
        return self.statistics.class_summary()

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        config: dict[str, Any] = {}
        if self._has_updated_frequency:
            config["frequency"] = self.frequency.tolist()
        config |= {
            "weighting": keras.saving.serialize_keras_object(self.weighting),
            "normalize": self.normalize,
            "differentiate_weight": self.differentiate_weight,
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "dtype": self._dtype_argument,
            **super().get_config(),
            **self._own_config(),
        }
        for part in self._fixed_parts:
            del config[part]
            config |= getattr(self, part).get_config()
        return config

    def _own_config(self) -> dict[str, Any]:
        """Returns the arguments that only some losses have."""
        return {"class_counts": self.class_counts}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes the loss from `get_config()`."""
        config = deserialize_nested(config)
        frequency = config.pop("frequency", None)
        loss = cls(**config)
        if frequency is not None:
            loss.set_class_frequency(frequency)
        return loss
