"""Running sums that do not lose counts."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ccar.keras_internals import METRICS_ADD_UP_OVER_REPLICAS
from keras_ccar.replicas import replica_variables, strategy_size


class ExactSum:
    """Sums batches in a pair of float32 variables of a metric.

    A float32 sum stops counting at 2^24, which pixel labels reach within an epoch (for
    a batch see `sum_rows`), and JAX and accelerators offer no float64. A second
    variable therefore holds what each addition rounds away (two-sum, Knuth 1969). Whole
    numbers are exact up to 2^48, and both parts add up over replicas like any other
    metric variable.
    """

    def __init__(
        self, metric: keras.metrics.Metric, shape: tuple[int, ...], name: str
    ) -> None:
        if strategy_size() > 1 and not METRICS_ADD_UP_OVER_REPLICAS:
            raise NotImplementedError(
                f"`{metric.name}` on several replicas of tf.distribute needs Keras "
                "3.10 or newer, or its sums would be wrong. Received: "
                f"{strategy_size()} replicas and Keras {keras.__version__}. Install a "
                "newer Keras, or train on one device."
            )
        self._total, self._rounded_away = (
            metric.add_variable(shape, "zeros", dtype="float32", name=part)
            for part in (name, f"{name}_rounded_away")
        )

    def add(self, *parts: Any) -> None:
        """Adds float32 tensors of the sum's shape, such as those of `sum_rows`."""
        total = ops.convert_to_tensor(self._total)
        rounded_away = ops.convert_to_tensor(self._rounded_away)
        for values in parts:
            new_total = total + values
            taken_in = new_total - total
            error = (total - (new_total - taken_in)) + (values - taken_in)
            total, rounded_away = new_total, rounded_away + error
        self._total.assign(total)
        self._rounded_away.assign(rounded_away)

    def value(self) -> Any:
        """Returns the sum as a float32 tensor, rounded once."""
        return self._total + self._rounded_away

    def numpy(self) -> Any:
        """Returns the sum as a float64 array, without rounding."""
        parts = [
            *replica_variables(self._total),
            *replica_variables(self._rounded_away),
        ]
        return sum(ops.convert_to_numpy(part).astype("float64") for part in parts)

    def assign(self, values: np.ndarray) -> None:
        """Sets the sum to a float64 array; whole numbers below 2^48 are not rounded."""
        total = np.asarray(values, "float32")
        rest = (values - total.astype("float64")).astype("float32")
        for variable, value in ((self._total, total), (self._rounded_away, rest)):
            # One replica takes it all, because equal shares would be rounded.
            first, *others = replica_variables(variable)
            first.assign(value)
            for other in others:
                other.assign(np.zeros_like(value))

    def reset(self) -> None:
        """Sets the sum to 0."""
        self.assign(np.zeros(self._total.shape))
