"""What all metrics share: which axis holds the classes, and which label is left out."""

from typing import Any

import keras

from keras_ccar.arguments import (
    check_float_policy,
    check_ignore_class,
    check_text,
    check_whole_number,
    optional,
)
from keras_ccar.inputs.flattened import flatten_samples


class ClassMetric(keras.metrics.Metric):
    """Base class of metrics of classes that exclude each other.

    The arguments are those of `BalancedAccuracy`.
    """

    def __init__(
        self, ignore_class: int | None, axis: int, name: str, dtype: Any
    ) -> None:
        super().__init__(
            name=optional(check_text, "name", name),
            dtype=optional(check_float_policy, "dtype", dtype),
        )
        self.ignore_class = check_ignore_class(ignore_class)
        self.axis = check_whole_number("axis", axis, meaning="the class axis")

    def flatten(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any,
        num_classes: int | None = None,
        argument: str = "num_classes",
    ) -> tuple[Any, Any, Any]:
        """Returns one row for each sample; see `flatten_samples`."""
        return flatten_samples(
            y_true,
            y_pred,
            sample_weight,
            num_classes,
            self.ignore_class,
            self.axis,
            argument,
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {
            **super().get_config(),
            "ignore_class": self.ignore_class,
            "axis": self.axis,
        }
