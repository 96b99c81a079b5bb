"""What all metrics share: how they read labels, predictions and weights."""

from collections.abc import Iterable
from typing import Any

import keras

from keras_ccar.arguments import (
    MOST_CLASSES,
    argument_error,
    check_boolean,
    check_float_policy,
    check_ignore_class,
    check_number,
    check_text,
    check_whole_number,
    optional,
)
from keras_ccar.inputs.binary_targets import check_ignore_value
from keras_ccar.inputs.flattened import Reading, Rows, flatten_samples


def check_class_number(num_classes: Any, multi_label: Any) -> int:
    """Returns the number of classes, or of independent labels, as an int."""
    multi_label = check_boolean("multi_label", multi_label)
    meaning = (
        "labels, of which an example may have several"
        if multi_label
        else "classes that exclude each other: 2 for yes or no, also with one column "
        "of predictions"
    )
    smallest = 1 if multi_label else 2
    return check_whole_number(
        "num_classes", num_classes, smallest, MOST_CLASSES, meaning
    )


class ClassMetric(keras.metrics.Metric):
    """Base class of metrics of classes that exclude each other, or of tags.

    The arguments are those of `BalancedAccuracy`; `num_classes` is checked already, and
    None for metrics that do not need it.
    """

    # The argument that gives the number of classes.
    _classes_argument = "num_classes"
    # Whether it matters for all predictions if they are probabilities or logits, not
    # only for those of yes or no.
    _needs_probabilities = False
    # The keys of a result that is a dict, and what stands before them in the logs.
    result_keys: tuple[str, ...] = ()
    _prefix = ""

    def __init__(
        self,
        num_classes: int | None,
        ignore_class: int | None,
        axis: int,
        multi_label: bool,
        ignore_value: float | None,
        threshold: float,
        from_logits: bool,
        name: str,
        dtype: Any,
    ) -> None:
        super().__init__(
            name=optional(check_text, "name", name),
            dtype=optional(check_float_policy, "dtype", dtype),
        )
        self.multi_label: bool = check_boolean("multi_label", multi_label)
        self.ignore_class: int | None = check_ignore_class(ignore_class)
        if self.multi_label and self.ignore_class is not None:
            raise argument_error(
                "ignore_class",
                ignore_class,
                "None with multi_label=True",
                "Pass the value of unknown targets as `ignore_value`.",
            )
        self.axis: int = check_whole_number("axis", axis, meaning="the class axis")
        self.ignore_value: float | None = check_ignore_value(ignore_value)
        self.threshold: float = check_number(
            "threshold", threshold, 0, 1, "the probability above which it is yes"
        )
        self.from_logits: bool = check_boolean("from_logits", from_logits)
        self._reading = Reading(
            num_classes,
            self._classes_argument,
            self.ignore_class,
            self.axis,
            self.multi_label,
            self.ignore_value,
            self.threshold,
            self.from_logits,
        )

    def read(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Rows:
        """Returns one row for each sample; see `flatten_samples`."""
        return flatten_samples(y_true, y_pred, sample_weight, self._reading)

    def needs_from_logits(self, num_columns: int | None) -> bool:
        """Whether `from_logits` matters for predictions of so many columns."""
        return self._needs_probabilities or self.multi_label or num_columns == 1

    def name_results(self, keys: Iterable[str], default: str, prefix: str) -> None:
        """Notes the keys of a result that is a dict.

        Args:
            keys: a key for each number.
            default: the name of a metric that was given none.
            prefix: what stands before its keys in the logs; before those of a metric
                with a name of its own, that name does.
        """
        self.result_keys = tuple(keys)
        self._prefix = prefix if self.name == default else f"{self.name}_"

    @property
    def log_names(self) -> list[str]:
        """The keys of `result()`, under which Keras logs its numbers; [] without."""
        return [self._prefix + key for key in self.result_keys]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {
            **super().get_config(),
            "ignore_class": self.ignore_class,
            "axis": self.axis,
            "multi_label": self.multi_label,
            "ignore_value": self.ignore_value,
            "threshold": self.threshold,
            "from_logits": self.from_logits,
        }
