"""Running sums that do not lose counts."""

import numpy as np
from keras import ops

from keras_ccar.replicas import replica_variables


class ExactSum:
    """Adds batches into a pair of float32 variables of a metric.

    A float32 total stops counting at 2^24, which per-pixel labels reach within an
    epoch, and JAX and accelerators have no float64 to fall back on. So what each
    addition rounds away is kept in a second variable (two-sum, Knuth 1969): whole
    numbers are exact up to 2^48, and both parts add up over the replicas of a
    distribution strategy like any other metric variable.
    """

    def __init__(self, metric, shape, name):
        self._total, self._rounded_away = (
            metric.add_variable(shape, "zeros", dtype="float32", name=part)
            for part in (name, f"{name}_rounded_away")
        )

    def add(self, values):
        """Adds a float32 tensor of the sum's shape."""
        total = ops.convert_to_tensor(self._total)
        new_total = total + values
        taken_in = new_total - total
        error = (total - (new_total - taken_in)) + (values - taken_in)
        self._total.assign(new_total)
        self._rounded_away.assign(self._rounded_away + error)

    def value(self):
        """Returns the sum as a float32 tensor, rounded once."""
        return self._total + self._rounded_away

    def numpy(self):
        """Returns the sum as a float64 array, not rounded."""
        parts = [
            *replica_variables(self._total),
            *replica_variables(self._rounded_away),
        ]
        return sum(ops.convert_to_numpy(part).astype("float64") for part in parts)

    def assign(self, values):
        """Makes a float64 array the sum, without rounding whole numbers below 2^48."""
        total = np.asarray(values, "float32")
        rest = (values - total.astype("float64")).astype("float32")
        for variable, value in ((self._total, total), (self._rounded_away, rest)):
            # One replica takes it all: a share of a whole number would be rounded.
            first, *others = replica_variables(variable)
            first.assign(value)
            for other in others:
                other.assign(np.zeros_like(value))

    def reset(self):
        """Begins at 0 again."""
        self.assign(np.zeros(self._total.shape))
